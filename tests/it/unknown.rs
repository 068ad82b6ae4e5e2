//! The program is ended while an effect of it lasts: the next start says so, looks, records it, and does nothing again.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{Place, notes, question, says, tagout};
use crate::sandbox::bench;
use crate::session::Desk;

/// Starts the program.
fn started(place: &Place, arguments: &[&str]) -> Child {
    place.program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until what the program means to do, and no end of it, is in the record; its number.
fn intent(place: &Place, word: &str) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let records = about(place, word);
        let allowed = |record: &&Value| record["verdict"]["decision"] == "Allow" || approved(record);
        if let Some(intent) = records.last().filter(allowed) {
            assert_eq!(intent["phase"], "Judged", "{intent}");
            return intent["number"].as_u64().unwrap();
        }
        assert!(Instant::now() < deadline, "no intent: {records:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn approved(record: &Value) -> bool {
    record["approval"]["kind"] == "once"
}

/// The exported records about commands with this word.
fn about(place: &Place, word: &str) -> Vec<Value> {
    let exported = says(place, &["audit", "export"]);
    let records = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let named =
        |record: &Value| record["action"]["Run"]["argv"].as_array().is_some_and(|argv| argv.contains(&json!(word)));
    records.filter(named).collect()
}

fn phases(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["phase"].as_str().unwrap()).collect()
}

#[test]
fn a_run_in_the_sandbox_that_nobody_saw_end_is_told_once_and_never_done_again() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    let mut child = started(&place, &["run", "--", "sleep", "97"]);
    let number = intent(&place, "97");
    let beside = tagout(&place, &["run", "--", "true"]);
    assert!(beside.status.success() && !notes(&beside).contains("record"), "it lasts still: {}", notes(&beside));
    child.kill().unwrap();
    child.wait().unwrap();
    let next = tagout(&place, &["run", "--", "true"]);
    let told = format!("tagout: record {number}: run sleep 97 in the sandbox: tagout ended before it did");
    assert!(next.status.success() && notes(&next).contains(&told), "{}", notes(&next));
    assert!(notes(&next).contains("what it wrote was dropped"), "{}", notes(&next));
    let records = about(&place, "97");
    assert_eq!(phases(&records), ["Judged", "Resolved"]);
    assert_eq!(records[1]["of"], number);
    assert!(
        says(&place, &["log"]).contains("run sleep 97 in the sandbox [full]: was looked into")
            || records[1]["level"] != "Full"
    );
    let after = tagout(&place, &["run", "--", "true"]);
    assert!(after.status.success() && !notes(&after).contains("record"), "{}", notes(&after));
    assert_eq!(about(&place, "97").len(), 2, "nothing more is found of it");
    says(&place, &["audit", "verify"]);
}

/// Starts a command on the host that lasts, once approved, and ends the program meanwhile.
fn ended_on_the_host(place: &Place) -> u64 {
    let script = "echo begun >> begun; exec sleep 3";
    let asked = question(&tagout(place, &["run", "--host", "--", "sh", "-c", script]));
    let mut child = started(place, &["run", "--host", "--approve", &asked, "--", "sh", "-c", script]);
    let number = intent(place, script);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !place.work().join("begun").exists() {
        assert!(Instant::now() < deadline, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    number
}

#[test]
fn a_run_on_the_host_may_go_on_and_the_server_says_so_at_its_next_start() {
    let place = Place::new();
    says(&place, &["mode", "unrestricted"]);
    place.write("a.rs", "fn a() {}\n");
    let number = ended_on_the_host(&place);
    let mut desk = Desk::at(place, "a.rs");
    let told = desk.told(&format!("record {number}: run sh -c")).to_string();
    assert!(told.contains("it may have gone on, look at what it does"), "{told}");
    let place = desk.place;
    let records = about(&place, "echo begun >> begun; exec sleep 3");
    assert_eq!(phases(&records), ["Judged", "Judged", "Resolved"], "asked, approved, looked into");
    assert_eq!(records[2]["of"], number);
    let mut later = Desk::at(place, "a.rs");
    later.client.listen(Duration::from_millis(300));
    assert!(!later.client.seen.iter().any(|message| message.to_string().contains("may have gone on")), "told again");
    assert_eq!(fs::read_to_string(later.place.work().join("begun")).unwrap(), "begun\n", "done again");
    says(&later.place, &["audit", "verify"]);
}
