//! Writing accepted changes: by the disk, or by the editor that has the file open; and taking them back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::Workbench;
use super::judge::{Consent, Granted, Judged, Judgement, end, judge};
use super::trust::set_trust;
use crate::changes::{Changeset, ChangesetId, FileChange, HunkId, Origin, content_hash};
use crate::policy::{Action, Facts, redact};
use crate::ports::{Evidence, Failure, FailureKind, Shelved, ShelvedState};
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
    /// On disk.
    Done(ApplyTask),
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
    let (action, facts) = action(workbench, &task.root, &task.changes);
    let granted = match judge(workbench, &task.root, action, facts, &task.consent)? {
        Judged::Undecided(judgement) => return Ok(Applied::Undecided(task, judgement)),
        Judged::Granted(granted) => granted,
    };
    if task.by == Executor::Editor {
        return Ok(Applied::ForEditor(task, granted));
    }
    let before = (workbench.evidence)(&task.root).ok().filter(|seen| is_trusted(workbench, &task.root, seen));
    let id = ChangesetId::from_text(&content_hash(&task.changes).short(10));
    let written = workbench.files.apply(granted.grant, &task.root, &id, &task.changes);
    let kept = finish(workbench, &task, &granted.judgement, written.as_ref().err().map(ToString::to_string));
    written?;
    // Without it trust falls, which the user is told of the next time.
    drop(keep_trust(workbench, &task, before));
    kept.map_err(|failure| {
        let what =
            format!("the files are written, but that could not be recorded, so it cannot be undone: {}", failure.what);
        Failure { what, ..failure }
    })?;
    Ok(Applied::Done(task))
}

/// What the user consented to, file by file, and tagout wrote, is no reason to trust the workspace less.
fn keep_trust(workbench: &Workbench, task: &ApplyTask, before: Option<Evidence>) -> Result<(), Failure> {
    let Some(before) = before else { return Ok(()) };
    let now = (workbench.evidence)(&task.root)?;
    let written = |name: &str| task.changes.iter().any(|change| change.path.as_str() == name);
    let others = |evidence: &Evidence| -> Vec<(String, ContentHash)> {
        evidence.files.iter().filter(|(name, _)| !written(name)).cloned().collect()
    };
    let made =
        |change: &FileChange| workbench.files.read(&task.root, &change.path).is_ok_and(|now| now == change.after);
    let ours = task.changes.iter().all(made) && others(&now) == others(&before);
    if now != before && ours && is_trusted(workbench, &task.root, &before) {
        set_trust(workbench, &task.root, Some(&now))?;
    }
    Ok(())
}

fn is_trusted(workbench: &Workbench, root: &Root, seen: &Evidence) -> bool {
    workbench.trust.trusted(root).is_ok_and(|record| record.is_some_and(|record| record.settings == seen.hash()))
}

/// What making `changes` is, and what is true of it.
pub fn action(workbench: &Workbench, root: &Root, changes: &[FileChange]) -> (Action, Facts) {
    let runs_later = changes.iter().filter_map(|change| Some((change.path.clone(), change.runs_later()?))).collect();
    let (secrets, bytes) = (with_secrets(changes), changes.iter().map(bytes_written).sum());
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let facts = Facts { runs_later, secrets, bytes, trust: workbench.trust_in(root), ..Facts::user() };
    (Action::Apply { content: content_hash(changes), paths }, facts)
}

fn bytes_written(change: &FileChange) -> u64 {
    change.after.as_ref().map_or(0, |after| after.bytes.len() as u64)
}

/// The paths to which something is added that looks like a secret.
fn with_secrets(changes: &[FileChange]) -> Vec<RelativePath> {
    // The key only makes what is put in a secret's place; here nothing is.
    let holds = |line: &str| matches!(redact(line, &[0; 32]), Cow::Owned(_));
    let adds = |change: &&FileChange| {
        let before: BTreeSet<&str> =
            change.before.as_ref().and_then(FileState::as_text).unwrap_or_default().lines().collect();
        let after = change.after.as_ref().and_then(FileState::as_text).unwrap_or_default();
        after.lines().any(|line| !before.contains(line) && holds(line))
    };
    changes.iter().filter(adds).map(|change| change.path.clone()).collect()
}

/// Records how the editor's part of a change ended.
///
/// # Errors
/// When it cannot be recorded.
pub fn record(workbench: &Workbench, record: &RecordTask) -> Result<(), Failure> {
    finish(workbench, &record.task, &record.judgement, record.failure.clone())
}

