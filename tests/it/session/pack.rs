//! Packs as an editor asks for them, with what is typed and not saved.

use serde_json::{Value, json};

use super::desk::Desk;

const RETRY: &str =
    "/// Waits 😀 longer after each failed attempt.\nfn wait_after(attempt: u32) -> u64 {\n    100 << attempt\n}\n";
const PAGE: &str =
    "# Waiting\n\nHow long to wait after a failed attempt:\n\n```rust\nwait_after(1)\n```\n\n````\nno end\n";

fn desk() -> Desk {
    Desk::new("read-only", &[("src/retry.rs", RETRY), ("docs/wait.md", PAGE), ("src/other.rs", "fn unrelated() {}\n")])
}

fn pack(desk: &mut Desk, argument: Value) -> Value {
    let answer = desk.client.execute("tagout.pack", argument);
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// The items of a file, each as its level and text.
fn of(pack: &Value, path: &str) -> Vec<(String, String)> {
    let items = pack["items"].as_array().expect("items").iter().filter(|item| item["path"] == path);
    let text = |item: &Value, key: &str| item[key].as_str().expect("a text").to_owned();
    items.map(|item| (text(item, "level"), text(item, "text"))).collect()
}

#[test]
fn a_pack_holds_what_is_typed_and_not_what_is_on_the_disk() {
    let mut desk = desk();
    assert!(desk.client.finds_symbol("wait_after"));
    let task = json!({"task": "wait longer in wait_after", "budget": 2000});
    let saved = pack(&mut desk, task.clone());
    assert_eq!(of(&saved, "src/retry.rs"), [("whole".to_owned(), RETRY.to_owned())], "{saved}");
    let typed = RETRY.replace("100 << attempt", "pause_for(attempt) // 🦀");
    desk.types("src/retry.rs", &typed);
    let unsaved = pack(&mut desk, task.clone());
    assert_eq!(of(&unsaved, "src/retry.rs"), [("whole".to_owned(), typed)], "{unsaved}");
    let first = &unsaved["items"][0];
    assert_eq!((&first["startLine"], &first["endLine"]), (&json!(1), &json!(4)));
    assert!(first["reason"].as_str().is_some_and(|reason| reason.contains("named in the task")), "{first}");
    assert!(unsaved["tokens"].as_u64().is_some_and(|tokens| tokens > 0 && tokens <= 2000));
    let markdown = unsaved["markdown"].as_str().expect("Markdown");
    assert!(markdown.contains("pause_for") && markdown.contains("\n`````markdown\n# Waiting"), "{markdown}");
    desk.types("src/retry.rs", RETRY);
    assert_eq!(pack(&mut desk, task), saved, "the same index and the same task");
}

#[test]
fn what_cannot_be_packed_is_said_with_the_next_step() {
    let mut desk = desk();
    assert!(desk.client.finds_symbol("wait_after"));
    let refused = [
        (json!({}), "the command needs \"task\""),
        (json!({"task": " ?! "}), "the task is empty; say in words"),
        (json!({"task": "wait", "budget": 0}), "a budget of 0 tokens holds nothing; give as many"),
        (json!({"task": "wait", "budget": 3}), "nothing of what was found fits into 3 tokens; give a larger budget"),
        (json!({"task": "wait", "root": "/nowhere"}), "no workspace folder is open at /nowhere"),
        (json!({"task": "wait", "budget": -1}), "the command's argument does not fit"),
    ];
    for (argument, wanted) in refused {
        let said = desk.refused("tagout.pack", argument);
        assert!(said.contains(wanted), "{said}");
    }
}
