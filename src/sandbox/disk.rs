//! Reading below an open folder, by descriptor: no link is followed, nothing outside is reached, whatever
//! another process does to the folder meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirEntryExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::{
    BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC, fstatfs,
};

use super::moment::Stamp;
use crate::workspace::{FileKind, FileState};

/// Largest file that is read.
pub(super) const LARGEST_FILE: u64 = 64 << 20;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

/// What an entry of a folder is by its own kind, links not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// The overlay's mark of a deletion.
    Deletion,
    /// A pipe, socket or device.
    Special(&'static str),
}

/// A look at an entry of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// What it is.
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    /// Bytes in it, or of a link's target.
    pub(super) size: u64,
    /// Bytes that it takes on its device.
    pub(super) taken: u64,
    /// When its content or attributes were last changed.
    pub(super) changed: Stamp,
    /// When its content was last changed, as far as nobody said otherwise.
    pub(super) modified: Stamp,
    /// Number of the inode on its device, and how many names it has.
    pub(super) inode: (u64, u64),
}

/// A name in a folder, with what the folder itself says of it.
#[derive(Debug)]
pub(super) struct Listed {
    /// The name.
    pub(super) name: OsString,
    /// Whether it is a folder.
    pub(super) folder: bool,
    /// Number of its inode.
    pub(super) inode: u64,
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
    /// It has just become something else than a file.
    #[error("no file")]
    NoFile,
    /// The system refused.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
}

impl Seen {
    fn new(stat: &FileStat) -> Self {
        let kind = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Kind::Folder,
            SFlag::S_IFREG => Kind::File,
            SFlag::S_IFLNK => Kind::Link,
            SFlag::S_IFCHR if stat.st_rdev == 0 => Kind::Deletion,
            SFlag::S_IFIFO => Kind::Special("a pipe"),
            SFlag::S_IFSOCK => Kind::Special("a socket"),
            _ => Kind::Special("a device"),
        };
        Self {
            kind,
            mode: stat.st_mode & 0o7777,
            size: stat.st_size.cast_unsigned(),
            taken: stat.st_blocks.cast_unsigned() * 512,
            changed: Stamp::of_change(stat),
            modified: Stamp::of_content(stat),
            inode: (stat.st_ino, stat.st_nlink),
        }
    }

    /// What a regular file of these permissions is.
    pub(super) fn file_kind(&self) -> FileKind {
        if self.mode & 0o100 == 0 { FileKind::Plain } else { FileKind::Executable }
    }
}

pub(super) fn beneath(flags: OFlag) -> OpenHow {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW).resolve(resolve)
}

