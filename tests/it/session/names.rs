//! Where names lead, asked as an editor asks: definitions, references, outlines, callers and callees.

use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, politely};
use crate::place::Place;

/// A method with more than the name it is asked at.
fn ask(client: &mut Client, place: &Place, method: &str, (path, mark): (&str, &str), text: &str) -> Value {
    let position = position(text, mark);
    let params = json!({
        "textDocument": {"uri": place.uri(path)}, "position": position, "context": {"includeDeclaration": true},
    });
    let answer = client.call(&format!("textDocument/{method}"), params);
    assert!(answer.get("error").is_none(), "{answer}");
    answer["result"].clone()
}

/// The position right after `mark`, in UTF-16 code units.
fn position(text: &str, mark: &str) -> Value {
    let at = text.find(mark).unwrap_or_else(|| panic!("no {mark} in {text}")) + mark.len();
    let before = text.get(..at).expect("a boundary");
    let last = before.rsplit('\n').next().expect("a line");
    json!({"line": before.matches('\n').count(), "character": last.encode_utf16().count()})
}

/// Places as `path:line:character` of their starts.
fn places(answer: &Value) -> Vec<String> {
    let told = |place: &Value| {
        let uri = place["uri"].as_str().expect("a URI");
        let path = uri.rsplit_once("work/").expect("a file of the workspace").1;
        let start = &place["range"]["start"];
        format!("{path}:{}:{}", start["line"], start["character"])
    };
    answer.as_array().map_or_else(Vec::new, |places| places.iter().map(told).collect())
}

fn names(items: &Value) -> Vec<String> {
    let told = |item: &Value| item["name"].as_str().expect("a name").to_owned();
    items.as_array().map_or_else(Vec::new, |items| items.iter().map(told).collect())
}

const MAIN: &str =
    "use crate::tools::helper;\nfn main() {\n    let _ = \"😀\"; helper(1);\n    let helper = 2; used(helper);\n}\n";
const TOOLS: &str = "pub fn helper(count: u8) -> u8 {\n    inner(count)\n}\nfn inner(count: u8) -> u8 { count }\n";

/// Two languages with one name, and a file that no parser takes.
fn workspace() -> Place {
    let place = Place::new();
    place.write("src/main.rs", MAIN);
    place.write("src/tools.rs", TOOLS);
    place.write("tools.py", "def helper(count):\n    return count\nhelper(1)\n");
    place.write("src/deep.rs", format!("fn deep() {{ helper({}", "(".repeat(60_000)));
    place
}

#[test]
fn a_name_leads_to_its_definition_and_a_local_variable_to_its_binding() {
    let place = workspace();
    let mut client = place.open();
    let text = MAIN.replace("used(", "/* 😀 */ used(");
    client.open(&place.uri("src/main.rs"), "rust", MAIN);
    client.change(&place.uri("src/main.rs"), 2, json!([{"text": text}]));
    let mut define = |mark: &str| places(&ask(&mut client, &place, "definition", ("src/main.rs", mark), &text));
    assert_eq!(define("\"; hel"), ["src/tools.rs:0:7"]);
    assert_eq!(define("tools::h"), ["src/tools.rs:0:7"]);
    assert_eq!(define("used("), ["src/main.rs:3:8"], "the nearest binding, in the text that is not saved");
    assert_eq!(define("let _ = \""), Vec::<String>::new());
    // What is typed is known before it is saved.
    let renamed = format!("{text}fn fresh() {{}}\nfn calls() {{ fresh(); }}\n");
    client.change(&place.uri("src/main.rs"), 3, json!([{"text": renamed}]));
    let fresh = ask(&mut client, &place, "definition", ("src/main.rs", "calls() { f"), &renamed);
    assert_eq!(places(&fresh), ["src/main.rs:5:3"]);
}

#[test]
fn references_are_those_that_can_be_meant() {
    let place = workspace();
    let mut client = place.open();
    client.open(&place.uri("src/tools.rs"), "rust", TOOLS);
    let all = ask(&mut client, &place, "references", ("src/tools.rs", "pub fn h"), TOOLS);
    // Neither the local variable of this name, nor Python's function, nor what cannot be parsed.
    assert_eq!(places(&all), ["src/main.rs:0:18", "src/main.rs:2:18", "src/tools.rs:0:7"]);
    let position = position(TOOLS, "pub fn h");
    let params = json!({
        "textDocument": {"uri": place.uri("src/tools.rs")}, "position": position,
        "context": {"includeDeclaration": false},
    });
    let uses = client.call("textDocument/references", params)["result"].clone();
    assert_eq!(places(&uses), ["src/main.rs:0:18", "src/main.rs:2:18"]);
    let local = ask(&mut client, &place, "references", ("src/tools.rs", "    inner("), TOOLS);
    assert_eq!(places(&local), ["src/tools.rs:0:14", "src/tools.rs:1:10"], "of a parameter, in its function");
    // A file that goes is gone at once, whatever the index says.
    std::fs::remove_file(place.work().join("src/main.rs")).unwrap();
    let left = ask(&mut client, &place, "references", ("src/tools.rs", "pub fn h"), TOOLS);
    assert_eq!(places(&left), ["src/tools.rs:0:7"]);
    let nowhere = json!({"uri": "file:///etc/hostname"});
    let outside = json!({"textDocument": nowhere, "position": {"line": 0, "character": 0}});
    assert_eq!(client.call("textDocument/definition", outside)["result"], Value::Null);
}

