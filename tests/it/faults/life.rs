//! The life of a session: the order of calls, its end, what `initialize` may say.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Place};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn request_before_initialize() {
    let mut client = Place::new().start();
    assert_eq!(client.call("textDocument/hover", json!({}))["error"]["code"], -32002);
    client.notify("textDocument/didOpen", json!({}));
    client.initialize(json!({"capabilities": {}}));
    client.still_answers();
}

#[test]
fn second_initialize() {
    let place = Place::new();
    let mut client = place.open();
    assert_eq!(client.call("initialize", place.params())["error"]["code"], -32600);
    client.still_answers();
}

#[test]
fn initialize_again_after_a_bad_one() {
    let place = Place::new();
    let mut client = place.start();
    assert_eq!(client.call("initialize", json!({"capabilities": 3}))["error"]["code"], -32602);
    client.initialize(place.params());
    client.still_answers();
}

#[test]
fn request_after_shutdown() {
    let mut client = Place::new().open();
    assert_eq!(client.call("shutdown", Value::Null).get("result"), Some(&Value::Null));
    assert_eq!(client.call("textDocument/hover", json!({}))["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ends(SOON).and_then(|status| status.code()), Some(0));
}

#[test]
fn exit_without_shutdown() {
    let mut client = Place::new().open();
    client.notify("exit", Value::Null);
    assert_eq!(client.ends(SOON).and_then(|status| status.code()), Some(1));
}

#[test]
fn exit_before_initialize() {
    let mut client = Place::new().start();
    client.notify("exit", Value::Null);
    assert_eq!(client.ends(SOON).and_then(|status| status.code()), Some(1));
}

#[test]
fn shutdown_and_exit_in_one_write() {
    let mut client = Place::new().open();
    let id = client.request("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.answer(&id).get("result"), Some(&Value::Null));
    assert_eq!(client.ends(SOON).and_then(|status| status.code()), Some(0));
}

#[test]
fn nothing_is_asked_of_a_client_after_shutdown() {
    // While the folder is opened there is much to ask for: registrations, progress, settings.
    for _ in 0..5 {
        let place = Place::new();
        place.write("a.rs", "pub fn a() {}\n");
        let mut client = place.start();
        client.initialize(place.params());
        assert_eq!(client.call("shutdown", Value::Null).get("result"), Some(&Value::Null));
        client.seen.clear();
        std::thread::sleep(Duration::from_millis(300));
        client.notify("exit", Value::Null);
        assert_eq!(client.ends(SOON).and_then(|status| status.code()), Some(0));
        client.wait_for(Duration::from_millis(100), |_| None::<()>);
        let asked: Vec<&Value> = client.seen.iter().filter(|message| message.get("id").is_some()).collect();
        assert!(asked.is_empty(), "{asked:?}");
    }
}

#[test]
fn input_ends_after_requests() {
    let mut client = Place::new().open();
    let ids: Vec<Value> = (0..20).map(|_| client.request("workspace/symbol", json!({"query": "x"}))).collect();
    client.close_input();
    ids.iter().for_each(|id| drop(client.answer(id)));
    assert!(client.ends(SOON).is_some());
}

/// The files of a workspace that takes a while to index.
fn busy(place: &Place) {
    let text: String = (0..500).map(|number| format!("pub fn function_{number}() -> u32 {{ {number} }}\n")).collect();
    for number in 0..100 {
        place.write(&format!("src/file_{number}.rs"), &text);
    }
}

#[test]
fn client_killed_while_the_server_works() {
    let place = Place::new();
    busy(&place);
    let mut client = place.open();
    (0..20).for_each(|_| drop(client.request("workspace/symbol", json!({"query": "function"}))));
    client.close_input();
    client.close_output();
    assert!(client.ends(Duration::from_secs(10)).is_some());
}

#[test]
fn parent_process_dies() {
    let place = Place::new();
    let mut parent = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("a process");
    let mut client = place.start();
    let mut params = place.params();
    params["processId"] = json!(parent.id());
    client.initialize(params);
    client.still_answers();
    parent.kill().expect("a process to kill");
    // Not yet waited for, so its id is still taken: dead is dead.
    assert!(client.ends(Duration::from_secs(15)).is_some());
    parent.wait().expect("a child");
}

#[test]
fn unknown_request() {
    let mut client = Place::new().open();
    assert_eq!(client.call("tagout/nothing", json!({}))["error"]["code"], -32601);
    assert_eq!(client.call("textDocument/rename2", json!({}))["error"]["code"], -32601);
    client.still_answers();
}

#[test]
fn unknown_notification() {
    let mut client = Place::new().open();
    client.notify("tagout/nothing", json!({}));
    client.notify("$/nothing", json!({"a": 1}));
    client.still_answers();
}

#[test]
fn cancelling_what_is_not_there() {
    let mut client = Place::new().open();
    for id in [json!(999), json!("x"), json!(null), json!({})] {
        client.notify("$/cancelRequest", json!({"id": id}));
    }
    client.still_answers();
}

#[test]
fn params_missing() {
    let mut client = Place::new().open();
    client.send(&json!({"jsonrpc": "2.0", "id": 50, "method": "textDocument/hover"}));
    assert_eq!(client.answer(&json!(50))["error"]["code"], -32602);
    client.still_answers();
}

#[test]
fn params_wrongly_typed() {
    let mut client = Place::new().open();
    for params in
        [json!({"textDocument": 3}), json!([1, 2]), json!({"textDocument": {"uri": "file:///a"}, "position": "x"})]
    {
        assert_eq!(client.call("textDocument/hover", params)["error"]["code"], -32602);
    }
    client.still_answers();
}

/// A server that is initialized with `change` made to the usual params; the result.
fn initialized_with(place: &Place, change: impl FnOnce(&mut Value)) -> (Client, Value) {
    let mut params = place.params();
    change(&mut params);
    let mut client = place.start();
    let result = client.initialize(params);
    client.still_answers();
    (client, result)
}

#[test]
fn root_that_does_not_exist() {
    let (mut client, _) = initialized_with(&Place::new(), |params| {
        params["rootUri"] = json!("file:///nothing/here");
        params["workspaceFolders"] = json!([{"uri": "file:///nothing/here", "name": "x"}]);
    });
    client.still_answers();
}

#[test]
fn root_of_another_scheme() {
    initialized_with(&Place::new(), |params| {
        params["rootUri"] = json!("vscode-remote://host/work");
        params["workspaceFolders"] = Value::Null;
    });
}

#[test]
fn encodings_offered() {
    for (offered, expected) in [
        (json!(["utf-32", "utf-8"]), "utf-8"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-32"]), "utf-32"),
        (json!([]), "utf-16"),
        (json!(["utf-7"]), "utf-16"),
    ] {
        let (_, result) = initialized_with(&Place::new(), |params| {
            params["capabilities"]["general"]["positionEncodings"] = offered;
        });
        assert_eq!(result["capabilities"]["positionEncoding"], expected);
    }
}

#[test]
fn no_capabilities_at_all() {
    let (_, result) = initialized_with(&Place::new(), |params| params["capabilities"] = json!({}));
    assert_eq!(result["serverInfo"]["name"], "tagout");
    let commands = result["capabilities"]["executeCommandProvider"]["commands"].as_array().cloned().unwrap_or_default();
    assert!(!commands.is_empty());
    assert!(commands.iter().all(|id| id.as_str().is_some_and(|id| id.starts_with("tagout."))), "{commands:?}");
}

#[test]
fn garbage_initialization_options() {
    for garbage in [json!("x"), json!([1]), json!({"mode": 7, "nested": {"a": [null]}}), json!(1e300)] {
        initialized_with(&Place::new(), |params| params["initializationOptions"] = garbage);
    }
}

#[test]
fn malformed_settings_file() {
    for garbage in [b"mode = [".as_slice(), b"\xff\xfe\x00", b"mode = 7\nx = \"y\"\n"] {
        let place = Place::new();
        place.write(".tagout.toml", garbage);
        place.write("src/lib.rs", "pub fn still_found() {}\n");
        let mut client = place.open();
        assert!(client.finds_symbol("still_found"));
    }
}
