//! What of a workspace is secret: what is hidden from commands is neither indexed nor handed on.

use std::path::Path;
use std::sync::Arc;

use super::super::{Index, Workbench};
use crate::config::RunSettings;
use crate::policy::secret_files::{Patterns, Proof, told_by_name};
use crate::policy::secret_places;
use crate::ports::{Failure, FailureKind};
use crate::retrieve::{StoredChunk, pack};
use crate::syntax::Chunk;
use crate::workspace::{RelativePath, Root};

/// Which files are secrets by these settings.
///
/// # Errors
/// When it is not known what is hidden: then nothing may be shown.
pub(super) fn hidden_files(settings: &RunSettings) -> Result<Patterns, Failure> {
    let unknown = |problem: String| {
        let what = format!("it is not known which files are secrets, so that nothing is looked for: {problem}");
        Failure::new(FailureKind::InvalidInput, what).hint("mend the settings")
    };
    match &settings.hidden_unknown {
        Some(problem) => Err(unknown(problem.to_string())),
        None => Patterns::new(&settings.hidden, &settings.shown).map_err(|error| unknown(error.to_string())),
    }
}

/// The same for a workspace as it was last indexed, or else as its settings are now.
///
/// # Errors
/// As [`hidden_files`].
pub(super) fn hidden_here(workbench: &Workbench, root: &Root, index: &Index) -> Result<Arc<Patterns>, Failure> {
    match index.hidden() {
        Some(hidden) => Ok(hidden),
        None => hidden_files(&workbench.standing(root).settings.run).map(Arc::new),
    }
}

/// Whether the file is a secret whatever it holds.
pub(super) fn is_secret_by_name(hidden: &Patterns, path: &RelativePath) -> bool {
    hidden.proof(Path::new(path.as_str())) == Some(Proof::Name)
}

/// Whether what a file of this name holds decides, unless the settings do.
pub(super) fn may_be_secret(path: &RelativePath) -> bool {
    let path = Path::new(path.as_str());
    let folder = path.parent().and_then(Path::file_name);
    path.file_name().and_then(|name| told_by_name(folder, name)).is_some_and(|proof| proof != Proof::Name)
}

/// Whether the file is a secret with this content.
pub(super) fn is_secret(hidden: &Patterns, path: &RelativePath, content: &[u8]) -> bool {
    hidden.mean(Path::new(path.as_str()), content)
}

/// The chunk as it may be shown: a mark in the place of each secret in it, with its lines as they were. A secret that is cut
/// in two by its end is not known here: see [`pack::Library`].
pub(super) fn shown(mut stored: StoredChunk) -> StoredChunk {
    let Chunk { text, signature, symbol, parent, .. } = &mut stored.chunk;
    for text in [text, signature].into_iter().chain(symbol).chain(parent) {
        let secrets = secret_places(text);
        if !secrets.is_empty() {
            *text = pack::hide(text, &secrets);
        }
    }
    stored
}
