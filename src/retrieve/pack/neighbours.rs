//! What stands near a definition that was taken: beside it in its type, called in it, using it. By name alone.

use std::collections::BTreeSet;

use super::super::{Catalogue, Known, terms};
use super::leads::named_exactly;
use crate::syntax::ChunkKind;
use crate::workspace::RelativePath;

/// Of each sort, what is worth a look.
const MOST_SIBLINGS: usize = 12;
const MOST_CALLED: usize = 40;
/// What more chunks use says little.
const MOST_USERS: usize = 12;

/// A chunk near another, with the share of the other's worth that it has.
pub(super) struct Neighbour {
    pub(super) chunk: u32,
    pub(super) share: f32,
    pub(super) reason: &'static str,
}

/// What stands near `chunk`, whose text is `text`; a chunk may come twice.
pub(super) fn neighbours(catalogue: &Catalogue, chunk: u32, text: &str) -> Vec<Neighbour> {
    let Some(known) = catalogue.known(chunk) else { return Vec::new() };
    let mut found = called(catalogue, text);
    found.extend(users(catalogue, &known));
    found.extend(siblings(catalogue, chunk, &known));
    found.retain(|neighbour| neighbour.chunk != chunk);
    found
}

fn siblings(catalogue: &Catalogue, chunk: u32, known: &Known<'_>) -> Vec<Neighbour> {
    let Ok(path) = RelativePath::new(known.path) else { return Vec::new() };
    let beside = |other: &u32| {
        let is_near = |other: Known<'_>| other.symbol.is_some() && other.parent == known.parent;
        *other != chunk && catalogue.known(*other).is_some_and(is_near)
    };
    let mut near: Vec<u32> = catalogue.chunks_of(&path).into_iter().filter(beside).collect();
    near.sort_by_key(|other| (other.abs_diff(chunk), *other));
    let (share, reason) = if known.parent.is_some() { (0.25, "of the same type") } else { (0.12, "of the same file") };
    near.into_iter().take(MOST_SIBLINGS).map(|chunk| Neighbour { chunk, share, reason }).collect()
}

/// Definitions of names that stand before an opening bracket.
fn called(catalogue: &Catalogue, text: &str) -> Vec<Neighbour> {
    let is_name = |at: char| at.is_alphanumeric() || at == '_';
    let before = text.match_indices('(').filter_map(|(at, _)| text.get(..at)?.rsplit(|at| !is_name(at)).next());
    let names: BTreeSet<&str> = before.filter(|name| name.len() > 2).collect();
    let mut found = Vec::new();
    for name in names.into_iter().take(MOST_CALLED) {
        // A name with several definitions may mean any of them, or none.
        if let [callee] = named_exactly(catalogue, name).as_slice() {
            found.push(Neighbour { chunk: *callee, share: 0.35, reason: "called by what was chosen" });
        }
    }
    found
}

/// What a definition's name stands in the text of, where it is rare enough to mean that definition.
fn users(catalogue: &Catalogue, known: &Known<'_>) -> Vec<Neighbour> {
    let callable = match known.kind {
        ChunkKind::Function | ChunkKind::Method | ChunkKind::Type | ChunkKind::Interface | ChunkKind::Macro => true,
        ChunkKind::Module | ChunkKind::Variable | ChunkKind::Section | ChunkKind::Text => false,
    };
    // A compound stands under its whole as well.
    let term = known.symbol.filter(|_| callable).and_then(|symbol| terms(symbol).pop());
    let mut having = term.map(|term| catalogue.having(&term)).unwrap_or_default();
    having.retain(|chunk| {
        catalogue.known(*chunk).is_some_and(|other| other.symbol.is_some_and(|symbol| Some(symbol) != known.symbol))
    });
    if having.len() > MOST_USERS {
        return Vec::new();
    }
    let user = |chunk| Neighbour { chunk, share: 0.3, reason: "uses what was chosen" };
    having.into_iter().map(user).collect()
}
