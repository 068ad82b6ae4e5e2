//! A look over a workspace's whole record: rotated files, database, anchor and key, each against the others.

use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::anchor::{self, Anchored};
use super::archive::{self, Stop};
use super::chain::Stub;
use super::database::{Problem, database_id, set_aside};
use super::keyring::{KeyState, Keyring};
use super::rows;
use super::walk::Walk;
use crate::ports::{Audit, Failure, FaultKind};

/// Where everything lies.
pub(super) struct Places<'a> {
    pub(super) keys: &'a Keyring,
    pub(super) rotated: &'a Path,
    pub(super) workspace: &'a str,
}

/// What the anchor said before the database was looked at: what is in it then has to be in the database.
pub(super) fn anchored(places: &Places<'_>) -> Result<Anchored, Failure> {
    anchor::read(places.keys, places.workspace).map_err(|error| places.keys.unusable(&error))
}

/// The audit of a workspace that there is no database for.
pub(super) fn without_database(anchored: &Anchored) -> Audit {
    let mut audit = Audit::default();
    if let Anchored::At(mark) = anchored
        && mark.number > 0
    {
        let what = format!("records up to {} are gone: the database was removed", mark.number);
        audit.fault(FaultKind::Removed, 1, what);
    }
    audit
}

/// Looks at everything.
pub(super) fn audit(connection: &Connection, places: &Places<'_>, anchored: &Anchored) -> Result<Audit, Problem> {
    let snapshot = connection.unchecked_transaction()?;
    let mark = match anchored {
        Anchored::At(mark) if mark.number > 0 => Some(mark),
        Anchored::At(_) | Anchored::Broken | Anchored::Missing => None,
    };
    let sections = rows::sections(&snapshot, places.workspace)?;
    let keyed = !sections.is_empty();
    let mut walk = Walk::new(places.keys, places.workspace, sections, mark);
    look_at_key(&mut walk.audit, places.keys, keyed);
    for (stub, signature) in rows::stubs(&snapshot, places.workspace)? {
        rotated(&mut walk, places, &stub, &signature)?;
    }
    let mut step = |row: rows::Row<'_>| walk.step(row, None).map(ControlFlow::Continue).map_err(Problem::from);
    // Rows below the last stub were put there after the rotation.
    rows::each(&snapshot, places.workspace, (0, u64::MAX), &mut step).map(drop)?;
    walk.finish()?;
    if keyed && *anchored == Anchored::Missing {
        let what = format!("the anchor {} is gone", anchor::path(places.keys, places.workspace).display());
        walk.audit.fault(FaultKind::AnchorGone, 0, what);
    }
    if *anchored == Anchored::Broken {
        let path = anchor::path(places.keys, places.workspace);
        let what = format!("the anchor {} is not what was written, or its key is gone", path.display());
        walk.audit.fault(FaultKind::AnchorBroken, 0, what);
    }
    if let Some(mark) = mark {
        against_the_anchor(&snapshot, places, &mut walk, mark)?;
    }
    Ok(walk.audit)
}

fn look_at_key(audit: &mut Audit, keys: &Keyring, keyed: bool) {
    match keys.state() {
        Ok(KeyState::Good(_)) => {}
        Ok(KeyState::Exposed(_, who)) => {
            let what = format!("the ledger's key {who}: who had it can write records that look like tagout's");
            audit.fault(FaultKind::KeyExposed, 0, what);
        }
        Ok(KeyState::Unfit(why)) => audit.fault(FaultKind::KeyLost, 0, format!("the ledger's key {why}")),
        Ok(KeyState::Missing) if keyed => {
            let what = format!("the ledger's key is gone from {}", keys.folder().display());
            audit.fault(FaultKind::KeyLost, 0, what);
        }
        Ok(KeyState::Missing) => {}
        Err(error) => audit.fault(FaultKind::KeyLost, 0, format!("the ledger's key cannot be read: {error}")),
    }
}

fn rotated(walk: &mut Walk<'_>, places: &Places<'_>, stub: &Stub, signature: &[u8]) -> Result<(), Failure> {
    walk.check_stub(stub, signature)?;
    let path = places.rotated.join(&stub.file);
    let name = path.display().to_string();
    let plain = !stub.file.contains('/');
    let read = if plain {
        archive::each(&path, &mut |row| walk.step(row, Some(&name)).map(ControlFlow::Continue))
    } else {
        Err(Stop::Unreadable(std::io::ErrorKind::NotFound.into()))
    };
    let wrong = match read {
        Ok(_) if walk.last() == stub.last && walk.link() == stub.link => None,
        Ok(_) if walk.last() < stub.last => Some(format!("it ends with record {}", walk.last())),
        Ok(_) => Some("it does not end as it was written".to_owned()),
        Err(Stop::Own(failure)) => return Err(failure),
        Err(Stop::NoRecord(line)) => Some(format!("line {line} is no record")),
        Err(Stop::Unreadable(error)) => Some(error.to_string()),
    };
    if let Some(wrong) = wrong {
        let what = format!("the file {name} of the rotated records {} to {}: {wrong}", stub.first, stub.last);
        walk.audit.fault(FaultKind::RotatedFile, stub.first, what);
    }
    walk.go_on_from(stub.last, &stub.link);
    Ok(())
}

fn against_the_anchor(
    connection: &Connection,
    places: &Places<'_>,
    walk: &mut Walk<'_>,
    mark: &anchor::Mark,
) -> Result<(), Problem> {
    let (last, number) = (walk.last(), mark.number);
    if last > number {
        let ahead = last - number;
        walk.audit.note(format!(
            "{ahead} records after {number} are newer than the anchor: tagout was ended between its two writes, or \
             writes at this moment"
        ));
    }
    if last >= number {
        return Ok(());
    }
    let first = last + 1;
    if mark.database != database_id(connection)? {
        if let Some(aside) = set_aside(connection, places.keys)? {
            walk.audit.note(format!("records up to {number} were set aside as {aside}, as the database was damaged"));
        } else {
            let what =
                format!("records up to {number} are gone: the database was removed, or another put in its place");
            walk.audit.fault(FaultKind::Removed, first, what);
        }
        return Ok(());
    }
    let head: Option<i64> = connection
        .query_row("SELECT number FROM head WHERE workspace = ?1", [places.workspace], |row| row.get(0))
        .optional()?;
    if head.is_some_and(|head| head.cast_unsigned() > last) {
        let what = format!("records {first} to {number} are gone: the record's tail was cut off");
        walk.audit.fault(FaultKind::CutTail, first, what);
    } else {
        let what = format!("records {first} to {number} are gone: the database was replaced by an older copy");
        walk.audit.fault(FaultKind::Replaced, first, what);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
