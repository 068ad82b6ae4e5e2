//! Whoever changes something is found, and it is said what.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::super::SqliteLedger;
use super::super::contract::{entry, root};
use crate::ports::{Audit, Entry, FaultKind, Keep, Ledger, Modes, Phase, Rotation};

/// A ledger of six records, and where it lies.
struct Scene {
    folder: tempfile::TempDir,
}

const FREE: &str = "DROP TRIGGER IF EXISTS record_stays; DROP TRIGGER IF EXISTS record_is_kept; DROP TRIGGER IF EXISTS record_is_not_replaced;
                    DROP TRIGGER IF EXISTS section_stays; DROP TRIGGER IF EXISTS stub_stays; DROP TRIGGER IF EXISTS stub_is_kept;";

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        scene.append(6);
        scene
    }

    fn append(&self, count: usize) {
        for number in 0..count {
            self.ledger().append(&root("one"), &closed(&number.to_string())).unwrap();
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state/ledger.sqlite")
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    fn anchor(&self) -> PathBuf {
        self.keys().join(format!("{}.anchor", root("one").key()))
    }

    fn ledger(&self) -> SqliteLedger {
        SqliteLedger::new(self.path(), self.keys())
    }

    fn audit(&self) -> Audit {
        self.ledger().verify(&root("one")).unwrap()
    }

    /// The faults now, each as kind and record.
    fn faults(&self) -> Vec<(FaultKind, u64)> {
        self.audit().faults.iter().map(|fault| (fault.kind, fault.number)).collect()
    }

    fn tamper(&self, statements: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch(FREE).unwrap();
        connection.execute_batch(statements).unwrap();
    }

    fn copy_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for file in fs::read_dir(self.path().parent().unwrap()).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
            }
        }
    }

    fn remove_database(&self) {
        for file in fs::read_dir(self.path().parent().unwrap()).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                fs::remove_file(file).unwrap();
            }
        }
    }
}

/// A record that leaves nothing open.
fn closed(outcome: &str) -> Entry {
    Entry { phase: Phase::Ended, ..entry(outcome) }
}

#[test]
fn each_way_to_change_the_rows_is_found_and_named() {
    use FaultKind::{CutTail, Edited, Inserted, Missing, Reordered, SectionBroken};
    let swap = "UPDATE record SET number = 99 WHERE number = 3; UPDATE record SET number = 3 WHERE number = 4;
                UPDATE record SET number = 4 WHERE number = 99;";
    let put_in = "UPDATE record SET number = -number - 1 WHERE number > 2; UPDATE record SET number = -number;
                  UPDATE record SET number = -number WHERE number < 0;
                  INSERT INTO record SELECT workspace, 3, replace(entry, '\"number\":2', '\"number\":3'), chain
                  FROM record WHERE number = 2;";
    let taken_out = "DELETE FROM record WHERE number = 3; UPDATE record SET number = -number + 1 WHERE number > 3;
                     UPDATE record SET number = -number WHERE number < 0;";
    let table: [(&str, &[(FaultKind, u64)]); 10] = [
        ("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 3", &[(Edited, 3)]),
        ("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 6", &[(Edited, 6)]),
        ("UPDATE record SET entry = x'00ff' WHERE number = 3", &[(Edited, 3)]),
        (swap, &[(Reordered, 3), (Reordered, 4)]),
        (put_in, &[(Inserted, 3)]),
        (taken_out, &[(Missing, 3), (CutTail, 6)]),
        ("DELETE FROM record WHERE number = 3", &[(Missing, 3)]),
        ("DELETE FROM record WHERE number > 4", &[(CutTail, 5)]),
        (
            "INSERT INTO record SELECT workspace, 7, replace(entry, '\"number\":6', '\"number\":7'), chain FROM record
          WHERE number = 6",
            &[(Inserted, 7)],
        ),
        ("UPDATE section SET first = 1, reason = 'removed'", &[(SectionBroken, 1)]),
    ];
    for (statements, wanted) in table {
        let scene = Scene::new();
        assert_eq!(scene.faults(), []);
        scene.tamper(statements);
        let found = scene.faults();
        assert!(wanted.iter().all(|one| found.contains(one)), "{statements}: {:?}", scene.audit());
        let failure = scene.audit().sound().unwrap_err().to_string();
        assert!(failure.contains("record"), "{failure}");
        // What is written afterwards hides nothing.
        scene.append(1);
        assert_ne!(scene.faults(), [], "{statements}");
    }
}

