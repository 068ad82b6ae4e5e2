//! Trust as rows.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rusqlite::{OptionalExtension, params};

use super::SqliteLedger;
use crate::policy::{Action, Grant};
use crate::ports::{Failure, FailureKind, Trust, TrustRecord};
use crate::workspace::{ContentHash, Root};

/// What a grant to set trust names.
pub(super) fn granted_trust(grant: &Grant) -> Result<Option<ContentHash>, Failure> {
    let Action::SetTrust { settings } = grant.action() else {
        return Err(Failure::new(FailureKind::Denied, "the grant is not for a change of trust"));
    };
    Ok(*settings)
}

fn record(settings: [u8; 32], at_ms: i64) -> TrustRecord {
    TrustRecord { settings: ContentHash::from_bytes(settings), at_ms }
}

impl Trust for SqliteLedger {
    fn trusted(&self, root: &Root) -> Result<Option<TrustRecord>, Failure> {
        // The path is compared too: its short name alone is no proof.
        let path = root.as_path().as_os_str().as_bytes();
        self.with(|connection| {
            let query = "SELECT settings, at_ms FROM trust WHERE workspace = ?1 AND path = ?2";
            let mut statement = connection.prepare_cached(query)?;
            let row = statement.query_row(params![root.key(), path], |row| Ok(record(row.get(0)?, row.get(1)?)));
            Ok(row.optional()?)
        })
    }

    fn set_trust(&self, grant: Grant, root: &Root, at_ms: i64) -> Result<(), Failure> {
        let Some(settings) = granted_trust(&grant)? else { return self.distrust(root) };
        let path = root.as_path().as_os_str().as_bytes();
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO trust (workspace, path, settings, at_ms) VALUES (?1, ?2, ?3, ?4)",
                params![root.key(), path, settings.as_bytes(), at_ms],
            )?;
            Ok(())
        })
    }

    fn distrust(&self, root: &Root) -> Result<(), Failure> {
        self.with(|connection| {
            connection.execute("DELETE FROM trust WHERE workspace = ?1", [root.key()])?;
            Ok(())
        })
    }

    fn all_trusted(&self) -> Result<Vec<(PathBuf, TrustRecord)>, Failure> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT path, settings, at_ms FROM trust ORDER BY path")?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let path = PathBuf::from(OsString::from_vec(row.get(0)?));
                all.push((path, record(row.get(1)?, row.get(2)?)));
            }
            Ok(all)
        })
    }
}
