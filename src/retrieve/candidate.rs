//! What a question is answered with.

use crate::syntax::Chunk;
use crate::workspace::RelativePath;

/// A chunk with the file it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChunk {
    /// File.
    pub path: RelativePath,
    /// Content.
    pub chunk: Chunk,
}

/// A chunk that may answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The chunk.
    pub stored: StoredChunk,
    /// Cosine similarity to the query vector.
    pub similarity: f32,
}
