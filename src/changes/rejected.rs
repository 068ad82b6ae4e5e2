//! What of a changeset was rejected, as it is kept with it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Changeset, FileChange, FileReview, Hunk, HunkId, HunkState, Review, Selection};
use crate::text::Span;
use crate::workspace::RelativePath;

/// A hunk that was rejected: by what it is about, since a later diff of the same texts may number hunks otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rejected {
    /// Where.
    pub path: RelativePath,
    /// Bytes of the text before the change; `None` for the file as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

impl Rejected {
    /// Whether it is about `hunk`, in doubt it is.
    fn is_about(&self, hunk: &Hunk) -> bool {
        let Some((rejected, edit)) = self.span.zip(hunk.edit.as_ref()) else { return true };
        let overlap = rejected.start < edit.span.end && edit.span.start < rejected.end;
        overlap || rejected == edit.span
    }
}

impl Review {
    /// A review that goes on: what was rejected before stays so, all else is pending.
    #[must_use]
    pub fn resumed(changeset: Changeset) -> Self {
        let rejected = changeset.lineage.rejected.clone();
        let mut review = Self::new(changeset);
        let marked = review.about(&rejected);
        review.mark(&marked, HunkState::Rejected);
        review
    }

    /// The hunks that what is kept as rejected is about, pending or not.
    #[must_use]
    pub fn about(&self, rejected: &[Rejected]) -> Vec<HunkId> {
        let hunks = |(file, review): (usize, &FileReview)| -> Vec<HunkId> {
            let of_file: Vec<&Rejected> = rejected.iter().filter(|one| one.path == *review.path()).collect();
            if of_file.is_empty() {
                return Vec::new();
            }
            // As the change was proposed: by now its hunks may have moved.
            let proposed = review.change().hunks().into_iter().enumerate();
            let fits = proposed.filter(|(_, hunk)| of_file.iter().any(|one| one.is_about(hunk)));
            fits.map(|(hunk, _)| HunkId { file, hunk }).collect()
        };
        self.files().iter().enumerate().flat_map(hunks).collect()
    }

    /// Takes note of the rejected `hunks` of the file with this index, as they are kept.
    pub(super) fn note_rejected(&mut self, at: usize, hunks: &[usize]) {
        let Some(change) = self.files().get(at).map(FileReview::change).filter(|_| !hunks.is_empty()) else { return };
        let spans = change.hunks().into_iter().map(|hunk| hunk.edit.map(|edit| edit.span)).enumerate();
        let spans = spans.filter(|(hunk, _)| hunks.contains(hunk));
        let noted = spans.map(|(_, span)| Rejected { path: change.path.clone(), span }).collect();
        self.keep_rejected(noted);
    }
}

/// What is left of a changeset once what was rejected of it is left out, over the same files and under the same name.
#[must_use]
pub fn unrejected(changeset: &Changeset) -> Cow<'_, Changeset> {
    if changeset.lineage.rejected.is_empty() {
        return Cow::Borrowed(changeset);
    }
    let review = Review::resumed(changeset.clone());
    // Only an empty list is refused, and then nothing is left; what nobody edited is not stale.
    let files: Vec<FileChange> = review.acceptance(&review.pending(Selection::All)).unwrap_or_default();
    Cow::Owned(Changeset { files, ..changeset.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Origin;
    use crate::text::apply_edits;
    use crate::workspace::FileState;
    use proptest::prelude::*;

    fn changeset(before: &str, after: &str) -> Changeset {
        let path = RelativePath::new("a.txt").unwrap();
        let file = FileChange { path, before: Some(FileState::text(before)), after: Some(FileState::text(after)) };
        Changeset::new(Origin::User, vec![file])
    }

    #[test]
    fn what_is_rejected_after_something_was_accepted_is_kept_as_it_stood_before() {
        let mut review = Review::new(changeset("a\nb\nc\n", "AAAA\nb\nC\n"));
        review.mark(&[HunkId { file: 0, hunk: 0 }], HunkState::Accepted);
        review.mark(&[HunkId { file: 0, hunk: 1 }], HunkState::Rejected);
        assert_eq!(review.changeset().lineage.rejected[0].span, Some(Span::new(4, 6)));
    }

    #[test]
    fn a_hunk_that_is_cut_otherwise_by_now_stays_rejected() {
        let mut changeset = changeset("a\nb\nc\nd\n", "A\nB\nc\nD\n");
        let path = changeset.files[0].path.clone();
        changeset.lineage.rejected = vec![Rejected { path, span: Some(Span::new(2, 4)) }];
        let left = unrejected(&changeset).files[0].after.clone();
        assert_eq!(left, Some(FileState::text("a\nb\nc\nD\n")));
    }

    #[test]
    fn both_ends_of_a_rename_are_left_out() {
        let change = |path: &str, before: Option<&str>, after: Option<&str>| FileChange {
            path: RelativePath::new(path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        };
        let files = vec![
            change("a", Some("1\n2\n3\n"), None),
            change("b", Some("x\n"), Some("y\n")),
            change("c", None, Some("1\n2\n3\n")),
        ];
        let mut review = Review::new(Changeset::new(Origin::User, files.clone()));
        review.mark(&[HunkId { file: 2, hunk: 0 }], HunkState::Rejected);
        assert_eq!(unrejected(review.changeset()).files, [files[1].clone()]);
        assert_eq!(Review::resumed(review.changeset().clone()).pending(Selection::All), [HunkId { file: 1, hunk: 0 }]);
    }

    proptest! {
        #[test]
        fn a_review_goes_on_as_it_was_left(
            before in "([a-c]{0,2}\\n){0,10}", after in "([a-c]{0,2}\\n){0,10}", chosen in any::<u16>()
        ) {
            let mut review = Review::new(changeset(&before, &after));
            let all = review.pending(Selection::All);
            let (rejected, rest): (Vec<HunkId>, Vec<HunkId>) = all.into_iter().partition(|id| chosen >> (id.hunk % 16) & 1 == 1);
            review.mark(&rejected, HunkState::Rejected);
            let kept = review.changeset().clone();
            prop_assert_eq!(Review::resumed(kept.clone()).pending(Selection::All), rest.clone());
            let edits: Vec<_> = rest.iter().filter_map(|id| review.files()[0].located(id.hunk).cloned()).collect();
            let left = apply_edits(&before, &edits).unwrap();
            let unrejected = unrejected(&kept);
            let after = unrejected.files.first().and_then(|file| file.after.as_ref()?.as_text());
            prop_assert_eq!(after.unwrap_or(&before), left);
        }
    }
}
