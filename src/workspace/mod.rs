//! Where things are: a root folder, paths below it, what a file holds, which paths are protected.

mod content;
mod document;
pub mod file_uri;
mod path;
mod protected;

pub use content::{ContentHash, FileKind, FileState};
pub use document::{DocumentUri, DocumentVersion};
pub use path::{PathError, RelativePath, Root};
pub use protected::{RunsLater, runs_later};
