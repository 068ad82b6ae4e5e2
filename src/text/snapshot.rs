//! An immutable text that is cheap to clone and to edit.

use ropey::Rope;

use super::{Edit, Encoding, Position, Range, Span};

/// One state of a text. Clones share structure; edits cost the logarithm of the length.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    rope: Rope,
}

impl From<&str> for Snapshot {
    fn from(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rope.chunks().try_for_each(|chunk| formatter.write_str(chunk))
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.rope == other.rope
    }
}

impl Eq for Snapshot {}

impl Snapshot {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rope.len_bytes()
    }

    /// Whether there is no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of lines; a text that ends in a line break has an empty last line.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.rope.len_lines()
    }

    /// The pieces of the text in order.
    pub fn chunks(&self) -> impl Iterator<Item = &str> {
        self.rope.chunks()
    }

    /// The text of `span`, clamped to the text and moved outward to character boundaries.
    #[must_use]
    pub fn slice(&self, span: Span) -> String {
        let (start, end) = self.char_range(span);
        self.rope.get_slice(start..end).map_or_else(String::new, |slice| slice.to_string())
    }

    /// Byte offset of `position`. A character beyond the end of its line counts as the line's
    /// length, without its line break (LSP 3.17, "Position"); a line beyond the text is the end of it;
    /// the middle of a character is its start.
    #[must_use]
    pub fn offset(&self, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.line_count() {
            return self.len();
        }
        let Some(content) = self.rope.get_line(line) else { return self.len() };
        let start_char = self.rope.line_to_char(line);
        let content_chars = content.len_chars() - line_break_chars(content);
        let wanted = position.character as usize;
        let char_in_line = match encoding {
            Encoding::Utf32 => wanted,
            Encoding::Utf8 => content.byte_to_char(wanted.min(content.len_bytes())),
            Encoding::Utf16 => content.utf16_cu_to_char(wanted.min(content.len_utf16_cu())),
        };
        self.rope.char_to_byte(start_char + char_in_line.min(content_chars))
    }

    /// Position of byte `offset`, clamped to the text and to the start of its character.
    #[must_use]
    pub fn position(&self, offset: usize, encoding: Encoding) -> Position {
        let char_index = self.rope.byte_to_char(offset.min(self.len()));
        let line = self.rope.char_to_line(char_index);
        let start = self.rope.line_to_char(line);
        let character = match encoding {
            Encoding::Utf32 => char_index - start,
            Encoding::Utf8 => self.rope.char_to_byte(char_index) - self.rope.line_to_byte(line),
            Encoding::Utf16 => self.rope.char_to_utf16_cu(char_index) - self.rope.char_to_utf16_cu(start),
        };
        Position { line: saturate(line), character: saturate(character) }
    }

    /// Byte span of `range`; ends in the wrong order are swapped.
    #[must_use]
    pub fn span(&self, range: Range, encoding: Encoding) -> Span {
        Span::new(self.offset(range.start, encoding), self.offset(range.end, encoding))
    }

    /// Range of positions of `span`.
    #[must_use]
    pub fn range(&self, span: Span, encoding: Encoding) -> Range {
        Range { start: self.position(span.start, encoding), end: self.position(span.end, encoding) }
    }

    /// This text with one edit made; its span is clamped and moved outward to character boundaries.
    #[must_use]
    pub fn edited(&self, edit: &Edit) -> Self {
        let (start, end) = self.char_range(edit.span);
        let mut rope = self.rope.clone();
        rope.remove(start..end);
        rope.insert(start, &edit.replacement);
        Self { rope }
    }

    fn char_range(&self, span: Span) -> (usize, usize) {
        let length = self.len();
        let start = self.rope.byte_to_char(span.start.min(length));
        let end_byte = span.end.min(length);
        let end = self.rope.byte_to_char(end_byte);
        let end = if self.rope.char_to_byte(end) < end_byte { end + 1 } else { end };
        (start, end.max(start))
    }
}

/// Characters of the line break that `line` ends in: 0, 1, or 2 for CRLF.
fn line_break_chars(line: ropey::RopeSlice<'_>) -> usize {
    let length = line.len_chars();
    let from_end = |back: usize| length.checked_sub(back).and_then(|index| line.get_char(index));
    match (from_end(2), from_end(1)) {
        (Some('\r'), Some('\n')) => 2,
        (_, Some('\n' | '\r')) => 1,
        _ => 0,
    }
}

fn saturate(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn counts_an_emoji_in_each_encoding() {
        let text = Snapshot::from("a😀b\n");
        for (encoding, after) in [(Encoding::Utf8, 5), (Encoding::Utf16, 3), (Encoding::Utf32, 2)] {
            assert_eq!(text.offset(at(0, after), encoding), 5);
            assert_eq!(text.position(5, encoding), at(0, after));
        }
    }

    #[test]
    fn a_position_inside_a_surrogate_pair_is_the_start_of_the_character() {
        assert_eq!(Snapshot::from("a😀b").offset(at(0, 2), Encoding::Utf16), 1);
    }

    #[test]
    fn clamps_to_the_line_without_its_break() {
        let text = Snapshot::from("ab\r\ncd\re\n");
        for encoding in ENCODINGS {
            assert_eq!(text.offset(at(0, 999_999), encoding), 2);
            assert_eq!(text.offset(at(1, 999_999), encoding), 6);
            assert_eq!(text.offset(at(77, 0), encoding), text.len());
        }
    }

    proptest! {
        #[test]
        fn position_and_offset_are_inverse(text in "[a-z😀é\\r\\n]{0,40}", pick in 0usize..40) {
            let snapshot = Snapshot::from(text.as_str());
            let Some((offset, _)) = text.char_indices().nth(pick) else { return Ok(()) };
            let inside_crlf = text.as_bytes().get(offset) == Some(&b'\n')
                && offset > 0 && text.as_bytes().get(offset - 1) == Some(&b'\r');
            prop_assume!(!inside_crlf);
            for encoding in ENCODINGS {
                prop_assert_eq!(snapshot.offset(snapshot.position(offset, encoding), encoding), offset);
            }
        }

        #[test]
        fn edits_like_a_string(text in "[a-z😀é\\r\\n]{0,40}", a in 0usize..40, b in 0usize..40, new in "[x😀\\n]{0,5}") {
            let boundary = |pick: usize| text.char_indices().nth(pick).map_or(text.len(), |(at, _)| at);
            let span = Span::new(boundary(a), boundary(b));
            let mut expected = text.clone();
            expected.replace_range(span.start..span.end, &new);
            let edit = Edit { span, replacement: new };
            prop_assert_eq!(Snapshot::from(text.as_str()).edited(&edit).to_string(), expected);
        }
    }
}
