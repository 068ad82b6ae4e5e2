//! What is asked of the catalogue.

use super::super::DIMENSIONS;
use super::postings::{List, Posting};
use super::recent::Changes;
use super::{Catalogue, Field, Lexical, vectors};

/// What a term counts for by where it stands, in the order of [`Field::ALL`].
const WEIGHTS: [f32; 5] = [4.0, 1.5, 1.0, 1.5, 1.0];
/// BM25's saturation, and how much the length of a field takes away (Robertson and Zaragoza 2009, section 3.5).
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.75;

/// The chunks that a term stands in, those that are gone too.
#[derive(Clone, Copy, Default)]
struct Term<'a> {
    base: List<'a>,
    recent: Option<&'a Changes>,
}

impl<'a> Term<'a> {
    fn postings(self) -> impl Iterator<Item = Posting> + use<'a> {
        self.base.iter().chain(self.recent.into_iter().flat_map(|recent| recent.postings.iter().copied()))
    }

    /// How many of the chunks are there.
    fn having(self) -> u32 {
        let (live, gone) = self.recent.map_or((0, 0), |recent| (recent.live, recent.gone));
        self.base.having.saturating_sub(gone).saturating_add(live)
    }

    /// How often it stands in a chunk, when `base` is how many chunks the base has.
    fn counts(self, chunk: u32, base: u32) -> Option<[u8; 5]> {
        if chunk < base {
            return self.base.counts(chunk);
        }
        let postings = &self.recent?.postings;
        let at = postings.binary_search_by_key(&chunk, |posting| posting.chunk).ok()?;
        postings.get(at).map(|posting| posting.counts)
    }
}

