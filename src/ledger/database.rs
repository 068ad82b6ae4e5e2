//! The database: opened on first use, checked, migrated, set aside when damaged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::place;
use crate::ports::{Failure, FailureKind};

/// How long to wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// One statement list for each version of the schema; the first leads from an empty database to version 1.
const MIGRATIONS: &[&str] = &["
CREATE TABLE workspace (key TEXT PRIMARY KEY, path BLOB NOT NULL, mode TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
    workspace TEXT NOT NULL,
    number INTEGER NOT NULL,
    entry TEXT NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (workspace, number)
);
CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER record_is_kept BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER record_is_not_replaced BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE workspace = NEW.workspace AND number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TABLE shelf (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (workspace, id)
);
"];

/// The database, open or not.
pub(super) struct Database {
    path: PathBuf,
    open: Option<(Connection, Option<(u64, u64)>)>,
    notice: Option<String>,
}

impl Database {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None, notice: None }
    }

    /// What had to be said since the last call.
    pub(super) fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// Does `work` with the connection, opening it first where it is not. A database found damaged is closed, so that
    /// the next use sets it aside.
    pub(super) fn with<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, Failure> {
        // The state folder may be removed while it is open; what is written to a removed file is lost.
        let gone = |(_, opened): &(Connection, Option<(u64, u64)>)| *opened != place::identity(&self.path);
        if self.open.as_ref().is_some_and(gone) {
            self.open = None;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let result = work(&mut open.0);
        if !matches!(&result, Err(Problem::Database(error)) if is_damage(error)) {
            self.open = Some(open);
        }
        result.map_err(|problem| problem.into_failure(&self.path))
    }

    fn begin(&mut self) -> Result<(Connection, Option<(u64, u64)>), Failure> {
        let failure = |error: std::io::Error| unusable(&self.path, &error.to_string());
        place::prepare(&self.path).map_err(failure)?;
        let connection = match open(&self.path) {
            Err(Problem::Database(error)) if is_damage(&error) => {
                // Another process may be setting it aside at this moment: whoever comes second finds a good one.
                let _lock = place::lock(&self.path).map_err(failure)?;
                place::prepare(&self.path).map_err(failure)?;
                match open(&self.path) {
                    Err(Problem::Database(error)) if is_damage(&error) => {
                        let aside = place::set_aside(&self.path).map_err(failure)?;
                        self.notice = Some(format!(
                            "the ledger {} was damaged ({error}): it was kept as {} and begun anew, so every \
                             workspace is read-only again and undo reaches back to now only",
                            self.path.display(),
                            aside.display()
                        ));
                        place::prepare(&self.path).map_err(failure)?;
                        open(&self.path)
                    }
                    opened => opened,
                }
            }
            opened => opened,
        };
        let connection = connection.map_err(|problem| problem.into_failure(&self.path))?;
        Ok((connection, place::identity(&self.path)))
    }
}

/// What goes wrong while working with the database.
#[derive(Debug)]
pub(super) enum Problem {
    /// SQLite's own error.
    Database(rusqlite::Error),
    /// Anything else.
    Other(Failure),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl Problem {
    fn into_failure(self, path: &Path) -> Failure {
        match self {
            Self::Other(failure) => failure,
            Self::Database(error) if code(&error) == Some(ErrorCode::DiskFull) => {
                unusable(path, &error.to_string()).hint("make room on the disk")
            }
            Self::Database(error) if code(&error) == Some(ErrorCode::DatabaseBusy) => {
                let what = format!("the ledger {} is held by another process: {error}", path.display());
                Failure::new(FailureKind::Unavailable, what).hint("try again, or end that process")
            }
            Self::Database(error) => unusable(path, &error.to_string()),
        }
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the ledger {} cannot be used: {why}", path.display()))
        .hint("make the state folder writable, or set TAGOUT_STATE_DIR to one that is")
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn open(path: &Path) -> Result<Connection, Problem> {
    // No URI file names: a path that looks like one is a path. Nothing is created here, the file is there.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let checked: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if checked != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(Problem::Database(rusqlite::Error::SqliteFailure(code, Some(checked))));
    }
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Problem> {
    // Taken at once, so that of two processes at their first start one migrates and the other finds it done.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(missing) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
        let what = format!("the ledger {} is of a newer tagout (version {version})", path.display());
        return Err(Failure::new(FailureKind::Unavailable, what)
            .hint("use that newer tagout, or set TAGOUT_STATE_DIR to another folder")
            .into());
    };
    if !missing.is_empty() {
        missing.iter().try_for_each(|statements| transaction.execute_batch(statements))?;
        transaction.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))?;
    }
    Ok(transaction.commit()?)
}
