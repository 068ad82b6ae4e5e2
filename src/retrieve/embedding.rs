//! The built-in embedding: a row of numbers per known term, one table for questions and one for chunks.
//!
//! A vector is the sum of its terms' rows, of unit length. The rows are trained by `benches/train.rs` on sentences of
//! doc comments and the definitions below them, so that words of a question meet other words of the code.

use self::bags::Bags;
use super::reader::Reader;
use super::terms::each_term;
use super::{DIMENSIONS, Question};
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

mod bags;

#[cfg(test)]
mod tests;

/// What a table begins with; then, as little-endian numbers of 32 bits, its form and the length of its vectors, then a
/// BLAKE3 hash of what follows: the count of terms, the bytes of their text, what an unknown term counts for in a
/// question and in a chunk, where each term ends, the scales of the rows for questions and of those for chunks, the
/// text, the rows for questions, the rows for chunks.
pub const MAGIC: [u8; 8] = *b"tagoutEV";
/// Form of the table: another form has another number.
pub const VERSION: u32 = 1;
/// More terms than this are no table of this form: slots are found by 32 bits.
const MOST_TERMS: usize = 1 << 20;

/// What a term counts for by where it stands: name, parent, path, signature, text.
const FIELD_WEIGHTS: [f32; 5] = [16.0, 3.0, 4.0, 4.0, 1.0];

/// Why bytes are no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingError {
    /// They do not begin as a table does.
    #[error("these bytes are no embedding table; train one with `cargo run --example train`")]
    NotATable,
    /// Another form, or another length of vectors.
    #[error("the embedding table has form {version} with {dimensions} dimensions; this program reads another")]
    OtherForm {
        /// Form.
        version: u32,
        /// Length of vectors.
        dimensions: u32,
    },
    /// Cut short, or not what was written.
    #[error("the embedding table is damaged; take it from the repository again")]
    Damaged,
}

/// A table in memory, as it lies in the program.
#[derive(Debug)]
pub struct Embedding {
    terms: Terms,
    question: Rows,
    chunk: Rows,
}

/// One side of the table.
#[derive(Debug)]
struct Rows {
    /// What one step of a row's numbers is worth.
    scales: Vec<f32>,
    /// Rows of [`DIMENSIONS`] signed bytes.
    rows: &'static [u8],
    /// What an unknown term counts for.
    unknown: f32,
}

/// The known terms, in order, and where their hashes lead.
#[derive(Debug)]
struct Terms {
    /// Ends of the terms in `text`.
    ends: Vec<usize>,
    text: &'static str,
    /// One more than the index of the term that is found here; 0 for none. A power of two, less than half full.
    slots: Vec<u32>,
}

impl Embedding {
    /// Reads a table; any bytes are safe.
    ///
    /// # Errors
    /// When they are no table, one of another form, or a damaged one.
    pub fn from_bytes(bytes: &'static [u8]) -> Result<Self, EmbeddingError> {
        let mut reader = Reader(bytes);
        if reader.take(8) != Some(MAGIC.as_slice()) {
            return Err(EmbeddingError::NotATable);
        }
        Self::read(&mut reader)?.ok_or(EmbeddingError::Damaged)
    }

    fn read(reader: &mut Reader<'static>) -> Result<Option<Self>, EmbeddingError> {
        let (Some(version), Some(dimensions)) = (reader.number(), reader.number()) else { return Ok(None) };
        if version != VERSION || usize::try_from(dimensions) != Ok(DIMENSIONS) {
            return Err(EmbeddingError::OtherForm { version, dimensions });
        }
        Ok(Self::read_rest(reader))
    }

    fn read_rest(reader: &mut Reader<'static>) -> Option<Self> {
        let hash = reader.take(32)?;
        if ContentHash::of(reader.0).as_bytes().as_slice() != hash {
            return None;
        }
        let (count, length) = (reader.size().filter(|count| *count <= MOST_TERMS)?, reader.size()?);
        let (unknown_in_question, unknown_in_chunk) = (reader.float()?, reader.float()?);
        let ends = (0..count).map(|_| reader.size()).collect::<Option<Vec<_>>>()?;
        let scales = |reader: &mut Reader<'static>| (0..count).map(|_| reader.float()).collect::<Option<Vec<_>>>();
        let (question, chunk) = (scales(reader)?, scales(reader)?);
        let text = std::str::from_utf8(reader.take(length)?).ok()?;
        let rows = |reader: &mut Reader<'static>| reader.take(count.checked_mul(DIMENSIONS)?);
        let question = Rows { scales: question, rows: rows(reader)?, unknown: unknown_in_question };
        let chunk = Rows { scales: chunk, rows: rows(reader)?, unknown: unknown_in_chunk };
        let terms = Terms::new(text, ends)?;
        reader.0.is_empty().then_some(Self { terms, question, chunk })
    }

