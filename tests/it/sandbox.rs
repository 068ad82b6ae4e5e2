//! What a command in the sandbox can and cannot do, tried on the real kernel through the real binary.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tagout::policy::{Action, Approval, Facts, Grant, Mode, Place, Rules};
use tagout::ports::{
    Cancel, Exit, Failure, FailureKind, Limits, OpenText, OutputStream, RunOutcome, RunRequest, Runner, Terminal,
};
use tagout::sandbox::{Reserve, SandboxRunner};
use tagout::workspace::{FileState, RelativePath, Root};
use tempfile::TempDir;

/// A workspace, a home with a secret beside it, and what was printed.
pub(super) struct Bench {
    pub(super) folder: Arc<TempDir>,
    environment: Vec<(OsString, OsString)>,
    pub(super) runner: SandboxRunner,
    pub(super) open: Vec<OpenText>,
    pub(super) over: Vec<(RelativePath, Option<FileState>)>,
    pub(super) hidden: Vec<String>,
    pub(super) shown: Vec<String>,
    pub(super) limits: Limits,
    pub(super) terminal: Option<Terminal>,
    cancel: Cancel,
    pub(super) printed: Mutex<String>,
}

/// Limits that no test comes near by accident.
pub(super) fn limits() -> Limits {
    Limits {
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

/// `None`, with the reason printed, where this machine has no sandbox.
pub(super) fn bench(files: &[(&str, &str)]) -> Option<Bench> {
    bench_with(files, vec![("PATH".into(), "/usr/bin:/bin".into())])
}

/// The same for a user with this environment, besides a home and a secret.
pub(super) fn bench_with(files: &[(&str, &str)], mut environment: Vec<(OsString, OsString)>) -> Option<Bench> {
    let folder = Arc::new(TempDir::new().unwrap());
    let home = folder.path().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::create_dir_all(home.join("work")).unwrap();
    fs::write(home.join(".ssh/id"), "SECRET").unwrap();
    for (path, text) in files {
        let path = home.join("work").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    environment.push(("HOME".into(), home.into()));
    environment.push(("API_TOKEN".into(), "SECRET".into()));
    let bench = Bench::over(folder, environment);
    match bench.runner.prepare(&Root::new(bench.work()).unwrap(), Mode::WorkspaceWrite, &limits()) {
        Ok(_) => Some(bench),
        Err(missing) => {
            eprintln!("skipped: {missing}");
            None
        }
    }
}

/// Leave to run this, asked for and given.
fn granted(mode: Mode, place: Place, argv: &[&str]) -> Grant {
    let argv = argv.iter().map(|one| (*one).to_owned()).collect();
    let action = Action::Run { argv, place, network: Vec::new() };
    let approval = Approval { shown: Facts::user().shown(mode, &action) };
    Grant::obtain(mode, &Rules::default(), action, &Facts::user(), Some(approval)).unwrap().0
}

impl Bench {
    /// A runner with a sandbox that is made when it is first needed.
    fn over(folder: Arc<TempDir>, environment: Vec<(OsString, OsString)>) -> Self {
        let runner = SandboxRunner::new(env!("CARGO_BIN_EXE_tagout").into(), environment.clone(), Reserve::Kept);
        Self {
            runner: runner.with_cache(folder.path().join("cache")),
            folder,
            environment,
            open: Vec::new(),
            over: Vec::new(),
            hidden: Vec::new(),
            shown: Vec::new(),
            limits: limits(),
            terminal: None,
            cancel: Cancel::default(),
            printed: Mutex::default(),
        }
    }

    /// Another runner for the same workspace, as of a second editor, with a sandbox that waits.
    pub(super) fn beside(&self) -> Self {
        let other = Self::over(self.folder.clone(), self.environment.clone());
        other.runner.prepare(&Root::new(self.work()).unwrap(), Mode::WorkspaceWrite, &limits()).unwrap();
        other
    }

    pub(super) fn work(&self) -> std::path::PathBuf {
        self.folder.path().canonicalize().unwrap().join("home/work")
    }

    /// What to run at `root`, with nothing open and nothing out of the ordinary.
    pub(super) fn request(&self, root: &Path) -> RunRequest {
        RunRequest {
            root: Root::new(root).unwrap(),
            open: self.open.clone(),
            over: self.over.clone(),
            limits: self.limits,
            hidden: self.hidden.clone(),
            shown: self.shown.clone(),
            private_hosts: Vec::new(),
            terminal: self.terminal.clone(),
        }
    }

    /// Runs in the sandbox at `root`, if it can be begun.
    pub(super) fn try_at(&self, root: &Path, mode: Mode, argv: &[&str]) -> Result<RunOutcome, Failure> {
        self.try_with(&self.request(root), granted(mode, Place::Sandbox, argv))
    }

    fn try_with(&self, request: &RunRequest, grant: Grant) -> Result<RunOutcome, Failure> {
        let output = |_: OutputStream, text: &str| self.printed.lock().unwrap().push_str(text);
        self.runner.run(grant, request, &output, &self.cancel)
    }

    pub(super) fn run_argv(&self, mode: Mode, place: Place, argv: &[&str]) -> RunOutcome {
        self.try_with(&self.request(&self.work()), granted(mode, place, argv)).unwrap()
    }

    pub(super) fn run(&self, script: &str) -> RunOutcome {
        self.run_argv(Mode::WorkspaceWrite, Place::Sandbox, &["sh", "-c", script])
    }

    pub(super) fn printed(&self) -> String {
        std::mem::take(&mut *self.printed.lock().unwrap())
    }
}

#[test]
fn a_read_only_workspace_is_read_only() {
    let Some(mut bench) = bench(&[("a", "1\n")]) else { return };
    let unsaved = OpenText { path: RelativePath::new("a").unwrap(), text: "unsaved\n".to_owned(), saved: false };
    for open in [vec![], vec![unsaved]] {
        bench.open = open;
        let script = "cat a; (echo x >> a) 2>/dev/null || echo refused; touch b 2>/dev/null || echo refused";
        let outcome = bench.run_argv(Mode::ReadOnly, Place::Sandbox, &["sh", "-c", script]);
        let seen = if bench.open.is_empty() { "1" } else { "unsaved" };
        assert_eq!(bench.printed(), format!("{seen}\nrefused\nrefused\n"));
        assert_eq!((outcome.changes.len(), outcome.refused.len()), (0, 0));
        assert_eq!(fs::read(bench.work().join("a")).unwrap(), b"1\n");
    }
}

#[test]
fn the_exit_is_the_commands_own() {
    let Some(bench) = bench(&[("script", "exit 4\n"), ("plain", "x")]) else { return };
    fs::set_permissions(bench.work().join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let exit = |argv: &[&str]| bench.run_argv(Mode::ReadOnly, Place::Sandbox, argv).exit;
    assert_eq!(exit(&["sh", "-c", "exit 3"]), Exit::Code(3));
    assert_eq!(exit(&["sh", "-c", "kill -TERM $$"]), Exit::Signal(15));
    assert_eq!(exit(&["./script"]), Exit::Code(4));
    assert_eq!(bench.printed(), "");
    assert_eq!(exit(&["no-such-program"]), Exit::Code(127));
    assert!(bench.printed().contains("no program of this name"));
    assert_eq!(exit(&["./plain"]), Exit::Code(126));
    assert!(bench.printed().contains("cannot run"));
}

/// Whether any process on the host has `mark` in its command line.
fn lives(mark: &str) -> bool {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(mark))
}

#[test]
fn the_time_limit_and_the_user_end_the_whole_tree() {
    let Some(mut bench) = bench(&[]) else { return };
    let mark = format!("{}", 900_000 + std::process::id());
    let script = format!(
        "trap '' TERM INT; echo x > f; (setsid sh -c '(sleep {mark} &) ; sleep {mark}' >/dev/null 2>&1 &) ; sleep {mark}"
    );
    bench.limits.wall = Duration::from_secs(2);
    let outcome = bench.run(&script);
    assert!(matches!(outcome.exit, Exit::Limit(_)), "{:?}", outcome.exit);
    assert_eq!(outcome.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["f"]);
    assert!(!lives(&format!("sleep {mark}")));

    bench.limits.wall = Duration::from_secs(60);
    let cancelled = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !bench.printed.lock().unwrap().contains("ready") {
                std::thread::yield_now();
            }
            bench.cancel.cancel();
        });
        bench.run(&format!("echo ready; {script}"))
    });
    assert_eq!(cancelled.exit, Exit::Cancelled);
    assert!(!lives(&format!("sleep {mark}")));
}

