//! What the terms of one text after the other count for.

use std::ops::Range;

use super::super::map::Map;
use super::super::terms::{Splitter, each_word};
use super::{Place, Terms};

/// Adds up weights by term. Words met before are not split again: in code most words come again and again.
pub(super) struct Bags<'a> {
    terms: &'a Terms,
    /// Where the numbers of a word's terms are in `of_words`.
    words: Map<Box<str>, Range<usize>>,
    of_words: Vec<usize>,
    /// The terms met so far, and their numbers.
    places: Vec<Place>,
    numbers: Map<Place, usize>,
    /// By number: what the term counts for in the bag that is being filled.
    weights: Vec<f32>,
    /// The numbers that have a weight.
    filled: Vec<usize>,
    splitter: Splitter,
}

impl<'a> Bags<'a> {
    pub(super) fn new(terms: &'a Terms) -> Self {
        Self {
            terms,
            words: Map::default(),
            of_words: Vec::new(),
            places: Vec::new(),
            numbers: Map::default(),
            weights: Vec::new(),
            filled: Vec::new(),
            splitter: Splitter::default(),
        }
    }

    /// Adds each term of `text`, repeats too, as `weight`, which is over 0.
    pub(super) fn add(&mut self, text: &str, weight: f32) {
        each_word(text, &mut |word| {
            let range = self.words.get(word).cloned().unwrap_or_else(|| self.met(word));
            for number in self.of_words.get(range.clone()).unwrap_or_default() {
                let Some(sum) = self.weights.get_mut(*number) else { continue };
                if *sum == 0.0 {
                    self.filled.push(*number);
                }
                *sum += weight;
            }
            range.len()
        });
    }

    fn met(&mut self, word: &str) -> Range<usize> {
        let start = self.of_words.len();
        let Self { terms, of_words, places, numbers, weights, splitter, .. } = self;
        splitter.each_term(word, &mut |term| {
            let place = terms.place(term);
            let number = *numbers.entry(place).or_insert_with(|| {
                places.push(place);
                weights.push(0.0);
                places.len() - 1
            });
            of_words.push(number);
        });
        let range = start..self.of_words.len();
        self.words.insert(word.into(), range.clone());
        range
    }

    /// What was added, by term in an order of their own, and begins with nothing again.
    pub(super) fn take(&mut self) -> Vec<(Place, f32)> {
        let weight = |number: &usize| Some((*self.places.get(*number)?, *self.weights.get(*number)?));
        let mut bag: Vec<(Place, f32)> = self.filled.iter().filter_map(weight).collect();
        bag.sort_unstable_by_key(|(place, _)| *place);
        for number in self.filled.drain(..) {
            if let Some(weight) = self.weights.get_mut(number) {
                *weight = 0.0;
            }
        }
        bag
    }
}
