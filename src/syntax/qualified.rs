//! Names that a pattern writes together, as `std::mem::replace` or `console.log`: a file that holds each of them may be
//! one in ten, one that holds them so is rare.

use ast_grep_core::matcher::PatternNode;
use memchr::memmem::Finder;

use super::Language;
use super::metavariables::Dialect;

/// Bytes before a name that are looked at: where more of them may be one name, it may begin anywhere.
const LONGEST_RUN: usize = 64;

/// Names with nothing between them but what joins them.
#[derive(Debug, Clone)]
pub(super) struct Qualified {
    first: Box<Finder<'static>>,
    rest: Vec<String>,
}

/// What becomes of a place where the first name stands.
enum Next {
    /// The name stands next, up to here.
    Name(usize),
    /// Something else does.
    Other,
    /// A comment may, and the name after it.
    Unknown,
}

impl Qualified {
    /// Those of a pattern, each from its first name to its last. A match holds them so: nodes of these kinds have names
    /// and what joins them, and a match skips no other node that has a name, comments apart. What a parser skips as an
    /// error in the middle of a name is not looked for.
    pub(super) fn of(root: &PatternNode, dialect: Dialect) -> Vec<Self> {
        let grammar = dialect.grammar();
        let kinds: Vec<u16> = kinds(dialect.0).iter().map(|kind| grammar.id_for_node_kind(kind, true)).collect();
        let (mut found, mut waiting) = (Vec::new(), vec![root]);
        while let Some(node) = waiting.pop() {
            let PatternNode::Internal { children, .. } = node else { continue };
            let mut names = Vec::new();
            match names_of(node, &kinds, &mut names) {
                true => found.extend(Self::new(names)),
                false => waiting.extend(children),
            }
        }
        found
    }

    fn new(names: Vec<String>) -> Option<Self> {
        let mut names = names.into_iter();
        let (first, rest) = (names.next()?, names.collect::<Vec<_>>());
        (!rest.is_empty()).then(|| Self { first: Box::new(Finder::new(first.as_bytes()).into_owned()), rest })
    }

    /// Whether `bytes` may hold them.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        let length = self.first.needle().len();
        self.first.find_iter(bytes).any(|at| begins_name(bytes, at) && self.goes_on(bytes, at + length))
    }

    fn goes_on(&self, bytes: &[u8], mut at: usize) -> bool {
        match bytes.get(at) {
            Some(byte) if is_in_name(*byte) => return false,
            Some(byte) if may_be_in_name(*byte) => return true,
            Some(_) | None => {}
        }
        for name in &self.rest {
            match next(bytes, at, name.as_bytes()) {
                Next::Name(end) => at = end,
                Next::Other => return false,
                Next::Unknown => return true,
            }
        }
        true
    }
}

/// Kinds of nodes that end with a name and have, besides names and others of these kinds, nothing that has a name.
fn kinds(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &["scoped_identifier", "scoped_type_identifier", "field_expression"],
        Language::Python => &["attribute"],
        Language::TypeScript | Language::Tsx | Language::JavaScript => &["member_expression"],
        Language::Go => &["selector_expression", "qualified_type"],
        Language::Java => &["field_access", "scoped_identifier", "scoped_type_identifier"],
        Language::C => &["field_expression"],
        Language::CSharp => &["member_access_expression", "qualified_name"],
        Language::Cpp
        | Language::Ruby
        | Language::Php
        | Language::Bash
        | Language::Lua
        | Language::Html
        | Language::Css
        | Language::Json
        | Language::Toml
        | Language::Yaml
        | Language::Markdown => &[],
    }
}

/// Puts the names of `node` into `names`, if it is of one of the kinds and has nothing else.
fn names_of(node: &PatternNode, kinds: &[u16], names: &mut Vec<String>) -> bool {
    match node {
        PatternNode::Terminal { is_named: false, .. } => true,
        PatternNode::Terminal { text, .. } => {
            names.push(text.clone());
            !text.is_empty()
                && text.bytes().all(|byte| is_in_name(byte) || may_be_in_name(byte))
                && !text.starts_with(|first: char| first.is_ascii_digit())
        }
        PatternNode::Internal { kind_id, children } if kinds.contains(kind_id) => {
            children.iter().all(|child| names_of(child, kinds, names))
        }
        PatternNode::Internal { .. } | PatternNode::MetaVar { .. } => false,
    }
}

