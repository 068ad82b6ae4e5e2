//! The index of one workspace in a process: what the store keeps, and the catalogue in memory that answers questions.
//!
//! What changes is put into the catalogue first, so that it is found at once, and written to the store a little later.
//! A process that ends in between has lost nothing but time: the next one finds the store older than the disk and looks
//! at these files again.

mod apart;
mod beside;
mod follow;
mod keep;
mod served;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};
use std::time::Duration;

use self::apart::Apart;
use self::keep::Pending;
use self::served::Served;
pub use self::served::{Chunks, Overlay};
use crate::policy::secret_files::Patterns;
use crate::ports::{Failure, FileChunks, OpenIndex, Report, Store};
use crate::retrieve::Catalogue;
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

/// How long a question waits for the first run over a workspace: less than an editor waits for an answer.
const FIRST_RUN: Duration = Duration::from_secs(5);

/// What the store knows, locked for one job.
pub type Known<'a> = MutexGuard<'a, Option<OpenIndex>>;

/// The index of one workspace.
pub struct Index {
    store: Box<dyn Store>,
    /// Gives memory that was freed back to the system.
    give_back_memory: fn(),
    /// Name of the embedder that made the vectors.
    embedder: String,
    known: Mutex<Option<OpenIndex>>,
    /// Whether it was brought up to date once in this process.
    built: (Mutex<bool>, Condvar),
    /// Whether all files are still to be compared with the disk since the store was opened.
    behind: AtomicBool,
    served: RwLock<Served>,
    pending: Mutex<Pending>,
    /// Held while something is written, so that it is written in the order in which it came.
    writing: Mutex<()>,
    /// What was said last of the shared index.
    said: Mutex<Option<String>>,
    apart: Apart,
    /// Whether memory may have what others made, taken from a shared index.
    has_taken: AtomicBool,
    /// Which files are secrets, as it was when the workspace was last looked through.
    hidden: RwLock<Option<Arc<Patterns>>>,
}

impl Index {
    /// An index that is not open yet. `give_back_memory` is called after much was freed.
    #[must_use]
    pub fn new(store: Box<dyn Store>, embedder: &str, give_back_memory: fn()) -> Self {
        Self {
            store,
            give_back_memory,
            embedder: embedder.to_owned(),
            known: Mutex::default(),
            built: Default::default(),
            behind: AtomicBool::new(true),
            served: RwLock::default(),
            pending: Mutex::default(),
            writing: Mutex::default(),
            said: Mutex::default(),
            apart: Apart::default(),
            has_taken: AtomicBool::new(false),
            hidden: RwLock::default(),
        }
    }

