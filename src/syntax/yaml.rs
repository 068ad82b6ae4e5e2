//! Reading YAML that strangers wrote: bounded in size, depth, nodes and what aliases unfold to.

use serde::de::DeserializeOwned;
use serde_saphyr::{MergeKeyPolicy, NonFiniteFloatPolicy, Options, Spanned};

/// Bytes of one YAML file.
pub const LARGEST_YAML: usize = 1 << 20;

/// Levels of one document.
const DEEPEST: usize = 48;

/// Scalars, lists and maps of one file, those that aliases repeat included.
const MOST_NODES: usize = 100_000;

/// Aliases and anchors of one file, each.
const MOST_ALIASES: usize = 1_000;

/// Documents of one file.
const MOST_DOCUMENTS: usize = 4_096;

/// Bytes of an error's text.
const LONGEST_REASON: usize = 600;

/// One document and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T> {
    /// Line of its first value, from 1.
    pub line: usize,
    /// What it says.
    pub value: T,
}

/// Why a YAML file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlProblem {
    /// More than [`LARGEST_YAML`].
    #[error("the file is larger than 1 MiB: split it")]
    TooLarge,
    /// Not text.
    #[error("the file is not UTF-8 from byte {0} on: save it as UTF-8")]
    NotUtf8(usize),
    /// Not the YAML that is wanted here.
    #[error("{}{reason}: correct it there", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Unreadable {
        /// Line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
}

impl YamlProblem {
    /// The line it is about, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unreadable { line, .. } => *line,
            Self::TooLarge | Self::NotUtf8(_) => None,
        }
    }
}

/// The text of a YAML file; a byte order mark is left out.
///
/// # Errors
/// When it is too large or not UTF-8.
pub fn yaml_text(bytes: &[u8]) -> Result<&str, YamlProblem> {
    if bytes.len() > LARGEST_YAML {
        return Err(YamlProblem::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| YamlProblem::NotUtf8(error.valid_up_to()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Every document of `text` that says something.
///
/// # Errors
/// When the text is too large, no YAML, unfolds to too much, or says something else than a `T`.
pub fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<Document<T>>, YamlProblem> {
    if text.len() > LARGEST_YAML {
        return Err(YamlProblem::TooLarge);
    }
    let read = serde_saphyr::from_multiple_with_options::<Spanned<T>>(text, options());
    let documents = read.map_err(|error| unreadable(&error))?;
    let placed = documents.into_iter().map(|document| Document {
        line: usize::try_from(document.referenced.line()).unwrap_or(usize::MAX),
        value: document.value,
    });
    Ok(placed.collect())
}

/// The scalars of YAML 1.2 (`on` and `no` are texts), as ast-grep reads its rules.
fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    options.merge_keys = MergeKeyPolicy::AsOrdinary;
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    options.alias_limits.max_total_replayed_events = MOST_NODES;
    options.alias_limits.max_alias_expansions_per_anchor = MOST_ALIASES;
    let mut budget = options.budget.take().unwrap_or_default();
    budget.max_depth = DEEPEST;
    budget.flow_nesting_limit = DEEPEST;
    budget.max_nodes = MOST_NODES;
    budget.max_aliases = MOST_ALIASES;
    budget.max_anchors = MOST_ALIASES;
    budget.max_documents = MOST_DOCUMENTS;
    budget.max_total_scalar_bytes = 4 * LARGEST_YAML;
    options.budget = Some(budget);
    options
}

fn unreadable(error: &serde_saphyr::Error) -> YamlProblem {
    let error = error.without_snippet();
    let line = error.location().and_then(|place| usize::try_from(place.line()).ok()).filter(|line| *line > 0);
    let written = error.to_string();
    let first = written.lines().next().unwrap_or_default();
    // The library repeats the place after the words.
    let words = first.split(" at line ").next().unwrap_or(first).trim_end_matches('.');
    let mut reason = words.to_owned();
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    YamlProblem::Unreadable { line, reason }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    type Value = serde_json::Value;

    #[test]
    fn documents_know_their_lines_and_empty_ones_are_left_out() {
        let read = documents::<Value>("a: on\n---\n---\n# nothing\n---\n\nb: [1]\n").unwrap();
        assert_eq!(read.iter().map(|document| document.line).collect::<Vec<_>>(), [1, 7]);
        assert_eq!(read.first().unwrap().value, serde_json::json!({"a": "on"}));
        assert!(documents::<Value>("").unwrap().is_empty());
    }

    #[test]
    fn what_unfolds_without_end_is_refused_at_once() {
        let mut laughs = "a0: &a0 [ha, ha]\n".to_owned();
        for level in 1..40 {
            writeln!(laughs, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).unwrap();
        }
        assert!(documents::<Value>(&laughs).is_err());
        assert!(documents::<Value>(&"[".repeat(100_000)).is_err());
        assert!(documents::<Value>(&"- ".repeat(10_000)).is_err());
        assert!(documents::<Value>(&"a: 1\n---\n".repeat(5_000)).is_err());
        assert_eq!(documents::<Value>(&" ".repeat(LARGEST_YAML + 1)), Err(YamlProblem::TooLarge));
    }

    #[test]
    fn a_problem_names_its_line() {
        assert_eq!(documents::<Value>("a: 1\nb: [\n").unwrap_err().line(), Some(2));
        assert_eq!(documents::<Value>("a: 1\na: 2\n").unwrap_err().line(), Some(2));
        assert_eq!(yaml_text(b"a: \xff"), Err(YamlProblem::NotUtf8(3)));
        assert_eq!(yaml_text("\u{feff}a".as_bytes()), Ok("a"));
    }
}
