//! What the loop remembers between events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::contents::Shown;
use super::documents::{Documents, Place};
use super::event::Ask;
use super::notices::Touched;
use super::order::{Answer, EditId, JobId, Notice, Order, RequestId, Target};
use super::recipes::{ApplyTask, Judgement, RunTask, Stance, Unsaved};
use super::turns::Turn;
use crate::changes::{ChangesetId, FileReview, HunkId, HunkState, Rejected, Review};
use crate::ports::Failure;
use crate::syntax::Language;
use crate::text::Encoding;
use crate::workspace::{FileState, RelativePath, Root};

/// An open workspace folder.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub given: PathBuf,
    pub root: Root,
    /// How it stood when it was looked at last.
    pub stance: Stance,
    pub commands: Vec<Vec<String>>,
    /// Where its index stands.
    pub refreshing: Refreshing,
    /// Looking at how it stands.
    pub looking: Refreshing,
    /// Reading its files that are under review.
    pub seeing: Refreshing,
    /// Comparing its reviews with the shelf.
    pub sharing: Refreshing,
    /// What the store said last.
    pub notice: Option<String>,
    /// How many files the index has, or why it could not be brought up to date; `None` before the first look.
    pub indexed: Option<Result<usize, String>>,
}

/// Where something stands that is brought up to date by one job at a time, so that what is learnt last is the latest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refreshing {
    /// The job at work, if any.
    pub job: Option<JobId>,
    /// What has to be looked at again after it: paths, none of them for all.
    pub next: Option<BTreeSet<RelativePath>>,
}

impl Refreshing {
    /// Whether the job at work has to end first; then `paths` (none: all) wait for it.
    pub(super) fn waits(&mut self, paths: &[RelativePath]) -> bool {
        if self.job.is_none() {
            return false;
        }
        match &mut self.next {
            Some(next) if next.is_empty() => {}
            Some(next) if !paths.is_empty() => next.extend(paths.iter().cloned()),
            _ => self.next = Some(paths.iter().cloned().collect()),
        }
        true
    }

    /// What waited for the job that `ended`, when it is the one at work.
    pub(super) fn ended(&mut self, ended: JobId) -> Option<Vec<RelativePath>> {
        if self.job != Some(ended) {
            return None;
        }
        self.job = None;
        self.next.take().map(|paths| paths.into_iter().collect())
    }
}

/// What others decided of a proposal.
#[derive(Debug, Clone, Default)]
pub(super) struct Elsewhere {
    /// Nothing of it waits any more.
    pub decided: bool,
    /// What was rejected.
    pub rejected: Vec<Rejected>,
}

/// A proposal under review.
#[derive(Debug, Clone)]
pub(super) struct OpenReview {
    pub root: Root,
    pub review: Review,
    /// What others decided of it, which waits for the effects that are at work here.
    pub elsewhere: Elsewhere,
    /// Hunks that an effect is at work on.
    pub in_flight: BTreeSet<HunkId>,
    /// How often the editor left a hunk out since the user accepted it.
    pub left_out: BTreeMap<HunkId, u32>,
}

impl OpenReview {
    /// The file at `path` and its index, if it is under review.
    pub(super) fn file(&self, path: &RelativePath) -> Option<(usize, &FileReview)> {
        let index = self.review.index_of(path)?;
        Some((index, self.review.files().get(index)?))
    }

    /// Sets `hunks` to `state`; the paths that they are at.
    pub(super) fn mark(&mut self, hunks: &[HunkId], state: HunkState) -> Vec<RelativePath> {
        let marked = self.review.mark(hunks, state);
        let files = marked.into_iter().filter_map(|file| self.review.files().get(file));
        files.map(|file| file.path().clone()).collect()
    }

    /// The paths under review.
    pub(super) fn paths(&self) -> Vec<RelativePath> {
        self.review.files().iter().map(|file| file.path().clone()).collect()
    }
}

/// An action that waits for the user.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub root: Root,
    pub judgement: Judgement,
    pub task: PendingTask,
}

impl Pending {
    /// Why it is asked about.
    pub(super) fn reason(&self) -> &str {
        let won = self.judgement.verdict.because.first();
        won.map_or("", |won| if won.text.is_empty() { won.rule.as_str() } else { won.text.as_str() })
    }
}

/// An approval that holds, given in this session.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub root: Root,
    /// By which it is taken back.
    pub name: String,
    pub what: String,
}

/// What happens once the user approves.
#[derive(Debug, Clone)]
pub(super) enum PendingTask {
    Run(RunTask),
    Apply(ApplyTask),
}

/// An edit that the editor was asked to make.
#[derive(Debug)]
pub(super) struct InFlight {
    pub task: ApplyTask,
    pub judgement: Judgement,
    pub document: crate::workspace::DocumentUri,
    pub after: FileState,
    /// Version of the text that it is over.
    pub version: crate::workspace::DocumentVersion,
    /// Whether the editor claims to have made it.
    pub answered: bool,
    /// Seconds it has been waiting: for the answer, then for the text.
    pub waited: u32,
}

/// A job that runs.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Title, for jobs that show progress.
    pub title: Option<String>,
    /// Who waits for its outcome.
    pub request: Option<(RequestId, Reply)>,
    /// Workspace, for jobs of one.
    pub root: Option<Root>,
    /// What an apply job is for, so that its hunks can be let go when it fails.
    pub apply: Option<ApplyTask>,
    /// Output of a command, as far as it came.
    pub output: String,
    /// What holds once it went well.
    pub given: Option<Given>,
}

