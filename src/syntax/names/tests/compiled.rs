//! Languages with blocks and types.

use super::check;
use crate::syntax::Language;

#[test]
fn rust() {
    let text = "use crate::text::{Span, helper};
struct Root { path: String }
impl Root {
    fn join(&self, tail: &str) -> Root { helper(tail); self.path.len(); Root::new(tail) }
    fn new<T>(path: T) -> Self { Root { path: path.into() } }
}
fn helper(count: usize) {
    let count = count + 1;
    if let Some(inner) = find(count) { use_it(inner) } else { inner() }
    match kind { Kind::A(held) | Kind::B(held) if held > 0 => held, MAX => 1, other => other };
    let closure = |arg| arg + count;
    for helper in helper() { assert_eq!(helper, outer(1), \"{}\", text.helper); }
    fn nested() {}
    nested();
    closure(1);
}
enum Kind { A(u8), B(u8) }
fn generic<T: Into<Root>>(value: T) {}
";
    check(
        Language::Rust,
        text,
        &[
            ("Root", "def type type other type type"),
            ("join", "def"),
            ("new", "call(Root) def"),
            ("tail", "binds local@4 local@4"),
            ("path", "def other(self) binds other local@5"),
            ("helper", "import call def binds call local@12 other"),
            ("count", "binds binds local@7 local@8 local@8"),
            ("inner", "binds local@9 local@9"),
            ("held", "binds local@10 local@10 local@10"),
            ("MAX", "other"),
            ("other", "binds local@10"),
            ("arg", "binds local@11"),
            ("outer", "call"),
            ("nested", "binds local@13"),
            ("closure", "binds local@11"),
            ("A", "other(Kind) def"),
            ("T", "binds local@5 binds local@18"),
            ("Span", "import"),
        ],
    );
}

#[test]
fn go() {
    let text = "package main
import \"example.com/tools\"
type Store struct { items []Item; size int }
type Reader interface { Read(p []byte) (n int, err error) }
func (s *Store) Add(item Item) (err error) {
	value, err := tools.Make(item)
	if value, ok := s.items[0]; ok { use(value) }
	for size := range size { size++ }
	switch kind := value.(type) { case Item: kind.Add(item) }
	func(inner int) { inner++ }(1)
	return Helper(Store{size: 1, items: value})
}
func Helper(s Store) error { var other = s; return other.size }
var Limit = 3
func generic[T any](x T) T { Limit := Limit; return Limit }
";
    check(
        Language::Go,
        text,
        &[
            ("Store", "def type type type"),
            ("items", "def other(s) other"),
            ("size", "def binds other local@8 other other(other)"),
            ("Read", "def"),
            ("p", "binds"),
            ("Add", "def call(kind)"),
            ("item", "binds local@5 local@5"),
            ("err", "binds binds local@5"),
            ("value", "binds binds local@7 local@6 local@6"),
            ("Make", "call(tools)"),
            ("kind", "binds local@9"),
            ("inner", "binds local@10"),
            ("Helper", "call def"),
            ("other", "binds local@13"),
            ("Limit", "def binds other local@15"),
            ("T", "binds local@15 local@15"),
        ],
    );
}

#[test]
fn java() {
    let text = "package a.b;
import a.b.Helper;
class Store<T> extends Base implements Shape {
  private int size = LIMIT;
  static final int LIMIT = 3;
  Store(int size) { this.size = size; }
  T add(T item, Helper helper) throws Failure {
    int local = size;
    for (T each : items()) { int size = local; use(size, each); }
    helper.run(x -> x + local, Helper::make);
    try (Reader r = new Reader(item)) { r.read(); } catch (Failure e) { throw e; }
    if (item instanceof Helper h) { h.run(); }
    return add(item, null);
  }
  enum Kind { ONE, TWO }
}
";
    check(
        Language::Java,
        text,
        &[
            ("Helper", "import type other type"),
            ("size", "def binds other(this) local@6 other binds local@9"),
            ("LIMIT", "other def"),
            ("item", "binds local@7 local@7 local@7"),
            ("helper", "binds local@7"),
            ("local", "binds local@8 local@8"),
            ("each", "binds local@9"),
            ("items", "call"),
            ("run", "call(helper) call(h)"),
            ("make", "call(Helper)"),
            ("x", "binds local@10"),
            ("Reader", "type call"),
            ("e", "binds local@11"),
            ("add", "def call"),
            ("ONE", "def"),
            ("T", "binds local@3 local@3 local@3"),
            ("Store", "def def"),
        ],
    );
}

#[test]
fn c_and_cpp() {
    let text = "#include \"tools.h\"
#define LIMIT 3
#define TWICE(x) ((x) * 2)
struct store { int size; char *name; void (*run)(int); };
typedef struct store store_t;
extern int shared;
int helper(int count, char *name);
static int table[LIMIT];
int helper(int count, char *name) {
  int size = count; char *rest = name, **more;
  for (int i = 0; i < LIMIT; i++) { int count = i; use(count); }
  store_t *s = make(size); s->size = TWICE(size); s->run(1);
  rest = more[table[0]];
  return helper(count, s->name);
}
enum kind { ONE, TWO };
";
    for language in [Language::C, Language::Cpp] {
        check(
            language,
            text,
            &[
                ("LIMIT", "def other other"),
                ("TWICE", "def call"),
                ("x", "binds"),
                ("size", "def binds local@10 other(s) local@10"),
                ("store", "def type"),
                ("shared", "def"),
                ("helper", "def def call"),
                ("count", "binds binds local@9 binds local@11 local@9"),
                ("name", "def binds binds local@9 other(s)"),
                ("rest", "binds local@10"),
                ("more", "binds local@10"),
                ("i", "binds local@11 local@11 local@11"),
                ("table", "def other"),
                ("s", "binds local@12 local@12 local@12"),
                ("run", "def call(s)"),
                ("ONE", "def"),
            ],
        );
    }
}

#[test]
fn cpp() {
    let text = "namespace tools { int helper(int); }
template <typename T> class Store : public Base {
 public:
  Store(int size) : size_(size) {}
  T add(const T& item) { auto found = items_.find(item); return tools::helper(found); }
  static Store* make();
  int size_;
};
Store* Store::make() { for (auto& each : all()) each.add(1); auto f = [&](int x) { return x; }; return new Store(f(1)); }
int main() { auto [a, b] = pair(); try { tools::run<int>(a, b); } catch (const Error& e) { log(e); } }
";
    check(
        Language::Cpp,
        text,
        &[
            ("helper", "def call(tools)"),
            ("Store", "def def type type other call"),
            ("size", "binds local@4"),
            ("add", "def call(each)"),
            ("item", "binds local@5"),
            ("found", "binds local@5"),
            ("make", "def def"),
            ("each", "binds local@9"),
            ("x", "binds local@9"),
            ("a", "binds local@10"),
            ("run", "call(tools)"),
            ("e", "binds local@10"),
            ("size_", "other def"),
            ("T", "binds local@2 local@2"),
        ],
    );
}

#[test]
fn c_sharp() {
    let text = "using Tools.Deep;
namespace App {
  class Store<T> : Base, IShape {
    private readonly int size = Limit;
    public int Count { get { return size; } set { size = value; } }
    const int Limit = 3;
    public Store(int size) { this.size = size; }
    public T Add(T item, Helper helper) {
      var local = size;
      foreach (var each in Items()) { int size = local; Use(size, each); }
      helper.Run(x => x + local);
      if (Find(out var got) && item is Helper h) { h.Run<int>(got); }
      int Inner(int y) { return y; }
      return new Store<T>(Inner(1)).Add(item, null);
    }
  }
  enum Kind { One, Two }
}
";
    check(
        Language::CSharp,
        text,
        &[
            ("Store", "def def call"),
            ("size", "def other other binds other(this) local@7 other binds local@10"),
            ("Count", "def"),
            ("Limit", "other def"),
            ("item", "binds local@8 local@8"),
            ("helper", "binds local@8"),
            ("local", "binds local@9 local@9"),
            ("each", "binds local@10"),
            ("Run", "call(helper) call(h)"),
            ("x", "binds local@11"),
            ("got", "binds local@12"),
            ("h", "binds local@12"),
            ("Inner", "binds local@13"),
            ("y", "binds local@13"),
            ("Add", "def call()"),
            ("Helper", "type other"),
            ("One", "def"),
        ],
    );
}
