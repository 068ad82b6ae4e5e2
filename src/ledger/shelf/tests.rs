//! What is kept is what is read, each content once, or it is said that it is damaged.

use proptest::prelude::*;

use super::super::SqliteLedger;
use super::super::contract::{root, shelved};
use super::super::schema::MIGRATIONS;
use super::super::shelf_contract::noise;
use super::*;
use crate::changes::{CheckOutcome, Checked};
use crate::ports::{History, Retention, Shelf};
use crate::workspace::{FileKind, RelativePath, Root};
use std::path::Path;

fn ledger(folder: &Path) -> SqliteLedger {
    SqliteLedger::new(folder.join("state/ledger.sqlite"), folder.join("keys"))
}

fn all(ledger: &SqliteLedger, root: &Root) -> Vec<Listed> {
    ledger.history(root, Which::default()).unwrap().whole().unwrap()
}

fn directly(folder: &Path) -> Connection {
    Connection::open(folder.join("state/ledger.sqlite")).unwrap()
}

fn count(folder: &Path, what: &str) -> i64 {
    directly(folder).query_row(&format!("SELECT {what}"), [], |row| row.get(0)).unwrap()
}

fn state() -> impl Strategy<Value = Option<FileState>> {
    let kind = prop_oneof![Just(FileKind::Plain), Just(FileKind::Executable), Just(FileKind::Symlink)];
    let long = (0..4_u8, 100..3000_usize).prop_map(|(byte, count)| vec![byte; count]);
    let bytes = prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), long, Just(Vec::new())];
    proptest::option::of((kind, bytes).prop_map(|(kind, bytes)| FileState { kind, bytes }))
}

