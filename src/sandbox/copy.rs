//! A copy of the workspace, for machines where no overlay can be mounted: made before a command runs, and afterwards
//! reduced to what the command wrote, in the form in which an overlay keeps writes, so that one reader serves both.
//!
//! What the workspace ignores is copied as far as there is room, after everything else, so that builds find their
//! outputs; secrets are never. File systems that can share blocks between files do so (`copy_file_range(2)`).

mod copying;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmod, fchmodat, fstatat, mkdirat, mknodat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use self::copying::Copying;
use super::laying;
use crate::ports::{Cancel, Failure};
use crate::workspace::FileState;

/// File systems stamp with the clock's last tick: this much later, whatever is written has a later stamp.
const TICK: Duration = Duration::from_millis(20);
/// Name of the file that is locked while a copy is in use.
const LOCK: &str = "in-use";

/// The most that is copied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes.
    pub(super) bytes: u64,
    /// Files, folders and links.
    pub(super) files: u64,
}

/// What to do with a path of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Copied, or there is no copy.
    Needed,
    /// Copied if there is room.
    Spare,
    /// Never copied.
    Hidden,
}

/// Says what to do with a path; `true` for a folder.
pub(super) type Treat<'a> = &'a mut dyn FnMut(&Path, bool) -> Treatment;

/// What a file was when the command began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    mode: u32,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(stat: &FileStat) -> Self {
        Self {
            inode: stat.st_ino,
            mode: stat.st_mode,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    fn is_folder(&self) -> bool {
        self.mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits()
    }
}

/// A copy of a workspace, with a home and folders for temporary files beside it. Dropping it removes all of them.
#[derive(Debug)]
pub(super) struct WorkspaceCopy {
    /// The private folder that everything is in.
    private: PathBuf,
    /// The copy's own root.
    tree: PathBuf,
    root: OwnedFd,
    start: BTreeMap<PathBuf, Stamp>,
    /// What was left out, with the reason.
    pub(super) left_out: Vec<(PathBuf, String)>,
    /// Locked as long as it is open.
    _lock: File,
}

