//! The one error that reaches an edge: a kind to map, what happened, what to do next.

use std::fmt;

/// What sort of failure; each frontend maps it to its own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The request itself is wrong.
    InvalidInput,
    /// What was named does not exist.
    NotFound,
    /// Policy denies it.
    Denied,
    /// Policy wants an approval first.
    NeedsApproval,
    /// Something changed meanwhile.
    Stale,
    /// Something the machine must provide is missing.
    Unavailable,
    /// The user stopped it.
    Cancelled,
    /// Reading or writing failed.
    Io,
    /// A fault of tagout's own.
    Internal,
}

/// What happened, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The sort of failure.
    pub kind: FailureKind,
    /// What happened: lower case, no full stop.
    pub what: String,
    /// What to do next, each a sentence fragment.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure without hints.
    #[must_use]
    pub fn new(kind: FailureKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hints: Vec::new() }
    }

    /// A failure of reading or writing `subject`.
    #[must_use]
    pub fn io(subject: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(FailureKind::Io, format!("{subject}: {error}"))
    }

    /// The same with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)?;
        self.hints.iter().try_for_each(|hint| write!(formatter, "; {hint}"))
    }
}

impl std::error::Error for Failure {}
