//! The arguments for bubblewrap (bwrap(1)), where only it may make namespaces: it makes them and mounts what the
//! command sees; the walls after that are this program's own, executed anew inside.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::environment;
use super::machine::{Machine, Seen};
use super::plan::{PROTECTED, REVEALING, SECRETS, SYSTEM};
use crate::policy::Mode;

/// Where the program itself is shown.
const SELF: &str = "/run/tagout";

/// A bubblewrap that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bubblewrap {
    /// The program.
    pub(super) program: PathBuf,
    /// Its version: major, minor, patch.
    pub(super) version: (u32, u32, u32),
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
        Some(Self { program, version })
    }

    /// Whether it can mount overlays.
    pub(super) fn has_overlay(&self) -> bool {
        self.version >= (0, 11, 0)
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
        view: &View,
        program: (&Path, &str),
    ) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments(machine, root, mode, view, program.0)).arg("--").args([SELF, program.1]);
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
fn arguments(machine: &Machine, root: &Path, mode: Mode, view: &View, program: &Path) -> Vec<OsString> {
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
    list.add(["--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp", "--perms", "1777", "--tmpfs", "/tmp"]);
    if machine.home != Path::new("/tmp") {
        list.add(["--perms", "0700"]);
        list.one("--tmpfs", &machine.home);
    }
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
    list.add(["--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm", "--proc", "/proc"]);
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

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(version("bubblewrap 0.8.0\n"), Some((0, 8, 0)));
        assert_eq!(version("bubblewrap 0.11"), Some((0, 11, 0)));
        assert_eq!(version("bubblewrap of some kind"), None);
        assert_eq!(version(""), None);
        let found = |minor| Bubblewrap { program: "/b".into(), version: (0, minor, 0) };
        assert_eq!([found(8), found(11), found(12)].map(|one| one.has_overlay()), [false, true, true]);
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
        let shown = |mode, view: View| {
            let list = arguments(&machine, Path::new("/h/w"), mode, &view, Path::new("/bin/tagout"));
            let list: Vec<String> = list.into_iter().map(|one| one.into_string().unwrap()).collect();
            list.join(" ").replace(" --", "\n--")
        };
        let overlay = View::Overlay { upper: "/c/upper".into(), work: "/c/work".into() };
        insta::assert_snapshot!(shown(Mode::ReadOnly, overlay));
        let copied = shown(Mode::WorkspaceWrite, View::Copy("/c/w".into()));
        assert!(copied.contains("--bind /c/w /h/w\n--dev"), "{copied}");
    }
}
