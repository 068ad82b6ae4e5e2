//! The runner: from a grant to an outcome.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::capture::{Captured, capture};
use super::channel::Report;
use super::disk::Folder;
use super::machine::Machine;
use super::plan::{PlanError, Wanted, plan};
use super::probe::{FailedStep, Settings, explain};
use super::spawn::{Ended, Output, Stop, Terms, contained, on_host};
use crate::policy::{Action, Grant, Mode, Place, SandboxLevel};
use crate::ports::{Cancel, Exit, Failure, FailureKind, Limit, LimitReached, RunOutcome, RunRequest, Runner};
use crate::workspace::{RelativePath, Root};

/// Longest time that the trial of the sandbox may take.
const TRIAL_TIME: Duration = Duration::from_secs(10);

/// Runs commands in Linux namespaces, or on the host where the grant says so.
#[derive(Debug)]
pub struct SandboxRunner {
    executable: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// Whether a trial has succeeded; a failed one is made again, since the user may have cured it.
    proven: AtomicBool,
}

impl SandboxRunner {
    /// A runner whose child is `executable`: a program that calls [`run_init_if_asked`](super::run_init_if_asked)
    /// first; `/proc/self/exe` is this one. `environment` is the user's.
    #[must_use]
    pub fn new(executable: PathBuf, environment: Vec<(OsString, OsString)>) -> Self {
        Self { executable, environment, proven: AtomicBool::new(false) }
    }

    /// Builds a sandbox over an empty folder and runs nothing in it.
    fn trial(&self) -> Result<(), Failure> {
        let folder = tempfile::tempdir().map_err(|error| Failure::io("a temporary folder", &error))?;
        let root = folder.path().canonicalize().map_err(|error| Failure::io("a temporary folder", &error))?;
        let wanted = Wanted { argv: None, mode: Mode::WorkspaceWrite, root: &root, unsaved: &[] };
        let terms = Terms { timeout: TRIAL_TIME, output_limit: 0, output: &|_, _| {}, cancel: &Cancel::default() };
        self.begin(&wanted, &terms).map(drop)
    }

    fn begin(&self, wanted: &Wanted<'_>, terms: &Terms<'_>) -> Result<Ended, Failure> {
        let plan = plan(wanted, &Machine::survey(&self.environment)).map_err(|error| match error {
            PlanError::NoProgram | PlanError::TooWide(..) => Failure::new(FailureKind::InvalidInput, error.to_string()),
        })?;
        let ended = contained(&self.executable, &plan, terms).map_err(|error| not_started(&error))?;
        if let Some(failed) = ended.reports.iter().find_map(failed_step) {
            return Err(explain(&failed, Settings::read()));
        }
        if ended.stopped.is_none() && !ended.reports.contains(&Report::Begun) {
            return Err(Failure::new(FailureKind::Unavailable, "the sandbox ended before the command began")
                .hint("nothing was run: run it again, and look for memory limits if it stays so"));
        }
        Ok(ended)
    }

    fn in_sandbox(
        &self,
        argv: &[String],
        mode: Mode,
        request: &RunRequest,
        terms: &Terms<'_>,
    ) -> Result<RunOutcome, Failure> {
        let root = request.root.as_path();
        let disk = Folder::open(root).map_err(|error| Failure::io(root.display(), &error))?;
        let unsaved: Vec<(RelativePath, String)> = request
            .open
            .iter()
            .filter(|open| !open.saved)
            .filter_map(|open| Some((real(&request.root, &open.path)?, open.text.clone())))
            .collect();
        let wanted = Wanted { argv: Some(argv), mode, root, unsaved: &unsaved };
        let ended = self.begin(&wanted, terms)?;
        let exit = exit_of(&ended, terms.timeout);
        let captured = match (mode, ended.writes) {
            (Mode::WorkspaceWrite | Mode::Unrestricted, Some(writes)) => {
                let written = Folder::from_descriptor(writes);
                read_back(&written, &disk, root, &unsaved)
                    .map_err(|error| Failure::io("what the command wrote", &error))?
            }
            (Mode::ReadOnly, _) | (_, None) => Captured::default(),
        };
        Ok(RunOutcome {
            exit,
            changes: captured.changes,
            refused: captured.refused,
            dropped_output: ended.dropped,
            reached: Vec::new(),
            level: Some(SandboxLevel::Full),
            connections: Vec::new(),
        })
    }

