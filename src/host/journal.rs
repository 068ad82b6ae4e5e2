//! What a change is about to do, written down before it begins, and how far it is: one file for each change under
//! way, in tagout's state folder.
//!
//! The file holds the whole plan under a checksum and is never written again. How far the change is stands in the
//! file's last extension, so that each mark is one rename, atomic and without need of room:
//!
//! | mark | what lies in the workspace | what recovery does |
//! |---|---|---|
//! | `begun` | new files beside their targets, perhaps; no target is changed | removes them |
//! | `committed` | all new files, durably; any number of targets is changed | changes the rest |
//! | `undoing` | as `committed`, on the way back | changes the targets back |
//! | `done` | every target is changed, durably; what was replaced lies beside, perhaps | removes that |
//!
//! A journal that a crash tore says that nothing had begun: the workspace is touched only once it is on the disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::durable::Durability;
use super::staging::{is_temporary, temporary_name};
use crate::changes::{ChangesetId, FileChange};
use crate::ports::{Failure, FailureKind};
use crate::workspace::{ContentHash, FileState, RelativePath, Root};

/// What a file holds, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    /// Of kind and bytes.
    pub(super) hash: ContentHash,
    /// Bytes.
    pub(super) size: u64,
}

impl Content {
    fn of(state: &FileState) -> Self {
        Self { hash: state.hash(), size: state.bytes.len() as u64 }
    }
}

/// What is to be done to one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: RelativePath,
    pub(super) before: Option<Content>,
    pub(super) after: Option<Content>,
    /// Name of the new file, and then of the replaced one, in the same folder.
    pub(super) beside: String,
    /// A further name, where the file system cannot exchange two files.
    pub(super) aside: String,
}

/// All that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) id: ChangesetId,
    /// The root's path: bytes, which need not be UTF-8.
    root: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Folders that are made for it, outermost first.
    pub(super) made: Vec<RelativePath>,
}

impl Plan {
    pub(super) fn new(id: &ChangesetId, root: &Root, changes: &[&FileChange], made: Vec<RelativePath>) -> Self {
        let entry = |change: &&FileChange| Entry {
            path: change.path.clone(),
            before: change.before.as_ref().map(Content::of),
            after: change.after.as_ref().map(Content::of),
            beside: temporary_name(),
            aside: temporary_name(),
        };
        let root = root.as_path().as_os_str().as_bytes().to_vec();
        Self { id: id.clone(), root, entries: changes.iter().map(entry).collect(), made }
    }

    pub(super) fn root(&self) -> Result<Root, Failure> {
        let path = std::ffi::OsString::from_vec(self.root.clone());
        Root::new(path).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
    }
}

/// How far a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Begun,
    Committed,
    Undoing,
    Done,
}

impl Mark {
    const ALL: [Self; 4] = [Self::Begun, Self::Committed, Self::Undoing, Self::Done];

    fn extension(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Committed => "committed",
            Self::Undoing => "undoing",
            Self::Done => "done",
        }
    }
}

/// The journal of one change.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// The file's name up to the mark.
    stem: String,
    mark: Mark,
    durability: Durability,
}

/// What a journal's file says.
#[derive(Debug)]
pub(super) enum Written {
    Whole(Plan),
    /// It was never finished, so that nothing had begun.
    Torn,
}

impl Journal {
    /// Writes `plan` down durably, below `folder`.
    pub(super) fn begin(folder: &Path, plan: &Plan, durability: Durability) -> Result<Self, Failure> {
        let stem = stem(plan);
        let journal = Self { folder: folder.to_owned(), stem, mark: Mark::Begun, durability };
        let path = journal.path();
        let written = journal.write(&path, plan).and_then(|()| journal.synchronise());
        written.map_err(|error| {
            // Half a journal says as much as none.
            let _ = std::fs::remove_file(&path);
            failure("cannot be written", &path, &error)
        })?;
        Ok(journal)
    }

    fn write(&self, path: &Path, plan: &Plan) -> std::io::Result<()> {
        let body = serde_json::to_vec(plan)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(format!("{}\n", ContentHash::of(&body)).as_bytes())?;
        file.write_all(&body)?;
        match self.durability {
            Durability::Durable => file.sync_all(),
            Durability::Unsynced => Ok(()),
        }
    }

