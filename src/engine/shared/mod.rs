//! An index that several machines share: what names the newest one, and taking from it what is true of the files here.

mod given;
mod note;
mod pointer;

pub use given::Given;
pub use note::Note;
pub use pointer::{Newest, Unusable};

/// The object that names the newest index of a workspace.
pub const NEWEST: &str = "current";
/// Where the indexes of a workspace are.
pub const SEGMENTS: &str = "segments";
/// Bytes of what names the newest index.
pub const LARGEST_NEWEST: u64 = 16 << 10;
/// Bytes of one index.
pub const LARGEST: u64 = 1 << 30;
