//! The weaker levels of the sandbox, for machines where the full one cannot be built: each contains the same attacks,
//! and each is chosen, announced and recorded where it is all there is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::Duration;

use tagout::policy::{Action, Containment, Facts, Grant, Mode, Place, Rules, SandboxLevel};
use tagout::ports::{Cancel, Exit, Limits, OpenText, OutputStream, RunOutcome, RunRequest, Runner};
use tagout::sandbox::{Reserve, SandboxRunner};
use tagout::workspace::{FileKind, FileState, RelativePath, Root};
use tempfile::TempDir;

use crate::client;

mod held;

/// A workspace in a home with a secret beside it, and a runner of one level.
struct Bench {
    folder: TempDir,
    runner: SandboxRunner,
    level: SandboxLevel,
    open: Vec<OpenText>,
    over: Vec<(RelativePath, Option<FileState>)>,
    limits: Limits,
    printed: Mutex<String>,
}

/// Calls `test` with a bench for each level below full that this machine can build.
fn each(files: &[(&str, &str)], test: impl Fn(&mut Bench)) {
    for level in [SandboxLevel::Bubblewrap, SandboxLevel::Copy] {
        let folder = TempDir::new().unwrap();
        let home = folder.path().canonicalize().unwrap().join("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::create_dir_all(home.join("work")).unwrap();
        fs::write(home.join(".ssh/id"), "SECRET").unwrap();
        fs::write(home.join("canary"), "whole").unwrap();
        for (path, text) in files {
            let path = home.join("work").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let path = std::env::var_os("PATH").unwrap();
        let variables = [("PATH", path), ("HOME", home.into_os_string()), ("API_TOKEN", "SECRET".into())];
        let environment: Vec<(OsString, OsString)> = variables.map(|(name, value)| (name.into(), value)).into();
        let runner = SandboxRunner::new(env!("CARGO_BIN_EXE_tagout").into(), environment, Reserve::None).at_most(level);
        let limits = super::sandbox::limits();
        let mut bench =
            Bench { folder, runner, level, open: Vec::new(), over: Vec::new(), limits, printed: Mutex::default() };
        match bench.runner.prepare(&bench.root(), Mode::WorkspaceWrite, &bench.limits) {
            Ok(Containment { level: Some(reached), .. }) if reached == level => test(&mut bench),
            other => eprintln!("skipped: {level}: {other:?}"),
        }
        let left = fs::read_dir(bench.home().join(".cache/tagout/copies")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{level} left a copy behind");
    }
}

impl Bench {
    fn home(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("home")
    }

    fn work(&self) -> PathBuf {
        self.home().join("work")
    }

    fn root(&self) -> Root {
        Root::new(self.work()).unwrap()
    }

    fn run_in(&self, mode: Mode, script: &str, cancel: &Cancel) -> RunOutcome {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let action = Action::Run { argv, place: Place::Sandbox, network: Vec::new() };
        let sandbox = Containment { level: Some(self.level), missing: None };
        let (grant, _) =
            Grant::obtain(mode, &Rules::default(), action, &Facts { sandbox, ..Facts::user() }, None).unwrap();
        let request = RunRequest {
            root: self.root(),
            open: self.open.clone(),
            over: self.over.clone(),
            limits: self.limits,
            hidden: vec![],
            shown: vec![],
            private_hosts: vec![],
            terminal: None,
        };
        let output = |_: OutputStream, text: &str| self.printed.lock().unwrap().push_str(text);
        let outcome = self.runner.run(grant, &request, &output, cancel).unwrap();
        assert_eq!(outcome.level, Some(self.level));
        outcome
    }

    fn run(&self, script: &str) -> RunOutcome {
        self.run_in(Mode::WorkspaceWrite, script, &Cancel::default())
    }

    fn printed(&self) -> String {
        std::mem::take(&mut *self.printed.lock().unwrap())
    }
}

fn changed(outcome: &RunOutcome) -> Vec<String> {
    let text = |state: &Option<tagout::workspace::FileState>| {
        state.as_ref().map_or("-".to_owned(), |state| String::from_utf8_lossy(&state.bytes).into_owned())
    };
    let changes = outcome.changes.iter();
    changes.map(|change| format!("{}: {} > {}", change.path, text(&change.before), text(&change.after))).collect()
}

#[test]
fn what_is_written_becomes_changes_and_the_workspace_is_untouched() {
    let files = [("a", "1"), ("d/b", "2"), ("gone", "3"), ("kept", "4"), (".gitignore", "out\n"), ("out/o", "5")];
    each(&files, |bench| {
        let script = "cat a kept out/o; printf x > a; rm gone; rm -r d; mkdir new; printf y > new/n; printf z > out/o; ln -s a l";
        let outcome = bench.run(script);
        assert_eq!((outcome.exit.clone(), bench.printed().as_str()), (Exit::Code(0), "145"), "{outcome:?}");
        assert_eq!(changed(&outcome), ["a: 1 > x", "d/b: 2 > -", "gone: 3 > -", "l: - > a", "new/n: - > y"]);
        assert_eq!(outcome.refused, []);
        assert_eq!(fs::read_to_string(bench.work().join("a")).unwrap(), "1");
        assert!(bench.work().join("d/b").exists() && !bench.work().join("new").exists());
    });
}

#[test]
fn unsaved_texts_are_seen_and_a_read_only_view_is_read_only() {
    each(&[("a", "1")], |bench| {
        let path = RelativePath::new("a").unwrap();
        bench.open = vec![OpenText { path, text: "unsaved".into(), saved: false }];
        let outcome = bench.run_in(Mode::ReadOnly, "cat a; echo x 2>/dev/null > a || echo refused", &Cancel::default());
        assert_eq!((bench.printed().as_str(), outcome.changes.len()), ("unsavedrefused\n", 0));
        let outcome = bench.run("printf ' and more' >> a");
        assert_eq!(changed(&outcome), ["a: unsaved > unsaved and more"]);
    });
}

#[test]
fn changes_that_nobody_accepted_are_seen_and_are_none_of_the_commands_own() {
    let files =
        [("edit", "1"), ("gone", "2"), ("d/file", "3"), ("turns", "4"), (".env", "SECRET"), (".gitignore", "o")];
    each(&files, |bench| {
        let to = |path: &str, kind, text: &str| {
            (RelativePath::new(path).unwrap(), Some(FileState { kind, bytes: text.into() }))
        };
        let gone = |path: &str| (RelativePath::new(path).unwrap(), None);
        bench.over = vec![
            to("edit", FileKind::Executable, "echo ran"),
            gone("gone"),
            to("new/file", FileKind::Plain, "5"),
            to("link", FileKind::Symlink, "new/file"),
            gone("turns"),
            to("turns/into", FileKind::Plain, "6"),
            to(".env", FileKind::Plain, "OTHER"),
        ];
        let script =
            "./edit; ls gone 2>&1 | grep -c gone; cat d/file link turns/into; cat .env 2>/dev/null || echo none";
        let outcome = bench.run_in(Mode::ReadOnly, script, &Cancel::default());
        assert_eq!((bench.printed().as_str(), outcome.changes.len()), ("ran\n1\n356none\n", 0), "{outcome:?}");
        let outcome = bench.run("printf ' more' >> edit; rm link turns/into; echo 7 > own; echo 8 > o");
        let expected = ["edit: echo ran > echo ran more", "own: - > 7\n"];
        assert_eq!((changed(&outcome), outcome.refused.as_slice()), (expected.map(str::to_owned).to_vec(), &[][..]));
        let on_disk =
            ["edit", "gone", "d/file", "turns"].map(|path| fs::read_to_string(bench.work().join(path)).unwrap());
        assert_eq!(on_disk, ["1", "2", "3", "4"]);
    });
}

#[test]
fn a_command_sees_no_secret_of_the_workspace_and_writes_none() {
    each(&[(".env", "SECRET"), ("d/id_rsa", "SECRET"), ("d/x", "1")], |bench| {
        let outcome = bench.run("cat .env d/*; ls -A d; echo mine > .env; rm d/x");
        let printed = bench.printed();
        assert!(!printed.contains("SECRET") && !printed.contains("id_rsa"), "{printed}");
        assert_eq!(changed(&outcome), ["d/x: 1 > -"], "{outcome:?}");
        assert!(outcome.refused.iter().any(|refusal| refusal.path == ".env"), "{outcome:?}");
        assert_eq!(fs::read(bench.work().join("d/id_rsa")).unwrap(), b"SECRET");
    });
}

#[test]
fn files_that_would_do_harm_are_refused_and_named() {
    each(&[("a", "1")], |bench| {
        let outcome = bench.run("mkfifo p; ln -s /etc/passwd out; mkdir .git; echo x > .git/config");
        let mut refused: Vec<&str> = outcome.refused.iter().map(|refusal| refusal.path.as_str()).collect();
        refused.sort_unstable();
        assert_eq!((refused, outcome.changes.len()), (vec![".git", "out", "p"], 0), "{outcome:?}");
    });
}

#[test]
fn secrets_processes_and_networks_of_the_host_are_out_of_reach() {
    each(&[], |bench| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = bench.home().join("socket");
        let _server = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let script = format!(
            "exec 2>/dev/null; cat {home}/.ssh/id ~/.ssh/id; env; cat /etc/shadow; echo torn > {home}/canary; \
             echo x > {work}/in-place; bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo CONNECTED; \
             python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{socket}\")' && echo CONNECTED; \
             python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (\"127.0.0.1\", {port}))' && echo SENT; \
             kill -0 {own} && echo KILLED; python3 -c 'import os; os.kill({own}, 0)' && echo KILLED; \
             cat /proc/{own}/environ /proc/{own}/cmdline && echo READ; unshare -Ur true && echo UNSHARED; \
             mount -t tmpfs x /tmp && echo MOUNTED; true",
            home = bench.home().display(),
            work = bench.work().display(),
            socket = socket.display(),
            own = std::process::id(),
        );
        bench.run(&script);
        let printed = bench.printed();
        let words = ["SECRET", "API_TOKEN", "CONNECTED", "KILLED", "READ", "UNSHARED", "MOUNTED", "root:"];
        for word in words {
            assert!(!printed.contains(word), "{}: {word} in {printed}", bench.level);
        }
        assert_eq!(fs::read_to_string(bench.home().join("canary")).unwrap(), "whole");
        assert!(!bench.work().join("in-place").exists());
    });
}

/// Whether any process on the host has `mark` in its command line.
fn lives(mark: &str) -> bool {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(mark))
}

#[test]
fn a_daemon_ends_with_its_command_its_time_and_its_user() {
    each(&[], |bench| {
        let mark = format!("{}", 600_000 + std::process::id());
        let daemon = format!("(setsid sh -c 'trap \"\" TERM; (sleep {mark} &) ; sleep {mark}' >/dev/null 2>&1 &)");
        let outcome = bench.run(&format!("{daemon}; sleep 0.2; exit 3"));
        assert_eq!(outcome.exit, Exit::Code(3));
        assert!(!lives(&format!("sleep {mark}")), "{}", bench.level);

        bench.limits.wall = Duration::from_secs(1);
        let outcome = bench.run(&format!("trap '' TERM; {daemon}; sleep {mark}"));
        assert!(matches!(outcome.exit, Exit::Limit(_)), "{:?}", outcome.exit);
        assert!(!lives(&format!("sleep {mark}")), "{}", bench.level);

        bench.limits.wall = Duration::from_secs(60);
        let cancel = Cancel::default();
        let outcome = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !bench.printed.lock().unwrap().contains("ready") {
                    std::thread::yield_now();
                }
                cancel.cancel();
            });
            bench.run_in(Mode::WorkspaceWrite, &format!("{daemon}; echo ready; sleep {mark}"), &cancel)
        });
        assert_eq!(outcome.exit, Exit::Cancelled);
        assert!(!lives(&format!("sleep {mark}")), "{}", bench.level);
    });
}

