//! Trains the built-in embedding from packages that `benches/training/fetch.py CACHE` has fetched.
//! `cargo run --example train table CACHE OUT [--epochs N] …`: harvests, trains, writes the table, prints how good it is.
//! `cargo run --example train queries CACHE OUT`: writes what was kept apart, for rankers: folders and `queries.jsonl`.
//! `cargo run --example train ranker CACHE OUT [TABLE]`: trains the trees that order candidates, on what was kept apart.
//! `cargo run --example train runs CORPORA QUERIES OUT [TABLE RANKER]`: run files for a scorer.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a training that cannot go on says so and stops; its numbers are small"
)]

#[path = "training/bags.rs"]
mod bags;
#[path = "training/boost.rs"]
mod boost;
#[path = "training/doc.rs"]
mod doc;
#[path = "training/harvest.rs"]
mod harvest;
#[path = "training/matrix.rs"]
mod matrix;
#[path = "training/measure.rs"]
mod measure;
#[path = "training/model.rs"]
mod model;
#[path = "training/ranker.rs"]
mod ranker;
#[path = "training/table.rs"]
mod table;

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tagout::retrieve::{Embedding, Ranker, Trees, in_turn, row_names};
use tagout::syntax::ChunkKind;

use bags::Vocabulary;
use harvest::{Harvest, Part};
use model::{Model, Plan};

/// The packages, and what each is for.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/training/packages.txt");
/// The tables of the product.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/retrieve/embedding.bin");
const RANKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/retrieve/ranker.bin");
/// Terms that the table knows, so that it is below 9.5 MB.
const TERMS: usize = 17_500;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["table", cache, out, options @ ..] => train(Path::new(cache), Path::new(out), options),
        ["queries", cache, out] => queries(Path::new(cache), Path::new(out)),
        ["ranker", cache, out] => ranker(Path::new(cache), Path::new(out), &read(std::fs::read(TABLE))),
        ["ranker", cache, out, table] => ranker(Path::new(cache), Path::new(out), &read(std::fs::read(table))),
        ["runs", corpora, questions, out] => runs(Path::new(corpora), Path::new(questions), out, [TABLE, RANKER]),
        ["runs", corpora, questions, out, table, ranker] => {
            runs(Path::new(corpora), Path::new(questions), out, [table, ranker]);
        }
        _ => println!(
            "train table CACHE OUT | ranker CACHE OUT [TABLE] | queries CACHE OUT | runs CORPORA QUERIES OUT [TABLE RANKER]"
        ),
    }
}

fn read(bytes: std::io::Result<Vec<u8>>) -> Embedding {
    Embedding::from_bytes(bytes.expect("the table can be read").leak()).expect("the table is whole")
}

fn ranker(cache: &Path, out: &Path, table: &Embedding) {
    let start = Instant::now();
    let (_, held) = harvested(cache);
    let trees = ranker::ranker(&held, table, &boost::Plan::default());
    let bytes = trees.to_bytes();
    std::fs::write(out, &bytes).expect("the ranker can be written");
    println!("{}: {} trees, {} bytes, {:.0} s", out.display(), trees.len(), bytes.len(), start.elapsed().as_secs_f32());
}

fn runs(corpora: &Path, questions: &Path, out: &str, [table, ranker]: [&str; 2]) {
    let embedding = read(std::fs::read(table));
    let trees = std::fs::read(ranker).expect("the ranker can be read");
    let trees = Trees::from_bytes(&trees).expect("the ranker is whole");
    assert_eq!(trees.features(), row_names(), "the ranker was trained for the rows of this build");
    measure::runs(corpora, questions, Ranker { embedding: &embedding, trees: &trees, both: in_turn }, out);
}

fn harvested(cache: &Path) -> (Vec<Harvest>, Vec<Harvest>) {
    let all = harvest::harvest(&harvest::packages(Path::new(LIST), cache));
    all.into_iter().partition(|harvest| harvest.package.part == Part::Train)
}

fn train(cache: &Path, out: &Path, options: &[&str]) {
    let start = Instant::now();
    let option = |name: &str, usual: f32| -> f32 {
        let at = options.iter().position(|word| *word == name);
        at.and_then(|at| options.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let plan = Plan {
        epochs: option("--epochs", 4.0) as usize,
        batch: option("--batch", 512.0) as usize,
        block: option("--block", 256.0) as usize,
        rate: option("--rate", 0.04),
        temperature: option("--temperature", 0.05),
        unknown: option("--unknown", 0.0),
        seed: option("--seed", 1.0) as u64,
    };
    let (train, held) = harvested(cache);
    let (questions, chunks): (Vec<_>, Vec<_>) = held.iter().map(|of| (of.pairs.len(), of.chunks.len())).unzip();
    println!(
        "{} packages, {} kept apart with {} questions and {} chunks; {:.0} s",
        train.len() + held.len(),
        held.len(),
        questions.iter().sum::<usize>(),
        chunks.iter().sum::<usize>(),
        start.elapsed().as_secs_f32()
    );
    let vocabulary = Vocabulary::choose(&train, option("--terms", TERMS as f32) as usize);
    let pairs = vocabulary.pairs(&train);
    println!("{} pairs, {} terms, {plan:?}", pairs.len(), vocabulary.terms.len());
    drop(train);
    let mut model = Model::new(&vocabulary, plan.clone());
    for epoch in 0..plan.epochs {
        let loss = model.epoch(&pairs, epoch);
        print!("epoch {epoch}: loss {loss:.4}, {:.0} s", start.elapsed().as_secs_f32());
        if options.contains(&"--watch") {
            let table = read(Ok(table::bytes(&vocabulary, &model.rows(), plan.unknown)));
            print!(", held vector alone {:.4}", measure::by_vector(&held, &table));
        }
        println!();
    }
    let bytes = table::bytes(&vocabulary, &model.rows(), plan.unknown);
    std::fs::write(out, &bytes).expect("the table can be written");
    println!("{}: {} bytes, {:.0} s", out.display(), bytes.len(), start.elapsed().as_secs_f32());
    let table = read(Ok(bytes));
    println!("NDCG@10 on what was kept apart, by the vector alone: {:.4}", measure::by_vector(&held, &table));
}

/// Writes what was kept apart, doc comments blanked, in the form of the evaluation's corpora and questions.
fn queries(cache: &Path, out: &Path) {
    let (_, held) = harvested(cache);
    let mut lines = String::new();
    for harvest in &held {
        let name = &harvest.package.name;
        for (path, text) in &harvest.files {
            let file = out.join(name).join(path.as_str());
            let folder = file.parent().expect("a file has a folder");
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)).expect("it can be written");
        }
        for (number, (question, chunk)) in harvest.pairs.iter().enumerate() {
            let stored = &harvest.chunks[*chunk];
            let kind =
                if matches!(stored.chunk.kind, ChunkKind::Type | ChunkKind::Interface) { "type" } else { "function" };
            let line = json!({
                "id": format!("held-{name}-{number:03}"), "task": "doc2code", "project": name, "split": "held",
                "query": question,
                "relevant": [{
                    "path": stored.path, "start_line": stored.chunk.lines.start + 1, "end_line": stored.chunk.lines.end,
                    "symbol": stored.chunk.symbol, "kind": kind,
                }],
            });
            lines.push_str(&format!("{line}\n"));
        }
        println!("{name}: {} files, {} questions", harvest.files.len(), harvest.pairs.len());
    }
    std::fs::write(out.join("queries.jsonl"), lines).expect("the questions can be written");
}
