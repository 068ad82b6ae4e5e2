//! Checks over what is under review, as an editor asks for them.

use super::order::{JobId, Level, Order, Task};
use super::recipes::{Verified, VerifyTask};
use super::reviewing::no_such_changeset;
use super::state::State;
use crate::changes::{ChangesetId, CheckOutcome, Selection, describe_checks};
use crate::ports::{Failure, FailureKind};
use crate::workspace::Root;

impl State {
    /// Starts the checks over what still waits of the proposal `id`, over the workspace as it is without one.
    pub(super) fn check(
        &mut self,
        root: Result<Root, Failure>,
        id: Option<&str>,
    ) -> Result<(JobId, Vec<Order>), Failure> {
        let (root, proposal, changes) = match id.map(ChangesetId::from_text) {
            None => (root?, None, Vec::new()),
            Some(id) => {
                let open = self.review_mut(&id).ok_or_else(|| no_such_changeset(&id))?;
                let pending = open.review.pending(Selection::All);
                let stale = |error: crate::changes::ReviewError| Failure::new(FailureKind::Stale, error.to_string());
                let changes = open.review.acceptance(&pending).map_err(stale)?;
                let all: usize = open.review.files().iter().map(|file| file.hunks().len()).sum();
                (open.root.clone(), (pending.len() == all).then_some(id), changes)
            }
        };
        let task = VerifyTask { root, proposal, changes, open: self.open_texts(), approved: Vec::new() };
        let job = self.begin(Some("tagout: checks".to_owned()), Some(&task.root.clone()));
        Ok((job, self.started(job, Task::Check(task))))
    }

    /// What follows from the outcome of checks; and the last words of their progress.
    pub(super) fn checked(&mut self, verified: Verified) -> (String, Vec<Order>) {
        let Verified { root, proposal, checks } = verified;
        let words = describe_checks(&checks)
            .unwrap_or_else(|| "no checks were found: name them under [checks] in .tagout.toml".to_owned());
        let passed = |outcome: &CheckOutcome| matches!(outcome, CheckOutcome::Passed { .. });
        let all_passed = !checks.is_empty() && checks.iter().all(|checked| passed(&checked.outcome));
        let level = if all_passed { Level::Info } else { Level::Warning };
        let about = proposal.as_ref().map_or_else(|| root.name(), ToString::to_string);
        let mut orders: Vec<Order> = checks
            .iter()
            .map(|checked| Order::Tell(Level::Log, format!("tagout: {about}: {}", checked.describe())))
            .collect();
        orders.push(Order::Tell(level, format!("tagout: {about}: {words}")));
        if let Some(open) = proposal.and_then(|id| self.review_mut(&id)) {
            open.review.note_checks(checks);
            let (root, paths) = (open.root.clone(), open.paths());
            self.touch_files(&root, &paths);
        }
        (words, orders)
    }
}
