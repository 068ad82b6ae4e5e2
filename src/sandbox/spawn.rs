//! Following a command: passes its output on as it comes, ends it in time, hears how it went.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::Pid;

use super::channel::{self, Go, Report};
use super::disk_watch::DiskWatch;
use super::output::{Budget, Cleaner, Output};
use super::pool::Sandbox;
use super::sys;
use super::terminal::Input;
use crate::ports::{Cancel, Keyboard, LimitReached, Limits, OutputStream};

/// How often a job looks whether it was cancelled, in milliseconds.
const TICK: u16 = 50;
/// How long after the end of a command on the host its output is waited for, which a process that it
/// left behind may hold open.
const LINGER: Duration = Duration::from_millis(200);
/// How long a command may take to end after it was told to.
const GRACE: Duration = Duration::from_secs(5);

/// What a pipe holds: read at once, so that what was printed to one stream first comes before what the other got later.
const PIPE: usize = 64 << 10;

/// Why the server ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Its time was over.
    Timeout,
    /// The user asked for it.
    Cancelled,
    /// It wrote more to the disk than it may.
    Limit(LimitReached),
}

/// What a run left.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// The last report of the sandbox, if there was one.
    pub(super) end: Option<Report>,
    /// Whether the command began.
    pub(super) begun: bool,
    /// Why the server ended it, when it did.
    pub(super) stopped: Option<Stop>,
    /// Output bytes not passed on.
    pub(super) dropped: u64,
    /// Limits that it came to and that did not end it.
    pub(super) reached: Vec<LimitReached>,
}

/// When to stop, and where output goes meanwhile.
pub(super) struct Terms<'a> {
    /// The most that the command may use.
    pub(super) limits: &'a Limits,
    /// Where output goes.
    pub(super) output: Output<'a>,
    /// Asks to stop.
    pub(super) cancel: &'a Cancel,
    /// What the user does at the command's terminal.
    pub(super) keyboard: Keyboard,
}

