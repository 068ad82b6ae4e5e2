//! The search itself: folder by folder, with what the last search of the same workspace has kept.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::disk::{Folder, Kind, Seen};
use super::super::moment::{Moment, Since, Stamp};
use super::{Found, SecretsError};
use crate::policy::secret_files::{Patterns, Proof, is_secret_folder, told_by_name};
use crate::ports::Refusal;
use crate::text::visible_line;
use crate::workspace::RelativePath;

/// How long a stamp is too young to be told from the next: two ticks of the slowest clock.
const YOUNG: Duration = Duration::from_millis(20);
/// Bytes at the beginning of a file that are looked at.
const BEGINNING: u64 = 256 << 10;

/// Most places that are named as not searched.
const MOST_DOUBTS: usize = 1_000;
const MORE: &str = "more was not searched for secrets than is named here";

/// Folders of packages and caches, known by name alone.
const PASSED_OVER: &[&str] =
    &["node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", ".nox"];
/// Folders that are such if they have a file that only these have, put there by the program that made them.
const MARKED: &[(&str, &str)] = &[
    ("target", "CACHEDIR.TAG"),
    (".venv", "pyvenv.cfg"),
    ("venv", "pyvenv.cfg"),
    ("env", "pyvenv.cfg"),
    ("build", "CACHEDIR.TAG"),
    (".gradle", "CACHEDIR.TAG"),
];

/// What one search leaves to the next of the same workspace.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The patterns that it was made by.
    patterns: String,
    folders: HashMap<PathBuf, Kept>,
}

impl Known {
    /// Folders in it.
    pub(super) fn len(&self) -> usize {
        self.folders.len()
    }
}

/// What the files of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// Secrets where their names say so.
    Any,
    /// Secrets, all of them.
    Secret,
}

/// What was read from a folder.
#[derive(Debug)]
struct Kept {
    inode: u64,
    changed: Stamp,
    folders: Vec<(OsString, Files)>,
    files: Vec<(OsString, Proof)>,
    outputs: Vec<PathBuf>,
}

/// A search under way.
pub(super) struct Search<'a> {
    top: &'a Folder,
    root: &'a Path,
    patterns: &'a Patterns,
    known: Known,
    fresh: HashMap<PathBuf, Kept>,
    found: Found,
    /// Inodes of secrets that have other names, with how many.
    linked: HashMap<u64, u64>,
}

impl<'a> Search<'a> {
    /// A search of the workspace `top` at `root`, with what the last one left.
    pub(super) fn new(top: &'a Folder, root: &'a Path, patterns: &'a Patterns, known: Known) -> Self {
        let known = if known.patterns == patterns.text() { known } else { Known::default() };
        Self { top, root, patterns, known, fresh: HashMap::new(), found: Found::default(), linked: HashMap::new() }
    }

    /// Searches everything.
    pub(super) fn run(mut self) -> Result<(Found, Known), SecretsError> {
        let now = Moment::now().map_err(|error| SecretsError::Unreadable(self.root.to_path_buf(), error))?;
        let young = Since::after(now.stamp().before(YOUNG));
        let keeps = self.top.keeps_stamps();
        let mut waiting = vec![(PathBuf::new(), Files::Any)];
        while let Some((path, files)) = waiting.pop() {
            let Some(kept) = self.folder(&path, files)? else { continue };
            waiting.extend(kept.folders.iter().map(|(name, files)| (path.join(name), *files)));
            self.found.outputs.extend(kept.outputs.iter().cloned());
            for (name, proof) in &kept.files {
                self.file(path.join(name), *proof)?;
            }
            if keeps && !young.includes(kept.changed) {
                self.fresh.insert(path, kept);
            }
        }
        if !self.linked.is_empty() {
            self.other_names()?;
        }
        Ok((self.found, Known { patterns: self.patterns.text().to_owned(), folders: self.fresh }))
    }

    fn failed(&self, path: &Path, error: io::Error) -> SecretsError {
        SecretsError::Unreadable(self.root.join(path), error)
    }

    fn doubt(&mut self, path: &Path, reason: &str) {
        let doubtful = &mut self.found.doubtful;
        match doubtful.len() {
            MOST_DOUBTS.. => {}
            count if count + 1 == MOST_DOUBTS => doubtful.push(Refusal::note("", MORE)),
            _ => doubtful.push(Refusal::note(visible_line(&path.to_string_lossy()), reason)),
        }
    }

    /// What is in a folder, read or remembered; `None` for one that is gone or closed.
    fn folder(&mut self, path: &Path, files: Files) -> Result<Option<Kept>, SecretsError> {
        let own = if path.as_os_str().is_empty() { OsStr::new(".") } else { path.as_os_str() };
        let read = self.top.look(own).and_then(|seen| match seen.filter(|seen| seen.kind == Kind::Folder) {
            None => Ok(None),
            Some(seen) => match self.known.folders.remove(path) {
                Some(kept) if kept.inode == seen.inode.0 && kept.changed == seen.changed => Ok(Some(kept)),
                _ => self.read(path, files, &seen),
            },
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.doubt(path, "a folder that cannot be read: what is in it was not searched for secrets");
                Ok(None)
            }
            other => other.map_err(|error| self.failed(path, error)),
        }
    }

