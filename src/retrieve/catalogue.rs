//! All chunks of a workspace in memory: which terms stand where in them, and their vectors. A question is answered from
//! here alone; what is durable is the store's.

use std::collections::{BTreeMap, HashMap};

use super::terms::each_term;
use super::{DIMENSIONS, Question};
use crate::syntax::Chunk;
use crate::workspace::RelativePath;

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

/// What a term counts for by where it stands, in the order of [`Field::ALL`].
const WEIGHTS: [f32; 5] = [4.0, 1.5, 1.0, 1.5, 1.0];
/// BM25's saturation, and how much the length of a field takes away (Robertson and Zaragoza 2009, section 3.5).
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.75;
/// Of so many chunks that are gone, or of more than there are, the lists are written anew.
const GONE_WORTH_WRITING: usize = 1_024;

/// How often a term stands in each field of a chunk; more than 255 times counts as 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Posting {
    chunk: u32,
    counts: [u8; 5],
}

/// A chunk, but for its terms and its vector.
#[derive(Debug, Clone)]
pub struct Known {
    /// The file it is in.
    pub path: RelativePath,
    /// The chunk.
    pub chunk: Chunk,
    /// Terms in each field, in the order of [`Field::ALL`].
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

/// The chunks of one workspace.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    words: HashMap<Box<str>, u32>,
    postings: Vec<Vec<Posting>>,
    chunks: Vec<Option<Known>>,
    files: BTreeMap<RelativePath, Vec<u32>>,
    vectors: Vec<i8>,
    /// Terms in each field of all chunks.
    lengths: [u64; 5],
    count: usize,
}

impl Catalogue {
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

    /// The chunk of this number; `None` once its file is another.
    #[must_use]
    pub fn get(&self, chunk: u32) -> Option<&Known> {
        self.chunks.get(chunk as usize)?.as_ref()
    }

    /// Puts `chunks`, each with its vector, in the place of what there was of a file. A vector of another length than
    /// [`DIMENSIONS`] counts as none.
    pub fn put(&mut self, path: &RelativePath, chunks: Vec<(Chunk, Vec<f32>)>) {
        self.remove(path);
        let mut numbers = Vec::with_capacity(chunks.len());
        for (chunk, vector) in chunks {
            let Ok(number) = u32::try_from(self.chunks.len()) else { return };
            let lengths = self.add_terms(number, path, &chunk);
            for (all, own) in self.lengths.iter_mut().zip(lengths) {
                *all += u64::from(own);
            }
            self.chunks.push(Some(Known { path: path.clone(), chunk, lengths }));
            self.vectors.extend(quantised(&vector));
            numbers.push(number);
        }
        self.count += numbers.len();
        if !numbers.is_empty() {
            self.files.insert(path.clone(), numbers);
        }
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &RelativePath) {
        for number in self.files.remove(path).unwrap_or_default() {
            let Some(known) = self.chunks.get_mut(number as usize).and_then(Option::take) else { continue };
            for (all, own) in self.lengths.iter_mut().zip(known.lengths) {
                *all = all.saturating_sub(u64::from(own));
            }
            self.count -= 1;
        }
        let gone = self.chunks.len() - self.count;
        if gone > GONE_WORTH_WRITING.max(self.count) {
            self.write_anew();
        }
    }

    /// Leaves out what is gone.
    fn write_anew(&mut self) {
        let mut numbers: Vec<Option<u32>> = Vec::with_capacity(self.chunks.len());
        let mut next = 0;
        for known in &self.chunks {
            numbers.push(known.is_some().then_some(next));
            next += u32::from(known.is_some());
        }
        let now = |number: u32| numbers.get(number as usize).copied().flatten();
        for list in &mut self.postings {
            list.retain_mut(|posting| now(posting.chunk).is_some_and(|number| {
                posting.chunk = number;
                true
            }));
            list.shrink_to_fit();
        }
        for list in self.files.values_mut() {
            *list = list.iter().filter_map(|number| now(*number)).collect();
        }
        let kept = self.chunks.iter().zip(self.vectors.chunks(DIMENSIONS)).filter(|(known, _)| known.is_some());
        self.vectors = kept.flat_map(|(_, vector)| vector.iter().copied()).collect();
        self.chunks.retain(Option::is_some);
    }

    /// Notes the terms of a chunk; how many each field has.
    fn add_terms(&mut self, number: u32, path: &RelativePath, chunk: &Chunk) -> [u16; 5] {
        let path = path.as_str();
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let texts = [
            chunk.symbol.as_deref().unwrap_or_default(),
            chunk.parent.as_deref().unwrap_or_default(),
            stem,
            chunk.signature.as_str(),
            chunk.text.as_str(),
        ];
        let mut lengths = [0_u16; 5];
        for ((at, text), length) in texts.into_iter().enumerate().zip(&mut lengths) {
            each_term(text, &mut |term| {
                *length = length.saturating_add(1);
                let word = self.words.get(term).copied().unwrap_or_else(|| {
                    let word = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
                    self.words.insert(term.into(), word);
                    self.postings.push(Vec::new());
                    word
                });
                let Some(list) = self.postings.get_mut(word as usize) else { return };
                if list.last().is_none_or(|last| last.chunk != number) {
                    list.push(Posting { chunk: number, counts: [0; 5] });
                }
                if let Some(count) = list.last_mut().and_then(|last| last.counts.get_mut(at)) {
                    *count = count.saturating_add(1);
                }
            });
        }
        lengths
    }

