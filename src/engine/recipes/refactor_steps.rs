//! The steps of a refactoring that run something: commands, whose writes become changes over those so far, and checks.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::super::Workbench;
use super::apply::settle;
use super::consent::answer;
use super::refactor_files::SoFar;
use super::run::{Ended, Ran, RunTask, action, describe_exit, run};
use super::unsaved::Unsaved;
use crate::changes::{Changeset, CheckOutcome, Checked};
use crate::policy::{HostRule, Place, Role};
use crate::ports::{Cancel, Exit, Failure, FailureKind, OutputStream, Refusal};
use crate::refactor::{Check, Network};
use crate::workspace::Root;

/// Bytes of output of which the last line is looked for.
const OUTPUT_KEPT: usize = 64 * 1024;

/// Where something is run, over which changes.
pub struct Step<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) root: &'a Root,
    pub(super) open: &'a [Unsaved],
    pub(super) so_far: Cow<'a, SoFar>,
    pub(super) approved: &'a [String],
}

impl<'a> Step<'a> {
    /// Over the workspace as it is on disk.
    #[must_use]
    pub fn over_disk(workbench: &'a Workbench, root: &'a Root, approved: &'a [String]) -> Self {
        Self { workbench, root, open: &[], so_far: Cow::Owned(SoFar::default()), approved }
    }

    /// Over what a proposal would leave on disk.
    #[must_use]
    pub fn over(workbench: &'a Workbench, root: &'a Root, approved: &'a [String], proposal: &Changeset) -> Self {
        let mut so_far = SoFar::default();
        so_far.add(proposal.files.clone());
        Self { workbench, root, open: &[], so_far: Cow::Owned(so_far), approved }
    }
}

/// What a command writes over the changes so far.
///
/// # Errors
/// When it may not run, cannot, or ends with anything but 0; and when what it wrote is not whole.
pub(super) fn over(step: &Step<'_>, argv: &[String], network: &Network, cancel: &Cancel) -> Result<Changeset, Failure> {
    let (ended, last) = run_step(step, argv, network, cancel)?;
    let words = argv.join(" ");
    if ended.exit != Exit::Code(0) {
        let told = if last.is_empty() { String::new() } else { format!(": {last}") };
        let what = format!("`{words}` failed ({}){told}", describe_exit(&ended.exit));
        return Err(Failure::new(FailureKind::Unavailable, what).hint("nothing was changed: mend it and run it again"));
    }
    if let Some(Refusal { path, why, .. }) = ended.refused.iter().find(|refusal| !refusal.is_note()) {
        let what = format!("what `{words}` wrote is not whole: {path}: {why}");
        return Err(Failure::new(FailureKind::Unavailable, what).hint("nothing was changed"));
    }
    Ok(ended.changeset)
}

/// Runs each of `checks` over the changes so far, until one fails; what they write is dropped.
///
/// # Errors
/// When one waits for an approval, is denied, or on cancellation.
pub fn run_checks(step: &Step<'_>, checks: &[Check], cancel: &Cancel) -> Result<Vec<Checked>, Failure> {
    let mut all = Vec::new();
    for check in checks {
        cancel.check()?;
        let checked = one_check(step, check, cancel)?;
        let stops = failed_check(std::slice::from_ref(&checked)).is_some();
        all.push(checked);
        if stops {
            break;
        }
    }
    Ok(all)
}

/// The first check that did not pass. One that could not be run says nothing for the changes.
#[must_use]
pub fn failed_check(checks: &[Checked]) -> Option<&Checked> {
    checks.iter().find(|check| match check.outcome {
        CheckOutcome::Passed { .. } => false,
        CheckOutcome::Failed { .. } | CheckOutcome::NotRun { .. } => true,
    })
}

