//! Trust in a workspace: bound to its path and to the settings in it that run or steer something.

use super::super::Workbench;
use super::judge::perform;
use crate::policy::Action;
use crate::ports::{Evidence, Failure, FailureKind};
use crate::workspace::{ContentHash, Root};

/// Trusts the workspace with the settings that `seen` shows, or, without any, no more.
///
/// # Errors
/// When the settings are others by now, it is denied, or it cannot be written.
pub fn set_trust(workbench: &Workbench, root: &Root, seen: Option<&Evidence>) -> Result<(), Failure> {
    if seen.is_some_and(|seen| (workbench.evidence)(root).map_or(true, |now| now != *seen)) {
        return Err(changed());
    }
    let action = Action::SetTrust { settings: seen.map(Evidence::hash) };
    perform(workbench, root, action, |grant| workbench.trust.set_trust(grant, root, workbench.clock.now_ms()))
}

/// Trusts the workspace with the settings whose hash was `shown`.
///
/// # Errors
/// As [`set_trust`].
pub fn trust_as_shown(workbench: &Workbench, root: &Root, shown: ContentHash) -> Result<(), Failure> {
    let seen = (workbench.evidence)(root)?;
    if shown != seen.hash() {
        return Err(changed());
    }
    set_trust(workbench, root, Some(&seen))
}

fn changed() -> Failure {
    let what = "the settings in the workspace have changed since they were shown";
    Failure::new(FailureKind::Stale, what).hint("look at them again")
}
