//! What only a database on disk can suffer.

use super::super::contract::{entry, grant, root, shelved};
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn ledger(folder: &Path) -> SqliteLedger {
    SqliteLedger::new(folder.join("ledger.sqlite"))
}

fn directly(folder: &Path) -> Connection {
    Connection::open(folder.join("ledger.sqlite")).unwrap()
}

#[test]
fn nothing_is_made_before_it_is_used_and_then_for_the_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let ledger = ledger(&state);
    assert!(!state.exists());
    ledger.append(&root("one"), &entry("x")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for file in fs::read_dir(&state).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_record_cannot_be_changed_and_a_change_by_force_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    for number in 0..4 {
        ledger.append(&root, &entry(&number.to_string())).unwrap();
    }
    ledger.verify(&root).unwrap();
    let direct = directly(folder.path());
    for statement in [
        "UPDATE record SET entry = '{}'",
        "DELETE FROM record",
        "INSERT OR REPLACE INTO record SELECT workspace, number, '{}', chain FROM record",
    ] {
        let error = direct.execute(statement, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    direct.execute_batch("DROP TRIGGER record_stays; DROP TRIGGER record_is_kept").unwrap();
    direct.execute("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 3", []).unwrap();
    assert!(ledger.verify(&root).unwrap_err().what.contains("record 3 "));
    direct.execute("DELETE FROM record WHERE number = 2", []).unwrap();
    assert!(ledger.verify(&root).unwrap_err().what.contains("record 2 "));
}

#[test]
fn a_damaged_database_is_set_aside_and_everything_is_read_only_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = root("one");
    let path = folder.path().join("ledger.sqlite");
    for round in 1..=2 {
        let first = ledger(folder.path());
        first.set_mode(grant(Mode::ReadOnly, Mode::Unrestricted), &root).unwrap();
        assert_eq!(first.take_notice(), None);
        drop(first);
        // Once at the head, once in the middle.
        let mut bytes = fs::read(&path).unwrap();
        let start = if round == 1 { 0 } else { 4096 };
        bytes[start..start + 2000].fill(0xAA);
        fs::write(&path, bytes).unwrap();

        let second = ledger(folder.path());
        assert_eq!(second.mode(&root).unwrap(), Mode::ReadOnly);
        let notice = second.take_notice().unwrap();
        assert!(notice.contains(&format!("damaged-{round}")), "{notice}");
        assert_eq!(second.take_notice(), None);
        assert!(folder.path().join(format!("ledger.sqlite-damaged-{round}")).exists());
        second.append(&root, &entry("goes on")).unwrap();
    }
}

#[test]
fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path()).append(&root("one"), &entry("x")).unwrap();
    directly(folder.path()).pragma_update(None, "user_version", 99).unwrap();
    let failure = ledger(folder.path()).append(&root("one"), &entry("x")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.what.contains("newer"), "{failure}");
    directly(folder.path()).pragma_update(None, "user_version", 1).unwrap();
    assert_eq!(ledger(folder.path()).recent(&root("one"), 9).unwrap().len(), 1);
}

#[test]
fn where_nothing_can_be_written_the_failure_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let failure = ledger(&folder.path().join("file")).append(&root("one"), &entry("x")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.to_string().contains("TAGOUT_STATE_DIR"), "{failure}");
}

#[test]
fn goes_on_when_its_folder_is_removed_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (state, root) = (folder.path().join("state"), root("one"));
    let ledger = ledger(&state);
    ledger.append(&root, &entry("lost")).unwrap();
    fs::remove_dir_all(&state).unwrap();
    assert_eq!(ledger.append(&root, &entry("kept")).unwrap(), 1);
    assert_eq!(super::SqliteLedger::new(state.join("ledger.sqlite")).recent(&root, 9).unwrap().len(), 1);
}

#[test]
fn several_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = root("one");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (folder, root) = (folder.path(), &root);
            scope.spawn(move || {
                // A ledger of its own, as another process has; all begin with the first opening.
                let ledger = ledger(folder);
                for number in 0..10 {
                    ledger.append(root, &entry(&format!("{writer}/{number}"))).unwrap();
                    ledger.shelve(root, &shelved(writer * 10 + number, ShelvedState::Pending)).unwrap();
                }
            });
        }
    });
    let ledger = ledger(folder.path());
    ledger.verify(&root).unwrap();
    let numbers: Vec<u64> = ledger.recent(&root, 99).unwrap().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(ledger.in_state(&root, ShelvedState::Pending).unwrap().len(), 40);
}
