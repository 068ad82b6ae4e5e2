//! A copy of the workspace, for machines where no overlay can be mounted: made before a command runs, and afterwards
//! reduced to what the command wrote, in the form in which an overlay keeps writes, so that one reader serves both.
//!
//! What the workspace ignores is copied as far as there is room, after everything else, so that builds find their
//! outputs; secrets are never. File systems that can share blocks between files do so (`copy_file_range(2)`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmod, fchmodat, fstatat, futimens, mkdirat, mknodat};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use crate::ports::{Cancel, Failure, FailureKind};

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

/// A copy of a workspace, with a home and a folder for temporary files beside it. Dropping it removes all three.
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
        let mut copying = Copying { source, room, spare: Vec::new(), copied: Room { bytes: 0, files: 0 } };
        let mut folders = vec![PathBuf::new()];
        while let Some(at) = folders.pop() {
            cancel.check()?;
            copying.folder(&mut copy, &at, &mut folders, treat)?;
        }
        // The first that does not fit is left out whole, and the next may still fit.
        for top in std::mem::take(&mut copying.spare) {
            copying.spare(&mut copy, &top, treat, cancel)?;
        }
        std::thread::sleep(TICK);
        Ok(copy)
    }

    fn begin(workspace: &Path, place: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(place)?;
        sweep(place);
        let private = tempfile::Builder::new().prefix("copy-").tempdir_in(place)?;
        let lock = File::create(private.path().join(LOCK))?;
        lock.lock()?;
        // The name of the folder shows in what tools print.
        let name = workspace.file_name().map_or_else(|| OsString::from("workspace"), OsString::from);
        let work = private.path().join("work");
        let tree = work.join(name);
        for folder in [&work, &tree, &private.path().join("home"), &private.path().join("tmp")] {
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

    /// Puts a text in the place of a file; it counts as written by the command.
    pub(super) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        for folder in parent.ancestors().collect::<Vec<_>>().into_iter().rev().filter(|at| !at.as_os_str().is_empty()) {
            let (above, name) = self.parent_of(folder)?;
            match mkdirat(&above, name.as_os_str(), Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NONBLOCK;
        let how = beneath(flags).mode(Mode::from_bits_truncate(0o644));
        File::from(openat2(self.root.as_fd(), path, how)?).write_all(text.as_bytes())
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

/// Copying at work.
struct Copying {
    source: OwnedFd,
    room: Room,
    copied: Room,
    /// Paths to copy if there is room.
    spare: Vec<PathBuf>,
}

impl Copying {
    /// Copies what is in a folder, but not what is in the folders in it, which are added to `folders`.
    fn folder(
        &mut self,
        copy: &mut WorkspaceCopy,
        at: &Path,
        folders: &mut Vec<PathBuf>,
        treat: Treat<'_>,
    ) -> Result<(), Failure> {
        let Some(source) = self.open(copy, at) else { return Ok(()) };
        let listed = names(&source).map_err(|error| Failure::io(at.display(), &error))?;
        for name in listed {
            let path = at.join(&name);
            let Ok(stat) = fstatat(&source, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
            let is_folder = Stamp::of(&stat).is_folder();
            match treat(&path, is_folder) {
                Treatment::Hidden => continue,
                Treatment::Spare => {
                    self.spare.push(path);
                    continue;
                }
                Treatment::Needed => {}
            }
            if !self.fits(&stat) {
                return Err(self.too_large());
            }
            if self.one(copy, &source, &path, &stat)? && is_folder {
                folders.push(path);
            }
        }
        Ok(())
    }

    /// Copies an ignored path with all that is in it, or, when it does not fit, none of it.
    fn spare(
        &mut self,
        copy: &mut WorkspaceCopy,
        top: &Path,
        treat: Treat<'_>,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let before = self.copied;
        let mut paths = vec![top.to_path_buf()];
        while let Some(path) = paths.pop() {
            cancel.check()?;
            let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
            let Some(source) = self.open(copy, parent) else { continue };
            let Ok(stat) = fstatat(&source, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
            let is_folder = Stamp::of(&stat).is_folder();
            if treat(&path, is_folder) == Treatment::Hidden {
                continue;
            }
            if !self.fits(&stat) {
                self.copied = before;
                remove(&copy.tree.join(top));
                drop(fs::remove_file(copy.tree.join(top)));
                copy.start.retain(|path, _| !path.starts_with(top));
                copy.left_out
                    .push((top.to_path_buf(), format!("ignored, and no room for it in a copy of {}", self.most())));
                return Ok(());
            }
            if self.one(copy, &source, &path, &stat)? && is_folder {
                let inside = folder_below(&self.source, &path).and_then(|folder| names(&folder));
                paths.extend(inside.unwrap_or_default().into_iter().map(|name| path.join(name)));
            }
        }
        Ok(())
    }

    fn open(&self, copy: &mut WorkspaceCopy, at: &Path) -> Option<OwnedFd> {
        match folder_below(&self.source, at) {
            Ok(folder) => Some(folder),
            Err(error) => {
                copy.left_out.push((at.to_path_buf(), format!("cannot be read: {error}")));
                None
            }
        }
    }

    fn fits(&mut self, stat: &FileStat) -> bool {
        self.copied.files += 1;
        self.copied.bytes = self.copied.bytes.saturating_add(stat.st_size.unsigned_abs());
        self.copied.files <= self.room.files && self.copied.bytes <= self.room.bytes
    }

    fn most(&self) -> String {
        format!("{} MiB and {} files", self.room.bytes >> 20, self.room.files)
    }

    fn too_large(&self) -> Failure {
        let what =
            format!("the workspace is too large to be copied: more than {}, what git ignores not counted", self.most());
        Failure::new(FailureKind::Unavailable, what)
            .hint("nothing was run: open a smaller folder, or let the full sandbox be built (`tagout doctor` says how)")
    }

    /// Copies one thing; `false` when it is nothing that is copied, or vanished.
    fn one(&self, copy: &mut WorkspaceCopy, source: &OwnedFd, path: &Path, stat: &FileStat) -> Result<bool, Failure> {
        let failure = |error: io::Error| Failure::io(format!("copying {}", path.display()), &error);
        let name = path.file_name().unwrap_or_default();
        let (into, _) = copy.parent_of(path).map_err(failure)?;
        let made = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => {
                mkdirat(&into, name, Mode::from_bits_truncate(stat.st_mode & 0o777 | 0o700)).map_err(io::Error::from)
            }
            SFlag::S_IFLNK => readlinkat(source, name)
                .and_then(|target| symlinkat(target.as_os_str(), &into, name))
                .map_err(io::Error::from),
            SFlag::S_IFREG => match openat2(source.as_fd(), name, beneath(OFlag::O_RDONLY | OFlag::O_NONBLOCK)) {
                Ok(file) => copy_file(File::from(file), &into, name, stat),
                Err(Errno::EACCES | Errno::ENOENT | Errno::ELOOP) => {
                    copy.left_out.push((path.to_path_buf(), "cannot be read".to_owned()));
                    return Ok(false);
                }
                Err(error) => Err(error.into()),
            },
            // Sockets, pipes and devices are no content.
            _ => return Ok(false),
        };
        made.map_err(failure)?;
        let stat = fstatat(&into, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|error| failure(error.into()))?;
        copy.start.insert(path.to_path_buf(), Stamp::of(&stat));
        Ok(true)
    }
}

fn copy_file(mut from: File, into: &OwnedFd, name: &std::ffi::OsStr, stat: &FileStat) -> io::Result<()> {
    let how = beneath(OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL).mode(Mode::from_bits_truncate(0o600));
    let mut to = File::from(openat2(into.as_fd(), name, how)?);
    // The standard library copies between files by `copy_file_range`, which shares blocks where that can be done.
    io::copy(&mut from, &mut to)?;
    fchmod(&to, Mode::from_bits_truncate(stat.st_mode & 0o777))?;
    // Build tools compare the times of files.
    let modified = TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec);
    Ok(futimens(&to, &modified, &modified)?)
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
