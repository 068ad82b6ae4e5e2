//! Proposals under review: accepting, rejecting, what the editor then really holds, and the notices that show it all.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{JobId, Level, Order, Task};
use super::recipes::{Applied, ApplyTask, Consent, Executor, LastApplied, Purpose};
use super::seeing::{held, is_at_work};
use super::state::{Elsewhere, Job, OpenReview, Pending, PendingTask, State};
use crate::changes::{
    ChangeKind, Changeset, ChangesetId, FileChange, HunkId, HunkState, Review, ReviewError, Selection, by_consent,
};
use crate::ports::{Failure, FailureKind};
use crate::workspace::{RelativePath, Root};

impl State {
    /// Puts a proposal under review.
    pub(super) fn propose(&mut self, root: Root, changeset: Changeset) {
        self.take_up(root, changeset);
        self.see_documents();
    }

    pub(super) fn take_up(&mut self, root: Root, changeset: Changeset) {
        if let Some(at) = self.reviews.iter().position(|open| open.review.changeset().id == changeset.id) {
            let before = self.reviews.remove(at);
            self.touch_files(&before.root, &before.paths());
        }
        if !changeset.is_empty() {
            let review = Review::resumed(changeset);
            let (elsewhere, in_flight, left_out) = (Elsewhere::default(), BTreeSet::new(), BTreeMap::new());
            let open = OpenReview { root, review, elsewhere, in_flight, left_out };
            self.touch_files(&open.root, &open.paths());
            self.reviews.push(open);
        }
    }

    /// Starts to make the selected hunks part of the workspace.
    pub(super) fn accept(&mut self, id: &ChangesetId, selection: Selection) -> Result<(JobId, Vec<Order>), Failure> {
        let open = self.review_mut(id).ok_or_else(|| no_such_changeset(id))?;
        let hunks = open.review.pending(selection);
        open.left_out.retain(|hunk, _| !hunks.contains(hunk));
        self.accept_hunks(id, hunks)
    }

    /// Starts to make those of `hunks` part of the workspace that no effect is at work on.
    pub(super) fn accept_hunks(
        &mut self,
        id: &ChangesetId,
        mut hunks: Vec<HunkId>,
    ) -> Result<(JobId, Vec<Order>), Failure> {
        let open = self.review_mut(id).ok_or_else(|| no_such_changeset(id))?;
        hunks.retain(|hunk| !open.in_flight.contains(hunk));
        if let Some(path) =
            hunks.iter().find(|hunk| is_at_work(open, hunk.file)).and_then(|hunk| open.review.files().get(hunk.file))
        {
            // A second edit would be over a text that the first is about to change.
            let what = format!("another hunk of {} is being accepted", path.path());
            return Err(Failure::new(FailureKind::Stale, what).hint("accept this one when that is done"));
        }
        let changes = open.review.acceptance(&hunks);
        let changes = changes.map_err(|error| {
            let kind = match error {
                ReviewError::NothingPending => FailureKind::NotFound,
                ReviewError::Stale(_) => FailureKind::Stale,
            };
            Failure::new(kind, error.to_string())
        })?;
        let (root, changeset) = (open.root.clone(), open.review.changeset());
        let lineage = Box::new(changeset.lineage.clone());
        let (proposal, origin) = (changeset.id.clone(), changeset.origin.clone());
        let purpose = Purpose::Accept { proposal, origin, lineage, hunks: hunks.clone() };
        let tasks = self.divide(&root, changes, |changes| self.part_of(&purpose, changes))?;
        if let Some(open) = self.review_mut(id) {
            open.in_flight.extend(hunks);
        }
        Ok(self.start_all(tasks))
    }

    /// Starts to take back what was applied last.
    pub(super) fn undo(&mut self, mut applied: LastApplied) -> Result<Vec<Order>, Failure> {
        let root = applied.root.clone();
        // What is open counts, whatever the disk has.
        applied.now.overlay(|path, disk| self.open_at(&root, path).and_then(|(_, document)| held(document, disk)));
        let purpose = |_: &[FileChange]| Purpose::Undo { proposal: applied.proposal.clone() };
        let tasks = self.divide(&root, applied.changes()?, purpose)?;
        if tasks.is_empty() {
            let told = format!("tagout: nothing of {} is left in the files: it counts as undone", applied.proposal);
            let job = self.begin(None, Some(&root));
            return Ok(vec![
                Order::Tell(Level::Info, told),
                Order::Start(job, Task::NoteUndone(root, applied.proposal)),
            ]);
        }
        Ok(self.start_all(tasks).1)
    }

