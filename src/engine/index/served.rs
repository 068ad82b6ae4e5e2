//! The catalogue with unsaved texts laid over what the disk has.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::IndexRecord;
use crate::retrieve::{Catalogue, StoredChunk, widened};
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

/// Chunks, each with its vector.
pub type Chunks = Vec<(Chunk, Vec<f32>)>;

/// An unsaved text.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// File.
    pub path: &'a RelativePath,
    /// Text in the editor.
    pub text: &'a str,
    /// Hash of the text.
    pub content: ContentHash,
}

impl<'a> Overlay<'a> {
    /// This text, for this file.
    #[must_use]
    pub fn new(path: &'a RelativePath, text: &'a str) -> Self {
        Self { path, text, content: ContentHash::of(text.as_bytes()) }
    }
}

/// What the disk has of a file whose unsaved text is in the catalogue.
#[derive(Debug)]
struct OnDisk {
    content: ContentHash,
    chunks: Chunks,
}

/// The catalogue, and what is to be put back into it.
#[derive(Debug, Default)]
pub(super) struct Served {
    catalogue: Catalogue,
    /// Files whose unsaved text is in the catalogue; `None` for one that the disk has nothing of.
    beneath: BTreeMap<RelativePath, Option<OnDisk>>,
    /// How often it was changed.
    changes: u64,
}

impl Served {
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A number that is another one after each change.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Puts the same catalogue, read anew, in the place of this one.
    pub(super) fn exchange(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
        self.changes += 1;
    }

    /// Forgets all that the disk had.
    pub(super) fn clear(&mut self) {
        self.changes += 1;
        self.catalogue = Catalogue::default();
        self.beneath.clear();
    }

    /// Puts what the disk has of a file.
    pub(super) fn put(&mut self, path: &RelativePath, content: ContentHash, chunks: &[(Chunk, Vec<f32>)]) {
        self.changes += 1;
        match self.beneath.get_mut(path) {
            Some(beneath) => *beneath = Some(OnDisk { content, chunks: chunks.to_vec() }),
            None => self.catalogue.put(path, content, chunks),
        }
    }

    /// Forgets what the disk had of a file.
    pub(super) fn remove(&mut self, path: &RelativePath) {
        self.changes += 1;
        match self.beneath.get_mut(path) {
            Some(beneath) => *beneath = None,
            None => self.catalogue.remove(path),
        }
    }

    /// Whether an unsaved text is in the catalogue.
    pub(super) fn has(&self, overlay: &Overlay<'_>) -> bool {
        self.beneath.contains_key(overlay.path) && self.catalogue.content(overlay.path) == Some(overlay.content)
    }

    /// Whether these unsaved texts are in the catalogue and no others.
    pub(super) fn shows(&self, overlays: &[Overlay<'_>]) -> bool {
        self.beneath.len() == overlays.len() && overlays.iter().all(|overlay| self.has(overlay))
    }

    /// Lays the unsaved texts over what the disk has whose chunks were made, and takes away all others.
    pub(super) fn show(&mut self, overlays: &[Overlay<'_>], made: &[Option<Chunks>]) {
        let over: Vec<RelativePath> = self.beneath.keys().cloned().collect();
        for path in over.iter().filter(|path| !overlays.iter().any(|overlay| overlay.path == *path)) {
            self.lift(path);
        }
        for (overlay, chunks) in overlays.iter().zip(made) {
            if let Some(chunks) = chunks.as_ref().filter(|_| !self.has(overlay)) {
                self.lay(overlay, chunks);
            }
        }
    }

    fn lay(&mut self, overlay: &Overlay<'_>, chunks: &[(Chunk, Vec<f32>)]) {
        self.changes += 1;
        if !self.beneath.contains_key(overlay.path) {
            let beneath = self.on_disk(overlay.path);
            self.beneath.insert(overlay.path.clone(), beneath);
        }
        self.catalogue.put(overlay.path, overlay.content, chunks);
    }

    fn lift(&mut self, path: &RelativePath) {
        self.changes += 1;
        match self.beneath.remove(path).flatten() {
            Some(OnDisk { content, chunks }) => self.catalogue.put(path, content, &chunks),
            None => self.catalogue.remove(path),
        }
    }

    fn on_disk(&self, path: &RelativePath) -> Option<OnDisk> {
        let content = self.catalogue.content(path)?;
        let with_vector = |(at, stored): (u32, StoredChunk)| Some((stored.chunk, widened(self.catalogue.vector(at)?)));
        let stored = self.catalogue.all_stored(self.catalogue.chunks_of(path));
        Some(OnDisk { content, chunks: stored.into_iter().filter_map(with_vector).collect() })
    }

    /// The chunks of a file as the disk had it when it was put.
    pub(super) fn on_disk_of(&self, path: &RelativePath) -> Option<Chunks> {
        match self.beneath.get(path) {
            Some(beneath) => beneath.as_ref().map(|on_disk| on_disk.chunks.clone()),
            None => self.on_disk(path).map(|on_disk| on_disk.chunks),
        }
    }

    /// The files that the disk has, each with its content.
    pub(super) fn files_on_disk(&self) -> Vec<(RelativePath, ContentHash)> {
        let shown = self.catalogue.files().filter_map(|(path, _)| RelativePath::new(path).ok());
        let all: BTreeSet<RelativePath> = shown.chain(self.beneath.keys().cloned()).collect();
        all.into_iter().filter_map(|path| self.content(&path).map(|content| (path, content))).collect()
    }

    /// The content of a file as the disk had it when it was put.
    pub(super) fn content(&self, path: &RelativePath) -> Option<ContentHash> {
        match self.beneath.get(path) {
            Some(beneath) => beneath.as_ref().map(|on_disk| on_disk.content),
            None => self.catalogue.content(path),
        }
    }

    /// Files that are here and not among `known`.
    pub(super) fn unknown(&self, known: &BTreeMap<RelativePath, IndexRecord>) -> Vec<RelativePath> {
        let paths = self.catalogue.files().filter_map(|(path, _)| RelativePath::new(path).ok());
        paths.filter(|path| !known.contains_key(path) && self.content(path).is_some()).collect()
    }
}
