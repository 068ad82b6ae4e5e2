//! The record cannot be written, or not be read: nothing is done, it is said why and what to do, and nothing is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;

use crate::place::{Place, accept, configure, notes, says, tagout};
use crate::session::Desk;

/// A rule by which a command runs on the host unasked.
const TOUCH: &str = "[[rule]]\nname = \"t\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = \"touch\"\n";

/// A command on the host, so that it is tried on every machine; it runs unasked while the record can be written.
const RUN: [&str; 5] = ["run", "--host", "--", "touch", "made"];

/// A place where the command runs, and has run once.
fn place() -> Place {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    configure(&place, TOUCH);
    accept(&place);
    says(&place, &RUN);
    fs::remove_file(place.work().join("made")).unwrap();
    place
}

fn state(place: &Place) -> PathBuf {
    place.home().join(".state/tagout")
}

fn database(place: &Place) -> PathBuf {
    state(place).join("tagout.sqlite")
}

/// Nothing was run, and it was said why and what to do.
fn refused(place: &Place, output: &Output, why: &str, next: &str) {
    let told = notes(output);
    assert!(!output.status.success() && !place.work().join("made").exists(), "it ran: {told}");
    assert!(told.contains(why) && told.contains(next), "{told}");
}

/// It runs again, and every record of before is there and as it was written.
fn whole_again(place: &Place, records: &str) {
    assert_eq!(says(place, &["audit", "export"]), records, "a record is lost or added");
    says(place, &RUN);
    assert!(place.work().join("made").exists());
    assert!(says(place, &["audit", "export"]).starts_with(records), "a record is lost");
    says(place, &["audit", "verify"]);
}

/// Sets the permissions of the state folder and of the files in it.
fn permit(place: &Place, folder: u32, files: u32) {
    let state = state(place);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    for file in fs::read_dir(&state).unwrap().flatten() {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(files)).unwrap();
    }
    fs::set_permissions(&state, fs::Permissions::from_mode(folder)).unwrap();
}

/// The program, held to the permissions of files; `None`, and says so, where this user is not and cannot be.
fn held_to_permissions(place: &Place) -> Option<Command> {
    let program = place.program();
    let probe = state(place).join("probe");
    if fs::write(&probe, "").is_err() {
        return Some(program);
    }
    fs::remove_file(&probe).unwrap();
    // For the superuser without its capabilities they hold too (capabilities(7)).
    let mut held = Command::new("setpriv");
    held.args(["--bounding-set", "-all"]).arg(program.get_program()).current_dir(place.work());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => held.env(name, value),
            None => held.env_remove(name),
        };
    }
    if Command::new("setpriv").args(["--bounding-set", "-all", "true"]).status().is_ok_and(|status| status.success()) {
        return Some(held);
    }
    println!("skipped: permissions do not hold for this user");
    None
}

#[test]
fn a_state_folder_that_cannot_be_written_stops_every_effect() {
    let place = place();
    let records = says(&place, &["audit", "export"]);
    for files in [0o600, 0o400, 0o000] {
        permit(&place, 0o500, files);
        let Some(mut program) = held_to_permissions(&place) else { break };
        let output = program.args(RUN).output().unwrap();
        permit(&place, 0o700, 0o600);
        refused(
            &place,
            &output,
            "tagout.sqlite cannot be used",
            "make the state folder writable, or set TAGOUT_STATE_DIR",
        );
    }
    whole_again(&place, &records);
}

#[test]
fn a_ledger_that_another_process_holds_stops_every_effect() {
    let held = |hold: &str| {
        let place = place();
        let records = says(&place, &["audit", "export"]);
        let other = rusqlite::Connection::open(database(&place)).unwrap();
        other.execute_batch(hold).unwrap();
        let output = tagout(&place, &RUN);
        refused(&place, &output, "is held by another process", "try again, or end that process");
        drop(other);
        whole_again(&place, &records);
    };
    // While one writes others can read, unless it keeps them out.
    let holds = ["BEGIN EXCLUSIVE", "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT"];
    // Each waits for its turn, as long as it has patience.
    std::thread::scope(|scope| holds.map(|hold| scope.spawn(move || held(hold))).map(|test| test.join().unwrap()));
}

