//! The database: opened on first use, checked, migrated, set aside when damaged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::keyring::Keyring;
use super::place;
use super::schema::MIGRATIONS;
use crate::ports::{Failure, FailureKind};

/// How long to wait for another process's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database no larger than this is checked whole whenever it is opened, in a few milliseconds; a larger one when
/// damage was met in it.
const CHECKED_WHOLE: u64 = 32 << 20;

/// Whether to look at every page on opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    IfSmall,
    Whole,
}

/// The database, open or not.
pub(super) struct Database {
    path: PathBuf,
    keys: Keyring,
    open: Option<(Connection, Option<(u64, u64)>)>,
    check: Check,
    notices: Vec<String>,
}

impl Database {
    pub(super) fn new(path: PathBuf, keys: Keyring) -> Self {
        Self { path, keys, open: None, check: Check::IfSmall, notices: Vec::new() }
    }

    /// Says something at the next [`Self::take_notice`].
    pub(super) fn say(&mut self, notice: String) {
        self.notices.push(notice);
    }

    /// What had to be said since the last call.
    pub(super) fn take_notice(&mut self) -> Option<String> {
        let said = std::mem::take(&mut self.notices).join("; ");
        (!said.is_empty()).then_some(said)
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
        if matches!(&result, Err(Problem::Database(error)) if is_damage(error)) {
            self.check = Check::Whole;
        } else {
            self.open = Some(open);
        }
        result.map_err(|problem| problem.into_failure(&self.path))
    }

    fn begin(&mut self) -> Result<(Connection, Option<(u64, u64)>), Failure> {
        let failure = |error: std::io::Error| unusable(&self.path, &error.to_string());
        place::prepare(&self.path).map_err(failure)?;
        let check = std::mem::replace(&mut self.check, Check::IfSmall);
        let connection = match open(&self.path, check) {
            Err(Problem::Database(error)) if is_damage(&error) => {
                // Another process may be setting it aside at this moment: whoever comes second finds a good one.
                let _lock = place::lock(&self.path, place::Right::SetAside).map_err(failure)?;
                place::prepare(&self.path).map_err(failure)?;
                match open(&self.path, check) {
                    Err(Problem::Database(error)) if is_damage(&error) => {
                        let aside = place::set_aside(&self.path).map_err(failure)?;
                        self.notices.push(format!(
                            "the ledger {} was damaged ({error}): it was kept as {} and begun anew, so every \
                             workspace is read-only again and undo reaches back to now only",
                            self.path.display(),
                            aside.display()
                        ));
                        place::prepare(&self.path).map_err(failure)?;
                        let opened = open(&self.path, Check::IfSmall);
                        opened.inspect(|connection| trace_set_aside(connection, &self.keys, &aside))
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
    pub(super) fn into_failure(self, path: &Path) -> Failure {
        match self {
            Self::Other(failure) => failure,
            Self::Database(error) if code(&error) == Some(ErrorCode::DiskFull) => {
                unusable(path, &error.to_string()).hint("make room on the disk")
            }
            Self::Database(error) if code(&error) == Some(ErrorCode::DatabaseBusy) => {
                let what = format!("the ledger {} is held by another process: {error}", path.display());
                Failure::new(FailureKind::Unavailable, what).hint("try again, or end that process")
            }
            Self::Database(error) if is_damage(&error) => {
                let what = format!("the ledger {} is damaged: {error}", path.display());
                Failure::new(FailureKind::Unavailable, what)
                    .hint("do it again: a damaged ledger is set aside, as it is, and another begun")
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

/// Leaves word in the new database, signed, so that an audit tells this from a database that somebody replaced. Where
/// it cannot be written the audit takes it for that, which is the stricter answer.
fn trace_set_aside(connection: &Connection, keys: &Keyring, aside: &Path) {
    use std::os::unix::ffi::OsStrExt;
    let Ok((key, _)) = keys.obtain() else { return };
    let Ok(database) = database_id(connection) else { return };
    let path = aside.as_os_str().as_bytes();
    let signed = [&key.id()[..], &key.hash(SET_ASIDE, &[&database, path]), path].concat();
    let insert = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
    drop(connection.execute(insert, rusqlite::params![SET_ASIDE, signed]));
}

/// Where the database before this one was set aside, if this one's word of it is tagout's own.
pub(super) fn set_aside(connection: &Connection, keys: &Keyring) -> Result<Option<String>, Problem> {
    let query = "SELECT value FROM meta WHERE name = ?1";
    let value: Option<Vec<u8>> = connection.query_row(query, [SET_ASIDE], |row| row.get(0)).optional()?;
    let database = database_id(connection)?;
    Ok(value.and_then(|value| {
        let (id, rest) = value.split_first_chunk::<8>()?;
        let (signature, path) = rest.split_first_chunk::<32>()?;
        let key = keys.find(*id).ok()??;
        let signed = key.hash(SET_ASIDE, &[&database, path]) == *signature;
        signed.then(|| String::from_utf8_lossy(path).into_owned())
    }))
}

const SET_ASIDE: &str = "set-aside";

/// What tells this database from any other that is or was at its place.
pub(super) fn database_id(connection: &Connection) -> Result<[u8; 16], Problem> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = 'database'")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// A connection of its own to read with, where there is a database; it makes, migrates and sets aside nothing.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, Failure> {
    let read = || -> Result<Connection, Problem> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    if place::identity(path).is_none() {
        return Ok(None);
    }
    read().map(Some).map_err(|problem| problem.into_failure(path))
}

/// The schema's version; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> Result<i64, Problem> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn open(path: &Path, check: Check) -> Result<Connection, Problem> {
    // No URI file names: a path that looks like one is a path. Nothing is created here, the file is there.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if journal != "wal" {
        // Of two processes that change it at once SQLite refuses one, without waiting.
        let failure = |error: std::io::Error| unusable(path, &error.to_string());
        let _lock = place::lock(path, place::Right::Journal).map_err(failure)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
    }
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let whole = check == Check::Whole || place::size(path) <= CHECKED_WHOLE;
    let look = if whole { "PRAGMA quick_check(1)" } else { "SELECT 'ok' FROM sqlite_schema LIMIT 1" };
    let checked: Option<String> = connection.query_row(look, [], |row| row.get(0)).optional()?;
    if let Some(checked) = checked.filter(|checked| checked != "ok") {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(Problem::Database(rusqlite::Error::SqliteFailure(code, Some(checked))));
    }
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Problem> {
    // Taken at once, so that of two processes at their first start one migrates and the other finds it done.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
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
