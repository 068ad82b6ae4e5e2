//! Context packs: of all that a search finds for a task, the smallest set of spans, signatures and names of definitions
//! that lets somebody do it, within a budget of tokens.
//!
//! What to take is put in one order, by worth for each token, which does not depend on the budget; it is taken in that
//! order until something does not fit, of which a part is taken that does. So a larger budget only ever adds.

mod draft;
mod leads;
mod library;
mod markdown;
mod neighbours;
mod offers;
mod tokens;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use self::library::{Discretion, Library, hide, join};
pub use self::tokens::estimated_tokens;

use self::leads::leads;
use self::offers::Table;
use super::{Answer, Catalogue, Question};

/// How much of something is in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All of its text.
    Whole,
    /// The most telling lines of it, as there was no room for more.
    Part,
    /// Its head, without the body.
    Signature,
    /// Names of what a file defines.
    Map,
}

impl Level {
    /// Its name, as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Signature => "signature",
            Self::Map => "map",
        }
    }

    /// Whether it is text as it stands in the file.
    fn is_text(self) -> bool {
        match self {
            Self::Whole | Self::Part => true,
            Self::Signature | Self::Map => false,
        }
    }
}

/// One thing in a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The file it is in.
    pub path: String,
    /// The definition around it.
    pub parent: Option<String>,
    /// Zero-based lines that it stands in, the last one excluded; `0..0` for names of a file.
    pub lines: Range<u32>,
    /// How much of it there is.
    pub level: Level,
    /// The text, secrets in it replaced by a mark.
    pub text: String,
    /// Tokens of the text, by [`estimated_tokens`].
    pub tokens: usize,
    /// Why it is there, in plain words.
    pub reason: String,
    /// How much it is worth for the task; compares within one pack.
    pub score: f32,
}

/// What to hand to somebody who does a task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pack {
    /// File by file, what matters most first; within a file in its order.
    pub items: Vec<Item>,
    /// All of it as Markdown.
    pub markdown: String,
    /// Tokens of the Markdown, by [`estimated_tokens`]; never above the budget.
    pub tokens: usize,
}

/// A task, and what a search found for it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The task.
    pub question: &'a Question,
    /// What answers it by [`super::Intent::File`], best first.
    pub files: &'a [Answer],
    /// What answers it by [`super::Intent::Behaviour`], best first.
    pub behaviours: &'a [Answer],
    /// Most tokens of the Markdown.
    pub budget: usize,
}

/// The pack for a task.
#[must_use]
pub fn pack(catalogue: &Catalogue, wanted: Wanted<'_>, discretion: Discretion<'_>) -> Pack {
    let mut library = Library::new(catalogue, discretion);
    let leads = leads(catalogue, &wanted);
    Table::new(&mut library, wanted.question, leads).filled(wanted.budget)
}
