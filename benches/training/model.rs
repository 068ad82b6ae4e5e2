//! The two towers: a row per term for questions and one for chunks, trained so that in a batch each question is
//! nearest to its own chunk (InfoNCE, van den Oord et al. 2018), with Adam on the rows that a batch touches.
//!
//! Every sum is taken in an order that no thread decides, so one seed gives the same bytes on every run.

use tagout::retrieve::DIMENSIONS;
use tagout::retrieve::embedding::{term_hash, unknown_direction};

use super::bags::{Bag, Pair, Vocabulary};
use super::matrix::{multiply, transposed};

/// Dimensions that one thread has: threads share no row.
const HALF: usize = DIMENSIONS / 2;
/// Adam's usual constants.
const FIRST: f32 = 0.9;
const SECOND: f32 = 0.999;
const TINY: f32 = 1e-8;

/// How to train.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Times that each pair is seen.
    pub(super) epochs: usize,
    /// Pairs in a batch.
    pub(super) batch: usize,
    /// Pairs of one package that stand together in a batch, so that a question is told from its neighbours.
    pub(super) block: usize,
    /// Largest step.
    pub(super) rate: f32,
    /// What similarities are divided by.
    pub(super) temperature: f32,
    /// What an unknown term counts for.
    pub(super) unknown: f32,
    /// Order of the batches.
    pub(super) seed: u64,
}

/// Rows of one side, half of their dimensions.
struct Side {
    rows: Vec<f32>,
    slopes: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// Half of the dimensions of everything.
struct Half {
    offset: usize,
    sides: [Side; 2],
}

/// The towers.
pub(super) struct Model {
    halves: [Half; 2],
    plan: Plan,
    steps: usize,
}

/// What one batch says: unit vectors of both sides, lengths before.
struct Vectors {
    unit: Vec<f32>,
    lengths: Vec<f32>,
}

impl Model {
    /// Both sides start as one: a direction by the term's hash, as long as the term is rare.
    pub(super) fn new(vocabulary: &Vocabulary, plan: Plan) -> Self {
        let half = |offset: usize| {
            let mut rows = Vec::with_capacity(vocabulary.terms.len() * HALF);
            for (term, rarity) in vocabulary.terms.iter().zip(&vocabulary.rarity) {
                let direction = unknown_direction(term_hash(term)).skip(offset).take(HALF);
                rows.extend(direction.map(|value| value * rarity));
            }
            let side = |rows: Vec<f32>| {
                let zeros = vec![0.0; rows.len()];
                Side { rows, slopes: zeros.clone(), first: zeros.clone(), second: zeros }
            };
            Half { offset, sides: [side(rows.clone()), side(rows)] }
        };
        Self { halves: [half(0), half(HALF)], plan, steps: 0 }
    }

    /// The rows of questions and those of chunks.
    pub(super) fn rows(&self) -> [Vec<f32>; 2] {
        [0, 1].map(|side| {
            let [left, right] = &self.halves;
            let pairs = left.sides[side].rows.chunks(HALF).zip(right.sides[side].rows.chunks(HALF));
            pairs.flat_map(|(left, right)| left.iter().chain(right).copied()).collect()
        })
    }

    /// Sees each pair once; `done` is the share of the training before and after it. The mean loss comes back.
    pub(super) fn epoch(&mut self, pairs: &[Pair], epoch: usize) -> f32 {
        let order = order(pairs, self.plan.block, self.plan.seed.wrapping_add(epoch as u64));
        let batches: Vec<&[usize]> = order.chunks(self.plan.batch).filter(|batch| batch.len() > 1).collect();
        let all = (self.plan.epochs * batches.len()) as f32;
        let mut loss = 0.0;
        for batch in &batches {
            let batch: Vec<&Pair> = batch.iter().map(|at| &pairs[*at]).collect();
            let done = self.steps as f32 / all;
            let rate = self.plan.rate * (20.0 * done).min(1.0).min(1.02 - done).max(0.0);
            loss += self.step(&batch, rate) / batches.len() as f32;
        }
        loss
    }

    fn step(&mut self, batch: &[&Pair], rate: f32) -> f32 {
        self.steps += 1;
        let [questions, chunks] = self.vectors(batch);
        let count = batch.len();
        let mut slopes = multiply(&questions.unit, &transposed(&chunks.unit, DIMENSIONS), DIMENSIONS);
        let loss = losses(&mut slopes, count, self.plan.temperature);
        let of_questions = multiply(&slopes, &chunks.unit, count);
        let of_chunks = multiply(&transposed(&slopes, count), &questions.unit, count);
        let slopes = [inner(&questions, &of_questions), inner(&chunks, &of_chunks)];
        let step = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let rate = rate * (1.0 - SECOND.powi(step)).sqrt() / (1.0 - FIRST.powi(step));
        std::thread::scope(|scope| {
            for half in &mut self.halves {
                let slopes = &slopes;
                scope.spawn(move || half.learn(batch, slopes, rate));
            }
        });
        loss
    }

