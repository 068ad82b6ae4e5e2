//! Secrets that are known by their shape.

use super::Found;

/// Private keys in PEM, to their end or to the text's.
pub(super) fn private_keys(text: &str, found: &mut Vec<Found>) {
    const BEGIN: &str = "-----BEGIN ";
    let mut done = 0;
    for (start, _) in text.match_indices(BEGIN) {
        let rest = text.get(start..).unwrap_or_default();
        if start < done {
            continue;
        }
        let label = rest.get(BEGIN.len()..).and_then(|label| label.split_once("-----"));
        if !label.is_some_and(|(label, _)| label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")) {
            continue;
        }
        let end = rest.find("-----END ").and_then(|end| {
            let label = end + "-----END ".len();
            rest.get(label..)?.find("-----").map(|close| label + close + "-----".len())
        });
        done = start + end.unwrap_or(rest.len());
        found.push(Found { at: start..done, kind: "private key" });
    }
}

/// Passwords in addresses: `scheme://user:password@host`, and long random names where a user stands.
pub(super) fn addresses(text: &str, found: &mut Vec<Found>) {
    for (at, separator) in text.match_indices("://") {
        let start = at + separator.len();
        let rest = text.get(start..).unwrap_or_default();
        let end = run(text, start, LOOK * 2, |c| !c.is_whitespace() && !"\"'`<>«»".contains(c));
        let word = rest.get(..end).unwrap_or_default();
        let authority = word.find(['/', '?', '#']).unwrap_or(word.len());
        let userinfo = word.get(..authority).and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
        // A password may hold a slash, whoever allows it to; a port may not hold anything but digits.
        let slashed = || {
            let (host, port) = word.get(..authority)?.split_once(':')?;
            let is_port = port.chars().all(|c| c.is_ascii_digit());
            let bracketed = host.starts_with('[');
            let user = word.rsplit_once('@').map(|(user, _)| user)?;
            (!is_port && !bracketed).then_some(user)
        };
        let Some(userinfo) = userinfo.or_else(slashed) else { continue };
        if let Some((user, password)) = userinfo.split_once(':') {
            let from = start + user.len() + 1;
            if !super::names::is_placeholder(password) {
                found.push(Found { at: from..from + password.len(), kind: "password" });
            }
        } else if userinfo.len() >= 20 && looks_random(userinfo) {
            found.push(Found { at: start..start + userinfo.len(), kind: "token" });
        }
    }
    const HOOK: &str = "hooks.slack.com/services/";
    for (at, _) in text.match_indices(HOOK) {
        let start = at + HOOK.len();
        let length = run(text, start, usize::MAX, |c| c.is_ascii_alphanumeric() || c == '/');
        found.push(Found { at: start..start + length, kind: "token" });
    }
}

/// What may follow a token's first letters.
#[derive(Clone, Copy)]
enum Body {
    /// Letters and digits.
    Plain,
    /// Those, `_` and `-`.
    Wide,
    /// Capital letters and digits.
    Capital,
    /// Small hexadecimal digits.
    Hex,
}

impl Body {
    fn allows(self, c: char) -> bool {
        match self {
            Self::Plain => c.is_ascii_alphanumeric(),
            Self::Wide => c.is_ascii_alphanumeric() || c == '_' || c == '-',
            Self::Capital => c.is_ascii_uppercase() || c.is_ascii_digit(),
            Self::Hex => c.is_ascii_digit() || ('a'..='f').contains(&c),
        }
    }
}

/// How tokens begin, what follows, and how much of it at least; as their makers document them.
const TOKENS: &[(&str, Body, usize)] = &[
    ("ghp_", Body::Plain, 20),
    ("gho_", Body::Plain, 20),
    ("ghu_", Body::Plain, 20),
    ("ghs_", Body::Plain, 20),
    ("ghr_", Body::Plain, 20),
    ("github_pat_", Body::Wide, 22),
    ("glpat-", Body::Wide, 16),
    ("glptt-", Body::Wide, 16),
    ("gldt-", Body::Wide, 16),
    ("glrt-", Body::Wide, 16),
    ("sk-", Body::Wide, 20),
    ("sk_live_", Body::Plain, 16),
    ("sk_test_", Body::Plain, 16),
    ("rk_live_", Body::Plain, 16),
    ("whsec_", Body::Plain, 16),
    ("AKIA", Body::Capital, 16),
    ("ASIA", Body::Capital, 16),
    ("xoxa-", Body::Wide, 10),
    ("xoxb-", Body::Wide, 10),
    ("xoxp-", Body::Wide, 10),
    ("xoxr-", Body::Wide, 10),
    ("xoxs-", Body::Wide, 10),
    ("xapp-", Body::Wide, 10),
    ("npm_", Body::Plain, 30),
    ("pypi-", Body::Wide, 50),
    ("hf_", Body::Plain, 30),
    ("AIza", Body::Wide, 35),
    ("ya29.", Body::Wide, 20),
    ("dop_v1_", Body::Hex, 40),
    ("shpat_", Body::Hex, 32),
    ("AGE-SECRET-KEY-1", Body::Capital, 50),
    ("SG.", Body::Wide, 20),
];

