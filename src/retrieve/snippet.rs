//! The one line of a chunk that says best why it was found.

use std::collections::HashSet;

use super::Question;
use super::terms::each_term;
use crate::syntax::Chunk;

/// Lines of a chunk that are looked at.
const MOST_LINES: usize = 2_000;
/// A snippet is cut to this many characters.
const LONGEST: usize = 160;

/// A telling line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Zero-based line in the file.
    pub line: u32,
    /// The line without the blanks around it, cut to 160 characters, control characters left out.
    pub text: String,
}

/// The line of `chunk` that has most of the question's terms; the earliest of equals, which for a definition is its head.
#[must_use]
pub fn snippet(chunk: &Chunk, question: &Question) -> Snippet {
    let (mut best, mut best_score) = (None, 0);
    for (offset, line) in (0_u32..).zip(chunk.text.lines().take(MOST_LINES)) {
        if line.trim().is_empty() {
            continue;
        }
        let score = 1 + 4 * terms_met(line, question) + usize::from(names_symbol(line, chunk));
        if score > best_score {
            (best, best_score) = (Some((offset, line)), score);
        }
    }
    let (offset, line) = best.unwrap_or_default();
    let text: String = line.trim().chars().filter(|at| !at.is_control()).take(LONGEST).collect();
    Snippet { line: chunk.lines.start.saturating_add(offset), text }
}

fn terms_met(line: &str, question: &Question) -> usize {
    let mut met = HashSet::new();
    each_term(line, &mut |term| {
        if let Some(at) = question.terms.iter().position(|wanted| wanted == term) {
            met.insert(at);
        }
    });
    met.len()
}

fn names_symbol(line: &str, chunk: &Chunk) -> bool {
    let comment = ["//", "#", "/*", "*", "--", "\"\"\""].iter().any(|mark| line.trim_start().starts_with(mark));
    !comment && chunk.symbol.as_deref().is_some_and(|symbol| line.contains(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ChunkKind;
    use crate::text::Span;

    fn check(text: &str, symbol: &str, question: &str, expected: (u32, &str)) {
        let chunk = Chunk {
            span: Span::new(0, text.len()),
            lines: 10..20,
            symbol: Some(symbol.to_owned()),
            kind: ChunkKind::Function,
            parent: None,
            signature: String::new(),
            text: text.to_owned(),
        };
        let found = snippet(&chunk, &Question::parse(question));
        assert_eq!((found.line, found.text.as_str()), expected);
    }

    #[test]
    fn picks_the_line_with_most_of_the_question() {
        let text = "/// Sums.\nfn total(items: &[u32]) -> u32 {\n    let cached = cache_lookup();\n    items.iter().sum()\n}\n";
        check(text, "total", "cache lookup", (12, "let cached = cache_lookup();"));
        check(text, "total", "unrelated", (11, "fn total(items: &[u32]) -> u32 {"));
    }

    #[test]
    fn empty_and_endless_lines_are_no_trouble() {
        check("", "x", "x", (10, ""));
        check("\n\n  \n", "x", "x", (10, ""));
        let long = "é".repeat(100_000);
        check(&long, "x", "y", (10, &"é".repeat(LONGEST)));
        check("a\u{1b}[31mb", "x", "y", (10, "a[31mb"));
    }
}
