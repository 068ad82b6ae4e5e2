//! What the endpoint's vectors add to the score of a candidate, where most candidates have one.

use std::collections::{HashMap, HashSet};

use super::super::near::Near;
use super::pool::Pool;

/// Chunks nearest by the endpoint's vectors that become candidates too.
const BY_ENDPOINT: usize = 40;
/// Standard deviations of the candidates' cosines that count at most. The trees do not know the endpoint: it shifts their
/// order, and does not make it.
const MOST_DEVIATIONS: f32 = 3.0;
/// Cosines nearer to each other than this tell nothing.
const LEAST_DEVIATION: f32 = 1e-3;

/// How near candidates are to the question, by the endpoint's vectors.
#[derive(Debug, Default)]
pub(super) struct Nearness {
    by_chunk: HashMap<u32, f32>,
    mean: f32,
    /// One by the standard deviation; 0 where nothing is to be added.
    inverse: f32,
}

impl Nearness {
    /// Looks at the candidates of `pool`, and joins the nearest chunks to them; nothing of this where fewer than half of
    /// them have a vector: the answer is then what it is without an endpoint.
    pub(super) fn of(near: Near<'_>, pool: &mut Pool<'_>) -> Self {
        let catalogue = pool.catalogue;
        let with_cosine = |chunk: u32| Some((chunk, near.cosine(catalogue, chunk)?));
        let mut by_chunk: HashMap<u32, f32> = pool.chunks().filter_map(with_cosine).collect();
        if by_chunk.is_empty() || by_chunk.len() * 2 < pool.candidates.len() {
            return Self::default();
        }
        let (mean, deviation) = spread(&by_chunk, pool);
        if deviation < LEAST_DEVIATION {
            return Self::default();
        }
        let known: HashSet<u32> = pool.chunks().collect();
        let mut nearest = near.nearest(catalogue, BY_ENDPOINT);
        nearest.retain(|chunk| !known.contains(chunk));
        by_chunk.extend(nearest.iter().copied().filter_map(with_cosine));
        pool.join(&nearest);
        Self { by_chunk, mean, inverse: 1.0 / deviation }
    }

    /// The cosine of a candidate, and by how many standard deviations it is over the mean.
    pub(super) fn of_chunk(&self, chunk: u32) -> (f32, f32) {
        let Some(cosine) = self.by_chunk.get(&chunk) else { return (0.0, 0.0) };
        let deviations = (cosine - self.mean) * self.inverse;
        (*cosine, deviations.clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS))
    }
}

/// Mean and standard deviation, summed in the order of the candidates so that they are the same each time.
#[allow(clippy::cast_precision_loss, reason = "there are some hundred candidates")]
fn spread(by_chunk: &HashMap<u32, f32>, pool: &Pool<'_>) -> (f32, f32) {
    let cosines = || pool.chunks().filter_map(|chunk| by_chunk.get(&chunk).copied());
    let count = by_chunk.len() as f32;
    let mean = cosines().sum::<f32>() / count;
    let variance = cosines().map(|cosine| (cosine - mean).powi(2)).sum::<f32>() / count;
    (mean, variance.sqrt())
}
