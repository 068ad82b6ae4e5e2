//! What is kept in the user's state folder: the record of actions, the modes, the changesets.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::changes::{Changeset, ChangesetId};
use crate::policy::{Action, Grant, Mode, SandboxLevel, Verdict};
use crate::workspace::Root;

/// Where in an action's life a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It was judged; for a grant, before the effect began.
    Judged,
    /// The effect ended.
    Ended,
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
    /// The action.
    pub action: Action,
    /// How it was judged; in a record of the end, as before.
    pub verdict: Verdict,
    /// How well it is contained; `None` for what does not run in the sandbox, and in records of before there were
    /// levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SandboxLevel>,
    /// What came of it, for people: exit code, files written, the failure.
    pub outcome: String,
}

/// The append-only record of actions.
pub trait Ledger: Send + Sync {
    /// Appends and returns the number; once it returns, the record outlives a crash.
    ///
    /// # Errors
    /// When it cannot be written: then the action must not happen.
    fn append(&self, root: &Root, entry: &Entry) -> Result<u64, Failure>;

    /// The last `count` records of a workspace, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    fn recent(&self, root: &Root, count: usize) -> Result<Vec<Entry>, Failure>;

    /// Whether all records of a workspace are as they were written.
    ///
    /// # Errors
    /// Naming the first record that is not; or when they cannot be read.
    fn verify(&self, root: &Root) -> Result<(), Failure>;
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

/// What has become of a kept changeset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShelvedState {
    /// Waits for a decision.
    Pending,
    /// In the workspace; can be undone.
    Applied,
    /// Was taken back.
    Undone,
    /// Nothing of it waits any more: each part was accepted or rejected.
    Settled,
}

/// A changeset on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelved {
    /// The changeset.
    pub changeset: Changeset,
    /// The proposal it is a part of, or itself: what was accepted piece by piece is undone as one.
    pub proposal: ChangesetId,
    /// What has become of it.
    pub state: ShelvedState,
    /// Milliseconds since the Unix epoch of the last change of state.
    pub at_ms: i64,
}

/// Changesets that wait or can be undone.
pub trait Shelf: Send + Sync {
    /// Keeps a changeset, or changes the state of a kept one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn shelve(&self, root: &Root, shelved: &Shelved) -> Result<(), Failure>;

    /// The changeset whose name begins with `id`.
    ///
    /// # Errors
    /// When none or several do, or it cannot be read.
    fn shelved(&self, root: &Root, id: &ChangesetId) -> Result<Shelved, Failure>;

    /// The changesets in `state`, latest change of state last.
    ///
    /// # Errors
    /// When they cannot be read.
    fn in_state(&self, root: &Root, state: ShelvedState) -> Result<Vec<Shelved>, Failure>;
}
