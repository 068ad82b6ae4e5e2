//! `tagout changes`, `show`, `apply` and `undo`

use super::arguments::{ApplyArguments, ChangesetArguments, UndoArguments, WorkspaceArguments};
use super::{DONE, Screen};
use crate::changes::{Changeset, ChangesetId, FileChange, content_hash, render_changeset, summarise};
use crate::engine::Workbench;
use crate::engine::recipes::{
    Applied, ApplyTask, Executor, Judgement, Purpose, apply as apply_changes, last_applied, undo_changes,
};
use crate::policy::{Action, Approval};
use crate::ports::{Failure, FailureKind, ShelvedState};
use crate::workspace::{ContentHash, Root};

/// Digits of a hash that a person has to repeat.
const HASH_DIGITS: usize = 12;

pub(super) fn list(arguments: &WorkspaceArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.root)?;
    for (state, name) in [(ShelvedState::Pending, "waits"), (ShelvedState::Applied, "applied")] {
        for shelved in workbench.shelf.in_state(&root, state)? {
            let changeset = &shelved.changeset;
            screen.line(&format!(
                "{}  {name:<8} {}  ({})",
                changeset.id,
                changeset.origin.describe(),
                summarise(changeset)
            ));
        }
    }
    Ok(DONE)
}

pub(super) fn show(arguments: &ChangesetArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let shelved = workbench.shelf.shelved(&root, &ChangesetId::from_text(&arguments.changeset))?;
    screen.diff(&render_changeset(&shelved.changeset));
    Ok(DONE)
}

pub(super) fn apply(arguments: &ApplyArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.changeset.workspace.root)?;
    let shelved = workbench.shelf.shelved(&root, &ChangesetId::from_text(&arguments.changeset.changeset))?;
    match shelved.state {
        ShelvedState::Applied => {
            screen.note(&format!("tagout: {} is already applied", shelved.changeset.id));
            Ok(DONE)
        }
        ShelvedState::Pending | ShelvedState::Undone | ShelvedState::Settled => {
            write(workbench, &root, shelved.changeset, arguments.approve.as_deref(), screen)
        }
    }
}

/// Writes a whole changeset to the workspace.
pub(super) fn write(
    workbench: &Workbench,
    root: &Root,
    changeset: Changeset,
    approve: Option<&str>,
    screen: &Screen,
) -> Result<u8, Failure> {
    let Changeset { id, origin, files } = changeset;
    let hint = format!("tagout apply {id}");
    let purpose = Purpose::Accept { proposal: id, origin, hunks: Vec::new() };
    make(workbench, root, files, purpose, approve, &hint, screen)
}

pub(super) fn undo(arguments: &UndoArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let wanted = arguments.changeset.as_deref().map(ChangesetId::from_text);
    let applied = last_applied(workbench, &root, wanted.as_ref())?;
    let hint = format!("tagout undo {}", applied.proposal);
    let purpose = Purpose::Undo { proposal: applied.proposal.clone() };
    make(workbench, &root, undo_changes(&applied), purpose, arguments.approve.as_deref(), &hint, screen)
}

fn make(
    workbench: &Workbench,
    root: &Root,
    changes: Vec<FileChange>,
    purpose: Purpose,
    approve: Option<&str>,
    again: &str,
    screen: &Screen,
) -> Result<u8, Failure> {
    let content = content_hash(&changes);
    let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let approval = approval(root, &Action::Apply { content, paths: paths.clone() }, approve)?;
    let task = ApplyTask { root: root.clone(), by: Executor::Disk, changes, approval, purpose };
    match apply_changes(workbench, task)? {
        Applied::Undecided(_, judgement) => Err(needs_approval(root, &judgement, again)),
        Applied::Done(_) | Applied::ForEditor(..) => {
            paths.iter().for_each(|path| screen.note(&format!("tagout: wrote {path}")));
            Ok(DONE)
        }
    }
}

/// What a person repeats to approve `action` in `root`, and nothing else.
fn token(root: &Root, action: &Action) -> String {
    let hash = action.hash();
    ContentHash::of_parts(&[root.key().as_bytes(), hash.as_bytes()]).short(HASH_DIGITS)
}

/// The approval that a person gave by repeating what was shown.
pub(super) fn approval(root: &Root, action: &Action, typed: Option<&str>) -> Result<Option<Approval>, Failure> {
    let Some(typed) = typed else { return Ok(None) };
    if typed != token(root, action) {
        let what = "the approval is for something else than what would happen now";
        return Err(Failure::new(FailureKind::Stale, what).hint("run it without --approve to see what would happen"));
    }
    Ok(Some(Approval { shown: action.hash() }))
}

/// What to do when an approval is missing.
pub(super) fn needs_approval(root: &Root, judgement: &Judgement, again: &str) -> Failure {
    let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
    let token = token(root, &judgement.action);
    Failure::new(FailureKind::NeedsApproval, what).hint(format!("to approve exactly this: {again} --approve {token}"))
}