/// Begins a command in `sandbox`, which is parked, and follows it to the end of its last process.
pub(super) fn contained(sandbox: &mut Sandbox, go: &Go, terms: &Terms<'_>) -> io::Result<Ended> {
    let (out, command_out) = io::pipe()?;
    let (error, command_error) = io::pipe()?;
    let streams = [command_out.as_fd(), command_error.as_fd()];
    // A sandbox that has ended already says so by its silence below.
    drop(channel::send(sandbox.socket.as_fd(), go, &streams));
    let mut pump = Pump::new(OwnedFd::from(out), OwnedFd::from(error), terms)?;
    let mut ended = Ended::default();
    let mut disk = sandbox.writes.as_ref().map_or(Ok(None), |writes| DiskWatch::new(writes, terms.limits))?;
    while ended.end.is_none() {
        let ready = pump.wait(Some(sandbox.socket.as_fd()))?;
        pump.pass_on(ready);
        if ready.other {
            match sandbox.hear() {
                Some(Report::Made | Report::Parked { .. }) => {}
                Some(Report::Terminal) => pump.open_terminal(sandbox.terminal.take())?,
                Some(Report::Reached(limits)) => ended.reached = limits,
                // What ended was the wait for a command: nothing was run, whatever its code.
                Some(Report::Exited(_) | Report::Signalled(_)) if !sandbox.has_begun()? => break,
                Some(
                    end @ (Report::Failed(_)
                    | Report::Exited(_)
                    | Report::Signalled(_)
                    | Report::Limited(_)
                    | Report::Stopped),
                ) => ended.end = Some(end),
                None => break,
            }
        }
        let filled = disk.as_mut().map_or(Ok(None), DiskWatch::check)?;
        match pump.due(ready, filled)? {
            None => {}
            // Process 1 takes it as the word to end all others, and says when that is done.
            Some(Due::Ask) => drop(shutdown(sandbox.socket.as_raw_fd(), Shutdown::Write)),
            Some(Due::Force) => {
                if let Some(process) = &sandbox.process {
                    sys::end_process(process.as_fd())?;
                }
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
    ended.begun = sandbox.has_begun()?;
    ended.stopped = pump.stopped;
    // Held until here, so that the end of its streams, which comes shortly before its own, wakes nobody.
    drop((command_out, command_error));
    if ended.begun {
        if ended.end.is_none() {
            // Process 1 was ended from outside, and the kernel ends all others after it.
            sandbox.wait_for_end(GRACE)?;
        }
        // Nobody is left who could write, unless an end of a stream was given away.
        pump.drain(GRACE)?;
    }
    ended.dropped = pump.finish();
    Ok(ended)
}

/// Runs a command with the user's own powers; on time-out its process group is ended.
pub(super) fn on_host(command: &mut Command, terms: &Terms<'_>) -> io::Result<(ExitStatus, Ended)> {
    let (out, command_out) = io::pipe()?;
    let (error, command_error) = io::pipe()?;
    let mut child = command.stdin(Stdio::null()).stdout(command_out).stderr(command_error).spawn()?;
    // The ends that it writes to are its own alone: the last one closed says that there is no more.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // It fails only when there is nothing left to end.
    let end_group = || killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap_or_default();
    let follow = || {
        let process = sys::process_descriptor(child.id())?;
        let mut pump = Pump::new(OwnedFd::from(out), OwnedFd::from(error), terms)?;
        loop {
            let ready = pump.wait(Some(process.as_fd()))?;
            pump.pass_on(ready);
            if ready.other {
                return Ok(pump);
            }
            match pump.due(ready, None)? {
                None => {}
                Some(Due::Ask) => end_group(),
                Some(Due::Force) => return Err(io::Error::from(io::ErrorKind::TimedOut)),
            }
        }
    };
    let followed = follow().inspect_err(|_| end_group());
    let status = child.wait()?;
    let mut pump = followed?;
    pump.drain(LINGER)?;
    Ok((status, Ended { stopped: pump.stopped, dropped: pump.finish(), ..Ended::default() }))
}

/// One stream of a command, until its end.
struct Stream {
    source: Option<File>,
    cleaner: Cleaner,
    which: OutputStream,
}

impl Stream {
    fn new(source: OwnedFd, which: OutputStream) -> Self {
        Self { source: Some(File::from(source)), cleaner: Cleaner::default(), which }
    }

    /// Passes on what is there; to be called when something is, or the stream has ended. A terminal ends with an error.
    fn read(&mut self, budget: &mut Budget, output: Output<'_>) {
        let mut bytes = [0; PIPE];
        let count = match self.source.as_mut().map(|source| source.read(&mut bytes)) {
            Some(Ok(count)) => count,
            Some(Err(error)) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => return,
            Some(Err(_)) | None => 0,
        };
        let text = match bytes.get(..count) {
            Some([]) | None => {
                self.source = None;
                self.cleaner.finish()
            }
            Some(read) => self.cleaner.clean(read),
        };
        budget.pass(self.which, &text, output);
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.source.as_ref().map(AsFd::as_fd)
    }
}

/// Watches a command's streams, its deadline and the user's wish to stop.
struct Pump<'a> {
    out: Stream,
    error: Stream,
    terminal: Option<(Stream, Input)>,
    deadline: OwnedFd,
    budget: Budget,
    terms: &'a Terms<'a>,
    /// Why it was asked to stop.
    stopped: Option<Stop>,
}

/// What there is to do.
#[derive(Debug, Default, Clone, Copy)]
struct Ready {
    out: bool,
    error: bool,
    terminal: bool,
    /// The descriptor that is watched besides.
    other: bool,
    late: bool,
}

/// How a command has to be ended.
enum Due {
    /// By telling it to.
    Ask,
    /// By the kernel: it was told, and did not end.
    Force,
}

impl<'a> Pump<'a> {
    fn new(out: OwnedFd, error: OwnedFd, terms: &'a Terms<'a>) -> io::Result<Self> {
        Ok(Self {
            out: Stream::new(out, OutputStream::Out),
            error: Stream::new(error, OutputStream::Error),
            terminal: None,
            deadline: sys::timer(terms.limits.wall)?,
            budget: Budget::new(terms.limits.output_bytes),
            terms,
            stopped: None,
        })
    }

    /// Whether the command has to be ended now, and how.
    fn due(&mut self, ready: Ready, passed: Option<LimitReached>) -> io::Result<Option<Due>> {
        if self.stopped.is_some() {
            return Ok(ready.late.then_some(Due::Force));
        }
        self.stopped = match (self.terms.cancel.is_cancelled(), ready.late, passed) {
            (true, _, _) => Some(Stop::Cancelled),
            (false, true, _) => Some(Stop::Timeout),
            (false, false, Some(limit)) => Some(Stop::Limit(limit)),
            (false, false, None) => return Ok(None),
        };
        self.deadline = sys::timer(GRACE)?;
        Ok(Some(Due::Ask))
    }

    /// Takes the other side of the command's terminal as one more stream.
    fn open_terminal(&mut self, other_side: Option<OwnedFd>) -> io::Result<()> {
        if let Some(other_side) = other_side {
            let stream = Stream::new(other_side.try_clone()?, OutputStream::Out);
            self.terminal = Some((stream, Input::new(other_side, self.terms.keyboard.clone())?));
        }
        Ok(())
    }

    /// Passes on what is left in the streams, until their ends, which others may put off; or until `patience` is over.
    fn drain(&mut self, patience: Duration) -> io::Result<()> {
        sys::start_timer(self.deadline.as_fd(), patience, Duration::ZERO)?;
        while self.streams().any(|stream| stream.source.is_some()) {
            let ready = self.wait(None)?;
            self.pass_on(ready);
            if ready.late {
                break;
            }
        }
        Ok(())
    }

    /// Passes on what was held back. Returns how much was dropped in all.
    fn finish(&mut self) -> u64 {
        let Self { out, error, terminal, budget, terms, .. } = self;
        for stream in [out, error].into_iter().chain(terminal.as_mut().map(|(stream, _)| stream)) {
            budget.pass(stream.which, &stream.cleaner.finish(), terms.output);
        }
        budget.finish(terms.output)
    }

    fn streams(&self) -> impl Iterator<Item = &Stream> {
        [&self.out, &self.error].into_iter().chain(self.terminal.as_ref().map(|(stream, _)| stream))
    }

    fn pass_on(&mut self, ready: Ready) {
        if ready.out {
            self.out.read(&mut self.budget, self.terms.output);
        }
        if ready.error {
            self.error.read(&mut self.budget, self.terms.output);
        }
        if let Some((stream, input)) = &mut self.terminal {
            input.pass_on();
            if ready.terminal {
                stream.read(&mut self.budget, self.terms.output);
            }
        }
    }

    fn wait(&self, other: Option<BorrowedFd<'_>>) -> io::Result<Ready> {
        let terminal = self.terminal.as_ref().and_then(|(stream, _)| stream.descriptor());
        let watched = [self.out.descriptor(), self.error.descriptor(), terminal, other, Some(self.deadline.as_fd())];
        let mut events: Vec<PollFd<'_>> =
            watched.iter().flatten().map(|one| PollFd::new(*one, PollFlags::POLLIN)).collect();
        match poll(&mut events, PollTimeout::from(TICK)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = events.iter().map(|event| event.any().unwrap_or(true));
        let mut next = |there: bool| there && events.next().unwrap_or(false);
        let [out, error, terminal, other, late] = watched.map(|one| next(one.is_some()));
        Ok(Ready { out, error, terminal, other, late })
    }
}
