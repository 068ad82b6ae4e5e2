//! One walk over a tree: its scopes, and the names in each.

use tree_sitter::{Node, Tree};

use super::marks::{Mark, MarkSet, Marked, Marks};
use crate::text::Span;

/// Nodes visited in one text; a text that is parsed has 2 MiB at most, and hardly as many nodes.
const MOST_NODES: usize = 4_000_000;

/// Nodes between two questions whether to stop.
const ASKED_EVERY: usize = 4_096;

/// A stretch of the text with variables of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// The scope around it.
    pub(super) parent: Option<usize>,
    /// What kind of scope it is.
    pub(super) kind: ScopeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// A block.
    Block,
    /// A function: what is hoisted goes no further.
    Function,
    /// The body of a type: what is bound here is no local variable.
    Members,
}

/// A name as the walk met it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) span: Span,
    /// The node that it stands in.
    pub(super) around: Span,
    pub(super) marks: MarkSet,
    pub(super) qualifier: Option<Span>,
    /// Where it stands, by index.
    pub(super) scope: Option<usize>,
    /// From where on what it binds is known.
    pub(super) known_from: Option<usize>,
    /// Whether it stands in a statement that imports.
    pub(super) imported: bool,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) scopes: Vec<Scope>,
    pub(super) names: Vec<Met>,
    pub(super) imports: Vec<Span>,
}

/// What holds for the children of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    scope: Option<usize>,
    known_from: Option<usize>,
    imported: bool,
    /// Bytes of the node.
    span: (usize, usize),
}

/// Walks over all of `tree`.
pub(super) fn walk(tree: &Tree, text: &str, marks: &Marks, stop: &dyn Fn() -> bool) -> Result<Walked, String> {
    let mut walked = Walked::default();
    let mut cursor = tree.walk();
    let mut frames = vec![Frame::default()];
    for count in 0..MOST_NODES {
        if count % ASKED_EVERY == 0 && stop() {
            return Err("it was cancelled, or looking at its names took too long".to_owned());
        }
        let above = frames.last().copied().unwrap_or_default();
        let (frame, goes_in) = walked.enter(cursor.node(), above, text, marks);
        if goes_in && cursor.goto_first_child() {
            frames.push(frame);
            continue;
        }
        while !cursor.goto_next_sibling() {
            frames.pop();
            if !cursor.goto_parent() {
                return Ok(walked);
            }
        }
    }
    Err("it has too many parts to look at its names".to_owned())
}

impl Walked {
    /// Takes in one node: what holds for its children, and whether they are looked at.
    fn enter(&mut self, node: Node<'_>, above: Frame, text: &str, marks: &Marks) -> (Frame, bool) {
        let mut frame = Frame { span: (node.start_byte(), node.end_byte()), ..above };
        let Some(marks) = marks else {
            let is_name = node.is_named() && node.child_count() == 0 && looks_like_a_name(node, text);
            if is_name {
                self.meet(node, above, frame, Marked::default());
            }
            return (frame, !is_name);
        };
        let Some(marked) = marks.get(&node.id()).copied() else { return (frame, true) };
        let has = |mark| marked.marks.has(mark);
        if has(Mark::Outside) {
            frame.scope = frame.scope.and_then(|scope| self.scopes.get(scope)).and_then(|scope| scope.parent);
            frame.known_from = None;
        }
        if let Some(kind) = scope_kind(marked.marks) {
            self.scopes.push(Scope { parent: frame.scope, kind });
            frame.scope = Some(self.scopes.len() - 1);
            frame.known_from = None;
        }
        if has(Mark::After) {
            frame.known_from = Some(node.end_byte());
        }
        if has(Mark::Import) && !has(Mark::Name) {
            frame.imported = true;
            self.imports.push(Span::new(node.start_byte(), node.end_byte()));
        }
        if has(Mark::Ignored) {
            return (frame, false);
        }
        if has(Mark::Name) {
            self.meet(node, above, frame, marked);
        }
        (frame, !has(Mark::Name))
    }

    fn meet(&mut self, node: Node<'_>, above: Frame, frame: Frame, marked: Marked) {
        let span = Span::new(node.start_byte(), node.end_byte());
        if span.is_empty() {
            return;
        }
        self.names.push(Met {
            span,
            around: Span::new(above.span.0.min(span.start), above.span.1.max(span.end)),
            marks: marked.marks,
            qualifier: marked.qualifier,
            scope: frame.scope,
            known_from: frame.known_from,
            imported: frame.imported || marked.marks.has(Mark::Import),
        });
    }
}

fn scope_kind(marks: MarkSet) -> Option<ScopeKind> {
    if marks.has(Mark::Members) {
        Some(ScopeKind::Members)
    } else if marks.has(Mark::Function) {
        Some(ScopeKind::Function)
    } else {
        marks.has(Mark::Scope).then_some(ScopeKind::Block)
    }
}

/// For languages without a query: a word of letters, digits and underscores that is no comment, number or text.
fn looks_like_a_name(node: Node<'_>, text: &str) -> bool {
    const OTHERS: [&str; 4] = ["comment", "string", "text", "number"];
    let word = text.get(node.byte_range()).unwrap_or_default();
    let starts = word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    let continues = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-');
    starts && word.chars().all(continues) && !OTHERS.iter().any(|other| node.kind().contains(other))
}
