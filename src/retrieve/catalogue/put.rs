//! What changes the catalogue.

use super::super::DIMENSIONS;
use super::texts::MOST_TEXT;
use super::{Catalogue, File, HASH, Place, Record, stem, vectors};
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

impl Catalogue {
    /// Puts `chunks`, each with its vector, in the place of what there was of a file; it is known even without any. A
    /// vector of another length than [`DIMENSIONS`] counts as none. What does not fit numbers of 32 bits is left out.
    pub fn put(&mut self, path: &RelativePath, content: ContentHash, chunks: &[(Chunk, Vec<f32>)]) {
        self.remove(path);
        let Ok(file) = u32::try_from(self.files.len()) else { return };
        let mut texts = String::with_capacity(chunks.iter().map(|(chunk, _)| chunk.text.len()).sum());
        let first = self.next_chunk();
        for (chunk, vector) in chunks {
            let _ = self.add(file, path, chunk, vector, &mut texts);
        }
        let chunks = first..self.next_chunk();
        self.count += chunks.len();
        self.changed += chunks.len().max(1);
        let texts = self.packer.pack(&texts);
        self.files.push(File { path: path.clone(), content, chunks, texts });
        self.by_path.insert(path.clone(), file);
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &RelativePath) {
        let Some(file) = self.by_path.remove(path).and_then(|file| self.files.get_mut(file as usize)) else { return };
        let (chunks, block) = (file.chunks.clone(), std::mem::take(&mut file.texts));
        let texts = block.unpacked(&self.base).unwrap_or_default();
        let texts = String::from_utf8(texts).unwrap_or_default();
        self.changed += chunks.len().max(1);
        // Out of the way for a moment: what stands beside it is read meanwhile.
        let mut recent = std::mem::take(&mut self.recent);
        for chunk in chunks {
            let Some(record) = self.record(chunk).copied() else { continue };
            recent.forget(chunk, self.base.count, self.fields(&record, path.as_str(), &texts));
            self.bury(chunk);
        }
        self.recent = recent;
    }

    /// Counts a chunk as gone.
    fn bury(&mut self, chunk: u32) {
        let lengths = self.lengths.get(chunk as usize).copied().unwrap_or_default();
        for (all, own) in self.totals.iter_mut().zip(lengths) {
            *all = all.saturating_sub(u64::from(own));
        }
        if let Some(live) = self.live.get_mut(chunk as usize) {
            *live = false;
        }
        self.count = self.count.saturating_sub(1);
    }

    /// The number of the next chunk; never the greatest, which stands for none.
    fn next_chunk(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// Adds one chunk; `None` when there is no room for it.
    fn add(&mut self, file: u32, path: &RelativePath, chunk: &Chunk, vector: &[f32], texts: &mut String) -> Option<()> {
        let number =
            Some(self.next_chunk()).filter(|number| number.checked_add(1).is_some_and(|next| next < u32::MAX))?;
        let names = [chunk.symbol.as_deref(), chunk.parent.as_deref(), Some(chunk.signature.as_str())];
        let length: usize = names.iter().flatten().map(|name| name.len()).sum();
        u32::try_from(self.strings.len().checked_add(length)?).ok()?;
        let span = place(chunk.span.start, chunk.span.end)?;
        let text = place(texts.len(), texts.len().checked_add(chunk.text.len()).filter(|end| *end <= MOST_TEXT)?)?;
        let [symbol, parent, signature] = names.map(|name| name.and_then(|name| appended(&mut self.strings, name)));
        texts.push_str(&chunk.text);
        self.records.push(Record {
            file,
            span,
            lines: Place { start: chunk.lines.start, end: chunk.lines.end },
            symbol,
            parent,
            signature: signature?,
            text,
            kind: chunk.kind,
            hash: *chunk.hash().as_bytes().first_chunk::<HASH>()?,
        });
        let [name, around, _] = names.map(Option::unwrap_or_default);
        let fields = [name, around, stem(path.as_str()), &chunk.signature, &chunk.text];
        let lengths = self.recent.add(number, fields);
        for (all, own) in self.totals.iter_mut().zip(lengths) {
            *all += u64::from(own);
        }
        if let Some(symbol) = &chunk.symbol {
            self.recent.names.insert((symbol.to_lowercase(), number));
        }
        self.lengths.push(lengths);
        self.live.push(true);
        self.vectors.extend::<[i8; DIMENSIONS]>(vectors::narrowed(vector));
        Some(())
    }
}

fn place(start: usize, end: usize) -> Option<Place> {
    Some(Place { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
}

fn appended(strings: &mut String, name: &str) -> Option<Place> {
    let start = strings.len();
    strings.push_str(name);
    place(start, strings.len())
}
