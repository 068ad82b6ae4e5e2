//! Several at one shelf: what another process proposed, rejected or applied is seen here too.

use super::order::{Level, Order, Task};
use super::recipes::{Shared, Waiting};
use super::state::{OpenReview, State};
use crate::changes::{ChangesetId, HunkState, Selection, summarise};
use crate::workspace::Root;

impl State {
    /// Another process wrote to the state folder: looks at every workspace again, and at what waits in it.
    pub(super) fn state_changed(&mut self) -> Vec<Order> {
        let mut orders = self.look_at_all();
        orders.extend(self.roots().iter().flat_map(|root| self.share(root)));
        orders
    }

    /// Compares the shelf with the reviews of `root`: at once, or after the comparison that is under way.
    pub(super) fn share(&mut self, root: &Root) -> Vec<Order> {
        if self.workspace_mut(root).is_none_or(|workspace| workspace.sharing.waits(&[])) {
            return Vec::new();
        }
        let job = self.begin(None, Some(root));
        if let Some(workspace) = self.workspace_mut(root) {
            workspace.sharing.job = Some(job);
        }
        let reviews = self.reviews.iter().filter(|open| open.root == *root);
        let known = reviews.map(|open| open.review.changeset().id.clone()).collect();
        vec![Order::Start(job, Task::Share(root.clone(), known))]
    }

    /// Takes over what others did.
    pub(super) fn shared(&mut self, root: &Root, shared: Shared) -> Vec<Order> {
        let Shared { waiting: Waiting { changesets, files, damaged: _ }, rejected, decided } = shared;
        let mut orders = Vec::new();
        for changeset in changesets {
            // It may be this session's, made meanwhile.
            if self.workspace(root).is_some() && self.review_mut(&changeset.id).is_none() {
                let (what, figures, id) = (changeset.origin.describe(), summarise(&changeset), &changeset.id);
                let told = format!("tagout: proposed by another tagout: {what} ({figures}; {id})");
                orders.push(Order::Tell(Level::Info, told));
                self.take_up(root.clone(), changeset);
            }
        }
        for (id, rejected) in rejected {
            let Some(open) = self.review_mut(&id) else { continue };
            let pending = open.review.pending(Selection::All);
            let mut hunks = open.review.about(&rejected);
            hunks.retain(|hunk| pending.binary_search(hunk).is_ok() && !open.in_flight.contains(hunk));
            let marked = open.mark(&hunks, HunkState::Rejected);
            self.touch_files(root, &marked);
        }
        decided.iter().for_each(|id| self.drop_decided(root, id));
        self.see_documents();
        orders.extend(self.seen(root, &files));
        orders
    }

    /// Drops a review that was decided elsewhere, unless an effect is at work for it here.
    fn drop_decided(&mut self, root: &Root, id: &ChangesetId) {
        let is_it = |open: &OpenReview| open.review.changeset().id == *id && open.in_flight.is_empty();
        if let Some(at) = self.reviews.iter().position(is_it) {
            let open = self.reviews.remove(at);
            self.touch_files(root, &open.paths());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Outcome};
    use super::super::order::JobId;
    use super::super::play::{accept, changed, ended, reviewing, started, titles};
    use super::super::step::step;
    use super::*;
    use crate::changes::Changeset;

    /// Somebody else wrote; what the comparison is of, and the job that makes it.
    fn compared(state: &mut State) -> (JobId, Vec<ChangesetId>) {
        let orders = step(state, Event::StateChanged);
        let known = orders.iter().find_map(|order| match order {
            Order::Start(_, Task::Share(_, known)) => Some(known.clone()),
            Order::Start(..)
            | Order::Stop(_)
            | Order::Answer(..)
            | Order::Publish(..)
            | Order::Edit { .. }
            | Order::Show(_)
            | Order::Tell(..)
            | Order::Progress(..) => None,
        });
        (started(&orders, |task| matches!(task, Task::Share(..))), known.unwrap())
    }

    fn root() -> Root {
        Root::new("/w").unwrap()
    }

    fn told(state: &mut State, job: JobId, shared: Shared) -> Vec<Order> {
        step(state, ended(job, Outcome::Shared(root(), shared)))
    }

    fn accepts(state: &mut State, at: u32) -> bool {
        titles(state, at).iter().any(|title| title == "tagout: accept this hunk")
    }

    /// The second hunk of the proposal, as it is kept once it is rejected.
    fn second_rejected(state: &State) -> (ChangesetId, Changeset) {
        let mut review = state.reviews[0].review.clone();
        review.mark(&[crate::changes::HunkId { file: 0, hunk: 1 }], HunkState::Rejected);
        (review.changeset().id.clone(), review.changeset().clone())
    }

    #[test]
    fn what_is_rejected_elsewhere_is_rejected_here_wherever_it_is_by_now() {
        let mut state = reviewing();
        let (id, kept) = second_rejected(&state);
        changed(&mut state, 2, "mine\n😀 one\ntwo\nthree\n");
        let (job, known) = compared(&mut state);
        assert_eq!(known, std::slice::from_ref(&id));
        told(&mut state, job, Shared { rejected: vec![(id, kept.lineage.rejected)], ..Shared::default() });
        assert!(accepts(&mut state, 1) && !accepts(&mut state, 3));
    }

    #[test]
    fn what_is_decided_elsewhere_is_gone_and_what_is_at_work_here_is_not() {
        let mut state = reviewing();
        let id = state.reviews[0].review.changeset().id.clone();
        let decided = || Shared { decided: vec![id.clone()], ..Shared::default() };
        let (job, _) = compared(&mut state);
        let (edit, _) = accept(&mut state, 0);
        told(&mut state, job, decided());
        assert_eq!(state.reviews.len(), 1, "an edit of it is being made");
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        let (job, _) = compared(&mut state);
        let orders = told(&mut state, job, decided());
        assert!(state.reviews.is_empty());
        assert!(
            orders.iter().any(|order| matches!(order, Order::Publish(_, notices) if notices.is_empty())),
            "{orders:?}"
        );
    }

    #[test]
    fn what_is_proposed_elsewhere_waits_here_and_nothing_twice() {
        let mut state = reviewing();
        let changeset = state.reviews.remove(0).review.changeset().clone();
        let waiting = Waiting { changesets: vec![changeset], ..Waiting::default() };
        for _ in 0..2 {
            let (job, _) = compared(&mut state);
            let again = step(&mut state, Event::StateChanged);
            assert!(!again.iter().any(|order| matches!(order, Order::Start(_, Task::Share(..)))), "one at a time");
            let orders = told(&mut state, job, Shared { waiting: waiting.clone(), ..Shared::default() });
            let next = started(&orders, |task| matches!(task, Task::Share(..)));
            told(&mut state, next, Shared::default());
        }
        assert_eq!(state.reviews.len(), 1);
        assert!(accepts(&mut state, 0));
    }
}
