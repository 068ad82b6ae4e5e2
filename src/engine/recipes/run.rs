//! Running a command: facts, verdict, record, run, record, and what it wrote as a changeset.

use std::time::Duration;

use super::super::{Standing, Workbench};
use super::connections::record_connections;
use super::judge::{Consent, Granted, Judged, Judgement, end, judge_by};
use super::keep::shelve_pending;
use super::limits::{describe_limit, limits};
use super::unsaved::{Unsaved, open_texts};
use crate::changes::{Changeset, Lineage, Origin};
use crate::config::ConfigProblem;
use crate::policy::{Action, Containment, Facts, HostRule, Place, Role, SandboxLevel, Trust};
use crate::ports::{
    Cancel, Connection, Exit, Failure, FailureKind, LimitReached, Limits, OutputStream, Refusal, RunOutcome,
    RunRequest, Terminal,
};
use crate::workspace::{FileState, RelativePath, Root};

/// What to run.
#[derive(Debug, Clone)]
pub struct RunTask {
    /// Workspace.
    pub root: Root,
    /// Argument vector.
    pub argv: Vec<String>,
    /// Where.
    pub place: Place,
    /// Hosts that it may reach from the sandbox.
    pub network: Vec<HostRule>,
    /// Open documents, whose texts the command sees in place of the disk's.
    pub open: Vec<Unsaved>,
    /// The user's answer, when there is one.
    pub consent: Consent,
    /// In which role it runs.
    pub role: Role,
    /// The terminal that the command gets; `None` for pipes.
    pub terminal: Option<Terminal>,
}

/// What came of it.
#[derive(Debug)]
pub enum Ran {
    /// It ran to an end.
    Done(Ended),
    /// It waits for an approval.
    Undecided(RunTask, Judgement),
}

/// A command that ran to an end.
#[derive(Debug)]
pub struct Ended {
    /// Workspace.
    pub root: Root,
    /// Argument vector.
    pub argv: Vec<String>,
    /// How it ended.
    pub exit: Exit,
    /// What it wrote; empty when nothing was captured.
    pub changeset: Changeset,
    /// What the changeset does not tell.
    pub refused: Vec<Refusal>,
    /// Output bytes that were dropped.
    pub dropped_output: u64,
    /// What there is to say of a sandbox that was weaker than it could be.
    pub warning: Option<String>,
    /// Connections that it made or tried to make.
    pub connections: Vec<Connection>,
    /// Limits that it came to and that did not end it.
    pub reached: Vec<LimitReached>,
    /// How well it was contained; `None` on the host.
    pub level: Option<SandboxLevel>,
}

/// What a command runs over, besides the workspace as it is.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Files as it sees them, whatever the workspace holds.
    pub(super) over: Vec<(RelativePath, Option<FileState>)>,
    /// How long it may take at most, besides the limit of every command.
    pub(super) wall: Option<Duration>,
    /// What it is for, as the record of its end says it; empty for nothing.
    pub(super) purpose: String,
}

/// Runs the command of `task` if the verdict allows it.
///
/// # Errors
/// When it is denied, cannot be recorded or cannot be started: then nothing ran.
pub fn run(
    workbench: &Workbench,
    task: RunTask,
    output: &(dyn Fn(OutputStream, &str) + Sync),
    cancel: &Cancel,
) -> Result<Ran, Failure> {
    let ran = run_over(workbench, task, View::default(), output, cancel)?;
    if let Ran::Done(ended) = &ran {
        shelve_pending(workbench, &ended.root, &ended.changeset)?;
    }
    Ok(ran)
}

