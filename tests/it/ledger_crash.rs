//! The ledger's process is ended at random moments: what it acknowledged is there, and nothing looks changed.

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tagout::ledger::SqliteLedger;
use tagout::policy::{Action, Facts, Mode, Place, Rules, decide};
use tagout::ports::{Entry, Keep, Ledger, Phase, Rotation, Since};
use tagout::workspace::Root;

/// Set in the process that is to be ended: the folder it writes in.
const VICTIM: &str = "TAGOUT_TEST_LEDGER_VICTIM";

fn ledger(folder: &Path) -> SqliteLedger {
    SqliteLedger::new(folder.join("state/ledger.sqlite"), folder.join("keys"))
}

fn root() -> Root {
    Root::new("/somewhere/one").unwrap()
}

fn entry(outcome: String) -> Entry {
    let action = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
    let verdict = decide(Mode::ReadOnly, &Rules::default(), &action, &Facts::user());
    Entry { phase: Phase::Ended, outcome, ..Entry::judged(1, Mode::ReadOnly, action, verdict) }
}

/// Appends and rotates until it is ended, and says each number once it has it. Does nothing in an ordinary run.
#[test]
fn a_ledgers_victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let (ledger, root) = (ledger(Path::new(&folder)), root());
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (ledger, root) = (&ledger, &root);
            scope.spawn(move || {
                for turn in 0.. {
                    let number = ledger.append(root, &entry(format!("{writer}/{turn}"))).unwrap();
                    // One write, so that a line is whole or not there.
                    std::io::stderr().write_all(format!("wrote {number}\n").as_bytes()).unwrap();
                }
            });
        }
        loop {
            let keep = Keep { records: 5, since_ms: i64::MIN };
            // The one that was ended before, or beside, may hold the right to it still.
            drop(ledger.rotate(&root, keep));
            std::thread::sleep(Duration::from_millis(2));
        }
    });
}

#[test]
fn no_moment_to_be_ended_at_loses_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // Not random from run to run, and of every length up to one that holds several rounds of everything.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut total = 0;
    for round in 0..200 {
        let victim = |folder: &Path| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "ledger_crash::a_ledgers_victim", "--nocapture", "--test-threads=1"]);
            command.env(VICTIM, folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        // Now and then two at once.
        let mut victims: Vec<_> = (0..if round % 4 == 0 { 2 } else { 1 }).map(|_| victim(folder.path())).collect();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        std::thread::sleep(Duration::from_micros(5_000 + seed % 40_000));
        victims.iter_mut().for_each(|victim| victim.kill().unwrap());
        let mut acknowledged = Vec::new();
        for mut victim in victims {
            let lines = BufReader::new(victim.stderr.take().unwrap()).lines().map_while(Result::ok);
            for line in lines {
                let number = line.strip_prefix("wrote ").and_then(|number| number.parse::<u64>().ok());
                acknowledged.push(number.unwrap_or_else(|| panic!("round {round}: {line}")));
            }
            victim.wait().unwrap();
        }
        let (ledger, root) = (ledger(folder.path()), root());
        let audit = ledger.verify(&root).unwrap();
        assert_eq!(audit.faults, [], "round {round}");
        let ahead = audit.notes.iter().all(|note| note.contains("newer than the anchor"));
        assert!(ahead && audit.notes.len() <= 1, "round {round}: {audit:?}");
        let mut next = 1;
        let mut reader = |entry: &Entry| {
            assert_eq!(entry.number, next, "round {round}");
            next += 1;
            ControlFlow::Continue(())
        };
        ledger.each(&root, Since::BEGINNING, &mut reader).unwrap();
        let lost: Vec<&u64> = acknowledged.iter().filter(|number| **number >= next).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} of {acknowledged:?}, and {next} is next");
        total += acknowledged.len();
    }
    // Were all ended before they began, nothing would have been tried.
    let rotated = std::fs::read_dir(folder.path().join("state/rotated")).unwrap().count();
    assert!(total > 200 && rotated > 20, "{total} records were acknowledged, {rotated} files rotated");
    println!("{total} records were acknowledged, {rotated} files rotated");
}
