//! Whatever is put, removed and read again: answers are those of a naive list of all chunks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::retrieve::terms;

/// A chunk as it was put, under its number.
struct Row {
    number: u32,
    path: String,
    chunk: Chunk,
    vector: Vec<f32>,
    /// Of each field.
    terms: [Vec<String>; 5],
}

impl Row {
    fn new(number: u32, path: &str, chunk: &Chunk, vector: &[f32]) -> Self {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        let (symbol, parent) = (chunk.symbol.as_deref(), chunk.parent.as_deref());
        let fields = [symbol.unwrap_or_default(), parent.unwrap_or_default(), stem, &chunk.signature, &chunk.text];
        let (path, terms) = (path.to_owned(), fields.map(terms));
        Self { number, path, chunk: chunk.clone(), vector: vector.to_vec(), terms }
    }

    fn counts(&self, term: &str) -> [u8; 5] {
        let count = |at: usize| self.terms[at].iter().filter(|other| *other == term).count();
        std::array::from_fn(|at| u8::try_from(count(at)).unwrap_or(u8::MAX))
    }
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    files: BTreeMap<String, ContentHash>,
    next: u32,
}

impl Model {
    fn remove(&mut self, path: &str) {
        self.rows.retain(|row| row.path != path);
        self.files.remove(path);
    }

    fn put(&mut self, path: &str, content: ContentHash, chunks: &[(Chunk, Vec<f32>)]) {
        self.remove(path);
        self.files.insert(path.to_owned(), content);
        for (chunk, vector) in chunks {
            self.rows.push(Row::new(self.next, path, chunk, vector));
            self.next += 1;
        }
    }

    fn reload(&mut self) {
        self.rows.sort_by(|left, right| left.path.cmp(&right.path));
        (0..).zip(&mut self.rows).for_each(|(number, row)| row.number = number);
        self.next = self.rows.len() as u32;
    }

    fn having(&self, term: &str) -> Vec<u32> {
        self.rows.iter().filter(|row| row.counts(term) != [0; 5]).map(|row| row.number).collect()
    }

