//! Sessions played through `step` alone: no disk, no clock, no thread.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one order among many")]

use std::path::PathBuf;

use super::event::{Ask, Event, Outcome, TextChange, Update};
use super::order::{Answer, EditId, JobId, Order, RequestId, Task};
use super::recipes::{Applied, ApplyTask, Executor, Granted, Judgement, Opened, Proposed, Stance};
use super::state::State;
use crate::changes::{Changeset, FileChange, Origin, content_hash};
use crate::policy::{Action, Facts, Grant, Mode, Rules, Trust};
use crate::text::{Position, Range};
use crate::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

/// What follows from `event`, without the word that the overview changed, which `shown` is about.
pub(super) fn step(state: &mut State, event: Event) -> Vec<Order> {
    let mut orders = super::step(state, event);
    orders.retain(|order| !matches!(order, Order::OverviewChanged));
    orders
}

pub(super) const BEFORE: &str = "😀 one\ntwo\nthree\n";
const AFTER: &str = "😀 ONE\ntwo\nTHREE\n";

pub(super) fn uri() -> DocumentUri {
    DocumentUri("file:///w/a.txt".into())
}

pub(super) fn ended(job: JobId, outcome: Outcome) -> Event {
    Event::Job { job, update: Update::Ended(Box::new(Ok(outcome))) }
}

pub(super) fn started(orders: &[Order], wanted: impl Fn(&Task) -> bool) -> JobId {
    let job = orders.iter().find_map(|order| match order {
        Order::Start(job, task) if wanted(task) => Some(*job),
        _ => None,
    });
    job.unwrap_or_else(|| panic!("not started: {orders:?}"))
}

fn line(line: u32) -> Range {
    Range { start: Position { line, character: 0 }, end: Position { line, character: 0 } }
}

/// A workspace as it is opened.
pub(super) fn opened(root: &Root) -> Opened {
    Opened {
        given: PathBuf::from("/w"),
        stance: Stance {
            root: root.clone(),
            mode: Mode::WorkspaceWrite,
            trust: Trust::Trusted,
            settings: None,
            problems: vec![],
            applied: vec![],
            offers: super::recipes::Offers::default(),
            answers: std::collections::BTreeSet::new(),
        },
        unknown: Vec::new(),
        commands: vec![],
        notice: None,
        waiting: super::recipes::Waiting::default(),
    }
}

/// A session with a document open and a proposal of two hunks for it under review.
pub(super) fn reviewing() -> State {
    let mut state = State::default();
    let root = Root::new("/w").unwrap();
    let orders = step(&mut state, Event::FoldersChanged { added: vec![PathBuf::from("/w")], removed: vec![] });
    let opened = opened(&root);
    step(&mut state, ended(started(&orders, |task| matches!(task, Task::Open(_))), Outcome::Opened(opened)));
    let path = Some(PathBuf::from("/w/a.txt"));
    step(&mut state, Event::Opened { uri: uri(), path, version: DocumentVersion(1), text: BEFORE.into() });
    let change = FileChange {
        path: RelativePath::new("a.txt").unwrap(),
        before: Some(FileState::text(BEFORE)),
        after: Some(FileState::text(AFTER)),
    };
    let changeset = Changeset::new(Origin::Command { argv: vec!["caps".into()] }, vec![change]);
    let job = state.begin(None, Some(&root));
    let proposed = Proposed { root, changeset, files: 1, problems: vec![] };
    let orders = step(&mut state, ended(job, Outcome::Proposed(proposed)));
    assert!(orders.iter().any(|order| matches!(order, Order::Publish(_, notices) if notices.len() == 2)), "{orders:?}");
    state
}

pub(super) fn titles(state: &mut State, at: u32) -> Vec<String> {
    let ask = Ask::CodeActions { uri: uri(), range: line(at) };
    match step(state, Event::Asked { request: RequestId(1), ask }).pop() {
        Some(Order::Answer(_, Ok(Answer::Actions(items)))) => items.into_iter().map(|item| item.title).collect(),
        other => panic!("{other:?}"),
    }
}

/// Runs the action with this title, as an editor would.
pub(super) fn choose(state: &mut State, at: u32, title: &str) -> Vec<Order> {
    let ask = Ask::CodeActions { uri: uri(), range: line(at) };
    let Some(Order::Answer(_, Ok(Answer::Actions(items)))) =
        step(state, Event::Asked { request: RequestId(1), ask }).pop()
    else {
        panic!("no actions")
    };
    let item = items.into_iter().find(|item| item.title == title).unwrap_or_else(|| panic!("no {title}"));
    let ask = Ask::Command { name: item.command.into(), arguments: vec![item.argument] };
    step(state, Event::Asked { request: RequestId(2), ask })
}

