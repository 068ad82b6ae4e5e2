//! The record of actions as rows, each bound to the one before by a keyed hash; written in batches, and only then is
//! the head of the chain written to the anchor.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::anchor::{self, Anchored, Mark, Place};
use super::chain::{Key, Reason, Section};
use super::database::{Problem, database_id, set_aside};
use super::keyring::Keyring;
use super::rows;
use crate::ports::{Entry, Failure, FailureKind, Phase};

/// One record to append.
pub(super) struct Job {
    pub(super) workspace: String,
    pub(super) entry: Entry,
}

/// Where a workspace's chain goes on.
struct Tip {
    number: u64,
    link: Vec<u8>,
    anchor: Place,
}

/// Appends the records in one transaction, and returns their numbers; a record that cannot be written does not keep
/// the others from being.
pub(super) fn append(
    connection: &mut Connection,
    keys: &Keyring,
    key: &Key,
    jobs: &[Job],
) -> Result<Vec<Result<u64, Failure>>, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tips: BTreeMap<&str, Tip> = BTreeMap::new();
    let mut numbers = Vec::new();
    for job in jobs {
        let workspace = job.workspace.as_str();
        let tip = match tips.entry(workspace) {
            std::collections::btree_map::Entry::Occupied(tip) => tip.into_mut(),
            std::collections::btree_map::Entry::Vacant(empty) => {
                empty.insert(begin(&transaction, keys, key, workspace)?)
            }
        };
        numbers.push(put(&transaction, key, job, tip)?);
    }
    let database = database_id(&transaction)?;
    for (workspace, tip) in &tips {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO head (workspace, number) VALUES (?1, ?2)")?
            .execute(params![workspace, tip.number.cast_signed()])?;
    }
    transaction.commit()?;
    for (workspace, tip) in tips {
        let Ok(link) = tip.link.try_into() else { continue };
        let mark = Mark { number: tip.number, link, database, key: key.id() };
        if let Err(error) = tip.anchor.write(workspace, key, &mark) {
            // The records are there, as those of a crash between the two writes are; what they were for must not be.
            let failure = keys.unusable(&error);
            let own = jobs.iter().zip(&mut numbers).filter(|(job, _)| job.workspace == workspace);
            own.for_each(|(_, number)| *number = Err(failure.clone()));
        }
    }
    Ok(numbers)
}

fn put(transaction: &Transaction<'_>, key: &Key, job: &Job, tip: &mut Tip) -> Result<Result<u64, Failure>, Problem> {
    let number = tip.number + 1;
    let text = match serde_json::to_string(&Entry { number, ..job.entry.clone() }) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("the record cannot be written as JSON: {error}");
            return Ok(Err(Failure::new(FailureKind::Internal, what)));
        }
    };
    let link = key.link(&tip.link, &job.workspace, number, &text);
    transaction
        .prepare_cached("INSERT INTO record (workspace, number, entry, chain) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![job.workspace, number.cast_signed(), text, link])?;
    match (job.entry.phase, job.entry.of) {
        (Phase::Judged, _) if job.entry.is_intent() => transaction
            .prepare_cached("INSERT INTO intent (workspace, number, session) VALUES (?1, ?2, ?3)")?
            .execute(params![job.workspace, number.cast_signed(), job.entry.session])?,
        (Phase::Ended | Phase::Resolved, Some(of)) => transaction
            .prepare_cached("DELETE FROM intent WHERE workspace = ?1 AND number = ?2")?
            .execute(params![job.workspace, of.cast_signed()])?,
        (Phase::Judged | Phase::Ended | Phase::Resolved, _) => 0,
    };
    (tip.number, tip.link) = (number, link.to_vec());
    Ok(Ok(number))
}

/// Finds where the chain of a workspace goes on. Where it does not fit what the anchor says, or another key is in use
/// than before, a new section begins, which says so for good.
fn begin(transaction: &Transaction<'_>, keys: &Keyring, key: &Key, workspace: &str) -> Result<Tip, Problem> {
    let (number, link) = rows::last(transaction, workspace)?;
    let section = rows::last_section(transaction, workspace)?;
    let anchored = anchor::read(keys, workspace).map_err(|error| keys.unusable(&error))?;
    let database = database_id(transaction)?;
    // At the very first record the anchor is made before, so that one that is missing later was taken away.
    let first = Mark { number: 0, link: [0; 32], database, key: key.id() };
    let first = (section.is_none() && anchored == Anchored::Missing).then_some(&first);
    let place = anchor::prepare(keys, workspace, key, first).map_err(|error| keys.unusable(&error))?;
    let mark = match &anchored {
        Anchored::At(mark) if mark.number > 0 => Some(mark),
        Anchored::At(_) | Anchored::Broken | Anchored::Missing => None,
    };
    let broken = match mark {
        Some(mark) => break_before(transaction, keys, workspace, mark, number)?,
        None => None,
    };
    let reason = match (&section, &anchored) {
        _ if broken.is_some() => broken,
        (Some(section), _) if section.key != key.id() => Some(Reason::KeyChanged),
        (_, Anchored::Broken) => Some(Reason::AnchorBroken),
        (Some(_), Anchored::Missing) => Some(Reason::AnchorGone),
        (Some(_), Anchored::At(_)) => None,
        (None, Anchored::At(_) | Anchored::Missing) => Some(if number == 0 { Reason::Begin } else { Reason::Keyed }),
    };
    let Some(reason) = reason else { return Ok(Tip { number, link, anchor: place }) };
    let (previous, previous_link) = match mark {
        Some(mark) if reason.jumps() => (mark.number, mark.link.to_vec()),
        Some(_) | None => (number, link),
    };
    let section = Section { first: number.max(previous) + 1, reason, previous, previous_link, key: key.id() };
    let link = section.link(key, workspace).to_vec();
    rows::put_section(transaction, workspace, &section, &link)?;
    Ok(Tip { number: section.first - 1, link, anchor: place })
}

/// How the database fails to hold what the anchor names, if it does.
fn break_before(
    transaction: &Transaction<'_>,
    keys: &Keyring,
    workspace: &str,
    mark: &Mark,
    last: u64,
) -> Result<Option<Reason>, Problem> {
    if mark.number <= last {
        let link = rows::link_at(transaction, workspace, mark.number)?;
        return Ok(link.is_some_and(|link| link != mark.link).then_some(Reason::Replaced));
    }
    if mark.database != database_id(transaction)? {
        return Ok(Some(if set_aside(transaction, keys)?.is_some() { Reason::SetAside } else { Reason::Removed }));
    }
    let head: Option<i64> = transaction
        .query_row("SELECT number FROM head WHERE workspace = ?1", [workspace], |row| row.get(0))
        .optional()?;
    let cut = head.is_some_and(|head| head.cast_unsigned() > last);
    Ok(Some(if cut { Reason::Cut } else { Reason::Replaced }))
}
