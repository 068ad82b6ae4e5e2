//! Files under review that go on being edited: hunks move with the text, and what no longer fits is shown to be stale.

use std::collections::BTreeSet;

use super::documents::Document;
use super::order::{Order, Task};
use super::state::{OpenReview, State};
use crate::changes::{FileReview, HunkId, Review};
use crate::workspace::{DocumentUri, FileKind, FileState, RelativePath, Root};

impl State {
    /// Takes note of what the open documents under review hold: what is open counts, whatever the disk has.
    pub(super) fn see_documents(&mut self) {
        let roots: BTreeSet<Root> = self.reviews.iter().map(|open| open.root.clone()).collect();
        for root in roots {
            self.see_open(&root, &self.documents.places(&root));
        }
    }

    /// Takes note of what the documents hold that are open at these places.
    pub(super) fn see_open(&mut self, root: &Root, paths: &[RelativePath]) {
        for path in paths {
            let Some((_, document)) = self.documents.at(root, path).next() else { continue };
            let mut differs = false;
            for open in self.reviews.iter_mut().filter(|open| open.root == *root) {
                let Some(index) = open.review.index_of(path).filter(|index| !is_at_work(open, *index)) else {
                    continue;
                };
                let expected = open.review.files().get(index).and_then(FileReview::expected);
                if let Some(now) = held(document, expected) {
                    differs |= open.review.see(index, Some(now));
                }
            }
            if differs {
                self.touch(root, path);
            }
        }
    }

    /// Looks at the files under review among `paths` (none: all) that no document holds.
    pub(super) fn see_files(&mut self, root: &Root, paths: &[RelativePath]) -> Vec<Order> {
        let reviews = || self.reviews.iter().filter(|open| open.root == *root).map(|open| &open.review);
        let under_review: BTreeSet<&RelativePath> = if paths.is_empty() {
            reviews().flat_map(Review::files).map(FileReview::path).collect()
        } else {
            paths.iter().filter(|path| reviews().any(|review| review.index_of(path).is_some())).collect()
        };
        let closed = under_review.into_iter().filter(|path| self.open_at(root, path).is_none());
        let looked: Vec<RelativePath> = closed.cloned().collect();
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
            let mut differs = false;
            for open in self.reviews.iter_mut().filter(|open| open.root == *root) {
                if let Some(index) = open.review.index_of(path).filter(|index| !is_at_work(open, *index)) {
                    differs |= open.review.see(index, now.clone());
                }
            }
            if differs {
                self.touch(root, path);
            }
        }
        self.close_settled()
    }

    /// Whether a proposal or an edit is about `uri`, so that a change of its text matters.
    pub(super) fn is_under_review(&self, uri: &DocumentUri) -> bool {
        let Some((root, path)) = self.documents.get(uri).and_then(|open| open.place.as_ref()) else { return false };
        let touches = |open: &OpenReview| open.root == *root && open.review.index_of(path).is_some();
        self.reviews.iter().any(touches) || self.in_flight.values().any(|edit| edit.document == *uri)
    }
}

/// Whether an effect is at work on the file, so that what it holds is about to be something else.
pub(super) fn is_at_work(open: &OpenReview, file: usize) -> bool {
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
