//! Sandboxes made ahead: the helper builds them, and each waits here, parked, for a command.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::cgroup::{Cgroups, Group};
use super::channel::{self, FailedStep, Report};
use super::disk::Folder;
use super::helper::Helper;
use super::plan::Network;
use super::step::Plan;
use super::sys;
use super::writes::{DiskWrites, Room};
use crate::policy::Mode;
use crate::ports::{Failure, FailureKind, LimitReached, Limits};

/// How long a sandbox may take to be built.
const BUILD_TIME: Duration = Duration::from_secs(10);

/// Most sandboxes that wait at a time, of all workspaces together.
const MOST_PARKED: usize = 4;

/// A sandbox that is being built, waits or runs. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) socket: OwnedFd,
    /// Process 1, once it is known.
    pub(super) process: Option<OwnedFd>,
    /// The folder that receives the writes, once it is known.
    pub(super) writes: Option<OwnedFd>,
    /// The listener for its proxy, where it has one.
    pub(super) listener: Option<OwnedFd>,
    /// Ticks once its command has begun.
    pub(super) ticker: Option<OwnedFd>,
    /// The other side of the command's terminal, once it has one.
    pub(super) terminal: Option<OwnedFd>,
    /// The environment that fits what it shows.
    pub(super) environment: Vec<(String, String)>,
    /// Its control group, where there can be one.
    pub(super) group: Option<Group>,
    /// The folder on disk that receives the writes, where they do not go to memory.
    pub(super) disk: Option<DiskWrites>,
}

impl Sandbox {
    /// One that is being built and will speak over the other end of `socket`.
    pub(super) fn new(socket: OwnedFd, environment: Vec<(String, String)>) -> Self {
        let (process, writes, listener, ticker) = (None, None, None, None);
        let (terminal, group, disk) = (None, None, None);
        Self { socket, process, writes, listener, ticker, terminal, environment, group, disk }
    }

    /// Those of `limits` that the kernel held it to as a whole.
    pub(super) fn reached(&self, limits: &Limits) -> Vec<LimitReached> {
        self.group.as_ref().map_or_else(Vec::new, |group| group.reached(limits))
    }

    /// The next report; `None` when no more will come.
    pub(super) fn hear(&mut self) -> Option<Report> {
        // What cannot be understood is no better than silence.
        let (report, descriptors) = channel::receive::<Report>(self.socket.as_fd()).ok().flatten()?;
        let mut descriptors = descriptors.into_iter();
        match &report {
            Report::Made => self.process = descriptors.next(),
            Report::Parked { captured, listening } => {
                self.ticker = descriptors.next();
                if *captured {
                    self.writes = descriptors.next();
                }
                if *listening {
                    self.listener = descriptors.next();
                }
                // One that came without what it says, as when there is no room for more descriptors, is of no use.
                let whole = self.ticker.is_some()
                    && (self.writes.is_some() || !captured)
                    && (self.listener.is_some() || !listening);
                whole.then_some(())?;
            }
            Report::Terminal => self.terminal = descriptors.next(),
            Report::Failed(_)
            | Report::Reached(_)
            | Report::Exited(_)
            | Report::Signalled(_)
            | Report::Limited(_)
            | Report::Stopped => {}
        }
        Some(report)
    }

    /// What was written: on disk reached by its own path, so that folders can be moved out of it.
    pub(super) fn written(&mut self) -> io::Result<Option<Folder>> {
        match &self.disk {
            Some(disk) => disk.written().map(Some),
            None => Ok(self.writes.take().map(Folder::from_descriptor)),
        }
    }

    /// Whether its command has begun.
    pub(super) fn has_begun(&self) -> io::Result<bool> {
        self.ticker.as_ref().map_or(Ok(false), |ticker| sys::is_ticking(ticker.as_fd()))
    }

