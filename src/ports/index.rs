//! The index: what is embedded, and what can be found again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Failure, FileStat};
pub use crate::retrieve::{Candidate, Candidates, StoreQuery, StoredChunk};
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

/// What the index knows of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// Bytes when it was read.
    pub size: u64,
    /// Modification time when it was read, nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// Inode change time when it was read, nanoseconds since the Unix epoch.
    pub changed_ns: i64,
    /// Hash of the content.
    pub content: ContentHash,
    /// Hashes of its chunks, in order; empty for a file that is known but not indexed (binary, generated).
    pub chunks: Vec<ContentHash>,
}

impl IndexRecord {
    /// Whether the file's metadata is as it was when it was read.
    #[must_use]
    pub fn looks_like(&self, stat: &FileStat) -> bool {
        (self.size, self.modified_ns, self.changed_ns) == (stat.size, stat.modified_ns, stat.changed_ns)
    }
}

/// All chunks of one file with their vectors, to take the place of what the index had of it.
#[derive(Debug, Clone)]
pub struct FileChunks {
    /// File.
    pub path: RelativePath,
    /// What to remember of it.
    pub record: IndexRecord,
    /// Chunks, each with its vector.
    pub chunks: Vec<(Chunk, Vec<f32>)>,
}

/// An index that is open.
#[derive(Debug, Clone, Default)]
pub struct OpenIndex {
    /// Every file it knows.
    pub files: BTreeMap<RelativePath, IndexRecord>,
    /// What had to be said on opening: damaged and rebuilt, opened read-only because of another process.
    pub notice: Option<String>,
    /// Whether another process holds it, so that nothing can be written.
    pub read_only: bool,
}

/// Keeps chunks and vectors of one workspace, durably. Everything in it can be made again.
pub trait Store: Send + Sync {
    /// Opens or creates the index; a damaged one is set aside and begun anew, with a notice.
    ///
    /// # Errors
    /// When the folder cannot be used at all (permissions, full disk).
    fn open(&self) -> Result<OpenIndex, Failure>;

    /// The vectors the index holds for the chunks of `path`, by chunk hash.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn vectors(&self, path: &RelativePath) -> Result<BTreeMap<ContentHash, Vec<f32>>, Failure>;

    /// Puts `files` in the place of what the index had of their paths and forgets `removed`.
    ///
    /// # Errors
    /// When the index cannot be written; it then holds the old state or a state that the next open repairs.
    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure>;

    /// Chunks that may answer `query`, by vector, by terms and by name.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn candidates(&self, query: &StoreQuery) -> Result<Candidates, Failure>;

    /// Merges small writes and drops old versions; for idle moments and the end of a large index run.
    ///
    /// # Errors
    /// When the index cannot be written.
    fn compact(&self) -> Result<(), Failure>;
}

/// Turns text into vectors of one length.
pub trait Embedder: Send + Sync {
    /// Name and version; vectors of different names do not compare.
    fn name(&self) -> &str;

    /// One vector of unit length for each chunk.
    ///
    /// # Errors
    /// When a remote embedder fails.
    fn embed(&self, chunks: &[&Chunk]) -> Result<Vec<Vec<f32>>, Failure>;

    /// The vector of a query.
    ///
    /// # Errors
    /// When a remote embedder fails.
    fn embed_query(&self, query: &str) -> Result<Vec<f32>, Failure>;
}
