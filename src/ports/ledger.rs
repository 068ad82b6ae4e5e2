//! What is kept in the user's state folder: the record of actions, the modes, the changesets.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{Audit, Failure};
use crate::policy::{Action, Asker, Decision, Facts, Grant, Mode, Role, SandboxLevel, Verdict};
use crate::workspace::{ContentHash, Root};

/// Where in an action's life a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It was judged; for a grant, before the effect began: the intent. Also denials and questions.
    Judged,
    /// The effect ended: the outcome.
    Ended,
    /// The effect's outcome was unknown, and somebody looked at the world.
    Resolved,
}

/// What stood in for a person's yes at that moment; each with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
pub enum ApprovalKind {
    /// Approved for this one time.
    Once(String),
    /// Approved until the session ends.
    Session(String),
    /// Approved for good.
    Always(String),
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number, from 1, rising; 0 before it is written.
    pub number: u64,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Mode of the workspace at that moment.
    pub mode: Mode,
    /// Where in the action's life.
    pub phase: Phase,
    /// The action; secrets in it are replaced before it is written.
    pub action: Action,
    /// How it was judged; in a record of the end, as before.
    pub verdict: Verdict,
    /// How well it is contained; `None` for what does not run in the sandbox, and in records of before there were
    /// levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SandboxLevel>,
    /// What came of it, for people: exit code, files written, the failure.
    pub outcome: String,
    /// Who asked; in records of before this was kept, only the user could.
    #[serde(default = "asker_of_old_records")]
    pub asker: Asker,
    /// In which role; `None` for the user's own steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What was known when it was judged, so that it can be judged again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What stood in for a person's yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalKind>,
    /// For an outcome: the number of its intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// How long the effect took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What it cost, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Name of the job that it is part of: 32 hexadecimal digits, as a trace id of OpenTelemetry.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace: String,
    /// Which process wrote it, as its caller tells processes apart; empty where nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// [`Action::hash`] of the action before secrets were taken out of it; set when it is written. Where a secret was
    /// taken out it is a keyed hash of that: equal for equal actions, and no help in guessing the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_hash: Option<ContentHash>,
}

fn asker_of_old_records() -> Asker {
    Asker::User
}

impl Entry {
    /// A record of `action` as it was judged, asked for by the user, with nothing more known.
    #[must_use]
    pub fn judged(at_ms: i64, mode: Mode, action: Action, verdict: Verdict) -> Self {
        Self {
            number: 0,
            at_ms,
            mode,
            phase: Phase::Judged,
            action,
            verdict,
            level: None,
            outcome: String::new(),
            asker: Asker::User,
            role: None,
            facts: None,
            approval: None,
            of: None,
            duration_ms: None,
            cost: None,
            trace: String::new(),
            session: String::new(),
            action_hash: None,
        }
    }

    /// Whether an effect may follow it: it was allowed, or approved.
    #[must_use]
    pub fn is_intent(&self) -> bool {
        match (self.phase, self.verdict.decision) {
            (Phase::Judged, Decision::Allow) => true,
            (Phase::Judged, Decision::Ask) => self.approval.is_some(),
            (Phase::Judged, Decision::Deny) | (Phase::Ended | Phase::Resolved, _) => false,
        }
    }
}

/// Where to begin reading records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With this number.
    Number(u64),
    /// With those of this moment, in milliseconds since the Unix epoch, and after; earlier ones are left out wherever
    /// they stand, as a clock may have gone backwards.
    Moment(i64),
}

impl Since {
    /// Everything there is.
    pub const BEGINNING: Self = Self::Number(0);

    /// Whether `entry` is to be read.
    #[must_use]
    pub fn includes(self, entry: &Entry) -> bool {
        match self {
            Self::Number(number) => entry.number >= number,
            Self::Moment(at_ms) => entry.at_ms >= at_ms,
        }
    }
}

/// What reads records one by one; it says when it has seen enough.
pub type Reader<'a> = &'a mut dyn FnMut(&Entry) -> ControlFlow<()>;

/// The append-only record of actions.
pub trait Ledger: Send + Sync {
    /// Appends and returns the number; once it returns, the record outlives a crash. Those that come at the same
    /// moment share one write.
    ///
    /// # Errors
    /// When it cannot be written: then the action must not happen.
    fn append(&self, root: &Root, entry: &Entry) -> Result<u64, Failure>;

    /// The last `count` records of a workspace that are not rotated away, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    fn recent(&self, root: &Root, count: usize) -> Result<Vec<Entry>, Failure>;

    /// Hands every record from `since` on to `reader`, oldest first, rotated ones too, holding one at a time.
    ///
    /// # Errors
    /// When they cannot be read, naming the record.
    fn each(&self, root: &Root, since: Since, reader: Reader<'_>) -> Result<(), Failure>;

    /// Whether all records of a workspace are as they were written, rotated ones too.
    ///
    /// # Errors
    /// When they cannot be read at all; what is wrong with them is in the [`Audit`].
    fn verify(&self, root: &Root) -> Result<Audit, Failure>;

    /// Intents whose effect may have happened and whose outcome nobody wrote, oldest first, but for those of the
    /// processes in `alive`: look at the world, then append a record of [`Phase::Resolved`] with `of` set.
    ///
    /// # Errors
    /// When they cannot be read.
    fn open_intents(&self, root: &Root, alive: &[String]) -> Result<Vec<Entry>, Failure>;
}

/// How much of the record stays where it can be read quickest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Most records.
    pub records: u64,
    /// Records before this moment go, in milliseconds since the Unix epoch; `i64::MIN` for none.
    pub since_ms: i64,
}

/// What a rotation moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The first record that was moved.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Where they are now.
    pub file: std::path::PathBuf,
}

/// What keeps the record from growing without end.
pub trait Rotation: Send + Sync {
    /// Moves the oldest records that `keep` does not hold to a file of their own, where they are still read and
    /// verified; `None` when there are none. The newest record stays, and nothing from the oldest open intent on goes.
    ///
    /// # Errors
    /// When they cannot be moved: then they are where they were.
    fn rotate(&self, root: &Root, keep: Keep) -> Result<Option<Rotated>, Failure>;
}

/// The mode of each workspace.
pub trait Modes: Send + Sync {
    /// The mode; `read-only` for a workspace never seen.
    ///
    /// # Errors
    /// When it cannot be read: then treat the workspace as `read-only`.
    fn mode(&self, root: &Root) -> Result<Mode, Failure>;

    /// Sets the mode that the grant's action names.
    ///
    /// # Errors
    /// When the grant is for another action, or it cannot be written.
    fn set_mode(&self, grant: Grant, root: &Root) -> Result<(), Failure>;

    /// What had to be said since the last call: that damage was found and every workspace is `read-only` again.
    fn take_notice(&self) -> Option<String>;
}
