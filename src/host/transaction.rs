//! The steps of one change to the disk, and the way back from each.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::beneath::{Beneath, Found, disk_failure, look_in, parent_of, stat_in};
use super::staging::{clean, temporary_name, write_new};
use crate::changes::{ChangeKind, FileChange};
use crate::ports::{Failure, FailureKind};
use crate::workspace::{FileState, RelativePath};

/// How far one file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was written.
    Waiting,
    /// The new content lies beside the target.
    Staged,
    /// The target is changed; what it was lies beside it.
    Committed,
}

struct Step<'a> {
    change: &'a FileChange,
    /// Name of the file beside the target.
    beside: String,
    stage: Stage,
}

/// One change to the disk under way.
pub(super) struct Transaction<'a> {
    beneath: Beneath,
    steps: Vec<Step<'a>>,
    /// Folders that were made for it, outermost first.
    made: Vec<RelativePath>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(beneath: Beneath, changes: &'a [FileChange]) -> Self {
        let step = |change| Step { change, beside: temporary_name(), stage: Stage::Waiting };
        Self { beneath, steps: changes.iter().map(step).collect(), made: Vec::new() }
    }

    /// Whether every path holds its `before`.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for step in &self.steps {
            let (path, before) = (&step.change.path, step.change.before.as_ref());
            let found = self.beneath.look(path, limit(before)).map_err(|error| disk_failure(path, "read", error))?;
            if !is_state(&found, before) {
                return Err(stale(path));
            }
        }
        Ok(())
    }

    /// Makes folders and writes all new files beside their targets; `now_ns` dates what a crash left there.
    pub(super) fn stage(&mut self, now_ns: i64) -> Result<(), Failure> {
        let mut cleaned = BTreeSet::new();
        for index in 0..self.steps.len() {
            let Some(change) = self.steps.get(index).map(|step| step.change) else { continue };
            let path = &change.path;
            if change.after.is_some() {
                self.make_folders(path)?;
            }
            if cleaned.insert(parent_of(path)) {
                let folder = self.beneath.readable_folder(parent_of(path).unwrap_or("."));
                // A folder that cannot be listed cannot be cleaned, and that is no reason to stop.
                folder.iter().for_each(|folder| clean(folder, now_ns));
            }
            if let (Some(after), Some(step)) = (&change.after, self.steps.get_mut(index)) {
                // Set before the attempt, so that a file half written is removed too.
                step.stage = Stage::Staged;
                stage_file(&self.beneath, step, after).map_err(|error| disk_failure(path, "written", error))?;
            }
        }
        Ok(())
    }

    fn make_folders(&mut self, path: &RelativePath) -> Result<(), Failure> {
        let Some(parent) = parent_of(path) else { return Ok(()) };
        if self.beneath.folder(parent).is_ok() {
            return Ok(());
        }
        let ends = parent.match_indices('/').map(|(at, _)| at).chain([parent.len()]);
        for folder in ends.filter_map(|end| parent.get(..end)).filter_map(|folder| RelativePath::new(folder).ok()) {
            let failure = |error| disk_failure(&folder, "made a folder", error);
            match self.beneath.folder(folder.as_str()) {
                Ok(_) => {}
                Err(Errno::NOENT) => {
                    let above = self.beneath.parent(&folder).map_err(failure)?;
                    rustix::fs::mkdirat(&above, folder.file_name(), Mode::from_raw_mode(0o777)).map_err(failure)?;
                    self.made.push(folder);
                }
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(())
    }

    /// Changes the targets one by one, each checked at that moment, and makes the change durable.
    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        self.check()?;
        for step in &mut self.steps {
            commit_step(&self.beneath, step)?;
        }
        let parents = self.steps.iter().map(|step| parent_of(&step.change.path));
        let folders: BTreeSet<Option<&str>> = parents.chain(self.made.iter().map(parent_of)).collect();
        for folder in folders {
            synchronise(&self.beneath, folder.unwrap_or("."))?;
        }
        Ok(())
    }

    /// Removes what was replaced, and folders that the change emptied.
    pub(super) fn finish(self) {
        for step in &self.steps {
            let path = &step.change.path;
            let Ok(folder) = self.beneath.parent(path) else { continue };
            match step.change.kind() {
                ChangeKind::Create => {}
                ChangeKind::Edit | ChangeKind::Delete => {
                    if let Err(error) = unlink(&folder, &step.beside) {
                        tracing::warn!(%path, file = step.beside, %error, "a temporary file stays behind");
                    }
                }
            }
        }
        for step in self.steps.iter().filter(|step| step.change.kind() == ChangeKind::Delete) {
            remove_emptied(&self.beneath, &step.change.path);
        }
    }

    /// Undoes what was done, last first, and returns the failure with what has to be known.
    pub(super) fn put_back(mut self, failure: Failure) -> Failure {
        let mut lost = Vec::new();
        for step in self.steps.iter_mut().rev() {
            if let Err(error) = undo_step(&self.beneath, step) {
                lost.push(format!("{} could not be put back ({error}): look for {}", step.change.path, step.beside));
            }
        }
        for folder in self.made.iter().rev() {
            // Another program may have put something into it meanwhile; then it stays.
            let above = self.beneath.parent(folder);
            let _ = above.and_then(|above| rustix::fs::unlinkat(&above, folder.file_name(), AtFlags::REMOVEDIR));
        }
        if lost.is_empty() {
            return failure.hint("nothing was changed");
        }
        lost.into_iter().fold(failure, Failure::hint)
    }
}

