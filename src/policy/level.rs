//! How well a sandbox contains.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a command is contained, from weakest to strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxLevel {
    /// Landlock and a filter of system calls over a copy of the workspace; no namespaces.
    Copy,
    /// Every wall, in namespaces that bubblewrap makes where only it may make them.
    Bubblewrap,
    /// Every wall.
    Full,
}

impl SandboxLevel {
    /// All levels, weakest first.
    pub const ALL: [Self; 3] = [Self::Copy, Self::Bubblewrap, Self::Full];

    /// The name as settings and people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Bubblewrap => "bubblewrap",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