impl WorkspaceCopy {
    /// Copies `workspace` into a new private folder below `place`.
    ///
    /// # Errors
    /// When what is needed does not fit into `room`, something cannot be read or written, or on cancellation.
    pub(super) fn make(
        workspace: &Path,
        place: &Path,
        room: Room,
        treat: Treat<'_>,
        cancel: &Cancel,
    ) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::io("copying the workspace", &error);
        let mut copy = Self::begin(workspace, place).map_err(failure)?;
        let source = open_root(workspace).map_err(failure)?;
        Copying::new(source, room).all(&mut copy, treat, cancel)?;
        std::thread::sleep(TICK);
        Ok(copy)
    }

    fn begin(workspace: &Path, place: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(place)?;
        sweep(place);
        let only_ours = fs::Permissions::from_mode(0o700);
        let private = tempfile::Builder::new().prefix("copy-").permissions(only_ours).tempdir_in(place)?;
        let lock = File::create(private.path().join(LOCK))?;
        lock.lock()?;
        // The name of the folder shows in what tools print.
        let name = workspace.file_name().map_or_else(|| OsString::from("workspace"), OsString::from);
        let work = private.path().join("work");
        let tree = work.join(name);
        let beside = ["home", "tmp", "shm"].map(|name| private.path().join(name));
        for folder in [work, tree.clone()].iter().chain(&beside) {
            fs::create_dir(folder)?;
        }
        let root = open_root(&tree)?;
        let left_out = Vec::new();
        Ok(Self { private: private.keep(), tree, root, start: BTreeMap::new(), left_out, _lock: lock })
    }

    /// A store for the writes over an overlay: empty, with a folder beside it for the overlay's own use.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub(super) fn empty(workspace: &Path, place: &Path) -> io::Result<Self> {
        let store = Self::begin(workspace, place)?;
        // What is captured is read beneath this folder, which therefore looks like the one it stands for.
        let mode = fs::metadata(workspace)?.permissions().mode() & 0o777;
        fs::set_permissions(&store.tree, fs::Permissions::from_mode(mode | 0o700))?;
        Ok(store)
    }

    /// The root of the copy, with every folder in it such that it can be looked into. To be called once no process of the
    /// command lives any more.
    pub(super) fn opened(&self) -> io::Result<OwnedFd> {
        self.unlock()?;
        self.root.try_clone()
    }

    /// Where the copy is.
    pub(super) fn tree(&self) -> &Path {
        &self.tree
    }

    /// An empty home for the command.
    pub(super) fn home(&self) -> PathBuf {
        self.private.join("home")
    }

    /// A folder for the command's temporary files.
    pub(super) fn temporary(&self) -> PathBuf {
        self.private.join("tmp")
    }

    /// A folder for files that programs share their memory by.
    pub(super) fn shared_memory(&self) -> PathBuf {
        self.private.join("shm")
    }

    /// The folder that everything is in, open.
    pub(super) fn everything(&self) -> io::Result<OwnedFd> {
        open_root(&self.private)
    }

    /// Makes `state` what is at `path`; it counts as written by the command.
    pub(super) fn lay(&self, path: &Path, state: &FileState) -> io::Result<()> {
        self.make_folders(path)?;
        let (above, name) = self.parent_of(path)?;
        laying::put(&above, &name, state)
    }

    /// Takes a file out of the copy, if it is there; it counts as deleted by the command.
    pub(super) fn take_out(&self, path: &Path) -> io::Result<()> {
        let taken = self.parent_of(path).and_then(|(above, name)| {
            laying::unlocked(&above, || Ok(unlinkat(&above, name.as_os_str(), UnlinkatFlags::NoRemoveDir)?))
        });
        match taken {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Marks a file of the workspace as deleted, as an overlay over an empty store does.
    pub(super) fn mark_deleted(&self, path: &Path) -> io::Result<()> {
        self.make_folders(path)?;
        let (above, name) = self.parent_of(path)?;
        Ok(mknodat(&above, name.as_os_str(), SFlag::S_IFCHR, Mode::empty(), 0)?)
    }

    /// Makes the folders that `path` is in.
    fn make_folders(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        for folder in parent.ancestors().collect::<Vec<_>>().into_iter().rev().filter(|at| !at.as_os_str().is_empty()) {
            let (above, name) = self.parent_of(folder)?;
            match mkdirat(&above, name.as_os_str(), Mode::from_bits_truncate(0o755)) {
                Ok(()) => {}
                Err(Errno::EEXIST) => make_way(&above, &name)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes out what is as it was, and marks what is gone, as an overlay does: what is left is what was written.
    /// To be called once no process of the command lives any more.
    pub(super) fn reduce(&self) -> io::Result<OwnedFd> {
        let root = self.opened()?;
        // What is deepest comes first, so that a folder is looked at when what was in it has been.
        for (path, stamp) in self.start.iter().rev() {
            let Ok((parent, name)) = self.parent_of(path) else { continue };
            match fstatat(&parent, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
                Err(Errno::ENOENT) => {
                    mknodat(&parent, name.as_os_str(), SFlag::S_IFCHR, Mode::empty(), 0)?;
                }
                Err(error) => return Err(error.into()),
                Ok(now) if stamp.is_folder() && Stamp::of(&now).is_folder() => {
                    // One that still holds something stays.
                    unlinkat(&parent, name.as_os_str(), UnlinkatFlags::RemoveDir).unwrap_or_default();
                }
                Ok(now) if Stamp::of(&now) == *stamp => {
                    unlinkat(&parent, name.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
                }
                Ok(_) => {}
            }
        }
        Ok(root)
    }

    /// Makes every folder one that can be looked into; the command may have closed some.
    fn unlock(&self) -> io::Result<()> {
        fchmod(&self.root, Mode::from_bits_truncate(0o700))?;
        let mut folders = vec![PathBuf::new()];
        while let Some(at) = folders.pop() {
            let folder = folder_below(&self.root, &at)?;
            for name in names(&folder)? {
                let stat = fstatat(&folder, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
                if !Stamp::of(&stat).is_folder() {
                    continue;
                }
                if stat.st_mode & 0o700 != 0o700 {
                    let mode = Mode::from_bits_truncate(stat.st_mode & 0o777 | 0o700);
                    fchmodat(&folder, name.as_os_str(), mode, FchmodatFlags::FollowSymlink)?;
                }
                folders.push(at.join(name));
            }
        }
        Ok(())
    }

    fn parent_of(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((folder_below(&self.root, path.parent().unwrap_or(Path::new("")))?, name.to_owned()))
    }
}

impl Drop for WorkspaceCopy {
    fn drop(&mut self) {
        remove(&self.private);
    }
}

/// Removes copies that nobody uses any more: those of a server that was killed.
pub(super) fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let folder = entry.path();
        // One without the file is being made at this moment, or was left in the first moment of its making.
        let unused = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if unused {
            remove(&folder);
        }
    }
}

/// Removes a folder whatever modes a command gave to what is in it. What cannot be removed now is swept later.
fn remove(folder: &Path) {
    if fs::remove_dir_all(folder).is_ok() {
        return;
    }
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        drop(fs::set_permissions(&at, fs::Permissions::from_mode(0o700)));
        let entries = fs::read_dir(&at).into_iter().flatten().flatten();
        folders.extend(entries.filter(|one| one.file_type().is_ok_and(|kind| kind.is_dir())).map(|one| one.path()));
    }
    drop(fs::remove_dir_all(folder));
}

/// Makes a folder in the place of a file that is marked as deleted.
fn make_way(above: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let stat = fstatat(above, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFCHR.bits() {
        unlinkat(above, name, UnlinkatFlags::NoRemoveDir)?;
        mkdirat(above, name, Mode::from_bits_truncate(0o755))?;
    }
    Ok(())
}

fn beneath(flags: OFlag) -> OpenHow {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW).resolve(resolve)
}

fn open_root(path: &Path) -> io::Result<OwnedFd> {
    Ok(nix::fcntl::open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?)
}

fn folder_below(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    Ok(openat2(root.as_fd(), path, beneath(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?)
}

fn names(folder: &OwnedFd) -> io::Result<Vec<OsString>> {
    // The magic link leads to exactly the folder that is open.
    fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?.map(|entry| Ok(entry?.file_name())).collect()
}

#[cfg(test)]
mod tests;
