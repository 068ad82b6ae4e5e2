//! A control group for each sandbox, where this process may make some (cgroups(7), version 2): what the kernel itself
//! counts, it counts at once and exactly, its own memory for the sandbox included.
//!
//! Process 1 measures in any case (`usage`); a group is a second wall behind that one, and names what it stopped.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{AccessFlags, access};

use super::step::Plan;
use crate::ports::{Limit, LimitReached, Limits};

/// What the groups of all servers are called before their number.
const PREFIX: &str = "tagout-";
/// Share of a busy processor beside the user's own programs, which have 100.
const WEIGHT: u64 = 50;
/// What process 1 and the kernel need besides, in bytes.
const SPARE: u64 = 64 << 20;

/// Where groups are made.
#[derive(Debug)]
pub(super) struct Cgroups {
    folder: PathBuf,
    made: AtomicU64,
    /// Groups that could not be removed yet, since their last process was still ending.
    leftover: Arc<Mutex<Vec<PathBuf>>>,
}

impl Cgroups {
    /// The nearest place above this process where it may make groups that limit memory and processes; `None` on a
    /// machine that has none. Removes what servers that have ended left there.
    pub(super) fn find() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let (top, own) = own_folder(&mounts, &own)?;
        let groups = Self::below(nearest(&top, &own)?);
        groups.sweep();
        Some(groups)
    }

    fn below(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), made: AtomicU64::new(0), leftover: Arc::default() }
    }

    /// Removes the groups of servers that have ended.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let server = name.to_str().and_then(server_of);
            if server.is_some_and(|server| !fs::exists(format!("/proc/{server}")).unwrap_or(true)) {
                // Whoever is still in it has lost its server.
                end(&entry.path());
                removed(&entry.path());
            }
        }
    }

    /// Makes a group for a sandbox by `plan`.
    ///
    /// # Errors
    /// When the kernel refuses: then there is none, and nothing is left of it.
    pub(super) fn make(&self, plan: &Plan) -> io::Result<Group> {
        self.leftover.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| !removed(path));
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{PREFIX}{}-{number}", nix::unistd::getpid()));
        fs::create_dir(&path)?;
        let group = Group { path, leftover: self.leftover.clone() };
        // What is written to file systems in memory is memory to the kernel.
        let in_files: u64 = plan.in_memory().map(|(_, quota)| quota.bytes).sum();
        let memory = plan.limits.memory_bytes.saturating_add(in_files).saturating_add(SPARE);
        // Process 1 is one more.
        let processes = plan.limits.processes.saturating_add(1);
        group.set("memory.max", memory)?;
        group.set("pids.max", processes)?;
        // Not every kernel has these, and nothing leans on them.
        drop(group.set("memory.swap.max", 0));
        drop(group.set("memory.oom.group", 1));
        drop(group.set("cpu.weight", WEIGHT));
        Ok(group)
    }
}

/// Removes a group in which no process is left. Whether it is gone.
fn removed(group: &Path) -> bool {
    fs::remove_dir(group).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |()| true)
}

/// The nearest folder from `own` up to `top` in which this process may make groups that limit memory and processes.
fn nearest<'a>(top: &Path, own: &'a Path) -> Option<&'a Path> {
    let writable = |path: &Path| access(path, AccessFlags::W_OK).is_ok();
    let may_make = |folder: &&Path| limits_below(folder) && writable(folder) && writable(&folder.join("cgroup.procs"));
    own.ancestors().take_while(|folder| folder.starts_with(top)).find(may_make)
}

/// The number of the server that a group of this name belongs to.
fn server_of(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

/// Whether groups made in `folder` can limit memory and processes.
fn limits_below(folder: &Path) -> bool {
    let passed_on = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    ["memory", "pids"].iter().all(|wanted| passed_on.split_ascii_whitespace().any(|name| name == *wanted))
}

/// The top of the hierarchy as it is mounted, and the folder of this process's group in it, by the texts of
/// `/proc/self/mountinfo` and `/proc/self/cgroup`.
fn own_folder(mounts: &str, own: &str) -> Option<(PathBuf, PathBuf)> {
    let own = Path::new(own.lines().find_map(|line| line.strip_prefix("0::"))?);
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, top) = (fields.next()?, fields.next()?);
        let below = own.strip_prefix(root).ok().filter(|_| kind.starts_with("cgroup2 "))?;
        Some((PathBuf::from(top), PathBuf::from(top).join(below)))
    })
}

/// Writes to a file of a group, which is there or is not to be.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_CLOEXEC).open(path)?;
    io::Write::write_all(&mut &file, text.as_bytes())
}

/// Ends every process of a group (Linux 5.14).
fn end(group: &Path) {
    drop(write(&group.join("cgroup.kill"), "1"));
}

/// The group of one sandbox. Dropping it ends what is in it.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
    leftover: Arc<Mutex<Vec<PathBuf>>>,
}

impl Group {
    fn set(&self, name: &str, value: u64) -> io::Result<()> {
        write(&self.path.join(name), &value.to_string())
    }

