//! A candidate as a row of numbers: what the trained ranker orders by.

use std::rc::Rc;

use super::super::embedding::Embedding;
use super::super::map::Map;
use super::super::{Known, Question, Shape};
use super::intent::says_what_it_does;
use super::marks::{Marks, Said};
use super::names;
use super::numbers::{flag, logarithm, longest_run, number, ratio};
use super::pool::{Candidate, FileScores, NOT_FOUND, Pool};
use super::relation::{Relations, Word, Words, met};
use crate::syntax::ChunkKind;

/// Names of the numbers of a row, group by group.
const FOUND: [&str; 6] = ["terms", "terms_score", "terms_place", "vector", "vector_share", "vector_place"];
const COVERED: [&str; 12] = [
    "name_has",
    "name_has_rare",
    "parent_has",
    "parent_has_rare",
    "path_has",
    "path_has_rare",
    "signature_has",
    "signature_has_rare",
    "text_has",
    "text_has_rare",
    "any_has",
    "any_has_rare",
];
const OWN: [&str; 12] = [
    "name_asked",
    "parent_asked",
    "stem_asked",
    "folder_asked",
    "signature_asked",
    "name_not_asked",
    "name_words",
    "first_in_name",
    "name_first_asked",
    "name_last_asked",
    "run",
    "run_of_name",
];
const RELATED: [&str; 10] = [
    "name_near",
    "signature_near",
    "parent_near",
    "stem_near",
    "name_words_near",
    "signature_words_near",
    "parent_words_near",
    "stem_words_near",
    "first_words_near",
    "name_worst_near",
];
const FIELDS: [&str; 5] = ["name_score", "parent_score", "path_score", "signature_score", "text_score"];
const SHAPED: [&str; 13] = [
    "lines",
    "length",
    "function",
    "type",
    "text",
    "module",
    "variable",
    "method",
    "private",
    "upper",
    "public",
    "parameters",
    "name_rarity",
];
const AROUND: [&str; 5] = ["twins", "siblings", "rarest", "second_rarest", "third_rarest"];
const OF_FILE: [&str; 9] = [
    "file_terms",
    "file_terms_sum",
    "file_place",
    "file_having",
    "file_share",
    "file_chunks",
    "file_vector",
    "file_vector_sum",
    "file_all",
];
const PLACED: [&str; 7] = ["test", "example", "prose", "header", "old", "hub", "depth"];
const ASKED: [&str; 8] = [
    "question_terms",
    "question_says_what_it_does",
    "question_rarest",
    "question_names",
    "question_tests",
    "question_symbol",
    "name_match",
    "stem_match",
];

/// Numbers in a row.
pub(super) const WIDTH: usize = FOUND.len()
    + COVERED.len()
    + OWN.len()
    + RELATED.len()
    + FIELDS.len()
    + SHAPED.len()
    + AROUND.len()
    + OF_FILE.len()
    + PLACED.len()
    + ASKED.len();

/// The names of the numbers in a row, in order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let groups: [&[&'static str]; 10] =
        [&FOUND, &COVERED, &OWN, &RELATED, &FIELDS, &SHAPED, &AROUND, &OF_FILE, &PLACED, &ASKED];
    groups.into_iter().flatten().copied()
}

/// The number of this name in a row; 0 for an unknown name.
pub(super) fn value(row: &[f32; WIDTH], name: &str) -> f32 {
    debug_assert!(names().any(|own| own == name), "{name} is no number of a row");
    names().position(|own| own == name).and_then(|at| row.get(at)).copied().unwrap_or_default()
}

/// Words of a name in a signature beyond which no more are compared.
const SIGNATURE_WORDS: usize = 24;

/// The words that a candidate is made of.
struct Own {
    name: Words,
    parent: Words,
    signature: Words,
    path: Words,
    stem: Words,
    folder: Words,
}

/// Whether the question's term at `at` is one of `words`.
fn among(words: &Words, at: usize) -> bool {
    words.iter().any(|word| word.asked == Some(at))
}

/// Makes rows for the candidates of one pool.
pub(super) struct Rows<'a> {
    pool: &'a Pool<'a>,
    relations: Relations<'a>,
    marks: Marks,
    /// What the paths of files say, by their numbers.
    said: Map<u32, Said>,
    /// The question's terms from the rarest on.
    by_rarity: Vec<usize>,
    total: f32,
}

