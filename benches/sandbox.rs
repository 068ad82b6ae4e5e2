//! The figures of the sandbox, each beside the same without one and beside the peers found here:
//! `cargo run --example figures sandbox [--rounds N]`. What is compared is measured in turns, in one run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tagout::policy::Mode;
use tagout::ports::{Cancel, Exit, OutputStream};

use super::launchers::{self, Launcher, Memory, Server, weigh};
use super::{command, median, milliseconds};

/// The word that asks for these figures.
pub(crate) const SUBJECT: &str = "sandbox";

/// How often the start is measured, unless the arguments say otherwise; jobs a quarter as often.
const ROUNDS: usize = 60;
/// How long a server gets to finish what it does after a command, as it does between two commands of a person.
const PAUSE: Duration = Duration::from_millis(50);

/// Prints them all.
pub(crate) fn figures(arguments: &[String]) {
    let rounds = match arguments {
        [] => ROUNDS,
        [flag, number] if flag == "--rounds" => number.parse().expect("a number of rounds"),
        _ => panic!("usage: figures sandbox [--rounds N]"),
    };
    let jobs = rounds.div_ceil(4);
    let place = Place::new();
    println!("start to exit of /bin/true, {rounds} rounds in turns");
    starts(&place, rounds, "");
    memory(&place);
    println!("start to exit of /bin/true from a process of 1 GiB, {rounds} rounds in turns");
    let gibibyte = vec![1_u8; 1 << 30];
    starts(&place, rounds, " of 1 GiB");
    assert_eq!(gibibyte[gibibyte.len() / 2], 1);
    drop(gibibyte);
    println!("cargo build after a touch, git status over 10,000 files, changes of a command, {jobs} rounds in turns");
    cargo(&place, jobs);
    status(&place, jobs);
    changes(&place, jobs);
}

/// Folders to work in, and a server that ran a command already, as one that is in use has.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
    peers: Vec<Launcher>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peers = launchers::peers(folder.path());
        let place = Self { folder, server: Server::start(), peers };
        place.server.must(Mode::WorkspaceWrite, &place.workspace("first"), &["/bin/true"]);
        place
    }

    fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    /// A workspace of this name, made when it is not there.
    fn workspace(&self, name: &str) -> std::path::PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

