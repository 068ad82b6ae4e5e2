//! Publishing again: what is gone or damaged is put right, and nothing is published that is not known to be made here.

use std::time::Duration;

use serde_json::{Value, json};
use tagout::engine::shared::Newest;
use tagout::model::BuiltinEmbedder;
use tagout::ports::Embedder;

use super::{FILES, NEWEST, embedded, function, member, program, published, publisher, run, said, with_settings};
use crate::client::{Client, PATIENCE};
use crate::object_store::ObjectStore;
use crate::place::{Place, notes};

/// When the newest index is said to have been made.
fn made_ms(store: &ObjectStore) -> i64 {
    Newest::read(&store.objects()[NEWEST], BuiltinEmbedder.name()).unwrap().made_ms
}

/// Writes all files of a workspace again, with `more` at their ends.
fn rewrite(place: &Place, more: &str) {
    for at in 1..=FILES {
        place.write(&format!("src/round_{at}.rs"), function(at) + more);
    }
}

fn flipped(mut bytes: Vec<u8>) -> Vec<u8> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    bytes
}

/// Says why nothing was published.
fn refused(place: &Place) -> String {
    let output = run(place, &["index", "--publish"]);
    assert!(!output.status.success(), "{}", notes(&output));
    notes(&output)
}

#[test]
fn what_is_gone_or_damaged_is_put_right_by_publishing_it_anew() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    said(&publisher, &["index", "--publish"]);
    let (key, right) = published(&store);
    for wrong in [None, Some(flipped(right.clone())), Some(right.repeat(2)), Some(Vec::new())] {
        match wrong {
            None => store.lose(&key),
            Some(bytes) => store.place(&key, bytes),
        }
        let before = made_ms(&store);
        let again = said(&publisher, &["index", "--publish"]);
        assert!(again.contains("published: 40 files") && published(&store) == (key.clone(), right.clone()), "{again}");
        assert!(made_ms(&store) > before);
        let taken = said(&member(&store), &["index"]);
        assert!(taken.contains("40 of 40 files came from the shared index"), "{taken}");
    }
    let before = made_ms(&store);
    let again = said(&publisher, &["index", "--publish"]);
    assert!(again.contains("there already: 40 files"), "{again}");
    assert!(made_ms(&store) > before, "what was looked at now is newer than what somebody else began before");
}

#[test]
fn what_was_refused_is_read_again_once_it_is_published_anew() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    said(&publisher, &["index", "--publish"]);
    let (key, right) = published(&store);
    store.place(&key, flipped(right));
    let member = member(&store);
    assert!(said(&member, &["index"]).contains("is damaged: publish it anew"));
    store.take_asked();
    rewrite(&member, "// More.\n");
    assert!(embedded(&said(&member, &["index"])) >= FILES);
    assert_eq!(store.take_asked(), [format!("GET /team/{NEWEST}")]);
    said(&publisher, &["index", "--publish"]);
    rewrite(&member, "");
    let taken = said(&member, &["index"]);
    assert!(taken.contains("40 of 40 files came from the shared index"), "{taken}");
}

#[test]
fn what_others_made_is_not_published_as_ones_own() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let other = publisher(&store);
    assert!(said(&other, &["index"]).contains("40 of 40 files came from the shared index"));
    let (before, newest) = (published(&store), store.objects()[NEWEST].clone());
    assert!(refused(&other).contains("took files from a shared one"));
    // However often it is indexed since.
    rewrite(&other, "// More.\n");
    said(&other, &["index"]);
    assert!(refused(&other).contains("delete its folder index/"));
    assert_eq!((published(&store), &store.objects()[NEWEST]), (before, &newest));
    std::fs::remove_dir_all(other.home().join(".cache")).unwrap();
    assert!(said(&other, &["index", "--publish"]).contains("published: 40 files"));
}

#[test]
fn what_an_editor_took_is_known_also_after_the_index_was_deleted_under_it() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let other = publisher(&store);
    let mut command = program(&other);
    command.arg("lsp");
    let mut client = Client::start(command);
    client.initialize(other.params());
    let is_taken = |client: &mut Client| {
        client.seen.iter().any(|message| message.to_string().contains("40 of 40 files came from")).then_some(())
    };
    assert!(client.finds_symbol("round_7") && client.wait_for(PATIENCE, is_taken).is_some());
    let index = other.home().join(".cache/tagout/index");
    std::fs::remove_dir_all(&index).unwrap();
    other.write("src/round_7.rs", function(700));
    let changed = json!([{"uri": other.uri("src/round_7.rs"), "type": 2}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changed}));
    assert!(client.finds_symbol("round_700"));
    let is_marked = || {
        let notes = std::fs::read_dir(&index).into_iter().flatten().flatten().map(|folder| folder.path().join("note"));
        notes.map(std::fs::read_to_string).any(|note| note.is_ok_and(|note| note.contains("taken")))
    };
    let mut waits = 0..600;
    assert!(waits.any(|_| {
        client.listen(Duration::from_millis(100));
        is_marked()
    }));
    client.call("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert!(client.ends(PATIENCE).is_some());
    assert!(refused(&other).contains("took files from a shared one"));
}

#[test]
fn what_is_not_known_to_be_as_the_disk_has_it_is_not_published() {
    let store = ObjectStore::start();
    let place = publisher(&store);
    let mut client = place.open();
    assert!(client.finds_symbol("round_7"));
    assert!(refused(&place).contains("another tagout process writes this index"));
    assert!(!store.objects().contains_key(NEWEST));
    drop(client);
    let empty = with_settings("");
    std::fs::remove_dir_all(empty.work().join("src")).unwrap();
    let output = run(&empty, &["index", "--publish=s3://team/indexes"]);
    assert!(!output.status.success() && notes(&output).contains("there is nothing to publish"), "{}", notes(&output));
}

#[test]
fn files_in_other_encodings_are_shared_too() {
    let store = ObjectStore::start();
    let (publisher, member) = (publisher(&store), member(&store));
    for place in [&publisher, &member] {
        for at in 1..=FILES {
            let text = function(at) + "// caf\u{e9}\n";
            let utf16 = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            let latin1 = text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
            let bytes: Vec<u8> = if at % 2 == 0 { utf16 } else { latin1 };
            place.write(&format!("src/round_{at}.rs"), bytes);
        }
    }
    said(&publisher, &["index", "--publish"]);
    let taken = said(&member, &["index"]);
    assert!(taken.contains("40 of 40 files came from the shared index") && embedded(&taken) == 0, "{taken}");
}
