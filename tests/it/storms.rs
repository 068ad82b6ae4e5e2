//! kill -9 at random moments, on every process that a run is made of: nothing is left behind, nothing is applied by
//! halves, and the next run works. TAGOUT_STORMS=500 makes for a longer one, TAGOUT_SEED repeats one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::scope;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tagout::policy::Mode;
use tagout::ports::{Exit, Runner};
use tagout::workspace::Root;

use crate::beneath::{Process, Traces, alone, beneath, wait_until_none_is_left};
use crate::client::{Client, Place};
use crate::sandbox::{Bench, bench};

/// How many times something is killed, all tests of this file together.
const KILLS: usize = 60;
/// Writes, deletes, starts a daemon that ignores what can be ignored, and takes a moment.
const SCRIPT: &str = "(trap '' HUP INT TERM; setsid sleep 1000 >/dev/null 2>&1 &) ; \
    for n in 1 2 3 4 5 6 7 8; do echo new > a$n; mkdir -p n$n/m; echo new > n$n/m/f; sleep 0.01; done; rm -r d; echo done";
/// What the script goes on with where only a kill shall end it: longer than anything here waits for an end.
const AND_STAYS: &str = "; trap '' HUP INT PIPE TERM; sleep 600";
/// Longest time that a run may take to end once one of its processes was killed.
const PATIENCE: Duration = Duration::from_secs(20);

fn kills() -> usize {
    std::env::var("TAGOUT_STORMS").map_or(KILLS, |kills| kills.parse().unwrap())
}

/// Numbers that look like chance (xorshift64), and are the same again for the same seed.
struct Dice(u64);

impl Dice {
    fn new(test: &str) -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed =
            std::env::var("TAGOUT_SEED").map_or(u64::from(clock.subsec_nanos()) | 1, |seed| seed.parse().unwrap());
        println!("storm: {test}: TAGOUT_SEED={seed}");
        Self(seed)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }

    /// A moment of something that takes about `whole`, or a little after its end.
    fn moment(&mut self, whole: Duration) -> Duration {
        whole * u32::try_from(self.roll(120)).unwrap() / 100
    }
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    /// The process that the user started.
    Server,
    /// The one that makes sandboxes.
    Helper,
    /// Process 1 of a sandbox.
    Init,
    /// The command or one of its processes.
    Command,
}

const BELOW_A_SERVER: [Victim; 3] = [Victim::Helper, Victim::Init, Victim::Command];
const ALL: [Victim; 4] = [Victim::Server, Victim::Helper, Victim::Init, Victim::Command];

impl Victim {
    fn is(self, process: &Process, server: Option<u32>) -> bool {
        let is_server = server.is_some_and(|server| process.number.as_raw().cast_unsigned() == server);
        match self {
            Self::Server => is_server,
            Self::Helper => !is_server && process.inside.is_none() && process.line.contains("__sandbox-"),
            Self::Init => process.inside == Some(1),
            Self::Command => process.inside.is_some_and(|number| number > 1),
        }
    }

    /// What runs while it is killed: by itself ends only what the death of a part of it need not end.
    fn script(self) -> String {
        match self {
            Self::Server | Self::Helper | Self::Init => format!("{SCRIPT}{AND_STAYS}"),
            Self::Command => SCRIPT.to_owned(),
        }
    }

    /// Kills one of its kind, when there is one at this moment.
    fn strike(self, dice: &mut Dice, server: Option<u32>) -> bool {
        let mut found = beneath();
        found.retain(|process| self.is(process, server));
        let chosen = found.get(usize::try_from(dice.roll(found.len() as u64)).unwrap());
        chosen.inspect(|process| process.kill()).is_some()
    }

    /// Kills one of its kind as soon as there is one, and waits for the end of the run; true if it was there in time.
    /// A run begins anew in another sandbox where the first one ended too early, so that it may take two to end it; and
    /// a sandbox whose helper goes before it could ask to follow it lives on, as long as its server does.
    fn end(self, dice: &mut Dice, server: Option<u32>, mut is_over: impl FnMut() -> bool) -> bool {
        let (deadline, mut struck) = (Instant::now() + PATIENCE, false);
        while !is_over() {
            if !struck || self != Self::Command {
                struck |= self.strike(dice, server);
            }
            if struck && self == Self::Helper {
                std::thread::sleep(Duration::from_millis(100));
                Self::Init.strike(dice, server);
            }
            assert!(Instant::now() < deadline, "the run does not end after {self:?}: {:#?}", beneath());
            std::thread::sleep(Duration::from_millis(if struck { 20 } else { 1 }));
        }
        struck
    }
}

/// How often each kind was there to be killed.
#[derive(Debug, Default)]
struct Struck(BTreeMap<Victim, usize>);

