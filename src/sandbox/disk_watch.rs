//! What a command writes to a disk, watched by the server: a folder on a disk has no quota, as a file system in memory
//! has. How much is free on the disk costs nothing to ask, and says when it is worth counting what was written.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use nix::sys::statvfs::{Statvfs, fstatvfs};
use nix::unistd::read;

use super::sys;
use crate::ports::{Limit, LimitReached, Limits};

/// Least growth that is counted out of turn, in bytes and in files.
const LEAST: Space = Space { bytes: 64 << 20, files: 4_096 };
/// How often it looks.
const TICK: Duration = Duration::from_millis(100);
/// How many looks may pass without counting: what others free meanwhile hides what is written.
const LOOKS: u64 = 100;
/// A look more may pass for so many files that counting goes through.
const FILES_PER_LOOK: u64 = 1_000;
/// Most folders that are open at a time while counting.
const MOST_OPEN: usize = 200;
/// When the whole disk is this full, as one part in so many, growth beyond the limit counts though no file shows it: a
/// file that was deleted while it is open is in no folder.
const LAST_PART: u64 = 20;

/// Largest page of a machine, in bytes.
const PAGE: u64 = 64 << 10;

/// `limits` for a command that finds as much as there is below `folder` already.
pub(super) fn raised(limits: &Limits, folder: &OwnedFd) -> io::Result<Limits> {
    let there = count(folder, Space { bytes: u64::MAX, files: u64::MAX })?.written;
    let (bytes, files) = (limits.disk_bytes, limits.disk_files);
    let (disk_bytes, disk_files) = (bytes.saturating_add(there.bytes), files.saturating_add(there.files));
    Ok(Limits { disk_bytes, disk_files, ..*limits })
}

/// Bytes and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Space {
    bytes: u64,
    files: u64,
}

impl Space {
    fn free(disk: &Statvfs) -> Self {
        Self { bytes: disk.blocks_free() * disk.fragment_size(), files: disk.files_free() }
    }

    fn less(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), files: self.files.saturating_sub(other.files) }
    }

    fn half(self) -> Self {
        Self { bytes: self.bytes / 2, files: self.files / 2 }
    }

    fn at_least(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), files: self.files.max(other.files) }
    }

    /// Whether it has more of either.
    fn passes(self, other: Self) -> bool {
        self.bytes > other.bytes || self.files > other.files
    }
}

/// Watches one folder.
#[derive(Debug)]
pub(super) struct DiskWatch {
    folder: OwnedFd,
    ticker: OwnedFd,
    most: Space,
    free_at_first: Space,
    free_when_counted: Space,
    /// Growth since the last count that calls for the next.
    step: Space,
    /// Looks after which the next count is due whatever has grown.
    patience: u64,
}

impl DiskWatch {
    /// Watches the open folder `writes`; `None` when it is in memory, where its file system has a quota. The folder of a
    /// user whose cache is in memory has none that fits.
    ///
    /// # Errors
    /// When the system says nothing about its disk.
    pub(super) fn new(writes: &OwnedFd, limits: &Limits) -> io::Result<Option<Self>> {
        let quota = fstatvfs(writes)?.blocks().saturating_mul(fstatvfs(writes)?.fragment_size());
        // It is rounded up to whole pages.
        if fstatfs(writes)?.filesystem_type() == TMPFS_MAGIC && quota <= limits.disk_bytes.saturating_add(PAGE) {
            return Ok(None);
        }
        Self::of_disk(writes, limits).map(Some)
    }

    fn of_disk(writes: &OwnedFd, limits: &Limits) -> io::Result<Self> {
        let most = Space { bytes: limits.disk_bytes, files: limits.disk_files };
        let free = Space::free(&fstatvfs(writes)?);
        let step = most.half().at_least(LEAST);
        let (folder, ticker) = (writes.try_clone()?, sys::ticker(TICK)?);
        Ok(Self { folder, ticker, most, free_at_first: free, free_when_counted: free, step, patience: LOOKS })
    }

