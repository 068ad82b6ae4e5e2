//! Files written beside their targets before anything is changed.

use std::ffi::CString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;

use super::beneath::stat_in;
use crate::workspace::{FileKind, FileState};

const PREFIX: &str = ".tagout-";
const SUFFIX: &str = ".tmp";
/// A name that nothing else has.
pub(super) fn temporary_name() -> String {
    // Seeded by the operating system, as every hash map is; and the file is created only where none is.
    format!("{PREFIX}{:016x}{SUFFIX}", RandomState::new().build_hasher().finish())
}

/// Whether a file of this name is one of tagout's temporary files.
pub(super) fn is_temporary(name: &str) -> bool {
    let middle = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    middle.is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What of a file that is replaced its successor keeps, beside its name.
pub(super) struct Replaced {
    stat: Stat,
    /// Extended attributes: those of the user and the access list. What gives powers is not among them.
    attributes: Vec<(CString, Vec<u8>)>,
}

impl Replaced {
    /// Looks at `name` in `folder`.
    pub(super) fn look(folder: &OwnedFd, name: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
        match rustix::fs::openat(folder, name, flags, Mode::empty()) {
            Ok(file) => Ok(Self { stat: rustix::fs::fstat(&file)?, attributes: attributes(&file) }),
            Err(Errno::LOOP) => Ok(Self { stat: stat_in(folder, name)?, attributes: Vec::new() }),
            Err(error) => Err(error),
        }
    }

    pub(super) fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Whether nobody is to write to it, whoever could.
    pub(super) fn is_read_only(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::RegularFile && self.stat.st_mode & 0o222 == 0
    }
}

/// What cannot be read is not kept: many file systems have no attributes.
fn attributes(file: &OwnedFd) -> Vec<(CString, Vec<u8>)> {
    let size = rustix::fs::flistxattr_query(file).unwrap_or(0);
    if size == 0 {
        return Vec::new();
    }
    let mut names = vec![0; size];
    let used = rustix::fs::flistxattr(file, names.as_mut_slice()).unwrap_or(0);
    names.truncate(used);
    let kept = |name: &&[u8]| name.starts_with(b"user.") || *name == b"system.posix_acl_access";
    let named = names.split(|byte| *byte == 0).filter(kept).filter_map(|name| CString::new(name).ok());
    named.filter_map(|name| attribute(file, &name).map(|value| (name, value))).collect()
}

fn attribute(file: &OwnedFd, name: &CString) -> Option<Vec<u8>> {
    let mut value = vec![0; rustix::fs::fgetxattr_query(file, name).ok()?];
    let used = rustix::fs::fgetxattr(file, name, value.as_mut_slice()).ok()?;
    value.truncate(used);
    Some(value)
}

/// Whether a new file is on the disk once it is written, or is seen to afterwards with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    Now,
    Later,
}

/// Whose owner, permissions and attributes a new file has.
pub(super) enum Origin<'a> {
    /// Its own: these permissions, or what new files have.
    New(Option<u32>),
    /// Those of the file that it replaces.
    Replaced(&'a Replaced),
}

/// Writes `state` as `name` in `folder`. Owner, permissions and attributes are those of what it replaces: the owner as
/// far as this user may give files away, never the set-user-ID bits.
pub(super) fn write_new(
    folder: &OwnedFd,
    name: &str,
    state: &FileState,
    origin: Origin<'_>,
    flush: Flush,
) -> Result<(), Errno> {
    let created = Mode::from_raw_mode(match (&origin, state.kind) {
        (_, FileKind::Symlink) => return rustix::fs::symlinkat(state.bytes.as_slice(), folder, name),
        // Nobody else may read it before its owner and permissions are right.
        (Origin::Replaced(_) | Origin::New(Some(_)), FileKind::Plain | FileKind::Executable) => 0o600,
        (Origin::New(None), FileKind::Plain) => 0o666,
        (Origin::New(None), FileKind::Executable) => 0o777,
    });
    let flags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let mut file = File::from(rustix::fs::openat(folder, name, flags, created)?);
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    file.write_all(&state.bytes).map_err(errno)?;
    match origin {
        Origin::Replaced(replaced) => keep(&file, replaced, state.kind)?,
        Origin::New(Some(mode)) => rustix::fs::fchmod(&file, permissions(mode, state.kind))?,
        Origin::New(None) => {}
    }
    match flush {
        Flush::Now => file.sync_all().map_err(errno),
        Flush::Later => Ok(()),
    }
}

