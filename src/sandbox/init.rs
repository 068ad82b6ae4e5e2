//! Process 1 of a sandbox: applies a plan step by step, starts the process that becomes the command, and looks after
//! all others; with its end the kernel ends every process of the sandbox.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::setrlimit;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, pipe2, setsid};

use super::channel::{self, FailedStep, Report};
use super::identity::{self, Trees};
use super::renames::Attendant;
use super::step::{Plan, Resource, Step};
use super::usage::{self, Meter};
use super::{child, filter, landlock, mounts, sys};
use crate::ports::LimitReached;

/// A step that failed.
pub(super) struct Failed {
    step: String,
    /// What went wrong in it.
    pub(super) error: io::Error,
}

/// Names the step that an error comes from.
pub(super) fn failed<E: Into<io::Error>>(step: impl ToString) -> impl FnOnce(E) -> Failed {
    move |error| Failed { step: step.to_string(), error: error.into() }
}

/// Tells the server of a failed step. When it has gone there is nobody left to tell.
pub(super) fn tell(socket: &OwnedFd, failed: &Failed) {
    let number = failed.error.raw_os_error().unwrap_or_default();
    let report = FailedStep { step: failed.step.clone(), error: failed.error.to_string(), number };
    drop(channel::send(socket.as_fd(), &Report::Failed(report), &[]));
}

/// The whole life of process 1, begun in its namespaces; `socket` leads to the server. Returns its exit code.
pub(super) fn run(plan: &Plan, socket: &OwnedFd, helper: OwnedFd) -> i32 {
    let become_child = |socket: &OwnedFd, workspace, announced| child::run(socket, workspace, Some(announced));
    let lived = build(plan, socket, helper)
        .and_then(|workspace| attend(&Measured::Here(plan), socket, workspace, &become_child));
    match lived {
        Ok(()) => 0,
        Err(failed) => {
            tell(socket, &failed);
            1
        }
    }
}

/// Applies the plan. Returns the workspace as it may be written to.
fn build(plan: &Plan, socket: &OwnedFd, helper: OwnedFd) -> Result<Option<OwnedFd>, Failed> {
    sys::default_signals();
    setsid().map_err(failed("begin a session"))?;
    umask(Mode::from_bits_truncate(0o022));
    let mut trees = identity::assume(&plan.identity, helper.as_fd())?;
    drop(helper);
    // Becoming another user resets this, so it comes after. A helper that has gone already took the server with it,
    // or the server will close the socket.
    set_pdeathsig(Signal::SIGKILL).map_err(failed("follow the helper"))?;
    // Neither readable nor traceable by the command, which runs as the same user.
    set_dumpable(false).map_err(failed("hide process 1"))?;
    // When memory runs out, the sandbox goes first. Kernels that refuse this lose nothing else.
    drop(std::fs::write("/proc/self/oom_score_adj", "800"));
    let mut workspace = None;
    for step in &plan.steps {
        let captured = apply(step, &mut trees, socket).map_err(failed(step))?;
        workspace = captured.or(workspace);
    }
    Ok(workspace)
}

