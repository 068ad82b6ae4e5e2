//! Actions that wait for the user, that the mode denies, or that make no sense.

use serde_json::{Value, json};

use super::desk::{Desk, ONE, TWO, rewrite};
use crate::client::{Client, PATIENCE};

/// Whether this machine has a sandbox; says so when not.
fn no_sandbox() -> bool {
    crate::sandbox::bench(&[]).is_none()
}

/// A server that has been asked to run `touch made` on the host, and the argument that decides on it.
fn asked_for_the_host() -> (Desk, Value) {
    let mut desk = Desk::new("unrestricted", &[("a.rs", ONE)]);
    desk.execute("tagout.run", json!({"argv": ["touch", "made"], "place": "host"}));
    desk.notices("a.rs", 1, "waits for your decision: run touch made on the host");
    desk.recorded("Run", &["Judged: waits for the user"]);
    assert!(!desk.exists("made"));
    let decision = desk.offered("a.rs", 0, "approve once: run touch made on the host");
    let denied = desk.offered("a.rs", 0, "deny: run touch made on the host");
    assert_eq!(json!({"decision": denied["decision"], "term": "once"}), decision);
    (desk, decision)
}

#[test]
fn a_command_on_the_host_runs_once_approved_and_only_once() {
    let (mut desk, decision) = asked_for_the_host();
    desk.execute("tagout.approve", decision.clone());
    desk.told("exit code 0");
    assert!(desk.exists("made"));
    std::fs::remove_file(desk.place.work().join("made")).expect("a file");
    assert!(desk.refused("tagout.approve", decision).contains("approved or denied before"));
    desk.notices("a.rs", 0, "");
    desk.recorded("Run", &["Judged: waits", "Judged: approved by the user", "Ended: exit code 0"]);
    assert!(!desk.exists("made"));
}

#[test]
fn a_command_on_the_host_does_not_run_once_denied() {
    let (mut desk, decision) = asked_for_the_host();
    desk.execute("tagout.deny", decision.clone());
    desk.notices("a.rs", 0, "");
    assert!(desk.refused("tagout.approve", decision).contains("approved or denied before"));
    desk.recorded("Run", &["Judged: waits", "Ended: denied by the user"]);
    assert!(!desk.exists("made"));
}

#[test]
fn a_decision_waits_in_documents_opened_later_too() {
    let (mut desk, decision) = asked_for_the_host();
    desk.place.write("b.rs", TWO);
    desk.open("b.rs");
    assert_eq!(desk.offered("b.rs", 0, "approve once: run touch made on the host"), decision);
    desk.notices("b.rs", 1, "waits for your decision: run touch made on the host");
    desk.execute("tagout.deny", decision);
    desk.notices("b.rs", 0, "");
}

#[test]
fn an_approval_does_not_outlast_the_mode_it_was_asked_in() {
    let (mut desk, decision) = asked_for_the_host();
    desk.execute("tagout.setMode", json!({"mode": "workspace-write"}));
    desk.told("is now workspace-write");
    desk.execute("tagout.approve", decision);
    desk.told("host-only-when-unrestricted");
    desk.recorded("Run", &["Judged: waits", "Judged: "]);
    assert!(!desk.exists("made"));
}

#[test]
fn what_runs_later_is_asked_about_once_more() {
    if no_sandbox() {
        return;
    }
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    desk.execute("tagout.run", json!({"argv": ["sh", "-c", "echo 'export A=1' > .envrc"]}));
    desk.notices(".envrc", 1, "proposed creation of this file");
    let accept = desk.offered("a.rs", 0, "accept the whole changeset");
    desk.execute("tagout.accept", accept.clone());
    desk.told(".envrc runs later: a shell or tool loads it on entry");
    desk.notices("a.rs", 1, "waits for your decision: write .envrc");
    desk.recorded("Apply", &["Judged: waits for the user"]);
    assert!(!desk.exists(".envrc"));
    let deny = desk.offered("a.rs", 0, "deny: write .envrc");
    desk.execute("tagout.deny", deny);
    desk.recorded("Apply", &["Judged: waits", "Ended: denied by the user"]);
    desk.execute("tagout.accept", accept);
    let approve = desk.offered("a.rs", 0, "approve once: write .envrc");
    assert!(!desk.exists(".envrc"));
    desk.execute("tagout.approve", approve);
    desk.notices(".envrc", 0, "");
    assert_eq!(desk.disk(".envrc"), "export A=1\n");
    let asked_twice =
        ["Judged: waits", "Ended: denied", "Judged: waits", "Judged: approved by the user", "Ended: wrote"];
    desk.recorded("Apply", &asked_twice);
}

#[test]
fn a_changeset_is_accepted_but_for_what_runs_later_which_is_asked_about_file_by_file() {
    if no_sandbox() {
        return;
    }
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    desk.execute("tagout.run", json!({"argv": ["sh", "-c", "echo 1 > plain; echo 2 > .envrc; echo 3 > Makefile"]}));
    desk.notices("Makefile", 1, "; runs later: a build or package tool runs it");
    let accept = desk.offered("a.rs", 0, "accept the whole changeset");
    desk.execute("tagout.accept", accept);
    desk.notices("plain", 0, "");
    assert_eq!((desk.exists("plain"), desk.exists(".envrc"), desk.exists("Makefile")), (true, false, false));
    let deny = desk.offered("a.rs", 0, "deny: write .envrc (.envrc runs later: a shell or tool loads it on entry)");
    let approve = desk.offered("a.rs", 0, "approve once: write Makefile (Makefile runs later: a build or package tool");
    desk.execute("tagout.deny", deny);
    desk.execute("tagout.approve", approve);
    desk.notices("Makefile", 0, "");
    assert_eq!((desk.disk("Makefile").as_str(), desk.exists(".envrc")), ("3\n", false));
}

