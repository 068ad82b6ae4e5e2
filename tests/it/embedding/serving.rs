//! The embedding endpoint beside a server: it is sent to in the background, by several processes, until it is switched off.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::{KEY, name, project, settings, text};
use crate::client::{Client, PATIENCE, politely};
use crate::endpoint::{Endpoint, Manner};
use crate::place::{Place, configure, notes};

/// A server that has sent all of the project.
fn sending(place: &Place, endpoint: &Endpoint) -> Client {
    name(place, &settings("openai", endpoint));
    let mut command = place.command();
    command.env("TAGOUT_TEST_KEY", KEY);
    let mut client = Client::start(command);
    client.initialize(place.params());
    endpoint.wait_for("throttle(retries)");
    client
}

/// Has a file of the project hold something new.
fn write(place: &Place, client: &mut Client, function: &str, called: &str) {
    place.write("src/slow.rs", format!("fn {function}() {{\n    throttle({called})\n}}\n"));
    let uri = place.uri("src/slow.rs");
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": 2}]}));
}

/// Sets what the editor has set.
fn configure_editor(client: &mut Client, settings: Value) {
    let mut politely = politely();
    client.answering = Box::new(move |method, params| match method {
        "workspace/configuration" => Some(Ok(json!([settings]))),
        _ => politely(method, params),
    });
    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
}

/// Waits for something that the endpoint sees; what the server asks meanwhile is answered.
fn comes(client: &mut Client, is_there: impl Fn() -> bool) -> bool {
    (0..300).any(|_| {
        if !is_there() {
            client.listen(Duration::from_millis(100));
        }
        is_there()
    })
}

/// Asks questions that nobody has asked before.
struct Asking(usize);

impl Asking {
    /// Whether the endpoint is asked as well.
    fn reaches(&mut self, client: &mut Client, endpoint: &Endpoint) -> bool {
        self.0 += 1;
        let question = format!("how are retries limited by {} of these", self.0);
        client.call("workspace/symbol", json!({"query": question}));
        endpoint.texts().contains(&question)
    }

    fn comes_to_reach(&mut self, client: &mut Client, endpoint: &Endpoint) -> bool {
        (0..100).any(|_| {
            client.listen(Duration::from_millis(20));
            self.reaches(client, endpoint)
        })
    }
}

fn ends(mut client: Client) {
    client.call("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert!(client.ends(PATIENCE).is_some_and(|status| status.success()));
}

#[test]
fn a_server_sends_in_the_background_and_ends_at_once() {
    let (place, endpoint) = (project(), Endpoint::start());
    let mut client = sending(&place, &endpoint);
    endpoint.behave(Manner::Silence);
    write(&place, &mut client, "slow_down_more", "all");
    endpoint.wait_for("throttle(all)");
    assert!(client.finds_symbol("slow_down_more"), "search waits for the endpoint");
    ends(client);
}

#[test]
fn two_processes_with_two_workspaces_both_get_vectors() {
    let (place, endpoint) = (project(), Endpoint::start());
    let mut client = sending(&place, &endpoint);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("other.rs"), "fn elsewhere() {\n    throttle(there)\n}\n").unwrap();
    let here = |arguments: &[&str]| {
        let mut program = place.program();
        let output = program.current_dir(other.path()).args(arguments).env("TAGOUT_TEST_KEY", KEY).output().unwrap();
        assert!(output.status.success(), "{}", notes(&output));
        text(&output)
    };
    here(&["trust"]);
    let said = here(&["index"]);
    assert!(said.contains("1 chunks sent"), "{said}");
    assert!(endpoint.texts().iter().any(|text| text.contains("throttle(there)")));
    // The first goes on where the second has added to what is kept, and the next finds what both were given.
    write(&place, &mut client, "slow_down_more", "all");
    endpoint.wait_for("throttle(all)");
    ends(client);
    let said = here(&["index"]);
    assert!(said.contains("0 chunks sent"), "{said}");
}

#[test]
fn to_switch_it_off_ends_what_is_sent_and_what_is_asked() {
    let (place, endpoint) = (project(), Endpoint::start());
    let mut client = sending(&place, &endpoint);
    let mut asking = Asking(0);
    assert!(asking.comes_to_reach(&mut client, &endpoint), "no question is ever asked");
    endpoint.behave(Manner::Silence);
    write(&place, &mut client, "slow_down_more", "all");
    endpoint.wait_for("throttle(all)");
    configure_editor(&mut client, json!({"embedding": {"kind": "off"}}));
    assert!(comes(&mut client, || endpoint.given_up()), "somebody waits for ever");
    endpoint.behave(Manner::Well);
    assert!(!asking.reaches(&mut client, &endpoint));
    write(&place, &mut client, "slow_down_most", "most");
    assert!(client.finds_symbol("slow_down_most"));
    assert!(!asking.reaches(&mut client, &endpoint));
    // Once it is switched on it goes on with what changes then; what was there only meanwhile was never sent.
    configure_editor(&mut client, json!({}));
    let sends = (0..100).any(|at| {
        write(&place, &mut client, &format!("slow_down_{at}"), "last");
        client.listen(Duration::from_millis(200));
        endpoint.has("throttle(last)")
    });
    assert!(sends, "it stays switched off");
    assert!(asking.comes_to_reach(&mut client, &endpoint));
    assert!(!endpoint.has("throttle(most)"));
    // The user's own file, which no editor watches.
    configure(&place, "");
    assert!(!asking.reaches(&mut client, &endpoint));
}

#[test]
fn to_close_the_folder_ends_what_is_sent() {
    let (place, endpoint) = (project(), Endpoint::start());
    let mut client = sending(&place, &endpoint);
    endpoint.behave(Manner::Silence);
    write(&place, &mut client, "slow_down_more", "all");
    endpoint.wait_for("throttle(all)");
    let folder = json!({"uri": place.uri(""), "name": "work"});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": {"added": [], "removed": [folder]}}));
    assert!(comes(&mut client, || endpoint.given_up()), "somebody waits for ever");
    ends(client);
}
