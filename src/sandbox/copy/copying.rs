//! Filling a copy of a workspace, within bounds.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstatat, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::symlinkat;

use super::{Room, Stamp, Treat, Treatment, WorkspaceCopy, beneath, folder_below, names, remove};
use crate::ports::{Cancel, Failure, FailureKind};

/// Copying at work.
pub(super) struct Copying {
    source: OwnedFd,
    room: Room,
    copied: Room,
    /// Paths to copy if there is room.
    spare: Vec<PathBuf>,
}

impl Copying {
    /// Begins to copy what is below `source`.
    pub(super) fn new(source: OwnedFd, room: Room) -> Self {
        Self { source, room, spare: Vec::new(), copied: Room { bytes: 0, files: 0 } }
    }

    /// Copies everything that is to be copied.
    pub(super) fn all(mut self, copy: &mut WorkspaceCopy, treat: Treat<'_>, cancel: &Cancel) -> Result<(), Failure> {
        let mut folders = vec![PathBuf::new()];
        while let Some(at) = folders.pop() {
            cancel.check()?;
            self.folder(copy, &at, &mut folders, treat)?;
        }
        // The first that does not fit is left out whole, and the next may still fit.
        for top in std::mem::take(&mut self.spare) {
            self.spare(copy, &top, treat, cancel)?;
        }
        Ok(())
    }

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

fn copy_file(mut from: File, into: &OwnedFd, name: &OsStr, stat: &FileStat) -> io::Result<()> {
    let how = beneath(OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL).mode(Mode::from_bits_truncate(0o600));
    let mut to = File::from(openat2(into.as_fd(), name, how)?);
    // The standard library copies between files by `copy_file_range`, which shares blocks where that can be done.
    io::copy(&mut from, &mut to)?;
    fchmod(&to, Mode::from_bits_truncate(stat.st_mode & 0o777))?;
    // Build tools compare the times of files.
    let modified = TimeSpec::new(stat.st_mtime, stat.st_mtime_nsec);
    Ok(futimens(&to, &modified, &modified)?)
}
