//! Which level of the sandbox this machine can build where the full one cannot be.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::fallback::Fallback;
use super::machine::Machine;
use super::probe::Settings;
use super::walls;
use crate::policy::{Containment, SandboxLevel};
use crate::ports::{Failure, Limits, Wall};

/// The levels below full, and what is known of them.
#[derive(Debug)]
pub(super) struct Levels {
    executable: PathBuf,
    /// Where copies of workspaces are; `None` for the usual cache folder in the user's home.
    pub(super) place: Option<PathBuf>,
    /// Nothing stronger is built.
    pub(super) strongest: SandboxLevel,
    /// The one that was tried and works.
    proven: Mutex<Option<SandboxLevel>>,
}

impl Levels {
    /// All of them, built by the program at `executable`.
    pub(super) fn new(executable: PathBuf) -> Self {
        Self { executable, place: None, strongest: SandboxLevel::Full, proven: Mutex::default() }
    }

    /// What they are built with.
    pub(super) fn fallback<'a>(&'a self, machine: &'a Machine) -> Fallback<'a> {
        let place = self.place.clone().unwrap_or_else(|| machine.home.join(".cache/tagout/copies"));
        Fallback { executable: &self.executable, machine, place }
    }

    /// The strongest level that can be built where the full one cannot, for the reason in `failure`.
    ///
    /// # Errors
    /// When none can; with why not.
    pub(super) fn fall_back(
        &self,
        machine: &Machine,
        limits: &Limits,
        mut failure: Failure,
    ) -> Result<Containment, Failure> {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        for level in [SandboxLevel::Bubblewrap, SandboxLevel::Copy].into_iter().filter(|one| *one <= self.strongest) {
            let tried = if *proven == Some(level) { Ok(()) } else { self.fallback(machine).trial(level, limits) };
            if let Err(error) = tried {
                failure = failure.hint(format!("level {level}: {error}"));
                continue;
            }
            *proven = Some(level);
            return Ok(Containment { level: Some(level), missing: Some(failure.to_string()) });
        }
        Err(failure)
    }

    /// Every wall, tried on its own.
    pub(super) fn walls(&self, machine: &Machine) -> Vec<Wall> {
        let fallback = self.fallback(machine);
        let tried = fallback.prepare_place().and_then(|()| walls::try_everything(&self.executable, &fallback.place));
        let program = self.executable.canonicalize().unwrap_or_else(|_| self.executable.clone());
        walls::walls(tried, fallback.bubblewrap().as_ref(), Settings::read(), &program)
    }
}
