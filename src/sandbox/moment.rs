//! When something began, told by the clock that stamps files, so that a file that changed since is known by its
//! stamp, however soon after it changed.
//!
//! Linux stamps files with the time of the last tick, up to 10 ms ago: a change right after a beginning can carry a
//! stamp from before it. Two things keep such a change from slipping through. The moment is itself a stamp, taken
//! from a file, never later than what a later change gets. And on kernels with multigrain stamps (6.13) the file is
//! stamped twice and looked at in between, which makes the stamp exact, and the kernel gives no later change an
//! earlier one, on any file system. On older kernels what changed within a tick before the moment counts as changed
//! after it. Not seen, as by no other program: writes through a memory map that was dirty already.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{FileStat, futimens};
use nix::sys::time::TimeSpec;

/// How far two clocks may part before the one that stamps files counts as set back.
const JITTER: Duration = Duration::from_millis(50);

/// The files that tell the time, open once and for all.
struct Clocks {
    /// A file in memory, to be stamped.
    stamped: File,
    uptime: File,
}

fn clocks() -> io::Result<&'static Clocks> {
    static CLOCKS: OnceLock<Clocks> = OnceLock::new();
    if let Some(clocks) = CLOCKS.get() {
        return Ok(clocks);
    }
    let stamped = File::from(memfd_create(c"moment", MFdFlags::MFD_CLOEXEC)?);
    let clocks = Clocks { stamped, uptime: File::open("/proc/uptime")? };
    Ok(CLOCKS.get_or_init(|| clocks))
}

/// How long the machine has been up, sleep included (proc_uptime(5)), in steps of 10 ms.
fn since_boot(uptime: &File) -> io::Result<Duration> {
    let mut bytes = [0; 64];
    let length = uptime.read_at(&mut bytes, 0)?;
    let text = bytes.get(..length).and_then(|read| std::str::from_utf8(read).ok());
    let seconds: Option<f64> = text.and_then(|text| text.split(' ').next()?.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A time that a file carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stamp {
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// When content or attributes were last changed (`st_ctim`).
    pub(super) fn of_change(stat: &FileStat) -> Self {
        Self { seconds: stat.st_ctime, nanoseconds: stat.st_ctime_nsec }
    }

    /// When the content was last changed, as far as nobody said otherwise (`st_mtim`).
    pub(super) fn of_content(stat: &FileStat) -> Self {
        Self { seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec }
    }

    /// `self`, or the second that it is in for stamps of whole seconds, as old file systems keep them.
    fn coarse_as(self, other: Self) -> Self {
        if other.nanoseconds == 0 {
            // FAT keeps every second one only.
            return Self { seconds: self.seconds - 1, nanoseconds: 0 };
        }
        let mut grain = 1;
        while grain < 1_000_000_000 && other.nanoseconds % (grain * 10) == 0 {
            grain *= 10;
        }
        Self { nanoseconds: self.nanoseconds - self.nanoseconds % grain, ..self }
    }

    /// This much earlier.
    pub(super) fn before(self, time: Duration) -> Self {
        let all = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds);
        let all = all - i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        let part = |number: i128| i64::try_from(number).unwrap_or(i64::MIN);
        Self { seconds: part(all.div_euclid(1_000_000_000)), nanoseconds: part(all.rem_euclid(1_000_000_000)) }
    }

    fn since(self, earlier: Self) -> i128 {
        i128::from(self.seconds - earlier.seconds) * 1_000_000_000 + i128::from(self.nanoseconds - earlier.nanoseconds)
    }
}

/// A moment on the clock that stamps files, and on one that nobody can set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    stamp: Stamp,
    since_boot: Duration,
}

