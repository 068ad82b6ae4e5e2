//! The terms of chunks that were put since the base was read, and how many of the base's chunks with a term are gone.

use std::collections::{BTreeSet, HashMap};

use super::super::terms::each_term;
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
    words: HashMap<Box<str>, u32>,
    changes: Vec<Changes>,
    /// Symbols in lower case, each with its chunk; those of chunks that are gone too.
    pub(super) names: BTreeSet<(String, u32)>,
}

impl Recent {
    /// Notes the terms of a new chunk, whose number is the greatest; how many each field has.
    pub(super) fn add(&mut self, chunk: u32, fields: [&str; 5]) -> [u16; 5] {
        let mut lengths = [0_u16; 5];
        for ((at, text), length) in fields.into_iter().enumerate().zip(&mut lengths) {
            each_term(text, &mut |term| {
                *length = length.saturating_add(1);
                let Some(of_term) = self.of_term_mut(term) else { return };
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
        for text in fields {
            each_term(text, &mut |term| {
                let Some(of_term) = self.of_term_mut(term) else { return };
                if of_term.last_gone == chunk.saturating_add(1) {
                    return;
                }
                of_term.last_gone = chunk.saturating_add(1);
                if chunk < base {
                    of_term.gone += 1;
                } else {
                    of_term.live = of_term.live.saturating_sub(1);
                }
            });
        }
    }

    pub(super) fn of_term(&self, term: &str) -> Option<&Changes> {
        self.changes.get(*self.words.get(term)? as usize)
    }

    fn of_term_mut(&mut self, term: &str) -> Option<&mut Changes> {
        let at = if let Some(at) = self.words.get(term) {
            *at
        } else {
            let at = u32::try_from(self.changes.len()).ok()?;
            self.words.insert(term.into(), at);
            self.changes.push(Changes::default());
            at
        };
        self.changes.get_mut(at as usize)
    }

    /// All terms with what changed about them, in any order.
    pub(super) fn terms(&self) -> impl Iterator<Item = (&str, &Changes)> {
        self.words.iter().filter_map(|(word, at)| Some((word.as_ref(), self.changes.get(*at as usize)?)))
    }
}
