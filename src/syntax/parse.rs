//! One parse, bounded: guarded beforehand, stopped on request and when it does too much work.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Tree};

use super::Language;
use super::grammar::grammar;
use super::guard;

/// Progress calls that any parse may take. The parser makes one call per hundred of its steps.
const FREE_CALLS: usize = 2_000;

/// Bytes of text that earn one more progress call; ordinary code takes one call per 100 to 400 bytes.
const BYTES_PER_CALL: usize = 8;

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
    let allowed = FREE_CALLS + bytes.len() / BYTES_PER_CALL;
    let mut calls = 0_usize;
    let mut halted = None;
    let mut progress = |_: &tree_sitter::ParseState| {
        calls += 1;
        if stop() {
            halted = Some(NoTree::Cancelled);
        } else if calls > allowed {
            halted = Some(NoTree::TooMuchWork);
        }
        if halted.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
    tree.ok_or(halted.unwrap_or(NoTree::Grammar))
}

#[cfg(test)]
mod tests {
    use super::*;

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
