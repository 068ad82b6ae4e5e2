//! From what a command wrote to file changes: reads the folder that received the writes, beside the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::disk::{Entry, Folder, Leaf};
use super::ignored::Ignored;
use crate::changes::FileChange;
use crate::workspace::{FileKind, FileState, RelativePath};

/// Most changed files that are handed on.
const MOST_CHANGES: usize = 20_000;
/// Most bytes of changed files that are handed on.
const MOST_BYTES: usize = 256 << 20;
/// Most refusals that are named.
const MOST_REFUSALS: usize = 1_000;

const CHANGED_MEANWHILE: &str = "changed on disk while the command ran: run it again";
const GIT: &str = "git's own data: run git itself to change it";

/// What became of a command's writes.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// Files that differ from the disk, sorted by path.
    pub(super) changes: Vec<FileChange>,
    /// What is left out, and why.
    pub(super) refused: Vec<(String, String)>,
}

/// Both sides, and what has been found so far.
struct Scan<'a> {
    written: &'a Folder,
    disk: &'a Folder,
    unsaved: &'a [(RelativePath, String)],
    ignored: Ignored,
    /// When the run began, by the clock that stamps files.
    began: (i64, i64),
    after: BTreeMap<PathBuf, Option<FileState>>,
    /// Folders of the disk that are gone, in whole or but for what was written anew.
    gone: BTreeSet<PathBuf>,
    refused: Vec<(String, String)>,
    bytes: usize,
}

/// Reads what was written to `written` over `disk`, the workspace.
///
/// # Errors
/// When one of the two folders cannot be read at all.
pub(super) fn capture(
    written: &Folder,
    disk: &Folder,
    root: &Path,
    began: (i64, i64),
    unsaved: &[(RelativePath, String)],
) -> io::Result<Captured> {
    let mut scan = Scan {
        written,
        disk,
        unsaved,
        ignored: Ignored::new(root),
        began,
        after: BTreeMap::new(),
        gone: BTreeSet::new(),
        refused: Vec::new(),
        bytes: 0,
    };
    scan.read_written(root)?;
    scan.read_gone()?;
    Ok(scan.changes())
}

