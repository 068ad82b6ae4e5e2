//! One changeset as two: what is selected, and the rest.

use super::{Changeset, FileChange, HunkId, HunkState, Review, Selection};

/// The selected hunks of `changeset`, and a changeset of the rest, to be applied over the first. A hunk of one end of
/// a rename selects both ends. Either may be empty; hunks that are not there select nothing.
///
/// Law: the two, [composed](super::compose), change the files as `changeset` does.
#[must_use]
pub fn split(changeset: &Changeset, selected: &[HunkId]) -> (Changeset, Changeset) {
    let mut review = Review::new(changeset.clone());
    let part = |files: Vec<FileChange>| {
        Changeset::new(changeset.origin.clone(), files).with_lineage(changeset.lineage.derived(&changeset.id))
    };
    // Only an empty selection is refused, and that changes nothing.
    let taken = part(review.acceptance(selected).unwrap_or_default());
    review.mark(selected, HunkState::Accepted);
    let rest = part(review.acceptance(&review.pending(Selection::All)).unwrap_or_default());
    (taken, rest)
}
