//! From a question to an order of chunks: candidates by terms, vector, name and file; a row of numbers for each; the
//! trained ranker's score, and what the intent of the question adds to it.

mod files;
mod intent;
mod marks;
mod names;
mod near;
mod numbers;
mod pool;
mod relation;
mod row;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashMap;

pub use self::intent::Intent;

use self::marks::Said;
use self::near::Nearness;
use self::pool::{Candidate, FileScores, Pool};
use self::row::{Rows, WIDTH};
use super::both::{Both, in_turn, joined};
use super::embedding::Embedding;
use super::near::Near;
use super::trees::Trees;
use super::{Catalogue, Known, Question};

/// What orders candidates: the tables that are trained.
#[derive(Debug, Clone, Copy)]
pub struct Ranker<'a> {
    /// How near words are to each other.
    pub embedding: &'a Embedding,
    /// What the rows of numbers are worth, grown over [`row_names`].
    pub trees: &'a Trees,
    /// How work that can be divided is done. The answers are the same either way.
    pub both: Both,
}

/// One answer: which chunk, and how good.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Number of the chunk.
    pub chunk: u32,
    /// From 0 to 1, higher is better; answers of one intent compare, also of several catalogues.
    pub score: f32,
    /// What made the score, before it is brought between 0 and 1, the weightiest first; empty unless asked for.
    pub shares: Vec<Share>,
}

/// What one number of a candidate's row did to its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The number's name, of [`row_names`]; or `file`, `exact name`, `endpoint`, `same file`, `any answer`.
    pub name: &'static str,
    /// What it is for this candidate.
    pub value: f32,
    /// What it added.
    pub added: f32,
}

/// Whether to say what made the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Scores alone.
    Scores,
    /// Scores and their shares.
    Shares,
}

/// What the very name of a symbol adds, for each point of the match: more than all else together.
const NAME: f32 = 8.0;
/// What one match of a name counts for at least to be one.
const MATCH: f32 = names::WHOLE_NAME;
/// What it counts for that all words of a name stand in a chunk, as far as a match goes: less than any name that fits.
const HELD: f32 = 1.0;
/// Scores are in about so many steps between good and bad.
const STEEPNESS: f32 = 0.5;

/// How an intent weighs files.
struct Weights {
    /// What a file's score adds to each of its chunks.
    file: f32,
    /// What each chunk of the same file before one takes away.
    again: f32,
    /// What being nearer than most by the endpoint's vectors adds, by standard deviations.
    near: f32,
}

impl Weights {
    const fn of(intent: Intent) -> Self {
        match intent {
            Intent::Symbol => Self { file: 0.5, again: 0.0, near: 0.0 },
            Intent::Behaviour => Self { file: 1.0, again: 0.0, near: 1.0 },
            Intent::Either => Self { file: 4.0, again: 1.0, near: 2.0 },
            Intent::File => Self { file: 20.0, again: 40.0, near: 5.0 },
        }
    }
}

/// The names of the numbers in a row, in order.
#[must_use]
pub fn row_names() -> Vec<String> {
    row::names().map(str::to_owned).collect()
}

/// Every candidate for `question` with its row of numbers, for training.
#[must_use]
pub fn rows(catalogue: &Catalogue, embedding: &Embedding, question: &Question, vector: &[f32]) -> Vec<(u32, Vec<f32>)> {
    let pool = Pool::new(catalogue, question, vector, in_turn);
    let mut rows = Rows::new(&pool, embedding);
    pool.candidates.iter().map(|candidate| (candidate.chunk, rows.of(candidate).to_vec())).collect()
}

/// The best `limit` answers to `question`, whose vector is `vector`, best first, no chunk twice.
#[must_use]
pub fn search(
    catalogue: &Catalogue,
    ranker: Ranker<'_>,
    question: &Question,
    vector: &[f32],
    wanted: Wanted,
) -> Vec<Answer> {
    search_near(catalogue, ranker, question, vector, None, wanted)
}

/// As [`search`]; where an endpoint has vectors of most candidates, these count too. Where it has not, and for names, the
/// answers are those of [`search`].
#[must_use]
pub fn search_near(
    catalogue: &Catalogue,
    ranker: Ranker<'_>,
    question: &Question,
    vector: &[f32],
    near: Option<Near<'_>>,
    wanted: Wanted,
) -> Vec<Answer> {
    let mut pool = Pool::new(catalogue, question, vector, ranker.both);
    let near = near.filter(|_| wanted.intent != Intent::Symbol);
    let nearness = near.map(|near| Nearness::of(near, &mut pool)).unwrap_or_default();
    let weights = Weights::of(wanted.intent);
    let all = |candidates| scored(candidates, &pool, ranker, wanted.intent, &nearness);
    let (first, second) = pool.candidates.split_at(pool.candidates.len() / 2);
    let (mut scored, others) = joined(ranker.both, || all(first), || all(second));
    scored.extend(others);
    ordered(&mut scored, &weights);
    let answer = |scored: &Scored<'_>| Answer {
        chunk: scored.chunk,
        score: 1.0 / (1.0 + (-STEEPNESS * scored.score).exp()),
        shares: match wanted.detail {
            Detail::Scores => Vec::new(),
            Detail::Shares => scored.shares(ranker.trees, weights.file),
        },
    };
    scored.iter().take(wanted.limit).map(answer).collect()
}

