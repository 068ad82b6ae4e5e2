//! Changing trees below an open folder, by descriptor and by single names: no link is followed, whatever strangers
//! have put there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat2, renameat};
use nix::sys::stat::{
    FileStat, Mode, SFlag, UtimensatFlags, fchmod, fstat, fstatat, futimens, mkdirat, mknodat, utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, LinkatFlags, Uid, UnlinkatFlags, fchown, fchownat, linkat, symlinkat, unlinkat};
use rustix::fs::{SeekFrom, seek};

use super::descent::Descent;
use super::disk::{Folder, Kind};

/// Whether something came of a wish that nothing be there.
fn gone(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Folder {
    /// The folder `name` in it, made if it is not there.
    pub(super) fn make(&self, name: &OsStr) -> io::Result<Self> {
        match mkdirat(self, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.below(Path::new(name))?.ok_or_else(|| io::Error::from(io::ErrorKind::NotADirectory))
    }

    /// Moves `name` to `target`, over a file that is there.
    pub(super) fn move_to(&self, name: &OsStr, target: &Self, new: &OsStr) -> io::Result<()> {
        Ok(renameat(self, name, target, new)?)
    }

    /// Marks it as replacing the folder below it in an overlay.
    pub(super) fn make_opaque(&self) -> io::Result<()> {
        Ok(rustix::fs::fsetxattr(self, "user.overlay.opaque", b"y", rustix::fs::XattrFlags::empty())?)
    }

    /// Puts an overlay's mark of a deletion at `name`, where nothing is.
    pub(super) fn mark_deleted(&self, name: &OsStr) -> io::Result<()> {
        Ok(mknodat(self, name, SFlag::S_IFCHR, Mode::empty(), 0)?)
    }

    /// Gives it the permissions and times of `other`, and the owner of `owned`.
    pub(super) fn take_after(&self, other: &Self, owned: &Self) -> io::Result<()> {
        let (owner, mut like) = (fstat(owned)?, fstat(other)?);
        (like.st_uid, like.st_gid) = (owner.st_uid, owner.st_gid);
        dress(self, &like)
    }
}

/// A folder of what is to be removed. Folders in it are emptied by moving the folders in them beside them, so that a
/// tree too deep for any path costs neither stack nor descriptors.
#[derive(Debug)]
pub(super) struct Trash {
    folder: Folder,
    next: u64,
}

impl Trash {
    /// All that is in `folder` is to be removed.
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, next: 0 }
    }

    /// Takes `name` out of `from`, a folder of the same file system; nothing may be there.
    pub(super) fn take(&mut self, from: &Folder, name: &OsStr) -> io::Result<()> {
        let Some(seen) = from.look(name)? else { return Ok(()) };
        if seen.kind != Kind::Folder {
            return gone(unlinkat(from, name, UnlinkatFlags::NoRemoveDir));
        }
        if seen.mode & 0o700 != 0o700 {
            from.unlock(name, &seen)?;
        }
        loop {
            self.next += 1;
            let new = OsString::from(self.next.to_string());
            if self.folder.look(&new)?.is_none() {
                return from.move_to(name, &self.folder, &new);
            }
        }
    }

    /// Removes what is in it.
    pub(super) fn empty(&mut self) -> io::Result<()> {
        loop {
            let names = self.folder.names()?;
            if names.is_empty() {
                return Ok(());
            }
            names.iter().try_for_each(|name| self.remove(name))?;
        }
    }

    fn remove(&mut self, name: &OsStr) -> io::Result<()> {
        if let Some(seen) = self.folder.look(name)?
            && seen.kind == Kind::Folder
            && seen.mode & 0o700 != 0o700
        {
            self.folder.unlock(name, &seen)?;
        }
        let Some(folder) = self.folder.below(Path::new(name))? else {
            return gone(unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir));
        };
        for entry in folder.names()? {
            self.take(&folder, &entry)?;
        }
        gone(unlinkat(&self.folder, name, UnlinkatFlags::RemoveDir))
    }
}

/// What a tree holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Files, folders and links.
    pub(super) entries: u64,
    /// Bytes that its files take.
    pub(super) bytes: u64,
}

