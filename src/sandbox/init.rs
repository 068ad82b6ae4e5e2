//! The child: applies a plan step by step, then executes the command and looks after its processes.
//!
//! It is the same program, executed anew with [`INIT_ARGUMENT`], so that it has one thread. It is two processes:
//! the outer one waits for the end of the parent or of the inner one; the inner one is process 1 of its namespace,
//! with whose end the kernel ends every other process in it.

use std::ffi::{CString, OsStr};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::setrlimit;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, execve, pipe2, setsid};

use super::channel::{Report, receive_plan, send_report};
use super::step::{Command, Plan, Resource, Step};
use super::{filter, mounts, sys};

/// The first argument that makes the program a child of the sandbox instead of what it usually is.
pub const INIT_ARGUMENT: &str = "__sandbox-init";

/// Acts as the sandbox's child when `first`, the program's first argument, asks for it. To be called before
/// anything else, above all before any thread is started.
#[must_use]
pub fn run_init_if_asked(first: Option<&OsStr>) -> Option<ExitCode> {
    if first != Some(OsStr::new(INIT_ARGUMENT)) {
        return None;
    }
    Some(match outer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// A step that failed.
struct Failed {
    step: String,
    error: io::Error,
}

fn failed(step: impl ToString) -> impl FnOnce(io::Error) -> Failed {
    move |error| Failed { step: step.to_string(), error }
}

fn system(step: impl ToString) -> impl FnOnce(Errno) -> Failed {
    move |error| Failed { step: step.to_string(), error: error.into() }
}

fn tell(socket: &OwnedFd, failed: &Failed) {
    let number = failed.error.raw_os_error().unwrap_or_default();
    let report = Report::Failed { step: failed.step.clone(), error: failed.error.to_string(), number };
    // When the parent has gone there is nobody left to tell.
    drop(send_report(socket, &report, None));
}

/// The outer process. The socket to the parent is its standard input.
fn outer() -> io::Result<()> {
    sys::close_from(3)?;
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    let plan = receive_plan(&socket)?;
    enclose(&socket, &plan).inspect_err(|error| tell(&socket, error)).map_err(|failed| failed.error)
}

fn enclose(socket: &OwnedFd, plan: &Plan) -> Result<(), Failed> {
    setsid().map_err(system("begin a session"))?;
    umask(Mode::from_bits_truncate(0o022));
    enter_namespaces(plan)?;
    // Entering a user namespace resets this, so it comes after.
    set_pdeathsig(Signal::SIGKILL).map_err(system("follow the parent"))?;
    let (watched, held) = pipe2(OFlag::O_CLOEXEC).map_err(system("watch the parent"))?;
    match sys::fork().map_err(failed("start process 1"))? {
        ForkResult::Child => {
            drop(held);
            std::process::exit(inner(socket, plan, &watched));
        }
        ForkResult::Parent { child } => {
            drop(watched);
            guard(socket, child).map_err(failed("wait for process 1"))
        }
    }
}

/// Enters every kind of namespace that the command gets for itself, as the user that it was.
fn enter_namespaces(plan: &Plan) -> Result<(), Failed> {
    let flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(flags).map_err(system("enter new namespaces"))?;
    let map = |name: &str, text: String| {
        std::fs::write(format!("/proc/self/{name}"), text).map_err(failed(format!("write {name}")))
    };
    map("setgroups", "deny".to_owned())?;
    map("uid_map", format!("{0} {0} 1", plan.uid))?;
    map("gid_map", format!("{0} {0} 1", plan.gid))
}

/// Waits for the inner process, and ends it when the parent goes or asks for it by closing the socket.
fn guard(socket: &OwnedFd, child: Pid) -> io::Result<()> {
    let ended = sys::process_descriptor(child.as_raw().cast_unsigned())?;
    let mut events = [PollFd::new(socket.as_fd(), PollFlags::empty()), PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
    loop {
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    kill(child, Signal::SIGKILL)?;
    waitpid(child, None)?;
    Ok(())
}

/// Process 1.
fn inner(socket: &OwnedFd, plan: &Plan, watched: &OwnedFd) -> i32 {
    match prepare(socket, plan, watched).and_then(|()| attend(socket, plan)) {
        Ok(()) => 0,
        Err(failed) => {
            tell(socket, &failed);
            1
        }
    }
}

fn prepare(socket: &OwnedFd, plan: &Plan, watched: &OwnedFd) -> Result<(), Failed> {
    set_pdeathsig(Signal::SIGKILL).map_err(system("follow the parent"))?;
    let mut alive = [PollFd::new(watched.as_fd(), PollFlags::empty())];
    if poll(&mut alive, PollTimeout::ZERO).map_err(system("follow the parent"))? > 0 {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        return Err(Failed { step: "follow the parent".into(), error });
    }
    // Neither readable nor traceable by the command, which runs as the same user.
    set_dumpable(false).map_err(system("hide process 1"))?;
    // When memory runs out, the sandbox goes first. Kernels that refuse this lose nothing else.
    drop(std::fs::write("/proc/self/oom_score_adj", "800"));
    plan.steps.iter().try_for_each(|step| apply(step, socket).map_err(failed(step)))
}

fn apply(step: &Step, socket: &OwnedFd) -> io::Result<()> {
    match step {
        Step::HostName(name) => Ok(nix::unistd::sethostname(name)?),
        Step::Loopback => sys::loopback_up(),
        Step::NewRoot(quota) => mounts::new_root(*quota),
        Step::Folder(path) => mounts::folder(path),
        Step::Link { path, target } => mounts::link(path, target),
        Step::Bind { source, target, purpose } => mounts::bind(source, target, *purpose),
        Step::Memory { path, quota, mode } => mounts::memory_inside(path, *quota, *mode),
        Step::Terminals(path) => mounts::terminals(path),
        Step::Processes(path) => mounts::processes(path),
        Step::Protect(path) => mounts::protect(path),
        Step::Hide(path) => mounts::hide(path),
        Step::Capture { folder, quota } => {
            let writes = mounts::capture(folder, *quota)?;
            send_report(socket, &Report::Captured, Some(writes.as_fd()))
        }
        Step::Write { folder, path, text } => mounts::write(folder, path, text),
        Step::Seal(path) => mounts::seal(path),
        Step::EnterRoot => mounts::enter_root(),
        Step::Limit(resource, most) => limit(*resource, *most),
        Step::NoNewPrivileges => Ok(set_no_new_privs()?),
        Step::DropCapabilities => sys::drop_capabilities(),
        Step::FilterCalls => sys::install_filter(&filter::program()),
    }
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    use nix::sys::resource::Resource as Kernel;
    let kernel = match resource {
        Resource::CoreDump => Kernel::RLIMIT_CORE,
        Resource::FileSize => Kernel::RLIMIT_FSIZE,
        Resource::Memory => Kernel::RLIMIT_DATA,
        Resource::Processes => Kernel::RLIMIT_NPROC,
        Resource::OpenFiles => Kernel::RLIMIT_NOFILE,
        Resource::LockedMemory => Kernel::RLIMIT_MEMLOCK,
        Resource::MessageQueues => Kernel::RLIMIT_MSGQUEUE,
        Resource::RealTime => Kernel::RLIMIT_RTPRIO,
    };
    // A limit that is lower already stays.
    let (_, hard) = nix::sys::resource::getrlimit(kernel)?;
    let most = most.min(hard);
    Ok(setrlimit(kernel, most, most)?)
}

/// Starts the command and collects every process that ends, until the command has.
fn attend(socket: &OwnedFd, plan: &Plan) -> Result<(), Failed> {
    send_report(socket, &Report::Begun, None).map_err(failed("report"))?;
    let Some(command) = &plan.command else {
        return send_report(socket, &Report::Exited(0), None).map_err(failed("report"));
    };
    let child = match sys::fork_single().map_err(failed("start the command"))? {
        ForkResult::Child => std::process::exit(execute(command)),
        ForkResult::Parent { child } => child,
    };
    loop {
        let report = match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => Report::Exited(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => Report::Signalled(signal as i32),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(error) => return Err(system("wait for the command")(error)),
        };
        return send_report(socket, &report, None).map_err(failed("report"));
    }
}

/// Becomes the command. Returns only when it could not: with the code a shell would end with.
fn execute(command: &Command) -> i32 {
    let program = command.argv.first().map_or("", String::as_str);
    let error = match become_command(program, command) {
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

fn become_command(program: &str, command: &Command) -> nix::Result<std::convert::Infallible> {
    let text = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let arguments: Vec<CString> = command.argv.iter().map(|one| text(one)).collect::<Result<_, _>>()?;
    let environment: Vec<CString> =
        command.environment.iter().map(|(name, value)| text(&format!("{name}={value}"))).collect::<Result<_, _>>()?;
    chdir(&command.folder)?;
    // Every descriptor was made so; should one ever not be, this is where it stops.
    sys::close_on_execution(3).map_err(|_| Errno::EBADF)?;
    sys::default_signals();
    if program.contains('/') {
        return start(Path::new(program), &arguments, &environment);
    }
    let path = command.environment.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
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

fn start(path: &Path, arguments: &[CString], environment: &[CString]) -> nix::Result<std::convert::Infallible> {
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
