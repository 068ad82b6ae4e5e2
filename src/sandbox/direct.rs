//! A sandbox that the helper did not clone, on machines where it may not: inside the namespaces that bubblewrap made,
//! or in none at all. The program is executed anew, applies the walls that are left to it, and then goes on as process 1
//! of any other sandbox does.
//!
//! Without a namespace of processes, nothing ends them with their process 1. Two processes take its place, each of
//! which ends all others when its turn comes: the guard, and below it the one that stands for process 1. Landlock puts
//! the command below both, out of whose reach it could signal them, and keeps their own signals from everything else:
//! `kill(-1)` means the sandbox and nothing but it. That this is so is proven before a command can begin.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_dumpable, set_no_new_privs};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{ForkResult, Pid, getppid, setsid};
use serde::{Deserialize, Serialize};

use super::channel::{self, Report};
use super::confine::{self, Reach};
use super::identity::Identity;
use super::init::{self, Failed, Measured, failed, tell};
use super::step::{Plan, Quota, Resource, Step};
use super::usage::{self, Meter};
use super::{filter, sys};
use crate::ports::{LimitReached, Limits};

/// The first argument that makes the program such a sandbox instead of what it usually is.
pub(super) const DIRECT_ARGUMENT: &str = "__sandbox-direct";

/// Whose processes it lives among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Processes {
    /// Its own: it is process 1 of a namespace.
    Own,
    /// Everybody's.
    Shared,
}

/// The walls that are left to build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fence {
    /// Whose processes it lives among.
    pub(super) processes: Processes,
    /// Limits of each process.
    pub(super) each: Vec<(Resource, u64)>,
    /// Limits of all together.
    pub(super) limits: Limits,
    /// What the command can reach.
    pub(super) reach: Reach,
    /// File systems in memory that were made for it alone, with what each holds at most.
    pub(super) memory: Vec<(PathBuf, Quota)>,
}

/// The whole life of such a sandbox. The socket to the server is its standard input.
pub(super) fn serve() -> io::Result<()> {
    // When memory runs out, the sandbox goes first. It has to be said before this process hides: after that its files in
    // `/proc` are root's. Kernels that refuse it lose nothing else.
    drop(std::fs::write("/proc/self/oom_score_adj", "800"));
    sys::close_from(3)?;
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    let Some((fence, _)) = channel::receive::<Fence>(socket.as_fd())? else { return Ok(()) };
    let lived = match fence.processes {
        Processes::Own => live(&fence, &socket, None),
        Processes::Shared => guard(&fence, socket),
    };
    lived.map_err(|failed| failed.error)
}

/// The guard: waits for the process below it, and ends all that it leaves.
fn guard(fence: &Fence, socket: OwnedFd) -> Result<(), Failed> {
    let told = |failed: Failed| {
        tell(&socket, &failed);
        failed
    };
    let outsider = getppid();
    alone(outsider).map_err(told)?;
    let below = sys::fork().map_err(failed("start a process")).map_err(told)?;
    let ForkResult::Parent { child } = below else {
        let lived = live(fence, &socket, Some(getppid()));
        std::process::exit(i32::from(lived.is_err()));
    };
    let passed = watch(child, &fence.limits).map_err(failed("watch processes"));
    // Whatever has happened, nothing of the command is left when the server hears of it.
    init::end_all().map_err(failed("end all processes"))?;
    if let Some(limit) = passed? {
        channel::send(socket.as_fd(), &Report::Limited(limit), &[]).map_err(failed("report"))?;
    }
    Ok(())
}

/// Waits for the end of the process below, or for a limit that all processes below that pass together.
fn watch(child: Pid, limits: &Limits) -> io::Result<Option<LimitReached>> {
    let number = child.as_raw().cast_unsigned();
    let (ended, ticker) = (sys::process_descriptor(number)?, sys::ticker(usage::TICK)?);
    let mut meter = Meter::below(limits, number);
    loop {
        let mut events = [&ended, &ticker].map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN));
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [ended, paced] = events.map(|event| event.any().unwrap_or(true));
        if ended {
            return Ok(None);
        }
        if paced {
            nix::unistd::read(&ticker, &mut [0; 8])?;
            if let Some(limit) = meter.check()? {
                return Ok(Some(limit));
            }
        }
    }
}

/// Makes this process one that collects all others below it, and can signal no others.
fn alone(outsider: Pid) -> Result<(), Failed> {
    setsid().map_err(failed("begin a session"))?;
    set_child_subreaper(true).map_err(failed("collect processes"))?;
    set_dumpable(false).map_err(failed("hide the guard"))?;
    confine::nest().map_err(failed("keep signals in the sandbox"))?;
    confine::prove_signals_stay(outsider).map_err(failed("keep signals in the sandbox"))
}

/// The life of the process that stands for process 1; `above` is a process that it must not be able to signal.
fn live(fence: &Fence, socket: &OwnedFd, above: Option<Pid>) -> Result<(), Failed> {
    // Nothing of this is applied: it tells what there is to measure, and what has a quota of its own.
    let memory = fence.memory.iter().map(|(path, quota)| Step::Memory { path: path.clone(), quota: *quota, mode: 0 });
    let plan = Plan { identity: Identity::Same { uid: 0, gid: 0 }, steps: memory.collect(), limits: fence.limits };
    let measured = match fence.processes {
        Processes::Own => Measured::Here(&plan),
        Processes::Shared => Measured::Above,
    };
    let lived = wall_in(fence, above).and_then(|()| init::attend(&measured, socket, init::Built::default()));
    lived.map(|_| ()).inspect_err(|failed| tell(socket, failed))
}

/// Gives up every capability. Who has none may not even say so; what it executes gets none either, since no privileges
/// can be gained.
fn drop_capabilities() -> io::Result<()> {
    match sys::drop_capabilities() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) && has_no_capability()? => Ok(()),
        other => other,
    }
}

fn wall_in(fence: &Fence, above: Option<Pid>) -> Result<(), Failed> {
    sys::default_signals();
    setsid().map_err(failed("begin a session"))?;
    umask(Mode::from_bits_truncate(0o022));
    set_dumpable(false).map_err(failed("hide process 1"))?;
    for (resource, most) in &fence.each {
        init::limit(*resource, *most).map_err(failed(format!("limit {resource:?} to {most}")))?;
    }
    set_no_new_privs().map_err(failed("allow no new privileges"))?;
    if let Some(above) = above {
        set_child_subreaper(true).map_err(failed("collect processes"))?;
        confine::confine(&fence.reach).map_err(failed("confine files, ports and signals"))?;
        confine::prove_signals_stay(above).map_err(failed("keep signals in the sandbox"))?;
    } else {
        confine::confine(&fence.reach).map_err(failed("confine files and signals"))?;
    }
    drop_capabilities().map_err(failed("drop all capabilities"))?;
    sys::install_filter(filter::program()).map_err(failed("filter system calls"))?;
    match fence.processes {
        Processes::Own => Ok(()),
        Processes::Shared => sys::install_filter(&filter::shared_program()).map_err(failed("filter system calls")),
    }
}

/// Whether this process has no capability, neither in effect nor to put into effect (proc_pid_status(5)).
fn has_no_capability() -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let none = |name: &str| {
        let held = status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        held.is_some_and(|held| !held.is_empty() && held.bytes().all(|digit| digit == b'0'))
    };
    Ok(none("CapEff:") && none("CapPrm:"))
}
