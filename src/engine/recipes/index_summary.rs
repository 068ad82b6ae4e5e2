//! What an index run did, for people.

use std::collections::BTreeMap;

use super::shared_files::SharedSummary;
use crate::workspace::Root;

/// What an index run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexSummary {
    /// Workspace.
    pub root: Option<Root>,
    /// Files the index knows and has chunks of.
    pub files: usize,
    /// Files that were read and chunked again.
    pub read: usize,
    /// Files that went.
    pub removed: usize,
    /// Chunks that were embedded.
    pub embedded: usize,
    /// Chunks whose vectors were used again.
    pub reused: usize,
    /// Bytes of text that were chunked.
    pub bytes: u64,
    /// What was passed over: reason and count.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Whether another process writes the index: it is as that has it.
    pub read_only: bool,
    /// What was taken from the index that is shared, where there is one.
    pub shared: Option<SharedSummary>,
    /// What the store had to say on opening, or why the index that is shared was not used.
    pub notice: Option<String>,
}

impl std::fmt::Display for IndexSummary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} files indexed; {} read, {} removed; {} chunks embedded, {} reused",
            self.files, self.read, self.removed, self.embedded, self.reused
        )?;
        if let Some(shared) = &self.shared {
            write!(formatter, "; {} of {} files came from the shared index", shared.taken, self.files)?;
        }
        let passed: Vec<String> = self.passed_over.iter().map(|(why, count)| format!("{count} {why}")).collect();
        if passed.is_empty() { Ok(()) } else { write!(formatter, "; passed over: {}", passed.join(", ")) }
    }
}
