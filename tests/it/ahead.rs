//! What the helper begins before it is known for which workspace serves the next one, and nobody else.

use std::fs;
use std::time::{Duration, Instant};

use tagout::policy::Mode;
use tagout::ports::Exit;

use crate::beneath::{Process, alone, beneath};
use crate::sandbox::bench;

/// How long it may take until what is built after a run is there.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first process of each sandbox below this one.
fn inits() -> Vec<Process> {
    beneath().into_iter().filter(|process| process.inside == Some(1)).collect()
}

#[test]
fn a_workspace_that_nobody_worked_in_gets_what_was_begun_ahead_or_a_sandbox_of_its_own() {
    const NAME: &str = "ahead::a_workspace_that_nobody_worked_in_gets_what_was_begun_ahead_or_a_sandbox_of_its_own";
    if !alone(NAME) {
        return;
    }
    let Some(mut bench) = bench(&[]) else { return };
    assert_eq!(bench.run("exit 0").exit, Exit::Code(0));
    for round in 0..9 {
        // What is built after a run is there once nothing comes or goes any more.
        let until = Instant::now() + PATIENCE;
        let mut begun = Vec::new();
        loop {
            assert!(Instant::now() < until, "nothing is begun ahead");
            std::thread::sleep(Duration::from_millis(150));
            let now: Vec<String> = inits().iter().map(Process::started).collect();
            if !now.is_empty() && now == begun {
                break;
            }
            begun = now;
        }
        match round % 3 {
            0 => {}
            1 => inits().iter().for_each(Process::kill),
            _ => bench.limits.disk_bytes /= 2,
        }
        let root = bench.folder.path().join(format!("other{round}"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("own"), format!("{round}")).unwrap();
        let argv = [
            "sh",
            "-c",
            "cat own; ls; df -k --output=size . | tail -1 | tr -d ' '; cut -d' ' -f22 /proc/1/stat; echo new > made",
        ];
        let outcome = bench.try_at(&root.canonicalize().unwrap(), Mode::WorkspaceWrite, &argv).unwrap();
        let made: Vec<String> = outcome.changes.iter().map(|change| change.path.to_string()).collect();
        let kibibytes = bench.limits.disk_bytes.min(bench.limits.memory_bytes) >> 10;
        let printed = bench.printed();
        let (own, made) = (printed.split_whitespace().last().unwrap().to_owned(), made.join(" "));
        assert!(round % 3 != 0 || begun.contains(&own), "{own} is none of {begun:?}: what was begun was not used");
        assert_eq!((printed, made), (format!("{round}own\n{kibibytes}\n{own}\n"), "made".to_owned()));
    }
}
