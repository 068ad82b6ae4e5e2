//! What may be taken next, and the order in which it is.

use std::collections::HashMap;
use std::ops::Range;

use super::super::{Question, snippet};
use super::draft::{Draft, Piece};
use super::leads::{Lead, Leads};
use super::library::Library;
use super::neighbours::neighbours;
use super::tokens::estimated_tokens;
use super::{Item, Level, Pack};
use crate::syntax::Chunk;
use crate::workspace::RelativePath;

/// What reading anything costs beside its tokens: without it, short things of little worth would come first.
const READING: f32 = 60.0;
/// Tokens of the heading of a file.
const HEADING: f32 = 20.0;
/// A text of so many tokens says half of what a long one may.
const SHORT: f32 = 30.0;
/// What the names in a file are worth of its best answer.
const OF_MAP: f32 = 0.5;
/// What each text of a file takes from the worth of the next.
const AGAIN: f32 = 0.6;
/// Definitions whose neighbours are looked at.
const MOST_CENTRES: usize = 8;
/// Names in the map of one file, and characters of each.
const MOST_NAMES: usize = 8;
const LONGEST_NAME: usize = 60;

/// How something may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Text,
    Signature,
    Map,
}

/// Something that may be taken.
#[derive(Debug)]
struct Offer<'a> {
    form: Form,
    path: &'a str,
    /// Of a map, the answers in the file are in `inside`.
    chunk: u32,
    inside: Vec<u32>,
    start: usize,
    worth: f32,
    reason: String,
    /// Tokens, about.
    cost: f32,
}

/// All offers, and what was taken of them.
pub(super) struct Table<'l, 'a> {
    library: &'l mut Library<'a>,
    question: &'l Question,
    offers: Vec<Offer<'a>>,
    draft: Draft<'a>,
    /// How many texts were taken of each file.
    texts: HashMap<&'a str, i32>,
    centres: usize,
}

impl<'l, 'a> Table<'l, 'a> {
    pub(super) fn new(library: &'l mut Library<'a>, question: &'l Question, leads: Leads<'a>) -> Self {
        let draft = Draft::default();
        let mut table = Self { library, question, offers: Vec::new(), draft, texts: HashMap::new(), centres: 0 };
        for lead in leads.chunks.into_values() {
            table.offer(Form::Text, lead);
        }
        for (path, Lead { what: inside, worth, reason }) in leads.files {
            if table.library.is_secret(path) {
                continue;
            }
            let offer =
                Offer { form: Form::Map, path, chunk: 0, inside, start: 0, worth: worth * OF_MAP, reason, cost: 0.0 };
            let cost = tokens(&table.map(&offer).text) + tokens(path);
            table.offers.push(Offer { cost, ..offer });
        }
        table
    }

    fn offer(&mut self, form: Form, lead: Lead<u32>) {
        let Lead { what: chunk, worth, reason } = lead;
        let Some(known) = self.library.catalogue.known(chunk) else { return };
        if self.library.is_secret(known.path) {
            return;
        }
        let cost = match form {
            Form::Text | Form::Map => tokens(self.library.text(chunk)),
            Form::Signature => tokens(&self.library.signature(chunk)),
        };
        if cost > 0.0 {
            let start = known.span.start;
            self.offers.push(Offer { form, path: known.path, chunk, inside: Vec::new(), start, worth, reason, cost });
        }
    }

    /// Takes what is worth most, until nothing more fits into `budget`.
    pub(super) fn filled(mut self, budget: usize) -> Pack {
        while let Some(offer) = self.next() {
            if !self.take(&offer, budget) {
                self.take_some(&offer, budget);
                break;
            }
            if offer.form == Form::Text {
                self.look_around(&offer);
            }
        }
        self.draft.finished()
    }