#[test]
fn a_daemon_ends_with_its_command() {
    let Some(bench) = bench(&[]) else { return };
    let mark = format!("{}", 800_000 + std::process::id());
    let outcome = bench.run(&format!("setsid sh -c 'sleep {mark} & sleep {mark}' & sleep 0.2; exit 0"));
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!(!lives(&format!("sleep {mark}")));
}

#[test]
fn a_flood_is_cut_and_counted() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.output_bytes = 1000;
    let outcome = bench.run("head -c 50000000 /dev/zero | tr '\\0' x; echo e >&2; exit 7");
    assert_eq!(outcome.exit, Exit::Code(7));
    let printed = bench.printed();
    let (head, tail) = (printed.get(..500).unwrap(), printed.get(printed.len() - 500..).unwrap());
    assert!(head.bytes().all(|byte| byte == b'x') && tail.ends_with("xe\n"), "{printed}");
    assert_eq!(outcome.dropped_output, 50_000_002 - 1000);
    let line = format!("\n[tagout: {} bytes of output left out here]\n", outcome.dropped_output);
    assert_eq!(printed.len(), 1000 + line.len());
    assert!(printed.contains(&line), "{printed}");
    bench.limits.wall = Duration::from_secs(1);
    assert!(matches!(bench.run("yes").exit, Exit::Limit(_)));
}