/// Applies one step. Returns the workspace, when the step shows it.
fn apply(step: &Step, trees: &mut Trees, socket: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    match step {
        Step::HostName(name) => nix::unistd::sethostname(name)?,
        Step::Loopback => sys::loopback_up()?,
        Step::Listen(port) => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port))?;
            channel::send(socket.as_fd(), &Report::Listening, &[listener.as_fd()])?;
        }
        Step::NewRoot(quota) => mounts::new_root(*quota)?,
        Step::Folder(path) => mounts::folder(path)?,
        Step::Link { path, target } => mounts::link(path, target)?,
        Step::Bind { source, target, purpose } => mounts::bind(trees, source, target, *purpose)?,
        Step::Lose { source, target, quota } => mounts::lose(trees, source, target, *quota)?,
        Step::Memory { path, quota, mode } => mounts::memory_inside(path, *quota, *mode)?,
        Step::Terminals(path) => mounts::terminals(path)?,
        Step::Processes(path) => mounts::processes(path)?,
        Step::Protect(path) => mounts::protect(path)?,
        Step::Hide(path) => mounts::hide(path)?,
        Step::Capture { folder, kept, writes } => {
            let captured = mounts::capture(trees, folder, kept.as_deref(), writes)?;
            channel::send(socket.as_fd(), &Report::Captured, &[captured.writes.as_fd()])?;
            return Ok(Some(captured.workspace));
        }
        Step::Seal(path) => mounts::seal(path)?,
        Step::EnterRoot => mounts::enter_root()?,
        Step::Share(share, most) => mounts::share(*share, *most)?,
        Step::Limit(resource, most) => limit(*resource, *most)?,
        Step::NoNewPrivileges => set_no_new_privs()?,
        Step::DropCapabilities => sys::drop_capabilities()?,
        Step::RestrictPaths(rules) => landlock::restrict(rules)?,
        Step::FilterCalls => sys::install_filter(&filter::program())?,
    }
    Ok(None)
}

/// Limits a resource of this process and all it will start.
pub(super) fn limit(resource: Resource, most: u64) -> io::Result<()> {
    use nix::sys::resource::Resource as Kernel;
    let kernel = match resource {
        Resource::CoreDump => Kernel::RLIMIT_CORE,
        Resource::CpuTime => Kernel::RLIMIT_CPU,
        Resource::FileSize => Kernel::RLIMIT_FSIZE,
        Resource::Processes => Kernel::RLIMIT_NPROC,
        Resource::OpenFiles => Kernel::RLIMIT_NOFILE,
        Resource::LockedMemory => Kernel::RLIMIT_MEMLOCK,
        Resource::MessageQueues => Kernel::RLIMIT_MSGQUEUE,
        Resource::RealTime => Kernel::RLIMIT_RTPRIO,
        Resource::PendingSignals => Kernel::RLIMIT_SIGPENDING,
    };
    // A limit that is lower already stays.
    let (_, hard) = nix::sys::resource::getrlimit(kernel)?;
    let most = most.min(hard);
    // At the one comes a signal that names the limit, at the other one that cannot be ignored.
    let last = if resource == Resource::CpuTime { most.saturating_add(1).min(hard) } else { most };
    Ok(setrlimit(kernel, most, last)?)
}

/// Who measures what all processes use together.
pub(super) enum Measured<'a> {
    /// Process 1, against the limits of this plan.
    Here(&'a Plan),
    /// A process above it.
    Above,
}

/// What the process does that becomes the command, with the sockets to the server and for the listener to its renames;
/// returns its exit code when it could not.
pub(super) type BecomeChild<'a> = &'a dyn Fn(&OwnedFd, Option<OwnedFd>, OwnedFd) -> i32;

/// Starts the process that becomes the command, then waits for its end or the server's word.
pub(super) fn attend(
    measured: &Measured<'_>,
    socket: &OwnedFd,
    workspace: Option<OwnedFd>,
    become_child: BecomeChild<'_>,
) -> Result<(), Failed> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.thread_block().map_err(failed("watch processes"))?;
    let ended = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
    let ended = ended.map_err(failed("watch processes"))?;
    // Closed with the execution of the command, or with the end of the process that was to become it.
    let (begun, parked) = pipe2(OFlag::O_CLOEXEC).map_err(failed("watch processes"))?;
    let (renames, announced) = channel::pair().map_err(failed("listen to renames"))?;
    let child = match sys::fork().map_err(failed("start a process"))? {
        ForkResult::Child => {
            drop((ended, begun, renames));
            let code = become_child(socket, workspace, announced);
            drop(parked);
            std::process::exit(code);
        }
        ForkResult::Parent { child } => child,
    };
    drop((workspace, parked, announced));
    let attendant = Attendant::receive(renames.as_fd()).map_err(failed("listen to renames"))?;
    drop(renames);
    channel::send(socket.as_fd(), &Report::Parked, &[]).map_err(failed("report"))?;
    let mut watch = Watch { socket, ended, child, attendant, pace: Pace::Parked(begun), meter: None };
    let report = watch.run(measured).map_err(failed("watch processes"))?;
    // What the command left running could still write: nothing is reported before it is gone.
    end_all().map_err(failed("end all processes"))?;
    let met = watch.meter.map_or_else(Vec::new, Meter::met);
    if !met.is_empty() {
        channel::send(socket.as_fd(), &Report::Reached(met), &[]).map_err(failed("report"))?;
    }
    channel::send(socket.as_fd(), &report, &[]).map_err(failed("report"))
}

