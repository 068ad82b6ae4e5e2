//! The terms of chunks that were put since the base was read, and how many of the base's chunks with a term are gone.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::map::Map;
use super::super::terms::{Splitter, each_word};
use super::postings::Posting;

/// What changed about one term.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By chunk number, those of chunks that are gone too.
    pub(super) postings: Vec<Posting>,
    /// How many of them are there.
    pub(super) live: u32,
    /// How many chunks of the base with this term are gone.
    pub(super) gone: u32,
    /// One more than the chunk that was last noted as gone.
    last_gone: u32,
}

/// All terms that anything changed about.
#[derive(Debug, Default)]
pub(super) struct Recent {
    terms: Map<Box<str>, u32>,
    changes: Vec<Changes>,
    /// Words as they stand in texts, each with where the numbers of its terms are: most words come again and again, and
    /// splitting one takes longer than finding it here.
    words: Map<Box<str>, Range<usize>>,
    terms_of_words: Vec<u32>,
    splitter: Splitter,
    /// Symbols in lower case, each with its chunk; those of chunks that are gone too.
    pub(super) names: BTreeSet<(String, u32)>,
}

impl Recent {
    /// Notes the terms of a new chunk, whose number is the greatest; how many each field has.
    pub(super) fn add(&mut self, chunk: u32, fields: [&str; 5]) -> [u16; 5] {
        let mut lengths = [0_u16; 5];
        for ((at, text), length) in fields.into_iter().enumerate().zip(&mut lengths) {
            self.each_change(text, |of_term| {
                *length = length.saturating_add(1);
                if of_term.postings.last().is_none_or(|last| last.chunk != chunk) {
                    of_term.postings.push(Posting { chunk, counts: [0; 5] });
                    of_term.live += 1;
                }
                if let Some(count) = of_term.postings.last_mut().and_then(|last| last.counts.get_mut(at)) {
                    *count = count.saturating_add(1);
                }
            });
        }
        lengths
    }

    /// Notes that a chunk is gone; `base` is how many chunks the base has.
    pub(super) fn forget(&mut self, chunk: u32, base: u32, fields: [&str; 5]) {
        let mark = chunk.saturating_add(1);
        for text in fields {
            self.each_change(text, |of_term| {
                if of_term.last_gone == mark {
                    return;
                }
                of_term.last_gone = mark;
                if chunk < base {
                    of_term.gone += 1;
                } else {
                    of_term.live = of_term.live.saturating_sub(1);
                }
            });
        }
    }

    pub(super) fn of_term(&self, term: &str) -> Option<&Changes> {
        self.changes.get(*self.terms.get(term)? as usize)
    }

    /// Calls `change` for each term of `text`.
    fn each_change(&mut self, text: &str, mut change: impl FnMut(&mut Changes)) {
        each_word(text, &mut |word| {
            let range = self.words.get(word).cloned().unwrap_or_else(|| self.add_word(word));
            for at in self.terms_of_words.get(range.clone()).unwrap_or_default() {
                self.changes.get_mut(*at as usize).map(&mut change);
            }
            range.len()
        });
    }

    fn add_word(&mut self, word: &str) -> Range<usize> {
        let start = self.terms_of_words.len();
        let Self { splitter, terms, changes, terms_of_words, .. } = self;
        splitter.each_term(word, &mut |term| {
            let next = u32::try_from(changes.len()).unwrap_or(u32::MAX);
            let at = terms.get(term).copied().unwrap_or_else(|| {
                terms.insert(term.into(), next);
                changes.push(Changes::default());
                next
            });
            terms_of_words.push(at);
        });
        let range = start..self.terms_of_words.len();
        self.words.insert(word.into(), range.clone());
        range
    }

    /// All terms with what changed about them, in any order.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&str, &Changes)> {
        self.terms.iter().filter_map(|(term, at)| Some((term.as_ref(), self.changes.get(*at as usize)?)))
    }
}