impl Scan<'_> {
    fn refuse(&mut self, path: &Path, reason: impl Into<String>) {
        let more = "more was refused than is named here";
        match self.refused.len() {
            MOST_REFUSALS.. => {}
            count if count + 1 == MOST_REFUSALS => self.refused.push((String::new(), more.into())),
            _ => self.refused.push((path.to_string_lossy().into_owned(), reason.into())),
        }
    }

    /// Walks everything that was written; the stack is our own, so no depth of folders overflows it.
    fn read_written(&mut self, root: &Path) -> io::Result<()> {
        let mut folders = vec![PathBuf::new()];
        while let Some(at) = folders.pop() {
            let names = match self.folder(&at) {
                Ok(folder) => folder.names()?,
                Err(error) => {
                    self.refuse(&at, format!("cannot be read: {error}"));
                    continue;
                }
            };
            for name in names {
                let path = at.join(name);
                if self.passed_over(&path) {
                    continue;
                }
                match self.written.entry(&path) {
                    Ok(Some(entry)) => folders.extend(self.see(path, entry, root)),
                    Ok(None) => {}
                    Err(error) => self.refuse(&path, format!("cannot be read: {error}")),
                }
            }
        }
        Ok(())
    }

    fn folder(&self, at: &Path) -> io::Result<Folder> {
        let path = if at.as_os_str().is_empty() { Path::new(".") } else { at };
        match self.written.entry(path)? {
            Some(Entry::Folder(folder)) => Ok(folder),
            Some(Entry::Leaf(_) | Entry::Deletion | Entry::Special(_)) | None => {
                Err(io::Error::from(io::ErrorKind::NotADirectory))
            }
        }
    }

    /// Names what git keeps for itself and what has a name that cannot be used; says nothing of ignored files.
    fn passed_over(&mut self, path: &Path) -> bool {
        let folder = matches!(self.written.entry(path), Ok(Some(Entry::Folder(_))))
            || matches!(self.disk.entry(path), Ok(Some(Entry::Folder(_))));
        if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(".git")) {
            if !folder || self.holds_files(path) {
                self.refuse(path, GIT);
            }
            return true;
        }
        if path.to_str().is_none() {
            self.refuse(path, "its name is not UTF-8");
            return true;
        }
        let unsaved = self.unsaved.iter().any(|(own, _)| Path::new(own.as_str()) == path);
        !unsaved && self.ignored.is_ignored(path, folder)
    }

    /// Whether something other than folders was written to a folder: opening a file for a moment leaves folders.
    fn holds_files(&self, top: &Path) -> bool {
        let mut folders = vec![top.to_path_buf()];
        while let Some(at) = folders.pop() {
            let Ok(names) = self.folder(&at).and_then(|folder| folder.names()) else {
                return true;
            };
            for path in names.into_iter().map(|name| at.join(name)) {
                match self.written.entry(&path) {
                    Ok(Some(Entry::Folder(_))) => folders.push(path),
                    Ok(None) => {}
                    Ok(Some(Entry::Leaf(_) | Entry::Deletion | Entry::Special(_))) | Err(_) => return true,
                }
            }
        }
        false
    }

    /// Notes one written entry; returns it when it is a folder to go into.
    fn see(&mut self, path: PathBuf, entry: Entry, root: &Path) -> Option<PathBuf> {
        let below = self.disk.entry(&path);
        match (&below, &entry) {
            // A folder over a folder adds to it, unless it says that it replaces it.
            (Ok(Some(Entry::Folder(_))), Entry::Folder(folder)) if !folder.is_opaque() => {}
            (Ok(Some(Entry::Folder(_))), _) => drop(self.gone.insert(path.clone())),
            (Ok(Some(Entry::Leaf(_))), Entry::Deletion | Entry::Folder(_)) => {
                drop(self.after.insert(path.clone(), None));
            }
            (Ok(_) | Err(_), _) => {}
        }
        match entry {
            Entry::Folder(_) => return Some(path),
            Entry::Leaf(leaf) => self.see_leaf(path, &leaf, root),
            Entry::Special(what) => self.refuse(&path, format!("{what}, no file")),
            Entry::Deletion => {}
        }
        None
    }

    fn see_leaf(&mut self, path: PathBuf, leaf: &Leaf, root: &Path) {
        let state = match leaf.read() {
            Ok(state) => state,
            Err(error) => return self.refuse(&path, error.to_string()),
        };
        if state.kind == FileKind::Symlink && !stays_inside(&path, &state.bytes, root) {
            return self.refuse(&path, format!("a link out of the workspace, to {}", state.bytes.escape_ascii()));
        }
        if self.after.len() >= MOST_CHANGES {
            return self.refuse(&path, format!("more than {MOST_CHANGES} files were written"));
        }
        if self.bytes + state.bytes.len() > MOST_BYTES {
            return self.refuse(&path, format!("more than {} MiB were written", MOST_BYTES >> 20));
        }
        self.bytes += state.bytes.len();
        self.after.insert(path, Some(state));
    }

    /// Every file below a folder that is gone, and not written anew, is deleted.
    fn read_gone(&mut self) -> io::Result<()> {
        let mut folders: Vec<PathBuf> = self.gone.iter().cloned().collect();
        while let Some(at) = folders.pop() {
            let Ok(Some(Entry::Folder(folder))) = self.disk.entry(&at) else { continue };
            for name in folder.names()? {
                let path = at.join(name);
                let entry = self.disk.entry(&path);
                let is_folder = matches!(entry, Ok(Some(Entry::Folder(_))));
                if self.after.contains_key(&path) || self.ignored.is_ignored(&path, is_folder) {
                    continue;
                }
                if path.to_str().is_none() {
                    self.refuse(&path, "its name is not UTF-8");
                } else if path.file_name().is_some_and(|name| name == ".git") {
                    self.refuse(&path, GIT);
                } else if self.after.len() >= MOST_CHANGES {
                    self.refuse(&path, format!("more than {MOST_CHANGES} files were written"));
                } else if is_folder {
                    folders.push(path);
                } else if matches!(entry, Ok(Some(Entry::Leaf(_)))) {
                    self.after.insert(path, None);
                }
            }
        }
        Ok(())
    }

    /// Sets what was written beside the disk, and drops what is the same.
    fn changes(mut self) -> Captured {
        let mut changes = Vec::new();
        for (path, after) in std::mem::take(&mut self.after) {
            let Ok(relative) = RelativePath::from_path(&path) else { continue };
            let before = match self.before(&path) {
                Ok(before) => before,
                Err(reason) => {
                    self.refuse(&path, reason);
                    continue;
                }
            };
            if before != after && !self.is_unsaved_text(&relative, before.as_ref(), after.as_ref()) {
                changes.push(FileChange { path: relative, before, after });
            }
        }
        Captured { changes, refused: self.refused }
    }

    fn before(&self, path: &Path) -> Result<Option<FileState>, String> {
        let leaf = match self.disk.entry(path) {
            Ok(Some(Entry::Leaf(leaf))) => leaf,
            Ok(Some(Entry::Folder(_)) | None) => return Ok(None),
            Ok(Some(Entry::Deletion | Entry::Special(_))) => return Err("stands in the place of a device".into()),
            Err(error) => return Err(format!("cannot be read on disk: {error}")),
        };
        // The command may have worked on what was there before, so that its result would undo the change.
        if leaf.changed() > self.began {
            return Err(CHANGED_MEANWHILE.into());
        }
        leaf.read().map(Some).map_err(|error| format!("on disk: {error}"))
    }

    /// Whether the file holds the very text that was put there for the command to see.
    fn is_unsaved_text(&self, path: &RelativePath, before: Option<&FileState>, after: Option<&FileState>) -> bool {
        let Some((_, text)) = self.unsaved.iter().find(|(own, _)| own == path) else { return false };
        let kind = before.map_or(FileKind::Plain, |before| before.kind);
        after.is_some_and(|after| after.kind == kind && after.bytes == text.as_bytes())
    }
}

