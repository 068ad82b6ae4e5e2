//! One parse, bounded: guarded beforehand, stopped on request and when it does too much work.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Tree};

use super::Language;
use super::grammar::grammar;
use super::guard;

/// Progress calls that any parse may take. The parser makes one call per hundred of its steps.
const FREE_CALLS: usize = 2_000;

/// Bytes of text that earn one more progress call; ordinary code takes one call per 40 to 400 bytes.
const BYTES_PER_CALL: usize = 12;

/// Bytes that the parser is handed at a time. A scanner that looks ahead to the end of the text and back, again and
/// again, asks for the same ones every time: that is how such work is counted.
const WINDOW: usize = 4 * 1024;

/// Windows that any parse may ask for, and how often each may be asked for on average; ordinary code asks 1 to 10
/// times.
const FREE_WINDOWS: usize = 200;
const ROUNDS: usize = 60;

/// Why there is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoTree {
    /// The guard refused the text.
    #[error("{0}")]
    Refused(&'static str),
    /// The caller asked to stop.
    #[error("it was cancelled")]
    Cancelled,
    /// More work than the text's length allows for.
    #[error("parsing it took too much work")]
    TooMuchWork,
    /// The parser does not take the grammar: a build with mismatched versions.
    #[error("its grammar does not fit the parser")]
    Grammar,
}

thread_local! {
    /// Parsers keep their buffers between texts; one per thread is enough, whatever the language.
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Parses `text`, asking `stop` every hundred steps.
pub(super) fn parse(language: Language, text: &str, stop: &dyn Fn() -> bool) -> Result<Tree, NoTree> {
    parse_as(&grammar(language), language, text, stop)
}

/// Whether `text` has a place that its grammar does not take; `None` when it could not be parsed at all.
#[must_use]
pub fn has_faults(language: Language, text: &str, stop: &dyn Fn() -> bool) -> Option<bool> {
    Some(parse(language, text, stop).ok()?.root_node().has_error())
}

/// As [`parse`], with a grammar other than the language's own (PHP patterns have no `<?php` before them).
pub(super) fn parse_as(
    grammar: &tree_sitter::Language,
    language: Language,
    text: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Tree, NoTree> {
    if let Some(refusal) = guard::refusal(language, text) {
        return Err(NoTree::Refused(refusal));
    }
    PARSER.with_borrow_mut(|parser| {
        let changes = parser.language().is_none_or(|current| *current != *grammar);
        if changes && parser.set_language(grammar).is_err() {
            return Err(NoTree::Grammar);
        }
        // A parse that was stopped leaves a state to resume from; every text here is a new one.
        parser.reset();
        run(parser, text, stop)
    })
}

fn run(parser: &mut Parser, text: &str, stop: &dyn Fn() -> bool) -> Result<Tree, NoTree> {
    let bytes = text.as_bytes();
    let calls_allowed = FREE_CALLS + bytes.len() / BYTES_PER_CALL;
    let windows_allowed = FREE_WINDOWS + bytes.len() / WINDOW * ROUNDS;
    let mut calls = 0_usize;
    let windows = Cell::new(0_usize);
    let mut halted = None;
    let mut progress = |_: &tree_sitter::ParseState| {
        calls += 1;
        if stop() {
            halted = Some(NoTree::Cancelled);
        } else if calls > calls_allowed {
            halted = Some(NoTree::TooMuchWork);
        }
        if halted.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let mut read = |at: usize, _| {
        windows.set(windows.get() + 1);
        // Beyond the limit the text seems to end here, so that the parse does: its tree is thrown away. A window
        // ends between characters: the lexer asks again for one that is cut off, and reads beyond an empty answer.
        let is_spent = windows.get() > windows_allowed;
        let end = if is_spent { at } else { text.ceil_char_boundary((at / WINDOW + 1) * WINDOW) };
        bytes.get(at..end).unwrap_or_default()
    };
    let tree = parser.parse_with_options(&mut read, None, Some(options));
    if windows.get() > windows_allowed {
        return Err(NoTree::TooMuchWork);
    }
    tree.ok_or(halted.unwrap_or(NoTree::Grammar))
}

/// Whether a tree has more than `limit` levels.
pub(super) fn deeper_than(tree: &tree_sitter::Tree, limit: usize) -> bool {
    let mut cursor = tree.walk();
    let mut depth = 0;
    loop {
        if cursor.goto_first_child() {
            depth += 1;
            if depth > limit {
                return true;
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
            depth -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_across_windows_are_read_whole() {
        for (shift, blanks) in ["", " ", "  ", "   "].into_iter().enumerate() {
            let text = format!("{blanks}\"{}\"", "😀".repeat(5_000));
            let tree = parse(Language::Json, &text, &|| false).unwrap();
            assert!(!tree.root_node().has_error(), "shifted by {shift}");
        }
    }

    #[test]
    fn looking_ahead_to_the_end_again_and_again_is_too_much() {
        let text = "<!--abc ".repeat(10_000);
        assert_eq!(parse(Language::Html, &text, &|| false).err(), Some(NoTree::TooMuchWork));
    }

    #[test]
    fn stops_when_asked() {
        let text = "fn a() { b(c, d); }\n".repeat(1_000);
        assert_eq!(parse(Language::Rust, &text, &|| true).err(), Some(NoTree::Cancelled));
        assert!(parse(Language::Rust, &text, &|| false).is_ok());
    }

    #[test]
    fn a_stopped_parse_leaves_nothing_behind() {
        let long = "let x = [1, 2];\n".repeat(1_000);
        assert!(parse(Language::JavaScript, &long, &|| true).is_err());
        let tree = parse(Language::JavaScript, "a();\n", &|| false).unwrap();
        assert_eq!(tree.root_node().end_byte(), 5);
        let tree = parse(Language::Json, "{}", &|| false).unwrap();
        assert_eq!(tree.root_node().kind(), "document");
    }
}
