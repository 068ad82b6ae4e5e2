//! What every ledger does: one test for both.

use super::{MemoryLedger, SqliteLedger};
use crate::changes::{Changeset, ChangesetId, FileChange, Origin};
use crate::policy::{Action, Facts, Grant, Mode, Place, Rules, decide};
use crate::ports::{Entry, FailureKind, Ledger, Modes, Phase, Shelf, Shelved, ShelvedState};
use crate::workspace::{FileState, RelativePath, Root};

pub(super) fn root(name: &str) -> Root {
    Root::new(format!("/somewhere/{name}")).unwrap()
}

pub(super) fn entry(outcome: &str) -> Entry {
    let action = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
    let verdict = decide(Mode::ReadOnly, &Rules::default(), &action, &Facts::user());
    let outcome = outcome.to_owned();
    Entry { number: 0, at_ms: 1, mode: Mode::ReadOnly, phase: Phase::Judged, action, verdict, level: None, outcome }
}

pub(super) fn grant(from: Mode, to: Mode) -> Grant {
    Grant::obtain(from, &Rules::default(), Action::SetMode { from, to }, &Facts::user(), None).unwrap().0
}

pub(super) fn shelved(number: i64, state: ShelvedState) -> Shelved {
    let after = Some(FileState::text(number.to_string()));
    let change = FileChange { path: RelativePath::new("a").unwrap(), before: None, after };
    let changeset = Changeset::new(Origin::Command { argv: vec![] }, vec![change]);
    Shelved { proposal: changeset.id.clone(), changeset, state, at_ms: number }
}

fn keeps_records_in_order_for_each_workspace(ledger: &impl Ledger) {
    let (one, two) = (root("one"), root("two"));
    assert_eq!(ledger.recent(&one, 5).unwrap(), []);
    for number in 1..=3 {
        assert_eq!(ledger.append(&one, &entry(&number.to_string())).unwrap(), number);
    }
    assert_eq!(ledger.append(&two, &entry("other")).unwrap(), 1);
    assert_eq!(ledger.recent(&one, 2).unwrap(), [Entry { number: 2, ..entry("2") }, Entry { number: 3, ..entry("3") }]);
    assert_eq!(ledger.recent(&one, usize::MAX).unwrap().len(), 3);
    assert_eq!(ledger.recent(&one, 0).unwrap(), []);
}

fn a_mode_changes_by_a_grant_for_just_that(modes: &impl Modes) {
    let (one, two) = (root("one"), root("two"));
    assert_eq!(modes.mode(&one).unwrap(), Mode::ReadOnly);
    modes.set_mode(grant(Mode::ReadOnly, Mode::WorkspaceWrite), &one).unwrap();
    assert_eq!(modes.mode(&one).unwrap(), Mode::WorkspaceWrite);
    assert_eq!(modes.mode(&two).unwrap(), Mode::ReadOnly);
    let late = modes.set_mode(grant(Mode::ReadOnly, Mode::Unrestricted), &one).unwrap_err();
    assert_eq!(late.kind, FailureKind::Stale);
    let run = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
    let run = Grant::obtain(Mode::ReadOnly, &Rules::default(), run, &Facts::user(), None).unwrap().0;
    assert_eq!(modes.set_mode(run, &one).unwrap_err().kind, FailureKind::Denied);
    assert_eq!(modes.mode(&one).unwrap(), Mode::WorkspaceWrite);
}

fn the_shelf_finds_by_the_beginning_of_a_name(shelf: &impl Shelf) {
    let root = root("one");
    let numbers = 0..40;
    for number in numbers.clone() {
        shelf.shelve(&root, &shelved(number, ShelvedState::Pending)).unwrap();
    }
    let one = shelved(7, ShelvedState::Pending);
    let find = |text: &str| shelf.shelved(&root, &ChangesetId::from_text(text));
    assert_eq!(find(one.changeset.id.as_str()).unwrap(), one);
    assert_eq!(find(one.changeset.id.as_str().get(..8).unwrap()).unwrap(), one);
    assert_eq!(find("").unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(find("nothing").unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(find("%").unwrap_err().kind, FailureKind::NotFound);
    let ambiguous = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];
    // 40 names over 16 digits: some two of them begin alike.
    assert!(ambiguous.iter().any(|digit| find(digit).is_err_and(|failure| failure.kind == FailureKind::InvalidInput)));

    let applied = Shelved { state: ShelvedState::Applied, at_ms: 99, ..one.clone() };
    shelf.shelve(&root, &applied).unwrap();
    assert_eq!(find(one.changeset.id.as_str()).unwrap(), applied);
    assert_eq!(shelf.in_state(&root, ShelvedState::Applied).unwrap(), [applied]);
    let pending: Vec<i64> =
        shelf.in_state(&root, ShelvedState::Pending).unwrap().iter().map(|kept| kept.at_ms).collect();
    assert_eq!(pending, numbers.filter(|number| *number != 7).collect::<Vec<_>>());
    assert!(shelf.in_state(&super::contract::root("two"), ShelvedState::Pending).unwrap().is_empty());
}

fn the_shelf_drops_what_was_decided_long_ago(shelf: &impl Shelf) {
    let root = root("full");
    shelf.shelve(&root, &shelved(-1, ShelvedState::Pending)).unwrap();
    for number in 0..201 {
        shelf.shelve(&root, &shelved(number, ShelvedState::Applied)).unwrap();
    }
    let applied = shelf.in_state(&root, ShelvedState::Applied).unwrap();
    assert_eq!(applied.iter().map(|kept| kept.at_ms).collect::<Vec<_>>(), (2..201).collect::<Vec<_>>());
    assert_eq!(shelf.in_state(&root, ShelvedState::Pending).unwrap().len(), 1);
}

fn check(ledger: &(impl Ledger + Modes + Shelf)) {
    keeps_records_in_order_for_each_workspace(ledger);
    a_mode_changes_by_a_grant_for_just_that(ledger);
    the_shelf_finds_by_the_beginning_of_a_name(ledger);
    the_shelf_drops_what_was_decided_long_ago(ledger);
}

#[test]
fn the_one_in_memory_keeps_the_contract() {
    check(&MemoryLedger::default());
}

#[test]
fn the_one_in_sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check(&SqliteLedger::new(folder.path().join("state/ledger.sqlite")));
}
