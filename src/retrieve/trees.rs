//! A score as a sum of regression trees over a row of named numbers, and what each of these numbers did to it.
//!
//! The trees are grown by `benches/training/boost.rs`. Attribution walks down: at each split the feature asked there
//! gets the change of what is expected (Saabas, "Interpreting random forests", 2014). A score alone walks no tree: it
//! asks all splits by one feature in the order of their thresholds and strikes out the leaves that cannot be reached
//! (QuickScorer, Lucchese et al., SIGIR 2015), which is faster.

use std::collections::HashSet;

use super::reader::Reader;
use crate::workspace::ContentHash;

#[cfg(test)]
mod tests;

/// What trees in bytes begin with; then, as a little-endian number of 32 bits, their form, then a BLAKE3 hash of what
/// follows: the count of features and, for each, the length of its name and the name; then the nodes to the end, each
/// tree in pre-order: a split is its feature (16 bits), threshold and value, a leaf is [`LEAF`] and its value.
pub const MAGIC: [u8; 8] = *b"tagoutGT";
/// Form of the bytes: another form has another number.
pub const VERSION: u32 = 1;
/// What stands in bytes where a split has its feature. It is also more features than there may be.
const LEAF: u16 = u16::MAX;
/// Leaves that a tree may have: one bit each.
const MOST_LEAVES: usize = 64;

/// Why bytes are no trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreesError {
    /// They do not begin as trees do.
    #[error("these bytes are no boosted trees; train some with `cargo run --example train`")]
    NotTrees,
    /// Another form.
    #[error("the boosted trees have form {version}; this program reads another")]
    OtherForm {
        /// Form.
        version: u32,
    },
    /// Cut short, or not what was written.
    #[error("the boosted trees are damaged; take them from the repository again")]
    Damaged,
}

/// One node, where trees are listed one after the other, each in pre-order: a split, all of its left side, all of its
/// right side. A tree ends where nothing more can belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TreeNode {
    /// An end.
    Leaf {
        /// What it adds to the score.
        value: f32,
    },
    /// A question.
    Split {
        /// Which number of the row is asked.
        feature: u16,
        /// Rows above it go right; those at it or below, and those without a number (NaN), go left.
        threshold: f32,
        /// What is expected of a row that comes here.
        value: f32,
    },
}

/// Trees whose values add up to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Trees {
    features: Vec<String>,
    /// Trees one after the other, each in pre-order: children stand behind their parent, so every walk ends.
    nodes: Vec<Node>,
    /// Where each tree starts in `nodes`.
    roots: Vec<usize>,
    /// The values of all leaves, and where those of each tree start.
    leaves: Vec<f32>,
    first_leaves: Vec<usize>,
    /// For each feature, the splits that ask it, thresholds ascending.
    questions: Vec<Vec<Question>>,
}

/// A split as a score asks it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Question {
    threshold: f32,
    tree: u32,
    /// The leaves of the tree, from the lowest bit on, but for those left of this split.
    beyond: u64,
}

/// A split that is being read, and how many leaves of its tree came before it.
type Open = (usize, usize);

/// One node in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    feature: u16,
    /// How far behind the split its right side starts; the left side starts right behind it. 0 in a leaf.
    right: u16,
    threshold: f32,
    value: f32,
}

impl Trees {
    /// Trees of `nodes` over rows of `features`.
    ///
    /// `None` when a tree is not whole, a split asks what is no feature, a number is none or is a million or more (a
    /// threshold need only be a number), a tree has more than 64 leaves, or two features have one name.
    #[must_use]
    pub fn new(features: Vec<String>, nodes: impl IntoIterator<Item = TreeNode>) -> Option<Self> {
        let names: HashSet<&String> = features.iter().collect();
        if names.len() < features.len() || features.len() >= usize::from(LEAF) {
            return None;
        }
        let mut trees = Self {
            questions: vec![Vec::new(); features.len()],
            features,
            nodes: Vec::new(),
            roots: Vec::new(),
            leaves: Vec::new(),
            first_leaves: Vec::new(),
        };
        let mut open = Vec::new();
        for node in nodes {
            if open.is_empty() {
                trees.roots.push(trees.nodes.len());
                trees.first_leaves.push(trees.leaves.len());
            }
            trees.add(node, &mut open)?;
        }
        for questions in &mut trees.questions {
            questions.sort_by(|left, right| left.threshold.total_cmp(&right.threshold));
        }
        open.is_empty().then_some(trees)
    }

    /// Adds the next node; `open` are the splits of its tree that are not whole yet.
    fn add(&mut self, node: TreeNode, open: &mut Vec<Open>) -> Option<()> {
        let known = |feature: u16| usize::from(feature) < self.features.len();
        match node {
            TreeNode::Split { feature, threshold, value }
                if known(feature) && threshold.is_finite() && is_value(value) =>
            {
                open.push((self.nodes.len(), self.leaves_of_last()?));
                self.nodes.push(Node { feature, right: 0, threshold, value });
                Some(())
            }
            TreeNode::Leaf { value } if is_value(value) => {
                self.nodes.push(Node { feature: 0, right: 0, threshold: 0.0, value });
                self.leaves.push(value);
                self.close(open)
            }
            TreeNode::Split { .. } | TreeNode::Leaf { .. } => None,
        }
    }

    /// How many leaves the last tree has so far; `None` when there are too many.
    fn leaves_of_last(&self) -> Option<usize> {
        let leaves = self.leaves.len().checked_sub(*self.first_leaves.last()?)?;
        (leaves <= MOST_LEAVES).then_some(leaves)
    }