/// Whether a link at `path` with `target` points below the root, whatever other links there are: `..` only
/// in front, where the folders on the way are known to be real.
fn stays_inside(path: &Path, target: &[u8], root: &Path) -> bool {
    let Ok(target) = std::str::from_utf8(target) else { return false };
    let target = Path::new(target);
    let (mut depth, mut rest) = match target.strip_prefix(root) {
        Ok(rest) => (0, rest.components().peekable()),
        Err(_) if target.is_absolute() => return false,
        Err(_) => (path.components().count().saturating_sub(1), target.components().peekable()),
    };
    while rest.next_if(|component| matches!(component, Component::ParentDir)).is_some() {
        if depth == 0 {
            return false;
        }
        depth -= 1;
    }
    rest.all(|component| matches!(component, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_judged_by_where_it_points() {
        let inside = |path: &str, target: &str| stays_inside(Path::new(path), target.as_bytes(), Path::new("/w"));
        for target in ["b", "../b", "../../b", "./b", "/w/b", "/w", "x/./y"] {
            assert!(inside("d/e/a", target), "{target}");
        }
        for target in ["../../../b", "/etc/passwd", "/w/../etc", "/", "/ww", "x/../../y", "b/../c"] {
            assert!(!inside("d/e/a", target), "{target}");
        }
        assert!(!stays_inside(Path::new("a"), b"\xff", Path::new("/w")));
    }
}