const AS_FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY);
/// Neither a pipe nor a device holds up who opens it so.
const AS_FILE: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(nix::fcntl::open(path, AS_FOLDER | OFlag::O_CLOEXEC, Mode::empty())?))
    }

    /// Takes a descriptor of a folder.
    pub(super) fn from_descriptor(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// The folder at `path` below it, itself when empty; `None` when there is no folder.
    pub(super) fn below(&self, path: &Path) -> io::Result<Option<Self>> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match openat2(self.0.as_fd(), path, beneath(AS_FOLDER)) {
            Ok(opened) => Ok(Some(Self(opened))),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the overlay says that nothing of the folder of the same name below it is left.
    pub(super) fn is_opaque(&self) -> bool {
        let mut value = [0; 16];
        rustix::fs::fgetxattr(&self.0, "user.overlay.opaque", &mut value)
            .is_ok_and(|length| value.get(..length) == Some(b"y".as_slice()))
    }

    /// Whether the overlay says that it stands for a folder below it: one that a command made does not.
    pub(super) fn is_copied(&self) -> bool {
        rustix::fs::fgetxattr(&self.0, "user.overlay.origin", &mut [] as &mut [u8]).is_ok()
    }

    /// The names in it, in no order.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        // The magic link leads to exactly the folder that is open.
        let listing = fs::read_dir(format!("/proc/self/fd/{}", self.0.as_raw_fd()))?;
        listing.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// The entries in it, in no order.
    pub(super) fn entries(&self) -> io::Result<Vec<Listed>> {
        let listing = fs::read_dir(format!("/proc/self/fd/{}", self.0.as_raw_fd()))?;
        let listed = |entry: fs::DirEntry| {
            Ok(Listed { name: entry.file_name(), folder: entry.file_type()?.is_dir(), inode: entry.ino() })
        };
        listing.map(|entry| listed(entry?)).collect()
    }

    /// Whether it lies on a file system of this machine, whose stamps show every change at once.
    pub(super) fn keeps_stamps(&self) -> bool {
        let known = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, XFS_SUPER_MAGIC];
        fstatfs(self.0.as_fd()).is_ok_and(|found| known.contains(&found.filesystem_type()))
    }

    /// At most `most` bytes of the beginning of the regular file at `path`.
    pub(super) fn beginning(&self, path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
        let file = File::from(openat2(self.0.as_fd(), path, beneath(AS_FILE)).map_err(io::Error::from)?);
        if !file.metadata()?.is_file() {
            return Err(ReadError::NoFile);
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Looks at the folder itself.
    pub(super) fn look_at_self(&self) -> io::Result<Seen> {
        Ok(Seen::new(&fstat(self.0.as_fd())?))
    }

    /// Lets the owner in, where the permissions keep even the owner out.
    pub(super) fn unlock_self(&self) -> io::Result<()> {
        let seen = self.look_at_self()?;
        if seen.mode & 0o700 == 0o700 {
            return Ok(());
        }
        let link = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        fs::set_permissions(link, fs::Permissions::from_mode(seen.mode | 0o700))
    }

    /// Looks at its entry `name`; `None` when there is none.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<Option<Seen>> {
        match fstatat(self.0.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Seen::new(&stat))),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads its entry `name`, a regular file or a link by the look `seen`. Returns the state and a look at it after
    /// it was read, so that a change meanwhile is told by its stamp.
    pub(super) fn read(&self, name: &OsStr, seen: &Seen) -> Result<(FileState, Seen), ReadError> {
        if seen.kind == Kind::Link {
            let target = readlinkat(self.0.as_fd(), name).map_err(io::Error::from)?;
            let seen = self.look(name)?.filter(|seen| seen.kind == Kind::Link).ok_or(ReadError::NoFile)?;
            return Ok((FileState { kind: FileKind::Symlink, bytes: target.into_vec() }, seen));
        }
        if seen.mode & 0o6000 != 0 {
            return Err(ReadError::SetId);
        }
        if seen.size > LARGEST_FILE {
            return Err(ReadError::Large);
        }
        let mut file = self.open_file(name)?;
        let bytes = read_whole(&mut file, seen.size)?;
        let seen = Seen::new(&fstat(file.as_fd()).map_err(io::Error::from)?);
        if seen.kind != Kind::File {
            return Err(ReadError::NoFile);
        }
        Ok((FileState { kind: seen.file_kind(), bytes }, seen))
    }

    /// Opens its entry `name`, a regular file, to be read.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat2(self.0.as_fd(), name, beneath(AS_FILE))?))
    }

    /// Lets the owner read its entry `name`.
    pub(super) fn unlock_file(&self, name: &OsStr) -> io::Result<()> {
        match self.look(name)? {
            Some(seen) if seen.kind == Kind::File && seen.mode & 0o400 == 0 => self.unlock(name, &seen),
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the owner in to its entry `name`, a file or folder whose permissions keep even the owner out.
    pub(super) fn unlock(&self, name: &OsStr, seen: &Seen) -> io::Result<()> {
        let wanted = if seen.kind == Kind::Folder { 0o700 } else { 0o400 };
        let node = File::from(openat2(self.0.as_fd(), name, beneath(OFlag::O_PATH))?);
        // A descriptor that only names a file cannot be changed itself; its magic link can, and leads nowhere else.
        let link = format!("/proc/self/fd/{}", node.as_raw_fd());
        fs::set_permissions(link, fs::Permissions::from_mode(seen.mode | wanted))
    }
}

/// Reads a file that is expected to hold `size` bytes: in one call when it does.
fn read_whole(file: &mut File, size: u64) -> Result<Vec<u8>, ReadError> {
    // One more than is expected, so that a short count tells the end.
    let room = usize::try_from(size).map_err(|_| ReadError::Large)? + 1;
    let mut bytes = vec![0; room];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        if filled + 1 == room {
            break;
        }
    }
    bytes.truncate(filled);
    if filled == room {
        file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > LARGEST_FILE { Err(ReadError::Large) } else { Ok(bytes) }
}
