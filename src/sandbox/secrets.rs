//! Finds the secrets of a workspace before a command runs, so that the command can be kept from seeing them.
//!
//! The search reads the names in every folder, and looks at files only where a name tells something. It passes over
//! git's own folder, in which no secret has its name, and over folders full of other people's packages or of build
//! outputs: these are many, are made from what is outside them, and hiding a part of them breaks programs. Such a
//! folder is known by its name and, where the name is an ordinary word, by a file that only these folders have; a
//! pattern of the user's that names it has it searched nonetheless.
//!
//! What was read is kept, and a folder is read again when its stamp says that names came or went, or when its stamp
//! is so young that a further change might not show in it. What cannot be searched ends the run, but for folders
//! that are closed to the user: these are named with each run, since a command may open those that are the user's own.

mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::search::{Known, Search};
use super::disk::Folder;
use crate::policy::secret_files::{PatternError, Patterns};
use crate::ports::{OpenText, Refusal};
use crate::workspace::RelativePath;

/// Most workspaces of which the search is kept.
const MOST_ROOTS: usize = 8;
/// Most folders that are kept of one.
const MOST_FOLDERS: usize = 300_000;
/// Most files that are hidden from one command.
const MOST_HIDDEN: usize = 10_000;

/// Why no command can run.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretsError {
    /// A setting is wrong.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Something could not be searched.
    #[error("{0:?} could not be searched for secrets: {1}")]
    Unreadable(PathBuf, io::Error),
    /// So many that hiding them would take longer than any command.
    #[error("more than {MOST_HIDDEN} files are secrets: narrow `run.hidden`, or open folders by `run.shown`")]
    TooMany,
}

/// What the user wants to be hidden and shown, in the language of `.gitignore`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes<'a> {
    /// `run.hidden`.
    pub(super) hidden: &'a [String],
    /// `run.shown`, which wins over it and over the list of what is hidden anyway.
    pub(super) shown: &'a [String],
}

/// What a search found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Files and links that the command is not to see.
    pub(super) hidden: BTreeSet<RelativePath>,
    /// What the search says nothing about, each with the reason.
    pub(super) doubtful: Vec<Refusal>,
    /// Folders that were passed over as outputs of programs.
    pub(super) outputs: Vec<PathBuf>,
}

/// The searches of a runner.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<HashMap<PathBuf, Known>>);

impl Secrets {
    /// Searches the workspace at `root` and the documents `open`, whose texts may be new; `wanted` are the user's
    /// patterns.
    ///
    /// # Errors
    /// When a pattern is wrong, or a part of the workspace cannot be searched.
    pub(super) fn find(&self, root: &Path, open: &[OpenText], wanted: &Wishes<'_>) -> Result<Found, SecretsError> {
        let patterns = Patterns::new(wanted.hidden, wanted.shown)?;
        let top = Folder::open(root).map_err(|error| SecretsError::Unreadable(root.to_path_buf(), error))?;
        // Two searches of one workspace at once each do all of it: neither waits, the later is kept.
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(root).unwrap_or_default();
        let search = Search::new(&top, root, &patterns, known);
        let (mut found, known) = search.run()?;
        let secret = open.iter().filter(|open| patterns.mean(Path::new(open.path.as_str()), open.text.as_bytes()));
        found.hidden.extend(secret.map(|open| open.path.clone()));
        if found.hidden.len() > MOST_HIDDEN {
            return Err(SecretsError::TooMany);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_ROOTS {
            kept.clear();
        }
        if known.len() <= MOST_FOLDERS {
            kept.insert(root.to_path_buf(), known);
        }
        Ok(found)
    }
}
