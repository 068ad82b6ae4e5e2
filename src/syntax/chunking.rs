//! From a text to its chunks: the chunks follow each other, share no byte, and leave out only blanks.

use super::definitions::{self, Definition, starts_its_line};
use super::pieces::{self, Limit, pieces};
use super::{Chunk, ChunkKind, Language, grammar, parse};
use crate::text::Span;
use crate::workspace::RelativePath;

/// Bytes at the end of a definition's last line that still belong to it: a semicolon, a comment, closing brackets.
const LONGEST_TAIL: usize = 200;

/// Letters of a word that ends a definition.
const LONGEST_CLOSER: usize = 5;

/// The chunks of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunked {
    /// The language it was read as; `None` for unknown text.
    pub language: Option<Language>,
    /// In the order of the text.
    pub chunks: Vec<Chunk>,
    /// Why the chunks are plain lines although the language is known.
    pub notice: Option<String>,
}

/// Cuts `text`, the content of `path`, into chunks. `stop` is asked now and then: once it says yes, the rest is
/// cut by lines without a look at its syntax.
#[must_use]
pub fn chunk_text(path: &RelativePath, text: &str, stop: &dyn Fn() -> bool) -> Chunked {
    let Some(language) = Language::detect(path, text) else {
        return Chunked { language: None, chunks: by_lines(text), notice: None };
    };
    match by_definitions(language, text, stop) {
        Ok(chunks) => Chunked { language: Some(language), chunks, notice: None },
        Err(reason) => {
            let notice = format!("{path} is cut by lines, not by definitions: {reason}");
            Chunked { language: Some(language), chunks: by_lines(text), notice: Some(notice) }
        }
    }
}

fn by_definitions(language: Language, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Chunk>, parse::NoTree> {
    let query = grammar::definitions(language).ok_or(parse::NoTree::Grammar)?;
    let tree = parse::parse(language, text, stop)?;
    let mut definitions = definitions::find(query, &tree, text, stop);
    if stop() {
        return Err(parse::NoTree::Cancelled);
    }
    settle(text, &mut definitions);
    let mut writer = Writer::new(text);
    for stretch in stretches(text.len(), &definitions) {
        writer.write(&stretch, &definitions);
    }
    Ok(writer.chunks)
}

fn by_lines(text: &str) -> Vec<Chunk> {
    let mut writer = Writer::new(text);
    writer.write_text(Span::new(0, text.len()), None, pieces::LINES);
    writer.chunks
}

/// Grows each definition to whole lines where nothing else stands on them, and makes sure that two definitions
/// are either apart or one inside the other.
fn settle(text: &str, definitions: &mut [Definition]) {
    let starts: Vec<usize> = definitions.iter().map(|definition| definition.span.start).collect();
    // Ends of the definitions around the present one, the innermost last.
    let mut around: Vec<usize> = Vec::new();
    for (index, definition) in definitions.iter_mut().enumerate() {
        while around.last().is_some_and(|end| *end <= definition.span.start) {
            around.pop();
        }
        let end = definition.span.end.max(definition.span.start);
        let following = index + 1 + starts.get(index + 1..).unwrap_or_default().partition_point(|start| *start < end);
        let room = starts.get(following).copied().unwrap_or(text.len());
        let grown = line_end(text, end).min(room).max(end);
        definition.span.end = around.last().map_or(grown, |outer| grown.min(*outer)).max(definition.span.start);
        around.push(definition.span.end);
    }
}

/// The end of the line of byte `at`, when it is near; else `at`.
fn line_end(text: &str, at: usize) -> usize {
    if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\n') {
        return at;
    }
    let rest = text.get(at..).unwrap_or_default();
    let near = rest.as_bytes().get(..LONGEST_TAIL.min(rest.len())).unwrap_or_default();
    match memchr::memchr(b'\n', near) {
        Some(tail) => at + tail + 1,
        None if rest.len() <= LONGEST_TAIL => text.len(),
        None => at,
    }
}

/// Bytes that belong to one definition and to none inside it.
struct Stretch {
    span: Span,
    /// Index of the definition.
    owner: Option<usize>,
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Where the definition starts.
    Head,
    /// After a definition inside it, or outside of all.
    Rest,
}

/// Cuts `0..length` at the starts and ends of all definitions.
fn stretches(length: usize, definitions: &[Definition]) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, Part)> = Vec::new();
    let mut reached = 0;
    let ends = |index: &usize| definitions.get(*index).map_or(0, |definition| definition.span.end);
    for next in 0..=definitions.len() {
        let start = definitions.get(next).map_or(length, |definition| definition.span.start);
        while let Some((index, part)) = open.pop_if(|(index, _)| ends(index) <= start) {
            let span = Span::new(reached, ends(&index).max(reached));
            reached = span.end;
            found.push(Stretch { span, owner: Some(index), part });
        }
        let (owner, part) = match open.last_mut() {
            Some((index, part)) => (Some(*index), std::mem::replace(part, Part::Rest)),
            None => (None, Part::Rest),
        };
        found.push(Stretch { span: Span::new(reached, start.max(reached)), owner, part });
        reached = start.max(reached);
        open.push((next, Part::Head));
    }
    found
}

/// Writes chunks in order, counting lines on the way.
struct Writer<'text> {
    text: &'text str,
    chunks: Vec<Chunk>,
    /// Byte up to which lines are counted, and the line there.
    counted: (usize, u32),
}

