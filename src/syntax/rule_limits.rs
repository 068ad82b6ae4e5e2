//! What a rule may ask for: each limit is far above what people write, and keeps a hostile rule from taking all
//! memory or time before or while it runs.

use serde_json::{Map, Value};

use super::pattern::LARGEST_PATTERN;

/// Bytes of a regular expression, and of what it may compile to.
const LONGEST_REGEX: usize = 4 * 1024;
const LARGEST_REGEX: usize = 512 * 1024;

/// Regular expressions of one file.
const MOST_REGEXES: usize = 400;

/// Bytes of a kind, which may be a selector, and of a position (`2n+1`).
const LONGEST_KIND: usize = 256;
const LONGEST_POSITION: usize = 16;

/// Rules and patterns of one file, each part of a rule counted.
const MOST_PARTS: usize = 20_000;

/// Bytes of a template: a fix, a message, the text that a transformation puts in.
const LONGEST_TEMPLATE: usize = 16 * 1024;

/// How many times longer than what was matched a replacement may become, by transformations of transformations.
const LARGEST_GROWTH: u64 = 4_096;

/// Transformations that may take up one another.
const MOST_CHAINED: usize = 32;

/// How often a rewriter may put in what one of its own transformations returns.
const MOST_USES: usize = 2;

/// What of the limits a file has used up.
#[derive(Debug, Default)]
pub(super) struct Used {
    regexes: usize,
    parts: usize,
}

