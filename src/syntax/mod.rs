//! What a text means: its language, its definitions as chunks, structural patterns over it.

pub mod bash;
mod chunk;
mod chunking;
mod definitions;
mod file_kind;
mod grammar;
mod guard;
mod language;
mod metavariables;
mod parse;
mod pattern;
mod pieces;
mod template;

pub use chunk::{Chunk, ChunkKind};
pub use chunking::{Chunked, chunk_text};
pub use file_kind::{looks_binary, looks_generated};
pub use language::Language;
pub use pattern::{Pattern, PatternError};
