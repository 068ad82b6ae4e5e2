//! The steps of a refactoring that run something: commands, whose writes become changes over those so far, and checks.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::super::Workbench;
use super::super::checks::{self, CheckKind};
use super::consent::answer;
use super::judge::Judgement;
use super::refactor_files::SoFar;
use super::run::{Ended, Ran, RunTask, View, action, describe_exit, run_over};
use super::unsaved::Unsaved;
use super::verify::{Job, KeptFrom, VerifyTask};
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
    let task = VerifyTask {
        root: step.root.clone(),
        proposal: None,
        changes: step.so_far.changes(),
        open: step.open.to_vec(),
        approved: step.approved.to_vec(),
    };
    let job = Job::new(step.workbench, &task, cancel)?;
    let mut all = Vec::new();
    for check in checks {
        let named = named(check, &job)?;
        if named.is_empty() {
            let why = "the project has no checks that are known: name a command".to_owned();
            all.push(Checked { name: "detected".to_owned(), outcome: CheckOutcome::NotRun { why }, level: None });
        }
        for check in named {
            cancel.check()?;
            all.push(job.check(&check).map_err(|kept_from| match kept_from {
                KeptFrom::Unanswered(judgement) => unanswered(&judgement),
                KeptFrom::Stopped(failure) => failure,
            })?);
            if failed_check(&all).is_some() {
                return Ok(all);
            }
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

/// What a check of a recipe or a plan is: one command, or all that the project has.
fn named(check: &Check, job: &Job<'_>) -> Result<Vec<checks::Check>, Failure> {
    Ok(match check {
        Check::Detected => job.checks(),
        Check::Command { argv, network } => vec![checks::Check {
            name: argv.join(" "),
            argv: argv.clone(),
            kind: CheckKind::Test,
            from: "the plan".to_owned(),
            network: hosts(network)?,
        }],
    })
}

fn unanswered(judgement: &Judgement) -> Failure {
    let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
    let name = judgement.question.as_deref().unwrap_or_default();
    let hint = format!("to approve exactly this: the same with --approve {name}");
    Failure::new(FailureKind::NeedsApproval, what).hint(hint)
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
        open: step.open.to_vec(),
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
    let over = step.so_far.changes().into_iter().map(|change| (change.path, change.after)).collect();
    let view = View { over, ..View::default() };
    match run_over(workbench, task, view, &output, cancel)? {
        Ran::Undecided(_, judgement) => Err(unanswered(&judgement)),
        Ran::Done(ended) => {
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
