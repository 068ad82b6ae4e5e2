//! What every long job carries: a way to stop it, a way to say how far it is, the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Failure, FailureKind, TerminalSize};

/// A flag that asks a job to stop; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once it was asked to stop.
    ///
    /// # Errors
    /// [`FailureKind::Cancelled`].
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_cancelled() { Err(Failure::new(FailureKind::Cancelled, "cancelled")) } else { Ok(()) }
    }
}

/// What the user does at the terminal of a command; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Keyboard(Arc<Mutex<Typed>>);

/// What was done at a terminal since the last look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed {
    /// Bytes for the command to read.
    pub bytes: Vec<u8>,
    /// Whether nothing more will come.
    pub ended: bool,
    /// The size that the terminal has now, when it has changed.
    pub size: Option<TerminalSize>,
}

impl Keyboard {
    /// Types `bytes`.
    pub fn press(&self, bytes: &[u8]) {
        self.with(|typed| typed.bytes.extend_from_slice(bytes));
    }

    /// Says that nothing more will be typed.
    pub fn end(&self) {
        self.with(|typed| typed.ended = true);
    }

    /// Says that the terminal has another size now.
    pub fn resize(&self, size: TerminalSize) {
        self.with(|typed| typed.size = Some(size));
    }

    /// What was done since the last call.
    #[must_use]
    pub fn take(&self) -> Typed {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Typed) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What it does now.
    pub stage: String,
    /// Units done.
    pub done: usize,
    /// Units in all, once known.
    pub total: Option<usize>,
}

/// Where a job reports its progress.
pub type Report<'a> = &'a (dyn Fn(Progress) + Sync);

/// The time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
}
