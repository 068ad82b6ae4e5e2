//! Candidates to an order: field-weighted BM25 and vector similarity, each divided by its best, then added.
//!
//! Max-normalised linear fusion, not reciprocal ranks: measured better on definition chunks.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::terms::each_term;
use super::{Candidate, Name, Question, Shape, terms};
use crate::syntax::ChunkKind;

/// One answer: which candidate, and how good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Place in the list of candidates.
    pub index: usize,
    /// Higher is better; compares within one answer only. What has the name that a question is, scores 4 and more.
    pub score: f32,
}

/// What a term counts for by where it stands: name, parent, path, signature, text.
const FIELD_WEIGHTS: [f32; 5] = [4.0, 1.5, 1.0, 1.5, 1.0];
/// BM25 saturation and length normalisation.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// What similarity and the share of a name's words count for beside the terms, which count for 1.
const SIMILARITY: f32 = 0.5;
const NAME_COVERAGE: f32 = 0.3;
/// What the least exact match of a whole name scores.
const WHOLE_NAME: f32 = 4.0;

/// Orders `candidates`, the best first; each of them is in the result once. `total` is how many chunks the index holds.
#[must_use]
pub fn rank(question: &Question, candidates: &[Candidate], total: usize) -> Vec<Hit> {
    let wanted: HashMap<&str, usize> =
        question.terms.iter().enumerate().map(|(at, term)| (term.as_str(), at)).collect();
    let fields: Vec<Fields> = candidates.iter().map(|candidate| Fields::of(candidate, &wanted)).collect();
    let weights = term_weights(&fields, wanted.len(), total);
    rank_with(question, candidates, &bm25(&fields, &weights))
}

/// Orders `candidates` by what the terms of each are worth, and all else.
#[must_use]
pub fn rank_with(question: &Question, candidates: &[Candidate], lexical: &[f32]) -> Vec<Hit> {
    let lexical = scaled(lexical.to_vec());
    let similarity = scaled(candidates.iter().map(|candidate| candidate.similarity.max(0.0)).collect());
    let mut hits: Vec<Hit> = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let value = |list: &[f32]| list.get(index).copied().unwrap_or_default();
        let coverage = NAME_COVERAGE * name_coverage(candidate, question);
        let fused = value(&lexical) + SIMILARITY * value(&similarity) + coverage;
        let fused = fused / (1.0 + SIMILARITY + NAME_COVERAGE) * path_factor(candidate, question);
        hits.push(Hit { index, score: fused + name_bonus(candidate, question) });
    }
    hits.sort_by(|left, right| right.score.total_cmp(&left.score).then_with(|| by_place(candidates, *left, *right)));
    hits
}

fn by_place(candidates: &[Candidate], left: Hit, right: Hit) -> Ordering {
    let place = |hit: Hit| {
        candidates.get(hit.index).map(|at| (&at.stored.path, at.stored.chunk.lines.start, at.stored.chunk.span.start))
    };
    place(left).cmp(&place(right)).then(left.index.cmp(&right.index))
}

/// How often each wanted term stands in each field of one candidate, and how long the fields are.
struct Fields {
    counts: [Vec<u16>; 5],
    lengths: [f32; 5],
}

impl Fields {
    fn of(candidate: &Candidate, wanted: &HashMap<&str, usize>) -> Self {
        let chunk = &candidate.stored.chunk;
        let path = candidate.stored.path.as_str();
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let texts = [
            chunk.symbol.as_deref().unwrap_or_default(),
            chunk.parent.as_deref().unwrap_or_default(),
            stem,
            chunk.signature.as_str(),
            chunk.text.as_str(),
        ];
        let mut fields = Self { counts: std::array::from_fn(|_| vec![0; wanted.len()]), lengths: [0.0; 5] };
        for ((text, counts), length) in texts.iter().zip(&mut fields.counts).zip(&mut fields.lengths) {
            each_term(text, &mut |term| {
                *length += 1.0;
                if let Some(count) = wanted.get(term).and_then(|at| counts.get_mut(*at)) {
                    *count = count.saturating_add(1);
                }
            });
        }
        fields
    }

    fn has(&self, term: usize) -> bool {
        self.counts.iter().any(|counts| counts.get(term).is_some_and(|count| *count > 0))
    }
}

