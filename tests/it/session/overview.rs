//! What an editor's own panel shows: everything that is open, and the two sides of a change as documents.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::desk::{Desk, ONE, TWO};
use crate::client::PATIENCE;
use crate::place::Place;

/// A desk whose editor says that it has such a panel.
fn desk(files: &[(&str, &str)]) -> Desk {
    let place = Place::new();
    files.iter().for_each(|(path, text)| drop(place.write(path, text)));
    crate::place::says(&place, &["mode", "workspace-write"]);
    let mut params = place.params();
    params["capabilities"]["experimental"] = json!({"tagout": {"overview": true, "contents": true}});
    Desk::introduced(place, files.first().expect("a file").0, params)
}

impl Desk {
    fn overview(&mut self) -> Value {
        self.client.execute("tagout.overview", json!({}))["result"].clone()
    }

    /// Waits until the overview fits, asking again only when the server says that it changed.
    fn overview_where(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            self.client.seen.retain(|message| message["method"] != "tagout/overviewChanged");
            let overview = self.overview();
            if fits(&overview) {
                return overview;
            }
            let changed = self.client.wait_for(PATIENCE, |client| {
                client.seen.iter().any(|message| message["method"] == "tagout/overviewChanged").then_some(())
            });
            assert!(changed.is_some(), "it stayed so: {overview}");
        }
    }

    fn content(&mut self, uri: &Value) -> Value {
        self.client.call("workspace/textDocumentContent", json!({"uri": uri}))
    }
}

#[test]
fn what_is_open_is_told_when_it_changes() {
    let mut desk = desk(&[("a.rs", TWO), ("b.rs", ONE)]);
    let overview = desk.overview_where(|overview| overview["workspaces"][0]["index"]["state"] == "ready");
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(overview["workspaces"][0]["mode"], "workspace-write");
    assert_eq!(overview["workspaces"][0]["trust"], "trusted");
    assert_eq!(overview["workspaces"][0]["index"]["message"], "2 files");
    assert_eq!((&overview["changes"], &overview["questions"]), (&json!([]), &json!([])));
    desk.propose();
    let overview = desk.overview_where(|overview| overview["changes"][0]["pending"] == 3);
    let file = &overview["changes"][0]["files"][0];
    assert_eq!((&file["path"], &file["kind"], &file["uri"]), (&json!("a.rs"), &json!("edit"), &file["left"]));
    assert_eq!(file["hunks"][1]["range"]["start"], json!({"line": 9, "character": 0}));
    assert_eq!((&file["hunks"][1]["removed"], &file["hunks"][1]["added"]), (&json!(1), &json!(1)));
    let id = overview["changes"][0]["changeset"].clone();
    desk.execute("tagout.reject", json!({"changeset": id, "file": 0, "hunk": 1}));
    let overview = desk.overview_where(|overview| overview["changes"][0]["pending"] == 2);
    assert_eq!(overview["changes"][0]["files"][0]["hunks"][1]["state"], "rejected");
    let diff = desk.client.execute("tagout.diff", json!({"changeset": id}))["result"]["diff"].clone();
    let diff = diff.as_str().expect("a diff");
    assert!(diff.contains("+    new(1);") && !diff.contains("new(2)"), "{diff}");
    desk.execute("tagout.accept", json!({"changeset": id, "file": 1}));
    let overview = desk.overview_where(|overview| overview["applied"][0].is_object());
    assert_eq!(overview["changes"][0]["pending"], 1);
    // The mode that another process sets shows too.
    crate::place::says(&desk.place, &["mode", "read-only"]);
    desk.overview_where(|overview| overview["workspaces"][0]["mode"] == "read-only");
}

#[test]
fn a_question_waits_with_its_answers() {
    let mut desk = desk(&[("a.rs", ONE)]);
    crate::place::says(&desk.place, &["mode", "unrestricted"]);
    desk.overview_where(|overview| overview["workspaces"][0]["mode"] == "unrestricted");
    desk.execute("tagout.run", json!({"argv": ["true"], "place": "host"}));
    let overview = desk.overview_where(|overview| overview["questions"][0].is_object());
    let question = &overview["questions"][0];
    assert!(question["what"].as_str().is_some_and(|what| what.contains("true")), "{question}");
    assert_eq!(question["terms"][0], json!({"term": "once", "title": "approve once"}));
    let shown = |message: &Value| message["method"] == "window/showMessage" && message.to_string().contains("decision");
    assert!(!desk.client.seen.iter().any(shown), "the panel shows it: {:?}", desk.client.seen);
    desk.execute("tagout.deny", json!({"decision": question["decision"]}));
    desk.overview_where(|overview| overview["questions"] == json!([]));
}

#[test]
fn the_sides_of_a_change_are_documents() {
    let mut desk = desk(&[("a.rs", TWO), ("b.txt", "nothing\n")]);
    let refreshed = Rc::new(RefCell::new(0));
    let (counted, mut before) =
        (Rc::clone(&refreshed), std::mem::replace(&mut desk.client.answering, Box::new(|_, _| None)));
    desk.client.answering = Box::new(move |method, params| {
        *counted.borrow_mut() += u32::from(method == "workspace/textDocumentContent/refresh");
        before(method, params)
    });
    let registered = desk.client.seen.iter().filter(|message| message["method"] == "client/registerCapability");
    let registered: Vec<Value> = registered.cloned().collect();
    assert!(
        registered.iter().any(|message| message.to_string().contains("workspace/textDocumentContent")),
        "{registered:?}"
    );
    desk.propose();
    let overview = desk.overview_where(|overview| overview["changes"][0]["pending"] == 2);
    let (id, right) =
        (overview["changes"][0]["changeset"].clone(), overview["changes"][0]["files"][0]["right"].clone());
    assert_eq!(desk.content(&right)["result"]["text"], TWO.replace("old", "new"));
    // What changes elsewhere is no reason to read it again.
    desk.open("b.txt");
    desk.overview();
    assert_eq!(*refreshed.borrow(), 0);
    desk.execute("tagout.reject", json!({"changeset": id, "file": 0, "hunk": 0}));
    let asked = Rc::clone(&refreshed);
    let again = desk.client.wait_for(PATIENCE, |_| (*asked.borrow() > 0).then_some(()));
    assert!(again.is_some(), "the editor was not asked to read it again");
    assert_eq!(desk.content(&right)["result"]["text"], TWO.replace("old(2)", "new(2)"));
    desk.execute("tagout.reject", json!({"changeset": id}));
    desk.overview_where(|overview| overview["changes"] == json!([]));
    let gone = desk.content(&right)["error"]["message"].clone();
    assert!(gone.as_str().is_some_and(|gone| gone.contains("nothing waits under this name any more")), "{gone}");
}

#[test]
fn an_editor_without_a_panel_hears_nothing_of_it() {
    let mut desk = Desk::new("workspace-write", &[("a.rs", ONE)]);
    desk.propose();
    desk.notices("a.rs", 1, "new(3)");
    let ours = |message: &Value| message["method"].as_str().is_some_and(|method| method.starts_with("tagout/"));
    assert!(!desk.client.seen.iter().any(ours));
}
