//! The sandboxes for machines where the helper cannot build one: inside bubblewrap, or over a copy with Landlock and
//! the filter of system calls alone. Each is built for one command; none waits.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::socket::{Shutdown, shutdown};

use super::bubblewrap::{Bubblewrap, Scratch, View};
use super::capture::Captured;
use super::channel::{self, Go};
use super::confine::{Demand, Reach};
use super::copy::{Room, Treatment, WorkspaceCopy};
use super::direct::{DIRECT_ARGUMENT, Fence, Processes};
use super::disk::Folder;
use super::disk_watch;
use super::environment;
use super::ignored::Ignored;
use super::machine::{Machine, Seen};
use super::plan::{self, SECRETS, SYSTEM};
use super::pool::{NotBuilt, Sandbox};
use super::preparation::Preparation;
use super::proxy::offline;
use super::rlimits;
use super::spawn::{Ended, Stop, Terms, contained};
use super::step::{Resource, Step};
use super::sys;
use crate::policy::{Mode, SandboxLevel};
use crate::ports::{Cancel, Failure, FailureKind, Limit, Limits, Refusal, RunRequest};
use crate::text::visible_line;
use crate::workspace::{FileState, RelativePath};

/// Files of the system that programs read, in a `/proc` that shows all processes.
const GLOBAL: [&str; 8] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/uptime",
    "/proc/version",
];
/// Devices that are harmless.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Most bytes of what bubblewrap says that are told.
const MOST_SAID: u64 = 2_000;

/// What one of these sandboxes is built for.
#[derive(Debug, Clone, Copy)]
struct Job<'a> {
    root: &'a Path,
    mode: Mode,
    limits: &'a Limits,
    hidden: &'a [RelativePath],
    cancel: &'a Cancel,
}

/// What sandboxes of these levels are built with.
#[derive(Debug)]
pub(super) struct Fallback<'a> {
    /// This program.
    pub(super) executable: &'a Path,
    /// The machine, on behalf of the user.
    pub(super) machine: &'a Machine,
    /// A folder of the user's own on disk.
    pub(super) place: PathBuf,
}

/// What came of a run.
pub(super) struct Ran {
    pub(super) ended: Ended,
    pub(super) captured: Captured,
}

/// A sandbox, and what has to outlive it.
struct Built {
    sandbox: Sandbox,
    child: Child,
    store: WorkspaceCopy,
    /// The working folder of the command.
    folder: PathBuf,
    /// Whether the store holds writes alone, or has to be reduced to them.
    holds: Holds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Writes,
    Everything,
}

impl Built {
    /// Takes a file out of what the command will see. In a copy it never was.
    fn hide(&self, path: &RelativePath) -> io::Result<()> {
        match self.holds {
            Holds::Everything => Ok(()),
            Holds::Writes => self.store.mark_deleted(Path::new(path.as_str())),
        }
    }

    /// Makes `state` what the command will see at `path`.
    fn lay(&self, path: &RelativePath, state: Option<&FileState>) -> io::Result<()> {
        let at = Path::new(path.as_str());
        match (state, self.holds) {
            (Some(state), _) => self.store.lay(at, state),
            (None, Holds::Everything) => self.store.take_out(at),
            (None, Holds::Writes) => self.store.mark_deleted(at),
        }
    }

    /// Follows the command to its end. What it writes lies beside what was copied: on a disk one is told from the other by
    /// how much there was before.
    fn follow(&mut self, go: &Go, terms: &Terms<'_>) -> io::Result<Ended> {
        let everything = self.store.everything()?;
        let limits = disk_watch::raised(terms.limits, &everything)?;
        self.sandbox.writes = Some(everything);
        let Terms { output, cancel, .. } = *terms;
        let mut ended = contained(
            &mut self.sandbox,
            go,
            &Terms { limits: &limits, output, cancel, keyboard: terms.keyboard.clone() },
        )?;
        if let Some(Stop::Limit(reached)) = &mut ended.stopped {
            reached.most =
                if reached.limit == Limit::Files { terms.limits.disk_files } else { terms.limits.disk_bytes };
        }
        Ok(ended)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        // Whatever happened, nothing of it is left when the copy goes: its guard, or bubblewrap, ends with this.
        // It fails only when the other end has gone already.
        shutdown(self.sandbox.socket.as_raw_fd(), Shutdown::Both).unwrap_or_default();
        drop(self.child.wait());
    }
}