    /// The limit that is passed, if one is. May be asked at any time, and looks when it is time to.
    ///
    /// # Errors
    /// When the folder cannot be read: then nothing limits the command, and it must end.
    pub(super) fn check(&mut self) -> io::Result<Option<LimitReached>> {
        match read(&self.ticker, &mut [0; 8]) {
            Ok(_) => self.look(),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn look(&mut self) -> io::Result<Option<LimitReached>> {
        let disk = fstatvfs(&self.folder)?;
        let free = Space::free(&disk);
        self.patience = self.patience.saturating_sub(1);
        if self.patience > 0 && !self.free_when_counted.less(free).passes(self.step) {
            return Ok(None);
        }
        self.free_when_counted = free;
        let Counted { written, complete } = count(&self.folder, self.most)?;
        self.patience = LOOKS.max(written.files / FILES_PER_LOOK);
        self.step = self.most.less(written).half().at_least(LEAST);
        let grown = self.free_at_first.less(free);
        let nearly_full = free.bytes < disk.blocks() / LAST_PART * disk.fragment_size();
        let unseen = grown.bytes > self.most.bytes && (nearly_full || !complete);
        Ok(if written.bytes > self.most.bytes || unseen {
            Some(LimitReached { limit: Limit::Disk, most: self.most.bytes })
        } else if written.files > self.most.files {
            Some(LimitReached { limit: Limit::Files, most: self.most.files })
        } else {
            None
        })
    }
}

/// What was found in a folder.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    written: Space,
    /// Whether all of it could be read.
    complete: bool,
}

/// Counts what lies below a folder, until it is more than `most`. It is read by descriptor, so that no link is
/// followed; the stack is our own, so that no depth overflows it.
fn count(top: &OwnedFd, most: Space) -> io::Result<Counted> {
    let mut counted = Counted { written: Space::default(), complete: true };
    // Open folders that hold folders not looked into yet, each with the names of these.
    let mut open = vec![(top.try_clone()?, vec![OsString::from(".")])];
    while let Some((parent, mut names)) = open.pop() {
        let Some(name) = names.pop() else { continue };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let folder = openat(&parent, name.as_os_str(), flags, Mode::empty());
        if !names.is_empty() {
            open.push((parent, names));
        }
        let below = folder.map_err(io::Error::from).and_then(|folder| counted.add(folder));
        match below {
            Ok((_, names)) if names.is_empty() => {}
            Ok(below) if open.len() < MOST_OPEN => open.push(below),
            // Not to be read, gone meanwhile, or nested as no program nests folders.
            Ok(_) | Err(_) => counted.complete = false,
        }
        if counted.written.passes(most) {
            break;
        }
    }
    Ok(counted)
}

impl Counted {
    /// Counts what lies in a folder. Returns it with the names of the folders in it.
    fn add(&mut self, folder: OwnedFd) -> io::Result<(OwnedFd, Vec<OsString>)> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?.flatten() {
            let Ok(found) = entry.metadata() else { continue };
            self.written.files += 1;
            self.written.bytes += found.blocks() * 512;
            folders.extend(found.is_dir().then(|| entry.file_name()));
        }
        Ok((folder, folders))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    pub(in crate::sandbox) fn limits(disk_bytes: u64, disk_files: u64) -> Limits {
        Limits { disk_bytes, disk_files, ..Limits::ample() }
    }

    /// What a watch that counts at once says of a folder with these files.
    fn watched(limits: &Limits, files: &[(&str, usize)]) -> Option<Limit> {
        let top = tempfile::tempdir().unwrap();
        let writes = OwnedFd::from(fs::File::open(top.path()).unwrap());
        let mut watch = DiskWatch::of_disk(&writes, limits).unwrap();
        watch.patience = 1;
        for (path, bytes) in files {
            let path = top.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![1; *bytes]).unwrap();
        }
        symlink("/usr", top.path().join("link")).unwrap();
        watch.look().unwrap().map(|reached| reached.limit)
    }

    #[test]
    fn bytes_and_files_are_counted_wherever_they_lie_and_links_lead_nowhere() {
        let files = [("a", 300_000), ("d/e/b", 300_000), ("d/f/c", 1)];
        assert_eq!(watched(&limits(1 << 20, 100), &files), None);
        assert_eq!(watched(&limits(500_000, 100), &files), Some(Limit::Disk));
        assert_eq!(watched(&limits(1 << 20, 6), &files), Some(Limit::Files));
        assert_eq!(watched(&limits(1 << 20, 7), &files), None);
    }

    #[test]
    fn what_is_there_before_is_not_the_commands() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("a")).unwrap();
        fs::write(top.path().join("a/b"), [1; 9_000]).unwrap();
        let raised = raised(&limits(1 << 20, 100), &OwnedFd::from(fs::File::open(top.path()).unwrap())).unwrap();
        assert!(raised.disk_bytes >= (1 << 20) + 9_000 && raised.disk_bytes < 2 << 20, "{raised:?}");
        assert_eq!(raised.disk_files, 102);
    }

    #[test]
    fn nothing_is_counted_before_it_is_due() {
        let top = tempfile::tempdir().unwrap();
        let writes = OwnedFd::from(fs::File::open(top.path()).unwrap());
        let mut watch = DiskWatch::of_disk(&writes, &limits(1, 1)).unwrap();
        fs::write(top.path().join("a"), [1; 9_000]).unwrap();
        let looks = (1..=LOOKS).find(|_| watch.look().unwrap().is_some());
        assert!(looks.is_some());
    }

    #[test]
    fn a_tree_too_deep_to_be_read_says_so_and_ends() {
        let top = tempfile::tempdir().unwrap();
        let writes = OwnedFd::from(fs::File::open(top.path()).unwrap());
        let most = Space { bytes: 1 << 30, files: 1 << 20 };
        // A chain is read to its end; a comb keeps most of its folders open.
        for (teeth, complete) in [(0, true), (3, false)] {
            let mut at = writes.try_clone().unwrap();
            for _ in 0..2 * MOST_OPEN {
                let name = OsString::from(format!("z{teeth}"));
                nix::sys::stat::mkdirat(&at, name.as_os_str(), Mode::from_bits_truncate(0o755)).unwrap();
                for tooth in 0..teeth {
                    let name = OsString::from(format!("a{tooth}"));
                    nix::sys::stat::mkdirat(&at, name.as_os_str(), Mode::from_bits_truncate(0o755)).unwrap();
                }
                at = openat(&at, name.as_os_str(), OFlag::O_DIRECTORY, Mode::empty()).unwrap();
            }
            let counted = count(&writes, most).unwrap();
            assert_eq!(counted.complete, complete, "{counted:?}");
        }
    }
}