/// The scores of `candidates`, which are some of those of `pool`.
fn scored<'a>(
    candidates: &'a [Candidate<'a>],
    pool: &Pool<'_>,
    ranker: Ranker<'_>,
    intent: Intent,
    nearness: &Nearness,
) -> Vec<Scored<'a>> {
    let (mut rows, weights) = (Rows::new(pool, ranker.embedding), Weights::of(intent));
    let score = |candidate: &'a Candidate<'a>| {
        let (row, known) = (rows.of(candidate), &candidate.known);
        let file = weights.file * file_score(pool, known, rows.said(known), &row);
        let least = if candidate.holds_all() { HELD } else { 0.0 };
        let name = pool.question.names.iter().map(|name| names::match_of(known, name)).fold(least, f32::max);
        let name = name_share(intent, name);
        let (cosine, deviations) = nearness.of_chunk(candidate.chunk);
        let near = (cosine, weights.near * deviations);
        let score = ranker.trees.score(&row) + file + name + near.1;
        Scored { chunk: candidate.chunk, known, row, file, name, near, score }
    };
    candidates.iter().map(score).collect()
}

/// What is wanted of a search.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What the question is after.
    pub intent: Intent,
    /// Most answers.
    pub limit: usize,
    /// How much to say of each.
    pub detail: Detail,
}

/// A candidate with its score.
struct Scored<'a> {
    chunk: u32,
    known: &'a Known<'a>,
    row: [f32; WIDTH],
    file: f32,
    name: f32,
    /// Its cosine by the endpoint's vectors, and what that added.
    near: (f32, f32),
    score: f32,
}

impl Scored<'_> {
    fn shares(&self, trees: &Trees, weight: f32) -> Vec<Share> {
        let mut added = [0.0; WIDTH];
        trees.shares(&self.row, &mut added);
        let of_row = row::names().zip(self.row).zip(added);
        let mut shares: Vec<Share> = of_row.map(|((name, value), added)| Share { name, value, added }).collect();
        let (cosine, near) = self.near;
        let known = self.file + self.name + near + trees.bias() + added.iter().sum::<f32>();
        shares.push(Share { name: "file", value: self.file / weight, added: self.file });
        shares.push(Share { name: "exact name", value: self.name / NAME, added: self.name });
        shares.push(Share { name: "endpoint", value: cosine, added: near });
        shares.push(Share { name: "same file", value: self.score - known, added: self.score - known });
        shares.push(Share { name: "any answer", value: trees.bias(), added: trees.bias() });
        shares.retain(|share| share.added.abs() > 0.0005);
        shares.sort_by(|left, right| right.added.abs().total_cmp(&left.added.abs()));
        shares
    }
}

/// What the match of a name adds. Prose names things in passing: a strong sign among others, and a prefix none.
fn name_share(intent: Intent, matched: f32) -> f32 {
    match intent {
        Intent::Symbol => NAME * matched,
        Intent::Behaviour | Intent::File | Intent::Either if matched >= MATCH => 1.0,
        Intent::Behaviour | Intent::File | Intent::Either => 0.0,
    }
}

/// How good a candidate's file is, about 0 to 2: its chunks together, its path, and what its path says against it.
fn file_score(pool: &Pool<'_>, known: &Known<'_>, said: Said, row: &[f32; WIDTH]) -> f32 {
    let none = FileScores::default();
    let file = pool.files.get(&known.file).unwrap_or(&none);
    let against = |is: bool, less: f32| if is { less } else { 0.0 };
    let less = against(said.test || said.example, 0.4)
        + against(said.prose, 0.4)
        + against(said.header, 0.15)
        + against(said.old, 0.2);
    let path = 0.4 * row::value(row, "stem_asked") + 0.5 * row::value(row, "path_has");
    file.terms_sum + 0.5 * file.words + 0.1 * file.vector_sum + path - less
}

/// Sorts best first, after what each chunk loses for those of its file before it.
fn ordered(scored: &mut [Scored<'_>], weights: &Weights) {
    scored.sort_by(by_score);
    let mut before: HashMap<&str, f32> = HashMap::new();
    for one in scored.iter_mut() {
        let less = before.entry(one.known.path).or_default();
        one.score -= *less;
        *less += weights.again;
    }
    scored.sort_by(by_score);
}

fn by_score(left: &Scored<'_>, right: &Scored<'_>) -> Ordering {
    let place = |of: &Scored<'_>| (of.known.lines.start, of.known.span.start, of.chunk);
    let tied = || left.known.path.cmp(right.known.path).then(place(left).cmp(&place(right)));
    right.score.total_cmp(&left.score).then_with(tied)
}
