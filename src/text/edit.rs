//! Edits of one text, each over byte spans of the text before any of them (LSP 3.17, "TextEdit[]").

use serde::{Deserialize, Serialize};

use super::Span;

/// Replace the bytes of `span` by `replacement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// What goes, in bytes of the text before.
    pub span: Span,
    /// What comes.
    pub replacement: String,
}

/// Why a list of edits has no meaning for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A span reaches beyond the text.
    #[error("edit at byte {0} is outside the text: make the proposal again")]
    OutOfBounds(usize),
    /// A span starts or ends inside a character.
    #[error("edit at byte {0} is inside a character: make the proposal again")]
    InsideCharacter(usize),
    /// Two spans share bytes, or are not in order.
    #[error("edits overlap at byte {0}: propose them one after the other")]
    Overlap(usize),
}

/// Checks that `edits` are sorted, do not overlap and fit `text`. Edits at the same place keep their order.
///
/// # Errors
/// The first fault found.
pub fn validate_edits(text: &str, edits: &[Edit]) -> Result<(), EditError> {
    let mut reached = 0;
    for edit in edits {
        if edit.span.start < reached {
            return Err(EditError::Overlap(edit.span.start));
        }
        for offset in [edit.span.start, edit.span.end] {
            if offset > text.len() {
                return Err(EditError::OutOfBounds(offset));
            }
            if !text.is_char_boundary(offset) {
                return Err(EditError::InsideCharacter(offset));
            }
        }
        reached = edit.span.end;
    }
    Ok(())
}

/// `text` with all `edits` made at once.
///
/// # Errors
/// As [`validate_edits`]; then nothing was made.
pub fn apply_edits(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    validate_edits(text, edits)?;
    let grown: usize = edits.iter().map(|edit| edit.replacement.len()).sum();
    let mut result = String::with_capacity(text.len() + grown);
    let mut reached = 0;
    for edit in edits {
        result.push_str(text.get(reached..edit.span.start).unwrap_or_default());
        result.push_str(&edit.replacement);
        reached = edit.span.end;
    }
    result.push_str(text.get(reached..).unwrap_or_default());
    Ok(result)
}

/// The edits that lead from the text after `edits` back to `text`.
///
/// # Errors
/// As [`validate_edits`].
pub fn invert_edits(text: &str, edits: &[Edit]) -> Result<Vec<Edit>, EditError> {
    validate_edits(text, edits)?;
    let mut removed = 0;
    let mut added = 0;
    let mut inverse = Vec::with_capacity(edits.len());
    for edit in edits {
        let start = edit.span.start - removed + added;
        inverse.push(Edit {
            span: Span::new(start, start + edit.replacement.len()),
            replacement: text.get(edit.span.start..edit.span.end).unwrap_or_default().to_owned(),
        });
        removed += edit.span.len();
        added += edit.replacement.len();
    }
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(start: usize, end: usize, replacement: &str) -> Edit {
        Edit { span: Span::new(start, end), replacement: replacement.to_owned() }
    }

    #[test]
    fn inserts_at_one_place_keep_their_order() {
        assert_eq!(apply_edits("ab", &[edit(1, 1, "1"), edit(1, 1, "2")]), Ok("a12b".to_owned()));
    }

    #[test]
    fn refuses_what_has_no_meaning() {
        assert_eq!(apply_edits("abc", &[edit(0, 2, ""), edit(1, 3, "")]), Err(EditError::Overlap(1)));
        assert_eq!(apply_edits("abc", &[edit(1, 4, "")]), Err(EditError::OutOfBounds(4)));
        assert_eq!(apply_edits("é", &[edit(1, 2, "")]), Err(EditError::InsideCharacter(1)));
    }

    proptest! {
        #[test]
        fn inverse_restores_every_byte(text in "[a-zé😀\\r\\n]{0,30}", cuts in proptest::collection::vec((0usize..30, "[x😀]{0,3}"), 0..8)) {
            let mut places: Vec<usize> = cuts.iter().map(|(cut, _)| text.char_indices().nth(*cut).map_or(text.len(), |(at, _)| at)).collect();
            places.sort_unstable();
            let edits: Vec<Edit> = places.chunks_exact(2).zip(&cuts)
                .map(|(pair, (_, new))| edit(pair[0], pair[1], new)).collect();
            let after = apply_edits(&text, &edits).unwrap();
            let back = invert_edits(&text, &edits).unwrap();
            prop_assert_eq!(apply_edits(&after, &back).unwrap(), text);
        }
    }
}
