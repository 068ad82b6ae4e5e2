//! Walking a workspace: `.gitignore` rules, links not followed, metadata only.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use super::beneath::nanoseconds;
use super::staging::is_temporary;
use crate::ports::{Cancel, Failure, FailureKind, FileStat, Skip, Walk};
use crate::workspace::{PathError, Root};

/// A rule file larger than this is taken for an attack on the walker: the largest known are some 10 KB.
const MAX_RULE_FILE_BYTES: u64 = 1 << 20;

/// All regular files of `root` that its ignore rules leave, sorted.
pub(super) fn walk(root: &Root, max_file_bytes: u64, cancel: &Cancel) -> Result<Walk, Failure> {
    let job = Job { root, max_file_bytes, cancel, found: Mutex::new(Walk::default()) };
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    let refused = Arc::new(Mutex::new(Vec::new()));
    let refuse = {
        let refused = Arc::clone(&refused);
        move |path: &Path| locked(&refused).push(path.to_owned())
    };
    builder(root, root.as_path(), refuse)?.threads(threads).build_parallel().visit(&mut &job);
    cancel.check()?;
    let mut found = std::mem::take(&mut *locked(&job.found));
    for path in locked(&refused).iter() {
        found.skipped.push((shown(root, path), Skip::Unreadable));
    }
    found.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found.skipped.sort_unstable();
    Ok(found)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path as it is told to people: below the root where it is.
fn shown(root: &Root, path: &Path) -> PathBuf {
    path.strip_prefix(root.as_path()).unwrap_or(path).to_owned()
}

/// A walk over what the ignore rules of `root` leave below `start`; `.git` and tagout's temporary files left out.
/// `refused` is told each folder whose rules cannot be read safely: it is not entered.
pub(super) fn builder(
    root: &Root,
    start: &Path,
    refused: impl Fn(&Path) + Send + Sync + 'static,
) -> Result<WalkBuilder, Failure> {
    let failure = |what: String| Failure::new(FailureKind::Io, what);
    std::fs::read_dir(start).map_err(|error| {
        failure(format!("the folder {} cannot be listed: {error}", start.display()))
            .hint("check that it exists and that you may read it")
    })?;
    if !has_sane_rules(start) {
        let what = format!("{}/.gitignore is not a plain file of less than 1 MiB", start.display());
        return Err(failure(what).hint("replace it by one, or remove it"));
    }
    let mut builder = WalkBuilder::new(start);
    builder
        .hidden(false)
        .ignore(false)
        .require_git(false)
        // `.git` may point anywhere in a workspace that is not trusted; the one exclude file that counts is added below.
        .git_exclude(false)
        .parents(start.ancestors().skip(1).all(has_sane_rules))
        .current_dir(root.as_path())
        .filter_entry(move |entry| {
            let wanted = entry.depth() == 0 || is_wanted(entry);
            // The walker reads a folder's rules before it shows the folder, so they are looked at here.
            let enters = wanted && entry.file_type().is_some_and(|kind| kind.is_dir());
            if enters && !has_sane_rules(entry.path()) {
                refused(entry.path());
                return false;
            }
            wanted
        });
    let exclude = root.as_path().join(".git/info/exclude");
    if is_sane_rule_file(&exclude) && exclude.exists() {
        // A glob in it that cannot be read is passed over, as git does.
        let _ = builder.add_ignore(exclude);
    }
    Ok(builder)
}

fn is_wanted(entry: &DirEntry) -> bool {
    entry.file_name() != ".git" && !entry.file_name().to_str().is_some_and(is_temporary)
}

/// Whether reading a folder's rules comes to an end: a pipe, a device or a huge file there would stop the walk.
pub(super) fn has_sane_rules(folder: &Path) -> bool {
    is_sane_rule_file(&folder.join(".gitignore"))
}

fn is_sane_rule_file(path: &Path) -> bool {
    // Links are followed here, as the reader of the rules follows them.
    std::fs::metadata(path).map_or(true, |meta| meta.is_file() && meta.len() <= MAX_RULE_FILE_BYTES)
}

struct Job<'a> {
    root: &'a Root,
    max_file_bytes: u64,
    cancel: &'a Cancel,
    found: Mutex<Walk>,
}

impl<'s> ParallelVisitorBuilder<'s> for &'s Job<'_> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Visitor { job: self, found: Walk::default() })
    }
}

/// One thread's part of a walk; it hands over what it found when it is dropped.
struct Visitor<'a> {
    job: &'a Job<'a>,
    found: Walk,
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let mut all = locked(&self.job.found);
        all.files.append(&mut self.found.files);
        all.skipped.append(&mut self.found.skipped);
    }
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.job.cancel.is_cancelled() {
            return WalkState::Quit;
        }
        match entry {
            Ok(entry) => self.take(entry),
            Err(error) => {
                // What vanished while it was walked is not there; the rest could not be read.
                let vanished = error.io_error().is_some_and(|io| io.kind() == std::io::ErrorKind::NotFound);
                if let (false, Some(path)) = (vanished, path_of(&error)) {
                    self.skip(path, Skip::Unreadable);
                }
                WalkState::Continue
            }
        }
    }
}

impl Visitor<'_> {
    fn take(&mut self, entry: DirEntry) -> WalkState {
        let Some(kind) = entry.file_type() else { return WalkState::Continue };
        if kind.is_file() {
            self.take_file(entry.path());
        } else if !kind.is_symlink() && !kind.is_dir() {
            self.skip(entry.path(), Skip::Special);
        }
        WalkState::Continue
    }

    fn take_file(&mut self, path: &Path) {
        let relative = match self.job.root.relative(path) {
            Ok(relative) => relative,
            Err(PathError::NotUtf8(_) | PathError::Escapes(_) | PathError::NotAbsolute(_)) => {
                return self.skip(path, Skip::Name);
            }
        };
        let meta: Metadata = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => return self.skip(path, Skip::Unreadable),
        };
        if meta.len() > self.job.max_file_bytes {
            return self.skip(path, Skip::Large);
        }
        let part = |rest: i64| u64::try_from(rest).unwrap_or(0);
        self.found.files.push(FileStat {
            path: relative,
            size: meta.len(),
            modified_ns: nanoseconds(meta.mtime(), part(meta.mtime_nsec())),
            changed_ns: nanoseconds(meta.ctime(), part(meta.ctime_nsec())),
        });
    }

    fn skip(&mut self, path: &Path, why: Skip) {
        self.found.skipped.push((shown(self.job.root, path), why));
    }
}

/// The path that an error of the walker is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    let mut error = error;
    loop {
        match error {
            ignore::Error::WithPath { path, .. } => return Some(path),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error = err,
            ignore::Error::Loop { child, .. } => return Some(child),
            ignore::Error::Partial(_)
            | ignore::Error::Io(_)
            | ignore::Error::Glob { .. }
            | ignore::Error::UnrecognizedFileType(_)
            | ignore::Error::InvalidDefinition => return None,
        }
    }
}

#[cfg(test)]
mod tests;
