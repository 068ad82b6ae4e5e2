//! Texts as bags of terms with weights, and which terms the table knows.

use std::collections::{BTreeMap, HashMap, HashSet};

use tagout::retrieve::embedding::{each_chunk_term, each_question_term, term_hash, term_weight};
use tagout::retrieve::{Question, StoredChunk};

use super::harvest::Harvest;

/// Terms by number, each once, with what it counts for; then unknown terms by hash.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bag {
    /// Known terms.
    pub(super) known: Vec<(u32, f32)>,
    /// Unknown ones.
    pub(super) unknown: Vec<(u64, f32)>,
}

/// A question and the chunk that answers it.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// Question.
    pub(super) question: Bag,
    /// Chunk.
    pub(super) chunk: Bag,
    /// Number of its package.
    pub(super) package: u32,
}

/// The known terms, sorted, and how rare each is.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Terms.
    pub(super) terms: Vec<String>,
    /// Inverse document frequency over the chunks.
    pub(super) rarity: Vec<f32>,
    numbers: HashMap<String, u32>,
}

impl Vocabulary {
    /// The `most` terms that the most packages have, those of questions first among equals.
    pub(super) fn choose(harvests: &[Harvest], most: usize) -> Self {
        #[derive(Default)]
        struct Seen {
            packages: HashSet<usize>,
            chunks: usize,
            questions: usize,
        }
        let (mut seen, mut total) = (HashMap::<String, Seen>::new(), 0_usize);
        for (package, harvest) in harvests.iter().enumerate() {
            for (question, chunk) in &harvest.pairs {
                total += 1;
                for (term, sides) in sides(question, &harvest.chunks[*chunk]) {
                    let seen = seen.entry(term).or_default();
                    seen.packages.insert(package);
                    seen.questions += usize::from(sides.0);
                    seen.chunks += usize::from(sides.1);
                }
            }
        }
        let mut ranked: Vec<(usize, usize, String, usize)> = seen
            .into_iter()
            .filter(|(term, seen)| seen.packages.len() > 1 && (!term.starts_with('=') || seen.packages.len() > 3))
            .map(|(term, seen)| (seen.packages.len(), 3 * seen.questions + seen.chunks, term, seen.chunks))
            .collect();
        ranked.sort_by(|left, right| (right.0.min(6), right.1, &left.2).cmp(&(left.0.min(6), left.1, &right.2)));
        ranked.truncate(most);
        ranked.sort_by(|left, right| left.2.cmp(&right.2));
        let rarity = |chunks: usize| (1.0 + total as f32 / (chunks as f32 + 1.0)).ln();
        let (terms, rarity) = ranked.into_iter().map(|(_, _, term, chunks)| (term, rarity(chunks))).unzip();
        Self::of(terms, rarity)
    }

    /// Of sorted terms.
    pub(super) fn of(terms: Vec<String>, rarity: Vec<f32>) -> Self {
        let numbers = terms.iter().enumerate().map(|(at, term)| (term.clone(), at as u32)).collect();
        Self { terms, rarity, numbers }
    }

    fn bag(&self, each: impl FnOnce(&mut dyn FnMut(&str, f32))) -> Bag {
        let (mut known, mut unknown) = (BTreeMap::<u32, f32>::new(), BTreeMap::<u64, f32>::new());
        each(&mut |term, weight| match self.numbers.get(term) {
            Some(number) => *known.entry(*number).or_default() += weight,
            None => *unknown.entry(term_hash(term)).or_default() += weight,
        });
        let known = known.into_iter().map(|(term, sum)| (term, term_weight(sum))).collect();
        Bag { known, unknown: unknown.into_iter().map(|(term, sum)| (term, term_weight(sum))).collect() }
    }

    /// The pairs of all harvests, in order.
    pub(super) fn pairs(&self, harvests: &[Harvest]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (package, harvest) in harvests.iter().enumerate() {
            for (question, chunk) in &harvest.pairs {
                let stored = &harvest.chunks[*chunk];
                let question = Question::parse(question);
                pairs.push(Pair {
                    question: self.bag(|take| each_question_term(&question, take)),
                    chunk: self.bag(|take| each_chunk_term(&stored.chunk, &stored.path, take)),
                    package: package as u32,
                });
            }
        }
        pairs.retain(|pair| !pair.question.known.is_empty() && !pair.chunk.known.is_empty());
        pairs
    }
}

/// The terms of a pair, and whether each is in the question, in the chunk.
fn sides(question: &str, stored: &StoredChunk) -> BTreeMap<String, (bool, bool)> {
    let mut found = BTreeMap::<String, (bool, bool)>::new();
    each_question_term(&Question::parse(question), &mut |term, _| found.entry(term.to_owned()).or_default().0 = true);
    each_chunk_term(&stored.chunk, &stored.path, &mut |term, _| found.entry(term.to_owned()).or_default().1 = true);
    found
}
