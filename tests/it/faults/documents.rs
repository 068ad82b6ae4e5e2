//! Odd documents, edits, positions and URIs.

use serde_json::{Value, json};

use crate::client::{Client, Place};

/// A change of the text between two places of one line.
fn edit(line: i64, from: i64, to: i64, text: &str) -> Value {
    let range = json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}});
    json!([{"range": range, "text": text}])
}

/// A server with one document of this text open, and the document's URI.
fn with_document(text: &str) -> (Place, Client, String) {
    let place = Place::new();
    place.write("src/lib.rs", "");
    let uri = place.uri("src/lib.rs");
    let mut client = place.open();
    client.open(&uri, "rust", text);
    (place, client, uri)
}

/// After `changes`, in order, the symbol `expected` is in the text.
fn changes_lead_to(text: &str, changes: &[Value], expected: &str) {
    let (_place, mut client, uri) = with_document(text);
    for (version, change) in (2..).zip(changes) {
        client.change(&uri, version, change.clone());
    }
    assert!(client.finds_symbol(expected), "no {expected} after {changes:?}");
    client.still_answers();
}

#[test]
fn change_before_open() {
    let place = Place::new();
    let mut client = place.open();
    client.change(&place.uri("a.rs"), 1, edit(0, 0, 0, "x"));
    client.still_answers();
}

#[test]
fn close_before_open() {
    let place = Place::new();
    let mut client = place.open();
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": place.uri("a.rs")}}));
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": place.uri("a.rs")}}));
    client.still_answers();
}

#[test]
fn questions_about_an_unopened_document() {
    let place = Place::new();
    let mut client = place.open();
    client.hover(&place.uri("a.rs"), 3, 3);
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 9}});
    let params = json!({"textDocument": {"uri": place.uri("a.rs")}, "range": range, "context": {"diagnostics": []}});
    let answer = client.call("textDocument/codeAction", params);
    assert!(answer.get("result").is_some() || answer.get("error").is_some(), "{answer}");
    client.still_answers();
}

#[test]
fn open_twice() {
    let (_place, mut client, uri) = with_document("fn first_text() {}\n");
    client.open(&uri, "rust", "\nfn text() {}\n");
    client.change(&uri, 2, edit(1, 3, 3, "second_"));
    assert!(client.finds_symbol("second_text"));
}

#[test]
fn version_goes_backwards() {
    let (_place, mut client, uri) = with_document("fn a() {}\n");
    client.change(&uri, 10, edit(0, 3, 4, "one"));
    client.change(&uri, 2, edit(0, 3, 6, "two_after_all"));
    assert!(client.finds_symbol("two_after_all"));
}

#[test]
fn character_far_beyond_the_line() {
    changes_lead_to("fn a\n() {}\n", &[edit(0, 999_999, 999_999, "_clamped")], "a_clamped");
}

#[test]
fn line_far_beyond_the_text() {
    changes_lead_to("\n", &[edit(999_999, 5, 9, "fn at_the_end() {}\n")], "at_the_end");
}

#[test]
fn negative_position() {
    changes_lead_to("fn a() {}\n", &[edit(-1, -5, 0, "x"), edit(0, 3, 4, "after_negative")], "after_negative");
}

#[test]
fn range_that_starts_after_its_end() {
    changes_lead_to("fn abc() {}\n", &[edit(0, 6, 3, "swapped_ends")], "swapped_ends");
}

#[test]
fn edit_inside_a_surrogate_pair() {
    changes_lead_to("// 😀\nfn a() {}\n", &[edit(0, 4, 4, "x"), edit(1, 3, 4, "below_emoji")], "below_emoji");
}

#[test]
fn emoji_before_the_edit() {
    changes_lead_to("/* 😀😀 */ fn abc() {}\n", &[edit(0, 14, 17, "after_emoji")], "after_emoji");
}

#[test]
fn positions_far_out_of_range() {
    let (_place, mut client, uri) = with_document("fn a() {}\n");
    for (line, character) in [(0, u32::MAX), (u32::MAX, 0), (u32::MAX, u32::MAX), (2_000_000_000, 5)] {
        client.hover(&uri, line, character);
    }
    client.still_answers();
}

#[test]
fn crlf_document() {
    changes_lead_to("fn a() {}\r\nfn b\r\n() {}\r\n", &[edit(1, 99, 99, "_crlf")], "b_crlf");
}

#[test]
fn lone_carriage_returns() {
    changes_lead_to("fn a() {}\rfn b() {}\r", &[edit(1, 3, 4, "after_cr")], "after_cr");
}

#[test]
fn byte_order_mark() {
    changes_lead_to("\u{feff}fn a() {}\nfn b() {}\n", &[edit(1, 3, 4, "after_mark")], "after_mark");
}