impl Job {
    /// Answers whoever waits for its outcome.
    pub(super) fn answered(&self, value: serde_json::Value) -> Vec<Order> {
        let answer = self.request.map(|(request, _)| Order::Answer(request, Ok(Answer::Value(value))));
        answer.into_iter().collect()
    }
}

/// In which form a request wants the outcome of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Symbols,
    Names,
    Json,
}

/// Everything a server session remembers.
#[derive(Debug, Default)]
pub struct State {
    pub(super) encoding: Encoding,
    pub(super) documents: Documents,
    pub(super) workspaces: Vec<Workspace>,
    pub(super) reviews: Vec<OpenReview>,
    pub(super) pending: BTreeMap<u64, Pending>,
    pub(super) given: Vec<Given>,
    pub(super) in_flight: BTreeMap<EditId, InFlight>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// The notices published last, by document.
    pub(super) published: BTreeMap<Target, Vec<Notice>>,
    /// The documents whose notices may be others by now.
    pub(super) touched: Touched,
    /// Workspace folders that are being opened, and what was asked meanwhile that is about folders.
    pub(super) opening: BTreeMap<JobId, PathBuf>,
    pub(super) deferred: Vec<(RequestId, Ask)>,
    /// What is accepted once the edits before it are made.
    pub(super) turns: Vec<Turn>,
    /// The languages for which the client was told that questions about names are answered.
    pub(super) offered: BTreeSet<Language>,
    /// What the last command printed, as a page.
    pub(super) last_output: Option<String>,
    /// The sides of changes that a frontend shows, the one read last at the end.
    pub(super) shown: VecDeque<Shown>,
    last: u64,
}

impl State {
    /// A number never used before in this session.
    pub(super) fn fresh(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The workspace that `path` is in, the innermost one where several nest, and the path below its root.
    pub(super) fn locate(&self, path: &Path) -> Option<(&Workspace, RelativePath)> {
        locate(&self.workspaces, path)
    }

    /// Workspaces came or went: every document may be in another one, and every notice at another one.
    pub(super) fn relocate(&mut self) {
        let workspaces = &self.workspaces;
        self.documents.place_anew(|path| place(workspaces, path));
        self.touched = Touched::All;
        self.see_documents();
    }

    /// Where the file at `path` is, if it is in a workspace.
    pub(super) fn place_of(&self, path: &Path) -> Option<Place> {
        place(&self.workspaces, path)
    }

    pub(super) fn workspace(&self, root: &Root) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.root == *root)
    }

    pub(super) fn workspace_mut(&mut self, root: &Root) -> Option<&mut Workspace> {
        self.workspaces.iter_mut().find(|workspace| workspace.root == *root)
    }

    /// The review of the proposal of this name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn review(&self, id: &ChangesetId) -> Result<&OpenReview, Failure> {
        let open = self.reviews.iter().find(|open| open.review.changeset().id == *id);
        open.ok_or_else(|| super::reviewing::no_such_changeset(id))
    }

    /// The review of the proposal of this name, to change it.
    pub(super) fn review_mut(&mut self, id: &ChangesetId) -> Option<&mut OpenReview> {
        self.reviews.iter_mut().find(|open| open.review.changeset().id == *id)
    }

    /// The texts of all open documents in workspaces.
    pub(super) fn open_texts(&self) -> Vec<Unsaved> {
        let text = |document: &super::documents::Document| {
            let (root, path) = document.place.clone()?;
            Some(Unsaved { root, path, text: document.text.to_string() })
        };
        self.documents.iter().filter_map(|(_, document)| text(document)).collect()
    }

    /// How a frontend can name the file at `path` in `root`: by the open document's URI, else by path.
    pub(super) fn target(&self, root: &Root, path: &RelativePath) -> Target {
        self.open_at(root, path).map_or_else(
            || Target::File(self.named(root).join(path.as_str())),
            |(uri, _)| Target::Document(uri.clone()),
        )
    }

    /// The folder of a workspace as the client calls it.
    pub(super) fn named<'a>(&'a self, root: &'a Root) -> &'a Path {
        self.workspace(root).map_or(root.as_path(), |workspace| workspace.given.as_path())
    }

    /// The open document at `path` in `root`.
    pub(super) fn open_at(
        &self,
        root: &Root,
        path: &RelativePath,
    ) -> Option<(&crate::workspace::DocumentUri, &super::documents::Document)> {
        self.documents.at(root, path).next()
    }
}

fn locate<'a>(workspaces: &'a [Workspace], path: &Path) -> Option<(&'a Workspace, RelativePath)> {
    let below = |workspace: &'a Workspace| {
        let rest = path.strip_prefix(workspace.root.as_path()).or_else(|_| path.strip_prefix(&workspace.given)).ok()?;
        RelativePath::from_path(rest).ok()
    };
    let places = workspaces.iter().filter_map(|workspace| below(workspace).map(|relative| (workspace, relative)));
    places.min_by_key(|(_, relative)| relative.as_str().len())
}

fn place(workspaces: &[Workspace], path: &Path) -> Option<Place> {
    locate(workspaces, path).map(|(workspace, path)| (workspace.root.clone(), path))
}
