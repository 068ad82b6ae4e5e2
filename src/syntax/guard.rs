//! What must not reach a parser. The generated parsers and their hand-written scanners are C: some abort the
//! process or take quadratic time on nesting that no person writes. One pass over the bytes finds that beforehand.

use super::Language;

/// Bytes beyond which a text is not parsed.
const LARGEST: usize = 2 * 1024 * 1024;

/// Bytes of one line beyond which a text is not parsed: scanners that ask for a column count from the line's start.
const LONGEST_LINE: usize = 128 * 1024;

/// Bytes up to which a text may be anything.
const SHORT: usize = 4 * 1024;

/// Brackets that may be open at once.
const DEEPEST_BRACKETS: usize = 1_000;

/// Indented blocks and list marks that may be open at once: two scanners (YAML and Python) write beyond a buffer of
/// 1,024 bytes, and abort, at 254 and 511.
const DEEPEST_INDENTATION: usize = 200;

/// HTML elements that may be open at once: the scanner copies its stack of them at every token.
const DEEPEST_ELEMENTS: usize = 500;

/// Bytes that the Ruby scanner may need for its state. It keeps open heredocs and string literals in 1,024 bytes,
/// the length of a heredoc's word in one of them, and aborts, or writes beyond, where that does not do.
const LARGEST_RUBY_STATE: usize = 1_000;

/// Bytes of the word that ends a Ruby heredoc.
const LONGEST_HEREDOC_WORD: usize = 200;

/// Why `text` is not given to the parser of `language`, in words; `None` when it may be.
pub(super) fn refusal(language: Language, text: &str) -> Option<&'static str> {
    if text.len() > LARGEST {
        return Some("it is larger than 2 MiB");
    }
    if longest_line(text) > LONGEST_LINE {
        return Some("it has a line longer than 128 KiB");
    }
    if nests_too_deep(text.as_bytes()) {
        return Some("its brackets nest deeper than 1,000");
    }
    if mostly_signs(text) {
        return Some("it is mostly signs, hardly any words");
    }
    match language {
        Language::Python | Language::Yaml | Language::Markdown => (indentation_depth(text) > DEEPEST_INDENTATION)
            .then_some("its indentation or its lists nest deeper than 200"),
        Language::Html => (element_depth(text) > DEEPEST_ELEMENTS).then_some("its elements nest deeper than 500"),
        Language::Ruby => (!ruby_state_fits(text)).then_some("its heredocs are too many or their words too long"),
        Language::Rust
        | Language::TypeScript
        | Language::Tsx
        | Language::JavaScript
        | Language::Go
        | Language::Java
        | Language::C
        | Language::Cpp
        | Language::CSharp
        | Language::Php
        | Language::Bash
        | Language::Lua
        | Language::Css
        | Language::Json
        | Language::Toml => None,
    }
}

/// Whether less than a third of the text is letters, digits and blanks. Error recovery goes through all that it has
/// skipped at every further token, which takes minutes over a hundred thousand signs in no order.
fn mostly_signs(text: &str) -> bool {
    let counts = |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || !byte.is_ascii();
    text.len() > SHORT && count(text.as_bytes(), counts) < text.len() / 3
}

/// How many of `bytes` `fits` says yes to. A sum that cannot overflow lets the compiler take many at once.
fn count(bytes: &[u8], fits: impl Fn(u8) -> bool) -> usize {
    let few = |bytes: &[u8]| bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(fits(*byte))));
    bytes.chunks(usize::from(u8::MAX)).map(|bytes| usize::from(few(bytes))).sum()
}

fn longest_line(text: &str) -> usize {
    let mut start = 0;
    let mut longest = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
        longest = longest.max(end - start);
        start = end;
    }
    longest.max(text.len() - start)
}

/// Whether more brackets are open at once than may be. Most texts do not even have as many.
fn nests_too_deep(bytes: &[u8]) -> bool {
    let opening = count(bytes, |byte| matches!(byte, b'(' | b'[' | b'{'));
    opening > DEEPEST_BRACKETS && bracket_depth(bytes) > DEEPEST_BRACKETS
}