#[test]
fn control_bytes() {
    changes_lead_to(
        "// \0\u{1}\u{1b}[31m\u{7f}\u{202e}\nfn b() {}\n",
        &[edit(1, 3, 4, "after_control")],
        "after_control",
    );
}

#[test]
fn no_changes_in_a_change() {
    changes_lead_to("fn a() {}\n", &[json!([]), edit(0, 3, 4, "after_none")], "after_none");
}

#[test]
fn full_and_incremental_changes_mixed() {
    let mut mixed = edit(0, 3, 4, "x").as_array().cloned().unwrap_or_default();
    mixed.push(json!({"text": "fn whole() {}\n"}));
    mixed.extend(edit(0, 3, 8, "mixed_changes").as_array().cloned().unwrap_or_default());
    changes_lead_to("fn a() {}\n", &[Value::Array(mixed)], "mixed_changes");
}

#[test]
fn change_of_a_wrong_type() {
    changes_lead_to("fn a() {}\n", &[json!("x"), json!([{"text": 3}]), edit(0, 3, 4, "after_wrong")], "after_wrong");
}

#[test]
fn uri_with_odd_characters() {
    let place = Place::new();
    let mut client = place.open();
    for (number, name) in ["a b.rs", "a#b.rs", "50%.rs", "grüße_日本_😀.rs", "a?b&c=[d].rs"].iter().enumerate() {
        place.write(name, "");
        client.open(&place.uri(name), "rust", "fn a() {}\n");
        client.change(&place.uri(name), 2, edit(0, 3, 4, &format!("odd_name_{number}")));
        assert!(client.finds_symbol(&format!("odd_name_{number}")), "{name}");
    }
}

/// A document of this URI may be opened, changed, asked about and closed, whatever comes of it.
fn survives_uri(uri: &str) {
    let mut client = Place::new().open();
    client.open(uri, "rust", "fn a() {}\n");
    client.change(uri, 2, edit(0, 3, 4, "b"));
    client.hover(uri, 0, 4);
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    client.still_answers();
}

#[test]
fn malformed_uri() {
    ["", ":", "no uri at all", "file://[", "file:///%", "http://\u{0}", "file:///a b c"]
        .into_iter()
        .for_each(survives_uri);
}

#[test]
fn untitled_uri() {
    survives_uri("untitled:Untitled-1");
}

#[test]
fn uri_that_is_no_utf8() {
    survives_uri("file:///tmp/%ff%fe.rs");
}

#[test]
fn uri_that_climbs_out() {
    let place = Place::new();
    survives_uri(&format!("{}/../../../../etc/passwd", place.uri("src")));
    survives_uri("file:///a/%2e%2e/%2e%2e/etc/passwd");
}

/// A document with `depth` nested brackets is opened and changed, and the server goes on.
fn survives_nesting(depth: usize) {
    let (_place, mut client, uri) = with_document("");
    for (open, close) in [("(", ")"), ("[", "]"), ("!", ""), ("{", "")] {
        let text = format!("fn a() {{ {}x{} }}\n", open.repeat(depth), close.repeat(depth));
        client.open(&uri, "rust", &text);
        client.hover(&uri, 0, 10);
    }
    client.change(&uri, 2, json!([{"text": "fn after_nesting() {}\n"}]));
    assert!(client.finds_symbol("after_nesting"));
}

#[test]
fn nesting_of_20_000() {
    survives_nesting(20_000);
}

#[test]
fn nesting_of_100_000() {
    survives_nesting(100_000);
}

#[test]
fn line_of_10_megabytes() {
    let (_place, mut client, uri) = with_document(&"x".repeat(10 << 20));
    client.change(&uri, 2, edit(0, 5_000_000, 5_000_001, "y"));
    client.hover(&uri, 0, 5_000_000);
    client.still_answers();
}

#[test]
fn document_of_200_000_lines() {
    let (_place, mut client, uri) = with_document(&"let x = 1;\n".repeat(200_000));
    client.change(&uri, 2, edit(199_999, 0, 0, "fn at_the_bottom() {}\n"));
    client.hover(&uri, 199_999, 4);
    client.still_answers();
}

#[test]
fn five_hundred_cycles_of_one_document() {
    let (_place, mut client, uri) = with_document("fn a() {}\n");
    let text = "fn a() { let text = \"some text\"; }\n".repeat(1000);
    let cycle = |client: &mut Client| {
        client.open(&uri, "rust", &text);
        client.change(&uri, 2, edit(0, 3, 4, "b"));
        client.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    };
    (0..50).for_each(|_| cycle(&mut client));
    client.still_answers();
    let before = client.memory();
    (0..500).for_each(|_| cycle(&mut client));
    client.still_answers();
    let grown = client.memory().saturating_sub(before);
    assert!(grown < 60 << 20, "grown by {grown} bytes");
}
