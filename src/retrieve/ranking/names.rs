//! Whether a candidate is what a question names.

use super::super::{Known, Name};
use crate::syntax::ChunkKind;

/// What the least exact match of a whole name is worth.
pub(super) const WHOLE_NAME: f32 = 4.0;

/// 8 for the very name, 6 but for case, 4 but for case and underscores, 2 for the beginning of one; then 3 for the
/// surroundings that were named, a little less where they are a file's, and 1 for a definition itself.
pub(super) fn match_of(known: &Known<'_>, wanted: &Name) -> f32 {
    let Some(symbol) = known.symbol else { return 0.0 };
    let (lower, wanted_lower) = (symbol.to_lowercase(), wanted.name.to_lowercase());
    let joined = |name: &str| name.replace('_', "");
    let whole = if symbol == wanted.name {
        8.0
    } else if lower == wanted_lower {
        6.0
    } else if joined(&lower) == joined(&wanted_lower) {
        WHOLE_NAME
    } else if lower.starts_with(&wanted_lower) {
        2.0
    } else {
        return 0.0;
    };
    let qualifier = wanted.qualifier.as_deref().filter(|_| whole >= WHOLE_NAME);
    let surroundings = qualifier.map_or(0.0, |qualifier| within(known, qualifier));
    let definition = match known.kind {
        ChunkKind::Function
        | ChunkKind::Method
        | ChunkKind::Type
        | ChunkKind::Interface
        | ChunkKind::Macro
        | ChunkKind::Variable => 1.0,
        ChunkKind::Module | ChunkKind::Section | ChunkKind::Text => 0.0,
    };
    whole + surroundings + definition
}

/// The name of a file before its first dot.
pub(super) fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

/// What it is worth that a candidate is inside what `qualifier` names: its parent, or its file or folder.
fn within(known: &Known<'_>, qualifier: &str) -> f32 {
    let same = |name: &str| name.eq_ignore_ascii_case(qualifier);
    let parent = known.parent.unwrap_or_default();
    if parent.split(|at: char| !(at.is_alphanumeric() || at == '_')).any(same) {
        3.0
    } else if known.path.split('/').any(|part| same(part.split('.').next().unwrap_or(part))) {
        2.5
    } else {
        0.0
    }
}
