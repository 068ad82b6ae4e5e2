//! How good the tables are: NDCG@10 on packages that were kept apart, and run files for the evaluation's scorer.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tagout::retrieve::{Catalogue, Detail, Embedding, Intent, Question, Ranker, Shape, StoredChunk, Wanted, search};
use tagout::syntax::{Chunk, chunk_text};
use tagout::workspace::{ContentHash, RelativePath};

use super::harvest::Harvest;

/// Answers written for each question.
const WRITTEN: usize = 50;

/// `chunks` as the product keeps them; those of one file stand together.
pub(super) fn catalogue(chunks: &[StoredChunk], table: &Embedding) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for file in chunks.chunk_by(|left, right| left.path == right.path) {
        let path = &file[0].path;
        let with_vector = |stored: &StoredChunk| (stored.chunk.clone(), table.chunk_vector(&stored.chunk, path));
        let list: Vec<(Chunk, Vec<f32>)> = file.iter().map(with_vector).collect();
        catalogue.put(path, ContentHash::of(path.as_str().as_bytes()), &list);
    }
    Catalogue::from_bytes(catalogue.to_bytes("training"), "training").expect("what was written is read")
}

/// Whether `found` is the chunk that was wanted.
pub(super) fn is_wanted(catalogue: &Catalogue, found: u32, wanted: &StoredChunk) -> bool {
    let known = catalogue.known(found).expect("nothing was removed");
    known.path == wanted.path.as_str() && known.span == wanted.chunk.span
}

/// NDCG@10 of one answer.
fn gain(catalogue: &Catalogue, answer: impl Iterator<Item = u32>, wanted: &StoredChunk) -> f32 {
    let place = answer.take(10).position(|found| is_wanted(catalogue, found, wanted));
    place.map_or(0.0, |place| 1.0 / (place as f32 + 2.0).log2())
}

/// NDCG@10 over the questions of packages that were kept apart, by the vector alone.
pub(super) fn by_vector(harvests: &[Harvest], table: &Embedding) -> f32 {
    mean(harvests, table, |catalogue, question| {
        catalogue.similar(&table.question_vector(question), 10).into_iter().map(|(chunk, _)| chunk).collect()
    })
}

/// The same as the product answers where a definition is asked for.
pub(super) fn ranked(harvests: &[Harvest], ranker: Ranker<'_>) -> f32 {
    mean(harvests, ranker.embedding, |catalogue, question| {
        let wanted = Wanted { intent: Intent::Behaviour, limit: 10, detail: Detail::Scores };
        let vector = ranker.embedding.question_vector(question);
        search(catalogue, ranker, question, &vector, wanted).into_iter().map(|answer| answer.chunk).collect()
    })
}

fn mean(harvests: &[Harvest], table: &Embedding, answer: impl Fn(&Catalogue, &Question) -> Vec<u32>) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0_f32);
    for harvest in harvests {
        let catalogue = catalogue(&harvest.chunks, table);
        for (question, wanted) in &harvest.pairs {
            let answers = answer(&catalogue, &Question::parse(question));
            sum += gain(&catalogue, answers.into_iter(), &harvest.chunks[*wanted]);
            count += 1.0;
        }
    }
    sum / count.max(1.0)
}

/// Answers the questions of a file over the folders below `corpora` and writes two run files: `OUT.auto.jsonl` with the
/// intent that the words of a question tell, `OUT.given.jsonl` with the intent of its task.
pub(super) fn runs(corpora: &Path, questions: &Path, ranker: Ranker<'_>, out: &str) {
    let text = std::fs::read_to_string(questions).expect("the questions can be read");
    let asked: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a question is JSON")).collect();
    let (mut auto, mut given) = (String::new(), String::new());
    for asked in asked.chunk_by(|left, right| left["project"] == right["project"]) {
        let project = asked[0]["project"].as_str().expect("a question has a project");
        let catalogue = catalogue(&chunks_below(&corpora.join(project)), ranker.embedding);
        let mut times = Vec::new();
        for asked in asked {
            let question = Question::parse(asked["query"].as_str().expect("a question has a text"));
            let told = match asked["task"].as_str() {
                _ if question.shape == Shape::Symbol => Intent::Symbol,
                Some("doc2code") => Intent::Behaviour,
                _ => Intent::File,
            };
            for (intent, run) in [(Intent::of(&question), &mut auto), (told, &mut given)] {
                let start = Instant::now();
                let wanted = Wanted { intent, limit: WRITTEN, detail: Detail::Scores };
                let vector = ranker.embedding.question_vector(&question);
                let answers = search(&catalogue, ranker, &question, &vector, wanted);
                times.push(start.elapsed().as_secs_f64() * 1000.0);
                let places: Vec<Value> = answers.iter().map(|answer| place(&catalogue, answer.chunk)).collect();
                run.push_str(&format!("{}\n", json!({"id": asked["id"], "results": places})));
            }
        }
        times.sort_by(f64::total_cmp);
        let (half, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        let (chunks, count) = (catalogue.len(), asked.len());
        println!("{project}: {chunks} chunks, {count} questions, p50 {half:.1} ms, p95 {most:.1} ms");
    }
    std::fs::write(format!("{out}.auto.jsonl"), auto).expect("the run can be written");
    std::fs::write(format!("{out}.given.jsonl"), given).expect("the run can be written");
}

fn place(catalogue: &Catalogue, chunk: u32) -> Value {
    let known = catalogue.known(chunk).expect("nothing was removed");
    json!({"path": known.path, "start_line": known.lines.start + 1, "end_line": known.lines.end})
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
