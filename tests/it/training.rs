//! The trainers on small made-up worlds: the embedding's loss falls and a question finds its chunk; trees put the
//! relevant rows of a list first.
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
#[path = "../../benches/training/boost.rs"]
mod boost;
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
#[path = "../../benches/training/ranker.rs"]
mod ranker;
#[path = "../../benches/training/table.rs"]
mod table;

use tagout::retrieve::{Embedding, Question, Ranker, Trees, TreesError, cosine, in_turn, row_names};

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
    // The questions share no word with what answers them: ten of 56 at random would have .08.
    let by_table = measure::by_vector(&held, &table);
    assert!(by_table > 0.5, "{by_table}");

    let few = boost::Plan { trees: 20, leaves: 4, fewest: 5.0, ..boost::Plan::default() };
    let trees = ranker::ranker(&train, &table, &few);
    assert_eq!(trees.features(), row_names());
    assert_eq!(ranker::ranker(&train, &table, &few).to_bytes(), trees.to_bytes(), "one seed gives one ranker");
    let ranked = measure::ranked(&held, Ranker { embedding: &table, trees: &trees, both: in_turn });
    assert!(ranked > by_table - 0.05, "{ranked} {by_table}");
}

#[test]
fn the_committed_table_is_whole_and_knows_what_words_mean() {
    let table = Embedding::from_bytes(include_bytes!("../../src/retrieve/embedding.bin")).unwrap();
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

/// Lists of rows of six numbers. The truth is known: a row is the better the larger the product of its first two
/// numbers, but for rows that are off by the third; one or two rows of a list are relevant, and one in eight wrongly.
fn lists(count: u64, seed: u64) -> boost::Rows {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let mut rows = boost::Rows { features: vec![], width: 6, groups: vec![], labels: vec![], weights: vec![] };
    for list in 0..count {
        let length = 20 + list as usize % 5;
        let features: Vec<f32> = (0..length * rows.width).map(|_| next()).collect();
        let truth = |row: &[f32]| if row[2] > 0.7 { 0.0 } else { row[0] * row[1] };
        let mut order: Vec<usize> = (0..length).collect();
        let good: Vec<f32> = features.chunks(rows.width).map(truth).collect();
        order.sort_by(|left, right| good[*right].total_cmp(&good[*left]));
        let mut labels = vec![0; length];
        labels[order[0]] = 2;
        labels[order[1]] = u8::from(list % 3 == 0);
        if next() < 0.125 {
            labels.rotate_left(1);
        }
        rows.features.extend(features);
        rows.labels.extend(labels);
        rows.groups.push(length);
    }
    rows
}

/// The mean over lists of 1 / the place of the best row.
fn reciprocal(rows: &boost::Rows, score: &dyn Fn(&[f32]) -> f32) -> f32 {
    let (mut start, mut sum) = (0, 0.0);
    for length in &rows.groups {
        let features = rows.features[start * rows.width..][..length * rows.width].chunks(rows.width);
        let scores: Vec<f32> = features.map(score).collect();
        let best = rows.labels[start..start + length].iter().position(|label| *label == 2).unwrap();
        sum += 1.0 / (1.0 + scores.iter().filter(|other| **other > scores[best]).count() as f32);
        start += length;
    }
    sum / rows.groups.len() as f32
}

fn ranker(rows: &boost::Rows, seed: u64, threads: usize) -> Trees {
    let names: Vec<String> = (0..rows.width).map(|at| format!("number {at}")).collect();
    let plan = boost::Plan { trees: 30, leaves: 8, rate: 0.15, fewest: 20.0, threads, seed, ..boost::Plan::default() };
    let mut seen = Vec::new();
    let trees = boost::train(rows, &plan, &names, &mut |count| seen.push(count));
    assert_eq!((seen, trees.len()), ((1..=30).collect(), 30));
    assert_eq!(trees.features(), names);
    trees
}

#[test]
fn a_trained_ranker_orders_what_it_has_not_seen() {
    let (rows, held) = (lists(300, 1), lists(200, 2));
    let trees = ranker(&rows, 5, 2);
    let alone = (0..6).map(|at| reciprocal(&held, &move |row| row[at])).fold(0.0, f32::max);
    let together = reciprocal(&held, &|row| trees.score(row));
    assert!(together > alone + 0.2, "{together} {alone}");

    for row in held.features.chunks(held.width).take(50) {
        let mut shares = [0.0; 6];
        trees.shares(row, &mut shares);
        let sum = trees.bias() + shares.iter().sum::<f32>();
        assert!((trees.score(row) - sum).abs() < 1e-4, "{sum}");
    }
    let mut asked = [0.0_f32; 6];
    for row in held.features.chunks(held.width) {
        let mut shares = [0.0; 6];
        trees.shares(row, &mut shares);
        asked.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share.abs());
    }
    let noise = asked[3..].iter().copied().fold(0.0, f32::max);
    assert!(asked[..3].iter().all(|share| *share > 2.0 * noise), "noise explains little: {asked:?}");
}

#[test]
fn a_seed_gives_one_ranker_whatever_the_number_of_threads() {
    let rows = lists(60, 3);
    let bytes = ranker(&rows, 5, 1).to_bytes();
    for threads in [1, 2, 5, 64] {
        assert_eq!(ranker(&rows, 5, threads).to_bytes(), bytes, "{threads} threads");
    }
    assert_ne!(ranker(&rows, 6, 2).to_bytes(), bytes);
    assert_eq!(Trees::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(Trees::from_bytes(&damaged), Err(TreesError::Damaged));
}

#[test]
fn lists_that_say_nothing_and_weights_of_zero_teach_nothing() {
    let mut rows = lists(40, 4);
    rows.weights = vec![0.0; 40];
    assert!(ranker(&rows, 1, 2).score(&[0.5; 6]) == 0.0);
    rows.weights.clear();
    rows.labels.fill(1);
    rows.features[3] = f32::NAN;
    rows.features[4] = f32::INFINITY;
    assert!(ranker(&rows, 1, 2).score(&[0.5; 6]) == 0.0);
}