fn one_check(step: &Step<'_>, check: &Check, cancel: &Cancel) -> Result<Checked, Failure> {
    let Check::Command { argv, network } = check else {
        let why = "the project's checks are not looked for yet: name a command".to_owned();
        return Ok(Checked { name: "detected".to_owned(), outcome: CheckOutcome::NotRun { why }, level: None });
    };
    let name = argv.join(" ");
    let (outcome, level) = match run_step(step, argv, network, cancel) {
        Ok((ended, _)) if ended.exit == Exit::Code(0) => (CheckOutcome::Passed { summary: String::new() }, None),
        Ok((ended, last)) => {
            let first = if last.is_empty() { describe_exit(&ended.exit) } else { last };
            (CheckOutcome::Failed { first }, None::<String>)
        }
        Err(failure) if is_answer(failure.kind) => return Err(failure),
        Err(failure) => (CheckOutcome::NotRun { why: failure.to_string() }, None),
    };
    Ok(Checked { name, outcome, level })
}

/// Whether a failure is about leave to run, or the user's own stop, rather than about the command.
fn is_answer(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Denied | FailureKind::NeedsApproval | FailureKind::Cancelled => true,
        FailureKind::InvalidInput
        | FailureKind::NotFound
        | FailureKind::Stale
        | FailureKind::Unavailable
        | FailureKind::Io
        | FailureKind::Internal => false,
    }
}

/// Runs a command over the changes so far; with it the last line that it printed. What it wrote does not wait on the
/// shelf: it becomes part of something, or is dropped.
fn run_step(step: &Step<'_>, argv: &[String], network: &Network, cancel: &Cancel) -> Result<(Ended, String), Failure> {
    let Step { workbench, root, approved, .. } = step;
    let mut task = RunTask {
        root: (*root).clone(),
        argv: argv.to_vec(),
        place: Place::Sandbox,
        network: hosts(network)?,
        open: seen(step)?,
        consent: super::judge::Consent::None,
        role: Role::User,
        terminal: None,
    };
    if !approved.is_empty() {
        let (action, facts) = action(workbench, &task, &workbench.standing(root))?;
        task.consent = answer(workbench, root, action, facts, approved)?;
    }
    let printed = Mutex::new(String::new());
    let output = |_: OutputStream, text: &str| keep_end(&printed, text);
    match run(workbench, task, &output, cancel)? {
        Ran::Undecided(_, judgement) => {
            let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
            let name = judgement.question.as_deref().unwrap_or_default();
            let hint = format!("to approve exactly this: the same with --approve {name}");
            Err(Failure::new(FailureKind::NeedsApproval, what).hint(hint))
        }
        Ran::Done(ended) => {
            settle(workbench, root, &ended.changeset.id)?;
            if ended.exit == Exit::Cancelled {
                cancel.check()?;
            }
            let printed = printed.into_inner().unwrap_or_else(PoisonError::into_inner);
            let last = printed.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            Ok((ended, last.chars().take(300).collect()))
        }
    }
}

fn keep_end(printed: &Mutex<String>, text: &str) {
    let mut kept = printed.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_str(text);
    if kept.len() > 2 * OUTPUT_KEPT {
        let from = kept.ceil_char_boundary(kept.len() - OUTPUT_KEPT);
        kept.drain(..from);
    }
}

fn hosts(network: &Network) -> Result<Vec<HostRule>, Failure> {
    let Network::Hosts(hosts) = network else { return Ok(Vec::new()) };
    let parsed: Result<Vec<HostRule>, _> = hosts.iter().map(|host| host.parse()).collect();
    parsed.map_err(|error| Failure::new(FailureKind::InvalidInput, format!("`network` is wrong: {error}")))
}

/// The texts that a command sees in place of the disk's: those of the editor, and those that the steps so far left.
fn seen(step: &Step<'_>) -> Result<Vec<Unsaved>, Failure> {
    let mut seen: Vec<Unsaved> =
        step.open.iter().filter(|open| !step.so_far.0.contains_key(&open.path)).cloned().collect();
    for change in step.so_far.changes() {
        let Some((_, after)) = change.texts() else {
            let what = format!(
                "a command cannot be shown {} as the steps before it leave it: only edits of texts can be",
                change.path
            );
            return Err(Failure::new(FailureKind::Unavailable, what)
                .hint("make two recipes of it, and apply the first before the second is run"));
        };
        seen.push(Unsaved { root: step.root.clone(), path: change.path.clone(), text: after.to_owned() });
    }
    Ok(seen)
}
