//! What holds memory though nobody need have mapped it, as `/proc` shows it process by process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::makedev;

use crate::sandbox::processes::Process;

/// What mappings of memory are called whose size only the kernel knows, and of any object that was given a name
/// (`PR_SET_VMA_ANON_NAME`). That of memory files is known as long as one is open, that of SysV segments always.
const UNSIZED: [&str; 2] = ["/dev/zero", "[anon_shmem"];
const MEMORY_FILE: &str = "/memfd:";
/// Most that one measure looks at, so that nobody keeps it from its end: bytes about mappings, and open files. Whoever
/// has more hides the rest.
const MOST_ABOUT_MAPPINGS: u64 = 32 << 20;
const MOST_FILES: u64 = 100_000;

/// What holds memory that nobody need have mapped.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Open memory files, by device and inode, each with its bytes.
    pub(super) open: BTreeMap<(u64, u64), u64>,
    /// Mapped memory files, by device and inode.
    mapped: BTreeSet<(u64, u64)>,
    /// Open files of all processes, those of a table that threads share once for each.
    pub(super) descriptors: u64,
    /// Bytes that were read about mappings.
    read: u64,
    /// Whether a process hides what it holds, holds memory that nothing tells the size of, or sends open files where
    /// nobody sees them.
    opaque: bool,
}

impl Objects {
    /// Those of `processes`.
    pub(super) fn of(processes: &[&Process]) -> Self {
        let mut objects = Self::default();
        processes.iter().for_each(|process| objects.add(process));
        objects
    }

    /// Whether there may be more memory than what is known of these.
    pub(super) fn hide_some(&self) -> bool {
        // Of a memory file that is mapped and not open, more may be in use than is mapped.
        self.opaque || self.mapped.iter().any(|file| !self.open.contains_key(file))
    }

    fn add(&mut self, process: &Process) {
        let folder = process.folder();
        if self.add_mappings(&folder).is_err() && process.resident > 0 {
            self.opaque |= fs::exists(&folder).unwrap_or(true);
        }
        // A thread can have a table of open files of its own (close_range(2), `CLOSE_RANGE_UNSHARE`).
        for thread in fs::read_dir(format!("/proc/{}/task", process.pid)).into_iter().flatten().flatten() {
            let thread = thread.path();
            if self.add_files(&thread).is_err() && process.resident > 0 {
                self.opaque |= fs::exists(&thread).unwrap_or(true);
            }
        }
    }

    fn add_mappings(&mut self, folder: &str) -> io::Result<()> {
        let most = MOST_ABOUT_MAPPINGS.saturating_sub(self.read);
        let mut text = Vec::new();
        let read = File::open(format!("{folder}/maps"))?.take(most).read_to_end(&mut text)? as u64;
        self.read += read;
        self.opaque |= read == most;
        String::from_utf8_lossy(&text).lines().for_each(|line| self.add_mapping(line));
        Ok(())
    }

    fn add_files(&mut self, thread: &Path) -> io::Result<()> {
        for name in fs::read_dir(thread.join("fd"))?.flatten().map(|entry| entry.file_name()) {
            if self.descriptors >= MOST_FILES {
                (self.opaque, self.descriptors) = (true, u64::MAX);
                break;
            }
            self.descriptors += 1;
            let path = thread.join("fd").join(&name);
            let target = fs::read_link(&path).unwrap_or_default().to_string_lossy().into_owned();
            if target.starts_with(MEMORY_FILE) {
                self.add_open(&path);
            } else if target.starts_with("socket:") {
                let about = fs::read_to_string(thread.join("fdinfo").join(&name));
                self.opaque |= about.is_ok_and(|about| carries(&about));
            }
        }
        Ok(())
    }

    fn add_open(&mut self, path: &Path) {
        // The link leads to the open file itself, whatever it is called.
        if let Ok(found) = fs::metadata(path) {
            self.open.insert((found.dev(), found.ino()), found.blocks() * 512);
        }
    }

    /// Notes a line of `/proc/PID/maps`: range, permissions, offset, device, inode, name.
    fn add_mapping(&mut self, line: &str) {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (Some(permissions), Some(device), Some(inode), Some(name)) =
            (fields.next(), fields.nth(1), fields.next(), fields.next())
        else {
            return;
        };
        // Shared with nobody, pages of these are the process's own.
        self.opaque |= permissions.ends_with('s') && UNSIZED.iter().any(|one| name.starts_with(one));
        if name.starts_with(MEMORY_FILE) {
            let number = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
            let device = device.split_once(':').map_or(0, |(major, minor)| makedev(number(major), number(minor)));
            self.mapped.insert((device, inode.parse().unwrap_or(0)));
        }
    }
}

/// Whether messages that wait in a socket carry open files (proc_pid_fdinfo(5), `scm_fds`).
fn carries(about: &str) -> bool {
    about.lines().filter_map(|line| line.strip_prefix("scm_fds:")).any(|count| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use nix::sys::memfd::{MFdFlags, memfd_create};

    use super::*;
    use crate::sandbox::processes;

    fn mapped(lines: &[&str]) -> Objects {
        let mut objects = Objects::default();
        lines.iter().for_each(|line| objects.add_mapping(line));
        objects
    }

    #[test]
    fn mapped_memory_whose_size_nobody_tells_hides_some() {
        let plain = [
            "7f0000500000-7f0000600000 r-xp 00000000 fe:00 79  /usr/lib/x.so",
            "7f0000700000-7f0000800000 rw-p 00000000 00:00 0 ",
            "7f0000800000-7f0000900000 rw-p 00000000 00:05 4  /dev/zero",
            "7f0000900000-7f0000a00000 rw-s 00000000 00:01 7  /SYSV00000000 (deleted)",
            "nonsense",
        ];
        assert!(!mapped(&plain).hide_some());
        for line in [
            "7f0000000000-7f0000001000 rw-s 00000000 00:01 77  /dev/zero (deleted)",
            "7f0000000000-7f0000001000 rw-s 00000000 00:01 77  [anon_shmem:any]",
            "7f0000400000-7f0000401000 r--p 00000000 00:01 78  /memfd:a b (deleted)",
        ] {
            assert!(mapped(&[line]).hide_some(), "{line}");
        }
        let mut open = mapped(&["7f0000400000-7f0000401000 rw-s 00000000 00:01 78  /memfd:a b (deleted)"]);
        open.open.insert((makedev(0, 1), 78), 4096);
        assert!(!open.hide_some());
    }

    #[test]
    fn memory_files_of_this_process_are_found() {
        let mut file = File::from(memfd_create(c"found", MFdFlags::empty()).unwrap());
        file.write_all(&[1; 8192]).unwrap();
        let found = file.metadata().map(|found| (found.dev(), found.ino())).unwrap();
        let mut objects = Objects::default();
        objects.add(&processes::read(&[std::process::id()])[0]);
        assert_eq!(objects.open.get(&found), Some(&8192));
        assert!(objects.descriptors > 0 && objects.read > 0);
    }

    #[test]
    fn files_on_their_way_through_a_socket_make_it_opaque() {
        assert!(carries("pos:\t0\nscm_fds:\t2\n"));
        assert!(!carries("pos:\t0\nscm_fds:\t0\n"));
        assert!(!carries("pos:\t0\n"));
    }
}
