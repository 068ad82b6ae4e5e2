//! The value that lets an executor act: made here only, from a verdict, bound to one action.

use super::{Action, Decision, Facts, Mode, Rules, SandboxLevel, Verdict, decide};
use crate::workspace::ContentHash;

/// A person's yes to exactly what was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// Hash of what was shown ([`Facts::shown`]).
    pub shown: ContentHash,
}

/// Leave to perform one action, once: executors take it by value, and it cannot be copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    mode: Mode,
    action: Action,
    level: Option<SandboxLevel>,
    by: GrantedBy,
}

/// By what an action was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantedBy {
    /// The rules allow it, and nobody was asked.
    Rules,
    /// A person has seen it and approved.
    Approval,
}

/// Why there is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Denied.
    #[error("{}", .0.explain())]
    Denied(Verdict),
    /// Nobody approved yet.
    #[error("{}", .0.explain())]
    NeedsApproval(Verdict),
    /// What was approved is something else.
    #[error("what was approved is not what would happen now: look at it again")]
    ApprovalOfSomethingElse,
}

impl Grant {
    /// Judges `action` and, where the verdict and the approval allow it, grants it.
    ///
    /// # Errors
    /// When it is denied, needs an approval that is not there, or the approval is of another action.
    pub fn obtain(
        mode: Mode,
        rules: &Rules,
        action: Action,
        facts: &Facts,
        approval: Option<Approval>,
    ) -> Result<(Self, Verdict), GrantError> {
        let verdict = decide(mode, rules, &action, facts);
        match (verdict.decision, approval) {
            (Decision::Deny, _) => Err(GrantError::Denied(verdict)),
            (Decision::Ask, None) => Err(GrantError::NeedsApproval(verdict)),
            (Decision::Ask, Some(approval)) if approval.shown != facts.shown(mode, &action) => {
                Err(GrantError::ApprovalOfSomethingElse)
            }
            (Decision::Ask, Some(_)) | (Decision::Allow, _) => {
                let level = facts.level_of(&action);
                let by = if verdict.decision == Decision::Ask { GrantedBy::Approval } else { GrantedBy::Rules };
                Ok((Self { mode, action, level, by }, verdict))
            }
        }
    }

    /// The action that may happen.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// How well the command has to be contained, exactly; `None` for what does not run in the sandbox.
    #[must_use]
    pub fn level(&self) -> Option<SandboxLevel> {
        self.level
    }

    /// By what it was granted.
    #[must_use]
    pub fn by(&self) -> GrantedBy {
        self.by
    }

    /// The mode it was granted in.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Place;

    #[test]
    fn an_approval_fits_only_what_was_shown() {
        let action = |name: &str| Action::Run { argv: vec![name.into()], place: Place::Host, network: Vec::new() };
        let obtain =
            |approval| Grant::obtain(Mode::Unrestricted, &Rules::default(), action("make"), &Facts::user(), approval);
        assert!(matches!(obtain(None), Err(GrantError::NeedsApproval(_))));
        let other = Approval { shown: Facts::user().shown(Mode::Unrestricted, &action("rm")) };
        assert_eq!(obtain(Some(other)).unwrap_err(), GrantError::ApprovalOfSomethingElse);
        assert!(obtain(Some(Approval { shown: Facts::user().shown(Mode::Unrestricted, &action("make")) })).is_ok());
    }

    #[test]
    fn an_approval_does_not_lift_a_denial() {
        let action = Action::Run { argv: vec!["make".into()], place: Place::Host, network: Vec::new() };
        let approval = Approval { shown: Facts::user().shown(Mode::ReadOnly, &action) };
        let result = Grant::obtain(Mode::ReadOnly, &Rules::default(), action, &Facts::user(), Some(approval));
        assert!(matches!(result, Err(GrantError::Denied(_))));
    }
}