impl<'a> Rows<'a> {
    /// For `pool`, with the rows of `embedding`.
    pub(super) fn new(pool: &'a Pool<'a>, embedding: &'a Embedding) -> Self {
        let mut by_rarity: Vec<usize> = (0..pool.terms.len()).collect();
        let rarity = |at: &usize| pool.rarities.get(*at).copied().unwrap_or_default();
        by_rarity.sort_by(|left, right| rarity(right).total_cmp(&rarity(left)));
        let relations = Relations::new(pool.catalogue, embedding, &pool.terms);
        let marks = Marks::new(pool.question);
        let total = pool.rarities.iter().sum::<f32>().max(0.001);
        Self { pool, relations, marks, said: Map::default(), by_rarity, total }
    }

    /// The row of one candidate.
    pub(super) fn of(&mut self, candidate: &Candidate<'_>) -> [f32; WIDTH] {
        let Candidate { known, counts: all, .. } = candidate;
        let (own, said) = (self.own(known), self.said(known));
        let Pool { catalogue, question, all_rarities, .. } = self.pool;
        let plain = |(term, counts): (&String, &[u8; 5])| (!term.starts_with('=')).then_some(*counts);
        let counts: Vec<[u8; 5]> = question.terms.iter().zip(all).filter_map(plain).collect();
        let all = all.iter().copied().zip(all_rarities.iter().copied());
        let scores = catalogue.field_scores(&known.lengths, all);
        let groups: [&[f32]; 10] = [
            &self.found(candidate),
            &self.covered(&own, &counts),
            &self.own_words(&own),
            &self.related(&own),
            &scores,
            &self.shaped(known, &own),
            &self.around(known, &own, &counts),
            &self.of_file(known),
            &said.row(),
            &self.asked(known),
        ];
        let mut row = [0.0; WIDTH];
        for (place, value) in row.iter_mut().zip(groups.into_iter().flatten()) {
            *place = if value.is_finite() { *value } else { 0.0 };
        }
        row
    }

    /// What the path of a candidate says of it.
    pub(super) fn said(&mut self, known: &Known<'_>) -> Said {
        *self.said.entry(known.file).or_insert_with(|| self.marks.said(known.path))
    }

    fn own(&mut self, known: &Known<'_>) -> Own {
        let (path, relations) = (known.path, &mut self.relations);
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        Own {
            name: relations.words(known.symbol.unwrap_or_default()),
            parent: relations.words(known.parent.unwrap_or_default()),
            signature: relations.words(known.signature),
            path: relations.words(path.rsplit_once('.').map_or(path, |(stem, _)| stem)),
            stem: relations.words(file.split('.').next().unwrap_or(file)),
            folder: relations.words(folder.rsplit('/').next().unwrap_or_default()),
        }
    }

    fn found(&self, candidate: &Candidate<'_>) -> [f32; FOUND.len()] {
        let (terms, vector) = (&self.pool.by_terms, &self.pool.by_vector);
        let (share, place) = terms.by_chunk.get(&candidate.chunk).copied().unwrap_or((0.0, NOT_FOUND));
        let near = vector.by_chunk.get(&candidate.chunk).map_or(NOT_FOUND, |(_, place)| *place);
        let similarity = candidate.similarity;
        [share, share * terms.best, logarithm(place), similarity, similarity / vector.best, logarithm(near)]
    }

    /// The share of the question's terms that each field has, plain and by their rarity, then of any field.
    fn covered(&self, own: &Own, counts: &[[u8; 5]]) -> [f32; COVERED.len()] {
        let in_text = |at: usize| counts.get(at).is_some_and(|counts| counts.last().is_some_and(|count| *count > 0));
        let any = |at: usize| counts.get(at).is_some_and(|counts| counts.iter().any(|count| *count > 0));
        let [name, parent, path] = [&own.name, &own.parent, &own.path].map(|words| self.share(|at| among(words, at)));
        let signature = self.share(|at| among(&own.signature, at));
        let (text, any) = (self.share(in_text), self.share(any));
        let mut shares = [0.0; COVERED.len()];
        for (place, value) in shares.iter_mut().zip([name, parent, path, signature, text, any].as_flattened()) {
            *place = *value;
        }
        shares
    }

    /// The share of the question's terms that `has` says yes to, plain and by their rarity.
    fn share(&self, has: impl Fn(usize) -> bool) -> [f32; 2] {
        let (mut count, mut rarity) = (0, 0.0);
        for (at, own) in self.pool.rarities.iter().enumerate().filter(|(at, _)| has(*at)) {
            debug_assert!(at < self.pool.terms.len());
            count += 1;
            rarity += own;
        }
        [ratio(count, self.pool.terms.len()), rarity / self.total]
    }