    /// Waits until it is built and waits itself.
    pub(super) fn wait(&mut self) -> Result<(), NotBuilt> {
        let deadline = sys::timer(BUILD_TIME)?;
        loop {
            let mut events =
                [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(deadline.as_fd(), PollFlags::POLLIN)];
            match poll(&mut events, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let [said, late] = events.map(|event| event.any().unwrap_or(true));
            if said {
                match self.hear() {
                    Some(Report::Failed(failed)) => return Err(NotBuilt::Step(failed)),
                    Some(Report::Parked { .. }) => return Ok(()),
                    Some(_) => {}
                    None => return Err(NotBuilt::Silent),
                }
            } else if late {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
        }
    }

    /// Waits for the end of its last process, which is that of process 1.
    ///
    /// # Errors
    /// When it does not come within `patience`.
    pub(super) fn wait_for_end(&self, patience: Duration) -> io::Result<()> {
        let Some(process) = &self.process else { return Ok(()) };
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], patience)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    /// Whether its end has been heard of. One that waits has nothing to say.
    fn has_ended(&self) -> bool {
        let gone = PollFlags::from_bits_retain(libc::POLLRDHUP);
        let mut events = [PollFd::new(self.socket.as_fd(), gone)];
        poll(&mut events, PollTimeout::ZERO).is_ok_and(|count| count > 0)
    }
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBuilt {
    /// A step failed.
    #[error("{}: {}", .0.step, .0.error)]
    Step(FailedStep),
    /// It ended without a word.
    #[error("it ended before it was built")]
    Silent,
    /// It was not begun.
    #[error("{0}")]
    Refused(Failure),
    /// The helper cannot be started or asked.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl NotBuilt {
    /// Whether it will be so the next time too, so that something weaker is worth trying.
    pub(super) fn is_lasting(&self) -> bool {
        const PASSING: [i32; 6] = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::EPIPE, libc::ESRCH];
        match self {
            Self::Step(failed) => !PASSING.contains(&failed.number),
            Self::Refused(failure) => failure.kind == FailureKind::Unavailable,
            Self::Silent | Self::System(_) => false,
        }
    }
}

/// What a sandbox is built by.
#[derive(Debug)]
pub(super) struct Planned {
    /// The steps.
    pub(super) plan: Plan,
    /// The environment that fits what they show.
    pub(super) environment: Vec<(String, String)>,
    /// The folder on disk that the steps name for writes.
    pub(super) disk: Option<DiskWrites>,
}

/// What a parked sandbox is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) root: PathBuf,
    pub(super) mode: Mode,
    pub(super) network: Network,
    /// Device and inode of the workspace's folder: another folder at the same path is another workspace.
    folder: (u64, u64),
    /// Outputs of earlier commands that it shows.
    pub(super) kept: Option<PathBuf>,
    /// Where writes go.
    pub(super) room: Room,
    pub(super) limits: Limits,
}

impl Key {
    /// The key of the workspace at `root`.
    ///
    /// # Errors
    /// When there is nothing at `root`.
    pub(super) fn of(root: &Path, mode: Mode, network: Network, limits: &Limits) -> io::Result<Self> {
        let metadata = std::fs::metadata(root)?;
        // Above read-only all modes get the same sandbox.
        let mode = mode.min(Mode::WorkspaceWrite);
        let (root, folder) = (root.to_path_buf(), (metadata.dev(), metadata.ino()));
        Ok(Self { root, mode, network, folder, kept: None, room: Room::Memory, limits: *limits })
    }
}

/// The helper and the sandboxes that wait.
#[derive(Debug)]
pub(super) struct Pool {
    executable: PathBuf,
    helper: Mutex<Option<Helper>>,
    parked: Mutex<Vec<(Key, Parked)>>,
    /// Told when one has been built, or could not be.
    built: Condvar,
    /// Where control groups are made, once looked for.
    groups: OnceLock<Option<Cgroups>>,
}

impl Pool {
    /// An empty one, whose helper will be started from the program at `executable`.
    pub(super) fn new(executable: PathBuf) -> Self {
        let (helper, parked, built, groups) = (Mutex::default(), Mutex::default(), Condvar::new(), OnceLock::new());
        Self { executable, helper, parked, built, groups }
    }

    /// Starts the helper, unless it runs.
    pub(super) fn start(&self) -> io::Result<()> {
        let mut helper = self.helper.lock().unwrap_or_else(PoisonError::into_inner);
        if helper.is_none() {
            *helper = Some(Helper::start(&self.executable)?);
        }
        Ok(())
    }

