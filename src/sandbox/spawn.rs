//! The parent: starts the child, passes its output on as it comes, ends it in time, hears how it went.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::channel::{self, Report};
use super::init::INIT_ARGUMENT;
use super::output::{Budget, Cleaner};
use super::step::Plan;
use super::sys;
use crate::ports::{Cancel, OutputStream};

/// How often a job looks whether it was cancelled, in milliseconds.
const TICK: u16 = 50;
/// How long after the end of a command on the host its output is waited for, which a process that it
/// left behind may hold open, in milliseconds.
const LINGER: Duration = Duration::from_millis(200);
/// How long a child may take to end after it was told to.
const GRACE: Duration = Duration::from_secs(5);

/// Where output goes.
pub(super) type Output<'a> = &'a (dyn Fn(OutputStream, &str) + Sync);

/// Why the parent ended the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its time was over.
    Timeout,
    /// The user asked for it.
    Cancelled,
}

/// What a child left.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// What it reported, in order.
    pub(super) reports: Vec<Report>,
    /// The folder that received its writes.
    pub(super) writes: Option<OwnedFd>,
    /// Why the parent ended it, when it did.
    pub(super) stopped: Option<Stop>,
    /// Output bytes not passed on.
    pub(super) dropped: u64,
}

/// When to stop, and where output goes meanwhile.
pub(super) struct Terms<'a> {
    /// Longest time.
    pub(super) timeout: Duration,
    /// Most bytes of output.
    pub(super) output_limit: usize,
    /// Where output goes.
    pub(super) output: Output<'a>,
    /// Asks to stop.
    pub(super) cancel: &'a Cancel,
}

