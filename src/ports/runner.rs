//! Running a command, contained.

use std::time::Duration;

use super::{Cancel, Failure};
use crate::changes::FileChange;
use crate::policy::Grant;
use crate::workspace::{RelativePath, Root};

/// Which of a command's streams some output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// What to run besides what the grant says: the grant's action holds the argument vector and the place,
/// its mode decides between a read-only view (`read-only`) and a captured one.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Workspace, and the command's working folder.
    pub root: Root,
    /// Texts of open documents that differ from the disk; the command sees these.
    pub unsaved: Vec<(RelativePath, String)>,
    /// Longest wall-clock time.
    pub timeout: Duration,
    /// Most bytes of output passed on, both streams together.
    pub output_limit: usize,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Stopped at the named limit.
    Limit(String),
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

/// What a command did.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to the captured workspace, over the disk's content; ignored outputs left out.
    pub changes: Vec<FileChange>,
    /// Written paths that are no part of `changes`, each with the reason (a device, a link outward, too large).
    pub refused: Vec<(String, String)>,
    /// Output bytes dropped beyond the limit.
    pub dropped_output: u64,
}

/// Runs commands.
pub trait Runner: Send + Sync {
    /// What this machine lacks for a sandbox and what to do about it; `None` when nothing.
    fn missing(&self) -> Option<String>;

    /// Runs the granted command to its end. `output` gets what it prints while it prints, control
    /// characters other than tab and line breaks replaced.
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
