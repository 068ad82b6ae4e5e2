//! Putting a file state into a folder of the view that a command gets, before the command begins: what stood there
//! goes first, so that no link is written through and no other name of the file changes with it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use crate::workspace::{FileKind, FileState};

/// Permissions of a file that was not there before.
const USUAL: u32 = 0o644;

/// Makes `state` what is at `name` of `folder`. Of the permissions of a file that was there all stay but the execute
/// bits, which are as `state` says.
///
/// # Errors
/// When a folder that holds something stands there, or what the system says.
pub(super) fn put(folder: &OwnedFd, name: &OsStr, state: &FileState) -> io::Result<()> {
    unlocked(folder, || put_once(folder, name, state))
}

fn put_once(folder: &OwnedFd, name: &OsStr, state: &FileState) -> io::Result<()> {
    let before = clear(folder, name)?;
    let mode = match state.kind {
        FileKind::Symlink => return Ok(symlinkat(OsStr::from_bytes(&state.bytes), folder, name)?),
        FileKind::Plain => before & !0o111,
        // Whoever may read it may run it.
        FileKind::Executable => before | (before & 0o444) >> 2,
    };
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(folder.as_fd(), name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
    file.write_all(&state.bytes)?;
    Ok(fchmod(&file, Mode::from_bits_truncate(mode))?)
}

/// Takes away what is at `name`, and says what the permissions of a file in its place are.
fn clear(folder: &OwnedFd, name: &OsStr) -> io::Result<u32> {
    let stat = match fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(USUAL),
        other => other?,
    };
    let kind = stat.st_mode & SFlag::S_IFMT.bits();
    let how = if kind == SFlag::S_IFDIR.bits() { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
    unlinkat(folder, name, how)?;
    Ok(if kind == SFlag::S_IFREG.bits() { stat.st_mode & 0o777 } else { USUAL })
}

/// Does `work` in a folder that may be closed even to its owner, as folders of packages are: it is opened for that moment.
pub(super) fn unlocked<T>(folder: &OwnedFd, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match work() {
        Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => {
            let mode = Mode::from_bits_truncate(fstat(folder)?.st_mode);
            fchmod(folder, mode | Mode::S_IWUSR | Mode::S_IXUSR)?;
            let done = work();
            fchmod(folder, mode)?;
            done
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn state(kind: FileKind, text: &str) -> FileState {
        FileState { kind, bytes: text.into() }
    }

    #[test]
    fn a_state_takes_the_place_of_whatever_stood_there() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let folder = OwnedFd::from(File::open(place.path()).unwrap());
        fs::write(at("closed"), "1").unwrap();
        fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o400)).unwrap();
        fs::write(at("target"), "whole").unwrap();
        std::os::unix::fs::symlink("target", at("link")).unwrap();
        fs::hard_link(at("target"), at("other-name")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        let put = |name: &str, kind, text| put(&folder, OsStr::new(name), &state(kind, text)).unwrap();
        put("closed", FileKind::Executable, "2");
        for name in ["link", "other-name", "empty"] {
            put(name, FileKind::Plain, "2");
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "2");
        }
        put("new", FileKind::Symlink, "/nowhere");
        assert_eq!(fs::read_to_string(at("target")).unwrap(), "whole");
        assert_eq!(fs::read_link(at("new")).unwrap().to_str(), Some("/nowhere"));
        let mode = |name: &str| fs::symlink_metadata(at(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("closed"), mode("link")], [0o500, 0o644]);
        assert!(!fs::symlink_metadata(at("link")).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_holds_something_stays() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("d")).unwrap();
        fs::write(place.path().join("d/x"), "1").unwrap();
        let folder = OwnedFd::from(File::open(place.path()).unwrap());
        assert!(put(&folder, OsStr::new("d"), &state(FileKind::Plain, "2")).is_err());
        assert_eq!(fs::read_to_string(place.path().join("d/x")).unwrap(), "1");
    }
}
