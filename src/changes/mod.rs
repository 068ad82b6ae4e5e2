//! Changesets: proposed changes over known contents, reviewed hunk by hunk, applied exactly, inverted at will.
//!
//! A file is bytes and a kind of entry, and a change says what a path holds before and after: encodings, line breaks,
//! byte order marks and a missing last line break are kept because nothing here decodes a file to write it again.
//! Where both sides are UTF-8 without NUL bytes, a change is reviewed in hunks of whole lines; everything else, UTF-16
//! among it, is taken or left as a whole.
//!
//! # Renames
//!
//! A rename is no change of its own but a deletion and a creation whose contents are alike, found when it is looked
//! for, as git does it. What is stored, granted and written stays one path with its content before and after: each
//! operation below has one law per path, an approval binds to the bytes at every path, and a change to the disk has
//! steps that each concern one name, so that a crash between them is understood. A variant of its own would say
//! nothing about what a command wrote, where only the deletion and the creation are seen. The pair is reviewed,
//! accepted, rejected, split and rebased as one. Two things follow: what is renamed onto an existing file is an edit
//! of that file and never a rename, and a pair of which one end runs later is no pair, since that end needs a consent
//! of its own.
//!
//! # Operations
//!
//! All are pure and leave what they are given as it is; each names its law.
//!
//! - [`split`]: into what is selected and the rest; composed they are the whole.
//! - [`Review`]: accepting and rejecting; any order leads to the same files.
//! - [`compose`]: one after the other as one; associative where defined.
//! - [`Changeset::inverted`]: the way back; composed they change nothing.
//! - [`rebase`]: over what is there now, three-way; no byte of either side is lost.
//! - [`conflicts`]: where two changesets touch each other; where they do not, [`undo_over`] takes them back in any order.

mod changeset;
mod compose;
mod file_review;
mod hunk;
mod lineage;
mod rebase;
mod rejected;
mod rename;
mod render;
mod review;
mod split;
mod stored;

#[cfg(test)]
mod laws;

pub use changeset::{ChangeKind, Changeset, ChangesetId, FileChange, by_consent, content_hash};
pub use compose::{ComposeError, compose};
pub use file_review::{FileReview, is_made};
pub use hunk::Hunk;
pub use lineage::{CheckOutcome, Checked, Input, Lineage, Origin, Permissions, describe_checks};
pub use rebase::{Obstacle, Obstructed, Overlap, Rebased, Stale, conflicts, rebase, undo_over};
pub use rejected::{Rejected, unrejected};
pub use rename::{Rename, RenameError, renames};
pub use render::{Summary, render_changeset, summarise};
pub use review::{HunkId, HunkState, Review, ReviewError, Selection};
pub use split::split;
