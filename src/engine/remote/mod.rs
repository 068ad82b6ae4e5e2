//! What a process knows of the endpoint that the user named: the vectors it gave, whether it answers, and who may be sent
//! what. A question waits for it a moment at most, and is answered without it otherwise.

mod breaker;
mod held;
mod queue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use self::breaker::Breaker;
pub(super) use self::held::{Held, Turn};
use self::queue::Queue;
use crate::config::Endpoint;
use crate::policy::{Grant, secret_places};
use crate::ports::{Cancel, EmbedRequest, EmbedTexts, EmbedTrouble, Failure, OpenVectors, Texts};
use crate::retrieve::Narrow;
use crate::workspace::{ContentHash, RelativePath, Root};

/// How long a question's vector is waited for after its question was answered without, for the next time it is asked.
const QUESTION_TIME: Duration = Duration::from_secs(10);
/// Bytes of a question that are sent.
const LONGEST_QUESTION: usize = 4096;

/// Notices of one process.
const MOST_TOLD: usize = 100;

/// Tells the time, in milliseconds since the Unix epoch.
type Now = Box<dyn Fn() -> i64 + Send + Sync>;

/// Leave to send what the user asks about one workspace.
pub(super) struct Permit {
    pub(super) endpoint: Endpoint,
    pub(super) grant: Grant,
    /// How long a question waits, in milliseconds.
    pub(super) patience: u64,
}

