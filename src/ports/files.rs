//! The workspace's files on disk.

use std::fmt;
use std::path::PathBuf;

use super::{Cancel, Failure};
use crate::changes::{ChangesetId, FileChange, Permissions};
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

/// Whether applying wrote anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The changes were made now.
    Written,
    /// Every path held its `after` already, and nothing was written.
    AlreadyApplied,
}

/// What applying did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Whether anything was written.
    pub outcome: Outcome,
    /// Files replaced or deleted that had further names (hard links): under those the old content stays.
    pub separated: Vec<RelativePath>,
    /// Earlier changes that had been cut short, and were put right before this one began.
    pub recovered: Vec<Recovery>,
    /// The permissions of the files that were deleted.
    pub deleted: Permissions,
}

/// To which side a change that was cut short was put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Everything is as it was to become.
    Finished,
    /// Everything is as it was before.
    Undone,
    /// It could not be put right, and is tried again the next time.
    Stuck(Failure),
}

/// A path that was not as the change had left it, so that it was not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub path: RelativePath,
    /// Where its content from before the change is kept, if there was any to keep.
    pub kept: Option<PathBuf>,
}

/// What became of a change that a crash had cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The change.
    pub id: ChangesetId,
    /// In which folder: the root asked about, or one above or below it.
    pub root: Root,
    /// How it ended.
    pub ending: Ending,
    /// Files in it.
    pub files: usize,
    /// Those among them that something else had changed meanwhile.
    pub left: Vec<Left>,
}

/// One line for people.
impl fmt::Display for Recovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, ending, files, left, .. } = self;
        let plural = if *files == 1 { "" } else { "s" };
        write!(formatter, "the change {id} to {files} file{plural} was cut short")?;
        match ending {
            Ending::Finished => write!(formatter, ": it is finished now")?,
            Ending::Undone => write!(formatter, ": it is undone now")?,
            Ending::Stuck(failure) => write!(formatter, " and cannot be put right: {failure}")?,
        }
        for Left { path, kept } in left {
            write!(formatter, "; {path} was changed by something else and stays as it is")?;
            if let Some(kept) = kept {
                write!(formatter, ", its old content is in {}", kept.display())?;
            }
        }
        Ok(())
    }
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

    /// Makes all of `changes` or none, durably: each path must hold its `before` at the moment of writing. Cut
    /// short at any step, it is finished or undone by [`recover`](Self::recover). `id` is what it is called there.
    /// What already holds every `after` is not written again. A file that is created has the permissions of the one
    /// that it is renamed from, else those in `permissions`, else those that new files have.
    ///
    /// # Errors
    /// [`Stale`](super::FailureKind::Stale) when a path holds something else; `Denied` when the grant is
    /// for other changes; `Unavailable` when another process keeps applying changes; else what the disk says, with
    /// everything put back.
    fn apply(
        &self,
        grant: Grant,
        root: &Root,
        id: &ChangesetId,
        changes: &[FileChange],
        permissions: &Permissions,
    ) -> Result<Receipt, Failure>;

    /// Finishes or undoes the changes in `root` whose process ended in the middle, and says which. Applying does
    /// this first by itself.
    ///
    /// # Errors
    /// `Unavailable` when another process keeps applying changes, `Io` when the journal cannot be read.
    fn recover(&self, root: &Root) -> Result<Vec<Recovery>, Failure>;

    /// Calls `changed` with batches of paths that may have changed; an empty batch means "anything".
    ///
    /// # Errors
    /// When the operating system gives no watch at all.
    fn watch(&self, root: &Root, changed: Box<dyn Fn(Vec<RelativePath>) + Send>) -> Result<WatchGuard, Failure>;
}
