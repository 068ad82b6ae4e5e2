//! Where a changeset comes from: its maker, what it was made from, under which record, and how it was checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ChangesetId, Rejected};
use crate::text::visible_line;
use crate::workspace::{ContentHash, RelativePath};

/// Who or what made a changeset. Part of its name; kept by position, so a new maker goes to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A structural rewrite.
    Rewrite {
        /// Pattern in ast-grep's syntax.
        pattern: String,
        /// What each match becomes.
        replacement: String,
        /// Name of the language it was run over.
        language: String,
    },
    /// What a sandboxed command wrote.
    Command {
        /// The argument vector, as it was run.
        argv: Vec<String>,
    },
    /// The inverse of an applied changeset.
    Undo {
        /// The changeset that is undone.
        of: ChangesetId,
    },
    /// A recipe from a folder of recipes.
    Recipe {
        /// Its name.
        name: String,
        /// What its parameters were set to.
        parameters: BTreeMap<String, String>,
    },
    /// A language model.
    Model {
        /// Its name, as its server calls it.
        name: String,
    },
    /// The user, by hand.
    User,
    /// Several changesets, one over the other.
    Composed {
        /// Them, first one first; none of them is itself composed.
        of: Vec<ChangesetId>,
    },
}

impl Origin {
    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Rewrite { pattern, replacement, language } => {
                visible_line(&format!("rewrite {language}: {pattern} → {replacement}"))
            }
            Self::Command { argv } => format!("command: {}", visible_line(&argv.join(" "))),
            Self::Undo { of } => format!("undo of {of}"),
            Self::Recipe { name, parameters } => {
                let set: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let set = if set.is_empty() { String::new() } else { format!(" ({})", set.join(", ")) };
                visible_line(&format!("recipe {name}{set}"))
            }
            Self::Model { name } => format!("model {}", visible_line(name)),
            Self::User => "edit by the user".to_owned(),
            Self::Composed { of } => {
                let names: Vec<&str> = of.iter().map(ChangesetId::as_str).collect();
                format!("composed of {}", names.join(", "))
            }
        }
    }
}

/// A file that a changeset was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// Where.
    pub path: RelativePath,
    /// [`FileState::hash`](crate::workspace::FileState::hash) of what it held.
    pub hash: ContentHash,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// It has nothing to say against the changeset.
    Passed {
        /// What it said of itself, in one line, such as how many tests passed; may be empty.
        summary: String,
    },
    /// It has.
    Failed {
        /// The first failure, in one line.
        first: String,
    },
    /// Nobody knows.
    NotRun {
        /// Why it could not be run.
        why: String,
    },
}

/// One of the project's checks, run over a changeset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Name, for people: mostly the command.
    pub name: String,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// The level of containment that it ran at, by its name; `None` where it did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

impl Checked {
    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let name = &self.name;
        visible_line(&match &self.outcome {
            CheckOutcome::Passed { summary } if summary.is_empty() => format!("{name}: passed"),
            CheckOutcome::Passed { summary } => format!("{name}: passed: {summary}"),
            CheckOutcome::Failed { first } => format!("{name}: failed: {first}"),
            CheckOutcome::NotRun { why } => format!("{name}: not run: {why}"),
        })
    }
}

/// All checks of a changeset in one line for people; `None` when there are none. What failed comes first, and nothing
/// passes as checked of which something could not be run.
#[must_use]
pub fn describe_checks(checks: &[Checked]) -> Option<String> {
    let failed = |checked: &&Checked| matches!(checked.outcome, CheckOutcome::Failed { .. });
    let missed = |checked: &&Checked| matches!(checked.outcome, CheckOutcome::NotRun { .. });
    if checks.is_empty() {
        return None;
    }
    Some(match (checks.iter().find(failed), checks.iter().find(missed)) {
        (Some(failed), _) => format!("check failed: {}", failed.describe()),
        (None, Some(missed)) => format!("not checked: {}", missed.describe()),
        (None, None) => {
            let told = checks.iter().map(|checked| match &checked.outcome {
                CheckOutcome::Passed { summary } if !summary.is_empty() => format!("{} ({summary})", checked.name),
                CheckOutcome::Passed { .. } | CheckOutcome::Failed { .. } | CheckOutcome::NotRun { .. } => {
                    checked.name.clone()
                }
            });
            visible_line(&format!("checks passed: {}", told.collect::<Vec<_>>().join(", ")))
        }
    })
}

