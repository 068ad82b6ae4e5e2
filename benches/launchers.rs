//! What runs a command for the figures of the sandbox: tagout in several ways, nothing at all, and the peers found here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tagout::policy::{Action, Facts, Grant, Mode, Place, Rules};
use tagout::ports::{Cancel, Exit, Limits, OutputStream, RunOutcome, RunRequest, Runner};
use tagout::sandbox::{Reserve, SandboxRunner};
use tagout::workspace::Root;
use tempfile::TempDir;

use super::{command, tagout};

/// Limits that nothing measured here comes near.
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(300),
    cpu: Duration::from_secs(300),
    memory_bytes: 4 << 30,
    processes: 512,
    open_files: 8_192,
    file_bytes: 1 << 30,
    disk_bytes: 1 << 30,
    disk_files: 100_000,
    output_bytes: 1 << 20,
};

/// Runs of tagout's sandbox as a server makes them: in this process, over one runner.
pub(crate) struct Server {
    runner: SandboxRunner,
    /// Holds the outputs of commands, as a server's cache folder does.
    _cache: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        // Beside the builds of the project, on a disk as a cache folder is, which the folder for temporary files need not be.
        let cache = TempDir::new_in(tagout().parent().unwrap()).unwrap();
        let runner = SandboxRunner::new(tagout(), std::env::vars_os().collect(), Reserve::Kept);
        Self { runner: runner.with_cache(cache.path().to_path_buf()), _cache: cache }
    }

    /// Has a sandbox stand ready.
    pub(crate) fn prepare(&self, mode: Mode, folder: &Path) {
        let root = Root::new(folder.canonicalize().unwrap()).unwrap();
        self.runner.prepare(&root, mode, &LIMITS).unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Runs to the end and gives what `output` wants of it.
    pub(crate) fn run(
        &self,
        mode: Mode,
        folder: &Path,
        argv: &[&str],
        output: &(dyn Fn(OutputStream, &str) + Sync),
        cancel: &Cancel,
    ) -> RunOutcome {
        let (grant, request) = prepared(mode, folder, argv);
        self.runner.run(grant, &request, output, cancel).unwrap_or_else(|failure| panic!("{argv:?}: {failure}"))
    }

    /// Runs what must succeed and say nothing of note.
    pub(crate) fn must(&self, mode: Mode, folder: &Path, argv: &[&str]) {
        let printed = std::sync::Mutex::new(String::new());
        let output = |_: OutputStream, text: &str| printed.lock().unwrap().push_str(text);
        let outcome = self.run(mode, folder, argv, &output, &Cancel::default());
        assert_eq!(outcome.exit, Exit::Code(0), "{argv:?}: {}", printed.lock().unwrap());
    }
}

/// A grant and a request, made before the clock runs.
fn prepared(mode: Mode, folder: &Path, argv: &[&str]) -> (Grant, RunRequest) {
    let argv = argv.iter().map(|&one| one.to_owned()).collect();
    let action = Action::Run { argv, place: Place::Sandbox, network: Vec::new() };
    let (grant, _) = Grant::obtain(mode, &Rules::default(), action, &Facts::user(), None).unwrap();
    let request = RunRequest {
        root: Root::new(folder.canonicalize().unwrap()).unwrap(),
        open: Vec::new(),
        over: Vec::new(),
        limits: LIMITS,
        hidden: Vec::new(),
        shown: Vec::new(),
        private_hosts: Vec::new(),
        terminal: None,
    };
    (grant, request)
}

/// How a launcher is told to run an argument vector in a folder.
type Make = dyn Fn(&Path, &[&str]) -> Command + Sync;

/// A program that runs another one in a folder.
pub(crate) struct Launcher {
    pub(crate) name: String,
    make: Box<Make>,
}

impl Launcher {
    fn new(name: &str, make: impl Fn(&Path, &[&str]) -> Command + Sync + 'static) -> Self {
        Self { name: name.to_owned(), make: Box::new(make) }
    }

    pub(crate) fn command(&self, folder: &Path, argv: &[&str]) -> Command {
        let mut command = (self.make)(folder, argv);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs to the end what must succeed.
    pub(crate) fn must(&self, folder: &Path, argv: &[&str]) {
        let status = self.command(folder, argv).status().unwrap();
        assert!(status.success(), "{}: {argv:?}: {status}", self.name);
    }
}

/// No sandbox: what all others are compared with.
pub(crate) fn bare() -> Launcher {
    Launcher::new("bare posix_spawn", |folder, argv| {
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).current_dir(folder);
        command
    })
}

/// A whole process of tagout's command line, captured.
pub(crate) fn command_line(home: &Path) -> Launcher {
    let home = home.to_owned();
    Launcher::new("tagout run (a process)", move |folder, argv| {
        let mut run = command(&home, &["run", "--"]);
        run.args(argv).current_dir(folder);
        run
    })
}