#[test]
fn a_server_whose_ledger_is_held_from_some_moment_on_runs_nothing_from_then_on() {
    let place = place();
    place.write("a.rs", "fn a() {}\n");
    let mut desk = Desk::at(place, "a.rs");
    let records = says(&desk.place, &["audit", "export"]);
    let other = rusqlite::Connection::open(database(&desk.place)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    desk.execute("tagout.run", json!({"argv": ["touch", "made"], "place": "host"}));
    desk.told("is held by another process");
    drop(other);
    assert!(!desk.exists("made"), "it ran without a record");
    whole_again(&desk.place, &records);
}

#[test]
fn a_ledger_damaged_in_the_middle_is_kept_and_trusts_nothing_any_more() {
    let place = place();
    let last = says(&place, &["audit", "export"]).lines().count();
    let mut damaged = fs::read(database(&place)).unwrap();
    let length = damaged.len();
    damaged[length / 4..length * 3 / 4].iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(database(&place), &damaged).unwrap();
    let output = tagout(&place, &RUN);
    refused(&place, &output, "was damaged", "you have not trusted this workspace: look at it, then `tagout trust`");
    let aside = state(&place).join("tagout.sqlite-damaged-1");
    assert!(notes(&output).contains(&format!("it was kept as {}", aside.display())), "{}", notes(&output));
    assert_eq!(fs::read(&aside).unwrap(), damaged, "what was there is kept as it was");
    // What it held is not taken for what was never there, and numbers go on.
    let audit = tagout(&place, &["audit", "verify"]);
    let told = format!("records 1 to {last} were set aside with a damaged database, before record {}", last + 1);
    assert!(notes(&audit).contains(&told), "{}", notes(&audit));
    assert_eq!(says(&place, &["mode"]), "read-only\n");
    place.trust();
    refused(&place, &tagout(&place, &RUN), "nothing-on-the-host-when-read-only", "switch the mode");
    says(&place, &["mode", "workspace-write"]);
    says(&place, &RUN);
    assert!(place.work().join("made").exists());
}

#[test]
fn a_damaged_changeset_is_named_and_nothing_else_is_undone_in_its_place() {
    let place = Place::new();
    place.write("a.rs", "fn a() { old(1) }\n");
    place.write("b.rs", "fn b() { other(1) }\n");
    says(&place, &["mode", "workspace-write"]);
    let rewrite = |from: &str, to: &str| {
        says(&place, &["rewrite", "--lang", "rust", "--pattern", from, "--to", to]);
        let listed = says(&place, &["changes"]);
        let waits = listed.lines().find(|line| line.contains(" waits ")).unwrap();
        let id = waits.split_whitespace().next().unwrap().to_owned();
        says(&place, &["apply", &id]);
        id
    };
    let first = rewrite("old($A)", "new($A)");
    let second = rewrite("other($A)", "new($A)");
    let other = rusqlite::Connection::open(database(&place)).unwrap();
    other.execute("UPDATE shelf SET about = about || ' ' WHERE id LIKE ?1 || '%'", [&second]).unwrap();
    drop(other);
    let listed = tagout(&place, &["changes"]);
    assert!(notes(&listed).contains(&second) && notes(&listed).contains("damaged"), "{}", notes(&listed));
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&first));
    let undone = tagout(&place, &["undo"]);
    assert!(!undone.status.success() && notes(&undone).contains(&second), "{}", notes(&undone));
    assert!(std::fs::read_to_string(place.work().join("a.rs")).unwrap().contains("new"));
    says(&place, &["undo", &first]);
    assert!(std::fs::read_to_string(place.work().join("a.rs")).unwrap().contains("old"));
}
