//! Trains the ranker: for each question of the packages kept apart, all candidates that the product finds, and which of
//! them is the definition that the question was taken from.

use tagout::retrieve::{Embedding, Question, Ranker, Trees, in_turn, row_names, rows};

use super::boost::{Plan, Rows, train};
use super::harvest::Harvest;
use super::measure;

/// Every fourth package is left out of a first training, to see how good the ranker is on what it never saw.
const PARTS: usize = 4;

/// Trains on all of `harvests` and prints how good a training on three quarters of them is on the last.
pub(super) fn ranker(harvests: &[Harvest], table: &Embedding, plan: &Plan) -> Trees {
    let names = row_names();
    let mut all: Vec<Rows> = Vec::new();
    for harvest in harvests {
        let rows = rows_of(harvest, table);
        println!("{}: {} questions, {} rows", harvest.package.name, rows.groups.len(), rows.labels.len());
        all.push(rows);
    }
    let seen = |at: usize| !at.is_multiple_of(PARTS);
    let few: Vec<&Rows> = all.iter().enumerate().filter(|(at, _)| seen(*at)).map(|(_, rows)| rows).collect();
    let trees = train(&together(&few), plan, &names, &mut |_| ());
    for (at, harvest) in harvests.iter().enumerate().filter(|(at, _)| !seen(*at)) {
        let ranker = Ranker { embedding: table, trees: &trees, both: in_turn };
        let gain = measure::ranked(std::slice::from_ref(harvest), ranker);
        println!("left out {at} {}: NDCG@10 {gain:.4}", harvest.package.name);
    }
    train(&together(&all.iter().collect::<Vec<_>>()), plan, &names, &mut |_| ())
}

/// The candidates of every question that has its answer among them.
fn rows_of(harvest: &Harvest, table: &Embedding) -> Rows {
    let catalogue = measure::catalogue(&harvest.chunks, table);
    let mut all = Rows {
        features: Vec::new(),
        width: row_names().len(),
        groups: Vec::new(),
        labels: Vec::new(),
        weights: Vec::new(),
    };
    for (question, wanted) in &harvest.pairs {
        let question = Question::parse(question);
        let found = rows(&catalogue, table, &question, &table.question_vector(&question));
        let is_wanted = |chunk: u32| measure::is_wanted(&catalogue, chunk, &harvest.chunks[*wanted]);
        if !found.iter().any(|(chunk, _)| is_wanted(*chunk)) {
            continue;
        }
        all.groups.push(found.len());
        for (chunk, row) in found {
            all.labels.push(u8::from(is_wanted(chunk)));
            all.features.extend(row);
        }
    }
    all
}

fn together(parts: &[&Rows]) -> Rows {
    Rows {
        features: parts.iter().flat_map(|rows| rows.features.iter().copied()).collect(),
        width: parts[0].width,
        groups: parts.iter().flat_map(|rows| rows.groups.iter().copied()).collect(),
        labels: parts.iter().flat_map(|rows| rows.labels.iter().copied()).collect(),
        weights: Vec::new(),
    }
}
