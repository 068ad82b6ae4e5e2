//! Moving a folder by other means than a rename: its entries are linked into a folder beside the target, which then
//! takes the target's place in one step, and the old ones are removed. Until that step the old folder is whole, after
//! it the new one is; whoever is killed in between leaves one of them twice, never half of it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

/// What a half-made folder is called, with a number after it. Nobody misses one that is left behind.
pub(super) const HALF_MADE: &str = ".tagout-moving-";
/// Folders below one another that are moved; each costs three descriptors: its own, its twin's and the one that its
/// entries are read by.
const DEEPEST: usize = 256;
/// Entries between two looks at whether anybody still waits.
const SLICE: usize = 64;
/// What must be left of a quota before the old folder is given up, so that removing it does not fail half-way.
const SPARE_INODES: u64 = 16;
const SPARE_BYTES: u64 = 256 << 10;

/// A name in an open folder.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder.
    pub(super) folder: OwnedFd,
    /// The name, without slashes.
    pub(super) name: CString,
}

/// Moves the folder at `from` to `to` on the same file system, as `rename(2)` would. `number` is one that no other
/// move has; `goes_on` tells whether anybody still waits.
///
/// # Errors
/// As `rename(2)`; EXDEV where it cannot be done either, and nothing has then changed.
pub(super) fn relocate(
    from: &Place,
    to: &Place,
    flags: RenameFlags,
    number: u64,
    goes_on: &dyn Fn() -> bool,
) -> Result<(), Errno> {
    let source = folder(from.folder.as_fd(), &from.name)?;
    if folder(to.folder.as_fd(), &to.name).is_ok_and(|target| !is_empty(&target)) {
        return Err(Errno::NOTEMPTY);
    }
    let half = CString::new(format!("{HALF_MADE}{number:016x}")).map_err(|_| Errno::INVAL)?;
    let made = make(to.folder.as_fd(), &half)?;
    let filled = fill(&source, &made, goes_on)
        .map_err(|error| if [Errno::NOSPC, Errno::DQUOT].contains(&error) { error } else { Errno::XDEV });
    let placed = filled
        .and_then(|()| if goes_on() { room(&made) } else { Err(Errno::INTR) })
        .and_then(|()| rustix::fs::renameat_with(&to.folder, &half, &to.folder, &to.name, flags));
    match placed {
        Ok(()) => clear(source, Some(made)),
        Err(error) => {
            clear(made, None).and_then(|()| remove(to.folder.as_fd(), &half)).unwrap_or_default();
            return Err(error);
        }
    }?;
    remove(from.folder.as_fd(), &from.name)
}

fn folder(above: BorrowedFd<'_>, name: &CString) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(above, name, flags, Mode::empty())
}

fn make(above: BorrowedFd<'_>, name: &CString) -> Result<OwnedFd, Errno> {
    rustix::fs::mkdirat(above, name, Mode::RWXU)?;
    folder(above, name)
}

fn remove(above: BorrowedFd<'_>, name: &CString) -> Result<(), Errno> {
    rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)
}

fn is_empty(open: &OwnedFd) -> bool {
    Dir::read_from(open).is_ok_and(|mut entries| next(&mut entries).is_none())
}

/// The next entry: its name and whether it is a folder.
fn next(entries: &mut Dir) -> Option<Result<(CString, FileType), Errno>> {
    loop {
        match entries.read()? {
            Ok(entry) if [c".", c".."].contains(&entry.file_name()) => {}
            other => return Some(other.map(|entry| (entry.file_name().to_owned(), entry.file_type()))),
        }
    }
}

/// Whether there is room for the marks that the removal of the old folder leaves.
fn room(made: &OwnedFd) -> Result<(), Errno> {
    let left = rustix::fs::fstatvfs(made)?;
    let inodes = left.f_files == 0 || left.f_favail >= SPARE_INODES;
    let bytes = left.f_blocks == 0 || left.f_bavail.saturating_mul(left.f_frsize) >= SPARE_BYTES;
    if inodes && bytes { Ok(()) } else { Err(Errno::NOSPC) }
}

/// A folder on the way through a tree, with the one of the same name in the other tree.
struct Level {
    name: CString,
    entries: Dir,
    open: OwnedFd,
    twin: Option<OwnedFd>,
}

impl Level {
    fn new(name: CString, open: OwnedFd, twin: Option<OwnedFd>) -> Result<Self, Errno> {
        Ok(Self { name, entries: Dir::read_from(&open)?, open, twin })
    }
}