    /// What the question has of a candidate's words.
    fn own_words(&self, own: &Own) -> [f32; OWN.len()] {
        let asked = |word: &Rc<Word>| word.asked.is_some();
        let share = |words: &Words| ratio(words.iter().filter(|word| asked(word)).count(), words.len());
        let missing = own.name.iter().filter(|word| !asked(word)).map(|word| self.relations.rarity(word)).sum();
        let first = among(&own.name, 0);
        let run = longest_run(&own.name.iter().map(|word| word.asked).collect::<Vec<_>>());
        [
            share(&own.name),
            share(&own.parent),
            share(&own.stem),
            share(&own.folder),
            share(&own.signature),
            missing,
            number(own.name.len()),
            flag(first),
            flag(own.name.first().is_some_and(asked)),
            flag(own.name.last().is_some_and(asked)),
            number(run),
            ratio(run, own.name.len()),
        ]
    }

    /// How near a candidate's words are to the question's, where they are not the same.
    fn related(&self, own: &Own) -> [f32; RELATED.len()] {
        let few = own.signature.get(..SIGNATURE_WORDS.min(own.signature.len())).unwrap_or_default();
        let first = own.name.first().and_then(|word| word.near.first().copied()).unwrap_or_default();
        let weights = &self.pool.rarities;
        let [name, signature, parent, stem] =
            [&*own.name, few, &*own.parent, &*own.stem].map(|words| met(words, weights));
        [
            name.question,
            signature.question,
            parent.question,
            stem.question,
            name.words,
            signature.words,
            parent.words,
            stem.words,
            first,
            name.worst,
        ]
    }

    fn shaped(&self, known: &Known<'_>, own: &Own) -> [f32; SHAPED.len()] {
        let symbol = known.symbol.unwrap_or_default();
        let is = |kinds: &[ChunkKind]| flag(kinds.contains(&known.kind));
        let public = ["pub ", "export", "public"].iter().any(|word| known.signature.contains(word));
        let whole = symbol.replace('_', "").to_lowercase();
        let rarity = match own.name.as_ref() {
            [] => 0.0,
            [one] => self.relations.rarity(one),
            [_, _, ..] => self.pool.catalogue.rarity_of(&format!("={whole}")),
        };
        [
            logarithm(known.lines.len()),
            logarithm(usize::from(known.lengths.last().copied().unwrap_or_default())),
            is(&[ChunkKind::Function, ChunkKind::Method]),
            is(&[ChunkKind::Type, ChunkKind::Interface]),
            is(&[ChunkKind::Text, ChunkKind::Section]),
            is(&[ChunkKind::Module]),
            is(&[ChunkKind::Variable, ChunkKind::Macro]),
            is(&[ChunkKind::Method]),
            flag(symbol.starts_with('_')),
            flag(symbol.starts_with(char::is_uppercase)),
            flag(public),
            number(known.signature.matches(',').count()),
            rarity,
        ]
    }

    /// What the other candidates say of one, and where it has the rarest terms.
    fn around(&self, known: &Known<'_>, own: &Own, counts: &[[u8; 5]]) -> [f32; AROUND.len()] {
        let twins = known.symbol.and_then(|symbol| self.pool.twins.get(symbol)).copied().unwrap_or_default();
        let siblings = self.pool.siblings.get(&(known.path, known.parent.unwrap_or_default())).copied();
        let place = |order: usize| {
            let Some(at) = self.by_rarity.get(order) else { return -1.0 };
            let has = |words: &Words| among(words, *at);
            let in_text = counts.get(*at).and_then(|counts| counts.last()).is_some_and(|count| *count > 0);
            match () {
                () if has(&own.name) => 3.0,
                () if has(&own.signature) => 2.0,
                () if in_text => 1.0,
                () if has(&own.path) => 0.5,
                () => 0.0,
            }
        };
        [number(twins), siblings.unwrap_or_default(), place(0), place(1), place(2)]
    }

    fn of_file(&self, known: &Known<'_>) -> [f32; OF_FILE.len()] {
        let none = FileScores::default();
        let file = self.pool.files.get(&known.file).unwrap_or(&none);
        [
            file.terms,
            file.terms_sum,
            logarithm(file.place),
            logarithm(file.having),
            ratio(file.having, file.chunks),
            logarithm(file.chunks),
            file.vector,
            file.vector_sum,
            file.all.ln_1p(),
        ]
    }

    fn asked(&self, known: &Known<'_>) -> [f32; ASKED.len()] {
        let Question { text, names, shape, .. } = self.pool.question;
        let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
        let rarest = self.pool.rarities.iter().copied().fold(0.0, f32::max);
        let stem = names::stem(known.path);
        [
            number(self.pool.terms.len()),
            flag(says_what_it_does(&first)),
            rarest,
            number(names.len()),
            flag(self.pool.terms.iter().any(|term| term == "test")),
            flag(*shape == Shape::Symbol),
            names.iter().map(|name| names::match_of(known, name)).fold(0.0, f32::max),
            flag(names.iter().any(|name| stem.eq_ignore_ascii_case(&name.name))),
        ]
    }
}
