//! What other processes did to the changesets that wait: `tagout apply` and `reject` beside an editor, a batch, another
//! editor.

use super::super::Workbench;
use super::open::{Waiting, waiting};
use crate::changes::{ChangesetId, Rejected};
use crate::ports::{Failure, ShelvedState};
use crate::workspace::Root;

/// How the shelf differs from what a session knows.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// Changesets that wait and are not known, with what the files that they are about hold.
    pub waiting: Waiting,
    /// What is kept as rejected of each known one that waits.
    pub rejected: Vec<(ChangesetId, Vec<Rejected>)>,
    /// Known ones of which nothing waits any more.
    pub decided: Vec<ChangesetId>,
}

/// Compares the shelf with the changesets that are `known`.
///
/// # Errors
/// When the shelf cannot be read.
pub fn share(workbench: &Workbench, root: &Root, known: &[ChangesetId]) -> Result<Shared, Failure> {
    let (waiting, listed) = waiting(workbench, root, known)?;
    let (mut rejected, mut decided) = (Vec::new(), Vec::new());
    for id in known {
        match listed.iter().find(|one| one.id == *id) {
            Some(one) if !one.lineage.rejected.is_empty() => rejected.push((id.clone(), one.lineage.rejected.clone())),
            Some(_) => {}
            // One that was never kept, or is not any more, waits in the session alone.
            None => {
                let kept = workbench.shelf.shelved(root, id);
                let is_decided = |state| state != ShelvedState::Pending;
                decided.extend(kept.is_ok_and(|kept| is_decided(kept.state)).then(|| id.clone()));
            }
        }
    }
    Ok(Shared { waiting, rejected, decided })
}
