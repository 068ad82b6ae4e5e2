//! An editor, its user and the server at one desk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, politely};
use crate::place::{Place, says};

/// Two calls far enough apart to be two hunks, and what stands at lines 1 and 9.
pub(super) const TWO: &str = "fn a() {\n    old(1);\n\n\n\n\n\n\n\n    old(2);\n}\n";
pub(super) const ONE: &str = "fn b() {\n    old(3);\n}\n";

/// An editor with a server and a workspace.
pub(crate) struct Desk {
    pub(crate) place: Place,
    pub(crate) client: Client,
    /// Edits that the server asked for and that nobody has made yet.
    pub(super) asked: Rc<RefCell<Vec<Value>>>,
    /// What the editor says of an edit.
    pub(super) says: Rc<RefCell<Value>>,
    /// Version and text of each open document.
    texts: BTreeMap<String, (i32, String)>,
}

impl Desk {
    /// A workspace with these files in `mode`, the first file open, the server ready.
    pub(super) fn new(mode: &str, files: &[(&str, &str)]) -> Self {
        let place = Place::new();
        files.iter().for_each(|(path, text)| drop(place.write(path, text)));
        if mode != "read-only" {
            says(&place, &["mode", mode]);
        }
        Self::at(place, files.first().expect("a file").0)
    }

    /// A server at `place`, with the file at `path` open.
    pub(crate) fn at(place: Place, path: &str) -> Self {
        let params = place.params();
        Self::introduced(place, path, params)
    }

