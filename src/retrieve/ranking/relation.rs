//! The words of candidates, and how near they are to the terms of a question by the rows of the trained table.

use std::cell::Cell;
use std::rc::Rc;

use super::super::embedding::{Direction, Embedding};
use super::super::map::Map;
use super::super::{Catalogue, terms};

/// A word that candidates are made of.
pub(super) struct Word {
    /// Which of the question's terms it is.
    pub(super) asked: Option<usize>,
    /// Cosine to each term of the question: 1 for the same term, 0 where one is not known.
    pub(super) near: Vec<f32>,
    term: String,
    /// How rare it is among all chunks, once it was looked up.
    rarity: Cell<Option<f32>>,
}

/// The words of a text, each once, no whole identifiers.
pub(super) type Words = Rc<[Rc<Word>]>;

/// The words met so far, in the eyes of one question: many candidates share them.
pub(super) struct Relations<'a> {
    catalogue: &'a Catalogue,
    embedding: &'a Embedding,
    asked: &'a [String],
    directions: Vec<Option<Direction>>,
    words: Map<String, Rc<Word>>,
    texts: Map<String, Words>,
}

impl<'a> Relations<'a> {
    /// To the terms `asked` of a question over `catalogue`.
    pub(super) fn new(catalogue: &'a Catalogue, embedding: &'a Embedding, asked: &'a [String]) -> Self {
        let directions = asked.iter().map(|term| embedding.in_question(term)).collect();
        Self { catalogue, embedding, asked, directions, words: Map::default(), texts: Map::default() }
    }

    /// The words of `text`.
    pub(super) fn words(&mut self, text: &str) -> Words {
        if let Some(words) = self.texts.get(text) {
            return Rc::clone(words);
        }
        let mut list: Vec<Rc<Word>> = Vec::new();
        for term in terms(text).into_iter().filter(|term| !term.starts_with('=')) {
            let word = self.word(term);
            if !list.iter().any(|own| Rc::ptr_eq(own, &word)) {
                list.push(word);
            }
        }
        let words: Words = list.into();
        self.texts.insert(text.to_owned(), Rc::clone(&words));
        words
    }

    /// How rare a word is among all chunks.
    pub(super) fn rarity(&self, word: &Word) -> f32 {
        let rarity = word.rarity.get().unwrap_or_else(|| self.catalogue.rarity_of(&word.term));
        word.rarity.set(Some(rarity));
        rarity
    }

    fn word(&mut self, term: String) -> Rc<Word> {
        if let Some(word) = self.words.get(&term) {
            return Rc::clone(word);
        }
        let own = self.embedding.in_chunk(&term);
        let cosine = |(asked, direction): (&String, &Option<Direction>)| match (own, direction) {
            _ if *asked == term => 1.0,
            (Some(own), Some(direction)) => own.cosine(*direction).max(0.0),
            (None, _) | (_, None) => 0.0,
        };
        let word = Rc::new(Word {
            asked: self.asked.iter().position(|asked| *asked == term),
            near: self.asked.iter().zip(&self.directions).map(cosine).collect(),
            term: term.clone(),
            rarity: Cell::new(None),
        });
        self.words.insert(term, Rc::clone(&word));
        word
    }
}

/// How well words meet a question, and the question them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Met {
    /// Weighted mean over the question's terms of the nearest word's cosine.
    pub(super) question: f32,
    /// Mean over the words of the nearest term's cosine.
    pub(super) words: f32,
    /// The least of these.
    pub(super) worst: f32,
}

/// How well `words` meet the question whose terms weigh `weights`; all 0 without words.
#[allow(clippy::cast_precision_loss, reason = "a name has few words")]
pub(super) fn met(words: &[Rc<Word>], weights: &[f32]) -> Met {
    if words.is_empty() {
        return Met::default();
    }
    let nearest_term = |word: &Rc<Word>| word.near.iter().copied().fold(0.0, f32::max);
    let nearest_word = |at: usize| words.iter().filter_map(|word| word.near.get(at).copied()).fold(0.0, f32::max);
    let total: f32 = weights.iter().sum();
    let question: f32 = weights.iter().enumerate().map(|(at, weight)| weight * nearest_word(at)).sum();
    Met {
        question: if total > 0.0 { question / total } else { 0.0 },
        words: words.iter().map(nearest_term).sum::<f32>() / words.len() as f32,
        worst: words.iter().map(nearest_term).fold(1.0, f32::min),
    }
}