#[test]
fn escapes_are_shown_not_sent() {
    let Some(bench) = bench(&[]) else { return };
    bench.run("printf '\\033]52;c;x\\007\\r\\n\\302\\23331m'");
    assert_eq!(bench.printed(), "\u{241b}]52;c;x\u{2407}\r\n<U+009B>31m");
}

#[test]
fn secrets_processes_and_networks_of_the_host_are_out_of_reach() {
    let Some(bench) = bench(&[]) else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let secret = bench.folder.path().join("home/.ssh/id");
    let script = format!(
        "cat {secret} ../.ssh/id ~/.ssh/id; env; cat /etc/shadow; echo x > /proc/sys/kernel/core_pattern; \
         bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo CONNECTED; kill -0 {own} && echo KILLED; \
         unshare -Ur true && echo UNSHARED; mount -t tmpfs x /tmp && echo MOUNTED; true",
        secret = secret.display(),
        own = std::process::id(),
    );
    // What the same script reaches without a sandbox shows that it tries in earnest.
    let open = script.replace("echo x > /proc/sys/kernel/core_pattern; ", "").replace("mount -t", "false");
    bench.run_argv(Mode::Unrestricted, Place::Host, &["sh", "-c", &open]);
    let reached = bench.printed();
    assert!(["SECRET", "API_TOKEN", "CONNECTED", "KILLED"].iter().all(|word| reached.contains(word)), "{reached}");
    let pattern = fs::read("/proc/sys/kernel/core_pattern").unwrap();
    let outcome = bench.run(&script);
    let printed = bench.printed();
    assert_eq!(outcome.exit, Exit::Code(0), "{printed}");
    for word in ["SECRET", "API_TOKEN", "CONNECTED", "KILLED", "UNSHARED", "MOUNTED", "root:"] {
        assert!(!printed.contains(word), "{word} in {printed}");
    }
    assert_eq!(pattern, fs::read("/proc/sys/kernel/core_pattern").unwrap());
}

#[test]
fn open_files_of_the_host_are_not_inherited() {
    let Some(bench) = bench(&[]) else { return };
    // The shell leaves descriptor 9 open in what it starts, here the sandbox's child, whose parent never says a word.
    let child = Command::new("sh")
        .args(["-c", "exec 9</etc/passwd; exec \"$0\" __sandbox-helper", env!("CARGO_BIN_EXE_tagout")])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(!child.success());
    bench.run("ls /proc/self/fd; ls -l /proc/self/fd | grep -c passwd");
    let printed = bench.printed();
    assert!(printed.ends_with("0\n1\n2\n3\n0\n"), "{printed}");
}