    /// The same, with an editor that says this of itself.
    pub(super) fn introduced(place: Place, path: &str, params: Value) -> Self {
        let (asked, says) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(json!({"applied": true}))));
        let (asked_here, says_here, mut polite) = (Rc::clone(&asked), Rc::clone(&says), politely());
        let mut client = place.start();
        client.answering = Box::new(move |method, params| {
            if method != "workspace/applyEdit" {
                return polite(method, params);
            }
            asked_here.borrow_mut().push(params.clone());
            Some(Ok(says_here.borrow().clone()))
        });
        client.initialize(params);
        let mut desk = Self { place, client, asked, says, texts: BTreeMap::new() };
        desk.open(path);
        desk.offered(path, 0, "show the log");
        desk
    }

    pub(super) fn open(&mut self, path: &str) {
        let text = self.disk(path);
        self.client.open(&self.place.uri(path), "rust", &text);
        self.texts.insert(path.to_owned(), (1, text));
    }

    pub(super) fn disk(&self, path: &str) -> String {
        std::fs::read_to_string(self.place.work().join(path)).expect("a file")
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.place.work().join(path).exists()
    }

    pub(super) fn text(&self, path: &str) -> &str {
        &self.texts[path].1
    }

    /// The user types: the document's text is `text` now.
    pub(super) fn types(&mut self, path: &str, text: &str) {
        let document = self.texts.get_mut(path).expect("an open document");
        *document = (document.0 + 1, text.to_owned());
        self.client.change(&self.place.uri(path), document.0, json!([{"text": text}]));
    }

    /// Makes the edit that the server asks for, and tells it.
    pub(super) fn make_edit(&mut self, path: &str) {
        self.edit_asked();
        let asked = self.asked.borrow_mut().remove(0);
        let change = asked["edit"]["documentChanges"][0].clone();
        assert_eq!(change["textDocument"]["uri"], self.place.uri(path), "{asked}");
        assert_eq!(change["textDocument"]["version"], self.texts[path].0, "{asked}");
        let text = with_edits(self.text(path), &change["edits"]);
        self.types(path, &text);
    }

    /// Waits until the server asks for an edit.
    pub(super) fn edit_asked(&mut self) {
        let asked = Rc::clone(&self.asked);
        let waited = self.client.wait_for(PATIENCE, |_| (!asked.borrow().is_empty()).then_some(()));
        assert!(waited.is_some(), "no edit asked for: {:?}", self.client.seen);
    }

    /// The argument of the action at a line with this title, waited for.
    pub(super) fn offered(&mut self, path: &str, line: u32, title: &str) -> Value {
        self.client.action(&self.place.uri(path), line, title)["arguments"][0].clone()
    }

    /// Runs a command that must be taken on.
    pub(crate) fn execute(&mut self, command: &str, argument: Value) {
        let answer = self.client.execute(command, argument);
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Runs a command that must be refused; the error's text.
    pub(super) fn refused(&mut self, command: &str, argument: Value) -> String {
        let answer = self.client.execute(command, argument);
        answer["error"]["message"].as_str().unwrap_or_else(|| panic!("not refused: {answer}")).to_owned()
    }

    /// Proposes `new` for every `old`, and waits for the proposal.
    pub(super) fn propose(&mut self) {
        self.execute("tagout.rewrite", rewrite("old($A)", "rust"));
        self.told("tagout: proposed");
    }

    /// Waits until the server shows this message; each message counts once.
    pub(crate) fn told(&mut self, text: &str) -> Value {
        let told = self.client.wait_for(PATIENCE, |client| {
            let at = client.seen.iter().position(|message| {
                let shown = message["params"]["message"].as_str();
                message["method"] == "window/showMessage" && shown.is_some_and(|shown| shown.contains(text))
            })?;
            Some(client.seen.remove(at))
        });
        told.unwrap_or_else(|| panic!("\"{text}\" was not said: {:?}", self.client.seen))
    }

    /// Waits until a page of this name is shown; what it says.
    pub(super) fn shown(&mut self, name: &str) -> String {
        let shown = self.client.wait_for(PATIENCE, |client| {
            let uris = client.seen.iter().filter(|message| message["method"] == "window/showDocument");
            let mut uris = uris.filter_map(|message| message["params"]["uri"].as_str());
            uris.find_map(|uri| uri.strip_prefix("file://").filter(|path| path.ends_with(name)).map(str::to_owned))
        });
        let path = shown.unwrap_or_else(|| panic!("{name} was not shown: {:?}", self.client.seen));
        std::fs::read_to_string(path).expect("a page")
    }

    /// Waits until the notices at a file are `count`, each with `text` in it.
    pub(super) fn notices(&mut self, path: &str, count: usize, text: &str) {
        let uri = self.place.uri(path);
        let fits = |notices: &Vec<Value>| {
            let fits = |notice: &Value| notice["message"].as_str().is_some_and(|message| message.contains(text));
            notices.len() == count && notices.iter().all(fits)
        };
        let found = self.client.wait_for(PATIENCE, |client| {
            let last = client.seen.iter().rfind(|message| {
                message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri
            });
            last.and_then(|message| message["params"]["diagnostics"].as_array()).filter(|last| fits(last)).map(|_| ())
        });
        assert!(found.is_some(), "not {count} notices \"{text}\" at {path}: {:?}", self.client.seen);
    }

    /// The ledger's records about actions of this kind, as "Judged: outcome" or "Ended: outcome".
    pub(super) fn records(&self, kind: &str) -> Vec<String> {
        let entries: Vec<Value> =
            serde_json::from_str(&says(&self.place, &["log", "--json"])).expect("the ledger as JSON");
        let of_kind = entries.iter().filter(|entry| entry["action"].get(kind).is_some());
        let told = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of_kind.map(|entry| format!("{}: {}", told(&entry["phase"]), told(&entry["outcome"]))).collect()
    }

    /// Waits until the records about actions of this kind begin with `expected`, each one, and are as many.
    pub(super) fn recorded(&mut self, kind: &str, expected: &[&str]) {
        for _ in 0..100 {
            let records = self.records(kind);
            let mut pairs = records.iter().zip(expected);
            if records.len() == expected.len() && pairs.all(|(record, expected)| record.starts_with(expected)) {
                return;
            }
            self.client.listen(Duration::from_millis(100));
        }
        panic!("expected {expected:?}, recorded {:?}", self.records(kind));
    }
}

/// The argument of a rewrite to `new($A)`.
pub(super) fn rewrite(pattern: &str, language: &str) -> Value {
    json!({"language": language, "pattern": pattern, "replacement": "new($A)"})
}

/// `text`, which is ASCII, with these edits, all over the same text and in order.
fn with_edits(text: &str, edits: &Value) -> String {
    let offset = |place: &Value| {
        let line = usize::try_from(place["line"].as_u64().expect("a line")).expect("a line");
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        before + usize::try_from(place["character"].as_u64().expect("a character")).expect("a character")
    };
    let mut changed = text.to_owned();
    for edit in edits.as_array().expect("edits").iter().rev() {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        changed.replace_range(range, edit["newText"].as_str().expect("a text"));
    }
    changed
}
