//! What a command prints, made fit to be shown: valid UTF-8, no control character that a terminal or an
//! editor would obey, no direction marks that show text as what it is not, and not without end.

use crate::text::visible;

/// Longest incomplete character.
const LONGEST: usize = 4;

/// One stream's bytes on their way to text.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    /// The beginning of a character, or a carriage return, whose meaning what follows decides.
    held: Vec<u8>,
}

impl Cleaner {
    /// The text of `bytes`, which follow those of the last call.
    pub(super) fn clean(&mut self, bytes: &[u8]) -> String {
        let mut whole = std::mem::take(&mut self.held);
        whole.extend_from_slice(bytes);
        let kept = complete(&whole);
        let (now, later) = whole.split_at_checked(kept).unwrap_or((&whole, &[]));
        self.held = later.to_vec();
        show(now)
    }

    /// The text of what was held back, at the end of the stream.
    pub(super) fn finish(&mut self) -> String {
        show(&std::mem::take(&mut self.held))
    }
}

/// How many of `bytes` do not depend on what follows.
fn complete(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return bytes.len() - 1;
    }
    let tail = bytes.len().saturating_sub(LONGEST);
    let start = bytes.iter().enumerate().skip(tail).rev().find(|(_, byte)| **byte & 0xc0 != 0x80).map(|(at, _)| at);
    let Some((at, last)) = start.and_then(|at| Some((at, bytes.get(at..)?))) else {
        return bytes.len();
    };
    // Only a character that is cut short is held back; one that is wrong already is replaced now.
    match std::str::from_utf8(last) {
        Err(error) if error.error_len().is_none() => at,
        _ => bytes.len(),
    }
}

fn show(bytes: &[u8]) -> String {
    visible(&String::from_utf8_lossy(bytes))
}

/// Counts what is passed on, both streams together.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    /// Bytes not passed on.
    pub(super) dropped: u64,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { left: limit, dropped: 0 }
    }

    /// As much of the front of `text` as may still be passed on.
    pub(super) fn take<'a>(&mut self, text: &'a str) -> &'a str {
        let mut end = text.len().min(self.left);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let (passed, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        // Once something is dropped nothing later is passed on: a gap would go unseen.
        self.left = if rest.is_empty() { self.left - passed.len() } else { 0 };
        self.dropped += rest.len() as u64;
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean_in(chunks: &[&[u8]]) -> String {
        let mut cleaner = Cleaner::default();
        let mut text: String = chunks.iter().map(|chunk| cleaner.clean(chunk)).collect();
        text.push_str(&cleaner.finish());
        text
    }

    #[test]
    fn a_character_cut_anywhere_arrives_whole() {
        let text = "aß€🦀\r\né\r\n".as_bytes();
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(clean_in(&[left, right]).as_bytes(), text, "{cut}");
        }
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(clean_in(&single).as_bytes(), text);
    }

    #[test]
    fn wrong_and_unfinished_bytes_are_replaced_not_held() {
        let mut cleaner = Cleaner::default();
        assert_eq!(cleaner.clean(b"a\xff"), "a\u{fffd}");
        assert_eq!(cleaner.clean(b"\x80\x80\x80\x80\x80"), "\u{fffd}".repeat(5));
        assert_eq!(cleaner.clean(b"\xf0\x9f"), "");
        assert_eq!(cleaner.finish(), "\u{fffd}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(clean_in(&[b"\x1b]52;c;eA==\x07"]), "\u{241b}]52;c;eA==\u{2407}");
        assert_eq!(clean_in(&[b"50%\r100%\r", b"\n"]), "50%\u{240d}100%\r\n");
        assert_eq!(clean_in(&["\u{9b}2J\u{202e}x\u{2066}".as_bytes()]), "<U+009B>2J<U+202E>x<U+2066>");
        assert_eq!(clean_in(&[b"\0\x7f\t|"]), "\u{2400}\u{2421}\t|");
    }

    #[test]
    fn the_budget_ends_at_a_whole_character() {
        let mut budget = Budget::new(4);
        assert_eq!(budget.take("ab"), "ab");
        assert_eq!(budget.take("c€"), "c");
        assert_eq!(budget.take("d"), "");
        assert_eq!(budget.dropped, 4);
    }
}
