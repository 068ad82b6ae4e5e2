//! Secrets that are known by the name before them.

use super::Found;
use super::shapes::{LOOK, looks_random, run};

/// How sure a name is that a secret follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Whatever follows is one.
    Password,
    /// What follows is one unless it is a plain word.
    Token,
    /// What follows is one if it looks drawn by chance.
    Maybe,
    Nothing,
}

/// Last words of names that a password follows.
const PASSWORDS: [&str; 8] = ["password", "passwd", "passphrase", "passwort", "pwd", "pass", "secret", "credentials"];
/// Ends of names, without what separates words, that a token follows.
const TOKENS: [&str; 13] = [
    "token",
    "apikey",
    "accesskey",
    "accesskeyid",
    "secretkey",
    "privatekey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "clientkey",
    "connectionstring",
    "pat",
    "apisecret",
];
/// Last words of names that many things follow.
const MAYBE: [&str; 9] = ["key", "auth", "credential", "sig", "signature", "session", "cookie", "sid", "code"];

/// What the name says: by its last words, as `DB_PASSWORD`, `--github-token` and `apiKey` are read.
fn says(name: &str) -> Says {
    let words = words(name);
    let Some(last) = words.last() else { return Says::Nothing };
    let joined = words.concat();
    // The folder or file of a secret is none.
    if PASSWORDS.contains(&last.as_str()) || ["password", "passwd", "secret"].iter().any(|end| last.ends_with(end)) {
        return Says::Password;
    }
    let tail = |end: &&str| joined.ends_with(end) && (end.len() > last.len() || *end == last || last.ends_with(*end));
    if TOKENS.iter().any(|end| if *end == "pat" { last == "pat" && words.len() > 1 } else { tail(end) }) {
        return Says::Token;
    }
    if MAYBE.contains(&last.as_str()) { Says::Maybe } else { Says::Nothing }
}

/// The words of a name in small letters: separated by what is no letter or digit, or by a capital after a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (small && c.is_uppercase()) {
            words.push(String::new());
        }
        small = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether the word after this flag is a secret.
pub(super) fn is_secret_flag(flag: &str) -> bool {
    // One letter says nothing: `-p` is a port, a path or a parent more often than a password.
    matches!(says(flag), Says::Password | Says::Token) && flag.len() > 3
}

/// Whether something is a value, not a place to take one from.
pub(super) fn is_value(value: &str) -> bool {
    !value.is_empty() && !is_placeholder(value)
}

