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

impl ChunkKind {
    /// All kinds; where one is kept as a number, it is its place here: new kinds come last.
    pub const ALL: [Self; 9] = [
        Self::Function,
        Self::Method,
        Self::Type,
        Self::Interface,
        Self::Module,
        Self::Variable,
        Self::Macro,
        Self::Section,
        Self::Text,
    ];

    /// The number that it is kept as.
    #[must_use]
    pub fn number(self) -> u8 {
        (0_u8..).zip(Self::ALL).find(|(_, kind)| *kind == self).map_or(u8::MAX, |(number, _)| number)
    }

    /// The kind that is kept as this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_comes_back_from_its_number() {
        for kind in ChunkKind::ALL {
            assert_eq!(ChunkKind::from_number(kind.number()), Some(kind));
        }
        // What older indexes hold.
        assert_eq!((ChunkKind::Function.number(), ChunkKind::Text.number()), (0, 8));
        assert_eq!(ChunkKind::from_number(9), None);
    }
}
