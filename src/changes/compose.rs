//! Two changesets, one over what the other leaves, as one.

use std::collections::BTreeMap;

use super::{Changeset, ChangesetId, FileChange, Lineage, Origin};
use crate::workspace::RelativePath;

/// Why two changesets cannot be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The second one begins with something else than the first one leaves.
    #[error("the second changeset was not made over what the first one leaves in {path}: rebase it first")]
    NotOver {
        /// Where.
        path: RelativePath,
    },
}

/// What `first` and then `second` do, as one changeset.
///
/// Laws: applying it is applying both; it is associative wherever all compositions exist; with an empty changeset, or
/// with the inverse of what is taken back, it is what is left to do.
///
/// # Errors
/// When `second` was made over another state of a file that both change.
pub fn compose(first: &Changeset, second: &Changeset) -> Result<Changeset, ComposeError> {
    let mut paths: BTreeMap<&RelativePath, FileChange> =
        first.files.iter().map(|change| (&change.path, change.clone())).collect();
    for change in &second.files {
        match paths.get_mut(&change.path) {
            None => {
                paths.insert(&change.path, change.clone());
            }
            Some(whole) if whole.after == change.before => whole.after.clone_from(&change.after),
            Some(_) => return Err(ComposeError::NotOver { path: change.path.clone() }),
        }
    }
    let of = [parts(first), parts(second)].concat();
    let lineage = joined(&first.lineage, &second.lineage, of.clone());
    Ok(Changeset::new(Origin::Composed { of }, paths.into_values().collect()).with_lineage(lineage))
}

/// The changesets that `changeset` stands for in a composition: flat, so that brackets make no difference.
fn parts(changeset: &Changeset) -> Vec<ChangesetId> {
    match &changeset.origin {
        Origin::Composed { of } => of.clone(),
        Origin::Rewrite { .. }
        | Origin::Command { .. }
        | Origin::Undo { .. }
        | Origin::Recipe { .. }
        | Origin::Model { .. }
        | Origin::User => vec![changeset.id.clone()],
    }
}

/// What holds for both; no check ran over the two together.
fn joined(first: &Lineage, second: &Lineage, derived_from: Vec<ChangesetId>) -> Lineage {
    let mut read = [first.read.clone(), second.read.clone()].concat();
    read.sort();
    read.dedup();
    let role = first.role.clone().filter(|_| first.role == second.role);
    let record = first.record.filter(|_| first.record == second.record);
    Lineage { role, record, read, derived_from, ..Lineage::default() }
}
