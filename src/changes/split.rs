//! One changeset as two: what is selected, and the rest.

use super::{Changeset, HunkId, HunkState, Review};

/// The selected hunks of `changeset`, and a changeset of the rest, to be applied over the first. A hunk of one end of
/// a rename selects both ends. Either may be empty; hunks that are not there select nothing.
///
/// Law: the two, [composed](super::compose), change the files as `changeset` does.
#[must_use]
pub fn split(changeset: &Changeset, selected: &[HunkId]) -> (Changeset, Changeset) {
    let mut review = Review::new(changeset.clone());
    // Only an empty selection is refused, and that changes nothing.
    let taken = Changeset::new(changeset.origin.clone(), review.acceptance(selected).unwrap_or_default());
    review.mark(selected, HunkState::Accepted);
    (taken.with_lineage(changeset.lineage.derived(&changeset.id)), review.rest())
}
