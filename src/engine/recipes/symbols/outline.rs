//! What a document defines, one in the other.

use super::CodeItem;
use super::library::Library;
use crate::syntax::Defined;
use crate::workspace::{RelativePath, Root};

/// Levels that are shown; what is deeper is shown in the last.
const DEEPEST: usize = 32;

/// The definitions of the file at `path`.
pub(super) fn outline(library: &Library<'_>, root: &Root, path: &RelativePath) -> Vec<CodeItem> {
    let Some(file) = library.open(root, path) else { return Vec::new() };
    let mut top: Vec<CodeItem> = Vec::new();
    // The definitions around the present one: where each ends, and what it holds so far.
    let mut around: Vec<(usize, CodeItem)> = Vec::new();
    let close = |around: &mut Vec<(usize, CodeItem)>, top: &mut Vec<CodeItem>| {
        if let Some((_, item)) = around.pop() {
            around.last_mut().map_or(top, |(_, outer)| &mut outer.inner).push(item);
        }
    };
    let shown = |defined: &&Defined| !defined.name.is_empty();
    for defined in file.names.definitions.iter().filter(shown) {
        while around.len() >= DEEPEST || around.last().is_some_and(|(end, _)| *end < defined.span.end) {
            close(&mut around, &mut top);
        }
        let item = library.item(&file, defined);
        around.push((defined.span.end, item));
    }
    while !around.is_empty() {
        close(&mut around, &mut top);
    }
    top
}