    /// How many terms it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.terms.ends.len()
    }

    /// Whether it knows no term at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.ends.is_empty()
    }

    /// The vectors of chunks, each with its file: of unit length, or all zeros for a chunk without any term.
    #[must_use]
    pub fn chunk_vectors(&self, chunks: &[(&RelativePath, &Chunk)]) -> Vec<Vec<f32>> {
        let mut bags = Bags::new(&self.terms);
        let vector = |(path, chunk): &(&RelativePath, &Chunk)| {
            for (text, weight) in fields(chunk, path).into_iter().zip(FIELD_WEIGHTS) {
                bags.add(text, weight);
            }
            self.chunk.sum(&bags.take())
        };
        chunks.iter().map(vector).collect()
    }

    /// The vector of one chunk, as [`Self::chunk_vectors`].
    #[must_use]
    pub fn chunk_vector(&self, chunk: &Chunk, path: &RelativePath) -> Vec<f32> {
        self.chunk_vectors(&[(path, chunk)]).pop().unwrap_or_default()
    }

    /// The row of a term where it stands in a question; `None` for an unknown one.
    #[must_use]
    pub fn in_question(&self, term: &str) -> Option<Direction> {
        self.question.direction(self.terms.place(term))
    }

    /// The row of a term where it stands in a chunk; `None` for an unknown one.
    #[must_use]
    pub fn in_chunk(&self, term: &str) -> Option<Direction> {
        self.chunk.direction(self.terms.place(term))
    }

    /// The vector of a question, of unit length; all zeros for a question without any term.
    #[must_use]
    pub fn question_vector(&self, question: &Question) -> Vec<f32> {
        let mut bags = Bags::new(&self.terms);
        bags.add(&question.text, 1.0);
        self.question.sum(&bags.take())
    }
}

/// The row of one term, to be compared with others.
#[derive(Debug, Clone, Copy)]
pub struct Direction {
    row: &'static [u8; DIMENSIONS],
    length: f32,
}

impl Direction {
    /// Cosine of both rows; 0 where one has no length.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a product of 256 bytes is below 2^23")]
    pub fn cosine(self, other: Self) -> f32 {
        let lengths = self.length * other.length;
        if lengths > 0.0 { product(self.row, other.row) as f32 / lengths } else { 0.0 }
    }
}

fn product(left: &[u8; DIMENSIONS], right: &[u8; DIMENSIONS]) -> i32 {
    // Nothing can overflow; checks for it would keep the compiler from taking many at once.
    let add = |sum: i32, (a, b): (&u8, &u8)| {
        sum.wrapping_add(i32::from(i16::from(a.cast_signed()).wrapping_mul(i16::from(b.cast_signed()))))
    };
    let ((left, _), (right, _)) = (left.as_chunks::<32>(), right.as_chunks::<32>());
    let stretches = left.iter().zip(right).map(|(left, right)| left.iter().zip(right).fold(0, add));
    stretches.fold(0, i32::wrapping_add)
}

/// The texts that a chunk's vector is made of, in the order of [`FIELD_WEIGHTS`].
fn fields<'a>(chunk: &'a Chunk, path: &'a RelativePath) -> [&'a str; 5] {
    let [symbol, parent] = [&chunk.symbol, &chunk.parent].map(|name| name.as_deref().unwrap_or_default());
    [symbol, parent, path.as_str(), &chunk.signature, &chunk.text]
}

/// Calls `take` with each term that a chunk's vector is made of and what it counts for there, repeats kept.
pub fn each_chunk_term(chunk: &Chunk, path: &RelativePath, take: &mut dyn FnMut(&str, f32)) {
    for (text, weight) in fields(chunk, path).into_iter().zip(FIELD_WEIGHTS) {
        each_term(text, &mut |term| take(term, weight));
    }
}