/// What process 1 looks after.
struct Watch<'a> {
    socket: &'a OwnedFd,
    ended: SignalFd,
    child: Pid,
    attendant: Option<Attendant>,
    pace: Pace,
    meter: Option<Meter>,
}

/// What process 1 wakes up for besides.
enum Pace {
    /// The beginning of the command.
    Parked(OwnedFd),
    /// Measuring, again and again.
    Running(OwnedFd),
}

impl Watch<'_> {
    /// Collects every process that ends, until the command has, a limit is passed, or the server wants an end.
    fn run(&mut self, measured: &Measured<'_>) -> io::Result<Report> {
        // The server closes its end, or says that it will send no more.
        let gone = PollFlags::from_bits_retain(libc::POLLRDHUP);
        loop {
            let (Pace::Parked(pace) | Pace::Running(pace)) = &self.pace;
            let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
            // Nobody listens to renames before the first one.
            let renames = self.attendant.as_ref().and_then(Attendant::wakes).unwrap_or(self.ended.as_fd());
            let mut events = [
                PollFd::new(self.socket.as_fd(), gone),
                readable(self.ended.as_fd()),
                readable(pace.as_fd()),
                readable(renames),
            ];
            match poll(&mut events, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let [server, signal, paced, renames] = events.map(|event| event.revents().unwrap_or(PollFlags::POLLIN));
            let [server, signal, paced] = [server, signal, paced].map(|event| !event.is_empty());
            if signal {
                self.ended.read_signal()?;
                if let Some(report) = self.collect()? {
                    return Ok(report);
                }
            } else if renames.contains(PollFlags::POLLIN)
                && let Some(attendant) = &mut self.attendant
            {
                attendant.start()?;
            } else if !renames.is_empty() {
                // The last who could rename has ended.
                self.attendant = None;
            }
            if server {
                return Ok(Report::Stopped);
            }
            if paced && let Some(limit) = self.measure(measured)? {
                return Ok(Report::Limited(limit));
            }
        }
    }

    /// Collects the processes that have ended; a report when the command is among them.
    fn collect(&mut self) -> io::Result<Option<Report>> {
        let mut report = None;
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.child => report = Some(Report::Exited(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.child => {
                    report = Some(Report::Signalled(signal as i32));
                }
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => {
                    if let Some(attendant) = &mut self.attendant {
                        attendant.ended(pid);
                    }
                }
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(report),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The limit that is passed, if one is; the first time only begins to measure.
    fn measure(&mut self, measured: &Measured<'_>) -> io::Result<Option<LimitReached>> {
        if let Pace::Running(ticker) = &self.pace {
            // However often it has ticked meanwhile, once is enough.
            nix::unistd::read(ticker, &mut [0; 8])?;
            return self.meter.as_mut().map_or(Ok(None), Meter::check);
        }
        self.meter = match measured {
            Measured::Here(plan) => {
                let in_memory = plan.in_memory().map(|(path, _)| path.to_path_buf()).collect();
                Some(Meter::new(&plan.limits, in_memory))
            }
            Measured::Above => None,
        };
        self.pace = Pace::Running(sys::ticker(usage::TICK)?);
        Ok(None)
    }
}

/// Ends every process but this one, and waits until the last has gone.
pub(super) fn end_all() -> io::Result<()> {
    loop {
        match kill(Pid::from_raw(-1), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error.into()),
        }
        match waitpid(None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
