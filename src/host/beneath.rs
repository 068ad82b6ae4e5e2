//! Everything is opened beneath the root at the moment of use: `openat2` with `RESOLVE_BENEATH`, no link on the
//! way is followed, and what is opened is looked at before it is used.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::ports::{Failure, FailureKind};
use crate::workspace::{FileKind, FileState, RelativePath, Root};

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A regular file or a link.
    State(FileState),
    /// A regular file larger than the limit; its size.
    Large(u64),
    /// Something else, for people.
    Other(&'static str),
}

/// An open root folder.
pub(super) struct Beneath(OwnedFd);

impl Beneath {
    /// Opens `root`.
    pub(super) fn open(root: &Root) -> Result<Self, Failure> {
        let flags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
        rustix::fs::openat(CWD, root.as_path(), flags, Mode::empty()).map(Self).map_err(|error| {
            let what = format!("the folder {} cannot be opened: {error}", root.as_path().display());
            Failure::new(FailureKind::NotFound, what).hint("check that it exists and that you may enter it")
        })
    }

    /// Opens the folder that holds `path`, to name files in it.
    pub(super) fn parent(&self, path: &RelativePath) -> Result<OwnedFd, Errno> {
        self.folder(parent_of(path).unwrap_or("."))
    }

    /// Opens a folder to name files in it.
    pub(super) fn folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::openat2(&self.0, path, FOLDER.union(OFlags::PATH), Mode::empty(), BENEATH)
    }

    /// Opens a folder to list or synchronise it.
    pub(super) fn readable_folder(&self, path: &str) -> Result<OwnedFd, Errno> {
        rustix::fs::openat2(&self.0, path, FOLDER.union(OFlags::RDONLY), Mode::empty(), BENEATH)
    }

    /// What is at `path`, regular files up to `limit` bytes.
    pub(super) fn look(&self, path: &RelativePath, limit: u64) -> Result<Found, Errno> {
        match rustix::fs::openat2(&self.0, path.as_str(), READ, Mode::empty(), BENEATH) {
            Ok(file) => read_opened(file, limit),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Found::Nothing),
            // A socket cannot be opened.
            Err(Errno::NXIO) => Ok(Found::Other("a socket or device")),
            // The last part is a link, or one before it; opening the parent tells which.
            Err(Errno::LOOP) => read_link(&self.parent(path)?, path.file_name()),
            Err(error) => Err(error),
        }
    }
}

/// The folder part of a path; `None` for the root.
pub(super) fn parent_of(path: &RelativePath) -> Option<&str> {
    path.as_str().rsplit_once('/').map(|(parent, _)| parent)
}

/// What is at `name` in `folder`.
pub(super) fn look_in(folder: &OwnedFd, name: &str, limit: u64) -> Result<Found, Errno> {
    match rustix::fs::openat(folder, name, READ, Mode::empty()) {
        Ok(file) => read_opened(file, limit),
        Err(Errno::NOENT) => Ok(Found::Nothing),
        Err(Errno::NXIO) => Ok(Found::Other("a socket or device")),
        Err(Errno::LOOP) => read_link(folder, name),
        Err(error) => Err(error),
    }
}

/// The stat of `name` in `folder`, links not followed.
pub(super) fn stat_in(folder: &OwnedFd, name: &str) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Nanoseconds since the Unix epoch, from the two halves that a stat holds.
pub(super) fn nanoseconds(seconds: i64, rest: u64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(i64::try_from(rest).unwrap_or(0))
}

fn read_opened(file: OwnedFd, limit: u64) -> Result<Found, Errno> {
    let stat = rustix::fs::fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Ok(Found::Other("a folder")),
        FileType::Fifo => return Ok(Found::Other("a pipe")),
        FileType::Symlink
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => return Ok(Found::Other("a socket or device")),
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if size > limit {
        return Ok(Found::Large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    // The file may grow while it is read; one byte beyond the limit shows it.
    let mut reader = File::from(file).take(limit.saturating_add(1));
    reader.read_to_end(&mut bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    if bytes.len() as u64 > limit {
        return Ok(Found::Large(bytes.len() as u64));
    }
    bytes.shrink_to_fit();
    Ok(Found::State(FileState { kind: kind_of(stat.st_mode), bytes }))
}

fn kind_of(mode: u32) -> FileKind {
    if mode & 0o100 == 0 { FileKind::Plain } else { FileKind::Executable }
}

fn read_link(folder: &OwnedFd, name: &str) -> Result<Found, Errno> {
    match rustix::fs::readlinkat(folder, name, Vec::new()) {
        Ok(target) => Ok(Found::State(FileState { kind: FileKind::Symlink, bytes: target.into_bytes() })),
        Err(Errno::NOENT) => Ok(Found::Nothing),
        // It was a link a moment ago; whoever reads it again sees what it is now.
        Err(Errno::INVAL) => Err(Errno::AGAIN),
        Err(error) => Err(error),
    }
}

/// A failure of the operating system at `path`, in words.
pub(super) fn disk_failure(path: &RelativePath, doing: &str, error: Errno) -> Failure {
    let failure = Failure::new(FailureKind::Io, format!("{path} cannot be {doing}: {error}"));
    match error {
        Errno::LOOP => Failure::new(
            FailureKind::Io,
            format!("{path} cannot be {doing}: a folder on the way is a symbolic link, which is not followed"),
        )
        .hint("use the path that the link leads to"),
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => failure.hint("make room on the disk and try again"),
        Errno::PERM => failure.hint("check who may write there, and that it is not marked immutable (lsattr)"),
        Errno::ROFS | Errno::ACCESS => failure.hint("check who may write there and try again"),
        Errno::MFILE | Errno::NFILE => failure.hint("close some programs, or raise the limit of open files"),
        Errno::NOSYS => failure.hint("tagout needs Linux 5.6 or later, with openat2 allowed"),
        _ => failure,
    }
}
