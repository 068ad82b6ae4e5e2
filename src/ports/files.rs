//! The workspace's files on disk.

use std::path::PathBuf;

use super::{Cancel, Failure};
use crate::changes::FileChange;
use crate::policy::Grant;
use crate::workspace::{FileState, RelativePath, Root};

/// One regular file met on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// Where.
    pub path: RelativePath,
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// Inode change time, nanoseconds since the Unix epoch: it moves even where the modification
    /// time was set back.
    pub changed_ns: i64,
}

/// Why a walk passed something over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// Its name is not UTF-8.
    Name,
    /// It cannot be read.
    Unreadable,
    /// Larger than the limit.
    Large,
    /// Not text.
    Binary,
    /// Marked or named as generated.
    Generated,
    /// A socket, pipe or device.
    Special,
}

/// What a walk found.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// Regular files, sorted by path.
    pub files: Vec<FileStat>,
    /// What was passed over, and why.
    pub skipped: Vec<(PathBuf, Skip)>,
}

/// Keeps a watch alive; dropping it ends the watch.
pub struct WatchGuard(pub Box<dyn std::any::Any + Send>);

/// Reads, writes and watches what is below a root. Every path is resolved beneath the root at the moment
/// of use; a link on the way is not followed.
pub trait Files: Send + Sync {
    /// All regular files that the ignore rules leave, links not followed.
    ///
    /// # Errors
    /// When the root itself cannot be read, or on cancellation.
    fn walk(&self, root: &Root, cancel: &Cancel) -> Result<Walk, Failure>;

    /// The file at `path`, `None` when there is none.
    ///
    /// # Errors
    /// When it is not a regular file or link, is larger than the limit, or cannot be read.
    fn read(&self, root: &Root, path: &RelativePath) -> Result<Option<FileState>, Failure>;

    /// What `stat` says of each of `paths`; `None` for what is no regular file or is not there.
    ///
    /// # Errors
    /// When the root cannot be opened.
    fn stat(&self, root: &Root, paths: &[RelativePath]) -> Result<Vec<Option<FileStat>>, Failure>;

    /// Makes all of `changes` or none: each path must hold its `before` at the moment of writing.
    ///
    /// # Errors
    /// [`Stale`](super::FailureKind::Stale) when a path holds something else; `Denied` when the grant is
    /// for other changes; else what the disk says, with everything put back.
    fn apply(&self, grant: Grant, root: &Root, changes: &[FileChange]) -> Result<(), Failure>;

    /// Calls `changed` with batches of paths that may have changed; an empty batch means "anything".
    ///
    /// # Errors
    /// When the operating system gives no watch at all.
    fn watch(&self, root: &Root, changed: Box<dyn Fn(Vec<RelativePath>) + Send>) -> Result<WatchGuard, Failure>;
}
