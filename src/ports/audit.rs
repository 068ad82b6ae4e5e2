//! What a look over the whole record found.

use std::fmt;

use super::{Failure, FailureKind};

/// What can be wrong with a record, or with what holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Its content is not what was written.
    Edited,
    /// It stands where another was.
    Reordered,
    /// It was put in by somebody else.
    Inserted,
    /// It is not there, and later ones are.
    Missing,
    /// It was the last or among the last, and is not there.
    CutTail,
    /// The database is an older copy of itself.
    Replaced,
    /// The database was removed, or another stands in its place.
    Removed,
    /// The anchor outside the database is gone.
    AnchorGone,
    /// The anchor is not what was written.
    AnchorBroken,
    /// The key is gone or another, so that nothing can be said.
    KeyLost,
    /// Others than the user could read or write the key.
    KeyExposed,
    /// A note in the database on how the record is put together is not what was written.
    SectionBroken,
    /// A file of rotated records is gone or not what was written.
    RotatedFile,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What sort.
    pub kind: FaultKind,
    /// The first record that it is about; 0 when it is about none.
    pub number: u64,
    /// What is wrong, for people.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

/// Most faults that are told one by one.
const MOST_FAULTS: usize = 100;

/// What a look over a workspace's whole record found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "an audit that nobody reads finds nothing"]
pub struct Audit {
    /// Records looked at.
    pub records: u64,
    /// What is wrong, first record first; at most 100 are kept.
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub more_faults: u64,
    /// What is no fault and should be known.
    pub notes: Vec<String>,
}

impl Audit {
    /// Notes a fault.
    pub fn fault(&mut self, kind: FaultKind, number: u64, what: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { kind, number, what: what.into() });
        } else {
            self.more_faults += 1;
        }
    }

    /// Notes what is no fault.
    pub fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// Nothing where every record is as it was written.
    ///
    /// # Errors
    /// With the first fault, and how many there are.
    pub fn sound(&self) -> Result<(), Failure> {
        let Some(first) = self.faults.first() else { return Ok(()) };
        let others = self.faults.len() as u64 - 1 + self.more_faults;
        let more = if others == 0 { String::new() } else { format!(", and {others} more faults") };
        let what = format!("the ledger cannot be trusted: {first}{more}");
        Err(Failure::new(FailureKind::Internal, what)
            .hint("someone or something changed the ledger: compare it with a backup"))
    }
}
