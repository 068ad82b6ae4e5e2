//! What is accepted while another edit of the same file is being made: it takes its turn, over the text that is there then.

use super::order::{JobId, Order, RequestId};
use super::recipes::Purpose;
use super::seeing::is_at_work;
use super::state::{PendingTask, State};
use crate::changes::{ChangesetId, Selection};
use crate::ports::Failure;
use crate::workspace::{RelativePath, Root};

/// Acceptances that wait; more are refused, as they would be of a program that presses the button in a loop.
const MOST_WAITING: usize = 1_000;

/// An acceptance that waits for its turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) request: RequestId,
    changeset: ChangesetId,
    selection: Selection,
}

impl State {
    /// Starts to accept, or lets it wait where an edit of one of the files is being made; then there is no job yet.
    ///
    /// # Errors
    /// As [`State::accept`].
    pub(super) fn accept_in_turn(
        &mut self,
        request: RequestId,
        changeset: ChangesetId,
        selection: Selection,
    ) -> Result<Option<(JobId, Vec<Order>)>, Failure> {
        if self.turns.len() < MOST_WAITING && self.has_to_wait(&changeset, selection) {
            self.turns.push(Turn { request, changeset, selection });
            return Ok(None);
        }
        self.accept(&changeset, selection).map(Some)
    }

    /// Takes up what waits for nothing any more, in the order in which it came.
    pub(super) fn take_turns(&mut self) -> Vec<Order> {
        let turns = std::mem::take(&mut self.turns);
        let mut orders = Vec::new();
        for Turn { request, changeset, selection } in turns {
            let outcome = self.accept_in_turn(request, changeset, selection);
            orders.extend(Self::accepted(request, outcome));
        }
        orders
    }

    fn has_to_wait(&self, changeset: &ChangesetId, selection: Selection) -> bool {
        let Some(open) = self.reviews.iter().find(|open| open.review.changeset().id == *changeset) else {
            return false;
        };
        let hunks = open.review.pending(selection);
        let at_work = |file: usize| {
            let path = open.review.files().get(file).map(|file| file.path());
            // An answer of the user's may never come, and what it is about is shown.
            is_at_work(open, file) && path.is_some_and(|path| !self.waits_for_user(&open.root, path))
        };
        hunks.iter().any(|hunk| !open.in_flight.contains(hunk) && at_work(hunk.file))
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
    use super::super::event::Event;
    use super::super::order::{Order, RequestId, Task};
    use super::super::play::{accept, changed, choose, reviewing};
    use super::super::step::step;

    fn starts(orders: &[Order]) -> bool {
        orders.iter().any(|order| matches!(order, Order::Start(_, Task::Apply(_))))
    }

    fn answered(orders: &[Order]) -> Vec<bool> {
        let answer = |order: &Order| if let Order::Answer(_, answer) = order { Some(answer.is_ok()) } else { None };
        orders.iter().filter_map(answer).collect()
    }

    #[test]
    fn a_second_hunk_of_a_file_takes_its_turn() {
        let mut state = reviewing();
        let (edit, _) = accept(&mut state, 0);
        let second = choose(&mut state, 2, "tagout: accept this hunk");
        assert!(!starts(&second) && answered(&second).is_empty(), "{second:?}");
        // The same again, which is not asked for any more.
        choose(&mut state, 2, "tagout: accept this hunk");
        assert_eq!(state.turns.len(), 2);
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        let orders = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        assert!(starts(&orders), "{orders:?}");
        assert_eq!((answered(&orders), state.turns.len()), (vec![true, false], 0), "it is made once: {orders:?}");
    }

    #[test]
    fn what_waits_can_be_withdrawn() {
        let mut state = reviewing();
        let (edit, _) = accept(&mut state, 0);
        choose(&mut state, 2, "tagout: accept this hunk");
        step(&mut state, Event::Withdrawn { request: RequestId(2) });
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        let orders = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        assert!(!starts(&orders) && answered(&orders).is_empty(), "{orders:?}");
    }
}
