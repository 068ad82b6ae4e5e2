//! The review of one changeset: which hunks were accepted and which rejected, while the files go on being edited. The two
//! ends of a rename are decided together, whichever of them is named.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Changeset, Checked, FileChange, FileReview, Rejected, Rename};
use crate::workspace::{FileState, RelativePath};

/// What has become of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HunkState {
    /// Waits for a decision.
    Pending,
    /// In the workspace.
    Accepted,
    /// Will not be.
    Rejected,
}

/// A hunk by its place in the changeset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HunkId {
    /// Index of the file.
    pub file: usize,
    /// Index of the hunk in the file.
    pub hunk: usize,
}

/// Which pending hunks a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// One hunk.
    Hunk(HunkId),
    /// All hunks of the file with this index.
    File(usize),
    /// All hunks of all files.
    All,
}

/// Why a review step cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Nothing pending is selected.
    #[error("nothing is pending there: it was accepted or rejected before")]
    NothingPending,
    /// The lines of a hunk are others by now.
    #[error("{0} changed where this would change it: undo that, or make the proposal again")]
    Stale(RelativePath),
}

/// The review of a whole changeset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    changeset: Changeset,
    files: Vec<FileReview>,
    /// For each end of a rename, the other one, by index of the file.
    other_ends: BTreeMap<usize, usize>,
}

impl Review {
    /// A review in which everything is pending.
    #[must_use]
    pub fn new(changeset: Changeset) -> Self {
        let files = changeset.files.iter().cloned().map(FileReview::new).collect();
        let ends = |rename: Rename| [(rename.from, rename.to), (rename.to, rename.from)];
        let other_ends = changeset.renames().into_iter().flat_map(ends).collect();
        Self { changeset, files, other_ends }
    }

    /// The changeset as it was proposed.
    #[must_use]
    pub fn changeset(&self) -> &Changeset {
        &self.changeset
    }

    /// Takes note of checks that were run over the whole changeset.
    pub fn note_checks(&mut self, checks: Vec<Checked>) {
        self.changeset.lineage.checks = checks;
    }

    /// The files under review, in the changeset's order.
    #[must_use]
    pub fn files(&self) -> &[FileReview] {
        &self.files
    }

    /// Index of the file at `path`, if it is under review.
    #[must_use]
    pub fn index_of(&self, path: &RelativePath) -> Option<usize> {
        self.files.binary_search_by(|file| file.path().cmp(path)).ok()
    }

    /// The hunks of `selection` that wait for a decision.
    #[must_use]
    pub fn pending(&self, selection: Selection) -> Vec<HunkId> {
        let files: BTreeSet<usize> = match selection {
            Selection::Hunk(HunkId { file, .. }) | Selection::File(file) => {
                [Some(file), self.other_ends.get(&file).copied()].into_iter().flatten().collect()
            }
            Selection::All => (0..self.files.len()).collect(),
        };
        let selected = |id: &HunkId| match selection {
            Selection::Hunk(one) => one == *id || one.file != id.file,
            Selection::File(_) | Selection::All => true,
        };
        let files = files.into_iter().filter_map(|file| Some((file, self.files.get(file)?)));
        let states = files.flat_map(|(file, review)| {
            (0..review.hunks().len()).filter(|hunk| review.waits(*hunk)).map(move |hunk| HunkId { file, hunk })
        });
        states.filter(selected).collect()
    }

    /// How many hunks wait for a decision.
    #[must_use]
    pub fn count_pending(&self) -> usize {
        self.files.iter().map(|file| (0..file.hunks().len()).filter(|hunk| file.waits(*hunk)).count()).sum()
    }

