//! The arguments for bubblewrap (bwrap(1)), where only it may make namespaces: it makes them and mounts what the
//! command sees; the walls after that are this program's own, executed anew inside.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::copy::WorkspaceCopy;
use super::environment;
use super::machine::{Machine, Seen};
use super::plan::{HOME_PART, PROTECTED, REVEALING, SECRETS, SHARED_MEMORY_PART, SYSTEM, TEMPORARY_PART};
use super::step::Quota;
use crate::policy::Mode;
use crate::ports::Limits;

/// Where the program itself is shown.
const SELF: &str = "/run/tagout";

/// A bubblewrap that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bubblewrap {
    /// The program.
    pub(super) program: PathBuf,
    /// Its version: major, minor, patch.
    pub(super) version: (u32, u32, u32),
    /// Whether it runs as root whoever starts it: then it takes fewer options.
    pub(super) set_id: bool,
}

/// A folder besides the workspace that may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scratch {
    path: PathBuf,
    mode: &'static str,
    holds: Holds,
}

/// Where that goes which is written to a [`Scratch`].
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    /// To a file system in memory.
    Memory(Quota),
    /// To a folder on disk, beside the copy of the workspace and counted with it.
    Disk(PathBuf),
}

impl Scratch {
    /// The file system in memory that it is, if it is one.
    pub(super) fn in_memory(&self) -> Option<(PathBuf, Quota)> {
        match &self.holds {
            Holds::Memory(quota) => Some((self.path.clone(), *quota)),
            Holds::Disk(_) => None,
        }
    }
}

/// How the command sees the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    /// Through an overlay, whose writes go to one folder, and which works in another.
    Overlay {
        /// Receives the writes.
        upper: PathBuf,
        /// The overlay's own.
        work: PathBuf,
    },
    /// As this copy of it.
    Copy(PathBuf),
}

impl Bubblewrap {
    /// The first one in the folders of `path`, the value of `PATH`; only absolute folders count.
    pub(super) fn find(path: &str) -> Option<Self> {
        let usual = ["/usr/bin", "/usr/local/bin", "/bin"];
        let folders = path.split(':').filter(|folder| folder.starts_with('/')).chain(usual);
        folders.map(|folder| Path::new(folder).join("bwrap")).filter(|program| program.is_file()).find_map(Self::at)
    }

    fn at(program: PathBuf) -> Option<Self> {
        let output = Command::new(&program).arg("--version").env_clear().stdin(Stdio::null()).output().ok()?;
        let version = version(&String::from_utf8_lossy(&output.stdout))?;
        let set_id = program.metadata().ok()?.mode() & libc::S_ISUID != 0;
        Some(Self { program, version, set_id })
    }

    /// Whether it can mount overlays.
    pub(super) fn has_overlay(&self) -> bool {
        self.version >= (0, 11, 0) && !self.set_id
    }

    /// Whether a file system in memory can be given a size (`--size`).
    fn has_sizes(&self) -> bool {
        self.version >= (0, 7, 0) && !self.set_id
    }

    /// What may be written to besides the workspace: in memory where that can be limited, otherwise on disk in `store`.
    pub(super) fn scratch(&self, home: &Path, limits: &Limits, store: &WorkspaceCopy) -> Vec<Scratch> {
        let kinds = [
            (Path::new("/tmp"), "1777", TEMPORARY_PART, store.temporary()),
            (home, "0700", HOME_PART, store.home()),
            (Path::new("/dev/shm"), "1777", SHARED_MEMORY_PART, store.shared_memory()),
        ];
        let one = |(path, mode, part, folder): (&Path, _, _, _)| {
            let holds = if self.has_sizes() { Holds::Memory(Quota::part(limits, part)) } else { Holds::Disk(folder) };
            Scratch { path: path.to_path_buf(), mode, holds }
        };
        // A user without a home has the folder for temporary files.
        kinds.into_iter().filter(|(_, mode, ..)| *mode == "1777" || home != Path::new("/tmp")).map(one).collect()
    }

    /// Whether it may make every namespace that a sandbox needs.
    ///
    /// # Errors
    /// What it says when it may not.
    pub(super) fn try_it(&self) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(NAMESPACES).args(["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]);
        let output = command.env_clear().stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// The command that becomes the sandbox: `program` with `argument`, in what bubblewrap makes.
    pub(super) fn command(
        &self,
        machine: &Machine,
        root: &Path,
        mode: Mode,
        (view, scratch): (&View, &[Scratch]),
        program: (&Path, &str),
    ) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments(machine, root, mode, (view, scratch), program.0)).arg("--").args([SELF, program.1]);
        command.env_clear().current_dir("/");
        command
    }
}

/// The session is begun by the program inside.
const NAMESPACES: [&str; 7] = [
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup",
    "--die-with-parent",
];

