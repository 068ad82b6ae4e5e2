//! How much memory the sandbox uses, measured as coarsely as the answer allows.
//!
//! What a process has resident is one number, read for every process anyway; only when the sum of these, or the
//! growth of what the whole machine has in use, passes the limit are the processes asked more closely: first without
//! the files they have mapped, then with what they share counted once (`smaps_rollup`, proc_pid_smaps(5)).
//!
//! Memory that no process maps is found by what holds it: SysV segments, open memory files, sockets. Where that only
//! says how much it could be, the growth of the machine's counters since the command began decides; so it does where
//! nothing says how much there is, as of an object of which one page is still mapped.
//!
//! What lies in the sandbox's own file systems in memory has quotas of its own and is not counted, unless mapped.

mod objects;

use std::fs;

use self::objects::Objects;
use super::processes::Process;

const KIBIBYTE: u64 = 1 << 10;
/// Most that the kernel queues in one socket, both ways, at the usual sizes of its buffers.
const SOCKET: u64 = 416 * KIBIBYTE;
/// What a pipe holds, and what all pipes of a user hold before the kernel gives each but a page (pipe(7),
/// `pipe-user-pages-soft`).
const PIPE: u64 = 64 * KIBIBYTE;
const PIPES: u64 = 64 << 20;
/// What an open file may take besides: its own structures, one page of a pipe.
const OPEN_FILE: u64 = 5 * KIBIBYTE;

/// Counters of the whole machine, in bytes (proc_meminfo(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Machine {
    /// All that is neither free nor could be freed by forgetting files, swap included.
    pub(super) used: u64,
    /// The part of it in memory files and shared memory.
    shared: u64,
    /// The part of it that belongs neither to processes nor to shared memory.
    kernel: u64,
    /// The part of it that processes have swapped out, and the tables that map their memory.
    moved: u64,
}

impl Machine {
    /// Reads them; all zero where there are none, so that nothing seems to grow.
    pub(super) fn read() -> Self {
        fs::read_to_string("/proc/meminfo").map_or(Self::default(), |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let names = [
            "MemTotal",
            "MemFree",
            "Buffers",
            "Cached",
            "SwapCached",
            "SReclaimable",
            "Shmem",
            "AnonPages",
            "PageTables",
            "SwapTotal",
            "SwapFree",
        ];
        let [total, free, buffers, cached, swap_cached, slabs, shared, private, tables, swap, swap_free] =
            kibibytes(text, names);
        // Shared memory is among the cached pages, and cannot be forgotten.
        let forgettable = free + buffers + (cached + swap_cached + slabs).saturating_sub(shared);
        let resident = total.saturating_sub(forgettable);
        let swapped = swap.saturating_sub(swap_free);
        let kernel = resident.saturating_sub(shared + private + tables);
        Self { used: resident + swapped, shared, kernel, moved: swapped + tables }
    }

    /// By how much each has grown since it was as in `before`, but for `files` bytes of shared memory.
    fn since(&self, before: &Self, files: u64) -> Self {
        Self {
            used: self.used.saturating_sub(before.used).saturating_sub(files),
            shared: self.shared.saturating_sub(before.shared).saturating_sub(files),
            kernel: self.kernel.saturating_sub(before.kernel),
            moved: self.moved.saturating_sub(before.moved),
        }
    }
}

/// The values of these names in a file of lines like `Name:   12 kB`, in bytes; 0 for one that is not there.
fn kibibytes<const N: usize>(text: &str, names: [&str; N]) -> [u64; N] {
    let mut values = [0_u64; N];
    for (name, rest) in text.lines().filter_map(|line| line.split_once(':')) {
        for (value, _) in values.iter_mut().zip(names).filter(|(_, wanted)| *wanted == name) {
            *value = rest.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0);
            *value = value.saturating_mul(KIBIBYTE);
        }
    }
    values
}

/// What was there when the command began, and how to tell what has been added since.
#[derive(Debug)]
pub(super) struct MemoryMeter {
    /// Bytes that may be used.
    most: u64,
    machine: Machine,
    /// Bytes in the sandbox's own file systems when the command began.
    in_files: u64,
}

impl MemoryMeter {
    /// A meter that compares with what is in use now, of which `in_files` bytes are in the sandbox's own file systems
    /// in memory.
    pub(super) fn new(most: u64, machine: Machine, in_files: u64) -> Self {
        Self { most, machine, in_files }
    }

    /// Bytes that `processes` and what they hold use, when that may be more than the limit; otherwise some number that
    /// is not above the limit and not below the true one.
    pub(super) fn used(&self, processes: &[&Process], now: &Machine, in_files: u64) -> u64 {
        let grown = now.since(&self.machine, in_files.saturating_sub(self.in_files));
        let resident: u64 = processes.iter().map(|process| process.resident).sum();
        // What is shared and mapped is in both.
        let suspected = resident.saturating_add(grown.shared).saturating_add(grown.kernel).saturating_add(grown.moved);
        if suspected > self.most { self.measure(processes, &grown) } else { suspected }
    }

