//! Writing changes, accepted or taken back: by the disk, or by the editor that has the file open.

use std::collections::BTreeSet;

use super::super::Workbench;
use super::judge::{Consent, Granted, Judged, Judgement, end, judge};
use super::keep::{applied_listed, applied_parts, shelve as keep};
use super::trust::set_trust;
use crate::changes::{Changeset, ChangesetId, FileChange, HunkId, Lineage, Origin, Permissions, content_hash};
use crate::policy::{Action, Facts, secrets};
use crate::ports::{Evidence, Failure, Outcome, Receipt, Shelved, ShelvedState};
use crate::workspace::{ContentHash, FileState, RelativePath, Root};

/// Who makes the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executor {
    /// tagout, on disk.
    Disk,
    /// The editor, in an open document.
    Editor,
}

/// What the changes are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Hunks of a proposal were accepted.
    Accept {
        /// The proposal.
        proposal: ChangesetId,
        /// Where it came from.
        origin: Origin,
        /// What else is known of how it came about.
        lineage: Box<Lineage>,
        /// The hunks.
        hunks: Vec<HunkId>,
    },
    /// What was applied of a proposal is taken back.
    Undo {
        /// The proposal.
        proposal: ChangesetId,
    },
}

/// Changes to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyTask {
    /// Workspace.
    pub root: Root,
    /// Who makes them.
    pub by: Executor,
    /// The changes.
    pub changes: Vec<FileChange>,
    /// The user's answer, when there is one.
    pub consent: Consent,
    /// What for.
    pub purpose: Purpose,
}

/// What came of it.
#[derive(Debug)]
pub enum Applied {
    /// On disk, with what there is to say of it.
    Done(ApplyTask, Vec<String>),
    /// The editor may make them.
    ForEditor(ApplyTask, Granted),
    /// Waits for an approval.
    Undecided(ApplyTask, Judgement),
}

/// How an edit by the editor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTask {
    /// What was to be made.
    pub task: ApplyTask,
    /// Under which verdict.
    pub judgement: Judgement,
    /// Why it is not there; `None` when it was seen to be.
    pub failure: Option<String>,
}

/// Judges the changes of `task` and, for the disk, makes them.
///
/// # Errors
/// When they are denied, cannot be recorded, or do not fit the files any more: then nothing was written. When only
/// the record of the end fails, the files are written, and the text says so.
pub fn apply(workbench: &Workbench, task: ApplyTask) -> Result<Applied, Failure> {
    let (action, facts) = action(&task.changes);
    let granted = match judge(workbench, &task.root, action, facts, &task.consent)? {
        Judged::Undecided(judgement) => return Ok(Applied::Undecided(task, judgement)),
        Judged::Granted(granted) => granted,
    };
    if task.by == Executor::Editor {
        return Ok(Applied::ForEditor(task, granted));
    }
    let before = (workbench.evidence)(&task.root).ok().filter(|seen| workbench.is_trusted(&task.root, seen));
    let (Purpose::Accept { proposal, .. } | Purpose::Undo { proposal }) = &task.purpose;
    let permissions = permissions(workbench, &task)?;
    // Before it is written, so that a crash in between leaves it to be found, and to be undone.
    if let Some((part, whole)) = part(&task)
        && !is_kept(workbench, &task.root, &part.id)
    {
        let (state, at_ms) = (ShelvedState::Settled, workbench.clock.now_ms());
        keep(workbench, &task.root, &Shelved { changeset: part, proposal: whole, state, at_ms })?;
    }
    let written = workbench.files.apply(granted.grant, &task.root, proposal, &task.changes, &permissions);
    let ended = written.as_ref().map(|receipt| receipt.deleted.clone()).map_err(ToString::to_string);
    let kept = finish(workbench, &task, &granted.judgement, ended);
    let notes = notes(written?);
    // Without it trust falls, which the user is told of the next time.
    drop(keep_trust(workbench, &task, before));
    kept.map_err(|failure| {
        let what =
            format!("the files are written, but that could not be recorded, so it cannot be undone: {}", failure.what);
        Failure { what, ..failure }
    })?;
    Ok(Applied::Done(task, notes))
}

/// What is accepted of a proposal, as a changeset of its own, and the proposal.
fn part(task: &ApplyTask) -> Option<(Changeset, ChangesetId)> {
    let Purpose::Accept { proposal, origin, lineage, .. } = &task.purpose else { return None };
    let part = Changeset::new(origin.clone(), task.changes.clone());
    let lineage = if part.id == *proposal { (**lineage).clone() } else { lineage.derived(proposal) };
    Some((part.with_lineage(lineage), proposal.clone()))
}

/// Whether it is on the shelf whole, whatever has become of it.
fn is_kept(workbench: &Workbench, root: &Root, id: &ChangesetId) -> bool {
    workbench.shelf.shelved(root, id).is_ok_and(|shelved| shelved.changeset.id == *id)
}

/// The permissions that files had which are created again.
fn permissions(workbench: &Workbench, task: &ApplyTask) -> Result<Permissions, Failure> {
    let Purpose::Undo { proposal } = &task.purpose else { return Ok(Permissions::new()) };
    let parts = applied_listed(workbench, &task.root, proposal)?;
    // The last of them is the first part: what it deleted is what was there before all of it.
    Ok(parts.into_iter().flat_map(|part| part.lineage.permissions).collect())
}

