//! What a command may use, and how it is told what it used too much of: tried on the real kernel.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::time::Duration;

use tagout::ports::{Exit, Keyboard, Limit, LimitReached, Terminal, TerminalSize};

use super::sandbox::{Bench, bench};

/// Most memory that a command of these tests may use.
const MEMORY: u64 = 128 << 20;

/// Ways to use 288 MiB, of which only the first is counted by the kernel's limits for a process.
pub(super) const MEMORY_HOGS: [(&str, &str); 12] = [
    ("private", "hog = bytearray(SIZE)"),
    ("shared", "hog = mmap.mmap(-1, SIZE); touch(hog, 0, SIZE)"),
    (
        "shared and no longer mapped",
        "hog = mmap.mmap(-1, SIZE)\nfor at in range(0, SIZE, PART): touch(hog, at, PART); hog.madvise(mmap.MADV_DONTNEED, at, PART)",
    ),
    (
        "shared, of which one page is still mapped",
        "for _ in range(SIZE // PART): at = shared(PART); ctypes.memset(at, 1, PART); unmap(at + 4096, PART - 4096)",
    ),
    (
        "the same with a name of its own",
        "for _ in range(SIZE // PART): at = shared(PART); libc.prctl(0x53564d41, 0, ctypes.c_void_p(at), \
         ctypes.c_size_t(PART), b'any'); ctypes.memset(at, 1, PART); unmap(at + 4096, PART - 4096)",
    ),
    (
        "memory files of which one page is mapped",
        "for _ in range(SIZE // PART): file = memory_file(PART); shared(4096, file, 1); os.close(file)",
    ),
    (
        "memory files of threads with open files of their own",
        "def hold():\n alone(); hog = [memory_file(PART) for _ in range(SIZE // PART // 2)]; time.sleep(20)\n\
         for _ in range(2): threading.Thread(target=hold, daemon=True).start()",
    ),
    ("segments nobody is attached to", "for _ in range(4): segment(SIZE // 4)"),
    ("memory files nobody maps", "hog = [memory_file(PART) for _ in range(SIZE // PART)]"),
    ("memory files on their way", "hog = [sent(memory_file(PART)) for _ in range(SIZE // PART)]"),
    ("by a process that hides itself", "libc.prctl(4, 0, 0, 0, 0); hog = mmap.mmap(-1, SIZE); touch(hog, 0, SIZE)"),
    ("by many", "for _ in range(8):\n if os.fork() == 0: hog = bytearray(SIZE // 8); time.sleep(20)"),
];

pub(super) const PRELUDE: &str = "
import ctypes, mmap, os, socket, threading, time
SIZE, PART, libc = 288 << 20, 16 << 20, ctypes.CDLL(None)
libc.shmat.restype = libc.mmap.restype = ctypes.c_void_p
def shared(size, file=-1, how=0x21):
    return libc.mmap(None, ctypes.c_size_t(size), 3, how, file, ctypes.c_long(0))
def unmap(start, size): libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(size))
def alone():
    last = ctypes.c_uint(2 ** 32 - 1); libc.syscall(436, last, last, 2)
def touch(memory, start, size):
    for at in range(start, start + size, 4096): memory[at] = 1
def segment(size):
    at = libc.shmat(libc.shmget(0, size, 0o1600), None, 0)
    ctypes.memset(at, 1, size); libc.shmdt(ctypes.c_void_p(at))
def memory_file(size):
    file = os.memfd_create('hog')
    for _ in range(size >> 20): os.write(file, bytes(1 << 20))
    return file
def sent(file):
    pair = socket.socketpair(); socket.send_fds(pair[0], [b'x'], [file]); os.close(file)
    return pair
";

fn python(bench: &Bench, program: &str) -> tagout::ports::RunOutcome {
    std::fs::write(bench.work().join("program.py"), format!("{PRELUDE}{program}\n")).unwrap();
    bench.run("python3 program.py")
}

fn limit(limit: Limit, most: u64) -> Exit {
    Exit::Limit(LimitReached { limit, most })
}

#[test]
fn memory_is_seen_however_it_is_held() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.memory_bytes = MEMORY;
    for (how, program) in MEMORY_HOGS {
        let outcome = python(&bench, &format!("{program}\ntime.sleep(20)"));
        assert_eq!(outcome.exit, limit(Limit::Memory, MEMORY), "{how}: {}", bench.printed());
    }
}

#[test]
fn pages_that_a_fork_shares_count_once() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.memory_bytes = MEMORY;
    let program = "hog = bytearray(64 << 20)\nfor _ in range(8):\n if os.fork() == 0: time.sleep(0.5); os._exit(0)\n\
                   for _ in range(8): os.wait()\nprint('fine')";
    let outcome = python(&bench, program);
    assert_eq!((outcome.exit, bench.printed().as_str()), (Exit::Code(0), "fine\n"));
}

