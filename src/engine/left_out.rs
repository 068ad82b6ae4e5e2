//! Edits that the editor left out, as its text was another one by then, while it says that it made them.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one order among many")]

use std::path::PathBuf;

use proptest::prelude::*;

use super::event::{Event, Outcome, TextChange};
use super::order::{EditId, JobId, Level, Order, Task};
use super::play::{accept, changed, choose, ended, granted, opened, recorded, reviewing, started, step, titles, uri};
use super::recipes::{Applied, ApplyTask, Proposed};
use super::state::State;
use crate::changes::{Changeset, FileChange, Origin};
use crate::text::{Edit, Encoding, Range, Snapshot, apply_edits};
use crate::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

const TYPED: &str = "mine\n😀 one\ntwo\nthree\n";
const ACCEPT: &str = "tagout: accept this hunk";

/// An edit that the server asked for: of which document, over which version.
type Asked = (EditId, DocumentUri, DocumentVersion, Vec<(Range, String)>);

/// What the editor makes of `text` by these edits.
fn made(text: &str, edits: Vec<(Range, String)>) -> String {
    let snapshot = Snapshot::from(text);
    let edit = |(range, replacement)| Edit { span: snapshot.span(range, Encoding::Utf16), replacement };
    apply_edits(text, &edits.into_iter().map(edit).collect::<Vec<_>>()).unwrap()
}

fn applying(orders: &[Order]) -> Vec<(JobId, ApplyTask)> {
    let apply = |order: &Order| match order {
        Order::Start(job, Task::Apply(task)) => Some((*job, task.clone())),
        _ => None,
    };
    orders.iter().filter_map(apply).collect()
}

/// Judges what is applied; the edits that the editor is asked for.
fn asked(state: &mut State, orders: &[Order]) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (job, task) in applying(orders) {
        let granted = granted(&task);
        for order in step(state, ended(job, Outcome::Applied(Applied::ForEditor(task, granted)))) {
            if let Order::Edit { edit, uri, version, edits, .. } = order {
                asked.push((edit, uri, version, edits));
            }
        }
    }
    asked
}

fn says_made(state: &mut State, edit: EditId) -> Vec<Order> {
    step(state, Event::EditAnswered { edit, applied: true, reason: None })
}

fn warned(orders: &[Order]) -> Option<&str> {
    orders.iter().find_map(|order| match order {
        Order::Tell(Level::Warning, text) => Some(text.as_str()),
        _ => None,
    })
}

fn waits_at(state: &mut State, line: u32) -> bool {
    titles(state, line).iter().any(|title| title == ACCEPT)
}

#[test]
fn what_the_editor_left_out_is_asked_for_again_over_the_newer_text_at_once() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    assert_eq!(recorded(&says_made(&mut state, edit)), None);
    let orders = changed(&mut state, 2, TYPED);
    assert!(recorded(&orders).flatten().is_some_and(|why| why.contains("did not show")), "{orders:?}");
    assert_eq!(warned(&orders), None, "there is nothing to decide: {orders:?}");
    let (edit, _, version, edits) = asked(&mut state, &orders).remove(0);
    assert_eq!(version, DocumentVersion(2));
    let text = made(TYPED, edits);
    assert_eq!(text, "mine\n😀 ONE\ntwo\nthree\n");
    says_made(&mut state, edit);
    assert_eq!(recorded(&changed(&mut state, 3, &text)), Some(None), "it was made, and only once");
    assert!(!waits_at(&mut state, 1) && waits_at(&mut state, 3));
}

#[test]
fn a_text_that_comes_before_the_answer_proves_nothing() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    assert!(applying(&changed(&mut state, 2, TYPED)).is_empty(), "the editor has not answered yet");
    assert!(applying(&says_made(&mut state, edit)).is_empty(), "it may have moved the edit, and show it next");
    let orders = changed(&mut state, 3, "mine\n😀 ONE\ntwo\nthree\n");
    assert_eq!(recorded(&orders), Some(None));
    assert!(!state.waits());
}

