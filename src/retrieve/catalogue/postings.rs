//! Which chunks a term stands in and how often, as bytes.
//!
//! A list begins with a table: for each stretch of 128 postings but the first, the least chunk number it may hold and
//! where its bytes begin. A posting is a LEB128 number of twice the numbers left out since the one before; an odd one
//! says "once, in the text" and is all, after an even one come a byte of flags, one for each field, and the counts of
//! those that are set.

/// Postings that are read one after the other to find one.
const STRETCH: usize = 128;
/// Once in the text and nowhere else: most postings.
const ONCE: [u8; 5] = [0, 0, 0, 0, 1];

/// How often a term stands in each field of a chunk; more than 255 times counts as 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) chunk: u32,
    pub(super) counts: [u8; 5],
}

/// The chunks that a term stands in, by number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct List<'a> {
    pub(super) having: u32,
    pub(super) bytes: &'a [u8],
}

impl<'a> List<'a> {
    pub(super) fn iter(self) -> Postings<'a> {
        let rest = self.stretches().map_or(&[][..], |(_, postings)| postings);
        Postings { rest, least: 0, left: self.having }
    }

    /// How often the term stands in each field of this chunk.
    pub(super) fn counts(self, chunk: u32) -> Option<[u8; 5]> {
        let (table, postings) = self.stretches()?;
        let (entries, _) = table.as_chunks::<8>();
        let split = |entry: &[u8; 8]| {
            let (least, start) = entry.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*least), u32::from_le_bytes(start.try_into().ok()?)))
        };
        let after = entries.partition_point(|entry| split(entry).is_some_and(|(least, _)| least <= chunk));
        let (least, start) = after.checked_sub(1).and_then(|at| split(entries.get(at)?)).unwrap_or_default();
        let rest = postings.get(start as usize..)?;
        let mut few = Postings { rest, least, left: self.having }.take(STRETCH);
        few.find(|posting| posting.chunk >= chunk).filter(|posting| posting.chunk == chunk).map(|found| found.counts)
    }

    /// The table, and the postings.
    fn stretches(self) -> Option<(&'a [u8], &'a [u8])> {
        self.bytes.split_at_checked((self.having as usize).saturating_sub(1) / STRETCH * 8)
    }
}

/// Postings one after the other; ends early where the bytes are none.
pub(super) struct Postings<'a> {
    rest: &'a [u8],
    least: u32,
    left: u32,
}

impl Postings<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
            if shift > 28 + 7 {
                return None;
            }
        }
    }

    fn counts(&mut self) -> Option<[u8; 5]> {
        let (flags, mut counts) = (self.byte()?, [0; 5]);
        for (at, count) in counts.iter_mut().enumerate() {
            if flags >> at & 1 == 1 {
                *count = self.byte()?;
            }
        }
        Some(counts)
    }
}

impl Iterator for Postings<'_> {
    type Item = Posting;

    fn next(&mut self) -> Option<Posting> {
        self.left = self.left.checked_sub(1)?;
        let number = self.number()?;
        let chunk = self.least.checked_add(u32::try_from(number >> 1).ok()?)?;
        let counts = if number & 1 == 1 { ONCE } else { self.counts()? };
        self.least = chunk.checked_add(1)?;
        Some(Posting { chunk, counts })
    }
}

/// Writes the list of `postings`, which are by chunk number, no number twice.
pub(super) fn write(postings: &[Posting], out: &mut Vec<u8>) {
    let table = out.len();
    out.resize(table + postings.len().saturating_sub(1) / STRETCH * 8, 0);
    let (start, mut least) = (out.len(), 0);
    for (number, stretch) in postings.chunks(STRETCH).enumerate() {
        if let Some(at) = number.checked_sub(1) {
            let begins = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
            let entry = out.get_mut(table + at * 8..).and_then(|rest| rest.first_chunk_mut::<8>());
            if let Some((first, second)) = entry.and_then(|entry| entry.split_first_chunk_mut::<4>()) {
                *first = u32::to_le_bytes(least);
                second.copy_from_slice(&begins.to_le_bytes());
            }
        }
        for posting in stretch {
            write_one(posting, least, out);
            least = posting.chunk.saturating_add(1);
        }
    }
}

fn write_one(posting: &Posting, least: u32, out: &mut Vec<u8>) {
    let mut number = u64::from(posting.chunk.saturating_sub(least)) << 1 | u64::from(posting.counts == ONCE);
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
    if posting.counts != ONCE {
        let flag = |(at, count): (usize, &u8)| u8::from(*count > 0) << at;
        out.push(posting.counts.iter().enumerate().map(flag).sum());
        out.extend(posting.counts.iter().filter(|count| **count > 0));
    }
}
