//! Removing from the shelf what its retention does not hold, and leaving word of it.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::blobs;
use super::database::Problem;
use super::retention::{Gone, Kept, is_due, to_remove};
use super::shelf;
use crate::changes::ChangesetId;
use crate::ports::Retention;
use crate::workspace::ContentHash;

/// Of so many changesets that are not kept any more it is still known why.
const REMEMBERED: i64 = 10_000;

/// Counts bytes that were shelved, until the next look.
pub(super) fn count(connection: &Connection, added: u64) -> Result<(), Problem> {
    let count = "UPDATE shelf_care SET shelved = shelved + ?1";
    connection.prepare_cached(count)?.execute([i64::try_from(added).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// One that was removed, by its name or that of its proposal, or the beginning of one.
pub(super) fn gone(connection: &Connection, workspace: &str, id: &ChangesetId) -> Result<Option<Gone>, Problem> {
    let query = "SELECT id, proposal, why FROM pruned WHERE workspace = ?1 AND ?2 != ''
                 AND (substr(id, 1, length(?2)) = ?2 OR substr(proposal, 1, length(?2)) = ?2)
                 ORDER BY turn DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| {
        let name = |at| row.get::<_, String>(at).map(|text| ChangesetId::from_text(&text));
        Ok(Gone { id: name(0)?, proposal: name(1)?, why: row.get(2)? })
    };
    Ok(connection.query_row(query, params![workspace, id.as_str()], read).optional()?)
}

/// As [`crate::ports::Shelf::prune`].
pub(super) fn prune(connection: &mut Connection, keep: Retention, now_ms: i64) -> Result<usize, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let care = "SELECT pruned_ms, shelved FROM shelf_care";
    let care: Option<(i64, i64)> = transaction.query_row(care, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let shelved = care.map_or(0, |(_, shelved)| u64::try_from(shelved).unwrap_or(0));
    if !is_due(care.map(|(pruned_ms, _)| pruned_ms), shelved, keep, now_ms) {
        return Ok(0);
    }
    let mut removed = 0;
    for workspace in workspaces(&transaction)? {
        for gone in to_remove(&kept(&transaction, &workspace)?, keep, now_ms) {
            remove(&transaction, &workspace, &gone)?;
            removed += 1;
        }
    }
    let forget = "DELETE FROM pruned WHERE turn <= (SELECT max(turn) FROM pruned) - ?1";
    transaction.execute(forget, [REMEMBERED])?;
    transaction.execute("INSERT OR REPLACE INTO shelf_care (one, pruned_ms, shelved) VALUES (1, ?1, 0)", [now_ms])?;
    transaction.commit()?;
    Ok(removed)
}

fn workspaces(connection: &Connection) -> Result<Vec<String>, Problem> {
    let mut statement = connection.prepare("SELECT DISTINCT workspace FROM shelf")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn kept(connection: &Connection, workspace: &str) -> Result<Vec<Kept>, Problem> {
    let mut statement = connection.prepare(
        "SELECT turn, id, proposal, state, at_ms, length(content) + coalesce(length(about), 0)
         FROM shelf WHERE workspace = ?1 ORDER BY turn",
    )?;
    let mut rows = statement.query([workspace])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let id = ChangesetId::from_text(&row.get::<_, String>(1)?);
        let proposal: Option<String> = row.get(2)?;
        // A row of before that was kept apart has it among the rest.
        let proposal = match proposal {
            Some(proposal) => ChangesetId::from_text(&proposal),
            None => shelf::get(connection, workspace, &id).map_or_else(|_| id.clone(), |shelved| shelved.proposal),
        };
        kept.push(Kept {
            id,
            proposal,
            state: shelf::state(&row.get::<_, String>(3)?)?,
            at_ms: row.get(4)?,
            bytes: row.get::<_, i64>(5)?.unsigned_abs(),
            blobs: blobs_of(connection, row.get(0)?)?,
        });
    }
    Ok(kept)
}

fn blobs_of(connection: &Connection, turn: i64) -> Result<Vec<(ContentHash, u64)>, Problem> {
    let query = "SELECT hash, length(content) FROM shelf_blob JOIN blob ON number = blob WHERE turn = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| {
        let hash = ContentHash::from_bytes(row.get(0)?);
        Ok((hash, row.get::<_, i64>(1)?.unsigned_abs()))
    };
    let blobs = statement.query_map([turn], read)?;
    Ok(blobs.collect::<Result<_, _>>()?)
}

fn remove(connection: &Connection, workspace: &str, gone: &Gone) -> Result<(), Problem> {
    let turn = "SELECT turn FROM shelf WHERE workspace = ?1 AND id = ?2";
    let turn: i64 =
        connection.prepare_cached(turn)?.query_row(params![workspace, gone.id.as_str()], |row| row.get(0))?;
    connection.prepare_cached("DELETE FROM shelf WHERE turn = ?1")?.execute([turn])?;
    blobs::let_go(connection, turn)?;
    let word = "INSERT INTO pruned (workspace, id, proposal, why) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(word)?.execute(params![workspace, gone.id.as_str(), gone.proposal.as_str(), gone.why])?;
    Ok(())
}
