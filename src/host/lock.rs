//! One change at a time: whoever applies or puts right holds both locks, and the kernel lets go of them with the
//! process, however it ends (flock(2)).

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::journal::make_private;
use crate::ports::{Failure, FailureKind};
use crate::workspace::Root;

/// How long one waits for the other: as long as a large change may take on a slow disk.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Held while it lives.
pub(super) struct Lock {
    /// Of everyone with this state folder, in all workspaces: one may lie in another.
    _journals: File,
    /// Of everyone with this root, whatever their state folder; where the file system has such locks.
    _root: Option<OwnedFd>,
}

impl Lock {
    /// Waits for the lock on `folder`, where the journals are, and on `root`.
    pub(super) fn take(folder: &Path, root: &Root) -> Result<Self, Failure> {
        Self::take_within(folder, root, PATIENCE)
    }

    fn take_within(folder: &Path, root: &Root, patience: Duration) -> Result<Self, Failure> {
        make_private(folder)?;
        let path = folder.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(|error| {
            Failure::io(format!("the lock {} cannot be opened", path.display()), &error)
                .hint("check that tagout may write its state folder")
        })?;
        let failed = |error: Errno| {
            Failure::new(FailureKind::Io, format!("the lock {} cannot be taken: {error}", path.display()))
                .hint("keep tagout's state folder on a file system that has locks")
        };
        if !wait(&file, patience).map_err(failed)? {
            return Err(busy(root));
        }
        let flags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
        let open = rustix::fs::openat(CWD, root.as_path(), flags, Mode::empty()).ok();
        let open = match open.map(|open| (wait(&open, patience), open)) {
            Some((Ok(true), open)) => Some(open),
            Some((Ok(false), _)) => return Err(busy(root)),
            // No such locks here; the first one is what journals are guarded by.
            Some((Err(_), _)) | None => None,
        };
        Ok(Self { _journals: file, _root: open })
    }
}

fn busy(root: &Root) -> Failure {
    let what = format!("another tagout is still applying changes in {} or beside it", root.as_path().display());
    Failure::new(FailureKind::Unavailable, what).hint("wait until it is done and try again")
}

fn wait(file: impl std::os::fd::AsFd, patience: Duration) -> Result<bool, Errno> {
    let mut waited = Duration::ZERO;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) if waited < patience => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_waits_and_is_told_and_gets_it_once_it_is_free() {
        let (state, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = Root::new(work.path()).unwrap();
        let take = |folder: &Path| Lock::take_within(folder, &root, 2 * PAUSE);
        let first = take(&state.path().join("journal")).unwrap();
        let told = |folder: &Path| take(folder).err().map(|failure| failure.kind);
        assert_eq!(told(&state.path().join("journal")), Some(FailureKind::Unavailable));
        // Another state folder, the same root.
        assert_eq!(told(&state.path().join("other")), Some(FailureKind::Unavailable));
        drop(first);
        assert_eq!(told(&state.path().join("journal")), None);
    }
}
