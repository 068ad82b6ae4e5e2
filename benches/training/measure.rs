//! How good the table is: NDCG@10 on packages that were kept apart, and run files for the evaluation's scorer.

use std::path::Path;

use serde_json::{Value, json};
use tagout::retrieve::{Catalogue, Embedding, Question, StoredChunk, search};
use tagout::syntax::{Chunk, chunk_text};
use tagout::workspace::{ContentHash, RelativePath};

use super::harvest::Harvest;

/// Chunks in memory, with what finds them.
pub(super) struct Index<'table> {
    catalogue: Catalogue,
    table: &'table Embedding,
    /// The place in the list of each chunk of the catalogue.
    places: Vec<usize>,
}

impl<'table> Index<'table> {
    /// Of chunks, those of one file beside each other.
    pub(super) fn new(chunks: &[StoredChunk], table: &'table Embedding) -> Self {
        let mut index = Self { catalogue: Catalogue::default(), table, places: vec![0; chunks.len()] };
        let mut first = 0;
        for file in chunks.chunk_by(|left, right| left.path == right.path) {
            let path = &file[0].path;
            let put: Vec<(Chunk, Vec<f32>)> =
                file.iter().map(|stored| (stored.chunk.clone(), table.chunk_vector(&stored.chunk, path))).collect();
            index.catalogue.put(path, ContentHash::of(b""), &put);
            for (at, number) in index.catalogue.chunks_of(path).into_iter().enumerate() {
                index.places[number as usize] = first + at;
            }
            first += file.len();
        }
        index
    }

    /// Chunks by the vector alone, best first, at most `most`.
    pub(super) fn by_vector(&self, question: &Question, most: usize) -> Vec<usize> {
        let found = self.catalogue.similar(&self.table.question_vector(question), most);
        found.into_iter().map(|(number, _)| self.places[number as usize]).collect()
    }

    /// Chunks as the program answers, best first, at most `most`.
    pub(super) fn ranked(&self, question: &Question, most: usize) -> Vec<usize> {
        let found = search(&self.catalogue, question, &self.table.question_vector(question), most);
        found.into_iter().map(|answer| self.places[answer.chunk as usize]).collect()
    }
}

/// NDCG@10 of one answer.
fn gain(answer: &[usize], wanted: usize) -> f32 {
    let place = answer.iter().take(10).position(|at| *at == wanted);
    place.map_or(0.0, |place| 1.0 / (place as f32 + 2.0).log2())
}

/// NDCG@10 over the questions of packages that were kept apart: by the vector alone, and as ranked.
pub(super) fn held(harvests: &[Harvest], table: &Embedding, with_rank: bool) -> (f32, f32) {
    let (mut alone, mut ranked, mut count) = (0.0, 0.0, 0.0_f32);
    for harvest in harvests {
        let index = Index::new(&harvest.chunks, table);
        for (question, wanted) in &harvest.pairs {
            let question = Question::parse(question);
            count += 1.0;
            alone += gain(&index.by_vector(&question, 10), *wanted);
            if with_rank {
                ranked += gain(&index.ranked(&question, 10), *wanted);
            }
        }
    }
    (alone / count.max(1.0), ranked / count.max(1.0))
}

/// Answers the questions of a file over the folders below `corpora` and writes two run files: `OUT.vector.jsonl` by the
/// vector alone, `OUT.rank.jsonl` as ranked.
pub(super) fn runs(corpora: &Path, questions: &Path, table: &Embedding, out: &str) {
    let text = std::fs::read_to_string(questions).expect("the questions can be read");
    let asked: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a question is JSON")).collect();
    let (mut alone, mut ranked) = (String::new(), String::new());
    for asked in asked.chunk_by(|left, right| left["project"] == right["project"]) {
        let project = asked[0]["project"].as_str().expect("a question has a project");
        let chunks = chunks_below(&corpora.join(project));
        let index = Index::new(&chunks, table);
        for asked in asked {
            let question = Question::parse(asked["query"].as_str().expect("a question has a text"));
            alone.push_str(&answer(&asked["id"], &index.by_vector(&question, 30), &chunks));
            ranked.push_str(&answer(&asked["id"], &index.ranked(&question, 30), &chunks));
        }
        println!("{project}: {} chunks, {} questions", chunks.len(), asked.len());
    }
    std::fs::write(format!("{out}.vector.jsonl"), alone).expect("the run can be written");
    std::fs::write(format!("{out}.rank.jsonl"), ranked).expect("the run can be written");
}

fn answer(id: &Value, found: &[usize], chunks: &[StoredChunk]) -> String {
    let place = |at: &usize| {
        let stored = &chunks[*at];
        json!({"path": stored.path, "start_line": stored.chunk.lines.start + 1, "end_line": stored.chunk.lines.end})
    };
    format!("{}\n", json!({"id": id, "results": found.iter().map(place).collect::<Vec<_>>()}))
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
