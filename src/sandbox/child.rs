//! The process that becomes the command. It waits, with no more powers than the command will have, to be told which.
//! Until then it runs in the memory of process 1, which sleeps.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve};

use super::channel::{self, Go, Report};
use super::init::{Built, Failed, failed, tell};
use super::{confine, mounts, renames, sys, terminal, usage};

/// How long a parked sandbox waits for a command, in milliseconds: it holds memory, and pins what it shows.
pub(super) const PATIENCE: u32 = 300_000;

/// What it is given, all of which is process 1's.
pub(super) struct Place<'a> {
    /// Leads to the server.
    pub(super) socket: &'a OwnedFd,
    /// To be started when the command begins.
    pub(super) ticker: &'a OwnedFd,
    /// What the command's surroundings are made of.
    pub(super) built: &'a Built,
    /// Where the listener to its renames goes, where somebody listens.
    pub(super) announced: Option<BorrowedFd<'a>>,
}

/// Waits for the command and becomes it. Returns only when it could not, with the code to end with.
pub(super) fn run(place: &Place<'_>) -> i32 {
    match restrict(place).and_then(|()| begin(place)) {
        Ok(Some(command)) => command.execute(),
        Ok(None) => 0,
        Err(failed) => {
            tell(place.socket, &failed);
            1
        }
    }
}

/// Restricts what process 1 is not restricted by: it has to reach the command, but not the command it.
fn restrict(place: &Place<'_>) -> Result<(), Failed> {
    confine::nest().map_err(failed("keep signals below process 1"))?;
    let Some(announced) = place.announced else { return Ok(()) };
    renames::install(announced).map_err(failed("announce renames"))
}

/// Tells the server that the command can come.
fn park(place: &Place<'_>) -> io::Result<()> {
    let Built { writes, listener, .. } = place.built;
    let parked = Report::Parked { captured: writes.is_some(), listening: listener.is_some() };
    let all = [Some(place.ticker), writes.as_ref(), listener.as_ref()].into_iter().flatten();
    let descriptors: Vec<BorrowedFd<'_>> = all.map(AsFd::as_fd).collect();
    channel::send(place.socket.as_fd(), &parked, &descriptors)
}

/// Does on its own what the way to the command begins with: a program is fetched from its file page by page as it runs
/// for the first time, which is not to be when somebody waits.
fn rehearse() -> io::Result<()> {
    let (from, to) = channel::pair()?;
    let text = || "rehearsal".to_owned();
    let part = Go { argv: vec![text()], environment: vec![(text(), text())], ..Go::default() };
    channel::send(from.as_fd(), &part, &[])?;
    if let Some((go, _)) = channel::receive::<Go>(to.as_fd())? {
        Prepared::of(&go)?;
    }
    Ok(())
}

/// Receives the command and prepares what depends on it; `None` when there will be none.
fn begin(place: &Place<'_>) -> Result<Option<Prepared>, Failed> {
    // The sandbox's own, which is less than what the server could pass.
    let nothing = File::open("/dev/null").map_err(failed("open an empty input"))?;
    dup2_stdin(nothing).map_err(failed("open an empty input"))?;
    rehearse().map_err(failed("rehearse"))?;
    park(place).map_err(failed("report"))?;
    let Place { socket, ticker, built, .. } = place;
    let mut events = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::NONE);
    if poll(&mut events, patience).map_err(failed("wait for the command"))? == 0 {
        return Ok(None);
    }
    let Some((go, streams)) = channel::receive::<Go>(socket.as_fd()).map_err(failed("receive the command"))? else {
        return Ok(None);
    };
    take_streams(streams).map_err(failed("take the streams"))?;
    if let Some(workspace) = &built.workspace {
        for path in &go.hidden {
            mounts::remove(workspace, path).map_err(failed(format!("hide {path}")))?;
        }
        for (path, state) in &go.over {
            mounts::lay(workspace, path, state.as_ref()).map_err(failed(format!("lay {path} over the workspace")))?;
        }
    }
    if let Some(size) = go.terminal {
        let other_side = terminal::open(size).map_err(failed("open a terminal"))?;
        channel::send(socket.as_fd(), &Report::Terminal, &[other_side.as_fd()]).map_err(failed("report"))?;
    }
    let prepared = Prepared::of(&go).map_err(failed("prepare the command"))?;
    sys::start_timer(ticker.as_fd(), usage::TICK, usage::TICK).map_err(failed("say that the command begins"))?;
    Ok(Some(prepared))
}

fn take_streams(streams: Vec<OwnedFd>) -> io::Result<()> {
    let [output, error] = <[OwnedFd; 2]>::try_from(streams).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    dup2_stdout(output)?;
    Ok(dup2_stderr(error)?)
}

/// A command as the kernel takes it.
struct Prepared {
    /// Its name, for people.
    program: String,
    folder: CString,
    /// Where its program may be, in the order in which to look.
    paths: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Prepared {
    fn of(go: &Go) -> nix::Result<Self> {
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| Errno::EINVAL);
        let program = go.argv.first().cloned().unwrap_or_default();
        let path = go.environment.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
        let folders = path.split(':').filter(|folder| !folder.is_empty());
        let paths: nix::Result<_> = if program.contains('/') {
            text(program.as_bytes()).map(|path| vec![path])
        } else {
            folders.map(|folder| text(format!("{folder}/{program}").as_bytes())).collect()
        };
        let variables = go.environment.iter().map(|(name, value)| text(format!("{name}={value}").as_bytes()));
        Ok(Self {
            folder: text(go.folder.as_os_str().as_bytes())?,
            paths: paths?,
            arguments: go.argv.iter().map(|one| text(one.as_bytes())).collect::<nix::Result<_>>()?,
            environment: variables.collect::<nix::Result<_>>()?,
            program,
        })
    }

    /// Becomes the command. Returns only when it could not: with the code a shell would end with.
    fn execute(&self) -> i32 {
        let error = match self.become_it() {
            Ok(never) => match never {},
            Err(error) => error,
        };
        let (code, why) = if error != Errno::ENOENT {
            (126, error.desc())
        } else if self.program.contains('/') {
            (127, "no such file")
        } else {
            (127, "no program of this name in the sandbox")
        };
        drop(writeln!(io::stderr(), "tagout: cannot run {:?}: {why}", self.program));
        code
    }

    fn become_it(&self) -> nix::Result<Infallible> {
        chdir(self.folder.as_c_str())?;
        // Every descriptor was made so; should one ever not be, this is where it stops.
        sys::close_on_execution(3).map_err(|_| Errno::EBADF)?;
        SigSet::empty().thread_set_mask()?;
        let mut first = Errno::ENOENT;
        for path in &self.paths {
            let Err(error) = self.start(path);
            if error == Errno::EACCES {
                first = error;
            } else if error != Errno::ENOENT && error != Errno::ENOTDIR {
                return Err(error);
            }
        }
        Err(first)
    }

    fn start(&self, path: &CStr) -> nix::Result<Infallible> {
        match execve(path, &self.arguments, &self.environment) {
            // A script without a first line that names its interpreter is the shell's.
            Err(Errno::ENOEXEC) => {
                let others = self.arguments.iter().skip(1).map(CString::as_c_str);
                let script: Vec<&CStr> = [c"/bin/sh", path].into_iter().chain(others).collect();
                execve(c"/bin/sh", &script, &self.environment)
            }
            other => other,
        }
    }
}
