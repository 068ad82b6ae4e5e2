//! Approvals that hold beyond the moment they were given.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::workspace::{ContentHash, Root};

/// How long a grant holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantKind {
    /// For one use.
    Once,
    /// While the session so named lives.
    Session(String),
}

/// A person's yes that still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveGrant {
    /// Its name; no other grant had or will have it.
    pub id: String,
    /// The workspace that it holds in.
    pub root: Root,
    /// How long.
    pub kind: GrantKind,
    /// Hash of the action that was shown.
    pub action_hash: ContentHash,
    /// The action as it was shown, for people.
    pub described: String,
    /// Who gave it, and where.
    pub from: String,
    /// When, in milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// From when on it holds no more; `None` when nothing but its kind ends it.
    pub expires_ms: Option<i64>,
}

impl LiveGrant {
    /// Whether it holds no more at `now_ms`.
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= now_ms)
    }
}

/// The grants that hold. Time is the highest that was ever told: a clock that goes backwards revives none.
pub trait Grants: Send + Sync {
    /// Those that hold in a workspace at `now_ms` milliseconds since the Unix epoch, oldest first. A session's are
    /// told whoever asks: the caller knows which sessions live.
    ///
    /// # Errors
    /// When they cannot be read: then none holds.
    fn live(&self, root: &Root, now_ms: i64) -> Result<Vec<LiveGrant>, Failure>;

    /// Keeps a grant.
    ///
    /// # Errors
    /// When its name was used before, it is expired by the highest time told so far, or it cannot be written.
    fn add(&self, grant: &LiveGrant) -> Result<(), Failure>;

    /// Spends a grant for one use; of two that try, one gets it. `false` for one that is spent, revoked, expired,
    /// unknown or not for one use.
    ///
    /// # Errors
    /// When it cannot be written: then it must not be used.
    fn use_once(&self, id: &str, now_ms: i64) -> Result<bool, Failure>;

    /// Ends a grant; `false` when it held no more.
    ///
    /// # Errors
    /// When it cannot be written: then it still holds.
    fn revoke(&self, id: &str) -> Result<bool, Failure>;
}