/// Takes the time of `work`, once what was measured before has calmed down.
fn timed(work: impl FnOnce()) -> Duration {
    std::thread::sleep(PAUSE);
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// Times of one launcher or job, with what it is held to.
struct Series {
    name: String,
    target: &'static str,
    times: Vec<Duration>,
}

impl Series {
    fn new(name: impl Into<String>, target: &'static str) -> Self {
        Self { name: name.into(), target, times: Vec::new() }
    }

    fn median(&self) -> f64 {
        milliseconds(median(self.times.clone()))
    }

    fn percentile_95(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        milliseconds(times[(times.len() * 95).div_ceil(100) - 1])
    }
}

/// Prints what was measured in turns; the first is what the others are compared with.
fn print(all: &[Series]) {
    let first = all[0].median();
    for one in all {
        let (median, over, ratio) = (one.median(), one.median() - first, one.median() / first);
        println!(
            "  {:<36} median {median:8.2} ms  p95 {:8.2}  over first {over:+8.2}  ratio {ratio:6.2}  {}",
            one.name,
            one.percentile_95(),
            one.target
        );
    }
}

fn starts(place: &Place, rounds: usize, server: &'static str) {
    let folder = place.workspace("start");
    let (bare, whole) = (launchers::bare(), launchers::command_line(&place.home()));
    set_mode(place, &folder);
    // Only what is started by this process has to do with its size.
    let peers = if server.is_empty() { place.peers.as_slice() } else { &[] };
    let argv = ["/bin/true"];
    let targets = ["must reach +0.5, aim +0.3", "must reach +3, aim +2.5"];
    let mut all = vec![
        Series::new(&bare.name, ""),
        Series::new(format!("tagout, warm{server}"), targets[0]),
        Series::new(format!("tagout, warm, read-only{server}"), targets[0]),
        Series::new(format!("tagout, cold{server}"), targets[1]),
        Series::new(&whole.name, ""),
    ];
    all.extend(peers.iter().map(|peer| Series::new(&peer.name, "")));
    let others: Vec<&Launcher> = std::iter::once(&whole).chain(peers).collect();
    for round in 0..rounds {
        for turn in 0..all.len() {
            // Forwards and backwards, since what one leaves behind may slow the next.
            let number = if round % 2 == 0 { turn } else { all.len() - 1 - turn };
            let run = |mode, folder: &Path| timed(|| place.server.must(mode, folder, &argv));
            let time = match number {
                0 => timed(|| bare.must(&folder, &argv)),
                1 | 2 => {
                    let mode = if number == 1 { Mode::WorkspaceWrite } else { Mode::ReadOnly };
                    place.server.prepare(mode, &folder);
                    run(mode, &folder)
                }
                // Nothing is ready for a workspace that nobody worked in yet.
                3 => run(Mode::WorkspaceWrite, &place.workspace(&format!("cold{}-{round}", server.len()))),
                _ => timed(|| others[number - 4].must(&folder, &argv)),
            };
            all[number].times.push(time);
        }
    }
    print(&all);
}

fn set_mode(place: &Place, folder: &Path) {
    let trusted = command(&place.home(), &["trust"]).current_dir(folder).stdout(Stdio::null()).status();
    assert!(trusted.unwrap().success());
    let status =
        command(&place.home(), &["mode", "workspace-write"]).current_dir(folder).stdout(Stdio::null()).status();
    assert!(status.unwrap().success());
}

/// What a running `sleep` costs besides itself.
fn memory(place: &Place) {
    println!("memory of a running command besides itself, PSS");
    let folder = place.workspace("memory");
    let seconds = (1_000_000 + std::process::id()).to_string();
    let argv = ["/bin/sleep", seconds.as_str()];
    let cancel = Cancel::default();
    let own = std::thread::scope(|scope| {
        let run = scope.spawn(|| place.server.run(Mode::WorkspaceWrite, &folder, &argv, &|_, _| {}, &cancel));
        let memory = wait_for_weight(std::process::id(), &seconds);
        cancel.cancel();
        assert_eq!(run.join().unwrap().exit, Exit::Cancelled);
        memory
    });
    print_memory("tagout", own, "must reach 1.5 MiB, aim 1 MiB");
    let whole = launchers::command_line(&place.home());
    set_mode(place, &folder);
    for peer in std::iter::once(&whole).chain(&place.peers) {
        let mut child = peer.command(&folder, &argv).spawn().unwrap();
        let memory = wait_for_weight(child.id(), &seconds);
        // Sandboxes that their launcher does not end are ended by the end of the command.
        Command::new("pkill").args(["-KILL", "-f", &format!("^/bin/sleep {seconds}$")]).status().unwrap();
        child.wait().unwrap();
        print_memory(&peer.name, memory, "");
    }
}

/// Weighs once the command runs and the launcher's last preparation is over.
fn wait_for_weight(top: u32, mark: &str) -> Option<Memory> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let started = || {
        let found = Command::new("pgrep").args(["-f", &format!("^/bin/sleep {mark}$")]).stdout(Stdio::null()).status();
        found.unwrap().success()
    };
    while !started() && Instant::now() < deadline {
        std::thread::sleep(PAUSE);
    }
    std::thread::sleep(PAUSE * 4);
    weigh(top, mark)
}

fn print_memory(name: &str, memory: Option<Memory>, target: &str) {
    let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
    match memory {
        None => println!("  {name:<36} not told to this user"),
        Some(memory) => println!(
            "  {name:<36} {:6.2} MiB in {} processes; shared by all commands {:6.2} MiB  {target}",
            mebibytes(memory.own),
            memory.processes,
            mebibytes(memory.shared)
        ),
    }
}

/// Something that a command does, and what it is held to.
struct Job<'a> {
    name: &'a str,
    target: &'static str,
    argv: &'a [&'a str],
    /// Makes a folder ready for it.
    prepare: &'a dyn Fn(&Path),
    /// Who else is to do it.
    peers: &'a [Launcher],
}

/// Measures a job bare, in the sandbox and in what others have, each in a folder of its own.
fn measure(place: &Place, rounds: usize, job: &Job<'_>) {
    let Job { name, target, argv, prepare, peers } = *job;
    let bare = launchers::bare();
    let folders: Vec<_> = (0..2 + peers.len()).map(|number| place.workspace(&format!("{name} {number}"))).collect();
    let mut all = vec![Series::new(format!("{name}, bare"), ""), Series::new(format!("{name}, captured"), target)];
    all.extend(peers.iter().map(|peer| Series::new(format!("{name}, {}", peer.name), "")));
    for round in 0..=rounds {
        for (number, series) in all.iter_mut().enumerate() {
            let folder = &folders[number];
            prepare(folder);
            let time = timed(|| match number {
                0 => bare.must(folder, argv),
                1 => place.server.must(Mode::WorkspaceWrite, folder, argv),
                _ => peers[number - 2].must(folder, argv),
            });
            // The first round fills caches and build folders.
            if round > 0 {
                series.times.push(time);
            }
        }
    }
    print(&all);
}

