//! Scripting languages.

use super::check;
use crate::syntax::Language;

#[test]
fn python() {
    let text = "from pkg.mod import helper, other as alias
LIMIT = 3
class Base:
    kind = LIMIT
    def __init__(self, size=LIMIT, *rest, **named):
        self.size = size
        self.kind = rest
    def run(self):
        total = 0
        for item in self.items(total):
            total += item
        return helper(total, size=self.size), [item for item in named]
def outer(value):
    def inner(value):
        global LIMIT
        LIMIT = value
        return inner
    with open(value) as handle:
        handle.read()
    helper = value
    return inner(helper), alias()
class Child(Base): pass
";
    check(
        Language::Python,
        text,
        &[
            ("helper", "import call binds local@20"),
            ("LIMIT", "def other other other other"),
            ("Base", "def type"),
            ("kind", "def other(self)"),
            ("size", "binds def local@5 other other(self)"),
            ("rest", "binds local@5"),
            ("named", "binds other"),
            ("total", "binds local@9 local@9 local@9"),
            ("item", "binds local@10 local@12 binds"),
            ("items", "call(self)"),
            ("inner", "binds local@14 local@14"),
            ("value", "binds binds local@14 local@13 local@13"),
            ("handle", "binds local@18"),
            ("read", "call(handle)"),
            ("alias", "import call"),
        ],
    );
}

const SCRIPT: &str = "import { helper, other as alias } from './tools';
const LIMIT = 3;
export class Store extends Base {
  #hidden = 1;
  items = [];
  constructor(size) { super(); this.size = size; }
  add(item, { deep, more: renamed } = {}, ...rest) {
    const helper = item;
    for (const item of this.items) { helper(item); }
    if (rest) { var late = deep; let LIMIT = 2; LIMIT; }
    return late + LIMIT + renamed;
  }
}
function outer(a, b = LIMIT) {
  inner(a);
  function inner(x) { return x + b; }
  const again = (y) => y.add(a, x => x);
  try { alias(); } catch (error) { throw error; }
  return new Store(again, { add: a, outer });
}
helper();
";

const SCRIPT_NAMES: &[(&str, &str)] = &[
    ("helper", "import binds local@8 call"),
    ("alias", "import call"),
    ("LIMIT", "def binds local@10 other other"),
    ("Store", "def call"),
    ("hidden", ""),
    ("items", "def other(this)"),
    ("size", "binds def local@6"),
    ("item", "binds local@7 binds local@9"),
    ("deep", "binds local@7"),
    ("renamed", "binds local@7"),
    ("rest", "binds local@7"),
    ("late", "binds local@10"),
    ("add", "def call(y) other"),
    ("a", "binds local@14 local@14 local@14"),
    ("b", "binds local@14"),
    ("inner", "local@16 binds"),
    ("x", "binds local@16 binds local@17"),
    ("again", "binds local@17"),
    ("error", "binds local@18"),
    ("outer", "def other"),
];

#[test]
fn javascript_and_its_kin() {
    for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
        check(language, SCRIPT, SCRIPT_NAMES);
    }
    let view = "const List = () => <Item of={items}>x</Item>;\n";
    for language in [Language::JavaScript, Language::Tsx] {
        check(language, view, &[("Item", "call type"), ("items", "other"), ("of", "other")]);
    }
}

#[test]
fn typescript() {
    let text = "import type { Base } from './base';
interface Shape<T> { area: number; scale(by: T): Shape<T>; }
type Pick<K> = K | Shape<number>;
enum Kind { One, Two = 2 }
class Box<T> implements Shape<T> {
  constructor(private readonly held: T, other?: Kind) {}
  scale(by: T): Shape<T> { return this.held.scale(by as Kind.One); }
}
function over(value: string): void;
function over(value: unknown) { function T() {} T(); return value; }
type Run = (area: number) => void;
";
    check(
        Language::TypeScript,
        text,
        &[
            ("Base", "import"),
            ("Shape", "def type type type type"),
            ("area", "def binds"),
            ("scale", "def def call(held)"),
            ("by", "binds binds local@7"),
            ("K", "binds local@3"),
            ("Kind", "def type other"),
            ("One", "def type(Kind)"),
            ("held", "def other(this)"),
            ("value", "binds binds local@10"),
            ("over", "def def"),
        ],
    );
}

