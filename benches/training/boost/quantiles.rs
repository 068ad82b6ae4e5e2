//! Numbers as bins: for each feature up to 255, cut so that about as many rows fall into each.

use super::Random;

/// Bins of a feature, at most.
pub(super) const BINS: usize = 255;
/// Rows that the cuts are chosen by.
const SAMPLE: usize = 200_000;

/// The rows' bins, feature by feature, and where the bins are cut.
pub(super) struct Columns {
    rows: usize,
    bins: Vec<u8>,
    cuts: Vec<Vec<f32>>,
}

impl Columns {
    /// `features` are rows of `width` numbers.
    pub(super) fn new(features: &[f32], width: usize, threads: usize, random: &mut Random) -> Self {
        let rows = features.len().checked_div(width).unwrap_or_default();
        let sample: Vec<usize> = match rows {
            0..=SAMPLE => (0..rows).collect(),
            _ => (0..SAMPLE).map(|_| random.below(rows)).collect(),
        };
        let (mut bins, mut cuts) = (vec![0; features.len()], vec![Vec::new(); width]);
        let share = width.div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            let parts = bins.chunks_mut((share * rows).max(1)).zip(cuts.chunks_mut(share));
            for (part, (bins, cuts)) in parts.enumerate() {
                let sample = &sample;
                scope.spawn(move || {
                    for (at, (bins, cuts)) in bins.chunks_mut(rows).zip(cuts).enumerate() {
                        let feature = part * share + at;
                        *cuts = cuts_of(sample.iter().map(|row| features[row * width + feature]).collect());
                        let numbers = features.iter().skip(feature).step_by(width);
                        bins.iter_mut().zip(numbers).for_each(|(bin, number)| *bin = bin_of(*number, cuts));
                    }
                });
            }
        });
        Self { rows, bins, cuts }
    }

    /// The bin of each row by one feature.
    pub(super) fn column(&self, feature: usize) -> &[u8] {
        &self.bins[feature * self.rows..][..self.rows]
    }

    /// The largest number of the bin, one of those that have bins above them.
    pub(super) fn cut(&self, feature: usize, bin: u8) -> f32 {
        self.cuts[feature][usize::from(bin)]
    }
}

/// How many cuts a number is above: 0 for what is none, which goes left as in the finished trees.
fn bin_of(number: f32, cuts: &[f32]) -> u8 {
    cuts.partition_point(|cut| number > *cut) as u8
}

/// Cuts between numbers, ascending. A number that alone fills a bin gets one of its own.
fn cuts_of(mut numbers: Vec<f32>) -> Vec<f32> {
    numbers.retain(|number| !number.is_nan());
    // Both zeros are one number.
    numbers.iter_mut().for_each(|number| *number += 0.0);
    numbers.sort_unstable_by(f32::total_cmp);
    let same: Vec<(f32, usize)> =
        numbers.chunk_by(|left, right| left == right).map(|run| (run[0], run.len())).collect();
    let mut cuts: Vec<f32> = Vec::new();
    let (mut left, mut filled) = (numbers.len(), 0);
    for pair in same.windows(2) {
        let [(number, count), (next, following)] = [pair[0], pair[1]];
        filled += count;
        let fair = left / (BINS - cuts.len());
        let few = same.len() <= BINS;
        if few || filled >= fair || filled + following > fair + fair / 2 {
            cuts.extend(between(number, next));
            (left, filled) = (left - filled, 0);
        }
        if cuts.len() + 1 == BINS {
            break;
        }
    }
    cuts.dedup();
    cuts
}

/// A finite number at or above `low` and below `high`, where there is one.
fn between(low: f32, high: f32) -> Option<f32> {
    let middle = low.midpoint(high);
    let cut = if middle.is_finite() && middle < high { middle } else { low.max(f32::MIN) };
    (low <= cut && cut < high).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_told_apart_and_many_fall_into_even_bins() {
        assert_eq!(cuts_of(vec![3.0, 1.0, f32::NAN, 1.0, 2.0]), [1.5, 2.5]);
        assert_eq!(cuts_of(vec![0.0, -0.0]), [0.0; 0]);
        assert_eq!(cuts_of(vec![f32::NEG_INFINITY, 0.0, f32::INFINITY]), [f32::MIN, 0.0]);
        let mut numbers = vec![0.0; 90_000];
        numbers.extend((0..10_000_u16).map(f32::from));
        let cuts = cuts_of(numbers.clone());
        assert!((200..BINS).contains(&cuts.len()), "{}", cuts.len());
        let mut filled = [0; BINS];
        numbers.iter().for_each(|number| filled[usize::from(bin_of(*number, &cuts))] += 1);
        assert!(filled[0] >= 90_000 && filled[1..].iter().all(|count| *count < 80), "{filled:?}");
        assert_eq!(bin_of(f32::NAN, &cuts), 0);
    }
}
