//! Finds secrets in text and puts a mark in their place: the kind of secret, and the beginning of a keyed hash, so that
//! equal secrets can be told to be equal and none can be guessed and tried.
//!
//! Found are: private keys in PEM; passwords in addresses; what follows a name like `--password=`, `API_KEY=` or
//! `"token":`; `Authorization` and its like; tokens of known shape; and values that look drawn by chance after a
//! name like `key` or `session`. Where in doubt after such a name it is taken for a secret. Hashes, UUIDs, paths and
//! checksums stay as they are, unless a name says that they are secret.

mod names;
mod shapes;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

/// A secret: where it is, and of what kind.
struct Found {
    at: Range<usize>,
    kind: &'static str,
}

const OPENING: &str = "«redacted: ";

/// `text` with a mark in the place of each secret. The key is for the hash in the mark.
#[must_use]
pub fn redact<'a>(text: &'a str, key: &[u8; 32]) -> Cow<'a, str> {
    let mut found = Vec::new();
    shapes::private_keys(text, &mut found);
    shapes::addresses(text, &mut found);
    shapes::tokens(text, &mut found);
    names::headers(text, &mut found);
    names::values(text, &mut found);
    replace(text, found, key)
}

/// What in `text` is a secret without much doubt: what has the shape of one, and after a name like `password` what looks
/// drawn by chance.
#[must_use]
pub fn secrets(text: &str) -> BTreeSet<&str> {
    let mut found = Vec::new();
    shapes::private_keys(text, &mut found);
    shapes::addresses(text, &mut found);
    shapes::tokens(text, &mut found);
    let mut named = Vec::new();
    names::values(text, &mut named);
    let at = |found: Found| text.get(found.at).filter(|secret| !secret.is_empty());
    let named = named.into_iter().filter_map(at).filter(|value| shapes::looks_random(value));
    found.into_iter().filter_map(at).chain(named).collect()
}

/// Where in `text` what [`secrets`] finds stands, also where it stands again; ranges may overlap.
#[must_use]
pub fn secret_places(text: &str) -> Vec<Range<usize>> {
    let again = |secret: &str| text.match_indices(secret).map(|(at, _)| at..at + secret.len()).collect::<Vec<_>>();
    secrets(text).into_iter().flat_map(again).collect()
}

/// Options that a password follows in the same word, by the program's name.
const JOINED: &[(&str, &str)] =
    &[("mysql", "-p"), ("mysqldump", "-p"), ("mysqladmin", "-p"), ("mariadb", "-p"), ("sshpass", "-p"), ("7z", "-p")];

/// Options that a password or `user:password` follows in the next word, by the program's name.
const FOLLOWED: &[(&str, &str)] = &[
    ("sshpass", "-p"),
    ("curl", "-u"),
    ("curl", "--user"),
    ("curl", "--proxy-user"),
    ("curl", "-U"),
    ("http", "-a"),
    ("http", "--auth"),
    ("docker", "-p"),
    ("podman", "-p"),
    ("smbclient", "-U"),
];

/// An argument vector, each word as by [`redact`]; and what follows a word like `--password` as a word of its own.
#[must_use]
pub fn redact_words(words: &[String], key: &[u8; 32]) -> Vec<String> {
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let mut redacted = Vec::with_capacity(words.len());
    let mut before: Option<&str> = None;
    for word in words {
        let whole = 0..word.len();
        let follows = |(own, option): &(&str, &str)| *own == program && before == Some(option);
        let asks = |name: &str| name.starts_with('-') && names::is_secret_flag(name);
        let login = ["docker", "podman"].contains(&program) && words.get(1).is_none_or(|word| word != "login");
        let word = if before.is_some_and(asks) && names::is_value(word) && !word.starts_with('-') {
            replace(word, vec![Found { at: whole, kind: "password" }], key)
        } else if FOLLOWED.iter().any(follows) && !login && names::is_value(word) {
            // The name before the colon is no secret; where there is none, it is the password.
            let start = if program == "sshpass" { 0 } else { word.find([':', '%']).map_or(0, |colon| colon + 1) };
            let secret = start > 0 || ["sshpass", "docker", "podman"].contains(&program);
            let found = secret.then_some(Found { at: start..word.len(), kind: "password" });
            replace(word, found.into_iter().collect(), key)
        } else if let Some((_, option)) =
            JOINED.iter().find(|(own, option)| *own == program && word.len() > option.len() && word.starts_with(option))
        {
            replace(word, vec![Found { at: option.len()..word.len(), kind: "password" }], key)
        } else {
            redact(word, key)
        };
        redacted.push(word.into_owned());
        before = words.get(redacted.len() - 1).map(String::as_str);
    }
    redacted
}

/// Puts the marks in. What lies in an older mark is left, so that twice is as good as once.
fn replace<'a>(text: &'a str, mut found: Vec<Found>, key: &[u8; 32]) -> Cow<'a, str> {
    found.retain(|one| !one.at.is_empty() && !is_mark(text.get(one.at.clone()).unwrap_or_default()));
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    // Where several meet, one mark stands for them all.
    found.sort_by_key(|one| (one.at.start, std::cmp::Reverse(one.at.end)));
    let mut merged: Vec<Found> = Vec::new();
    for next in found {
        match merged.last_mut() {
            Some(last) if next.at.start < last.at.end => last.at.end = last.at.end.max(next.at.end),
            Some(_) | None => merged.push(next),
        }
    }
    let mut redacted = String::with_capacity(text.len());
    let mut done = 0;
    for Found { at, kind } in merged {
        redacted.push_str(text.get(done..at.start).unwrap_or_default());
        let hash = blake3::keyed_hash(key, text.get(at.clone()).unwrap_or_default().as_bytes()).to_hex();
        redacted.push_str(&format!("{OPENING}{kind}, {}»", hash.as_str().get(..12).unwrap_or_default()));
        done = at.end;
    }
    redacted.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(redacted)
}

fn is_mark(text: &str) -> bool {
    text.starts_with('«') || text.starts_with("redacted: ")
}

#[cfg(test)]
mod tests;
