//! What each row's score should do: of every pair that stands wrong, or not far enough apart, how much NDCG its swap
//! would change times how sure the scores are of it.

use super::{Plan, Rows, starts};

/// Groups with what does not change from tree to tree.
pub(super) struct Lists<'a> {
    rows: &'a Rows,
    plan: &'a Plan,
    /// What is left of a relevant row's gain at each place.
    discounts: Vec<f64>,
    /// 1 / the most that each group can gain; 0 for a group that no order can better.
    scales: Vec<f64>,
}

impl<'a> Lists<'a> {
    pub(super) fn new(rows: &'a Rows, plan: &'a Plan) -> Self {
        let longest = rows.groups.iter().copied().max().unwrap_or_default();
        let discounts: Vec<f64> = (0..longest).map(|place| 1.0 / (place as f64 + 2.0).log2()).collect();
        let starts = starts(&rows.groups);
        let scale = |(start, length): (usize, &usize)| {
            let mut labels = rows.labels[start..start + length].to_vec();
            labels.sort_unstable_by(|left, right| right.cmp(left));
            let top = labels.iter().zip(&discounts).take(plan.truncation);
            let most: f64 = top.map(|(label, discount)| gain(*label) * discount).sum();
            if most > 0.0 { 1.0 / most } else { 0.0 }
        };
        let scales = starts.into_iter().zip(&rows.groups).map(scale).collect();
        Self { rows, plan, discounts, scales }
    }

    /// Writes slope and curvature of the loss at `scores`, row by row.
    pub(super) fn slopes(&self, scores: &[f64], out: &mut [[f32; 2]]) {
        let groups = &self.rows.groups;
        let share = groups.len().div_ceil(self.plan.threads.max(1)).max(1);
        std::thread::scope(|scope| {
            let mut rest = (scores, self.rows.labels.as_slice(), out);
            for (part, groups) in groups.chunks(share).enumerate() {
                let count = groups.iter().sum();
                let (scores, labels, out) = rest;
                let ((scores, more_scores), (labels, more_labels)) = (scores.split_at(count), labels.split_at(count));
                let (out, more) = out.split_at_mut(count);
                rest = (more_scores, more_labels, more);
                scope.spawn(move || self.part(part * share, groups, (scores, labels), out));
            }
        });
    }

    fn part(&self, first: usize, groups: &[usize], (scores, labels): (&[f64], &[u8]), out: &mut [[f32; 2]]) {
        let (mut start, mut sums) = (0, Vec::new());
        for (at, length) in groups.iter().enumerate() {
            let group = start..start + length;
            let weight = self.rows.weights.get(first + at).map_or(1.0, |weight| f64::from(*weight));
            sums.clear();
            sums.resize(*length, [0.0; 2]);
            let total = self.group(self.scales[first + at], &scores[group.clone()], &labels[group.clone()], &mut sums);
            // A group of many pairs says more than one of few, but not as much more as they are.
            let weight = if total > 0.0 { weight * (1.0 + total).log2() / total } else { weight };
            for (out, sum) in out[group].iter_mut().zip(&sums) {
                *out = sum.map(|value| (value * weight) as f32);
            }
            start += length;
        }
    }

    /// Adds up the pairs of one group; what they push altogether comes back.
    fn group(&self, scale: f64, scores: &[f64], labels: &[u8], sums: &mut [[f64; 2]]) -> f64 {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
        let (Some(best), Some(worst)) = (order.first(), order.last()) else { return 0.0 };
        let spread = scores[*best] > scores[*worst];
        let mut total = 0.0;
        for (place, one) in order.iter().enumerate().take(if scale > 0.0 { self.plan.truncation } else { 0 }) {
            for (behind, other) in order.iter().enumerate().skip(place + 1) {
                if labels[*one] == labels[*other] {
                    continue;
                }
                let (high, low) = if labels[*one] > labels[*other] { (*one, *other) } else { (*other, *one) };
                let apart = scores[high] - scores[low];
                let gained = gain(labels[high]) - gain(labels[low]);
                let mut change = gained * (self.discounts[place] - self.discounts[behind]) * scale;
                if spread {
                    change /= 0.01 + apart.abs();
                }
                let doubt = 1.0 / (1.0 + apart.exp());
                let (push, curve) = (doubt * change, doubt * (1.0 - doubt) * change);
                sums[high] = [sums[high][0] - push, sums[high][1] + curve];
                sums[low] = [sums[low][0] + push, sums[low][1] + curve];
                total += 2.0 * push;
            }
        }
        total
    }
}

/// What a row of this label is worth at the top.
fn gain(label: u8) -> f64 {
    f64::from(label).exp2() - 1.0
}
