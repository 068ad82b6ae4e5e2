//! From a catalogue to one segment. All numbers are little-endian.
//!
//! | part | holds |
//! |---|---|
//! | head | magic, form, BLAKE3 of all that follows |
//! | lengths | bytes of each part below but for the last, 8 bytes each |
//! | postings | lists of `postings.rs`, in the order of the terms |
//! | texts | blocks of `texts.rs`, in the order of the files |
//! | embedder | the name of what made the vectors |
//! | files | by path: length of the path, content's hash, how many chunks, texts' size, block's length; then all paths |
//! | records | one for each chunk, see [`Writer::record`] |
//! | strings | how many, the length of each; then all of them: symbols, parents and signatures, each once |
//! | terms | how many, then of each its length, how many chunks have it, its postings' length; then all of them |
//! | names | numbers of the chunks that have a symbol, in the order of the symbols in lower case |
//! | vectors | 256 bytes for each chunk |

use std::collections::HashMap;

use super::postings::{self, List, Posting};
use super::recent::Changes;
use super::segment::{FORM, HEAD, LENGTHS, MAGIC, PARTS};
use super::{Catalogue, Place, Record, vectors};
use crate::workspace::ContentHash;

/// Stands for a chunk that is gone.
const GONE: u32 = u32::MAX;

impl Catalogue {
    /// All that is there as one segment, for [`Self::from_bytes`]: the same bytes for the same content, whatever was
    /// put and removed before. `embedder` names what made the vectors.
    #[must_use]
    pub fn to_bytes(&self, embedder: &str) -> Vec<u8> {
        let mut writer = Writer::new(self);
        let terms = writer.postings();
        writer.texts();
        writer.out.extend(embedder.as_bytes());
        writer.end_part();
        writer.files();
        let strings = writer.records();
        writer.out.extend(strings);
        writer.end_part();
        writer.out.extend(terms);
        writer.end_part();
        writer.names();
        writer.vectors();
        writer.finished()
    }
}

struct Writer<'a> {
    catalogue: &'a Catalogue,
    /// Chunks that are there, in their new order.
    order: Vec<u32>,
    /// The new number of each chunk, or [`GONE`].
    now: Vec<u32>,
    out: Vec<u8>,
    /// Where each part that is written ends.
    ends: Vec<usize>,
}

impl<'a> Writer<'a> {
    fn new(catalogue: &'a Catalogue) -> Self {
        let order: Vec<u32> = catalogue.files_in_order().flat_map(|file| file.chunks.clone()).collect();
        let mut now = vec![GONE; catalogue.records.len()];
        for (new, old) in (0..).zip(&order) {
            if let Some(number) = now.get_mut(*old as usize) {
                *number = new;
            }
        }
        let likely = catalogue.base.bytes.len() + catalogue.vectors.len() * 2 + catalogue.strings.len();
        let mut out = Vec::with_capacity(likely);
        out.extend(MAGIC);
        out.extend(FORM.to_le_bytes());
        out.resize(HEAD + LENGTHS, 0);
        Self { catalogue, order, now, out, ends: Vec::with_capacity(PARTS) }
    }

    fn end_part(&mut self) {
        self.ends.push(self.out.len());
    }

