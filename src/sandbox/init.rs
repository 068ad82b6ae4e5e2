//! Process 1 of a sandbox: applies a plan step by step, starts the process that becomes the command, and looks after
//! all others; with its end the kernel ends every process of the sandbox.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::setrlimit;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::channel::{self, FailedStep, Report};
use super::identity::{self, Trees};
use super::renames::Attendant;
use super::step::{Plan, Resource, Step};
use super::usage::Meter;
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

/// What the helper tells process 1 at last: what to become, and the paths of the folders that come with this, after the
/// socket to the server.
type Assigned = (Plan, Vec<PathBuf>);

/// The whole life of process 1, begun in its namespaces: does the first `done` steps of `image`, and then, when `helper`
/// says for whom it is, the others of the plan that comes with that. Returns its exit code.
pub(super) fn run(image: &Plan, done: usize, helper: OwnedFd) -> i32 {
    let begun = begin(image, done, &helper);
    let Ok(Some(((plan, folders), socket, trees))) = assigned(&helper) else { return 0 };
    drop(helper);
    let build = |(mut built, mut lent): (Built, Trees)| {
        lent.add(folders, trees);
        apply_all(plan.steps.get(done..).unwrap_or_default(), &mut lent, &mut built)?;
        Ok(built)
    };
    match begun.and_then(build).and_then(|built| attend(&Measured::Here(&plan), &socket, built)) {
        Ok(Attended::Nothing) => 0,
        Ok(Attended::Command) => {
            // The server has work to do now, and taking all this down can wait until it is done with it.
            let gone = PollFlags::from_bits_retain(libc::POLLRDHUP);
            poll(&mut [PollFd::new(socket.as_fd(), gone)], PollTimeout::NONE).unwrap_or_default();
            0
        }
        Err(failed) => {
            tell(&socket, &failed);
            1
        }
    }
}

/// What it is to become, once the helper says so.
fn assigned(helper: &OwnedFd) -> io::Result<Option<(Assigned, OwnedFd, std::vec::IntoIter<OwnedFd>)>> {
    let patience = PollTimeout::try_from(child::PATIENCE).unwrap_or(PollTimeout::NONE);
    if poll(&mut [PollFd::new(helper.as_fd(), PollFlags::POLLIN)], patience)? == 0 {
        return Ok(None);
    }
    let Some((assigned, descriptors)) = channel::receive::<Assigned>(helper.as_fd())? else { return Ok(None) };
    let mut descriptors = descriptors.into_iter();
    Ok(descriptors.next().map(|socket| (assigned, socket, descriptors)))
}

/// What the steps of a plan make that is reached by descriptors.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// The workspace as it may be written to.
    pub(super) workspace: Option<OwnedFd>,
    /// The folder that receives the writes.
    pub(super) writes: Option<OwnedFd>,
    /// The listener for the proxy.
    pub(super) listener: Option<OwnedFd>,
}

/// Becomes the user of `image` and does its first `done` steps.
fn begin(image: &Plan, done: usize, helper: &OwnedFd) -> Result<(Built, Trees), Failed> {
    sys::default_signals();
    setsid().map_err(failed("begin a session"))?;
    umask(Mode::from_bits_truncate(0o022));
    // When memory runs out, the sandbox goes first. Kernels that refuse this lose nothing else.
    drop(std::fs::write("/proc/self/oom_score_adj", "800"));
    let lent = channel::receive::<Vec<PathBuf>>(helper.as_fd()).map_err(failed("listen to the helper"))?;
    let (folders, trees) = lent.ok_or_else(|| failed("listen to the helper")(Errno::EPIPE))?;
    identity::assume(&image.identity)?;
    // Becoming another user resets this, so it comes after. A helper that has gone already took the server with it,
    // or the server will close the socket.
    set_pdeathsig(Signal::SIGKILL).map_err(failed("follow the helper"))?;
    // Neither readable nor traceable by the command, which runs as the same user.
    set_dumpable(false).map_err(failed("hide process 1"))?;
    let (mut built, mut lent) = (Built::default(), Trees::default());
    lent.add(folders, trees.into_iter());
    apply_all(image.steps.get(..done).unwrap_or_default(), &mut lent, &mut built)?;
    Ok((built, lent))
}

fn apply_all(steps: &[Step], trees: &mut Trees, built: &mut Built) -> Result<(), Failed> {
    steps.iter().try_for_each(|step| apply(step, trees, built).map_err(failed(step)))
}

fn apply(step: &Step, trees: &mut Trees, built: &mut Built) -> io::Result<()> {
    match step {
        Step::HostName(name) => nix::unistd::sethostname(name)?,
        Step::Loopback => sys::loopback_up()?,
        Step::Listen(port) => {
            built.listener = Some(TcpListener::bind((Ipv4Addr::LOCALHOST, *port))?.into());
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
            let shown = mounts::capture(trees, folder, kept.as_deref(), writes)?;
            (built.workspace, built.writes) = (Some(shown.workspace), Some(shown.writes));
        }
        Step::Seal(path) => mounts::seal(path)?,
        Step::EnterRoot => mounts::enter_root()?,
        Step::Share(share, most) => mounts::share(*share, *most)?,
        Step::Limit(resource, most) => limit(*resource, *most)?,
        Step::NoNewPrivileges => set_no_new_privs()?,
        Step::DropCapabilities => sys::drop_capabilities()?,
        Step::RestrictPaths(rules) => landlock::restrict(rules)?,
        Step::FilterCalls => sys::install_filter(filter::program())?,
    }
    Ok(())
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

/// What has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attended {
    /// The wait for a command.
    Nothing,
    /// A command.
    Command,
}

