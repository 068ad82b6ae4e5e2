//! From a question to an order of chunks of one catalogue.

use std::collections::{BTreeSet, HashMap};

use super::{Candidate, Catalogue, Question, rank_with};

/// Candidates taken from each way of looking.
const CANDIDATES: usize = 100;

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Number of the chunk.
    pub chunk: u32,
    /// Higher is better; compares within one question only.
    pub score: f32,
}

/// The chunks that answer `question`, whose vector is `vector`; the best first, at most `limit`.
#[must_use]
pub fn search(catalogue: &Catalogue, question: &Question, vector: &[f32], limit: usize) -> Vec<Answer> {
    let most = CANDIDATES.max(limit);
    let worded = catalogue.lexical(&question.terms, usize::MAX);
    let mut chosen: BTreeSet<u32> = worded.iter().take(most).map(|found| found.chunk).collect();
    chosen.extend(catalogue.similar(vector, most).into_iter().map(|(chunk, _)| chunk));
    chosen.extend(question.names.iter().flat_map(|name| catalogue.named(&name.name, most)));
    let scores: HashMap<u32, f32> = worded.into_iter().map(|found| (found.chunk, found.score)).collect();
    let candidate = |chunk: u32| {
        let similarity = catalogue.similarity(chunk, vector);
        Some((chunk, Candidate { stored: catalogue.stored(chunk)?, similarity }))
    };
    let (chunks, candidates): (Vec<u32>, Vec<Candidate>) = chosen.into_iter().filter_map(candidate).unzip();
    let lexical: Vec<f32> = chunks.iter().map(|chunk| scores.get(chunk).copied().unwrap_or_default()).collect();
    let hits = rank_with(question, &candidates, &lexical).into_iter().take(limit);
    hits.filter_map(|hit| Some(Answer { chunk: *chunks.get(hit.index)?, score: hit.score })).collect()
}
