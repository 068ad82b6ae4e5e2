//! A process that is watched call by call and ended before one of them. A step is a system call that changes a file, seen
//! by ptrace(2) in all threads, so that what runs is the program as it is.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::{VICTIM, WORKS, Work};

/// Whether the call that a thread is about to make changes a file below `folder`.
fn changes(thread: Pid, folder: &Path) -> bool {
    let Ok(registers) = ptrace::getregs(thread) else { return false };
    // On the way in, as nothing has been done yet.
    if registers.rax.cast_signed() != -i64::from(libc::ENOSYS) {
        return false;
    }
    match registers.orig_rax.cast_signed() {
        libc::SYS_write
        | libc::SYS_pwrite64
        | libc::SYS_writev
        | libc::SYS_ftruncate
        | libc::SYS_fsync
        | libc::SYS_copy_file_range => {
            let link = format!("/proc/{thread}/fd/{}", registers.rdi);
            fs::read_link(link).is_ok_and(|at| at.starts_with(folder))
        }
        libc::SYS_openat => registers.rdx & u64::from((libc::O_CREAT | libc::O_TRUNC).cast_unsigned()) != 0,
        libc::SYS_rename
        | libc::SYS_renameat
        | libc::SYS_renameat2
        | libc::SYS_link
        | libc::SYS_linkat
        | libc::SYS_unlink
        | libc::SYS_unlinkat
        | libc::SYS_mkdir
        | libc::SYS_mkdirat
        | libc::SYS_rmdir => true,
        _ => false,
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    // Watched threads that have ended keep their process until they are asked for.
    while waitpid(Pid::from_raw(-1), Some(WAITING)).is_ok() {}
    let _ = child.wait();
}

const WAITING: WaitPidFlag = WaitPidFlag::__WALL.union(WaitPidFlag::__WNOTHREAD);

/// Works in a process of its own that is ended before its change `number`; how many there were until then, or `None` when
/// nothing may be watched here.
pub(super) fn ended_at(folder: &Path, work: Work, number: usize) -> Option<usize> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "index_trials::a_trials_victim", "--nocapture", "--test-threads=1"]);
    let which = WORKS.iter().position(|other| *other == work).unwrap();
    command.env(VICTIM, format!("{}#{which}", folder.display()));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let first = waitpid(Pid::from_raw(-1), Some(WAITING)).unwrap();
    let WaitStatus::Stopped(main, Signal::SIGSTOP) = first else {
        println!("skipped: no process may be watched here: {first:?}");
        end(child);
        return None;
    };
    let options = ptrace::Options::PTRACE_O_TRACESYSGOOD | ptrace::Options::PTRACE_O_TRACECLONE;
    ptrace::setoptions(main, options).unwrap();
    ptrace::syscall(main, None).unwrap();
    let mut count = 0;
    loop {
        // A thread may end at any moment, and then takes no order.
        let go_on = |thread, signal| {
            let _ = ptrace::syscall(thread, signal);
        };
        match waitpid(Pid::from_raw(-1), Some(WAITING)).unwrap() {
            WaitStatus::PtraceSyscall(thread) => {
                count += usize::from(changes(thread, folder));
                if count == number {
                    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
                    end(child);
                    return Some(count);
                }
                go_on(thread, None);
            }
            WaitStatus::Stopped(thread, Signal::SIGSTOP) if thread == main => {
                end(child);
                return Some(count);
            }
            WaitStatus::Stopped(thread, Signal::SIGSTOP) | WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
            status @ (WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..)) => {
                assert_ne!(thread, main, "{work:?} ended by itself: {status:?}");
            }
            status @ (WaitStatus::Continued(_) | WaitStatus::StillAlive) => panic!("{work:?}: {status:?}"),
        }
    }
}
