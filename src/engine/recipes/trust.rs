//! Trust in a workspace: bound to its path and to the settings in it that run or steer something.

use super::super::Workbench;
use super::judge::{Consent, Granted, Judged, end, judge};
use crate::policy::{Action, Facts, Trust};
use crate::ports::{Evidence, Failure, FailureKind};
use crate::workspace::Root;

/// Trusts the workspace with the settings that `seen` shows, or, without any, no more.
///
/// # Errors
/// When the settings are others by now, it is denied, or it cannot be written.
pub fn set_trust(workbench: &Workbench, root: &Root, seen: Option<&Evidence>) -> Result<(), Failure> {
    if seen.is_some_and(|seen| (workbench.evidence)(root).map_or(true, |now| now != *seen)) {
        let what = "the settings in the workspace have changed since they were shown";
        return Err(Failure::new(FailureKind::Stale, what).hint("look at them again"));
    }
    let action = Action::SetTrust { settings: seen.map(Evidence::hash) };
    let facts = Facts { trust: workbench.trust_in(root), ..Facts::user() };
    match judge(workbench, root, action, facts, &Consent::None)? {
        Judged::Undecided(judgement) => Err(Failure::new(FailureKind::NeedsApproval, judgement.verdict.explain())),
        Judged::Granted(Granted { grant, judgement }) => {
            let done = workbench.trust.set_trust(grant, root, workbench.clock.now_ms());
            let outcome = done.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string);
            end(workbench, root, &judgement, &outcome)?;
            done
        }
    }
}

impl Workbench {
    /// Whether the user trusts the workspace as it is now. What cannot be found out is no trust.
    pub fn trust_in(&self, root: &Root) -> Trust {
        // Nothing in a workspace is read that nobody trusted.
        let Ok(Some(record)) = self.trust.trusted(root) else { return Trust::Untrusted };
        match (self.evidence)(root) {
            Ok(evidence) if record.settings == evidence.hash() => Trust::Trusted,
            Ok(_) | Err(_) => Trust::Changed,
        }
    }
}
