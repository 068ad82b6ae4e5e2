//! One file of a change: where it is on its way, told by what lies on the disk alone, and the step on and back.
//!
//! The target and the file beside it are told by content. Every step is one rename, and looks at what it moved.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::beneath::{Found, look_in, stat_in};
use super::journal::{Content, Entry};
use crate::changes::ChangeKind;

/// Where a file is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The target is as before, and there is nothing to change it to.
    Waiting,
    /// The target is as before; the new file lies beside it.
    Staged,
    /// The target is as after; what it was lies beside it.
    Changed,
    /// As [`Standing::Changed`], but what lies beside is not what the target should have been: somebody wrote to it
    /// in the last moment.
    Displaced,
    /// The target is as after, and nothing lies beside it any more.
    Cleared,
    /// Somebody changed the target before it was this change's turn.
    ForeignBefore,
    /// Somebody changed the target after it.
    ForeignAfter,
}

/// What a step moved away from the target's name or back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    AsPlanned,
    /// Something else, which is where it was again after a step back, and lies beside after a step on.
    Other,
}

impl Entry {
    /// What happens to the path.
    pub(super) fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Create,
            (_, None) => ChangeKind::Delete,
            (Some(_), Some(_)) => ChangeKind::Edit,
        }
    }

    /// Where it is. In a folder that is not there, nothing is.
    pub(super) fn standing(&self, folder: Option<&OwnedFd>) -> Result<Standing, Errno> {
        let look = |name: &str| folder.map_or(Ok(Found::Nothing), |folder| look_in(folder, name, self.limit()));
        let (target, beside) = (look(self.path.file_name())?, look(&self.beside)?);
        let nothing_beside = matches!(beside, Found::Nothing);
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        Ok(match self.kind() {
            ChangeKind::Edit if holds(&target, after) && nothing_beside => Standing::Cleared,
            ChangeKind::Edit | ChangeKind::Delete if holds(&target, after) && holds(&beside, before) => {
                Standing::Changed
            }
            ChangeKind::Delete if holds(&target, after) && nothing_beside => Standing::Cleared,
            ChangeKind::Edit | ChangeKind::Delete if holds(&target, after) => Standing::Displaced,
            ChangeKind::Create if holds(&target, after) && nothing_beside => Standing::Changed,
            ChangeKind::Edit | ChangeKind::Create if holds(&target, before) && holds(&beside, after) => {
                Standing::Staged
            }
            ChangeKind::Edit | ChangeKind::Create if holds(&target, before) => Standing::Waiting,
            ChangeKind::Delete if holds(&target, before) && nothing_beside => Standing::Staged,
            ChangeKind::Edit if holds(&beside, before) => Standing::ForeignAfter,
            ChangeKind::Create if nothing_beside => Standing::ForeignAfter,
            ChangeKind::Delete if !nothing_beside => Standing::ForeignAfter,
            ChangeKind::Create | ChangeKind::Edit | ChangeKind::Delete => Standing::ForeignBefore,
        })
    }

    /// Ends a step that takes several renames where the file system has no better ones, and was cut short.
    pub(super) fn mend(&self, folder: &OwnedFd) -> Result<(), Errno> {
        let (name, beside, aside) = (self.path.file_name(), self.beside.as_str(), self.aside.as_str());
        let there = |name: &str| match stat_in(folder, name) {
            Ok(stat) => Ok(Some((stat.st_dev, stat.st_ino))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        };
        let of_two = |one: &str, two: &str| Ok::<_, Errno>(there(one)?.is_some() && there(one)? == there(two)?);
        // Two names of one file: the second was given, the first not yet taken.
        if of_two(aside, name)? || of_two(aside, beside)? {
            unlink(folder, aside)?;
        }
        if of_two(name, beside)? {
            unlink(folder, beside)?;
        }
        if there(aside)?.is_none() {
            return Ok(());
        }
        // Whichever of the two names is free is the one it was on the way from or to.
        let to = if there(name)?.is_none() { name } else { beside };
        create(folder, aside, to)
    }

    /// Changes the target.
    pub(super) fn advance(&self, folder: &OwnedFd) -> Result<Moved, Errno> {
        let name = self.path.file_name();
        match self.kind() {
            ChangeKind::Create => create(folder, &self.beside, name).map(|()| Moved::AsPlanned),
            ChangeKind::Edit => {
                self.swap(folder)?;
                self.moved(folder, self.before.as_ref())
            }
            ChangeKind::Delete => {
                create(folder, name, &self.beside)?;
                self.moved(folder, self.before.as_ref())
            }
        }
    }

    /// Changes the target back. What somebody wrote to it in the last moment stays.
    pub(super) fn retreat(&self, folder: &OwnedFd) -> Result<Moved, Errno> {
        let (name, beside) = (self.path.file_name(), self.beside.as_str());
        match self.kind() {
            ChangeKind::Create => {
                create(folder, name, beside)?;
                match self.moved(folder, self.after.as_ref())? {
                    Moved::AsPlanned => Ok(Moved::AsPlanned),
                    Moved::Other => create(folder, beside, name).map(|()| Moved::Other),
                }
            }
            ChangeKind::Edit => {
                self.swap(folder)?;
                match self.moved(folder, self.after.as_ref())? {
                    Moved::AsPlanned => Ok(Moved::AsPlanned),
                    Moved::Other => self.swap(folder).map(|()| Moved::Other),
                }
            }
            ChangeKind::Delete => match create(folder, beside, name) {
                Err(Errno::EXIST) => Ok(Moved::Other),
                done => done.map(|()| Moved::AsPlanned),
            },
        }
    }

    /// Removes what lies beside the target.
    pub(super) fn clear(&self, folder: &OwnedFd) -> Result<(), Errno> {
        unlink(folder, &self.beside)
    }

    /// What lies beside the target now, where nobody else writes: the look that counts.
    fn moved(&self, folder: &OwnedFd, expected: Option<&Content>) -> Result<Moved, Errno> {
        let found = look_in(folder, &self.beside, self.limit())?;
        Ok(if holds(&found, expected) { Moved::AsPlanned } else { Moved::Other })
    }

    /// Reading more than the expected bytes is never needed to see a difference.
    fn limit(&self) -> u64 {
        let size = |content: &Option<Content>| content.as_ref().map_or(0, |content| content.size);
        size(&self.before).max(size(&self.after))
    }

    /// Exchanges the target and the file beside it.
    fn swap(&self, folder: &OwnedFd) -> Result<(), Errno> {
        let (name, beside) = (self.path.file_name(), self.beside.as_str());
        match rustix::fs::renameat_with(folder, beside, folder, name, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS) => swap_by_renames(folder, beside, name, &self.aside),
            done => done,
        }
    }
}

fn holds(found: &Found, expected: Option<&Content>) -> bool {
    match (found, expected) {
        (Found::Nothing, None) => true,
        (Found::State(state), Some(expected)) => {
            state.bytes.len() as u64 == expected.size && state.hash() == expected.hash
        }
        (Found::Nothing | Found::State(_) | Found::Large(_) | Found::Other(_), _) => false,
    }
}

/// Gives `from` the name `to`, which nothing has.
pub(super) fn create(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // Network file systems know no such rename; a second name is as careful.
        Err(Errno::INVAL | Errno::NOSYS) => create_by_link(folder, from, to),
        done => done,
    }
}

pub(super) fn create_by_link(folder: &OwnedFd, from: &str, to: &str) -> Result<(), Errno> {
    rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())?;
    unlink(folder, from)
}

/// For file systems without an exchange: for a moment `two` is not there.
pub(super) fn swap_by_renames(folder: &OwnedFd, one: &str, two: &str, aside: &str) -> Result<(), Errno> {
    create(folder, two, aside)?;
    if let Err(error) = create(folder, one, two) {
        create(folder, aside, two)?;
        return Err(error);
    }
    create(folder, aside, one)
}

fn unlink(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests;
