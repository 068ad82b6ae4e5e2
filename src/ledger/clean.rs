//! Takes secrets out of a record before it is hashed.

use serde_json::Value;

use super::chain::Key;
use crate::policy::{redact, redact_words};
use crate::ports::{Entry, Failure, FailureKind};
use crate::workspace::ContentHash;

/// The record as it may be kept. Every text in it is looked at, whichever field it is in, so that a field that comes
/// later is looked at too; a list of texts is read as an argument vector.
pub(super) fn clean(entry: &Entry, key: &Key) -> Result<Entry, Failure> {
    let mut entry = entry.clone();
    entry.action_hash.get_or_insert(entry.action.hash());
    let secret = key.hash("redact", &[]);
    let failure = |error: serde_json::Error| {
        let what = format!("the record cannot be written without the secrets in it: {error}");
        Failure::new(FailureKind::Internal, what).hint("give the secret by a file or a variable, not as an argument")
    };
    let mut value = serde_json::to_value(&entry).map_err(failure)?;
    if !clean_value(&mut value, &secret) {
        return Ok(entry);
    }
    let mut cleaned: Entry = serde_json::from_value(value).map_err(failure)?;
    if cleaned.action != entry.action {
        // The plain hash would let a short secret be guessed and tried.
        cleaned.action_hash =
            entry.action_hash.map(|hash| ContentHash::from_bytes(key.hash("action", &[hash.as_bytes()])));
    }
    Ok(cleaned)
}

/// Whether anything was taken out.
fn clean_value(value: &mut Value, secret: &[u8; 32]) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => replace(text, secret),
        Value::Array(values) => {
            let words: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
            match words {
                Some(words) => {
                    let cleaned = redact_words(&words, secret);
                    let changed = cleaned != words;
                    *values = cleaned.into_iter().map(Value::String).collect();
                    changed
                }
                // Not `any`, which would stop at the first.
                None => values.iter_mut().fold(false, |changed, value| clean_value(value, secret) | changed),
            }
        }
        Value::Object(fields) => fields.values_mut().fold(false, |changed, value| clean_value(value, secret) | changed),
    }
}

fn replace(text: &mut String, secret: &[u8; 32]) -> bool {
    let std::borrow::Cow::Owned(cleaned) = redact(text, secret) else { return false };
    *text = cleaned;
    true
}
