//! Files as documents of their own: what the terms of a question are worth in all of a file.

use super::super::map::Map;
use super::super::{Catalogue, Question};
use super::intent::is_task;

/// What a term counts for: in the path, in names, in signatures, in a chunk's text, however often it stands there.
const PATH: f32 = 1.0;
const NAME: f32 = 1.0;
const SIGNATURE: f32 = 0.5;
const TEXT: f32 = 0.3;
/// BM25's saturation, and how much the number of a file's chunks takes away.
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.3;
/// What a verb that tasks begin with counts for.
const TASK: f32 = 0.3;

/// A term in one file.
#[derive(Debug, Clone, Copy)]
struct Standing {
    file: u32,
    /// One of the file's chunks.
    chunk: u32,
    path: f32,
    inside: f32,
}

/// What stands where of a term, file by file.
fn standing(catalogue: &Catalogue, term: &str) -> Vec<Standing> {
    let mut found: Vec<Standing> = Vec::new();
    // Chunks of one file have numbers one after the other.
    for (chunk, file, [name, _, path, signature, text]) in catalogue.standing(term) {
        let inside = NAME * f32::from(name) + SIGNATURE * f32::from(signature) + TEXT * f32::from(text.min(1));
        match found.last_mut() {
            Some(of) if of.file == file => of.inside += inside,
            Some(_) | None => found.push(Standing { file, chunk, path: PATH * f32::from(path), inside }),
        }
    }
    found
}

/// BM25F of each file that has a term of the question, by its number, as a share of the best.
#[allow(clippy::cast_precision_loss, reason = "counts of files and chunks are far below 2^24 where it matters")]
pub(super) fn by_words(catalogue: &Catalogue, question: &Question) -> Map<u32, f32> {
    let files = catalogue.count_of_files().max(1) as f32;
    let mean = (catalogue.len() as f32 / files).max(1.0);
    let mut scores: Map<u32, f32> = Map::default();
    for term in &question.terms {
        let standing = standing(catalogue, term);
        let having = standing.len() as f32;
        let rarity = (1.0 + (files - having + 0.5) / (having + 0.5)).ln() * if is_task(term) { TASK } else { 1.0 };
        for Standing { file, chunk, path, inside } in standing {
            let length = 1.0 - LENGTH + LENGTH * catalogue.chunks_beside(chunk) as f32 / mean;
            let frequency = path + inside / length;
            *scores.entry(file).or_default() += rarity * frequency / (SATURATION + frequency);
        }
    }
    let best = scores.values().copied().fold(0.0, f32::max).max(0.001);
    scores.values_mut().for_each(|score| *score /= best);
    scores
}
