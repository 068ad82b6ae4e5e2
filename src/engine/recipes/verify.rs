//! The project's own checks, run in the sandbox over changes that nobody accepted yet; the result goes on the proposal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::checks::{Check, CheckKind, Listener, RootFiles, configured, detect, parses, syntax};
use super::super::{Standing, Workbench};
use super::consent::answer;
use super::depends::behind;
use super::judge::{Consent, Judgement};
use super::keep::note_checks;
use super::run::{Ended, Ran, RunTask, View, action, describe_exit, run_over};
use super::unsaved::{Unsaved, unsaved};
use crate::changes::{ChangesetId, CheckOutcome, Checked, FileChange};
use crate::policy::{Mode, Place, Role};
use crate::ports::{Cancel, Exit, Failure, FailureKind, OutputStream, Progress, Report};
use crate::workspace::{FileKind, FileState, RelativePath, Root};

/// What a check is told whose writes a read-only view refused.
const READ_ONLY: &str = "it writes files, and the workspace is read-only: `tagout mode workspace-write` lets it write, in \
                         the sandbox alone";
/// What a check is told that the user stopped.
const CANCELLED: &str = "it was cancelled";

/// Links that are followed from one to the next.
const LINKS: usize = 8;

/// What to check.
#[derive(Debug, Clone)]
pub struct VerifyTask {
    /// Workspace.
    pub root: Root,
    /// The proposal that the changes are, whole: the results go on it. `None` when they are none, or a part of one.
    pub proposal: Option<ChangesetId>,
    /// Changes over the workspace and the open documents; none to check these as they are.
    pub changes: Vec<FileChange>,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
    /// Names of questions that the user answers with yes.
    pub approved: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Workspace.
    pub root: Root,
    /// The proposal that was checked, if it was one.
    pub proposal: Option<ChangesetId>,
    /// The checks, in order; empty when the project has none.
    pub checks: Vec<Checked>,
}

type Over = Vec<(RelativePath, Option<FileState>)>;

/// What every check of one verification shares.
pub(super) struct Job<'a> {
    workbench: &'a Workbench,
    task: &'a VerifyTask,
    standing: Standing,
    over: Over,
    cancel: &'a Cancel,
}