    fn rarity(&self, term: &str) -> f32 {
        let (having, all) = (self.having(term).len() as f32, self.rows.len() as f32);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    fn means(&self) -> [f32; 5] {
        std::array::from_fn(|at| {
            let sum: usize = self.rows.iter().map(|row| row.terms[at].len()).sum();
            (sum as f32 / self.rows.len().max(1) as f32).max(1.0)
        })
    }

    /// BM25F, with the counts of the fields that `fields` lets through.
    fn worth(&self, row: &Row, term: &str, fields: impl Fn(usize) -> bool) -> f32 {
        let (counts, lengths, means) = (row.counts(term), row.terms.each_ref().map(Vec::len), self.means());
        let weights = [4.0, 1.5, 1.0, 1.5, 1.0];
        let one = |at: usize| {
            let count = if fields(at) { f32::from(counts[at]) } else { 0.0 };
            weights[at] * count / (1.0 - 0.75 + 0.75 * lengths[at] as f32 / means[at])
        };
        let frequency: f32 = (0..5).map(one).sum();
        self.rarity(term) * (frequency / (1.2 + frequency))
    }

    fn lexical(&self, terms: &[String], limit: usize) -> Vec<Lexical> {
        let having = |row: &&Row| terms.iter().any(|term| row.counts(term) != [0; 5]);
        let one = |row: &Row| {
            let there = terms.iter().filter(|term| row.counts(term) != [0; 5]);
            let score = there.fold(0.0, |sum, term| sum + self.worth(row, term, |_| true));
            Lexical { chunk: row.number, score }
        };
        let mut found: Vec<Lexical> = self.rows.iter().filter(having).map(one).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
        found.truncate(limit);
        found
    }

    fn field_scores(&self, row: &Row, terms: &[String]) -> [f32; 5] {
        std::array::from_fn(|at| terms.iter().map(|term| self.worth(row, term, |field| field == at)).sum())
    }

    fn similar(&self, vector: &[f32], limit: usize) -> Vec<(u32, f32)> {
        let narrow = |vector: &[f32]| -> Vec<i32> {
            let one = |value: &f32| (value * 512.0).round().clamp(-127.0, 127.0) as i32;
            vector.iter().map(one).collect()
        };
        let dot = |row: &Row| narrow(&row.vector).iter().zip(narrow(vector)).map(|(a, b)| a * b).sum::<i32>();
        let mut found: Vec<(u32, i32)> = self.rows.iter().map(|row| (row.number, dot(row))).collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(limit);
        found.into_iter().map(|(number, dot)| (number, dot as f32 / (512.0 * 512.0))).collect()
    }

    fn named(&self, name: &str, limit: usize) -> Vec<u32> {
        let symbol = |row: &Row| Some((row.chunk.symbol.as_ref()?.to_lowercase(), row.number));
        let mut found: Vec<_> = self.rows.iter().filter_map(symbol).collect();
        found.retain(|(symbol, _)| symbol.starts_with(&name.to_lowercase()));
        found.sort_by_key(|(symbol, number)| (*symbol != name.to_lowercase(), symbol.clone(), *number));
        found.into_iter().map(|(_, number)| number).take(limit).collect()
    }
}

fn check(catalogue: &Catalogue, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(catalogue.len(), model.rows.len());
    let files: Vec<_> = model.files.iter().map(|(path, content)| (path.as_str(), *content)).collect();
    prop_assert_eq!(catalogue.files().collect::<Vec<_>>(), files);
    prop_assert_eq!(catalogue.mean_lengths(), model.means());
    let asked: Vec<String> = ["red", "blu", "=redblue", "nowher", "a", "red"].map(str::to_owned).to_vec();
    for term in &asked {
        prop_assert_eq!(catalogue.having(term), model.having(term));
        prop_assert_eq!(catalogue.rarity_of(term), model.rarity(term));
    }
    for limit in [1, 3, 100] {
        prop_assert_eq!(catalogue.lexical(&asked, limit), model.lexical(&asked, limit));
        prop_assert_eq!(catalogue.similar(&vector(1), limit), model.similar(&vector(1), limit));
        prop_assert_eq!(catalogue.named("Re", limit), model.named("Re", limit));
    }
    for row in &model.rows {
        let stored = StoredChunk { path: path(&row.path), chunk: row.chunk.clone() };
        prop_assert_eq!(catalogue.stored(row.number), Some(stored));
        prop_assert_eq!(catalogue.counts(&[row.number], "red"), [row.counts("red")]);
        let lengths = catalogue.known(row.number).map(|known| known.lengths).unwrap_or_default();
        let counted = asked.iter().map(|term| (row.counts(term), catalogue.rarity_of(term)));
        prop_assert_eq!(catalogue.field_scores(&lengths, counted), model.field_scores(row, &asked));
        let symbol = catalogue.symbols().find(|(chunk, _)| *chunk == row.number).map(|(_, symbol)| symbol);
        prop_assert_eq!(symbol, row.chunk.symbol.as_deref());
        let standing = catalogue.standing("red").find(|(chunk, ..)| *chunk == row.number);
        prop_assert_eq!(standing.map_or([0; 5], |(.., counts)| counts), row.counts("red"));
        let kept = catalogue.vector_of(&path(&row.path), row.chunk.hash()).unwrap_or_default();
        prop_assert!(!kept.is_empty());
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Vec<(Chunk, Vec<f32>)>),
    Remove(usize),
    Reload,
}

fn any_chunk() -> impl Strategy<Value = (Chunk, Vec<f32>)> {
    let text = prop_oneof!["(red|blue|redBlue|green|Größe|x|a| |\n){0,30}", Just("red ".repeat(260))];
    (prop::option::of("(re|Re|RED|red|blue)(Blue)?"), text, 0_usize..6).prop_map(|(symbol, text, seed)| {
        let mut chunk = chunk("", &text);
        (chunk.symbol, chunk.parent) = (symbol, (seed < 3).then(|| "redBlue".to_owned()));
        (chunk, vector(seed))
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..PATHS.len(), prop::collection::vec(any_chunk(), 0..4)).prop_map(|(at, chunks)| Step::Put(at, chunks)),
        2 => (0..PATHS.len()).prop_map(Step::Remove),
        1 => Just(Step::Reload),
    ]
}

const PATHS: [&str; 4] = ["b/red.rs", "a", "b/blue.py", "ü.red"];

proptest! {
    #[test]
    fn it_answers_as_a_naive_list_does(steps in prop::collection::vec(step(), 1..14)) {
        let (mut catalogue, mut model) = (Catalogue::default(), Model::default());
        for (turn, step) in steps.into_iter().enumerate() {
            let content = ContentHash::of(&turn.to_le_bytes());
            match step {
                Step::Put(at, chunks) => {
                    catalogue.put(&path(PATHS[at]), content, &chunks);
                    model.put(PATHS[at], content, &chunks);
                }
                Step::Remove(at) => {
                    catalogue.remove(&path(PATHS[at]));
                    model.remove(PATHS[at]);
                }
                Step::Reload => {
                    catalogue = reloaded(&catalogue);
                    model.reload();
                }
            }
            check(&catalogue, &model)?;
        }
        let again = reloaded(&catalogue);
        prop_assert_eq!(again.to_bytes("e"), catalogue.to_bytes("e"));
    }
}
