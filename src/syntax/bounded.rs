//! A parsed text whose tree can be walked only so far. A rule may ask for work without end (`has` within `has`, a
//! utility that goes down and up again); the library that matches it cannot be stopped, but it goes where the tree
//! leads: once too much was walked, or the stack grew too deep, the tree here leads nowhere any more.

use std::borrow::Cow;
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use ast_grep_core::Position;
use ast_grep_core::source::{Doc, Edit, SgNode};
use tree_sitter::{Node, Tree};

use super::metavariables::{Dialect, document};
use super::parse::NoTree;

/// Steps that any text may take.
const FREE_STEPS: u64 = 2_000_000;

/// Steps that each byte of a text earns; one rule over ordinary code takes less than two.
const STEPS_PER_BYTE: u64 = 64;

/// Bytes of text that one comparison or regular expression reads for one step.
const BYTES_PER_STEP: usize = 32;

/// Bytes that matching may take of the stack: threads of the runtime have 2 MiB.
const DEEPEST_STACK: usize = 640 * 1024;

/// Why a walk ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    /// Too many steps.
    Steps,
    /// Too deep a recursion.
    Stack,
}

/// What is left of a walk.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<u64>,
    stack: Cell<usize>,
    spent: Cell<Option<Spent>>,
}

impl Budget {
    fn new(bytes: usize) -> Self {
        let earned = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(STEPS_PER_BYTE);
        Self {
            steps: Cell::new(earned.saturating_add(FREE_STEPS)),
            stack: Cell::new(stack_position()),
            spent: Cell::new(None),
        }
    }

    /// Whether the walk was ended, and by what.
    pub(super) fn spent(&self) -> Option<Spent> {
        self.spent.get()
    }

    /// Takes `count` steps; whether the walk may go on.
    fn take(&self, count: u64) -> bool {
        let left = self.steps.get();
        if left < count {
            self.end(Spent::Steps);
            return false;
        }
        self.steps.set(left - count);
        if stack_position().abs_diff(self.stack.get()) > DEEPEST_STACK {
            self.end(Spent::Stack);
            return false;
        }
        true
    }

    fn end(&self, why: Spent) {
        self.steps.set(0);
        if self.spent.get().is_none() {
            self.spent.set(Some(why));
        }
    }
}

/// Where the stack is now, as a number.
fn stack_position() -> usize {
    let marker = 0_u8;
    black_box(&raw const marker).addr()
}

/// A text, its tree, and how far that may be walked.
#[derive(Clone)]
pub(super) struct BoundedText {
    text: String,
    dialect: Dialect,
    tree: Tree,
    budget: Rc<Budget>,
}

impl BoundedText {
    /// Parses `text`, guarded and bounded as every text is.
    pub(super) fn parse(dialect: Dialect, text: &str, stop: &dyn Fn() -> bool) -> Result<Self, NoTree> {
        let parsed = document(dialect, text, stop)?;
        let budget = Rc::new(Budget::new(parsed.src.len()));
        Ok(Self { text: parsed.src, dialect, tree: parsed.tree, budget })
    }

    /// The tree itself, for walks that bound themselves.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What is left of its walk.
    pub(super) fn budget(&self) -> Rc<Budget> {
        Rc::clone(&self.budget)
    }
}

impl Doc for BoundedText {
    type Source = String;
    type Lang = Dialect;
    type Node<'r> = BoundedNode<'r>;

    fn get_lang(&self) -> &Dialect {
        &self.dialect
    }

    fn get_source(&self) -> &String {
        &self.text
    }

    fn do_edit(&mut self, _: &Edit<String>) -> Result<(), String> {
        Err("a bounded text is never edited: parse the new one".to_owned())
    }