/// Checks the changes: parses them, then runs the project's checks one after another, each judged and recorded as a
/// run. The workspace is not touched, and what a check writes is not kept. One that fails is run without the changes as
/// well, so that it can be told whose failure it is.
///
/// # Errors
/// When the changes do not fit the files any more. A check that cannot be run is told as such, and is no error.
pub fn verify(
    workbench: &Workbench,
    task: &VerifyTask,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Verified, Failure> {
    let job = Job::new(workbench, task, cancel)?;
    let checks = job.checks();
    let stop = || cancel.is_cancelled();
    let said = task.changes.iter().take_while(|_| !stop()).filter_map(|change| parses(change, &stop));
    let mut done: Vec<Checked> = syntax(said).into_iter().collect();
    let mut unbuilt: Vec<&Check> = Vec::new();
    for (at, check) in checks.iter().enumerate() {
        report(Progress { stage: check.name.clone(), done: at, total: Some(checks.len()) });
        let needs = unbuilt.iter().find(|build| build.from == check.from);
        let checked = match needs {
            Some(build) => not_run(check, format!("{} failed before it", build.name)),
            None => job.check(check).unwrap_or_else(|kept_from| not_run(check, kept_from.why())),
        };
        if check.kind == CheckKind::Build && matches!(checked.outcome, CheckOutcome::Failed { .. }) {
            unbuilt.push(check);
        }
        done.push(checked);
    }
    report(Progress { stage: "checks".to_owned(), done: checks.len(), total: Some(checks.len()) });
    if let Some(id) = &task.proposal {
        note_checks(workbench, &task.root, id, &done)?;
    }
    Ok(Verified { root: task.root.clone(), proposal: task.proposal.clone(), checks: done })
}

/// What kept a check from being run that is not about the check: a missing answer, or the user's own stop.
pub(super) enum KeptFrom {
    /// An answer to this question.
    Unanswered(Box<Judgement>),
    /// It may not run, or was cancelled.
    Stopped(Failure),
}

impl KeptFrom {
    fn why(self) -> String {
        match self {
            Self::Unanswered(judgement) => {
                let question = judgement.question.as_deref().unwrap_or_default();
                format!("{}; approve it with `tagout check --approve {question}`", judgement.verdict.explain())
            }
            Self::Stopped(failure) if failure.kind == FailureKind::Cancelled => CANCELLED.to_owned(),
            Self::Stopped(failure) => failure.what,
        }
    }
}

impl<'a> Job<'a> {
    /// Made ready to check what `task` names.
    ///
    /// # Errors
    /// When the changes do not fit the files any more.
    pub(super) fn new(workbench: &'a Workbench, task: &'a VerifyTask, cancel: &'a Cancel) -> Result<Self, Failure> {
        let over = over(workbench, task)?;
        Ok(Self { workbench, task, standing: workbench.standing(&task.root), over, cancel })
    }
}

impl Job<'_> {
    /// The checks that settings name, or else those that the project has once the changes are made.
    pub(super) fn checks(&self) -> Vec<Check> {
        let settings = &self.standing.settings.checks;
        if !settings.named.is_empty() {
            return configured(&settings.named);
        }
        let text = |name: &str| {
            let state = self.held(RelativePath::new(name).ok()?, LINKS)?;
            Some(String::from_utf8_lossy(&state.bytes).into_owned())
        };
        let has_python_tests = || {
            let laid = self.over.iter().any(|(path, state)| state.is_some() && is_python_test(path));
            let walk = || self.workbench.files.walk(&self.task.root, self.cancel);
            laid || walk().is_ok_and(|walk| walk.files.iter().any(|file| is_python_test(&file.path)))
        };
        detect(&RootFiles { text: &text, has_python_tests: &has_python_tests })
    }

    /// What a file holds with the changes; behind a link, the file that it leads to in the workspace.
    fn held(&self, path: RelativePath, links: usize) -> Option<FileState> {
        let laid = self.over.iter().find(|(laid, _)| *laid == path).map(|(_, state)| state.clone());
        let state = laid.unwrap_or_else(|| self.workbench.files.read(&self.task.root, &path).ok().flatten())?;
        if state.kind != FileKind::Symlink {
            return Some(state);
        }
        let target = behind(&self.task.root, &path, str::from_utf8(&state.bytes).ok()?)?;
        if links == 0 { None } else { self.held(target, links - 1) }
    }

    /// Runs a check over the changes, and without them when it fails.
    pub(super) fn check(&self, check: &Check) -> Result<Checked, KeptFrom> {
        let purpose = match &self.task.proposal {
            Some(id) => format!("; it checked changeset {id}"),
            None if self.over.is_empty() => "; it checked the workspace".to_owned(),
            None => "; it checked changes under review".to_owned(),
        };
        let checked = self.once(check, self.over.clone(), purpose)?;
        Ok(match checked.outcome {
            CheckOutcome::Failed { first } if !self.over.is_empty() => {
                let purpose = "; it checked the workspace, since it failed over changes".to_owned();
                let without = match self.once(check, Over::new(), purpose).map(|checked| checked.outcome) {
                    Ok(CheckOutcome::Failed { .. }) => " (fails without it as well)",
                    Ok(CheckOutcome::Passed { .. }) => " (passes without it)",
                    Ok(CheckOutcome::NotRun { .. }) | Err(_) => "",
                };
                Checked { outcome: CheckOutcome::Failed { first: format!("{first}{without}") }, ..checked }
            }
            CheckOutcome::Passed { summary } if self.task.changes.iter().any(|one| one.path.as_str() == check.from) => {
                // What says what is checked is among the changes: whoever decides should look at it.
                let separator = if summary.is_empty() { "" } else { "; " };
                let summary =
                    format!("{summary}{separator}the changes are also to {}, which says what it does", check.from);
                Checked { outcome: CheckOutcome::Passed { summary }, ..checked }
            }
            outcome @ (CheckOutcome::Passed { .. } | CheckOutcome::Failed { .. } | CheckOutcome::NotRun { .. }) => {
                Checked { outcome, ..checked }
            }
        })
    }

    /// Runs a check once, over `over`.
    fn once(&self, check: &Check, over: Over, purpose: String) -> Result<Checked, KeptFrom> {
        self.cancel.check().map_err(KeptFrom::Stopped)?;
        let listener = Mutex::new(Listener::default());
        let output = |stream: OutputStream, text: &str| {
            listener.lock().unwrap_or_else(PoisonError::into_inner).hear(stream, text);
        };
        let wall = Some(Duration::from_secs(self.standing.settings.checks.timeout_seconds));
        let view = View { over, wall, purpose };
        let ran = self.as_run(check).and_then(|run| run_over(self.workbench, run, view, &output, self.cancel));
        let ended = match ran {
            Ok(Ran::Done(ended)) => ended,
            Ok(Ran::Undecided(_, judgement)) => return Err(KeptFrom::Unanswered(Box::new(judgement))),
            Err(failure) if is_answer(failure.kind) => return Err(KeptFrom::Stopped(failure)),
            Err(failure) => return Ok(not_run(check, failure.what)),
        };
        if ended.exit == Exit::Cancelled {
            self.cancel.check().map_err(KeptFrom::Stopped)?;
        }
        let listener = listener.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(self.came_to(check, &ended, listener))
    }

    fn came_to(&self, check: &Check, ended: &Ended, listener: Listener) -> Checked {
        let kept_from_writing = listener.met_read_only() && self.standing.mode() == Ok(Mode::ReadOnly);
        let outcome = match listener.finish(&ended.exit, &describe_exit(&ended.exit), ended.dropped_output) {
            CheckOutcome::Failed { .. } if kept_from_writing => CheckOutcome::NotRun { why: READ_ONLY.to_owned() },
            outcome @ (CheckOutcome::Passed { .. } | CheckOutcome::Failed { .. } | CheckOutcome::NotRun { .. }) => {
                outcome
            }
        };
        Checked { name: check.name.clone(), outcome, level: ended.level.map(|level| level.name().to_owned()) }
    }

    /// A check as the run that it is: in the sandbox, by one who only looks at what others made, and who reaches no host.
    /// One that is to reach some is the user's own, who named them.
    fn as_run(&self, check: &Check) -> Result<RunTask, Failure> {
        let run = RunTask {
            root: self.task.root.clone(),
            argv: check.argv.clone(),
            place: Place::Sandbox,
            network: check.network.clone(),
            open: self.task.open.clone(),
            consent: Consent::None,
            role: if check.network.is_empty() { Role::Reviewer } else { Role::User },
            terminal: None,
        };
        if self.task.approved.is_empty() {
            return Ok(run);
        }
        let (action, facts) = action(self.workbench, &run, &self.standing)?;
        let consent = answer(self.workbench, &run.root, action, facts, &self.task.approved)?;
        Ok(RunTask { consent, ..run })
    }
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

fn not_run(check: &Check, why: String) -> Checked {
    Checked { name: check.name.clone(), outcome: CheckOutcome::NotRun { why }, level: None }
}

fn is_python_test(path: &RelativePath) -> bool {
    let name = path.file_name();
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

/// What the changes make of the files, those left out that are made already.
fn over(workbench: &Workbench, task: &VerifyTask) -> Result<Over, Failure> {
    let open = unsaved(workbench, &task.open);
    let mut over = Over::new();
    for change in &task.changes {
        let disk = workbench.files.read(&task.root, &change.path)?;
        let text = open.iter().find(|open| open.root == task.root && open.path == change.path);
        let now = match (disk, text) {
            (Some(disk), Some(open)) => Some(FileState { kind: disk.kind, ..FileState::text(&*open.text) }),
            (None, Some(open)) => Some(FileState::text(&*open.text)),
            (disk, None) => disk,
        };
        if now == change.after {
            continue;
        }
        if now != change.before {
            let what = format!("{} changed since the proposal", change.path);
            return Err(Failure::new(FailureKind::Stale, what).hint("make the proposal again"));
        }
        over.push((change.path.clone(), change.after.clone()));
    }
    Ok(over)
}
