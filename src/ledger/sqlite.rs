//! The ledger in SQLite.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::database::{Database, Problem};
use super::{record, shelf};
use crate::changes::ChangesetId;
use crate::policy::{Action, Grant, Mode};
use crate::ports::{Entry, Failure, FailureKind, Ledger, Modes, Shelf, Shelved, ShelvedState};
use crate::workspace::Root;

/// Record, modes and shelf in one SQLite database. Several processes may use it at once.
pub struct SqliteLedger {
    database: Mutex<Database>,
}

impl SqliteLedger {
    /// The ledger at `path`; nothing is opened or made before it is used.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { database: Mutex::new(Database::new(path)) }
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        // A panic elsewhere leaves no half-done work here: what was not committed is rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, Failure> {
        self.database().with(work)
    }
}

impl Ledger for SqliteLedger {
    fn append(&self, root: &Root, entry: &Entry) -> Result<u64, Failure> {
        self.with(|connection| record::append(connection, &root.key(), entry))
    }

    fn recent(&self, root: &Root, count: usize) -> Result<Vec<Entry>, Failure> {
        self.with(|connection| record::recent(connection, &root.key(), count))
    }

    fn verify(&self, root: &Root) -> Result<(), Failure> {
        self.with(|connection| record::verify(connection, &root.key()))
    }
}

impl Modes for SqliteLedger {
    fn take_notice(&self) -> Option<String> {
        self.database().take_notice()
    }

    fn mode(&self, root: &Root) -> Result<Mode, Failure> {
        self.with(|connection| mode(connection, root))
    }

    fn set_mode(&self, grant: Grant, root: &Root) -> Result<(), Failure> {
        let (from, to) = granted_modes(&grant)?;
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            check_present(mode(&transaction, root)?, from)?;
            transaction.execute(
                "INSERT OR REPLACE INTO workspace (key, path, mode) VALUES (?1, ?2, ?3)",
                params![root.key(), root.as_path().as_os_str().as_bytes(), to.name()],
            )?;
            Ok(transaction.commit()?)
        })
    }
}

fn mode(connection: &Connection, root: &Root) -> Result<Mode, Problem> {
    let text: Option<String> =
        connection.query_row("SELECT mode FROM workspace WHERE key = ?1", [root.key()], |row| row.get(0)).optional()?;
    let unknown = |error: crate::policy::UnknownMode| {
        Failure::new(FailureKind::Internal, error.to_string()).hint("treat the workspace as read-only")
    };
    text.map_or(Ok(Mode::ReadOnly), |text| text.parse().map_err(|error| unknown(error).into()))
}

/// The modes that a grant to change the mode names.
pub(super) fn granted_modes(grant: &Grant) -> Result<(Mode, Mode), Failure> {
    let Action::SetMode { from, to } = grant.action() else {
        return Err(Failure::new(FailureKind::Denied, "the grant is not for a change of mode"));
    };
    Ok((*from, *to))
}

/// What the user saw has to be what is changed.
pub(super) fn check_present(present: Mode, from: Mode) -> Result<(), Failure> {
    if present == from {
        return Ok(());
    }
    let what = format!("the mode is {present} by now, not {from}");
    Err(Failure::new(FailureKind::Stale, what).hint("look at it again, then choose"))
}

impl Shelf for SqliteLedger {
    fn shelve(&self, root: &Root, shelved: &Shelved) -> Result<(), Failure> {
        self.with(|connection| shelf::put(connection, &root.key(), shelved))
    }

    fn shelved(&self, root: &Root, id: &ChangesetId) -> Result<Shelved, Failure> {
        self.with(|connection| shelf::get(connection, &root.key(), id))
    }

    fn in_state(&self, root: &Root, state: ShelvedState) -> Result<Vec<Shelved>, Failure> {
        self.with(|connection| shelf::in_state(connection, &root.key(), state))
    }
}

#[cfg(test)]
mod tests;
