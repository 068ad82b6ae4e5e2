//! A regular expression and what its matches become. Rust's expressions take time in proportion to the text, whatever
//! they are (<https://docs.rs/regex/latest/regex/#untrusted-input>).

use regex::{Captures, Regex, RegexBuilder};

use super::rewriter::RewriteError;
use crate::text::{Edit, Span};

/// Bytes of an expression or a replacement, and of what the expression may compile to.
const LONGEST: usize = 4 * 1024;
const LARGEST: usize = 1 << 20;

/// Bytes of a text.
const LARGEST_TEXT: usize = 8 << 20;

/// Bytes that all replacements in one text may have.
const MOST_WRITTEN: usize = 64 << 20;

/// Matches between two looks at whether to stop.
const MATCHES_PER_LOOK: usize = 256;

/// A compiled rewrite.
#[derive(Debug, Clone)]
pub(super) struct RegexRewrite {
    find: Regex,
    replace: String,
}

impl RegexRewrite {
    /// Of an expression in Rust's syntax, and a replacement in which `$1`, `${1}` and `${name}` stand for groups.
    pub(super) fn new(find: &str, replace: &str) -> Result<Self, String> {
        if find.is_empty() {
            return Err("`find` is empty, which matches everywhere: write what to find".to_owned());
        }
        if find.len().max(replace.len()) > LONGEST {
            return Err("`find` or `replace` is longer than 4 KiB: shorten it".to_owned());
        }
        let built = RegexBuilder::new(find).size_limit(LARGEST).build();
        let find = built.map_err(|error| not_built(&error))?;
        for group in groups(replace) {
            let exists = match group.parse::<usize>() {
                Ok(number) => number < find.captures_len(),
                Err(_) => find.capture_names().flatten().any(|name| name == group),
            };
            if !exists {
                return Err(format!(
                    "`replace` uses the group {group:?}, which `find` does not have: write ${{1}}a for group 1 and an a, or $$ for a dollar sign"
                ));
            }
        }
        Ok(Self { find, replace: replace.to_owned() })
    }

    /// The edits that rewrite every match in `text`.
    pub(super) fn edits(&self, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Edit>, RewriteError> {
        if text.len() > LARGEST_TEXT {
            return Err(RewriteError::TooLarge);
        }
        let (mut edits, mut written) = (Vec::new(), 0_usize);
        for (index, found) in self.find.captures_iter(text).enumerate() {
            if index % MATCHES_PER_LOOK == 0 && stop() {
                return Err(RewriteError::Pattern(crate::syntax::PatternError::Cancelled));
            }
            let edit = self.edit(&found);
            written = written.saturating_add(edit.replacement.len());
            if written > MOST_WRITTEN {
                return Err(RewriteError::TooLarge);
            }
            if text.get(edit.span.start..edit.span.end) != Some(edit.replacement.as_str()) {
                edits.push(edit);
            }
        }
        Ok(edits)
    }

    fn edit(&self, found: &Captures<'_>) -> Edit {
        let mut replacement = String::new();
        found.expand(&self.replace, &mut replacement);
        let span = found.get(0).map_or(Span::new(0, 0), |whole| Span::new(whole.start(), whole.end()));
        Edit { span, replacement }
    }
}

fn not_built(error: &regex::Error) -> String {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "`find` compiles to too much: repeat less in it".to_owned();
    }
    // The library draws a picture of it; its last line says what is wrong.
    let words = error.to_string();
    let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("`find` is no regular expression: {last}: correct it")
}

/// The names and numbers of the groups that a replacement uses, as the library reads them.
fn groups(replace: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = replace;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(literal) = after.strip_prefix('$') {
            rest = literal;
            continue;
        }
        if let Some((name, behind)) = after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            found.push(name);
            rest = behind;
            continue;
        }
        let end = after.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(after.len());
        let (name, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        found.extend(Some(name).filter(|name| !name.is_empty()));
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::apply_edits;

    fn rewritten(find: &str, replace: &str, text: &str) -> String {
        let edits = RegexRewrite::new(find, replace).unwrap().edits(text, &|| false).unwrap();
        apply_edits(text, &edits).unwrap()
    }

    #[test]
    fn groups_go_in() {
        assert_eq!(rewritten(r"(\w+)@(?<host>\w+)", "${host}:$1 $$", "ä me@there ü"), "ä there:me $ ü");
        assert_eq!(rewritten("(?m)^", "> ", "a\nb"), "> a\n> b");
        assert_eq!(groups("$1a ${b} $$c $"), ["1a", "b"]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (find, replace) in [("", "x"), ("(", "x"), ("(a)", "$2"), ("(a)", "$1b"), ("a{1000}{1000}", "")] {
            assert!(RegexRewrite::new(find, replace).is_err(), "{find} {replace}");
        }
        let stopped = RegexRewrite::new("a", "b").unwrap().edits("aaa", &|| true);
        assert!(stopped.is_err());
        let grows = RegexRewrite::new("a", &"b".repeat(4_000)).unwrap();
        assert!(grows.edits(&"a".repeat(100_000), &|| false).is_err());
    }
}
