//! What all processes of the sandbox use together, watched by process 1 from the inside, and which limit that passes.
//!
//! Limits that the kernel holds by itself (`rlimits`) are for one process each; these are for the whole sandbox.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::stat::Mode;
use nix::sys::statvfs::fstatvfs;
use nix::sys::time::TimeValLike;

use super::memory::{Machine, MemoryMeter};
use super::processes::{self, Process};
use crate::ports::{Limit, LimitReached, Limits};

/// How often [`Meter::check`] is to be called; the first time when the command has run for this long.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// The part of one processor that measuring may take: one part in this many.
const SHARE: u32 = 50;
/// Growth of the machine's memory that is not worth measuring out of turn, in bytes.
const STEP: u64 = 64 << 20;

/// Measures the sandbox again and again.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    file_systems: Vec<OwnedFd>,
    /// The process whose descendants are measured; `None` for all that can be seen.
    top: Option<u32>,
    memory: Option<MemoryMeter>,
    spent: Spent,
    last: Last,
    met: Vec<LimitReached>,
}

/// What was found last, and for how many ticks that is to do.
#[derive(Debug, Default)]
struct Last {
    rest: u32,
    used: u64,
    machine: Machine,
}

impl Meter {
    /// A meter for a command that is about to begin, and could put others in their places then. At `in_memory` are the
    /// file systems that the sandbox keeps in memory: what is in them has a quota of its own and is no memory of the
    /// command's.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub(super) fn new<'a>(limits: &Limits, in_memory: impl Iterator<Item = &'a Path>) -> io::Result<Self> {
        let opened = |path| open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty());
        let file_systems = in_memory.map(opened).collect::<nix::Result<_>>()?;
        Ok(Self { file_systems, ..Self::without_files(limits) })
    }

    /// The same, for what the process `top` starts among those of the whole machine.
    pub(super) fn below(limits: &Limits, top: u32) -> Self {
        Self { top: Some(top), ..Self::without_files(limits) }
    }

    fn without_files(limits: &Limits) -> Self {
        let (spent, last) = (Spent::default(), Last::default());
        Self { limits: *limits, file_systems: Vec::new(), top: None, memory: None, spent, last, met: Vec::new() }
    }

    /// The limit that is passed, if one is. Does nothing as often as it must to take no more than its share of time.
    ///
    /// # Errors
    /// When `/proc` cannot be read: then nothing limits the command, and it must end.
    pub(super) fn check(&mut self) -> io::Result<Option<LimitReached>> {
        let machine = Machine::read();
        if self.last.rest > 0 && !self.has_grown(&machine) {
            self.last.rest -= 1;
            return Ok(None);
        }
        let before = own_time(UsageWho::RUSAGE_SELF)?;
        let passed = self.measure(machine)?;
        let took = own_time(UsageWho::RUSAGE_SELF)?.saturating_sub(before);
        let ticks = (took * SHARE).as_nanos() / TICK.as_nanos();
        self.last.rest = u32::try_from(ticks).unwrap_or(u32::MAX);
        Ok(passed)
    }

    /// The limits that the command came to and that did not end it; to be asked when no process is left.
    pub(super) fn met(mut self) -> Vec<LimitReached> {
        self.look_at_files();
        let spent = own_time(UsageWho::RUSAGE_CHILDREN).unwrap_or_default();
        if spent.max(self.spent.total) >= self.limits.cpu {
            self.meet(self.cpu_limit());
        }
        self.met
    }

    /// Whether the machine's memory has grown so much since the last measure that the rest until the limit may be gone.
    fn has_grown(&self, now: &Machine) -> bool {
        let left = self.limits.memory_bytes.saturating_sub(self.last.used);
        now.used.saturating_sub(self.last.machine.used) > STEP.max(left / 2)
    }

    fn measure(&mut self, machine: Machine) -> io::Result<Option<LimitReached>> {
        let most = self.limits.processes;
        let too_many = LimitReached { limit: Limit::Processes, most };
        let numbers = processes::numbers()?;
        // So many that asking each would take long: there is no need to.
        if self.top.is_none() && numbers.len() as u64 > most {
            return Ok(Some(too_many));
        }
        let found = self.own(&numbers);
        let tasks: u64 = found.iter().map(|process| process.threads).sum();
        if tasks > most {
            return Ok(Some(too_many));
        }
        // At the limit some end while others are refused: a little below it is at it.
        if tasks.saturating_add(most / 32) >= most {
            self.meet(too_many);
        }
        let mut used = self.memory_of(&found, &machine);
        if used > self.limits.memory_bytes {
            // Processes are looked at one by one, and what they share changes hands meanwhile: once may be chance.
            used = used.min(self.memory_of(&self.own(&processes::numbers()?), &Machine::read()));
        }
        self.last = Last { rest: 0, used, machine };
        self.spent.add(&found, own_time(UsageWho::RUSAGE_CHILDREN)?);
        if used > self.limits.memory_bytes {
            return Ok(Some(LimitReached { limit: Limit::Memory, most: self.limits.memory_bytes }));
        }
        Ok((self.spent.total >= self.limits.cpu).then(|| self.cpu_limit()))
    }

    /// Those of the processes with these numbers that are to be measured.
    fn own(&self, numbers: &[u32]) -> Vec<Process> {
        let seen = processes::read(numbers);
        match self.top {
            Some(top) => processes::below(seen, top),
            None => seen,
        }
    }

    fn memory_of(&mut self, processes: &[Process], machine: &Machine) -> u64 {
        let in_files = self.look_at_files();
        let counted: Vec<&Process> = processes.iter().filter(|process| !self.borrows(process, processes)).collect();
        let most = self.limits.memory_bytes;
        let memory = self.memory.get_or_insert_with(|| MemoryMeter::new(most, *machine, in_files));
        memory.used(&counted, machine, in_files)
    }

    /// Whether a process is still in the memory of its parent, which waits for it to execute something (vfork(2)).
    /// That takes no time, so it is believed only of a process that was not there the last time.
    fn borrows(&self, process: &Process, all: &[Process]) -> bool {
        let parent = || all.iter().find(|other| other.pid == process.parent);
        !self.spent.knows(process) && parent().is_some_and(|parent| parent.state == b'D')
    }

    /// Bytes in the file systems in memory; notes those that are full.
    fn look_at_files(&mut self) -> u64 {
        let mut held = 0;
        for file_system in std::mem::take(&mut self.file_systems) {
            if let Ok(found) = fstatvfs(&file_system) {
                let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
                held += bytes(found.blocks().saturating_sub(found.blocks_free()));
                if found.blocks() > 0 && found.blocks_available() == 0 {
                    self.meet(LimitReached { limit: Limit::Disk, most: bytes(found.blocks()) });
                }
                if found.files() > 0 && found.files_free() == 0 {
                    self.meet(LimitReached { limit: Limit::Files, most: found.files() });
                }
            }
            self.file_systems.push(file_system);
        }
        held
    }

    fn cpu_limit(&self) -> LimitReached {
        LimitReached { limit: Limit::CpuTime, most: self.limits.cpu.as_secs() }
    }

    fn meet(&mut self, limit: LimitReached) {
        if !self.met.contains(&limit) {
            self.met.push(limit);
        }
    }
}

