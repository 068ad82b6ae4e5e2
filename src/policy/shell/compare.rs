//! What two parsers make of one text.

use super::word::{Raw, Value};
use super::{Doubt, DoubtKind};
use crate::syntax::bash;

/// The first difference between `commands` and what tree-sitter-bash reads in `text`.
pub(super) fn difference(text: &str, commands: &[Raw]) -> Option<Doubt> {
    let Ok(other) = bash::commands(text) else {
        return Some(Doubt::new(DoubtKind::ParsersDiffer, "the second parser does not read it"));
    };
    let named: Vec<&Raw> = commands.iter().filter(|command| !command.words.is_empty()).collect();
    if named.len() != other.len() {
        let counts = format!("{} and {} commands", named.len(), other.len());
        return Some(Doubt::new(DoubtKind::ParsersDiffer, &counts));
    }
    named.into_iter().zip(&other).find_map(|(one, two)| word_difference(one, two))
}

/// `words` without the reserved word `time` and its option, which the grammar takes for a command's name.
fn without_time<'words>(one: &Raw, words: &'words [Option<String>]) -> &'words [Option<String>] {
    let is = |word: &Option<String>, text: &str| word.as_deref() == Some(text);
    let mut rest = words;
    for _ in &one.wrappers {
        rest = match rest {
            [time, option, after @ ..] if is(time, "time") && is(option, "-p") => after,
            [time, after @ ..] if is(time, "time") => after,
            _ => rest,
        };
    }
    rest
}

fn word_difference(one: &Raw, two: &bash::Command) -> Option<Doubt> {
    let words: &[Option<String>] = match two {
        bash::Command::Words(words) => without_time(one, words),
        // A construct whose words the grammar has no list of.
        bash::Command::Other => return None,
    };
    let texts = || one.words.iter().map(|word| word.text.as_str());
    if words.len() != one.words.len() {
        let text = texts().collect::<Vec<_>>().join(" ");
        return Some(Doubt::new(DoubtKind::ParsersDiffer, &text));
    }
    let differs = one
        .words
        .iter()
        .zip(words)
        .find(|(word, other)| word.value != Value::Open && other.as_ref().is_none_or(|other| *other != word.text));
    differs.map(|(word, _)| Doubt::new(DoubtKind::ParsersDiffer, &word.text))
}