    /// Asks for a sandbox.
    fn ask(&self, planned: Planned) -> Result<Sandbox, NotBuilt> {
        let Planned { plan, environment, disk } = planned;
        let (ours, theirs) = channel::pair()?;
        let groups = self.groups.get_or_init(Cgroups::find);
        let group = groups.as_ref().and_then(|groups| groups.make(&plan).ok());
        let folder = group.as_ref().and_then(|group| group.open().ok());
        let mut helper = self.helper.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = helper.as_ref().map(|helper| helper.build(&plan, &theirs, folder.as_ref()));
        if !matches!(asked, Some(Ok(()))) {
            // The first one, or one that was ended from outside: another takes its place.
            let fresh = Helper::start(&self.executable)?;
            // One that has ended by now is as silent as one that ends before it answers.
            let ended = |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET));
            let asked = fresh.build(&plan, &theirs, folder.as_ref());
            asked.map_err(|error| if ended(&error) { NotBuilt::Silent } else { error.into() })?;
            *helper = Some(fresh);
        }
        Ok(Sandbox { group, disk, ..Sandbox::new(ours, environment) })
    }

    /// Has a sandbox built and waits for it.
    pub(super) fn build(&self, planned: Planned) -> Result<Sandbox, NotBuilt> {
        let mut sandbox = self.ask(planned)?;
        sandbox.wait().inspect_err(|error| {
            // A helper that made no process for it is of no more use. One that did is, to all other sandboxes that it
            // made, whatever became of this one.
            if !matches!(error, NotBuilt::Step(_)) && sandbox.process.is_none() {
                drop(self.helper.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
        })?;
        Ok(sandbox)
    }

    fn parked(&self) -> MutexGuard<'_, Vec<(Key, Parked)>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the sandbox that waits for `key`; waits for it where it is being built.
    pub(super) fn take(&self, key: &Key) -> Option<Sandbox> {
        let mut parked = self.parked();
        loop {
            let at = parked.iter().position(|(own, _)| own == key)?;
            if matches!(parked.get(at), Some((_, Parked::Waits(_)))) {
                let (_, Parked::Waits(sandbox)) = parked.remove(at) else { return None };
                return Some(sandbox);
            }
            parked = self.built.wait(parked).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has a sandbox built by `build` and lets it wait for `key`. The one that has waited longest goes when there are
    /// too many.
    pub(super) fn reserve<E>(&self, key: &Key, build: impl FnOnce() -> Result<Sandbox, E>) -> Result<(), E> {
        let reserved = Reserved { pool: self, key };
        let mut parked = self.parked();
        // One that waits for the same takes its place; what stands at the root of one may be another folder by now.
        let same = |own: &Key| own == key || (own.root == key.root && own.folder != key.folder);
        parked.retain(|(own, parked)| !same(own) && !parked.has_ended());
        if parked.len() >= MOST_PARKED {
            parked.remove(0);
        }
        parked.push((key.clone(), Parked::BeingBuilt));
        drop(parked);
        let sandbox = build()?;
        // Whose place went to others meanwhile is not needed.
        if let Some((_, place)) = self.parked().iter_mut().find(|(own, place)| own == key && place.is_being_built()) {
            *place = Parked::Waits(sandbox);
        }
        drop(reserved);
        Ok(())
    }

    /// Whether a sandbox waits for `key`, once the one that is being built, if any, is.
    pub(super) fn is_parked(&self, key: &Key) -> bool {
        let mut parked = self.parked();
        loop {
            let Some((_, own)) = parked.iter().find(|(own, _)| own == key) else { return false };
            if !own.is_being_built() {
                return !own.has_ended();
            }
            parked = self.built.wait(parked).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What stands for a key.
#[derive(Debug)]
enum Parked {
    /// One that is being built.
    BeingBuilt,
    /// One that waits.
    Waits(Sandbox),
}

impl Parked {
    fn is_being_built(&self) -> bool {
        matches!(self, Self::BeingBuilt)
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::BeingBuilt => false,
            Self::Waits(sandbox) => sandbox.has_ended(),
        }
    }
}

/// A place for a sandbox that is being built; whatever becomes of that, nobody waits for it any more after this.
struct Reserved<'a> {
    pool: &'a Pool,
    key: &'a Key,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.pool.parked().retain(|(own, place)| own != self.key || !place.is_being_built());
        self.pool.built.notify_all();
    }
}