/// Bytes that are part of a name wherever they stand in one. `$` is in some of these languages, and beyond ASCII there
/// are letters and blanks: these are not told apart here.
fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn may_be_in_name(byte: u8) -> bool {
    byte == b'$' || !byte.is_ascii()
}

/// Whether a name that stands at `at` may begin there: not in the middle of another one. After a number it may.
fn begins_name(bytes: &[u8], at: usize) -> bool {
    // Counted for every place where the name stands, so not without end.
    let before = bytes.get(at.saturating_sub(LONGEST_RUN)..at).unwrap_or_default();
    let run = before.iter().rev().take_while(|byte| is_in_name(**byte)).count();
    let (outside, inside) = before.split_at(before.len() - run);
    run == LONGEST_RUN
        || inside.first().is_none_or(u8::is_ascii_digit)
        || outside.last().is_some_and(|byte| may_be_in_name(*byte))
}

/// What stands after `at`: what joins names, blanks, and then `name` or something else.
fn next(bytes: &[u8], at: usize, name: &[u8]) -> Next {
    let after = bytes.get(at..).unwrap_or_default();
    let joins = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'.' | b':' | b'?' | b'!' | 0x0b);
    let gap = after.iter().take_while(|byte| joins(byte)).count();
    let rest = after.get(gap..).unwrap_or_default();
    match rest.first() {
        // A comment, a line that goes on, the arrow of C.
        Some(b'/' | b'#' | b'<' | b'\\' | b'-') => Next::Unknown,
        Some(first) if may_be_in_name(*first) && !rest.starts_with(name) => Next::Unknown,
        Some(_) if rest.starts_with(name) => match rest.get(name.len()) {
            Some(byte) if is_in_name(*byte) => Next::Other,
            Some(byte) if may_be_in_name(*byte) => Next::Unknown,
            Some(_) | None => Next::Name(at + gap + name.len()),
        },
        Some(_) | None => Next::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::needs::compiled;

    fn may_match(language: Language, pattern: &str, text: &str) -> bool {
        let pattern = compiled(Dialect(language), &pattern.into()).unwrap();
        Qualified::of(&pattern.node, Dialect(language)).iter().all(|names| names.is_in(text.as_bytes()))
    }

    #[test]
    fn names_stand_together_however_they_are_written() {
        let rust = |text: &str| may_match(Language::Rust, "std::mem::replace($A, $B)", text);
        for held in [
            "std::mem::replace(a, b)",
            "::std :: mem\n\t::replace",
            "use std::fmt; std::mem::replace",
            "std/* the one */::mem::replace(a, b)",
            "std // std\n::mem::replace(a, b)",
            "5std::mem::replace",
            "$std::mem::replace",
            "std::mem\u{2028}::replace",
        ] {
            assert!(rust(held), "{held}");
        }
        assert!(rust(&format!("{}std::mem::replace", "x".repeat(64))), "it is not looked at without end");
        for other in [
            "std::fmt; mem::replace",
            "std::mem::replacen",
            "xstd::mem::replace",
            "std::mem, replace",
            "\"std\" mem replace",
            "std",
            "",
        ] {
            assert!(!rust(other), "{other}");
        }
    }

    #[test]
    fn each_language_has_its_own_and_what_is_no_name_demands_nothing() {
        for (language, pattern, held, other) in [
            (Language::Python, "os.path.join($$$A)", "os \\\n.path.join(a)", "os.join; path"),
            (Language::JavaScript, "console.log($A)", "console?.log(1)", "console.error('log')"),
            (Language::Go, "fmt.Println($A)", "fmt.\n\tPrintln(a)", "fmt.Printf; Println"),
            (Language::Java, "a.b.c", "a . b . c", "a.c.b"),
            (Language::C, "a->b", "a -> b", "a, b"),
            (Language::CSharp, "Console.WriteLine($A)", "Console\n  .WriteLine(1)", "Console.Write(WriteLine)"),
        ] {
            assert!(may_match(language, pattern, held), "{held}");
            assert!(!may_match(language, pattern, other), "{other}");
        }
        assert!(may_match(Language::Rust, "$A.clone()", ""));
        assert!(may_match(Language::Rust, "foo(bar)", ""));
        assert!(may_match(Language::Cpp, "std::move($A)", ""));
    }
}
