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