impl Catalogue {
    fn term(&self, term: &str) -> Term<'_> {
        Term { base: self.base.list(term), recent: self.recent.of_term(term) }
    }

    /// The chunks in which any of `terms` stands, best first, at most `limit`; of equal ones the lower number first.
    #[must_use]
    pub fn lexical(&self, terms: &[String], limit: usize) -> Vec<Lexical> {
        let means = self.mean_lengths();
        let mut scores = vec![0.0_f32; self.records.len()];
        for term in terms {
            let term = self.term(term);
            let weight = self.rarity(term.having());
            for posting in term.postings() {
                let at = posting.chunk as usize;
                if let (Some(score), Some(lengths), Some(true)) =
                    (scores.get_mut(at), self.lengths.get(at), self.live.get(at))
                {
                    *score += weight * saturated(frequency(posting.counts, lengths, &means));
                }
            }
        }
        let found = (0..).zip(scores).filter(|(_, score)| *score > 0.0);
        let found = found.map(|(chunk, score)| Lexical { chunk, score }).collect();
        best(found, limit, |a: &Lexical, b: &Lexical| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)))
    }

    /// Inverse document frequency of a term.
    #[must_use]
    pub fn rarity_of(&self, term: &str) -> f32 {
        self.rarity(self.term(term).having())
    }

    /// Inverse document frequency of a term that so many chunks have.
    #[allow(clippy::cast_precision_loss, reason = "counts of chunks are far below 2^24 where it matters")]
    fn rarity(&self, having: u32) -> f32 {
        let (having, all) = (having as f32, self.count as f32);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    /// What terms are worth in each field alone of a chunk whose fields have these lengths, in the order of [`Field::ALL`]:
    /// for each term, how often it stands in each field and how rare it is.
    #[must_use]
    pub fn field_scores(&self, lengths: &[u16; 5], terms: impl Iterator<Item = ([u8; 5], f32)>) -> [f32; 5] {
        let (mut scores, means) = ([0.0; 5], self.mean_lengths());
        for (counts, weight) in terms.filter(|(counts, _)| *counts != [0; 5]) {
            for ((at, count), score) in counts.into_iter().enumerate().zip(&mut scores) {
                let mut alone = [0; 5];
                if let Some(own) = alone.get_mut(at) {
                    *own = count;
                }
                *score += weight * saturated(frequency(alone, lengths, &means));
            }
        }
        scores
    }

    /// Terms that a chunk has in each field on average, at least one.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a mean of lengths")]
    pub fn mean_lengths(&self) -> [f32; 5] {
        self.totals.map(|length| (length as f32 / self.count.max(1) as f32).max(1.0))
    }

    /// Cosine of each chunk's vector and `vector`, the greatest first, at most `limit`; of equal ones the lower number
    /// first.
    #[must_use]
    pub fn similar(&self, vector: &[f32], limit: usize) -> Vec<(u32, f32)> {
        let wanted = vectors::Wanted::new(vector);
        let (own, _) = self.vectors.as_chunks::<DIMENSIONS>();
        let numbered = (0_u32..).zip(own.iter().zip(&self.live)).filter(|(_, (_, live))| **live);
        let found = numbered.map(|(number, (own, _))| (number, wanted.dot(own))).collect();
        let found = best(found, limit, |a: &(u32, i32), b: &(u32, i32)| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        found.into_iter().map(|(number, dot)| (number, vectors::cosine(dot))).collect()
    }

    /// Cosine of the vectors of each of `chunks` and a question; 0 for one that is gone.
    #[must_use]
    pub fn similarities(&self, chunks: &[u32], vector: &[f32]) -> Vec<f32> {
        let wanted = vectors::Wanted::new(vector);
        let own = |chunk: &u32| self.vector(*chunk).and_then(|own| own.first_chunk());
        chunks.iter().map(|chunk| own(chunk).map_or(0.0, |own| vectors::cosine(wanted.dot(own)))).collect()
    }

    /// Chunks whose symbol is `name`, ignoring case, then those whose symbol begins with it, in the order of their
    /// names; at most `limit`.
    #[must_use]
    pub fn named(&self, name: &str, limit: usize) -> Vec<u32> {
        let name = name.to_lowercase();
        if name.is_empty() {
            return Vec::new();
        }
        let lower = |chunk: u32| self.symbol(chunk).map(str::to_lowercase).unwrap_or_default();
        let from = self.base.names.partition_point(|chunk| lower(*chunk) < name);
        let of_base = self.base.names.iter().skip(from).map(|chunk| (lower(*chunk), *chunk));
        let recent = self.recent.names.range((name.clone(), 0)..).cloned();
        let fits = |(symbol, _): &(String, u32)| symbol.starts_with(&name);
        let live = |(_, chunk): &(String, u32)| self.is_live(*chunk);
        let mut found: Vec<(String, u32)> = of_base.take_while(fits).filter(live).take(limit).collect();
        found.extend(recent.take_while(fits).filter(live).take(limit));
        found.sort_unstable();
        found.truncate(limit);
        found.into_iter().map(|(_, chunk)| chunk).collect()
    }

    /// All symbols, by chunk.
    pub fn symbols(&self) -> impl Iterator<Item = (u32, &str)> {
        (0_u32..).zip(&self.live).filter(|(_, live)| **live).filter_map(|(chunk, _)| Some((chunk, self.symbol(chunk)?)))
    }

    /// Symbol of a chunk, also of one that is gone.
    pub(super) fn symbol(&self, chunk: u32) -> Option<&str> {
        self.records.get(chunk as usize)?.symbol?.of(&self.strings)
    }

    /// Chunks in which a term stands, by number.
    #[must_use]
    pub fn having(&self, term: &str) -> Vec<u32> {
        self.standing(term).map(|(chunk, ..)| chunk).collect()
    }

    /// The chunks in which a term stands, each with the number of its file and how often it stands in each field, in the
    /// order of [`Field::ALL`].
    pub fn standing(&self, term: &str) -> impl Iterator<Item = (u32, u32, [u8; Field::ALL.len()])> {
        let of = |posting: Posting| Some((posting.chunk, self.record(posting.chunk)?.file, posting.counts));
        self.term(term).postings().filter_map(of)
    }

    /// How often a term stands in each field of each of `chunks`, in the order of [`Field::ALL`]; more than 255 times
    /// counts as 255.
    #[must_use]
    pub fn counts(&self, chunks: &[u32], term: &str) -> Vec<[u8; Field::ALL.len()]> {
        let term = self.term(term);
        let counts = |chunk: &u32| self.record(*chunk).and_then(|_| term.counts(*chunk, self.base.count));
        chunks.iter().map(|chunk| counts(chunk).unwrap_or_default()).collect()
    }
}

/// The first `limit` of `found` in their order.
fn best<T>(mut found: Vec<T>, limit: usize, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<T> {
    if found.len() > limit && limit > 0 {
        found.select_nth_unstable_by(limit - 1, &order);
    }
    found.truncate(limit);
    found.sort_unstable_by(order);
    found
}

fn saturated(frequency: f32) -> f32 {
    frequency / (SATURATION + frequency)
}

/// How often a term stands in a chunk, by where, and by how long each field is.
fn frequency(counts: [u8; 5], lengths: &[u16; 5], means: &[f32; 5]) -> f32 {
    let fields = counts.into_iter().zip(lengths).zip(means).zip(WEIGHTS);
    // Most fields hold none of it, and dividing nothing takes as long as dividing something.
    let some = fields.filter(|(((count, _), _), _)| *count > 0);
    let one = |(((count, length), mean), weight): (((u8, &u16), &f32), f32)| {
        weight * f32::from(count) / (1.0 - LENGTH + LENGTH * f32::from(*length) / mean)
    };
    some.map(one).sum()
}
