//! Putting changesets on the shelf, and letting go of what its retention does not hold.

use super::super::Workbench;
use crate::changes::{Changeset, ChangesetId, Checked, Rejected};
use crate::ports::{Failure, FailureKind, Listed, Shelved, ShelvedState, Which};
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
/// When the shelf or one of them cannot be read.
pub fn applied_parts(workbench: &Workbench, root: &Root, proposal: &ChangesetId) -> Result<Vec<Shelved>, Failure> {
    let parts = applied_listed(workbench, root, proposal)?;
    parts.iter().rev().map(|one| workbench.shelf.shelved(root, &one.id)).collect()
}

/// As [`applied_parts`], the last one first, without what their files hold.
///
/// # Errors
/// When the shelf or one of them cannot be read.
pub(super) fn applied_listed(
    workbench: &Workbench,
    root: &Root,
    proposal: &ChangesetId,
) -> Result<Vec<Listed>, Failure> {
    let applied = Which { state: Some(ShelvedState::Applied), proposal: Some(proposal) };
    workbench.shelf.history(root, applied)?.whole()
}

/// Changes what is kept of a proposal, if it is still kept; `None` leaves it as it is.
///
/// # Errors
/// When the shelf cannot be read or written.
pub(super) fn amend(
    workbench: &Workbench,
    root: &Root,
    proposal: &ChangesetId,
    change: impl FnOnce(Shelved) -> Option<Shelved>,
) -> Result<(), Failure> {
    let mut change = Some(change);
    let amended =
        workbench.shelf.amend(root, proposal, &mut |shelved| change.take().and_then(|change| change(shelved)));
    match amended {
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        amended => amended,
    }
}

/// Puts what checks said on a proposal, if it is still kept.
///
/// # Errors
/// When the shelf cannot be read or written.
pub fn note_checks(
    workbench: &Workbench,
    root: &Root,
    proposal: &ChangesetId,
    checks: &[Checked],
) -> Result<(), Failure> {
    amend(workbench, root, proposal, |mut shelved| {
        shelved.changeset.lineage.checks = checks.to_vec();
        Some(shelved)
    })
}

/// Takes a proposal of which nothing waits any more off the list of those that wait.
///
/// # Errors
/// When the shelf cannot be read or written.
pub fn settle(workbench: &Workbench, root: &Root, proposal: &ChangesetId) -> Result<(), Failure> {
    let at_ms = workbench.clock.now_ms();
    amend(workbench, root, proposal, |shelved| {
        let waits = shelved.state == ShelvedState::Pending;
        waits.then_some(Shelved { state: ShelvedState::Settled, at_ms, ..shelved })
    })
}

/// Keeps what was rejected of a proposal with it: whoever takes it up again leaves that out.
///
/// # Errors
/// When the shelf cannot be read or written.
pub fn reject(
    workbench: &Workbench,
    root: &Root,
    proposal: &ChangesetId,
    rejected: Vec<Rejected>,
) -> Result<(), Failure> {
    amend(workbench, root, proposal, |mut shelved| {
        let kept = &mut shelved.changeset.lineage.rejected;
        kept.extend(rejected);
        kept.sort();
        kept.dedup();
        (shelved.state == ShelvedState::Pending).then_some(shelved)
    })
}