#[test]
fn where_nothing_comes_after_the_answer_it_is_asked_again_after_a_while() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    changed(&mut state, 2, TYPED);
    says_made(&mut state, edit);
    let ticks: Vec<Order> = (0..3).flat_map(|_| step(&mut state, Event::Tick)).collect();
    assert_eq!(asked(&mut state, &ticks).len(), 1, "{ticks:?}");
}

#[test]
fn an_answer_that_comes_late_leaves_the_text_its_time() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    changed(&mut state, 2, TYPED);
    let ticks: Vec<Order> = (0..50).flat_map(|_| step(&mut state, Event::Tick)).collect();
    assert_eq!((recorded(&ticks), says_made(&mut state, edit).len()), (None, 0));
    assert_eq!(recorded(&step(&mut state, Event::Tick)), None, "a second later is no reason to give up");
    assert_eq!(recorded(&changed(&mut state, 3, "mine\n😀 ONE\ntwo\nthree\n")), Some(None));
}

#[test]
fn what_the_user_undid_is_not_made_again() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    says_made(&mut state, edit);
    // Both in one message: made, and taken back.
    let orders = changed(&mut state, 3, super::play::BEFORE);
    assert!(applying(&orders).is_empty(), "{orders:?}");
    assert!(warned(&orders).is_some_and(|text| text.contains("look at the file")), "{orders:?}");
    assert!(waits_at(&mut state, 0) && !state.waits());
}

#[test]
fn what_the_user_typed_over_is_not_asked_for_again_and_lost_by_nobody() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    says_made(&mut state, edit);
    let orders = changed(&mut state, 2, "😀 one, mine\ntwo\nthree\n");
    assert!(applying(&orders).is_empty(), "{orders:?}");
    assert!(warned(&orders).is_some_and(|text| text.contains("changed where this would change it")), "{orders:?}");
    assert!(!waits_at(&mut state, 0) && waits_at(&mut state, 2) && !state.waits());
    changed(&mut state, 3, super::play::BEFORE);
    assert!(waits_at(&mut state, 0), "with its lines the hunk is back");
}

#[test]
fn what_the_user_typed_just_so_is_made() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    says_made(&mut state, edit);
    let orders = changed(&mut state, 2, "mine\n😀 ONE\ntwo\nthree\n");
    assert_eq!((recorded(&orders), applying(&orders).len()), (Some(None), 0));
}

#[test]
fn an_editor_that_refuses_an_older_text_is_asked_again() {
    let mut state = reviewing();
    let (edit, _) = accept(&mut state, 0);
    changed(&mut state, 2, TYPED);
    let refused = Event::EditAnswered { edit, applied: false, reason: Some("the document changed".into()) };
    let orders = step(&mut state, refused);
    assert!(recorded(&orders).flatten().is_some_and(|why| why.contains("the document changed")), "{orders:?}");
    let (_, _, version, edits) = asked(&mut state, &orders).remove(0);
    assert_eq!((version, made(TYPED, edits).as_str()), (DocumentVersion(2), "mine\n😀 ONE\ntwo\nthree\n"));
}

#[test]
fn after_three_more_times_the_user_is_told() {
    let mut state = reviewing();
    let (mut edit, _) = accept(&mut state, 0);
    let mut text = super::play::BEFORE.to_owned();
    let mut more = 0;
    for version in 2.. {
        says_made(&mut state, edit);
        text.insert_str(0, "mine\n");
        let orders = changed(&mut state, version, &text);
        assert!(recorded(&orders).flatten().is_some(), "each time is in the record: {orders:?}");
        match asked(&mut state, &orders).pop() {
            Some(again) => edit = again.0,
            None => {
                assert!(warned(&orders).is_some_and(|text| text.contains("then accept it again")), "{orders:?}");
                break;
            }
        }
        more += 1;
    }
    assert_eq!((more, state.waits()), (3, false));
    let at = u32::try_from(more).unwrap() + 1;
    assert!(waits_at(&mut state, at), "the hunk waits where its lines are");
    let again = choose(&mut state, at, ACCEPT);
    assert_eq!(asked(&mut state, &again).len(), 1);
}

