//! The steps of one change to the disk, and the way back from each. Both go by what the journal says and what lies on
//! the disk, so that a process started later can go on or back as well as the one that began.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Mode, Stat};
use rustix::io::Errno;

use super::beneath::{Beneath, disk_failure, parent_of, stat_in};
use super::durable::{Durability, Syncing};
use super::entry::{Moved, Standing};
use super::journal::{Entry, Journal, Mark, Plan};
use super::keep::keep;
use super::staging::{Flush, Origin, Replaced, is_of_the_disk, write_new};
use crate::changes::{ChangeKind, FileChange, Permissions};
use crate::ports::{Failure, FailureKind, Left};
use crate::workspace::{FileState, RelativePath};

/// What tells without reading that a file was written to: device, inode, size, modification time, change time.
type Seen = (u64, u64, i64, i64, i64);

/// One change to the disk under way.
pub(super) struct Transaction<'a> {
    beneath: &'a Beneath,
    plan: &'a Plan,
    journal: Journal,
    syncing: Syncing,
    /// The files to be replaced, as they were when the new ones were written.
    seen: Vec<Option<Seen>>,
    /// Those with further names.
    separated: Vec<RelativePath>,
}

/// How the way back went.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// What somebody else had changed, and was not touched.
    pub(super) left: Vec<Left>,
    /// What could not be put back, and why; it is tried again by the next recovery.
    pub(super) lost: Vec<(RelativePath, Errno)>,
}

impl<'a> Transaction<'a> {
    /// Goes on from `journal`, which holds `plan`.
    pub(super) fn new(beneath: &'a Beneath, plan: &'a Plan, journal: Journal, durability: Durability) -> Self {
        let syncing = Syncing::choose(durability, beneath, plan.entries.len(), &folders(plan));
        Self { beneath, plan, journal, syncing, seen: Vec::new(), separated: Vec::new() }
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Makes folders and writes all new files beside their targets, durably; then says so in the journal.
    pub(super) fn stage(&mut self, changes: &[&FileChange], permissions: &Permissions) -> Result<(), Failure> {
        for folder in &self.plan.made {
            let failure = |error| disk_failure(folder, "made a folder", error);
            let above = self.beneath.parent(folder).map_err(failure)?;
            match rustix::fs::mkdirat(&above, folder.file_name(), Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failure(error)),
            }
        }
        let mut folders = Folders::new(self.beneath);
        for (entry, change) in self.plan.entries.iter().zip(changes) {
            let folder = folders.of(&entry.path).map_err(|error| disk_failure(&entry.path, "written", error))?;
            let permissions = permissions.get(&entry.path).copied();
            let seen = stage_file(folder, entry, (change.after.as_ref(), permissions), &self.syncing)?;
            let linked = seen.as_ref().is_some_and(|stat| stat.st_nlink > 1);
            self.separated.extend(linked.then(|| entry.path.clone()));
            self.seen.push(seen.as_ref().map(summary));
        }
        self.synchronise()?;
        self.look_again()?;
        self.journal.set(Mark::Committed)
    }

    /// Whether what is to be replaced was left alone while the new files were written: writing takes a while, and
    /// now nothing has to be changed back. Reading it again is done when it is replaced.
    fn look_again(&self) -> Result<(), Failure> {
        let mut folders = Folders::new(self.beneath);
        for (entry, seen) in self.plan.entries.iter().zip(&self.seen) {
            let folder = folders.of(&entry.path).map_err(|error| in_the_way(&entry.path, error))?;
            let now = match stat_in(folder, entry.path.file_name()) {
                Ok(stat) => Some(summary(&stat)),
                Err(Errno::NOENT) => None,
                Err(error) => return Err(disk_failure(&entry.path, "read", error)),
            };
            if now != *seen {
                return Err(stale(&entry.path));
            }
        }
        Ok(())
    }

    /// Changes the targets one by one, each checked at that moment, and makes that durable. What a process that
    /// ended had changed already is passed over; what somebody changed after that stays, and is told of.
    pub(super) fn commit(&mut self) -> Result<Vec<Left>, Failure> {
        let (mut folders, mut left) = (Folders::new(self.beneath), Vec::new());
        let resumed = self.seen.is_empty();
        for (index, entry) in self.plan.entries.iter().enumerate() {
            let failed = |error| in_the_way(&entry.path, error);
            let standing = if resumed { standing(&mut folders, entry).map_err(failed)? } else { Standing::Staged };
            let moved = match standing {
                Standing::Staged => folders.of(&entry.path).and_then(|folder| entry.advance(folder)).map_err(failed)?,
                Standing::Changed | Standing::Cleared => Moved::AsPlanned,
                Standing::ForeignAfter => {
                    left.push(self.leave(&mut folders, index, entry)?);
                    Moved::AsPlanned
                }
                Standing::Waiting | Standing::Displaced | Standing::ForeignBefore => Moved::Other,
            };
            if moved == Moved::Other {
                return Err(stale(&entry.path));
            }
        }
        self.synchronise()?;
        Ok(left)
    }

