//! From a name in a document to what it leads to: definitions, references, callers and callees, and the outline of a
//! document. By name and scope, without a type checker; open documents take the place of the disk's.

mod calls;
mod definitions;
mod library;
mod outline;
mod references;
mod where_named;

use super::super::Workbench;
use super::unsaved::Unsaved;
use crate::ports::{Cancel, Failure};
use crate::syntax::ChunkKind;
use crate::text::{Encoding, Position, Range};
use crate::workspace::{RelativePath, Root};
use library::Library;

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Workspace.
    pub root: Root,
    /// File.
    pub path: RelativePath,
    /// Where in it.
    pub position: Position,
}

/// Whether definitions are wanted among the references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declarations {
    /// They are.
    Included,
    /// They are not.
    LeftOut,
}

/// What is asked about the names of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolQuestion {
    /// What a file defines.
    Outline(Root, RelativePath),
    /// What the name at a place leads to.
    Definition(Spot),
    /// Where else what the name leads to is used.
    References(Spot, Declarations),
    /// What the name leads to, as something that calls and is called.
    Callable(Spot),
    /// Who calls what is defined at a place.
    Callers(Spot),
    /// What is called by what is defined at a place.
    Callees(Spot),
}

/// A question about names.
#[derive(Debug, Clone)]
pub struct SymbolTask {
    /// Where to look.
    pub roots: Vec<Root>,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
    /// How characters are counted.
    pub encoding: Encoding,
    /// The question.
    pub question: SymbolQuestion,
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodePlace {
    /// Workspace.
    pub root: Root,
    /// File.
    pub path: RelativePath,
    /// Where in it.
    pub range: Range,
}

/// A definition to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeItem {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: ChunkKind,
    /// Name of the definition that it belongs to.
    pub container: Option<String>,
    /// Itself in one line, maybe empty.
    pub detail: String,
    /// Where it is, with the comments above it.
    pub place: CodePlace,
    /// Where its name is.
    pub name_range: Range,
    /// What it holds.
    pub inner: Vec<CodeItem>,
}

/// The other end of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCall {
    /// Who calls, or what is called.
    pub item: CodeItem,
    /// Where the calls are: in the caller.
    pub ranges: Vec<Range>,
}

/// The answer to a question about names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SymbolAnswer {
    /// To `Outline`, `Callable`.
    Items(Vec<CodeItem>),
    /// To `Definition`, `References`.
    Places(Vec<CodePlace>),
    /// To `Callers`, `Callees`.
    Calls(Vec<CodeCall>),
}

/// An answer, and why it is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolReport {
    /// The answer.
    pub answer: SymbolAnswer,
    /// Why something may be missing; `None` where nothing is.
    pub cut: Option<String>,
}

/// Answers `task`.
///
/// # Errors
/// On cancellation, or when a workspace cannot be read.
pub fn symbols(workbench: &Workbench, task: &SymbolTask, cancel: &Cancel) -> Result<SymbolReport, Failure> {
    let library = Library::new(workbench, task, cancel);
    let answer = match &task.question {
        SymbolQuestion::Outline(root, path) => SymbolAnswer::Items(outline::outline(&library, root, path)),
        SymbolQuestion::Definition(spot) => SymbolAnswer::Places(definitions::definition(&library, spot)?),
        SymbolQuestion::References(spot, declarations) => {
            SymbolAnswer::Places(references::references(&library, spot, *declarations)?)
        }
        SymbolQuestion::Callable(spot) => SymbolAnswer::Items(calls::callable(&library, spot)?),
        SymbolQuestion::Callers(spot) => SymbolAnswer::Calls(calls::callers(&library, spot)?),
        SymbolQuestion::Callees(spot) => SymbolAnswer::Calls(calls::callees(&library, spot)?),
    };
    cancel.check()?;
    Ok(SymbolReport { answer, cut: library.cut() })
}
