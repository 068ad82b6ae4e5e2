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
use crate::workspace::Root;

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
    let parts = applied.parts.iter().map(|part| part.id.clone()).collect();
    let hint = format!("tagout undo {}", applied.proposal);
    let purpose = Purpose::Undo { proposal: applied.proposal.clone(), parts };
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
    let approval = approval(&Action::Apply { content, paths: paths.clone() }, approve)?;
    let task = ApplyTask { root: root.clone(), by: Executor::Disk, changes, approval, purpose };
    match apply_changes(workbench, task)? {
        Applied::Undecided(_, judgement) => Err(needs_approval(&judgement, again)),
        Applied::Done(_) | Applied::ForEditor(..) => {
            paths.iter().for_each(|path| screen.note(&format!("tagout: wrote {path}")));
            Ok(DONE)
        }
    }
}

/// The approval that a person gave by repeating the beginning of the action's hash.
pub(super) fn approval(action: &Action, typed: Option<&str>) -> Result<Option<Approval>, Failure> {
    let Some(typed) = typed else { return Ok(None) };
    let shown = action.hash();
    if typed.len() < HASH_DIGITS || !shown.to_string().starts_with(typed) {
        let what = "the approval is for something else than what would happen now";
        return Err(Failure::new(FailureKind::Stale, what).hint("run it without --approve to see what would happen"));
    }
    Ok(Some(Approval { shown }))
}

/// What to do when an approval is missing.
pub(super) fn needs_approval(judgement: &Judgement, again: &str) -> Failure {
    let hash = judgement.action.hash().short(HASH_DIGITS);
    Failure::new(
        FailureKind::NeedsApproval,
        format!("{}: {}", judgement.action.describe(), judgement.verdict.explain()),
    )
    .hint(format!("to approve exactly this: {again} --approve {hash}"))
}
