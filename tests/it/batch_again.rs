//! Batches beside what others did to their proposals, and beside their own plan.

use serde_json::json;

use crate::batch::{batch, code, events, of, place, plan, rewrite, times};
use crate::place::{notes, says};
use crate::sandbox::bench;

#[test]
fn what_somebody_else_applied_of_a_proposal_says_nothing_of_its_checks() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(2);
    place.trust();
    let before = std::fs::read_to_string(place.work().join("src/f001.rs")).unwrap();
    let proposed = batch(&place, plan(&[rewrite("a", json!({}))]), &[]);
    let changeset = of(&events(&proposed), "proposal")[0]["changeset"].as_str().unwrap().to_owned();
    // As if the plan had been cut short after it proposed the same, before its check.
    let items = plan(&[rewrite("a", json!({"apply": "all", "check": [["false"]]}))]);
    let name = events(&batch(&place, &items, &["--dry-run"]))[0]["plan"].as_str().unwrap().to_owned();
    let line = json!({"reached": "proposed", "id": "a", "changeset": changeset});
    std::fs::write(place.home().join(format!(".state/tagout/batches/{name}.jsonl")), format!("{line}\n")).unwrap();
    says(&place, &["apply", &changeset]);
    place.write("src/f001.rs", before);
    let output = batch(&place, &items, &[]);
    assert_eq!((code(&output), times(&place, 2)), (1, vec![1, 0]), "{}", notes(&output));
    assert_eq!(of(&events(&output), "failed")[0]["code"], "check-failed");
}

#[test]
fn a_plan_in_the_workspace_is_not_rewritten_by_its_own_items() {
    let place = place(1);
    let items = plan(&[json!({"id": "a", "regex": {"find": "old", "replace": "new"}, "apply": "all"})]);
    place.write("plan.jsonl", &items);
    place.write("other.jsonl", format!("{items}\n"));
    let output = batch(&place, &items, &[]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    let read = |path: &str| std::fs::read_to_string(place.work().join(path)).unwrap();
    assert_eq!(read("plan.jsonl"), items);
    assert!(read("src/f000.rs").contains("new") && read("other.jsonl").contains("\"find\":\"new\""));
}

const MAKEFILE: &str = "all:\n\techo old\n\n\n\n\nother:\n\ttrue\n";

/// A plan whose proposal waits for an approval, since it changes a makefile, with this check; the name of the question.
fn waits(place: &crate::place::Place, check: &str) -> (String, String, String) {
    place.write("Makefile", MAKEFILE);
    place.trust();
    let item = json!({
        "id": "a", "regex": {"find": "old", "replace": "new"}, "apply": "all", "commit": true,
        "check": [["sh", "-c", check]],
    });
    let items = plan(&[item]);
    let asked = batch(place, &items, &[]);
    assert_eq!(code(&asked), 3, "{}", notes(&asked));
    let told = events(&asked);
    let id = of(&told, "proposal")[0]["changeset"].as_str().unwrap().to_owned();
    let question = of(&told, "failed")[0]["hints"][0].as_str().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    (items, id, question)
}

#[test]
fn what_changed_while_an_answer_was_waited_for_is_checked_again() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(2);
    let (items, id, question) = waits(&place, "grep -q new src/f000.rs && grep -q new src/f001.rs");
    says(&place, &["reject", &id, "--file", "src/f000.rs"]);
    let output = batch(&place, &items, &["--approve", &question]);
    assert_eq!(of(&events(&output), "failed")[0]["code"], "check-failed", "{}", notes(&output));
    assert!(std::fs::read_to_string(place.work().join("src/f001.rs")).unwrap().contains("old"));
}

#[test]
fn what_was_written_while_an_answer_was_waited_for_goes_into_no_commit() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(1);
    says(&place, &["mode", "unrestricted"]);
    let git = |arguments: &[&str]| crate::batch_git::git(&place.work(), arguments);
    git(&["init", "-q"]);
    for (key, value) in [("user.name", "a"), ("user.email", "a@example.org")] {
        git(&["config", key, value]);
    }
    place.write("Makefile", MAKEFILE);
    git(&["add", "."]);
    git(&["commit", "-qm", "begun"]);
    let (items, _, question) = waits(&place, "true");
    // Beside what is proposed, so that the answer fits still.
    place.write("Makefile", MAKEFILE.replace("true", "echo my own"));
    let output = batch(&place, &items, &["--commit", "--approve", &question]);
    let told = events(&output);
    assert!(code(&output) == 1 && of(&told, "applied").is_empty(), "{}", notes(&output));
    let what = of(&told, "failed")[0]["what"].as_str().unwrap().to_owned();
    assert!(what.contains("Makefile holds what is not committed yet"), "{what}");
}
