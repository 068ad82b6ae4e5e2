//! What is asked of the index, and what it hands back to be ranked.

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

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct StoreQuery {
    /// Query vector.
    pub vector: Vec<f32>,
    /// Terms, as [`crate::retrieve::terms`] makes them.
    pub terms: Vec<String>,
    /// Names that a symbol may have, lower case, whole.
    pub names: Vec<String>,
    /// How many candidates from each way of looking.
    pub limit: usize,
}

/// A chunk that may answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The chunk.
    pub stored: StoredChunk,
    /// Cosine similarity to the query vector.
    pub similarity: f32,
}

/// Candidates, and figures over the whole index that weigh their terms.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Candidates, no chunk twice.
    pub found: Vec<Candidate>,
    /// Chunks in the index.
    pub total: usize,
}