#[test]
fn text_that_came_before_the_editor_was_asked_is_what_it_is_asked_over() {
    let mut state = reviewing();
    let orders = choose(&mut state, 0, ACCEPT);
    changed(&mut state, 2, TYPED);
    let (job, task) = applying(&orders).remove(0);
    let granted = granted(&task);
    let orders = step(&mut state, ended(job, Outcome::Applied(Applied::ForEditor(task, granted))));
    assert!(recorded(&orders).flatten().is_some_and(|why| why.contains("before the editor was asked")), "{orders:?}");
    assert_eq!(asked(&mut state, &orders).len(), 1);
}

#[test]
fn of_two_documents_only_the_one_that_was_left_out_is_asked_for_again() {
    let (mut state, id) = two_documents();
    let ask = super::event::Ask::Command {
        name: "tagout.accept".into(),
        arguments: vec![serde_json::json!({ "changeset": id })],
    };
    let orders = step(&mut state, Event::Asked { request: super::order::RequestId(7), ask });
    let edits = asked(&mut state, &orders);
    assert_eq!(edits.len(), 2);
    let mut again = Vec::new();
    for (edit, at, version, edits) in edits {
        says_made(&mut state, edit);
        let text = if at == uri() { made("one\n", edits) } else { "mine\none\n".to_owned() };
        let changes = vec![TextChange { range: None, text }];
        let orders = step(&mut state, Event::Changed { uri: at, version: DocumentVersion(version.0 + 1), changes });
        again.extend(asked(&mut state, &orders));
    }
    let [(edit, at, version, edits)] = again.try_into().unwrap();
    assert_eq!((at.0.as_str(), version), ("file:///w/b.txt", DocumentVersion(2)));
    says_made(&mut state, edit);
    let changes = vec![TextChange { range: None, text: made("mine\none\n", edits) }];
    step(&mut state, Event::Changed { uri: at.clone(), version: DocumentVersion(3), changes });
    assert_eq!(state.documents.get(&at).unwrap().text.to_string(), "mine\nONE\n");
    assert!(state.reviews.is_empty() && !state.waits());
}

/// A session with two documents open that one proposal would change.
fn two_documents() -> (State, String) {
    let mut state = State::default();
    let root = Root::new("/w").unwrap();
    let orders = step(&mut state, Event::FoldersChanged { added: vec![PathBuf::from("/w")], removed: vec![] });
    let job = started(&orders, |task| matches!(task, Task::Open(_)));
    step(&mut state, ended(job, Outcome::Opened(opened(&root))));
    let mut files = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let (uri, path) = (DocumentUri(format!("file:///w/{name}")), Some(PathBuf::from(format!("/w/{name}"))));
        step(&mut state, Event::Opened { uri, path, version: DocumentVersion(1), text: "one\n".into() });
        let (before, after) = (Some(FileState::text("one\n")), Some(FileState::text("ONE\n")));
        files.push(FileChange { path: RelativePath::new(name).unwrap(), before, after });
    }
    let changeset = Changeset::new(Origin::User, files);
    let id = changeset.id.to_string();
    let job = state.begin(None, Some(&root));
    step(&mut state, ended(job, Outcome::Proposed(Proposed { root, changeset, files: 2, problems: vec![] })));
    (state, id)
}

proptest! {
    /// Whatever is typed around a hunk while it is asked for, it is made once, and nothing else is changed.
    #[test]
    fn typing_while_the_editor_is_asked_changes_no_other_byte(typed in prop::collection::vec("[a-c😀]{0,3}", 1..4)) {
        let mut state = reviewing();
        let (mut edit, _) = accept(&mut state, 0);
        let mut text = super::play::BEFORE.to_owned();
        for (version, line) in (2..).zip(&typed) {
            says_made(&mut state, edit);
            text.insert_str(0, &format!("{line}\n"));
            let orders = changed(&mut state, version, &text);
            let (again, _, _, edits) = asked(&mut state, &orders).remove(0);
            edit = again;
            prop_assert_eq!(made(&text, edits), text.replace("😀 one\n", "😀 ONE\n"));
        }
    }
}
