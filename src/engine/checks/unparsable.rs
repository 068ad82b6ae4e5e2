//! Whether changed texts can still be parsed: the one check that needs no command.

use crate::changes::{CheckOutcome, Checked, FileChange};
use crate::syntax::{Language, first_fault};

/// The name of this check.
const SYNTAX: &str = "syntax";
/// Most files that are named.
const MOST_NAMED: usize = 3;

/// Whether the text of `change`, which could be parsed before, still can be, or where not. `None` when it could not be,
/// when it is no such text, and when `stop` said so.
#[must_use]
pub fn parses(change: &FileChange, stop: &dyn Fn() -> bool) -> Option<Result<(), String>> {
    let (before, after) = change.texts()?;
    let language = Language::detect(&change.path, before.lines().next().unwrap_or_default())?;
    match first_fault(language, after, stop) {
        Ok(None) => Some(Ok(())),
        // Grammars take some texts for broken that are not: only what is new counts.
        Ok(Some(line)) if first_fault(language, before, stop) == Ok(None) => {
            Some(Err(format!("{}:{}: does not parse any more", change.path, line + 1)))
        }
        Ok(Some(_)) | Err(_) => None,
    }
}

/// What [`parses`] said of several, as a check; `None` of none.
#[must_use]
pub fn syntax(said: impl IntoIterator<Item = Result<(), String>>) -> Option<Checked> {
    let (mut broken, mut parsed) = (Vec::new(), 0);
    for one in said {
        match one {
            Ok(()) => parsed += 1,
            Err(place) => broken.push(place),
        }
    }
    let outcome = match (broken.len(), parsed) {
        (0, 0) => return None,
        (0, 1) => CheckOutcome::Passed { summary: "1 changed file parses".to_owned() },
        (0, files) => CheckOutcome::Passed { summary: format!("{files} changed files parse") },
        (files, _) => {
            broken.truncate(MOST_NAMED);
            let more = files - broken.len();
            let more = if more > 0 { format!(", and {more} more files") } else { String::new() };
            CheckOutcome::Failed { first: format!("{}{more}", broken.join(", ")) }
        }
    };
    Some(Checked { name: SYNTAX.to_owned(), outcome, level: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{FileState, RelativePath};

    fn told(changes: &[(&str, Option<&str>, Option<&str>)]) -> Option<String> {
        let change = |(path, before, after): &(&str, Option<&str>, Option<&str>)| FileChange {
            path: RelativePath::new(*path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        };
        let changes: Vec<FileChange> = changes.iter().map(change).collect();
        syntax(changes.iter().filter_map(|change| parses(change, &|| false))).map(|checked| checked.describe())
    }

    #[test]
    fn what_parsed_and_does_not_any_more_is_named_with_its_line() {
        let good = ("a.rs", Some("fn a() {}\n"), Some("fn b() {}\n"));
        let bad = ("b.rs", Some("fn a() {}\n"), Some("fn a() {}\n\nfn (\n"));
        assert_eq!(told(&[good]).as_deref(), Some("syntax: passed: 1 changed file parses"));
        assert_eq!(told(&[good, bad]).as_deref(), Some("syntax: failed: b.rs:3: does not parse any more"));
        let names: Vec<String> = (0..5).map(|number| format!("{number}.rs")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), bad.1, bad.2)).collect();
        assert!(told(&many).unwrap().ends_with("2.rs:3: does not parse any more, and 2 more files"));
    }

    #[test]
    fn nothing_is_said_of_what_was_broken_is_new_or_is_no_code() {
        let broken = ("a.rs", Some("fn (\n"), Some("fn ((\n"));
        let others =
            [("c.rs", None, Some("fn (")), ("d.rs", Some("fn a() {}"), None), ("e.bin", Some("("), Some("(("))];
        assert_eq!(told(&[broken, others[0], others[1], others[2]]), None);
        assert_eq!(
            told(&[("a.rs", Some("fn ("), Some("fn a() {}"))]).as_deref(),
            Some("syntax: passed: 1 changed file parses")
        );
    }
}