/// What there is to say of what was written.
fn notes(receipt: Receipt) -> Vec<String> {
    let Receipt { outcome, separated, recovered, deleted: _ } = receipt;
    let again = match outcome {
        Outcome::Written => None,
        Outcome::AlreadyApplied => Some("the files held it already, and nothing was written".to_owned()),
    };
    let other_names = |path: RelativePath| format!("{path} has other names (hard links), which keep the old content");
    let recovered = recovered.iter().map(ToString::to_string);
    again.into_iter().chain(separated.into_iter().map(other_names)).chain(recovered).collect()
}

/// What the user consented to, file by file, and tagout wrote, is no reason to trust the workspace less.
fn keep_trust(workbench: &Workbench, task: &ApplyTask, before: Option<Evidence>) -> Result<(), Failure> {
    let Some(before) = before else { return Ok(()) };
    let now = (workbench.evidence)(&task.root)?;
    let written = |name: &str| task.changes.iter().any(|change| change.path.as_str() == name);
    let others = |evidence: &Evidence| -> Vec<(String, ContentHash)> {
        evidence.files.iter().filter(|(name, _)| !written(name)).cloned().collect()
    };
    // What the user was not asked about, one by one, is no reason to trust: a file that settings only point to.
    let steers = |change: &&FileChange| now.files.iter().any(|(name, _)| *name == change.path.as_str());
    if task.changes.iter().filter(steers).any(|change| change.runs_later().is_none()) {
        return Ok(());
    }
    let made =
        |change: &FileChange| workbench.files.read(&task.root, &change.path).is_ok_and(|now| now == change.after);
    let ours = || task.changes.iter().all(made) && others(&now) == others(&before);
    if now != before && ours() && workbench.is_trusted(&task.root, &before) {
        set_trust(workbench, &task.root, Some(&now))?;
    }
    Ok(())
}

/// What making `changes` is, and what is true of it.
#[must_use]
pub fn action(changes: &[FileChange]) -> (Action, Facts) {
    let runs_later = changes.iter().filter_map(|change| Some((change.path.clone(), change.runs_later()?))).collect();
    let (secrets, bytes) = (with_secrets(changes), changes.iter().map(bytes_written).sum());
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let facts = Facts { runs_later, secrets, bytes, ..Facts::user() };
    (Action::Apply { content: content_hash(changes), paths }, facts)
}

fn bytes_written(change: &FileChange) -> u64 {
    change.after.as_ref().map_or(0, |after| after.bytes.len() as u64)
}

/// The paths to which something is added that looks like a secret.
fn with_secrets(changes: &[FileChange]) -> Vec<RelativePath> {
    fn held(state: Option<&FileState>) -> BTreeSet<&str> {
        secrets(state.and_then(FileState::as_text).unwrap_or_default())
    }
    let adds = |change: &&FileChange| {
        let after = held(change.after.as_ref());
        // Mostly there is none, and what was there before need not be read.
        !after.is_empty() && !after.is_subset(&held(change.before.as_ref()))
    };
    changes.iter().filter(adds).map(|change| change.path.clone()).collect()
}

/// Records how the editor's part of a change ended.
///
/// # Errors
/// When it cannot be recorded.
pub fn record(workbench: &Workbench, record: &RecordTask) -> Result<(), Failure> {
    // An editor makes edits of documents only, and deletes none.
    let ended = record.failure.clone().map_or_else(|| Ok(Permissions::new()), Err);
    finish(workbench, &record.task, &record.judgement, ended)
}

fn finish(
    workbench: &Workbench,
    task: &ApplyTask,
    judgement: &Judgement,
    ended: Result<Permissions, String>,
) -> Result<(), Failure> {
    let outcome = match &ended {
        Ok(_) => format!("wrote {} files", task.changes.len()),
        Err(why) => format!("failed: {why}"),
    };
    // First on the shelf: what is cut short between the two is looked into at the next start, as its end is missing.
    let shelved = ended.map_or(Ok(()), |deleted| shelve_outcome(workbench, task, deleted));
    end(workbench, &task.root, judgement, &outcome)?;
    shelved
}

/// Puts what was made, or taken back, on the shelf as such.
fn shelve_outcome(workbench: &Workbench, task: &ApplyTask, deleted: Permissions) -> Result<(), Failure> {
    let at_ms = workbench.clock.now_ms();
    let shelve = |changeset: Changeset, proposal: &ChangesetId, state| {
        keep(workbench, &task.root, &Shelved { changeset, proposal: proposal.clone(), state, at_ms })
    };
    match &task.purpose {
        Purpose::Accept { proposal, .. } => {
            let Some((mut part, _)) = part(task) else { return Ok(()) };
            part.lineage.permissions.extend(deleted);
            shelve(part, proposal, ShelvedState::Applied)
        }
        Purpose::Undo { proposal } => {
            let taken_back = |path: &RelativePath| task.changes.iter().any(|change| change.path == *path);
            for part in applied_parts(workbench, &task.root, proposal)? {
                if !part.changeset.files.iter().any(|file| taken_back(&file.path)) {
                    continue;
                }
                // Files that another task has yet to take back, or could not, stay applied.
                let left = part.changeset.files.iter().filter(|file| !taken_back(&file.path)).cloned().collect();
                let lineage = part.changeset.lineage.derived(&part.changeset.id);
                let left = Changeset::new(part.changeset.origin.clone(), left).with_lineage(lineage);
                shelve(part.changeset, proposal, ShelvedState::Undone)?;
                if !left.is_empty() {
                    shelve(left, proposal, ShelvedState::Applied)?;
                }
            }
            Ok(())
        }
    }
}
