//! Who calls what is defined at a place, and what it calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definitions::{Depth, Located, definitions};
use super::library::{Library, Parsed};
use super::references::uses;
use super::{CodeCall, CodeItem, CodePlace, Spot};
use crate::ports::Failure;
use crate::syntax::{ChunkKind, Defined, Reach, Stands, Usage};
use crate::text::{Range, Span};

/// Names whose definitions are looked for among the callees of one definition.
const MOST_CALLEES: usize = 200;

/// What the name at `spot` leads to, where that can call or be called.
pub(super) fn callable(library: &Library<'_>, spot: &Spot) -> Result<Vec<CodeItem>, Failure> {
    let located = at(library, spot)?;
    let item = |one: &Located| {
        let defined = one.defined().filter(|defined| defined.kind != ChunkKind::Section)?;
        Some(library.item(&one.file, defined))
    };
    Ok(located.iter().filter_map(item).collect())
}

/// What the name at `spot` leads to; nothing for a local variable.
fn at(library: &Library<'_>, spot: &Spot) -> Result<Vec<Located>, Failure> {
    let Some((here, index)) = library.at(spot) else { return Ok(Vec::new()) };
    let occurrence = here.names.occurrences.get(index);
    let is_local = occurrence.is_none_or(|one| one.binding.is_some() && one.usage != Usage::Definition);
    if is_local { Ok(Vec::new()) } else { definitions(library, &here, index, Depth::Everything) }
}

/// Calls of what is defined at `spot`, by who makes them.
pub(super) fn callers(library: &Library<'_>, spot: &Spot) -> Result<Vec<CodeCall>, Failure> {
    let Some((here, index)) = library.at(spot) else { return Ok(Vec::new()) };
    let targets = at(library, spot)?;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let call = |file: &Parsed, used: usize| {
        let one = file.names.occurrences.get(used).filter(|one| one.usage == Usage::Call)?;
        let calls = |defined: &Defined| defined.kind != ChunkKind::Variable && defined.stands != Stands::Extends;
        let caller = file.names.around(one.span.start, calls);
        let item = caller.map_or_else(|| whole(library, file), |caller| library.item(file, caller));
        Some((item, library.range(file, one.span)))
    };
    Ok(grouped(uses(library, &here, here.name(index), &targets, call)?))
}

/// A file as the caller of what is called outside of all definitions.
fn whole(library: &Library<'_>, file: &Parsed) -> CodeItem {
    let start = library.range(file, Span::new(0, 0));
    CodeItem {
        name: file.path.file_name().to_owned(),
        kind: ChunkKind::Text,
        container: None,
        detail: file.path.to_string(),
        place: library.place(file, Span::new(0, file.text.len())),
        name_range: start,
        inner: Vec::new(),
    }
}

/// What is called by what is defined at `spot`.
pub(super) fn callees(library: &Library<'_>, spot: &Spot) -> Result<Vec<CodeCall>, Failure> {
    let mut found = Vec::new();
    for caller in at(library, spot)? {
        let Some(defined) = caller.defined() else { continue };
        let here = &caller.file;
        for indices in called_in(here, defined.span).into_values().take(MOST_CALLEES) {
            library.check()?;
            let Some(first) = indices.first() else { continue };
            let callees = definitions(library, here, *first, Depth::Index)?;
            let spans = indices.iter().filter_map(|index| here.names.occurrences.get(*index));
            let ranges: Vec<Range> = spans.map(|one| library.range(here, one.span)).collect();
            let calls = callees.iter().filter_map(|callee| Some(library.item(&callee.file, callee.defined()?)));
            found.extend(calls.flat_map(|item| ranges.iter().map(move |range| (item.clone(), *range))));
        }
        if called_in(here, defined.span).len() > MOST_CALLEES {
            library.note_cut("more than 200 different names are called");
        }
    }
    Ok(grouped(found))
}

/// The calls in `span` that are none of local functions, by name and what it is reached through.
fn called_in(here: &Arc<Parsed>, span: Span) -> BTreeMap<(String, String), Vec<usize>> {
    let mut calls: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (index, one) in here.names.occurrences.iter().enumerate() {
        let is_inside = span.start <= one.span.start && one.span.end <= span.end;
        if is_inside && one.usage == Usage::Call && one.binding.is_none() {
            let through = match &one.reach {
                Reach::Through(qualifier) => qualifier.clone(),
                Reach::Bare | Reach::Free => String::new(),
            };
            calls.entry((here.name(index).to_owned(), through)).or_default().push(index);
        }
    }
    calls
}

/// Calls with the same other end together, in the order of their places.
fn grouped(calls: Vec<(CodeItem, Range)>) -> Vec<CodeCall> {
    let mut by_place: BTreeMap<(CodePlace, Range), CodeCall> = BTreeMap::new();
    for (item, range) in calls {
        let key = (item.place.clone(), item.name_range);
        by_place.entry(key).or_insert_with(|| CodeCall { item, ranges: Vec::new() }).ranges.push(range);
    }
    let sorted = by_place.into_values().map(|mut call| {
        call.ranges.sort();
        call.ranges.dedup();
        call
    });
    sorted.collect()
}
