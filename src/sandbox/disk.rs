//! Reading below an open folder, by descriptor: no link is followed, nothing outside is reached, whatever
//! another process does to the folder meanwhile.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::workspace::{FileKind, FileState};

/// Largest file that is read.
pub(super) const LARGEST_FILE: u64 = 64 << 20;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

/// What is at a path, by its own kind, links not followed.
#[derive(Debug)]
pub(super) enum Entry {
    /// A folder.
    Folder(Folder),
    /// A regular file or a symbolic link, not yet read.
    Leaf(Leaf),
    /// The overlay's mark of a deletion.
    Deletion,
    /// A pipe, socket or device.
    Special(&'static str),
}

/// A regular file or a symbolic link, open by path only.
#[derive(Debug)]
pub(super) struct Leaf {
    node: OwnedFd,
    metadata: fs::Metadata,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// Too large.
    #[error("larger than {} MiB", LARGEST_FILE >> 20)]
    Large,
    /// It would run as another user.
    #[error("has a set-id bit")]
    SetId,
    /// The system refused.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
}

/// Now, by the clock that stamps files, which lags behind others: seconds and nanoseconds since the Unix epoch.
pub(super) fn file_clock() -> io::Result<(i64, i64)> {
    let stamped = File::from(memfd_create(c"clock", MFdFlags::MFD_CLOEXEC)?).metadata()?;
    Ok((stamped.ctime(), stamped.ctime_nsec()))
}

fn beneath(flags: OFlag) -> OpenHow {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW).resolve(resolve)
}

impl Folder {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty())?))
    }

    /// Takes a descriptor of a folder.
    pub(super) fn from_descriptor(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Whether the overlay says that nothing of the folder of the same name below it is left.
    pub(super) fn is_opaque(&self) -> bool {
        super::sys::attribute(self.0.as_fd(), "user.overlay.opaque".as_ref()).is_some_and(|value| value == b"y")
    }

    /// The names in it.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        // The magic link leads to exactly the folder that is open.
        let listing = fs::read_dir(format!("/proc/self/fd/{}", self.0.as_raw_fd()))?;
        listing.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// What is at `path` below it; `None` when nothing, or when a part on the way is no folder.
    pub(super) fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let node = match openat2(self.0.as_fd(), path, beneath(OFlag::O_PATH)) {
            Ok(node) => node,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let file = File::from(node.try_clone()?);
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            let opened = openat2(self.0.as_fd(), path, beneath(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?;
            return Ok(Some(Entry::Folder(Self(opened))));
        }
        Ok(Some(if kind.is_file() || kind.is_symlink() {
            Entry::Leaf(Leaf { node, metadata })
        } else if kind.is_char_device() && metadata.rdev() == 0 {
            Entry::Deletion
        } else if kind.is_fifo() {
            Entry::Special("a pipe")
        } else if kind.is_socket() {
            Entry::Special("a socket")
        } else {
            Entry::Special("a device")
        }))
    }
}

impl Leaf {
    /// When its inode last changed: seconds and nanoseconds.
    pub(super) fn changed(&self) -> (i64, i64) {
        (self.metadata.ctime(), self.metadata.ctime_nsec())
    }

    /// Reads it.
    pub(super) fn read(&self) -> Result<FileState, ReadError> {
        if self.metadata.is_symlink() {
            let target = readlinkat(self.node.as_fd(), "").map_err(io::Error::from)?;
            return Ok(FileState { kind: FileKind::Symlink, bytes: target.into_vec() });
        }
        let mode = self.metadata.mode();
        if mode & 0o6000 != 0 {
            return Err(ReadError::SetId);
        }
        if self.metadata.len() > LARGEST_FILE {
            return Err(ReadError::Large);
        }
        let kind = if mode & 0o100 == 0 { FileKind::Plain } else { FileKind::Executable };
        // A regular file, known by the descriptor: opening it anew through its link blocks on nothing.
        let mut file = File::open(format!("/proc/self/fd/{}", self.node.as_raw_fd()))?;
        let mut bytes = Vec::new();
        file.by_ref().take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(ReadError::Large);
        }
        Ok(FileState { kind, bytes })
    }
}
