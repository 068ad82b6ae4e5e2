//! Trust as rows.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rusqlite::{OptionalExtension, params};

use super::SqliteLedger;
use crate::policy::{Action, Grant};
use crate::ports::{Failure, FailureKind, TrustRecord, TrustRecords};
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

impl TrustRecords for SqliteLedger {
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

    fn roots(&self) -> Result<Vec<Root>, Failure> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT path FROM trust ORDER BY path")?;
            let mut rows = statement.query([])?;
            let mut roots = Vec::new();
            while let Some(row) = rows.next()? {
                roots.extend(Root::new(OsString::from_vec(row.get(0)?)).ok());
            }
            Ok(roots)
        })
    }

    fn set_trust(&self, grant: Grant, root: &Root, at_ms: i64) -> Result<(), Failure> {
        let granted = granted_trust(&grant)?;
        let path = root.as_path().as_os_str().as_bytes();
        self.with(|connection| {
            match granted {
                Some(settings) => connection.execute(
                    "INSERT OR REPLACE INTO trust (workspace, path, settings, at_ms) VALUES (?1, ?2, ?3, ?4)",
                    params![root.key(), path, settings.as_bytes(), at_ms],
                )?,
                None => connection.execute("DELETE FROM trust WHERE workspace = ?1", [root.key()])?,
            };
            Ok(())
        })
    }
}
