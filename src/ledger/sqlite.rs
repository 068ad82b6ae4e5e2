//! The ledger in SQLite.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::archive::{self, Stop};
use super::audit::{self, Places};
use super::database::{Database, Problem, open_to_read};
use super::keyring::Keyring;
use super::queue::Queue;
use super::record::{self, Job};
use super::{clean, place, prune, rotate, rows, shelf};
use crate::changes::ChangesetId;
use crate::policy::{Action, Grant, Mode};
use crate::ports::{
    Amend, Audit, Entry, Failure, FailureKind, Keep, Ledger, Modes, Reader, Retention, Rotated, Rotation, See, Shelf,
    Shelved, Since, Which,
};
use crate::workspace::Root;

/// Record, modes, shelf, trust and grants in one SQLite database. Several processes may use it at once.
pub struct SqliteLedger {
    path: PathBuf,
    keys: Keyring,
    rotated: PathBuf,
    database: Mutex<Database>,
    queue: Queue,
}

impl SqliteLedger {
    /// The ledger at `path`, with its key and its anchors in the folder `keys`, which must not be the database's:
    /// who can change the one should not be able to change the other. Rotated records go to `rotated` beside the
    /// database. Nothing is opened or made before it is used.
    #[must_use]
    pub fn new(path: PathBuf, keys: PathBuf) -> Self {
        let keys = Keyring::new(keys);
        let rotated = archive::folder(&path);
        let database = Mutex::new(Database::new(path.clone(), keys.clone()));
        Self { path, keys, rotated, database, queue: Queue::default() }
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        // A panic elsewhere leaves no half-done work here: what was not committed is rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, Failure> {
        self.database().with(work)
    }

    /// A connection of its own to read with, so that appends go on meanwhile; `None` where there is no database. One
    /// that is damaged is set aside before, one of an older tagout brought up to date.
    fn reading(&self) -> Result<Option<Connection>, Failure> {
        if place::identity(&self.path).is_none() {
            return Ok(None);
        }
        self.with(|_| Ok(()))?;
        open_to_read(&self.path)
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Problem>) -> Result<Option<T>, Failure> {
        let failure = |problem: Problem| problem.into_failure(&self.path);
        self.reading()?.map(|connection| work(&connection).map_err(failure)).transpose()
    }
}

/// Writes a batch; where the key cannot be had or the transaction fails, no record of it is there.
fn write(database: &mut Database, keys: &Keyring, jobs: &[Job]) -> Vec<Result<u64, Failure>> {
    let written = keys.obtain().and_then(|(key, said)| {
        said.into_iter().for_each(|said| database.say(said));
        database.with(|connection| record::append(connection, keys, &key, jobs))
    });
    written.unwrap_or_else(|failure| jobs.iter().map(|_| Err(failure.clone())).collect())
}

impl Ledger for SqliteLedger {
    fn append(&self, root: &Root, entry: &Entry) -> Result<u64, Failure> {
        let (key, said) = self.keys.obtain()?;
        if let Some(said) = said {
            self.database().say(said);
        }
        let job = Job { workspace: root.key(), entry: clean::clean(entry, &key)? };
        self.queue.append(job, |jobs| write(&mut self.database(), &self.keys, jobs))
    }

    fn recent(&self, root: &Root, count: usize) -> Result<Vec<Entry>, Failure> {
        Ok(self.read(|connection| rows::recent(connection, &root.key(), count))?.unwrap_or_default())
    }

    fn each(&self, root: &Root, since: Since, reader: Reader<'_>) -> Result<(), Failure> {
        let workspace = root.key();
        let from = match since {
            Since::Number(number) => number,
            Since::Moment(_) => 0,
        };
        let mut hand_on = |row: rows::Row<'_>| -> Result<ControlFlow<()>, Problem> {
            let entry = row.entry()?;
            Ok(if since.includes(&entry) { reader(&entry) } else { ControlFlow::Continue(()) })
        };
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            for (stub, _) in rows::stubs(&snapshot, &workspace)?.iter().filter(|(stub, _)| stub.last >= from) {
                let path = self.rotated.join(&stub.file);
                let ended = archive::each(&path, &mut hand_on).map_err(|stop| match stop {
                    Stop::Own(problem) => problem,
                    Stop::Unreadable(error) => archive::unusable(&path, &error.to_string()).into(),
                    Stop::NoRecord(line) => archive::unusable(&path, &format!("line {line} is no record")).into(),
                })?;
                if ended.is_break() {
                    return Ok(());
                }
            }
            rows::each(&snapshot, &workspace, (from, u64::MAX), &mut hand_on).map(drop)
        })
        .map(drop)
    }

    fn verify(&self, root: &Root) -> Result<Audit, Failure> {
        let workspace = root.key();
        let places = Places { keys: &self.keys, rotated: &self.rotated, workspace: &workspace };
        // Before the database: what is anchored now has to be in it afterwards.
        let anchored = audit::anchored(&places)?;
        let audit = self.read(|connection| audit::audit(connection, &places, &anchored))?;
        Ok(audit.unwrap_or_else(|| audit::without_database(&anchored)))
    }

    fn open_intents(&self, root: &Root, alive: &[String]) -> Result<Vec<Entry>, Failure> {
        Ok(self.read(|connection| rows::open_intents(connection, &root.key(), alive))?.unwrap_or_default())
    }
}

impl Rotation for SqliteLedger {
    fn rotate(&self, root: &Root, keep: Keep) -> Result<Option<Rotated>, Failure> {
        if place::identity(&self.path).is_none() {
            return Ok(None);
        }
        let (folder, workspace) = (&self.rotated, root.key());
        let failure = |error: std::io::Error| archive::unusable(folder, &error.to_string());
        let _right = archive::lock(folder).map_err(failure)?;
        let (key, _) = self.keys.obtain()?;
        let written = self.read(|connection| rotate::write(connection, folder, &workspace, keep))?.flatten();
        let Some(stub) = written else { return Ok(None) };
        self.with(|connection| rotate::commit(connection, &key, folder, &workspace, stub)).map(Some)
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

    fn amend(&self, root: &Root, id: &ChangesetId, change: Amend<'_>) -> Result<(), Failure> {
        self.with(|connection| shelf::amend(connection, &root.key(), id, change))
    }

    fn shelved(&self, root: &Root, id: &ChangesetId) -> Result<Shelved, Failure> {
        self.with(|connection| shelf::get(connection, &root.key(), id))
    }

    fn list(&self, root: &Root, which: Which<'_>, see: See<'_>) -> Result<(), Failure> {
        self.with(|connection| shelf::list(connection, &root.key(), which, see))
    }

    fn version(&self) -> Result<i64, Failure> {
        // The number is that of one connection, and counts what others commit (sqlite.org/pragma.html#pragma_data_version).
        self.with(|connection| Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?))
    }

    fn prune(&self, retention: Retention, now_ms: i64) -> Result<usize, Failure> {
        self.with(|connection| prune::prune(connection, retention, now_ms))
    }
}

#[cfg(test)]
mod tests;