    /// Writes the postings, and gives the part of the terms.
    fn postings(&mut self) -> Vec<u8> {
        let (mut entries, mut terms, mut list) = (Vec::new(), Vec::new(), Vec::new());
        let mut all: Vec<(&str, Source<'_>)> =
            self.catalogue.base.lists().map(|(term, list)| (term, Source::Base(list))).collect();
        all.extend(self.catalogue.recent.terms().map(|(term, changes)| (term, Source::Recent(changes))));
        all.sort_by_key(|(term, _)| *term);
        let mut count = 0_u32;
        for same in all.chunk_by(|left, right| left.0 == right.0) {
            list.clear();
            same.iter().for_each(|(_, source)| source.gather(&self.now, &mut list));
            let (Some((term, _)), false) = (same.first(), list.is_empty()) else { continue };
            list.sort_unstable_by_key(|posting| posting.chunk);
            let start = self.out.len();
            postings::write(&list, &mut self.out);
            for number in [term.len(), list.len(), self.out.len() - start] {
                entries.extend(number_of(number));
            }
            terms.extend(term.as_bytes());
            count += 1;
        }
        self.end_part();
        [count.to_le_bytes().to_vec(), entries, terms].concat()
    }

    fn texts(&mut self) {
        for file in self.catalogue.files_in_order() {
            self.out.extend(file.texts.bytes(&self.catalogue.base).unwrap_or_default());
        }
        self.end_part();
    }

    fn files(&mut self) {
        for file in self.catalogue.files_in_order() {
            let block = file.texts.bytes(&self.catalogue.base).unwrap_or_default();
            self.out.extend(number_of(file.path.as_str().len()));
            self.out.extend(file.content.as_bytes());
            self.out.extend(number_of(file.chunks.len()));
            self.out.extend(file.texts.size.to_le_bytes());
            self.out.extend(number_of(block.len()));
        }
        for file in self.catalogue.files_in_order() {
            self.out.extend(file.path.as_str().as_bytes());
        }
        self.end_part();
    }

    /// Writes the records, and gives the part of the strings.
    fn records(&mut self) -> Vec<u8> {
        let (mut known, mut lengths, mut strings) = (HashMap::new(), Vec::new(), Vec::new());
        let mut number_of_string = |place: Place| {
            let string = place.of(&self.catalogue.strings).unwrap_or_default();
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry(string).or_insert_with(|| {
                lengths.extend(number_of(string.len()));
                strings.extend(string.as_bytes());
                next
            })
        };
        for old in &self.order {
            let Some(record) = self.catalogue.records.get(*old as usize) else { continue };
            let names = [record.symbol, record.parent, Some(record.signature)];
            let names = names.map(|place| place.map_or(0, |place| number_of_string(place).saturating_add(1)));
            let lengths = self.catalogue.lengths.get(*old as usize).copied().unwrap_or_default();
            Self::record(record, names, lengths, &mut self.out);
        }
        self.end_part();
        [u32::try_from(known.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec(), lengths, strings].concat()
    }

    /// A record: span, lines, one more than the numbers of symbol, parent and signature, the text's length, how many
    /// terms each field has, the kind, the hash.
    fn record(record: &Record, names: [u32; 3], lengths: [u16; 5], out: &mut Vec<u8>) {
        let places = [record.span.start, record.span.end, record.lines.start, record.lines.end];
        out.extend(places.into_iter().chain(names).flat_map(u32::to_le_bytes));
        out.extend((record.text.end - record.text.start).to_le_bytes());
        out.extend(lengths.into_iter().flat_map(u16::to_le_bytes));
        out.push(record.kind.number());
        out.extend(record.hash);
    }

    fn names(&mut self) {
        let symbol = |old: u32| self.catalogue.symbol(old).map(str::to_lowercase);
        let named = (0_u32..).zip(&self.order).filter_map(|(new, old)| Some((symbol(*old)?, new)));
        let mut named: Vec<(String, u32)> = named.collect();
        named.sort_unstable();
        self.out.extend(named.iter().flat_map(|(_, chunk)| chunk.to_le_bytes()));
        self.end_part();
    }

    fn vectors(&mut self) {
        for old in &self.order {
            let vector = vectors::range(*old).and_then(|range| self.catalogue.vectors.get(range)).unwrap_or_default();
            self.out.extend(vector.iter().map(|step| step.cast_unsigned()));
        }
    }

    /// The segment, with the lengths of its parts and the hash of all.
    fn finished(mut self) -> Vec<u8> {
        let mut start = HEAD + LENGTHS;
        for (number, end) in self.ends.iter().enumerate() {
            let length = (end - start) as u64;
            start = *end;
            if let Some(to) = self.out.get_mut(HEAD + 8 * number..).and_then(|rest| rest.first_chunk_mut()) {
                *to = length.to_le_bytes();
            }
        }
        let hash = ContentHash::of(self.out.get(HEAD..).unwrap_or_default());
        if let Some(to) = self.out.get_mut(HEAD - 32..).and_then(|rest| rest.first_chunk_mut()) {
            *to = *hash.as_bytes();
        }
        self.out
    }
}

/// Where postings of a term are.
enum Source<'a> {
    Base(List<'a>),
    Recent(&'a Changes),
}

impl Source<'_> {
    /// Adds the postings of chunks that are there, with their new numbers.
    fn gather(&self, now: &[u32], list: &mut Vec<Posting>) {
        let moved = |posting: Posting| {
            let chunk = now.get(posting.chunk as usize).copied().filter(|chunk| *chunk != GONE)?;
            Some(Posting { chunk, ..posting })
        };
        match self {
            Self::Base(base) => list.extend(base.iter().filter_map(moved)),
            Self::Recent(changes) => list.extend(changes.postings.iter().copied().filter_map(moved)),
        }
    }
}

/// A length that was kept below 2^32 when it was put.
fn number_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