    /// Removes what was replaced, folders that the change emptied, and the journal. Returns the files that keep their
    /// old content under further names. What cannot be removed is tried again by the next recovery.
    pub(super) fn finish(mut self) -> Vec<RelativePath> {
        let cleared = self.journal.set(Mark::Done).map_err(|failure| failure.to_string()).and_then(|()| self.clear());
        let ended = cleared.and_then(|()| self.journal.remove().map_err(|failure| failure.to_string()));
        if let Err(error) = ended {
            tracing::warn!(id = %self.plan.id, %error, "the change is made, and something temporary stays behind");
        }
        self.separated
    }

    fn clear(&self) -> Result<(), String> {
        let mut folders = Folders::new(self.beneath);
        for entry in &self.plan.entries {
            clear(&mut folders, entry).map_err(|error| format!("{}: {error}", entry.beside))?;
        }
        for entry in self.plan.entries.iter().filter(|entry| entry.kind() == ChangeKind::Delete) {
            remove_emptied(self.beneath, &entry.path).map_err(|error| format!("above {}: {error}", entry.path))?;
        }
        self.synchronise().map_err(|failure| failure.to_string())
    }

    /// Undoes what was done, last first, as far as nobody else wrote there.
    pub(super) fn undo(mut self) -> Undone {
        let mut undone = Undone::default();
        let mut folders = Folders::new(self.beneath);
        match self.journal.mark() {
            Mark::Begun => {}
            Mark::Committed | Mark::Undoing | Mark::Done => self.retreat(&mut folders, &mut undone),
        }
        for entry in &self.plan.entries {
            if undone.lost.iter().any(|(path, _)| *path == entry.path) {
                continue;
            }
            if let Err(error) = clear(&mut folders, entry) {
                undone.lost.push((entry.path.clone(), error));
            }
        }
        for folder in self.plan.made.iter().rev() {
            // Another program may have put something into it meanwhile; then it stays.
            let above = self.beneath.parent(folder);
            let _ = above.and_then(|above| rustix::fs::unlinkat(&above, folder.file_name(), AtFlags::REMOVEDIR));
        }
        let ended = self.synchronise().and_then(|()| match undone.lost.is_empty() {
            true => self.journal.remove(),
            false => Ok(()),
        });
        if let Err(failure) = ended {
            tracing::warn!(id = %self.plan.id, %failure, "the change is undone, and its journal stays behind");
        }
        undone
    }

    fn retreat(&mut self, folders: &mut Folders<'_>, undone: &mut Undone) {
        // Until the journal says so, all that is done here can be done again in the other direction.
        if let Err(failure) = self.journal.set(Mark::Undoing) {
            tracing::warn!(id = %self.plan.id, %failure, "the way back is not marked");
        }
        for (index, entry) in self.plan.entries.iter().enumerate().rev() {
            match self.retreat_one(folders, index, entry) {
                Ok(left) => undone.left.extend(left),
                Err(error) => undone.lost.push((entry.path.clone(), error)),
            }
        }
        if let Err(failure) = self.synchronise() {
            tracing::warn!(id = %self.plan.id, %failure, "the way back is not on the disk yet");
        }
    }

    fn retreat_one(&self, folders: &mut Folders<'_>, index: usize, entry: &Entry) -> Result<Option<Left>, Errno> {
        let untouched = || Ok(Some(Left { path: entry.path.clone(), kept: None }));
        match standing(folders, entry)? {
            Standing::Waiting | Standing::Staged => Ok(None),
            Standing::ForeignBefore | Standing::Cleared => untouched(),
            Standing::ForeignAfter => self.keep(folders, index, entry).map(Some),
            Standing::Changed | Standing::Displaced => match entry.retreat(folders.of(&entry.path)?)? {
                Moved::AsPlanned => Ok(None),
                Moved::Other => self.keep(folders, index, entry).map(Some),
            },
        }
    }

    fn leave(&self, folders: &mut Folders<'_>, index: usize, entry: &Entry) -> Result<Left, Failure> {
        self.keep(folders, index, entry).map_err(|error| disk_failure(&entry.path, "kept", error))
    }

    /// Keeps what lies beside a target that somebody else changed.
    fn keep(&self, folders: &mut Folders<'_>, index: usize, entry: &Entry) -> Result<Left, Errno> {
        let to: PathBuf = self.journal.keep();
        let kept = match folders.of(&entry.path) {
            Ok(folder) => keep(folder, &entry.beside, &to, index, &entry.path)?,
            Err(_) => None,
        };
        Ok(Left { path: entry.path.clone(), kept })
    }

    /// Makes all names durable that the change gave or took.
    fn synchronise(&self) -> Result<(), Failure> {
        self.syncing.folders(self.beneath, &folders(self.plan)).map_err(|error| {
            Failure::new(FailureKind::Io, format!("the folders cannot be synchronised: {error}"))
                .hint("check the disk and try again")
        })
    }
}

