//! Putting changesets on the shelf, and letting go of what its retention does not hold.

use super::super::Workbench;
use crate::changes::{Changeset, ChangesetId};
use crate::ports::{Failure, Shelved, ShelvedState};
use crate::workspace::Root;

/// Shelves a changeset, and lets go of what is too old or too much by now.
///
/// # Errors
/// When it cannot be shelved.
pub(super) fn shelve(workbench: &Workbench, root: &Root, shelved: &Shelved) -> Result<(), Failure> {
    workbench.shelf.shelve(root, shelved)?;
    // It is kept whether others go or not; the next time they are tried again.
    drop(workbench.shelf.prune(workbench.retention(), workbench.clock.now_ms()));
    Ok(())
}

/// Keeps a proposal so that a later session or command can take it up; an empty one is not kept.
pub(super) fn shelve_pending(workbench: &Workbench, root: &Root, changeset: &Changeset) -> Result<(), Failure> {
    if changeset.is_empty() {
        return Ok(());
    }
    let shelved = Shelved {
        changeset: changeset.clone(),
        proposal: changeset.id.clone(),
        state: ShelvedState::Pending,
        at_ms: workbench.clock.now_ms(),
    };
    shelve(workbench, root, &shelved)
}

/// Notes that what was applied of a proposal is taken back: its files are as they were before it, whoever saw to that.
///
/// # Errors
/// When the shelf cannot be read or written.
pub fn note_undone(workbench: &Workbench, root: &Root, proposal: &ChangesetId) -> Result<(), Failure> {
    let at_ms = workbench.clock.now_ms();
    for part in applied_parts(workbench, root, proposal)? {
        shelve(workbench, root, &Shelved { state: ShelvedState::Undone, at_ms, ..part })?;
    }
    Ok(())
}

/// The applied parts of a proposal, first one first.
///
/// # Errors
/// When the shelf cannot be read.
pub(super) fn applied_parts(
    workbench: &Workbench,
    root: &Root,
    proposal: &ChangesetId,
) -> Result<Vec<Shelved>, Failure> {
    let history = workbench.shelf.history(root)?;
    let parts = history.iter().rev().filter(|one| one.state == ShelvedState::Applied && one.proposal == *proposal);
    parts.map(|one| workbench.shelf.shelved(root, &one.id)).collect()
}
