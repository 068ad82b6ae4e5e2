//! What the child will do, as data: a pure function of the grant, the workspace and the machine, that a
//! test can read. `init` applies the steps in order and stops at the first that fails.

use std::path::{Path, PathBuf};

use super::environment;
use super::identity::Identity;
use super::landlock::PathRules;
use super::machine::{Machine, Seen};
use super::rlimits;
use super::step::{Plan, Purpose, Quota, Share, Step, Writes};
use crate::policy::Mode;
use crate::ports::Limits;

/// More files than anyone reviews. A command that makes so many makes outputs, whose next one writes to disk.
const MOST_FILES_IN_MEMORY: u64 = 16_384;
const ROOT_QUOTA: Quota = Quota::new(1, 4_096);
/// What is counted for the user inside and outside together: what a build needs, so that an editor has the rest.
const SHARES: [(Share, u64); 3] = [(Share::Watchers, 32), (Share::Watches, 65_536), (Share::UserNamespaces, 0)];

/// Parts of what may be written to the workspace, for what is written elsewhere: one in so many.
pub(super) const TEMPORARY_PART: u64 = 2;
pub(super) const HOME_PART: u64 = 4;
pub(super) const SHARED_MEMORY_PART: u64 = 8;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Showing the workspace would show what must stay hidden.
    #[error("the sandbox cannot show {} without showing {}: open a folder below it", .0.display(), .1.display())]
    TooWide(PathBuf, PathBuf),
}

/// Folders of the root that hold programs, libraries and their settings.
pub(super) const SYSTEM: [&str; 10] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store"];

/// Files of the system that are nobody's business; readable to a command of uid 0, and to some groups, unless hidden.
pub(super) const SECRETS: [&str; 12] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
    "/etc/wireguard",
    "/etc/NetworkManager/system-connections",
    "/etc/security/opasswd",
];

/// Parts of `/proc` that a command of uid 0 could write to.
pub(super) const PROTECTED: [&str; 5] = ["/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"];

/// Parts of `/proc` that tell about the whole machine.
pub(super) const REVEALING: [&str; 9] = [
    "/proc/acpi",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
];

const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Outside, the user that root becomes: far above those that systems and their containers give out.
pub(super) const SUBORDINATE: u32 = 0x7461_676f;

/// What becomes of root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootUser {
    /// It becomes another user.
    Shifted,
    /// It stays root, where it cannot become another user: in a container that is not root outside, or with the
    /// workspace on a file system that cannot show other owners.
    Kept,
}

/// What a command has of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own loopback interface.
    None,
    /// A proxy at a port of its own loopback interface, besides.
    Proxy,
}

/// Where the proxy listens: below the ports that the kernel gives out by itself.
const PROXY_PORT: u16 = 31_280;

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The workspace's mode.
    pub mode: Mode,
    /// The workspace, links resolved.
    pub root: &'a Path,
    /// What becomes of root.
    pub root_user: RootUser,
    /// Outputs of earlier commands, shown over the workspace.
    pub kept: Option<&'a Path>,
    /// A folder for its writes; without one they go to memory.
    pub writes: Option<&'a Path>,
    /// What the command has of the network.
    pub network: Network,
    /// What the command may use.
    pub limits: &'a Limits,
}

/// Plans a sandbox.
///
/// # Errors
/// When the workspace is not narrower than the folders that stay hidden.
pub fn plan(wanted: &Wanted<'_>, machine: &Machine) -> Result<Plan, PlanError> {
    check_root(wanted.root, &machine.home)?;
    let identity = identity(wanted, machine);
    let mut steps = vec![Step::HostName("sandbox".into()), Step::Loopback];
    steps.push(Step::NewRoot(ROOT_QUOTA));
    system_steps(*wanted, machine, &identity, &mut steps);
    home_steps(*wanted, machine, &mut steps);
    device_steps(*wanted, &mut steps);
    process_steps(machine, &identity, &mut steps);
    // What comes before this is the same for every workspace, and done ahead: see [`Plan::ahead`].
    steps.extend((wanted.network == Network::Proxy).then_some(Step::Listen(PROXY_PORT)));
    workspace_steps(*wanted, &mut steps);
    steps.push(Step::EnterRoot);
    steps.extend(rlimits::steps(wanted.limits));
    let restricted = restricted(&steps);
    steps.extend([Step::NoNewPrivileges, Step::DropCapabilities, restricted, Step::FilterCalls]);
    Ok(Plan { identity, steps, limits: *wanted.limits })
}

/// Writing is for what was made to be written to, once more: should a mount be other than planned, this is not.
fn restricted(steps: &[Step]) -> Step {
    let mut write: Vec<PathBuf> = Vec::new();
    for step in steps {
        let (Step::Capture { folder: path, .. } | Step::Lose { target: path, .. } | Step::Memory { path, .. }) = step
        else {
            continue;
        };
        if !write.iter().any(|above| path.starts_with(above)) {
            write.push(path.clone());
        }
    }
    Step::RestrictPaths(PathRules { write })
}

/// Root becomes another user where it may: see [`Identity`].
fn identity(wanted: &Wanted<'_>, machine: &Machine) -> Identity {
    match wanted.root_user {
        RootUser::Shifted if machine.uid == 0 => {
            let chains = environment::tool_chains(&machine.home, &machine.environment);
            let real = |path: PathBuf| match machine.seen.get(&path) {
                Some(Seen::Real(source)) => Some(source.clone()),
                Some(Seen::Link(_)) | None => None,
            };
            let shown = std::iter::once(wanted.root.to_path_buf());
            Identity::Subordinate {
                outside: SUBORDINATE,
                shifted: chains.into_iter().filter_map(real).chain(shown).collect(),
                lent: [wanted.kept, wanted.writes].into_iter().flatten().map(Path::to_path_buf).collect(),
            }
        }
        RootUser::Shifted | RootUser::Kept => Identity::Same { uid: machine.uid, gid: machine.gid },
    }
}

