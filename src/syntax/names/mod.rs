//! The names in a text: where each stands, what it is used as, and which local binding it leads to.
//!
//! There is no type checker: a name that no binding in scope explains is free, and what it leads to is found by name.

mod marks;
mod outline;
mod scopes;
#[cfg(test)]
mod tests;
mod walk;

use crate::syntax::{ChunkKind, Language};
use crate::text::Span;

use super::{definitions, grammar, parse};

/// What a name is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// It names a definition that others can use.
    Definition,
    /// It binds a parameter or a local variable.
    Binding,
    /// It is called, or made an object of.
    Call,
    /// It names a type.
    Type,
    /// It is imported.
    Import,
    /// Anything else.
    Other,
}

/// How a name is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It stands alone, so that a local variable can be meant.
    Bare,
    /// It stands alone, where no local variable can be meant.
    Free,
    /// Through something: the last name before it (`Root` of `Root::join`); empty where that is no name.
    Through(String),
}

/// One name at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Bytes of the name.
    pub span: Span,
    /// What it is used as.
    pub usage: Usage,
    /// How it is reached.
    pub reach: Reach,
    /// The occurrence that binds it, by its index, where it is local; its own for the binding itself.
    pub binding: Option<usize>,
}

/// How a definition stands to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stands {
    /// It is the definition.
    Defines,
    /// It says that there is one: a prototype, a signature.
    Declares,
    /// It adds to what is defined elsewhere: Rust's `impl`.
    Extends,
}

/// What a definition belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// To its file.
    File,
    /// To a module or namespace in its file.
    Module,
    /// To a type: it is reached through a value, or through the type.
    Type,
}

/// A definition that others can use, fields and variants included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defined {
    /// Its name, the last part of it.
    pub name: String,
    /// Bytes of the name.
    pub name_span: Span,
    /// Bytes of the definition, with the comments and attributes above it.
    pub span: Span,
    /// What it is.
    pub kind: ChunkKind,
    /// Name of the definition that it belongs to.
    pub parent: Option<String>,
    /// What that is.
    pub holder: Holder,
    /// Itself without its body, in one line; empty for fields.
    pub signature: String,
    /// How it stands to its name.
    pub stands: Stands,
}

/// All names of one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the order of the text.
    pub occurrences: Vec<Occurrence>,
    /// In the order of the text, outer before inner.
    pub definitions: Vec<Defined>,
    /// Bytes of the statements that import.
    pub imports: Vec<Span>,
}

impl Names {
    /// The index of the occurrence at byte `at`, or right before it.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<usize> {
        let after = self.occurrences.partition_point(|occurrence| occurrence.span.start <= at);
        let index = after.checked_sub(1)?;
        self.occurrences.get(index).filter(|occurrence| at <= occurrence.span.end).map(|_| index)
    }

    /// The innermost definition around byte `at` that `fits`.
    pub fn around(&self, at: usize, fits: impl Fn(&Defined) -> bool) -> Option<&Defined> {
        let holds = |defined: &&Defined| defined.span.start <= at && at < defined.span.end && fits(defined);
        let before = self.definitions.partition_point(|defined| defined.span.start <= at);
        self.definitions.get(..before)?.iter().rev().filter(holds).min_by_key(|defined| defined.span.len())
    }

    /// The definition whose name stands at `span`.
    #[must_use]
    pub fn defined_at(&self, span: Span) -> Option<&Defined> {
        self.definitions.iter().find(|defined| defined.name_span == span)
    }
}

/// Whether it is known which words of a `language` are names, and which of these are local variables.
#[must_use]
pub fn knows_names(language: Language) -> bool {
    marks::has_query(language)
}

/// The names of `text`. `stop` is asked now and then.
///
/// # Errors
/// With the reason, when they cannot be told: the text is refused, takes too much work, or `stop` says so.
pub fn names_of(language: Language, text: &str, stop: &dyn Fn() -> bool) -> Result<Names, String> {
    let no_query = || format!("there is no grammar for {}", language.name());
    let query = grammar::definitions(language).ok_or_else(no_query)?;
    let tree = parse::parse(language, text, stop).map_err(|error| error.to_string())?;
    let found = definitions::find(query, &tree, text, stop);
    let marks = marks::find(language, &tree, text, stop)?;
    let walked = walk::walk(&tree, text, &marks, stop)?;
    let names = scopes::resolve(text, walked, stop)?;
    Ok(outline::outline(language, text, names, found))
}