    /// What `changes`, a part of those of `whole`, are for.
    pub(super) fn part_of(&self, whole: &Purpose, changes: &[FileChange]) -> Purpose {
        let mut part = whole.clone();
        if let Purpose::Accept { proposal, hunks, .. } = &mut part {
            let open = self.reviews.iter().find(|open| open.review.changeset().id == *proposal);
            let path = |hunk: &HunkId| open?.review.files().get(hunk.file).map(crate::changes::FileReview::path);
            let changed: BTreeSet<&RelativePath> = changes.iter().map(|change| &change.path).collect();
            hunks.retain(|hunk| path(hunk).is_some_and(|path| changed.contains(path)));
        }
        part
    }

    pub(super) fn start_all(&mut self, tasks: Vec<ApplyTask>) -> (JobId, Vec<Order>) {
        let mut first = None;
        let mut orders = Vec::new();
        for task in tasks {
            let job = self.begin(None, Some(&task.root.clone()));
            first.get_or_insert(job);
            orders.push(self.start_apply(job, task));
        }
        (first.unwrap_or(JobId(0)), orders)
    }

    fn start_apply(&mut self, job: JobId, task: ApplyTask) -> Order {
        if let Some(running) = self.jobs.get_mut(&job) {
            running.apply = Some(task.clone());
        }
        Order::Start(job, Task::Apply(task))
    }

    /// Divides changes between the disk and the editor, and by the consent that they need: one task for all ordinary
    /// closed files, one for each that runs later, one for each open document.
    pub(super) fn divide(
        &self,
        root: &Root,
        changes: Vec<FileChange>,
        purpose: impl Fn(&[FileChange]) -> Purpose,
    ) -> Result<Vec<ApplyTask>, Failure> {
        let (mut disk, mut tasks) = (Vec::new(), Vec::new());
        let task = |by, changes: Vec<FileChange>| ApplyTask {
            root: root.clone(),
            by,
            consent: Consent::None,
            purpose: purpose(&changes),
            changes,
        };
        for change in changes {
            match self.executor(root, &change)? {
                Executor::Disk => disk.push(change),
                Executor::Editor => tasks.push(task(Executor::Editor, vec![change])),
            }
        }
        let disk = by_consent(disk).into_iter().map(|part| task(Executor::Disk, part));
        Ok(disk.chain(tasks).collect())
    }

    /// Who makes `change`: the editor where it has the file open, after a look at what it holds.
    fn executor(&self, root: &Root, change: &FileChange) -> Result<Executor, Failure> {
        let Some((_, document)) = self.open_at(root, &change.path) else { return Ok(Executor::Disk) };
        let stale = |what: String| Failure::new(FailureKind::Stale, what).hint("make the proposal again");
        let held = change.before.as_ref().is_some_and(|before| document.holds(&before.bytes));
        match change.kind() {
            ChangeKind::Edit if held && change.texts().is_some() => Ok(Executor::Editor),
            ChangeKind::Edit | ChangeKind::Delete if held && !document.unsaved => Ok(Executor::Disk),
            ChangeKind::Create => Err(stale(format!("{} is open in the editor and would be created", change.path))),
            ChangeKind::Edit | ChangeKind::Delete => Err(stale(format!("{} changed since the proposal", change.path))),
        }
    }

    /// Rejects the selected hunks.
    pub(super) fn reject(&mut self, id: &ChangesetId, selection: Selection) -> Result<Vec<Order>, Failure> {
        let open = self.review_mut(id).ok_or_else(|| no_such_changeset(id))?;
        let mut hunks = open.review.pending(selection);
        hunks.retain(|hunk| !open.in_flight.contains(hunk));
        if hunks.is_empty() {
            return Err(Failure::new(
                FailureKind::NotFound,
                "nothing is pending there: it was accepted or rejected before",
            ));
        }
        let before = open.review.changeset().lineage.rejected.clone();
        let marked = open.mark(&hunks, HunkState::Rejected);
        let (root, mut rejected) = (open.root.clone(), open.review.changeset().lineage.rejected.clone());
        // Only these: what was rejected before may have been proposed again by another process.
        rejected.retain(|one| !before.contains(one));
        self.touch_files(&root, &marked);
        let job = self.begin(None, Some(&root));
        let mut orders = vec![Order::Start(job, Task::Reject(root, id.clone(), rejected))];
        orders.extend(self.close_settled());
        Ok(orders)
    }