/// The workspace is shown whole, so nothing that is to stay hidden may lie in it.
pub(super) fn check_root(root: &Path, home: &Path) -> Result<(), PlanError> {
    let hidden = [home, Path::new("/etc"), Path::new("/dev"), Path::new("/proc"), Path::new("/sys")];
    let inside = ["/proc", "/sys", "/dev"].map(Path::new);
    let wide = hidden.into_iter().find(|path| path.starts_with(root));
    let within = inside.into_iter().find(|path| root.starts_with(path));
    wide.or(within).map_or(Ok(()), |path| Err(PlanError::TooWide(root.to_path_buf(), path.to_path_buf())))
}

fn system_steps(wanted: Wanted<'_>, machine: &Machine, identity: &Identity, steps: &mut Vec<Step>) {
    for path in SYSTEM.map(PathBuf::from) {
        match machine.seen.get(&path) {
            Some(Seen::Link(target)) => steps.push(Step::Link { path, target: target.clone() }),
            Some(Seen::Real(source)) => {
                steps.push(Step::Bind { source: source.clone(), target: path, purpose: Purpose::Read });
            }
            None => {}
        }
    }
    hide(machine, identity, &SECRETS, steps);
    steps.push(Step::Folder("/run".into()));
    steps.push(Step::Folder("/var".into()));
    steps.push(Step::Link { path: "/var/tmp".into(), target: "/tmp".into() });
    let quota = Quota::part(wanted.limits, TEMPORARY_PART);
    steps.push(Step::Memory { path: "/tmp".into(), quota, mode: 0o1777 });
}

/// What the command could not read anyway need not be hidden, and each mount costs time.
fn hide(machine: &Machine, identity: &Identity, paths: &[&str], steps: &mut Vec<Step>) {
    let readable = |path: &PathBuf| match identity {
        Identity::Same { .. } => machine.seen.contains_key(path),
        Identity::Subordinate { .. } => machine.seen.contains_key(path) && !machine.private.contains(path),
    };
    steps.extend(paths.iter().map(PathBuf::from).filter(readable).map(Step::Hide));
}

/// An empty home at the usual path, with nothing of the user's own but the tool chains, read-only. Where there is
/// network, what is downloaded is kept beside what the user has, for as long as the command runs.
fn home_steps(wanted: Wanted<'_>, machine: &Machine, steps: &mut Vec<Step>) {
    let quota = Quota::part(wanted.limits, HOME_PART);
    if machine.home != Path::new("/tmp") {
        steps.push(Step::Memory { path: machine.home.clone(), quota, mode: 0o700 });
    }
    for target in environment::tool_chains(&machine.home, &machine.environment) {
        if let Some(Seen::Real(source)) = machine.seen.get(&target) {
            let source = source.clone();
            steps.push(match wanted.network {
                Network::Proxy if environment::receives_downloads(&target) => Step::Lose { source, target, quota },
                Network::None | Network::Proxy => Step::Bind { source, target, purpose: Purpose::Read },
            });
        }
    }
}

/// Even a read-only view is captured first: unsaved texts need it, and through it no socket in the workspace
/// leads to a server of the host, as it would through a plain view.
fn workspace_steps(wanted: Wanted<'_>, steps: &mut Vec<Step>) {
    let folder = wanted.root.to_path_buf();
    // What is held in memory is to be no more than a command may have of that.
    let quota = Quota::part(wanted.limits, 1);
    let memory = Writes::Memory(Quota { inodes: quota.inodes.min(MOST_FILES_IN_MEMORY), ..quota });
    let writes = wanted.writes.map_or(memory, |path| Writes::Disk(path.to_path_buf()));
    steps.push(Step::Capture { folder: folder.clone(), kept: wanted.kept.map(Path::to_path_buf), writes });
    if wanted.mode == Mode::ReadOnly {
        steps.push(Step::Protect(folder));
    }
}

fn device_steps(wanted: Wanted<'_>, steps: &mut Vec<Step>) {
    let shared_memory = Quota::part(wanted.limits, SHARED_MEMORY_PART);
    let link = |path: &str, target: &str| Step::Link { path: path.into(), target: target.into() };
    steps.push(Step::Memory { path: "/dev".into(), quota: ROOT_QUOTA, mode: 0o755 });
    steps.extend(DEVICES.map(|path| Step::Bind { source: path.into(), target: path.into(), purpose: Purpose::Device }));
    steps.extend([
        Step::Terminals("/dev/pts".into()),
        link("/dev/ptmx", "pts/ptmx"),
        link("/dev/fd", "/proc/self/fd"),
        link("/dev/stdin", "/proc/self/fd/0"),
        link("/dev/stdout", "/proc/self/fd/1"),
        link("/dev/stderr", "/proc/self/fd/2"),
        Step::Memory { path: "/dev/shm".into(), quota: shared_memory, mode: 0o1777 },
        Step::Seal("/dev".into()),
    ]);
}

fn process_steps(machine: &Machine, identity: &Identity, steps: &mut Vec<Step>) {
    steps.push(Step::Processes("/proc".into()));
    steps.extend(SHARES.map(|(share, most)| Step::Share(share, most)));
    let there = PROTECTED.iter().map(PathBuf::from).filter(|path| machine.seen.contains_key(path));
    steps.extend(there.map(Step::Protect));
    hide(machine, identity, &REVEALING, steps);
}

#[cfg(test)]
mod tests;