    /// The chunks in which any of the question's terms stands, best first, at most `limit`.
    #[must_use]
    pub fn lexical(&self, question: &Question, limit: usize) -> Vec<Lexical> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        let means = self.means();
        for term in &question.terms {
            let Some(list) = self.words.get(term.as_str()).and_then(|word| self.postings.get(*word as usize)) else {
                continue;
            };
            let live = || list.iter().filter_map(|posting| Some((posting, self.get(posting.chunk)?)));
            let weight = self.rarity(live().count());
            for (posting, known) in live() {
                *scores.entry(posting.chunk).or_default() += weight * saturated(frequency(posting, known, &means));
            }
        }
        let mut found: Vec<Lexical> = scores.into_iter().map(|(chunk, score)| Lexical { chunk, score }).collect();
        let better = |a: &Lexical, b: &Lexical| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk));
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by(limit - 1, better);
        }
        found.truncate(limit);
        found.sort_by(better);
        found
    }

    /// Inverse document frequency of a term.
    #[must_use]
    pub fn rarity_of(&self, term: &str) -> f32 {
        let list = self.words.get(term).and_then(|word| self.postings.get(*word as usize));
        self.rarity(list.map_or(0, |list| list.iter().filter(|posting| self.get(posting.chunk).is_some()).count()))
    }

    /// What the question's terms are worth in each field of a chunk alone, in the order of [`Field::ALL`].
    #[must_use]
    pub fn field_scores(&self, chunk: u32, question: &Question) -> [f32; 5] {
        let mut scores = [0.0; 5];
        let (Some(known), means) = (self.get(chunk), self.means()) else { return scores };
        for term in &question.terms {
            let list = self.words.get(term.as_str()).and_then(|word| self.postings.get(*word as usize));
            let Some(list) = list else { continue };
            let Ok(at) = list.binary_search_by_key(&chunk, |posting| posting.chunk) else { continue };
            let (Some(posting), weight) = (list.get(at), self.rarity_of(term)) else { continue };
            for (at, score) in scores.iter_mut().enumerate() {
                let mut alone = Posting { chunk, counts: [0; 5] };
                if let (Some(to), Some(from)) = (alone.counts.get_mut(at), posting.counts.get(at)) {
                    *to = *from;
                }
                *score += weight * saturated(frequency(&alone, known, &means));
            }
        }
        scores
    }

    /// Inverse document frequency of a term that so many chunks have.
    #[allow(clippy::cast_precision_loss, reason = "counts of chunks are far below 2^24 where it matters")]
    fn rarity(&self, having: usize) -> f32 {
        let (having, all) = (having as f32, self.count as f32);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    /// Terms that a chunk has in each field on average, at least one.
    #[allow(clippy::cast_precision_loss, reason = "a mean of lengths")]
    fn means(&self) -> [f32; 5] {
        self.lengths.map(|length| (length as f32 / self.count.max(1) as f32).max(1.0))
    }

    /// Cosine of each chunk's vector and `vector`, the greatest first, at most `limit`.
    #[must_use]
    pub fn similar(&self, vector: &[f32], limit: usize) -> Vec<(u32, f32)> {
        let wanted: Vec<i8> = quantised(vector);
        let mut found: Vec<(u32, i32)> = (0_u32..)
            .zip(self.vectors.chunks_exact(DIMENSIONS))
            .filter(|(number, _)| self.get(*number).is_some())
            .map(|(number, own)| (number, dot(own, &wanted)))
            .collect();
        let better = |a: &(u32, i32), b: &(u32, i32)| b.1.cmp(&a.1).then(a.0.cmp(&b.0));
        if found.len() > limit && limit > 0 {
            found.select_nth_unstable_by(limit - 1, better);
        }
        found.truncate(limit);
        found.sort_by(better);
        found.into_iter().map(|(number, dot)| (number, scaled(dot))).collect()
    }

    /// Cosine of the vectors of a chunk and a question.
    #[must_use]
    pub fn similarity(&self, chunk: u32, vector: &[f32]) -> f32 {
        let from = chunk as usize * DIMENSIONS;
        let own = self.vectors.get(from..from + DIMENSIONS).unwrap_or_default();
        scaled(dot(own, &quantised(vector)))
    }
}

fn saturated(frequency: f32) -> f32 {
    frequency / (SATURATION + frequency)
}

/// How often a term stands in a chunk, by where, and by how long each field is.
fn frequency(posting: &Posting, known: &Known, means: &[f32; 5]) -> f32 {
    let fields = posting.counts.iter().zip(known.lengths).zip(means).zip(WEIGHTS);
    let one = |(((count, length), mean), weight): (((&u8, u16), &f32), f32)| {
        weight * f32::from(*count) / (1.0 - LENGTH + LENGTH * f32::from(length) / mean)
    };
    fields.map(one).sum()
}

/// A vector of unit length in 256 steps for each number; of another length than [`DIMENSIONS`], all zeros.
fn quantised(vector: &[f32]) -> Vec<i8> {
    if vector.len() != DIMENSIONS {
        return vec![0; DIMENSIONS];
    }
    #[allow(clippy::cast_possible_truncation, reason = "it is clamped, and NaN becomes 0")]
    vector.iter().map(|value| (value * STEPS).round().clamp(-127.0, 127.0) as i8).collect()
}

/// Steps of a number of a vector of unit length: with 256 numbers few are over a quarter.
const STEPS: f32 = 512.0;

fn dot(left: &[i8], right: &[i8]) -> i32 {
    left.iter().zip(right).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a dot product of 256 bytes is below 2^23")]
fn scaled(dot: i32) -> f32 {
    dot as f32 / (STEPS * STEPS)
}
