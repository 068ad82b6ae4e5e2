//! Writing what changed: a little later, many changes together, and tidying up when nothing more comes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use super::Index;
use crate::ports::{Failure, FileChunks};
use crate::retrieve::Catalogue;
use crate::workspace::RelativePath;

/// How long a change waits for others before it is written.
const TOGETHER: Duration = Duration::from_millis(250);
/// How many times as long nothing must come before it is tidied up.
const QUIET: u32 = 8;
/// So many writes are tidied up however much more comes.
const MANY: u32 = 500;
/// So many chunks that changed are worth writing the catalogue anew, or a part of all as great as this.
const WORTH_CHUNKS: usize = 2_000;
const WORTH_PART: usize = 8;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// By file; `None` for one that is gone.
    changes: BTreeMap<RelativePath, Option<FileChunks>>,
    chunks: usize,
    /// Whether a thread looks after it.
    is_kept: bool,
}

impl Pending {
    /// Takes the newest state of a file; how many chunks there are now.
    pub(super) fn put(&mut self, file: FileChunks) -> usize {
        self.chunks += file.chunks.len();
        self.changes.insert(file.path.clone(), Some(file));
        self.chunks
    }

    pub(super) fn remove(&mut self, paths: Vec<RelativePath>) {
        self.changes.extend(paths.into_iter().map(|path| (path, None)));
    }
}

impl Index {
    /// Writes what waits.
    ///
    /// # Errors
    /// When the store cannot be written; then the store is to be opened anew.
    pub fn flush(&self) -> Result<(), Failure> {
        self.flush_some().map(|_| ())
    }

    /// As [`Self::flush`]; whether there was anything.
    fn flush_some(&self) -> Result<bool, Failure> {
        let _order = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = self.pending();
        let changes = std::mem::take(&mut pending.changes);
        pending.chunks = 0;
        drop(pending);
        if changes.is_empty() {
            return Ok(false);
        }
        let (mut files, mut removed) = (Vec::new(), Vec::new());
        for (path, file) in changes {
            match file {
                Some(file) => files.push(file),
                None => removed.push(path),
            }
        }
        self.store.replace(files, &removed).map(|()| true)
    }

    /// Has what waits written soon, and tidies up once nothing more has come for a while.
    pub fn keep_soon(self: &Arc<Self>) {
        let mut pending = self.pending();
        if pending.is_kept || pending.changes.is_empty() {
            return;
        }
        let own = Arc::clone(self);
        let started = thread::Builder::new().name("tagout-keeper".to_owned()).spawn(move || own.keep());
        pending.is_kept = started.is_ok();
        drop(pending);
        if started.is_err() {
            self.try_flush();
        }
    }

    fn keep(&self) {
        let (mut quiet, mut written) = (0, 0);
        loop {
            thread::sleep(TOGETHER);
            (quiet, written) = if self.try_flush() { (0, written + 1) } else { (quiet + 1, written) };
            if quiet < QUIET && written < MANY {
                continue;
            }
            (quiet, written) = (0, 0);
            if let Err(failure) = self.tidy() {
                tracing::warn!("the index is not tidied up: {failure}");
            }
            let mut pending = self.pending();
            if pending.changes.is_empty() {
                pending.is_kept = false;
                return;
            }
        }
    }

    /// Whether something was written; when it could not be, the next job finds out what to do.
    fn try_flush(&self) -> bool {
        self.flush_some().unwrap_or_else(|failure| {
            tracing::warn!("the index is not written: {failure}");
            self.close();
            false
        })
    }

    /// Merges what is in many pieces, in the store and in the catalogue, where that is worth it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn tidy(&self) -> Result<(), Failure> {
        self.store.compact()?;
        let served = self.served();
        let (changed, all) = (served.catalogue().changed(), served.catalogue().len());
        if changed == 0 || (changed <= WORTH_CHUNKS && changed * WORTH_PART <= all) {
            return Ok(());
        }
        let (bytes, changes) = (served.catalogue().to_bytes(&self.embedder), served.changes());
        drop(served);
        self.store.keep_catalogue(&bytes)?;
        // What is read from one piece takes less memory than what was put.
        if let Ok(anew) = Catalogue::from_bytes(bytes, &self.embedder) {
            let mut served = self.serving();
            if served.changes() == changes {
                served.exchange(anew);
            }
        }
        Ok(())
    }

    /// Writes what waits, and what the next start is quicker with; for the end.
    pub fn finish(&self) {
        let finished = self.flush().and_then(|()| if self.is_open() { self.tidy() } else { Ok(()) });
        if let Err(failure) = finished {
            tracing::warn!("the index is not written: {failure}");
        }
    }

    /// Whether the store is open, and no job is at work on it that would have to be waited for.
    fn is_open(&self) -> bool {
        self.known.try_lock().is_ok_and(|known| known.is_some())
    }
}