#[test]
fn a_cut_tail_an_older_copy_and_a_removed_database_are_told_apart_for_good() {
    let older = Scene::new();
    let copy = older.folder.path().join("copy");
    older.copy_to(&copy);
    older.append(2);
    older.remove_database();
    for file in fs::read_dir(&copy).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), older.path().parent().unwrap().join(file.file_name())).unwrap();
    }
    assert_eq!(older.faults(), [(FaultKind::Replaced, 7)]);
    assert!(older.audit().faults[0].what.contains("older copy"));
    older.append(1);
    assert_eq!(older.faults(), [(FaultKind::Replaced, 9)]);

    let removed = Scene::new();
    removed.remove_database();
    assert_eq!(removed.faults(), [(FaultKind::Removed, 1)]);
    assert_eq!(removed.ledger().mode(&root("one")).unwrap(), crate::policy::Mode::ReadOnly);
    assert_eq!(removed.faults(), [(FaultKind::Removed, 1)]);
    assert_eq!(removed.ledger().append(&root("one"), &closed("x")).unwrap(), 7);
    assert_eq!(removed.faults(), [(FaultKind::Removed, 7)]);

    let cut = Scene::new();
    cut.tamper("DELETE FROM record WHERE number > 4");
    cut.append(1);
    assert_eq!(cut.faults(), [(FaultKind::CutTail, 7)]);
    assert!(cut.audit().faults[0].what.contains("records 5 to 6"), "{:?}", cut.audit());
}

#[test]
fn what_is_wrong_with_the_anchor_is_told_for_good() {
    let gone = Scene::new();
    fs::remove_file(gone.anchor()).unwrap();
    assert_eq!(gone.faults(), [(FaultKind::AnchorGone, 0)]);
    gone.append(1);
    assert_eq!(gone.faults(), [(FaultKind::AnchorGone, 7)]);
    let changed = Scene::new();
    let mut bytes = fs::read(changed.anchor()).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(changed.anchor(), bytes).unwrap();
    assert_eq!(changed.faults(), [(FaultKind::AnchorBroken, 0)]);
    changed.append(1);
    assert_eq!(changed.faults(), [(FaultKind::AnchorBroken, 7)]);
}

#[test]
fn an_anchor_that_is_behind_by_a_crash_or_torn_is_no_fault() {
    let scene = Scene::new();
    let before = fs::read(scene.anchor()).unwrap();
    scene.append(1);
    fs::write(scene.anchor(), &before).unwrap();
    let audit = scene.audit();
    assert_eq!((audit.faults.len(), audit.notes.len(), audit.records), (0, 1, 7), "{audit:?}");
    scene.append(1);
    assert!(scene.audit().notes.is_empty());
    for slot in 0..2 {
        let mut torn = fs::read(scene.anchor()).unwrap();
        torn[slot * 128 + 40..slot * 128 + 80].fill(0xAA);
        let whole = fs::read(scene.anchor()).unwrap();
        fs::write(scene.anchor(), torn).unwrap();
        assert_eq!(scene.faults(), []);
        fs::write(scene.anchor(), whole).unwrap();
    }
}

