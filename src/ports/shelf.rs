//! The port to the shelf: the changesets that wait, can be undone, or were.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::changes::{Changeset, ChangesetId, Lineage, Origin, Summary};
use crate::workspace::Root;

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

impl ShelvedState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Applied, Self::Undone, Self::Settled];

    /// One word for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Pending => "waits",
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::Settled => "settled",
        }
    }
}

/// What is told of a changeset on the shelf without its files being loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub id: ChangesetId,
    /// As [`Shelved::proposal`].
    pub proposal: ChangesetId,
    /// What has become of it.
    pub state: ShelvedState,
    /// Milliseconds since the Unix epoch of the last change of state.
    pub at_ms: i64,
    /// Who or what made it.
    pub origin: Origin,
    /// What else is known of how it came about.
    pub lineage: Lineage,
    /// How much it changes.
    pub figures: Summary,
}

impl Listed {
    /// What is told of `shelved`, which changes so much.
    #[must_use]
    pub fn of(shelved: &Shelved, figures: Summary) -> Self {
        let Shelved { changeset, proposal, state, at_ms } = shelved;
        Self {
            id: changeset.id.clone(),
            proposal: proposal.clone(),
            state: *state,
            at_ms: *at_ms,
            origin: changeset.origin.clone(),
            lineage: changeset.lineage.clone(),
            figures,
        }
    }
}

/// A changeset on the shelf that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its name.
    pub id: ChangesetId,
    /// What is wrong with it.
    pub failure: Failure,
}

/// Which of the changesets that are kept are wanted: all, or those for which each of these holds that is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// They are in this state.
    pub state: Option<ShelvedState>,
    /// They are parts of this proposal, or itself.
    pub proposal: Option<&'a ChangesetId>,
}

/// Changesets of the shelf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Those that are as they were written.
    pub listed: Vec<Listed>,
    /// Those that are not.
    pub damaged: Vec<Damaged>,
}

impl History {
    /// Those that are listed, none being damaged.
    ///
    /// # Errors
    /// What is wrong with the first that is damaged.
    pub fn whole(self) -> Result<Vec<Listed>, Failure> {
        self.damaged.into_iter().next().map_or(Ok(self.listed), |damaged| Err(damaged.failure))
    }
}

/// Is shown one changeset after the other until it has seen enough.
pub type See<'a> = &'a mut dyn FnMut(Result<Listed, Damaged>) -> ControlFlow<()>;

/// What is kept instead, if anything is to be changed.
pub type Amend<'a> = &'a mut dyn FnMut(Shelved) -> Option<Shelved>;

/// How much of the history stays. A proposal and its parts stay or go together. Whatever was applied within the last
/// day stays, and so do the proposals that wait and were shelved last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What nothing happened to for longer goes, in days.
    pub keep_days: u64,
    /// Of each workspace, what is over this many bytes goes, oldest first.
    pub keep_bytes: u64,
}

/// Changesets that wait or can be undone, and those that were.
pub trait Shelf: Send + Sync {
    /// Keeps a changeset, or changes the state of a kept one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn shelve(&self, root: &Root, shelved: &Shelved) -> Result<(), Failure>;

    /// Changes what is kept of the changeset of just this name, so that no other change comes in between; `None` leaves it
    /// as it is.
    ///
    /// # Errors
    /// `NotFound` when it is not kept; else when it cannot be read or written. `change` must not use the shelf.
    fn amend(&self, root: &Root, id: &ChangesetId, change: Amend<'_>) -> Result<(), Failure>;

    /// The changeset whose name begins with `id`.
    ///
    /// # Errors
    /// When none or several do, saying so where one did and is not kept any more; when it cannot be read, or is not as
    /// it was written.
    fn shelved(&self, root: &Root, id: &ChangesetId) -> Result<Shelved, Failure>;

    /// Shows `see` what is kept of `which`, latest change of state first, until it has seen enough. It must not use the
    /// shelf meanwhile.
    ///
    /// # Errors
    /// When the shelf cannot be read. A changeset that is not as it was written is shown as [`Damaged`].
    fn list(&self, root: &Root, which: Which<'_>, see: See<'_>) -> Result<(), Failure>;

    /// What is kept of `which`, latest change of state first.
    ///
    /// # Errors
    /// As [`Shelf::list`].
    fn history(&self, root: &Root, which: Which<'_>) -> Result<History, Failure> {
        let mut history = History::default();
        self.list(root, which, &mut |one| {
            match one {
                Ok(listed) => history.listed.push(listed),
                Err(damaged) => history.damaged.push(damaged),
            }
            ControlFlow::Continue(())
        })?;
        Ok(history)
    }

    /// A number that is another one once another process has written to the state folder.
    ///
    /// # Errors
    /// When it cannot be read.
    fn version(&self) -> Result<i64, Failure>;

    /// Removes what `retention` does not hold, in every workspace, and says how many changesets that were. Does
    /// nothing within an hour of the last time, unless much was shelved since.
    ///
    /// # Errors
    /// When it cannot be done: then everything is still there.
    fn prune(&self, retention: Retention, now_ms: i64) -> Result<usize, Failure>;
}