impl Fallback<'_> {
    /// Makes the folder that copies are in, unless it is there.
    pub(super) fn prepare_place(&self) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.place)
    }

    /// The bubblewrap that is installed, if one is.
    pub(super) fn bubblewrap(&self) -> Option<Bubblewrap> {
        Bubblewrap::find(self.machine.environment.get("PATH").map_or("", String::as_str))
    }

    /// Builds a sandbox of `level` over an empty folder and runs nothing in it.
    ///
    /// # Errors
    /// Why it cannot be built.
    pub(super) fn trial(&self, level: SandboxLevel, limits: &Limits) -> Result<(), NotBuilt> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?;
        let cancel = Cancel::default();
        let job = Job { root: &root, mode: Mode::WorkspaceWrite, limits, hidden: &[], cancel: &cancel };
        let built = self.build(level, &job);
        built.map(drop)
    }

    /// Runs a command in a sandbox of `level`.
    ///
    /// # Errors
    /// When it cannot be built; nothing then ran.
    pub(super) fn run(
        &self,
        level: SandboxLevel,
        mode: Mode,
        argv: &[String],
        request: &RunRequest,
        terms: &Terms<'_>,
        prepared: Preparation,
    ) -> Result<Ran, Failure> {
        let root = request.root.as_path();
        let hidden = prepared.hidden();
        let job = Job { root, mode, limits: &request.limits, hidden: &hidden, cancel: terms.cancel };
        let mut built = self.build(level, &job).map_err(|error| super::runner::not_built(&error))?;
        for path in &hidden {
            built.hide(path).map_err(|error| Failure::io(path, &error))?;
        }
        for (path, state) in prepared.over() {
            built.lay(&path, state.as_ref()).map_err(|error| Failure::io(&path, &error))?;
        }
        let environment = built.sandbox.environment.iter().cloned().chain(offline()).collect();
        let go = Go {
            argv: argv.to_vec(),
            environment,
            folder: built.folder.clone(),
            hidden: Vec::new(),
            over: Vec::new(),
            terminal: None,
        };
        let ended = built.follow(&go, terms).map_err(|error| Failure::io("the sandbox", &error))?;
        let failure = |error: io::Error| Failure::io("what the command wrote", &error);
        built.child.wait().map_err(failure)?;
        let mut captured = Captured::default();
        if mode != Mode::ReadOnly {
            let written = match built.holds {
                Holds::Everything => built.store.reduce(),
                Holds::Writes => built.store.opened(),
            };
            captured = prepared.capture(&Folder::from_descriptor(written.map_err(failure)?), root)?;
        }
        let left_out = built.store.left_out.iter();
        captured
            .refused
            .extend(left_out.map(|(path, why)| Refusal::note(visible_line(&path.to_string_lossy()), why.as_str())));
        Ok(Ran { ended, captured })
    }

    fn build(&self, level: SandboxLevel, job: &Job<'_>) -> Result<Built, NotBuilt> {
        plan::check_root(job.root, &self.machine.home)
            .map_err(|error| NotBuilt::Refused(Failure::new(FailureKind::InvalidInput, error.to_string())))?;
        match level {
            SandboxLevel::Bubblewrap => self.in_bubblewrap(job),
            SandboxLevel::Copy => self.over_copy(job),
            SandboxLevel::Full => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        }
    }

    fn in_bubblewrap(&self, job: &Job<'_>) -> Result<Built, NotBuilt> {
        let Job { root, mode, limits, .. } = *job;
        let found = self.bubblewrap().ok_or_else(|| io::Error::other("it is not installed"))?;
        found.try_it()?;
        let (store, view, holds) = if found.has_overlay() {
            let store = WorkspaceCopy::empty(root, &self.place)?;
            let view = View::Overlay { upper: store.tree().to_path_buf(), work: store.temporary() };
            (store, view, Holds::Writes)
        } else {
            let store = self.copy(job)?;
            let view = View::Copy(store.tree().to_path_buf());
            (store, view, Holds::Everything)
        };
        let executable = self.executable.canonicalize()?;
        let scratch = found.scratch(&self.machine.home, limits, &store);
        let command = found.command(self.machine, root, mode, (&view, &scratch), (&executable, DIRECT_ARGUMENT));
        let mut write = vec![PathBuf::from("/tmp"), self.machine.home.clone(), "/dev".into()];
        write.extend((mode != Mode::ReadOnly).then(|| root.to_path_buf()));
        let reach =
            Reach { list: Vec::new(), read: vec!["/".into()], write, devices: Vec::new(), demand: Demand::WhatThereIs };
        let (processes, each) = (Processes::Own, each(limits, Processes::Own));
        let memory = scratch.iter().filter_map(Scratch::in_memory).collect();
        let fence = Fence { processes, each, limits: *limits, reach, memory };
        let environment = environment::inside(self.machine);
        begin(command, &fence, environment, store, root.to_path_buf(), holds)
    }

    fn over_copy(&self, job: &Job<'_>) -> Result<Built, NotBuilt> {
        let Job { mode, limits, .. } = *job;
        let store = self.copy(job)?;
        let system = SYSTEM.iter().chain(&GLOBAL).map(PathBuf::from).filter(|path| path.exists());
        let mut list = Vec::new();
        let mut read: Vec<PathBuf> = system.flat_map(|path| without_secrets(path, &mut list)).collect();
        for target in environment::tool_chains(&self.machine.home, &self.machine.environment) {
            if let Some(Seen::Real(source)) = self.machine.seen.get(&target) {
                show_at_home(self.machine, &store, &target, source)?;
                read.push(source.clone());
            }
        }
        let mut write = vec![store.home(), store.temporary()];
        if mode == Mode::ReadOnly {
            read.push(store.tree().to_path_buf())
        } else {
            write.push(store.tree().to_path_buf())
        }
        let devices = DEVICES.iter().map(PathBuf::from).collect();
        let reach = Reach { list, read, write, devices, demand: Demand::Everything };
        let (processes, each) = (Processes::Shared, each(limits, Processes::Shared));
        let fence = Fence { processes, each, limits: *limits, reach, memory: Vec::new() };
        let mut command = Command::new(self.executable);
        command.arg(DIRECT_ARGUMENT).env_clear().current_dir("/");
        let (environment, folder) = (self.environment(&store), store.tree().to_path_buf());
        begin(command, &fence, environment, store, folder, Holds::Everything)
    }

    fn copy(&self, job: &Job<'_>) -> Result<WorkspaceCopy, NotBuilt> {
        let Job { root, limits, hidden, cancel, .. } = *job;
        let mut ignored = Ignored::new(root);
        let hidden: HashSet<&Path> = hidden.iter().map(|path| Path::new(path.as_str())).collect();
        let mut treat = |path: &Path, folder: bool| match hidden.contains(path) {
            // What is deleted from a disk can still be found there: a secret is not to come to it.
            true => Treatment::Hidden,
            false if ignored.is_ignored(path, folder) => Treatment::Spare,
            false => Treatment::Needed,
        };
        let room = Room { bytes: limits.disk_bytes, files: limits.disk_files };
        WorkspaceCopy::make(root, &self.place, room, &mut treat, cancel).map_err(NotBuilt::Refused)
    }

    /// The usual environment, with a home and a folder for temporary files beside the copy.
    fn environment(&self, store: &WorkspaceCopy) -> Vec<(String, String)> {
        let mut variables: BTreeMap<String, String> = environment::inside(self.machine).into_iter().collect();
        for (name, value) in &mut variables {
            if let Ok(rest) = Path::new(value).strip_prefix(&self.machine.home)
                && name != "PATH"
            {
                *value = store.home().join(rest).display().to_string();
            }
        }
        variables.insert("HOME".to_owned(), store.home().display().to_string());
        variables.insert("TMPDIR".to_owned(), store.temporary().display().to_string());
        variables.into_iter().collect()
    }
}