fn keep(file: &File, replaced: &Replaced, kind: FileKind) -> Result<(), Errno> {
    let (owner, group) = (Uid::from_raw(replaced.stat.st_uid), Gid::from_raw(replaced.stat.st_gid));
    if rustix::fs::fchown(file, Some(owner), Some(group)).is_err() {
        // Only root gives files away; the group may still be one of this user's.
        let _ = rustix::fs::fchown(file, None, Some(group));
    }
    for (name, value) in &replaced.attributes {
        // A full disk is a failure; that they are not to be had here is none.
        let kept = rustix::fs::fsetxattr(file, name, value, XattrFlags::empty());
        kept.or_else(|error| if is_of_the_disk(error) { Err(error) } else { Ok(()) })?;
    }
    // After the access list, whose mask it sets anew.
    rustix::fs::fchmod(file, permissions(replaced.stat.st_mode, kind))
}

/// Whether `error` says that the disk is full or broken, and not that something is not allowed or not known here.
pub(super) fn is_of_the_disk(error: Errno) -> bool {
    matches!(error, Errno::NOSPC | Errno::DQUOT | Errno::IO)
}

/// The permissions of the file replaced, executable for whoever may read it where it is to be executable.
fn permissions(replaced: u32, kind: FileKind) -> Mode {
    let is_link = FileType::from_raw_mode(replaced) == FileType::Symlink;
    let old = if is_link { 0o644 } else { replaced & 0o777 };
    Mode::from_raw_mode(match kind {
        FileKind::Executable if old & 0o100 == 0 => old | 0o100 | (old & 0o044) >> 2,
        FileKind::Executable => old,
        FileKind::Plain | FileKind::Symlink => old & !0o111,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn open(folder: &std::path::Path) -> OwnedFd {
        File::open(folder).unwrap().into()
    }

    #[test]
    fn temporary_names_differ_and_are_known_again() {
        let (one, two) = (temporary_name(), temporary_name());
        assert_ne!(one, two);
        assert!(is_temporary(&one) && is_temporary(&two));
        for name in [".tagout-x.tmp", ".tagout.toml", "a.tmp", ".tagout-0123456789abcdef.tmp.txt"] {
            assert!(!is_temporary(name), "{name}");
        }
    }

    #[test]
    fn permissions_are_kept_and_follow_the_kind() {
        let folder = tempfile::tempdir().unwrap();
        let open = open(folder.path());
        for (old, kind, wanted) in [
            (0o640, FileKind::Plain, 0o640),
            (0o640, FileKind::Executable, 0o750),
            (0o755, FileKind::Plain, 0o644),
            (0o4711, FileKind::Executable, 0o711),
        ] {
            std::fs::write(folder.path().join("old"), "x").unwrap();
            std::fs::set_permissions(folder.path().join("old"), PermissionsExt::from_mode(old)).unwrap();
            let replaced = Replaced::look(&open, "old").unwrap();
            let name = temporary_name();
            let state = FileState { kind, bytes: b"y".to_vec() };
            write_new(&open, &name, &state, Origin::Replaced(&replaced), Flush::Now).unwrap();
            let mode = std::fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, wanted, "{old:o} {kind:?}");
        }
    }

    #[test]
    fn attributes_of_the_user_and_the_access_list_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old"), "x").unwrap();
        let old = File::open(folder.path().join("old")).unwrap();
        if let Err(error) = rustix::fs::fsetxattr(&old, "user.origin", b"here", XattrFlags::empty()) {
            println!("skipped: no extended attributes in {}: {error}", folder.path().display());
            return;
        }
        // The owner reads and writes, user 1 and the group read, others nothing (acl(5), version 2).
        let list: Vec<u8> = [(1, 6, u32::MAX), (2, 4, 1), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
            .iter()
            .flat_map(|(tag, may, who): &(u16, u16, u32)| {
                [&tag.to_le_bytes()[..], &may.to_le_bytes(), &who.to_le_bytes()].concat()
            })
            .collect();
        let list = [2_u32.to_le_bytes().to_vec(), list].concat();
        let listed = rustix::fs::fsetxattr(&old, "system.posix_acl_access", &list, XattrFlags::empty()).is_ok();
        let open = open(folder.path());
        let replaced = Replaced::look(&open, "old").unwrap();
        write_new(&open, "new", &FileState::text("y"), Origin::Replaced(&replaced), Flush::Later).unwrap();
        let new = File::open(folder.path().join("new")).unwrap().into();
        assert_eq!(attribute(&new, &CString::new("user.origin").unwrap()).unwrap(), b"here");
        if listed {
            assert_eq!(attribute(&new, &CString::new("system.posix_acl_access").unwrap()).unwrap(), list);
        }
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("new"), mode("old"));
    }
}