#[test]
fn a_command_that_kills_all_it_can_reach_kills_itself_only() {
    each(&[], |bench| {
        let outcome = bench.run("kill -KILL $PPID; kill -KILL -1; exit 5");
        assert!(matches!(outcome.exit, Exit::Signal(9) | Exit::Code(5)), "{:?}", outcome.exit);
        assert!(lives(&std::env::args().next().unwrap()));
    });
}

#[test]
fn a_workspace_that_is_closed_by_the_command_is_still_read_and_removed() {
    each(&[("d/a", "1")], |bench| {
        let outcome = bench.run("echo 2 > d/a; chmod 000 d; mkdir -p e/f; chmod 000 e");
        assert_eq!(changed(&outcome), ["d/a: 1 > 2\n"], "{outcome:?}");
        assert_eq!(fs::metadata(bench.work().join("d")).unwrap().permissions().mode() & 0o777, 0o755);
    });
}

/// What a machine forbids, as a shell script that then becomes its arguments.
const NO_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces";

/// Runs `tagout` where a script has taken something away, in a user namespace of its own; `None`, with the reason
/// printed, where that cannot be done.
fn deprived(place: &client::Place, script: &str, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args([
        "-Urm",
        "sh",
        "-c",
        &format!("{script} || exit 77; exec \"$@\""),
        "sh",
        env!("CARGO_BIN_EXE_tagout"),
    ]);
    let program = place.program();
    command.args(arguments).current_dir(program.get_current_dir().unwrap()).env_clear();
    let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(variables);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let output = command.output().unwrap();
    if output.status.code() == Some(77) || String::from_utf8_lossy(&output.stderr).starts_with("unshare") {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn where_no_namespace_may_be_made_a_copy_is_used_announced_and_recorded() {
    let place = client::Place::new();
    place.write("a", "1\n");
    let script = "cat a; echo 2 > a; cat ~/.ssh/id";
    let Some(output) = deprived(&place, NO_NAMESPACES, &["mode", "workspace-write"]) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let output = deprived(&place, NO_NAMESPACES, &["run", "--", "sh", "-c", script]).unwrap();
    let told = said(&output);
    assert!(told.contains("contained at level copy, not full") && told.contains("max_user_namespaces"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("1\n") && told.contains("+2"), "{told}");
    assert_eq!(fs::read_to_string(place.work().join("a")).unwrap(), "1\n");
    let log = place.program().args(["log", "--json"]).output().unwrap();
    let log: serde_json::Value = serde_json::from_slice(&log.stdout).unwrap();
    let runs: Vec<&serde_json::Value> =
        log.as_array().unwrap().iter().filter(|entry| entry["action"].get("Run").is_some()).collect();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|entry| entry["level"] == "copy"), "{runs:?}");
    let page = place.program().arg("log").output().unwrap();
    assert!(said(&page).contains("in the sandbox [copy]"), "{}", said(&page));
}

#[test]
fn a_level_that_is_demanded_and_not_reached_denies_with_the_cure() {
    let place = client::Place::new();
    place.write(".tagout.toml", "[run]\nsandbox = \"full\"\n");
    place.trust();
    let Some(output) = deprived(&place, NO_NAMESPACES, &["run", "--", "touch", "made"]) else { return };
    let told = said(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("weaker-sandbox-than-demanded") && told.contains("max_user_namespaces"), "{told}");
    let doctor = deprived(&place, NO_NAMESPACES, &["doctor", "--json"]).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(
        (doctor.status.code(), &report["level"], &report["demanded"]),
        (Some(1), &"copy".into(), &"full".into())
    );
    let walls = report["walls"].as_array().unwrap();
    let namespaces = walls.iter().find(|wall| wall["name"] == "user namespaces").unwrap();
    assert_eq!(namespaces["present"], false);
    assert!(namespaces["cure"].as_str().unwrap().starts_with("sudo sysctl -w user.max_user_namespaces="));
    let landlock = walls.iter().find(|wall| wall["name"] == "Landlock").unwrap();
    assert_eq!(landlock["present"], true);
}

#[test]
fn the_doctor_finds_what_is_there_and_says_so() {
    let place = client::Place::new();
    let output = place.program().args(["doctor"]).output().unwrap();
    let told = said(&output);
    let Some(first) = told.lines().next().filter(|line| *line == "sandbox: full") else {
        eprintln!("skipped: {told}");
        return;
    };
    assert_eq!((output.status.code(), first), (Some(0), "sandbox: full"), "{told}");
    for wall in ["user namespaces", "overlay in memory", "own /proc", "filter of system calls"] {
        let line = told.lines().find(|line| line.trim_start().starts_with(wall)).unwrap();
        assert!(line.contains("present"), "{told}");
    }
}

#[test]
fn what_cannot_be_contained_at_all_is_not_run() {
    let place = client::Place::new();
    // Without /proc nothing can be mapped, counted or proven.
    let script = format!("{NO_NAMESPACES} && mount -t tmpfs none /proc");
    let Some(output) = deprived(&place, &script, &["run", "--", "touch", "made"]) else { return };
    let told = said(&output);
    assert!(!output.status.success() && !place.work().join("made").exists(), "{told}");
    assert!(!told.contains("not full") || told.contains("level copy"), "{told}");
}

#[test]
fn a_probe_that_fails_or_lies_runs_nothing() {
    let bench = TempDir::new().unwrap();
    let root = Root::new(bench.path().canonicalize().unwrap()).unwrap();
    for program in ["/bin/true", "/bin/false", "/bin/cat", "/no/such/program"] {
        let home = vec![("HOME".into(), bench.path().join("home").into_os_string())];
        for strongest in SandboxLevel::ALL {
            let runner = SandboxRunner::new(program.into(), home.clone(), Reserve::None).at_most(strongest);
            let prepared = runner.prepare(&root, Mode::WorkspaceWrite, &super::sandbox::limits());
            assert!(prepared.is_err(), "{program} {strongest}: {prepared:?}");
            let trial = runner.walls().into_iter().find(|wall| wall.name == "the trial").unwrap();
            assert!(!trial.present, "{trial:?}");
        }
    }
}