fn finish(
    workbench: &Workbench,
    task: &ApplyTask,
    judgement: &Judgement,
    failure: Option<String>,
) -> Result<(), Failure> {
    let outcome =
        failure.clone().map_or_else(|| format!("wrote {} files", task.changes.len()), |why| format!("failed: {why}"));
    end(workbench, &task.root, judgement, &outcome)?;
    if failure.is_some() {
        return Ok(());
    }
    let at_ms = workbench.clock.now_ms();
    let shelve = |changeset: Changeset, proposal: &ChangesetId, state| {
        workbench.shelf.shelve(&task.root, &Shelved { changeset, proposal: proposal.clone(), state, at_ms })
    };
    match &task.purpose {
        Purpose::Accept { proposal, origin, .. } => {
            shelve(Changeset::new(origin.clone(), task.changes.clone()), proposal, ShelvedState::Applied)
        }
        Purpose::Undo { proposal } => {
            let taken_back = |path: &RelativePath| task.changes.iter().any(|change| change.path == *path);
            for part in workbench.shelf.in_state(&task.root, ShelvedState::Applied)? {
                if part.proposal != *proposal || !part.changeset.files.iter().any(|file| taken_back(&file.path)) {
                    continue;
                }
                // Files that another task has yet to take back, or could not, stay applied.
                let left = part.changeset.files.iter().filter(|file| !taken_back(&file.path)).cloned().collect();
                let left = Changeset::new(part.changeset.origin.clone(), left);
                shelve(part.changeset, proposal, ShelvedState::Undone)?;
                if !left.is_empty() {
                    shelve(left, proposal, ShelvedState::Applied)?;
                }
            }
            Ok(())
        }
    }
}

/// What of a kept proposal is not in the workspace yet: its parts may have been accepted one by one.
///
/// # Errors
/// When the shelf cannot be read.
pub fn not_applied(workbench: &Workbench, root: &Root, proposal: &Changeset) -> Result<Vec<FileChange>, Failure> {
    let applied = workbench.shelf.in_state(root, ShelvedState::Applied)?;
    let parts = applied.iter().filter(|part| part.proposal == proposal.id);
    let made: Vec<&FileChange> = parts.flat_map(|part| &part.changeset.files).collect();
    let is_made = |file: &FileChange| made.iter().any(|made| made.path == file.path && made.after == file.after);
    Ok(proposal.files.iter().filter(|file| !is_made(file)).cloned().collect())
}

/// Takes a proposal of which nothing waits any more off the list of those that wait.
///
/// # Errors
/// When the shelf cannot be read or written.
pub fn settle(workbench: &Workbench, root: &Root, proposal: &ChangesetId) -> Result<(), Failure> {
    match workbench.shelf.shelved(root, proposal) {
        Ok(shelved) if shelved.state == ShelvedState::Pending => {
            workbench.shelf.shelve(root, &Shelved { state: ShelvedState::Settled, ..shelved })
        }
        Ok(_) => Ok(()),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Everything that was applied of the proposal that was applied from last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastApplied {
    /// Workspace.
    pub root: Root,
    /// The proposal.
    pub proposal: ChangesetId,
    /// Its applied parts, first one first.
    pub parts: Vec<Changeset>,
}

/// Loads what [`undo_changes`] takes back: of `wanted`, or of the last proposal that was applied.
///
/// # Errors
/// When nothing was applied, or the shelf cannot be read.
pub fn last_applied(workbench: &Workbench, root: &Root, wanted: Option<&ChangesetId>) -> Result<LastApplied, Failure> {
    if wanted.is_some_and(|id| id.as_str().is_empty()) {
        return Err(Failure::new(FailureKind::InvalidInput, "an empty name names no changeset")
            .hint("leave it out for the last one"));
    }
    let applied = workbench.shelf.in_state(root, ShelvedState::Applied)?;
    let fits = |shelved: &&Shelved| {
        wanted.is_none_or(|id| {
            [&shelved.proposal, &shelved.changeset.id].iter().any(|name| name.as_str().starts_with(id.as_str()))
        })
    };
    let last =
        applied.iter().rev().find(fits).ok_or_else(|| {
            Failure::new(FailureKind::NotFound, "there is nothing to undo: no such changeset is applied")
        })?;
    let proposal = last.proposal.clone();
    let parts = applied.iter().filter(|shelved| shelved.proposal == proposal);
    Ok(LastApplied { root: root.clone(), parts: parts.map(|shelved| shelved.changeset.clone()).collect(), proposal })
}

/// The changes that take all of `applied` back: for each path from its last state to its first.
#[must_use]
pub fn undo_changes(applied: &LastApplied) -> Vec<FileChange> {
    let mut paths: BTreeMap<&RelativePath, FileChange> = BTreeMap::new();
    for change in applied.parts.iter().flat_map(|part| &part.files) {
        let whole = paths.entry(&change.path).or_insert_with(|| change.clone());
        whole.after.clone_from(&change.after);
    }
    paths.values().map(FileChange::inverted).filter(|change| change.before != change.after).collect()
}
