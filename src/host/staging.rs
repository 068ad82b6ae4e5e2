//! Files written beside their targets before anything is changed, and what a crash may have left of them.

use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::beneath::{nanoseconds, stat_in};
use crate::workspace::{FileKind, FileState};

const PREFIX: &str = ".tagout-";
const SUFFIX: &str = ".tmp";
/// No change takes this long to write, so what is older was left by a crash.
const LEFT_OVER_AFTER_NS: i64 = 3_600 * 1_000_000_000;

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

/// Writes `state` as `name` in `folder`, durably. Owner and permissions are those of `replaced`, where it is there:
/// the owner as far as this user may give files away, never the set-user-ID bits.
pub(super) fn write_new(folder: &OwnedFd, name: &str, state: &FileState, replaced: Option<&Stat>) -> Result<(), Errno> {
    let created = Mode::from_raw_mode(match (replaced, state.kind) {
        (_, FileKind::Symlink) => return rustix::fs::symlinkat(state.bytes.as_slice(), folder, name),
        // Nobody else may read it before its owner and permissions are right.
        (Some(_), FileKind::Plain | FileKind::Executable) => 0o600,
        (None, FileKind::Plain) => 0o666,
        (None, FileKind::Executable) => 0o777,
    });
    let flags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let mut file = File::from(rustix::fs::openat(folder, name, flags, created)?);
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    file.write_all(&state.bytes).map_err(errno)?;
    if let Some(replaced) = replaced {
        let (owner, group) = (Uid::from_raw(replaced.st_uid), Gid::from_raw(replaced.st_gid));
        if rustix::fs::fchown(&file, Some(owner), Some(group)).is_err() {
            // Only root gives files away; the group may still be one of this user's.
            let _ = rustix::fs::fchown(&file, None, Some(group));
        }
        rustix::fs::fchmod(&file, permissions(replaced.st_mode, state.kind))?;
    }
    file.sync_all().map_err(errno)
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

/// Removes temporary files that a crash left in `folder`; `now_ns` is the time, nanoseconds since the Unix epoch.
/// What cannot be removed stays: it disturbs nothing.
pub(super) fn clean(folder: &OwnedFd, now_ns: i64) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if !is_temporary(name) {
            continue;
        }
        let old =
            |stat: Stat| nanoseconds(stat.st_ctime, stat.st_ctime_nsec).saturating_add(LEFT_OVER_AFTER_NS) < now_ns;
        if stat_in(folder, name).is_ok_and(old) {
            let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
        }
    }
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
    fn what_a_crash_left_goes_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(temporary_name());
        std::fs::write(&left, "x").unwrap();
        std::fs::write(folder.path().join("kept"), "x").unwrap();
        let changed = stat_in(&open(folder.path()), left.file_name().unwrap().to_str().unwrap()).unwrap();
        let written = nanoseconds(changed.st_ctime, changed.st_ctime_nsec);
        clean(&open(folder.path()), written);
        assert!(left.exists());
        clean(&open(folder.path()), written + 2 * LEFT_OVER_AFTER_NS);
        assert!(!left.exists() && folder.path().join("kept").exists());
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
            let stat = stat_in(&open, "old").unwrap();
            let name = temporary_name();
            write_new(&open, &name, &FileState { kind, bytes: b"y".to_vec() }, Some(&stat)).unwrap();
            let mode = std::fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, wanted, "{old:o} {kind:?}");
        }
    }
}
