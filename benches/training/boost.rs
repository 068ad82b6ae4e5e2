//! LambdaMART (Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82): trees that, one after the other,
//! push the relevant rows of each group above the others, most where NDCG gains most.
//!
//! Whatever threads share is cut so that each sum is taken by one of them, in one order: a seed gives the same trees
//! whatever the number of threads.

#[path = "boost/grow.rs"]
mod grow;
#[path = "boost/lambda.rs"]
mod lambda;
#[path = "boost/quantiles.rs"]
mod quantiles;

use tagout::retrieve::{TreeNode, Trees};

use grow::{Grown, Task};
use lambda::Lists;
use quantiles::Columns;

/// Rows to learn from, those of one question together.
pub(super) struct Rows {
    /// Row after row.
    pub(super) features: Vec<f32>,
    /// Numbers in a row.
    pub(super) width: usize,
    /// Rows of each group, in their order.
    pub(super) groups: Vec<usize>,
    /// How relevant each row is: 0 for not at all, a few steps up.
    pub(super) labels: Vec<u8>,
    /// What each group counts for; all count 1 when there are none.
    pub(super) weights: Vec<f32>,
}

/// How to train.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Trees, one after the other.
    pub(super) trees: usize,
    /// Leaves of a tree, at most; not above 64, which is what a finished tree may have.
    pub(super) leaves: usize,
    /// What a tree adds of what it would.
    pub(super) rate: f32,
    /// Rows in a leaf, at least, each taken to have the curvature of a mean row of the node that is split: rows that
    /// nothing moves say nothing.
    pub(super) fewest: f64,
    /// Added to the curvature of each leaf (L2), so that small ones say little.
    pub(super) ridge: f64,
    /// Places at the top that pairs are formed with.
    pub(super) truncation: usize,
    /// Share of the features that each tree may ask.
    pub(super) features: f64,
    /// Share of the groups that each tree is grown on.
    pub(super) groups: f64,
    /// Threads that work at once; what comes out is the same.
    pub(super) threads: usize,
    /// Which features and groups.
    pub(super) seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            trees: 400,
            leaves: 16,
            rate: 0.06,
            fewest: 40.0,
            ridge: 0.0,
            truncation: 15,
            features: 0.6,
            groups: 0.8,
            threads: 2,
            seed: 1,
        }
    }
}

/// Trains trees over features of these names. `watch` hears how many trees there are, after each.
pub(super) fn train(rows: &Rows, plan: &Plan, names: &[String], watch: &mut dyn FnMut(usize)) -> Trees {
    let count = rows.labels.len();
    assert_eq!(names.len(), rows.width, "every feature has a name");
    assert_eq!(rows.features.len(), count * rows.width, "every row has a number for every feature");
    assert_eq!(rows.groups.iter().sum::<usize>(), count, "the groups are all of the rows");
    assert!(rows.weights.is_empty() || rows.weights.len() == rows.groups.len(), "every group has a weight or none has");
    assert!(plan.leaves <= 64, "a tree may have 64 leaves");
    let mut random = Random(plan.seed);
    let columns = Columns::new(&rows.features, rows.width, plan.threads, &mut random);
    let lists = Lists::new(rows, plan);
    let mut scores = vec![0.0_f64; count];
    let mut slopes = vec![[0.0_f32; 2]; count];
    let mut nodes: Vec<TreeNode> = Vec::new();
    for tree in 0..plan.trees {
        lists.slopes(&scores, &mut slopes);
        let chosen = random.choose(rows.width, plan.features);
        let within = rows_of(&rows.groups, &random.choose(rows.groups.len(), plan.groups));
        let grown = grow::grow(&Task { columns: &columns, slopes: &slopes, plan, chosen: &chosen }, within);
        raise(&mut scores, &columns, &grown, plan.threads);
        nodes.extend(grown.nodes(&columns));
        watch(tree + 1);
    }
    Trees::new(names.to_vec(), nodes).expect("what was grown are trees")
}

/// The rows of the groups `chosen`, in their order.
fn rows_of(groups: &[usize], chosen: &[usize]) -> Vec<u32> {
    let starts: Vec<usize> = starts(groups);
    let rows = chosen.iter().flat_map(|group| starts[*group]..starts[*group] + groups[*group]);
    rows.map(|row| u32::try_from(row).expect("there are less than 2^32 rows")).collect()
}

/// Where each group starts.
fn starts(groups: &[usize]) -> Vec<usize> {
    let ends = groups.iter().scan(0, |end, rows| {
        *end += rows;
        Some(*end - rows)
    });
    ends.collect()
}

/// Adds to the score of every row what the new tree says of it.
fn raise(scores: &mut [f64], columns: &Columns, grown: &Grown, threads: usize) {
    let share = scores.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        for (part, scores) in scores.chunks_mut(share).enumerate() {
            scope.spawn(move || {
                for (at, score) in scores.iter_mut().enumerate() {
                    *score += f64::from(grown.value(columns, part * share + at));
                }
            });
        }
    });
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

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A share of the numbers below `end`, at least one where there is one, in ascending order.
    fn choose(&mut self, end: usize, share: f64) -> Vec<usize> {
        let wanted = ((end as f64 * share).round() as usize).clamp(end.min(1), end);
        let mut all: Vec<usize> = (0..end).collect();
        for at in 0..wanted {
            all.swap(at, at + self.below(end - at));
        }
        all.truncate(wanted);
        all.sort_unstable();
        all
    }
}