/// All arguments before the program; a pure function of what there is.
fn arguments(
    machine: &Machine,
    root: &Path,
    mode: Mode,
    (view, scratch): (&View, &[Scratch]),
    program: &Path,
) -> Vec<OsString> {
    let mut list = Arguments(NAMESPACES.map(OsString::from).to_vec());
    list.add(["--as-pid-1", "--hostname", "sandbox", "--clearenv"]);
    for path in SYSTEM.map(Path::new) {
        match machine.seen.get(path) {
            Some(Seen::Link(target)) => list.two("--symlink", target, path),
            Some(Seen::Real(source)) => list.two("--ro-bind", source, path),
            None => {}
        }
    }
    hide(machine, &SECRETS, &mut list);
    list.add(["--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp"]);
    let (devices, others): (Vec<&Scratch>, Vec<&Scratch>) =
        scratch.iter().partition(|one| one.path.starts_with("/dev"));
    others.into_iter().for_each(|one| list.scratch(one));
    for target in environment::tool_chains(&machine.home, &machine.environment) {
        if let Some(Seen::Real(source)) = machine.seen.get(&target) {
            list.two("--ro-bind", source, &target);
        }
    }
    match view {
        View::Overlay { upper, work } => {
            list.one("--overlay-src", root);
            list.one("--overlay", upper);
            list.0.extend([work.into(), root.into()]);
        }
        View::Copy(copy) => list.two("--bind", copy, root),
    }
    if mode == Mode::ReadOnly {
        list.one("--remount-ro", root);
    }
    list.add(["--dev", "/dev"]);
    devices.into_iter().for_each(|one| list.scratch(one));
    // The folder alone: bubblewrap would take the use of what is mounted read-only from the devices in it.
    list.add(["--remount-ro", "/dev", "--proc", "/proc"]);
    for path in PROTECTED.map(Path::new).into_iter().filter(|path| machine.seen.contains_key(*path)) {
        list.two("--ro-bind", path, path);
    }
    hide(machine, &REVEALING, &mut list);
    list.two("--ro-bind", program, Path::new(SELF));
    list.add(["--remount-ro", "/"]);
    list.0
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<const COUNT: usize>(&mut self, words: [&str; COUNT]) {
        self.0.extend(words.map(OsString::from));
    }

    fn one(&mut self, option: &str, path: &Path) {
        self.0.extend([option.into(), path.into()]);
    }

    fn scratch(&mut self, scratch: &Scratch) {
        match &scratch.holds {
            Holds::Memory(quota) => {
                self.add(["--perms", scratch.mode, "--size", &quota.bytes.to_string()]);
                self.one("--tmpfs", &scratch.path);
            }
            Holds::Disk(folder) => self.two("--bind", folder, &scratch.path),
        }
    }

    fn two(&mut self, option: &str, source: &Path, target: &Path) {
        self.0.extend([option.into(), source.into(), target.into()]);
    }
}

fn hide(machine: &Machine, paths: &[&str], list: &mut Arguments) {
    for path in paths.iter().map(Path::new) {
        match machine.seen.get(path) {
            Some(Seen::Real(real)) if real.is_dir() => {
                list.one("--tmpfs", path);
                list.one("--remount-ro", path);
            }
            Some(_) => list.two("--ro-bind", Path::new("/dev/null"), path),
            None => {}
        }
    }
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = text.split_whitespace().last()?.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::disk_watch::tests::limits;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(version("bubblewrap 0.8.0\n"), Some((0, 8, 0)));
        assert_eq!(version("bubblewrap 0.11"), Some((0, 11, 0)));
        assert_eq!(version("bubblewrap of some kind"), None);
        assert_eq!(version(""), None);
        let found = |minor| Bubblewrap { program: "/b".into(), version: (0, minor, 0), set_id: false };
        assert_eq!([found(8), found(11), found(12)].map(|one| one.has_overlay()), [false, true, true]);
        assert_eq!([found(6), found(7), found(12)].map(|one| one.has_sizes()), [false, true, true]);
        let set_id = Bubblewrap { set_id: true, ..found(12) };
        assert!(!set_id.has_overlay() && !set_id.has_sizes());
    }

    #[test]
    fn the_arguments_show_nothing_of_the_host_but_what_is_listed() {
        let real = |path: &str| (PathBuf::from(path), Seen::Real(path.into()));
        let mut seen: std::collections::BTreeMap<PathBuf, Seen> =
            ["/usr", "/etc/shadow", "/proc/sys", "/h/.rustup/toolchains"].map(real).into();
        seen.insert("/bin".into(), Seen::Link("usr/bin".into()));
        let environment = [("HOME".to_owned(), "/h".to_owned())].into();
        let private = ["/etc/shadow".into()].into();
        let machine = Machine { uid: 7, gid: 8, home: "/h".into(), environment, seen, private };
        let bubblewrap = |minor| Bubblewrap { program: "/b".into(), version: (0, minor, 0), set_id: false };
        let folder = tempfile::tempdir().unwrap();
        let store = WorkspaceCopy::empty(folder.path(), &folder.path().join("c")).unwrap();
        let limits = Limits { memory_bytes: 1 << 30, disk_bytes: 1 << 20, ..limits(1 << 20, 100) };
        let shown = |mode, minor, view: View| {
            let scratch = bubblewrap(minor).scratch(&machine.home, &limits, &store);
            let list = arguments(&machine, Path::new("/h/w"), mode, (&view, &scratch), Path::new("/bin/tagout"));
            let list: Vec<String> = list.into_iter().map(|one| one.into_string().unwrap()).collect();
            list.join(" ").replace(" --", "\n--")
        };
        let overlay = View::Overlay { upper: "/c/upper".into(), work: "/c/work".into() };
        insta::assert_snapshot!(shown(Mode::ReadOnly, 12, overlay));
        let copied = shown(Mode::WorkspaceWrite, 8, View::Copy("/c/w".into()));
        assert!(copied.contains("--bind /c/w /h/w\n--dev"), "{copied}");
        let old = shown(Mode::WorkspaceWrite, 6, View::Copy("/c/w".into()));
        let folders = [(store.temporary(), "/tmp"), (store.home(), "/h"), (store.shared_memory(), "/dev/shm")];
        for (folder, path) in folders {
            assert!(old.contains(&format!("--bind {} {path}\n", folder.display())), "{old}");
        }
        assert!(!old.contains("--size") && !old.contains("--tmpfs"), "{old}");
    }
}
