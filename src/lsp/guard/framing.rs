//! From bytes to message bodies (LSP 3.17, "Base Protocol"), tolerant and bounded.
//!
//! Whatever is no frame is skipped up to the next thing that looks like one. What comes out depends on the
//! bytes alone, never on how they were cut into reads.

use memchr::memmem;

/// The longest body taken. A longer one is a fault of its header.
const LONGEST_BODY: usize = 256 << 20;
/// From this size on a body is moved, not copied.
const LARGE_BODY: usize = 1 << 20;
/// The longest header line, its line break left out.
const LONGEST_LINE: usize = 8 << 10;
/// The most header lines of one message.
const MOST_LINES: usize = 64;
/// The name that every header block must hold, with its colon.
const LENGTH_NAME: &[u8] = b"content-length:";

/// What the stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// One message.
    Body(Vec<u8>),
    /// Something that is no message, reported once before the next message.
    Garbage,
}

/// Where in the stream the framer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// At the start of a header block.
    Header,
    /// After a header block, with this many bytes of body to come.
    Body(usize),
    /// In something that is no message, looking for the next header.
    Seeking,
}

/// What a header block turned out to be.
enum Header {
    /// Its end is not there yet.
    Incomplete,
    /// No header block.
    Broken,
    /// A block of `size` bytes that announces a body of `length` bytes.
    Complete { size: usize, length: usize },
}

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are used up.
    start: usize,
    /// Bytes of the present body that hold no header.
    searched: usize,
    stage: Stage,
    /// Whether the present stretch of garbage was reported.
    reported: bool,
}

