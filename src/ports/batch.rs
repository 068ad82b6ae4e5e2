//! How far a batch is, kept so that one that was cut short goes on where it was.

use super::Failure;

/// Adds a line, durably.
pub type AppendLine = Box<dyn FnMut(&str) -> Result<(), Failure> + Send>;

/// The lines that a batch has left, and a way to add one. Nobody else has them while this lives.
pub struct BatchLog {
    /// Lines of earlier runs, first one first.
    pub lines: Vec<String>,
    /// Adds a line; it is on disk when this returns.
    pub append: AppendLine,
}
