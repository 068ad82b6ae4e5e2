//! The chunks that may answer one question, and what is known of all of them together.

use std::collections::HashSet;

use super::super::both::{Both, joined};
use super::super::map::Map;
use super::super::{Catalogue, Field, Known, Question};
use super::files::by_words;

/// Chunks looked at to judge files, by terms and by vector.
const TERMS_LOOKED_AT: usize = 3_000;
const VECTORS_LOOKED_AT: usize = 1_500;
/// Candidates from each way of looking.
const BY_TERMS: usize = 100;
const BY_VECTOR: usize = 100;
const BY_NAME: usize = 24;
/// Files whose best chunk is a candidate too.
const BY_FILE: usize = 30;
/// The place of what was not found, behind all that was.
pub(super) const NOT_FOUND: usize = TERMS_LOOKED_AT;
/// What the best chunks of a file count for, the best first.
const CHUNKS_OF_FILE: [f32; 7] = [1.0, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1];

/// How good chunks are, and the place each has in that order, from 0; equal ones share a place.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The best score, at least a thousandth.
    pub(super) best: f32,
    /// Score as a share of the best, and place.
    pub(super) by_chunk: Map<u32, (f32, usize)>,
}

impl Places {
    fn new(scores: &[(u32, f32)]) -> Self {
        let best = scores.first().map_or(0.0, |(_, score)| *score).max(0.001);
        let mut by_chunk = Map::default();
        by_chunk.reserve(scores.len());
        let mut place = 0;
        for equal in scores.chunk_by(|left, right| left.1 == right.1) {
            by_chunk.extend(equal.iter().map(|(chunk, score)| (*chunk, (score / best, place))));
            place += equal.len();
        }
        Self { best, by_chunk }
    }
}

/// What is known of a file from its chunks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileScores {
    /// The best share by terms.
    pub(super) terms: f32,
    /// Its best chunks by terms together, as a share of the best file's.
    pub(super) terms_sum: f32,
    /// Its place in that order.
    pub(super) place: usize,
    /// How many of its chunks have any of the terms, and the sum of their shares.
    pub(super) having: usize,
    pub(super) all: f32,
    /// The best share by vector, and the best ones together.
    pub(super) vector: f32,
    pub(super) vector_sum: f32,
    /// How many chunks it has.
    pub(super) chunks: usize,
    /// What the question's terms are worth in all of it, as a share of the best file's.
    pub(super) words: f32,
}

impl Default for FileScores {
    fn default() -> Self {
        let (terms, terms_sum, all, vector, vector_sum, words) = Default::default();
        Self { terms, terms_sum, place: NOT_FOUND, having: 0, all, vector, vector_sum, chunks: 0, words }
    }
}

/// A chunk that may be the answer.
pub(super) struct Candidate<'a> {
    /// Its number.
    pub(super) chunk: u32,
    pub(super) known: Known<'a>,
    /// How often each of the question's terms stands in each of its fields.
    pub(super) counts: Vec<[u8; Field::ALL.len()]>,
    /// Cosine of its vector and the question's.
    pub(super) similarity: f32,
}

impl Candidate<'_> {
    /// Whether each of the question's terms stands in it, a whole identifier as such.
    pub(super) fn holds_all(&self) -> bool {
        !self.counts.is_empty() && self.counts.iter().all(|counts| counts.iter().any(|count| *count > 0))
    }
}

/// Candidates, and what they are compared with.
pub(super) struct Pool<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) question: &'a Question,
    pub(super) vector: &'a [f32],
    /// How rare each of the question's terms is.
    pub(super) all_rarities: Vec<f32>,
    /// The question's terms that are no whole identifiers, and how rare each is.
    pub(super) terms: Vec<String>,
    pub(super) rarities: Vec<f32>,
    pub(super) by_terms: Places,
    pub(super) by_vector: Places,
    pub(super) files: Map<u32, FileScores>,
    /// Shares by terms of all candidates within one parent of one file.
    pub(super) siblings: Map<(&'a str, &'a str), f32>,
    /// How many candidates have this symbol.
    pub(super) twins: Map<&'a str, usize>,
    pub(super) candidates: Vec<Candidate<'a>>,
}

impl<'a> Pool<'a> {
    /// Collects what may answer `question`, whose vector is `vector`.
    pub(super) fn new(catalogue: &'a Catalogue, question: &'a Question, vector: &'a [f32], both: Both) -> Self {
        let by_terms = || {
            let hits = catalogue.lexical(&question.terms, TERMS_LOOKED_AT);
            hits.iter().map(|hit| (hit.chunk, hit.score)).collect::<Vec<_>>()
        };
        let by_vector = || {
            let says_something = vector.iter().any(|value| *value != 0.0);
            let similar = if says_something { catalogue.similar(vector, VECTORS_LOOKED_AT) } else { Vec::new() };
            (similar, by_words(catalogue, question))
        };
        let (lexical, (similar, words)) = joined(both, by_terms, by_vector);
        let terms: Vec<String> = question.terms.iter().filter(|term| !term.starts_with('=')).cloned().collect();
        let all_rarities: Vec<f32> = question.terms.iter().map(|term| catalogue.rarity_of(term)).collect();
        let plain = |(term, rarity): (&String, &f32)| (!term.starts_with('=')).then_some(*rarity);
        let rarities = question.terms.iter().zip(&all_rarities).filter_map(plain).collect();
        let (by_terms, by_vector) = (Places::new(&lexical), Places::new(&similar));
        let mut files = files(catalogue, &lexical, &by_terms, &similar, &by_vector);
        for (file, words) in words {
            files.entry(file).or_default().words = words;
        }
        let mut pool = Self {
            catalogue,
            question,
            vector,
            all_rarities,
            terms,
            rarities,
            by_terms,
            by_vector,
            files,
            siblings: Map::default(),
            twins: Map::default(),
            candidates: Vec::new(),
        };
        pool.choose(&lexical, &similar);
        pool
    }

