//! Ignored outputs: warm for the next command, and nowhere else. Tried on the real kernel.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::fs;

use tagout::ports::{Exit, Limit};
use tagout::workspace::{FileState, RelativePath};

use super::sandbox::bench;

#[test]
fn outputs_are_there_for_the_next_command_and_not_in_the_workspace() {
    let Some(bench) = bench(&[(".gitignore", "target/\n__pycache__/\n"), ("src/a", "1")]) else { return };
    let outcome =
        bench.run("mkdir -p target/debug src/__pycache__; echo built > target/debug/x; echo > src/__pycache__/a.pyc");
    assert_eq!((outcome.changes.len(), outcome.refused.len()), (0, 0), "{outcome:?}");
    let outcome =
        bench.run("cat target/debug/x; ls src/__pycache__; echo more >> target/debug/x; rm -r src/__pycache__");
    assert_eq!((outcome.exit, bench.printed().as_str()), (Exit::Code(0), "built\na.pyc\n"));
    bench.run("cat target/debug/x; ls src");
    assert_eq!(bench.printed(), "built\nmore\na\n");
    let names: Vec<_> = fs::read_dir(bench.work()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn outputs_of_changes_that_nobody_accepted_are_no_outputs_of_the_workspace() {
    let Some(mut bench) = bench(&[(".gitignore", "out\n"), ("a", "1"), ("b", "2")]) else { return };
    bench.run("cat a b > out");
    let path = |path: &str| RelativePath::new(path).unwrap();
    bench.over = vec![(path("a"), Some(FileState::text("changed"))), (path("b"), None)];
    let outcome = bench.run("cat out a b; cat a > out; echo 3 > c");
    let paths: Vec<&str> = outcome.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!((bench.printed().contains("12changed"), paths), (true, vec!["c"]), "{outcome:?}");
    bench.over.clear();
    bench.run("cat out");
    assert_eq!(bench.printed(), "12");
    assert_eq!(fs::read_to_string(bench.work().join("a")).unwrap(), "1");
}

#[test]
fn the_hosts_outputs_are_seen_and_win_once_they_are_newer() {
    let Some(bench) = bench(&[(".gitignore", "target\n"), ("target/debug/deps/x", "host\n")]) else { return };
    bench.run("cat target/debug/deps/x; echo inner > target/debug/deps/x");
    bench.run("cat target/debug/deps/x");
    assert_eq!(bench.printed(), "host\ninner\n");
    fs::write(bench.work().join("target/debug/deps/y"), "").unwrap();
    bench.run("cat target/debug/deps/x");
    assert_eq!(bench.printed(), "host\n");
    assert_eq!(fs::read_to_string(bench.work().join("target/debug/deps/x")).unwrap(), "host\n");
}

#[test]
fn a_command_that_filled_the_memory_is_followed_by_one_that_writes_to_disk() {
    let Some(mut bench) = bench(&[(".gitignore", "out\n")]) else { return };
    let writes = bench.folder.path().join("cache/writes");
    bench.limits.memory_bytes = 128 << 20;
    let outcome = bench.run("dd if=/dev/zero of=out bs=1M count=200; sleep 1");
    let ended = matches!(outcome.exit, Exit::Limit(limit) if limit.limit == Limit::Memory);
    assert!(ended || outcome.reached.iter().any(|reached| reached.limit == Limit::Disk), "{outcome:?}");
    assert!(!writes.exists());
    bench.printed();
    let outcome = bench.run("dd if=/dev/zero of=out bs=1M count=200 2>/dev/null && echo > new");
    assert_eq!((outcome.exit, outcome.changes.len()), (Exit::Code(0), 1));
    assert!(writes.is_dir());
    bench.run("stat -c %s out");
    assert_eq!(bench.printed(), format!("{}\n", 200 << 20));
}

#[test]
fn large_outputs_of_the_host_are_rewritten_on_disk() {
    // Whatever a command does to the folder that it writes to.
    let Some(bench) = bench(&[(".gitignore", "node_modules\n"), ("node_modules/x/index.js", "1\n")]) else { return };
    fs::write(bench.work().join("node_modules/large"), vec![7; 70 << 20]).unwrap();
    let outcome = bench.run(
        "echo 2 >> node_modules/x/index.js; echo new > node_modules/x/new; echo > source; touch node_modules/large; chmod 0 .",
    );
    let told: Vec<&str> = outcome.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!((told, outcome.refused.len()), (vec!["source"], 0), "{outcome:?}");
    let used = bench.folder.path().join("cache/writes");
    assert!(used.is_dir(), "the writes went to memory");
    bench.run("cat node_modules/x/*; stat -c %s node_modules/large");
    assert_eq!(bench.printed(), format!("1\n2\nnew\n{}\n", 70 << 20));
}

#[test]
fn a_sandbox_that_has_waited_shows_what_was_kept_meanwhile() {
    let Some(bench) = bench(&[(".gitignore", "out\n")]) else { return };
    let other = bench.beside();
    bench.run("mkdir out; echo kept > out/x");
    other.run("cat out/x; echo more >> out/x");
    bench.run("cat out/x");
    assert_eq!((other.printed().as_str(), bench.printed().as_str()), ("kept\n", "kept\nmore\n"));
}

#[test]
fn of_commands_at_once_the_last_keeps_its_outputs_and_the_others_say_so() {
    let Some(bench) = bench(&[(".gitignore", "out*\n")]) else { return };
    let other = bench.beside();
    // While nothing is kept, the first to end keeps its outputs: the others began without a hold on the place.
    bench.run("echo > out-before");
    let (late, early) = std::thread::scope(|scope| {
        let late = scope.spawn(|| bench.run("echo late > out-late; echo ready; sleep 2"));
        while !bench.printed.lock().unwrap().contains("ready") {
            std::thread::yield_now();
        }
        let early = other.run("echo early > out-early");
        (late.join().unwrap(), early)
    });
    assert_eq!(late.refused, []);
    assert_eq!(early.refused.len(), 1, "{early:?}");
    assert!(early.refused[0].why.contains("another command of this workspace ran"), "{early:?}");
    bench.printed();
    bench.run("ls out*");
    assert_eq!(bench.printed(), "out-before\nout-late\n");
}
