//! `tagout check`

use super::arguments::CheckArguments;
use super::{DONE, FAILED, INTERRUPTED, Screen, note_problems};
use crate::changes::{Changeset, ChangesetId, CheckOutcome, FileChange, unrejected};
use crate::engine::Workbench;
use crate::engine::recipes::{VerifyTask, verify};
use crate::ports::{Cancel, Failure};

pub(super) fn run(
    arguments: &CheckArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    note_problems(&workbench.standing(&root).problems, screen);
    super::note_unknown(workbench, &root, screen)?;
    let named = arguments.changeset.as_deref().map(ChangesetId::from_text);
    let shelved = named.map(|id| workbench.shelf.shelved(&root, &id)).transpose()?;
    let (proposal, changes) = shelved.map_or_else(Default::default, |shelved| of_proposal(&shelved.changeset));
    let task = VerifyTask { root, proposal, changes, open: Vec::new(), approved: arguments.approve.clone() };
    let verified = verify(workbench, &task, cancel, &|progress| Screen::progress(&progress))?;
    verified.checks.iter().for_each(|checked| screen.line(&checked.describe()));
    if cancel.is_cancelled() {
        return Ok(INTERRUPTED);
    }
    if verified.checks.is_empty() {
        screen.note("tagout: no checks were found: name them under [checks] in .tagout.toml");
    }
    // What nobody could run says nothing for the changes.
    let passed = |outcome: &CheckOutcome| matches!(outcome, CheckOutcome::Passed { .. });
    let all_passed = verified.checks.iter().all(|checked| passed(&checked.outcome));
    Ok(if all_passed && !verified.checks.is_empty() { DONE } else { FAILED })
}

/// What is checked of a proposal, and its name where that is all of it: the results go on it then.
fn of_proposal(proposal: &Changeset) -> (Option<ChangesetId>, Vec<FileChange>) {
    let whole = proposal.lineage.rejected.is_empty();
    (whole.then(|| proposal.id.clone()), unrejected(proposal).into_owned().files)
}
