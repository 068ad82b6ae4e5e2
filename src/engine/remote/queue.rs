//! The workspaces whose code is to be sent, for the one thread that sends.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ports::Cancel;
use crate::workspace::Root;

/// Workspaces that wait, each with how many milliseconds it is still to wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<BTreeMap<Root, u64>>,
    changed: Condvar,
    /// The end of the process.
    pub(super) end: Cancel,
}

impl Queue {
    /// Has `root` looked at after so many milliseconds, or sooner where that was wanted before.
    pub(super) fn put(&self, root: &Root, after: u64) {
        let mut waiting = self.waiting();
        let wanted = waiting.entry(root.clone()).or_insert(after);
        *wanted = after.min(*wanted);
        drop(waiting);
        self.changed.notify_all();
    }

    pub(super) fn remove(&self, root: &Root) {
        self.waiting().remove(root);
    }

    /// Ends every wait.
    pub(super) fn stop(&self) {
        self.end.cancel();
        // Taken so that nobody is between looking and waiting.
        drop(self.waiting());
        self.changed.notify_all();
    }

    /// The next workspace, once there is one whose time has come; `None` at the end of the process.
    pub(super) fn next(&self) -> Option<Root> {
        let mut waiting = self.waiting();
        loop {
            if self.end.is_cancelled() {
                return None;
            }
            let soonest = waiting.iter().min_by_key(|(_, after)| **after).map(|(root, after)| (root.clone(), *after));
            waiting = match soonest {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some((root, 0)) => {
                    waiting.remove(&root);
                    return Some(root);
                }
                Some((_, after)) => {
                    let time = Duration::from_millis(after);
                    let (mut waiting, woken) =
                        self.changed.wait_timeout(waiting, time).unwrap_or_else(PoisonError::into_inner);
                    // Who was woken before time begins anew: what fails may well wait a little longer.
                    if woken.timed_out() {
                        waiting.values_mut().for_each(|left| *left = left.saturating_sub(after));
                    }
                    waiting
                }
            };
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Root, u64>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
