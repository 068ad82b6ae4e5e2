//! What an editor shows after random events is what would be shown if everything were looked at anew.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one order among many")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::event::{Ask, Event, Outcome, TextChange, Update};
use super::order::{EditId, JobId, Notice, Order, RequestId, Target, Task};
use super::play::{ended, granted, opened};
use super::recipes::{Applied, Executor, Judgement, Proposed, Shared, Verified};
use super::state::State;
use super::step::step;
use crate::changes::{Changeset, CheckOutcome, Checked, FileChange, Origin, Rejected};
use crate::config::{ConfigProblem, ConfigSource};
use crate::ports::{Failure, FailureKind};
use crate::text::Range;
use crate::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

/// Two folders, one in the other, by a name with a link in it and without.
const FOLDERS: [(&str, &str); 2] = [("/w", "/real"), ("/w/sub", "/real/sub")];
/// Documents; the first two are one file, and the last one is none.
const DOCUMENTS: [&str; 6] = ["/w/a.txt", "/real/a.txt", "/w/b.txt", "/w/sub/c.txt", "/w/.tagout.toml", ""];
const TEXTS: [&str; 5] =
    ["one\ntwo\nthree\n", "\u{feff}one\ntwo\nthree\n", "ONE\ntwo\nthree\n", "x\none\ntwo\nTHREE", ""];
/// Of each proposal: the folder, the files, and what is to be in them.
const PROPOSALS: [(usize, &[&str], &str); 4] = [
    (0, &["a.txt", "b.txt", "new.txt", "sub/c.txt"], "ONE\ntwo\nTHREE\n"),
    (0, &["a.txt", ".git/hooks/pre-commit", ".tagout.toml"], "one\n2\nthree\n"),
    (1, &["c.txt"], "\u{feff}one\ntwo\n3\n"),
    (1, &["c.txt", "d.txt"], "1\ntwo\nthree\n"),
];

fn root(folder: usize) -> Root {
    Root::new(FOLDERS[folder].1).unwrap()
}

fn uri(document: usize) -> DocumentUri {
    DocumentUri(if DOCUMENTS[document].is_empty() {
        "untitled:1".into()
    } else {
        format!("file://{}", DOCUMENTS[document])
    })
}

fn proposal(which: usize) -> Changeset {
    let (_, files, after) = PROPOSALS[which];
    let change = |path: &&str| FileChange {
        path: RelativePath::new(*path).unwrap(),
        before: (*path != "new.txt").then(|| FileState::text(TEXTS[which % 2])),
        after: Some(FileState::text(after)),
    };
    Changeset::new(Origin::User, files.iter().map(change).collect())
}

