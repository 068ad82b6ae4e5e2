//! How much memory the sandbox uses, measured as coarsely as the answer allows.
//!
//! What a process has resident is one number, read for every process anyway; only when the sum of these, or the
//! growth of what the whole machine has in use, passes the limit are the processes asked more closely: first without
//! the files they have mapped, then with what they share counted once (`smaps_rollup`, proc_pid_smaps(5)).
//!
//! Memory that no process maps is found by what holds it: SysV segments, open memory files, sockets. Where that only
//! says how much it could be, the growth of the machine's counters since the command began decides.
//!
//! What lies in the sandbox's own file systems in memory has quotas of its own and is not counted, unless mapped.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

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
/// Objects that hold memory without a file system of their own, as their mappings are called.
const OBJECTS: [&str; 3] = ["/memfd:", "/dev/zero", "/SYSV"];

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
        let objects: Objects = processes.iter().fold(Objects::default(), |mut objects, process| {
            objects.add(process);
            objects
        });
        let (segments, known) = (segments(), objects.open.values().sum::<u64>());
        let at_least = sum.mapped.max(segments + known);
        let at_most = if objects.opaque { u64::MAX } else { sum.mapped + segments + known + objects.mapped_at_most() };
        let shared = grown.shared.min(at_most).max(at_least);
        let files = objects.descriptors;
        let kernel_at_most = sockets() * SOCKET + files * OPEN_FILE + (files * PIPE).min(PIPES);
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

/// What holds memory that nobody need have mapped.
#[derive(Debug, Default)]
struct Objects {
    /// Open memory files, by device and inode, each with its bytes.
    open: BTreeMap<(u64, u64), u64>,
    /// Mapped objects, by device and inode as `/proc/PID/maps` writes them, each with the end of its farthest mapping.
    mapped: BTreeMap<String, u64>,
    /// Open files of all processes.
    descriptors: u64,
    /// Whether a process hides what it holds, or sends open files where nobody sees them.
    opaque: bool,
}

impl Objects {
    fn mapped_at_most(&self) -> u64 {
        self.mapped.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
    }

    fn add(&mut self, process: &Process) {
        let folder = process.folder();
        match fs::read_to_string(format!("{folder}/maps")) {
            Ok(text) => text.lines().for_each(|line| self.add_mapping(line)),
            Err(_) => self.opaque |= fs::exists(&folder).unwrap_or(false) && process.resident > 0,
        }
        let Ok(listing) = fs::read_dir(format!("{folder}/fd")) else { return };
        for name in listing.flatten().map(|entry| entry.file_name()) {
            self.descriptors += 1;
            let path = PathBuf::from(format!("{folder}/fd")).join(&name);
            let target = fs::read_link(&path).unwrap_or_default().to_string_lossy().into_owned();
            if target.starts_with("/memfd:") {
                self.add_open(&path);
            } else if target.starts_with("socket:") {
                let about = fs::read_to_string(PathBuf::from(format!("{folder}/fdinfo")).join(&name));
                self.opaque |= about.is_ok_and(|about| carries(&about));
            }
        }
    }

    fn add_open(&mut self, path: &PathBuf) {
        // The link leads to the open file itself, whatever it is called.
        if let Ok(found) = fs::metadata(path) {
            self.open.insert((found.dev(), found.ino()), found.blocks() * 512);
        }
    }

    /// Notes a line of `/proc/PID/maps`: range, permissions, offset, device, inode, name.
    fn add_mapping(&mut self, line: &str) {
        let mut fields = line.split_ascii_whitespace();
        let (Some(range), Some(_), Some(offset)) = (fields.next(), fields.next(), fields.next()) else { return };
        let (Some(device), Some(inode), Some(name)) = (fields.next(), fields.next(), fields.next()) else { return };
        if !OBJECTS.iter().any(|object| name.starts_with(object)) {
            return;
        }
        let number = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
        let (from, to) = range.split_once('-').map_or((0, 0), |(from, to)| (number(from), number(to)));
        let end = number(offset).saturating_add(to.saturating_sub(from));
        let known = self.mapped.entry(format!("{device} {inode}")).or_default();
        *known = end.max(*known);
    }
}

/// Whether messages that wait in a socket carry open files (proc_pid_fdinfo(5), `scm_fds`).
fn carries(about: &str) -> bool {
    about.lines().filter_map(|line| line.strip_prefix("scm_fds:")).any(|count| count.trim() != "0")
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

    #[test]
    fn a_mapped_object_counts_once_to_its_farthest_end() {
        let mut objects = Objects::default();
        for line in [
            "7f0000000000-7f0000100000 rw-s 00000000 00:01 77  /dev/zero (deleted)",
            "7f0000200000-7f0000300000 rw-s 00100000 00:01 77  /dev/zero (deleted)",
            "7f0000400000-7f0000401000 r--p 00000000 00:01 78  /memfd:a b (deleted)",
            "7f0000500000-7f0000600000 r-xp 00000000 fe:00 79  /usr/lib/x.so",
            "7f0000700000-7f0000800000 rw-p 00000000 00:00 0 ",
            "nonsense",
        ] {
            objects.add_mapping(line);
        }
        assert_eq!(objects.mapped_at_most(), (2 << 20) + 4096);
    }

    #[test]
    fn files_on_their_way_through_a_socket_make_it_opaque() {
        assert!(carries("pos:\t0\nscm_fds:\t2\n"));
        assert!(!carries("pos:\t0\nscm_fds:\t0\n"));
        assert!(!carries("pos:\t0\n"));
    }
}
