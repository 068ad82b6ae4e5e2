//! One change at a time: whoever applies or puts right holds both locks, and the kernel lets go of them with the
//! process, however it ends (flock(2)).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags};

use super::journal::make_private;
use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind};
use crate::workspace::Root;

/// How long one waits for the other: as long as a large change may take on a slow disk.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Held while it lives.
pub(super) struct Lock {
    /// Of everyone with this state folder, in all workspaces: one may lie in another.
    _journals: FileLock,
    /// Of everyone with this root, whatever their state folder; where the file system has such locks.
    _root: Option<FileLock>,
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
        let failed = |error: io::Error| {
            Failure::new(FailureKind::Io, format!("the lock {} cannot be taken: {error}", path.display()))
                .hint("keep tagout's state folder on a file system that has locks")
        };
        let Some(journals) = wait(&file, patience).map_err(failed)? else { return Err(busy(root)) };
        let flags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
        let open = rustix::fs::openat(CWD, root.as_path(), flags, Mode::empty()).ok();
        let locked = match open.map(|open| wait(&File::from(open), patience)) {
            Some(Ok(Some(locked))) => Some(locked),
            Some(Ok(None)) => return Err(busy(root)),
            // No such locks here; the first one is what journals are guarded by.
            Some(Err(_)) | None => None,
        };
        Ok(Self { _journals: journals, _root: locked })
    }
}

fn busy(root: &Root) -> Failure {
    let what = format!("another tagout is still applying changes in {} or beside it", root.as_path().display());
    Failure::new(FailureKind::Unavailable, what).hint("wait until it is done and try again")
}

fn wait(file: &File, patience: Duration) -> io::Result<Option<FileLock>> {
    let mut waited = Duration::ZERO;
    loop {
        let taken = FileLock::try_take(file.try_clone()?)?;
        if taken.is_some() || waited >= patience {
            return Ok(taken);
        }
        std::thread::sleep(PAUSE);
        waited += PAUSE;
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