/// Accepts the hunk at `at` up to the edit that the editor is asked to make.
pub(super) fn accept(state: &mut State, at: u32) -> (EditId, Vec<(Range, String)>) {
    let orders = choose(state, at, "tagout: accept this hunk");
    let Some((job, task)) = orders.into_iter().find_map(|order| match order {
        Order::Start(job, Task::Apply(task)) => Some((job, task)),
        _ => None,
    }) else {
        panic!("nothing to apply")
    };
    assert_eq!(task.by, Executor::Editor);
    let orders = step(state, ended(job, Outcome::Applied(Applied::ForEditor(task.clone(), granted(&task)))));
    match orders.into_iter().next() {
        Some(Order::Edit { edit, edits, version, .. }) => {
            assert_eq!(version, state.documents.get(&uri()).unwrap().version);
            (edit, edits)
        }
        other => panic!("{other:?}"),
    }
}

pub(super) fn granted(task: &ApplyTask) -> Granted {
    let paths = task.changes.iter().map(|change| change.path.clone()).collect();
    let action = Action::Apply { content: content_hash(&task.changes), paths };
    let (grant, verdict) =
        Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action.clone(), &Facts::user(), None).unwrap();
    Granted {
        grant,
        judgement: Judgement {
            approval: None,
            at_ms: 0,
            facts: Box::default(),
            question: None,
            record: 0,
            trace: String::new(),
            mode: Mode::WorkspaceWrite,
            action,
            level: None,
            verdict,
        },
    }
}

pub(super) fn changed(state: &mut State, version: i32, text: &str) -> Vec<Order> {
    let changes = vec![TextChange { range: None, text: text.into() }];
    step(state, Event::Changed { uri: uri(), version: DocumentVersion(version), changes })
}

pub(super) fn recorded(orders: &[Order]) -> Option<Option<String>> {
    orders.iter().find_map(|order| match order {
        Order::Start(_, Task::Record(record)) => Some(record.failure.clone()),
        _ => None,
    })
}

#[test]
fn what_the_editor_shows_counts_and_not_what_it_says() {
    let mut state = reviewing();
    let (edit, edits) = accept(&mut state, 0);
    assert_eq!(
        edits,
        [(
            Range { start: Position { line: 0, character: 0 }, end: Position { line: 1, character: 0 } },
            "😀 ONE\n".into()
        )]
    );
    let said = step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
    assert_eq!(recorded(&said), None, "nothing has changed yet");
    let shown = changed(&mut state, 2, "😀 ONE\ntwo\nthree\n");
    assert_eq!(recorded(&shown), Some(None));
    assert!(titles(&mut state, 2).contains(&"tagout: accept this hunk".to_owned()), "the other hunk still waits");
    assert!(!titles(&mut state, 0).contains(&"tagout: accept this hunk".to_owned()));
}

#[test]
fn an_edit_that_is_never_shown_is_given_up_and_waits_again() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    assert!(state.waits());
    step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
    let ticks: Vec<Order> = (0..10).flat_map(|_| step(&mut state, Event::Tick)).collect();
    assert!(recorded(&ticks).flatten().is_some_and(|why| why.contains("did not show")), "{ticks:?}");
    assert!(!state.waits() && titles(&mut state, 0).contains(&"tagout: accept this hunk".to_owned()));
}

#[test]
fn a_hunk_at_work_is_not_accepted_twice() {
    let mut state = reviewing();
    accept(&mut state, 0);
    let again = choose(&mut state, 0, "tagout: accept this hunk");
    assert!(again.iter().any(|order| matches!(order, Order::Answer(_, Err(_)))), "{again:?}");
    assert!(!again.iter().any(|order| matches!(order, Order::Start(_, Task::Apply(_)))));
}