#[test]
fn a_key_that_is_gone_or_open_to_others_is_told_and_another_is_used() {
    let key = |scene: &Scene| scene.keys().join("ledger.key");
    let gone = Scene::new();
    fs::remove_file(key(&gone)).unwrap();
    assert!(gone.faults().iter().any(|(kind, _)| *kind == FaultKind::KeyLost), "{:?}", gone.audit());
    assert!(!key(&gone).exists(), "nothing is replaced silently");
    gone.append(1);
    assert!(gone.faults().contains(&(FaultKind::KeyLost, 1)), "{:?}", gone.audit());
    assert!(gone.audit().notes.iter().any(|note| note.contains("another key")));

    let open = Scene::new();
    let old = fs::read(key(&open)).unwrap();
    fs::set_permissions(key(&open), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(open.faults(), [(FaultKind::KeyExposed, 0)]);
    let ledger = open.ledger();
    ledger.append(&root("one"), &closed("x")).unwrap();
    assert!(ledger.take_notice().unwrap().contains("could be read by others"));
    assert_ne!(fs::read(key(&open)).unwrap(), old);
    let audit = open.audit();
    assert_eq!((audit.faults.len(), audit.records), (0, 7), "{audit:?}");
    assert!(audit.notes.iter().any(|note| note.contains("another key")));
    open.tamper("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 3");
    assert_eq!(open.faults(), [(FaultKind::Edited, 3)]);

    let made = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((made(key(&open)), made(open.keys()), made(open.anchor())), (0o600, 0o700, 0o600));
}

#[test]
fn a_database_that_was_set_aside_leaves_a_trace() {
    let scene = Scene::new();
    let mut bytes = fs::read(scene.path()).unwrap();
    bytes[..2000].fill(0xAA);
    fs::write(scene.path(), bytes).unwrap();
    let audit = scene.audit();
    assert_eq!(audit.faults, []);
    assert!(audit.notes.iter().any(|note| note.contains("damaged-1")), "{audit:?}");
    assert_eq!(scene.ledger().append(&root("one"), &closed("x")).unwrap(), 7);
    let audit = scene.audit();
    assert_eq!(audit.faults, []);
    assert!(audit.notes.iter().any(|note| note.contains("records 1 to 6 were set aside")), "{audit:?}");
    scene.tamper("UPDATE meta SET value = x'00' WHERE name = 'set-aside'; DELETE FROM record");
    assert_ne!(scene.faults(), []);
}

#[test]
fn rotated_records_are_verified_with_the_rest() {
    let rotated = || {
        let scene = Scene::new();
        scene.append(4);
        let keep = |records| Keep { records, since_ms: i64::MIN };
        let moved = scene.ledger().rotate(&root("one"), keep(7)).unwrap().unwrap();
        scene.ledger().rotate(&root("one"), keep(4)).unwrap().unwrap();
        let audit = scene.audit();
        assert_eq!((audit.faults.len(), audit.notes.len(), audit.records), (0, 0, 10), "{audit:?}");
        (scene, moved.file)
    };
    let (scene, file) = rotated();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |lines: &[&str]| fs::write(&file, lines.join("\n") + "\n").unwrap();
    fs::write(&file, text.replacen("make", "rm", 1)).unwrap();
    assert_eq!(scene.faults(), [(FaultKind::Edited, 1)]);
    write(&lines[..2]);
    assert_eq!(scene.faults(), [(FaultKind::RotatedFile, 1)]);
    write(&[lines[1], lines[0], lines[2]]);
    assert_ne!(scene.faults(), []);
    write(&["{}", lines[1], lines[2]]);
    assert_eq!(scene.faults(), [(FaultKind::RotatedFile, 1)]);
    fs::remove_file(&file).unwrap();
    assert_eq!(scene.faults(), [(FaultKind::RotatedFile, 1)]);
    write(&lines);
    assert_eq!(scene.faults(), []);
    scene.tamper("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 8");
    assert_eq!(scene.faults(), [(FaultKind::Edited, 8)]);

    let (scene, _) = rotated();
    scene.tamper("UPDATE stub SET link = x'00' WHERE last = 3");
    assert!(scene.faults().contains(&(FaultKind::SectionBroken, 1)), "{:?}", scene.audit());
    let (scene, _) = rotated();
    scene.tamper("DELETE FROM stub");
    assert_eq!(scene.faults(), [(FaultKind::Missing, 1)]);
    let (scene, _) = rotated();
    scene.tamper("INSERT INTO record SELECT workspace, 2, entry, chain FROM record WHERE number = 8");
    assert_eq!(scene.faults(), [(FaultKind::Inserted, 2)]);
    // The trigger lets go only what a stub names.
    let (scene, _) = rotated();
    let connection = Connection::open(scene.path()).unwrap();
    for statement in ["DELETE FROM record", "DELETE FROM stub", "UPDATE record SET entry = ''", "DELETE FROM section"] {
        let error = connection.execute(statement, []).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[test]
fn records_of_before_there_was_a_key_are_kept_and_checked() {
    let scene = Scene { folder: tempfile::tempdir().unwrap() };
    fs::create_dir_all(scene.path().parent().unwrap()).unwrap();
    let old = Connection::open(scene.path()).unwrap();
    old.execute_batch(super::super::schema::MIGRATIONS[0]).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let (key, mut link) = (root("one").key(), Vec::new());
    for number in 1..=3_u64 {
        let text = format!(
            "{{\"number\":{number},\"at_ms\":1,\"mode\":\"read-only\",\"phase\":\"Judged\",\"action\":{{\"Run\":{{\
             \"argv\":[\"make\"],\"place\":\"Sandbox\"}}}},\"verdict\":{{\"decision\":\"Allow\",\"because\":[]}},\
             \"outcome\":\"\"}}"
        );
        link = super::super::chain::old_link(&link, &key, number, &text).to_vec();
        let insert = "INSERT INTO record (workspace, number, entry, chain) VALUES (?1, ?2, ?3, ?4)";
        old.execute(insert, rusqlite::params![key, number.cast_signed(), text, link]).unwrap();
    }
    drop(old);
    let audit = scene.audit();
    assert_eq!((audit.faults.len(), audit.notes.len(), audit.records), (0, 1, 3), "{audit:?}");
    let entries = scene.ledger().recent(&root("one"), 9).unwrap();
    assert_eq!((entries.len(), entries[0].asker, &entries[0].facts), (3, crate::policy::Asker::User, &None));
    assert_eq!(scene.ledger().open_intents(&root("one"), &[]).unwrap(), []);
    scene.append(2);
    let audit = scene.audit();
    assert_eq!((audit.faults.len(), audit.notes.len(), audit.records), (0, 1, 5), "{audit:?}");
    scene.tamper("UPDATE record SET entry = replace(entry, 'make', 'rm') WHERE number = 2");
    assert_eq!(scene.faults(), [(FaultKind::Edited, 2)]);
    scene.tamper("DELETE FROM record WHERE number = 3");
    assert!(scene.faults().contains(&(FaultKind::Missing, 3)));
}
