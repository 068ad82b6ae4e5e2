//! How a command ended, and which limits it came to: from what process 1, the kernel and the server saw of it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::channel::Report;
use super::probe::{Settings, explain};
use super::spawn::{Ended, Stop};
use crate::ports::{Exit, Failure, FailureKind, Limit, LimitReached, Limits};

/// The failure of a sandbox that ended without a word.
pub(super) fn ended_early() -> Failure {
    Failure::new(FailureKind::Unavailable, "the sandbox ended before the command began")
        .hint("nothing was run: run it again, and look for memory limits if it stays so")
}

/// Program and arguments of a command, when any system could start it.
pub(super) fn usable(argv: &[String]) -> Result<(&String, &[String]), Failure> {
    let what = match argv.split_first() {
        None => "the command is empty: name a program",
        Some((program, _)) if program.is_empty() => "the command is empty: name a program",
        Some(_) if argv.iter().any(|one| one.contains('\0')) => {
            "the command holds a NUL character, which no program can be given: leave it out"
        }
        Some(usable) => return Ok(usable),
    };
    Err(Failure::new(FailureKind::InvalidInput, what))
}

/// The failure of a sandbox that could not be started.
pub(super) fn not_started(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the sandbox could not be started: {error}"))
        .hint("nothing was run: free processes, memory or open files, and run it again")
}

/// The failure of a sandbox that could not go on with its command.
pub(super) fn lost(why: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the command was ended, since it could not be watched: {why}"))
        .hint("what it wrote in the workspace was dropped; what it did over the network was done")
}

/// Why the server ended a command, if it did.
pub(super) fn stopped(ended: &Ended, limits: &Limits) -> Option<Exit> {
    ended.stopped.map(|stop| match stop {
        Stop::Timeout => Exit::Limit(LimitReached { limit: Limit::WallTime, most: limits.wall.as_secs() }),
        Stop::Cancelled => Exit::Cancelled,
        Stop::Limit(limit) => Exit::Limit(limit),
    })
}

/// How a command in a sandbox ended.
///
/// # Errors
/// When it never began.
pub(super) fn exit_of(ended: &Ended, limits: &Limits) -> Result<Exit, Failure> {
    match &ended.end {
        Some(Report::Failed(failed)) if ended.begun => Err(lost(&format!("{}: {}", failed.step, failed.error))),
        Some(Report::Failed(failed)) => Err(explain(failed, Settings::read())),
        // A command that ended in the last moment has ended by itself.
        Some(Report::Exited(code)) => Ok(Exit::Code(*code)),
        Some(Report::Signalled(libc::SIGKILL)) => Ok(killed(ended)),
        Some(Report::Signalled(signal)) => Ok(limit_of(*signal, limits).map_or(Exit::Signal(*signal), Exit::Limit)),
        Some(Report::Limited(limit)) => Ok(Exit::Limit(*limit)),
        Some(Report::Stopped | Report::Made | Report::Parked { .. } | Report::Terminal | Report::Reached(_)) | None => {
            // A sandbox that fell silent was ended from outside, with its command.
            let killed = ended.begun.then(|| killed(ended));
            stopped(ended, limits).or(killed).ok_or_else(ended_early)
        }
    }
}

/// How a command ended that was killed: by the kernel for a limit, or by whoever did it.
fn killed(ended: &Ended) -> Exit {
    let by_kernel = |reached: &&LimitReached| matches!(reached.limit, Limit::Memory | Limit::CpuTime);
    ended.reached.iter().find(by_kernel).map_or(Exit::Signal(libc::SIGKILL), |reached| Exit::Limit(*reached))
}

/// The limit that the kernel says was passed by sending this signal (setrlimit(2)).
fn limit_of(signal: i32, limits: &Limits) -> Option<LimitReached> {
    match signal {
        libc::SIGXCPU => Some(LimitReached { limit: Limit::CpuTime, most: limits.cpu.as_secs() }),
        libc::SIGXFSZ => Some(LimitReached { limit: Limit::FileSize, most: limits.file_bytes }),
        _ => None,
    }
}