    /// What the store knows, opened on first use; then the catalogue has the same. Held by one job at a time: two jobs
    /// never write at once. Where the store cannot be used, it is what memory has.
    pub fn known(&self, report: Report<'_>) -> Known<'_> {
        let mut known = self.known.lock().unwrap_or_else(|poisoned| {
            // A job failed at its work on it, and what it left may be half of it.
            self.known.clear_poison();
            let mut known = poisoned.into_inner();
            *known = None;
            known
        });
        // Another process may have let go of it since.
        if known.as_ref().is_none_or(|open| open.read_only) {
            *known = None;
            self.behind.store(true, Ordering::Relaxed);
            *known = Some(self.opened(report));
        }
        known
    }

    /// Says which files are secrets; `None` where that is not known. When others are than before, all files have to be
    /// compared again.
    pub fn hide(&self, hidden: Option<Arc<Patterns>>) {
        let mut before = self.hidden.write().unwrap_or_else(PoisonError::into_inner);
        let text = |hidden: &Option<Arc<Patterns>>| hidden.as_ref().map(|hidden| hidden.text().to_owned());
        if text(&before) != text(&hidden) {
            self.behind.store(true, Ordering::Relaxed);
        }
        *before = hidden;
    }

    /// Which files are secrets; `None` where that is not known, or before the first run over the workspace.
    #[must_use]
    pub fn hidden(&self) -> Option<Arc<Patterns>> {
        self.hidden.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the index was brought up to date, so that questions need not wait.
    pub fn mark_built(&self) {
        *self.built.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.built.1.notify_all();
    }

    /// Says that every file was compared with the disk.
    pub fn mark_compared(&self) {
        self.behind.store(false, Ordering::Relaxed);
    }

    /// Whether files may be other than on the disk that nobody will tell of.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Opens the store unless it is open, and follows another process that writes to it. Waits a little for the first
    /// run over the workspace, not for later ones: a question asked right after the start should find something.
    pub fn ensure_open(&self) {
        let built = self.built.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it came to an end or not, what is there by then answers.
        drop(self.built.1.wait_timeout_while(built, FIRST_RUN, |built| !*built));
        let is_late = match self.known.try_lock() {
            Ok(known) => known.as_ref().is_none_or(|open| open.read_only && self.store.has_news()),
            // A job that is at work has opened it.
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Poisoned(_)) => true,
        };
        if is_late {
            drop(self.known(&|_| {}));
        }
    }

    /// Looks into the catalogue while it holds the unsaved texts of `overlays`, and no others, in the place of what the
    /// disk has. `make` gives the chunks of one that is not there yet; nothing waits for it.
    ///
    /// # Errors
    /// What `make` gives.
    pub fn look<T>(
        &self,
        overlays: &[Overlay<'_>],
        make: impl Fn(&Overlay<'_>) -> Result<Chunks, Failure>,
        look: impl FnOnce(&Catalogue) -> T,
    ) -> Result<T, Failure> {
        let mut made: Vec<Option<Chunks>> = overlays.iter().map(|_| None).collect();
        loop {
            let served = self.served();
            if served.shows(overlays) {
                return Ok(look(served.catalogue()));
            }
            let lacking: Vec<bool> = overlays.iter().map(|overlay| !served.has(overlay)).collect();
            drop(served);
            for ((overlay, made), lacking) in overlays.iter().zip(&mut made).zip(lacking) {
                if lacking && made.is_none() {
                    *made = Some(make(overlay)?);
                }
            }
            let mut served = self.serving();
            served.show(overlays, &made);
            // Others may have taken one away meanwhile that was there before; then it is made after all.
            if served.shows(overlays) {
                return Ok(look(RwLockWriteGuard::downgrade(served).catalogue()));
            }
        }
    }

    /// Puts what the disk has of a file in the place of what there was, and says how many chunks wait to be written.
    pub fn put(&self, file: FileChunks) -> usize {
        self.serving().put(&file.path, file.record.content, &file.chunks);
        if self.is_apart() { 0 } else { self.pending().put(file) }
    }

    /// Forgets files.
    pub fn remove(&self, paths: Vec<RelativePath>) {
        let mut served = self.serving();
        paths.iter().for_each(|path| served.remove(path));
        drop(served);
        if !self.is_apart() {
            self.pending().remove(paths);
        }
    }

    /// `text` unless it was what was said last.
    #[must_use]
    pub fn unsaid(&self, text: String) -> Option<String> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        (said.as_ref() != Some(&text)).then(|| said.insert(text).clone())
    }

    /// The vector of a chunk that a file had before.
    #[must_use]
    pub fn vector_of(&self, path: &RelativePath, hash: ContentHash) -> Option<Vec<f32>> {
        self.served().catalogue().vector_of(path, hash)
    }

    /// The files that the disk has, each with its content.
    #[must_use]
    pub fn files_on_disk(&self) -> Vec<(RelativePath, ContentHash)> {
        self.served().files_on_disk()
    }

    /// The chunks that the disk has of a file, in their order; what is typed and not saved is none of them.
    #[must_use]
    pub fn chunks_on_disk(&self, path: &RelativePath) -> Vec<Chunk> {
        let chunks = self.served().on_disk_of(path).unwrap_or_default();
        chunks.into_iter().map(|(chunk, _)| chunk).collect()
    }

    fn served(&self) -> RwLockReadGuard<'_, Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn serving(&self) -> RwLockWriteGuard<'_, Served> {
        self.served.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
