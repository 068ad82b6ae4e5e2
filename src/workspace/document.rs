//! Names and versions of the documents that an editor holds open.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The URI an editor calls a document by, exactly as the editor wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentUri(pub String);

impl fmt::Display for DocumentUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The version an editor gave a document's text (LSP 3.17, `VersionedTextDocumentIdentifier`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentVersion(pub i32);
