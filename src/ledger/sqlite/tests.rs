//! What only a database on disk can suffer.

use super::super::contract::{entry, grant, root, shelved};
use super::super::schema::MIGRATIONS;
use super::*;
use crate::ports::{Grants, ShelvedState, Which};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn ledger(folder: &Path) -> SqliteLedger {
    SqliteLedger::new(folder.join("ledger.sqlite"), keys(folder))
}

/// Beside the folder of the database.
fn keys(folder: &Path) -> PathBuf {
    folder.with_extension("keys")
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
    directly(folder.path()).pragma_update(None, "user_version", MIGRATIONS.len() as i64).unwrap();
    assert_eq!(ledger(folder.path()).recent(&root("one"), 9).unwrap().len(), 1);
}

#[test]
fn where_nothing_can_be_written_the_failure_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let failure = SqliteLedger::new(folder.path().join("file/ledger.sqlite"), folder.path().join("keys"));
    let failure = failure.append(&root("one"), &entry("x")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.to_string().contains("TAGOUT_STATE_DIR"), "{failure}");
    let failure = SqliteLedger::new(folder.path().join("ledger.sqlite"), folder.path().join("file"));
    let failure = failure.append(&root("one"), &entry("x")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.to_string().contains("key folder"), "{failure}");
}

#[test]
fn a_record_is_not_left_where_its_anchor_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    ledger.append(&root, &entry("x")).unwrap();
    let anchor = keys(folder.path()).join(format!("{}.anchor", root.key()));
    fs::remove_file(&anchor).unwrap();
    fs::create_dir(&anchor).unwrap();
    let failure = ledger.append(&root, &entry("y")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(ledger.recent(&root, 9).unwrap().len(), 1);
}

#[test]
fn goes_on_when_its_folder_is_removed_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (state, root) = (folder.path().join("state"), root("one"));
    let ledger = ledger(&state);
    ledger.append(&root, &entry("lost")).unwrap();
    fs::remove_dir_all(&state).unwrap();
    assert_eq!(ledger.append(&root, &entry("kept")).unwrap(), 2);
    assert_eq!(self::ledger(&state).recent(&root, 9).unwrap().len(), 1);
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
    ledger.verify(&root).unwrap().sound().unwrap();
    let numbers: Vec<u64> = ledger.recent(&root, 99).unwrap().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(ledger.history(&root, Which::default()).unwrap().listed.len(), 40);
}

#[test]
fn threads_of_one_process_share_writes_and_each_gets_its_own_number() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let roots = [root("one"), root("two")];
    let mut numbers: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let write = |writer: usize| {
            let (ledger, root) = (&ledger, &roots[writer % 2]);
            let append = move |number| {
                let outcome = format!("{writer}/{number}");
                let own = ledger.append(root, &entry(&outcome)).unwrap();
                let mut found = None;
                let mut reader = |entry: &Entry| {
                    found = Some(entry.outcome.clone());
                    ControlFlow::Break(())
                };
                ledger.each(root, Since::Number(own), &mut reader).unwrap();
                assert_eq!(found.as_deref(), Some(outcome.as_str()));
                (writer % 2, own)
            };
            scope.spawn(move || (0..20).map(append).collect::<Vec<_>>())
        };
        let writers: Vec<_> = (0..8).map(write).collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    let wanted: Vec<(usize, u64)> = (0..2).flat_map(|root| (1..=80).map(move |number| (root, number))).collect();
    assert_eq!(numbers, wanted);
    for root in &roots {
        let audit = ledger.verify(root).unwrap();
        assert_eq!((audit.faults, audit.notes), (vec![], vec![]));
    }
}

#[test]
fn a_grant_for_one_use_is_spent_by_one_of_many() {
    let folder = tempfile::tempdir().unwrap();
    let grant = crate::ports::LiveGrant {
        id: "once".into(),
        root: root("one"),
        kind: crate::ports::GrantKind::Once,
        action_hash: crate::workspace::ContentHash::of(b""),
        described: String::new(),
        from: String::new(),
        made_ms: 0,
        expires_ms: None,
    };
    ledger(folder.path()).add(&grant).unwrap();
    let spent = std::thread::scope(|scope| {
        let spend = |_| scope.spawn(|| ledger(folder.path()).use_once("once", 1).unwrap());
        let all: Vec<_> = (0..6).map(spend).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|spent| *spent).count()
    });
    assert_eq!(spent, 1);
}

#[test]
fn a_full_disk_and_a_lock_are_failures_that_leave_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    ledger.append(&root, &entry("x")).unwrap();
    let limit = |pages: i64| {
        ledger.with(|connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))?)
        })
    };
    limit(1).unwrap();
    let full = (0..200).find_map(|_| ledger.append(&root, &entry(&"y".repeat(4000))).err()).unwrap();
    assert_eq!(full.kind, FailureKind::Unavailable);
    assert!(full.to_string().contains("make room on the disk"), "{full}");
    ledger.verify(&root).unwrap().sound().unwrap();
    limit(1 << 30).unwrap();
    let number = ledger.append(&root, &entry("goes on")).unwrap();
    assert_eq!(ledger.recent(&root, 1).unwrap()[0].number, number);

    let holder = directly(folder.path());
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = ledger.append(&root, &entry("z")).unwrap_err();
    assert_eq!(held.kind, FailureKind::Unavailable);
    assert!(held.to_string().contains("held by another process"), "{held}");
    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(ledger.append(&root, &entry("z")).unwrap(), number + 1);
    ledger.verify(&root).unwrap().sound().unwrap();
}