/// Those too whose end sends another signal than that of a child (clone(2), `__WALL`): that there is no child must mean
/// that no process of the command is left.
const EVERY_CHILD: WaitPidFlag = WaitPidFlag::__WALL;

/// Starts the process that becomes the command, then waits for its end or the server's word.
pub(super) fn attend(measured: &Measured<'_>, socket: &OwnedFd, built: Built) -> Result<Attended, Failed> {
    const WATCH: &str = "watch processes";
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.thread_block().map_err(failed(WATCH))?;
    let ended =
        SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed(WATCH))?;
    // Started by the child right before it becomes the command: whoever has it sees whether that has begun, and nobody
    // has to be woken to hear of it.
    let ticker = sys::stopped_timer().map_err(failed(WATCH))?;
    let meter = match measured {
        Measured::Here(plan) => Some(Meter::new(&plan.limits, plan.in_memory().map(|(path, _)| path))),
        Measured::Above => None,
    };
    let meter = meter.transpose().map_err(failed(WATCH))?;
    let (renames, announced) = channel::pair().map_err(failed("listen to renames"))?;
    let child = {
        // A copy, which is what is measured from above, is a plain folder, where every rename works by itself.
        let announced = matches!(measured, Measured::Here(_)).then_some(announced.as_fd());
        let place = child::Place { socket, ticker: &ticker, built: &built, announced };
        sys::start_in_same_memory(&|| child::run(&place)).map_err(failed("start a process"))?
    };
    drop((built, announced));
    let attendant = Attendant::receive(renames.as_fd()).map_err(failed("listen to renames"))?;
    drop(renames);
    let mut watch = Watch { socket, ended, child, attendant, ticker, meter, alone: false };
    let report = watch.run().map_err(failed(WATCH))?;
    // What the command left running could still write: nothing is reported before it is gone.
    if !watch.alone {
        end_all().map_err(failed("end all processes"))?;
    }
    let met = watch.meter.take().map_or_else(Vec::new, Meter::met);
    if !met.is_empty() {
        channel::send(socket.as_fd(), &Report::Reached(met), &[]).map_err(failed("report"))?;
    }
    channel::send(socket.as_fd(), &report, &[]).map_err(failed("report"))?;
    let begun = sys::is_ticking(watch.ticker.as_fd()).map_err(failed("report"))?;
    Ok(if begun { Attended::Command } else { Attended::Nothing })
}

/// What process 1 looks after.
struct Watch<'a> {
    socket: &'a OwnedFd,
    ended: SignalFd,
    child: Pid,
    attendant: Option<Attendant>,
    /// Ticks from the beginning of the command on.
    ticker: OwnedFd,
    meter: Option<Meter>,
    /// Whether no other process is left.
    alone: bool,
}

impl Watch<'_> {
    /// Collects every process that ends, until the command has, a limit is passed, or the server wants an end.
    fn run(&mut self) -> io::Result<Report> {
        // The server closes its end, or says that it will send no more.
        let gone = PollFlags::from_bits_retain(libc::POLLRDHUP);
        loop {
            let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
            let renames = self.attendant.as_ref().and_then(Attendant::wakes);
            let mut events = vec![
                PollFd::new(self.socket.as_fd(), gone),
                readable(self.ended.as_fd()),
                readable(self.ticker.as_fd()),
            ];
            events.extend(renames.map(readable));
            match poll(&mut events, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut said = events.into_iter().map(|event| event.revents().unwrap_or(PollFlags::POLLIN));
            let mut next = || said.next().unwrap_or(PollFlags::empty());
            let (server, signal, tick, renames) = (next(), next(), next(), next());
            // Before anybody is collected, so that the events still belong to what they were polled for.
            if let Some(attendant) = &mut self.attendant
                && !renames.is_empty()
            {
                attendant.attend(renames)?;
            }
            if !signal.is_empty() {
                self.ended.read_signal()?;
                if let Some(report) = self.collect()? {
                    return Ok(report);
                }
            }
            if !server.is_empty() {
                return Ok(Report::Stopped);
            }
            if !tick.is_empty()
                && let Some(limit) = self.measure()?
            {
                return Ok(Report::Limited(limit));
            }
        }
    }

    /// Collects the processes that have ended; a report when the command is among them.
    fn collect(&mut self) -> io::Result<Option<Report>> {
        let mut report = None;
        loop {
            match waitpid(None, Some(EVERY_CHILD | WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.child => report = Some(Report::Exited(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.child => {
                    report = Some(Report::Signalled(signal as i32));
                }
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => {
                    if let Some(attendant) = &mut self.attendant {
                        attendant.ended(pid);
                    }
                }
                Ok(WaitStatus::StillAlive) => return Ok(report),
                Err(Errno::ECHILD) => {
                    self.alone = true;
                    return Ok(report);
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The limit that is passed, if one is.
    fn measure(&mut self) -> io::Result<Option<LimitReached>> {
        // However often it has ticked meanwhile, once is enough.
        nix::unistd::read(&self.ticker, &mut [0; 8])?;
        self.meter.as_mut().map_or(Ok(None), Meter::check)
    }
}

/// Ends every process but this one, and waits until the last has gone.
pub(super) fn end_all() -> io::Result<()> {
    loop {
        match kill(Pid::from_raw(-1), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error.into()),
        }
        match waitpid(None, Some(EVERY_CHILD)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
