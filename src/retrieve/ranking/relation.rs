//! How near the words of a question are to the words of a name, by the rows of the trained table.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::embedding::{Direction, Embedding};

/// Cosines of terms to each term of one question.
pub(super) struct Relations<'a> {
    embedding: &'a Embedding,
    asked: &'a [String],
    directions: Vec<Option<Direction>>,
    known: HashMap<String, Rc<[f32]>>,
}

impl<'a> Relations<'a> {
    /// To the terms of a question.
    pub(super) fn new(embedding: &'a Embedding, asked: &'a [String]) -> Self {
        let directions = asked.iter().map(|term| embedding.in_question(term)).collect();
        Self { embedding, asked, directions, known: HashMap::new() }
    }

    /// Cosine of `term`, as a chunk has it, to each term of the question: 1 for the same term, 0 where none is known.
    pub(super) fn of(&mut self, term: &str) -> Rc<[f32]> {
        if let Some(known) = self.known.get(term) {
            return Rc::clone(known);
        }
        let own = self.embedding.in_chunk(term);
        let cosine = |(asked, direction): (&String, &Option<Direction>)| match (own, direction) {
            _ if asked == term => 1.0,
            (Some(own), Some(direction)) => own.cosine(*direction).max(0.0),
            (None, _) | (_, None) => 0.0,
        };
        let cosines: Rc<[f32]> = self.asked.iter().zip(&self.directions).map(cosine).collect();
        self.known.insert(term.to_owned(), Rc::clone(&cosines));
        cosines
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
pub(super) fn met(words: &[Rc<[f32]>], weights: &[f32]) -> Met {
    if words.is_empty() {
        return Met::default();
    }
    let nearest_term = |word: &Rc<[f32]>| word.iter().copied().fold(0.0, f32::max);
    let nearest_word = |at: usize| words.iter().filter_map(|word| word.get(at).copied()).fold(0.0, f32::max);
    let total: f32 = weights.iter().sum();
    let question: f32 = weights.iter().enumerate().map(|(at, weight)| weight * nearest_word(at)).sum();
    Met {
        question: if total > 0.0 { question / total } else { 0.0 },
        words: words.iter().map(nearest_term).sum::<f32>() / words.len() as f32,
        worst: words.iter().map(nearest_term).fold(1.0, f32::min),
    }
}
