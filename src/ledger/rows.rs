//! Rows of the record: the last, a section, a stub; and all of them in turn.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, params};

use super::chain::{Reason, Section, Stub};
use super::database::Problem;
use crate::ports::{Entry, Failure, FailureKind};

/// The last record's number and link; of a rotated one where none is left, and nothing where there never was one.
pub(super) fn last(connection: &Connection, workspace: &str) -> Result<(u64, Vec<u8>), Problem> {
    let mut found = None;
    for query in [
        "SELECT number, chain FROM record WHERE workspace = ?1 ORDER BY number DESC LIMIT 1",
        "SELECT last, link FROM stub WHERE workspace = ?1 ORDER BY last DESC LIMIT 1",
    ] {
        if found.is_none() {
            let mut statement = connection.prepare_cached(query)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
            found = statement.query_row([workspace], row).optional()?;
        }
    }
    Ok(found.unwrap_or_default())
}

/// The link of one record, where it is known: in the database, or as the last of a rotated file.
pub(super) fn link_at(connection: &Connection, workspace: &str, number: u64) -> Result<Option<Vec<u8>>, Problem> {
    let query = "SELECT chain FROM record WHERE workspace = ?1 AND number = ?2
                 UNION ALL SELECT link FROM stub WHERE workspace = ?1 AND last = ?2";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.query_row(params![workspace, number.cast_signed()], |row| row.get(0)).optional()?)
}

/// A section, and its link as it stands in the database.
pub(super) struct StoredSection {
    pub(super) section: Section,
    pub(super) link: Vec<u8>,
    /// Whether its reason is one that there is.
    pub(super) readable: bool,
}

/// The sections of a workspace, in order.
pub(super) fn sections(connection: &Connection, workspace: &str) -> Result<Vec<StoredSection>, Problem> {
    let query = "SELECT first, reason, previous, previous_link, key, link FROM section WHERE workspace = ?1 \
                 ORDER BY first";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([workspace])?;
    let mut sections = Vec::new();
    while let Some(row) = rows.next()? {
        let reason = Reason::from_name(&row.get::<_, String>(1)?);
        let key: Vec<u8> = row.get(4)?;
        let key = <[u8; 8]>::try_from(key);
        let readable = reason.is_some() && key.is_ok();
        let section = Section {
            first: row.get::<_, i64>(0)?.cast_unsigned(),
            reason: reason.unwrap_or(Reason::Begin),
            previous: row.get::<_, i64>(2)?.cast_unsigned(),
            previous_link: row.get(3)?,
            key: key.unwrap_or_default(),
        };
        sections.push(StoredSection { section, link: row.get(5)?, readable });
    }
    Ok(sections)
}

/// The section that is being written.
pub(super) fn last_section(connection: &Connection, workspace: &str) -> Result<Option<Section>, Problem> {
    Ok(sections(connection, workspace)?.pop().map(|stored| stored.section))
}

pub(super) fn put_section(
    connection: &Connection,
    workspace: &str,
    section: &Section,
    link: &[u8],
) -> Result<(), Problem> {
    connection.execute(
        "INSERT INTO section (workspace, first, reason, previous, previous_link, key, link)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            workspace,
            section.first.cast_signed(),
            section.reason.name(),
            section.previous.cast_signed(),
            section.previous_link,
            section.key,
            link
        ],
    )?;
    Ok(())
}

/// The stubs of a workspace with their signatures, in order.
pub(super) fn stubs(connection: &Connection, workspace: &str) -> Result<Vec<(Stub, Vec<u8>)>, Problem> {
    let query = "SELECT first, last, link, file, key, signature FROM stub WHERE workspace = ?1 ORDER BY last";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([workspace])?;
    let mut stubs = Vec::new();
    while let Some(row) = rows.next()? {
        let key: Vec<u8> = row.get(4)?;
        let stub = Stub {
            first: row.get::<_, i64>(0)?.cast_unsigned(),
            last: row.get::<_, i64>(1)?.cast_unsigned(),
            link: row.get(2)?,
            file: row.get(3)?,
            key: key.try_into().unwrap_or_default(),
        };
        stubs.push((stub, row.get(5)?));
    }
    Ok(stubs)
}

/// One record as it stands somewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) number: u64,
    pub(super) text: &'a str,
    pub(super) link: &'a [u8],
}

impl Row<'_> {
    /// The record.
    pub(super) fn entry(&self) -> Result<Entry, Failure> {
        serde_json::from_str(self.text).map_err(|error| broken(self.number, &error.to_string()))
    }
}

/// Hands on every row from `from` to `last`, in order, holding one at a time; says whether the end was reached.
pub(super) fn each<E: From<Problem>>(
    connection: &Connection,
    workspace: &str,
    (from, last): (u64, u64),
    on_row: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let query = "SELECT number, entry, chain FROM record WHERE workspace = ?1 AND number BETWEEN ?2 AND ?3 \
                 ORDER BY number";
    let problem = |error: rusqlite::Error| E::from(Problem::from(error));
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(query).map_err(problem)?;
    let mut rows = statement.query(params![workspace, number(from), number(last)]).map_err(problem)?;
    while let Some(row) = rows.next().map_err(problem)? {
        let number = row.get::<_, i64>(0).map_err(problem)?.cast_unsigned();
        // What is neither text nor bytes was not written here; as nothing, it fits no link.
        let text = row.get_ref(1).map_err(problem)?.as_str().unwrap_or_default();
        let link = row.get_ref(2).map_err(problem)?.as_blob().unwrap_or_default();
        if on_row(Row { number, text, link })?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The last `count` records, oldest first.
pub(super) fn recent(connection: &Connection, workspace: &str, count: usize) -> Result<Vec<Entry>, Problem> {
    let query = "SELECT number, entry FROM record WHERE workspace = ?1 ORDER BY number DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params![workspace, i64::try_from(count).unwrap_or(i64::MAX)])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, text): (i64, String) = (row.get(0)?, row.get(1)?);
        entries.push(Row { number: number.cast_unsigned(), text: &text, link: &[] }.entry()?);
    }
    entries.reverse();
    Ok(entries)
}

/// The intents that no outcome followed, but for those of the sessions in `alive`.
pub(super) fn open_intents(connection: &Connection, workspace: &str, alive: &[String]) -> Result<Vec<Entry>, Problem> {
    let query = "SELECT number, session, entry FROM intent JOIN record USING (workspace, number)
                 WHERE workspace = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([workspace])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, session, text): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if !alive.contains(&session) {
            open.push(Row { number: number.cast_unsigned(), text: &text, link: &[] }.entry()?);
        }
    }
    Ok(open)
}

/// The failure of a record that cannot be read.
pub(super) fn broken(number: u64, why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("record {number} of the ledger cannot be trusted: {why}"))
        .hint("someone or something changed the ledger: compare it with a backup")
}
