//! Text as values: rope snapshots, byte spans, positions in the three LSP encodings, edits, line diffs, encodings.

mod decode;
mod diff;
mod edit;
mod merge;
mod position;
mod snapshot;
mod span;
mod visible;

pub use decode::{decode, utf16};
pub use diff::{LineHunk, line_hunks, unified_diff};
pub use edit::{Edit, EditError, apply_edits, invert_edits, validate_edits};
pub use merge::{Conflict, Merged, merge_over, merge_texts};
pub use position::{Encoding, Position, Range};
pub use snapshot::Snapshot;
pub use span::Span;
pub use visible::{visible, visible_line};