#[test]
fn ruby() {
    let text = "require 'tools'
module Tools
  LIMIT = 3
  class Store < Base
    attr_reader :size
    def initialize(size, deep: 1, *rest, &block)
      @size = size
      @items = rest
    end
    def add(item)
      total = 0
      @items.each { |each| total += each; other = total }
      other
      helper(total, item) || self.size
      Tools::Store.new(LIMIT)
    end
    def self.make(size) = new(size)
  end
end
";
    check(
        Language::Ruby,
        text,
        &[
            ("LIMIT", "def type"),
            ("Store", "def type(Tools)"),
            ("@size", "def binds other local@6 call(self) binds local@17"),
            ("rest", "binds local@6"),
            ("@items", "def other"),
            ("total", "binds local@11 local@11 local@11"),
            ("each", "call(items) binds local@12"),
            ("other", "binds other"),
            ("helper", "call"),
            ("item", "binds local@10"),
            ("new", "call(Store) call"),
            ("make", "def"),
        ],
    );
}

#[test]
fn php() {
    let text = "<?php
use Tools\\Helper;
const LIMIT = 3;
class Store extends Base implements Shape {
  const KIND = 1;
  private int $size = LIMIT;
  public function __construct(private Helper $helper, int $size) { $this->size = $size; }
  public function add(Item $item) {
    $total = 0;
    foreach ($this->items as $key => $each) { $total += $each; }
    $f = fn($x) => $x + $total;
    return helper($total) . self::KIND . Store::make($item) . new Helper($key);
  }
}
function helper($total) { global $shared; return $shared + $total; }
";
    check(
        Language::Php,
        text,
        &[
            ("Helper", "import type call"),
            ("LIMIT", "def other"),
            ("KIND", "def other(self)"),
            ("$size", "def binds other(this) local@7"),
            ("add", "def"),
            ("$item", "binds local@8"),
            ("$total", "binds local@9 local@9 local@9 binds local@15"),
            ("$each", "binds local@10"),
            ("$key", "binds local@10"),
            ("$x", "binds local@11"),
            ("helper", "def call def"),
            ("make", "call(Store)"),
            ("$shared", "other other"),
        ],
    );
}

#[test]
fn lua() {
    let text = "local tools = require('tools')
local M = {}
local limit = 3
function M.add(item, limit)
  local total = total or 0
  for index, each in pairs(item) do total = total + each end
  for i = 1, limit do M.add(i) end
  local function inner(x) return inner(x) end
  return tools.helper(inner(total)), index
end
function helper() return limit end
M.size = 1
return M
";
    check(
        Language::Lua,
        text,
        &[
            ("limit", "def binds local@4 other"),
            ("add", "def call(M)"),
            ("item", "binds local@4"),
            ("total", "binds other local@5 local@5 local@5"),
            ("each", "binds local@6"),
            ("index", "binds other"),
            ("i", "binds local@7"),
            ("inner", "binds local@8 local@8"),
            ("x", "binds local@8"),
            ("helper", "call(tools) def"),
            ("size", "def"),
        ],
    );
}

#[test]
fn bash() {
    let text = "source ./tools.sh
LIMIT=3
add() {
  local total=$1 LIMIT
  for each in $LIMIT; do helper \"$total\" \"${each}\"; done
}
function helper { echo \"$LIMIT $total\"; add; }
add \"$LIMIT\"
";
    check(
        Language::Bash,
        text,
        &[
            ("LIMIT", "def binds local@4 other other"),
            ("total", "binds local@4 other"),
            ("add", "def call call"),
            ("helper", "call def"),
            ("each", "def other"),
        ],
    );
}