    /// The folder that a process is begun in, for clone3(2).
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        Ok(OwnedFd::from(File::open(&self.path)?))
    }

    /// How often the kernel noted `event` in the file `name` of the group.
    fn count(&self, name: &str, event: &str) -> u64 {
        let text = fs::read_to_string(self.path.join(name)).unwrap_or_default();
        let counts = text.lines().filter_map(|line| line.split_once(' '));
        counts.filter(|(name, _)| *name == event).find_map(|(_, count)| count.trim().parse().ok()).unwrap_or(0)
    }

    /// Those of `limits` that the kernel held the sandbox to; for memory it ends all that is in the group.
    pub(super) fn reached(&self, limits: &Limits) -> Vec<LimitReached> {
        let ended = self.count("memory.events", "oom_kill") > 0;
        let refused = self.count("pids.events", "max") > 0;
        let memory = LimitReached { limit: Limit::Memory, most: limits.memory_bytes };
        let processes = LimitReached { limit: Limit::Processes, most: limits.processes };
        ended.then_some(memory).into_iter().chain(refused.then_some(processes)).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        end(&self.path);
        if !removed(&self.path) {
            self.leftover.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const MOUNTS: &str =
        "22 1 0:21 / /proc rw - proc proc rw\n30 22 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_own_group_is_found_under_its_mount() {
        let own = |mounts: &str, own: &str| own_folder(mounts, own).map(|(_, own)| own.display().to_string());
        let user = "1:name=systemd:/x\n0::/user.slice/app.slice/editor.scope\n";
        let folder = "/sys/fs/cgroup/user.slice/app.slice/editor.scope";
        assert_eq!(own(MOUNTS, user).as_deref(), Some(folder));
        // A container shows a part of the hierarchy.
        let part = MOUNTS.replace("0:26 / ", "0:26 /user.slice ");
        assert_eq!(own(&part, user).as_deref(), Some("/sys/fs/cgroup/app.slice/editor.scope"));
        assert_eq!(own(&MOUNTS.replace("0:26 / ", "0:26 /other "), user), None);
        assert_eq!(own(MOUNTS, "4:memory:/x\n"), None);
        assert_eq!(own("", user), None);
        assert_eq!(own("nonsense\n - cgroup2 x\n", user), None);
    }

    /// A hierarchy as its files look: `a` passes controllers on, `a/b` and `a/b/c` do not.
    fn hierarchy() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("a/b/c")).unwrap();
        for (folder, passed_on) in [("a", "cpu memory pids\n"), ("a/b", "cpu\n"), ("a/b/c", "\n"), (".", "memory pids")]
        {
            fs::write(top.path().join(folder).join("cgroup.subtree_control"), passed_on).unwrap();
            fs::write(top.path().join(folder).join("cgroup.procs"), "").unwrap();
        }
        top
    }

    #[test]
    fn groups_are_made_where_the_nearest_folder_passes_the_controllers_on() {
        let top = hierarchy();
        let own = top.path().join("a/b/c");
        assert_eq!(nearest(top.path(), &own), Some(top.path().join("a").as_path()));
        assert_eq!(nearest(&top.path().join("a/b"), &own), None);
        fs::remove_file(top.path().join("a/cgroup.procs")).unwrap();
        assert_eq!(nearest(top.path(), &own), Some(top.path()));
    }

    #[test]
    fn what_servers_that_have_ended_left_is_removed_and_nothing_else() {
        let top = hierarchy();
        let own = format!("tagout-{}-0", std::process::id());
        for name in ["tagout-4000000000-0", "tagout-4000000000-1", &own, "tagout-x-0", "tagout-4000000000", "other"] {
            fs::create_dir(top.path().join(name)).unwrap();
        }
        Cgroups::below(top.path()).sweep();
        let left = |name: &str| top.path().join(name).exists();
        assert!(!left("tagout-4000000000-0") && !left("tagout-4000000000-1"));
        assert!(left(&own) && left("tagout-x-0") && left("tagout-4000000000") && left("other"));
    }

    #[test]
    fn events_name_the_limit_and_a_group_that_cannot_be_removed_yet_is_kept_in_mind() {
        let top = hierarchy();
        let groups = Cgroups::below(top.path());
        let path = top.path().join("tagout-1-0");
        fs::create_dir(&path).unwrap();
        let group = Group { path: path.clone(), leftover: groups.leftover.clone() };
        let limits = Limits { memory_bytes: 5, processes: 6, ..Limits::ample() };
        assert_eq!(group.reached(&limits), []);
        fs::write(path.join("memory.events"), "low 0\nmax 7\noom 1\noom_kill 0\n").unwrap();
        fs::write(path.join("pids.events"), "max 3\n").unwrap();
        let processes = LimitReached { limit: Limit::Processes, most: 6 };
        assert_eq!(group.reached(&limits), [processes]);
        fs::write(path.join("memory.events"), "low 0\nmax 7\noom 1\noom_kill 2\n").unwrap();
        assert_eq!(group.reached(&limits), [LimitReached { limit: Limit::Memory, most: 5 }, processes]);
        drop(group);
        assert_eq!(*groups.leftover.lock().unwrap(), std::slice::from_ref(&path));
        fs::remove_dir_all(&path).unwrap();
        assert!(removed(&path));
    }

    #[test]
    fn a_real_group_ends_its_processes_when_it_is_dropped() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let made = own_folder(&mounts, "0::/\n").and_then(|(top, _)| {
            let path = top.join(format!("{PREFIX}{}-test", std::process::id()));
            fs::create_dir(&path).ok().map(|()| path)
        });
        let Some(path) = made else {
            eprintln!("skipped: no control group can be made here");
            return;
        };
        let group = Group { path: path.clone(), leftover: Arc::default() };
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        write(&path.join("cgroup.procs"), &child.id().to_string()).unwrap();
        assert!(fs::read_to_string(format!("/proc/{}/cgroup", child.id())).unwrap().contains("-test"));
        let leftover = group.leftover.clone();
        drop(group);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
        assert!(leftover.lock().unwrap().iter().all(|path| removed(path)));
        assert!(!path.exists());
    }
}
