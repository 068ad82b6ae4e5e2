//! A program's words as options and operands, after getopt_long(3): bundled (`-no x`), attached (`-ofile`), abbreviated
//! (`--outp=x`), and everything after `--`.

use super::word::{Value, Word};

/// The options of a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    /// As for getopt(3): a letter, with `:` when a value follows, with `::` when one may be attached.
    pub(super) short: &'static str,
    /// Words separated by blanks, with `=` when a value follows, with `=?` when one may be attached.
    pub(super) long: &'static str,
}

/// Where options may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Anywhere, as GNU programs have it.
    Anywhere,
    /// Before the first operand.
    First,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// `-o` or `--output`, written out.
    pub(super) name: String,
    /// Its value.
    pub(super) value: Option<Word>,
}

/// What the words are.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Options, in their order.
    pub(super) options: Vec<Found>,
    /// Indices of the operands in the words given.
    pub(super) operands: Vec<usize>,
    /// Words that are no option known.
    pub(super) unknown: Vec<String>,
}

impl Parsed {
    /// Whether one of `names` is among the options.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|option| names.contains(&option.name.as_str()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Required,
    Attached,
}

/// Reads `words`, those after the head.
pub(super) fn read(spec: &Spec, order: Order, words: &[Word]) -> Parsed {
    let mut reader = Reader { spec, words, at: 0, parsed: Parsed::default() };
    while let Some(word) = words.get(reader.at) {
        reader.at += 1;
        let dashed = word.text.len() > 1 && word.text.starts_with('-');
        if word.value != Value::Literal && (dashed || word.value == Value::Open) {
            // What it will be is not known: an option, perhaps.
            reader.parsed.unknown.push(word.text.clone());
        } else if word.text == "--" {
            reader.parsed.operands.extend(reader.at..words.len());
            break;
        } else if let Some(long) = word.text.strip_prefix("--") {
            reader.long(long);
        } else if dashed {
            reader.short(word.text.strip_prefix('-').unwrap_or_default());
        } else if order == Order::First {
            reader.parsed.operands.extend(reader.at - 1..words.len());
            break;
        } else {
            reader.parsed.operands.push(reader.at - 1);
        }
    }
    reader.parsed
}

struct Reader<'words> {
    spec: &'words Spec,
    words: &'words [Word],
    at: usize,
    parsed: Parsed,
}

impl Reader<'_> {
    fn long(&mut self, written: &str) {
        let (name, attached) = match written.split_once('=') {
            Some((name, value)) => (name, Some(Word::literal(value))),
            None => (written, None),
        };
        match (find_long(self.spec, name), attached) {
            (Some((full, Takes::Required)), None) => self.with_next(format!("--{full}")),
            (Some((full, Takes::Required | Takes::Attached)), value) => self.push(format!("--{full}"), value),
            (Some((full, Takes::Nothing)), None) => self.push(format!("--{full}"), None),
            (Some((_, Takes::Nothing)), Some(_)) | (None, _) => self.parsed.unknown.push(format!("--{written}")),
        }
    }

    fn short(&mut self, letters: &str) {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            match find_short(self.spec, letter) {
                Some(Takes::Nothing) => self.push(format!("-{letter}"), None),
                Some(Takes::Required) if rest.is_empty() => return self.with_next(format!("-{letter}")),
                Some(Takes::Required | Takes::Attached) => {
                    let value = (!rest.is_empty()).then(|| Word::literal(rest));
                    return self.push(format!("-{letter}"), value);
                }
                // Whether what follows the letter is its value is not known either.
                None => return self.parsed.unknown.push(format!("-{letters}")),
            }
        }
    }

    fn with_next(&mut self, name: String) {
        let value = self.words.get(self.at).cloned();
        self.at += 1;
        match value {
            // A pattern may become several words, of which only the first is the value.
            Some(word) if word.value != Value::Literal => self.parsed.unknown.push(format!("{name} {}", word.text)),
            Some(word) => self.push(name, Some(word)),
            None => self.parsed.unknown.push(name),
        }
    }

    fn push(&mut self, name: String, value: Option<Word>) {
        self.parsed.options.push(Found { name, value });
    }
}

fn find_short(spec: &Spec, letter: char) -> Option<Takes> {
    if letter == ':' {
        return None;
    }
    let (_, after) = spec.short.split_once(letter)?;
    Some(if after.starts_with("::") {
        Takes::Attached
    } else if after.starts_with(':') {
        Takes::Required
    } else {
        Takes::Nothing
    })
}

/// The long option that `name` is, or is the unambiguous start of.
fn find_long<'spec>(spec: &'spec Spec, name: &str) -> Option<(&'spec str, Takes)> {
    let known = || {
        spec.long.split_ascii_whitespace().map(|entry| match entry.split_once('=') {
            Some((full, "?")) => (full, Takes::Attached),
            Some((full, _)) => (full, Takes::Required),
            None => (entry, Takes::Nothing),
        })
    };
    if let Some(exact) = known().find(|(full, _)| *full == name) {
        return Some(exact);
    }
    let mut fitting = known().filter(|(full, _)| full.starts_with(name));
    let first = fitting.next().filter(|_| !name.is_empty())?;
    fitting.next().is_none().then_some(first)
}
