//! What a batch tells while it runs, one JSON object a line; `docs/batch.md` has every field.

use serde::Serialize;

use crate::changes::{CheckOutcome, Checked};
use crate::ports::FailureKind;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum BatchEvent {
    /// The plan is read, and nothing is wrong with it.
    Plan {
        /// What stands for the plan.
        plan: String,
        /// Items in it.
        items: usize,
        /// Whether an earlier run of it left something.
        resumed: bool,
    },
    /// An item begins.
    Started {
        /// The item.
        id: String,
        /// What it does, in one line.
        does: String,
    },
    /// It is so far.
    Progress {
        /// The item.
        id: String,
        /// What it does now.
        stage: String,
        /// Units done.
        done: usize,
        /// Units in all, once known.
        total: Option<usize>,
    },
    /// It proposes this.
    Proposal {
        /// The item.
        id: String,
        /// Name of the changeset; none when nothing matches.
        changeset: Option<String>,
        /// Files.
        files: usize,
        /// Hunks.
        hunks: usize,
        /// Lines that come.
        added: usize,
        /// Lines that go.
        removed: usize,
        /// Files that were passed over, and what else there is to say.
        problems: Vec<String>,
    },
    /// Its checks ran.
    Checked {
        /// The item.
        id: String,
        /// Over what.
        over: Over,
        /// Whether all passed.
        passed: bool,
        /// Each.
        checks: Vec<CheckTold>,
    },
    /// It is in the workspace.
    Applied {
        /// The item.
        id: String,
        /// Name of the changeset.
        changeset: String,
        /// Files.
        files: usize,
        /// How much of it.
        over: Over,
    },
    /// It is in the workspace no more.
    Undone {
        /// The item.
        id: String,
        /// Name of the changeset.
        changeset: String,
        /// Files.
        files: usize,
    },
    /// Its patch was written.
    Patch {
        /// The item.
        id: String,
        /// Where.
        path: String,
    },
    /// It is a commit.
    Committed {
        /// The item.
        id: String,
        /// Name of the commit.
        commit: String,
    },
    /// It came to nothing, and later items go on.
    Failed {
        /// The item.
        id: String,
        /// Sort of failure.
        code: &'static str,
        /// What happened.
        what: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// It is not done now.
    Skipped {
        /// The item.
        id: String,
        /// Why.
        why: String,
        /// The changeset that it led to before.
        changeset: Option<String>,
    },
    /// The batch ended.
    Done {
        /// How many items ended in which way.
        counts: Counts,
    },
}

/// How much of a proposal something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The proposal, before anything of it was applied.
    Proposal,
    /// The canary's share.
    Canary,
    /// All of it.
    All,
}

/// A check and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckTold {
    /// Name.
    pub name: String,
    /// `passed`, `failed` or `not-run`.
    pub outcome: &'static str,
    /// What it said, or why it was not run.
    pub text: String,
}

impl From<&Checked> for CheckTold {
    fn from(check: &Checked) -> Self {
        let (outcome, text) = match &check.outcome {
            CheckOutcome::Passed { summary } => ("passed", summary),
            CheckOutcome::Failed { first } => ("failed", first),
            CheckOutcome::NotRun { why } => ("not-run", why),
        };
        Self { name: check.name.clone(), outcome, text: text.clone() }
    }
}

/// How many items ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Applied, whole.
    pub applied: usize,
    /// Proposed, and left for a person.
    pub proposed: usize,
    /// Nothing matched.
    pub unchanged: usize,
    /// Done by an earlier run, or not begun.
    pub skipped: usize,
    /// Failed, those that were taken back among them.
    pub failed: usize,
    /// Denied, or waiting for an approval.
    pub denied: usize,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// The sort of failure, as events have it.
pub(super) fn code(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidInput => "invalid-input",
        FailureKind::NotFound => "not-found",
        FailureKind::Denied => "denied",
        FailureKind::NeedsApproval => "needs-approval",
        FailureKind::Stale => "stale",
        FailureKind::Unavailable => "unavailable",
        FailureKind::Cancelled => "cancelled",
        FailureKind::Io => "io",
        FailureKind::Internal => "internal",
    }
}
