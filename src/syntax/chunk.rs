//! The unit of retrieval: one definition, or a stretch of what lies between definitions.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::text::Span;
use crate::workspace::ContentHash;

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChunkKind {
    /// A function or procedure.
    Function,
    /// A function that belongs to a type.
    Method,
    /// A class, struct, enum, union, record.
    Type,
    /// An interface, trait, protocol.
    Interface,
    /// A module, namespace, package, `impl` block.
    Module,
    /// A constant, variable, field or setting.
    Variable,
    /// A macro.
    Macro,
    /// A section: a heading of prose, a table of settings, a rule, an element.
    Section,
    /// Text without a definition of its own.
    Text,
}

/// One chunk of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Bytes of the file.
    pub span: Span,
    /// Zero-based lines, the last one excluded.
    pub lines: Range<u32>,
    /// Name of the symbol it defines.
    pub symbol: Option<String>,
    /// What it is.
    pub kind: ChunkKind,
    /// Name of the definition around it.
    pub parent: Option<String>,
    /// The definition without its body, in one line; empty for text.
    pub signature: String,
    /// The content.
    pub text: String,
}

impl Chunk {
    /// Hash of everything that an embedding depends on; where it stands in the file is no part of it.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let (symbol, parent) = (self.symbol.as_deref().unwrap_or_default(), self.parent.as_deref().unwrap_or_default());
        ContentHash::of_parts(&[symbol.as_bytes(), parent.as_bytes(), self.signature.as_bytes(), self.text.as_bytes()])
    }
}