#[test]
fn hunks_move_with_what_the_user_types_and_are_stale_while_their_own_lines_are_others() {
    let mut state = reviewing();
    let accepts = |state: &mut State, at| titles(state, at).iter().any(|title| title == "tagout: accept this hunk");
    changed(&mut state, 2, "mine\n😀 one\ntwo\nthree\n");
    assert!(!accepts(&mut state, 0) && accepts(&mut state, 1));
    let (edit, edits) = accept(&mut state, 1);
    assert_eq!(edits, [(Range { start: line(1).start, end: line(2).start }, "😀 ONE\n".to_owned())]);
    changed(&mut state, 3, "mine\n😀 ONE\ntwo\nthree\n");
    step(&mut state, Event::EditAnswered { edit, applied: true, reason: None });
    let orders = changed(&mut state, 4, "mine\n😀 ONE\ntwo\nthree, mine\n");
    let stale =
        |notice: &super::order::Notice| notice.message.starts_with("tagout: stale: what 1 hunk is about changed");
    let shows =
        |order: &Order| matches!(order, Order::Publish(_, notices) if notices.len() == 1 && notices.iter().all(stale));
    assert!(orders.iter().any(shows), "{orders:?}");
    assert!(!accepts(&mut state, 3));
    assert!(
        !titles(&mut state, 3).iter().any(|title| title.contains("accept all") || title.contains("accept the whole"))
    );
    changed(&mut state, 5, "mine\n😀 ONE\ntwo\nthree\n");
    assert!(accepts(&mut state, 3), "taken back, it fits again");
}

#[test]
fn the_same_events_lead_to_the_same_orders() {
    let play = || {
        let mut state = reviewing();
        let (edit, _) = accept(&mut state, 2);
        let said = step(&mut state, Event::EditAnswered { edit, applied: false, reason: Some("no".into()) });
        format!("{said:?}")
    };
    assert_eq!(play(), play());
}

#[test]
fn a_folder_closed_before_it_is_open_stays_closed() {
    let mut state = State::default();
    let folder = || vec![PathBuf::from("/w")];
    let orders = step(&mut state, Event::FoldersChanged { added: folder(), removed: vec![] });
    let job = started(&orders, |task| matches!(task, Task::Open(_)));
    let orders = step(&mut state, Event::FoldersChanged { added: vec![], removed: folder() });
    assert!(matches!(orders.as_slice(), [Order::Stop(stopped)] if *stopped == job), "{orders:?}");
    let again = step(&mut state, Event::FoldersChanged { added: folder(), removed: vec![] });
    let again = started(&again, |task| matches!(task, Task::Open(_)));
    let root = Root::new("/w").unwrap();
    let orders = step(&mut state, ended(job, Outcome::Opened(opened(&root))));
    started(&orders, |task| matches!(task, Task::Forget(_)));
    assert!(state.workspaces.is_empty());
    step(&mut state, ended(again, Outcome::Opened(opened(&root))));
    assert_eq!(state.workspaces.len(), 1);
}

#[test]
fn of_many_changes_at_once_the_last_look_is_the_latest() {
    let mut state = reviewing();
    let root = Root::new("/w").unwrap();
    let touch = |state: &mut State| step(state, Event::FilesChanged { root: root.clone(), paths: vec![] });
    let is_look = |task: &Task| matches!(task, Task::Look(_));
    let looks = |orders: &[Order]| {
        orders.iter().filter(|order| matches!(order, Order::Start(_, task) if is_look(task))).count()
    };
    let first = started(&touch(&mut state), is_look);
    assert_eq!((looks(&touch(&mut state)), looks(&touch(&mut state))), (0, 0), "one is under way");
    let orders = step(&mut state, ended(first, Outcome::Looked(opened(&root).stance)));
    let second = started(&orders, is_look);
    assert_eq!(looks(&step(&mut state, ended(second, Outcome::Looked(opened(&root).stance)))), 0);
    started(&touch(&mut state), is_look);
}

#[test]
fn a_command_that_comes_while_a_folder_is_opened_waits_for_it() {
    let mut state = State::default();
    let orders = step(&mut state, Event::FoldersChanged { added: vec![PathBuf::from("/w")], removed: vec![] });
    let job = started(&orders, |task| matches!(task, Task::Open(_)));
    let argument = serde_json::json!({ "root": "/w", "pattern": "a", "replacement": "b", "language": "rust" });
    let ask = Ask::Command { name: "tagout.rewrite".into(), arguments: vec![argument] };
    assert!(step(&mut state, Event::Asked { request: RequestId(1), ask }).is_empty());
    let orders = step(&mut state, ended(job, Outcome::Opened(opened(&Root::new("/w").unwrap()))));
    started(&orders, |task| matches!(task, Task::Refactor(_)));
}
