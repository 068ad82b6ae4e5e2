//! A server that stays prompt and in order while much is asked, and while the client is slow or gone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, Place};

/// Appends `letter` to the name of the only function, which has `length` letters after `fn name_`.
fn append(client: &mut Client, uri: &str, version: i32, length: u32, letter: char) {
    let place = json!({"line": 0, "character": 8 + length});
    client.change(uri, version, json!([{"range": {"start": place, "end": place}, "text": letter.to_string()}]));
}

/// `count` changes, each of which is right only after the one before, lead to the expected name.
fn changes_in_order(count: u32) {
    let place = Place::new();
    place.write("src/lib.rs", "fn name_() {}\n");
    let uri = place.uri("src/lib.rs");
    let mut client = place.open();
    client.open(&uri, "rust", "fn name_() {}\n");
    let letters: String = ('a'..='z').cycle().take(40).collect();
    let mut version = 1;
    // Forty letters in, forty letters out, over and over: the text stays short, the order matters.
    for number in 0..count {
        let at = number % 40;
        version += 1;
        if at == 0 && number > 0 {
            client.change(&uri, version, json!([{"text": "fn name_() {}\n"}]));
            version += 1;
        }
        append(&mut client, &uri, version, at, letters.chars().nth(at as usize).unwrap_or('a'));
    }
    let kept = (count - 1) % 40 + 1;
    let expected: String = letters.chars().take(kept as usize).collect();
    assert!(client.finds_symbol(&format!("name_{expected}")));
}

#[test]
fn two_hundred_changes_in_order() {
    changes_in_order(200);
}

#[test]
fn a_thousand_changes_in_order() {
    changes_in_order(1000);
}

/// A client that leaves every request of the server open.
fn leave_open(place: &Place) -> Client {
    let mut client = place.start();
    client.answering = Box::new(|_, _| None);
    client.initialize(place.params());
    client
}

/// Requests of the server that wait for the client.
fn open_requests(client: &Client) -> Vec<Value> {
    client.seen.iter().filter_map(|message| message.get("id").cloned()).collect()
}

/// Requests of the server by this method that wait for the client.
fn waiting(client: &Client, method: &str) -> Vec<Value> {
    let asked = client.seen.iter().filter(|message| message["method"] == method);
    asked.filter_map(|message| message.get("id").cloned()).collect()
}

#[test]
fn questions_and_cancellations_while_eight_edits_wait() {
    let place = Place::new();
    let mut client = leave_open(&place);
    let uris: Vec<String> = (0..8).map(|number| place.uri(&format!("src/file_{number}.rs"))).collect();
    for (number, uri) in uris.iter().enumerate() {
        place.write(&format!("src/file_{number}.rs"), "fn a() { old(1); }\n");
        client.open(uri, "rust", "fn a() { old(1); }\n");
    }
    let root = place.work();
    let raise = client.action(&uris[0], 0, "mode from read-only to workspace-write");
    client.execute("tagout.setMode", raise["arguments"][0].clone());
    client.action(&uris[0], 0, "mode from workspace-write");
    let rewrite = json!({"root": root, "language": "rust", "pattern": "old($A)", "replacement": "new($A)"});
    client.execute("tagout.rewrite", rewrite);
    let accept = client.action(&uris[0], 0, "accept the whole changeset");
    client.execute("tagout.accept", accept["arguments"][0].clone());
    let all_asked = |client: &mut Client| (waiting(client, "workspace/applyEdit").len() == 8).then_some(());
    assert!(client.wait_for(PATIENCE, all_asked).is_some(), "{:?}", client.seen);

    client.still_answers();
    let searches: Vec<Value> = (0..8).map(|_| client.request("workspace/symbol", json!({"query": "a"}))).collect();
    for id in &searches {
        client.notify("$/cancelRequest", json!({"id": id}));
    }
    for id in &searches {
        let answer = client.answer(id);
        assert!(answer.get("result").is_some() || answer["error"]["code"] == -32800, "{answer}");
    }
    // What the editor claims after all is no evidence, and no reason to fall over.
    for id in waiting(&client, "workspace/applyEdit") {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"applied": true}}));
    }
    client.still_answers();
}

#[test]
fn late_and_unknown_replies() {
    let place = Place::new();
    let mut client = leave_open(&place);
    assert!(client.seen("client/registerCapability").is_some(), "{:?}", client.seen);
    let open = open_requests(&client);
    for id in open.iter().chain(&open).chain(&[json!(4711), json!("x"), json!(-1)]) {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"odd": true}}));
        client.send(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": 1, "message": "late"}}));
    }
    client.still_answers();
}

#[test]
fn changes_while_requests_of_the_server_wait() {
    let place = Place::new();
    place.write("src/lib.rs", "fn a() {}\n");
    let uri = place.uri("src/lib.rs");
    let mut client = leave_open(&place);
    client.open(&uri, "rust", "fn a() {}\n");
    for version in 2..202 {
        client.change(&uri, version, json!([{"text": format!("fn version_{version}() {{}}\n")}]));
    }
    assert!(client.finds_symbol("version_201"));
}

#[test]
fn client_that_stops_reading() {
    let place = Place::new();
    let mut client = Client::start_deaf(place.command());
    client.request("initialize", place.params());
    client.notify("initialized", json!({}));
    // More answers than any pipe holds; all of them must be there once the client reads again.
    let ids: Vec<Value> =
        (0..5000).map(|_| client.request("tagout/nothing", json!({"text": "x".repeat(50)}))).collect();
    client.hear();
    for id in &ids {
        assert_eq!(client.answer(id)["error"]["code"], -32601);
    }
    client.still_answers();
}

#[test]
fn exit_is_obeyed_though_nobody_reads() {
    let place = Place::new();
    let mut client = Client::start_deaf(place.command());
    client.request("initialize", place.params());
    (0..5000).for_each(|_| drop(client.request("tagout/nothing", json!({"text": "x".repeat(50)}))));
    client.request("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.ends(Duration::from_secs(10)).and_then(|status| status.code()), Some(0));
}

#[test]
fn exit_while_the_server_works() {
    let place = Place::new();
    let text: String = (0..500).map(|number| format!("pub fn function_{number}() -> u32 {{ {number} }}\n")).collect();
    for number in 0..100 {
        place.write(&format!("src/file_{number}.rs"), &text);
    }
    let mut client = place.open();
    client.call("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.ends(Duration::from_secs(10)).and_then(|status| status.code()), Some(0));
}
