//! `tagout changes`, `show`, `apply` and `undo`

use super::arguments::{ApplyArguments, ChangesArguments, ChangesetArguments, UndoArguments};
use super::{DENIED, DONE, Screen};
use crate::changes::{
    Changeset, ChangesetId, FileChange, Summary, by_consent, describe_checks, render_changeset, summarise, unrejected,
};
use crate::engine::Workbench;
use crate::engine::recipes::{
    Applied, ApplyTask, Executor, Judgement, Purpose, answer, apply as apply_changes, apply_action, damaged_line,
    history_json, history_line, last_applied, not_applied, note_undone, settle, waiting_files,
};
use crate::ports::{Failure, FailureKind, History, Listed, ShelvedState, Which};
use crate::workspace::Root;

pub(super) fn list(arguments: &ChangesArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let History { listed: mut history, damaged } = workbench.shelf.history(&root, Which::default())?;
    damaged.iter().for_each(|one| screen.note(&format!("tagout: {}", damaged_line(one))));
    if !arguments.all {
        history.retain(|one| matches!(one.state, ShelvedState::Pending | ShelvedState::Applied));
    }
    match (arguments.json, arguments.all) {
        (true, _) => {
            let listed: serde_json::Value = history.iter().map(history_json).collect();
            screen.print(&format!("{listed}\n"));
        }
        (false, true) => history.iter().for_each(|one| screen.line(&history_line(one))),
        (false, false) => {
            for state in [ShelvedState::Pending, ShelvedState::Applied] {
                for one in history.iter().rev().filter(|one| one.state == state) {
                    let figures = match left(workbench, &root, one) {
                        Ok(figures) => figures,
                        Err(failure) => {
                            screen.note(&format!("tagout: {}: {failure}", one.id));
                            one.figures
                        }
                    };
                    let (id, state, what) = (&one.id, state.describe(), one.origin.describe());
                    let checks = describe_checks(&one.lineage.checks);
                    let checks = checks.map_or_else(String::new, |checks| format!("  {checks}"));
                    screen.line(&format!("{id}  {state:<8} {what}  ({figures}){checks}"));
                }
            }
        }
    }
    Ok(DONE)
}

/// The figures of a changeset; of one that waits, of what is not in the workspace yet.
fn left(workbench: &Workbench, root: &Root, one: &Listed) -> Result<Summary, Failure> {
    if one.state != ShelvedState::Pending {
        return Ok(one.figures);
    }
    let changeset = workbench.shelf.shelved(root, &one.id)?.changeset;
    let files = waiting_files(workbench, root, &changeset)?;
    Ok(summarise(&Changeset { files, ..changeset }))
}

pub(super) fn show(arguments: &ChangesetArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let shelved = workbench.shelf.shelved(&root, &ChangesetId::from_text(&arguments.changeset))?;
    screen.diff(&render_changeset(&unrejected(&shelved.changeset)));
    Ok(DONE)
}

pub(super) fn apply(arguments: &ApplyArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.changeset.workspace.root)?;
    super::note_unknown(workbench, &root, screen)?;
    let shelved = workbench.shelf.shelved(&root, &ChangesetId::from_text(&arguments.changeset.changeset))?;
    write(workbench, &root, shelved.changeset, &arguments.approve, screen)
}

/// Writes what is left of a changeset to the workspace.
pub(super) fn write(
    workbench: &Workbench,
    root: &Root,
    changeset: Changeset,
    approved: &[String],
    screen: &Screen,
) -> Result<u8, Failure> {
    let left = not_applied(workbench, root, &changeset)?;
    let Changeset { id, origin, lineage, .. } = changeset;
    let lineage = Box::new(lineage);
    if left.is_empty() {
        let rest = if lineage.rejected.is_empty() { "" } else { ", but for what was rejected" };
        screen.note(&format!("tagout: {id} is already applied{rest}"));
        return Ok(DONE);
    }
    let hint = format!("tagout apply {id}");
    let purpose = Purpose::Accept { proposal: id.clone(), origin, lineage, hunks: Vec::new() };
    let code = make(workbench, root, left, &purpose, approved, &hint, screen)?;
    if code == DONE {
        settle(workbench, root, &id)?;
    }
    Ok(code)
}

pub(super) fn undo(arguments: &UndoArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    super::note_unknown(workbench, &root, screen)?;
    let wanted = arguments.changeset.as_deref().map(ChangesetId::from_text);
    let applied = last_applied(workbench, &root, wanted.as_ref())?;
    let hint = format!("tagout undo {}", applied.proposal);
    let purpose = Purpose::Undo { proposal: applied.proposal.clone() };
    let changes = applied.changes()?;
    if changes.is_empty() {
        note_undone(workbench, &root, &applied.proposal)?;
        screen.note(&format!("tagout: nothing of {} is left in the files: it counts as undone", applied.proposal));
        return Ok(DONE);
    }
    make(workbench, &root, changes, &purpose, &arguments.approve, &hint, screen)
}

/// Makes the changes that may be made, each part that needs a consent of its own by itself, and names those that wait.
fn make(
    workbench: &Workbench,
    root: &Root,
    changes: Vec<FileChange>,
    purpose: &Purpose,
    approved: &[String],
    again: &str,
    screen: &Screen,
) -> Result<u8, Failure> {
    let mut parts = Vec::new();
    for changes in by_consent(changes) {
        let (action, facts) = apply_action(&changes);
        parts.push((answer(workbench, root, action, facts, approved)?, changes));
    }
    // Before anything is written: one that fits nothing was meant for something else.
    let fits = |typed: &String| parts.iter().any(|(consent, _)| consent.question() == Some(typed));
    if !approved.iter().all(fits) {
        return Err(approval_of_something_else());
    }
    let mut waiting = Vec::new();
    for (consent, changes) in parts {
        let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
        let task = ApplyTask { root: root.clone(), by: Executor::Disk, changes, consent, purpose: purpose.clone() };
        match apply_changes(workbench, task)? {
            Applied::Undecided(_, judgement) => waiting.push(judgement),
            Applied::Done(_, notes) => {
                notes.iter().for_each(|note| screen.note(&format!("tagout: {note}")));
                paths.iter().for_each(|path| screen.note(&format!("tagout: wrote {path}")));
            }
            // Only a server asks for that.
            Applied::ForEditor(..) => {}
        }
    }
    waiting.iter().for_each(|judgement| screen.complain(&needs_approval(judgement, again)));
    Ok(if waiting.is_empty() { DONE } else { DENIED })
}

/// What to do when an approval is missing.
pub(super) fn needs_approval(judgement: &Judgement, again: &str) -> Failure {
    let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
    let name = judgement.question.as_deref().unwrap_or_default();
    Failure::new(FailureKind::NeedsApproval, what).hint(format!("to approve exactly this: {again} --approve {name}"))
}

fn approval_of_something_else() -> Failure {
    let what = "the approval is for something else than what would happen now, or was used before";
    Failure::new(FailureKind::Stale, what).hint("run it without --approve to see what would happen")
}
