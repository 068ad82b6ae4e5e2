//! Opening: the catalogue as it was last kept, brought to what the store has.

use std::collections::BTreeMap;

use super::Index;
use super::served::Chunks;
use crate::ports::{Failure, IndexRecord, OpenIndex, Progress, Report};
use crate::retrieve::{Catalogue, StoredChunk};
use crate::workspace::{ContentHash, RelativePath};

/// Files after which it is said again how far it is.
const TOLD_EVERY: usize = 500;

impl Index {
    /// Opens the store and brings the catalogue to what it has; where that cannot be, to nothing.
    pub(super) fn opened(&self, report: Report<'_>) -> OpenIndex {
        let open = || self.store.open().and_then(|open| self.followed(open, report));
        // What cannot be read is set aside by the next opening, or was merged away by the process that writes.
        let opened = open().or_else(|_| open()).unwrap_or_else(|failure| {
            self.serving().clear();
            OpenIndex { unkept: Some(failure), ..OpenIndex::default() }
        });
        self.remember_taken();
        match &opened.unkept {
            Some(failure) => self.part(failure),
            None => self.join(),
        }
        opened
    }

    fn followed(&self, mut open: OpenIndex, report: Report<'_>) -> Result<OpenIndex, Failure> {
        let is_empty = self.served().catalogue().files().next().is_none();
        if is_empty && !open.files.is_empty() {
            let kept = self.store.catalogue();
            // Of another version or damaged: everything is read from the store instead.
            if let Some(kept) = kept.and_then(|bytes| Catalogue::from_bytes(bytes, &self.embedder).ok()) {
                self.serving().exchange(kept);
            }
        }
        let gone = self.served().unknown(&open.files);
        if !gone.is_empty() {
            let mut served = self.serving();
            gone.iter().for_each(|path| served.remove(path));
        }
        for path in self.catch_up(&open.files, report)? {
            // Some of its chunks were not as they were written: it is as if it had never been indexed.
            open.files.remove(&path);
            self.serving().remove(&path);
        }
        Ok(open)
    }

    /// Reads from the store what the catalogue has another content of; gives the files that are not whole there.
    fn catch_up(
        &self,
        known: &BTreeMap<RelativePath, IndexRecord>,
        report: Report<'_>,
    ) -> Result<Vec<RelativePath>, Failure> {
        let served = self.served();
        let late = known.iter().filter(|(path, record)| served.content(path) != Some(record.content));
        let (bare, lacking): (Vec<_>, Vec<_>) = late.partition(|(_, record)| record.chunks.is_empty());
        drop(served);
        for (path, record) in bare {
            self.serving().put(path, record.content, &[]);
        }
        if lacking.is_empty() {
            return Ok(Vec::new());
        }
        let total = lacking.len();
        let paths: Vec<RelativePath> = lacking.iter().map(|(path, _)| (*path).clone()).collect();
        let mut halves =
            Halves { waiting: lacking.into_iter().map(|(path, record)| (path, (record, Vec::new()))).collect() };
        let mut done = 0;
        let paths = Some(paths.as_slice()).filter(|_| total < known.len());
        self.store.read(paths, &mut |stored, vector| {
            let Some((path, content, chunks)) = halves.take(stored, vector) else { return };
            self.serving().put(&path, content, &chunks);
            done += 1;
            if done % TOLD_EVERY == 0 {
                report(Progress { stage: "reading the index".to_owned(), done, total: Some(total) });
            }
        })?;
        Ok(halves.waiting.into_keys().cloned().collect())
    }
}

/// Files of which not all chunks have come yet.
struct Halves<'a> {
    waiting: BTreeMap<&'a RelativePath, (&'a IndexRecord, Chunks)>,
}

impl Halves<'_> {
    /// Takes a chunk, and gives the file once it is whole.
    fn take(&mut self, stored: StoredChunk, vector: Vec<f32>) -> Option<(RelativePath, ContentHash, Chunks)> {
        let StoredChunk { path, chunk } = stored;
        let (record, chunks) = self.waiting.get_mut(&path)?;
        chunks.push((chunk, vector));
        if chunks.len() < record.chunks.len() {
            return None;
        }
        let (content, chunks) = (record.content, in_order(&record.chunks, std::mem::take(chunks))?);
        self.waiting.remove(&path);
        Some((path, content, chunks))
    }
}

/// The chunks in the order of their hashes; `None` when they are others.
fn in_order(hashes: &[ContentHash], mut chunks: Chunks) -> Option<Chunks> {
    // Those that are taken first stand last, so that of two alike the first in the file comes first.
    chunks.sort_by_key(|(chunk, _)| std::cmp::Reverse(chunk.span.start));
    let mut by_hash: BTreeMap<ContentHash, Chunks> = BTreeMap::new();
    for (chunk, vector) in chunks {
        by_hash.entry(chunk.hash()).or_default().push((chunk, vector));
    }
    hashes.iter().map(|hash| by_hash.get_mut(hash)?.pop()).collect()
}