/// What the kernel holds each process to. Among the processes of everybody, a limit to their number would count those too:
/// there they are measured.
fn each(limits: &Limits, processes: Processes) -> Vec<(Resource, u64)> {
    let steps = rlimits::steps(limits)
        .into_iter()
        .filter_map(|step| if let Step::Limit(resource, most) = step { Some((resource, most)) } else { None });
    steps.filter(|(resource, _)| processes == Processes::Own || *resource != Resource::Processes).collect()
}

/// What of `path` may be read: all of it, or, where it holds secrets, everything in it but them; a rule cannot take back
/// what a rule above it gives. Folders on the way are added to `list`.
fn without_secrets(path: PathBuf, list: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut paths = vec![path];
    while let Some(path) = paths.pop() {
        let mut secrets = SECRETS.iter().map(Path::new).filter(|secret| secret.starts_with(&path)).peekable();
        if secrets.peek().is_none() {
            found.push(path);
        } else if secrets.all(|secret| secret != path) {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            paths.extend(entries.map(|entry| entry.path()));
            list.push(path);
        }
    }
    // Links lead to places that have rules of their own; what is gone by now needs none.
    found.retain(|path| path.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()));
    found
}

/// Links a tool chain of the user's home to its place in the command's.
fn show_at_home(machine: &Machine, store: &WorkspaceCopy, target: &Path, source: &Path) -> io::Result<()> {
    let Ok(rest) = target.strip_prefix(&machine.home) else { return Ok(()) };
    let link = store.home().join(rest);
    std::fs::create_dir_all(link.parent().unwrap_or(&link))?;
    std::os::unix::fs::symlink(source, link)
}

/// Starts the sandbox and waits until it waits for its command.
fn begin(
    mut command: Command,
    fence: &Fence,
    environment: Vec<(String, String)>,
    store: WorkspaceCopy,
    folder: PathBuf,
    holds: Holds,
) -> Result<Built, NotBuilt> {
    let (ours, theirs) = channel::pair()?;
    channel::send(ours.as_fd(), fence, &[])?;
    let mut child = command.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let complaints = child.stderr.take();
    // The end that the child has is its own alone: only so does its end show.
    drop(command);
    let process: Option<OwnedFd> = Some(sys::process_descriptor(child.id())?);
    let sandbox = Sandbox { process, ..Sandbox::new(ours, environment) };
    let mut built = Built { sandbox, child, store, folder, holds };
    let Err(error) = built.sandbox.wait() else { return Ok(built) };
    // Bubblewrap says on standard error what it could not do; what it started has ended with it.
    drop(built);
    let mut said = String::new();
    complaints.map(|from| from.take(MOST_SAID).read_to_string(&mut said)).transpose()?;
    if matches!(error, NotBuilt::Silent) && !said.is_empty() {
        return Err(io::Error::other(said.trim().to_owned()).into());
    }
    Err(error)
}

#[cfg(test)]
mod tests;