/// The folder of one path after the other: mostly, that of the one before.
struct Folders<'a> {
    beneath: &'a Beneath,
    open: Option<(Option<String>, OwnedFd)>,
}

impl<'a> Folders<'a> {
    fn new(beneath: &'a Beneath) -> Self {
        Self { beneath, open: None }
    }

    fn of(&mut self, path: &RelativePath) -> Result<&OwnedFd, Errno> {
        let parent = parent_of(path);
        let open = match self.open.take().filter(|(of, _)| of.as_deref() == parent) {
            Some(open) => open,
            None => (parent.map(str::to_owned), self.beneath.parent(path)?),
        };
        Ok(&self.open.insert(open).1)
    }

    /// `None` where no folder is.
    fn there(&mut self, path: &RelativePath) -> Result<Option<&OwnedFd>, Errno> {
        match self.of(path) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Where `entry` is, once no step of it is half done.
fn standing(folders: &mut Folders<'_>, entry: &Entry) -> Result<Standing, Errno> {
    let folder = folders.there(&entry.path)?;
    if let Some(folder) = folder {
        entry.mend(folder)?;
    }
    entry.standing(folder)
}

/// Whether everything in `plan` is changed, or can be.
pub(super) fn may_finish(beneath: &Beneath, plan: &Plan) -> Result<bool, Failure> {
    let mut folders = Folders::new(beneath);
    for entry in &plan.entries {
        match standing(&mut folders, entry).map_err(|error| disk_failure(&entry.path, "read", error))? {
            Standing::Staged | Standing::Changed | Standing::Cleared | Standing::ForeignAfter => {}
            Standing::Waiting | Standing::Displaced | Standing::ForeignBefore => return Ok(false),
        }
    }
    Ok(true)
}

fn clear(folders: &mut Folders<'_>, entry: &Entry) -> Result<(), Errno> {
    folders.there(&entry.path)?.map_or(Ok(()), |folder| entry.clear(folder))
}

/// Every folder in which a name is given or taken.
fn folders(plan: &Plan) -> BTreeSet<Option<&str>> {
    plan.entries.iter().map(|entry| parent_of(&entry.path)).chain(plan.made.iter().map(parent_of)).collect()
}

pub(super) fn stale(path: &RelativePath) -> Failure {
    let what = format!("{path} changed since the proposal");
    Failure::new(FailureKind::Stale, what).hint("make the proposal again")
}

/// What a step met where it wanted to change something.
fn in_the_way(path: &RelativePath, error: Errno) -> Failure {
    match error {
        Errno::NOENT | Errno::EXIST | Errno::ISDIR | Errno::NOTDIR => stale(path),
        other => disk_failure(path, "written", other),
    }
}

/// Writes the new file, and returns what it is to replace.
fn stage_file(
    folder: &OwnedFd,
    entry: &Entry,
    (after, permissions): (Option<&FileState>, Option<u32>),
    syncing: &Syncing,
) -> Result<Option<Stat>, Failure> {
    let name = entry.path.file_name();
    let replaced = match &entry.before {
        Some(_) => Some(Replaced::look(folder, name).map_err(|error| in_the_way(&entry.path, error))?),
        None => None,
    };
    if let Some(after) = after {
        if replaced.as_ref().is_some_and(Replaced::is_read_only) {
            let what = format!("{} is read-only", entry.path);
            return Err(
                Failure::new(FailureKind::InvalidInput, what).hint("make it writable (chmod u+w) and try again")
            );
        }
        let flush = if syncing.each() { Flush::Now } else { Flush::Later };
        let written = write_new(
            folder,
            &entry.beside,
            after,
            replaced.as_ref().map_or(Origin::New(permissions), Origin::Replaced),
            flush,
        );
        written.map_err(|error| disk_failure(&entry.path, "written", error))?;
    }
    Ok(replaced.map(|replaced| *replaced.stat()))
}

fn summary(stat: &Stat) -> Seen {
    let time = |seconds: i64, rest| super::beneath::nanoseconds(seconds, rest);
    let modified = time(stat.st_mtime, stat.st_mtime_nsec);
    (stat.st_dev, stat.st_ino, stat.st_size, modified, time(stat.st_ctime, stat.st_ctime_nsec))
}

/// Removes the folders above a deleted file that are empty now, as far as that is allowed.
fn remove_emptied(beneath: &Beneath, deleted: &RelativePath) -> Result<(), Errno> {
    let mut below = deleted.clone();
    while let Some(folder) = parent_of(&below).and_then(|parent| RelativePath::new(parent).ok()) {
        let above = beneath.parent(&folder);
        match above.and_then(|above| rustix::fs::unlinkat(&above, folder.file_name(), AtFlags::REMOVEDIR)) {
            // Gone with another file of the change already.
            Ok(()) | Err(Errno::NOENT) => below = folder,
            Err(error) if is_of_the_disk(error) => return Err(error),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