impl Used {
    /// Counts what `rule` asks for: an object as ast-grep reads it.
    ///
    /// # Errors
    /// What is too much, and what to do.
    pub(super) fn count(&mut self, rule: &Value) -> Result<(), String> {
        let mut waiting: Vec<(&str, &Value)> = vec![("", rule)];
        while let Some((key, value)) = waiting.pop() {
            self.parts += 1;
            if self.parts > MOST_PARTS {
                return Err(format!("the file has more than {MOST_PARTS} parts: split it"));
            }
            match value {
                Value::Object(map) => waiting.extend(map.iter().map(|(key, value)| (key.as_str(), value))),
                Value::Array(items) => waiting.extend(items.iter().map(|item| (key, item))),
                Value::String(text) => self.text(key, text)?,
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, key: &str, text: &str) -> Result<(), String> {
        let limit = match key {
            "regex" | "replace" => return self.regex(text),
            "kind" | "selector" => LONGEST_KIND,
            "position" | "nthChild" => LONGEST_POSITION,
            "pattern" | "context" => LARGEST_PATTERN,
            _ => LONGEST_TEMPLATE,
        };
        if text.len() > limit {
            return Err(format!("`{key}` is longer than {limit} bytes: shorten it"));
        }
        Ok(())
    }

    fn regex(&mut self, pattern: &str) -> Result<(), String> {
        self.regexes += 1;
        if self.regexes > MOST_REGEXES {
            return Err(format!("the file has more than {MOST_REGEXES} regular expressions: split it"));
        }
        if pattern.len() > LONGEST_REGEX {
            return Err(format!("a regular expression is longer than {LONGEST_REGEX} bytes: shorten it"));
        }
        let built = regex::RegexBuilder::new(pattern).size_limit(LARGEST_REGEX).build();
        let Err(error) = built else { return Ok(()) };
        let shown = brief(pattern);
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return Err(format!("the regular expression {shown} compiles to too much: repeat less in it"));
        }
        Err(format!("the regular expression {shown} cannot be read: correct it"))
    }
}

/// `text` in quotes, its end left out where it is long.
pub(super) fn brief(text: &str) -> String {
    let shown = text.get(..text.floor_char_boundary(60)).unwrap_or_default();
    if shown.len() < text.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}

/// How many times longer than what a rule matched its replacement or its message may become.
///
/// # Errors
/// When that is more than any use has.
pub(super) fn growth(transform: Option<&Value>, templates: &[&str]) -> Result<u64, String> {
    let none = Map::new();
    let steps = transform.and_then(Value::as_object).unwrap_or(&none);
    let longest = steps.values().map(|step| grown(steps, step, 0)).max().unwrap_or(1);
    let uses = templates.iter().map(|text| text.matches('$').count()).max().unwrap_or(0);
    let uses = u64::try_from(uses).unwrap_or(u64::MAX).max(1);
    if longest > LARGEST_GROWTH {
        return Err("its transformations may make a text thousands of times longer: chain fewer".to_owned());
    }
    Ok(longest.saturating_mul(uses))
}

/// By how much one transformation may grow its source, and that its own.
fn grown(steps: &Map<String, Value>, step: &Value, depth: usize) -> u64 {
    if depth > MOST_CHAINED {
        return u64::MAX;
    }
    let (put_in, source) = match step {
        // `replace($A, replace=…, by=…)`: what it puts in is some of its text.
        Value::String(text) if text.trim_start().starts_with("replace") => (text.len(), text.as_str()),
        Value::String(text) => (0, text.as_str()),
        Value::Object(step) => {
            let inner = step.values().next();
            let part = |name: &str| inner.and_then(|inner| inner.get(name)).and_then(Value::as_str);
            (part("by").map_or(0, str::len), part("source").unwrap_or_default())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => (0, ""),
    };
    let before = steps.get(first_name(source)).map_or(1, |earlier| grown(steps, earlier, depth + 1));
    before.saturating_mul(u64::try_from(put_in).unwrap_or(u64::MAX).saturating_add(1))
}

/// The name of the first metavariable in `text`.
fn first_name(text: &str) -> &str {
    let after = text.split_once('$').map_or("", |(_, after)| after.trim_start_matches('$'));
    let end = after.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(after.len());
    after.get(..end).unwrap_or_default()
}

/// Whether a rewriter that may call rewriters doubles what they return: each level would double it again.
///
/// # Errors
/// When one does so more than once.
pub(super) fn rewriters_are_bounded(rewriters: &Value) -> Result<(), String> {
    for rewriter in rewriters.as_array().into_iter().flatten() {
        let names = rewriter.get("transform").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        let fix = rewriter.get("fix").map(Value::to_string).unwrap_or_default();
        for name in names {
            let uses = fix.matches(&format!("${name}")).count();
            if uses > MOST_USES {
                return Err(format!("a rewriter puts ${name} in {uses} times: at most {MOST_USES} are allowed"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn growth_follows_the_chain() {
        let of = |transform: Value, fix: &str| growth(Some(&transform), &[fix]);
        assert_eq!(of(json!({}), "f($A, $B)"), Ok(2));
        let one = json!({"B": {"replace": {"source": "$A", "replace": ".", "by": "xyz"}}});
        assert_eq!(of(one, "$B"), Ok(4));
        let step = |from: &str| json!({"replace": {"source": from, "replace": ".", "by": "x".repeat(99)}});
        assert!(of(json!({"B": step("$A"), "C": step("$B"), "D": step("$C")}), "$D").is_err());
        assert!(of(json!({"B": step("$A"), "C": step("$A"), "D": step("$A")}), "$D").is_ok());
        assert!(of(json!({"A": {"convert": {"source": "$A"}}}), "").is_err(), "round and round");
    }

    #[test]
    fn what_a_rule_asks_for_is_counted() {
        let count = |rule: Value| Used::default().count(&rule);
        assert_eq!(count(json!({"rule": {"regex": "a{1,9}"}})), Ok(()));
        assert!(count(json!({"rule": {"regex": "((a{1,100}){1,100}){1,100}"}})).unwrap_err().contains("too much"));
        assert!(count(json!({"rule": {"regex": "("}})).is_err());
        assert!(count(json!({"rule": {"kind": "a > ".repeat(200)}})).is_err());
        assert!(count(json!({"rule": {"nthChild": "9".repeat(20)}})).is_err());
        assert!(count(json!({"any": vec![json!({"kind": "a"}); 20_000]})).is_err());
    }
}
