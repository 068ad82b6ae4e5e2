//! Odd surroundings: the workspace's files, the client's answers, the machine's limits.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::client::{Client, Place};

#[test]
fn storm_of_watched_files() {
    let place = Place::new();
    let mut client = place.open();
    let event = |number| json!({"uri": place.uri(&format!("src/file_{number}.rs")), "type": number % 3 + 1});
    let events: Vec<Value> = (0..10_000).map(event).collect();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": events}));
    client.still_answers();
}

#[test]
fn links_that_loop_and_dangle() {
    let place = Place::new();
    place.write("src/lib.rs", "pub fn beside_links() {}\n");
    for (target, name) in
        [(".", "src/self"), ("../src", "src/up"), ("nothing", "src/dangling.rs"), ("b", "a"), ("a", "b")]
    {
        symlink(target, place.work().join(name)).expect("a link");
    }
    assert!(place.open().finds_symbol("beside_links"));
}

#[test]
fn files_that_are_no_text_files() {
    let place = Place::new();
    place.write("src/lib.rs", "pub fn beside_odd_files() {}\n");
    place.write("empty.rs", "");
    place.write("binary.rs", [0, 159, 146, 150].repeat(1000));
    place.write("latin1.rs", b"// gr\xfc\xdfe\nfn a() {}\n");
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\xfename.rs");
    std::fs::write(place.work().join(name), "fn b() {}\n").expect("a file");
    let fifo = Command::new("mkfifo").arg(place.work().join("pipe.rs")).status();
    assert!(fifo.is_ok_and(|status| status.success()));
    let _socket = std::os::unix::net::UnixListener::bind(place.work().join("socket.rs")).expect("a socket");
    let mut client = place.open();
    assert!(client.finds_symbol("beside_odd_files"));
    client.still_answers();
}

#[test]
fn folder_that_is_not_there() {
    let place = Place::new();
    place.write("src/lib.rs", "pub fn in_the_real_folder() {}\n");
    let mut client = place.open();
    let missing = json!({"uri": "file:///nothing/here", "name": "x"});
    for (added, removed) in [(json!([missing]), json!([])), (json!([]), json!([missing]))] {
        let event = json!({"added": added, "removed": removed});
        client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    }
    assert!(client.finds_symbol("in_the_real_folder"));
}

#[test]
fn folder_that_is_added() {
    let (place, other) = (Place::new(), Place::new());
    other.write("src/lib.rs", "pub fn in_the_other_folder() {}\n");
    let mut client = place.open();
    let folder = json!({"uri": other.uri(""), "name": "other"});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": {"added": [folder], "removed": []}}));
    assert!(client.finds_symbol("in_the_other_folder"));
}

/// The workspace is indexed though the client treats the server's requests so.
fn works_with(answering: impl FnMut(&str, &Value) -> Option<Result<Value, Value>> + 'static) {
    let place = Place::new();
    place.write("src/lib.rs", "pub fn found_anyway() {}\n");
    let mut client = place.start();
    client.answering = Box::new(answering);
    client.initialize(place.params());
    assert!(client.finds_symbol("found_anyway"));
    client.still_answers();
}

#[test]
fn client_that_answers_with_errors() {
    works_with(|_, _| Some(Err(json!({"code": -32601, "message": "no such method"}))));
}

#[test]
fn client_that_answers_nonsense() {
    works_with(|_, _| Some(Ok(json!(["nonsense", 7]))));
    works_with(|_, _| Some(Err(json!("nonsense"))));
}

#[test]
fn client_that_never_answers() {
    works_with(|_, _| None);
}

#[test]
fn settings_of_a_wrong_shape() {
    works_with(|method, _| {
        Some(Ok(if method == "workspace/configuration" { json!([{"mode": [7], "run": "x"}]) } else { Value::Null }))
    });
}

#[test]
fn sixty_four_files_at_most() {
    let place = Place::new();
    for number in 0..200 {
        place.write(&format!("src/folder_{number}/lib.rs"), format!("pub fn of_many_{number}() {{}}\n"));
    }
    let server = place.command();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg("ulimit -n 64; exec \"$0\" lsp").arg(server.get_program()).current_dir(place.work());
    shell.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::piped());
    let mut client = Client::start(shell);
    client.initialize(place.params());
    client.still_answers();
    client.call("workspace/symbol", json!({"query": "of_many_7"}));
    client.still_answers();
}

#[test]
fn nowhere_to_write() {
    let place = Place::new();
    place.write("src/lib.rs", "pub fn somewhere() {}\n");
    let mut command = place.command();
    // Nobody, not even root, makes folders in there.
    command.current_dir("/proc").env("HOME", "/proc/none").env("TMPDIR", "/proc/none");
    for name in ["XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, "/proc/none");
    }
    let mut client = Client::start(command);
    client.initialize(place.params());
    client.call("workspace/symbol", json!({"query": "somewhere"}));
    client.still_answers();
}