/// The most brackets open at once, those in strings and comments included: cheap, and never too low for a tree.
/// A closing bracket without an opening one is ignored.
fn bracket_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in bytes {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The most blocks that indentation and the marks of lists and quotes can hold open at once.
fn indentation_depth(text: &str) -> usize {
    let mut columns: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for line in text.lines() {
        let content = line.trim_start_matches([' ', '\t', '\u{c}']);
        if content.is_empty() {
            continue;
        }
        let column = line.len() - content.len();
        while columns.last().is_some_and(|last| *last >= column) {
            columns.pop();
        }
        columns.push(column);
        // Every mark of one line may open a block of its own, and each has a column of its own.
        let marks = marks_at_start(content);
        for mark in 0..marks.min(DEEPEST_INDENTATION + 1) {
            columns.push(column + mark + 1);
        }
        deepest = deepest.max(columns.len());
        if deepest > DEEPEST_INDENTATION {
            break;
        }
    }
    deepest
}

/// Marks of nested lists, quotes and keys (`- - ? : > * 1.`) that `content` starts with.
fn marks_at_start(content: &str) -> usize {
    let is_mark = |byte: &u8| matches!(byte, b'-' | b'?' | b':' | b'>' | b'*' | b'+' | b'.' | b')');
    let is_filler = |byte: &u8| matches!(byte, b' ' | b'\t' | b'0'..=b'9');
    let start = content.bytes().take_while(|byte| is_mark(byte) || is_filler(byte));
    // A rule of one repeated sign (`-----`, `***`) opens nothing: only a mark that a space follows counts, or `>`.
    let bytes: Vec<u8> = start.collect();
    bytes
        .windows(2)
        .filter(|pair| matches!(pair, [mark, b' ' | b'\t'] if is_mark(mark)) || pair.first() == Some(&b'>'))
        .count()
}

/// Elements that end without an end tag; they nest in nothing.
const SHORT_ELEMENTS: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "source", "td", "th", "tr", "track", "wbr",
];

/// The most HTML elements open at once, those that need no end tag left out.
fn element_depth(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest) = (0_usize, 0);
    for at in memchr::memchr_iter(b'<', bytes) {
        let after = text.get(at + 1..).unwrap_or_default();
        if after.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if after.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
            let end = after.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(after.len());
            let name = after.get(..end.min(12)).unwrap_or_default().to_ascii_lowercase();
            if !SHORT_ELEMENTS.contains(&name.as_str()) {
                depth += 1;
                deepest = deepest.max(depth);
            }
        }
    }
    deepest
}

/// Whether all heredocs and literals that may be open at once fit the Ruby scanner's state, by a bound that is
/// never too low: each open bracket may hold one literal, and as many heredocs as the fullest line.
fn ruby_state_fits(text: &str) -> bool {
    let (mut fullest, mut longest) = (0, 0);
    for line in text.split('\n') {
        fullest = fullest.max(memchr::memmem::find_iter(line.as_bytes(), b"<<").count());
    }
    if fullest == 0 {
        return true;
    }
    for at in memchr::memmem::find_iter(text.as_bytes(), b"<<") {
        longest = longest.max(heredoc_word(text.get(at + 2..).unwrap_or_default()));
    }
    let depth = bracket_depth(text.as_bytes());
    longest <= LONGEST_HEREDOC_WORD && 5 * depth + fullest * (depth + 1) * (4 + longest) <= LARGEST_RUBY_STATE
}

/// Bytes of the word that the text after `<<` would name as the end of a heredoc; a quoted one may span lines.
fn heredoc_word(after: &str) -> usize {
    let word = after.trim_start_matches(['-', '~']);
    let Some(quote) = word.chars().next().filter(|sign| matches!(sign, '"' | '\'' | '`')) else {
        return word.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(word.len());
    };
    let quoted = word.get(1..).unwrap_or_default();
    quoted.find(quote).unwrap_or(quoted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes() {
        assert_eq!(refusal(Language::Markdown, "- a\n  - b\n    > c\n\n----------------\n* * *\n"), None);
        assert_eq!(refusal(Language::Html, &"<p>a<br>\n".repeat(5_000)), None);
        assert_eq!(refusal(Language::Ruby, "x = <<~TEXT\n  y\nTEXT\n"), None);
        assert_eq!(refusal(Language::Python, "def f():\n    if x:\n        y()\n"), None);
    }

    #[test]
    fn what_would_overflow_is_refused() {
        assert!(refusal(Language::Json, &"[".repeat(1_001)).is_some());
        assert!(refusal(Language::Yaml, &"- ".repeat(300)).is_some());
        assert!(refusal(Language::Markdown, &">".repeat(300)).is_some());
        assert!(refusal(Language::Html, &"<b>".repeat(501)).is_some());
        assert!(refusal(Language::Ruby, &format!("<<{}", "A".repeat(256))).is_some());
        assert!(refusal(Language::Ruby, &format!("<<'{}'", "A\n".repeat(128))).is_some());
        assert!(refusal(Language::Ruby, &"f(<<A, <<B, ".repeat(60)).is_some());
        assert!(refusal(Language::Rust, &"x".repeat(LONGEST_LINE + 1)).is_some());
        let stairs: String = (0..300).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
        assert!(refusal(Language::Python, &stairs).is_some());
        assert!(refusal(Language::Rust, &stairs).is_none());
    }
}
