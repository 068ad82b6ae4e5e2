//! The documents that the editor holds open: a mirror, changed in the order of receipt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::event::TextChange;
use crate::text::{Edit, Encoding, Snapshot};
use crate::workspace::{DocumentUri, DocumentVersion, RelativePath, Root};

/// Some editors keep a leading byte order mark to themselves; on disk it is there.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A workspace and a path below its root.
pub(super) type Place = (Root, RelativePath);

/// One open document.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub path: Option<PathBuf>,
    /// The workspace that it is in, and its path there.
    pub place: Option<Place>,
    pub version: DocumentVersion,
    pub text: Snapshot,
    /// Whether it changed since it was opened or saved.
    pub unsaved: bool,
}

impl Document {
    /// Whether the document holds `bytes`, a leading byte order mark set aside.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rest = bytes;
        let mut at_start = true;
        for chunk in self.text.chunks() {
            let chunk = if at_start { chunk.strip_prefix(BYTE_ORDER_MARK).unwrap_or(chunk) } else { chunk };
            at_start = false;
            match rest.strip_prefix(chunk.as_bytes()) {
                Some(left) => rest = left,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

/// All open documents, by the URI the editor calls them.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: BTreeMap<DocumentUri, Document>,
    /// The same by place: an editor may have one file open under several names.
    placed: BTreeMap<Root, BTreeMap<RelativePath, BTreeSet<DocumentUri>>>,
}

impl Documents {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&DocumentUri, &Document)> {
        self.open.iter()
    }

    pub(super) fn get(&self, uri: &DocumentUri) -> Option<&Document> {
        self.open.get(uri)
    }

    /// The documents at a place, in the order of their URIs.
    pub(super) fn at(&self, root: &Root, path: &RelativePath) -> impl Iterator<Item = (&DocumentUri, &Document)> {
        let uris = self.placed.get(root).and_then(|paths| paths.get(path));
        uris.into_iter().flatten().filter_map(|uri| self.open.get_key_value(uri))
    }

    /// The places in `root` where a document is open.
    pub(super) fn places(&self, root: &Root) -> Vec<RelativePath> {
        self.placed.get(root).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Opens; a second opening takes the first one's place.
    pub(super) fn open(
        &mut self,
        uri: DocumentUri,
        (path, place): (Option<PathBuf>, Option<Place>),
        version: DocumentVersion,
        text: &str,
    ) {
        self.close(&uri);
        if let Some((root, path)) = place.clone() {
            self.placed.entry(root).or_default().entry(path).or_default().insert(uri.clone());
        }
        self.open.insert(uri, Document { path, place, version, text: Snapshot::from(text), unsaved: false });
    }

    /// Finds the place of each document anew, after workspaces came or went.
    pub(super) fn place_anew(&mut self, place: impl Fn(&Path) -> Option<Place>) {
        self.placed.clear();
        for (uri, document) in &mut self.open {
            document.place = document.path.as_deref().and_then(&place);
            if let Some((root, path)) = document.place.clone() {
                self.placed.entry(root).or_default().entry(path).or_default().insert(uri.clone());
            }
        }
    }

    /// Changes; a document never opened is left alone.
    pub(super) fn change(
        &mut self,
        uri: &DocumentUri,
        version: DocumentVersion,
        changes: &[TextChange],
        encoding: Encoding,
    ) {
        let Some(document) = self.open.get_mut(uri) else { return };
        document.version = version;
        for change in changes {
            document.unsaved = true;
            document.text = match change.range {
                None => Snapshot::from(change.text.as_str()),
                Some(range) => {
                    let edit = Edit { span: document.text.span(range, encoding), replacement: change.text.clone() };
                    document.text.edited(&edit)
                }
            };
        }
    }

    pub(super) fn saved(&mut self, uri: &DocumentUri) {
        if let Some(document) = self.open.get_mut(uri) {
            document.unsaved = false;
        }
    }

    pub(super) fn close(&mut self, uri: &DocumentUri) -> Option<Document> {
        let closed = self.open.remove(uri)?;
        if let Some((root, path)) = &closed.place
            && let Some(paths) = self.placed.get_mut(root)
            && let Some(uris) = paths.get_mut(path)
        {
            uris.remove(uri);
            if uris.is_empty() {
                paths.remove(path);
            }
        }
        Some(closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Position, Range};

    #[test]
    fn a_byte_order_mark_does_not_count() {
        let mut documents = Documents::default();
        let uri = DocumentUri("file:///a".into());
        documents.open(uri.clone(), (None, None), DocumentVersion(1), "x\r\n");
        let document = documents.get(&uri).unwrap();
        assert!(document.holds("\u{feff}x\r\n".as_bytes()) && document.holds(b"x\r\n"));
        assert!(!document.holds(b"x\n") && !document.holds(b"x\r\ny") && !document.holds(b"x"));
    }

    #[test]
    fn changes_count_in_the_agreed_encoding() {
        let mut documents = Documents::default();
        let uri = DocumentUri("file:///a".into());
        documents.open(uri.clone(), (None, None), DocumentVersion(1), "😀b\n");
        let at = |character| Position { line: 0, character };
        let change = TextChange { range: Some(Range { start: at(2), end: at(3) }), text: "c".into() };
        documents.change(&uri, DocumentVersion(2), &[change], Encoding::Utf16);
        assert!(documents.get(&uri).unwrap().holds("😀c\n".as_bytes()));
    }
}
