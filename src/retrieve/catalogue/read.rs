//! From one segment to a catalogue. Any bytes may come: what was not written so is refused, and whatever is read
//! later, postings and texts, is checked where it is read.

use std::collections::BTreeMap;

use super::super::DIMENSIONS;
use super::segment::{Base, Entry, FORM, HEAD, LENGTHS, MAGIC, PARTS};
use super::texts::{Block, Held, MOST_TEXT};
use super::{Catalogue, CatalogueError, File, HASH, Place, Record};
use crate::syntax::ChunkKind;
use crate::workspace::{ContentHash, RelativePath};

/// Chunks that are likely put before all is written anew; room for them is cheap now and costs a copy later.
const ROOM: usize = 8_192;

impl Catalogue {
    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not whole, of another form, or made with another embedder than `embedder`.
    pub fn from_bytes(mut bytes: Vec<u8>, embedder: &str) -> Result<Self, CatalogueError> {
        checked_head(&bytes)?;
        // The largest part is copied first, and what it was read from let go of: both need much memory for a moment.
        let vectors = parts(&bytes).map(|[.., vectors]| read_vectors(vectors)).ok_or(CatalogueError::Damaged)?;
        let others = bytes.len() - vectors.len();
        cut(&mut bytes, others);
        let (mut catalogue, kept) = from_parts(&bytes, embedder)?;
        if catalogue.count.checked_mul(DIMENSIONS) != Some(vectors.len()) {
            return Err(CatalogueError::Damaged);
        }
        catalogue.vectors = vectors;
        cut(&mut bytes, kept);
        catalogue.base.bytes = bytes;
        Ok(catalogue)
    }
}

/// Lets go of the bytes after those that are kept.
fn cut(bytes: &mut Vec<u8>, kept: usize) {
    bytes.truncate(kept);
    bytes.shrink_to_fit();
}

/// Whether the bytes are those of a segment of this form, as they were written.
fn checked_head(bytes: &[u8]) -> Result<(), CatalogueError> {
    let mut reader = Reader(bytes);
    if reader.take(MAGIC.len()) != Some(MAGIC) {
        return Err(CatalogueError::Foreign);
    }
    let (form, hash) = (reader.number(), reader.take(32));
    if let Some(other) = form.filter(|form| *form != FORM) {
        return Err(CatalogueError::Form(other));
    }
    let whole = hash.is_some_and(|hash| ContentHash::of(reader.0).as_bytes().as_slice() == hash);
    whole.then_some(()).ok_or(CatalogueError::Damaged)
}

/// The catalogue, still without its vectors and the bytes of its base, and how many of these it needs.
fn from_parts(bytes: &[u8], embedder: &str) -> Result<(Catalogue, usize), CatalogueError> {
    let [postings, texts, name, files, records, strings, terms, names, _] =
        parts(bytes).ok_or(CatalogueError::Damaged)?;
    if name != embedder.as_bytes() {
        return Err(CatalogueError::Embedder(String::from_utf8_lossy(name).into_owned()));
    }
    let read = || {
        let mut catalogue = Catalogue::default();
        read_files(files, texts.len(), &mut catalogue)?;
        let places = read_strings(strings, &mut catalogue)?;
        read_records(records, &places, &mut catalogue)?;
        catalogue.base = read_terms(terms, postings.len())?;
        catalogue.base.count = u32::try_from(catalogue.count).ok()?;
        catalogue.base.names = read_names(names, catalogue.base.count)?;
        Some(catalogue)
    };
    let kept = HEAD + LENGTHS + postings.len() + texts.len();
    read().map(|catalogue| (catalogue, kept)).ok_or(CatalogueError::Damaged)
}

fn parts(bytes: &[u8]) -> Option<[&[u8]; PARTS]> {
    let mut lengths = Reader(bytes.get(HEAD..HEAD + LENGTHS)?);
    let mut rest = Reader(bytes.get(HEAD + LENGTHS..)?);
    let mut parts: [&[u8]; PARTS] = [&[]; PARTS];
    let (last, others) = parts.split_last_mut()?;
    for part in others {
        *part = rest.take(usize::try_from(u64::from_le_bytes(lengths.array()?)).ok()?)?;
    }
    *last = rest.0;
    Some(parts)
}

fn read_files(part: &[u8], texts: usize, catalogue: &mut Catalogue) -> Option<()> {
    // Before the paths come as many rows as there are; how many, only the lengths of the paths tell.
    let (mut rows, mut lengths, mut rest) = (Reader(part), Vec::new(), part.len());
    let (mut chunk, mut text) = (0_u32, 0_usize);
    while rest > 0 {
        let length = rows.size()?;
        rest = rest.checked_sub(ROW.checked_add(length)?)?;
        let content = ContentHash::from_bytes(rows.array()?);
        let (count, size, block) = (rows.number()?, rows.number()?, rows.size()?);
        let chunks = chunk..chunk.checked_add(count)?;
        let range = text..text.checked_add(block).filter(|end| *end <= texts)?;
        (chunk, text) = (chunks.end, range.end);
        if size as usize > MOST_TEXT {
            return None;
        }
        lengths.push((length, content, chunks, Block { size, held: Held::Base(range) }));
    }
    let mut by_path = Vec::with_capacity(lengths.len());
    for (number, (length, content, chunks, texts)) in (0..).zip(lengths) {
        let path = RelativePath::new(std::str::from_utf8(rows.take(length)?).ok()?).ok()?;
        if catalogue.files.last().is_some_and(|before: &File| before.path >= path) {
            return None;
        }
        by_path.push((path.clone(), number));
        catalogue.files.push(File { path, content, chunks, texts });
    }
    catalogue.by_path = BTreeMap::from_iter(by_path);
    (text == texts).then_some(())
}

