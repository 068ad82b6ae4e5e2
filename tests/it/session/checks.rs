//! Checks as an editor runs them over what is under review.

use serde_json::json;

use super::desk::{Desk, TWO};
use crate::place::says;

#[test]
fn checks_run_over_the_proposal_and_what_they_say_is_shown_at_it() {
    let makefile = "test:\n\t@grep -q new a.rs || { echo 'a.rs:1: nothing new'; exit 1; }\n";
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO), ("Makefile", makefile)]);
    desk.propose();
    let argument = desk.offered("a.rs", 1, "run the checks over this changeset");
    desk.execute("tagout.check", argument);
    desk.told("checks passed: syntax (1 changed file parses), make test");
    desk.notices("a.rs", 2, "checks passed");
    desk.execute("tagout.check", json!({}));
    desk.told("check failed: make test: failed: a.rs:1: nothing new");
    assert_eq!(desk.disk("a.rs"), TWO);
    assert!(says(&desk.place, &["changes"]).contains("checks passed: syntax"));
}

#[test]
fn unsaved_texts_are_checked_and_a_check_can_be_cancelled() {
    let makefile = "test:\n\t@grep -q typed a.rs && sleep 600\n";
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO), ("Makefile", makefile)]);
    desk.types("a.rs", "fn typed() {}\n");
    let answer = desk.client.execute("tagout.check", json!({}));
    let job = answer["result"]["job"].clone();
    desk.recorded("Run", &["Judged: "]);
    desk.execute("tagout.cancel", json!({"job": job}));
    desk.told("not checked: make test: not run: it was cancelled");
}
