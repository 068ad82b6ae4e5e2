//! Appends that come at the same moment share one transaction: one of those that wait writes for all.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::record::Job;
use crate::ports::{Failure, FailureKind};

/// Most records in one transaction, so that nobody writes for others for long.
const MOST: usize = 512;

type Answer = Arc<Mutex<Option<Result<u64, Failure>>>>;

#[derive(Default)]
struct State {
    waiting: Vec<(Job, Answer)>,
    writing: bool,
}

/// Records that wait to be written.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    written: Condvar,
}

/// The right to write; given back when it is dropped, also by a panic.
struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        hold(&self.0.state).writing = false;
        self.0.written.notify_all();
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves no half-done work here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Appends `job`, and with it all that wait. `write` gives the number or the failure of each job, in order, once
    /// they outlive a crash.
    pub(super) fn append(&self, job: Job, write: impl Fn(&[Job]) -> Vec<Result<u64, Failure>>) -> Result<u64, Failure> {
        let own = Answer::default();
        let mut state = hold(&self.state);
        state.waiting.push((job, own.clone()));
        loop {
            if let Some(answer) = hold(&own).take() {
                return answer;
            }
            if state.writing {
                state = self.written.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let count = state.waiting.len().min(MOST);
            if count == 0 {
                // Whoever took it was ended by a panic before it had an answer.
                let what = "the record was not written, as another thread failed while it wrote";
                return Err(Failure::new(FailureKind::Internal, what).hint("do it again"));
            }
            state.writing = true;
            let (jobs, answers): (Vec<Job>, Vec<Answer>) = state.waiting.drain(..count).unzip();
            drop(state);
            let turn = Turn(self);
            for (answer, result) in answers.iter().zip(write(&jobs)) {
                *hold(answer) = Some(result);
            }
            drop(turn);
            state = hold(&self.state);
        }
    }
}