/// The peers that are installed and run here.
pub(crate) fn peers(folder: &Path) -> Vec<Launcher> {
    let mut peers = vec![
        Launcher::new("unshare -Urmpfnui", |folder, argv| wrapped("unshare", &["-Urmpfnui"], folder, argv)),
        Launcher::new("bubblewrap, strict", |folder, argv| wrapped("bwrap", &bubblewrap(folder), folder, argv)),
        Launcher::new("nsjail", |folder, argv| wrapped("nsjail", &nsjail(folder), folder, argv)),
        Launcher::new("firejail, hardened", |folder, argv| wrapped("firejail", &firejail(folder), folder, argv)),
        Launcher::new("codex sandbox", |folder, argv| wrapped("codex", &["sandbox", "linux", "--"], folder, argv)),
    ];
    peers.retain(|peer| {
        let runs = peer.command(folder, &["/bin/true"]).status();
        let why = match &runs {
            Ok(status) if status.success() => return true,
            Ok(status) => format!("does not run here ({status})"),
            Err(_) => "is not installed".to_owned(),
        };
        println!("skipped: {} {why}", peer.name);
        false
    });
    peers
}

fn wrapped(program: &str, options: &[impl AsRef<std::ffi::OsStr>], folder: &Path, argv: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(options).args(argv).current_dir(folder);
    command
}

/// As a careful user would write it: every namespace, nothing but programs and the folder, no powers.
fn bubblewrap(folder: &Path) -> Vec<String> {
    let fixed = "--unshare-all --disable-userns --unshare-user --die-with-parent --new-session --cap-drop ALL --clearenv \
                 --setenv PATH /usr/bin:/bin --setenv HOME /tmp --hostname sandbox --ro-bind /usr /usr --ro-bind /etc /etc \
                 --proc /proc --dev /dev --tmpfs /tmp --chdir";
    let mut options: Vec<String> = fixed.split_whitespace().map(str::to_owned).collect();
    let folder = folder.display().to_string();
    options.push(folder.clone());
    options.extend(["--bind".to_owned(), folder.clone(), folder]);
    for path in ["/bin", "/lib", "/lib64", "/sbin"] {
        match std::fs::read_link(path) {
            Ok(target) => options.extend(["--symlink".to_owned(), target.display().to_string(), path.to_owned()]),
            Err(_) if Path::new(path).exists() => options.extend(["--ro-bind", path, path].map(str::to_owned)),
            Err(_) => {}
        }
    }
    options.push("--".to_owned());
    options
}

fn nsjail(folder: &Path) -> Vec<String> {
    let folder = folder.display();
    let mut options: Vec<String> = ["-Mo", "-Q", "--disable_clone_newtime", "-T", "/tmp"].map(str::to_owned).into();
    options.extend(["/usr", "/bin", "/lib", "/lib64", "/etc"].iter().flat_map(|path| ["-R".into(), (*path).into()]));
    options.extend(["-B".to_owned(), folder.to_string(), "--cwd".to_owned(), folder.to_string(), "--".to_owned()]);
    options
}

fn firejail(folder: &Path) -> Vec<String> {
    let fixed = "--quiet --noprofile --net=none --caps.drop=all --nonewprivs --seccomp --ipc-namespace --private-dev";
    let mut options: Vec<String> = fixed.split_whitespace().map(str::to_owned).collect();
    options.extend([format!("--whitelist={}", folder.display()), "--".to_owned()]);
    options
}

/// A process and what it is below.
struct Process {
    number: u32,
    parent: u32,
    /// Its namespace of processes, for those that can be asked.
    space: Option<PathBuf>,
    line: String,
}

/// Proportional set sizes of the processes that run one command, in KiB.
#[derive(Default)]
pub(crate) struct Memory {
    /// Those that are there for this command alone; the command itself is not counted.
    pub(crate) own: u64,
    /// How many those are.
    pub(crate) processes: usize,
    /// Those that serve other commands as well.
    pub(crate) shared: u64,
}

/// Weighs process `top` and what is below it, and what of that is there for the process `mark` is an argument of; this
/// process itself weighs nothing.
pub(crate) fn weigh(top: u32, mark: &str) -> Option<Memory> {
    let mut all = processes();
    let mut below = vec![top];
    while let Some(more) = all.iter().find(|one| below.contains(&one.parent) && !below.contains(&one.number)) {
        below.push(more.number);
    }
    all.retain(|one| below.contains(&one.number) && one.number != std::process::id());
    // Launchers have it as an argument, too: the command is the one that has no child.
    let is_leaf = |one: &Process| all.iter().all(|other| other.parent != one.number);
    let command = all.iter().find(|one| is_leaf(one) && one.line.contains(mark))?;
    let mut memory = Memory::default();
    for one in all.iter().filter(|one| one.number != command.number) {
        let for_it = one.line.contains(mark) || (one.space.is_some() && one.space == command.space);
        let size = proportional_kibibytes(one.number)?;
        if for_it {
            memory.own += size;
            memory.processes += 1;
        } else {
            memory.shared += size;
        }
    }
    Some(memory)
}

fn processes() -> Vec<Process> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    numbers.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(number: u32) -> Option<Process> {
    let folder = PathBuf::from(format!("/proc/{number}"));
    let state = std::fs::read_to_string(folder.join("stat")).ok()?;
    // The name, in parentheses, may hold any character.
    let parent = state.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    let line = String::from_utf8_lossy(&std::fs::read(folder.join("cmdline")).ok()?).replace('\0', " ");
    Some(Process { number, parent, space: std::fs::read_link(folder.join("ns/pid")).ok(), line })
}

/// `None` where the kernel does not tell, as it does not tell a user about a process that hides itself.
fn proportional_kibibytes(number: u32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{number}/smaps_rollup")).ok()?;
    rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim().trim_end_matches(" kB").parse().ok()
}
