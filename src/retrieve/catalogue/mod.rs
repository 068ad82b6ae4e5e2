//! All chunks of a workspace in memory: which terms stand where in them, their vectors and their texts. A question is
//! answered from here alone.
//!
//! Most of it came from one segment of flat bytes and never changes; what was put since stands beside it, and both are
//! written as one segment again once that is worth it. A chunk keeps its number until something is put or removed.

mod postings;
mod put;
mod read;
mod recent;
mod search;
mod segment;
mod texts;
mod vectors;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;

pub use self::segment::CatalogueError;

use self::recent::Recent;
use self::segment::Base;
use self::texts::{Block, Packer};
use super::candidate::StoredChunk;
use super::near::ChunkKey;
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::{ContentHash, RelativePath};

/// Where a term may stand in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The name of what it defines.
    Name,
    /// The name of what is around it.
    Parent,
    /// The file's path without its ending.
    Path,
    /// Its signature.
    Signature,
    /// Its text.
    Text,
}

impl Field {
    /// All of them, in the order of every list that has one value for each.
    pub const ALL: [Self; 5] = [Self::Name, Self::Parent, Self::Path, Self::Signature, Self::Text];
}

/// A chunk, but for its terms, its vector and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// The file it is in.
    pub path: &'a str,
    /// Number of the file, as long as the chunk's.
    pub file: u32,
    /// Bytes of the file.
    pub span: Span,
    /// Zero-based lines, the last one excluded.
    pub lines: Range<u32>,
    /// What it is.
    pub kind: ChunkKind,
    /// Name of the symbol it defines.
    pub symbol: Option<&'a str>,
    /// Name of the definition around it.
    pub parent: Option<&'a str>,
    /// The definition without its body; empty for text.
    pub signature: &'a str,
    /// Terms in each field, in the order of [`Field::ALL`]; more than 65,535 count as so many.
    pub lengths: [u16; 5],
}

/// A chunk that a question's terms stand in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lexical {
    /// Number of the chunk.
    pub chunk: u32,
    /// BM25F over all fields; compares within one question.
    pub score: f32,
}

/// Bytes of a text, from the first to before the last.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn of(self, text: &str) -> Option<&str> {
        text.get(self.start as usize..self.end as usize)
    }
}

/// What is kept of a chunk beside its lengths and its vector.
#[derive(Debug, Clone, Copy)]
struct Record {
    file: u32,
    span: Place,
    lines: Place,
    /// These three in [`Catalogue::strings`].
    symbol: Option<Place>,
    parent: Option<Place>,
    signature: Place,
    /// In the texts of its file, one after the other.
    text: Place,
    kind: ChunkKind,
    /// The first half of [`Chunk::hash`]: chunks are told apart within one file only.
    hash: ChunkKey,
}

/// Bytes of a chunk's hash that are kept.
const HASH: usize = 16;

/// A file as it was put.
#[derive(Debug)]
struct File {
    path: RelativePath,
    content: ContentHash,
    /// Numbers of its chunks.
    chunks: Range<u32>,
    texts: Block,
}

/// The chunks of one workspace.
#[derive(Default)]
pub struct Catalogue {
    base: Base,
    recent: Recent,
    /// By chunk number, those that are gone too: these four.
    records: Vec<Record>,
    live: Vec<bool>,
    lengths: Vec<[u16; 5]>,
    vectors: Vec<i8>,
    /// Names and signatures.
    strings: String,
    /// Those that are gone too; [`Self::by_path`] says which are there.
    files: Vec<File>,
    by_path: BTreeMap<RelativePath, u32>,
    /// Terms in each field of all chunks that are there.
    totals: [u64; 5],
    count: usize,
    changed: usize,
    packer: Packer,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chunks, files) = (self.count, self.by_path.len());
        formatter.debug_struct("Catalogue").field("chunks", &chunks).field("files", &files).finish_non_exhaustive()
    }
}