#[test]
fn an_outline_nests_where_the_client_takes_that() {
    let text = "/// 😀\nstruct Root { path: u8 }\nimpl Root {\n    fn join(&self) {}\n}\n";
    let place = Place::new();
    place.write("a.rs", text);
    let outline = |features: Value| {
        let mut params = place.params();
        params["capabilities"]["textDocument"]["documentSymbol"] = features;
        let mut client = place.start();
        client.initialize(params);
        client.open(&place.uri("a.rs"), "rust", text);
        let params = json!({"textDocument": {"uri": place.uri("a.rs")}});
        client.call("textDocument/documentSymbol", params)["result"].clone()
    };
    let nested = outline(json!({"hierarchicalDocumentSymbolSupport": true}));
    assert_eq!(names(&nested), ["Root", "Root"]);
    assert_eq!(names(&nested[0]["children"]), ["path"]);
    assert_eq!(names(&nested[1]["children"]), ["join"]);
    assert_eq!(nested[0]["selectionRange"]["start"], json!({"line": 1, "character": 7}));
    assert_eq!(nested[0]["range"]["start"], json!({"line": 0, "character": 0}));
    let flat = outline(json!({}));
    assert_eq!(names(&flat), ["Root", "path", "Root", "join"]);
    assert_eq!((&flat[3]["containerName"], &flat[3]["kind"]), (&json!("Root"), &json!(6)));
}

#[test]
fn calls_are_told_from_both_ends() {
    let place = workspace();
    let mut client = place.open();
    assert!(client.finds_symbol("inner"));
    client.open(&place.uri("src/tools.rs"), "rust", TOOLS);
    let items = ask(&mut client, &place, "prepareCallHierarchy", ("src/tools.rs", "pub fn h"), TOOLS);
    assert_eq!(names(&items), ["helper"]);
    let callers = client.call("callHierarchy/incomingCalls", json!({"item": items[0]}))["result"].clone();
    assert_eq!((callers.as_array().map(Vec::len), &callers[0]["from"]["name"]), (Some(1), &json!("main")));
    assert_eq!(callers[0]["fromRanges"][0]["start"], json!({"line": 2, "character": 18}));
    let callees = client.call("callHierarchy/outgoingCalls", json!({"item": items[0]}))["result"].clone();
    assert_eq!((callees.as_array().map(Vec::len), &callees[0]["to"]["name"]), (Some(1), &json!("inner")));
    assert_eq!(callees[0]["fromRanges"][0]["start"], json!({"line": 1, "character": 4}));
    let above = client.call("callHierarchy/incomingCalls", json!({"item": callers[0]["from"]}))["result"].clone();
    assert_eq!(above, json!([]), "nobody calls main");
}

#[test]
fn a_language_with_a_server_is_never_asked_for() {
    let place = workspace();
    let mut params = place.params();
    params["capabilities"]["textDocument"]["definition"] = json!({"dynamicRegistration": true});
    params["initializationOptions"] = json!({"symbols": {"languages_with_server": ["rust"]}});
    let mut client = place.start();
    client.answering = politely();
    let said = client.initialize(params);
    assert_eq!(said["capabilities"]["definitionProvider"], Value::Null);
    assert_eq!(said["capabilities"]["referencesProvider"], true);
    let registered = client.wait_for(PATIENCE, |client| {
        let asked = client.seen.iter().filter(|message| message["method"] == "client/registerCapability");
        let all = asked.flat_map(|message| message["params"]["registrations"].as_array().cloned().unwrap_or_default());
        all.into_iter().find(|one| one["method"] == "textDocument/definition")
    });
    let selector = registered.expect("a registration")["registerOptions"]["documentSelector"].clone();
    let languages: Vec<&Value> = selector.as_array().unwrap().iter().map(|one| &one["language"]).collect();
    assert!(languages.contains(&&json!("python")) && !languages.contains(&&json!("rust")), "{languages:?}");
    client.open(&place.uri("src/tools.rs"), "rust", TOOLS);
    let answer = ask(&mut client, &place, "references", ("src/tools.rs", "pub fn h"), TOOLS);
    assert_eq!(answer, Value::Null, "asked all the same, tagout leaves it to the other");
    let python = "def helper(count):\n    return count\nhelper(1)\n";
    let other = ask(&mut client, &place, "references", ("tools.py", "def h"), python);
    assert_eq!(places(&other), ["tools.py:0:4", "tools.py:2:0"]);
}

#[test]
fn symbols_of_the_workspace_are_those_that_fit_what_is_typed() {
    let place = Place::new();
    place.write("a.rs", "fn open_store() {}\nfn open() {}\nfn reopen() {}\nstruct OpenStore;\nfn other() {}\n");
    let mut client = place.open();
    assert!(client.finds_symbol("OpenStore"));
    let answer = client.call("workspace/symbol", json!({"query": "open"}))["result"].clone();
    let found = names(&answer);
    assert_eq!(found.first().map(String::as_str), Some("open"));
    assert!(found.iter().all(|name| name.to_lowercase().contains("open")), "{found:?}");
    assert!(found.contains(&"open_store".to_owned()) && found.contains(&"OpenStore".to_owned()), "{found:?}");
}