/// Calls `take` with each term that a question's vector is made of, repeats kept.
pub fn each_question_term(question: &Question, take: &mut dyn FnMut(&str, f32)) {
    each_term(&question.text, &mut |term| take(term, 1.0));
}

/// What a term counts for whose places in one text add up to `sum`.
#[must_use]
pub fn term_weight(sum: f32) -> f32 {
    sum.ln_1p()
}

/// The direction of a term that no table knows: one number per dimension, 1/16 up or down, by its hash.
pub fn unknown_direction(hash: u64) -> impl Iterator<Item = f32> {
    let words = (1..=4_u64).map(move |round| mixed(hash.wrapping_add(round.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
    words.flat_map(|word| (0..64).map(move |bit| if word >> bit & 1 == 0 { 0.0625 } else { -0.0625 }))
}

/// FNV-1a with a last mixing; the same in every build and run.
#[must_use]
pub fn term_hash(term: &str) -> u64 {
    mixed(term.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)))
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// Where a term leads. Known terms come before unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place {
    Known(usize),
    Unknown(u64),
}

impl Terms {
    /// `None` when the ends are not in order, cut a character, or name a term twice or out of order.
    fn new(text: &'static str, ends: Vec<usize>) -> Option<Self> {
        let mut terms = Self { ends: Vec::new(), text, slots: vec![0; (ends.len() * 2 + 2).next_power_of_two()] };
        let (mut start, mut before) = (0, "");
        for (index, end) in ends.iter().enumerate() {
            let term = text.get(start..*end).filter(|term| *term > before)?;
            let mask = terms.slots.len() - 1;
            let mut slot = slot_of(term_hash(term), mask);
            while *terms.slots.get(slot)? != 0 {
                slot = (slot + 1) & mask;
            }
            *terms.slots.get_mut(slot)? = u32::try_from(index).ok()? + 1;
            (start, before) = (*end, term);
        }
        terms.ends = ends;
        (start == text.len()).then_some(terms)
    }

    fn place(&self, term: &str) -> Place {
        let (hash, mask) = (term_hash(term), self.slots.len() - 1);
        let mut slot = slot_of(hash, mask);
        while let Some(index) = self.slots.get(slot).and_then(|held| usize::try_from(*held).ok()?.checked_sub(1)) {
            if self.term(index) == Some(term) {
                return Place::Known(index);
            }
            slot = (slot + 1) & mask;
        }
        Place::Unknown(hash)
    }

    fn term(&self, index: usize) -> Option<&'static str> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(index)?)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the mask cuts it anyway")]
fn slot_of(hash: u64, mask: usize) -> usize {
    hash as usize & mask
}

impl Rows {
    /// The sum of the rows of `bag`, brought to length 1. It is in an order of its own, so that every run adds up the same.
    fn sum(&self, bag: &[(Place, f32)]) -> Vec<f32> {
        let mut vector = vec![0.0_f32; DIMENSIONS];
        for (place, weight) in bag {
            // Weights are sums of whole numbers, so they add up the same in any order.
            let weight = term_weight(*weight);
            match place {
                Place::Known(index) => self.add(*index, weight, &mut vector),
                Place::Unknown(hash) if self.unknown > 0.0 => {
                    let weight = weight * self.unknown;
                    vector.iter_mut().zip(unknown_direction(*hash)).for_each(|(sum, value)| *sum += weight * value);
                }
                Place::Unknown(_) => {}
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 && length.is_finite() {
            vector.iter_mut().for_each(|value| *value /= length);
        } else {
            vector.fill(0.0);
        }
        vector
    }

    #[allow(clippy::cast_precision_loss, reason = "a product of 256 bytes is below 2^23")]
    fn direction(&self, place: Place) -> Option<Direction> {
        let Place::Known(index) = place else { return None };
        let row = self.rows.get(index * DIMENSIONS..)?.first_chunk()?;
        Some(Direction { row, length: (product(row, row) as f32).sqrt() })
    }

    fn add(&self, index: usize, weight: f32, vector: &mut [f32]) {
        let row = self.rows.get(index * DIMENSIONS..).unwrap_or_default();
        let scale = weight * self.scales.get(index).copied().unwrap_or_default();
        for (sum, step) in vector.iter_mut().zip(row) {
            *sum += scale * f32::from(step.cast_signed());
        }
    }
}