/// Inverse document frequency of each wanted term over the whole index, guessed from the candidates: a term that few of
/// them have is as rare as it looks, one that all of them have is taken to be in all chunks.
#[allow(clippy::cast_precision_loss, reason = "counts of chunks are far below 2^24 where it matters")]
fn term_weights(fields: &[Fields], terms: usize, total: usize) -> Vec<f32> {
    let seen = fields.len().max(1) as f32;
    let total = (total as f32).max(seen);
    let weight = |term: usize| {
        let having = fields.iter().filter(|field| field.has(term)).count() as f32;
        let frequency = having * (total / seen).powf(having / seen);
        (1.0 + (total - frequency + 0.5) / (frequency + 0.5)).ln()
    };
    (0..terms).map(weight).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a count of candidates is small")]
fn bm25(fields: &[Fields], weights: &[f32]) -> Vec<f32> {
    let mean = |field: usize| {
        let sum: f32 = fields.iter().filter_map(|of| of.lengths.get(field)).sum();
        (sum / fields.len().max(1) as f32).max(1.0)
    };
    let means: [f32; 5] = std::array::from_fn(mean);
    let score = |of: &Fields| {
        let term_score = |(term, weight): (usize, &f32)| {
            let mut frequency = 0.0;
            for ((counts, (length, mean)), factor) in
                of.counts.iter().zip(of.lengths.iter().zip(&means)).zip(FIELD_WEIGHTS)
            {
                let count = counts.get(term).copied().map_or(0.0, f32::from);
                frequency += factor * count / (1.0 - B + B * length / mean);
            }
            weight * frequency / (K1 + frequency)
        };
        weights.iter().enumerate().map(term_score).sum()
    };
    fields.iter().map(score).collect()
}

/// Each value divided by the greatest.
fn scaled(mut values: Vec<f32>) -> Vec<f32> {
    let most = values.iter().copied().fold(0.0, f32::max);
    if most > 0.0 {
        values.iter_mut().for_each(|value| *value /= most);
    }
    values
}

/// The share of the words in a candidate's name that the question has.
#[allow(clippy::cast_precision_loss, reason = "a name has few words")]
fn name_coverage(candidate: &Candidate, question: &Question) -> f32 {
    let words: HashSet<String> = candidate.stored.chunk.symbol.as_deref().map(terms).into_iter().flatten().collect();
    let parts: Vec<&String> = words.iter().filter(|word| !word.starts_with('=')).collect();
    let met = parts.iter().filter(|word| question.terms.contains(word)).count();
    if parts.is_empty() { 0.0 } else { met as f32 / parts.len() as f32 }
}

/// What a candidate gains because its symbol is one that the question names.
fn name_bonus(candidate: &Candidate, question: &Question) -> f32 {
    let best = question.names.iter().map(|name| name_match(candidate, name)).fold(0.0, f32::max);
    match question.shape {
        Shape::Symbol => best,
        // Named in passing: a strong sign among others. A prefix says nothing here.
        Shape::Prose if best >= WHOLE_NAME => 0.35,
        Shape::Prose => 0.0,
    }
}

/// 8 for the very name, 6 but for case, 4 but for case and underscores, 2 for the beginning of one; then 3 for the
/// surroundings that were named and 1 for a definition itself. The rest of the score is at most 1.
fn name_match(candidate: &Candidate, wanted: &Name) -> f32 {
    let chunk = &candidate.stored.chunk;
    let Some(symbol) = chunk.symbol.as_deref() else { return 0.0 };
    let (lower, wanted_lower) = (symbol.to_lowercase(), wanted.name.to_lowercase());
    let joined = |name: &str| name.replace('_', "");
    let whole = if symbol == wanted.name {
        8.0
    } else if lower == wanted_lower {
        6.0
    } else if joined(&lower) == joined(&wanted_lower) {
        WHOLE_NAME
    } else if lower.starts_with(&wanted_lower) {
        2.0
    } else {
        return 0.0;
    };
    let surrounded =
        whole >= WHOLE_NAME && wanted.qualifier.as_ref().is_some_and(|qualifier| within(candidate, qualifier));
    let surroundings = if surrounded { 3.0 } else { 0.0 };
    let definition = match chunk.kind {
        ChunkKind::Function
        | ChunkKind::Method
        | ChunkKind::Type
        | ChunkKind::Interface
        | ChunkKind::Macro
        | ChunkKind::Variable => 1.0,
        ChunkKind::Module | ChunkKind::Section | ChunkKind::Text => 0.0,
    };
    whole + surroundings + definition
}

/// Whether a candidate is inside what `qualifier` names: its parent, its file, its folder.
fn within(candidate: &Candidate, qualifier: &str) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(qualifier);
    let parent = candidate.stored.chunk.parent.as_deref().unwrap_or_default();
    let mut path = candidate.stored.path.parts();
    parent.split(|at: char| !(at.is_alphanumeric() || at == '_')).any(same)
        || path.any(|part| same(part.split('.').next().unwrap_or(part)))
}

