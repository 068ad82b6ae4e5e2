//! What somebody who asks wants to see: a definition of a name, the code that does something, or the files to look into.

use super::super::{Question, Shape};

/// What a question is after; each is ordered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intent {
    /// What has this name.
    Symbol,
    /// The definition that does what is described.
    Behaviour,
    /// The files that a task or a topic is about: each file once before any of them comes again.
    File,
    /// Behaviour or file: the words do not tell.
    #[default]
    Either,
}

/// Words that questions about a whole topic begin with.
const ASKING: &[&str] = &["explain", "how", "what", "when", "where", "which", "who", "why"];
/// Verbs that tasks begin with, as they are written in changelogs and in the subjects of commits.
const TASKS: &[&str] = &[
    "add",
    "align",
    "allow",
    "avoid",
    "bump",
    "change",
    "clean",
    "cleanup",
    "deprecate",
    "disable",
    "disallow",
    "document",
    "don't",
    "dont",
    "drop",
    "emit",
    "enable",
    "ensure",
    "export",
    "expose",
    "fix",
    "handle",
    "implement",
    "improve",
    "inline",
    "introduce",
    "make",
    "merge",
    "move",
    "never",
    "only",
    "prefer",
    "prevent",
    "reduce",
    "refactor",
    "remove",
    "rename",
    "replace",
    "restore",
    "revert",
    "simplify",
    "skip",
    "support",
    "switch",
    "tighten",
    "unwrap",
    "update",
    "upgrade",
    "use",
];
/// Longest scope before a colon, in characters, as in `parser/html: fix …`.
const LONGEST_SCOPE: usize = 40;

impl Intent {
    /// What `question` is after, by its first word: documentation says "Returns …", a task says "Add …".
    #[must_use]
    pub fn of(question: &Question) -> Self {
        if question.shape == Shape::Symbol {
            return Self::Symbol;
        }
        let first = question.text.split_whitespace().next().unwrap_or_default().to_lowercase();
        let first = first.trim_matches(|at: char| !at.is_alphanumeric());
        let is_among = |list: &[&str]| list.binary_search(&first).is_ok();
        if is_among(ASKING) || is_among(TASKS) || scope(&question.text).is_some() {
            Self::File
        } else if says_what_it_does(first) || ["a", "an", "the"].contains(&first) {
            Self::Behaviour
        } else {
            Self::Either
        }
    }
}

/// Whether a word looks like a verb in the third person: `Returns`, `Parses`.
pub(super) fn says_what_it_does(first: &str) -> bool {
    first.len() > 3 && first.ends_with('s') && !first.ends_with("ss")
}

/// What stands before the first colon, where it can be the part of a project that a task is about.
fn scope(text: &str) -> Option<&str> {
    let (before, _) = text.split_once(": ")?;
    let is_part = |at: char| at.is_alphanumeric() || "/._-, *()".contains(at);
    let count = before.chars().count();
    ((2..=LONGEST_SCOPE).contains(&count) && before.chars().all(is_part)).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_tells() {
        let check = |text: &str, wanted| assert_eq!(Intent::of(&Question::parse(text)), wanted, "{text}");
        check("Root::join", Intent::Symbol);
        check("Returns the parsed header", Intent::Behaviour);
        check("A queue of what waits", Intent::Behaviour);
        check("where are edits applied?", Intent::File);
        check("Fix an off-by-one in the parser", Intent::File);
        check("parser/html: off by one in attributes", Intent::File);
        check("retry with backoff", Intent::Either);
        check("process exit codes", Intent::Either);
        check("", Intent::Either);
        check("::: ", Intent::Either);
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(ASKING.is_sorted() && TASKS.is_sorted());
    }
}
