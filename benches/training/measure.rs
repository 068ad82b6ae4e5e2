//! How good the table is: NDCG@10 on packages that were kept apart, and run files for the evaluation's scorer.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use tagout::retrieve::{
    Candidate, Embedding, Question, StoredChunk, chunk_features, cosine, index_terms, question_features, rank,
};
use tagout::syntax::chunk_text;
use tagout::workspace::RelativePath;

use super::harvest::Harvest;

/// Candidates from each way of looking, as the engine asks for.
const CANDIDATES: usize = 100;

/// What gives the similarity.
#[derive(Clone, Copy)]
pub(super) enum By<'table> {
    /// Hashed features.
    Hashes,
    /// The table.
    Table(&'table Embedding),
}

impl By<'_> {
    fn chunk(self, stored: &StoredChunk) -> Vec<f32> {
        match self {
            Self::Hashes => chunk_features(&stored.chunk),
            Self::Table(table) => table.chunk_vector(&stored.chunk, &stored.path),
        }
    }

    fn question(self, question: &Question) -> Vec<f32> {
        match self {
            Self::Hashes => question_features(question),
            Self::Table(table) => table.question_vector(question),
        }
    }
}

/// Chunks in memory, with what finds them.
pub(super) struct Index<'chunks> {
    chunks: &'chunks [StoredChunk],
    vectors: Vec<Vec<f32>>,
    postings: HashMap<String, Vec<(usize, f32)>>,
    lengths: Vec<f32>,
}

impl<'chunks> Index<'chunks> {
    /// Of chunks.
    pub(super) fn new(chunks: &'chunks [StoredChunk], by: By) -> Self {
        let mut index = Self { chunks, vectors: Vec::new(), postings: HashMap::new(), lengths: Vec::new() };
        for (at, stored) in chunks.iter().enumerate() {
            index.vectors.push(by.chunk(stored));
            let mut counts = HashMap::<String, f32>::new();
            let terms = index_terms(&stored.path, &stored.chunk);
            index.lengths.push(terms.len() as f32);
            terms.into_iter().for_each(|term| *counts.entry(term).or_default() += 1.0);
            for (term, count) in counts {
                index.postings.entry(term).or_default().push((at, count));
            }
        }
        index
    }

    /// Chunks by the vector alone, best first, at most `most`.
    pub(super) fn by_vector(&self, vector: &[f32], most: usize) -> Vec<(usize, f32)> {
        best(self.vectors.iter().map(|chunk| cosine(vector, chunk)).enumerate().collect(), most)
    }

    fn by_terms(&self, question: &Question) -> Vec<(usize, f32)> {
        let mean = self.lengths.iter().sum::<f32>() / self.lengths.len().max(1) as f32;
        let mut scores = HashMap::<usize, f32>::new();
        for having in question.terms.iter().filter_map(|term| self.postings.get(term)) {
            let rarity =
                (1.0 + (self.chunks.len() as f32 - having.len() as f32 + 0.5) / (having.len() as f32 + 0.5)).ln();
            for (at, count) in having {
                let length = 0.25 + 0.75 * self.lengths[*at] / mean;
                *scores.entry(*at).or_default() += rarity * count * 2.2 / (count + 1.2 * length);
            }
        }
        best(scores.into_iter().collect(), CANDIDATES)
    }

    /// Chunks as [`rank`] orders the candidates.
    pub(super) fn ranked(&self, question: &Question, by: By) -> Vec<usize> {
        let vector = by.question(question);
        let names: HashSet<String> = question.names.iter().map(|name| name.name.to_lowercase()).collect();
        let mut chosen: Vec<usize> = self.by_vector(&vector, CANDIDATES).iter().map(|(at, _)| *at).collect();
        chosen.extend(self.by_terms(question).iter().map(|(at, _)| *at));
        let named = |at: &usize| {
            self.chunks[*at].chunk.symbol.as_ref().is_some_and(|name| names.contains(&name.to_lowercase()))
        };
        chosen.extend((0..self.chunks.len()).filter(named).take(CANDIDATES));
        chosen.sort_unstable();
        chosen.dedup();
        let candidate = |at: &usize| Candidate {
            stored: self.chunks[*at].clone(),
            similarity: cosine(&vector, &self.vectors[*at]),
        };
        let candidates: Vec<Candidate> = chosen.iter().map(candidate).collect();
        rank(question, &candidates, self.chunks.len()).iter().map(|hit| chosen[hit.index]).collect()
    }
}

