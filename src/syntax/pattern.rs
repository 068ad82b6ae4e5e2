//! Structural patterns in one language: where a text matches, and the edits that rewrite it.
//!
//! The pattern syntax is ast-grep's (<https://ast-grep.github.io/guide/pattern-syntax.html>): code of the language in
//! which `$NAME` stands for one node and `$$$NAME` for any number of them.

use ast_grep_core::matcher::{MatcherExt, NodeMatch, PatternError as AstGrepError};
use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_core::{AstGrep, Language as _, Matcher};

use super::Language;
use super::metavariables::{Dialect, document};
use super::needs::{Needs, Parts};
use super::parse::{NoTree, deeper_than};
use super::template::Template;
use crate::text::{Edit, Span};

/// Bytes of a pattern or of its replacement.
pub(super) const LARGEST_PATTERN: usize = 16 * 1024;

/// Levels of a pattern's tree; matching recurses over them.
pub(super) const DEEPEST_PATTERN: usize = 200;

/// Levels of a text's tree: comparing what one metavariable matched at two places recurses over them.
pub(super) const DEEPEST_TEXT: usize = 2_000;

/// Nodes between two looks at whether to stop.
const NODES_PER_LOOK: usize = 1_024;

/// Why a pattern cannot be used, or not on this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The pattern has nothing in it.
    #[error("the pattern is empty: write a piece of {0} code")]
    Empty(&'static str),
    /// It is not code of the language.
    #[error("the pattern is not {0} code that stands by itself: write a whole expression or statement")]
    NotCode(&'static str),
    /// It is more than one piece of code.
    #[error("the pattern is more than one piece of {0} code: search for one of them, or wrap them in a block")]
    SeveralPieces(&'static str),
    /// `$$$NAME` alone.
    #[error("the pattern is $$$ alone, which matches everything: put it inside a call or a block")]
    Everything,
    /// Too long, or nested too deep.
    #[error("the pattern is too large: keep it under 16 KiB and 200 levels")]
    TooLarge,
    /// The replacement names something that the pattern does not bind.
    #[error("the replacement uses ${0}, which the pattern does not bind: add it to the pattern")]
    Unbound(String),
    /// The text was not parsed.
    #[error("the text was not searched: {0}")]
    NotParsed(String),
    /// The tree of the text is too deep to match safely.
    #[error("the text was not searched: its code nests deeper than 2,000 levels")]
    TooDeep,
    /// The rules would walk the tree too often.
    #[error(
        "the text was not searched: the rules take too much work on it, so nest fewer `has` and `inside` with `stopBy`"
    )]
    TooMuchWork,
    /// The rules would call one another too deep.
    #[error(
        "the text was not searched: the rules call one another too deep on it, so let utilities not refer to themselves"
    )]
    TooRecursive,
    /// What the rules would write is too much.
    #[error(
        "the text was not searched: what the rules would write is more than 256 MiB, so repeat less in their fixes"
    )]
    GrowsTooMuch,
    /// The caller asked to stop.
    #[error("the search was cancelled")]
    Cancelled,
    /// A rewrite was asked of a pattern without a replacement.
    #[error("the pattern has no replacement: give one to rewrite")]
    NoReplacement,
}

/// A compiled pattern, perhaps with its replacement.
pub struct Pattern {
    dialect: Dialect,
    pattern: ast_grep_core::Pattern,
    replacement: Option<Template>,
    /// Texts that every match holds.
    needs: Needs,
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} pattern {:?}", self.dialect.0.name(), self.pattern)
    }
}

impl Pattern {
    /// Compiles `pattern`, and `replacement` where there is one.
    ///
    /// # Errors
    /// When either has no meaning in `language`.
    pub fn compile(language: Language, pattern: &str, replacement: Option<&str>) -> Result<Self, PatternError> {
        let name = language.name();
        let dialect = Dialect(language);
        if pattern.trim().is_empty() {
            return Err(PatternError::Empty(name));
        }
        if pattern.len().max(replacement.map_or(0, str::len)) > LARGEST_PATTERN {
            return Err(PatternError::TooLarge);
        }
        let compiled = in_function(dialect, pattern).map_or_else(|| alone(dialect, pattern), Ok)?;
        let parts = Parts::of(&compiled.node);
        if compiled.has_error() || parts.is_hollow {
            return Err(PatternError::NotCode(name));
        }
        let replacement = replacement.map(|text| Template::new(language, text, &parts.names)).transpose()?;
        let needs = Needs::of_pattern(&compiled, dialect);
        Ok(Self { dialect, pattern: compiled, replacement, needs })
    }

