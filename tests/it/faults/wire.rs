//! Odd bytes: headers, JSON, ids.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Place, frame, frame_text};

/// What a server may grow by over any garbage.
const MOST_GROWTH: u64 = 300 << 20;

fn hover(id: Value) -> Value {
    let params = json!({"textDocument": {"uri": "file:///x.rs"}, "position": {"line": 0, "character": 0}});
    json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": params})
}

/// A request in a frame with this header is answered.
fn answers_with_header(header: &str) {
    let mut client = Place::new().open();
    let body = hover(json!(77)).to_string();
    client.send_bytes(format!("{header}\r\n\r\n{body}").replace("LENGTH", &body.len().to_string()).as_bytes());
    client.answer(&json!(77));
}

#[test]
fn lower_case_header_name() {
    answers_with_header("content-length: LENGTH");
}

#[test]
fn content_type_header() {
    answers_with_header("Content-Length: LENGTH\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8");
}

#[test]
fn unknown_header() {
    answers_with_header("X-Trace: 1\r\nContent-Length: LENGTH\r\nX-Other: Content");
}

#[test]
fn no_space_after_the_colon() {
    answers_with_header("Content-Length:LENGTH");
}

#[test]
fn five_messages_in_one_write() {
    let mut client = Place::new().open();
    let bytes: Vec<u8> = (70..75).flat_map(|id| frame(&hover(json!(id)))).collect();
    client.send_bytes(&bytes);
    (70..75).for_each(|id| drop(client.answer(&json!(id))));
}

/// `body` is refused with `code` and no id, and the server goes on.
fn refuses(body: &[u8], code: i64) {
    let mut client = Place::new().open();
    client.send_bytes(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    client.send_bytes(body);
    client.refusal(code);
    client.still_answers();
}

#[test]
fn malformed_json() {
    refuses(br#"{"jsonrpc":"2.0","id":1,"method""#, -32700);
}

#[test]
fn json_scalar() {
    refuses(b"42", -32600);
}

#[test]
fn batch() {
    refuses(format!("[{}]", hover(json!(3))).as_bytes(), -32600);
}

#[test]
fn invalid_utf8() {
    refuses(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}", -32700);
}

#[test]
fn empty_body() {
    refuses(b"", -32700);
}

#[test]
fn nesting_of_100_000() {
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    refuses(body.as_bytes(), -32700);
}

#[test]
fn id_of_an_illegal_type() {
    refuses(hover(json!({"a": 1})).to_string().as_bytes(), -32600);
}

#[test]
fn fractional_id() {
    refuses(hover(json!(1.5)).to_string().as_bytes(), -32600);
}

#[test]
fn enormous_id() {
    let mut client = Place::new().open();
    let id = json!(9_007_199_254_740_993_i64);
    client.send(&hover(id.clone()));
    client.answer(&id);
    client.send(&hover(json!(u64::MAX)));
    client.refusal(-32600);
    client.still_answers();
}

#[test]
fn missing_version_member() {
    let mut client = Place::new().open();
    client.send(&json!({"id": 5, "method": "textDocument/hover", "params": {}}));
    assert_eq!(client.answer(&json!(5))["error"]["code"], -32600);
    client.still_answers();
}

#[test]
fn params_of_a_wrong_kind() {
    let mut client = Place::new().open();
    assert_eq!(client.call("textDocument/hover", json!("text"))["error"]["code"], -32602);
    client.still_answers();
}

#[test]
fn string_id() {
    let mut client = Place::new().open();
    client.send(&hover(json!("a-1")));
    assert_eq!(client.answer(&json!("a-1"))["id"], "a-1");
}

#[test]
fn duplicate_ids_in_flight() {
    let mut client = Place::new().open();
    let bytes: Vec<u8> = (0..20).flat_map(|_| frame(&hover(json!(9)))).collect();
    client.send_bytes(&bytes);
    (0..20).for_each(|_| drop(client.answer(&json!(9))));
    client.still_answers();
}

/// After `garbage` the next message is answered, and memory stays small.
fn finds_the_next_message(garbage: &[u8]) {
    let mut client = Place::new().open();
    let before = client.memory();
    client.send_bytes(garbage);
    client.listen(Duration::from_millis(300));
    assert!(client.memory() < before + MOST_GROWTH);
    client.still_answers();
}

fn with_length(length: &str) {
    finds_the_next_message(format!("Content-Length: {length}\r\n\r\n{}", hover(json!(1))).as_bytes());
}

#[test]
fn length_that_is_no_number() {
    with_length("abc");
}

#[test]
fn negative_length() {
    with_length("-100");
}

#[test]
fn length_of_an_exabyte() {
    with_length("1000000000000000000");
}

#[test]
fn length_that_overflows() {
    with_length("1000000000000000000000000000000");
}

#[test]
fn length_that_is_too_short() {
    with_length("20");
}

#[test]
fn length_that_is_too_long() {
    with_length("200000000");
}

#[test]
fn endless_header_line() {
    finds_the_next_message(&vec![b'x'; 1 << 20]);
}

#[test]
fn binary_garbage() {
    // A xorshift of a fixed seed: the same bytes in every run.
    let mut state = 0x9E37_79B9_u32;
    let garbage: Vec<u8> = (0..64 << 10)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .collect();
    finds_the_next_message(&garbage);
}

#[test]
fn a_message_in_single_bytes() {
    let mut client: Client = Place::new().open();
    for byte in frame_text(&hover(json!(4)).to_string()) {
        client.send_bytes(&[byte]);
    }
    client.answer(&json!(4));
}
