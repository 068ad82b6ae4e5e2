//! Failures in the middle: the disk is changed between two steps, as another program might.

use super::*;
use crate::changes::ChangesetId;
use crate::host::open_root;
use std::fs;
use std::path::Path;

fn text(text: &str) -> Option<FileState> {
    Some(FileState::text(text))
}

fn change(path: &str, before: Option<FileState>, after: Option<FileState>) -> FileChange {
    FileChange { path: RelativePath::new(path).unwrap(), before, after }
}

/// Stages changes, lets `disturb` at the disk once they are committed, and goes on. What was kept comes last.
fn disturbed(disturb: impl Fn(&Path)) -> (Failure, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    for (name, content) in [("1", "one"), ("2", "two"), ("3", "three")] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let changes = [
        change("1", text("one"), text("ONE")),
        change("2", text("two"), None),
        change("new/4", None, text("FOUR")),
        change("3", text("three"), text("THREE")),
    ];
    let changes: Vec<&FileChange> = changes.iter().collect();
    let root = open_root(folder.path()).unwrap();
    let beneath = Beneath::open(&root).unwrap();
    let made = vec![RelativePath::new("new").unwrap()];
    let plan = Plan::new(&ChangesetId::from_text("x"), &root, &changes, made);
    let journal = Journal::begin(state.path(), &plan, Durability::Durable).unwrap();
    let mut transaction = Transaction::new(&beneath, &plan, journal, Durability::Durable);
    transaction.stage(&changes, &Permissions::new()).unwrap();
    disturb(folder.path());
    let failure = transaction.commit().unwrap_err();
    let undone = transaction.undo();
    assert!(undone.lost.is_empty(), "{:?}", undone.lost);
    assert_eq!(fs::read_dir(state.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count(), 0);
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap_or_else(|_| "(folder)".into()))
        })
        .collect();
    left.sort();
    (failure, left)
}

fn pairs(left: &[(String, String)]) -> Vec<(&str, &str)> {
    left.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect()
}

#[test]
fn what_another_program_wrote_in_between_stays_and_the_rest_is_put_back() {
    let (failure, left) = disturbed(|folder| fs::write(folder.join("3"), "mine!").unwrap());
    assert_eq!(failure.kind, FailureKind::Stale);
    assert_eq!(pairs(&left), [("1", "one"), ("2", "two"), ("3", "mine!")]);
}

#[test]
fn a_target_that_vanished_or_appeared_is_stale() {
    let (failure, left) = disturbed(|folder| fs::remove_file(folder.join("3")).unwrap());
    assert_eq!(failure.kind, FailureKind::Stale);
    assert_eq!(pairs(&left), [("1", "one"), ("2", "two")]);

    let (failure, left) = disturbed(|folder| fs::write(folder.join("new/4"), "mine!").unwrap());
    assert_eq!(failure.kind, FailureKind::Stale);
    assert_eq!(pairs(&left), [("1", "one"), ("2", "two"), ("3", "three"), ("new", "(folder)")]);
}

#[test]
fn a_folder_in_the_targets_place_is_left_alone() {
    let (failure, left) = disturbed(|folder| {
        fs::remove_file(folder.join("3")).unwrap();
        fs::create_dir(folder.join("3")).unwrap();
        fs::write(folder.join("3/inside"), "x").unwrap();
    });
    assert_eq!(failure.kind, FailureKind::Stale);
    assert_eq!(pairs(&left), [("1", "one"), ("2", "two"), ("3", "(folder)")]);
}