impl Struck {
    fn count(&mut self, victim: Victim, struck: bool) {
        *self.0.entry(victim).or_default() += usize::from(struck);
    }

    fn has_hit(&self, victims: &[Victim]) -> bool {
        victims.iter().all(|victim| self.0.get(victim).is_some_and(|&count| count > 0))
    }

    /// The next round; a storm goes on until it has hit everything once.
    fn next(&self, round: usize, rounds: usize, victims: &[Victim]) -> bool {
        round < rounds || (!self.has_hit(victims) && round < 10 * rounds)
    }

    /// A storm that never hit anything has shown nothing.
    fn must_have_hit(&self, victims: &[Victim], test: &str) {
        println!("storm: {test}: killed {:?}", self.0);
        assert!(self.has_hit(victims), "{:?}", self.0);
    }
}

/// Every file below a folder with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(path.clone());
                found.insert(path, Vec::new());
            } else {
                let content = fs::read(&path).unwrap_or_default();
                found.insert(path, content);
            }
        }
    }
    found
}

/// A workspace whose commands are captured, with an ignored output folder; `None` where there is no sandbox.
fn workspace() -> Option<Place> {
    bench(&[])?;
    let place = Place::new();
    for (path, text) in [("a1", "old\n"), ("d/x", "x\n"), (".gitignore", "n8/\n"), ("open.rs", "fn a() {}\n")] {
        place.write(path, text);
    }
    assert!(place.program().args(["mode", "workspace-write"]).output().unwrap().status.success());
    Some(place)
}