    /// Whether no hunk waits for a decision any more.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        !self.files.iter().any(|file| (0..file.hunks().len()).any(|hunk| file.waits(hunk)))
    }

    /// Whether a hunk waits and cannot be accepted as its file is now.
    #[must_use]
    pub fn has_stale(&self) -> bool {
        self.files.iter().any(|file| (0..file.hunks().len()).any(|hunk| file.is_stale(hunk)))
    }

    /// Puts what was accepted up for a decision again in the file with this index, which was taken back and is `now`.
    pub fn reopen(&mut self, file: usize, now: Option<FileState>) {
        if let Some(file) = self.files.get_mut(file) {
            file.reopen(now);
        }
    }

    /// Whether a hunk waits and cannot be accepted as its file is now.
    #[must_use]
    pub fn is_stale(&self, id: HunkId) -> bool {
        self.files.get(id.file).is_some_and(|file| file.is_stale(id.hunk))
    }

    /// Takes note that the file with this index is `now`. Whether it was another one before.
    pub fn see(&mut self, file: usize, now: Option<FileState>) -> bool {
        self.files.get_mut(file).is_some_and(|file| file.see(now))
    }

    /// What still waits for a decision, where no file was changed meanwhile.
    pub(super) fn rest(&self) -> Changeset {
        // Only an empty list is refused, and where nothing waits nothing is left to do.
        let files = self.acceptance(&self.pending(Selection::All)).unwrap_or_default();
        let Changeset { id, origin, lineage, .. } = &self.changeset;
        Changeset::new(origin.clone(), files).with_lineage(lineage.derived(id))
    }

    /// `hunks`, each end of a rename with the other one, and the files that they are in.
    fn whole(&self, hunks: &[HunkId]) -> (BTreeSet<HunkId>, BTreeSet<usize>) {
        let other = |id: &HunkId| Some(HunkId { file: *self.other_ends.get(&id.file)?, hunk: id.hunk });
        let whole: BTreeSet<HunkId> = hunks.iter().flat_map(|id| [Some(*id), other(id)]).flatten().collect();
        let files = whole.iter().map(|id| id.file).collect();
        (whole, files)
    }

    /// What accepting `hunks` would change, file by file, over what the files are now.
    /// Nothing is marked: call [`Review::mark`] once the change is in the workspace.
    ///
    /// # Errors
    /// When `hunks` is empty, or one of them is stale.
    pub fn acceptance(&self, hunks: &[HunkId]) -> Result<Vec<FileChange>, ReviewError> {
        if hunks.is_empty() {
            return Err(ReviewError::NothingPending);
        }
        let (hunks, files) = self.whole(hunks);
        let touched = files.into_iter().filter_map(|file| Some((file, self.files.get(file)?)));
        let change = |(at, review): (usize, &FileReview)| {
            let mut own = hunks.range(HunkId { file: at, hunk: 0 }..=HunkId { file: at, hunk: usize::MAX });
            if own.any(|id| review.is_stale(id.hunk)) {
                return Err(ReviewError::Stale(review.path().clone()));
            }
            let after = review.with(|hunk| hunks.contains(&HunkId { file: at, hunk }));
            Ok(FileChange { path: review.path().clone(), before: review.expected().cloned(), after })
        };
        touched.map(change).collect()
    }

    /// Sets `hunks` to `state`; the files that they are in, by index.
    pub fn mark(&mut self, hunks: &[HunkId], state: HunkState) -> BTreeSet<usize> {
        let (hunks, files) = self.whole(hunks);
        for at in files.iter().copied() {
            let (from, to) = (HunkId { file: at, hunk: 0 }, HunkId { file: at, hunk: usize::MAX });
            if let Some(file) = self.files.get_mut(at) {
                let own: Vec<usize> = hunks.range(from..=to).map(|id| id.hunk).collect();
                file.mark(&own, state);
                if state == HunkState::Rejected {
                    self.note_rejected(at, &own);
                }
            }
        }
        files
    }

    /// Adds to what is kept of the changeset as rejected.
    pub(super) fn keep_rejected(&mut self, fresh: Vec<Rejected>) {
        let rejected = &mut self.changeset.lineage.rejected;
        rejected.extend(fresh);
        rejected.sort();
        rejected.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Origin;
    use crate::text::apply_edits;
    use proptest::prelude::*;

    fn review(before: &str, after: &str) -> Review {
        let path = RelativePath::new("a.txt").unwrap();
        let file = FileChange { path, before: Some(FileState::text(before)), after: Some(FileState::text(after)) };
        Review::new(Changeset::new(Origin::Command { argv: vec![] }, vec![file]))
    }

    #[test]
    fn takes_one_hunk_and_leaves_the_other() {
        let mut review = review("a\nb\nc\nd\n", "A\nb\nc\nD\n");
        let second = review.pending(Selection::Hunk(HunkId { file: 0, hunk: 1 }));
        let change = review.acceptance(&second).unwrap().remove(0);
        assert_eq!(change.after, Some(FileState::text("a\nb\nc\nD\n")));
        review.mark(&second, HunkState::Accepted);
        assert_eq!(review.pending(Selection::File(0)), [HunkId { file: 0, hunk: 0 }]);
        review.mark(&review.pending(Selection::All), HunkState::Rejected);
        assert_eq!(review.acceptance(&review.pending(Selection::All)), Err(ReviewError::NothingPending));
    }

    #[test]
    fn both_ends_of_a_rename_are_decided_together() {
        let change = |path: &str, before: Option<&str>, after: Option<&str>| FileChange {
            path: RelativePath::new(path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        };
        let text = "1\n2\n3\n";
        let files =
            vec![change("a", Some(text), None), change("b", Some("x\n"), Some("y\n")), change("c", None, Some(text))];
        let mut review = Review::new(Changeset::new(Origin::User, files.clone()));
        let (from, to) = (HunkId { file: 0, hunk: 0 }, HunkId { file: 2, hunk: 0 });
        for one in [from, to] {
            assert_eq!(review.pending(Selection::Hunk(one)), [from, to]);
            assert_eq!(review.pending(Selection::File(one.file)), [from, to]);
            assert_eq!(review.acceptance(&[one]).unwrap(), [files[0].clone(), files[2].clone()]);
        }
        review.mark(&[to], HunkState::Accepted);
        assert_eq!(review.files()[0].expected(), None);
        assert_eq!(review.pending(Selection::All), [HunkId { file: 1, hunk: 0 }]);
    }

    proptest! {
        #[test]
        fn any_order_of_acceptance_leads_to_the_text_after(
            before in "([a-c]{0,2}\\n){0,10}", after in "([a-c]{0,2}\\n){0,10}", order in any::<u64>()
        ) {
            let mut review = review(&before, &after);
            let mut current = Some(FileState::text(before));
            let mut left = review.pending(Selection::All);
            while !left.is_empty() {
                let id = left.swap_remove((order as usize) % left.len());
                let located = review.files()[0].located(id.hunk).unwrap().clone();
                let text = current.as_ref().unwrap().as_text().unwrap().to_owned();
                let change = review.acceptance(&[id]).unwrap().remove(0);
                prop_assert_eq!(&change.before, &current);
                prop_assert_eq!(apply_edits(&text, &[located]).unwrap(), change.after.as_ref().unwrap().as_text().unwrap());
                current = change.after;
                review.mark(&[id], HunkState::Accepted);
            }
            prop_assert_eq!(current, Some(FileState::text(after)));
        }
    }
}
