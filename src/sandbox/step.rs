//! The words a plan is written in: steps as data, each with a line for people.

use std::fmt;
use std::path::{Path, PathBuf};
use std::slice::SliceIndex;

use serde::{Deserialize, Serialize};

use super::identity::{Identity, Owner};
use super::landlock::PathRules;
use crate::ports::Limits;

/// Most bytes and files that a memory file system holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Bytes.
    pub bytes: u64,
    /// Files, folders and links.
    pub inodes: u64,
}

impl Quota {
    pub(super) const fn new(mebibytes: u64, inodes: u64) -> Self {
        Self { bytes: mebibytes << 20, inodes }
    }

    /// One part of so many of what a command may write. Nothing at all would mean no limit, and a file system needs a
    /// little for itself.
    pub(super) fn part(limits: &Limits, of: u64) -> Self {
        // It is held in memory, and is to be no more than a command may have of that.
        let bytes = limits.disk_bytes.min(limits.memory_bytes) / of;
        Self { bytes: bytes.max(64 << 10), inodes: (limits.disk_files / of).max(32) }
    }
}

/// A resource of one process, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// Bytes of a core dump.
    CoreDump,
    /// Bytes of one file.
    FileSize,
    /// Seconds of processor time of one process.
    CpuTime,
    /// Processes and threads in the sandbox.
    Processes,
    /// Open files of one process.
    OpenFiles,
    /// Bytes that cannot be swapped out.
    LockedMemory,
    /// Bytes in message queues.
    MessageQueues,
    /// Highest real-time priority.
    RealTime,
    /// Signals that wait to be taken.
    PendingSignals,
}

/// What a user has only so many of, in this namespace and the ones around it together (`/proc/sys/user`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Share {
    /// Watchers of files: instances of inotify.
    Watchers,
    /// Files and folders watched.
    Watches,
    /// User namespaces within this one.
    UserNamespaces,
}

/// What a bind mount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Files to read and programs to execute.
    Read,
    /// A device to use.
    Device,
}

/// Where writes to the workspace go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Writes {
    /// To memory, so much of it.
    Memory(Quota),
    /// To a folder of the host, made for this sandbox, with an empty `upper` and an empty `work` in it.
    Disk(PathBuf),
}

impl fmt::Display for Writes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(quota) => write!(out, "{} bytes, {} files", quota.bytes, quota.inodes),
            Self::Disk(path) => write!(out, "on disk in {}", path.display()),
        }
    }
}

/// One step of the child, applied after it is alone in its namespaces. Targets are paths as the command will
/// see them, sources as the host sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Names the machine.
    HostName(String),
    /// Switches the loopback interface on; it is the only one.
    Loopback,
    /// Listens at a port of the loopback address; the socket is handed out, and the proxy outside accepts at it.
    Listen(u16),
    /// Begins an empty root.
    NewRoot(Quota),
    /// Makes a folder.
    Folder(PathBuf),
    /// Makes a symbolic link.
    Link {
        /// Where.
        path: PathBuf,
        /// What it points at.
        target: PathBuf,
    },
    /// Shows a file or folder of the host.
    Bind {
        /// Where it is on the host.
        source: PathBuf,
        /// Where the command sees it.
        target: PathBuf,
        /// What for.
        purpose: Purpose,
    },
    /// Shows a folder of the host; what is written to it goes to memory, and is lost.
    Lose {
        /// Where it is on the host.
        source: PathBuf,
        /// Where the command sees it.
        target: PathBuf,
        /// How much may be written.
        quota: Quota,
    },
    /// Mounts an empty file system in memory.
    Memory {
        /// Where.
        path: PathBuf,
        /// How much it holds.
        quota: Quota,
        /// Permission bits of its top folder.
        mode: u32,
    },
    /// Mounts pseudo-terminals of the sandbox's own.
    Terminals(PathBuf),
    /// Mounts a view of the sandbox's own processes.
    Processes(PathBuf),
    /// Makes a folder or file of a mount read-only.
    Protect(PathBuf),
    /// Shows something empty in the place of a file or folder.
    Hide(PathBuf),
    /// Shows a folder of the host; what is written to it goes elsewhere, where the parent reads it afterwards.
    Capture {
        /// The folder, the same on the host and for the command.
        folder: PathBuf,
        /// A folder of the host with outputs of earlier commands, shown over it.
        kept: Option<PathBuf>,
        /// Where writes go.
        writes: Writes,
    },
    /// Makes a whole mount read-only.
    Seal(PathBuf),
    /// Makes the new root the only one there is, read-only.
    EnterRoot,
    /// Leaves the rest of what the user has to those outside.
    Share(Share, u64),
    /// Limits a resource.
    Limit(Resource, u64),
    /// No program gives more rights than its caller has.
    NoNewPrivileges,
    /// Gives up every capability.
    DropCapabilities,
    /// Lets nothing be written but below some folders, and no signal or abstract socket leave the sandbox.
    RestrictPaths(PathRules),
    /// Filters system calls.
    FilterCalls,
}