/// The endpoint of a process.
pub struct Remote {
    pub(super) embed: EmbedTexts,
    open: OpenVectors,
    now: Now,
    held: Mutex<Option<Arc<Held>>>,
    breaker: Mutex<Breaker>,
    permits: Mutex<BTreeMap<Root, Arc<Permit>>>,
    /// The content of files whose every chunk has a vector, or gets none.
    done: Mutex<BTreeMap<Root, BTreeMap<RelativePath, ContentHash>>>,
    queue: Queue,
    /// What is to be told with the next index run.
    notice: Mutex<Option<String>>,
    /// What was told: nothing is told twice.
    told: Mutex<BTreeSet<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A question's vector, that may come.
pub(super) struct Asked {
    held: Arc<Held>,
    comes: Result<Arc<Narrow>, Receiver<Arc<Narrow>>>,
    patience: Duration,
}

impl Asked {
    /// The vector, if it comes in time, and those that it is to be compared with.
    pub(super) fn wait(self) -> Option<(Arc<Narrow>, Arc<Held>)> {
        let vector = match self.comes {
            Ok(known) => known,
            Err(coming) => coming.recv_timeout(self.patience).ok()?,
        };
        Some((vector, self.held))
    }
}

impl Remote {
    /// One that sends by `embed` and keeps by `open`. Nothing is opened yet.
    #[must_use]
    pub fn new(embed: EmbedTexts, open: OpenVectors, now: Now) -> Self {
        Self {
            embed,
            open,
            now,
            held: Mutex::default(),
            breaker: Mutex::default(),
            permits: Mutex::default(),
            done: Mutex::default(),
            queue: Queue::default(),
            notice: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The vectors of `endpoint`, with what another process has added to them.
    pub(super) fn hold(&self, endpoint: &Endpoint) -> Result<Arc<Held>, Failure> {
        let known = lock(&self.held).clone().filter(|known| known.endpoint == *endpoint);
        let held = match known {
            Some(known) => known,
            None => {
                // What one has seen, another has not.
                *lock(&self.held) = None;
                lock(&self.done).clear();
                // Not while it is locked: the disk may be slow, and questions look here.
                let fresh = Arc::new(Held::new(endpoint.clone(), (self.open)(&held::name(endpoint))?));
                *lock(&self.held) = Some(Arc::clone(&fresh));
                fresh
            }
        };
        held.follow()?;
        Ok(held)
    }

    /// Whether `held` may be asked about `root`.
    pub(super) fn may_use(&self, root: &Root, held: &Held) -> bool {
        self.permit_of(root).is_some_and(|permit| permit.endpoint == held.endpoint)
    }

    /// Takes over leave to send questions about `root`, or that there is none.
    pub(super) fn permit(&self, root: &Root, permit: Option<Permit>) {
        let mut permits = lock(&self.permits);
        drop(match permit {
            Some(permit) => permits.insert(root.clone(), Arc::new(permit)),
            None => permits.remove(root),
        });
    }

    /// Leave to send questions about `root`, by what was last read of its settings.
    pub(super) fn permit_of(&self, root: &Root) -> Option<Arc<Permit>> {
        lock(&self.permits).get(root).cloned()
    }

    fn is_in_force(&self, permit: &Permit) -> bool {
        lock(&self.permits).values().any(|known| std::ptr::eq(Arc::as_ptr(known), permit))
    }

    /// Asks for the vector of a question, unless nobody may, or the endpoint is paused; never waits.
    pub(super) fn ask(self: &Arc<Self>, roots: &[Root], question: &str) -> Option<Asked> {
        let permit = roots.iter().find_map(|root| self.permit_of(root))?;
        let held = lock(&self.held).clone().filter(|held| held.endpoint == permit.endpoint && !held.is_empty())?;
        let text = question.get(..question.floor_char_boundary(LONGEST_QUESTION))?.trim().to_owned();
        let patience = Duration::from_millis(permit.patience);
        if let Some(known) = held.question(&text) {
            return Some(Asked { held, comes: Ok(known), patience });
        }
        if text.is_empty() || !secret_places(&text).is_empty() || self.pause() > 0 || !held.begin_question() {
            return None;
        }
        let (sender, receiver) = sync_channel(1);
        let (own, asking) = (Arc::clone(self), Arc::clone(&held));
        let started = thread::Builder::new().name("tagout-question".to_owned()).spawn(move || {
            let vector = own.question(&permit, &text);
            asking.end_question(text, vector.as_ref());
            // Who asked may have given up.
            let _ = vector.map(|vector| sender.send(vector));
        });
        if started.is_err() {
            held.abandon_question();
        }
        Some(Asked { held, comes: Err(receiver), patience })
    }

    fn question(&self, permit: &Permit, text: &str) -> Option<Arc<Narrow>> {
        let request = EmbedRequest {
            grant: &permit.grant,
            granted: Texts::Questions,
            endpoint: &permit.endpoint,
            texts: &[text],
            time: QUESTION_TIME,
            stop: &|| self.queue.end.is_cancelled() || !self.is_in_force(permit),
        };
        let given = (self.embed)(request);
        self.note(given.as_ref().err());
        given.ok()?.first().and_then(|vector| Narrow::new(vector)).map(Arc::new)
    }

    /// Takes note of how a request ended; whether the user is to be told.
    pub(super) fn note(&self, trouble: Option<&EmbedTrouble>) {
        let mut breaker = lock(&self.breaker);
        match trouble {
            None => breaker.succeeded(),
            Some(EmbedTrouble::Cancelled | EmbedTrouble::Rejected(_)) => {}
            Some(EmbedTrouble::Failed { what, wait_ms }) => {
                if breaker.failed((self.now)(), *wait_ms) {
                    drop(breaker);
                    self.tell(format!(
                        "the embedding endpoint fails, and search goes on without it: {what}; it is tried again now and \
                         then"
                    ));
                }
            }
        }
    }

    /// How many milliseconds to leave the endpoint alone.
    pub(super) fn pause(&self) -> u64 {
        lock(&self.breaker).pause((self.now)())
    }

    /// Has `notice` told with the next index run, and logged; once.
    pub(super) fn tell(&self, notice: String) {
        let mut told = lock(&self.told);
        if told.len() < MOST_TOLD && told.insert(notice.clone()) {
            tracing::warn!("{notice}");
            *lock(&self.notice) = Some(notice);
        }
    }

    /// What is to be told, once.
    pub(crate) fn take_notice(&self) -> Option<String> {
        lock(&self.notice).take()
    }

    /// Whether all of a file that can have a vector has one.
    pub(super) fn is_done(&self, root: &Root, path: &RelativePath, content: ContentHash) -> bool {
        lock(&self.done).get(root).and_then(|files| files.get(path)) == Some(&content)
    }

    pub(super) fn mark_done(&self, root: &Root, files: Vec<(RelativePath, ContentHash)>) {
        lock(&self.done).entry(root.clone()).or_default().extend(files);
    }

    /// Looks at every file of `root` again.
    pub(super) fn begin_anew(&self, root: &Root) {
        lock(&self.done).remove(root);
    }

    /// Has what is new in `root` sent soon.
    pub(super) fn soon(&self, root: &Root, after: u64) {
        self.queue.put(root, after);
    }

    /// Has it tried again after so many milliseconds, unless what `cancel` ends was ended.
    pub(super) fn again(&self, root: &Root, after: u64, cancel: &Cancel) {
        self.queue.put_again(root, after, cancel);
    }

    /// The next workspace to send from, and what is asked to stop once it is not to be sent from any more; `None` at the
    /// end of the process.
    pub(super) fn next(&self) -> Option<(Root, Cancel)> {
        self.queue.next()
    }

    /// Takes back leave that is another endpoint's than this one's, which the settings of `root` name now, and ends what
    /// is under way by it.
    pub(super) fn heed(&self, root: &Root, endpoint: Option<&Endpoint>) {
        if self.permit_of(root).is_some_and(|permit| Some(&permit.endpoint) != endpoint) {
            self.queue.interrupt(root);
            self.permit(root, None);
            // Whoever is named now gets leave then.
            self.soon(root, 0);
        }
    }

    /// Ends what is under way, for the end of the process.
    pub(super) fn stop(&self) {
        self.queue.stop();
    }

    /// Forgets a workspace.
    pub(super) fn forget(&self, root: &Root) {
        self.queue.remove(root);
        self.permit(root, None);
        self.begin_anew(root);
    }
}
