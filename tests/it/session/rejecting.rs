//! What was rejected stays so: for the next server, and on the command line.

use serde_json::json;

use super::desk::{Desk, ONE, TWO};
use super::review::restarted;
use crate::place::{Place, says};

/// The names of the changesets that wait.
fn waiting(place: &Place) -> Vec<String> {
    let listed = says(place, &["changes"]);
    let waits = listed.lines().filter(|line| line.contains(" waits "));
    waits.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn a_rejected_hunk_does_not_wait_again_after_a_restart() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    let reject = desk.offered("a.rs", 1, "reject this hunk");
    desk.execute("tagout.reject", reject);
    desk.notices("a.rs", 1, "new(2)");
    let mut desk = restarted(desk, |_| {});
    desk.notices("a.rs", 1, "new(2)");
    let [id] = waiting(&desk.place).try_into().expect("one waits");
    let shown = says(&desk.place, &["show", &id]);
    assert!(shown.contains("new(2)") && !shown.contains("new(1)"), "{shown}");
    let accept = desk.offered("a.rs", 0, "accept the whole changeset (1 hunks)");
    desk.execute("tagout.accept", accept);
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["Judged: ", "Ended: wrote 1 files"]);
    assert_eq!(desk.text("a.rs"), TWO.replace("old(2)", "new(2)"));
    let desk = restarted(desk, |_| {});
    assert!(waiting(&desk.place).is_empty());
}

#[test]
fn what_an_editor_rejected_is_not_applied_on_the_command_line() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", ONE), ("c.rs", TWO)]);
    desk.propose();
    let whole = desk.offered("a.rs", 0, "accept the whole changeset (3 hunks)");
    let id = whole["changeset"].as_str().expect("a name").to_owned();
    desk.execute("tagout.reject", json!({"changeset": id, "file": 1, "hunk": 0}));
    let desk = restarted(desk, |_| {});
    says(&desk.place, &["apply", &id]);
    assert_eq!((desk.disk("b.rs"), desk.disk("c.rs")), (ONE.replace("old", "new"), TWO.replace("old(2)", "new(2)")));
    assert!(waiting(&desk.place).is_empty());
}

#[test]
fn all_of_it_rejected_it_waits_nowhere_until_it_is_proposed_again() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    let reject = desk.offered("a.rs", 0, "reject the whole changeset");
    desk.execute("tagout.reject", reject);
    desk.notices("a.rs", 0, "");
    let mut desk = restarted(desk, |_| {});
    assert!(waiting(&desk.place).is_empty());
    desk.propose();
    desk.notices("a.rs", 2, "proposed change");
    assert_eq!(waiting(&desk.place).len(), 1);
}

#[test]
fn the_command_line_rejects_a_file_and_the_rest() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", ONE), ("c.rs", TWO)]);
    desk.propose();
    let mut desk = restarted(desk, |desk| {
        let [id] = waiting(&desk.place).try_into().expect("one waits");
        assert!(says(&desk.place, &["reject", &id, "--file", "c.rs"]).is_empty());
        let shown = says(&desk.place, &["show", &id]);
        assert!(shown.contains("b.rs") && !shown.contains("c.rs"), "{shown}");
    });
    desk.notices("b.rs", 1, "new(3)");
    let desk = restarted(desk, |desk| {
        let [id] = waiting(&desk.place).try_into().expect("the rest waits");
        says(&desk.place, &["reject", &id]);
        let again = crate::place::tagout(&desk.place, &["reject", &id]);
        assert!(
            !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("nothing waits"),
            "{again:?}"
        );
    });
    assert!(waiting(&desk.place).is_empty());
    assert_eq!((desk.disk("b.rs").as_str(), desk.disk("c.rs").as_str()), (ONE, TWO));
}

#[test]
fn what_the_command_line_does_meanwhile_shows_in_the_editor() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO), ("b.rs", ONE)]);
    desk.propose();
    desk.notices("a.rs", 2, "proposed change");
    let [id] = waiting(&desk.place).try_into().expect("one waits");
    says(&desk.place, &["reject", &id, "--file", "a.rs"]);
    desk.notices("a.rs", 0, "");
    desk.notices("b.rs", 1, "proposed change");
    says(&desk.place, &["apply", &id]);
    // The file is open here, and its editor has yet to load it.
    desk.notices("b.rs", 0, "");
    says(&desk.place, &["rewrite", "--lang", "rust", "--pattern", "old($A)", "--to", "other($A)"]);
    desk.notices("a.rs", 2, "other(");
    says(&desk.place, &["mode", "read-only"]);
    // The look that follows is of no notice; a later change that has one comes after it.
    says(&desk.place, &["rewrite", "--lang", "rust", "--pattern", "old(2)", "--to", "third(2)"]);
    desk.notices("a.rs", 3, "(");
    desk.offered("a.rs", 0, "switch mode from read-only to workspace-write");
}