    fn read(&self, path: &Path, files: Files, seen: &Seen) -> io::Result<Option<Kept>> {
        let Some(folder) = self.top.below(path)? else { return Ok(None) };
        let mut kept = Kept {
            inode: seen.inode.0,
            changed: seen.changed,
            folders: Vec::new(),
            files: Vec::new(),
            outputs: Vec::new(),
        };
        let own = path.file_name();
        let marks: Vec<&str> =
            MARKED.iter().filter(|(name, _)| own == Some(OsStr::new(name))).map(|(_, mark)| *mark).collect();
        let searched = own.is_some_and(|own| self.patterns.name(own));
        for entry in folder.entries()? {
            if files == Files::Any && !searched && marks.iter().any(|mark| entry.name == *mark) {
                let outputs = vec![path.to_path_buf()];
                return Ok(Some(Kept { folders: Vec::new(), files: Vec::new(), outputs, ..kept }));
            }
            if entry.folder {
                self.sort_folder(path, entry.name, files, &mut kept);
            } else if let Some(proof) = self.proof(path, &entry.name, files) {
                kept.files.push((entry.name, proof));
            }
        }
        Ok(Some(kept))
    }

    fn sort_folder(&self, path: &Path, name: OsString, files: Files, kept: &mut Kept) {
        if name == ".git" {
            return;
        }
        let whole = path.join(&name);
        if PASSED_OVER.iter().any(|known| name == *known) && files == Files::Any && !self.patterns.name(&name) {
            kept.outputs.push(whole);
        } else if !self.patterns.show(&whole, true) {
            let secret = files == Files::Secret || is_secret_folder(&name) || self.patterns.hide(&whole, true);
            kept.folders.push((name, if secret { Files::Secret } else { Files::Any }));
        }
    }

    fn proof(&self, path: &Path, name: &OsStr, files: Files) -> Option<Proof> {
        let whole = || path.join(name);
        let proof = if files == Files::Secret || (self.patterns.hides_some() && self.patterns.hide(&whole(), false)) {
            Some(Proof::Name)
        } else if name == ".git" {
            None
        } else {
            told_by_name(path.file_name(), name)
        };
        proof.filter(|_| !self.patterns.show(&whole(), false))
    }

    /// Judges a file whose name tells something.
    fn file(&mut self, path: PathBuf, proof: Proof) -> Result<(), SecretsError> {
        let seen = match self.top.look(path.as_os_str()) {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(()),
            Err(error) => return Err(self.failed(&path, error)),
        };
        match seen.kind {
            Kind::Link if proof == Proof::Name => self.target(&path),
            Kind::File if self.is_met(&path, &seen, proof) => {
                if seen.inode.1 > 1 {
                    *self.linked.entry(seen.inode.0).or_insert(seen.inode.1) -= 1;
                }
            }
            Kind::File | Kind::Link | Kind::Folder | Kind::Deletion | Kind::Special(_) => return Ok(()),
        }
        self.hide(&path);
        Ok(())
    }

    fn hide(&mut self, path: &Path) {
        match RelativePath::from_path(path) {
            Ok(path) => drop(self.found.hidden.insert(path)),
            Err(_) => self.doubt(path, "a secret whose name is not UTF-8: commands can see it until it is renamed"),
        }
    }

    fn is_met(&self, path: &Path, seen: &Seen, proof: Proof) -> bool {
        if proof == Proof::Name {
            return true;
        }
        // What cannot be read is taken for a secret.
        self.top.beginning(path, BEGINNING.min(seen.size)).map_or(true, |content| proof.is_met_by(&content))
    }

    /// A link with the name of a secret tells that its target is one.
    fn target(&mut self, link: &Path) {
        let Ok(target) = self.root.join(link).canonicalize() else { return };
        let Ok(inside) = target.strip_prefix(self.root) else { return };
        if target.is_file() && !self.patterns.show(inside, false) {
            self.hide(inside);
        }
    }

    /// Finds what else in the workspace is one of the secrets under another name.
    fn other_names(&mut self) -> Result<(), SecretsError> {
        let mut waiting = vec![PathBuf::new()];
        let mut others = BTreeSet::new();
        while let Some(path) = waiting.pop() {
            let entries = match self.top.below(&path) {
                Ok(Some(folder)) => folder.entries().map_err(|error| self.failed(&path, error))?,
                Ok(None) | Err(_) => continue,
            };
            for entry in entries {
                let whole = path.join(&entry.name);
                if entry.folder {
                    waiting.push(whole);
                } else if self.linked.contains_key(&entry.inode) {
                    others.insert((whole, entry.inode));
                }
            }
        }
        for (path, inode) in others {
            let known = RelativePath::from_path(&path).is_ok_and(|path| self.found.hidden.contains(&path));
            if !known && !self.patterns.show(&path, false) {
                self.hide(&path);
                self.linked.entry(inode).and_modify(|count| *count = count.saturating_sub(1));
            }
        }
        Ok(())
    }
}
