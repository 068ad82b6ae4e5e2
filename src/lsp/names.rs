//! Answers about names as the protocol has them.

use tower_lsp::ls_types as proto;

use super::offer::NameFeatures;
use super::to_proto::{range, symbol_kind, target};
use crate::engine::Targets;
use crate::engine::recipes::{CodeCall, CodeItem, CodePlace, SymbolAnswer};
use crate::syntax::ChunkKind;

fn uri(place: &CodePlace, targets: &Targets) -> Option<proto::Uri> {
    targets.get(&(place.root.clone(), place.path.clone())).and_then(target)
}

fn location(place: &CodePlace, targets: &Targets) -> Option<proto::Location> {
    Some(proto::Location { uri: uri(place, targets)?, range: range(place.range) })
}

fn kind(item: &CodeItem) -> proto::SymbolKind {
    if item.kind == ChunkKind::Variable && item.container.is_some() {
        proto::SymbolKind::FIELD
    } else {
        symbol_kind(item.kind)
    }
}

/// Places; `None` where there are none, so that an editor asks the next server.
pub(super) fn locations(answer: SymbolAnswer, targets: &Targets) -> Option<Vec<proto::Location>> {
    let SymbolAnswer::Places(places) = answer else { return None };
    let found: Vec<_> = places.iter().filter_map(|place| location(place, targets)).collect();
    (!found.is_empty()).then_some(found)
}

/// What a document defines: one in the other where the client takes it so, else one after the other.
pub(super) fn outline(
    answer: SymbolAnswer,
    targets: &Targets,
    features: NameFeatures,
) -> Option<proto::DocumentSymbolResponse> {
    let SymbolAnswer::Items(items) = answer else { return None };
    if items.is_empty() {
        return None;
    }
    if features.hierarchy {
        return Some(proto::DocumentSymbolResponse::Nested(items.iter().map(nested).collect()));
    }
    let mut flat = Vec::new();
    items.iter().for_each(|item| flatten(item, None, targets, &mut flat));
    Some(proto::DocumentSymbolResponse::Flat(flat))
}

#[expect(deprecated, reason = "the field must be named")]
fn nested(item: &CodeItem) -> proto::DocumentSymbol {
    proto::DocumentSymbol {
        name: item.name.clone(),
        detail: Some(item.detail.clone()).filter(|detail| !detail.is_empty()),
        kind: kind(item),
        tags: None,
        deprecated: None,
        range: range(item.place.range),
        selection_range: range(item.name_range),
        children: (!item.inner.is_empty()).then(|| item.inner.iter().map(nested).collect()),
    }
}

#[expect(deprecated, reason = "the field must be named; the older form is the one that every client takes")]
fn flatten(item: &CodeItem, around: Option<&str>, targets: &Targets, flat: &mut Vec<proto::SymbolInformation>) {
    if let Some(location) = location(&item.place, targets) {
        flat.push(proto::SymbolInformation {
            name: item.name.clone(),
            kind: kind(item),
            tags: None,
            deprecated: None,
            location,
            container_name: item.container.clone().or_else(|| around.map(str::to_owned)),
        });
    }
    item.inner.iter().for_each(|inner| flatten(inner, Some(&item.name), targets, flat));
}

fn call_item(item: &CodeItem, targets: &Targets) -> Option<proto::CallHierarchyItem> {
    Some(proto::CallHierarchyItem {
        name: item.name.clone(),
        kind: kind(item),
        tags: None,
        detail: item.container.clone().or_else(|| Some(item.place.path.to_string())),
        uri: uri(&item.place, targets)?,
        range: range(item.place.range),
        selection_range: range(item.name_range),
        data: None,
    })
}

/// What can call and be called.
pub(super) fn items(answer: SymbolAnswer, targets: &Targets) -> Option<Vec<proto::CallHierarchyItem>> {
    let SymbolAnswer::Items(items) = answer else { return None };
    let found: Vec<_> = items.iter().filter_map(|item| call_item(item, targets)).collect();
    (!found.is_empty()).then_some(found)
}

fn calls<T>(
    answer: SymbolAnswer,
    targets: &Targets,
    convert: impl Fn(proto::CallHierarchyItem, Vec<proto::Range>) -> T,
) -> Option<Vec<T>> {
    let SymbolAnswer::Calls(calls) = answer else { return None };
    let one = |call: &CodeCall| {
        let ranges = call.ranges.iter().map(|at| range(*at)).collect();
        Some(convert(call_item(&call.item, targets)?, ranges))
    };
    Some(calls.iter().filter_map(one).collect())
}

/// Who calls.
pub(super) fn incoming(answer: SymbolAnswer, targets: &Targets) -> Option<Vec<proto::CallHierarchyIncomingCall>> {
    calls(answer, targets, |from, from_ranges| proto::CallHierarchyIncomingCall { from, from_ranges })
}

/// What is called.
pub(super) fn outgoing(answer: SymbolAnswer, targets: &Targets) -> Option<Vec<proto::CallHierarchyOutgoingCall>> {
    calls(answer, targets, |to, from_ranges| proto::CallHierarchyOutgoingCall { to, from_ranges })
}
