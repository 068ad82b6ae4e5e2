//! Answers that hold beyond the moment, and trust, all by code actions.

use serde_json::{Value, json};

use super::desk::Desk;
use crate::place::{Place, says};
use crate::sandbox::bench;

const TOUCH: &str = "run touch made on the host";

fn ask(desk: &mut Desk) {
    desk.execute("tagout.run", json!({"argv": ["touch", "made"], "place": "host"}));
}

/// The file is there, and is taken away again.
fn made(desk: &Desk) -> bool {
    std::fs::remove_file(desk.place.work().join("made")).is_ok()
}

#[test]
fn an_answer_for_the_session_holds_until_it_is_taken_back() {
    let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    ask(&mut desk);
    let answer = desk.offered("a.rs", 0, &format!("approve for this session: {TOUCH}"));
    assert_eq!(answer["term"], "session");
    desk.execute("tagout.approve", answer);
    desk.told("exit code 0");
    assert!(made(&desk));
    ask(&mut desk);
    desk.told("exit code 0");
    assert!(made(&desk), "nobody is asked again");
    desk.recorded("Run", &["Judged: waits", "Judged: approved", "Ended: exit", "Judged: approved", "Ended: exit"]);
    let back = desk.offered("a.rs", 0, &format!("take back the approval: {TOUCH}"));
    desk.execute("tagout.revoke", back.clone());
    desk.told("was taken back");
    ask(&mut desk);
    desk.notices("a.rs", 1, "waits for your decision");
    assert!(!made(&desk));
    // What does not hold any more cannot be taken back.
    desk.execute("tagout.revoke", back);
    desk.told("nothing that holds is named");
}

#[test]
fn an_answer_for_good_shows_its_rule_and_outlives_the_session() {
    let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    ask(&mut desk);
    let title = "approve for good, by the rule: decision = \"allow\", action = \"run\", place = \"host\"";
    let answer = desk.offered("a.rs", 0, title);
    desk.execute("tagout.approve", answer);
    desk.told("exit code 0");
    assert!(made(&desk));
    let mut later = Desk::at(desk.place, "a.rs");
    ask(&mut later);
    later.told("exit code 0");
    assert!(made(&later));
    assert!(later.records("Run").iter().all(|record| !record.contains("waits") || record.starts_with("Judged: waits")));
    later.execute("tagout.run", json!({"argv": ["touch", "made", "more"], "place": "host"}));
    later.notices("a.rs", 1, "waits for your decision: run touch made more on the host");
}

#[test]
fn a_denial_may_say_why_and_its_question_is_void() {
    let mut desk = Desk::new("unrestricted", &[("a.rs", "fn a() {}\n")]);
    ask(&mut desk);
    let denied = desk.offered("a.rs", 0, &format!("deny: {TOUCH}"));
    desk.execute("tagout.deny", json!({"decision": denied["decision"], "reason": "not today"}));
    desk.recorded("Run", &["Judged: waits", "Ended: denied by the user: not today"]);
    let grants = desk.place.program().arg("grants").output().unwrap();
    assert!(grants.stdout.is_empty(), "{}", String::from_utf8_lossy(&grants.stdout));
}

#[test]
fn a_workspace_is_trusted_by_a_code_action() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    assert!(place.program().args(["trust", "--forget"]).status().unwrap().success());
    let mut desk = Desk::at(place, "a.rs");
    desk.execute("tagout.run", json!({"argv": ["true"]}));
    desk.told("untrusted-workspace-runs-nothing");
    let trust = desk.offered("a.rs", 0, "trust this workspace, as its settings are now");
    desk.execute("tagout.trust", trust);
    desk.told("is trusted");
    desk.execute("tagout.run", json!({"argv": ["true"]}));
    desk.told("exit code 0");
}

#[test]
fn what_is_wrong_with_the_settings_is_shown_at_its_line_and_a_change_ends_trust_at_once() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n")]);
    desk.place.write(".tagout.toml", "# mine\n[[rule]]\nname = \"x\"\ndecision = \"perhaps\"\n");
    desk.told("settings in work that run or steer something have changed");
    let trust = desk.offered("a.rs", 0, "trust this workspace, as its settings are now: .tagout.toml");
    // Others than were shown.
    desk.place.write(".tagout.toml", "# mine\n\n[[rule]]\nname = \"x\"\ndecision = \"perhaps\"\n");
    desk.execute("tagout.trust", trust.clone());
    desk.told("have changed since they were shown");
    assert_eq!(says(&desk.place, &["mode"]), "read-only\n");
    let fresh = std::iter::repeat_with(|| {
        desk.offered("a.rs", 0, "trust this workspace, as its settings are now: .tagout.toml")
    });
    let fresh = fresh.take(10_000).find(|offered| *offered != trust).unwrap();
    desk.execute("tagout.trust", fresh);
    desk.told("is trusted; its mode is workspace-write");
    desk.notices(".tagout.toml", 1, "decision");
    let at_third = |message: &Value| message["params"]["diagnostics"][0]["range"]["start"]["line"] == 2;
    assert!(desk.client.seen.iter().any(at_third), "{:?}", desk.client.seen);
    desk.place.write(".tagout.toml", "");
    desk.told("have changed");
    desk.notices(".tagout.toml", 0, "");
}
