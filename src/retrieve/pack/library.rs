//! The texts of files, taken apart once, with the secrets in them hidden.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::super::Catalogue;
use crate::syntax::Language;
use crate::text::Span;
use crate::workspace::RelativePath;

/// What is not to be shown.
#[derive(Clone, Copy)]
pub struct Discretion<'a> {
    /// Finds the bytes of a text that are secret.
    pub find_secrets: &'a dyn Fn(&str) -> Vec<Range<usize>>,
    /// Whether a file, by its path and its text, is a secret as a whole.
    pub is_secret: &'a dyn Fn(&str, &str) -> bool,
}

/// What stands in the place of a secret.
const HIDDEN: &str = "«secret»";

/// Files of a catalogue as they may be shown.
pub struct Library<'a> {
    pub(super) catalogue: &'a Catalogue,
    discretion: Discretion<'a>,
    files: HashMap<&'a str, Option<Shown>>,
}

/// One file that is no secret.
struct Shown {
    language: &'static str,
    texts: BTreeMap<u32, String>,
}

impl<'a> Library<'a> {
    /// Shows nothing that `discretion` finds.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue, discretion: Discretion<'a>) -> Self {
        Self { catalogue, discretion, files: HashMap::new() }
    }

    /// Whether nothing of a file may be shown, not even that it is there.
    pub fn is_secret(&mut self, path: &'a str) -> bool {
        self.file(path).is_none()
    }

    /// The text of a chunk; empty once it is gone, or where its file is a secret or damaged.
    pub fn text(&mut self, chunk: u32) -> &str {
        let Some(known) = self.catalogue.known(chunk) else { return "" };
        self.file(known.path).and_then(|file| file.texts.get(&chunk)).map_or("", String::as_str)
    }

    /// A chunk's definition in one line; empty for text.
    pub(super) fn signature(&self, chunk: u32) -> String {
        let signature = self.catalogue.known(chunk).map_or("", |known| known.signature);
        let hidden = hide(signature, &(self.discretion.find_secrets)(signature));
        hidden.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The name of a file's language, as fences have it; empty for unknown text.
    pub(super) fn language(&mut self, path: &'a str) -> &'static str {
        self.file(path).map_or("", |file| file.language)
    }

    fn file(&mut self, path: &'a str) -> Option<&Shown> {
        if !self.files.contains_key(path) {
            let shown = self.read(path);
            self.files.insert(path, shown);
        }
        self.files.get(path)?.as_ref()
    }

    fn read(&self, path: &str) -> Option<Shown> {
        let own = RelativePath::new(path).ok()?;
        let texts = self.catalogue.texts_of(&own);
        let head = texts.first().map_or("", |(_, text)| text);
        let language = Language::detect(&own, head).map_or("", Language::name);
        let span = |chunk: u32| self.catalogue.known(chunk).map_or(Span::new(0, 0), |known| known.span);
        let (whole, starts) = join(texts.iter().map(|(chunk, text)| (span(*chunk), text.as_str())));
        if (self.discretion.is_secret)(path, &whole) {
            return None;
        }
        // Looked for in all texts together: a key may be cut in two.
        let secrets = (self.discretion.find_secrets)(&whole);
        Some(Shown { language, texts: shown(texts, &starts, &secrets) })
    }
}

/// The texts of one file in their order, each with its place in the file, as one, and where each starts in it: what was cut
/// in two is whole again, and what was never one is on lines of its own.
#[must_use]
pub fn join<'a>(texts: impl IntoIterator<Item = (Span, &'a str)>) -> (String, Vec<usize>) {
    let (mut whole, mut starts, mut end) = (String::new(), Vec::new(), 0);
    for (span, text) in texts {
        if span.start != end && !whole.is_empty() {
            whole.push('\n');
        }
        starts.push(whole.len());
        whole.push_str(text);
        end = span.end;
    }
    (whole, starts)
}

/// The texts of one file without its secrets; where each text starts in the whole that the secrets are in.
fn shown(texts: Vec<(u32, String)>, starts: &[usize], secrets: &[Range<usize>]) -> BTreeMap<u32, String> {
    let own = |(start, (chunk, text)): (&usize, (u32, String))| {
        let within = secrets.iter().filter(|secret| secret.start < start + text.len() && *start < secret.end);
        let within = within.map(|secret| secret.start.saturating_sub(*start)..(secret.end - start).min(text.len()));
        (chunk, hide(&text, &within.collect::<Vec<_>>()))
    };
    starts.iter().zip(texts).map(own).collect()
}

/// `text` with a mark in the place of each range; the line ends in it stay, so that lines keep their numbers.
#[must_use]
pub fn hide(text: &str, secrets: &[Range<usize>]) -> String {
    let mut secrets = secrets.to_vec();
    secrets.sort_by_key(|secret| (secret.start, secret.end));
    let (mut hidden, mut done) = (String::with_capacity(text.len()), 0);
    for Range { start, end } in secrets {
        if end <= done || start >= end {
            continue;
        }
        // Ranges that end inside a character hide it whole.
        let (start, end) = (text.floor_char_boundary(start.max(done)), text.ceil_char_boundary(end));
        hidden.push_str(text.get(done..start).unwrap_or_default());
        hidden.push_str(HIDDEN);
        let lines = text.get(start..end).unwrap_or_default().matches('\n').count();
        hidden.extend(std::iter::repeat_n('\n', lines));
        done = end;
    }
    hidden.push_str(text.get(done..).unwrap_or_default());
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_in_two_is_whole_again() {
        let texts = [(Span::new(3, 6), "ghp"), (Span::new(6, 8), "_1"), (Span::new(9, 10), "x")];
        assert_eq!(join(texts), ("ghp_1\nx".to_owned(), vec![0, 3, 6]));
    }

    #[test]
    fn secrets_are_hidden_also_where_they_are_cut_and_lines_stay() {
        let texts = vec![(4, "a\nBEGIN x\n".to_owned()), (5, "y\nz END é b\n".to_owned())];
        let shown = shown(texts, &[0, 11], &[2..18, 2..2]);
        assert_eq!(shown.get(&4).unwrap(), "a\n«secret»\n");
        assert_eq!(shown.get(&5).unwrap(), "«secret»\n é b\n");
        assert_eq!(hide("aéb", &[2..3, 0..2]), "«secret»b");
    }
}