#[derive(Debug, Clone)]
enum Happening {
    AddFolder(usize),
    RemoveFolder(usize),
    Open(usize, usize),
    Change(usize, usize),
    Close(usize),
    Propose(usize),
    Command(&'static str, usize, Option<usize>, Option<usize>),
    Decide(&'static str),
    EndJob { which: usize, how: usize },
    Check(usize),
    Look(usize, usize),
    Answer(bool),
    StateChanged,
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    let (document, text, which) = (0..DOCUMENTS.len(), 0..TEXTS.len(), 0..PROPOSALS.len());
    let command = prop_oneof![2 => Just("tagout.accept"), 1 => Just("tagout.reject")];
    let (file, hunk) = (prop::option::of(0..4_usize), prop::option::of(0..2_usize));
    prop_oneof![
        1 => (0..FOLDERS.len()).prop_map(Happening::AddFolder),
        1 => (0..FOLDERS.len()).prop_map(Happening::RemoveFolder),
        4 => (document.clone(), text.clone()).prop_map(|(document, text)| Happening::Open(document, text)),
        6 => (document.clone(), text).prop_map(|(document, text)| Happening::Change(document, text)),
        2 => document.prop_map(Happening::Close),
        4 => which.clone().prop_map(Happening::Propose),
        4 => (command, which.clone(), file, hunk).prop_map(|(name, which, file, hunk)| Happening::Command(name, which, file, hunk)),
        1 => prop_oneof![Just("tagout.approve"), Just("tagout.deny")].prop_map(Happening::Decide),
        6 => (0..8_usize, 0..10_usize).prop_map(|(which, how)| Happening::EndJob { which, how }),
        1 => which.prop_map(Happening::Check),
        1 => (0..FOLDERS.len(), 0..2_usize).prop_map(|(folder, problems)| Happening::Look(folder, problems)),
        1 => any::<bool>().prop_map(Happening::Answer),
        1 => Just(Happening::StateChanged),
        1 => Just(Happening::Tick),
    ]
}

/// A session, and what its editor shows.
#[derive(Default)]
struct Play {
    state: State,
    jobs: Vec<(JobId, Task)>,
    edits: Vec<EditId>,
    /// By the name that goes to the editor.
    shown: BTreeMap<String, Vec<Notice>>,
    /// Names that two targets had at once: a file of the outer folder, open as one of the inner folder.
    doubled: BTreeSet<String>,
    version: i32,
}

fn name(target: &Target) -> String {
    match target {
        Target::Document(uri) => uri.0.clone(),
        Target::File(path) => format!("file://{}", path.display()),
    }
}

impl Play {
    fn step(&mut self, event: Event) {
        let (before, what) = (self.state.overview(), format!("{event:?}"));
        let orders = step(&mut self.state, event);
        let told = orders.iter().any(|order| matches!(order, Order::OverviewChanged));
        assert!(told || self.state.overview() == before, "the overview changed, and nobody is told: {what}");
        for order in orders {
            match order {
                Order::Publish(target, notices) if notices.is_empty() => _ = self.shown.remove(&name(&target)),
                Order::Publish(target, notices) => _ = self.shown.insert(name(&target), notices),
                Order::Start(job, task) => self.jobs.push((job, task)),
                Order::Edit { edit, .. } => self.edits.push(edit),
                _ => {}
            }
        }
    }

    fn job(&mut self, folder: usize, outcome: Outcome) {
        let job = self.state.begin(None, Some(&root(folder)));
        self.step(ended(job, outcome));
    }

    fn command(&mut self, name: &str, argument: serde_json::Value) {
        let ask = Ask::Command { name: name.to_owned(), arguments: vec![argument] };
        self.step(Event::Asked { request: RequestId(1), ask });
    }

    fn happens(&mut self, happening: Happening) {
        self.version += 1;
        let version = DocumentVersion(self.version);
        match happening {
            Happening::AddFolder(folder) => {
                self.step(Event::FoldersChanged { added: vec![PathBuf::from(FOLDERS[folder].0)], removed: vec![] });
            }
            Happening::RemoveFolder(folder) => {
                self.step(Event::FoldersChanged { added: vec![], removed: vec![PathBuf::from(FOLDERS[folder].0)] });
            }
            Happening::Open(document, text) => {
                let path = Some(DOCUMENTS[document]).filter(|path| !path.is_empty()).map(PathBuf::from);
                self.step(Event::Opened { uri: uri(document), path, version, text: TEXTS[text].into() });
            }
            Happening::Change(document, text) => {
                let changes = vec![TextChange { range: None, text: TEXTS[text].into() }];
                self.step(Event::Changed { uri: uri(document), version, changes });
            }
            Happening::Close(document) => self.step(Event::Closed { uri: uri(document) }),
            Happening::Propose(which) => {
                let (folder, changeset) = (PROPOSALS[which].0, proposal(which));
                let proposed = Proposed { root: root(folder), changeset, files: 1, problems: vec![] };
                self.job(folder, Outcome::Proposed(proposed));
            }
            Happening::Command(name, which, file, hunk) => {
                let id = proposal(which).id.to_string();
                self.command(name, json!({ "changeset": id, "file": file, "hunk": hunk }));
            }
            Happening::Decide(name) => self.command(name, json!({ "decision": "q" })),
            Happening::EndJob { which, how } => self.end_job(which, how),
            Happening::Check(which) => {
                let outcome = CheckOutcome::Passed { summary: self.version.to_string() };
                let checks = vec![Checked { name: "check".into(), outcome, level: None }];
                let (folder, id) = (PROPOSALS[which].0, proposal(which).id);
                self.job(folder, Outcome::Checked(Verified { root: root(folder), proposal: Some(id), checks }));
            }
            Happening::Look(folder, problems) => {
                let problem = ConfigProblem { source: ConfigSource::Workspace, line: Some(2), text: "odd".into() };
                let mut stance = opened(&root(folder)).stance;
                stance.problems = vec![problem; problems];
                self.job(folder, Outcome::Looked(stance));
            }
            Happening::Answer(applied) => {
                if let Some(edit) = self.edits.pop() {
                    self.step(Event::EditAnswered { edit, applied, reason: None });
                }
            }
            Happening::StateChanged => self.step(Event::StateChanged),
            Happening::Tick => self.step(Event::Tick),
        }
    }

    fn end_job(&mut self, which: usize, how: usize) {
        if self.jobs.is_empty() {
            return;
        }
        let (job, task) = self.jobs.swap_remove(which % self.jobs.len());
        let outcome = match task {
            Task::Apply(_) if how == 0 => {
                let failed = Err(Failure::new(FailureKind::Stale, "no"));
                self.step(Event::Job { job, update: Update::Ended(Box::new(failed)) });
                return;
            }
            Task::Apply(task) if how < 3 => {
                let judgement = Judgement { question: Some("q".into()), ..granted(&task).judgement };
                Outcome::Applied(Applied::Undecided(task, judgement))
            }
            Task::Apply(task) if task.by == Executor::Editor => {
                let granted = granted(&task);
                Outcome::Applied(Applied::ForEditor(task, granted))
            }
            Task::Apply(task) => Outcome::Applied(Applied::Done(task, vec![])),
            Task::Look(root) => Outcome::Looked(opened(&root).stance),
            Task::See(root, paths) => {
                let state = |at: usize| TEXTS.get((how + at) % (TEXTS.len() + 1)).map(|text| FileState::text(*text));
                Outcome::Seen(root, paths.into_iter().enumerate().map(|(at, path)| (path, state(at))).collect())
            }
            Task::Share(root, known) => {
                let mut shared = Shared::default();
                let of_root =
                    (0..PROPOSALS.len()).filter(|which| self::root(PROPOSALS[*which].0) == root).map(proposal);
                for changeset in of_root {
                    let path = changeset.files[how % changeset.files.len()].path.clone();
                    match (known.iter().any(|(id, _)| *id == changeset.id), how % 3) {
                        (true, 0) => shared.rejected.push((changeset.id, vec![Rejected { path, span: None }])),
                        (true, 1) => shared.renewed.push((changeset, how % 2)),
                        (true, _) => shared.decided.push(changeset.id),
                        (false, _) => shared.waiting.changesets.push(changeset),
                    }
                }
                Outcome::Shared(root, shared)
            }
            Task::Open(folder) => {
                let at = FOLDERS.iter().position(|(given, _)| folder.as_os_str() == *given).unwrap();
                let waiting = (0..PROPOSALS.len()).filter(|which| PROPOSALS[*which].0 == at && how.is_multiple_of(2));
                let mut opened = opened(&root(at));
                (opened.given, opened.waiting.changesets) = (folder, waiting.map(proposal).collect());
                Outcome::Opened(opened)
            }
            _ => Outcome::Recorded,
        };
        self.step(ended(job, outcome));
    }
}

/// The notices of every document, made without regard to what was there before.
fn anew(state: &State) -> BTreeMap<Target, Vec<Notice>> {
    let target = |root: &Root, path: &RelativePath| {
        let place =
            |path: Option<&PathBuf>| path.and_then(|path| state.locate(path)).map(|(at, path)| (at.root.clone(), path));
        let here = Some((root.clone(), path.clone()));
        let open = state.documents.iter().find(|(_, document)| place(document.path.as_ref()) == here);
        let named = state.workspaces.iter().find(|workspace| workspace.root == *root).map(|at| at.given.clone());
        let file = || Target::File(named.unwrap_or_else(|| root.as_path().into()).join(path.as_str()));
        open.map_or_else(file, |(uri, _)| Target::Document(uri.clone()))
    };
    let mut notices: BTreeMap<Target, Vec<Notice>> = BTreeMap::new();
    for open in &state.reviews {
        for (index, file) in open.review.files().iter().enumerate() {
            let found = state.notices(open, index, file);
            notices.entry(target(&open.root, file.path())).or_default().extend(found);
        }
    }
    for (target, found) in state.workspaces.iter().filter_map(|workspace| state.setting_notices(workspace)) {
        notices.entry(target).or_default().extend(found);
    }
    for pending in state.pending.values() {
        let message = format!("tagout: waits for your decision: {}", pending.judgement.action.describe());
        for (uri, document) in state.documents.iter() {
            let place = document.path.as_deref().and_then(|path| state.locate(path));
            if place.is_some_and(|(workspace, _)| workspace.root == pending.root) {
                let notice = Notice { range: Range::default(), message: message.clone() };
                notices.entry(Target::Document(uri.clone())).or_default().push(notice);
            }
        }
    }
    notices.retain(|_, notices| !notices.is_empty());
    notices
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_shown_is_what_would_be_shown_anew(happenings in prop::collection::vec(happening(), 10..80)) {
        let mut play = Play::default();
        play.happens(Happening::AddFolder(0));
        play.end_job(0, 1);
        for happening in happenings {
            play.happens(happening.clone());
            let wanted = anew(&play.state);
            prop_assert_eq!(&play.state.published, &wanted, "after {:?}", happening);
            for (target, notices) in &wanted {
                let same = wanted.keys().filter(|other| name(other) == name(target)).count();
                if same > 1 {
                    play.doubled.insert(name(target));
                }
                if !play.doubled.contains(&name(target)) {
                    prop_assert_eq!(play.shown.get(&name(target)), Some(notices), "{:?} after {:?}", target, happening);
                }
            }
            let names: BTreeSet<String> = wanted.keys().map(name).collect();
            let left = play.shown.keys().find(|shown| !names.contains(*shown) && !play.doubled.contains(*shown));
            prop_assert_eq!(left, None, "nothing stays that is gone, after {:?}", happening);
        }
    }
}

#[test]
fn the_play_shows_what_there_is_to_show() {
    let mut play = Play::default();
    play.happens(Happening::AddFolder(0));
    play.end_job(0, 1);
    play.happens(Happening::Propose(0));
    assert_eq!(play.shown.len(), 4);
    // The file that is opened keeps its notices.
    play.happens(Happening::Open(0, 0));
    assert_eq!(play.shown.get("file:///w/a.txt").map(Vec::len), Some(2));
    play.happens(Happening::Look(0, 1));
    assert_eq!(play.shown.len(), 5);
}