    /// What ended with the last node: the left side of a split, whose right side starts now, or more.
    fn close(&mut self, open: &mut Vec<Open>) -> Option<()> {
        let (next, end) = (self.nodes.len(), self.leaves_of_last()?);
        while let Some((split, start)) = open.pop() {
            let node = self.nodes.get_mut(split)?;
            if node.right == 0 {
                node.right = u16::try_from(next - split).ok()?;
                let tree = u32::try_from(self.roots.len().checked_sub(1)?).ok()?;
                let beyond = !(lowest(end)? & !lowest(start)?);
                let question = Question { threshold: node.threshold, tree, beyond };
                self.questions.get_mut(usize::from(node.feature))?.push(question);
                open.push((split, start));
                break;
            }
        }
        Some(())
    }

    /// Reads trees; any bytes are safe.
    ///
    /// # Errors
    /// When they are no trees, some of another form, or damaged ones.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TreesError> {
        let mut reader = Reader(bytes);
        if reader.take(8) != Some(MAGIC.as_slice()) {
            return Err(TreesError::NotTrees);
        }
        match reader.number() {
            None => Err(TreesError::Damaged),
            Some(version) if version != VERSION => Err(TreesError::OtherForm { version }),
            Some(_) => Self::read(&mut reader).ok_or(TreesError::Damaged),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let hash = reader.take(32)?;
        if ContentHash::of(reader.0).as_bytes().as_slice() != hash {
            return None;
        }
        let mut features = Vec::new();
        for _ in 0..reader.short()? {
            let length = usize::from(reader.short()?);
            features.push(std::str::from_utf8(reader.take(length)?).ok()?.to_owned());
        }
        let mut nodes = Vec::new();
        while !reader.0.is_empty() {
            nodes.push(match reader.short()? {
                LEAF => TreeNode::Leaf { value: reader.float()? },
                feature => {
                    let threshold = f32::from_bits(reader.number()?);
                    TreeNode::Split { feature, threshold, value: reader.float()? }
                }
            });
        }
        Self::new(features, nodes)
    }

    /// The bytes that [`Self::from_bytes`] reads; names of features are cut at 65 thousand bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let mut body = short(self.features.len()).to_le_bytes().to_vec();
        for name in &self.features {
            let name = name.get(..name.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default();
            body.extend(short(name.len()).to_le_bytes());
            body.extend(name.bytes());
        }
        for node in &self.nodes {
            if node.right == 0 {
                body.extend(LEAF.to_le_bytes());
            } else {
                body.extend(node.feature.to_le_bytes());
                body.extend(node.threshold.to_le_bytes());
            }
            body.extend(node.value.to_le_bytes());
        }
        [MAGIC.as_slice(), &VERSION.to_le_bytes(), ContentHash::of(&body).as_bytes(), &body].concat()
    }

    /// Names of the numbers that a row must have, in their order.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// How many trees there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is no tree, so that every score is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The score of `row`, always a number. What a short row lacks counts as NaN.
    #[must_use]
    pub fn score(&self, row: &[f32]) -> f32 {
        let mut left = vec![u64::MAX; self.roots.len()];
        for (feature, questions) in self.questions.iter().enumerate() {
            let value = row.get(feature).copied().unwrap_or(f32::NAN);
            for question in questions.iter().take_while(|question| value > question.threshold) {
                if let Some(leaves) = left.get_mut(question.tree as usize) {
                    *leaves &= question.beyond;
                }
            }
        }
        let reached = left.iter().zip(&self.first_leaves);
        let values = reached.filter_map(|(left, first)| self.leaves.get(first + left.trailing_zeros() as usize));
        let score = values.fold(0.0, |sum, value| sum + f64::from(*value));
        rounded(score)
    }

    /// The part of every score that no feature has to do with.
    #[must_use]
    pub fn bias(&self) -> f32 {
        let values = self.roots.iter().filter_map(|root| Some(f64::from(self.nodes.get(*root)?.value)));
        rounded(values.fold(0.0, |sum, value| sum + value))
    }

    /// Adds to each feature's place in `shares` what it did to the score of `row`. With [`Self::bias`] these add up to
    /// [`Self::score`], but for rounding; what has no place in a short `shares` is left out.
    pub fn shares(&self, row: &[f32], shares: &mut [f32]) {
        for root in &self.roots {
            let mut at = *root;
            while let Some(node) = self.nodes.get(at).filter(|node| node.right > 0) {
                at += node.step(row);
                let place = shares.get_mut(usize::from(node.feature));
                if let (Some(share), Some(next)) = (place, self.nodes.get(at)) {
                    *share += next.value - node.value;
                }
            }
        }
    }
}

impl Node {
    /// How far behind this split the side of `row` starts.
    fn step(&self, row: &[f32]) -> usize {
        let value = row.get(usize::from(self.feature)).copied().unwrap_or(f32::NAN);
        if value > self.threshold { usize::from(self.right) } else { 1 }
    }
}

/// The lowest `count` bits; `None` above 63, where no split can have that many leaves at its left.
fn lowest(count: usize) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(count).ok()?)?.checked_sub(1)
}

/// Whether sums of such values stay numbers.
fn is_value(value: f32) -> bool {
    value.is_finite() && value.abs() < 1e6
}

#[allow(clippy::cast_possible_truncation, reason = "values are below a million")]
fn rounded(sum: f64) -> f32 {
    sum as f32
}
