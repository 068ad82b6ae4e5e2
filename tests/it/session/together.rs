//! Answers that come late, twice, from two sides at once, or to a server that did not ask.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tagout::ledger::SqliteLedger;
use tagout::ports::Grants;
use tagout::workspace::Root;

use super::desk::Desk;
use crate::place::{Place, notes, question, says, tagout};

/// Adds a line to `made`.
const ADD: [&str; 3] = ["sh", "-c", "echo done >> made"];

/// The editor asks to run it on the host, and a question waits; the question's name.
fn ask(desk: &mut Desk) -> String {
    desk.execute("tagout.run", json!({"argv": ADD, "place": "host"}));
    desk.notices("a.rs", 1, "waits for your decision");
    let grants = says(&desk.place, &["grants"]);
    let name =
        grants.lines().rev().find_map(|line| line.split_once("  run sh")).map(|(name, _)| name.trim().to_owned());
    name.unwrap_or_else(|| panic!("no question: {grants}"))
}

fn approve(question: &str) -> Vec<&str> {
    [&["run", "--host", "--approve", question, "--"], &ADD[..]].concat()
}

fn made(place: &Place) -> String {
    fs::read_to_string(place.work().join("made")).unwrap_or_default()
}

#[test]
fn of_the_editor_and_three_command_lines_that_answer_at_once_one_counts() {
    for round in 0..6 {
        let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
        let asked = ask(&mut desk);
        let yes = desk.offered("a.rs", 0, "approve once");
        let start = |_| desk.place.program().args(approve(&asked)).stderr(Stdio::null()).spawn().unwrap();
        let programs: Vec<_> = (0..3).map(start).collect();
        // A server that runs is quicker than programs that have to begin.
        desk.client.listen(Duration::from_millis(10 * round));
        desk.execute("tagout.approve", yes);
        for mut program in programs {
            program.wait().unwrap();
        }
        let records = (0..100).find_map(|_| {
            desk.client.listen(Duration::from_millis(50));
            Some(desk.records("Run")).filter(|records| records.len() >= 6)
        });
        let records = records.unwrap_or_else(|| desk.records("Run"));
        let count = |begin: &str| records.iter().filter(|record| record.starts_with(begin)).count();
        let void = "Judged: the approval does not count: it was answered before";
        assert_eq!((count("Judged: approved"), count("Ended: exit code 0"), count(void)), (1, 1, 3), "{records:?}");
        assert_eq!(made(&desk.place), "done\n");
    }
}

#[test]
fn of_two_servers_each_answers_its_own_question_and_none_twice() {
    let mut first = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    let asked = ask(&mut first);
    let yes = first.offered("a.rs", 0, "approve once");
    let mut second = first.place.open();
    // A question that another server asked waits there alone.
    let answer = second.execute("tagout.approve", yes.clone());
    assert!(
        answer["error"]["message"].as_str().is_some_and(|text| text.contains("does not wait here any more")),
        "{answer}"
    );
    assert_eq!(made(&first.place), "");
    says(&first.place, &approve(&asked));
    first.execute("tagout.approve", yes);
    first.told("the approval does not count: it was answered before");
    assert_eq!(made(&first.place), "done\n");
}

#[test]
fn an_answer_that_an_editor_kept_over_a_restart_is_to_nothing_that_is_asked_since() {
    let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    desk.execute("tagout.run", json!({"argv": ["touch", "seen"], "place": "host"}));
    let kept = desk.offered("a.rs", 0, "approve once: run touch seen on the host");
    let denied = desk.offered("a.rs", 0, "deny: run touch seen on the host");
    let mut later = Desk::at(desk.place, "a.rs");
    later.execute("tagout.run", json!({"argv": ["touch", "unseen"], "place": "host"}));
    later.offered("a.rs", 0, "approve once: run touch unseen on the host");
    for (command, answer) in [("tagout.approve", kept), ("tagout.deny", denied)] {
        assert!(later.refused(command, answer).contains("does not wait here any more"), "{command}");
    }
    later.recorded("Run", &["Judged: waits", "Judged: waits"]);
    assert!(!later.exists("seen") && !later.exists("unseen"));
    let answer = later.offered("a.rs", 0, "approve once: run touch unseen on the host");
    later.execute("tagout.approve", answer);
    later.told("exit code 0");
    assert!(later.exists("unseen"));
}

#[test]
fn a_question_outlives_its_server_and_is_answered_by_its_name_once() {
    let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    let asked = ask(&mut desk);
    let place = desk.place;
    drop(desk.client);
    says(&place, &approve(&asked));
    let again = tagout(&place, &approve(&asked));
    assert!(!again.status.success() && notes(&again).contains("it was answered before"), "{}", notes(&again));
    assert_eq!(made(&place), "done\n");
}

#[test]
fn a_late_answer_is_void_and_a_clock_that_goes_back_does_not_revive_it() {
    let place = Place::new();
    says(&place, &["mode", "unrestricted"]);
    let run = [&["run", "--host", "--"], &ADD[..]].concat();
    let (late, early) = (question(&tagout(&place, &run)), question(&tagout(&place, &run)));
    let ledger =
        SqliteLedger::new(place.home().join(".state/tagout/tagout.sqlite"), place.home().join(".data/tagout/keys"));
    let root = Root::new(place.work().canonicalize().unwrap()).unwrap();
    let log: Value = serde_json::from_str(&says(&place, &["log", "--json"])).unwrap();
    let now = log.as_array().unwrap().last().unwrap()["at_ms"].as_i64().unwrap();
    let minute = 60_000;
    // Somebody looks at the clock four minutes after it was asked, and then sixty-one.
    assert_eq!(ledger.live(&root, now + 4 * minute).unwrap().len(), 2);
    says(&place, &approve(&early));
    assert_eq!(ledger.live(&root, now + 61 * minute).unwrap(), []);
    let output = tagout(&place, &approve(&late));
    assert!(!output.status.success() && notes(&output).contains("has expired"), "{}", notes(&output));
    assert_eq!(made(&place), "done\n");
    // One moment of a clock far ahead revives nothing, and does not keep what is asked now from being answered.
    says(&place, &approve(&question(&tagout(&place, &run))));
    assert_eq!(made(&place), "done\ndone\n");
}