impl Moment {
    /// Now. Takes some microseconds.
    pub(super) fn now() -> io::Result<Self> {
        // Whoever asks at the same time stamps the same file: what is read then is no earlier, and still not later than
        // now.
        let Clocks { stamped: file, uptime } = clocks()?;
        futimens(file.as_fd(), &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW)?;
        // Once it has been seen, the kernel makes the next stamp a finer one.
        file.metadata()?;
        futimens(file.as_fd(), &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW)?;
        let metadata = file.metadata()?;
        let stamp = Stamp { seconds: metadata.ctime(), nanoseconds: metadata.ctime_nsec() };
        Ok(Self { stamp, since_boot: since_boot(uptime)? })
    }

    /// What tells whether a file changed since, valid now.
    pub(super) fn until_now(&self) -> io::Result<Since> {
        Ok(self.until(&Self::now()?))
    }

    fn until(&self, now: &Self) -> Since {
        let passed = now.since_boot.saturating_sub(self.since_boot);
        let expected = now.stamp.before(passed);
        let set_back = self.stamp.since(expected) > i128::try_from(JITTER.as_nanos()).unwrap_or(i128::MAX);
        // Where the clock was set back meanwhile, later changes carry earlier stamps: by as much as it was.
        Since(if set_back { expected } else { self.stamp })
    }

    /// The stamp of the moment itself.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }
}

/// The earliest stamp that a change since some moment carries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since(Stamp);

impl Since {
    /// What carries `stamp` or a later one.
    pub(super) fn after(stamp: Stamp) -> Self {
        Self(stamp)
    }

    /// Whether what carries `stamp` may have changed since.
    pub(super) fn includes(&self, stamp: Stamp) -> bool {
        stamp >= self.0.coarse_as(stamp)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::sys::stat::lstat;

    use super::*;

    /// Whether stamps are exact here: since Linux 6.13.
    fn exact() -> bool {
        let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
        let mut numbers = release.split('.').map_while(|part| part.parse::<u32>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 13)
    }

    #[test]
    fn a_change_right_after_the_moment_never_slips_and_one_right_before_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let stamp = || Stamp::of_change(&lstat(&path).unwrap());
        for round in 0..500 {
            fs::write(&path, format!("{round}")).unwrap();
            if round % 2 == 0 {
                stamp();
            }
            let moment = Moment::now().unwrap();
            let unchanged = stamp();
            fs::write(&path, "changed").unwrap();
            let since = moment.until_now().unwrap();
            assert!(since.includes(stamp()), "round {round}: {:?} {moment:?}", stamp());
            assert!(!exact() || !since.includes(unchanged), "round {round}: {unchanged:?} {moment:?}");
        }
    }

    fn at(seconds: i64, nanoseconds: i64) -> Stamp {
        Stamp { seconds, nanoseconds }
    }

    #[test]
    fn coarse_stamps_count_from_the_start_of_their_grain() {
        let since = Since(at(10, 123_456_789));
        for (stamp, included) in [
            (at(10, 123_456_788), false),
            (at(10, 123_456_789), true),
            (at(10, 123_456_700), true),
            (at(10, 123_456_600), false),
            (at(10, 120_000_000), true),
            (at(10, 110_000_000), false),
            (at(10, 0), true),
            (at(9, 0), true),
            (at(8, 0), false),
            (at(11, 1), true),
        ] {
            assert_eq!(since.includes(stamp), included, "{stamp:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_moves_the_moment_back() {
        let moment = |stamp, since_boot| Moment { stamp, since_boot: Duration::from_secs(since_boot) };
        let began = moment(at(100, 5), 50);
        assert!(!began.until(&moment(at(160, 5), 110)).includes(at(99, 5)));
        // Sixty seconds later it shows what it showed twenty seconds before the beginning.
        let since = began.until(&moment(at(80, 5), 110));
        assert!(since.includes(at(20, 5)) && !since.includes(at(19, 5)));
        // Set forward, nothing changes: what was changed since carries later stamps still.
        assert!(!began.until(&moment(at(900, 5), 110)).includes(at(99, 5)));
    }
}
