//! The shelf of changesets as rows.
//!
//! A row holds the changeset with the hash of what a file holds in the place of the bytes; these are in a table of their
//! own ([`blobs`](super::blobs)), so that what many changesets have is kept once, and a change of state writes little.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::blobs::{self, Keeper, damaged};
use super::database::Problem;
use super::prune;
use super::retention::{MOST_BYTES, no_longer_kept};
use crate::changes::{Changeset, ChangesetId, FileChange, Lineage, Origin, Summary, summarise};
use crate::ports::{Amend, Damaged, Failure, FailureKind, Listed, See, Shelved, ShelvedState, Which};
use crate::workspace::{ContentHash, FileState};

/// What is told of a changeset without loading it.
#[derive(Serialize, Deserialize)]
struct About {
    origin: Origin,
    #[serde(default)]
    lineage: Lineage,
    figures: Summary,
}

/// The columns that [`Stored`] is read from.
const COLUMNS: &str = "turn, id, state, at_ms, content, proposal, about, seal";

/// The name of a state in the database.
fn name(state: ShelvedState) -> &'static str {
    match state {
        ShelvedState::Pending => "pending",
        ShelvedState::Applied => "applied",
        ShelvedState::Undone => "undone",
        ShelvedState::Settled => "settled",
    }
}

pub(super) fn state(text: &str) -> Result<ShelvedState, Failure> {
    let named = ShelvedState::ALL.into_iter().find(|state| name(*state) == text);
    named.ok_or_else(|| unreadable(&format!("\"{text}\" is no state")))
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

/// Bytes of what the files of a changeset hold, which is nearly all of it.
pub(super) fn size(changeset: &Changeset) -> usize {
    let bytes = |state: &Option<FileState>| state.as_ref().map_or(0, |state| state.bytes.len());
    changeset.files.iter().map(|change| bytes(&change.before) + bytes(&change.after)).sum()
}

pub(super) fn put(connection: &mut Connection, workspace: &str, shelved: &Shelved) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    fill(&transaction, workspace, shelved)?;
    Ok(transaction.commit()?)
}

/// As [`crate::ports::Shelf::amend`].
pub(super) fn amend(
    connection: &mut Connection,
    workspace: &str,
    id: &ChangesetId,
    change: Amend<'_>,
) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let shelved = get(&transaction, workspace, id)?;
    if shelved.changeset.id != *id {
        return Err(not_one(id, 0).into());
    }
    if let Some(changed) = change(shelved) {
        fill(&transaction, workspace, &changed)?;
    }
    Ok(transaction.commit()?)
}

fn fill(transaction: &Transaction<'_>, workspace: &str, shelved: &Shelved) -> Result<(), Problem> {
    let Shelved { changeset, proposal, state, at_ms } = shelved;
    if size(changeset) > MOST_BYTES {
        return Err(too_large(size(changeset)).into());
    }
    let before = present(transaction, workspace, &changeset.id)?;
    // The same name is the same change, which is not counted again.
    let figures = before.as_ref().and_then(|(_, about)| about.as_ref()).map(|about| about.figures);
    let figures = figures.unwrap_or_else(|| summarise(changeset));
    let about = About { origin: changeset.origin.clone(), lineage: changeset.lineage.clone(), figures };
    let about = serde_json::to_string(&about).map_err(|error| unreadable(&error.to_string()))?;
    let turn = place(transaction, workspace, shelved)?;
    let mut keeper = Keeper::new(transaction, turn)?;
    let content = postcard::to_stdvec(&(
        outline(changeset, |bytes| keeper.keep(bytes).map(|hash| hash.as_bytes().to_vec()))?,
        proposal,
    ));
    let content = content.map_err(|error| unreadable(&error.to_string()))?;
    let added = keeper.added + (content.len() + about.len()) as u64;
    let fill = "UPDATE shelf SET state = ?2, at_ms = ?3, content = ?4, proposal = ?5, about = ?6, seal = ?7
                WHERE turn = ?1";
    let seal = seal(&content, &about);
    let row = params![turn, name(*state), at_ms, content, proposal.as_str(), about, seal.as_bytes()];
    transaction.prepare_cached(fill)?.execute(row)?;
    if let Some((before, _)) = before {
        // After the new row refers to what it has, so that nothing is removed and written again.
        blobs::let_go(transaction, before)?;
    }
    prune::count(transaction, added)
}

/// The row that the changeset of this name has, and what is told of it.
fn present(
    connection: &Connection,
    workspace: &str,
    id: &ChangesetId,
) -> Result<Option<(i64, Option<About>)>, Problem> {
    let mut statement = connection.prepare_cached("SELECT turn, about FROM shelf WHERE workspace = ?1 AND id = ?2")?;
    let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let found = statement.query_row(params![workspace, id.as_str()], row).optional()?;
    Ok(found.map(|(turn, about)| (turn, about.and_then(|about| serde_json::from_str(&about).ok()))))
}

/// A new row rather than an update: the latest change of state is the latest row.
fn place(transaction: &Transaction<'_>, workspace: &str, shelved: &Shelved) -> Result<i64, Problem> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO shelf (workspace, id, state, at_ms, content) VALUES (?1, ?2, ?3, ?4, x'')",
        )?
        .execute(params![workspace, shelved.changeset.id.as_str(), name(shelved.state), shelved.at_ms])?;
    Ok(transaction.last_insert_rowid())
}

