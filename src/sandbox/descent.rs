//! Going down a tree of folders that a stranger made: neither its depth nor its breadth costs more than it has names.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folders that are still to be gone through. For each only the name is kept, and one path for each level, so
/// that this takes no more memory than the tree itself.
#[derive(Debug)]
pub(super) struct Descent<T> {
    levels: Vec<(PathBuf, Vec<(OsString, T)>)>,
}

impl<T> Descent<T> {
    /// Begins with the folders in `path`.
    pub(super) fn new(path: PathBuf, folders: Vec<(OsString, T)>) -> Self {
        Self { levels: vec![(path, folders)] }
    }

    /// Goes on with the folders in `path`, the one that was taken last.
    pub(super) fn enter(&mut self, path: PathBuf, folders: Vec<(OsString, T)>) {
        if !folders.is_empty() {
            self.levels.push((path, folders));
        }
    }
}

impl<T> Iterator for Descent<T> {
    type Item = (PathBuf, T);

    /// Takes the next folder.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, folders) = self.levels.last_mut()?;
            match folders.pop() {
                Some((name, with)) => return Some((path.join(name), with)),
                None => drop(self.levels.pop()),
            }
        }
    }
}
