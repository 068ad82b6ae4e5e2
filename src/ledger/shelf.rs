//! The shelf of changesets as rows.

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::database::Problem;
use super::retention::{Kept, MOST_BYTES, to_remove};
use crate::changes::{Changeset, ChangesetId};
use crate::ports::{Failure, FailureKind, Shelved, ShelvedState};

/// The name of a state in the database.
fn name(state: ShelvedState) -> &'static str {
    match state {
        ShelvedState::Pending => "pending",
        ShelvedState::Applied => "applied",
        ShelvedState::Undone => "undone",
        ShelvedState::Settled => "settled",
    }
}

fn state(text: &str) -> Result<ShelvedState, Failure> {
    use ShelvedState::{Applied, Pending, Settled, Undone};
    [Pending, Applied, Undone, Settled]
        .into_iter()
        .find(|state| name(*state) == text)
        .ok_or_else(|| unreadable(&format!("\"{text}\" is no state")))
}

fn unreadable(why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("a kept changeset cannot be read: {why}"))
        .hint("make the proposal again")
}

/// The failure of a changeset that is too large to keep.
pub(super) fn too_large(bytes: usize) -> Failure {
    let what = format!("the changeset has {bytes} bytes, more than the {MOST_BYTES} that are kept");
    Failure::new(FailureKind::InvalidInput, what).hint("make the change in smaller parts")
}

/// The failure of a name that none or several changesets begin with.
pub(super) fn not_one(id: &ChangesetId, matches: usize) -> Failure {
    if matches == 0 {
        Failure::new(FailureKind::NotFound, format!("no changeset is named \"{id}\""))
            .hint("list them to see their names")
    } else {
        Failure::new(FailureKind::InvalidInput, format!("several changesets' names begin with \"{id}\""))
            .hint("give more of the name")
    }
}

pub(super) fn put(connection: &mut Connection, workspace: &str, shelved: &Shelved) -> Result<(), Problem> {
    let content = postcard::to_stdvec(&(&shelved.changeset, &shelved.proposal))
        .map_err(|error| unreadable(&error.to_string()))?;
    if content.len() > MOST_BYTES {
        return Err(too_large(content.len()).into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A new row rather than an update: the latest change of state is the latest row.
    transaction.execute(
        "INSERT OR REPLACE INTO shelf (workspace, id, state, at_ms, content) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![workspace, shelved.changeset.id.as_str(), name(shelved.state), shelved.at_ms, content],
    )?;
    for id in to_remove(&kept(&transaction, workspace)?) {
        transaction.execute("DELETE FROM shelf WHERE workspace = ?1 AND id = ?2", params![workspace, id.as_str()])?;
    }
    Ok(transaction.commit()?)
}

fn kept(connection: &Connection, workspace: &str) -> Result<Vec<Kept>, Problem> {
    let mut statement =
        connection.prepare_cached("SELECT id, state, length(content) FROM shelf WHERE workspace = ?1 ORDER BY turn")?;
    let mut rows = statement.query([workspace])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, text, bytes): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let bytes = usize::try_from(bytes).unwrap_or_default();
        kept.push(Kept { id: ChangesetId::from_text(&id), state: state(&text)?, bytes });
    }
    Ok(kept)
}

fn read(row: &Row<'_>) -> Result<Shelved, Problem> {
    let (text, content): (String, Vec<u8>) = (row.get(0)?, row.get(2)?);
    let content: Result<(Changeset, ChangesetId), _> = postcard::from_bytes(&content);
    let (changeset, proposal) = content.map_err(|error| unreadable(&error.to_string()))?;
    Ok(Shelved { changeset, proposal, state: state(&text)?, at_ms: row.get(1)? })
}

pub(super) fn get(connection: &Connection, workspace: &str, id: &ChangesetId) -> Result<Shelved, Problem> {
    let mut statement = connection.prepare_cached(
        "SELECT state, at_ms, content FROM shelf WHERE workspace = ?1 AND substr(id, 1, length(?2)) = ?2 AND ?2 != '' LIMIT 2",
    )?;
    let mut rows = statement.query(params![workspace, id.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    let matches = found.len();
    found.pop().filter(|_| matches == 1).ok_or_else(|| not_one(id, matches).into())
}

pub(super) fn in_state(connection: &Connection, workspace: &str, state: ShelvedState) -> Result<Vec<Shelved>, Problem> {
    let mut statement = connection.prepare_cached(
        "SELECT state, at_ms, content FROM shelf WHERE workspace = ?1 AND state = ?2 ORDER BY at_ms, turn",
    )?;
    let mut rows = statement.query(params![workspace, name(state)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}
