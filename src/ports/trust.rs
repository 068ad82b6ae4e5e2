//! Which workspaces the user trusts.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::policy::Grant;
use crate::workspace::{ContentHash, Root};

/// What was trusted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// Hash of the settings that the user saw; with others there is no trust.
    pub settings: ContentHash,
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// The trust in each workspace.
pub trait TrustRecords: Send + Sync {
    /// What is trusted of a workspace; `None` for one that is not. It is bound to the path.
    ///
    /// # Errors
    /// When it cannot be read: then nothing is trusted.
    fn trusted(&self, root: &Root) -> Result<Option<TrustRecord>, Failure>;

    /// Every workspace that was trusted and whose trust was not taken back, by path.
    ///
    /// # Errors
    /// When they cannot be read.
    fn roots(&self) -> Result<Vec<Root>, Failure>;

    /// Sets or takes back what the grant's action names, at `at_ms` milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the grant is for another action, or it cannot be written.
    fn set_trust(&self, grant: Grant, root: &Root, at_ms: i64) -> Result<(), Failure>;
}