fn stale(path: &RelativePath) -> Failure {
    let what = format!("{path} changed since the proposal");
    Failure::new(FailureKind::Stale, what).hint("make the proposal again")
}

/// Reading more than the expected bytes is never needed to see a difference.
fn limit(expected: Option<&FileState>) -> u64 {
    expected.map_or(0, |state| state.bytes.len() as u64)
}

fn is_state(found: &Found, expected: Option<&FileState>) -> bool {
    match (found, expected) {
        (Found::Nothing, None) => true,
        (Found::State(state), Some(expected)) => state == expected,
        (Found::Nothing | Found::State(_) | Found::Large(_) | Found::Other(_), _) => false,
    }
}

fn stage_file(beneath: &Beneath, step: &Step<'_>, after: &FileState) -> Result<(), Errno> {
    let path = &step.change.path;
    let folder = beneath.parent(path)?;
    let replaced = match &step.change.before {
        Some(_) => Some(stat_in(&folder, path.file_name())?),
        None => None,
    };
    write_new(&folder, &step.beside, after, replaced.as_ref())
}

fn commit_step(beneath: &Beneath, step: &mut Step<'_>) -> Result<(), Failure> {
    let path = &step.change.path;
    let (name, beside, before) = (path.file_name(), step.beside.as_str(), step.change.before.as_ref());
    let failed = |error| match error {
        Errno::NOENT | Errno::EXIST | Errno::ISDIR | Errno::NOTDIR => stale(path),
        other => disk_failure(path, "written", other),
    };
    let folder = beneath.parent(path).map_err(failed)?;
    match step.change.kind() {
        ChangeKind::Create => create(&folder, beside, name),
        ChangeKind::Edit => swap(&folder, beside, name),
        ChangeKind::Delete => rustix::fs::renameat(&folder, name, &folder, beside),
    }
    .map_err(failed)?;
    step.stage = Stage::Committed;
    // What was really replaced lies beside the target now, where nobody else writes: the check that counts.
    if before.is_some() {
        let replaced = look_in(&folder, beside, limit(before)).map_err(failed)?;
        if !is_state(&replaced, before) {
            return Err(stale(path));
        }
    }
    Ok(())
}

fn undo_step(beneath: &Beneath, step: &mut Step<'_>) -> Result<(), Errno> {
    let path = &step.change.path;
    let (name, beside) = (path.file_name(), step.beside.as_str());
    let folder = match step.stage {
        Stage::Waiting => return Ok(()),
        Stage::Staged | Stage::Committed => beneath.parent(path)?,
    };
    match (step.stage, step.change.kind()) {
        (Stage::Waiting, _) => Ok(()),
        (Stage::Staged, _) => {
            // The target is as it was; a new file that cannot be removed is cleaned up by a later change.
            if let (Err(error), Ok(_)) = (unlink(&folder, beside), stat_in(&folder, beside)) {
                tracing::warn!(%path, file = beside, %error, "a temporary file stays behind");
            }
            Ok(())
        }
        (Stage::Committed, ChangeKind::Create) => {
            // Someone who wrote to it in this moment keeps what was written.
            let after = step.change.after.as_ref();
            if is_state(&look_in(&folder, name, limit(after))?, after) { unlink(&folder, name) } else { Ok(()) }
        }
        (Stage::Committed, ChangeKind::Edit) => swap(&folder, beside, name).and_then(|()| unlink(&folder, beside)),
        (Stage::Committed, ChangeKind::Delete) => create(&folder, beside, name),
    }
}

/// Gives `from` the name `to`, which nothing has.
fn create(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // Network file systems know no such rename; a second name is as careful.
        Err(Errno::INVAL | Errno::NOSYS) => create_by_link(folder, from, to),
        done => done,
    }
}

fn create_by_link(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())?;
    unlink(folder, from)
}

/// Exchanges two files.
fn swap(folder: &OwnedFd, one: &str, two: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, one, folder, two, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS) => swap_by_renames(folder, one, two),
        done => done,
    }
}

/// For file systems without an exchange: for a moment `two` is not there.
fn swap_by_renames(folder: &OwnedFd, one: &str, two: &str) -> Result<(), Errno> {
    let aside = temporary_name();
    rustix::fs::renameat(folder, two, folder, &aside)?;
    if let Err(error) = create(folder, one, two) {
        create(folder, &aside, two)?;
        return Err(error);
    }
    create(folder, &aside, one)
}

fn unlink(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

fn synchronise(beneath: &Beneath, folder: &str) -> Result<(), Failure> {
    let done = beneath.readable_folder(folder).and_then(rustix::fs::fsync);
    match done {
        // Some file systems do not synchronise folders, and some folders may not be listed.
        Ok(()) | Err(Errno::INVAL | Errno::ACCESS) => Ok(()),
        Err(error) => {
            Err(Failure::new(FailureKind::Io, format!("the folder {folder} cannot be synchronised: {error}")))
        }
    }
}

/// Removes the folders above a deleted file that are empty now.
fn remove_emptied(beneath: &Beneath, deleted: &RelativePath) {
    let mut below = deleted.clone();
    while let Some(folder) = parent_of(&below).and_then(|parent| RelativePath::new(parent).ok()) {
        let above = beneath.parent(&folder);
        if above.and_then(|above| rustix::fs::unlinkat(&above, folder.file_name(), AtFlags::REMOVEDIR)).is_err() {
            return;
        }
        below = folder;
    }
}

#[cfg(test)]
mod tests;
