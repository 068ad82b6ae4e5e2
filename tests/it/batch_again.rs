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