/// Bytes of a file but for its path.
const ROW: usize = 4 + 32 + 4 + 4 + 4;

/// Takes over the strings; where each of them is.
fn read_strings(part: &[u8], catalogue: &mut Catalogue) -> Option<Vec<Place>> {
    let mut reader = Reader(part);
    let count = reader.size()?;
    let mut lengths = Reader(reader.take(count.checked_mul(4)?)?);
    let text = std::str::from_utf8(reader.0).ok()?;
    let (mut places, mut start) = (Vec::with_capacity(count), 0_u32);
    for _ in 0..count {
        let end = start.checked_add(lengths.number()?)?;
        let place = Place { start, end };
        place.of(text)?;
        places.push(place);
        start = end;
    }
    catalogue.strings = String::with_capacity(text.len() + ROOM * 64);
    catalogue.strings.push_str(text);
    (start as usize == text.len()).then_some(places)
}

fn read_records(part: &[u8], strings: &[Place], catalogue: &mut Catalogue) -> Option<()> {
    let (mut reader, count) = (Reader(part), catalogue.files.last().map_or(0, |file| file.chunks.end as usize));
    if part.len() != count.checked_mul(RECORD)? {
        return None;
    }
    catalogue.records = Vec::with_capacity(count + ROOM);
    catalogue.lengths = Vec::with_capacity(count + ROOM);
    for (number, file) in (0..).zip(&catalogue.files) {
        let mut text = 0_u32;
        for _ in file.chunks.clone() {
            let (mut record, lengths) = read_record(&mut reader, strings)?;
            record.file = number;
            record.text = Place { start: text, end: text.checked_add(record.text.end)? };
            text = record.text.end;
            catalogue.records.push(record);
            catalogue.lengths.push(lengths);
        }
        if text != file.texts.size {
            return None;
        }
    }
    for lengths in &catalogue.lengths {
        catalogue.totals.iter_mut().zip(lengths).for_each(|(all, own)| *all += u64::from(*own));
    }
    catalogue.count = count;
    catalogue.live = Vec::with_capacity(count + ROOM);
    catalogue.live.resize(count, true);
    Some(())
}

/// Bytes of a record.
const RECORD: usize = 8 * 4 + 5 * 2 + 1 + HASH;

/// A record but for its file, whose text begins at 0.
fn read_record(reader: &mut Reader<'_>, strings: &[Place]) -> Option<(Record, [u16; 5])> {
    let mut place = || Some(Place { start: reader.number()?, end: reader.number()? });
    let (span, lines) = (place().filter(|span| span.start <= span.end)?, place()?);
    let mut string = || match reader.size()?.checked_sub(1) {
        Some(number) => strings.get(number).copied().map(Some),
        None => Some(None),
    };
    let (symbol, parent, signature) = (string()?, string()?, string()??);
    let text = Place { start: 0, end: reader.number()? };
    let mut lengths = [0; 5];
    for length in &mut lengths {
        *length = u16::from_le_bytes(reader.array()?);
    }
    let kind = ChunkKind::from_number(u8::from_le_bytes(reader.array()?))?;
    let hash = reader.array()?;
    Some((Record { file: 0, span, lines, symbol, parent, signature, text, kind, hash }, lengths))
}

fn read_vectors(part: &[u8]) -> Vec<i8> {
    let mut vectors = Vec::with_capacity(part.len() + ROOM * DIMENSIONS);
    vectors.extend(part.iter().map(|step| step.cast_signed()));
    vectors
}

fn read_terms(part: &[u8], postings: usize) -> Option<Base> {
    let mut reader = Reader(part);
    let count = reader.size()?;
    let mut rows = Reader(reader.take(count.checked_mul(12)?)?);
    let terms = std::str::from_utf8(reader.0).ok()?.to_owned();
    let (mut entries, mut term_end, mut postings_end) = (Vec::with_capacity(count), 0_u32, 0_u32);
    for _ in 0..count {
        term_end = term_end.checked_add(rows.number()?)?;
        let having = rows.number()?;
        postings_end = postings_end.checked_add(rows.number()?)?;
        entries.push(Entry { term_end, postings_end, having });
    }
    let whole = term_end as usize == terms.len() && postings_end as usize == postings;
    whole.then_some(Base { postings, terms, entries, ..Base::default() })
}

fn read_names(part: &[u8], count: u32) -> Option<Vec<u32>> {
    let (names, rest) = part.as_chunks::<4>();
    let names: Vec<u32> = names.iter().map(|number| u32::from_le_bytes(*number)).collect();
    (rest.is_empty() && names.iter().all(|chunk| *chunk < count)).then_some(names)
}

/// What is left of the bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }
}