    /// Removes and gives the best offer. The budget has no say in it.
    fn next(&mut self) -> Option<Offer<'a>> {
        let draft = &self.draft;
        self.offers.retain(|offer| match offer.form {
            Form::Text => !draft.has_text(offer.path, offer.start),
            Form::Signature => {
                !draft.has_text(offer.path, offer.start) && !draft.has_signature(offer.path, offer.start)
            }
            Form::Map => !draft.has(offer.path),
        });
        let texts = &self.texts;
        let density = |offer: &Offer<'_>| {
            let again = AGAIN.powi(texts.get(offer.path).copied().unwrap_or_default());
            let first = if draft.has(offer.path) { 0.0 } else { HEADING };
            let (heading, telling) = match offer.form {
                Form::Text => (first, offer.cost / (offer.cost + SHORT)),
                Form::Signature => (first, 1.0),
                Form::Map => (0.0, 1.0),
            };
            offer.worth * again * telling / (offer.cost + heading + READING)
        };
        let better = |left: &Offer<'_>, right: &Offer<'_>| {
            // Of equals the first in the order of paths.
            let place = || (right.path, right.start, right.form).cmp(&(left.path, left.start, left.form));
            density(left).total_cmp(&density(right)).then_with(place)
        };
        let best = self.offers.iter().enumerate().max_by(|(_, left), (_, right)| better(left, right));
        let at = best.map(|(at, _)| at)?;
        Some(self.offers.swap_remove(at))
    }

    fn take(&mut self, offer: &Offer<'a>, budget: usize) -> bool {
        let language = self.library.language(offer.path);
        match offer.form {
            Form::Map => {
                let item = self.map(offer);
                self.draft.map(offer.path, item, budget)
            }
            Form::Signature => {
                let Some(item) = self.signature(offer) else { return true };
                self.draft.signature((offer.path, language), offer.start, item, budget)
            }
            Form::Text => {
                let Some(item) = self.text(offer) else { return true };
                let piece = Piece { chunk: offer.chunk, item };
                let taken = self.draft.text((offer.path, language), offer.start, piece, budget);
                *self.texts.entry(offer.path).or_default() += i32::from(taken);
                taken
            }
        }
    }

    /// Takes as much as fits of an offer that does not fit.
    fn take_some(&mut self, offer: &Offer<'a>, budget: usize) {
        let language = self.library.language(offer.path);
        match offer.form {
            Form::Text => {
                let (Some(item), line) = (self.text(offer), self.telling_line(offer)) else { return };
                if self.draft.part(
                    (offer.path, language),
                    offer.start,
                    Piece { chunk: offer.chunk, item },
                    line,
                    budget,
                ) {
                    return;
                }
                let fits = self
                    .signature(offer)
                    .is_some_and(|item| self.draft.signature((offer.path, language), offer.start, item, budget));
                if !fits {
                    self.take_map(offer, budget);
                }
            }
            Form::Signature => self.take_map(offer, budget),
            Form::Map => {
                let bare = Item { text: String::new(), tokens: 0, ..self.map(offer) };
                self.draft.map(offer.path, bare, budget);
            }
        }
    }

    /// The file at least, by its path, where nothing of it was taken.
    fn take_map(&mut self, offer: &Offer<'a>, budget: usize) {
        if !self.draft.has(offer.path) {
            let name = self.library.catalogue.known(offer.chunk).and_then(|known| known.symbol).map(short);
            let item = item(offer, None, 0..0, Level::Map, name.unwrap_or_default());
            self.draft.map(offer.path, item, budget);
        }
    }

    /// Offers what stands near a text that was taken.
    fn look_around(&mut self, offer: &Offer<'a>) {
        let catalogue = self.library.catalogue;
        if self.centres >= MOST_CENTRES || catalogue.known(offer.chunk).is_none_or(|known| known.symbol.is_none()) {
            return;
        }
        self.centres += 1;
        for near in neighbours(catalogue, offer.chunk, self.library.text(offer.chunk)) {
            let worth = offer.worth * near.share;
            self.offer(Form::Signature, Lead { what: near.chunk, worth, reason: near.reason.to_owned() });
        }
    }

    fn text(&mut self, offer: &Offer<'a>) -> Option<Item> {
        let known = self.library.catalogue.known(offer.chunk)?;
        let text = self.library.text(offer.chunk).to_owned();
        Some(item(offer, known.parent, known.lines, Level::Whole, text))
    }

    fn signature(&self, offer: &Offer<'a>) -> Option<Item> {
        let known = self.library.catalogue.known(offer.chunk)?;
        let signature = self.library.signature(offer.chunk);
        (!signature.is_empty()).then(|| item(offer, known.parent, known.lines, Level::Signature, signature))
    }

    /// The names of what a file defines: the answers first.
    fn map(&self, offer: &Offer<'a>) -> Item {
        let catalogue = self.library.catalogue;
        let others = RelativePath::new(offer.path).map(|path| catalogue.chunks_of(&path)).unwrap_or_default();
        let mut names: Vec<String> = Vec::new();
        for chunk in offer.inside.iter().copied().chain(others) {
            let Some(name) = catalogue.known(chunk).and_then(|known| known.symbol).map(short) else { continue };
            if names.len() < MOST_NAMES && !names.contains(&name) {
                names.push(name);
            }
        }
        item(offer, None, 0..0, Level::Map, names.join(", "))
    }

    /// The line of a text that says most about the task, counted from its first.
    fn telling_line(&mut self, offer: &Offer<'a>) -> usize {
        let Some(known) = self.library.catalogue.known(offer.chunk) else { return 0 };
        let chunk = Chunk {
            span: known.span,
            lines: known.lines.clone(),
            symbol: known.symbol.map(ToOwned::to_owned),
            kind: known.kind,
            parent: None,
            signature: String::new(),
            text: self.library.text(offer.chunk).to_owned(),
        };
        snippet(&chunk, self.question).line.saturating_sub(known.lines.start) as usize
    }
}

fn item(offer: &Offer<'_>, parent: Option<&str>, lines: Range<u32>, level: Level, text: String) -> Item {
    let (path, parent, tokens) = (offer.path.to_owned(), parent.map(ToOwned::to_owned), estimated_tokens(&text));
    Item { path, parent, lines, level, text, tokens, reason: offer.reason.clone(), score: offer.worth }
}

/// A name as a line can hold it: one of code may be anything.
fn short(name: &str) -> String {
    let name: String = name.chars().filter(|at| *at != '`').take(LONGEST_NAME).collect();
    crate::text::visible_line(&name)
}

#[allow(clippy::cast_precision_loss, reason = "an order of magnitude")]
fn tokens(text: &str) -> f32 {
    estimated_tokens(text) as f32
}