/// Below 1 for what people rarely look for: tests, examples, vendored and generated files; unless they ask for it.
fn path_factor(candidate: &Candidate, question: &Question) -> f32 {
    const RARE: &[(f32, &[&str])] = &[
        (0.75, &["test", "tests", "testing", "spec", "specs", "__tests__", "testdata", "fixtures", "fixture", "mocks"]),
        (0.85, &["examples", "example", "demo", "samples", "bench", "benches", "benchmarks"]),
        (
            0.6,
            &["vendor", "third_party", "thirdparty", "node_modules", "external", "generated", "gen", "dist", "build"],
        ),
    ];
    let path = candidate.stored.path.as_str().to_lowercase();
    let marks: HashSet<&str> = path.split(['/', '.', '-']).chain(path.split(['/', '.', '_'])).collect();
    let mut factor = if path.ends_with(".min.js") || path.ends_with(".lock") { 0.6 } else { 1.0 };
    for (less, names) in RARE {
        let asked = || names.iter().any(|name| terms(name).iter().any(|term| question.terms.contains(term)));
        if names.iter().any(|name| marks.contains(name)) && !asked() {
            factor *= less;
        }
    }
    match candidate.stored.chunk.kind {
        ChunkKind::Text => factor * 0.85,
        ChunkKind::Section => factor * 0.9,
        ChunkKind::Function
        | ChunkKind::Method
        | ChunkKind::Type
        | ChunkKind::Interface
        | ChunkKind::Module
        | ChunkKind::Variable
        | ChunkKind::Macro => factor,
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoredChunk;
    use super::*;
    use crate::syntax::Chunk;
    use crate::text::Span;
    use crate::workspace::RelativePath;

    fn candidate(path: &str, parent: &str, symbol: &str, text: &str) -> Candidate {
        let chunk = Chunk {
            span: Span::new(0, text.len()),
            lines: 3..4,
            symbol: (!symbol.is_empty()).then(|| symbol.to_owned()),
            kind: if symbol.is_empty() { ChunkKind::Text } else { ChunkKind::Function },
            parent: (!parent.is_empty()).then(|| parent.to_owned()),
            signature: String::new(),
            text: text.to_owned(),
        };
        Candidate { stored: StoredChunk { path: RelativePath::new(path).unwrap(), chunk }, similarity: 0.1 }
    }

    fn order(question: &str, candidates: &[Candidate]) -> Vec<usize> {
        rank(&Question::parse(question), candidates, 1_000).iter().map(|hit| hit.index).collect()
    }

    #[test]
    fn a_symbol_question_puts_whole_names_first() {
        let list = [
            candidate("a.rs", "", "parser_of_all", "parser parser parser"),
            candidate("b.rs", "", "", "Parser Parser Parser Parser"),
            candidate("c.rs", "", "parser", "nothing else"),
            candidate("d.rs", "", "Parser", "nothing else"),
            candidate("e.rs", "", "Par_ser", "nothing else"),
        ];
        assert_eq!(order("Parser", &list), [3, 2, 4, 0, 1]);
    }

    #[test]
    fn a_qualified_name_picks_the_right_parent_or_file() {
        let list = [
            candidate("a.rs", "Other", "join", "fn join()"),
            candidate("b.rs", "Root", "join", "fn join()"),
            candidate("root.py", "", "join", "def join()"),
            candidate("c.rs", "Root", "joined", "fn joined()"),
        ];
        assert_eq!(order("Root::join", &list).first(), Some(&1));
        assert_eq!(order("Other.join", &list).first(), Some(&0));
    }

    #[test]
    fn tests_come_after_what_they_test_unless_asked_for() {
        let list = [
            candidate("tests/header.rs", "", "reads_header", "read header"),
            candidate("src/header.rs", "", "reads_header", "read header"),
        ];
        assert_eq!(order("where is the header read", &list), [1, 0]);
        assert_eq!(order("tests that read the header", &list), [0, 1]);
        assert_eq!(order("reads_header", &list), [1, 0]);
    }

    #[test]
    fn the_order_does_not_hang_on_the_order_of_candidates() {
        let mut list: Vec<_> = (0..20).map(|at| candidate(&format!("f{at}.rs"), "", "same", "same text")).collect();
        let paths = |list: &[Candidate]| -> Vec<String> {
            order("same text", list).iter().map(|at| list[*at].stored.path.to_string()).collect()
        };
        let first = paths(&list);
        list.reverse();
        assert_eq!(paths(&list), first);
        assert!(first.is_sorted());
    }

    #[test]
    fn odd_questions_and_no_candidates_are_answered() {
        assert!(order("anything", &[]).is_empty());
        let mut odd = candidate("x.rs", "", "x", "");
        odd.similarity = f32::NAN;
        for question in ["", "?", "the of", "x", "Root::"] {
            let hits = rank(&Question::parse(question), std::slice::from_ref(&odd), 0);
            assert!(hits.len() == 1 && hits[0].score.is_finite(), "{question:?}: {hits:?}");
        }
    }
}
