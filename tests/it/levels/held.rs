//! The limits and refusals of the weaker levels, each with something that goes beyond it.

use std::fs;
use std::time::Duration;

use tagout::policy::SandboxLevel;
use tagout::ports::{Exit, Limit, LimitReached, Limits, RunOutcome};

use super::each;

fn reached(outcome: &RunOutcome) -> Option<Limit> {
    match &outcome.exit {
        Exit::Limit(reached) => Some(reached.limit),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => None,
    }
}

#[test]
fn what_a_command_uses_is_limited_and_the_limit_named() {
    each(&[], |bench| {
        bench.limits.memory_bytes = 100 << 20;
        let outcome = bench.run("python3 -c 'a = bytearray(300 << 20); import time; time.sleep(20)'");
        assert_eq!(reached(&outcome), Some(Limit::Memory), "{}: {outcome:?}", bench.level);
        bench.limits.memory_bytes = 2 << 30;
        bench.limits.processes = 30;
        let outcome = bench.run("for i in $(seq 60); do sleep 20 & done; wait");
        let named = reached(&outcome) == Some(Limit::Processes)
            || outcome.reached.iter().any(|one| one.limit == Limit::Processes);
        assert!(named, "{}: {outcome:?}", bench.level);
        bench.limits.processes = 500;
        assert_eq!(bench.run("exit 4").exit, Exit::Code(4), "limits of one command do not stay for the next");
    });
}

#[test]
fn time_files_disk_and_output_are_limited_at_every_level() {
    each(&[("large", &"x".repeat(8 << 20))], |bench| {
        let level = bench.level;
        let plain = bench.limits;
        bench.limits.cpu = Duration::from_secs(1);
        assert_eq!(reached(&bench.run("trap '' XCPU; while :; do :; done")), Some(Limit::CpuTime), "{level}");
        bench.limits = Limits { file_bytes: 1 << 20, ..plain };
        assert_eq!(reached(&bench.run("exec head -c 2000000 /dev/zero > f")), Some(Limit::FileSize), "{level}");
        bench.limits = Limits { output_bytes: 100, ..plain };
        let outcome = bench.run("seq 1000");
        assert_eq!(outcome.reached, [LimitReached { limit: Limit::Output, most: 100 }], "{level}");
        // What was there before the command is not among what it writes.
        bench.limits = Limits { disk_bytes: 32 << 20, ..plain };
        let outcome = bench.run("cat large > again; sleep 0.3; head -c 160000000 /dev/zero > f; sleep 20");
        assert_eq!(outcome.exit, Exit::Limit(LimitReached { limit: Limit::Disk, most: 32 << 20 }), "{level}");
        bench.limits = Limits { disk_files: 1_000, ..plain };
        let outcome = bench.run("mkdir d; cd d; seq 6000 | xargs touch; sleep 20");
        assert_eq!(outcome.exit, Exit::Limit(LimitReached { limit: Limit::Files, most: 1_000 }), "{level}");
    });
}

#[test]
fn what_is_written_besides_the_workspace_is_limited_too() {
    each(&[], |bench| {
        bench.limits.disk_bytes = 32 << 20;
        let script =
            "for d in $TMPDIR $HOME /dev/shm; do head -c 60000000 /dev/zero > $d/f || echo full; done; sleep 5";
        let outcome = bench.run(script);
        let named = outcome.reached.iter().any(|one| one.limit == Limit::Disk);
        assert!(named || reached(&outcome) == Some(Limit::Disk), "{}: {outcome:?}", bench.level);
        let tells = bench.printed().matches("full\n").count();
        assert!(outcome.exit != Exit::Code(0) || tells == 3, "{}: {tells} {outcome:?}", bench.level);
        assert!(bench.run("touch /dev/made 2>/dev/null || exit 9").exit == Exit::Code(9), "{}", bench.level);
    });
}

#[test]
fn memory_is_seen_however_it_is_held_at_every_level() {
    each(&[], |bench| {
        bench.limits.memory_bytes = 128 << 20;
        // At the level copy there are no segments.
        for (how, program) in crate::limits::MEMORY_HOGS.iter().filter(|(how, _)| !how.contains("segments")) {
            let program = format!("{}{program}\ntime.sleep(20)\n", crate::limits::PRELUDE);
            fs::write(bench.work().join("program.py"), program).unwrap();
            let outcome = bench.run("python3 program.py");
            assert_eq!(reached(&outcome), Some(Limit::Memory), "{} {how}: {}", bench.level, bench.printed());
        }
    });
}

#[test]
fn no_name_is_taken_among_the_servers_of_the_host() {
    each(&[], |bench| {
        let script = "python3 -c '
import asyncio, socket
left, right = socket.socketpair(); left.send(b\"pair\"); print(right.recv(9).decode())
asyncio.run(asyncio.sleep(0))
for name in (\"\\0tagout-abstract\", \"plain\"):
    try: server = socket.socket(socket.AF_UNIX); server.bind(name); server.listen(); print(\"served\")
    except PermissionError: print(\"refused\")'";
        let outcome = bench.run(script);
        // Elsewhere the network is the sandbox's own.
        let word = if bench.level == SandboxLevel::Copy { "refused" } else { "served" };
        assert_eq!(bench.printed(), format!("pair\n{word}\n{word}\n"), "{}: {outcome:?}", bench.level);
    });
}
