//! The replacement of a pattern: text in which `$NAME` and `$$$NAME` stand for what the pattern matched.

use ast_grep_core::Node;
use ast_grep_core::meta_var::MetaVarEnv;
use ast_grep_core::tree_sitter::StrDoc;

use super::Language;
use super::metavariables::Dialect;
use super::pattern::PatternError;
use crate::text::Span;

/// A replacement, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text that stays.
    Text(String),
    /// A metavariable.
    Variable {
        /// Its name, without the dollar signs.
        name: String,
        /// The blanks before it, when it is the first thing on a line that is not the template's first.
        indentation: Option<String>,
    },
}

impl Template {
    /// Takes `text` apart; `names` are those that the pattern binds. In Bash a name that the pattern does not
    /// bind is a variable of the script, and stays.
    pub(super) fn new(language: Language, text: &str, names: &[String]) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(rest.get(..at).unwrap_or_default());
            let tail = rest.get(at..).unwrap_or_default();
            let (dollars, name) = variable(tail);
            let taken = tail.get(..dollars + name.len()).unwrap_or_default();
            rest = tail.get(taken.len()..).unwrap_or_default();
            if name.is_empty() || (language == Language::Bash && !names.iter().any(|known| known == name)) {
                literal.push_str(taken);
                continue;
            }
            if !names.iter().any(|known| known == name) {
                return Err(PatternError::Unbound(name.to_owned()));
            }
            let written = text.len() - rest.len() - taken.len();
            let indentation = indentation_before(text.get(..written).unwrap_or_default());
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(Part::Variable { name: name.to_owned(), indentation });
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self { parts })
    }

    /// The replacement for one match at `span` of `text`.
    ///
    /// What was matched goes in byte for byte, with one exception: where the template puts a variable on a line of
    /// its own, the further lines of its text take that line's indentation instead of the one they had.
    pub(super) fn fill(&self, text: &str, span: Span, matched: &MetaVarEnv<'_, StrDoc<Dialect>>) -> String {
        let base = line_indentation(text, span.start);
        let line_break = if first_line_break_is_crlf(text) { "\r\n" } else { "\n" };
        let mut result = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => push_indented(&mut result, literal, base, line_break),
                Part::Variable { name, indentation } => {
                    let Some(found) = span_of(name, matched) else { continue };
                    let content = text.get(found.start..found.end).unwrap_or_default();
                    match indentation {
                        Some(own) => {
                            let old = line_indentation(text, found.start);
                            push_shifted(&mut result, content, old, &format!("{base}{own}"));
                        }
                        None => result.push_str(content),
                    }
                }
            }
        }
        result
    }
}

/// The dollar signs and the name of the metavariable at the start of `text`; no name when it is none.
fn variable(text: &str) -> (usize, &str) {
    let after = text.trim_start_matches('$');
    let dollars = text.len() - after.len();
    let is_part = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    let name = after.get(..after.find(|sign| !is_part(sign)).unwrap_or(after.len())).unwrap_or_default();
    // `$5` is a price, `$Home` a name of the language.
    let goes_on = after.get(name.len()..).unwrap_or_default().starts_with(|sign: char| sign.is_ascii_lowercase());
    let is_variable = dollars <= 3 && !goes_on && !name.starts_with(|sign: char| sign.is_ascii_digit());
    (dollars, if is_variable { name } else { "" })
}

/// The blanks at the end of `before`, when they start a line that is not the first.
fn indentation_before(before: &str) -> Option<String> {
    let (_, line) = before.rsplit_once('\n')?;
    line.chars().all(|sign| matches!(sign, ' ' | '\t')).then(|| line.to_owned())
}

/// The blanks that the line of byte `at` starts with.
fn line_indentation(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line_break| line_break + 1);
    let line = text.get(start..at).unwrap_or_default();
    let content = line.trim_start_matches([' ', '\t']);
    line.get(..line.len() - content.len()).unwrap_or_default()
}

fn first_line_break_is_crlf(text: &str) -> bool {
    text.find('\n').is_some_and(|at| text.get(..at).is_some_and(|before| before.ends_with('\r')))
}

/// Appends template text; its further lines start with `base`, and its line breaks are the file's.
fn push_indented(result: &mut String, literal: &str, base: &str, line_break: &str) {
    for (index, line) in literal.split('\n').enumerate() {
        if index > 0 {
            result.push_str(line_break);
            result.push_str(base);
        }
        result.push_str(line.strip_suffix('\r').unwrap_or(line));
    }
}

/// Appends `content`; where its further lines start with `old`, they start with `new` instead.
fn push_shifted(result: &mut String, content: &str, old: &str, new: &str) {
    for (index, line) in content.split_inclusive('\n').enumerate() {
        match line.strip_prefix(old) {
            Some(rest) if index > 0 && !line.trim().is_empty() => {
                result.push_str(new);
                result.push_str(rest);
            }
            _ => result.push_str(line),
        }
    }
}

/// From the first to the last byte that the metavariable matched; `None` when it matched nothing.
fn span_of(name: &str, matched: &MetaVarEnv<'_, StrDoc<Dialect>>) -> Option<Span> {
    if let Some(node) = matched.get_match(name) {
        return Some(node_span(node));
    }
    let nodes = matched.get_multiple_matches(name);
    Some(Span::new(node_span(nodes.first()?).start, node_span(nodes.last()?).end))
}

fn node_span(node: &Node<'_, StrDoc<Dialect>>) -> Span {
    let range = node.range();
    Span::new(range.start, range.end)
}