impl Step {
    /// Whether it shows what is at `path` of the host.
    fn shows(&self, path: &Path) -> bool {
        if let Self::Bind { source, .. } | Self::Lose { source, .. } = self {
            return source == path;
        }
        let Self::Capture { folder, kept, writes } = self else { return false };
        let disk = if let Writes::Disk(disk) = writes { Some(disk) } else { None };
        [Some(folder), kept.as_ref(), disk].into_iter().flatten().any(|own| own == path)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostName(name) => write!(out, "name the machine {name}"),
            Self::Loopback => write!(out, "switch loopback on"),
            Self::Listen(port) => write!(out, "listen at port {port} for the proxy"),
            Self::NewRoot(quota) => write!(out, "begin an empty root of {} bytes", quota.bytes),
            Self::Folder(path) => write!(out, "make folder {}", path.display()),
            Self::Link { path, target } => write!(out, "link {} to {}", path.display(), target.display()),
            Self::Bind { source, target, .. } if source == target => write!(out, "show {}", target.display()),
            Self::Bind { source, target, .. } => write!(out, "show {} at {}", source.display(), target.display()),
            Self::Lose { target, quota, .. } => {
                write!(out, "show {}, lose writes, {} bytes, {} files", target.display(), quota.bytes, quota.inodes)
            }
            Self::Memory { path, quota, .. } => {
                write!(out, "mount {} in memory, {} bytes, {} files", path.display(), quota.bytes, quota.inodes)
            }
            Self::Terminals(path) => write!(out, "mount own terminals at {}", path.display()),
            Self::Processes(path) => write!(out, "mount own processes at {}", path.display()),
            Self::Protect(path) => write!(out, "protect {}", path.display()),
            Self::Hide(path) => write!(out, "hide {}", path.display()),
            Self::Capture { folder, kept, writes } => {
                write!(out, "capture writes to {}, {writes}", folder.display())?;
                kept.as_ref().map_or(Ok(()), |kept| write!(out, ", over the outputs in {}", kept.display()))
            }
            Self::Seal(path) => write!(out, "seal {}", path.display()),
            Self::EnterRoot => write!(out, "enter the new root"),
            Self::Share(share, most) => write!(out, "share {share:?}, {most} of them"),
            Self::Limit(resource, most) => write!(out, "limit {resource:?} to {most}"),
            Self::NoNewPrivileges => write!(out, "allow no new privileges"),
            Self::DropCapabilities => write!(out, "drop all capabilities"),
            Self::RestrictPaths(rules) => {
                let paths: Vec<String> = rules.write.iter().map(|path| path.display().to_string()).collect();
                write!(out, "write only below {}", paths.join(", "))
            }
            Self::FilterCalls => write!(out, "filter system calls"),
        }
    }
}

/// How a sandbox is built; what runs in it is told later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Who the command is.
    pub identity: Identity,
    /// Steps, in order.
    pub steps: Vec<Step>,
    /// What the command may use of what process 1 watches.
    pub limits: Limits,
}

impl Plan {
    /// How many of the steps can be done before it is known for which workspace they are.
    pub(super) fn ahead(&self) -> usize {
        let of_workspace = |step: &Step| matches!(step, Step::Listen(_) | Step::Capture { .. });
        self.steps.iter().position(of_workspace).unwrap_or_default()
    }

    /// Whether a sandbox for which the first `done` steps of `other` are done can become one by this plan.
    pub(super) fn continues(&self, other: &Self, done: usize) -> bool {
        let (own, its) = (self.steps.get(..done), other.steps.get(..done));
        own.is_some()
            && own == its
            && self.identity.is_same_user(&other.identity)
            && self.folders(..done) == other.folders(..done)
    }

    /// Those of the folders that the helper has to open which these steps show.
    pub(super) fn folders(&self, steps: impl SliceIndex<[Step], Output = [Step]>) -> Vec<(&Path, Owner)> {
        let steps = self.steps.get(steps).unwrap_or_default();
        self.identity.folders().filter(|(path, _)| steps.iter().any(|step| step.shows(path))).collect()
    }

    /// The sandbox's own file systems in memory, as the command sees them, and how much each holds.
    pub(super) fn in_memory(&self) -> impl Iterator<Item = (&Path, Quota)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Memory { path, quota, .. }
            | Step::Capture { folder: path, writes: Writes::Memory(quota), .. }
            | Step::Lose { target: path, quota, .. } => Some((path.as_path(), *quota)),
            Step::Capture { writes: Writes::Disk(_), .. }
            | Step::HostName(_)
            | Step::Loopback
            | Step::Listen(_)
            | Step::NewRoot(_)
            | Step::Folder(_)
            | Step::Link { .. }
            | Step::Bind { .. }
            | Step::Terminals(_)
            | Step::Processes(_)
            | Step::Protect(_)
            | Step::Hide(_)
            | Step::Seal(_)
            | Step::EnterRoot
            | Step::Share(..)
            | Step::Limit(..)
            | Step::NoNewPrivileges
            | Step::DropCapabilities
            | Step::RestrictPaths(_)
            | Step::FilterCalls => None,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Identity::Same { uid, gid } => writeln!(out, "enter new namespaces as {uid}:{gid}")?,
            Identity::Subordinate { outside, shifted, lent } => {
                writeln!(out, "enter new namespaces as root, who is {outside} outside")?;
                shifted.iter().try_for_each(|path| writeln!(out, "shift the owner of {}", path.display()))?;
                lent.iter().try_for_each(|path| writeln!(out, "lend {}", path.display()))?;
            }
        }
        self.steps.iter().try_for_each(|step| writeln!(out, "{step}"))?;
        let Limits { cpu, memory_bytes, processes, .. } = self.limits;
        writeln!(out, "wait for the command")?;
        writeln!(out, "end it beyond {} s, {memory_bytes} bytes, {processes} processes in all", cpu.as_secs())
    }
}
