//! Changesets: proposed changes over known contents, reviewed hunk by hunk, applied exactly, inverted at will.

mod changeset;
mod hunk;
mod render;
mod review;

pub use changeset::{ChangeKind, Changeset, ChangesetId, FileChange, Origin, by_consent, content_hash};
pub use hunk::Hunk;
pub use render::{Summary, render_changeset, summarise};
pub use review::{FileReview, HunkId, HunkState, Review, ReviewError, Selection};
