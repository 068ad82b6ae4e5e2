//! What other processes did to the changesets that wait: `tagout apply` and `reject` beside an editor, a batch, another
//! editor.

use super::super::Workbench;
use super::open::{Waiting, waiting};
use crate::changes::{Changeset, ChangesetId, Rejected};
use crate::ports::{Failure, ShelvedState};
use crate::workspace::Root;

/// How the shelf differs from what a session knows.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// Changesets that wait and are not known, with what the files that they are about hold.
    pub waiting: Waiting,
    /// What is kept as rejected of each known one of which more is than is known.
    pub rejected: Vec<(ChangesetId, Vec<Rejected>)>,
    /// Known ones that were made again, so that what was rejected waits again, each with how much was known to be.
    pub renewed: Vec<(Changeset, usize)>,
    /// Known ones of which nothing waits any more.
    pub decided: Vec<ChangesetId>,
}

/// Compares the shelf with the changesets that are `known`, and what is known to be rejected of each.
///
/// # Errors
/// When the shelf cannot be read.
pub fn share(workbench: &Workbench, root: &Root, known: &[(ChangesetId, Vec<Rejected>)]) -> Result<Shared, Failure> {
    let ids: Vec<ChangesetId> = known.iter().map(|(id, _)| id.clone()).collect();
    let (waiting, listed) = waiting(workbench, root, &ids)?;
    let mut shared = Shared { waiting, ..Shared::default() };
    for (id, known) in known {
        match listed.iter().find(|one| one.id == *id).map(|one| &one.lineage.rejected) {
            Some(rejected) if known.iter().any(|one| !rejected.contains(one)) => {
                // What cannot be read stays as it is known.
                let renewed = workbench.shelf.shelved(root, id).ok();
                shared.renewed.extend(renewed.map(|shelved| (shelved.changeset, known.len())));
            }
            Some(rejected) if rejected.len() > known.len() => shared.rejected.push((id.clone(), rejected.clone())),
            Some(_) => {}
            // One that was never kept, or is not any more, waits in the session alone.
            None => {
                let kept = workbench.shelf.shelved(root, id);
                let is_decided = |state| state != ShelvedState::Pending;
                shared.decided.extend(kept.is_ok_and(|kept| is_decided(kept.state)).then(|| id.clone()));
            }
        }
    }
    Ok(shared)
}