    fn measure(&self, processes: &[&Process], grown: &Machine) -> u64 {
        let mut sum = Held::default();
        processes.iter().for_each(|process| sum.add(process));
        if sum.private + sum.mapped > self.most {
            // Pages that were shared by a fork have been counted several times.
            sum = Held::default();
            processes.iter().for_each(|process| sum.add_proportionally(process));
        }
        let objects = Objects::of(processes);
        let (segments, known) = (segments(), objects.open.values().sum::<u64>());
        let at_least = sum.mapped.max(segments + known);
        let at_most = if objects.hide_some() { u64::MAX } else { sum.mapped + segments + known };
        let shared = grown.shared.min(at_most).max(at_least);
        let files = objects.descriptors.min(files_of_the_machine());
        let in_files = files.saturating_mul(OPEN_FILE).saturating_add(files.saturating_mul(PIPE).min(PIPES));
        let kernel_at_most = (sockets() * SOCKET).saturating_add(in_files);
        let kernel = grown.kernel.min(kernel_at_most);
        sum.private.saturating_add(shared).saturating_add(kernel)
    }
}

/// Memory of processes, by whom it belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Held {
    /// To one process, swapped out or not, and the tables that map it.
    private: u64,
    /// Mapped, and of objects that other processes may map too.
    mapped: u64,
}

impl Held {
    /// Adds what `/proc/PID/status` says, which every process shows.
    fn add(&mut self, process: &Process) {
        let text = fs::read_to_string(format!("{}/status", process.folder())).unwrap_or_default();
        let [private, mapped, swapped, tables] = kibibytes(&text, ["RssAnon", "RssShmem", "VmSwap", "VmPTE"]);
        self.private += private + swapped + tables;
        self.mapped += mapped;
    }

    /// Adds each page divided by the number of processes that map it; a process that hides this is counted whole.
    fn add_proportionally(&mut self, process: &Process) {
        let folder = process.folder();
        let Ok(text) = fs::read_to_string(format!("{folder}/smaps_rollup")) else { return self.add(process) };
        let status = fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
        let [private, mapped, swapped] = kibibytes(&text, ["Pss_Anon", "Pss_Shmem", "SwapPss"]);
        let [tables] = kibibytes(&status, ["VmPTE"]);
        self.private += private + swapped + tables;
        self.mapped += mapped;
    }
}

/// Bytes in SysV segments, mapped or not (sysvipc(7)).
fn segments() -> u64 {
    fs::read_to_string("/proc/sysvipc/shm").map_or(0, |text| segment_bytes(&text))
}

fn segment_bytes(text: &str) -> u64 {
    let mut lines = text.lines();
    let Some(head) = lines.next() else { return 0 };
    let columns: Vec<usize> = head
        .split_ascii_whitespace()
        .enumerate()
        .filter(|(_, name)| ["rss", "swap"].contains(name))
        .map(|(at, _)| at)
        .collect();
    let field = |line: &str, at: usize| line.split_ascii_whitespace().nth(at)?.parse::<u64>().ok();
    lines.map(|line| columns.iter().filter_map(|at| field(line, *at)).sum::<u64>()).sum()
}

/// Open files of the whole machine, which are at least those of the sandbox (proc_sys_fs(5)).
fn files_of_the_machine() -> u64 {
    let text = fs::read_to_string("/proc/sys/fs/file-nr").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or(u64::MAX)
}

/// Sockets of the sandbox's own network, of every kind.
fn sockets() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("sockets: used "))
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "MemTotal: 1000 kB\nMemFree: 400 kB\nBuffers: 10 kB\nCached: 200 kB\nSwapCached: 0 kB\n\
        AnonPages: 300 kB\nShmem: 20 kB\nSReclaimable: 30 kB\nPageTables: 8 kB\nSwapTotal: 50 kB\nSwapFree: 50 kB\n";

    #[test]
    fn what_cannot_be_forgotten_is_in_use() {
        let machine = Machine::parse(BEFORE);
        let used = 1000 - 400 - 10 - 200 - 30 + 20;
        let kernel = used - 20 - 300 - 8;
        let kibibytes = |number: u64| number * 1024;
        let wanted =
            Machine { used: kibibytes(used), shared: kibibytes(20), kernel: kibibytes(kernel), moved: kibibytes(8) };
        assert_eq!(machine, wanted);
        let cached =
            Machine::parse(&BEFORE.replace("MemFree: 400", "MemFree: 300").replace("Cached: 200", "Cached: 300"));
        assert_eq!(cached, machine);
        let swapped = Machine::parse(&BEFORE.replace("SwapFree: 50", "SwapFree: 10"));
        assert_eq!((swapped.used, swapped.moved), (machine.used + kibibytes(40), kibibytes(48)));
        let grown = Machine::parse(&BEFORE.replace("Shmem: 20", "Shmem: 60")).since(&machine, kibibytes(15));
        assert_eq!((grown.used, grown.shared, grown.moved), (kibibytes(25), kibibytes(25), 0));
        assert_eq!(Machine::parse("nonsense\n: x\n"), Machine::default());
    }

    #[test]
    fn segments_count_whether_attached_or_not() {
        let head = "  key shmid perms size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap\n";
        let segment = "1 0 666 9999 1 1 0 0 0 0 0 1 1 1 4096 8192\n";
        assert_eq!(segment_bytes(&format!("{head}{segment}{segment}")), 2 * 12_288);
        assert_eq!(segment_bytes(head), 0);
        assert_eq!(segment_bytes(""), 0);
    }
}
