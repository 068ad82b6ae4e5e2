//! Moves the oldest records to a file. In this order: the file is whole and on the disk; then, in one transaction, a
//! signed stub takes the records' place. Whoever is ended between the two has moved nothing.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::archive::{self, Draft};
use super::chain::{Key, Stub};
use super::database::Problem;
use super::rows;
use crate::ports::{Failure, FailureKind, Keep, Rotated};

/// Writes the file of what `keep` does not hold; `None` where that is nothing. Needs the right of [`archive::lock`].
pub(super) fn write(
    connection: &Connection,
    folder: &Path,
    workspace: &str,
    keep: Keep,
) -> Result<Option<Stub>, Problem> {
    let snapshot = connection.unchecked_transaction()?;
    let known: Vec<String> = rows::stubs(&snapshot, workspace)?.into_iter().map(|(stub, _)| stub.file).collect();
    archive::clear(folder, workspace, &known).map_err(|error| archive::unusable(folder, &error.to_string()))?;
    let Some((first, last)) = range(&snapshot, workspace, keep)? else { return Ok(None) };
    let file = archive::name(workspace, first, last);
    let path = folder.join(&file);
    let failure = |error: std::io::Error| archive::unusable(&path, &error.to_string());
    let mut draft = Draft::begin(&path).map_err(failure)?;
    let mut link = Vec::new();
    let put = &mut |row: rows::Row<'_>| {
        link = row.link.to_vec();
        draft.put(row).map(ControlFlow::Continue).map_err(|error| Problem::from(failure(error)))
    };
    if rows::each(&snapshot, workspace, (first, last), put)?.is_break() {
        return Ok(None);
    }
    draft.finish().map_err(failure)?;
    Ok(Some(Stub { first, last, link, file, key: [0; 8] }))
}

/// The first and the last record that go.
fn range(connection: &Connection, workspace: &str, keep: Keep) -> Result<Option<(u64, u64)>, Problem> {
    let first: Option<i64> =
        connection.query_row("SELECT min(number) FROM record WHERE workspace = ?1", [workspace], |row| row.get(0))?;
    let Some(first) = first.map(i64::cast_unsigned) else { return Ok(None) };
    let (newest, _) = rows::last(connection, workspace)?;
    let intent: Option<i64> =
        connection.query_row("SELECT min(number) FROM intent WHERE workspace = ?1", [workspace], |row| row.get(0))?;
    // The newest stays, so that there is always one to go on from.
    let most = intent.map_or(u64::MAX, i64::cast_unsigned).min(newest).saturating_sub(1);
    let mut last = newest.saturating_sub(keep.records);
    // A clock may go backwards: records go while each is too old, up to the first that is not.
    let next = last.max(first.saturating_sub(1)) + 1;
    let mut look = |row: rows::Row<'_>| {
        let goes = row.entry()?.at_ms < keep.since_ms;
        last = if goes { row.number } else { last };
        Ok::<_, Problem>(if goes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    };
    rows::each(connection, workspace, (next, most), &mut look).map(drop)?;
    let last = last.min(most);
    Ok((last >= first).then_some((first, last)))
}

/// Puts the stub in the records' place.
pub(super) fn commit(
    connection: &mut Connection,
    key: &Key,
    folder: &Path,
    workspace: &str,
    stub: Stub,
) -> Result<Rotated, Problem> {
    let stub = Stub { key: key.id(), ..stub };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let still: Option<i64> = transaction
        .query_row("SELECT min(number) FROM record WHERE workspace = ?1", [workspace], |row| row.get(0))
        .optional()?
        .flatten();
    if still.map(i64::cast_unsigned) != Some(stub.first) {
        return Err(Failure::new(FailureKind::Stale, "the records to rotate are not where they were")
            .hint("rotate again")
            .into());
    }
    transaction.execute(
        "INSERT INTO stub (workspace, first, last, link, file, key, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            workspace,
            stub.first.cast_signed(),
            stub.last.cast_signed(),
            stub.link,
            stub.file,
            stub.key,
            stub.signature(key, workspace)
        ],
    )?;
    transaction.execute(
        "DELETE FROM record WHERE workspace = ?1 AND number <= ?2",
        params![workspace, stub.last.cast_signed()],
    )?;
    transaction.commit()?;
    Ok(Rotated { first: stub.first, last: stub.last, file: folder.join(stub.file) })
}