/// Links everything below `source` into `target`.
fn fill(source: &OwnedFd, target: &OwnedFd, goes_on: &dyn Fn() -> bool) -> Result<(), Errno> {
    let (source, target) = (source.try_clone(), target.try_clone());
    let (source, target) = (source.map_err(|_| Errno::MFILE)?, target.map_err(|_| Errno::MFILE)?);
    let mut levels = vec![Level::new(CString::default(), source, Some(target))?];
    let mut seen = 0;
    while let Some(Level { entries, open, twin: Some(twin), .. }) = levels.last_mut() {
        let (name, kind) = match next(entries) {
            Some(entry) => entry?,
            None => {
                dress(open, twin)?;
                levels.pop();
                continue;
            }
        };
        seen += 1;
        if seen % SLICE == 0 && !goes_on() {
            return Err(Errno::INTR);
        }
        if !is_folder(open, &name, kind) {
            rustix::fs::linkat(&*open, &name, &*twin, &name, AtFlags::empty())?;
            continue;
        }
        let (inner, made) = (folder(open.as_fd(), &name)?, make(twin.as_fd(), &name)?);
        if levels.len() >= DEEPEST {
            return Err(Errno::XDEV);
        }
        levels.push(Level::new(name, inner, Some(made))?);
    }
    Ok(())
}

/// Removes everything below `root`. What its twin does not have yet goes there first: another process may have
/// made it since the twin was filled.
fn clear(root: OwnedFd, twin: Option<OwnedFd>) -> Result<(), Errno> {
    let mut levels = vec![Level::new(CString::default(), writable(root), twin)?];
    while let Some(Level { entries, open, twin, .. }) = levels.last_mut() {
        let Some(entry) = next(entries) else {
            let emptied = levels.pop();
            if let (Some(emptied), Some(above)) = (emptied, levels.last()) {
                remove(above.open.as_fd(), &emptied.name)?;
            }
            continue;
        };
        let (name, kind) = entry?;
        if is_folder(open, &name, kind) {
            let inner = writable(folder(open.as_fd(), &name)?);
            let twin =
                twin.as_ref().and_then(|twin| folder(twin.as_fd(), &name).or_else(|_| make(twin.as_fd(), &name)).ok());
            levels.push(Level::new(name, inner, twin)?);
            continue;
        }
        if let Some(twin) = twin {
            match rustix::fs::linkat(&*open, &name, &*twin, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
        rustix::fs::unlinkat(&*open, &name, AtFlags::empty())?;
    }
    Ok(())
}

fn is_folder(open: &OwnedFd, name: &CString, kind: FileType) -> bool {
    if kind != FileType::Unknown {
        return kind.is_dir();
    }
    rustix::fs::statat(open, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir())
}

/// A folder without the right to write in it can be renamed all the same; to be emptied it needs that right.
fn writable(open: OwnedFd) -> OwnedFd {
    if let Ok(found) = rustix::fs::fstat(&open) {
        let mode = Mode::from_raw_mode(found.st_mode);
        if !mode.contains(Mode::RWXU) {
            // Where it fails, so will the removal, which then says why.
            rustix::fs::fchmod(&open, mode | Mode::RWXU).unwrap_or_default();
        }
    }
    open
}

/// Gives `new` the attributes, permissions and times of `old`.
fn dress(old: &OwnedFd, new: &OwnedFd) -> Result<(), Errno> {
    attributes(old, new).unwrap_or_default();
    let found = rustix::fs::fstat(old)?;
    // A filter refuses set-id bits, which no folder needs here.
    let mode = Mode::from_raw_mode(found.st_mode).difference(Mode::SUID | Mode::SGID);
    rustix::fs::fchmod(new, mode)?;
    let time = |seconds: i64, nanoseconds: u64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds.cast_signed() };
    let times = Timestamps {
        last_access: time(found.st_atime, found.st_atime_nsec),
        last_modification: time(found.st_mtime, found.st_mtime_nsec),
    };
    rustix::fs::futimens(new, &times)
}

/// Copies what extended attributes there are and may be set; a file system without any is no reason to fail.
fn attributes(old: &OwnedFd, new: &OwnedFd) -> Result<(), Errno> {
    let length = rustix::fs::flistxattr(old, &mut [] as &mut [u8])?;
    if length == 0 {
        return Ok(());
    }
    let mut names = vec![0; length];
    let length = rustix::fs::flistxattr(old, &mut names)?;
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 64 << 10];
        if let Ok(length) = rustix::fs::fgetxattr(old, name, &mut value) {
            let value = value.get(..length).unwrap_or_default();
            rustix::fs::fsetxattr(new, name, value, XattrFlags::empty()).unwrap_or_default();
        }
    }
    Ok(())
}
