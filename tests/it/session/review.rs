//! Proposals accepted, refused, overtaken, kept and undone: told by texts, files and the ledger.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desk::{Desk, ONE, TWO, rewrite};
use crate::client::{Client, PATIENCE, Place};

#[test]
fn a_hunk_accepted_in_an_open_document_is_made_by_the_editor() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    desk.notices("a.rs", 2, "tagout: proposed change: new(");
    let accept = desk.offered("a.rs", 9, "accept this hunk");
    desk.execute("tagout.accept", accept.clone());
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["Judged: ", "Ended: wrote 1 files"]);
    desk.notices("a.rs", 1, "new(1)");
    assert_eq!(desk.text("a.rs"), TWO.replace("old(2)", "new(2)"));
    assert_eq!(desk.disk("a.rs"), TWO);
    assert!(desk.refused("tagout.accept", accept).contains("accepted or rejected before"));
}

/// A proposal whose first hunk the editor says it has taken, without doing so.
fn claimed_only() -> Desk {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    let accept = desk.offered("a.rs", 1, "accept this hunk");
    desk.execute("tagout.accept", accept);
    desk.edit_asked();
    desk.asked.borrow_mut().clear();
    desk
}

#[test]
fn an_edit_that_is_only_claimed_does_not_count() {
    let mut desk = claimed_only();
    assert_eq!(desk.told("did not show the change")["params"]["type"], 2);
    desk.recorded("Apply", &["Judged: ", "Ended: failed: the editor did not show"]);
    desk.notices("a.rs", 2, "tagout: proposed change: new(");
    let again = desk.offered("a.rs", 1, "accept this hunk");
    desk.execute("tagout.accept", again);
    desk.make_edit("a.rs");
    desk.notices("a.rs", 1, "new(2)");
    assert_eq!(desk.text("a.rs"), TWO.replace("old(1)", "new(1)"));
}

#[test]
fn an_edit_that_is_only_claimed_does_not_count_however_busy_the_editor_is() {
    let mut desk = claimed_only();
    let said = |client: &Client| {
        let mut texts = client.seen.iter().filter_map(|message| message["params"]["message"].as_str());
        texts.any(|text| text.contains("did not show the change"))
    };
    // A question every tenth of a second: there is always something else to do than to look at the time.
    let begun = Instant::now();
    while !said(&desk.client) && begun.elapsed() < PATIENCE {
        desk.client.still_answers();
        desk.client.listen(Duration::from_millis(100));
    }
    assert!(said(&desk.client), "{:?}", desk.client.seen);
}

#[test]
fn an_edit_that_the_editor_refuses_leaves_the_hunk_pending() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    desk.propose();
    *desk.says.borrow_mut() = json!({"applied": false, "failureReason": "the buffer is locked"});
    let accept = desk.offered("a.rs", 1, "accept this hunk");
    desk.execute("tagout.accept", accept.clone());
    desk.told("the buffer is locked");
    desk.recorded("Apply", &["Judged: ", "Ended: failed: the editor did not make the change: the buffer is locked"]);
    assert_eq!(desk.disk("a.rs"), ONE);
    desk.asked.borrow_mut().clear();
    *desk.says.borrow_mut() = json!({"applied": true});
    desk.execute("tagout.accept", accept);
    desk.make_edit("a.rs");
    desk.notices("a.rs", 0, "");
    assert_eq!(desk.text("a.rs"), ONE.replace("old", "new"));
}

#[test]
fn two_hunks_of_one_document_accepted_at_once_are_made_one_after_the_other() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    let (first, second) = (desk.offered("a.rs", 1, "accept this hunk"), desk.offered("a.rs", 9, "accept this hunk"));
    desk.execute("tagout.accept", first);
    desk.execute("tagout.accept", second);
    desk.edit_asked();
    desk.client.listen(Duration::from_secs(1));
    // A second edit over the text that the first is about to change would fit nothing.
    assert_eq!(desk.asked.borrow().len(), 1, "{:?}", desk.asked.borrow());
    desk.make_edit("a.rs");
    desk.make_edit("a.rs");
    assert_eq!(desk.text("a.rs"), TWO.replace("old", "new"));
    desk.notices("a.rs", 0, "");
}

