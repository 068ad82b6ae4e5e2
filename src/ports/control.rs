//! What every long job carries: a way to stop it, a way to say how far it is, the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Failure, FailureKind};

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
