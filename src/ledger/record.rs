//! The record of actions as rows, each bound to the one before by a hash.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::database::Problem;
use crate::ports::{Entry, Failure, FailureKind};
use crate::workspace::ContentHash;

/// Hash over the record before, the place in the row and the content.
fn link(previous: &[u8], workspace: &str, number: i64, entry: &str) -> ContentHash {
    ContentHash::of_parts(&[previous, workspace.as_bytes(), &number.to_le_bytes(), entry.as_bytes()])
}

/// Appends a record and returns its number.
pub(super) fn append(connection: &mut Connection, workspace: &str, entry: &Entry) -> Result<u64, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last: Option<(i64, Vec<u8>)> = transaction
        .query_row(
            "SELECT number, chain FROM record WHERE workspace = ?1 ORDER BY number DESC LIMIT 1",
            [workspace],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (last, chain) = last.unwrap_or_default();
    let number = last + 1;
    let entry = Entry { number: number.unsigned_abs(), ..entry.clone() };
    let text = serde_json::to_string(&entry).map_err(|error| {
        Failure::new(FailureKind::Internal, format!("the record cannot be written as JSON: {error}"))
    })?;
    let chain = link(&chain, workspace, number, &text);
    transaction.execute(
        "INSERT INTO record (workspace, number, entry, chain) VALUES (?1, ?2, ?3, ?4)",
        params![workspace, number, text, chain.as_bytes()],
    )?;
    transaction.commit()?;
    Ok(entry.number)
}

/// The last `count` records, oldest first.
pub(super) fn recent(connection: &Connection, workspace: &str, count: usize) -> Result<Vec<Entry>, Problem> {
    let mut statement = connection
        .prepare_cached("SELECT number, entry FROM record WHERE workspace = ?1 ORDER BY number DESC LIMIT ?2")?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![workspace, count], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut entries = Vec::new();
    for row in rows {
        let (number, text): (i64, String) = row?;
        entries.push(serde_json::from_str(&text).map_err(|error| broken(number, &error.to_string()))?);
    }
    entries.reverse();
    Ok(entries)
}

/// Whether every record follows from the one before.
pub(super) fn verify(connection: &Connection, workspace: &str) -> Result<(), Problem> {
    let mut statement =
        connection.prepare("SELECT number, entry, chain FROM record WHERE workspace = ?1 ORDER BY number")?;
    let mut rows = statement.query([workspace])?;
    let (mut last, mut chain) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let (number, text, stored): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if number != last + 1 {
            return Err(broken(last + 1, "it is missing").into());
        }
        if link(&chain, workspace, number, &text).as_bytes().as_slice() != stored {
            return Err(broken(number, "it is not what was written").into());
        }
        (last, chain) = (number, stored);
    }
    Ok(())
}

fn broken(number: i64, why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("record {number} of the ledger cannot be trusted: {why}"))
        .hint("someone or something changed the ledger: compare it with a backup")
}
