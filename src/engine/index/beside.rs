//! The note beside the index: what is known here of the one that is shared.

use std::sync::atomic::Ordering;

use super::super::shared::Note;
use super::Index;
use crate::ports::Failure;

impl Index {
    /// The note that was kept beside the index.
    #[must_use]
    pub fn note(&self) -> Note {
        let note = Note::of(self.store.note().as_deref());
        if self.has_taken.load(Ordering::Acquire) { note.taking() } else { note }
    }

    /// Keeps a note beside the index, until that is begun anew. Where it cannot be written there is none; but that
    /// something was taken is said with what is written later.
    pub fn keep_note(&self, note: &Note) {
        self.has_taken.fetch_or(note.has_taken, Ordering::AcqRel);
        if let Err(failure) = self.store.keep_note(&note.to_string()) {
            tracing::warn!("the note beside the index is not written: {failure}");
        }
    }

    /// Remembers whether what was opened has what others made: it stays in memory when the folder is deleted.
    pub(super) fn remember_taken(&self) {
        self.has_taken.fetch_or(self.note().has_taken, Ordering::AcqRel);
    }

    /// Says beside the index that memory has what others made, before any of it is written.
    pub(super) fn keep_taken(&self) -> Result<(), Failure> {
        let note = self.note();
        if !note.has_taken || Note::of(self.store.note().as_deref()).has_taken {
            return Ok(());
        }
        self.store.keep_note(&note.to_string())
    }
}