fn changeset() -> impl Strategy<Value = Changeset> {
    let change = ("[a-c]{1,2}(/[a-c])?", state(), state());
    (proptest::collection::vec(change, 0..6), 0..3_u8).prop_map(|(changes, checks)| {
        let change = |(path, before, after)| FileChange { path: RelativePath::new(path).unwrap(), before, after };
        let mut changeset = Changeset::new(Origin::User, changes.into_iter().map(change).collect());
        let outcome = CheckOutcome::Passed { summary: String::new() };
        let check = |number: u8| Checked { name: number.to_string(), outcome: outcome.clone(), level: None };
        changeset.lineage.checks.extend((0..checks).map(check));
        changeset
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shelved_is_loaded_and_nothing_else_is_left(
        changesets in proptest::collection::vec((changeset(), 0..4_usize), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, root) = (ledger(folder.path()), root("one"));
        let mut wanted = std::collections::BTreeMap::new();
        for ((changeset, state), at_ms) in changesets.into_iter().zip(0..) {
            let (proposal, state) = (ChangesetId::from_text("x"), ShelvedState::ALL[state]);
            let shelved = Shelved { changeset, proposal, state, at_ms };
            ledger.shelve(&root, &shelved).unwrap();
            wanted.insert(shelved.changeset.id.clone(), shelved);
        }
        for (id, shelved) in &wanted {
            prop_assert_eq!(&ledger.shelved(&root, id).unwrap(), shelved);
        }
        prop_assert_eq!(all(&ledger, &root).len(), wanted.len());
        // Each content once, and none that nothing refers to.
        let states = wanted.values().flat_map(|one| &one.changeset.files).flat_map(|file| [&file.before, &file.after]);
        let contents: std::collections::BTreeSet<&[u8]> =
            states.flatten().map(|state| state.bytes.as_slice()).collect();
        prop_assert_eq!(usize::try_from(count(folder.path(), "count(*) FROM blob")).unwrap(), contents.len());
        let orphans = "count(*) FROM shelf_blob WHERE turn NOT IN (SELECT turn FROM shelf)";
        prop_assert_eq!(count(folder.path(), orphans), 0);
    }
}

#[test]
fn what_many_have_is_kept_once_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    let before = Some(FileState { kind: FileKind::Plain, bytes: noise(1, 100_000) });
    for number in 0..10 {
        let after = Some(FileState::text(format!("{number}\n").repeat(50_000)));
        let change = FileChange { path: RelativePath::new("a").unwrap(), before: before.clone(), after };
        let changeset = Changeset::new(Origin::User, vec![change]);
        let shelved = Shelved { proposal: changeset.id.clone(), changeset, state: ShelvedState::Applied, at_ms: 1 };
        ledger.shelve(&root, &shelved).unwrap();
    }
    let bytes = count(folder.path(), "sum(length(content)) FROM blob");
    assert!((100_000..102_000).contains(&bytes), "{bytes} bytes for what is 2,000,000");
}

#[test]
fn what_is_damaged_is_told_and_never_taken_for_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    let text = "to be, or not to be\n".repeat(100);
    let change = FileChange { path: RelativePath::new("a").unwrap(), before: None, after: Some(FileState::text(text)) };
    let changeset = Changeset::new(Origin::User, vec![change]);
    let id = changeset.id.clone();
    let shelved = Shelved { proposal: id.clone(), changeset, state: ShelvedState::Applied, at_ms: 1 };
    let harms = [
        "UPDATE blob SET content = (SELECT substr(content, 1, length(content) - 1) FROM blob)",
        "UPDATE blob SET packed = 0",
        "UPDATE blob SET size = size - 1",
        "UPDATE blob SET size = 9223372036854775807",
        "UPDATE blob SET content = x''",
        "UPDATE blob SET content = CAST('another file' AS BLOB), packed = 0",
        "DELETE FROM blob",
        "UPDATE shelf SET content = CAST(replace(CAST(content AS TEXT), 'a', 'b') AS BLOB)",
        "UPDATE shelf SET content = x''",
        "UPDATE shelf SET about = about || ' '",
        "UPDATE shelf SET seal = NULL",
    ];
    for harm in harms {
        ledger.shelve(&root, &shelved).unwrap();
        assert_eq!(ledger.shelved(&root, &id).unwrap(), shelved);
        directly(folder.path()).execute_batch(harm).unwrap();
        let failure = ledger.shelved(&root, &id).expect_err(harm);
        assert!(failure.kind == FailureKind::Internal && failure.what.contains("is damaged"), "{harm}: {failure}");
        // It keeps nothing else from being read.
        let other = super::super::contract::shelved(1, ShelvedState::Applied);
        ledger.shelve(&root, &other).unwrap();
        let History { listed, damaged } = ledger.history(&root, Which::default()).unwrap();
        assert!(listed.iter().any(|one| one.id == other.changeset.id), "{harm}");
        assert_eq!(damaged.len(), usize::from(harm.starts_with("UPDATE shelf")), "{harm}");
        assert!(damaged.iter().all(|one| one.id == id && one.failure == failure), "{harm}: {damaged:?}");
        directly(folder.path()).execute_batch("DELETE FROM shelf; DELETE FROM shelf_blob; DELETE FROM blob").unwrap();
    }
}

#[test]
fn what_several_processes_change_at_once_is_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (root, one) = (root("one"), super::super::contract::shelved(1, ShelvedState::Pending));
    ledger(folder.path()).shelve(&root, &one).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // A ledger of its own, as another process has.
                let ledger = ledger(folder.path());
                for _ in 0..10 {
                    let later = &mut |kept: Shelved| Some(Shelved { at_ms: kept.at_ms + 1, ..kept });
                    ledger.amend(&root, &one.changeset.id, later).unwrap();
                }
            });
        }
    });
    let kept = ledger(folder.path()).shelved(&root, &one.changeset.id).unwrap();
    assert_eq!(kept, Shelved { at_ms: one.at_ms + 40, ..one });
}

