//! The processes of the sandbox as its own `/proc` shows them to process 1 (proc_pid_stat(5)), or as the host's shows
//! them to who stands above them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::time::Duration;

/// Process 1, which is ours and no part of what the command uses.
const INIT: u32 = 1;
/// Clock ticks per second in `/proc`: 100 on every machine that the filter of system calls is written for.
const TICK: Duration = Duration::from_millis(10);
/// A page of memory, in bytes; larger pages are counted as if they were this small, which the exact measure mends.
const PAGE: u64 = 4096;

/// What one process uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
    /// Its parent's number.
    pub(super) parent: u32,
    /// `R`, `S`, `D`, `Z`, …
    pub(super) state: u8,
    /// Its threads.
    pub(super) threads: u64,
    /// Processor time of its own, dead threads included.
    pub(super) own: Duration,
    /// Processor time of the children that it has waited for, and of those that they had.
    pub(super) waited: Duration,
    /// When it was started, in ticks since the machine was: with `pid` a name that is never given twice.
    pub(super) started: u64,
    /// Bytes of memory that are mapped and in use, shared ones and files included.
    pub(super) resident: u64,
}

impl Process {
    /// Whether the first thread has ended and others have not: then the files about the process say nothing of its
    /// memory, and those about its threads do.
    pub(super) fn is_headless(&self) -> bool {
        self.state == b'Z' && self.threads > 1
    }

    /// The folder of `/proc` that tells about its memory.
    pub(super) fn folder(&self) -> String {
        let whole = format!("/proc/{}", self.pid);
        if !self.is_headless() {
            return whole;
        }
        let threads = fs::read_dir(format!("{whole}/task")).into_iter().flatten().flatten();
        let living = threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|id| *id != self.pid);
        living.max().map_or(whole.clone(), |id: u32| format!("{whole}/task/{id}"))
    }
}

/// The numbers of all processes but process 1.
pub(super) fn numbers() -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse().ok()).filter(|pid: &u32| *pid != INIT));
    }
    Ok(numbers)
}

/// What the processes with these numbers use; one that has ended meanwhile is left out.
pub(super) fn read(numbers: &[u32]) -> Vec<Process> {
    numbers.iter().filter_map(|pid| look(*pid)).collect()
}

/// Those of `all` that `top` has started, directly or by others.
pub(super) fn below(all: Vec<Process>, top: u32) -> Vec<Process> {
    let mut known: HashSet<u32> = [top].into();
    // A parent may be listed after its child: again, until nobody comes.
    loop {
        let before = known.len();
        known.extend(all.iter().filter(|one| known.contains(&one.parent)).map(|one| one.pid).collect::<Vec<_>>());
        if known.len() == before {
            break;
        }
    }
    all.into_iter().filter(|one| one.pid != top && known.contains(&one.pid)).collect()
}

fn look(pid: u32) -> Option<Process> {
    let mut process = parse(pid, &line(&format!("/proc/{pid}/stat"))?)?;
    if process.is_headless() {
        let thread = line(&format!("{}/stat", process.folder()));
        process.resident = thread.and_then(|thread| parse(pid, &thread)).map_or(0, |thread| thread.resident);
    }
    Some(process)
}

/// The only line of a file, which is short. What a process is called need not be UTF-8.
fn line(path: &str) -> Option<Vec<u8>> {
    let mut line = Vec::with_capacity(1024);
    File::open(path).and_then(|file| file.take(4096).read_to_end(&mut line)).ok()?;
    Some(line)
}

fn parse(pid: u32, line: &[u8]) -> Option<Process> {
    // The name before it is the process's own choice, and may hold anything.
    let after_name = line.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(line.get(after_name..)?).ok()?;
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    // The manual counts from 1, and the first two are before the end of the name.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    let time = |at: usize| Some(TICK.saturating_mul(u32::try_from(number(at)?).ok()?));
    Some(Process {
        pid,
        state: *field(3)?.as_bytes().first()?,
        parent: field(4)?.parse().ok()?,
        own: time(14)?.saturating_add(time(15)?),
        waited: time(16)?.saturating_add(time(17)?),
        threads: number(20)?,
        started: number(22)?,
        resident: number(24)?.saturating_mul(PAGE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let rest = "S 7 1 1 0 -1 4194304 9 9 9 9 150 50 30 10 20 0 3 0 4711 1000000 512 18446744073709551615 1 1 0";
        for name in ["sh", "a) R 1 (b", ") ) )", "\u{1b}[2J"] {
            let process = parse(9, format!("9 ({name}) {rest}").as_bytes()).unwrap();
            assert_eq!((process.parent, process.state, process.threads, process.started), (7, b'S', 3, 4711), "{name}");
            assert_eq!((process.own, process.waited), (Duration::from_secs(2), Duration::from_millis(400)));
            assert_eq!(process.resident, 2 << 20);
        }
        assert_eq!(parse(9, b"9 (\xff) S 7"), None);
        assert_eq!(parse(9, b""), None);
    }

    #[test]
    fn this_process_is_found_with_its_threads() {
        std::thread::scope(|scope| {
            let (hold, held) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || held.recv());
            let own = std::process::id();
            assert!(numbers().unwrap().contains(&own));
            let found = read(&[own, u32::MAX]);
            assert!(found[0].threads >= 2 && found[0].resident > 1 << 20, "{found:?}");
            assert_eq!((found.len(), found[0].pid), (1, own));
            drop(hold);
        });
    }
}