    /// The language it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        self.dialect.0
    }

    /// Whether `text` holds every literal of the pattern; without them nothing in it can match. Takes a fraction
    /// of the time of a parse.
    #[must_use]
    pub fn could_match(&self, text: &str) -> bool {
        self.could_match_bytes(text.as_bytes())
    }

    /// As [`Self::could_match`], of bytes that are perhaps no text.
    #[must_use]
    pub fn could_match_bytes(&self, bytes: &[u8]) -> bool {
        self.needs.met_by(bytes)
    }

    /// Everything in `text` that matches, in order; one match may lie inside another.
    ///
    /// # Errors
    /// When the text could not be searched, or `stop` said so.
    pub fn spans(&self, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Span>, PatternError> {
        let mut spans = Vec::new();
        self.each_match(text, stop, &mut |span, _| spans.push(span))?;
        Ok(spans)
    }

    /// The edits that replace all matches: sorted and apart. Of two matches one inside the other the outer is
    /// replaced; what it matched goes into the replacement as it is.
    ///
    /// # Errors
    /// When the text could not be searched, `stop` said so, or there is no replacement.
    pub fn rewrite(&self, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Edit>, PatternError> {
        let template = self.replacement.as_ref().ok_or(PatternError::NoReplacement)?;
        let mut edits: Vec<Edit> = Vec::new();
        self.each_match(text, stop, &mut |span, found| {
            if edits.last().is_none_or(|last| last.span.end <= span.start) {
                edits.push(Edit { span, replacement: template.fill(text, span, found.get_env()) });
            }
        })?;
        edits.retain(|edit| text.get(edit.span.start..edit.span.end) != Some(edit.replacement.as_str()));
        Ok(edits)
    }

    fn each_match(
        &self,
        text: &str,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(Span, &NodeMatch<'_, StrDoc<Dialect>>),
    ) -> Result<(), PatternError> {
        if !self.could_match(text) {
            return Ok(());
        }
        let document = document(self.dialect, text, stop).map_err(not_parsed)?;
        if deeper_than(&document.tree, DEEPEST_TEXT) {
            return Err(PatternError::TooDeep);
        }
        let parsed = AstGrep::doc(document);
        let kinds = self.pattern.potential_kinds();
        let root = parsed.root();
        for (index, node) in root.dfs().enumerate() {
            if index % NODES_PER_LOOK == 0 && stop() {
                return Err(PatternError::Cancelled);
            }
            if kinds.as_ref().is_some_and(|kinds| !kinds.contains(usize::from(node.kind_id()))) {
                continue;
            }
            if let Some(found) = self.pattern.match_node(node) {
                take(self.span_of(text, &found), &found);
            }
        }
        Ok(())
    }

    /// A match without the punctuation that ends its node but not the pattern: the semicolon of a statement.
    fn span_of(&self, text: &str, found: &NodeMatch<'_, StrDoc<Dialect>>) -> Span {
        let range = found.range();
        let length = self.pattern.get_match_len(found.get_node().clone()).unwrap_or(range.len());
        let end = range.start.saturating_add(length).min(range.end).min(text.len());
        Span::new(range.start.min(end), end)
    }
}

/// The pattern as a text of its own.
fn alone(dialect: Dialect, pattern: &str) -> Result<ast_grep_core::Pattern, PatternError> {
    let written = dialect.pre_process_pattern(pattern);
    let parsed = document(dialect, &written, &|| false).map_err(|_| PatternError::TooLarge)?;
    if deeper_than(&parsed.tree, DEEPEST_PATTERN) {
        return Err(PatternError::TooLarge);
    }
    ast_grep_core::Pattern::try_new(pattern, dialect).map_err(|error| refused(dialect.0.name(), &error))
}

/// What goes before and after code to put it into a function.
const FUNCTIONS: [(Language, (&str, &str)); 3] = [
    (Language::Go, ("package p\nfunc f() {\n", "\n}\n")),
    (Language::C, ("void f() {\n", ";\n}\n")),
    (Language::Cpp, ("void f() {\n", ";\n}\n")),
];

/// The pattern as it reads inside a function, for languages where a call outside of one reads as something else;
/// `None` where it makes no sense there.
fn in_function(dialect: Dialect, pattern: &str) -> Option<ast_grep_core::Pattern> {
    let (before, after) =
        FUNCTIONS.iter().find_map(|(language, around)| (*language == dialect.0).then_some(*around))?;
    let written = dialect.pre_process_pattern(pattern);
    let written = written.trim();
    let parsed = document(dialect, &format!("{before}{written}{after}"), &|| false).ok()?;
    if parsed.tree.root_node().has_error() || deeper_than(&parsed.tree, DEEPEST_PATTERN) {
        return None;
    }
    let parsed = AstGrep::doc(parsed);
    let root = parsed.root();
    let place = before.len()..before.len() + written.len();
    // The innermost node that is all of the pattern, as for a pattern that stands alone.
    let whole = root.dfs().take_while(|node| node.range().start <= place.start).filter(|node| node.range() == place);
    whole.last().map(ast_grep_core::Pattern::from)
}

fn refused(language: &'static str, error: &AstGrepError) -> PatternError {
    match error {
        AstGrepError::NoContent(_) => PatternError::Empty(language),
        AstGrepError::MultipleNode(_) => PatternError::SeveralPieces(language),
        AstGrepError::RootMultiMetaVar(_) => PatternError::Everything,
        AstGrepError::Parse(_) | AstGrepError::InvalidKind(_) | AstGrepError::NoSelectorInContext { .. } => {
            PatternError::NotCode(language)
        }
    }
}

pub(super) fn not_parsed(reason: NoTree) -> PatternError {
    match reason {
        NoTree::Cancelled => PatternError::Cancelled,
        NoTree::Refused(_) | NoTree::TooMuchWork | NoTree::Grammar => PatternError::NotParsed(reason.to_string()),
    }
}