/// Processor time of this process, or of the children that it has waited for.
fn own_time(who: UsageWho) -> io::Result<Duration> {
    let usage: Usage = getrusage(who)?;
    let whole = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(whole.try_into().unwrap_or_default()))
}

/// Processor time of all processes that there ever were, as far as it can be known.
///
/// The time of one that has ended is in the time that its parent, or process 1, has waited for; a parent that ignores
/// `SIGCHLD` never gets it, and what such a child was last seen with still counts.
#[derive(Debug, Default)]
struct Spent {
    total: Duration,
    /// By number and start: the process's own time and that of its children.
    seen: BTreeMap<(u32, u64), (Duration, Duration)>,
    reaped: Duration,
}

impl Spent {
    fn knows(&self, process: &Process) -> bool {
        self.seen.contains_key(&(process.pid, process.started))
    }

    /// Adds what has been spent since the last time. `reaped` is what process 1 has waited for.
    fn add(&mut self, processes: &[Process], reaped: Duration) {
        let mut before = std::mem::take(&mut self.seen);
        let mut waited = reaped.saturating_sub(self.reaped);
        for process in processes {
            let key = (process.pid, process.started);
            match before.remove(&key) {
                None => self.total += process.own + process.waited,
                Some((own, of_children)) => {
                    self.total += process.own.saturating_sub(own);
                    waited += process.waited.saturating_sub(of_children);
                }
            }
            self.seen.insert(key, (process.own, process.waited));
        }
        // What was counted of those that have ended since comes again in what was waited for.
        let counted: Duration = before.values().map(|(own, of_children)| *own + *of_children).sum();
        self.total += waited.saturating_sub(counted);
        self.reaped = reaped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, own: u64, waited: u64) -> Process {
        let (own, waited) = (Duration::from_millis(own), Duration::from_millis(waited));
        Process { pid, parent: 2, state: b'S', threads: 1, own, waited, started: 7, resident: 0 }
    }