impl Catalogue {
    /// The number of the form that it is written in and read from.
    pub const FORM: u32 = segment::FORM;

    /// How many chunks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many chunks were put or removed since it was read, a file without chunks counted as one: what writing it
    /// anew would save.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.changed
    }

    /// How many files there are, those without chunks too.
    #[must_use]
    pub fn count_of_files(&self) -> usize {
        self.by_path.len()
    }

    /// Content of a file as it was put; also of one without chunks.
    #[must_use]
    pub fn content(&self, path: &RelativePath) -> Option<ContentHash> {
        self.file(path).map(|file| file.content)
    }

    /// All files with their contents, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, ContentHash)> {
        self.files_in_order().map(|file| (file.path.as_str(), file.content))
    }

    /// The chunk of this number; `None` once it is gone.
    #[must_use]
    pub fn known(&self, chunk: u32) -> Option<Known<'_>> {
        let record = self.record(chunk)?;
        let file = self.files.get(record.file as usize)?;
        Some(Known {
            path: file.path.as_str(),
            file: record.file,
            span: Span::new(record.span.start as usize, record.span.end as usize),
            lines: record.lines.start..record.lines.end,
            kind: record.kind,
            symbol: record.symbol.and_then(|place| place.of(&self.strings)),
            parent: record.parent.and_then(|place| place.of(&self.strings)),
            signature: record.signature.of(&self.strings).unwrap_or_default(),
            lengths: self.lengths.get(chunk as usize).copied().unwrap_or_default(),
        })
    }

    /// Text of a chunk; all texts of its file are unpacked for it.
    #[must_use]
    pub fn text(&self, chunk: u32) -> Option<String> {
        let record = self.record(chunk)?;
        let texts = self.texts(self.files.get(record.file as usize)?)?;
        record.text.of(&texts).map(ToOwned::to_owned)
    }

    /// Texts of a file's chunks, each with its number, in the order that they were put in; empty for an unknown file.
    #[must_use]
    pub fn texts_of(&self, path: &RelativePath) -> Vec<(u32, String)> {
        let Some((file, texts)) = self.file(path).and_then(|file| Some((file, self.texts(file)?))) else {
            return Vec::new();
        };
        let text = |chunk: u32| Some((chunk, self.record(chunk)?.text.of(&texts)?.to_owned()));
        file.chunks.clone().filter_map(text).collect()
    }

    /// A chunk as it was put, and its file.
    #[must_use]
    pub fn stored(&self, chunk: u32) -> Option<StoredChunk> {
        self.stored_with(chunk, self.text(chunk)?)
    }

    /// A chunk as it was put, but for its text, which is left empty, and its file.
    #[must_use]
    pub fn stored_without_text(&self, chunk: u32) -> Option<StoredChunk> {
        self.stored_with(chunk, String::new())
    }

    /// Chunks as they were put, in the order of `chunks`, those that are gone left out; texts of a file are unpacked once.
    #[must_use]
    pub fn all_stored(&self, chunks: impl IntoIterator<Item = u32>) -> Vec<(u32, StoredChunk)> {
        let mut unpacked: HashMap<u32, Option<String>> = HashMap::new();
        let stored = |chunk: u32| {
            let record = self.record(chunk)?;
            let texts =
                unpacked.entry(record.file).or_insert_with(|| self.texts(self.files.get(record.file as usize)?));
            let text = record.text.of(texts.as_deref()?)?.to_owned();
            Some((chunk, self.stored_with(chunk, text)?))
        };
        chunks.into_iter().filter_map(stored).collect()
    }

    fn stored_with(&self, chunk: u32, text: String) -> Option<StoredChunk> {
        let known = self.known(chunk)?;
        let path = self.files.get(self.record(chunk)?.file as usize)?.path.clone();
        let chunk = Chunk {
            span: known.span,
            lines: known.lines,
            symbol: known.symbol.map(ToOwned::to_owned),
            kind: known.kind,
            parent: known.parent.map(ToOwned::to_owned),
            signature: known.signature.to_owned(),
            text,
        };
        Some(StoredChunk { path, chunk })
    }

    /// Vector of a chunk: of unit length in steps of 1/512, what is over a quarter cut to that.
    #[must_use]
    pub fn vector(&self, chunk: u32) -> Option<&[i8]> {
        self.record(chunk)?;
        self.vectors.get(vectors::range(chunk)?)
    }

    /// Vector of the chunk of a file that has this [`Chunk::hash`], to be put again.
    #[must_use]
    pub fn vector_of(&self, path: &RelativePath, hash: ContentHash) -> Option<Vec<f32>> {
        let wanted = hash.as_bytes().first_chunk::<HASH>()?;
        let has = |chunk: &u32| self.record(*chunk).is_some_and(|record| record.hash == *wanted);
        let chunk = self.file(path)?.chunks.clone().find(has)?;
        self.vector(chunk).map(vectors::widened)
    }

    /// What tells the content of a chunk from all others.
    #[must_use]
    pub fn key(&self, chunk: u32) -> Option<ChunkKey> {
        self.record(chunk).map(|record| record.hash)
    }

    /// All chunks, each with what tells its content.
    pub fn keys(&self) -> impl Iterator<Item = (u32, ChunkKey)> {
        let live = (0_u32..).zip(self.records.iter().zip(&self.live)).filter(|(_, (_, live))| **live);
        live.map(|(chunk, (record, _))| (chunk, record.hash))
    }

    /// Numbers of a file's chunks, in the order that they were put in.
    #[must_use]
    pub fn chunks_of(&self, path: &RelativePath) -> Vec<u32> {
        self.file(path).map(|file| file.chunks.clone().collect()).unwrap_or_default()
    }

    /// Bytes of the texts of all chunks of a file, as it is said of them: nothing is unpacked.
    #[must_use]
    pub fn size_of_texts(&self, path: &RelativePath) -> usize {
        self.file(path).map_or(0, |file| file.texts.size as usize)
    }

    /// How many chunks the file of a chunk has.
    #[must_use]
    pub fn chunks_beside(&self, chunk: u32) -> usize {
        let file = self.record(chunk).and_then(|record| self.files.get(record.file as usize));
        file.map_or(0, |file| file.chunks.len())
    }

    /// Number of the file of a chunk, as in [`Known::file`]; `None` once the chunk is gone.
    #[must_use]
    pub fn file_of(&self, chunk: u32) -> Option<u32> {
        self.record(chunk).map(|record| record.file)
    }

    fn record(&self, chunk: u32) -> Option<&Record> {
        self.is_live(chunk).then(|| self.records.get(chunk as usize))?
    }

    fn is_live(&self, chunk: u32) -> bool {
        self.live.get(chunk as usize) == Some(&true)
    }

    fn file(&self, path: &RelativePath) -> Option<&File> {
        self.files.get(*self.by_path.get(path)? as usize)
    }

    fn files_in_order(&self) -> impl Iterator<Item = &File> {
        self.by_path.values().filter_map(|file| self.files.get(*file as usize))
    }

    fn texts(&self, file: &File) -> Option<String> {
        String::from_utf8(file.texts.unpacked(&self.base)?).ok()
    }

    /// What stands in each field of a chunk, in the order of [`Field::ALL`]; `texts` are those of its file.
    fn fields<'a>(&'a self, record: &Record, path: &'a str, texts: &'a str) -> [&'a str; 5] {
        let name = |place: Option<Place>| place.and_then(|place| place.of(&self.strings)).unwrap_or_default();
        [
            name(record.symbol),
            name(record.parent),
            stem(path),
            name(Some(record.signature)),
            record.text.of(texts).unwrap_or_default(),
        ]
    }
}

/// A path without its ending.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}
