//! One tree, grown leaf by leaf where the loss falls most, on histograms: a leaf's are those of its parent less those
//! of its sister, so that only the smaller side of a split is counted.

use tagout::retrieve::TreeNode;

use super::Plan;
use super::quantiles::{BINS, Columns};

/// Curvature in a leaf, at least: below it, a step is made of noise.
const LEAST_CURVE: f64 = 1e-3;
/// Rows that are counted by all features before the next: their slopes stay in the cache.
const BLOCK: usize = 8_192;

/// What a tree is grown from.
pub(super) struct Task<'a> {
    pub(super) columns: &'a Columns,
    /// Slope and curvature of each row.
    pub(super) slopes: &'a [[f32; 2]],
    pub(super) plan: &'a Plan,
    /// The features that may be asked, ascending.
    pub(super) chosen: &'a [usize],
}

/// Sums over rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    slope: f64,
    curve: f64,
}

/// A split that may be made.
#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: u8,
}

/// A leaf while the tree grows.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    /// A histogram for each chosen feature.
    sums: Vec<Sum>,
    best: Option<Split>,
}

/// A node of the tree, children by their places.
#[derive(Debug, Clone, Copy)]
struct Node {
    split: Option<(Split, usize, usize)>,
    value: f32,
    rows: usize,
}

/// A tree over bins.
pub(super) struct Grown(Vec<Node>);

/// Grows a tree on the rows `within`, ascending.
pub(super) fn grow(task: &Task<'_>, within: Vec<u32>) -> Grown {
    let mut root = Leaf { node: 0, rows: within, sums: vec![Sum::default(); task.chosen.len() * BINS], best: None };
    task.study(&mut root, None);
    let mut grown = Grown(vec![task.node(&root)]);
    let mut leaves = vec![root];
    while leaves.len() < task.plan.leaves {
        let found = leaves.iter().enumerate().filter_map(|(at, leaf)| Some((at, leaf.best?)));
        // Of equals, the first.
        let Some((at, split)) = found.rev().max_by(|left, right| left.1.gain.total_cmp(&right.1.gain)) else { break };
        let parent = leaves.swap_remove(at);
        let (node, next) = (parent.node, grown.0.len());
        let [left, right] = task.split(parent, split, next);
        grown.0[node].split = Some((split, next, next + 1));
        grown.0.extend([task.node(&left), task.node(&right)]);
        leaves.extend([left, right]);
    }
    grown.expect();
    grown
}

