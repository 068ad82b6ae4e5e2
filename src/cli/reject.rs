//! `tagout reject`

use super::arguments::RejectArguments;
use super::{DONE, Screen};
use crate::changes::{Changeset, ChangesetId, HunkId, HunkState, Review, Selection};
use crate::engine::Workbench;
use crate::engine::recipes::{reject, settle};
use crate::ports::{Failure, FailureKind, ShelvedState};
use crate::workspace::Root;

pub(super) fn run(arguments: &RejectArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.changeset.workspace.root)?;
    super::note_unknown(workbench, &root, screen)?;
    let shelved = workbench.shelf.shelved(&root, &ChangesetId::from_text(&arguments.changeset.changeset))?;
    let id = shelved.changeset.id.clone();
    if shelved.state != ShelvedState::Pending {
        return Err(nothing_waits(&format!("{id} is {}", shelved.state.describe())));
    }
    let mut review = as_it_stands(workbench, &root, shelved.changeset)?;
    let rejected = selected(&review, &arguments.file)?;
    if rejected.is_empty() {
        return Err(nothing_waits(&format!("it is accepted or rejected in {id}")));
    }
    review.mark(&rejected, HunkState::Rejected);
    reject(workbench, &root, &id, review.changeset().lineage.rejected.clone())?;
    let left = review.pending(Selection::All).len();
    if left == 0 {
        settle(workbench, &root, &id)?;
    }
    let wait = if left == 0 { String::new() } else { format!("; {left} wait") };
    screen.note(&format!("tagout: rejected {} hunks of {id}{wait}", rejected.len()));
    Ok(DONE)
}

/// The review of a proposal over what its files hold now: what is made already does not wait.
fn as_it_stands(workbench: &Workbench, root: &Root, changeset: Changeset) -> Result<Review, Failure> {
    let mut review = Review::resumed(changeset);
    let paths: Vec<_> = review.files().iter().map(|file| file.path().clone()).collect();
    for (at, path) in paths.iter().enumerate() {
        review.see(at, workbench.files.read(root, path)?);
    }
    Ok(review)
}

/// What waits in these files, in all of them where none is named.
fn selected(review: &Review, files: &[String]) -> Result<Vec<HunkId>, Failure> {
    if files.is_empty() {
        return Ok(review.pending(Selection::All));
    }
    let mut selected = Vec::new();
    for file in files {
        let at = review.files().iter().position(|one| one.path().as_str() == file.as_str());
        let Some(at) = at else {
            let what = format!("{file} is no file of this changeset");
            return Err(Failure::new(FailureKind::NotFound, what).hint("`tagout show` has their names"));
        };
        selected.extend(review.pending(Selection::File(at)));
    }
    selected.sort();
    selected.dedup();
    Ok(selected)
}

fn nothing_waits(why: &str) -> Failure {
    Failure::new(FailureKind::NotFound, format!("nothing waits for a decision there: {why}"))
        .hint("`tagout changes` lists what waits")
}