impl Framer {
    /// A framer at the start of a stream.
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, searched: 0, stage: Stage::Header, reported: false }
    }

    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, `None` until more bytes come.
    pub(super) fn next_frame(&mut self) -> Option<Frame> {
        loop {
            let advanced = match self.stage {
                Stage::Header => self.read_header(),
                Stage::Body(length) => match self.read_body(length) {
                    Some(Frame::Body(body)) => {
                        self.reported = false;
                        return Some(Frame::Body(body));
                    }
                    Some(Frame::Garbage) => true,
                    None => false,
                },
                Stage::Seeking => self.seek(),
            };
            if self.stage == Stage::Seeking && !self.reported {
                self.reported = true;
                return Some(Frame::Garbage);
            }
            if !advanced {
                return None;
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Gives up on the block or body at the present place; its first byte is not looked at again.
    fn give_up(&mut self) {
        self.stage = Stage::Seeking;
        self.start = (self.start + 1).min(self.buffer.len());
    }

    fn read_header(&mut self) -> bool {
        let blank = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.start += blank;
        match parse_header(self.rest()) {
            Header::Incomplete => false,
            Header::Broken => {
                self.give_up();
                true
            }
            Header::Complete { size, length } => {
                self.start += size;
                self.searched = 0;
                self.stage = Stage::Body(length);
                true
            }
        }
    }

    /// A header inside a body means that the announced length was wrong: the bytes `Content-Length: 1` and a
    /// line break stand in no JSON text, neither in a string nor between two values.
    fn read_body(&mut self, length: usize) -> Option<Frame> {
        let rest = self.rest();
        let body = rest.get(..length).unwrap_or(rest);
        if let Some(at) = find_embedded_header(body, self.searched) {
            self.start += at;
            self.stage = Stage::Seeking;
            return Some(Frame::Garbage);
        }
        if rest.len() < length {
            self.searched = body.len().saturating_sub(64);
            return None;
        }
        if let Some(at) = find_cut_header(body) {
            self.start += at;
            self.stage = Stage::Seeking;
            return Some(Frame::Garbage);
        }
        self.stage = Stage::Header;
        Some(Frame::Body(self.take(length)))
    }

    /// Takes `length` bytes out; a large body is not copied, and leaves no large buffer behind.
    fn take(&mut self, length: usize) -> Vec<u8> {
        if length < LARGE_BODY {
            let body = self.rest().get(..length).unwrap_or_default().to_vec();
            self.start += length;
            return body;
        }
        let tail = self.buffer.split_off(self.start + length);
        let mut body = std::mem::replace(&mut self.buffer, tail);
        body.drain(..self.start);
        self.start = 0;
        body
    }

    fn seek(&mut self) -> bool {
        match find_length_name(self.rest()) {
            Some(at) => {
                self.start += at;
                self.stage = Stage::Header;
                true
            }
            None => {
                let keep = LENGTH_NAME.len() - 1;
                self.start = self.start.max(self.buffer.len().saturating_sub(keep));
                false
            }
        }
    }
}

fn parse_header(bytes: &[u8]) -> Header {
    let mut length = None;
    let mut size = 0;
    for _ in 0..MOST_LINES {
        let rest = bytes.get(size..).unwrap_or_default();
        let searched = rest.get(..=LONGEST_LINE).unwrap_or(rest);
        let Some(end) = memchr::memchr(b'\n', searched) else {
            return if rest.len() > LONGEST_LINE { Header::Broken } else { Header::Incomplete };
        };
        size += end + 1;
        let line = searched.get(..end).unwrap_or_default().trim_ascii();
        if line.is_empty() {
            return length.map_or(Header::Broken, |length| Header::Complete { size, length });
        }
        match parse_line(line) {
            Line::Length(announced) => length = Some(announced),
            Line::Other => {}
            Line::Broken => return Header::Broken,
        }
    }
    Header::Broken
}

/// One header line.
enum Line {
    Length(usize),
    Other,
    Broken,
}

fn parse_line(line: &[u8]) -> Line {
    let Some(colon) = memchr::memchr(b':', line) else { return Line::Broken };
    let (name, value) = line.split_at(colon);
    let name = name.trim_ascii_end();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(is_token) {
        return Line::Broken;
    }
    if !name.eq_ignore_ascii_case(b"content-length") {
        return Line::Other;
    }
    let digits = value.get(1..).unwrap_or_default().trim_ascii();
    let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
    number.filter(|length| *length <= LONGEST_BODY).map_or(Line::Broken, Line::Length)
}

/// The first place of `Content-Length:`, in any case of letters.
fn find_length_name(bytes: &[u8]) -> Option<usize> {
    let is_name = |at: &usize| {
        bytes.get(*at..at + LENGTH_NAME.len()).is_some_and(|found| found.eq_ignore_ascii_case(LENGTH_NAME))
    };
    memchr::memchr2_iter(b'c', b'C', bytes).find(is_name)
}

/// The first place at or after `from` of a whole `Content-Length` line, as every client writes it.
fn find_embedded_header(body: &[u8], from: usize) -> Option<usize> {
    let searched = body.get(from..).unwrap_or_default();
    let is_line = |at: &usize| {
        let value = searched.get(at + LENGTH_NAME.len()..).unwrap_or_default();
        let value = value.get(..24).unwrap_or(value);
        let digits = value.trim_ascii_start();
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        count > 0 && matches!(digits.get(count), Some(b'\r' | b'\n'))
    };
    memmem::find_iter(searched, b"Content-Length:").find(is_line).map(|at| from + at)
}

/// The place where a `Content-Length` line begins that the end of `body` cuts off: no JSON text ends so.
fn find_cut_header(body: &[u8]) -> Option<usize> {
    let longest = body.len().min(LENGTH_NAME.len() + 24);
    let is_cut = |at: &usize| {
        let end = body.get(*at..).unwrap_or_default();
        let (name, value) = end.split_at(end.len().min(LENGTH_NAME.len()));
        let digits = value.trim_ascii_start();
        b"Content-Length:".starts_with(name) && digits.iter().all(u8::is_ascii_digit)
    };
    (body.len() - longest..body.len()).find(is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut framer = Framer::new();
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            found.extend(std::iter::from_fn(|| framer.next_frame()));
        }
        found
    }

    fn body(text: &str) -> Frame {
        Frame::Body(text.as_bytes().to_vec())
    }

    fn check(stream: &str, expected: &[Frame]) {
        assert_eq!(frames(&[stream.as_bytes()]), expected, "{stream:?}");
    }

    #[test]
    fn takes_every_lawful_header() {
        check("Content-Length: 2\r\n\r\n{}", &[body("{}")]);
        check("content-length:2\r\n\r\n{}", &[body("{}")]);
        check("Content-Type: x; charset=utf8\r\nX-Other: 1\r\nContent-Length: 2\r\n\r\n{}", &[body("{}")]);
        check("Content-Length: 2\n\n{}\r\nContent-Length: 0\r\n\r\n", &[body("{}"), body("")]);
    }

    #[test]
    fn finds_the_next_frame_after_a_bad_header() {
        let next = "Content-Length: 2\r\n\r\n{}";
        let long = "x".repeat(1 << 20);
        for bad in ["abc", "-5", "1000000000000000000", "1000000000000000000000000000000", &long] {
            check(&format!("Content-Length: {bad}\r\n\r\n{{\"a\":1}}{next}"), &[Frame::Garbage, body("{}")]);
        }
        check(&format!("{long}{next}"), &[Frame::Garbage, body("{}")]);
        check(&format!("\r\n\r\nno colon\r\n{next}{next}"), &[Frame::Garbage, body("{}"), body("{}")]);
    }

    #[test]
    fn a_wrong_length_costs_only_its_own_message() {
        let next = "Content-Length: 2\r\n\r\n{}";
        check(&format!("Content-Length: 9\r\n\r\n{{}}{next}"), &[Frame::Garbage, body("{}")]);
        check(&format!("Content-Length: 90000\r\n\r\n{{}}{next}"), &[Frame::Garbage, body("{}")]);
        for length in 3..24 {
            check(&format!("Content-Length: {length}\r\n\r\n{{}}{next}"), &[Frame::Garbage, body("{}")]);
        }
        check(&format!("Content-Length: 1\r\n\r\n{{}}{next}"), &[body("{"), Frame::Garbage, body("{}")]);
    }

    #[test]
    fn a_body_may_speak_of_headers() {
        let text = r#"{"text":"Content-Length: 2\r\n\r\n{}"}"#;
        check(&format!("Content-Length: {}\r\n\r\n{text}", text.len()), &[body(text)]);
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut framer = Framer::new();
        framer.push(format!("Content-Length: {LONGEST_BODY}\r\n\r\n").as_bytes());
        assert_eq!(framer.next_frame(), None);
        assert!(framer.buffer.capacity() < 1 << 10);
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[a-z{}\":\\r\\n é]{0,20}"
                .prop_map(|text| format!("Content-Length: {}\r\n\r\n{text}", text.len()).into_bytes()),
            "(Content-Length|content-length|Content-Type|X)(: ?)[0-9a]{0,3}(\r\n){0,2}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(stream in stream(), cuts in proptest::collection::vec(0usize..200, 0..12)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let mut from = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|to| { let piece = &stream[from..*to]; from = *to; piece }).collect();
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            let whole = frames(&[stream.as_slice()]);
            let (cut, single) = (frames(&pieces), frames(&bytes));
            prop_assert_eq!(&cut, &whole);
            prop_assert_eq!(&single, &whole);
        }

        #[test]
        fn garbage_before_a_frame_costs_nothing_but_itself(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(find_length_name(&garbage).is_none());
            let mut stream = garbage;
            stream.extend_from_slice(b"\r\nContent-Length: 2\r\n\r\n{}");
            let found = frames(&[stream.as_slice()]);
            prop_assert_eq!(found.last(), Some(&body("{}")));
        }
    }
}
