//! The definitions of a parsed text, by the query in `grammars/<language>/definitions.scm`.
//!
//! The query never runs over the whole tree: it runs over the children of the root, then over the children of
//! each node that a match named `@inner`, `@members` or `@container`. What is in function bodies is not visited.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use tree_sitter::{Node, QueryCursor, QueryMatch, StreamingIterator, Tree};

use super::ChunkKind;
use super::grammar::{Definitions, Role};
use crate::text::Span;

/// Definitions and containers visited in one text; beyond, what is left belongs to the definition around it.
const MOST_VISITS: usize = 100_000;

/// Children that an unparsable stretch may have to be looked at: walking over them takes time by their square.
const MOST_BROKEN_CHILDREN: usize = 2_000;

/// Characters of a signature.
const SIGNATURE: usize = 200;

/// One definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// Bytes of the definition and of the comments and attributes above it.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: ChunkKind,
    /// Its name.
    pub(super) name: Option<String>,
    /// Bytes of what names it.
    pub(super) name_span: Option<Span>,
    /// Name of the nearest definition around it that has one.
    pub(super) parent: Option<String>,
    /// Itself without its body, in one line.
    pub(super) signature: String,
}

/// A definition as the query matched it.
#[derive(Clone)]
struct Found<'tree> {
    node: Node<'tree>,
    /// Index of the pattern in the query's file.
    pattern: usize,
    kind: ChunkKind,
    name: Option<Node<'tree>>,
    body: Option<usize>,
    inside: Vec<(Node<'tree>, Functions)>,
}

/// What a function in a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Functions {
    Plain,
    Methods,
}

/// A node whose children may be definitions.
struct Visit<'tree> {
    node: Node<'tree>,
    parent: Option<String>,
    functions: Functions,
}

/// What one visit found.
#[derive(Default)]
struct Level<'tree> {
    found: Vec<Found<'tree>>,
    /// Index in `found` by node.
    by_node: HashMap<usize, usize>,
    containers: Vec<Node<'tree>>,
    leading: Vec<Span>,
}

thread_local! {
    static CURSOR: RefCell<QueryCursor> = RefCell::new(QueryCursor::new());
}

/// All definitions, sorted by where they start, outer before inner.
pub(super) fn find(definitions: &Definitions, tree: &Tree, text: &str, stop: &dyn Fn() -> bool) -> Vec<Definition> {
    let mut result = Vec::new();
    let mut visits = vec![Visit { node: tree.root_node(), parent: None, functions: Functions::Plain }];
    let mut count = 0;
    CURSOR.with_borrow_mut(|cursor| {
        cursor.set_max_start_depth(Some(1)).set_match_limit(1_024);
        while let Some(visit) = visits.pop() {
            count += 1;
            if count > MOST_VISITS || stop() {
                break;
            }
            let level = look(definitions, cursor, visit.node, text);
            take(level, &visit, text, &mut result, &mut visits);
        }
    });
    result.sort_by_key(|definition| (definition.span.start, std::cmp::Reverse(definition.span.end)));
    result
}

/// Runs the query over the children of `node`.
fn look<'tree>(definitions: &Definitions, cursor: &mut QueryCursor, node: Node<'tree>, text: &str) -> Level<'tree> {
    let mut level = Level::default();
    if node.is_error() && node.child_count() as usize > MOST_BROKEN_CHILDREN {
        return level;
    }
    let mut matches = cursor.matches(&definitions.query, node, text.as_bytes());
    while let Some(found) = matches.next() {
        level.add(definitions, node, found);
    }
    let Level { containers, by_node, .. } = &mut level;
    // A definition that is also a container only holds others: Go's `type ( … )`.
    containers.retain(|container| container.id() != node.id());
    let held: HashSet<usize> = containers.iter().filter_map(|held| by_node.get(&held.id()).copied()).collect();
    let mut index = 0;
    level.found.retain(|_| {
        index += 1;
        !held.contains(&(index - 1))
    });
    level.leading.sort_unstable();
    level
}

impl<'tree> Level<'tree> {
    fn add(&mut self, definitions: &Definitions, around: Node<'tree>, found: &QueryMatch<'_, 'tree>) {
        let mut definition: Option<Found<'tree>> = None;
        let pattern = found.pattern_index;
        let (mut name, mut body, mut inside) = (None, None, Vec::new());
        for capture in found.captures() {
            let node = capture.node;
            match definitions.roles.get(capture.index as usize).copied().unwrap_or(Role::Unused) {
                Role::Definition(kind) if node.id() != around.id() => {
                    definition = Some(Found { node, pattern, kind, name: None, body: None, inside: Vec::new() });
                }
                Role::Name => name = name.or(Some(node)),
                Role::Body => body = body.or(Some(node.start_byte())),
                Role::Inner => inside.push((node, Functions::Plain)),
                Role::Members => inside.push((node, Functions::Methods)),
                Role::Container => self.containers.push(node),
                Role::Leading => self.leading.push(span(node)),
                Role::Definition(_) | Role::Unused => {}
            }
        }
        if let Some(definition) = definition {
            self.merge(Found { name, body, inside, ..definition });
        }
    }

