//! From the protocol's values to ours.

use std::path::PathBuf;

use tower_lsp::ls_types as proto;

use crate::engine::TextChange;
use crate::text::{Position, Range};
use crate::workspace::file_uri::path_of;
use crate::workspace::{DocumentUri, DocumentVersion};

pub(super) fn document(uri: &proto::Uri) -> DocumentUri {
    DocumentUri(uri.as_str().to_owned())
}

pub(super) fn version(version: i32) -> DocumentVersion {
    DocumentVersion(version)
}

pub(super) fn path(uri: &proto::Uri) -> Option<PathBuf> {
    path_of(uri.as_str())
}

pub(super) fn position(position: proto::Position) -> Position {
    Position { line: position.line, character: position.character }
}

pub(super) fn range(range: proto::Range) -> Range {
    Range { start: position(range.start), end: position(range.end) }
}

pub(super) fn change(change: proto::TextDocumentContentChangeEvent) -> TextChange {
    TextChange { range: change.range.map(range), text: change.text }
}

pub(super) fn folders(folders: &[proto::WorkspaceFolder]) -> Vec<PathBuf> {
    folders.iter().filter_map(|folder| path(&folder.uri)).collect()
}

/// The folders that `initialize` names, in the newest form that it uses.
#[expect(deprecated, reason = "older clients name their one folder by rootUri or rootPath only")]
pub(super) fn first_folders(params: &proto::InitializeParams) -> Vec<PathBuf> {
    if let Some(named) = &params.workspace_folders {
        return folders(named);
    }
    let root = params.root_uri.as_ref().map(path);
    let root = root.unwrap_or_else(|| params.root_path.as_ref().map(PathBuf::from).filter(|path| path.is_absolute()));
    root.into_iter().collect()
}
