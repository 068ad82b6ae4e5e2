//! Cutting text at line boundaries, into pieces small enough to be one unit of retrieval.

use crate::text::Span;

/// How large a piece may get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Lines.
    pub(super) lines: usize,
    /// Bytes.
    pub(super) bytes: usize,
}

/// What lies between definitions.
pub(super) const TEXT: Limit = Limit { lines: 80, bytes: 4 * 1024 };
/// A text without definitions.
pub(super) const LINES: Limit = Limit { lines: 60, bytes: 4 * 1024 };
/// One definition: whole where people write it, cut where a tool did.
pub(super) const DEFINITION: Limit = Limit { lines: 400, bytes: 16 * 1024 };

/// Cuts the bytes of `span` into pieces within `limit`: at line breaks, and inside a line only where that line
/// alone is too long, at a character boundary. Together the pieces are `span`.
pub(super) fn pieces(text: &str, span: Span, limit: Limit) -> Vec<Span> {
    let mut found = Vec::new();
    let (mut start, mut end, mut lines) = (span.start, span.start, 0);
    for line in text.get(span.start..span.end).unwrap_or_default().split_inclusive('\n') {
        if end > start && (lines == limit.lines || end - start + line.len() > limit.bytes) {
            found.push(Span::new(start, end));
            (start, lines) = (end, 0);
        }
        end += line.len();
        lines += 1;
        while end - start > limit.bytes {
            let cut = text.floor_char_boundary(start + limit.bytes);
            found.push(Span::new(start, cut));
            start = cut;
        }
    }
    if end > start {
        found.push(Span::new(start, end));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cuts_at_lines_first() {
        let text = "aa\nbb\ncc\n";
        let limit = Limit { lines: 2, bytes: 100 };
        assert_eq!(pieces(text, Span::new(0, 9), limit), vec![Span::new(0, 6), Span::new(6, 9)]);
    }

    proptest! {
        #[test]
        fn together_they_are_the_whole(text in "[a😀\\n]{0,60}", lines in 1usize..4, bytes in 4usize..12) {
            let found = pieces(&text, Span::new(0, text.len()), Limit { lines, bytes });
            let joined: String = found.iter().map(|piece| text.get(piece.start..piece.end).unwrap()).collect();
            prop_assert_eq!(joined, text);
            prop_assert!(found.iter().all(|piece| piece.len() <= bytes && !piece.is_empty()));
        }
    }
}
