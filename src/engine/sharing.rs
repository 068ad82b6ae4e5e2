//! Several at one shelf: what another process proposed, rejected or applied is seen here too.

use super::order::{Level, Order, Task};
use super::recipes::{Shared, Waiting};
use super::state::{OpenReview, State};
use crate::changes::{Changeset, HunkState, Selection, summarise};
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
        let reviews = self.reviews.iter().filter(|open| open.root == *root).map(|open| open.review.changeset());
        let known = reviews.map(|changeset| (changeset.id.clone(), changeset.lineage.rejected.clone())).collect();
        vec![Order::Start(job, Task::Share(root.clone(), known))]
    }

    /// Takes over what others did.
    pub(super) fn shared(&mut self, root: &Root, shared: Shared) -> Vec<Order> {
        let Shared { waiting: Waiting { changesets, files, damaged: _ }, rejected, renewed, decided } = shared;
        let mut orders: Vec<Order> = self.take_new(root, changesets).into_iter().collect();
        for (changeset, known) in renewed {
            let is_as_known = |open: &OpenReview| {
                open.in_flight.is_empty() && open.review.changeset().lineage.rejected.len() == known
            };
            if self.review_mut(&changeset.id).is_some_and(|open| is_as_known(open)) {
                self.take_up(root.clone(), changeset);
            }
        }
        for (id, rejected) in rejected {
            if let Some(open) = self.review_mut(&id) {
                open.elsewhere.rejected = rejected;
            }
        }
        for id in decided {
            if let Some(open) = self.review_mut(&id) {
                open.elsewhere.decided = true;
            }
        }
        self.see_documents();
        orders.extend(self.seen(root, &files));
        orders
    }

    /// Takes up what others proposed, and tells of it once, however much it is.
    fn take_new(&mut self, root: &Root, mut changesets: Vec<Changeset>) -> Option<Order> {
        // Some may be this session's, made meanwhile.
        changesets.retain(|changeset| self.review_mut(&changeset.id).is_none());
        self.workspace(root)?;
        let told = match changesets.as_slice() {
            [] => return None,
            [one] => format!("{} ({}; {})", one.origin.describe(), summarise(one), one.id),
            many => format!("{} changesets; `tagout changes` lists them", many.len()),
        };
        changesets.into_iter().for_each(|changeset| self.take_up(root.clone(), changeset));
        Some(Order::Tell(Level::Info, format!("tagout: proposed by another tagout: {told}")))
    }

    /// Takes over what others decided, once no effect here is at work on it.
    pub(super) fn follow_others(&mut self) -> Vec<Order> {
        let (mut touched, mut at) = (Vec::new(), 0);
        while let Some(open) = self.reviews.get_mut(at) {
            if open.elsewhere.decided && open.in_flight.is_empty() {
                touched.push((open.root.clone(), open.paths()));
                self.reviews.remove(at);
                continue;
            }
            if !open.elsewhere.rejected.is_empty() {
                let pending = open.review.pending(Selection::All);
                let mut hunks = open.review.about(&open.elsewhere.rejected);
                hunks.retain(|hunk| pending.binary_search(hunk).is_ok() && !open.in_flight.contains(hunk));
                touched.push((open.root.clone(), open.mark(&hunks, HunkState::Rejected)));
                if open.in_flight.is_empty() {
                    open.elsewhere.rejected.clear();
                }
            }
            at += 1;
        }
        touched.iter().for_each(|(root, paths)| self.touch_files(root, paths));
        if touched.is_empty() { Vec::new() } else { self.close_settled() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Event, Outcome};
    use super::super::order::JobId;
    use super::super::play::{accept, changed, choose, ended, reviewing, started, titles};
    use super::super::step::step;
    use super::*;
    use crate::changes::{ChangesetId, Rejected};

    /// Somebody else wrote; what the comparison is of, and the job that makes it.
    fn compared(state: &mut State) -> (JobId, Vec<(ChangesetId, Vec<Rejected>)>) {
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
            | Order::Progress(..)
            | Order::OverviewChanged
            | Order::Reread(_)
            | Order::Offer(_) => None,
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
        assert_eq!(known, [(id.clone(), vec![])]);
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
        // What waits for its turn is not made any more.
        choose(&mut state, 2, "tagout: accept this hunk");
        step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
        let orders = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
        assert!(!orders.iter().any(|order| matches!(order, Order::Start(_, Task::Apply(_)))), "{orders:?}");
        assert!(state.reviews.is_empty() && state.turns.is_empty());
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

    #[test]
    fn what_was_made_again_elsewhere_waits_again() {
        let mut state = reviewing();
        let proposed = state.reviews[0].review.changeset().clone();
        choose(&mut state, 2, "tagout: reject this hunk");
        assert!(!accepts(&mut state, 2));
        let (job, known) = compared(&mut state);
        assert_eq!(known[0].1.len(), 1);
        told(&mut state, job, Shared { renewed: vec![(proposed.clone(), 1)], ..Shared::default() });
        assert!(accepts(&mut state, 2));
        // Rejected here meanwhile, it is not brought back.
        let (job, _) = compared(&mut state);
        choose(&mut state, 2, "tagout: reject this hunk");
        told(&mut state, job, Shared { renewed: vec![(proposed, 0)], ..Shared::default() });
        assert!(!accepts(&mut state, 2));
    }
}
