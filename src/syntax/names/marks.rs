//! What `grammars/<language>/references.scm` says of the nodes of a tree.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use tree_sitter::{Query, QueryCursor, QueryCursorOptions, StreamingIterator, Tree};

use super::super::{Language, grammar};
use crate::text::Span;

/// What a capture says about its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// `@name`: it is a name.
    Name,
    /// `@scope`: what is bound in it is known in it only.
    Scope,
    /// `@scope.function`: the same, and what is hoisted goes no further.
    Function,
    /// `@members`: what is bound in it belongs to the definition around it, and is no local variable.
    Members,
    /// `@outside`: it belongs to the scope around the one that it stands in.
    Outside,
    /// `@after`: what is bound in it is known from its end.
    After,
    /// `@binding`: it binds; outside of all scopes it defines.
    Binding,
    /// `@binding.again`: the same, or it is the variable that its scope has of this name already.
    Again,
    /// `@binding.assignment`: the same, or it is the variable that can be seen already.
    Assignment,
    /// `@binding.hoisted`: it binds in the function around it.
    Hoisted,
    /// `@parameter`: it binds, and outside of all scopes it is nothing.
    Parameter,
    /// `@global`: its scope's variable of this name is one from further out.
    Global,
    /// `@definition`: it names a field, a variant or the like.
    Definition,
    /// `@definition.method`: it names a method that has no body here, or no text of its own.
    Method,
    /// `@declaration`: it names a method whose body stands elsewhere.
    Declaration,
    /// `@call`: it is called.
    Call,
    /// `@type`: it names a type.
    Type,
    /// `@import`: a name that is imported, or the whole statement.
    Import,
    /// `@free`: no local variable can be meant.
    Free,
    /// `@ignored`: it is no name after all.
    Ignored,
    /// `@qualifier`: the other names of the match are reached through it.
    Qualifier,
    /// `@_…`: only there for a predicate.
    Unused,
}

impl Mark {
    fn of(capture: &str) -> Option<Self> {
        Some(match capture {
            "name" => Self::Name,
            "scope" => Self::Scope,
            "scope.function" => Self::Function,
            "members" => Self::Members,
            "outside" => Self::Outside,
            "after" => Self::After,
            "binding" => Self::Binding,
            "binding.again" => Self::Again,
            "binding.assignment" => Self::Assignment,
            "binding.hoisted" => Self::Hoisted,
            "parameter" => Self::Parameter,
            "global" => Self::Global,
            "definition" => Self::Definition,
            "definition.method" => Self::Method,
            "declaration" => Self::Declaration,
            "call" => Self::Call,
            "type" => Self::Type,
            "import" => Self::Import,
            "free" => Self::Free,
            "ignored" => Self::Ignored,
            "qualifier" => Self::Qualifier,
            other if other.starts_with('_') => Self::Unused,
            _ => return None,
        })
    }
}

/// A set of [`Mark`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct MarkSet(u32);

impl MarkSet {
    /// Whether `mark` is in it.
    pub(super) fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u32) != 0
    }

    /// Whether one of `marks` is in it.
    pub(super) fn has_any(self, marks: &[Mark]) -> bool {
        marks.iter().any(|mark| self.has(*mark))
    }

    fn add(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u32;
    }
}

/// What is said of one node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marked {
    pub(super) marks: MarkSet,
    /// What it is reached through.
    pub(super) qualifier: Option<Span>,
}

/// What is said of each node, by its id; `None` where the language has no query.
pub(super) type Marks = Option<HashMap<usize, Marked>>;

struct References {
    query: Query,
    marks: Vec<Mark>,
}

/// Compiled on first use.
static COMPILED: [OnceLock<Option<References>>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];

fn references(language: Language) -> Option<&'static References> {
    COMPILED.get(language as usize)?.get_or_init(|| compile(language).ok().flatten()).as_ref()
}

/// `None` for a language without a query.
fn compile(language: Language) -> Result<Option<References>, String> {
    if !has_query(language) {
        return Ok(None);
    }
    let query =
        Query::new(&grammar::grammar(language), &source(language).concat()).map_err(|error| error.to_string())?;
    let mark_of = |name: &&str| Mark::of(name).ok_or_else(|| format!("capture @{name} has no meaning"));
    let marks = query.capture_names().iter().map(mark_of).collect::<Result<_, _>>()?;
    Ok(Some(References { query, marks }))
}

/// What the query of `language` says of the nodes of `tree`.
pub(super) fn find(language: Language, tree: &Tree, text: &str, stop: &dyn Fn() -> bool) -> Result<Marks, String> {
    let Some(references) = references(language) else { return Ok(None) };
    let mut found: HashMap<usize, Marked> = HashMap::new();
    let mut stopped = false;
    let mut progress = |_: &tree_sitter::QueryCursorState| {
        stopped |= stop();
        if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut cursor = QueryCursor::new();
    let options = QueryCursorOptions::new().progress_callback(&mut progress);
    let mut matches = cursor.matches_with_options(&references.query, tree.root_node(), text.as_bytes(), options);
    while let Some(one) = matches.next() {
        let mark = |index: u32| references.marks.get(index as usize).copied().unwrap_or(Mark::Unused);
        let qualifier = one.captures().iter().find(|capture| mark(capture.index) == Mark::Qualifier);
        let qualifier = qualifier.map(|capture| Span::new(capture.node.start_byte(), capture.node.end_byte()));
        for capture in one.captures() {
            let mark = mark(capture.index);
            if !matches!(mark, Mark::Qualifier | Mark::Unused) {
                let marked = found.entry(capture.node.id()).or_default();
                marked.marks.add(mark);
                marked.qualifier = marked.qualifier.or(qualifier);
            }
        }
    }
    drop(matches);
    if stopped { Err("it was cancelled, or looking at its names took too long".to_owned()) } else { Ok(Some(found)) }
}

/// Whether `language` has a query.
pub(super) fn has_query(language: Language) -> bool {
    !source(language).is_empty()
}

/// The query of `language` in parts, some of them shared with others; none for a language in which every word that looks
/// like a name is one.
fn source(language: Language) -> &'static [&'static str] {
    macro_rules! query {
        ($($file:literal),+) => {
            &[$(include_str!(concat!("../../../grammars/", $file, ".scm"))),+]
        };
    }
    match language {
        Language::Rust => query!("rust/references"),
        Language::Python => query!("python/references"),
        Language::TypeScript => query!("shared/ecmascript", "typescript/references"),
        Language::Tsx => query!("shared/ecmascript", "typescript/references", "shared/elements"),
        Language::JavaScript => query!("shared/ecmascript", "javascript/references", "shared/elements"),
        Language::Go => query!("go/references"),
        Language::Java => query!("java/references"),
        Language::C => query!("c/references"),
        Language::Cpp => query!("c/references", "cpp/references"),
        Language::CSharp => query!("c-sharp/references"),
        Language::Ruby => query!("ruby/references"),
        Language::Php => query!("php/references"),
        Language::Bash => query!("bash/references"),
        Language::Lua => query!("lua/references"),
        Language::Html | Language::Css | Language::Json | Language::Toml | Language::Yaml | Language::Markdown => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles() {
        for language in Language::ALL {
            let compiled = compile(language).map(|references| references.is_some());
            assert_eq!(compiled, Ok(has_query(language)), "{}", language.name());
        }
    }
}