    fn choose(&mut self, lexical: &[(u32, f32)], similar: &[(u32, f32)]) {
        let named = self.question.names.iter().flat_map(|name| self.catalogue.named(&name.name, BY_NAME));
        let mut chosen: Vec<u32> = named.collect();
        let chunk = |(chunk, _): &(u32, f32)| *chunk;
        chosen.extend(lexical.iter().take(BY_TERMS).map(chunk));
        chosen.extend(similar.iter().take(BY_VECTOR).map(chunk));
        let mut met: HashSet<u32> = HashSet::new();
        for (chunk, file) in lexical.iter().filter_map(|(chunk, _)| Some((*chunk, self.catalogue.file_of(*chunk)?))) {
            let is_good = self.files.get(&file).is_some_and(|file| file.place < BY_FILE);
            if is_good && met.insert(file) {
                chosen.push(chunk);
            }
        }
        let mut seen = HashSet::new();
        chosen.retain(|chunk| seen.insert(*chunk));
        self.join(&chosen);
    }

    /// Makes candidates of chunks that are none yet.
    pub(super) fn join(&mut self, chunks: &[u32]) {
        let from = self.candidates.len();
        self.candidates.extend(candidates(self.catalogue, self.question, self.vector, chunks));
        for Candidate { chunk, known, .. } in self.candidates.iter().skip(from) {
            let share = self.by_terms.by_chunk.get(chunk).map_or(0.0, |(share, _)| *share);
            *self.siblings.entry((known.path, known.parent.unwrap_or_default())).or_default() += share;
            if let Some(symbol) = known.symbol {
                *self.twins.entry(symbol).or_default() += 1;
            }
        }
    }

    /// The numbers of the candidates.
    pub(super) fn chunks(&self) -> impl Iterator<Item = u32> {
        self.candidates.iter().map(|candidate| candidate.chunk)
    }
}

/// What is known of `chunks`, those that are gone left out.
fn candidates<'a>(catalogue: &'a Catalogue, question: &Question, vector: &[f32], chunks: &[u32]) -> Vec<Candidate<'a>> {
    let counts: Vec<_> = question.terms.iter().map(|term| catalogue.counts(chunks, term)).collect();
    let similarities = catalogue.similarities(chunks, vector);
    let candidate = |(at, (chunk, similarity)): (usize, (&u32, f32))| {
        let counts = counts.iter().map(|of_term| of_term.get(at).copied().unwrap_or_default()).collect();
        Some(Candidate { chunk: *chunk, known: catalogue.known(*chunk)?, counts, similarity })
    };
    chunks.iter().zip(similarities).enumerate().filter_map(candidate).collect()
}

fn files(
    catalogue: &Catalogue,
    lexical: &[(u32, f32)],
    by_terms: &Places,
    similar: &[(u32, f32)],
    by_vector: &Places,
) -> Map<u32, FileScores> {
    let mut files: Map<u32, FileScores> = Map::default();
    let mut order: Vec<(u32, u32)> = Vec::new();
    let mut seen: Map<u32, usize> = Map::default();
    for (chunk, score) in lexical {
        let Some(number) = catalogue.file_of(*chunk) else { continue };
        let (file, share) = (files.entry(number).or_default(), score / by_terms.best);
        if file.having == 0 {
            order.push((number, *chunk));
        }
        file.chunks = catalogue.chunks_beside(*chunk);
        file.terms = file.terms.max(share);
        file.terms_sum += share * CHUNKS_OF_FILE.get(file.having).unwrap_or(&0.0);
        file.having += 1;
        file.all += share;
    }
    for (chunk, score) in similar {
        let Some(number) = catalogue.file_of(*chunk) else { continue };
        let (file, share) = (files.entry(number).or_default(), score.max(0.0) / by_vector.best);
        let at = seen.entry(number).or_default();
        if file.having == 0 && *at == 0 {
            order.push((number, *chunk));
        }
        file.chunks = catalogue.chunks_beside(*chunk);
        file.vector = file.vector.max(share);
        file.vector_sum += share * CHUNKS_OF_FILE.get(*at).unwrap_or(&0.0);
        *at += 1;
    }
    let sum = |(file, _): &(u32, u32)| files.get(file).map_or(0.0, |file| file.terms_sum);
    let path = |(_, chunk): &(u32, u32)| catalogue.known(*chunk).map_or("", |known| known.path);
    order.sort_by(|left, right| sum(right).total_cmp(&sum(left)).then_with(|| path(left).cmp(path(right))));
    let best: f32 = order.first().map_or(0.0, sum).max(0.001);
    for (place, (file, _)) in order.into_iter().enumerate() {
        if let Some(file) = files.get_mut(&file) {
            file.place = place;
            file.terms_sum /= best;
        }
    }
    files
}