/// Whether a command had no more room in memory for what it wrote, though it may write more.
pub(super) fn filled(exit: &Exit, reached: &[LimitReached], limits: &Limits) -> bool {
    let ended = if let Exit::Limit(limit) = exit { Some(limit) } else { None };
    reached.iter().chain(ended).any(|one| match one.limit {
        Limit::Memory => true,
        Limit::Disk => one.most < limits.disk_bytes,
        Limit::Files => one.most < limits.disk_files,
        Limit::WallTime | Limit::CpuTime | Limit::Processes | Limit::FileSize | Limit::Output => false,
    })
}

/// The limits that a command came to besides the one that ended it.
pub(super) fn reached(ended: &Ended, exit: &Exit, limits: &Limits) -> Vec<LimitReached> {
    let mut reached = ended.reached.clone();
    // A shell says so that what it ran was ended by a signal.
    let of_child = match exit {
        Exit::Code(code) => limit_of(code - 128, limits),
        Exit::Signal(_) | Exit::Limit(_) | Exit::Cancelled => None,
    };
    reached.extend(of_child);
    reached.extend(cut(ended, limits));
    reached.sort_unstable_by_key(|reached| (reached.limit, reached.most));
    reached.dedup();
    reached.retain(|one| *exit != Exit::Limit(*one));
    reached
}

/// The limit that the output came to, if it did.
pub(super) fn cut(ended: &Ended, limits: &Limits) -> Option<LimitReached> {
    (ended.dropped > 0).then_some(LimitReached { limit: Limit::Output, most: limits.output_bytes })
}

/// How a command on the host ended.
pub(super) fn exit_status(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(libc::SIGKILL)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        Limits { cpu: Duration::from_secs(2), file_bytes: 6, output_bytes: 9, ..Limits::ample() }
    }

    fn reach(limit: Limit, most: u64) -> LimitReached {
        LimitReached { limit, most }
    }

    #[test]
    fn a_command_that_was_killed_was_so_for_a_limit_if_it_came_to_one_that_kills() {
        let ended = |signal, reached: &[LimitReached]| {
            let ended = Ended {
                end: Some(Report::Signalled(signal)),
                begun: true,
                reached: reached.to_vec(),
                ..Ended::default()
            };
            let exit = exit_of(&ended, &limits()).unwrap();
            let others = super::reached(&ended, &exit, &limits());
            (exit, others)
        };
        let (memory, disk) = (reach(Limit::Memory, 3), reach(Limit::Disk, 7));
        assert_eq!(ended(9, &[memory, disk]), (Exit::Limit(memory), vec![disk]));
        assert_eq!(ended(9, &[disk]), (Exit::Signal(9), vec![disk]));
        assert_eq!(ended(15, &[memory]), (Exit::Signal(15), vec![memory]));
        assert_eq!(ended(libc::SIGXCPU, &[]), (Exit::Limit(reach(Limit::CpuTime, 2)), vec![]));
        assert_eq!(ended(libc::SIGXFSZ, &[]), (Exit::Limit(reach(Limit::FileSize, 6)), vec![]));
    }

    #[test]
    fn a_sandbox_that_fell_silent_was_killed_or_never_began() {
        let silent = |begun| exit_of(&Ended { begun, ..Ended::default() }, &limits());
        assert_eq!(silent(true).unwrap(), Exit::Signal(9));
        assert_eq!(silent(false).unwrap_err().kind, FailureKind::Unavailable);
    }

    #[test]
    fn what_a_shell_says_of_its_child_and_what_was_cut_are_among_what_was_reached() {
        let ended = Ended { end: Some(Report::Exited(153)), begun: true, dropped: 1, ..Ended::default() };
        let exit = exit_of(&ended, &limits()).unwrap();
        let wanted = [reach(Limit::FileSize, 6), reach(Limit::Output, 9)];
        assert_eq!(
            (exit.clone(), super::reached(&ended, &exit, &limits()).as_slice()),
            (Exit::Code(153), wanted.as_slice())
        );
    }
}