fn begin(place: &Place, script: &str) -> Child {
    let mut program = place.program();
    program.args(["run", "--", "sh", "-c", script]);
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A run that nobody disturbs works and leaves nothing; how long it took.
fn undisturbed(place: &Place) -> Duration {
    let begun = Instant::now();
    let status = begin(place, SCRIPT).wait().unwrap();
    let took = begun.elapsed();
    assert!(status.success(), "{status}");
    wait_until_none_is_left();
    took
}

/// What is kept for the next run: the same after a storm as before it.
fn kept(place: &Place) -> Vec<PathBuf> {
    let cache = place.home().join(".cache/tagout");
    if cache.exists() { contents(&cache).into_keys().collect() } else { Vec::new() }
}

#[test]
fn a_run_of_which_anything_is_killed_leaves_nothing() {
    const NAME: &str = "storms::a_run_of_which_anything_is_killed_leaves_nothing";
    if !alone(NAME) {
        return;
    }
    let Some(place) = workspace() else { return };
    let mut dice = Dice::new("run");
    let whole = (0..3).map(|_| undisturbed(&place)).min().unwrap();
    let (before, traces, cache) = (contents(&place.work()), Traces::now(), kept(&place));
    let mut struck = Struck::default();
    let mut round = 0;
    while struck.next(round, kills() / 2, &ALL) {
        let victim = ALL[round % ALL.len()];
        let mut child = begin(&place, &victim.script());
        std::thread::sleep(dice.moment(whole));
        let server = child.id();
        struck.count(victim, victim.end(&mut dice, Some(server), || child.try_wait().unwrap().is_some()));
        wait_until_none_is_left();
        assert_eq!(Traces::now(), traces, "{victim:?} in round {round}");
        assert!(contents(&place.work()) == before, "{victim:?} in round {round} changed the workspace");
        round += 1;
    }
    undisturbed(&place);
    assert_eq!(kept(&place), cache);
    struck.must_have_hit(&ALL, "run");
}

/// How a command ended; the reason where it could not be begun.
fn run(bench: &Bench, script: &str) -> Result<Exit, String> {
    let outcome = bench.try_at(&bench.work(), Mode::WorkspaceWrite, &["sh", "-c", script]);
    outcome.map(|outcome| outcome.exit).map_err(|failure| failure.to_string())
}

/// The next run works. One that began in a sandbox whose helper or process 1 was just being ended goes with it, and says
/// so: the run after that one works.
fn works_again(bench: &Bench, victim: Victim) {
    let next = run(bench, "exit 7");
    if victim == Victim::Command || next != Ok(Exit::Signal(9)) {
        assert_eq!(next, Ok(Exit::Code(7)), "after {victim:?}");
    } else {
        assert_eq!(run(bench, "exit 7"), Ok(Exit::Code(7)), "after {victim:?} and a run that went with it");
    }
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_server_outlives_what_is_killed_below_it() {
    const NAME: &str = "storms::a_server_outlives_what_is_killed_below_it";
    if !alone(NAME) {
        return;
    }
    let Some(bench) = bench(&[("a1", "old\n"), ("d/x", "x\n")]) else { return };
    let mut dice = Dice::new("server");
    let whole = Duration::from_millis(150);
    assert_eq!(run(&bench, SCRIPT), Ok(Exit::Code(0)));
    let (before, files) = (contents(&bench.work()), open_files());
    let mut struck = Struck::default();
    let mut round = 0;
    while struck.next(round, kills() / 2, &BELOW_A_SERVER) {
        let victim = BELOW_A_SERVER[round % BELOW_A_SERVER.len()];
        scope(|scope| {
            // Each from a thread that ends with it, as a server's jobs do.
            let running = scope.spawn(|| run(&bench, &victim.script()));
            std::thread::sleep(dice.moment(whole));
            struck.count(victim, victim.end(&mut dice, None, || running.is_finished()));
            running.join().unwrap().err().inspect(|why| println!("storm: server: {victim:?}: {why}"));
        });
        works_again(&bench, victim);
        assert!(contents(&bench.work()) == before, "{victim:?} in round {round} changed the workspace");
        round += 1;
    }
    struck.must_have_hit(&BELOW_A_SERVER, "server");
    // What a run opened is closed again; a few sandboxes may stand ready.
    assert!(open_files() <= files + 16, "{} open files, {files} before", open_files());
    drop(bench);
    wait_until_none_is_left();
}

#[test]
fn a_sandbox_that_ended_while_it_waited_stands_for_no_command() {
    const NAME: &str = "storms::a_sandbox_that_ended_while_it_waited_stands_for_no_command";
    if !alone(NAME) {
        return;
    }
    let Some(bench) = bench(&[]) else { return };
    let root = Root::new(bench.work()).unwrap();
    // Process 1 ends by itself with an ended child; with a killed helper both end.
    for victim in [Victim::Command, Victim::Init, Victim::Helper] {
        for wait in [0, 50] {
            bench.runner.prepare(&root, Mode::WorkspaceWrite, &bench.limits).unwrap();
            let inits = || beneath().into_iter().filter(|process| Victim::Init.is(process, None));
            let there: Vec<_> = inits().map(|process| process.number).collect();
            beneath().iter().filter(|process| victim.is(process, None)).for_each(Process::kill);
            // Nobody asks for it any more, and it goes all the same.
            let until = Instant::now() + PATIENCE;
            while !there.is_empty() && inits().filter(|process| there.contains(&process.number)).count() == there.len()
            {
                assert!(Instant::now() < until, "all of {there:?} stay after the end of {victim:?}");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(wait));
            works_again(&bench, victim);
        }
    }
}

#[test]
fn a_command_outlives_the_thread_that_ran_the_first_one() {
    let Some(bench) = bench(&[]) else { return };
    scope(|scope| {
        let first = scope.spawn(|| run(&bench, "true"));
        assert_eq!(first.join().unwrap(), Ok(Exit::Code(0)));
        let first = scope.spawn(|| run(&bench, "sleep 0.2"));
        let second = scope.spawn(|| run(&bench, "sleep 1; exit 7"));
        assert_eq!(first.join().unwrap(), Ok(Exit::Code(0)));
        assert_eq!(second.join().unwrap(), Ok(Exit::Code(7)));
    });
}

/// Asks until the server has opened its folder.
fn ask_for_a_run(client: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.execute("tagout.run", json!({"argv": ["sh", "-c", format!("{SCRIPT}{AND_STAYS}")]}));
        if answer.get("error").is_none() {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}");
        client.listen(Duration::from_millis(10));
    }
}

#[test]
fn a_language_server_that_is_killed_takes_everything_with_it() {
    const NAME: &str = "storms::a_language_server_that_is_killed_takes_everything_with_it";
    if !alone(NAME) {
        return;
    }
    let Some(place) = workspace() else { return };
    let mut dice = Dice::new("lsp");
    let whole = undisturbed(&place);
    let (before, traces) = (contents(&place.work()), Traces::now());
    let (mut began, mut round) = (0, 0);
    let rounds = kills().div_ceil(10);
    while round < rounds || (began == 0 && round < 10 * rounds) {
        let mut client: Client = place.open();
        ask_for_a_run(&mut client);
        std::thread::sleep(dice.moment(whole));
        began += usize::from(beneath().iter().any(|process| process.inside.is_some()));
        // The client kills its server when it is dropped.
        drop(client);
        wait_until_none_is_left();
        assert_eq!(Traces::now(), traces, "round {round}");
        assert!(contents(&place.work()) == before, "round {round} changed the workspace");
        round += 1;
    }
    println!("storm: lsp: {began} servers killed with sandboxes below them");
    assert!(began > 0, "no server had a sandbox when it was killed");
    undisturbed(&place);
}
