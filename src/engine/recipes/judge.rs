//! The one path to a grant: mode, facts, verdict, record, and only then the effect.

use super::super::Workbench;
use crate::policy::{Action, Approval, Facts, Grant, GrantError, Mode, SandboxLevel, Verdict, decide};
use crate::ports::{Entry, Failure, FailureKind, Phase};
use crate::workspace::Root;

/// What was judged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Mode in force.
    pub mode: Mode,
    /// Action.
    pub action: Action,
    /// How well it is contained; `None` for what does not run in the sandbox.
    pub level: Option<SandboxLevel>,
    /// Verdict.
    pub verdict: Verdict,
}

/// A grant and the judgement it came from.
#[derive(Debug, PartialEq, Eq)]
pub struct Granted {
    /// For the executor.
    pub grant: Grant,
    /// For the record of the end.
    pub judgement: Judgement,
}

/// The outcome of judging, when it is not a denial.
#[derive(Debug)]
pub enum Judged {
    /// May happen.
    Granted(Granted),
    /// Needs an approval.
    Undecided(Judgement),
}

/// Judges `action` in the mode now in force and writes the verdict to the ledger.
///
/// # Errors
/// `Denied` with the rule's text; or when the mode cannot be read or the record not written: then nothing may happen.
pub fn judge(
    workbench: &Workbench,
    root: &Root,
    action: Action,
    facts: &Facts,
    approval: Option<Approval>,
) -> Result<Judged, Failure> {
    let mode = workbench.mode(root)?;
    let (rules, _) = workbench.rules(root);
    let facts = &facts.clone().of(&action);
    let level = facts.level_of(&action);
    let judgement = |verdict| Judgement { mode, action: action.clone(), level, verdict };
    match Grant::obtain(mode, &rules, action.clone(), facts, approval) {
        Ok((grant, verdict)) => {
            let judgement = judgement(verdict);
            let outcome = if approval.is_some() { "approved by the user" } else { "" };
            write(workbench, root, &judgement, Phase::Judged, outcome)?;
            Ok(Judged::Granted(Granted { grant, judgement }))
        }
        Err(GrantError::NeedsApproval(verdict)) => {
            let judgement = judgement(verdict);
            write(workbench, root, &judgement, Phase::Judged, "waits for the user")?;
            Ok(Judged::Undecided(judgement))
        }
        Err(GrantError::Denied(verdict)) => {
            let failure = Failure::new(FailureKind::Denied, verdict.explain());
            write(workbench, root, &judgement(verdict), Phase::Judged, "")?;
            Err(failure)
        }
        Err(error @ GrantError::ApprovalOfSomethingElse) => {
            let verdict = decide(mode, &rules, &action, facts);
            write(workbench, root, &judgement(verdict), Phase::Judged, &error.to_string())?;
            Err(Failure::new(FailureKind::Stale, error.to_string()))
        }
    }
}

/// Writes how an action ended.
///
/// # Errors
/// When the ledger cannot be written.
pub fn end(workbench: &Workbench, root: &Root, judgement: &Judgement, outcome: &str) -> Result<(), Failure> {
    write(workbench, root, judgement, Phase::Ended, outcome)
}

fn write(
    workbench: &Workbench,
    root: &Root,
    judgement: &Judgement,
    phase: Phase,
    outcome: &str,
) -> Result<(), Failure> {
    let entry = Entry {
        number: 0,
        at_ms: workbench.clock.now_ms(),
        mode: judgement.mode,
        phase,
        action: judgement.action.clone(),
        verdict: judgement.verdict.clone(),
        level: judgement.level,
        outcome: outcome.to_owned(),
    };
    workbench.ledger.append(root, &entry).map(|_| ())
}

/// Sets the workspace's mode, as the user asked.
///
/// # Errors
/// As [`judge`], or when the mode cannot be written.
pub fn set_mode(workbench: &Workbench, root: &Root, to: Mode) -> Result<(), Failure> {
    let facts = Facts { mode_limit: workbench.settings(root).0.max_mode, ..Facts::user() };
    let from = workbench.modes.mode(root)?;
    match judge(workbench, root, Action::SetMode { from, to }, &facts, None)? {
        Judged::Undecided(judgement) => Err(Failure::new(FailureKind::NeedsApproval, judgement.verdict.explain())),
        Judged::Granted(Granted { grant, judgement }) => {
            let done = workbench.modes.set_mode(grant, root);
            let outcome = done.as_ref().err().map_or_else(|| format!("mode is {to}"), ToString::to_string);
            end(workbench, root, &judgement, &outcome)?;
            done
        }
    }
}

impl Workbench {
    /// The mode in force: the user's choice, no higher than the settings allow.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mode(&self, root: &Root) -> Result<Mode, Failure> {
        Ok(self.modes.mode(root)?.min(self.settings(root).0.max_mode))
    }
}