/// A crate of some size, built again after one of its files was touched.
fn cargo(place: &Place, rounds: usize) {
    let prepare = |folder: &Path| {
        if !folder.join("Cargo.toml").exists() {
            std::fs::create_dir_all(folder.join("src")).unwrap();
            std::fs::write(folder.join(".gitignore"), "target/\n").unwrap();
            std::fs::write(folder.join("Cargo.toml"), "[package]\nname = \"sample\"\nedition = \"2021\"\n").unwrap();
            let modules: String = (0..100).map(|number| format!("pub mod m{number};\n")).collect();
            std::fs::write(folder.join("src/lib.rs"), modules).unwrap();
            for number in 0..100 {
                std::fs::write(folder.join(format!("src/m{number}.rs")), module(number)).unwrap();
            }
            std::fs::write(folder.join("src/main.rs"), "fn main() { println!(\"{}\", sample::m1::f3(4)); }\n").unwrap();
        }
        let file = std::fs::File::options().write(true).open(folder.join("src/m1.rs")).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    };
    let argv = ["cargo", "build", "--offline", "--quiet"];
    // The peers above would have to be shown the tool chain in the user's home.
    let job =
        Job { name: "cargo build", target: "must reach 1.10, aim 1.05", argv: &argv, prepare: &prepare, peers: &[] };
    measure(place, rounds, &job);
}

fn module(number: usize) -> String {
    let function = |one: usize| {
        format!(
            "/// Adds.\npub fn f{one}(value: u64) -> String {{\n    format!(\"{{}}\", value + {number} + {one})\n}}\n"
        )
    };
    (0..40).map(function).collect()
}

fn status(place: &Place, rounds: usize) {
    let git = |folder: &Path, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]).args(arguments);
        assert!(git.current_dir(folder).stdout(Stdio::null()).status().unwrap().success());
    };
    let prepare = |folder: &Path| {
        if folder.join(".git").exists() {
            return;
        }
        for number in 0..10_000 {
            let below = folder.join(format!("f{}", number % 100));
            std::fs::create_dir_all(&below).unwrap();
            std::fs::write(below.join(format!("m{number}.txt")), format!("text {number}\n")).unwrap();
        }
        git(folder, &["init", "--quiet"]);
        git(folder, &["add", "."]);
        // Files as young as the index would be read again each time.
        std::thread::sleep(Duration::from_secs(2));
        git(folder, &["commit", "--quiet", "--message", "all"]);
        git(folder, &["status"]);
    };
    let (target, argv) = ("must reach 2.5, aim 1.5", ["git", "status", "--porcelain"]);
    let job = Job { name: "git status", target, argv: &argv, prepare: &prepare, peers: &place.peers };
    measure(place, rounds, &job);
}

/// From the end of a command that wrote files to its changes, and the same of one that wrote none.
fn changes(place: &Place, rounds: usize) {
    let folder = place.workspace("changes");
    for number in 0..500 {
        std::fs::write(folder.join(format!("old{number}")), format!("text {number}\n").repeat(20)).unwrap();
    }
    let write = "for n in $(seq 0 499); do echo more >> old$n; echo text $n > new$n; done; date +%s%N";
    let mut all = [
        Series::new("end to changes, no file written", ""),
        Series::new("end to changes, 1,000 files written", "must reach 15 ms, aim 8 ms"),
    ];
    for _ in 0..rounds {
        for (number, (script, wanted)) in [("date +%s%N", 0), (write, 1000)].iter().enumerate() {
            std::thread::sleep(PAUSE);
            let printed = Mutex::new(String::new());
            let output = |_: OutputStream, text: &str| printed.lock().unwrap().push_str(text);
            let argv = ["/bin/sh", "-c", script];
            let outcome = place.server.run(Mode::WorkspaceWrite, &folder, &argv, &output, &Cancel::default());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            assert_eq!((outcome.exit, outcome.changes.len()), (Exit::Code(0), *wanted));
            let ended: u64 = printed.lock().unwrap().trim().parse().unwrap();
            all[number].times.push(now - Duration::from_nanos(ended));
        }
    }
    print(&all);
}
