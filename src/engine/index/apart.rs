//! Apart from the store: a cache folder that cannot be written, now or at all. Questions are answered from memory, and
//! what the store lacks is written once it can be.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Index;
use crate::ports::{Failure, FileChunks, IndexRecord, OpenIndex};
use crate::workspace::RelativePath;

/// Chunks written in one go.
const TOGETHER_CHUNKS: usize = 4_096;

/// Whether the store takes what changes, and what is to be said of it.
#[derive(Debug, Default)]
pub(super) struct Apart {
    is_apart: AtomicBool,
    words: Mutex<Words>,
}

/// What there may be to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    /// Nothing is kept, and why.
    Unkept,
    /// It is kept again.
    Kept,
    /// It is not tidied up, and why.
    Untidy,
    /// What the store said on opening.
    Opening,
}

/// What is said: each sort once in a process, however often it happens and whatever the reason.
#[derive(Debug, Default)]
struct Words {
    said: BTreeSet<Word>,
    unsaid: Vec<(Word, String)>,
}

impl Words {
    fn say(&mut self, word: Word, text: String) {
        if !self.said.contains(&word) && self.unsaid.iter().all(|(unsaid, _)| *unsaid != word) {
            self.unsaid.push((word, text));
        }
    }
}

impl Apart {
    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `text` said.
    pub(super) fn say(&self, word: Word, text: String) {
        self.words().say(word, text);
    }
}

impl Index {
    /// Whether the store takes nothing for now, so that what changes is in memory alone.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.apart.is_apart.load(Ordering::Acquire)
    }

    /// What is to be said and was not yet: that nothing is kept, and why; that it is kept again.
    pub fn take_notices(&self) -> Vec<String> {
        let mut words = self.apart.words();
        let unsaid = std::mem::take(&mut words.unsaid);
        words.said.extend(unsaid.iter().map(|(word, _)| *word));
        unsaid.into_iter().map(|(_, text)| text).collect()
    }

    /// Goes on without the store. What waits to be written is in the catalogue too, and found there later.
    pub(super) fn part(&self, failure: &Failure) {
        self.apart.is_apart.store(true, Ordering::Release);
        self.pending().clear();
        tracing::info!("the index is not kept: {failure}");
        let text = format!(
            "the index is not kept: questions are answered from memory, and the next start reads all files again: {failure}"
        );
        self.apart.say(Word::Unkept, text);
    }

    /// Says that the store takes what changes.
    pub(super) fn join(&self) {
        if !self.apart.is_apart.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut words = self.apart.words();
        let before = words.unsaid.len();
        words.unsaid.retain(|(word, _)| *word != Word::Unkept);
        // What was over before anybody was told is no news.
        if words.unsaid.len() == before {
            words.say(Word::Kept, "the index is kept again".to_owned());
        }
    }

    /// Tries whether the store takes what it lacks by now. Whether nothing is left to be tried.
    pub fn rejoin(&self) -> bool {
        if !self.is_apart() {
            return true;
        }
        // A job that is at work is not waited for; where none has opened anything, the next one does.
        let Ok(mut known) = self.known.try_lock() else { return false };
        let Some(open) = known.as_mut() else { return false };
        let _order = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = match self.store.open() {
            Ok(stored) if stored.unkept.is_none() => stored,
            Ok(_) | Err(_) => return false,
        };
        if stored.read_only || (self.is_behind() && !stored.files.is_empty()) {
            // Another process writes by now, or memory does not have all that the store has: the next job goes on from
            // what is there.
            *known = None;
        } else if let Err(failure) = self.keep_taken().and_then(|()| self.write_lacking(open, &stored)) {
            self.part(&failure);
            return false;
        }
        stored.notice.into_iter().for_each(|notice| self.apart.say(Word::Opening, notice));
        self.join();
        true
    }

    /// Writes what the store has another content of, or nothing, and takes away what is gone.
    fn write_lacking(&self, open: &OpenIndex, stored: &OpenIndex) -> Result<(), Failure> {
        let is_there = |path: &RelativePath, record: &IndexRecord| {
            stored.files.get(path).is_some_and(|kept| (kept.content, &kept.chunks) == (record.content, &record.chunks))
        };
        let gone: Vec<RelativePath> =
            stored.files.keys().filter(|path| !open.files.contains_key(path)).cloned().collect();
        let (mut files, mut chunks) = (Vec::new(), 0);
        for (path, record) in open.files.iter().filter(|(path, record)| !is_there(path, record)) {
            let own = self.served().on_disk_of(path).unwrap_or_default();
            // What is not as it is known is looked at again by the next process.
            if own.len() != record.chunks.len() {
                continue;
            }
            chunks += own.len();
            files.push(FileChunks { path: path.clone(), record: record.clone(), chunks: own });
            if chunks >= TOGETHER_CHUNKS {
                self.store.replace(std::mem::take(&mut files), &[])?;
                chunks = 0;
            }
        }
        self.store.replace(files, &gone)
    }
}