#[test]
fn two_servers_in_one_workspace_both_answer() {
    let mut first = Desk::new("workspace-write", &[("a.rs", "pub fn seen_by_both() {}\n")]);
    assert!(first.client.finds_symbol("seen_by_both"));
    let mut second = first.place.open();
    let said = |client: &mut Client| {
        let mut texts = client.seen.iter().filter_map(|message| message["params"]["message"].as_str());
        texts.find(|text| text.contains("another tagout process writes this index")).map(drop)
    };
    assert!(second.wait_for(PATIENCE, said).is_some(), "{:?}", second.seen);
    assert!(second.finds_symbol("seen_by_both"));
    assert!(first.client.finds_symbol("seen_by_both"));
}

#[test]
fn nothing_is_written_in_read_only_mode() {
    let mut desk = Desk::new("read-only", &[("a.rs", ONE), ("b.rs", TWO)]);
    desk.propose();
    let accept = desk.offered("a.rs", 0, "accept the whole changeset");
    desk.execute("tagout.accept", accept);
    let refusal = desk.told("read-only-writes-nothing").to_string();
    assert!(refusal.contains("switch it to workspace-write first"), "{refusal}");
    desk.recorded("Apply", &["Judged: ", "Judged: "]);
    assert!(desk.asked.borrow().is_empty());
    desk.execute("tagout.undo", json!({}));
    desk.told("there is nothing to undo");
    desk.execute("tagout.run", json!({"argv": ["touch", "made"], "place": "host"}));
    desk.told("nothing-on-the-host-when-read-only");
    assert!(!desk.exists("made"));
    if !no_sandbox() {
        desk.execute("tagout.run", json!({"argv": ["sh", "-c", "echo x > made || exit 7"]}));
        desk.told("exit code");
        desk.recorded("Run", &["Judged: ", "Judged: ", "Ended: exit code"]);
        assert!(!desk.records("Run").concat().contains("exit code 0"), "{:?}", desk.records("Run"));
    }
    assert!(!desk.exists("made"));
    assert_eq!((desk.disk("a.rs").as_str(), desk.disk("b.rs").as_str()), (ONE, TWO));
}

#[test]
fn a_command_with_a_wrong_argument_is_refused_in_plain_words() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    for (command, argument, reason) in [
        ("tagout.rewrite", json!({"language": "rust", "replacement": "x"}), "the command needs \"pattern\""),
        ("tagout.rewrite", json!({"pattern": "x", "replacement": "x"}), "the command needs \"language\""),
        ("tagout.rewrite", json!({"pattern": ["x"]}), "the command's argument does not fit"),
        ("tagout.rewrite", json!("x"), "the command's argument does not fit"),
        ("tagout.rewrite", json!({"root": "/nothing/here"}), "no workspace folder is open at /nothing/here"),
        ("tagout.run", json!({"argv": ["true"], "place": "cloud"}), "\"cloud\" is no place to run at"),
        ("tagout.run", json!({}), "the command needs \"argv\""),
        ("tagout.setMode", json!({"mode": "all"}), "\"all\" is no mode"),
        ("tagout.accept", json!({"changeset": "nothing"}), "no changeset nothing waits"),
        ("tagout.nothing", json!({}), "tagout.nothing"),
    ] {
        let said = desk.refused(command, argument);
        assert!(said.contains(reason), "{command}: {said}");
    }
    for (pattern, language, reason) in
        [("old($A)", "klingon", "the language \"klingon\" is unknown: use one of"), ("", "rust", "pattern")]
    {
        desk.execute("tagout.rewrite", rewrite(pattern, language));
        assert_eq!(desk.told(reason)["params"]["type"], 2);
    }
    desk.execute("tagout.run", json!({"argv": []}));
    desk.told("there is no command to run");
    assert!(desk.records("Run").is_empty(), "{:?}", desk.records("Run"));
    desk.propose();
    desk.notices("a.rs", 1, "new(3)");
}

#[test]
fn an_editor_asks_for_hosts_and_shows_them() {
    if no_sandbox() {
        return;
    }
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    desk.execute("tagout.run", json!({"argv": ["true"], "network": ["crates.io", "*.npmjs.org:443"]}));
    let what = "run true in the sandbox, with network to crates.io, *.npmjs.org:443";
    desk.notices("a.rs", 1, &format!("waits for your decision: {what}"));
    let decision = desk.offered("a.rs", 0, &format!("approve once: {what}"));
    desk.execute("tagout.approve", decision);
    desk.told("exit code 0");
    desk.recorded("Run", &["Judged: waits", "Judged: approved by the user", "Ended: exit code 0"]);
    let wrong = json!({"argv": ["true"], "network": ["http://x"]});
    assert!(desk.refused("tagout.run", wrong).contains("more than a host"));
    let on_host = json!({"argv": ["true"], "network": ["crates.io"], "place": "host"});
    desk.execute("tagout.run", on_host);
    desk.told("leave the hosts out");
}