#[test]
fn hunks_move_with_what_the_user_types_and_are_stale_where_the_user_types_over_them() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO)]);
    desk.propose();
    let accept = desk.offered("a.rs", 1, "accept this hunk");
    desk.types("a.rs", &format!("// mine\n{}", TWO.replace("old(1)", "old(10)")));
    desk.notices("a.rs", 2, "tagout: ");
    assert!(desk.refused("tagout.accept", accept.clone()).contains("a.rs changed where this would change it"));
    desk.told("changed where this would change it");
    assert!(desk.asked.borrow().is_empty());
    assert!(desk.records("Apply").is_empty(), "{:?}", desk.records("Apply"));
    assert_eq!(desk.disk("a.rs"), TWO);
    // Taken back by the user, the lines are again what the proposal was made over.
    desk.types("a.rs", &format!("// mine\n{TWO}"));
    desk.notices("a.rs", 2, "proposed change");
    desk.execute("tagout.accept", accept);
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["Judged: ", "Ended: wrote 1 files"]);
    assert_eq!(desk.text("a.rs"), format!("// mine\n{}", TWO.replace("old(1)", "new(1)")));
}

#[test]
fn hunks_of_a_closed_file_move_with_what_others_write_to_it() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", TWO)]);
    desk.propose();
    desk.notices("b.rs", 2, "proposed change");
    desk.place.write("b.rs", format!("// theirs\n{}", TWO.replace("old(2)", "old(20)")));
    desk.notices("b.rs", 2, "tagout: ");
    desk.open("b.rs");
    let accept = desk.offered("b.rs", 2, "accept this hunk");
    desk.execute("tagout.accept", accept);
    desk.make_edit("b.rs");
    assert!(desk.text("b.rs").contains("// theirs\nfn a() {\n    new(1);"), "{}", desk.text("b.rs"));
}

#[test]
fn what_changed_on_disk_is_not_overwritten() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", ONE), ("c.rs", TWO)]);
    desk.propose();
    desk.notices("b.rs", 1, "new(3)");
    let accept = desk.offered("a.rs", 0, "accept the whole changeset (3 hunks)");
    desk.place.write("c.rs", "fn mine() {}\n");
    desk.execute("tagout.accept", accept);
    desk.told("c.rs");
    desk.recorded("Apply", &["Judged: ", "Ended: failed: c.rs"]);
    assert_eq!((desk.disk("b.rs").as_str(), desk.disk("c.rs").as_str()), (ONE, "fn mine() {}\n"));
    desk.notices("b.rs", 1, "new(3)");
}

/// A changeset over an open and a closed file, accepted and made.
fn accepted_over_both() -> Desk {
    let mut desk = Desk::new("workspace-write", &[("a.rs", TWO), ("b.rs", ONE)]);
    desk.propose();
    let accept = desk.offered("a.rs", 0, "accept the whole changeset (3 hunks)");
    desk.execute("tagout.accept", accept);
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["Judged: ", "", "", "Ended: wrote"]);
    assert_eq!(desk.text("a.rs"), TWO.replace("old", "new"));
    assert_eq!(desk.disk("b.rs"), ONE.replace("old", "new"));
    desk
}

#[test]
fn an_undo_takes_back_open_and_closed_files() {
    let mut desk = accepted_over_both();
    desk.execute("tagout.undo", json!({}));
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["", "", "", "", "Judged: ", "", "", "Ended: wrote"]);
    assert_eq!((desk.text("a.rs"), desk.disk("b.rs").as_str()), (TWO, ONE));
    desk.execute("tagout.undo", json!({}));
    desk.told("there is nothing to undo");
}

