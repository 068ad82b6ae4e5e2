//! What a command prints, made fit to be shown: valid UTF-8, no control character that a terminal or an
//! editor would obey, no direction marks that show text as what it is not, and not without end: of what is too much,
//! the beginning and the end.

use std::collections::VecDeque;

use crate::ports::OutputStream;
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

/// Most bytes of one piece of the tail.
const PIECE: usize = 32 << 10;

/// Where output goes.
pub(super) type Output<'a> = &'a (dyn Fn(OutputStream, &str) + Sync);

/// Lets through as much of a command's output as may be passed on, both streams together: the first half at once, the
/// last half at the end. What is between them is left out.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes that may still be passed on at once; none once something is held back, since a gap would go unseen.
    head: usize,
    /// Bytes that may be held back.
    most: usize,
    tail: VecDeque<(OutputStream, String)>,
    held: usize,
    out: Account,
    error: Account,
}

/// What became of one stream.
#[derive(Debug, Default, Clone, Copy)]
struct Account {
    left_out: u64,
    /// Whether what was passed on ends within a line.
    within_line: bool,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub(super) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (out, error) = (Account::default(), Account::default());
        Self { head: limit - limit / 2, most: limit, tail: VecDeque::new(), held: 0, out, error }
    }

    fn account(&mut self, which: OutputStream) -> &mut Account {
        match which {
            OutputStream::Out => &mut self.out,
            OutputStream::Error => &mut self.error,
        }
    }

    /// Passes on the front of `text` as far as it may be now, and holds back the rest.
    pub(super) fn pass(&mut self, which: OutputStream, text: &str, output: Output<'_>) {
        let (now, later) = text.split_at_checked(whole_characters(text, self.head)).unwrap_or((text, ""));
        if !now.is_empty() {
            self.head -= now.len();
            self.most -= now.len();
            self.account(which).within_line = !now.ends_with('\n');
            output(which, now);
        }
        if !later.is_empty() {
            self.head = 0;
            self.hold(which, later);
        }
    }

    fn hold(&mut self, which: OutputStream, text: &str) {
        self.held += text.len();
        match self.tail.back_mut() {
            Some((last, piece)) if *last == which && piece.len() < PIECE => piece.push_str(text),
            Some(_) | None => self.tail.push_back((which, text.to_owned())),
        }
        while self.held > self.most {
            let Some((which, mut piece)) = self.tail.pop_front() else { return };
            let mut cut = piece.len().min(self.held - self.most);
            while !piece.is_char_boundary(cut) {
                cut += 1;
            }
            self.account(which).left_out += cut as u64;
            self.held -= cut;
            if cut < piece.len() {
                piece.drain(..cut);
                self.tail.push_front((which, piece));
            }
        }
    }

    /// Passes on what was held back, after a line that says how much is left out. Returns how much that is in all.
    pub(super) fn finish(&mut self, output: Output<'_>) -> u64 {
        for (which, account) in [(OutputStream::Out, self.out), (OutputStream::Error, self.error)] {
            if account.left_out > 0 {
                let end = if account.within_line { "\n" } else { "" };
                output(which, &format!("{end}[tagout: {} bytes of output left out here]\n", account.left_out));
            }
        }
        for (which, piece) in self.tail.drain(..) {
            output(which, &piece);
        }
        (self.head, self.most, self.held) = (0, 0, 0);
        self.out.left_out + self.error.left_out
    }
}

/// The greatest number of bytes up to `most` that does not cut a character of `text`.
fn whole_characters(text: &str, most: usize) -> usize {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
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

    /// What a command that prints `texts` shows while it runs and in the end, and how much is left out.
    fn shown(limit: u64, texts: &[(OutputStream, &str)]) -> (String, String, u64) {
        let passed = std::sync::Mutex::new(String::new());
        let output = |_: OutputStream, text: &str| passed.lock().unwrap().push_str(text);
        let mut budget = Budget::new(limit);
        texts.iter().for_each(|(which, text)| budget.pass(*which, text, &output));
        let early = std::mem::take(&mut *passed.lock().unwrap());
        let dropped = budget.finish(&output);
        (early, passed.into_inner().unwrap(), dropped)
    }

    const OUT: OutputStream = OutputStream::Out;
    const ERROR: OutputStream = OutputStream::Error;

    #[test]
    fn the_first_half_comes_at_once_and_the_last_at_the_end() {
        assert_eq!(shown(8, &[(OUT, "abcd"), (ERROR, "efgh")]), ("abcd".into(), "efgh".into(), 0));
        let (early, late, dropped) = shown(8, &[(OUT, "ab\n"), (ERROR, "cde"), (OUT, "fghij"), (ERROR, "k")]);
        assert_eq!((early.as_str(), dropped), ("ab\nc", 4));
        let lines = "[tagout: 2 bytes of output left out here]\n\n[tagout: 2 bytes of output left out here]\n";
        assert_eq!(late, format!("{lines}hijk"));
    }

    #[test]
    fn no_character_is_cut_and_every_byte_is_accounted_for() {
        let text = "aß€🦀".repeat(40);
        for limit in 0..60 {
            for size in [1, 3, 7, 400] {
                let characters: Vec<char> = text.chars().collect();
                let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
                let pieces: Vec<(OutputStream, &str)> = pieces.iter().map(|piece| (OUT, piece.as_str())).collect();
                let (early, late, dropped) = shown(limit, &pieces);
                let tail = late.rsplit_once("here]\n").map_or(late.as_str(), |(_, tail)| tail);
                assert!(text.starts_with(&early) && text.ends_with(tail), "{limit} {size}");
                assert_eq!(early.len() + tail.len() + usize::try_from(dropped).unwrap(), text.len());
                assert!(early.len() + tail.len() <= usize::try_from(limit).unwrap(), "{limit} {size}");
            }
        }
    }

    #[test]
    fn a_long_tail_in_small_pieces_is_held_in_few() {
        let mut budget = Budget::new(1 << 20);
        for _ in 0..2_000_000 {
            budget.pass(OUT, "x", &|_, _| {});
        }
        assert!(budget.tail.len() < 40, "{}", budget.tail.len());
        assert_eq!(budget.finish(&|_, _| {}), 2_000_000 - (1 << 20));
    }
}
