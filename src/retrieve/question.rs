//! A question, taken apart once: its terms, the names in it, and whether it asks for a symbol.

use std::collections::HashSet;

use super::terms;

/// No more of a question than this is looked at, in bytes.
const LONGEST_QUESTION: usize = 4_096;
/// Names taken from one question at most.
const MOST_NAMES: usize = 16;

/// What a question looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The name of a symbol: `Snapshot`, `apply_edits`, `Root::join`.
    Symbol,
    /// Words.
    Prose,
}

/// A name that a symbol may have, with what stood before it: `Root::join` is `join` within `Root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The last part before the name, as written.
    pub qualifier: Option<String>,
    /// The name, as written.
    pub name: String,
}

/// A question, taken apart.
#[derive(Debug, Clone)]
pub struct Question {
    /// As it was asked, cut to 4,096 bytes.
    pub text: String,
    /// Its terms, no term twice.
    pub terms: Vec<String>,
    /// Identifier-like words in it, the only word of a one-word question included.
    pub names: Vec<Name>,
    /// What it looks like.
    pub shape: Shape,
}

impl Question {
    /// Takes `text` apart; any text is a question.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(LONGEST_QUESTION)).unwrap_or_default().trim().to_owned();
        let mut seen = HashSet::new();
        let terms = terms(&text).into_iter().filter(|term| seen.insert(term.clone())).collect();
        let words: Vec<&str> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
        let shape = match words.as_slice() {
            [word] if name_of(word).is_some() => Shape::Symbol,
            _ => Shape::Prose,
        };
        let named = words.iter().filter(|word| shape == Shape::Symbol || looks_like_identifier(word));
        let mut names: Vec<Name> = Vec::new();
        for name in named.filter_map(|word| name_of(word)) {
            if names.len() < MOST_NAMES && !names.contains(&name) {
                names.push(name);
            }
        }
        Self { text, terms, names, shape }
    }
}

/// `word` without the punctuation of a sentence around it, quotes and a call's brackets.
fn bare(word: &str) -> &str {
    let inner = word.trim_matches(|at: char| !(at.is_alphanumeric() || at == '_' || at == '$'));
    inner.split('(').next().unwrap_or_default()
}

/// The last part of a name, and the part before it; `None` when `word` is no name.
fn name_of(word: &str) -> Option<Name> {
    let mut parts = word.split(['.', ':', '#']).filter(|part| !part.is_empty()).rev();
    let plain = |part: &&str| part.chars().all(|at| at.is_alphanumeric() || at == '_' || at == '$');
    let name = parts.next().filter(plain)?.to_owned();
    let qualifier = parts.next().filter(plain).map(str::to_owned);
    name.chars().any(|at| at.is_alphabetic() || at == '_').then_some(Name { qualifier, name })
}

/// Whether a word of a sentence is written as only identifiers are.
fn looks_like_identifier(word: &str) -> bool {
    let inside = word.chars().skip(1);
    let mixed = inside.clone().any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    let joined = ["::", "_", ".", "#"].iter().any(|mark| word.contains(mark));
    let numbered = word.chars().next().is_some_and(char::is_alphabetic) && inside.clone().any(char::is_numeric);
    let shouted = word.chars().count() > 2 && word.chars().all(char::is_uppercase);
    mixed || joined || numbered || shouted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shape: Shape, names: &[(&str, &str)]) {
        let question = Question::parse(text);
        let found: Vec<_> =
            question.names.iter().map(|name| (name.qualifier.as_deref().unwrap_or(""), name.name.as_str())).collect();
        assert_eq!((question.shape, found.as_slice()), (shape, names), "{text:?}");
    }

    #[test]
    fn tells_symbols_from_words() {
        check("Snapshot", Shape::Symbol, &[("", "Snapshot")]);
        check("apply_edits()", Shape::Symbol, &[("", "apply_edits")]);
        check("`Root::join`", Shape::Symbol, &[("Root", "join")]);
        check("crate::workspace::Root::join", Shape::Symbol, &[("Root", "join")]);
        check("Array#map", Shape::Symbol, &[("Array", "map")]);
        check("os.path.join", Shape::Symbol, &[("path", "join")]);
        check("retry", Shape::Symbol, &[("", "retry")]);
        check("where are edits applied?", Shape::Prose, &[]);
        check("how does applyEdit, or Root::join, fail", Shape::Prose, &[("", "applyEdit"), ("Root", "join")]);
        check("what is utf8 used for", Shape::Prose, &[("", "utf8")]);
    }

    #[test]
    fn any_text_is_a_question() {
        for text in
            ["", "   ", "???", "::", "a::", "#", "1234", "\u{0}", "👩‍👩‍👧", &"x".repeat(1_000_000), &"é".repeat(5_000)]
        {
            let question = Question::parse(text);
            assert!(question.text.len() <= LONGEST_QUESTION);
            assert!(question.names.len() <= MOST_NAMES);
        }
    }
}
