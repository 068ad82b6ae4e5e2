//! The trainer of the built-in embedding, on a small made-up world: its loss falls, and a question finds its chunk.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "the program `benches/train.rs` uses the rest; it stops where it cannot go on, and its numbers are small"
)]

#[path = "../../benches/training/bags.rs"]
mod bags;
#[path = "../../benches/training/doc.rs"]
mod doc;
#[path = "../../benches/training/harvest.rs"]
mod harvest;
#[path = "../../benches/training/matrix.rs"]
mod matrix;
#[path = "../../benches/training/measure.rs"]
mod measure;
#[path = "../../benches/training/model.rs"]
mod model;
#[path = "../../benches/training/table.rs"]
mod table;

use tagout::retrieve::{Embedding, Question, cosine};

use bags::Vocabulary;
use harvest::{Harvest, Package, Part};
use model::{Model, Plan};

/// What people say, and what the code calls it.
const WORDS: [(&str, &str); 8] = [
    ("removes", "evict"),
    ("picture", "bitmap"),
    ("customer", "client"),
    ("quickly", "fast"),
    ("sends", "dispatch"),
    ("price", "amount"),
    ("message", "payload"),
    ("checks", "validate"),
];

/// Packages on disk whose questions share no word with the code that answers them.
fn packages(folder: &std::path::Path) -> Vec<Package> {
    let mut packages = Vec::new();
    for number in 0..6 {
        let package = folder.join(format!("p{number}"));
        std::fs::create_dir(&package).unwrap();
        let mut text = String::new();
        for (said, called) in WORDS {
            for (what, name) in WORDS.into_iter().filter(|(what, _)| *what != said) {
                let place = ["north", "south", "east", "west", "inner", "outer"][number];
                text.push_str(&format!(
                    "/// It {said} every {what} one by one.\nfn {called}_{name}() {{ {place}() }}\n\n"
                ));
            }
        }
        std::fs::write(package.join("all.rs"), text).unwrap();
        let part = if number == 5 { Part::Held } else { Part::Train };
        packages.push(Package { name: format!("p{number}"), folder: package, part });
    }
    packages
}

fn plan() -> Plan {
    Plan { epochs: 12, batch: 56, block: 14, rate: 0.05, temperature: 0.1, unknown: 1.0, seed: 7 }
}

fn trained(train: &[Harvest]) -> (Vec<f32>, Vec<u8>) {
    let vocabulary = Vocabulary::choose(train, 100);
    let pairs = vocabulary.pairs(train);
    let mut model = Model::new(&vocabulary, plan());
    let losses = (0..plan().epochs).map(|epoch| model.epoch(&pairs, epoch)).collect();
    (losses, table::bytes(&vocabulary, &model.rows(), plan().unknown))
}

fn committed() -> Embedding {
    Embedding::from_bytes(include_bytes!("../../src/model/embedding.bin")).unwrap()
}

#[test]
fn a_small_training_learns_what_words_mean() {
    let folder = tempfile::tempdir().unwrap();
    let (train, held): (Vec<Harvest>, Vec<Harvest>) =
        harvest::harvest(&packages(folder.path())).into_iter().partition(|harvest| harvest.package.part == Part::Train);
    assert_eq!((train.len(), held.len()), (5, 1));
    assert_eq!(train.iter().map(|harvest| harvest.pairs.len()).sum::<usize>(), 5 * 56);
    assert!(held[0].files.iter().all(|(_, text)| !text.contains("one by one")), "doc comments are blanked");

    let (losses, bytes) = trained(&train);
    assert!(losses[losses.len() - 1] < 0.5 * losses[0], "{losses:?}");
    assert_eq!(trained(&train).1, bytes, "one seed gives one table");

    let table = Embedding::from_bytes(bytes.leak()).unwrap();
    let mut won = 0;
    for (at, (question, chunk)) in held[0].pairs.iter().enumerate() {
        let question = table.question_vector(&Question::parse(question));
        let near = |chunk: usize| {
            let stored = &held[0].chunks[chunk];
            cosine(&question, &table.chunk_vector(&stored.chunk, &stored.path))
        };
        let other = held[0].pairs[(at + 17) % held[0].pairs.len()].1;
        won += usize::from(near(*chunk) > near(other));
    }
    assert!(won > 50, "{won} of {} questions are nearer to their own chunk", held[0].pairs.len());
    let (trained_on_these, _) = measure::held(&held, &table, false);
    // The words of these questions stand for other things in the committed table.
    let (trained_on_others, _) = measure::held(&held, &committed(), false);
    assert!(trained_on_these > trained_on_others + 0.2, "{trained_on_these} {trained_on_others}");
}

#[test]
fn the_committed_table_is_whole_and_knows_what_words_mean() {
    let table = committed();
    assert!(table.len() > 10_000);
    let near = |question: &str, code: &str| {
        let path = tagout::workspace::RelativePath::new("a.rs").unwrap();
        let chunk = tagout::syntax::chunk_text(&path, code, &|| false).chunks.remove(0);
        cosine(&table.question_vector(&Question::parse(question)), &table.chunk_vector(&chunk, &path))
    };
    let draw = "fn draw_circle(&mut self) {}";
    for (question, code) in
        [("delete an item", "fn remove_entry(&mut self) {}"), ("files of a folder", "fn read_dir(&self) {}")]
    {
        let (own, other) = (near(question, code), near(question, draw));
        assert!(own > other + 0.05, "{question}: {own} {other}");
    }
}