/// What is known of how a changeset came about. No part of its name and of what an approval binds to: those are the
/// maker and the files, so that the same change, checked once more, stays the same change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    /// In which role it was made, by the role's name; `None` for the user's own steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Number of the ledger's record of the action that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Files that it was made from, besides those that it changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Input>,
    /// Changesets that it was made from: the one that it is a part of or was moved from, or those that it is
    /// composed of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derived_from: Vec<ChangesetId>,
    /// Checks that were run over exactly this changeset, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// What was rejected of it, in order: a review that is taken up again leaves that out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// The permissions of the files that were deleted when it was applied: taking it back creates them again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permissions: Permissions,
}

/// Permissions of files, of which a [`FileState`](crate::workspace::FileState) knows no more than whether the owner may
/// execute it: the last nine bits of the mode (inode(7)), without set-ID bits.
pub type Permissions = BTreeMap<RelativePath, u32>;

impl Lineage {
    /// The lineage of what is made from `parent` by cutting or moving it: no check ran over that yet, and
    /// nothing of it was rejected.
    #[must_use]
    pub fn derived(&self, parent: &ChangesetId) -> Self {
        Self { derived_from: vec![parent.clone()], checks: Vec::new(), rejected: Vec::new(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_told_in_one_line_and_keep_their_place() {
        let id = ChangesetId::from_text;
        let parameters = BTreeMap::from([("to".to_owned(), "x\ny".to_owned())]);
        let (pattern, replacement, language) = ("a".to_owned(), "b".to_owned(), "rust".to_owned());
        let makers = [
            (Origin::Rewrite { pattern, replacement, language }, "rewrite rust: a → b"),
            (Origin::Command { argv: vec!["make".into(), "\u{1b}[2J".into()] }, "command: make ␛[2J"),
            (Origin::Undo { of: id("1") }, "undo of 1"),
            (Origin::Recipe { name: "rename".into(), parameters }, "recipe rename (to=x␊y)"),
            (Origin::Model { name: "m\n".into() }, "model m␊"),
            (Origin::User, "edit by the user"),
            (Origin::Composed { of: vec![id("1"), id("2")] }, "composed of 1, 2"),
        ];
        for (place, (maker, told)) in makers.iter().enumerate() {
            assert_eq!(maker.describe(), *told);
            // What is on the shelf tells them apart by this number.
            assert_eq!(postcard::to_stdvec(maker).unwrap().first().copied().map(usize::from), Some(place));
        }
    }

    #[test]
    fn a_check_is_told_in_one_line() {
        let told = |outcome| Checked { name: "cargo test".into(), outcome, level: None }.describe();
        assert_eq!(told(CheckOutcome::Passed { summary: String::new() }), "cargo test: passed");
        assert_eq!(told(CheckOutcome::Passed { summary: "2 tests".into() }), "cargo test: passed: 2 tests");
        assert_eq!(told(CheckOutcome::Failed { first: "a\nb".into() }), "cargo test: failed: a␊b");
        assert_eq!(told(CheckOutcome::NotRun { why: "no cargo".into() }), "cargo test: not run: no cargo");
    }

    #[test]
    fn checks_together_are_no_better_than_the_worst() {
        let check = |name: &str, outcome| Checked { name: name.into(), outcome, level: None };
        let passed = |summary: &str| CheckOutcome::Passed { summary: summary.into() };
        let missed = check("lint", CheckOutcome::NotRun { why: "no ruff".into() });
        let failed = check("test", CheckOutcome::Failed { first: "a.py:1".into() });
        let good = [check("build", passed("")), check("test", passed("2 tests passed"))];
        let told = |checks: &[Checked]| describe_checks(checks).unwrap_or_default();
        assert_eq!(told(&[]), "");
        assert_eq!(told(&good), "checks passed: build, test (2 tests passed)");
        assert_eq!(told(&[good[0].clone(), missed.clone()]), "not checked: lint: not run: no ruff");
        assert_eq!(told(&[missed, failed]), "check failed: test: failed: a.py:1");
    }
}
