//! The index in memory: the same behaviour as the one on disk, for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

use super::rows::check_vectors;
use crate::ports::{Failure, FileChunks, KeepsCatalogue, OpenIndex, Store, StoredChunk, TakeChunk};
use crate::retrieve::{narrowed, widened};
use crate::workspace::RelativePath;

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    files: RwLock<BTreeMap<RelativePath, FileChunks>>,
    catalogue: Mutex<Option<Vec<u8>>>,
    note: Mutex<Option<String>>,
}

impl Store for MemoryStore {
    fn open(&self) -> Result<OpenIndex, Failure> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let files = files.iter().map(|(path, file)| (path.clone(), file.record.clone())).collect();
        Ok(OpenIndex { files, ..OpenIndex::default() })
    }

    fn read(&self, paths: Option<&[RelativePath]>, take: TakeChunk<'_>) -> Result<(), Failure> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = |file: &&FileChunks| paths.is_none_or(|paths| paths.contains(&file.path));
        for file in files.values().filter(wanted) {
            for (chunk, vector) in &file.chunks {
                take(StoredChunk { path: file.path.clone(), chunk: chunk.clone() }, widened(&narrowed(vector)));
            }
        }
        Ok(())
    }

    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure> {
        check_vectors(&files)?;
        let mut all = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for path in removed {
            all.remove(path);
        }
        all.extend(files.into_iter().map(|file| (file.path.clone(), file)));
        Ok(())
    }

    fn compact(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl KeepsCatalogue for MemoryStore {
    fn catalogue(&self) -> Option<Vec<u8>> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep_catalogue(&self, bytes: &[u8]) -> Result<(), Failure> {
        *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.to_vec());
        Ok(())
    }

    fn note(&self) -> Option<String> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep_note(&self, note: &str) -> Result<(), Failure> {
        *self.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note.to_owned());
        Ok(())
    }

    fn has_news(&self) -> bool {
        false
    }
}