/// The changeset with `put_in` in place of what each file holds.
fn outline<E>(changeset: &Changeset, mut put_in: impl FnMut(&[u8]) -> Result<Vec<u8>, E>) -> Result<Changeset, E> {
    let mut one = |state: &Option<FileState>| {
        let put = |state: &FileState| Ok(FileState { kind: state.kind, bytes: put_in(&state.bytes)? });
        state.as_ref().map(put).transpose()
    };
    let mut files = Vec::with_capacity(changeset.files.len());
    for FileChange { path, before, after } in &changeset.files {
        files.push(FileChange { path: path.clone(), before: one(before)?, after: one(after)? });
    }
    let Changeset { id, origin, lineage, .. } = changeset;
    Ok(Changeset { id: id.clone(), origin: origin.clone(), files, lineage: lineage.clone() })
}

fn seal(content: &[u8], about: &str) -> ContentHash {
    ContentHash::of_parts(&[content, about.as_bytes()])
}

/// A row as it is in the database.
struct Stored {
    id: String,
    state: String,
    at_ms: i64,
    content: Vec<u8>,
    proposal: Option<String>,
    about: Option<String>,
    seal: Option<Vec<u8>>,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get(1)?,
            state: row.get(2)?,
            at_ms: row.get(3)?,
            content: row.get(4)?,
            proposal: row.get(5)?,
            about: row.get(6)?,
            seal: row.get(7)?,
        })
    }

    /// The text of `about`, the row being as it was written; `None` for a row of before there was one.
    fn checked(&self) -> Result<Option<&str>, Failure> {
        let Some(about) = &self.about else { return Ok(None) };
        let whole = self.seal.as_deref() == Some(seal(&self.content, about).as_bytes());
        if whole { Ok(Some(about)) } else { Err(damaged("its row is not what was written")) }
    }

    fn load(&self, connection: &Connection) -> Result<Shelved, Problem> {
        let is_outline = self.checked()?.is_some();
        let content: Result<(Changeset, ChangesetId), _> = postcard::from_bytes(&self.content);
        let (changeset, proposal) = content.map_err(|error| unreadable(&error.to_string()))?;
        let fetch = |hash: &[u8]| -> Result<Vec<u8>, Problem> {
            let hash = hash.try_into().map_err(|_| damaged("its row names no hash"))?;
            blobs::content(connection, &ContentHash::from_bytes(hash))
        };
        let changeset = if is_outline { outline(&changeset, fetch)? } else { changeset };
        Ok(Shelved { changeset, proposal, state: state(&self.state)?, at_ms: self.at_ms })
    }

    fn list(&self, connection: &Connection) -> Result<Listed, Problem> {
        let Some(about) = self.checked()? else {
            let shelved = self.load(connection)?;
            let figures = summarise(&shelved.changeset);
            return Ok(Listed::of(&shelved, figures));
        };
        let about: Result<About, _> = serde_json::from_str(about);
        let About { origin, lineage, figures } = about.map_err(|error| unreadable(&error.to_string()))?;
        let id = ChangesetId::from_text(&self.id);
        let proposal = self.proposal.as_deref().map_or_else(|| id.clone(), ChangesetId::from_text);
        Ok(Listed { id, proposal, state: state(&self.state)?, at_ms: self.at_ms, origin, lineage, figures })
    }
}

pub(super) fn get(connection: &Connection, workspace: &str, id: &ChangesetId) -> Result<Shelved, Problem> {
    // The first condition is what the index is searched by.
    let query = format!(
        "SELECT {COLUMNS} FROM shelf
         WHERE workspace = ?1 AND id >= ?2 AND substr(id, 1, length(?2)) = ?2 AND ?2 != '' LIMIT 2"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(params![workspace, id.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Stored::read(row)?);
    }
    let matches = found.len();
    match found.pop().filter(|_| matches == 1) {
        Some(stored) => stored.load(connection),
        None if matches == 0 => Err(match prune::gone(connection, workspace, id)? {
            Some(gone) => no_longer_kept(&gone),
            None => not_one(id, 0),
        }
        .into()),
        None => Err(not_one(id, matches).into()),
    }
}

/// As [`crate::ports::Shelf::list`].
pub(super) fn list(connection: &Connection, workspace: &str, which: Which<'_>, see: See<'_>) -> Result<(), Problem> {
    // Rows of before there was the column have the name of their proposal among their content.
    let query = format!(
        "SELECT {COLUMNS} FROM shelf WHERE workspace = ?1 AND (?2 IS NULL OR state = ?2)
         AND (?3 IS NULL OR proposal IS NULL OR proposal = ?3) ORDER BY at_ms DESC, turn DESC"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows =
        statement.query(params![workspace, which.state.map(name), which.proposal.map(ChangesetId::as_str)])?;
    while let Some(row) = rows.next()? {
        let stored = Stored::read(row)?;
        let one = match stored.list(connection) {
            Ok(listed) if which.proposal.is_none_or(|proposal| listed.proposal == *proposal) => Ok(listed),
            Ok(_) => continue,
            Err(Problem::Other(failure)) => Err(Damaged { id: ChangesetId::from_text(&stored.id), failure }),
            Err(problem) => return Err(problem),
        };
        if see(one).is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