/// Runs a plan in a child of the program at `executable`, to the end of its last process.
pub(super) fn contained(executable: &Path, plan: &Plan, terms: &Terms<'_>) -> io::Result<Ended> {
    let (ours, theirs) = channel::pair()?;
    let mut child = Command::new(executable)
        .arg(INIT_ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut ours = Some(ours);
    // A child that is gone already says so by its silence below.
    if let Some(socket) = &ours {
        drop(channel::send_plan(socket, plan));
    }
    let mut ended = Ended::default();
    let mut hear = |socket: &OwnedFd| match channel::receive_report(socket) {
        Ok(Some((report, descriptor))) => {
            ended.writes = descriptor.or(ended.writes.take());
            ended.reports.push(report);
            true
        }
        Ok(None) | Err(_) => false,
    };
    let mut pump = Pump::new(&mut child, terms)?;
    let stopped = pump.run(&mut ours, &mut hear, |ours| drop(ours.take()));
    if stopped.is_err() {
        // Its inner process follows it.
        child.kill()?;
    }
    child.wait()?;
    if let Some(socket) = &ours {
        while hear(socket) {}
    }
    let dropped = pump.finish()?;
    Ok(Ended { stopped: stopped?, dropped, ..ended })
}

/// Runs a command with the user's own powers; on time-out its process group is ended.
pub(super) fn on_host(command: &mut Command, terms: &Terms<'_>) -> io::Result<(std::process::ExitStatus, Ended)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
    // It fails only when there is nothing left to end.
    let end_group = || nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap_or_default();
    let mut pump = Pump::new(&mut child, terms).inspect_err(|_| end_group())?;
    let stopped = pump.run(&mut None, &mut |_| false, |_| end_group());
    if stopped.is_err() {
        end_group();
    }
    let status = child.wait()?;
    let dropped = pump.finish()?;
    Ok((status, Ended { stopped: stopped?, dropped, ..Ended::default() }))
}

/// One stream of a child, until its end.
struct Stream<R> {
    source: Option<R>,
    cleaner: Cleaner,
    which: OutputStream,
}

impl<R: Read + AsFd> Stream<R> {
    /// Passes on what is there; to be called when something is, or the stream has ended.
    fn read(&mut self, budget: &mut Budget, output: Output<'_>) {
        let mut bytes = [0; 32 * 1024];
        let count = match self.source.as_mut().map(|source| source.read(&mut bytes)) {
            Some(Ok(count)) => count,
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return,
            Some(Err(_)) | None => 0,
        };
        let text = match bytes.get(..count) {
            Some([]) | None => {
                self.source = None;
                self.cleaner.finish()
            }
            Some(read) => self.cleaner.clean(read),
        };
        let passed = budget.take(&text);
        if !passed.is_empty() {
            output(self.which, passed);
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().map(AsFd::as_fd)
    }
}

/// Watches a child: its streams, its end, the deadline.
struct Pump<'a> {
    out: Stream<ChildStdout>,
    error: Stream<ChildStderr>,
    process: OwnedFd,
    deadline: OwnedFd,
    budget: Budget,
    terms: &'a Terms<'a>,
}

/// What there is to do.
#[derive(Debug, Default, Clone, Copy)]
struct Ready {
    out: bool,
    error: bool,
    socket: bool,
    ended: bool,
    late: bool,
}

impl<'a> Pump<'a> {
    fn new(child: &mut Child, terms: &'a Terms<'a>) -> io::Result<Self> {
        let cleaner = Cleaner::default;
        Ok(Self {
            process: sys::process_descriptor(child.id())?,
            deadline: sys::timer(terms.timeout)?,
            out: Stream { source: child.stdout.take(), cleaner: cleaner(), which: OutputStream::Out },
            error: Stream { source: child.stderr.take(), cleaner: cleaner(), which: OutputStream::Error },
            budget: Budget::new(terms.output_limit),
            terms,
        })
    }

    /// Passes output on until the child has ended; calls `stop` once when it has to be ended.
    fn run(
        &mut self,
        socket: &mut Option<OwnedFd>,
        hear: &mut dyn FnMut(&OwnedFd) -> bool,
        mut stop: impl FnMut(&mut Option<OwnedFd>),
    ) -> io::Result<Option<Stop>> {
        let mut stopped = None;
        loop {
            let ready = self.wait(socket.as_ref(), PollTimeout::from(TICK))?;
            self.pass_on(ready);
            if ready.socket && !socket.as_ref().is_some_and(&mut *hear) {
                *socket = None;
            }
            if ready.ended {
                return Ok(stopped);
            }
            let wanted = match (self.terms.cancel.is_cancelled(), ready.late) {
                (_, true) if stopped.is_some() => return Err(io::ErrorKind::TimedOut.into()),
                (true, _) => Stop::Cancelled,
                (false, true) => Stop::Timeout,
                (false, false) => continue,
            };
            if stopped.is_none() {
                stopped = Some(wanted);
                self.deadline = sys::timer(GRACE)?;
                stop(socket);
            }
        }
    }

    /// Passes on what the child left in its streams. Returns how much was dropped in all.
    fn finish(&mut self) -> io::Result<u64> {
        self.deadline = sys::timer(LINGER)?;
        while self.out.source.is_some() || self.error.source.is_some() {
            let ready = self.wait(None, PollTimeout::from(TICK))?;
            if ready.late {
                break;
            }
            self.pass_on(ready);
        }
        for rest in [self.out.cleaner.finish(), self.error.cleaner.finish()] {
            self.budget.dropped += rest.len() as u64;
        }
        Ok(self.budget.dropped)
    }

    fn pass_on(&mut self, ready: Ready) {
        if ready.out {
            self.out.read(&mut self.budget, self.terms.output);
        }
        if ready.error {
            self.error.read(&mut self.budget, self.terms.output);
        }
    }

    fn wait(&self, socket: Option<&OwnedFd>, timeout: PollTimeout) -> io::Result<Ready> {
        let watched = [
            self.out.descriptor(),
            self.error.descriptor(),
            socket.map(AsFd::as_fd),
            Some(self.process.as_fd()),
            Some(self.deadline.as_fd()),
        ];
        let mut events: Vec<PollFd<'_>> =
            watched.iter().flatten().map(|one| PollFd::new(*one, PollFlags::POLLIN)).collect();
        match poll(&mut events, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = events.iter().map(|event| event.any().unwrap_or(true));
        let mut next = |there: bool| there && events.next().unwrap_or(false);
        let [out, error, socket, ended, late] = watched.map(|one| next(one.is_some()));
        Ok(Ready { out, error, socket, ended, late })
    }
}
