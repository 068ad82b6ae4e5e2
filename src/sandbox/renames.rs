//! Renames of folders. An overlay in a user namespace answers EXDEV when a folder is renamed that is there without
//! the overlay; many programs take that for a full stop. So the command's rename calls are announced to a process
//! beside it, which lets the kernel carry out all but those of folders, tries these itself, and moves a folder by
//! other means where the overlay refuses.
//!
//! That process has the uid, the mounts, the Landlock domain and the filter of the command and no descriptor but
//! the one on which it hears of renames and the one on which it asks process 1 for what only that may open: whatever a
//! name is made to point at while it looks, it can do nothing that the command could not. Process 1 only starts it and
//! opens memory for it ([`lent`]), and so never waits for a file system.

mod lent;

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::PollFlags;
use nix::unistd::{ForkResult, Pid};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use self::lent::Lender;
use super::relocate::{self, Place};
use super::sys;
use super::{channel, filter};

/// What the message with the listener says: messages are not empty.
const ANNOUNCED: u8 = 1;
/// How long to wait when there is no room for one more process.
const PAUSE: Duration = Duration::from_millis(2);
/// Bytes of a path, its closing NUL included (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// Announces the renames of this process and of all it starts on a descriptor that goes through `socket` to
/// [`Attendant`]. From then on a rename waits until that has run. Where somebody listens already, as a
/// container does that carries out calls for what runs in it, renames stay as they are.
pub(super) fn install(socket: BorrowedFd<'_>) -> io::Result<()> {
    match sys::install_listened_filter(filter::renames()) {
        Ok(listener) => channel::send(socket, &ANNOUNCED, &[listener.as_fd()]),
        Err(_) => Ok(()),
    }
}

/// The process that answers renames. Few commands rename: it is started with the first one.
#[derive(Debug)]
pub(super) struct Attendant {
    listener: OwnedFd,
    process: Option<Pid>,
    /// Where that process asks for the memory of others.
    requests: Option<OwnedFd>,
    /// Whether nobody is left who could rename.
    idle: bool,
}

impl Attendant {
    /// Takes the listener that [`install`] has sent to `socket`, or not.
    pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Self>> {
        let Some((ANNOUNCED, listeners)) = channel::receive(socket)? else { return Ok(None) };
        let new = |listener| Self { listener, process: None, requests: None, idle: false };
        Ok(listeners.into_iter().next().map(new))
    }

