//! Landlock (landlock(7)) as a second wall behind the mounts. Everything may be read and executed, since the private
//! root shows only what is meant to be seen; writing, and using devices, only below some folders. Signals and abstract
//! sockets stay among the sandbox's own processes.

use std::io;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    Scope,
};
use serde::{Deserialize, Serialize};

use super::confine::{refused, system};

/// The newest interface that these rules were thought through for; an older kernel applies what it knows of them: from
/// its version 2 renames, 3 truncation, 5 devices, 6 signals and abstract sockets, 9 sockets by path.
const NEWEST: ABI = ABI::V9;

/// Which paths may be written below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRules {
    /// Folders as the command sees them.
    pub write: Vec<PathBuf>,
}

/// What a run without this wall is told; `None` where [`restrict`] finds what it needs.
pub(super) fn missing() -> Option<String> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::Refer).err().map(|_| "the kernel has no Landlock, or one too old".to_owned())
}

/// Restricts this process, which has one thread, and all it will start. A kernel without Landlock, or with its first
/// version, which would refuse every rename from one folder to another, leaves it as it is.
///
/// # Errors
/// When the kernel has Landlock but refuses the rules, or one of the folders is not there.
pub(super) fn restrict(rules: &PathRules) -> io::Result<()> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let Ok(ruleset) = ruleset.handle_access(AccessFs::Refer) else { return Ok(()) };
    let write = AccessFs::from_write(NEWEST);
    let mut created = ruleset
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(write)
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(|error| refused(&error))?;
    for path in &rules.write {
        let folder = PathFd::new(path).map_err(|error| system(&error))?;
        created = created.add_rule(PathBeneath::new(folder, write)).map_err(|error| refused(&error))?;
    }
    created.restrict_self().map(drop).map_err(|error| refused(&error))
}
