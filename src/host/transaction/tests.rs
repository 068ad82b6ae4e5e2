//! Failures in the middle: the disk is changed between two steps, as another program might.

use super::*;
use crate::host::open_root;
use std::fs;
use std::path::Path;

fn text(text: &str) -> Option<FileState> {
    Some(FileState::text(text))
}

fn change(path: &str, before: Option<FileState>, after: Option<FileState>) -> FileChange {
    FileChange { path: RelativePath::new(path).unwrap(), before, after }
}

/// Stages three changes, lets `disturb` at the disk, skips the second look, and commits.
fn disturbed(disturb: impl Fn(&Path)) -> (Failure, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("1", "one"), ("2", "two"), ("3", "three")] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let changes = [
        change("1", text("one"), text("ONE")),
        change("2", text("two"), None),
        change("new/4", None, text("FOUR")),
        change("3", text("three"), text("THREE")),
    ];
    let mut transaction = Transaction::new(Beneath::open(&open_root(folder.path()).unwrap()).unwrap(), &changes);
    transaction.check().unwrap();
    transaction.stage(0).unwrap();
    disturb(folder.path());
    let mut failure = None;
    for step in &mut transaction.steps {
        if let Err(error) = commit_step(&transaction.beneath, step) {
            failure = Some(error);
            break;
        }
    }
    let failure = transaction.put_back(failure.expect("a step fails"));
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
    assert!(failure.hints.iter().any(|hint| hint == "nothing was changed"), "{failure}");
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

#[test]
fn what_cannot_be_put_back_is_named_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("1"), "one").unwrap();
    let changes = [change("1", text("one"), None), change("2", text("gone"), text("x"))];
    let mut transaction = Transaction::new(Beneath::open(&open_root(folder.path()).unwrap()).unwrap(), &changes);
    let step = transaction.steps.first_mut().unwrap();
    commit_step(&transaction.beneath, step).unwrap();
    let beside = step.beside.clone();
    // Another program takes the name before the deletion is undone.
    fs::write(folder.path().join("1"), "mine!").unwrap();
    let failure = transaction.put_back(stale(&changes[1].path));
    assert!(failure.hints.iter().any(|hint| hint.contains(&beside)), "{failure}");
    assert_eq!(fs::read_to_string(folder.path().join("1")).unwrap(), "mine!");
    assert_eq!(fs::read_to_string(folder.path().join(beside)).unwrap(), "one");
}

#[test]
fn file_systems_without_an_exchange_are_served_by_renames() {
    let folder = tempfile::tempdir().unwrap();
    let open: OwnedFd = fs::File::open(folder.path()).unwrap().into();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    fs::write(folder.path().join("a"), "A").unwrap();
    fs::write(folder.path().join("b"), "B").unwrap();
    swap_by_renames(&open, "a", "b").unwrap();
    assert_eq!((read("a"), read("b")), ("B".to_owned(), "A".to_owned()));

    assert!(swap_by_renames(&open, "missing", "b").is_err());
    assert_eq!(read("b"), "A");

    create_by_link(&open, "a", "c").unwrap();
    assert_eq!(read("c"), "B");
    fs::write(folder.path().join("a"), "A").unwrap();
    assert_eq!(create_by_link(&open, "a", "c"), Err(Errno::EXIST));
    assert_eq!((read("a"), read("c")), ("A".to_owned(), "B".to_owned()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
