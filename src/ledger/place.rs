//! The database's files on disk: made private, set aside when damaged. The only part of this room that touches the
//! disk beside SQLite itself.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What SQLite keeps beside the database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// Makes the folder and an empty file where they are not there, for the user alone; SQLite gives its other files the
/// same permissions.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// Which file is at `path` now, to see that the one that is open is still there.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Bytes of the database.
pub(super) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

/// Renames the database, so that a new one can be begun, and says to what.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let suffixed = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut number = 1;
    while suffixed(&format!("-damaged-{number}")).exists() {
        number += 1;
    }
    for beside in BESIDE {
        match std::fs::rename(suffixed(beside), suffixed(&format!("-damaged-{number}{beside}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(suffixed(&format!("-damaged-{number}")))
}

/// What only one process does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Set the database aside; whoever does also opens the new one.
    SetAside,
    /// Change how the database keeps its journal.
    Journal,
}

/// Holds a right; other processes wait. Given back when it is dropped.
pub(super) fn lock(path: &Path, right: Right) -> io::Result<std::fs::File> {
    let mut name = path.as_os_str().to_owned();
    name.push(match right {
        Right::SetAside => "-lock",
        Right::Journal => "-journal-lock",
    });
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(name)?;
    file.lock()?;
    Ok(file)
}
