//! Grants as rows. A row stays when its grant ends, so that its name is never given again.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::SqliteLedger;
use super::database::Problem;
use crate::ports::{Failure, FailureKind, GrantKind, Grants, LiveGrant};
use crate::workspace::Root;

/// How far a clock may go back, as clocks do that are set by others, before nothing that was granted holds any more.
pub(super) const SET_BACK_MS: i64 = 5 * 60 * 1000;
/// A difference of clocks that is not worth a write.
const WORTH_WRITING_MS: i64 = 1000;

/// The failure of a name that was used before.
pub(super) fn used_before(id: &str) -> Failure {
    Failure::new(FailureKind::InvalidInput, format!("a grant named \"{id}\" was there before"))
        .hint("give each grant a name of its own")
}

/// The failure of a grant that holds at no time.
pub(super) fn expired(highest_ms: i64) -> Failure {
    let what = format!("the grant would have ended before it began: the highest time seen is {highest_ms} ms");
    Failure::new(FailureKind::Stale, what).hint("the clock was set back: do it again in five minutes")
}

fn unwritable(why: &serde_json::Error) -> Failure {
    Failure::new(FailureKind::Internal, format!("a grant cannot be written: {why}")).hint("approve it again")
}

/// The highest time seen, now that `now_ms` is told. What is expired by it ends, for good. Where the clock went back by
/// much, it or the one before was wrong: all that was granted ends, and time goes on from now.
fn advance(connection: &Connection, now_ms: i64) -> Result<i64, Problem> {
    let mut statement = connection.prepare_cached("SELECT highest_ms FROM clock")?;
    let seen: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    let was_wrong = seen.is_some_and(|seen| seen.saturating_sub(now_ms) > SET_BACK_MS);
    if was_wrong {
        connection.execute("UPDATE live_grant SET holds = 0 WHERE holds = 1", [])?;
    }
    let highest = seen.filter(|_| !was_wrong).map_or(now_ms, |seen| seen.max(now_ms));
    if was_wrong || seen.is_none_or(|seen| highest.saturating_sub(seen) >= WORTH_WRITING_MS) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO clock (one, highest_ms) VALUES (1, ?1)")?
            .execute([highest])?;
    }
    let query = "SELECT 1 FROM live_grant WHERE holds = 1 AND expires_ms <= ?1 LIMIT 1";
    if connection.prepare_cached(query)?.exists([highest])? {
        connection.execute("UPDATE live_grant SET holds = 0 WHERE holds = 1 AND expires_ms <= ?1", [highest])?;
    }
    Ok(highest)
}

/// The grants that hold in `root`, oldest first.
fn all(connection: &mut Connection, root: &Root, now_ms: i64) -> Result<Vec<LiveGrant>, Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    advance(&transaction, now_ms)?;
    let mut found = Vec::new();
    {
        let mut statement =
            transaction.prepare_cached("SELECT content FROM live_grant WHERE holds = 1 ORDER BY turn")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let content: String = row.get(0)?;
            // What cannot be read, as what another version wrote, allows nothing.
            found.extend(serde_json::from_str(&content).ok().filter(|grant: &LiveGrant| grant.root == *root));
        }
    }
    transaction.commit()?;
    Ok(found)
}

impl Grants for SqliteLedger {
    fn live(&self, root: &Root, now_ms: i64) -> Result<Vec<LiveGrant>, Failure> {
        self.with(|connection| all(connection, root, now_ms))
    }

    fn add(&self, grant: &LiveGrant) -> Result<(), Failure> {
        let content = serde_json::to_string(grant).map_err(|error| unwritable(&error))?;
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let highest = advance(&transaction, grant.made_ms)?;
            if grant.is_expired(highest) {
                return Err(expired(highest).into());
            }
            let insert = "INSERT OR IGNORE INTO live_grant (id, holds, once, expires_ms, content) \
                          VALUES (?1, 1, ?2, ?3, ?4)";
            let once = grant.kind == GrantKind::Once;
            if transaction.execute(insert, params![grant.id, once, grant.expires_ms, content])? == 0 {
                return Err(used_before(&grant.id).into());
            }
            Ok(transaction.commit()?)
        })
    }

    fn use_once(&self, id: &str, now_ms: i64) -> Result<bool, Failure> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            advance(&transaction, now_ms)?;
            let spend = "UPDATE live_grant SET holds = 0 WHERE id = ?1 AND holds = 1 AND once = 1";
            let spent = transaction.execute(spend, [id])?;
            transaction.commit()?;
            Ok(spent == 1)
        })
    }

    fn revoke(&self, id: &str) -> Result<bool, Failure> {
        self.with(|connection| {
            Ok(connection.execute("UPDATE live_grant SET holds = 0 WHERE id = ?1 AND holds = 1", [id])? == 1)
        })
    }
}