    fn on_host(&self, argv: &[String], request: &RunRequest, terms: &Terms<'_>) -> Result<RunOutcome, Failure> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(Failure::new(FailureKind::InvalidInput, PlanError::NoProgram.to_string()));
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(request.root.as_path()).process_group(0);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        let (exit, dropped_output) = match on_host(&mut command, terms) {
            Ok((status, ended)) => {
                (stopped(&ended, terms.timeout).unwrap_or_else(|| exit_status(status)), ended.dropped)
            }
            Err(error) => return Err(Failure::io(format!("cannot run {program:?}"), &error)),
        };
        Ok(RunOutcome {
            exit,
            changes: Vec::new(),
            refused: Vec::new(),
            dropped_output,
            reached: Vec::new(),
            level: None,
            connections: Vec::new(),
        })
    }
}

impl Runner for SandboxRunner {
    fn missing(&self) -> Option<String> {
        if self.proven.load(Ordering::Relaxed) {
            return None;
        }
        let failure = self.trial().err();
        self.proven.store(failure.is_none(), Ordering::Relaxed);
        failure.map(|failure| failure.to_string())
    }

    fn run(
        &self,
        grant: Grant,
        request: &RunRequest,
        output: Output<'_>,
        cancel: &Cancel,
    ) -> Result<RunOutcome, Failure> {
        cancel.check()?;
        let terms = Terms {
            timeout: request.limits.wall,
            output_limit: usize::try_from(request.limits.output_bytes).unwrap_or(usize::MAX),
            output,
            cancel,
        };
        match grant.action() {
            Action::Run { argv, place: Place::Sandbox, .. } => self.in_sandbox(argv, grant.mode(), request, &terms),
            Action::Run { argv, place: Place::Host, .. } => self.on_host(argv, request, &terms),
            Action::Apply { .. } | Action::SetMode { .. } => {
                Err(Failure::new(FailureKind::Denied, "the grant is for something else than running a command"))
            }
        }
    }
}

fn failed_step(report: &Report) -> Option<FailedStep> {
    match report {
        Report::Failed { step, error, number } => {
            Some(FailedStep { step: step.clone(), error: error.clone(), number: *number })
        }
        Report::Captured | Report::Begun | Report::Exited(_) | Report::Signalled(_) => None,
    }
}

fn not_started(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the sandbox could not be started: {error}"))
        .hint("nothing was run: free processes, memory or open files, and run it again")
}

/// The path of an open document without links, since the command's writes are known by such; `None` for one
/// that is not in the workspace.
fn real(root: &Root, path: &RelativePath) -> Option<RelativePath> {
    match root.join(path).canonicalize() {
        Ok(real) => root.relative(&real).ok(),
        // Not saved yet, so that there is nothing to resolve.
        Err(_) => Some(path.clone()),
    }
}

fn read_back(written: &Folder, disk: &Folder, root: &Path, unsaved: &[(RelativePath, String)]) -> io::Result<Captured> {
    // The folder of the writes was made just before the workspace was shown.
    capture(written, disk, root, written.born()?, unsaved)
}

fn stopped(ended: &Ended, timeout: Duration) -> Option<Exit> {
    ended.stopped.map(|stop| match stop {
        Stop::Timeout => Exit::Limit(LimitReached { limit: Limit::WallTime, most: timeout.as_secs() }),
        Stop::Cancelled => Exit::Cancelled,
    })
}

fn exit_of(ended: &Ended, timeout: Duration) -> Exit {
    let own = ended.reports.iter().find_map(|report| match report {
        Report::Exited(code) => Some(Exit::Code(*code)),
        Report::Signalled(signal) => Some(Exit::Signal(*signal)),
        Report::Failed { .. } | Report::Captured | Report::Begun => None,
    });
    // A command that ended in the last moment has ended by itself. One whose process 1 was ended was killed.
    own.or_else(|| stopped(ended, timeout)).unwrap_or(Exit::Signal(libc::SIGKILL))
}

fn exit_status(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(libc::SIGKILL)),
    }
}