#[test]
fn processor_time_is_that_of_all_processes() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.cpu = Duration::from_secs(1);
    let busy = "while :; do :; done";
    let scripts = [
        busy.to_owned(),
        format!("trap '' XCPU; {busy} & {busy} & {busy}"),
        // Each is over soon, and what it took is in its parent's account.
        "while :; do (for i in $(seq 20000); do :; done); done".to_owned(),
    ];
    for script in scripts {
        assert_eq!(bench.run(&script).exit, limit(Limit::CpuTime, 1), "{script}: {}", bench.printed());
    }
}

#[test]
fn processes_are_counted_whoever_the_user_is() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.processes = 200;
    let program = "
made = 1
for _ in range(1500):
    try:
        if os.fork() == 0: time.sleep(30); os._exit(0)
        made += 1
    except OSError: pass
print(made, flush=True); time.sleep(1)";
    let outcome = python(&bench, program);
    let reached = LimitReached { limit: Limit::Processes, most: 200 };
    if outcome.exit == Exit::Limit(reached) {
        // Where the kernel does not count for root, process 1 does.
        return;
    }
    let printed = bench.printed();
    let made: u64 = printed.trim().parse().unwrap_or_else(|_| panic!("{printed}"));
    assert_eq!((outcome.exit, outcome.reached.as_slice()), (Exit::Code(0), [reached].as_slice()));
    // The shell that started it is one.
    assert!((190..=200).contains(&made), "{made}");
}

#[test]
fn files_and_what_is_written_have_limits_that_are_named() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.file_bytes = 1 << 20;
    let outcome = bench.run("exec head -c 2000000 /dev/zero > f");
    assert_eq!(outcome.exit, limit(Limit::FileSize, 1 << 20));
    let outcome = bench.run("sh -c 'head -c 2000000 /dev/zero > f; exit $?'");
    let reached = |limit, most| vec![LimitReached { limit, most }];
    assert_eq!((outcome.exit, outcome.reached), (Exit::Code(153), reached(Limit::FileSize, 1 << 20)));

    bench.limits.file_bytes = 1 << 30;
    bench.limits.disk_bytes = 1 << 20;
    let outcome = bench.run("head -c 2000000 /dev/zero > f || exit 7");
    assert_eq!((outcome.exit, outcome.reached), (Exit::Code(7), reached(Limit::Disk, 1 << 20)));

    bench.limits.disk_files = 100;
    let outcome = bench.run("for i in $(seq 200); do : > f$i || exit 8; done");
    assert_eq!((outcome.exit, outcome.reached), (Exit::Code(2), reached(Limit::Files, 100)));
}

#[test]
fn the_time_and_the_output_are_named() {
    let Some(mut bench) = bench(&[]) else { return };
    bench.limits.output_bytes = 100;
    let outcome = bench.run("seq 1000");
    assert_eq!(outcome.reached, [LimitReached { limit: Limit::Output, most: 100 }]);
    let printed = bench.printed();
    assert!(printed.starts_with("1\n2\n3\n") && printed.ends_with("999\n1000\n"), "{printed}");
    bench.limits.wall = Duration::from_secs(1);
    let outcome = bench.run("sleep 20");
    assert_eq!((outcome.exit, outcome.reached.len()), (limit(Limit::WallTime, 1), 0));
}

#[test]
fn a_program_that_reserves_terabytes_and_uses_little_runs() {
    let Some(bench) = bench(&[]) else { return };
    // As sanitizers and the race detector of Go do; the mapping is private and writable.
    let program = "libc.mmap.restype = ctypes.c_void_p\nnone = ctypes.c_void_p()\n\
                   at = libc.mmap(none, ctypes.c_size_t(8 << 40), 3, 0x4022, -1, ctypes.c_long(0))\n\
                   ctypes.memset(at, 1, 4096); print('fine')";
    assert_eq!(python(&bench, program).exit, Exit::Code(0));
    assert_eq!(bench.printed(), "fine\n");
}

#[test]
fn a_terminal_is_the_sandboxs_own() {
    let Some(mut bench) = bench(&[]) else { return };
    let keyboard = Keyboard::default();
    bench.terminal = Some(Terminal { size: TerminalSize { rows: 33, columns: 77 }, keyboard: keyboard.clone() });
    let outcome =
        bench.run("tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; ps -o tty= -p $$; echo $TERM");
    assert_eq!(
        (outcome.exit, bench.printed().as_str()),
        (Exit::Code(0), "/dev/pts/0\r\n33 77\r\nall\r\npts/0\r\ndumb\r\n")
    );
    // Without echo, since the user sees the line where it is typed.
    keyboard.press(b"typed\n");
    assert_eq!(bench.run("read word; echo \"got $word\"").exit, Exit::Code(0));
    assert_eq!(bench.printed(), "got typed\r\n");
    keyboard.end();
    assert_eq!(bench.run("cat; echo over").exit, Exit::Code(0));
    assert_eq!(bench.printed(), "over\r\n");
    keyboard.resize(TerminalSize { rows: 5, columns: 6 });
    bench.run("until [ \"$(stty size)\" = '5 6' ]; do :; done; printf '\\033[2J'");
    assert_eq!(bench.printed(), "\u{241b}[2J");
    // A session and a process group of its own, which the terminal's keys reach.
    keyboard.press(&[0x03]);
    assert_eq!(bench.run("exec sleep 20").exit, Exit::Signal(2));
}