    fn root_node(&self) -> BoundedNode<'_> {
        BoundedNode { node: self.tree.root_node(), budget: &self.budget }
    }

    fn get_node_text<'a>(&'a self, node: &BoundedNode<'a>) -> Cow<'a, str> {
        let range = node.node.byte_range();
        let read = u64::try_from(range.len() / BYTES_PER_STEP).unwrap_or(u64::MAX);
        self.budget.take(read);
        Cow::Borrowed(self.text.get(range).unwrap_or_default())
    }
}

/// A node of a [`BoundedText`].
#[derive(Debug, Clone, Copy)]
pub(super) struct BoundedNode<'r> {
    node: Node<'r>,
    budget: &'r Budget,
}

impl<'r> BoundedNode<'r> {
    fn at(self, node: Node<'r>) -> Self {
        Self { node, budget: self.budget }
    }

    /// The node that `find` leads to, one step away.
    fn step(self, find: impl FnOnce(&Node<'r>) -> Option<Node<'r>>) -> Option<Self> {
        if self.budget.take(1) { find(&self.node).map(|node| self.at(node)) } else { None }
    }

    /// The nodes of `iterator`, one step each.
    fn steps(self, iterator: impl Iterator<Item = Node<'r>>) -> impl Iterator<Item = Self> {
        iterator.take_while(move |_| self.budget.take(1)).map(move |node| self.at(node))
    }
}

impl<'r> SgNode<'r> for BoundedNode<'r> {
    fn parent(&self) -> Option<Self> {
        self.step(Node::parent)
    }

    fn children(&self) -> impl ExactSizeIterator<Item = Self> {
        let count = u64::from(self.node.child_count());
        let most = if self.budget.take(count) { usize::MAX } else { 0 };
        let node = *self;
        SgNode::children(&self.node).take(most).map(move |child| node.at(child))
    }

    fn ancestors(&self, root: Self) -> impl Iterator<Item = Self> {
        self.steps(SgNode::ancestors(&self.node, root.node))
    }

    fn dfs(&self) -> impl Iterator<Item = Self> {
        self.steps(SgNode::dfs(&self.node))
    }

    fn child(&self, nth: usize) -> Option<Self> {
        self.step(|node| SgNode::child(node, nth))
    }

    fn next(&self) -> Option<Self> {
        self.step(Node::next_sibling)
    }

    fn prev(&self) -> Option<Self> {
        self.step(Node::prev_sibling)
    }

    fn next_all(&self) -> impl Iterator<Item = Self> {
        self.steps(SgNode::next_all(&self.node))
    }

    fn prev_all(&self) -> impl Iterator<Item = Self> {
        self.steps(SgNode::prev_all(&self.node))
    }

    fn field(&self, name: &str) -> Option<Self> {
        self.step(|node| node.child_by_field_name(name))
    }

    fn field_children(&self, field_id: Option<u16>) -> impl Iterator<Item = Self> {
        self.steps(SgNode::field_children(&self.node, field_id))
    }

    fn child_by_field_id(&self, field_id: u16) -> Option<Self> {
        self.step(|node| node.child_by_field_id(field_id))
    }

    fn kind(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.node.kind())
    }

    fn kind_id(&self) -> u16 {
        self.node.kind_id()
    }

    fn node_id(&self) -> usize {
        self.node.id()
    }

    fn range(&self) -> std::ops::Range<usize> {
        self.node.byte_range()
    }

    fn start_pos(&self) -> Position {
        SgNode::start_pos(&self.node)
    }

    fn end_pos(&self) -> Position {
        SgNode::end_pos(&self.node)
    }

    fn is_named(&self) -> bool {
        self.node.is_named()
    }

    fn is_named_leaf(&self) -> bool {
        self.node.named_child_count() == 0
    }

    fn is_leaf(&self) -> bool {
        self.node.child_count() == 0
    }

    fn is_missing(&self) -> bool {
        self.node.is_missing()
    }

    fn is_error(&self) -> bool {
        self.node.is_error()
    }

    fn is_extra(&self) -> bool {
        self.node.is_extra()
    }
}
