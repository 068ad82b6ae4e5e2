//! The vectors of one endpoint, in memory and kept.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::lock;
use crate::config::Endpoint;
use crate::ports::{Failure, FailureKind, TakeRow, VectorLog, VectorRow};
use crate::retrieve::{ChunkKey, Narrow, Vectors};

/// Questions whose vectors are kept.
const QUESTIONS: usize = 256;
/// Questions that may be under way at once.
const AT_ONCE: usize = 2;
/// Rows that are taken over together.
const AT_A_TIME: usize = 4096;
/// What is sent of a chunk: another number where that changes.
const LAYOUT: u32 = 1;

/// What the vectors of `endpoint` are kept under: all that they depend on.
pub(super) fn name(endpoint: &Endpoint) -> String {
    let Endpoint { kind, url, model, dimensions, .. } = endpoint;
    format!("{}\n{url}\n{model}\n{dimensions:?}\n{LAYOUT}", kind.name())
}

/// The vectors of one endpoint.
pub(in super::super) struct Held {
    pub(super) endpoint: Endpoint,
    vectors: RwLock<Vectors>,
    log: Mutex<VectorLog>,
    place: PathBuf,
    /// Whether what it gives could not be kept, so that nothing more is sent.
    is_ended: AtomicBool,
    /// Chunks that it does not take.
    rejected: Mutex<HashSet<ChunkKey>>,
    questions: Mutex<HashMap<String, Arc<Narrow>>>,
    under_way: Mutex<usize>,
}

impl Held {
    /// One that has nothing yet.
    pub(super) fn new(endpoint: Endpoint, log: VectorLog) -> Self {
        Self {
            endpoint,
            vectors: RwLock::default(),
            place: log.place.clone(),
            log: Mutex::new(log),
            is_ended: AtomicBool::new(false),
            rejected: Mutex::default(),
            questions: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    /// Reads what is kept and not read yet, which another process may have added. No question waits for the disk.
    pub(super) fn follow(&self) -> Result<(), Failure> {
        self.taking(|take| (lock(&self.log).read)(take))
    }

    /// Has no other process ask until what this gives is dropped, and reads what others have added; `None` while another
    /// one asks.
    pub(in super::super) fn begin(&self) -> Result<Option<Turn<'_>>, Failure> {
        let begun = self.taking(|take| (lock(&self.log).begin)(take))?;
        Ok(begun.then_some(Turn(self)))
    }

    fn taking<T>(&self, read: impl FnOnce(TakeRow<'_>) -> T) -> T {
        let mut rows = Vec::new();
        let read = read(&mut |row| {
            rows.push(row);
            if rows.len() >= AT_A_TIME {
                self.take(&mut rows);
            }
        });
        self.take(&mut rows);
        read
    }

    fn take(&self, rows: &mut Vec<VectorRow>) {
        let mut vectors = self.vectors.write().unwrap_or_else(PoisonError::into_inner);
        for (key, vector) in rows.drain(..) {
            // What does not fit is not there.
            let _ = vectors.put(key, &vector);
        }
    }

    /// Whether nothing more can be kept in this process, so that nothing more is to be asked for. It was said why.
    pub(in super::super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Relaxed)
    }

    /// Ends asking where there is no room for more.
    pub(in super::super) fn check_room(&self) -> Result<(), Failure> {
        if self.vectors().is_full() { Err(self.ended("there are as many as there may be")) } else { Ok(()) }
    }

    fn ended(&self, why: impl std::fmt::Display) -> Failure {
        self.is_ended.store(true, Ordering::Relaxed);
        let what = format!("a vector of {} cannot be kept: {why}", self.endpoint.host);
        let place = self.place.display();
        let next = format!("name another model, or delete {place} and start tagout again");
        Failure::new(FailureKind::Unavailable, what).hint(next)
    }

    pub(in super::super) fn vectors(&self) -> RwLockReadGuard<'_, Vectors> {
        self.vectors.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.vectors().is_empty()
    }

    /// Whether a chunk is still to be asked about.
    pub(in super::super) fn lacks(&self, key: &ChunkKey) -> bool {
        !self.vectors().has(key) && !lock(&self.rejected).contains(key)
    }

    /// Asks about a chunk no more in this process.
    pub(in super::super) fn reject(&self, key: ChunkKey) {
        lock(&self.rejected).insert(key);
    }

    /// Keeps vectors, and has them count from now on.
    pub(in super::super) fn put(&self, rows: &[VectorRow]) -> Result<(), Failure> {
        let mut vectors = self.vectors.write().unwrap_or_else(PoisonError::into_inner);
        for (key, vector) in rows {
            vectors.put(*key, vector).map_err(|why| self.ended(why))?;
        }
        drop(vectors);
        // What cannot be kept would have to be sent again by every process.
        (lock(&self.log).append)(rows).inspect_err(|_| self.is_ended.store(true, Ordering::Relaxed))
    }

    /// The vector of a question that was asked before.
    pub(super) fn question(&self, text: &str) -> Option<Arc<Narrow>> {
        lock(&self.questions).get(text).cloned()
    }

    /// Whether one more question may be under way.
    pub(super) fn begin_question(&self) -> bool {
        let mut under_way = lock(&self.under_way);
        let may = *under_way < AT_ONCE;
        *under_way += usize::from(may);
        may
    }

    pub(super) fn abandon_question(&self) {
        let mut under_way = lock(&self.under_way);
        *under_way = under_way.saturating_sub(1);
    }

    pub(super) fn end_question(&self, text: String, vector: Option<&Arc<Narrow>>) {
        self.abandon_question();
        let Some(vector) = vector else { return };
        let mut questions = lock(&self.questions);
        if questions.len() >= QUESTIONS {
            questions.clear();
        }
        questions.insert(text, Arc::clone(vector));
    }
}

/// The turn of this process to ask and to add what comes, until it is dropped.
pub(in super::super) struct Turn<'a>(&'a Held);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        (lock(&self.0.log).end)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Encryption, EndpointKind};

    fn held(room: usize) -> Held {
        let log = VectorLog {
            read: Box::new(|_| Ok(())),
            append: Box::new(|_| Ok(())),
            begin: Box::new(|_| Ok(true)),
            end: Box::new(|| ()),
            place: PathBuf::from("/kept/there.vectors"),
        };
        let endpoint = Endpoint {
            kind: EndpointKind::Ollama,
            url: "http://127.0.0.1:1".to_owned(),
            host: "127.0.0.1:1".parse().unwrap(),
            model: "m".to_owned(),
            key_variable: None,
            dimensions: None,
            encryption: Encryption::Required,
        };
        Held { vectors: RwLock::new(Vectors::within(room)), ..Held::new(endpoint, log) }
    }

    fn row(key: u8, vector: &[f32]) -> VectorRow {
        ([key; 16], Narrow::new(vector).unwrap())
    }

    #[test]
    fn what_cannot_be_kept_ends_asking_and_says_where_to_make_room() {
        let full = held(4);
        full.put(&[row(1, &[1.0, 2.0])]).unwrap();
        assert!(full.check_room().is_ok() && !full.is_ended());
        full.put(&[row(2, &[1.0, 2.0])]).unwrap();
        let failure = full.check_room().unwrap_err();
        assert!(full.is_ended() && failure.to_string().contains("as many as there may be"), "{failure}");
        let other = held(100);
        other.put(&[row(1, &[1.0, 2.0])]).unwrap();
        let failure = other.put(&[row(2, &[1.0])]).unwrap_err();
        assert!(other.is_ended() && failure.to_string().contains("/kept/there.vectors"), "{failure}");
    }
}