/// As [`run`], over `view`; what the command wrote is handed back and not kept.
pub(super) fn run_over(
    workbench: &Workbench,
    task: RunTask,
    view: View,
    output: &(dyn Fn(OutputStream, &str) + Sync),
    cancel: &Cancel,
) -> Result<Ran, Failure> {
    if task.argv.first().is_none_or(String::is_empty) {
        return Err(Failure::new(FailureKind::InvalidInput, "there is no command to run: name one"));
    }
    if task.place == Place::Host && !task.network.is_empty() {
        let what = "a command on the host has all of the host's network: leave the hosts out";
        return Err(Failure::new(FailureKind::InvalidInput, what));
    }
    let standing = workbench.standing(&task.root);
    let settings = &standing.settings.run;
    if let (Place::Sandbox, Some(problem)) = (task.place, &settings.hidden_unknown) {
        return Err(hidden_unknown(problem));
    }
    let (action, facts) = action(workbench, &task, &standing)?;
    let warning = facts.sandbox.warning();
    let Granted { grant, judgement } = match judge_by(workbench, &task.root, &standing, action, facts, &task.consent)? {
        Judged::Granted(granted) => granted,
        Judged::Undecided(judgement) => return Ok(Ran::Undecided(task, judgement)),
    };
    let most = limits(settings);
    let request = RunRequest {
        root: task.root.clone(),
        open: open_texts(workbench, &task.root, &task.open),
        over: view.over,
        limits: Limits { wall: view.wall.map_or(most.wall, |wall| wall.min(most.wall)), ..most },
        hidden: settings.hidden.clone(),
        shown: settings.shown.clone(),
        private_hosts: settings.private_hosts.clone(),
        terminal: task.terminal,
    };
    let outcome = workbench.runner.run(grant, &request, output, cancel);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            end(workbench, &task.root, &judgement, &format!("not started: {failure}"))?;
            return Err(failure);
        }
    };
    let RunOutcome { exit, changes, refused, dropped_output, connections, reached, level } = outcome;
    let role = Some(task.role.name().to_owned()).filter(|_| task.role != Role::User);
    let lineage = Lineage { role, record: Some(judgement.record), ..Lineage::default() };
    let changeset = Changeset::new(Origin::Command { argv: task.argv.clone() }, changes).with_lineage(lineage);
    let came_to: String = reached.iter().map(|reached| format!("; came to the {reached}")).collect();
    let (exited, files, network) = (describe_exit(&exit), changeset.files.len(), record_connections(&connections));
    let not_taken = refused.iter().filter(|refusal| !refusal.is_note()).count();
    let outcome = format!("{exited}{came_to}; {files} files changed, {not_taken} refused{network}{}", view.purpose);
    // What was done is recorded, not what was meant to be.
    end(workbench, &task.root, &Judgement { level, ..judgement }, &outcome)?;
    let (root, argv) = (task.root, task.argv);
    Ok(Ran::Done(Ended { root, argv, exit, changeset, refused, dropped_output, warning, connections, reached, level }))
}

/// What would be done, and what is true of it.
///
/// # Errors
/// When the mode cannot be read.
pub fn action(workbench: &Workbench, task: &RunTask, standing: &Standing) -> Result<(Action, Facts), Failure> {
    let settings = &standing.settings.run;
    let facts = Facts { role: task.role, powers: task.role.powers(), ..Facts::user() };
    let facts = match (task.place, standing.trust) {
        // Nothing is made ready for what is denied.
        (Place::Sandbox, Trust::Trusted) => {
            let prepared = workbench.runner.prepare(&task.root, standing.mode()?, &limits(settings));
            let sandbox =
                prepared.unwrap_or_else(|failure| Containment { level: None, missing: Some(failure.to_string()) });
            Facts { sandbox, least_level: settings.sandbox, ..facts }
        }
        (Place::Sandbox, Trust::Changed | Trust::Untrusted) | (Place::Host, _) => facts,
    };
    let action = Action::Run { argv: task.argv.clone(), place: task.place, network: task.network.clone() };
    Ok((action, facts))
}

fn hidden_unknown(problem: &ConfigProblem) -> Failure {
    let what = format!("it is not known what is hidden from commands: {problem}");
    Failure::new(FailureKind::InvalidInput, what).hint(format!("nothing was run: mend {}", problem.source))
}

/// How a command ended, for people.
#[must_use]
pub fn describe_exit(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("ended by signal {signal}"),
        Exit::Limit(limit) => format!("stopped: {}", describe_limit(limit)),
        Exit::Cancelled => "stopped by the user".to_owned(),
    }
}