impl<'text> Writer<'text> {
    fn new(text: &'text str) -> Self {
        Self { text, chunks: Vec::new(), counted: (0, 0) }
    }

    fn write(&mut self, stretch: &Stretch, definitions: &[Definition]) {
        let owner = stretch.owner.and_then(|index| definitions.get(index));
        match owner {
            Some(definition) if stretch.part == Part::Head => self.write_head(stretch.span, definition),
            Some(definition) => {
                let name = definition.name.as_ref().or(definition.parent.as_ref());
                self.write_rest(stretch.span, name);
            }
            None => self.write_rest(stretch.span, None),
        }
    }

    /// The first piece carries the definition; what is beyond one piece follows as text inside it.
    fn write_head(&mut self, span: Span, definition: &Definition) {
        let parts = pieces(self.text, self.with_indentation(span), pieces::DEFINITION);
        let name = definition.name.as_ref();
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return };
        self.push(first, definition.kind, name, definition.parent.as_ref(), &definition.signature);
        for part in parts {
            self.write_text(part, name, pieces::DEFINITION);
        }
    }

    /// What lies between definitions. Closing brackets and words alone go to the chunk before them.
    fn write_rest(&mut self, span: Span, parent: Option<&String>) {
        let trimmed = self.trimmed(span);
        if trimmed.is_empty() {
            return;
        }
        match self.chunks.last() {
            Some(last) if only_closes(self.content(trimmed)) => {
                self.grow_last(Span::new(last.span.start, trimmed.end));
            }
            _ => self.write_text(span, parent, pieces::TEXT),
        }
    }

    fn write_text(&mut self, span: Span, parent: Option<&String>, limit: Limit) {
        for piece in pieces(self.text, self.with_indentation(self.trimmed(span)), limit) {
            self.push(piece, ChunkKind::Text, None, parent, "");
        }
    }

    fn push(&mut self, span: Span, kind: ChunkKind, name: Option<&String>, parent: Option<&String>, signature: &str) {
        if self.content(span).trim().is_empty() {
            return;
        }
        let (first, end) = (self.line_at(span.start), self.line_after(span));
        self.chunks.push(Chunk {
            span,
            lines: first..end,
            symbol: name.cloned(),
            kind,
            parent: parent.cloned(),
            signature: signature.to_owned(),
            text: self.content(span).to_owned(),
        });
    }

    fn grow_last(&mut self, span: Span) {
        let end = self.line_after(span);
        let content = self.content(span).to_owned();
        if let Some(last) = self.chunks.last_mut()
            && span.end > last.span.end
        {
            last.span = span;
            last.lines.end = end;
            last.text = content;
        }
    }

    fn content(&self, span: Span) -> &'text str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// `span` without the blanks around it, but with the line break after it.
    fn trimmed(&self, span: Span) -> Span {
        let content = self.content(span);
        let front = content.trim_start_matches(|sign: char| sign.is_whitespace() || sign == '\u{feff}');
        let start = span.end - front.len();
        let kept = front.trim_end();
        let broken = front.get(kept.len()..).unwrap_or_default();
        let line_break = broken.find('\n').map_or(broken.len(), |at| at + 1);
        let end = if kept.is_empty() { start } else { start + kept.len() + line_break };
        Span::new(start, end)
    }

    /// `span` with the blanks before it on its first line, where no other chunk has them.
    fn with_indentation(&self, span: Span) -> Span {
        let taken = self.chunks.last().map_or(0, |chunk| chunk.span.end);
        if span.is_empty() || !starts_its_line(self.text, span.start) {
            return span;
        }
        let before = self.text.get(taken..span.start).unwrap_or_default();
        let blanks = before.len() - before.trim_end_matches([' ', '\t']).len();
        Span::new(span.start - blanks, span.end)
    }

    /// Zero-based line of byte `at`; asked in rising order.
    fn line_at(&mut self, at: usize) -> u32 {
        let (from, line) = self.counted;
        if at < from {
            return line.saturating_sub(line_breaks(self.text, at, from));
        }
        let line = line.saturating_add(line_breaks(self.text, from, at));
        self.counted = (at, line);
        line
    }

    /// One past the last line of `span`.
    fn line_after(&mut self, span: Span) -> u32 {
        let line = self.line_at(span.end);
        if self.content(span).ends_with(['\n', '\r']) { line } else { line.saturating_add(1) }
    }
}

/// Whether `text` is no more than what ends a definition: brackets, `end`, `#endif`, `</div>`.
fn only_closes(text: &str) -> bool {
    let letters = |line: &str| line.chars().filter(|sign| sign.is_alphanumeric()).count();
    text.len() <= LONGEST_TAIL && text.lines().all(|line| letters(line) <= LONGEST_CLOSER)
}

/// Line breaks (LF, CRLF, or CR alone, as in LSP 3.17) that end in bytes `from..to`.
fn line_breaks(text: &str, from: usize, to: usize) -> u32 {
    let bytes = text.as_bytes();
    let part = bytes.get(from..to).unwrap_or_default();
    let is_break = |at: &usize| bytes.get(*at) == Some(&b'\n') || bytes.get(*at + 1) != Some(&b'\n');
    let count = memchr::memchr2_iter(b'\n', b'\r', part).filter(|at| is_break(&(from + at))).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
