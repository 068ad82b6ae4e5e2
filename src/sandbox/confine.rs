//! Landlock (landlock(7)) where it is the only wall round the file system: what may be read, what may be written, and
//! nothing else; no TCP; no signal and no abstract socket out of the sandbox.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// The version without which there is no wall: 4 brought ports, 5 devices, 6 signals and abstract sockets.
pub(super) const LEAST: ABI = ABI::V6;
/// The newest version that these rules were thought through for.
const NEWEST: ABI = ABI::V9;

/// What there is to do on a kernel whose Landlock knows less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Demand {
    /// Nothing is run: no other wall stands behind this one.
    Everything,
    /// What it knows is applied: namespaces stand behind it.
    WhatThereIs,
}

/// What a command can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reach {
    /// Folders that may be listed, with those in them.
    pub(super) list: Vec<PathBuf>,
    /// Folders and files that may be read and executed.
    pub(super) read: Vec<PathBuf>,
    /// Folders that may be written too.
    pub(super) write: Vec<PathBuf>,
    /// Devices that may be read and written.
    pub(super) devices: Vec<PathBuf>,
    /// Whether an older kernel will do.
    pub(super) demand: Demand,
}

/// Confines this process, which has one thread, and all it will start, to `reach`.
///
/// # Errors
/// When the kernel's Landlock is older than version 6, off or missing, and that is not enough; or a path is not there.
pub(super) fn confine(reach: &Reach) -> io::Result<()> {
    let demand = match reach.demand {
        Demand::Everything => CompatLevel::HardRequirement,
        Demand::WhatThereIs => CompatLevel::BestEffort,
    };
    let mut ruleset = Ruleset::default()
        .set_compatibility(demand)
        .handle_access(AccessFs::from_all(LEAST))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(LEAST)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(LEAST)))
        .and_then(|ruleset| {
            ruleset.set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(NEWEST))
        })
        .and_then(Ruleset::create)
        .map_err(|error| refused(&error))?;
    let devices = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    let read = AccessFs::from_read(NEWEST);
    let write = AccessFs::from_all(NEWEST) & !devices;
    for path in &reach.list {
        ruleset = allow(ruleset, path, AccessFs::ReadDir.into())?;
    }
    for path in &reach.read {
        ruleset = allow(ruleset, path, read)?;
    }
    for path in &reach.write {
        ruleset = allow(ruleset, path, write)?;
    }
    for path in &reach.devices {
        ruleset = allow(ruleset, path, AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    ruleset.restrict_self().map_err(|error| refused(&error))?;
    Ok(())
}

/// Puts this process into a domain of its own below that of its parent, so that it can signal nothing above it, where
/// the kernel can do so (Linux 6.12).
///
/// # Errors
/// When the kernel can but refuses.
pub(super) fn nest() -> io::Result<()> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let Ok(ruleset) = ruleset.scope(Scope::Signal) else { return Ok(()) };
    // Rules that do not mention links and renames from one folder to another refuse them.
    let created = ruleset.handle_access(AccessFs::Refer).and_then(Ruleset::create).map_err(|error| refused(&error))?;
    let nested = allow(created, Path::new("/"), AccessFs::Refer.into())?.restrict_self();
    nested.map(drop).map_err(|error| refused(&error))
}

/// Proves that `outsider`, a process outside, is out of the reach of signals.
///
/// # Errors
/// When it can be signalled.
pub(super) fn prove_signals_stay(outsider: Pid) -> io::Result<()> {
    match kill(outsider, None) {
        Err(Errno::EPERM) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Err(io::Error::other("a process outside of the sandbox can be signalled")),
    }
}

/// The version of the kernel's interface. Confines this process to nothing in particular; for a child that ends.
///
/// # Errors
/// When there is no Landlock, or it is off.
pub(super) fn newest() -> io::Result<i32> {
    let ruleset = Ruleset::default().handle_access(AccessFs::MakeBlock).and_then(Ruleset::create);
    let status = ruleset.and_then(RulesetCreated::restrict_self).map_err(|error| refused(&error))?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => Ok(kernel_abi.unwrap_or(effective_abi as i32)),
        LandlockStatus::NotEnabled => Err(io::Error::other("the kernel has it switched off")),
        LandlockStatus::NotImplemented => Err(io::Error::other("the kernel does not have it")),
    }
}

fn allow(ruleset: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> io::Result<RulesetCreated> {
    let place = PathFd::new(path).map_err(|error| system(&error))?;
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    ruleset.add_rule(PathBeneath::new(place, access)).map_err(|error| refused(&error))
}

pub(super) fn refused(error: &RulesetError) -> io::Error {
    system(error)
}

/// The system's own error below the library's, which has the number that tells what to do about it.
pub(super) fn system(error: &(dyn Error + 'static)) -> io::Error {
    let mut below = Some(error);
    while let Some(one) = below {
        if let Some(number) = one.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(number);
        }
        below = one.source();
    }
    io::Error::other(error.to_string())
}
