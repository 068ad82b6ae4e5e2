//! A project's own checks: which there are, what one said of itself, and whether changed texts can still be parsed.
//! Values in, values out; [`recipes::verify`](super::recipes::verify) runs them.

mod detect;
mod said;
mod signs;
mod unparsable;

pub use detect::{Check, CheckKind, RootFiles, configured, detect};
pub use said::Listener;
pub use unparsable::{parses, syntax};
