//! The base: what was read from a segment. `write.rs` says how one is laid out, `read.rs` checks it.

use super::postings::List;

/// What a segment begins with.
pub(super) const MAGIC: &[u8; 8] = b"tagoutsg";
/// The number of the form. Another one whenever the bytes, or the terms that a text has, are others than before.
pub(super) const FORM: u32 = 1;
/// Bytes before those that the hash is of: magic, form, hash.
pub(super) const HEAD: usize = 8 + 4 + 32;
/// Parts that follow each other: postings, texts, embedder, files, records, strings, terms, names, vectors.
pub(super) const PARTS: usize = 9;
/// Bytes of the lengths of the parts but for the last, which reaches to the end.
pub(super) const LENGTHS: usize = 8 * (PARTS - 1);

/// Why bytes are no segment that can be used. The index is made anew, whichever it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// It begins as no segment does.
    #[error("the kept index is none of this program's; make the index anew")]
    Foreign,
    /// Written by another version.
    #[error("the kept index has form {0}, and this version reads form {FORM}; make the index anew")]
    Form(u32),
    /// Its vectors compare with those of another embedder only.
    #[error("the kept index was made with the embedder {0:?}; make the index anew")]
    Embedder(String),
    /// Not the bytes that were written, or too few of them.
    #[error("the kept index is damaged; make the index anew")]
    Damaged,
}

/// One term of the base.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where it ends among the terms; it begins where the one before ends. The same goes for its postings.
    pub(super) term_end: u32,
    pub(super) postings_end: u32,
    /// How many chunks have it.
    pub(super) having: u32,
}

/// What was read from one segment, but for what new chunks are put beside.
#[derive(Default)]
pub(super) struct Base {
    /// How many chunks there were.
    pub(super) count: u32,
    /// Head and lengths, postings, texts.
    pub(super) bytes: Vec<u8>,
    /// Bytes of the postings.
    pub(super) postings: usize,
    /// Terms, one after the other, in order.
    pub(super) terms: String,
    pub(super) entries: Vec<Entry>,
    /// Chunks that have a symbol, in the order of those in lower case.
    pub(super) names: Vec<u32>,
}

impl Base {
    /// The postings of a term; none when nothing has it.
    pub(super) fn list(&self, term: &str) -> List<'_> {
        let at = self.entries_before(term);
        if self.term(at) == Some(term) { self.list_at(at).unwrap_or_default() } else { List::default() }
    }

    /// How many terms come before this one.
    fn entries_before(&self, term: &str) -> usize {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.term(middle).is_some_and(|other| other < term) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// All terms with their postings, in order.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&str, List<'_>)> {
        (0..self.entries.len()).filter_map(|at| Some((self.term(at)?, self.list_at(at)?)))
    }

    fn term(&self, at: usize) -> Option<&str> {
        let end = self.entries.get(at)?.term_end;
        self.terms.get(self.before(at)?.term_end as usize..end as usize)
    }

    fn list_at(&self, at: usize) -> Option<List<'_>> {
        let entry = self.entries.get(at)?;
        let postings = self.bytes.get(HEAD + LENGTHS..)?.get(..self.postings)?;
        let bytes = postings.get(self.before(at)?.postings_end as usize..entry.postings_end as usize)?;
        Some(List { having: entry.having, bytes })
    }

    fn before(&self, at: usize) -> Option<Entry> {
        match at.checked_sub(1) {
            Some(before) => self.entries.get(before).copied(),
            None => Some(Entry { term_end: 0, postings_end: 0, having: 0 }),
        }
    }

    /// The packed texts of all files.
    pub(super) fn texts(&self) -> &[u8] {
        self.bytes.get(HEAD + LENGTHS + self.postings..).unwrap_or_default()
    }
}