/// Goes through what is at `path`, a tree or a single file, and takes out of it what must not be kept: pipes, sockets,
/// devices, set-id files. Lets the owner in everywhere. Returns what is left.
pub(super) fn clean(top: &Folder, path: &Path) -> io::Result<Size> {
    let mut size = Size::default();
    let (above, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
    let Some(folder) = top.below(above)? else { return Ok(size) };
    let first = clean_entry(&folder, name, &mut size)?.then(|| (name.to_owned(), ()));
    let mut descent = Descent::new(above.to_path_buf(), first.into_iter().collect());
    while let Some((path, ())) = descent.next() {
        let Some(folder) = top.below(&path)? else { continue };
        let mut folders = Vec::new();
        for name in folder.names()? {
            if clean_entry(&folder, &name, &mut size)? {
                folders.push((name, ()));
            }
        }
        descent.enter(path, folders);
    }
    Ok(size)
}

/// Removes the entry if it must not be kept, and counts it otherwise; whether it is a folder.
fn clean_entry(folder: &Folder, name: &OsStr, size: &mut Size) -> io::Result<bool> {
    let Some(seen) = folder.look(name)? else { return Ok(false) };
    let set_id = seen.kind == Kind::File && seen.mode & 0o6000 != 0;
    if set_id || matches!(seen.kind, Kind::Special(_)) {
        gone(unlinkat(folder, name, UnlinkatFlags::NoRemoveDir))?;
        return Ok(false);
    }
    size.entries += 1;
    size.bytes += seen.taken;
    if seen.kind == Kind::Folder && seen.mode & 0o700 != 0o700 {
        folder.unlock(name, &seen)?;
    }
    Ok(seen.kind == Kind::Folder)
}

/// Copies trees from one file system to another, with times, permissions, links, holes and the signs of an overlay.
#[derive(Debug)]
pub(super) struct Copier {
    /// Where files with several names went, by inode.
    linked: HashMap<u64, (PathBuf, OsString)>,
    /// Bytes that may still be copied.
    left: u64,
}

impl Copier {
    /// One that copies at most so many bytes.
    pub(super) fn of_at_most(bytes: u64) -> Self {
        Self { linked: HashMap::new(), left: bytes }
    }

    /// Copies what is at `path` below `from` to the same path below `to`, where its folder is and it is not.
    pub(super) fn copy(&mut self, from: &Folder, to: &Folder, path: &Path) -> io::Result<()> {
        let (above, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
        let mut made = Vec::new();
        let first = if self.copy_entry(from, to, above, name)? { vec![(name.to_owned(), ())] } else { Vec::new() };
        let mut descent = Descent::new(above.to_path_buf(), first);
        while let Some((path, ())) = descent.next() {
            let Some(folder) = from.below(&path)? else { continue };
            let mut folders = Vec::new();
            for name in folder.names()? {
                if self.copy_entry(from, to, &path, &name)? {
                    folders.push((name, ()));
                }
            }
            made.push(path.clone());
            descent.enter(path, folders);
        }
        // Last, since every entry that was made in them gave them new times.
        made.iter().rev().try_for_each(|path| match (from.below(path)?, to.below(path)?) {
            (Some(from), Some(to)) => to.take_after(&from, &from),
            _ => Ok(()),
        })
    }

    /// Copies one entry; whether it is a folder, whose entries are still to be copied.
    fn copy_entry(&mut self, from: &Folder, to: &Folder, path: &Path, name: &OsStr) -> io::Result<bool> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let (source, target) = (from.below(path)?.ok_or_else(missing)?, to.below(path)?.ok_or_else(missing)?);
        let stat = fstatat(&source, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let seen = source.look(name)?.ok_or_else(missing)?;
        match seen.kind {
            Kind::Folder => {
                let made = target.make(name)?;
                if source.below(Path::new(name))?.is_some_and(|folder| folder.is_opaque()) {
                    made.make_opaque()?;
                }
                return Ok(true);
            }
            Kind::Deletion => target.mark_deleted(name)?,
            Kind::Special(_) => {}
            Kind::Link => {
                symlinkat(nix::fcntl::readlinkat(&source, name)?.as_os_str(), &target, name)?;
                dress_link(&target, name, &stat)?;
            }
            Kind::File => self.copy_file(&source, to, &target, (path, name), &stat)?,
        }
        Ok(false)
    }

    fn copy_file(
        &mut self,
        source: &Folder,
        to: &Folder,
        target: &Folder,
        (path, name): (&Path, &OsStr),
        stat: &FileStat,
    ) -> io::Result<()> {
        if stat.st_nlink > 1 {
            if let Some((other, first)) = self.linked.get(&stat.st_ino)
                && let Some(other) = to.below(other)?
            {
                return Ok(linkat(&other, first.as_os_str(), target, name, LinkatFlags::empty())?);
            }
            self.linked.insert(stat.st_ino, (path.to_path_buf(), name.to_owned()));
        }
        source.unlock_file(name)?;
        let mut content = source.open_file(name)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let how = super::disk::beneath(flags).mode(Mode::from_bits_truncate(0o600));
        let mut copy = File::from(openat2(target.as_fd(), name, how)?);
        self.copy_content(&mut content, &mut copy)?;
        dress(&copy, stat)
    }

    /// Copies the parts of a file that are no holes: a command makes files of any size that take no room, and a copy
    /// of theirs must take none either.
    fn copy_content(&mut self, content: &mut File, copy: &mut File) -> io::Result<()> {
        copy.set_len(content.metadata()?.len())?;
        let mut at = 0;
        loop {
            let start = match seek(&content, SeekFrom::Data(at)) {
                Err(rustix::io::Errno::NXIO) => return Ok(()),
                start => start?,
            };
            at = seek(&content, SeekFrom::Hole(start))?;
            self.left = self.left.checked_sub(at - start).ok_or(io::ErrorKind::FileTooLarge)?;
            content.seek(io::SeekFrom::Start(start))?;
            copy.seek(io::SeekFrom::Start(start))?;
            io::copy(&mut content.take(at - start), copy)?;
        }
    }
}

fn times(stat: &FileStat) -> [TimeSpec; 2] {
    [TimeSpec::new(stat.st_atime, stat.st_atime_nsec), TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec)]
}

/// Gives an open file or folder the owner, permissions and times of another.
fn dress(node: impl AsFd, like: &FileStat) -> io::Result<()> {
    let own = fstat(&node)?;
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid) {
        fchown(&node, Some(Uid::from_raw(like.st_uid)), Some(Gid::from_raw(like.st_gid)))?;
    }
    fchmod(&node, Mode::from_bits_truncate(like.st_mode & 0o777))?;
    let [accessed, modified] = times(like);
    Ok(futimens(&node, &accessed, &modified)?)
}

fn dress_link(folder: &Folder, name: &OsStr, like: &FileStat) -> io::Result<()> {
    let own = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid) {
        let (uid, gid) = (Uid::from_raw(like.st_uid), Gid::from_raw(like.st_gid));
        fchownat(folder, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?;
    }
    let [accessed, modified] = times(like);
    Ok(utimensat(folder, name, &accessed, &modified, UtimensatFlags::NoFollowSymlink)?)
}
