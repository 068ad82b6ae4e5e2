//! The process that becomes the command. It waits, with no more powers than the command will have, to be told which.

use std::convert::Infallible;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve};

use super::channel::{self, Go, Report};
use super::init::{Failed, failed, tell};
use super::{confine, mounts, renames, sys, terminal};

/// How long a parked sandbox waits for a command, in milliseconds: it holds memory, and pins what it shows.
const PATIENCE: u32 = 300_000;

/// Waits for the command and becomes it. `workspace` is the workspace as it may be written to, even where the command
/// sees it read-only. Returns only when it could not, with the code to end with.
/// Its renames are announced over `announced`, where somebody listens.
pub(super) fn run(socket: &OwnedFd, workspace: Option<OwnedFd>, announced: Option<OwnedFd>) -> i32 {
    match restrict(announced).and_then(|()| begin(socket, workspace.as_ref())) {
        Ok(Some(go)) => {
            drop(workspace);
            execute(&go)
        }
        Ok(None) => 0,
        Err(failed) => {
            tell(socket, &failed);
            1
        }
    }
}

/// Restricts what process 1 is not restricted by: it has to reach the command, but not the command it.
fn restrict(announced: Option<OwnedFd>) -> Result<(), Failed> {
    confine::nest().map_err(failed("keep signals below process 1"))?;
    let Some(announced) = announced else { return Ok(()) };
    renames::install(announced.as_fd()).map_err(failed("announce renames"))
}

/// Receives the command and prepares what depends on it; `None` when there will be none.
fn begin(socket: &OwnedFd, workspace: Option<&OwnedFd>) -> Result<Option<Go>, Failed> {
    let mut events = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::NONE);
    if poll(&mut events, patience).map_err(failed("wait for the command"))? == 0 {
        return Ok(None);
    }
    let Some((go, streams)) = channel::receive::<Go>(socket.as_fd()).map_err(failed("receive the command"))? else {
        return Ok(None);
    };
    take_streams(streams).map_err(failed("take the streams"))?;
    if let Some(workspace) = workspace {
        for path in &go.hidden {
            mounts::remove(workspace, path).map_err(failed(format!("hide {path}")))?;
        }
        for (path, text) in &go.unsaved {
            mounts::write(workspace, path, text).map_err(failed(format!("write the unsaved text of {path}")))?;
        }
    }
    if let Some(size) = go.terminal {
        let other_side = terminal::open(size).map_err(failed("open a terminal"))?;
        channel::send(socket.as_fd(), &Report::Terminal, &[other_side.as_fd()]).map_err(failed("report"))?;
    }
    channel::send(socket.as_fd(), &Report::Begun, &[]).map_err(failed("report"))?;
    Ok(Some(go))
}

fn take_streams(streams: Vec<OwnedFd>) -> io::Result<()> {
    let [input, output, error] =
        <[OwnedFd; 3]>::try_from(streams).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    dup2_stdin(input)?;
    dup2_stdout(output)?;
    Ok(dup2_stderr(error)?)
}

/// Becomes the command. Returns only when it could not: with the code a shell would end with.
fn execute(go: &Go) -> i32 {
    let program = go.argv.first().map_or("", String::as_str);
    let error = match become_command(program, go) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    let (code, why) = if error != Errno::ENOENT {
        (126, error.desc())
    } else if program.contains('/') {
        (127, "no such file")
    } else {
        (127, "no program of this name in the sandbox")
    };
    drop(writeln!(io::stderr(), "tagout: cannot run {program:?}: {why}"));
    code
}

fn become_command(program: &str, go: &Go) -> nix::Result<Infallible> {
    let text = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let arguments: Vec<CString> = go.argv.iter().map(|one| text(one)).collect::<Result<_, _>>()?;
    let environment: Vec<CString> =
        go.environment.iter().map(|(name, value)| text(&format!("{name}={value}"))).collect::<Result<_, _>>()?;
    chdir(&go.folder)?;
    // Every descriptor was made so; should one ever not be, this is where it stops.
    sys::close_on_execution(3).map_err(|_| Errno::EBADF)?;
    SigSet::empty().thread_set_mask()?;
    if program.contains('/') {
        return start(Path::new(program), &arguments, &environment);
    }
    let path = go.environment.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
    let mut first = Errno::ENOENT;
    for folder in path.split(':').filter(|folder| !folder.is_empty()) {
        let Err(error) = start(&Path::new(folder).join(program), &arguments, &environment);
        if error == Errno::EACCES {
            first = error;
        } else if error != Errno::ENOENT && error != Errno::ENOTDIR {
            return Err(error);
        }
    }
    Err(first)
}

fn start(path: &Path, arguments: &[CString], environment: &[CString]) -> nix::Result<Infallible> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    match execve(&name, arguments, environment) {
        // A script without a first line that names its interpreter is the shell's.
        Err(Errno::ENOEXEC) => {
            let mut script = vec![c"/bin/sh".to_owned(), name];
            script.extend(arguments.iter().skip(1).cloned());
            execve(c"/bin/sh", &script, environment)
        }
        other => other,
    }
}