#[test]
fn what_was_applied_is_offered_by_name_and_the_history_is_a_page() {
    let mut desk = accepted_over_both();
    let undo = desk.offered("a.rs", 0, "undo rewrite rust: old($A) → new($A) (");
    desk.execute("tagout.undo", undo);
    desk.make_edit("a.rs");
    desk.recorded("Apply", &["", "", "", "", "Judged: ", "", "", "Ended: wrote"]);
    assert_eq!((desk.text("a.rs"), desk.disk("b.rs").as_str()), (TWO, ONE));
    let history = desk.offered("a.rs", 0, "show the history");
    desk.execute("tagout.history", history);
    let page = desk.shown("history.txt");
    assert!(page.contains("undone") && page.contains("rewrite rust: old($A) → new($A)"), "{page}");
}

#[test]
fn an_undo_that_the_editor_refuses_in_part_can_be_asked_for_again() {
    let mut desk = accepted_over_both();
    *desk.says.borrow_mut() = json!({"applied": false, "failureReason": "the buffer is locked"});
    desk.execute("tagout.undo", json!({}));
    desk.told("the buffer is locked");
    desk.recorded("Apply", &["", "", "", "", "Judged: ", "", "", "Ended: "]);
    desk.asked.borrow_mut().clear();
    *desk.says.borrow_mut() = json!({"applied": true});
    desk.execute("tagout.undo", json!({}));
    desk.make_edit("a.rs");
    assert_eq!((desk.text("a.rs"), desk.disk("b.rs").as_str()), (TWO, ONE));
}

/// The same workspace after the end of the server and a new start.
pub(super) fn restarted(mut desk: Desk, change: impl FnOnce(&Desk)) -> Desk {
    desk.client.call("shutdown", Value::Null);
    desk.client.notify("exit", Value::Null);
    assert!(desk.client.ends(PATIENCE).is_some());
    change(&desk);
    Desk::at(desk.place, "a.rs")
}

#[test]
fn what_is_left_of_a_proposal_outlives_the_server() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", ONE), ("c.rs", TWO)]);
    desk.propose();
    let whole = desk.offered("a.rs", 0, "accept the whole changeset (3 hunks)");
    desk.execute("tagout.accept", json!({"changeset": whole["changeset"], "file": 0}));
    desk.recorded("Apply", &["Judged: ", "Ended: wrote 1 files"]);
    assert_eq!(desk.disk("b.rs"), ONE.replace("old", "new"));
    let mut desk = restarted(desk, |_| {});
    desk.notices("c.rs", 2, "proposed change");
}

#[test]
fn proposals_outlive_the_server_and_what_no_longer_fits_is_stale() {
    let mut desk =
        Desk::new("workspace-write", &[("a.rs", "fn a() {}\n"), ("b.rs", ONE), ("c.rs", "fn c() { out(1); }\n")]);
    desk.propose();
    desk.execute("tagout.rewrite", rewrite("out($A)", "rust"));
    desk.notices("c.rs", 1, "new(1)");
    let moved = format!("// mine\n{ONE}");
    let mut desk = restarted(desk, |desk| {
        desk.place.write("b.rs", &moved);
        desk.place.write("c.rs", "fn mine() {}\n");
    });
    desk.notices("b.rs", 1, "new(3)");
    let accept = desk.offered("a.rs", 0, "accept the whole changeset (1 hunks): ");
    desk.execute("tagout.accept", accept);
    desk.recorded("Apply", &["Judged: ", "Ended: wrote 1 files"]);
    assert_eq!((desk.disk("b.rs"), desk.disk("c.rs")), (moved.replace("old", "new"), "fn mine() {}\n".to_owned()));
    desk.notices("c.rs", 1, "stale: what 1 hunk is about changed");
}

#[test]
fn the_first_question_finds_what_is_still_being_indexed() {
    let place = Place::new();
    for number in 0..200 {
        place.write(&format!("m{number}.rs"), format!("fn name_{number}() {{}}\n"));
    }
    let mut client = place.open();
    let answer = client.call("workspace/symbol", json!({"query": "name_123"}));
    assert_eq!(answer["result"][0]["name"], "name_123", "asked once, at once: {answer}");
}
