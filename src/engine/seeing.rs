//! Files under review that go on being edited: hunks move with the text, and what no longer fits is shown to be stale.

use super::documents::Document;
use super::order::{Order, Task};
use super::state::{OpenReview, State};
use crate::changes::HunkId;
use crate::workspace::{DocumentUri, FileKind, FileState, RelativePath, Root};

impl State {
    /// Takes note of what the open documents under review hold: what is open counts, whatever the disk has.
    pub(super) fn see_documents(&mut self) {
        let mut seen: Vec<(usize, usize, FileState)> = Vec::new();
        for (at, open) in self.reviews.iter().enumerate() {
            for (index, file) in open.review.files().iter().enumerate().filter(|(index, _)| !is_at_work(open, *index)) {
                if let Some((_, document)) = self.open_at(&open.root, file.path()) {
                    seen.extend(held(document, file.expected()).map(|now| (at, index, now)));
                }
            }
        }
        for (at, index, now) in seen {
            if let Some(open) = self.reviews.get_mut(at) {
                open.review.see(index, Some(now));
            }
        }
    }

    /// Looks at the files under review among `paths` (none: all) that no document holds.
    pub(super) fn see_files(&mut self, root: &Root, paths: &[RelativePath]) -> Vec<Order> {
        let under_review = self.reviews.iter().filter(|open| open.root == *root).flat_map(|open| open.review.files());
        let mut looked: Vec<RelativePath> = under_review
            .map(|file| file.path().clone())
            .filter(|path| paths.is_empty() || paths.contains(path))
            .filter(|path| self.open_at(root, path).is_none())
            .collect();
        looked.sort();
        looked.dedup();
        if looked.is_empty() || self.workspace_mut(root).is_none_or(|workspace| workspace.seeing.waits(&looked)) {
            return Vec::new();
        }
        let job = self.begin(None, Some(root));
        if let Some(workspace) = self.workspace_mut(root) {
            workspace.seeing.job = Some(job);
        }
        vec![Order::Start(job, Task::See(root.clone(), looked))]
    }

    /// Takes note of what files on disk hold.
    pub(super) fn seen(&mut self, root: &Root, files: &[(RelativePath, Option<FileState>)]) -> Vec<Order> {
        for (path, now) in files {
            if self.open_at(root, path).is_some() {
                continue;
            }
            for open in self.reviews.iter_mut().filter(|open| open.root == *root) {
                let index = open.review.files().iter().position(|file| file.path() == path);
                if let Some(index) = index.filter(|index| !is_at_work(open, *index)) {
                    open.review.see(index, now.clone());
                }
            }
        }
        let mut orders = self.close_settled();
        orders.extend(self.publish());
        orders
    }

    /// Whether a proposal or an edit is about `uri`, so that a change of its text matters.
    pub(super) fn is_under_review(&self, uri: &DocumentUri) -> bool {
        let Some((workspace, path)) = self.documents.get(uri).and_then(|open| self.locate(open.path.as_deref()?))
        else {
            return false;
        };
        let touches = |open: &OpenReview| {
            open.root == workspace.root && open.review.files().iter().any(|file| *file.path() == path)
        };
        self.reviews.iter().any(touches) || self.in_flight.values().any(|edit| edit.document == *uri)
    }
}

/// Whether an effect is at work on the file, so that what it holds is about to be something else.
fn is_at_work(open: &OpenReview, file: usize) -> bool {
    open.in_flight.range(HunkId { file, hunk: 0 }..=HunkId { file, hunk: usize::MAX }).next().is_some()
}

/// What a save of the document would write, where that is not what is `expected`: an editor may keep a byte order mark
/// to itself.
pub(super) fn held(document: &Document, expected: Option<&FileState>) -> Option<FileState> {
    const MARK: &str = "\u{feff}";
    if expected.is_some_and(|expected| document.holds(&expected.bytes)) {
        return None;
    }
    let mut text = document.text.to_string();
    if expected.is_some_and(|expected| expected.bytes.starts_with(MARK.as_bytes())) && !text.starts_with(MARK) {
        text.insert_str(0, MARK);
    }
    Some(FileState { kind: expected.map_or(FileKind::Plain, |expected| expected.kind), bytes: text.into_bytes() })
}
