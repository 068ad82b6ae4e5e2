//! Appends that come at the same moment share one transaction: whoever gets the database writes for all that wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::Job;
use crate::ports::{Failure, FailureKind};

/// Most records in one transaction, so that nobody writes for others for long.
const MOST: usize = 512;

type Answer = Arc<Mutex<Option<Result<u64, Failure>>>>;

/// Records that wait to be written.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Vec<(Job, Answer)>>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves no half-done work here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Appends `job`, and with it all that wait. `database` is what is written to; `write` gives the number or the
    /// failure of each job, in order, once they outlive a crash.
    pub(super) fn append<D>(
        &self,
        job: Job,
        database: &Mutex<D>,
        write: impl Fn(&mut D, &[Job]) -> Vec<Result<u64, Failure>>,
    ) -> Result<u64, Failure> {
        let own = Answer::default();
        hold(&self.waiting).push((job, own.clone()));
        loop {
            let mut database = hold(database);
            if let Some(answer) = hold(&own).take() {
                return answer;
            }
            let batch: Vec<(Job, Answer)> = {
                let mut waiting = hold(&self.waiting);
                let count = waiting.len().min(MOST);
                waiting.drain(..count).collect()
            };
            if batch.is_empty() {
                // Whoever took it was ended by a panic before it had an answer.
                let what = "the record was not written, as another thread failed while it wrote";
                return Err(Failure::new(FailureKind::Internal, what).hint("do it again"));
            }
            let (jobs, answers): (Vec<Job>, Vec<Answer>) = batch.into_iter().unzip();
            for (answer, result) in answers.iter().zip(write(&mut database, &jobs)) {
                *hold(answer) = Some(result);
            }
        }
    }
}