fn best(mut scores: Vec<(usize, f32)>, most: usize) -> Vec<(usize, f32)> {
    scores.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    scores.truncate(most);
    scores
}

/// NDCG@10 of one answer.
fn gain(answer: impl Iterator<Item = usize>, wanted: usize) -> f32 {
    let place = answer.take(10).position(|at| at == wanted);
    place.map_or(0.0, |place| 1.0 / (place as f32 + 2.0).log2())
}

/// NDCG@10 over the questions of packages that were kept apart: by the vector alone, and as ranked.
pub(super) fn held(harvests: &[Harvest], by: By, with_rank: bool) -> (f32, f32) {
    let (mut alone, mut ranked, mut count) = (0.0, 0.0, 0.0_f32);
    for harvest in harvests {
        let index = Index::new(&harvest.chunks, by);
        for (question, wanted) in &harvest.pairs {
            let question = Question::parse(question);
            count += 1.0;
            alone += gain(index.by_vector(&by.question(&question), 10).into_iter().map(|(at, _)| at), *wanted);
            if with_rank {
                ranked += gain(index.ranked(&question, by).into_iter(), *wanted);
            }
        }
    }
    (alone / count.max(1.0), ranked / count.max(1.0))
}

/// Answers the questions of a file over the folders below `corpora` and writes two run files: `OUT.vector.jsonl` by the
/// vector alone, `OUT.rank.jsonl` as ranked.
pub(super) fn runs(corpora: &Path, questions: &Path, by: By, out: &str) {
    let text = std::fs::read_to_string(questions).expect("the questions can be read");
    let asked: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a question is JSON")).collect();
    let (mut alone, mut ranked) = (String::new(), String::new());
    for asked in asked.chunk_by(|left, right| left["project"] == right["project"]) {
        let project = asked[0]["project"].as_str().expect("a question has a project");
        let chunks = chunks_below(&corpora.join(project));
        let index = Index::new(&chunks, by);
        for asked in asked {
            let question = Question::parse(asked["query"].as_str().expect("a question has a text"));
            let by_vector = index.by_vector(&by.question(&question), 30).into_iter().map(|(at, _)| at);
            alone.push_str(&answer(&asked["id"], by_vector, &chunks));
            ranked.push_str(&answer(&asked["id"], index.ranked(&question, by).into_iter().take(30), &chunks));
        }
        println!("{project}: {} chunks, {} questions", chunks.len(), asked.len());
    }
    std::fs::write(format!("{out}.vector.jsonl"), alone).expect("the run can be written");
    std::fs::write(format!("{out}.rank.jsonl"), ranked).expect("the run can be written");
}

fn answer(id: &Value, found: impl Iterator<Item = usize>, chunks: &[StoredChunk]) -> String {
    let place = |at: usize| {
        let stored = &chunks[at];
        json!({"path": stored.path, "start_line": stored.chunk.lines.start + 1, "end_line": stored.chunk.lines.end})
    };
    format!("{}\n", json!({"id": id, "results": found.map(place).collect::<Vec<_>>()}))
}

fn chunks_below(folder: &Path) -> Vec<StoredChunk> {
    let (mut files, mut waiting, mut chunks) = (Vec::new(), vec![folder.to_owned()], Vec::new());
    while let Some(next) = waiting.pop() {
        let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        let path = RelativePath::from_path(file.strip_prefix(folder).expect("it is below")).expect("a plain path");
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if !path.as_str().starts_with(".git/") {
            let found = chunk_text(&path, &text, &|| false).chunks;
            chunks.extend(found.into_iter().map(|chunk| StoredChunk { path: path.clone(), chunk }));
        }
    }
    chunks
}