    fn limits() -> Limits {
        Limits {
            wall: Duration::from_secs(60),
            cpu: Duration::MAX,
            memory_bytes: 1 << 40,
            processes: 100_000,
            open_files: 64,
            file_bytes: 1 << 20,
            disk_bytes: 1 << 20,
            disk_files: 100,
            output_bytes: 100,
        }
    }

    #[test]
    fn time_of_the_dead_counts_once_whoever_waited_for_them() {
        let none = Duration::ZERO;
        let mut spent = Spent::default();
        spent.add(&[process(2, 100, 0), process(3, 500, 0)], none);
        assert_eq!(spent.total, Duration::from_millis(600));
        // 3 has ended with 520, and 2 has waited for it; so it has for a child that nobody ever saw.
        spent.add(&[process(2, 110, 520 + 40)], none);
        assert_eq!(spent.total, Duration::from_millis(110 + 520 + 40));
        // 2 has ended, and process 1 has waited for it.
        spent.add(&[], Duration::from_millis(110 + 520 + 40));
        assert_eq!(spent.total, Duration::from_millis(110 + 520 + 40));
    }

    #[test]
    fn time_of_the_dead_counts_though_nobody_waited_for_them() {
        let mut spent = Spent::default();
        for pid in 3..13 {
            // A new process every time, whose parent ignores the end of the last.
            spent.add(&[process(2, 0, 0), process(pid, 50, 0)], Duration::ZERO);
        }
        assert_eq!(spent.total, Duration::from_millis(500));
    }

    #[test]
    fn this_machine_is_measured_and_a_limit_below_its_use_is_named() {
        let check = |limits: &Limits| Meter::without_files(limits).check().unwrap();
        let reached = |limit, most| Some(LimitReached { limit, most });
        assert_eq!(check(&limits()), None);
        assert_eq!(check(&Limits { processes: 2, ..limits() }), reached(Limit::Processes, 2));
        assert_eq!(check(&Limits { memory_bytes: 1 << 16, ..limits() }), reached(Limit::Memory, 1 << 16));
        assert_eq!(check(&Limits { cpu: Duration::ZERO, ..limits() }), reached(Limit::CpuTime, 0));
    }

    #[test]
    fn a_process_in_its_parents_memory_counts_from_the_second_time_on() {
        let mut meter = Meter::without_files(&limits());
        let waits = Process { state: b'D', ..process(2, 0, 0) };
        let borrower = process(3, 0, 0);
        let all = [waits, borrower.clone()];
        assert!(meter.borrows(&borrower, &all));
        assert!(!meter.borrows(&borrower, &[process(2, 0, 0), borrower.clone()]));
        meter.spent.add(&all, Duration::ZERO);
        assert!(!meter.borrows(&borrower, &all));
    }
}
