//! Writing what changed: a little later, many changes together, and tidying up when nothing more comes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use super::Index;
use super::apart::Word;
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
/// The most seconds until it is tried again to write what could not be written.
const LONGEST_PAUSE: u32 = 64;

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

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.chunks = 0;
    }
}

impl Index {
    /// Writes what waits.
    ///
    /// # Errors
    /// When the store cannot be written. It stays in memory, and is written once that can be.
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
        if changes.is_empty() || self.is_apart() {
            return Ok(false);
        }
        let (mut files, mut removed) = (Vec::new(), Vec::new());
        for (path, file) in changes {
            match file {
                Some(file) => files.push(file),
                None => removed.push(path),
            }
        }
        let written = self.keep_taken().and_then(|()| self.store.replace(files, &removed));
        written.map(|()| true).inspect_err(|failure| self.part(failure))
    }

    /// Has what waits written soon, and tidies up once nothing more has come for a while. Apart from the store, it is
    /// tried again until that can be.
    pub fn keep_soon(self: &Arc<Self>) {
        let mut pending = self.pending();
        if pending.is_kept || (pending.changes.is_empty() && !self.is_apart()) {
            return;
        }
        let own = Arc::clone(self);
        let started = thread::Builder::new().name("tagout-keeper".to_owned()).spawn(move || own.keep());
        pending.is_kept = started.is_ok();
        drop(pending);
        if started.is_err() {
            // Whether it can be written or not, it is found.
            let _ = self.flush();
        }
    }

    fn keep(self: &Arc<Self>) {
        let (mut quiet, mut written) = (0, 0);
        loop {
            thread::sleep(TOGETHER);
            let wrote = self.flush_some().unwrap_or_default();
            (quiet, written) = if wrote { (0, written + 1) } else { (quiet + 1, written) };
            if quiet < QUIET && written < MANY && !self.is_apart() {
                continue;
            }
            (quiet, written) = (0, 0);
            self.try_until_kept();
            self.tidy();
            (self.give_back_memory)();
            let mut pending = self.pending();
            if pending.changes.is_empty() {
                pending.is_kept = false;
                return;
            }
        }
    }

    /// Tries to write what could not be written, ever less often, as long as anybody has the index.
    fn try_until_kept(self: &Arc<Self>) {
        let mut seconds = 1;
        while !self.rejoin() {
            for _ in 0..seconds {
                thread::sleep(Duration::from_secs(1));
                // A job may have written it, and wants what comes after that to be written.
                if !self.is_apart() || Arc::strong_count(self) == 1 {
                    return;
                }
            }
            seconds = LONGEST_PAUSE.min(seconds * 2);
        }
    }

    /// Merges what is in many pieces, in the store and in the catalogue, where that is worth it. What cannot be written
    /// costs the next start time, and is told.
    pub fn tidy(&self) {
        if let Err(failure) = self.tidied() {
            tracing::warn!("the index is not tidied up: {failure}");
            self.apart.say(
                Word::Untidy,
                format!("the index is not tidied up, so that the next start takes longer: {failure}"),
            );
        }
    }

    fn tidied(&self) -> Result<(), Failure> {
        let is_apart = self.is_apart();
        if !is_apart {
            self.store.compact()?;
        }
        let served = self.served();
        let (changed, all) = (served.catalogue().changed(), served.catalogue().len());
        if changed == 0 || (changed <= WORTH_CHUNKS && changed * WORTH_PART <= all) {
            return Ok(());
        }
        let (bytes, changes) = (served.catalogue().to_bytes(&self.embedder), served.changes());
        drop(served);
        let kept = if is_apart { Ok(()) } else { self.store.keep_catalogue(&bytes) };
        // What is read from one piece takes less memory than what was put.
        if let Ok(anew) = Catalogue::from_bytes(bytes, &self.embedder) {
            let mut served = self.serving();
            if served.changes() == changes {
                served.exchange(anew);
            }
        }
        kept
    }

    /// Writes what waits, and what the next start is quicker with; for the end.
    pub fn finish(&self) {
        // Why it cannot be written is in the log by then.
        let written = self.flush().is_ok();
        if written && self.is_open() && self.rejoin() {
            self.tidy();
        }
    }

    /// Whether the store is open, and no job is at work on it that would have to be waited for.
    fn is_open(&self) -> bool {
        self.known.try_lock().is_ok_and(|known| known.is_some())
    }
}
