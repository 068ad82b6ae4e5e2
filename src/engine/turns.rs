//! What is accepted while another edit of the same file is being made: it takes its turn, over the text that is there then.

use std::collections::BTreeSet;

use super::order::{JobId, Level, Order};
use super::recipes::Purpose;
use super::seeing::is_at_work;
use super::state::{PendingTask, State};
use crate::changes::{ChangesetId, Selection};
use crate::ports::{Failure, FailureKind};
use crate::workspace::{RelativePath, Root};

/// Acceptances that wait; more are refused, as they would be of a program that presses the button in a loop.
const MOST_WAITING: usize = 1_000;

/// An acceptance that waits for its turn.
#[derive(Debug)]
pub(super) struct Turn {
    changeset: ChangesetId,
    selection: Selection,
}

impl State {
    /// Starts to accept, or lets it wait where an edit of one of the files is being made; then there is no job yet. Who
    /// asked is answered all the same: it may be what makes the edits, and only once it has its answer.
    ///
    /// # Errors
    /// As [`State::accept`].
    pub(super) fn accept_in_turn(
        &mut self,
        changeset: ChangesetId,
        selection: Selection,
    ) -> Result<Option<(JobId, Vec<Order>)>, Failure> {
        if self.turns.len() < MOST_WAITING && self.has_to_wait(&changeset, selection) {
            self.turns.push(Turn { changeset, selection });
            return Ok(None);
        }
        self.accept(&changeset, selection).map(Some)
    }

    /// Takes up what waits for nothing any more, in the order in which it came.
    pub(super) fn take_turns(&mut self) -> Vec<Order> {
        let turns = std::mem::take(&mut self.turns);
        let mut orders = Vec::new();
        for Turn { changeset, selection } in turns {
            match self.accept_in_turn(changeset, selection) {
                Ok(begun) => orders.extend(begun.into_iter().flat_map(|(_, orders)| orders)),
                // What was asked for twice is done.
                Err(failure) if failure.kind == FailureKind::NotFound => {}
                Err(failure) => orders.push(Order::Tell(Level::Warning, format!("tagout: {failure}"))),
            }
        }
        orders
    }

    fn has_to_wait(&self, changeset: &ChangesetId, selection: Selection) -> bool {
        let Some(open) = self.reviews.iter().find(|open| open.review.changeset().id == *changeset) else {
            return false;
        };
        let hunks = open.review.pending(selection);
        let wanted = hunks.iter().filter(|hunk| !open.in_flight.contains(hunk));
        let files: BTreeSet<usize> = wanted.map(|hunk| hunk.file).collect();
        files.iter().filter_map(|file| open.review.files().get(*file)).any(|file| self.is_busy(&open.root, file.path()))
    }

    /// Whether an effect is at work on a file, for whichever proposal.
    fn is_busy(&self, root: &Root, path: &RelativePath) -> bool {
        let of_root = self.reviews.iter().filter(|open| open.root == *root);
        let mut reviews = of_root.filter_map(|open| Some((open, open.review.index_of(path)?)));
        // An answer of the user's may never come, and what it is about is shown.
        reviews.any(|(open, file)| is_at_work(open, file)) && !self.waits_for_user(root, path)
    }

    fn waits_for_user(&self, root: &Root, path: &RelativePath) -> bool {
        self.pending.values().any(|pending| match &pending.task {
            PendingTask::Apply(task) => {
                let is_of_review = matches!(task.purpose, Purpose::Accept { .. });
                is_of_review && task.root == *root && task.changes.iter().any(|change| change.path == *path)
            }
            PendingTask::Run(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Ask, Event};
    use super::super::order::{Level, Order, RequestId, Task};
    use super::super::play::{accept, changed, choose, reviewing};
    use super::super::step::step;
    use crate::changes::Changeset;
    use crate::workspace::FileState;

    fn starts(orders: &[Order]) -> usize {
        orders.iter().filter(|order| matches!(order, Order::Start(_, Task::Apply(_)))).count()
    }

    #[test]
    fn a_second_hunk_of_a_file_takes_its_turn() {
        let mut state = reviewing();
        let (edit, _) = accept(&mut state, 0);
        let second = choose(&mut state, 2, "tagout: accept this hunk");
        assert!(second.iter().any(|order| matches!(order, Order::Answer(_, Ok(_)))), "{second:?}");
        // The same again, of which there is nothing left by then.
        choose(&mut state, 2, "tagout: accept this hunk");
        assert_eq!((starts(&second), state.turns.len()), (0, 2));
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        let orders = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        let told = orders.iter().filter(|order| matches!(order, Order::Tell(Level::Warning, _))).count();
        assert_eq!((starts(&orders), told, state.turns.len()), (1, 0, 0), "{orders:?}");
    }

    #[test]
    fn a_hunk_of_another_proposal_takes_its_turn_in_the_same_file() {
        let mut state = reviewing();
        let root = state.reviews[0].root.clone();
        let mut changeset = state.reviews[0].review.changeset().clone();
        changeset.files[0].after = Some(FileState::text("😀 one\nTWO\nthree\n"));
        let other = Changeset::new(changeset.origin, changeset.files);
        state.propose(root, other.clone());
        step(&mut state, Event::Tick);
        let (edit, _) = accept(&mut state, 0);
        let ask = Ask::Command {
            name: "tagout.accept".into(),
            arguments: vec![serde_json::json!({ "changeset": other.id })],
        };
        let second = step(&mut state, Event::Asked { request: RequestId(3), ask });
        assert_eq!((starts(&second), state.turns.len()), (0, 1), "{second:?}");
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        let orders = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        assert_eq!((starts(&orders), state.turns.len()), (1, 0), "{orders:?}");
    }
}
