//! The processes below this one, for tests that end them and look what is left.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Set in the process that runs one test alone.
const ALONE: &str = "TAGOUT_TEST_ALONE";
/// How long what was ended may take to be gone.
const SETTLING: Duration = Duration::from_secs(20);

/// Runs the test of this name once more, in a process of its own whose temporary folder is empty and which every
/// orphan below it falls to; true there. What it says of itself is passed on.
pub(super) fn alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        set_child_subreaper(true).unwrap();
        return true;
    }
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{complaints}");
    for line in said.lines().chain(complaints.lines()) {
        // The first one stands behind the name of the test.
        let begins = ["skipped: ", "storm: "].iter().find_map(|word| line.find(word));
        begins.and_then(|begins| line.get(begins..)).inspect(|told| println!("{told}"));
    }
    false
}

/// A process below this one.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) number: Pid,
    parent: Pid,
    zombie: bool,
    /// Its number in the namespace it is in, where that is not this one.
    pub(super) inside: Option<i32>,
    pub(super) line: String,
}

impl Process {
    fn read(number: i32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{number}"));
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let field = |name: &str| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned());
        let numbers: Vec<i32> = field("NSpid:")?.split('\t').filter_map(|one| one.parse().ok()).collect();
        Some(Self {
            number: Pid::from_raw(number),
            parent: Pid::from_raw(field("PPid:")?.parse().ok()?),
            zombie: field("State:")?.starts_with('Z'),
            inside: numbers.get(1).map(|_| numbers[numbers.len() - 1]),
            line: String::from_utf8_lossy(&fs::read(folder.join("cmdline")).ok()?).replace('\0', " "),
        })
    }

    /// When it started, in clock ticks since the machine did (proc_pid_stat(5)): the same seen from within a sandbox.
    pub(super) fn started(&self) -> String {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.number)).unwrap_or_default();
        stat.split(' ').nth(21).unwrap_or_default().to_owned()
    }

    /// Ends it at once, if it is still there.
    pub(super) fn kill(&self) {
        let _ = kill(self.number, Signal::SIGKILL);
    }
}

fn all() -> Vec<Process> {
    let names = fs::read_dir("/proc").unwrap().flatten();
    names.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The processes below this one, in any depth, the ended ones that nobody collected yet among them.
fn all_beneath() -> Vec<Process> {
    let mut all = all();
    let mut below = BTreeSet::from([Pid::this()]);
    loop {
        let before = below.len();
        let more: Vec<Pid> = all.iter().filter(|one| below.contains(&one.parent)).map(|one| one.number).collect();
        below.extend(more);
        if below.len() == before {
            break;
        }
    }
    all.retain(|one| one.number != Pid::this() && below.contains(&one.number));
    all
}

/// The living ones of them.
pub(super) fn beneath() -> Vec<Process> {
    let mut living = all_beneath();
    living.retain(|one| !one.zombie);
    living
}

/// Waits until nothing is below this process any more, collecting the orphans that fell to it.
pub(super) fn wait_until_none_is_left() {
    let deadline = Instant::now() + SETTLING;
    loop {
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
        let left = all_beneath();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {left:#?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What sandboxes could leave on a machine besides processes. Namespaces are not among it: they go with the last process
/// in them, or with the last descriptor of them, which goes with its process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Traces {
    mounts: BTreeSet<String>,
    control_groups: BTreeSet<PathBuf>,
    temporary: BTreeSet<PathBuf>,
}

impl Traces {
    pub(super) fn now() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let groups =
            mounts.lines().filter(|line| line.contains(" - cgroup2 ")).filter_map(|line| line.split(' ').nth(4));
        let named = |path: &PathBuf| path.to_string_lossy().contains("tagout");
        Self {
            control_groups: groups.flat_map(|top| folders(top.into())).filter(named).collect(),
            temporary: fs::read_dir(std::env::temp_dir()).unwrap().flatten().map(|entry| entry.path()).collect(),
            mounts: mounts.lines().map(str::to_owned).collect(),
        }
    }
}

fn folders(top: PathBuf) -> Vec<PathBuf> {
    let mut found = vec![top];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()));
    }
    found
}
