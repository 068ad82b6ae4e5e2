//! The index: what is embedded, and what can be found again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Failure, FileStat};
pub use crate::retrieve::StoredChunk;
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
    /// Why nothing can be kept here at all, where that is so: what is known is only read, or there is nothing.
    pub unkept: Option<Failure>,
}

/// Takes a chunk with its vector.
pub type TakeChunk<'a> = &'a mut dyn FnMut(StoredChunk, Vec<f32>);

/// Keeps chunks and vectors of one workspace, durably. Everything in it can be made again. Questions are answered from
/// memory; the store only gives back what was put.
pub trait Store: KeepsCatalogue {
    /// Opens or creates the index; a damaged one is set aside and begun anew, with a notice.
    ///
    /// # Errors
    /// When it can be neither created nor read, or when a newer version wrote it.
    fn open(&self) -> Result<OpenIndex, Failure>;

    /// Hands on each chunk of `paths`, or of all files, in no order; a vector as it is kept, in steps of 1/512. Chunks
    /// that are not as they were written are left out, and the next opening begins anew.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn read(&self, paths: Option<&[RelativePath]>, take: TakeChunk<'_>) -> Result<(), Failure>;

    /// Puts `files` in the place of what the index had of their paths and forgets `removed`.
    ///
    /// # Errors
    /// When the index cannot be written; it then holds the old state or a state that the next open repairs.
    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure>;

    /// Merges small writes and drops old versions; for idle moments and the end of a large index run.
    ///
    /// # Errors
    /// When the index cannot be written.
    fn compact(&self) -> Result<(), Failure>;
}

/// Keeps, beside the index, the catalogue that questions are answered from as one piece: read at once where that is
/// quicker than making it again. It may be old or damaged, which whoever reads it finds out.
pub trait KeepsCatalogue: Send + Sync {
    /// The catalogue as it was last kept; `None` where there is none.
    fn catalogue(&self) -> Option<Vec<u8>>;

    /// Keeps a catalogue in the place of the last; nothing where another process writes.
    ///
    /// # Errors
    /// When it cannot be written; then the last one stays.
    fn keep_catalogue(&self, bytes: &[u8]) -> Result<(), Failure>;

    /// The note that was kept beside the index; `None` where there is none.
    fn note(&self) -> Option<String>;

    /// Keeps a short note beside the index, in the place of the last; it goes when the index is begun anew.
    ///
    /// # Errors
    /// When it cannot be written.
    fn keep_note(&self, note: &str) -> Result<(), Failure>;

    /// Whether another process has written to the index since it was opened here; costs next to nothing.
    fn has_news(&self) -> bool;
}

/// Turns text into vectors of one length.
pub trait Embedder: Send + Sync {
    /// Name and version; vectors of different names do not compare.
    fn name(&self) -> &str;

    /// One vector of unit length for each chunk, given with the file it is in.
    ///
    /// # Errors
    /// When a remote embedder fails.
    fn embed(&self, chunks: &[(&RelativePath, &Chunk)]) -> Result<Vec<Vec<f32>>, Failure>;

    /// The vector of a query.
    ///
    /// # Errors
    /// When a remote embedder fails.
    fn embed_query(&self, query: &str) -> Result<Vec<f32>, Failure>;
}