/// Tokens of known shape, wherever a word begins.
pub(super) fn tokens(text: &str, found: &mut Vec<Found>) {
    let mut before = ' ';
    let mut done = 0;
    for (start, c) in text.char_indices() {
        let begins = !before.is_ascii_alphanumeric() && before != '_';
        before = c;
        if !begins || !c.is_ascii_alphabetic() || start < done {
            continue;
        }
        if let Some(end) = known_token(text, start).or_else(|| web_token(text, start)) {
            found.push(Found { at: start..end, kind: "token" });
            done = end;
        }
    }
}

fn known_token(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let first = rest.as_bytes().first();
    // One byte tells most words from all tokens.
    let alike = TOKENS.iter().filter(|(prefix, ..)| prefix.as_bytes().first() == first);
    alike.filter(|(prefix, ..)| rest.starts_with(prefix)).find_map(|(prefix, body, least)| {
        let from = start + prefix.len();
        let allowed = |c| body.allows(c) || (*prefix == "SG." && c == '.');
        let length = run(text, from, LOOK, allowed);
        let secret = text.get(from..from + length)?;
        // Names of things are made of such letters too; tokens hold digits.
        let random = secret.chars().any(|c| c.is_ascii_digit()) && (*prefix != "sk-" || !is_words(secret));
        (length >= *least && random).then(|| from + run(text, from, usize::MAX, allowed))
    })
}

/// The end of a JSON Web Token (RFC 7519): three parts in base64url, or two and an empty one.
fn web_token(text: &str, start: usize) -> Option<usize> {
    let allowed = |c| Body::Wide.allows(c) || c == '.';
    let rest = text.get(start..).filter(|rest| rest.starts_with("eyJ"))?;
    let token = rest.get(..run(text, start, LOOK * 8, allowed))?;
    let mut parts = token.splitn(3, '.');
    let long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 8);
    let whole = long(parts.next()) && long(parts.next()) && parts.next().is_some();
    whole.then(|| start + run(text, start, usize::MAX, allowed))
}

/// Whether it is small words with hyphens between, as names are.
fn is_words(text: &str) -> bool {
    let word = |part: &str| part.len() <= 12 && !part.chars().any(|c| c.is_ascii_uppercase());
    text.contains('-') && text.split('-').all(word)
}

/// How much of a value decides whether it is a secret. It is bounded, so that a text made of nothing but beginnings is
/// read in a time that grows with its length only.
pub(super) const LOOK: usize = 512;

/// Bytes of the run of characters from `start` that are all `allowed`, of `most` characters at most.
pub(super) fn run(text: &str, start: usize, most: usize, allowed: impl Fn(char) -> bool) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    rest.chars().take(most).take_while(|c| allowed(*c)).map(char::len_utf8).sum()
}

/// Whether a value looks drawn by chance: long, of several sorts of characters, not one of the shapes that names,
/// hashes and places have.
pub(super) fn looks_random(value: &str) -> bool {
    let digits = value.chars().any(|c| c.is_ascii_digit());
    let letters = value.chars().any(|c| c.is_ascii_alphabetic());
    let token = value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-.~".contains(c));
    let hexadecimal = value.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let place = value.starts_with(['/', '.', '~']) || value.matches('/').count() > 2;
    let named = |part: &str| part.len() <= 12 || part.chars().all(|c| c.is_ascii_hexdigit());
    let names = value.contains('-') && value.split('-').all(named) && !value.chars().any(|c| c.is_ascii_uppercase());
    value.len() >= 16 && digits && letters && token && !hexadecimal && !place && !names && entropy(value) > 3.2
}

/// Bits of chance in each byte, by how often each occurs (Shannon).
fn entropy(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::<u8, u32>::new();
    text.bytes().for_each(|byte| *counts.entry(byte).or_default() += 1);
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let bits = |count: &u32| -(f64::from(*count) / total) * (f64::from(*count) / total).log2();
    counts.values().map(bits).sum()
}