/// A variable, a mark, a mask or a word that says that nothing is there.
pub(super) fn is_placeholder(value: &str) -> bool {
    let masked = value.chars().all(|c| c == '*' || c == 'x' || c == 'X' || c == '.' || c == '…');
    let variable = value.strip_prefix('$').is_some_and(|name| {
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    let bracketed = (value.starts_with('<') && value.ends_with('>')) || value.starts_with("${{");
    let word = ["true", "false", "null", "none", "nil", "yes", "no"];
    value.is_empty() || masked || variable || bracketed || super::is_mark(value) || word.contains(&value)
}

/// `name=value`, `name: value`, `"name": "value"`.
pub(super) fn values(text: &str, found: &mut Vec<Found>) {
    let mut done = 0;
    for (at, separator) in text.char_indices().filter(|(_, c)| *c == '=' || *c == ':') {
        if at < done {
            continue;
        }
        let head = text.get(..at).unwrap_or_default();
        let unquoted = head.trim_end_matches([' ', '"', '\'', '\\']);
        let name_start = unquoted
            .char_indices()
            .rev()
            .take(64)
            .take_while(|(_, c)| c.is_alphanumeric() || "_-.".contains(*c))
            .last()
            .map_or(unquoted.len(), |(start, _)| start);
        let name = unquoted.get(name_start..).unwrap_or_default();
        let says = says(name);
        // `::` is a path in many languages; `==` and `:=` compare and set.
        let after = text.get(at + 1..).unwrap_or_default();
        if says == Says::Nothing || after.starts_with(':') || head.ends_with(':') {
            continue;
        }
        let skipped = after.len() - after.trim_start_matches(['=', ' ', '\t']).len();
        if separator == '=' && unquoted.len() == head.len() && after.starts_with(' ') && name.starts_with('-') {
            continue;
        }
        let start = at + 1 + skipped;
        let (start, length, quoted) = value_at(text, start, LOOK);
        let value = text.get(start..start + length).unwrap_or_default();
        if is_secret(says, separator, value, quoted) {
            let kind = if says == Says::Password { "password" } else { "token" };
            let whole = if length < LOOK { length } else { value_at(text, at + 1 + skipped, usize::MAX).1 };
            done = start + whole;
            found.push(Found { at: start..done, kind });
        }
    }
}

/// Where the value begins without its quotes, its bytes (of `most` characters at most), and whether it had quotes.
fn value_at(text: &str, start: usize, most: usize) -> (usize, usize, bool) {
    let rest = text.get(start..).unwrap_or_default();
    if let Some(variable) = rest.strip_prefix("${") {
        let length = run(text, start + 2, LOOK, |c| c.is_ascii_alphanumeric() || c == '_');
        if variable.get(length..).is_some_and(|after| after.starts_with('}')) {
            return (start, length + 3, false);
        }
    }
    for quote in ["\\\"", "\"", "'"] {
        if let Some(inner) = rest.strip_prefix(quote) {
            let from = start + quote.len();
            let looked = run(text, from, most, |_| true);
            let looked = inner.get(..looked).unwrap_or_default();
            let length = looked.find(quote).or_else(|| looked.find('\n')).unwrap_or(looked.len());
            return (from, length, true);
        }
    }
    (start, run(text, start, most, |c| !c.is_whitespace() && !"\"'`;|&<>(),}]«»".contains(c)), false)
}

fn is_secret(says: Says, separator: char, value: &str, quoted: bool) -> bool {
    if is_placeholder(value) {
        return false;
    }
    let digit = value.chars().any(|c| c.is_ascii_digit());
    let prose = separator == ':' && !quoted;
    match says {
        Says::Password if prose => value.len() >= 4,
        Says::Password => true,
        Says::Token if prose => (value.len() >= 8 && digit) || value.len() >= 20,
        Says::Token => value.len() >= 4 && !(value.len() < 7 && value.chars().all(|c| c.is_ascii_digit())),
        Says::Maybe => looks_random(value),
        Says::Nothing => false,
    }
}

/// Names of headers whose whole value is a secret.
const HEADERS: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
    "private-token",
    "x-vault-token",
    "x-access-token",
];

/// `Authorization: Bearer …` and its like, to the end of the line or quote; and `Bearer …` by itself.
pub(super) fn headers(text: &str, found: &mut Vec<Found>) {
    let mut done = 0;
    for (at, _) in text.match_indices(':') {
        if at < done {
            continue;
        }
        let head = text.get(..at).unwrap_or_default();
        let start = head
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .map_or(0, |last| last + head.get(last..).and_then(|tail| tail.chars().next()).map_or(1, char::len_utf8));
        let name = head.get(start..).unwrap_or_default().to_ascii_lowercase();
        if !HEADERS.contains(&name.as_str()) {
            continue;
        }
        let from = at + 1 + run(text, at + 1, LOOK, |c| c == ' ' || c == '\t');
        let length = run(text, from, usize::MAX, |c| !"\r\n\"'`".contains(c));
        let value = text.get(from..from + length).unwrap_or_default();
        // The scheme is no secret.
        let scheme = match value.split_once(' ') {
            Some((scheme, rest)) if name.ends_with("authorization") && !rest.is_empty() => scheme.len() + 1,
            Some(_) | None => 0,
        };
        if is_value(value.get(scheme..).unwrap_or_default().trim()) {
            done = from + length;
            found.push(Found { at: from + scheme..done, kind: "header" });
        }
    }
    for scheme in ["Bearer ", "bearer "] {
        for (at, _) in text.match_indices(scheme) {
            let start = at + scheme.len();
            let length = run(text, start, usize::MAX, |c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c));
            let value = text.get(start..start + length).unwrap_or_default();
            if length >= 16 && value.chars().any(|c| c.is_ascii_digit()) {
                found.push(Found { at: start..start + length, kind: "token" });
            }
        }
    }
}
