//! Files that are secrets are in no answer, by whatever way it is asked, and secrets within other files are marked.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, accept, configure, notes, says, tagout};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIquokkaquokkaquokka\n-----END PRIVATE KEY-----\n";
const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

fn filled() -> Place {
    let place = Place::new();
    place.write("src/database.rs", "/// Opens the quokka database.\npub fn open_database() {}\n");
    place.write("src/upload.py", format!("def upload_quokka():\n    token = \"{TOKEN}\"\n    send(token)\n"));
    place.write(".env", "QUOKKA_PASSWORD=hunter2quokka\n");
    place.write("deploy/.env.production", "QUOKKA_PASSWORD=hunter2quokka\n");
    place.write(".ssh/config", "Host quokka\n  User hunter2quokka\n");
    place.write("tls/server.pem", KEY);
    place.write("tls/authority.pem", "-----BEGIN CERTIFICATE-----\nquokka_certificate\n-----END CERTIFICATE-----\n");
    place.write(".env.example", "QUOKKA_PASSWORD=quokka_example\n");
    place
}

/// What is said for these words, in every way of the command line.
fn all_answers(place: &Place, words: &str) -> String {
    let ways: [&[&str]; 5] = [
        &["search"],
        &["search", "--explain"],
        &["search", "--json", "--explain"],
        &["search", "--for", "symbol"],
        &["search", "--for", "file"],
    ];
    let answer = |way: &&[&str]| {
        let output = tagout(place, &[*way, &["--limit", "50", words]].concat());
        format!("{}{}", String::from_utf8_lossy(&output.stdout), notes(&output))
    };
    ways.iter().map(answer).collect()
}

/// Everything below a folder that is kept there.
fn kept(folder: &std::path::Path) -> Vec<u8> {
    let (mut bytes, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { open.push(entry) } else { bytes.extend(fs::read(entry).unwrap()) }
        }
    }
    bytes
}

#[test]
fn no_file_that_is_a_secret_is_in_an_answer_or_in_the_index() {
    let place = filled();
    let summary = says(&place, &["index"]);
    assert!(summary.contains("4 files indexed") && summary.contains("4 secret"), "{summary}");
    for words in ["quokka", "QUOKKA_PASSWORD", "hunter2quokka", "private key", "MIIquokkaquokkaquokka", "env"] {
        let answers = all_answers(&place, words);
        for secret in ["hunter2", "MIIquokka", ".env\"", ".env:", ".env.production", "server.pem", ".ssh"] {
            assert!(!answers.contains(secret), "{words}: {answers}");
        }
    }
    assert!(all_answers(&place, "quokka").contains("quokka_example"));
    let index = kept(&place.home().join(".cache/tagout/index"));
    for secret in ["hunter2quokka", "MIIquokka"] {
        assert!(!index.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is in the index");
    }
}

#[test]
fn a_secret_within_another_file_is_marked() {
    let place = filled();
    let answers = all_answers(&place, "token");
    assert!(answers.contains("token = ") && answers.contains("«secret»"), "{answers}");
    assert!(!answers.contains(TOKEN), "{answers}");
}

#[test]
fn a_key_that_is_cut_in_two_is_marked_in_both() {
    let place = Place::new();
    let lines = |word: &str, count: usize| format!("{word} {word}\n").repeat(count);
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}wombat/wombat\n-----END RSA PRIVATE KEY-----\n",
        "quokka/quokka\n".repeat(90)
    );
    place.write("notes.txt", format!("{}{key}{}", lines("before", 30), lines("after", 30)));
    assert!(all_answers(&place, "before").contains("notes.txt"));
    for words in ["quokka", "wombat", "quokka after"] {
        let answers = all_answers(&place, words);
        assert!(!answers.contains("quokka/") && !answers.contains("wombat/"), "{words}: {answers}");
    }
}

#[test]
fn what_becomes_a_secret_leaves_the_index_and_what_is_none_any_more_comes_in() {
    let place = filled();
    let certificate = place.work().join("tls/authority.pem");
    assert!(all_answers(&place, "quokka_certificate").contains("authority.pem"));
    let before = fs::read(&certificate).unwrap();
    fs::write(&certificate, KEY).unwrap();
    assert!(!all_answers(&place, "quokka_certificate").contains("authority.pem"));
    assert!(!all_answers(&place, "MIIquokkaquokkaquokka").contains("authority.pem"));
    fs::write(&certificate, before).unwrap();
    assert!(all_answers(&place, "quokka_certificate").contains("authority.pem"));
    // By the settings.
    configure(&place, "[run]\nhidden = [\"src/database.rs\"]\nshown = [\"tls\"]\n");
    accept(&place);
    assert!(!all_answers(&place, "open_database").contains("database.rs"));
    assert!(all_answers(&place, "MIIquokkaquokkaquokka").contains("server.pem"));
    configure(&place, "");
    assert!(all_answers(&place, "open_database").contains("database.rs"));
    assert!(!all_answers(&place, "MIIquokkaquokkaquokka").contains("server.pem"));
}

#[test]
fn an_open_secret_is_in_no_answer_of_the_server() {
    let place = filled();
    let mut client = place.open();
    assert!(client.finds_symbol("open_database"));
    let (secret, plain) = (place.uri(".env"), place.uri("src/new.rs"));
    client.open(&secret, "plaintext", "QUOKKA_PASSWORD=hunter3quokka\n");
    client.open(&plain, "rust", "pub fn typed_quokka() {}\n");
    assert!(client.finds_symbol("typed_quokka"));
    for query in ["hunter3quokka", "QUOKKA_PASSWORD", "quokka"] {
        let found = client.execute("tagout.search", json!({"query": query, "limit": 50}));
        let symbols = client.call("workspace/symbol", json!({"query": query}));
        for answer in [found, symbols] {
            let text = answer.to_string();
            assert!(
                answer["error"].is_null() && !text.contains("hunter") && !text.contains("/.env\""),
                "{query}: {text}"
            );
        }
    }
    client.call("shutdown", Value::Null);
}