    /// Says durably how far the change is.
    pub(super) fn set(&mut self, mark: Mark) -> Result<(), Failure> {
        let from = self.path();
        let to = self.folder.join(format!("{}.{}", self.stem, mark.extension()));
        std::fs::rename(&from, &to).map_err(|error| failure("cannot be marked", &from, &error))?;
        self.mark = mark;
        self.synchronise().map_err(|error| failure("cannot be synchronised", &to, &error))
    }

    /// Forgets the change: nothing is left to do. It may come back after a power failure, and then finds so.
    pub(super) fn remove(self) -> Result<(), Failure> {
        let path = self.path();
        std::fs::remove_file(&path).map_err(|error| failure("cannot be removed", &path, &error))
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.{}", self.stem, self.mark.extension()))
    }

    /// Where contents are kept that cannot go back to where they were.
    pub(super) fn keep(&self) -> PathBuf {
        self.folder.join("kept").join(&self.stem)
    }

    fn synchronise(&self) -> std::io::Result<()> {
        match self.durability {
            Durability::Durable => File::open(&self.folder)?.sync_all(),
            Durability::Unsynced => Ok(()),
        }
    }

    /// All journals in `folder`. The caller holds its lock, so none of them is of a living process.
    pub(super) fn all(folder: &Path, durability: Durability) -> Result<Vec<Self>, Failure> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| failure("cannot be listed", folder, &error))?,
        };
        let mut journals = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| failure("cannot be listed", folder, &error))?;
            let name = entry.file_name();
            let Some((stem, end)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { continue };
            let mark = Mark::ALL.into_iter().find(|mark| mark.extension() == end);
            let journal = |mark| Self { folder: folder.to_owned(), stem: stem.to_owned(), mark, durability };
            journals.extend(mark.map(journal));
        }
        journals.sort_by(|one, other| one.stem.cmp(&other.stem));
        Ok(journals)
    }

    /// Reads it back.
    pub(super) fn read(&self) -> Result<Written, Failure> {
        let path = self.path();
        let bytes = std::fs::read(&path).map_err(|error| failure("cannot be read", &path, &error))?;
        let at = bytes.iter().position(|byte| *byte == b'\n');
        let parts = at.and_then(|at| bytes.split_at_checked(at));
        let whole = parts.and_then(|(sum, rest)| Some((sum, rest.get(1..)?)));
        let whole = whole.filter(|(sum, body)| *sum == ContentHash::of(body).to_string().as_bytes());
        let Some((_, body)) = whole else {
            return match self.mark {
                Mark::Begun => Ok(Written::Torn),
                Mark::Committed | Mark::Undoing | Mark::Done => Err(damaged(&path, "is damaged")),
            };
        };
        let plan: Plan = serde_json::from_slice(body)
            .map_err(|error| damaged(&path, &format!("was written by another version of tagout ({error})")))?;
        let sound = plan.entries.iter().all(|entry| is_temporary(&entry.beside) && is_temporary(&entry.aside));
        if sound { Ok(Written::Whole(plan)) } else { Err(damaged(&path, "is damaged")) }
    }
}

/// The change's name, as far as it can be a file's, and its workspace's.
fn stem(plan: &Plan) -> String {
    let id = plan.id.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let place = ContentHash::of(&plan.root).short(24);
    if id.len() <= 64 && !id.is_empty() && id.bytes().all(plain) {
        format!("{id}.{place}")
    } else {
        format!("{}.{place}", ContentHash::of(id.as_bytes()).short(32))
    }
}

/// Makes a folder that is this user's alone.
pub(super) fn make_private(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failure("cannot be made", folder, &error))
}

fn failure(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("the journal {} {what}: {error}", path.display());
    Failure::new(FailureKind::Io, what).hint("check that tagout may write its state folder and that the disk has room")
}

fn damaged(path: &Path, what: &str) -> Failure {
    let what = format!("the journal {} {what}", path.display());
    Failure::new(FailureKind::Io, what).hint(
        "look through the workspace for files that begin with .tagout-, put right what they belong to, then remove the journal",
    )
}