    fn vectors(&self, batch: &[&Pair]) -> [Vectors; 2] {
        let unknown = self.plan.unknown;
        let (left, right) = std::thread::scope(|scope| {
            let [left, right] = self.halves.each_ref().map(|half| scope.spawn(move || half.sums(batch, unknown)));
            (left.join().expect("no panic"), right.join().expect("no panic"))
        });
        [0, 1].map(|side| {
            let pairs = left[side].chunks(HALF).zip(right[side].chunks(HALF));
            let mut unit: Vec<f32> = pairs.flat_map(|(left, right)| left.iter().chain(right).copied()).collect();
            let mut lengths = Vec::with_capacity(batch.len());
            for row in unit.chunks_mut(DIMENSIONS) {
                let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
                row.iter_mut().for_each(|value| *value /= length);
                lengths.push(length);
            }
            Vectors { unit, lengths }
        })
    }
}

fn bag(pair: &Pair, side: usize) -> &Bag {
    if side == 0 { &pair.question } else { &pair.chunk }
}

impl Half {
    /// The sum of the rows of each text of the batch.
    fn sums(&self, batch: &[&Pair], unknown: f32) -> [Vec<f32>; 2] {
        [0, 1].map(|side| {
            let mut sums = vec![0.0; batch.len() * HALF];
            for (pair, sum) in batch.iter().zip(sums.chunks_mut(HALF)) {
                for (term, weight) in &bag(pair, side).known {
                    let row = &self.sides[side].rows[*term as usize * HALF..][..HALF];
                    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
                }
                for (hash, weight) in bag(pair, side).unknown.iter().filter(|_| unknown > 0.0) {
                    let direction = unknown_direction(*hash).skip(self.offset);
                    sum.iter_mut().zip(direction).for_each(|(sum, value)| *sum += weight * unknown * value);
                }
            }
            sums
        })
    }

    fn learn(&mut self, batch: &[&Pair], slopes: &[Vec<f32>; 2], rate: f32) {
        for (number, side) in self.sides.iter_mut().enumerate() {
            let mut touched = vec![false; side.rows.len() / HALF];
            for (pair, slope) in batch.iter().zip(slopes[number].chunks(DIMENSIONS)) {
                let slope = &slope[self.offset..][..HALF];
                for (term, weight) in &bag(pair, number).known {
                    touched[*term as usize] = true;
                    let row = &mut side.slopes[*term as usize * HALF..][..HALF];
                    row.iter_mut().zip(slope).for_each(|(sum, value)| *sum += weight * value);
                }
            }
            for (term, _) in touched.iter().enumerate().filter(|(_, touched)| **touched) {
                side.learn(term * HALF..(term + 1) * HALF, rate);
            }
        }
    }
}

impl Side {
    /// One step of Adam on one row; its slope is used up.
    fn learn(&mut self, at: std::ops::Range<usize>, rate: f32) {
        let rows = self.rows[at.clone()].iter_mut().zip(&mut self.slopes[at.clone()]);
        let moments = self.first[at.clone()].iter_mut().zip(&mut self.second[at]);
        for ((row, slope), (first, second)) in rows.zip(moments) {
            *first = FIRST * *first + (1.0 - FIRST) * *slope;
            *second = SECOND * *second + (1.0 - SECOND) * *slope * *slope;
            *row -= rate * *first / (second.sqrt() + TINY);
            *slope = 0.0;
        }
    }
}

/// Turns similarities, a row per question, into the slopes of the loss by them; the mean loss comes back. Questions
/// choose among chunks and chunks among questions, each for one half.
fn losses(similarities: &mut [f32], count: usize, temperature: f32) -> f32 {
    let scale = 1.0 / temperature;
    // Cosines are at most 1: subtracting it keeps every power finite.
    similarities.iter_mut().for_each(|value| *value = ((*value - 1.0) * scale).exp());
    let mut columns = vec![0.0_f32; count];
    let mut rows = Vec::with_capacity(count);
    for row in similarities.chunks(count) {
        rows.push(row.iter().sum::<f32>());
        columns.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let (mut loss, share) = (0.0, 0.5 / count as f32);
    for (at, row) in similarities.chunks_mut(count).enumerate() {
        loss -= (row[at] / rows[at]).ln() + (row[at] / columns[at]).ln();
        let by_row = share / rows[at];
        row.iter_mut().zip(&columns).for_each(|(value, column)| *value *= (by_row + share / column) * scale);
        row[at] -= 2.0 * share * scale;
    }
    loss * share
}

/// Slopes by the sums, from those by the unit vectors.
fn inner(vectors: &Vectors, slopes: &[f32]) -> Vec<f32> {
    let mut all = Vec::with_capacity(slopes.len());
    for ((unit, slope), length) in vectors.unit.chunks(DIMENSIONS).zip(slopes.chunks(DIMENSIONS)).zip(&vectors.lengths)
    {
        let along: f32 = unit.iter().zip(slope).map(|(left, right)| left * right).sum();
        all.extend(unit.iter().zip(slope).map(|(unit, slope)| (slope - along * unit) / length));
    }
    all
}

/// Pairs of one package in blocks, the blocks in an order by the seed.
fn order(pairs: &[Pair], block: usize, seed: u64) -> Vec<usize> {
    let mut random = Random(seed);
    let mut blocks = Vec::new();
    let all: Vec<usize> = (0..pairs.len()).collect();
    for package in all.chunk_by(|left, right| pairs[*left].package == pairs[*right].package) {
        let mut package = package.to_vec();
        random.shuffle(&mut package);
        blocks.extend(package.chunks(block.max(1)).map(<[usize]>::to_vec));
    }
    random.shuffle(&mut blocks);
    blocks.concat()
}

/// Numbers by a seed (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, usize::try_from(self.next() % (at as u64 + 1)).unwrap_or_default());
        }
    }
}