impl Task<'_> {
    /// The leaf as a node that is not split.
    fn node(&self, leaf: &Leaf) -> Node {
        let all = leaf.sums.iter().take(BINS).fold(Sum::default(), |all, sum| all.with(sum));
        let curve = all.curve + self.plan.ridge;
        let value = if curve > 0.0 { -all.slope / curve * f64::from(self.plan.rate) } else { 0.0 };
        Node { split: None, value: value as f32, rows: leaf.rows.len() }
    }

    fn split(&self, parent: Leaf, split: Split, next: usize) -> [Leaf; 2] {
        let column = self.columns.column(split.feature);
        let (left, right): (Vec<u32>, Vec<u32>) =
            parent.rows.iter().copied().partition(|row| column[*row as usize] <= split.bin);
        let left_is_small = left.len() <= right.len();
        let (small, large) = if left_is_small { (left, right) } else { (right, left) };
        let (small_node, large_node) = if left_is_small { (next, next + 1) } else { (next + 1, next) };
        let sums = vec![Sum::default(); parent.sums.len()];
        let mut small = Leaf { node: small_node, rows: small, sums, best: None };
        let mut large = Leaf { node: large_node, rows: large, sums: parent.sums, best: None };
        self.study(&mut small, Some(&mut large));
        if left_is_small { [small, large] } else { [large, small] }
    }

    /// Counts the rows of `leaf`, takes the sums off those of its sister, which has their parent's, and finds the best
    /// split of both.
    fn study(&self, leaf: &mut Leaf, sister: Option<&mut Leaf>) {
        let slopes: Vec<[f32; 2]> = leaf.rows.iter().map(|row| self.slopes[*row as usize]).collect();
        let share = self.chosen.len().div_ceil(self.plan.threads.max(1)).max(1);
        let (rows, slopes) = (leaf.rows.as_slice(), slopes.as_slice());
        let count = sister.as_ref().map_or(0, |sister| sister.rows.len());
        let (sister_sums, sister_best) = sister.map(|sister| (sister.sums.as_mut_slice(), &mut sister.best)).unzip();
        let mut sister_parts = sister_sums.map(|sums| sums.chunks_mut(share * BINS));
        let found: Vec<[Option<Split>; 2]> = std::thread::scope(|scope| {
            let parts = self.chosen.chunks(share).zip(leaf.sums.chunks_mut(share * BINS));
            let work = parts.map(|(chosen, sums)| {
                let sister = sister_parts.as_mut().and_then(Iterator::next).map(|sums| (sums, count));
                scope.spawn(move || self.study_part(chosen, (rows, slopes), sums, sister))
            });
            let work: Vec<_> = work.collect();
            work.into_iter().map(|work| work.join().expect("no panic")).collect()
        });
        leaf.best = found.iter().fold(None, |best, [own, _]| better(best, *own));
        if let Some(best) = sister_best {
            *best = found.iter().fold(None, |best, [_, other]| better(best, *other));
        }
    }

    fn study_part(
        &self,
        chosen: &[usize],
        (rows, slopes): (&[u32], &[[f32; 2]]),
        sums: &mut [Sum],
        sister: Option<(&mut [Sum], usize)>,
    ) -> [Option<Split>; 2] {
        let every = rows.len();
        for (rows, slopes) in rows.chunks(BLOCK).zip(slopes.chunks(BLOCK)) {
            for (chosen, sums) in chosen.chunks(4).zip(sums.chunks_mut(4 * BINS)) {
                self.count(chosen, rows, slopes, sums);
            }
        }
        let other = sister.and_then(|(sister, count)| {
            sister.iter_mut().zip(sums.iter()).for_each(|(sister, sum)| sister.take_off(sum));
            self.best(chosen, sister, count)
        });
        [self.best(chosen, sums, every), other]
    }

    /// Counts rows by up to four features at once, so that one need not wait for the sums of another.
    fn count(&self, chosen: &[usize], rows: &[u32], slopes: &[[f32; 2]], sums: &mut [Sum]) {
        let columns: Vec<&[u8]> = chosen.iter().map(|feature| self.columns.column(*feature)).collect();
        if let [a, b, c, d] = columns.as_slice() {
            let (first, second) = sums.split_at_mut(2 * BINS);
            let ((to_a, to_b), (to_c, to_d)) = (first.split_at_mut(BINS), second.split_at_mut(BINS));
            for (row, slope) in rows.iter().zip(slopes) {
                let row = *row as usize;
                to_a[usize::from(a[row])].add(*slope);
                to_b[usize::from(b[row])].add(*slope);
                to_c[usize::from(c[row])].add(*slope);
                to_d[usize::from(d[row])].add(*slope);
            }
            return;
        }
        for (column, sums) in columns.iter().zip(sums.chunks_mut(BINS)) {
            for (row, slope) in rows.iter().zip(slopes) {
                sums[usize::from(column[*row as usize])].add(*slope);
            }
        }
    }

    /// The best split by the features `chosen`; of equals, the first.
    fn best(&self, chosen: &[usize], sums: &[Sum], rows: usize) -> Option<Split> {
        let mut best = None;
        for (feature, sums) in chosen.iter().zip(sums.chunks(BINS)) {
            let all = sums.iter().fold(Sum::default(), |all, sum| all.with(sum));
            let (mut left, mut right) = (Sum::default(), all);
            let whole = self.worth(&all);
            let least = (self.plan.fewest * all.curve / rows.max(1) as f64).max(LEAST_CURVE);
            for (bin, sum) in sums.iter().enumerate() {
                left = left.with(sum);
                right.take_off(sum);
                if left.curve >= least && right.curve >= least {
                    let gain = self.worth(&left) + self.worth(&right) - whole;
                    let split = Split { gain, feature: *feature, bin: bin as u8 };
                    best = better(best, Some(split).filter(|split| split.gain > 1e-12));
                }
            }
        }
        best
    }

    /// Twice what the loss falls by when these rows get the best value of their own.
    fn worth(&self, sum: &Sum) -> f64 {
        let curve = sum.curve + self.plan.ridge;
        if curve > 0.0 { sum.slope * sum.slope / curve } else { 0.0 }
    }
}

/// The one that gains more; of equals, `held`.
fn better(held: Option<Split>, new: Option<Split>) -> Option<Split> {
    match (held, new) {
        (Some(held), Some(new)) if new.gain > held.gain => Some(new),
        (Some(held), _) => Some(held),
        (None, new) => new,
    }
}

impl Sum {
    fn add(&mut self, [slope, curve]: [f32; 2]) {
        self.slope += f64::from(slope);
        self.curve += f64::from(curve);
    }

    fn with(mut self, other: &Self) -> Self {
        self.slope += other.slope;
        self.curve += other.curve;
        self
    }

    fn take_off(&mut self, other: &Self) {
        self.slope -= other.slope;
        self.curve -= other.curve;
    }
}

impl Grown {
    /// Gives each split the value that is expected there: the mean of its leaves by their rows. Children stand behind
    /// their parent.
    fn expect(&mut self) {
        for at in (0..self.0.len()).rev() {
            if let Some((_, left, right)) = self.0[at].split {
                let [left, right] = [self.0[left], self.0[right]];
                let sum = f64::from(left.value) * left.rows as f64 + f64::from(right.value) * right.rows as f64;
                self.0[at].value = (sum / self.0[at].rows.max(1) as f64) as f32;
            }
        }
    }

    /// What the tree says of a row.
    pub(super) fn value(&self, columns: &Columns, row: usize) -> f32 {
        let mut node = &self.0[0];
        while let Some((split, left, right)) = &node.split {
            let goes_left = columns.column(split.feature)[row] <= split.bin;
            node = &self.0[if goes_left { *left } else { *right }];
        }
        node.value
    }

    /// The tree in pre-order.
    pub(super) fn nodes(&self, columns: &Columns) -> Vec<TreeNode> {
        let (mut nodes, mut waiting) = (Vec::new(), vec![0]);
        while let Some(at) = waiting.pop() {
            let Node { split, value, .. } = self.0[at];
            nodes.push(match split {
                None => TreeNode::Leaf { value },
                Some((split, left, right)) => {
                    waiting.extend([right, left]);
                    let feature = u16::try_from(split.feature).expect("there are few features");
                    TreeNode::Split { feature, threshold: columns.cut(split.feature, split.bin), value }
                }
            });
        }
        nodes
    }
}
