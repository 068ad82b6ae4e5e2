//! One word of shell text, and a command made of such words before its wrappers are peeled.

use super::{Redirection, RedirectionKind};

/// How a word was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Writing {
    /// Without a quote or backslash.
    #[default]
    Plain,
    /// With one somewhere.
    Quoted,
}

/// What a word will be when the command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Value {
    /// Its text.
    #[default]
    Literal,
    /// Its text, or the names of the files that it matches.
    Pattern,
    /// Not known: it expands, or comes from input.
    Open,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word {
    /// Its text, quotes removed.
    pub(super) text: String,
    pub(super) writing: Writing,
    pub(super) value: Value,
    /// Bytes of `text` before the first quoted one; all of it when none is.
    pub(super) plain: usize,
}

impl Word {
    /// A word that no shell reads.
    pub(super) fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), plain: text.len(), ..Self::default() }
    }

    /// A word that cannot be known.
    pub(super) fn open(text: &str) -> Self {
        Self { value: Value::Open, ..Self::literal(text) }
    }

    /// The text of a word that is what it says.
    pub(super) fn known(&self) -> Option<&str> {
        (self.value == Value::Literal).then_some(self.text.as_str())
    }

    /// The text, when nothing in it was quoted.
    pub(super) fn plain_text(&self) -> Option<&str> {
        (self.writing == Writing::Plain).then_some(self.text.as_str())
    }

    /// Name and value, when bash takes the word before a command for an assignment.
    pub(super) fn assignment(&self) -> Option<(&str, &str)> {
        let (name, value) = self.text.split_once('=')?;
        let name_only = name.strip_suffix('+').unwrap_or(name);
        (is_name(name_only) && name.len() < self.plain).then_some((name_only, value))
    }

    /// Whether bash may take the word before a command for an assignment to a part of an array.
    pub(super) fn is_subscripted(&self) -> bool {
        let Some((name, _)) = self.text.split_once('[') else { return false };
        is_name(name) && name.len() < self.plain
    }
}

/// Whether `text` is the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut signs = text.chars();
    signs.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && signs.all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

/// A simple command as the text has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    /// Head and arguments.
    pub(super) words: Vec<Word>,
    /// Assignments before the head.
    pub(super) assignments: Vec<(String, String)>,
    /// Redirections, wherever they stand.
    pub(super) redirections: Vec<Redirection>,
    /// Reserved words that act as wrappers: `time`.
    pub(super) wrappers: Vec<String>,
    /// Which of the text's here-documents it reads.
    pub(super) documents: Vec<usize>,
}

impl Raw {
    /// Whether nothing of it has been read yet.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.assignments.is_empty() && self.redirections.is_empty() && self.wrappers.is_empty()
    }
}

/// How a redirection's operator is written; the kind of `>&` depends on its target.
pub(super) fn redirection_kind(operator: &str, target: &str) -> RedirectionKind {
    let to_descriptor = target.strip_suffix('-').unwrap_or(target).bytes().all(|byte| byte.is_ascii_digit());
    match operator {
        "<" => RedirectionKind::Read,
        ">>" => RedirectionKind::Append,
        ">|" => RedirectionKind::Clobber,
        "<>" => RedirectionKind::ReadWrite,
        "&>" => RedirectionKind::WriteBoth,
        "&>>" => RedirectionKind::AppendBoth,
        "<&" => RedirectionKind::Duplicate,
        ">&" if to_descriptor => RedirectionKind::Duplicate,
        ">&" => RedirectionKind::WriteBoth,
        "<<" | "<<-" => RedirectionKind::HereDocument,
        "<<<" => RedirectionKind::HereString,
        _ => RedirectionKind::Write,
    }
}
