//! What is left to apply of a proposal, and what takes an applied one back, over the files as they are now.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::super::Workbench;
use super::keep::applied_parts;
use crate::changes::{Changeset, ChangesetId, FileChange, Obstructed, Rebased, rebase, undo_over, unrejected};
use crate::ports::{Damaged, Failure, FailureKind, Listed, ShelvedState, Which};
use crate::workspace::{FileState, RelativePath, Root};

/// Most places that are told of what does not fit.
const TOLD: usize = 5;

/// What of a kept proposal is not in the workspace yet and was not rejected, over the files as they are now.
///
/// # Errors
/// When a file cannot be read, or lines that it would change are others by now: then nothing of it should be written.
pub fn not_applied(workbench: &Workbench, root: &Root, proposal: &Changeset) -> Result<Vec<FileChange>, Failure> {
    let proposal = unrejected(proposal);
    let now = Now::read(workbench, root, &proposal)?;
    let Rebased { changeset, left } = rebase(&proposal, |path| now.state(path));
    if left.is_empty() {
        return Ok(changeset.files);
    }
    let failure = stale(&left, "this changeset is about");
    Err(failure.hint("accept what fits hunk by hunk in an editor, or make the proposal again"))
}

/// The files of a kept proposal that are not in the workspace yet; those that do not fit it count too, and what was
/// rejected does not.
///
/// # Errors
/// When a file cannot be read.
pub fn waiting_files(workbench: &Workbench, root: &Root, proposal: &Changeset) -> Result<Vec<FileChange>, Failure> {
    let proposal = unrejected(proposal);
    let now = Now::read(workbench, root, &proposal)?;
    let waits = |file: &&FileChange| now.state(&file.path) != file.after;
    Ok(proposal.files.iter().filter(waits).cloned().collect())
}

/// Everything that was applied of one proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastApplied {
    /// Workspace.
    pub root: Root,
    /// The proposal.
    pub proposal: ChangesetId,
    /// Its applied parts, first one first.
    pub parts: Vec<Changeset>,
    /// What their files hold on disk.
    pub now: Now,
}

/// Loads what [`LastApplied::changes`] takes back: of `wanted`, or of the last proposal that was applied.
///
/// # Errors
/// When nothing was applied, or the shelf or a file cannot be read.
pub fn last_applied(workbench: &Workbench, root: &Root, wanted: Option<&ChangesetId>) -> Result<LastApplied, Failure> {
    if wanted.is_some_and(|id| id.as_str().is_empty()) {
        return Err(Failure::new(FailureKind::InvalidInput, "an empty name names no changeset")
            .hint("leave it out for the last one"));
    }
    let fits = |listed: &Listed| {
        let names = [&listed.proposal, &listed.id];
        wanted.is_none_or(|id| names.iter().any(|name| name.as_str().starts_with(id.as_str())))
    };
    let applied = Which { state: Some(ShelvedState::Applied), proposal: None };
    if wanted.is_none() {
        // Not an older one instead.
        let mut last = None;
        workbench.shelf.list(root, applied, &mut |one| {
            last = one.err();
            ControlFlow::Break(())
        })?;
        if let Some(Damaged { id, failure }) = last {
            let what = format!("the last changeset that was applied, {id}, cannot be undone: {}", failure.what);
            return Err(Failure::new(failure.kind, what).hint("to undo another: `tagout undo ID`"));
        }
    }
    // By its name, what is damaged keeps nothing else from being undone.
    let applied = workbench.shelf.history(root, applied)?;
    let mut fitting = applied.listed.into_iter().filter(fits);
    let Some(last) = fitting.next() else {
        return Err(nothing_to_undo(workbench, root, wanted));
    };
    let proposal = last.proposal;
    if wanted.is_some() && fitting.any(|other| other.proposal != proposal) {
        let what = "several applied changesets have a name that begins so";
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("write more of the name: `tagout changes`"));
    }
    let parts = applied_parts(workbench, root, &proposal)?;
    let parts: Vec<Changeset> = parts.into_iter().map(|shelved| shelved.changeset).collect();
    let mut now = Now::default();
    for part in &parts {
        now.add(workbench, root, part)?;
    }
    Ok(LastApplied { root: root.clone(), parts, proposal, now })
}

/// Where it was applied and is not kept any more, that is said.
fn nothing_to_undo(workbench: &Workbench, root: &Root, wanted: Option<&ChangesetId>) -> Failure {
    match wanted.map(|id| workbench.shelf.shelved(root, id)) {
        Some(Err(failure)) => failure,
        Some(Ok(_)) | None => {
            Failure::new(FailureKind::NotFound, "there is nothing to undo: no such changeset is applied")
        }
    }
}

impl LastApplied {
    /// The changes that take all of it back, the last part first, and leave what was written since.
    ///
    /// # Errors
    /// When lines that it changed are others by now: then nothing should be written.
    pub fn changes(&self) -> Result<Vec<FileChange>, Failure> {
        let mut undone = self.now.clone();
        for part in self.parts.iter().rev() {
            let Rebased { changeset, left } = undo_over(part, |path| undone.state(path));
            if !left.is_empty() {
                let failure = stale(&left, "this would take back");
                return Err(failure.hint("undo first what changed them since"));
            }
            undone.0.extend(changeset.files.into_iter().map(|file| (file.path, file.after)));
        }
        let change = |(path, after): (RelativePath, Option<FileState>)| {
            let before = self.now.state(&path);
            FileChange { path, before, after }
        };
        Ok(undone.0.into_iter().map(change).filter(|change| change.before != change.after).collect())
    }
}

/// What files hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Now(BTreeMap<RelativePath, Option<FileState>>);

impl Now {
    fn read(workbench: &Workbench, root: &Root, changeset: &Changeset) -> Result<Self, Failure> {
        let mut now = Self::default();
        now.add(workbench, root, changeset)?;
        Ok(now)
    }

    fn add(&mut self, workbench: &Workbench, root: &Root, changeset: &Changeset) -> Result<(), Failure> {
        for file in &changeset.files {
            if !self.0.contains_key(&file.path) {
                self.0.insert(file.path.clone(), workbench.files.read(root, &file.path)?);
            }
        }
        Ok(())
    }

    fn state(&self, path: &RelativePath) -> Option<FileState> {
        self.0.get(path).cloned().flatten()
    }

    /// Puts what `held` has in place of what a file holds on disk: its document is open.
    pub fn overlay(&mut self, held: impl Fn(&RelativePath, Option<&FileState>) -> Option<FileState>) {
        for (path, state) in &mut self.0 {
            if let Some(open) = held(path, state.as_ref()) {
                *state = Some(open);
            }
        }
    }
}

fn stale(left: &[Obstructed], what: &str) -> Failure {
    let mut places: Vec<String> =
        left.iter().take(TOLD).map(|one| format!("{}: {}", one.path, one.why.describe())).collect();
    if left.len() > TOLD {
        places.push(format!("{} more", left.len() - TOLD));
    }
    let what = format!("what {what} changed since, so nothing is written: {}", places.join("; "));
    Failure::new(FailureKind::Stale, what)
}