/// A database as version 2 made it, with these on its shelf.
fn of_version_two(folder: &Path, kept: &[Shelved]) {
    std::fs::create_dir_all(folder.join("state")).unwrap();
    let old = directly(folder);
    MIGRATIONS[..2].iter().for_each(|statements| old.execute_batch(statements).unwrap());
    old.pragma_update(None, "user_version", 2).unwrap();
    for Shelved { changeset, proposal, state, at_ms } in kept {
        let content = postcard::to_stdvec(&(changeset, proposal)).unwrap();
        let insert = "INSERT OR REPLACE INTO shelf (workspace, id, state, at_ms, content) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![root("one").key(), changeset.id.as_str(), name(*state), at_ms, content];
        old.execute(insert, row).unwrap();
    }
}

#[test]
fn what_was_kept_before_contents_were_kept_apart_is_there_and_changes_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let part = Shelved { proposal: shelved(1, ShelvedState::Settled).proposal, ..shelved(2, ShelvedState::Applied) };
    let kept = [shelved(1, ShelvedState::Settled), part, shelved(3, ShelvedState::Pending)];
    of_version_two(folder.path(), &kept);
    let (ledger, root) = (ledger(folder.path()), root("one"));
    for one in &kept {
        assert_eq!(ledger.shelved(&root, &one.changeset.id).unwrap(), *one);
        let which = Which { state: Some(one.state), proposal: Some(&one.proposal) };
        let listed = ledger.history(&root, which).unwrap().whole().unwrap();
        assert_eq!(listed, [Listed::of(one, summarise(&one.changeset))]);
    }
    let listed: Vec<Listed> = kept.iter().rev().map(|one| Listed::of(one, summarise(&one.changeset))).collect();
    assert_eq!(all(&ledger, &root), listed);
    let undone = Shelved { state: ShelvedState::Undone, at_ms: 4, ..kept[1].clone() };
    ledger.shelve(&root, &undone).unwrap();
    assert_eq!(ledger.shelved(&root, &undone.changeset.id).unwrap(), undone);
    // Its proposal, of which nothing was written anew, stays because of it.
    let days = |days: i64| days * 86_400_000;
    let now = days(31) + 3;
    assert_eq!(ledger.prune(Retention { keep_days: 31, keep_bytes: 1 << 20 }, now).unwrap(), 0);
    assert_eq!(all(&ledger, &root).len(), 3);
    assert_eq!(ledger.prune(Retention { keep_days: 1, keep_bytes: 1 << 20 }, now + days(1)).unwrap(), 2);
    assert_eq!(all(&ledger, &root).len(), 1, "what waits is among the newest");
}

#[test]
fn what_cannot_be_read_of_one_keeps_no_other_from_being_pruned() {
    let folder = tempfile::tempdir().unwrap();
    of_version_two(folder.path(), &[shelved(1, ShelvedState::Applied), shelved(2, ShelvedState::Applied)]);
    directly(folder.path()).execute_batch("UPDATE shelf SET content = x'00' WHERE turn = 1").unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    assert!(ledger.shelved(&root, &shelved(1, ShelvedState::Applied).changeset.id).is_err());
    assert_eq!(ledger.prune(Retention { keep_days: 1, keep_bytes: 1 << 20 }, 1 << 40).unwrap(), 2);
    assert_eq!(all(&ledger, &root), []);
}

#[test]
fn too_large_a_changeset_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, root) = (ledger(folder.path()), root("one"));
    let after = Some(FileState { kind: FileKind::Plain, bytes: vec![0; MOST_BYTES + 1] });
    let change = FileChange { path: RelativePath::new("a").unwrap(), before: None, after };
    let changeset = Changeset::new(Origin::User, vec![change]);
    let shelved = Shelved { proposal: changeset.id.clone(), changeset, state: ShelvedState::Pending, at_ms: 1 };
    assert_eq!(ledger.shelve(&root, &shelved).unwrap_err().kind, FailureKind::InvalidInput);
    assert_eq!(all(&ledger, &root), []);
}