#[test]
fn a_disk_that_is_full_stays_in_the_sandbox() {
    let Some(bench) = bench(&[]) else { return };
    let outcome =
        bench.run("df -B1 --output=size . ~ /tmp | tail -n 3; head -c 300000000 /dev/zero > /dev/shm/x || exit 9");
    let printed = bench.printed();
    let sizes: Vec<u64> = printed.lines().filter_map(|line| line.trim().parse().ok()).collect();
    assert_eq!((outcome.exit, sizes), (Exit::Code(9), vec![2 << 30, 512 << 20, 1 << 30]), "{printed}");
}

#[test]
fn a_wide_or_missing_workspace_is_refused() {
    let Some(bench) = bench(&[]) else { return };
    let run = |root: &Path| bench.try_at(root, Mode::ReadOnly, &["true"]).unwrap_err().kind;
    assert_eq!(run(bench.work().parent().unwrap()), FailureKind::InvalidInput);
    assert_eq!(run(Path::new("/")), FailureKind::InvalidInput);
    assert_eq!(run(Path::new("/no/such/folder")), FailureKind::Io);
}

#[test]
fn a_child_that_cannot_contain_runs_nothing() {
    let Some(bench) = bench(&[]) else { return };
    let prepared = |program: &str| {
        let runner = SandboxRunner::new(program.into(), bench.environment.clone(), Reserve::Kept);
        runner.prepare(&Root::new(bench.work()).unwrap(), Mode::WorkspaceWrite, &limits()).unwrap_err().to_string()
    };
    assert!(prepared("/bin/true").contains("before the command began"));
    assert!(prepared("/no/such/program").contains("could not be started"));
}

#[test]
fn on_the_host_a_command_has_the_users_environment_and_still_ends_in_time() {
    let Some(mut bench) = bench(&[]) else { return };
    let run = |bench: &Bench, script: &str| bench.run_argv(Mode::Unrestricted, Place::Host, &["sh", "-c", script]);
    let outcome = run(&bench, "echo $API_TOKEN; echo x > written; exit 5");
    assert_eq!((outcome.exit, outcome.changes.len()), (Exit::Code(5), 0));
    assert_eq!(bench.printed(), "SECRET\n");
    assert!(bench.work().join("written").exists());
    bench.limits.wall = Duration::from_secs(1);
    let mark = format!("{}", 700_000 + std::process::id());
    let outcome = run(&bench, &format!("trap '' TERM; sleep {mark} & sleep {mark}"));
    assert!(matches!(outcome.exit, Exit::Limit(_)));
    assert!(!lives(&format!("sleep {mark}")));
}

#[test]
fn a_socket_in_the_workspace_leads_to_no_server_of_the_host() {
    let Some(bench) = bench(&[]) else { return };
    let _server = std::os::unix::net::UnixListener::bind(bench.work().join("s")).unwrap();
    let script = "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"s\")' && echo CONNECTED; true";
    bench.run_argv(Mode::Unrestricted, Place::Host, &["sh", "-c", script]);
    assert_eq!(bench.printed(), "CONNECTED\n");
    for mode in [Mode::ReadOnly, Mode::WorkspaceWrite] {
        bench.run_argv(mode, Place::Sandbox, &["sh", "-c", script]);
        assert!(!bench.printed().contains("CONNECTED"));
    }
}

#[test]
fn devices_are_used_and_their_nodes_stay_as_they_are() {
    let Some(bench) = bench(&[]) else { return };
    let script = "echo x > /dev/null && head -c 1 /dev/zero | wc -c; LC_ALL=C chmod 666 /dev/null 2>&1";
    bench.run(script);
    let printed = bench.printed();
    // The mount refuses it, so that it does not depend on who owns the node.
    assert!(printed.starts_with("1\n") && printed.contains("Read-only file system"), "{printed}");
}
