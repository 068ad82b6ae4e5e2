//! How well a sandbox contains.

use std::fmt;
use std::str::FromStr;

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

/// A name that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no level of the sandbox: use full, bubblewrap or copy")]
pub struct UnknownLevel(String);

impl FromStr for SandboxLevel {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or_else(|| UnknownLevel(name.to_owned()))
    }
}

/// How well a machine can contain a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// The strongest level that can be built; `None` when not even the weakest can.
    pub level: Option<SandboxLevel>,
    /// What is missing for more, with what adds it; `None` when nothing is.
    pub missing: Option<String>,
}

impl Containment {
    /// Every wall is there.
    #[must_use]
    pub fn full() -> Self {
        Self { level: Some(SandboxLevel::Full), missing: None }
    }

    /// What people are told of a run that is not contained as well as it could be; `None` when there is nothing to tell.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let level = match self.level? {
            SandboxLevel::Full => "full, but for one wall".to_owned(),
            level @ (SandboxLevel::Copy | SandboxLevel::Bubblewrap) => format!("{level}, not full"),
        };
        // At the full level there is nothing to tell but a reason.
        let unknown = (self.level < Some(SandboxLevel::Full)).then_some("unknown reason");
        let missing = self.missing.as_deref().or(unknown)?;
        Some(format!("contained at level {level}: {missing}; `tagout doctor` says what adds the rest"))
    }
}
