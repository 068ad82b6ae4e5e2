//! The workspaces whose code is to be sent, for the one thread that sends.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ports::Cancel;
use crate::workspace::Root;

/// Workspaces that wait, and the one whose code is sent.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// The end of the process.
    pub(super) end: Cancel,
}

#[derive(Debug, Default)]
struct State {
    /// Each with how many milliseconds it is still to wait.
    waiting: BTreeMap<Root, u64>,
    /// What was handed out last, and what ends it.
    current: Option<(Root, Cancel)>,
}

impl State {
    fn put(&mut self, root: &Root, after: u64) {
        let wanted = self.waiting.entry(root.clone()).or_insert(after);
        *wanted = after.min(*wanted);
    }
}

impl Queue {
    /// Has `root` looked at after so many milliseconds, or sooner where that was wanted before.
    pub(super) fn put(&self, root: &Root, after: u64) {
        self.state().put(root, after);
        self.changed.notify_all();
    }

    /// As [`Queue::put`], for what was handed out with `cancel` and not cancelled since.
    pub(super) fn put_again(&self, root: &Root, after: u64, cancel: &Cancel) {
        let mut state = self.state();
        if !cancel.is_cancelled() {
            state.put(root, after);
        }
    }

    /// Ends what is under way for `root`.
    pub(super) fn interrupt(&self, root: &Root) {
        interrupt(&self.state(), root);
    }

    /// Ends what is under way for `root`, and what waits.
    pub(super) fn remove(&self, root: &Root) {
        let mut state = self.state();
        state.waiting.remove(root);
        interrupt(&state, root);
    }

    /// Ends every wait, and what is under way.
    pub(super) fn stop(&self) {
        self.end.cancel();
        // Taken so that nobody is between looking and waiting.
        self.state().current.iter().for_each(|(_, cancel)| cancel.cancel());
        self.changed.notify_all();
    }

    /// The next workspace, once there is one whose time has come, and what ends it; `None` at the end of the process.
    pub(super) fn next(&self) -> Option<(Root, Cancel)> {
        let mut state = self.state();
        state.current = None;
        loop {
            if self.end.is_cancelled() {
                return None;
            }
            let soonest = state.waiting.iter().min_by_key(|(_, after)| **after);
            state = match soonest.map(|(root, after)| (root.clone(), *after)) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some((root, 0)) => {
                    state.waiting.remove(&root);
                    return Some(state.current.insert((root, Cancel::default())).clone());
                }
                Some((_, after)) => {
                    let time = Duration::from_millis(after);
                    let (mut state, woken) =
                        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner);
                    // Who was woken before time begins anew: what fails may well wait a little longer.
                    if woken.timed_out() {
                        state.waiting.values_mut().for_each(|left| *left = left.saturating_sub(after));
                    }
                    state
                }
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interrupt(state: &State, root: &Root) {
    state.current.iter().filter(|(current, _)| current == root).for_each(|(_, cancel)| cancel.cancel());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forgotten_while_it_was_sent_is_not_sent_again() {
        let root = |name: &str| Root::new(name).unwrap();
        let queue = Queue::default();
        queue.put(&root("/a"), 0);
        let (found, cancel) = queue.next().unwrap();
        queue.interrupt(&root("/b"));
        assert!(found == root("/a") && !cancel.is_cancelled());
        queue.put_again(&found, 0, &cancel);
        let (found, cancel) = queue.next().unwrap();
        queue.remove(&found);
        assert!(cancel.is_cancelled());
        queue.put_again(&found, 0, &cancel);
        queue.put(&root("/b"), 0);
        let (found, cancel) = queue.next().unwrap();
        assert_eq!(found, root("/b"));
        // It is opened again before its run has ended.
        queue.remove(&found);
        queue.put(&found, 0);
        assert!(cancel.is_cancelled());
        assert!(queue.next().is_some_and(|(again, fresh)| again == found && !fresh.is_cancelled()));
        queue.put(&found, 0);
        queue.stop();
        assert!(queue.next().is_none());
    }
}
