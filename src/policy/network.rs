//! Which hosts a sandboxed command may reach.

use serde::{Deserialize, Serialize};

/// A host that a command may reach, through tagout's proxy only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostRule(pub String);