    /// What says when there is something to [attend](Self::attend) to.
    pub(super) fn wakes(&self) -> Option<BorrowedFd<'_>> {
        match self.process {
            None if self.idle => None,
            None => Some(self.listener.as_fd()),
            Some(_) => self.requests.as_ref().map(AsFd::as_fd),
        }
    }

    /// Does what there is to do when [that](Self::wakes) has these events: starts the process, or opens memory for it.
    /// The caller has one thread.
    pub(super) fn attend(&mut self, events: PollFlags) -> io::Result<()> {
        let readable = events.contains(PollFlags::POLLIN);
        match (&self.process, &self.requests) {
            (None, _) if readable => self.start()?,
            (None, _) => self.idle = true,
            (Some(_), Some(requests)) if readable && lent::lend(requests.as_fd()) => {}
            // It has ended, which will be told.
            (Some(_), _) => self.requests = None,
        }
        Ok(())
    }

    /// Starts it. Where there may be no more processes, it is for the next try.
    fn start(&mut self) -> io::Result<()> {
        let (ours, theirs) = lent::pair()?;
        match sys::fork() {
            Ok(ForkResult::Parent { child }) => (self.process, self.requests) = (Some(child), Some(ours)),
            Ok(ForkResult::Child) => {
                std::process::exit(match answer_all(&self.listener, &Lender::at(theirs)) {
                    Ok(()) => 0,
                    Err(_) => 1,
                });
            }
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => std::thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// To be told of every process that has ended: where a kernel cannot shield it from signals, `kill -9 -1` of a
    /// command must not be the end of renaming.
    pub(super) fn ended(&mut self, process: Pid) {
        if self.process == Some(process) {
            (self.process, self.requests) = (None, None);
        }
    }
}

/// Answers until nobody is left who could rename.
fn answer_all(listener: &OwnedFd, lender: &Lender) -> io::Result<()> {
    sys::close_all_but(&[listener.as_fd(), lender.as_fd()])?;
    loop {
        match sys::next_call(listener.as_fd()) {
            Ok(call) => {
                let answer = judge(listener.as_fd(), lender, &call).message(call.id);
                // It fails only when the caller has died.
                sys::answer_call(listener.as_fd(), &answer).unwrap_or_default();
            }
            // The caller died first, or a signal came.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The kernel carries it out after all.
    Continue,
    /// It has succeeded.
    Done,
    /// It has failed.
    Failed(Errno),
}

impl Answer {
    fn message(self, id: u64) -> libc::seccomp_notif_resp {
        let (error, flags) = match self {
            Self::Continue => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Self::Done => (0, 0),
            Self::Failed(error) => (-error.raw_os_error(), 0),
        };
        libc::seccomp_notif_resp { id, val: 0, error, flags }
    }
}

/// A name as the caller gave it: where it counts from, and the path.
#[derive(Debug)]
struct Named {
    thread: u32,
    folder: i32,
    path: CString,
}

/// What a call asks for, when it is one that can be about a folder.
fn request(call: &libc::seccomp_notif, memory: &File) -> Option<(Named, u64, RenameFlags, i32)> {
    let [first, second, third, fourth, flags, _] = call.data.args;
    let (old_folder, old, new_folder, new, flags) = match libc::c_long::from(call.data.nr) {
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename => (libc::AT_FDCWD, first, libc::AT_FDCWD, second, 0),
        libc::SYS_renameat => (low(first), second, low(third), fourth, 0),
        libc::SYS_renameat2 => (low(first), second, low(third), fourth, low(flags)),
        _ => return None,
    };
    let flags = RenameFlags::from_bits(flags.cast_unsigned())?;
    if !RenameFlags::NOREPLACE.contains(flags) {
        return None;
    }
    Some((Named { thread: call.pid, folder: old_folder, path: text(memory, old)? }, new, flags, new_folder))
}

/// A descriptor or flags, of which the kernel looks at the low half only.
fn low(argument: u64) -> i32 {
    let [a, b, c, d, ..] = argument.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// The text at an address of the caller.
fn text(memory: &File, address: u64) -> Option<CString> {
    let mut bytes = [0; LONGEST_PATH];
    let length = memory.read_at(&mut bytes, address).ok()?;
    CStr::from_bytes_until_nul(bytes.get(..length)?).ok().filter(|text| !text.is_empty()).map(CStr::to_owned)
}

impl Named {
    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.path.as_bytes()))
    }

    /// Where a relative path counts from, as a path of this process.
    fn base(&self) -> PathBuf {
        match self.folder {
            libc::AT_FDCWD => PathBuf::from(format!("/proc/{}/cwd", self.thread)),
            number => PathBuf::from(format!("/proc/{}/fd/{number}", self.thread)),
        }
    }

    fn is_folder(&self) -> bool {
        // An absolute path replaces the base: all processes of a sandbox have the same root.
        let path = self.base().join(self.path());
        rustix::fs::lstat(path).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir())
    }

    /// The folder it is in, and its last name. No magic link of `/proc` is followed on the way, since that means
    /// another thing to this process than to the caller; nor is a name taken that means a folder by its place.
    fn place(&self) -> Option<Place> {
        let bytes = self.path.as_bytes();
        let end = bytes.iter().rposition(|byte| *byte != b'/')? + 1;
        let named = bytes.get(..end)?;
        let begin = named.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let name = named.get(begin..).filter(|name| ![b".".as_slice(), b".."].contains(name))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = match named.first() {
            Some(b'/') => rustix::fs::open("/", flags, Mode::empty()),
            Some(_) | None => rustix::fs::open(self.base(), flags, Mode::empty()),
        };
        let above = match named.get(..begin)? {
            [] => ".".as_bytes(),
            above => above,
        };
        let folder = rustix::fs::openat2(base.ok()?, above, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
        Some(Place { folder: folder.ok()?, name: CString::new(name).ok()? })
    }
}

/// Decides about one call, and does what it asks for where the kernel cannot.
fn judge(listener: BorrowedFd<'_>, lender: &Lender, call: &libc::seccomp_notif) -> Answer {
    let Some(memory) = lender.memory(call.pid) else { return Answer::Continue };
    let Some((old, new, flags, new_folder)) = request(call, &memory) else { return Answer::Continue };
    if !old.is_folder() {
        return Answer::Continue;
    }
    let Some(path) = text(&memory, new) else { return Answer::Continue };
    let new = Named { thread: call.pid, folder: new_folder, path };
    let (Some(from), Some(to)) = (old.place(), new.place()) else { return Answer::Continue };
    // With a slash at its end, a link to a folder looks like one.
    let kind = rustix::fs::statat(&from.folder, &from.name, AtFlags::SYMLINK_NOFOLLOW);
    if !kind.is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir()) {
        return Answer::Continue;
    }
    // The numbers and texts above are the caller's only as long as it is there.
    if !sys::call_waits(listener, call.id) {
        return Answer::Continue;
    }
    match rustix::fs::renameat_with(&from.folder, &from.name, &to.folder, &to.name, flags) {
        Ok(()) => Answer::Done,
        Err(Errno::XDEV) if same_mount(&from, &to) => {
            let goes_on = || sys::call_waits(listener, call.id);
            match relocate::relocate(&from, &to, flags, call.id, &goes_on) {
                Ok(()) => Answer::Done,
                Err(error) => Answer::Failed(error),
            }
        }
        // The kernel says the same to the caller, and knows best.
        Err(_) => Answer::Continue,
    }
}

fn same_mount(from: &Place, to: &Place) -> bool {
    let mount = |place: &Place| {
        let found = rustix::fs::statx(&place.folder, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
        Some(found.stx_mnt_id)
    };
    mount(from).is_some_and(|id| mount(to) == Some(id))
}
