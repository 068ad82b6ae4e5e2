//! Running a command, contained.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cancel, Failure, Keyboard};
use crate::changes::FileChange;
use crate::policy::{Containment, Grant, HostRule, Mode, SandboxLevel};
use crate::workspace::{FileState, RelativePath, Root};

/// Which of a command's streams some output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// A document that an editor had open when the command began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenText {
    /// Where.
    pub path: RelativePath,
    /// Its text in the editor, as a save would write it.
    pub text: String,
    /// Whether the disk holds the same.
    pub saved: bool,
}

/// The most that a command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall-clock time.
    pub wall: Duration,
    /// Processor time of all its processes together.
    pub cpu: Duration,
    /// Bytes of memory of all its processes together.
    pub memory_bytes: u64,
    /// Processes and threads at a time.
    pub processes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes written over the workspace.
    pub disk_bytes: u64,
    /// Files, folders and links written over the workspace.
    pub disk_files: u64,
    /// Bytes of output passed on, both streams together.
    pub output_bytes: u64,
}

#[cfg(test)]
impl Limits {
    /// Limits that no test comes near by accident.
    #[must_use]
    pub fn ample() -> Self {
        Self {
            wall: Duration::from_secs(60),
            cpu: Duration::from_secs(60),
            memory_bytes: 4 << 30,
            processes: 1_024,
            open_files: 8_192,
            file_bytes: 1 << 30,
            disk_bytes: 2 << 30,
            disk_files: 400_000,
            output_bytes: 1 << 20,
        }
    }
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Limit {
    /// Wall-clock time, in seconds.
    WallTime,
    /// Processor time, in seconds.
    CpuTime,
    /// Bytes of memory.
    Memory,
    /// Processes and threads.
    Processes,
    /// Bytes of one file.
    FileSize,
    /// Bytes written.
    Disk,
    /// Files written.
    Files,
    /// Bytes of output.
    Output,
}

impl Limit {
    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WallTime => "time",
            Self::CpuTime => "processor time",
            Self::Memory => "memory",
            Self::Processes => "process",
            Self::FileSize => "file size",
            Self::Disk => "disk",
            Self::Files => "file",
            Self::Output => "output",
        }
    }
}

/// A limit that a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReached {
    /// Which.
    pub limit: Limit,
    /// How much was allowed, in the limit's own unit.
    pub most: u64,
}

impl fmt::Display for LimitReached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, most) = (self.limit.name(), self.most);
        match self.limit {
            Limit::WallTime | Limit::CpuTime => write!(formatter, "{name} limit of {most} s"),
            Limit::Processes | Limit::Files => write!(formatter, "{name} limit of {most}"),
            Limit::Memory | Limit::FileSize | Limit::Disk | Limit::Output => {
                write!(formatter, "{name} limit of {}", show_bytes(most))
            }
        }
    }
}

fn show_bytes(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = units.iter().find(|(unit, _)| bytes >= *unit);
    // One decimal, rounded down, so that a limit never looks larger than it is.
    fits.map_or_else(
        || format!("{bytes} B"),
        |(unit, name)| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
    )
}

/// Size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

/// A terminal for a command.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Its size when the command begins.
    pub size: TerminalSize,
    /// What the user does at it.
    pub keyboard: Keyboard,
}

/// What to run besides what the grant says: the grant's action holds the argument vector and the place,
/// its mode decides between a read-only view (`read-only`) and a captured one.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Workspace, and the command's working folder.
    pub root: Root,
    /// Documents that are open; the command sees their texts.
    pub open: Vec<OpenText>,
    /// Files as the command is to see them, whatever the workspace and open documents hold, each once; `None` for no
    /// file. What it finds is no change of its own, and outputs that it makes of them are not kept for other commands.
    pub over: Vec<(RelativePath, Option<FileState>)>,
    /// The most it may use.
    pub limits: Limits,
    /// Patterns, as in a `.gitignore`, of files that the command must not see, besides the built-in ones.
    pub hidden: Vec<String>,
    /// Patterns of files that it may see although another pattern hides them.
    pub shown: Vec<String>,
    /// Hosts among those of the action that may be at private addresses; this machine and its metadata stay out of reach.
    pub private_hosts: Vec<HostRule>,
    /// The terminal it gets; `None` for pipes.
    pub terminal: Option<Terminal>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Stopped at this limit.
    Limit(LimitReached),
    /// Stopped by the user.
    Cancelled,
}

impl Exit {
    /// The code a shell would report.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::Code(code) => *code,
            Self::Signal(signal) => 128 + signal,
            Self::Limit(_) => 124,
            Self::Cancelled => 130,
        }
    }
}

/// A connection that a command made, or tried to make, through the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The host that it named.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address that was dialled.
    pub address: Option<IpAddr>,
    /// What came of it, for people.
    pub outcome: String,
    /// Bytes that the command sent.
    pub sent: u64,
    /// Bytes that it received.
    pub received: u64,
}

/// Something that the changes of a command do not tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Where, for people.
    pub path: String,
    /// The reason, for people.
    pub why: String,
    /// What it means for the changes.
    pub kind: RefusalKind,
}

/// What a refusal means for the changes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// They are not whole: what the command wrote there is no part of them (a device, a link outward, too large).
    Change,
    /// They are whole: an output that is not kept, a folder that was not searched.
    Note,
}

impl Refusal {
    /// What the command wrote at `path` is no part of its changes.
    pub fn of_change(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into(), kind: RefusalKind::Change }
    }

    /// Something to be said of `path` that takes nothing from the changes.
    pub fn note(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into(), kind: RefusalKind::Note }
    }

    /// Whether it leaves the changes whole.
    #[must_use]
    pub fn is_note(&self) -> bool {
        self.kind == RefusalKind::Note
    }
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to the captured workspace, over the disk's content; ignored outputs left out.
    pub changes: Vec<FileChange>,
    /// What `changes` do not tell.
    pub refused: Vec<Refusal>,
    /// Output bytes dropped beyond the limit.
    pub dropped_output: u64,
    /// Limits that it came to and that did not end it.
    pub reached: Vec<LimitReached>,
    /// How well it was contained; `None` on the host.
    pub level: Option<SandboxLevel>,
    /// Connections, in the order in which they ended.
    pub connections: Vec<Connection>,
}

/// Something that sandboxes are built from, as it was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wall {
    /// Its name.
    pub name: String,
    /// What was seen of it, or what the system said when it was tried.
    pub found: String,
    /// Whether it is there.
    pub present: bool,
    /// What it means where it is missing.
    pub without: String,
    /// What adds it, as lines to type or a whole file; `None` where nothing is known.
    pub cure: Option<String>,
}

/// Runs commands.
pub trait Runner: Send + Sync {
    /// Makes a sandbox ready for the next command in the workspace, unless one is, and says how well it contains.
    ///
    /// # Errors
    /// When none can be made: what is missing and what to do about it.
    fn prepare(&self, root: &Root, mode: Mode, limits: &Limits) -> Result<Containment, Failure>;

    /// Tries each wall on its own. Slower than [`prepare`](Self::prepare): for people who look for what is missing.
    fn walls(&self) -> Vec<Wall>;

    /// Runs the granted command to its end, contained at exactly the level of the grant. `output` gets what it prints
    /// while it prints, control characters other than tab and line breaks replaced.
    ///
    /// # Errors
    /// When it could not be started; nothing then ran. A command that fails is an outcome, not an error.
    fn run(
        &self,
        grant: Grant,
        request: &RunRequest,
        output: &(dyn Fn(OutputStream, &str) + Sync),
        cancel: &Cancel,
    ) -> Result<RunOutcome, Failure>;
}
