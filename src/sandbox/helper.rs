//! The helper: a small process with one thread that makes sandboxes. The server, which is large and has many threads,
//! never clones itself; it starts the helper once, and asks it for each sandbox.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::unistd::setsid;

use super::channel::{self, Report};
use super::direct::{self, DIRECT_ARGUMENT};
use super::filter;
use super::identity::{Lender, Owner};
use super::init::{self, Failed, failed};
use super::step::Plan;
use super::sys::{self, Cloned};
use super::tries::{self, PROBE_ARGUMENT};

/// The first argument that makes the program a helper instead of what it usually is.
pub const HELPER_ARGUMENT: &str = "__sandbox-helper";

/// Acts as the helper, or another small part of the sandbox, when `first`, the program's first argument, asks for it. To be called before anything else, above
/// all before any thread is started.
#[must_use]
pub fn run_helper_if_asked(first: Option<&OsStr>) -> Option<ExitCode> {
    let lived = match first?.to_str()? {
        HELPER_ARGUMENT => serve(),
        DIRECT_ARGUMENT => direct::serve(),
        PROBE_ARGUMENT => tries::run(),
        _ => return None,
    };
    Some(if lived.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every kind of namespace that a sandbox gets for itself.
const NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWUSER
    .union(CloneFlags::CLONE_NEWNS)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWCGROUP);

/// The server's end.
#[derive(Debug)]
pub(super) struct Helper {
    process: Child,
    socket: OwnedFd,
}

impl Helper {
    /// Starts a helper from the program at `executable`.
    pub(super) fn start(executable: &Path) -> io::Result<Self> {
        let (ours, theirs) = channel::pair()?;
        let process = Command::new(executable)
            .arg(HELPER_ARGUMENT)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, socket: ours })
    }

    /// Asks for a sandbox by `plan`, which will speak over `socket` and be in the control group that is open as
    /// `group`.
    ///
    /// # Errors
    /// When the helper has gone.
    pub(super) fn build(&self, plan: &Plan, socket: &OwnedFd, group: Option<&OwnedFd>) -> io::Result<()> {
        let descriptors: Vec<BorrowedFd<'_>> = [Some(socket), group].into_iter().flatten().map(AsFd::as_fd).collect();
        channel::send(self.socket.as_fd(), plan, &descriptors)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It ends by itself when the socket closes, which happens after this; a signal saves the wait. With it end its
        // sandboxes.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// How long nothing is asked of the helper before it begins the next sandbox ahead.
const PAUSE: Duration = Duration::from_millis(5);

/// The helper's whole life. The socket to the server is its standard input.
fn serve() -> io::Result<()> {
    sys::close_from(3)?;
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    // What a terminal sends to the server's group is the server's to handle.
    setsid()?;
    sys::forget_children()?;
    // Made once, for all sandboxes.
    filter::program();
    filter::renames();
    let (mut last, mut ahead): (Option<Plan>, Option<Begun>) = (None, None);
    loop {
        if let (Some(image), None) = (&last, &ahead)
            && is_quiet(&socket)?
        {
            match begin(image, image.ahead(), None) {
                Ok(Role::Helper(begun)) => ahead = Some(begun),
                Ok(Role::Init(helper)) => {
                    drop(socket);
                    std::process::exit(init::run(image, image.ahead(), helper));
                }
                // Whoever asks for the next one will be told why.
                Err(_) => last = None,
            }
        }
        // Without a server there is nothing to do: its end is the end of the socket.
        let Some((plan, descriptors)) = channel::receive::<Plan>(socket.as_fd())? else { return Ok(()) };
        let mut descriptors = descriptors.into_iter();
        let Some(theirs) = descriptors.next() else { continue };
        let group = descriptors.next();
        // A process is begun in its control group: moving it there later takes longer than all the rest.
        let grouped = group.is_some();
        let fits = |begun: &Begun| !grouped && last.as_ref().is_some_and(|image| plan.continues(image, begun.done));
        let continued = ahead.take().filter(fits).is_some_and(|begun| begun.finish(&plan, &theirs).is_ok());
        if !continued {
            match begin(&plan, 0, group) {
                Ok(Role::Helper(begun)) => begun.finish(&plan, &theirs),
                Ok(Role::Init(helper)) => {
                    // A copy left open would keep the helper from hearing of the server's end.
                    drop((socket, theirs));
                    std::process::exit(init::run(&plan, 0, helper));
                }
                Err(failed) => Err(failed),
            }
            .unwrap_or_else(|failed| init::tell(&theirs, &failed));
        }
        last = (!grouped).then_some(plan);
    }
}

/// Whether nothing is asked for a while.
fn is_quiet(socket: &OwnedFd) -> io::Result<bool> {
    let pause = PollTimeout::try_from(PAUSE).unwrap_or(PollTimeout::ZERO);
    match poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], pause) {
        Ok(count) => Ok(count == 0),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Which of the two a process is after the clone.
enum Role {
    Helper(Begun),
    /// Process 1, with a socket to the helper.
    Init(OwnedFd),
}

/// A process 1 in namespaces of its own, which waits to be told what else to become.
struct Begun {
    process: OwnedFd,
    socket: OwnedFd,
    lender: Lender,
    /// How many steps it does by itself.
    done: usize,
}

/// Makes process 1 of a sandbox by the first `done` steps of `image`, in the control group `group`.
fn begin(image: &Plan, done: usize, group: Option<OwnedFd>) -> Result<Role, Failed> {
    let (socket, below) = channel::pair().map_err(failed("speak to process 1"))?;
    let grouped = group.and_then(|group| sys::clone_into(group.as_fd(), NAMESPACES).ok());
    // Without a group process 1 alone watches what the sandbox uses.
    let cloned = grouped.map_or_else(|| sys::clone_process(NAMESPACES), Ok);
    match cloned.map_err(failed("enter new namespaces"))? {
        Cloned::Child => Ok(Role::Init(below)),
        Cloned::Parent(pid, process) => {
            let lender = Lender::of(pid, &image.identity)?;
            let folders = image.folders(..done);
            let trees = lender.open(&folders)?;
            let trees: Vec<BorrowedFd<'_>> = trees.iter().map(AsFd::as_fd).collect();
            channel::send(socket.as_fd(), &names(&folders), &trees).map_err(failed("speak to process 1"))?;
            Ok(Role::Helper(Begun { process, socket, lender, done }))
        }
    }
}

fn names(folders: &[(&Path, Owner)]) -> Vec<PathBuf> {
    folders.iter().map(|(path, _)| path.to_path_buf()).collect()
}

impl Begun {
    /// Has it become a sandbox by `plan`, which speaks over `theirs`.
    fn finish(self, plan: &Plan, theirs: &OwnedFd) -> Result<(), Failed> {
        drop(channel::send(theirs.as_fd(), &Report::Made, &[self.process.as_fd()]));
        let folders = plan.folders(self.done..);
        let trees = self.lender.open(&folders)?;
        let assigned = (plan, names(&folders));
        let descriptors: Vec<BorrowedFd<'_>> = [theirs].into_iter().chain(&trees).map(AsFd::as_fd).collect();
        channel::send(self.socket.as_fd(), &assigned, &descriptors).map_err(failed("speak to process 1"))
    }
}
