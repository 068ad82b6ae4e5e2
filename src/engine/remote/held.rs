//! The vectors of one endpoint, in memory and kept.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::lock;
use crate::config::Endpoint;
use crate::ports::{Failure, FailureKind, VectorLog, VectorRow};
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
            log: Mutex::new(log),
            is_ended: AtomicBool::new(false),
            rejected: Mutex::default(),
            questions: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    /// Reads what is kept and not read yet, which another process may have added. No question waits for the disk.
    pub(super) fn follow(&self) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let read = (lock(&self.log).read)(&mut |row| {
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

    /// Whether this process is the one that adds, and can.
    pub(in super::super) fn writes(&self) -> bool {
        !self.is_ended.load(Ordering::Relaxed) && !self.vectors().is_full() && (lock(&self.log).writes)()
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
            vectors.put(*key, vector).map_err(|why| {
                let what = format!("a vector of {} cannot be kept: {why}", self.endpoint.host);
                Failure::new(FailureKind::Unavailable, what).hint("name another model, or delete the kept vectors")
            })?;
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