    /// What follows from the outcome of an apply job.
    pub(super) fn applied(&mut self, applied: Applied) -> Vec<Order> {
        match applied {
            Applied::Done(task, notes) => {
                let told = notes.into_iter().map(|note| Order::Tell(Level::Warning, format!("tagout: {note}")));
                told.chain(self.made(&task)).collect()
            }
            Applied::ForEditor(task, granted) => self.ask_editor(task, granted),
            Applied::Undecided(task, judgement) => {
                let root = task.root.clone();
                self.wait_for_user(Pending { root, judgement, task: PendingTask::Apply(task) })
            }
        }
    }

    /// Lets an action wait for the user, visibly.
    pub(super) fn wait_for_user(&mut self, pending: Pending) -> Vec<Order> {
        let number = self.fresh();
        let text =
            format!("tagout: waits for your decision: {}: {}", pending.judgement.action.describe(), pending.reason());
        self.touch_documents(&pending.root);
        self.pending.insert(number, pending);
        vec![Order::Tell(Level::Question, text)]
    }

    /// Frees the hunks of an apply that came to nothing.
    pub(super) fn let_go(&mut self, task: &ApplyTask) -> Vec<Order> {
        if let Purpose::Accept { proposal, hunks, .. } = &task.purpose
            && let Some(open) = self.review_mut(proposal)
        {
            open.in_flight = &open.in_flight - &hunks.iter().copied().collect();
        }
        // What was written while it waited was not looked at.
        let paths: Vec<RelativePath> = task.changes.iter().map(|change| change.path.clone()).collect();
        self.see_open(&task.root, &paths);
        self.see_files(&task.root, &paths)
    }

    /// Changes are in the workspace.
    pub(super) fn made(&mut self, task: &ApplyTask) -> Vec<Order> {
        let paths: Vec<RelativePath> = task.changes.iter().map(|change| change.path.clone()).collect();
        let mut touched = paths.clone();
        match &task.purpose {
            Purpose::Accept { proposal, hunks, .. } => {
                if let Some(open) = self.review_mut(proposal) {
                    touched.extend(open.mark(hunks, HunkState::Accepted));
                    open.in_flight = &open.in_flight - &hunks.iter().copied().collect();
                    open.left_out.retain(|hunk, _| !hunks.contains(hunk));
                }
            }
            Purpose::Undo { proposal } => {
                if let Some(open) = self.review_mut(proposal) {
                    for change in &task.changes {
                        if let Some(file) = open.review.index_of(&change.path) {
                            open.review.reopen(file, change.after.clone());
                        }
                    }
                }
            }
        }
        self.touch_files(&task.root, &touched);
        let mut orders = self.close_settled();
        self.see_open(&task.root, &touched);
        if task.by == Executor::Disk {
            orders.extend(self.refresh(&task.root, paths));
        }
        orders
    }

    /// Drops reviews in which nothing waits any more.
    pub(super) fn close_settled(&mut self) -> Vec<Order> {
        let settled = |open: &OpenReview| open.review.is_decided() && open.in_flight.is_empty();
        let (done, rest) = std::mem::take(&mut self.reviews).into_iter().partition(settled);
        self.reviews = rest;
        let done: Vec<OpenReview> = done;
        done.into_iter()
            .map(|open| {
                let job = self.begin(None, Some(&open.root));
                Order::Start(job, Task::Settle(open.root, open.review.changeset().id.clone()))
            })
            .collect()
    }

    /// Begins a job: a number for it, and what is remembered of it.
    pub(super) fn begin(&mut self, title: Option<String>, root: Option<&Root>) -> JobId {
        let job = JobId(self.fresh());
        let (root, output) = (root.cloned(), String::new());
        let remembered = Job { title, request: None, root, apply: None, output, given: None };
        self.jobs.insert(job, remembered);
        job
    }
}

pub(super) fn no_such_changeset(id: &ChangesetId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("no changeset {id} waits for a decision"))
        .hint("make the proposal again")
}