    /// Several patterns may match one node: the one that stands first in the query's file counts, and the others
    /// add what it lacks.
    fn merge(&mut self, new: Found<'tree>) {
        let known = self.by_node.get(&new.node.id()).and_then(|index| self.found.get_mut(*index));
        let Some(known) = known else {
            self.by_node.insert(new.node.id(), self.found.len());
            self.found.push(new);
            return;
        };
        let (first, second) = if new.pattern < known.pattern { (new, &*known) } else { (known.clone(), &new) };
        let inside = if first.inside.is_empty() { second.inside.clone() } else { first.inside.clone() };
        let merged = Found { name: first.name.or(second.name), body: first.body.or(second.body), inside, ..first };
        *known = merged;
    }
}

/// Turns what a visit found into definitions, and into further visits.
fn take<'tree>(
    level: Level<'tree>,
    visit: &Visit<'tree>,
    text: &str,
    result: &mut Vec<Definition>,
    visits: &mut Vec<Visit<'tree>>,
) {
    let (parent, functions) = (&visit.parent, visit.functions);
    for node in level.containers {
        visits.push(Visit { node, parent: parent.clone(), functions });
    }
    for found in level.found {
        let name = found.name.map(|node| one_line(text.get(node.byte_range()).unwrap_or_default()));
        let name = name.filter(|name| !name.is_empty());
        let inside = name.clone().or_else(|| parent.clone());
        for (node, functions) in &found.inside {
            visits.push(Visit { node: *node, parent: inside.clone(), functions: *functions });
        }
        let is_method = found.kind == ChunkKind::Function && functions == Functions::Methods;
        result.push(Definition {
            span: Span::new(with_leading(text, found.node.start_byte(), &level.leading), found.node.end_byte()),
            kind: if is_method { ChunkKind::Method } else { found.kind },
            signature: signature(text, &found),
            name_span: found.name.map(span),
            name,
            parent: parent.clone(),
        });
    }
}

/// Where the unbroken run of comments and attributes above byte `start` begins, with its indentation. An empty
/// line ends the run, and so does a comment behind something else on its line.
fn with_leading(text: &str, start: usize, leading: &[Span]) -> usize {
    let mut reached = start;
    let below = leading.partition_point(|span| span.start < start);
    for span in leading.iter().take(below).rev() {
        let gap = text.get(span.start..reached).unwrap_or_default().get(span.len().min(reached - span.start)..);
        let comment = text.get(span.start..span.end).unwrap_or_default();
        let breaks = comment.len() - comment.trim_end().len();
        let breaks = comment.get(comment.len() - breaks..).unwrap_or_default().matches('\n').count();
        let is_near = gap.is_some_and(|gap| gap.trim().is_empty() && gap.matches('\n').count() + breaks <= 1);
        if !is_near || !starts_its_line(text, span.start) {
            break;
        }
        reached = span.start;
    }
    let before = text.get(..reached).unwrap_or_default();
    if starts_its_line(text, reached) { before.trim_end_matches([' ', '\t']).len() } else { reached }
}

/// Whether only blanks stand before byte `at` on its line.
pub(super) fn starts_its_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let blanks = before.trim_end_matches([' ', '\t', '\u{feff}']);
    blanks.is_empty() || blanks.ends_with('\n')
}

fn signature(text: &str, found: &Found<'_>) -> String {
    let start = found.node.start_byte();
    let end = found.body.filter(|body| *body > start).unwrap_or(found.node.end_byte());
    let head = text.get(start..end).unwrap_or_default();
    let is_heading = found.kind == ChunkKind::Section && found.body.is_none();
    one_line(if is_heading { head.lines().next().unwrap_or_default() } else { head })
}

/// Whitespace collapsed to single spaces, at most [`SIGNATURE`] characters.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    // A character takes at most four bytes and whitespace is rare: no need to split all of a long text.
    for word in text.split_whitespace().take(SIGNATURE) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(SIGNATURE));
        if line.len() >= 4 * SIGNATURE {
            break;
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(SIGNATURE) {
        line.truncate(cut);
    }
    line
}

fn span(node: Node<'_>) -> Span {
    Span::new(node.start_byte(), node.end_byte())
}
