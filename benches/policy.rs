//! The figures of rules and record: `cargo run --example figures policy`.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use tagout::ledger::SqliteLedger;
use tagout::policy::{Action, Decision, Facts, Kind, Layer, Mode, Names, Place, Rule, Rules, decide};
use tagout::ports::{Entry, Ledger};
use tagout::workspace::{ContentHash, Root};

use super::{command, median, milliseconds};

/// The word that asks for these figures.
pub(crate) const SUBJECT: &str = "policy";

/// Rules that are judged by.
const RULES: usize = 500;
/// Records of the ledger that is read.
const RECORDS: usize = 60_000;

/// Prints them all.
pub(crate) fn figures() {
    judging();
    record();
}

fn percentile(times: &mut [Duration], part: usize) -> f64 {
    times.sort_unstable();
    milliseconds(times[times.len() * part / 100]) * 1000.0
}

fn rules() -> Rules {
    let one = |number: usize| Rule {
        name: format!("rule-{number}"),
        layer: Layer::User,
        file: "config.toml".into(),
        line: 1,
        decision: Decision::ALL[number % 3],
        names: Names {
            kinds: vec![Kind::Run],
            commands: vec![format!("program-{number} build").parse().expect("a pattern")],
            ..Names::default()
        },
        reason: "because".into(),
        examples: Vec::new(),
    };
    Rules::new((0..RULES).map(one).collect())
}

fn judging() {
    let rules = rules();
    let text = "cargo build --release && git -C . status | head -3; env A=1 timeout 9 make check";
    let action = Action::Run {
        argv: ["bash", "-c", text].map(str::to_owned).to_vec(),
        place: Place::Sandbox,
        network: Vec::new(),
    };
    let bytes = vec![7_u8; 64 << 10];
    let (mut judged, mut understood, mut hashed) = (Vec::new(), Vec::new(), Vec::new());
    let facts = Facts::user().of(&action);
    for _ in 0..5_000 {
        let start = Instant::now();
        assert!(!decide(Mode::WorkspaceWrite, &rules, &action, &facts).because.is_empty());
        judged.push(start.elapsed());
        let start = Instant::now();
        assert!(!Facts::user().of(&action).commands.commands.is_empty());
        understood.push(start.elapsed());
        let start = Instant::now();
        assert_ne!(ContentHash::of(&bytes), ContentHash::of(b""));
        hashed.push(start.elapsed());
    }
    println!("a command line of five commands, {RULES} rules, microseconds: p50, p99");
    for (name, times, wanted) in [
        ("decide", &mut judged, "must reach p99 100"),
        ("take the line apart, two parsers", &mut understood, ""),
        ("hash 64 KiB (to compare with)", &mut hashed, ""),
    ] {
        println!("  {name:<34} {:8.1} {:8.1}  {wanted}", percentile(times, 50), percentile(times, 99));
    }
}

fn entry(number: usize) -> Entry {
    let argv = vec!["cargo".to_owned(), "test".to_owned(), format!("case_{number}")];
    let action = Action::Run { argv, place: Place::Sandbox, network: Vec::new() };
    let facts = Facts::user().of(&action);
    let verdict = decide(Mode::WorkspaceWrite, &Rules::default(), &action, &facts);
    Entry { facts: Some(facts), session: "1-2".into(), ..Entry::judged(1, Mode::WorkspaceWrite, action, verdict) }
}

fn record() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = SqliteLedger::new(folder.path().join("state/tagout.sqlite"), folder.path().join("data/keys"));
    let workspace = tempfile::tempdir().expect("a folder");
    let root = Root::new(workspace.path().canonicalize().expect("a path")).expect("a root");
    let append = |number| {
        let start = Instant::now();
        ledger.append(&root, &entry(number)).expect("a record");
        start.elapsed()
    };
    append(0);
    let alone: Vec<Duration> = (0..200).map(append).collect();
    let file = std::fs::File::create(folder.path().join("bare")).expect("a file");
    let bare = (0..200).map(|_| {
        let start = Instant::now();
        (&file).write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("a write");
        start.elapsed()
    });
    println!("append, durable, milliseconds: p50");
    println!("  {:<34} {:8.2}", "write and synchronise 4 KiB, bare", milliseconds(median(bare.collect())));
    println!("  {:<34} {:8.2}  stated", "one after the other", milliseconds(median(alone)));
    let together: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(|| (0..50).map(append).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect()
    });
    let (calls, most) = (together.len(), milliseconds(median(together)));
    println!("  {:<34} {most:8.2}  a call; {:.3} a record: must reach 1", "32 at once", most / 32.0);
    assert_eq!(calls, 1_600);
    std::thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                for number in 0..RECORDS / 200 {
                    append(number);
                }
            });
        }
    });
    reading(&ledger, &root, folder.path());
}

fn reading(ledger: &SqliteLedger, root: &Root, home: &Path) {
    let rate = |count: u64, start: Instant| count as f64 / start.elapsed().as_secs_f64() / 1000.0;
    let start = Instant::now();
    let audit = ledger.verify(root).expect("an audit");
    assert!(audit.faults.is_empty());
    println!("thousands of records a second, {} records", audit.records);
    println!("  {:<34} {:8.0}  must reach 200", "verify", rate(audit.records, start));
    let policy = home.join("policy.toml");
    std::fs::write(&policy, rules_text()).expect("a file");
    let replay = ["policy", "replay", "--policy", &policy.to_string_lossy()];
    let start = Instant::now();
    let output = command(home, &replay).current_dir(root.as_path()).output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let count: Option<u64> = told.split(' ').next().and_then(|count| count.parse().ok());
    let count = count.unwrap_or_else(|| panic!("no count: {}", String::from_utf8_lossy(&output.stderr)));
    let name = "replay by 500 rules, the program whole";
    println!("  {name:<34} {:8.0}  must reach 50", rate(count, start));
    assert_eq!(count, audit.records);
}

/// As [`rules`], as a file.
fn rules_text() -> String {
    let rule = |number: usize| {
        let decision = ["allow", "ask", "deny"][number % 3];
        format!(
            "[[rule]]\nname = \"rule-{number}\"\ndecision = \"{decision}\"\naction = \"run\"\n\
             command = \"program-{number} build\"\nreason = \"because\"\n"
        )
    };
    (0..RULES).map(rule).collect()
}
