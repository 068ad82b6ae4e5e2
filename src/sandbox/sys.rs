//! System calls that have no safe wrapper; the only `unsafe` of the crate.

use std::ffi::{CStr, CString};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::{ForkResult, Pid, pipe2};

use super::mount_flags::{Depth, MountFlags};

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(descriptor: libc::c_long) -> io::Result<OwnedFd> {
    let raw = RawFd::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the caller passes what a system call has just returned as a new descriptor; nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// A copy of the mount that shows `path`, mounted nowhere yet (open_tree(2), Linux 5.2).
pub(super) fn open_tree(path: &Path, depth: Depth) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let below = match depth {
        Depth::One => 0,
        Depth::All => libc::AT_RECURSIVE.cast_unsigned(),
    };
    let how = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | below;
    // SAFETY: `path` is a string that ends in NUL and outlives the call; the rest are plain numbers.
    owned(checked(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), how) })?)
}

/// Shows what belongs to the users of `namespace`'s inside as belonging to those of its outside (mount_setattr(2),
/// Linux 5.12).
pub(super) fn shift_owners(tree: BorrowedFd<'_>, namespace: BorrowedFd<'_>) -> io::Result<()> {
    let namespace = u64::try_from(namespace.as_raw_fd()).map_err(io::Error::other)?;
    let shifted =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_IDMAP, attr_clr: 0, propagation: 0, userns_fd: namespace };
    set_attributes(tree.as_raw_fd(), c"", &shifted, libc::AT_EMPTY_PATH)
}

/// Puts `tree` over `target`, with `flags` on all of it (move_mount(2)).
pub(super) fn place(tree: BorrowedFd<'_>, target: &Path, flags: MountFlags) -> io::Result<()> {
    let target = c_path(target)?;
    set_attributes(tree.as_raw_fd(), c"", &set(flags), libc::AT_EMPTY_PATH | libc::AT_RECURSIVE)?;
    // SAFETY: both strings end in NUL and outlive the call; `tree` is open; the rest are plain numbers.
    let moved = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    checked(moved).map(drop)
}

/// Makes the mount at `path` read-only, but not those below it.
pub(super) fn seal(path: &Path) -> io::Result<()> {
    set_attributes(libc::AT_FDCWD, &c_path(path)?, &set(MountFlags::READ_ONLY), 0)
}

fn set(flags: MountFlags) -> libc::mount_attr {
    libc::mount_attr { attr_set: flags.bits(), attr_clr: 0, propagation: 0, userns_fd: 0 }
}

fn set_attributes(folder: RawFd, path: &CStr, set: &libc::mount_attr, at: libc::c_int) -> io::Result<()> {
    let size = size_of::<libc::mount_attr>();
    // SAFETY: `path` ends in NUL; `set` is a whole `mount_attr` of the size given; both outlive the call.
    let set =
        unsafe { libc::syscall(libc::SYS_mount_setattr, folder, path.as_ptr(), at, std::ptr::from_ref(set), size) };
    checked(set).map(drop)
}

/// Closes every descriptor from `first` on. Only for a process that owns none of them in a variable.
pub(super) fn close_from(first: libc::c_uint) -> io::Result<()> {
    close_range(first, libc::c_uint::MAX, 0)
}

fn close_range(first: libc::c_uint, last: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: takes plain numbers; what is closed is in no variable, or in none that is used again: see the callers.
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// What a clone has become.
pub(super) enum Cloned {
    /// The new process.
    Child,
    /// The old one, with the number and a descriptor of the new one.
    Parent(i32, OwnedFd),
}

/// Makes a process that is alone in new `namespaces`: clone(2), without a stack, as fork(2) does. Fails when this
/// process has more than one thread.
pub(super) fn clone_process(namespaces: CloneFlags) -> io::Result<Cloned> {
    one_thread()?;
    let flags = namespaces.bits() | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut descriptor: RawFd = -1;
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: without CLONE_VM the child has a copy of all memory, and being the copy of a single-threaded process may
    // do all that its parent may. The kernel writes one descriptor where CLONE_PIDFD says, into a live integer.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, none, &raw mut descriptor, none, none) };
    cloned(pid, descriptor)
}

fn cloned(pid: libc::c_long, descriptor: RawFd) -> io::Result<Cloned> {
    match checked(pid)? {
        0 => Ok(Cloned::Child),
        pid => Ok(Cloned::Parent(i32::try_from(pid).map_err(io::Error::other)?, owned(descriptor.into())?)),
    }
}

/// Closes every descriptor but `kept`, for a process that ends without dropping the variables that own the others.
pub(super) fn close_all_but(kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    let numbers = kept.iter().map(|one| libc::c_uint::try_from(one.as_raw_fd()).map_err(io::Error::other));
    let mut numbers = numbers.collect::<io::Result<Vec<_>>>()?;
    numbers.sort_unstable();
    let mut first = 0;
    // The last is no descriptor.
    for kept in numbers.into_iter().chain([libc::c_uint::MAX]) {
        if first < kept {
            close_range(first, kept - 1, 0)?;
        }
        first = kept.saturating_add(1);
    }
    Ok(())
}

/// As [`clone_process`], begun in the control group whose folder is open as `group`: clone3(2), CLONE_INTO_CGROUP.
pub(super) fn clone_into(group: BorrowedFd<'_>, namespaces: CloneFlags) -> io::Result<Cloned> {
    const INTO_GROUP: u64 = 0x2_0000_0000;
    one_thread()?;
    let flags = u64::from((namespaces.bits() | libc::CLONE_PIDFD).cast_unsigned()) | INTO_GROUP;
    let mut descriptor: RawFd = -1;
    // `struct clone_args` with all that Linux 5.7 knows: flags, descriptor, two places for numbers, signal, stack, its
    // size, thread storage, wanted numbers, how many, group.
    let (descriptor_at, signal) = ((&raw mut descriptor).expose_provenance() as u64, libc::SIGCHLD as u64);
    let arguments: [u64; 11] = [flags, descriptor_at, 0, 0, signal, 0, 0, 0, 0, 0, group.as_raw_fd() as u64];
    // SAFETY: as for `clone_process`; the kernel reads one whole `clone_args` of the size given, and writes one
    // descriptor into a live integer.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) };
    cloned(pid, descriptor)
}

/// Forks. Fails when the process has more than one thread.
pub(super) fn fork() -> io::Result<ForkResult> {
    one_thread()?;
    // SAFETY: the child of a single-threaded process may do all that its parent may.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// Starts a process that runs `child` in the memory of this one, which sleeps until that process has executed another
/// program, or has ended with what `child` returns. There is no copy of the memory to be made, nor one to be taken
/// down before the execution. As posix_spawn(3) does it, but for the kind of sleep: vfork(2) counts as load.
pub(super) fn start_in_same_memory(child: &dyn Fn() -> i32) -> io::Result<Pid> {
    const STACK: usize = 512 << 10;
    extern "C" fn enter(child: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the address of the reference below, which lives while its owner sleeps.
        let child = unsafe { &*child.cast::<&dyn Fn() -> i32>() };
        child()
    }
    one_thread()?;
    let (executed, held) = pipe2(OFlag::O_CLOEXEC)?;
    let mut stack = vec![0_u8; STACK];
    let (top, child) = (stack.as_mut_ptr_range().end.cast(), (&raw const child).cast_mut().cast());
    // SAFETY: without CLONE_FILES each process has descriptors of its own. Until the child's copy of `held` is closed
    // this process, which has no other thread and no signal handler, only closes and reads, neither of which touches
    // memory that the child uses; so one of them at a time runs in it. The stack is there for longer.
    let pid = unsafe { libc::clone(enter, top, libc::CLONE_VM | libc::SIGCHLD, child) };
    drop(held);
    // Only a part of it was used, and giving it back would take longer than this process may be needed.
    std::mem::forget(stack);
    let closed = nix::unistd::read(&executed, &mut [0]);
    let pid = checked(pid.into())?;
    closed?;
    Ok(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?))
}

fn one_thread() -> io::Result<()> {
    if std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() > 1) {
        return Err(io::Error::other("the process has several threads"));
    }
    Ok(())
}

/// Lets the kernel collect the children of this process when they end (signal(2), SIG_IGN for SIGCHLD).
pub(super) fn forget_children() -> io::Result<()> {
    handle(libc::SIGCHLD, libc::SIG_IGN)
}

/// Ends a process (pidfd_send_signal(2)); one that has ended already is no error.
pub(super) fn end_process(process: BorrowedFd<'_>) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: plain numbers, and no further information about the signal.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGKILL, none, 0) };
    match checked(sent) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other.map(drop),
    }
}

/// Lets no descriptor from `first` on survive the execution of another program.
pub(super) fn close_on_execution(first: libc::c_uint) -> io::Result<()> {
    close_range(first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

/// Gives up every capability, for this process and all it executes.
pub(super) fn drop_capabilities() -> io::Result<()> {
    for capability in 0..64 as libc::c_ulong {
        // SAFETY: prctl with plain numbers. Numbers beyond the kernel's last capability fail with EINVAL: the end.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            break;
        }
    }
    // All on and locked but keeping capabilities, which is off and locked: being uid 0 gives nothing.
    const SECURE: libc::c_ulong = 0xef;
    // SAFETY: prctl with plain numbers.
    checked(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECURE, 0, 0, 0) }.into())?;
    // SAFETY: prctl with plain numbers.
    let ambient = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    checked(ambient.into())?;
    // Version 3 of the interface: a header, then two triples of 32 bits, all zero for "none".
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0u32; 6];
    // SAFETY: the header names version 3, whose data are two `__user_cap_data_struct`, six `u32` in all.
    checked(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(drop)
}

/// Puts a filter over all further system calls of this process and its children.
pub(super) fn install_filter(program: &[libc::sock_filter]) -> io::Result<()> {
    filter(program, 0).map(drop)
}

/// Like [`install_filter`], with the descriptor where calls wait that the program sends there (seccomp_unotify(2)). Once
/// such a call was read there, only a deadly signal interrupts it, where the kernel can do so (Linux 5.19).
pub(super) fn install_listened_filter(program: &[libc::sock_filter]) -> io::Result<OwnedFd> {
    const SYNC_WAKE_UP: libc::c_ulong = 1;
    let plain = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let listener = match filter(program, plain | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => owned(filter(program, plain)?),
        other => owned(other?),
    }?;
    // Has the kernel switch straight between the caller and who answers it; before Linux 6.6 that takes longer.
    // SAFETY: SECCOMP_IOCTL_NOTIF_SET_FLAGS takes a plain number.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) };
    Ok(listener)
}

fn filter(program: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<libc::c_long> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` points at `len` instructions that outlive the call; the kernel only reads and checks them.
    checked(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) })
}

/// Whether the kernel's filter of system calls knows this action (seccomp(2), `SECCOMP_GET_ACTION_AVAIL`).
pub(super) fn call_filter_knows(action: u32) -> io::Result<()> {
    // SAFETY: `action` is one `u32`, alive during the call; the kernel only reads it.
    let known = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    checked(known).map(drop)
}

/// Switches the loopback interface of this network namespace on.
pub(super) fn loopback_up() -> io::Result<()> {
    // SAFETY: socket with plain numbers.
    let socket =
        owned(checked(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }.into())?)?;
    // SAFETY: `ifreq` is plain old data for which all zeros is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, whole and alive, whose name ends in NUL.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) }.into()).map(drop)
}

/// Gives every signal its default effect, as a program expects to be started.
pub(super) fn default_signals() {
    for number in 1..=libc::SIGRTMAX() {
        // Some cannot be set.
        handle(number, libc::SIG_DFL).unwrap_or_default();
    }
}

fn handle(signal: libc::c_int, how: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: neither SIG_DFL nor SIG_IGN, which the callers pass, runs code of ours.
    let before = unsafe { libc::signal(signal, how) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A descriptor that becomes readable when the process ends.
pub(super) fn process_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    owned(checked(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?)
}

/// A descriptor that becomes readable once `after` has passed.
pub(super) fn timer(after: Duration) -> io::Result<OwnedFd> {
    started_timer(after, Duration::ZERO)
}

/// A descriptor that becomes readable each time `every` has passed; reading eight bytes makes it wait again.
pub(super) fn ticker(every: Duration) -> io::Result<OwnedFd> {
    started_timer(every, every)
}

fn started_timer(after: Duration, interval: Duration) -> io::Result<OwnedFd> {
    let timer = stopped_timer()?;
    start_timer(timer.as_fd(), after, interval)?;
    Ok(timer)
}

/// A descriptor that becomes readable once it is started and the time has passed (timerfd_create(2)).
pub(super) fn stopped_timer() -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    let made = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
    owned(checked(made.into())?)
}

/// Whether a timer that ticks was started.
pub(super) fn is_ticking(timer: BorrowedFd<'_>) -> io::Result<bool> {
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut when = libc::itimerspec { it_interval: never, it_value: never };
    // SAFETY: `when` is whole and outlives the call, which fills it.
    checked(unsafe { libc::timerfd_gettime(timer.as_raw_fd(), &raw mut when) }.into())?;
    Ok((when.it_interval.tv_sec, when.it_interval.tv_nsec) != (0, 0))
}

/// Starts a timer for everybody who has it; no interval is once only.
pub(super) fn start_timer(timer: BorrowedFd<'_>, after: Duration, interval: Duration) -> io::Result<()> {
    let time = |time: Duration| libc::timespec {
        tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(time.subsec_nanos()),
    };
    // All zeros would switch the timer off.
    let when = libc::itimerspec { it_interval: time(interval), it_value: time(after.max(Duration::from_nanos(1))) };
    // SAFETY: `when` is whole and outlives the call; no old value is asked for.
    let set = unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const when, std::ptr::null_mut()) };
    checked(set.into()).map(drop)
}

/// Gives a terminal a size, and tells what runs at it (ioctl_tty(2), TIOCSWINSZ).
pub(super) fn set_terminal_size(terminal: BorrowedFd<'_>, size: libc::winsize) -> io::Result<()> {
    // SAFETY: TIOCSWINSZ reads one `winsize`, whole and alive.
    let set = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    checked(set.into()).map(drop)
}

/// The size of a terminal (ioctl_tty(2), TIOCGWINSZ).
pub(super) fn terminal_size(terminal: BorrowedFd<'_>) -> io::Result<libc::winsize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize`, whole and alive.
    checked(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) }.into())?;
    Ok(size)
}

/// Makes `terminal` the one that the session of this process is controlled from (ioctl_tty(2), TIOCSCTTY).
pub(super) fn control_from(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }.into()).map(drop)
}

/// One message of at most `longest` bytes and the descriptors that came with it, 64 at most; both are empty when the
/// other side has gone.
pub(super) fn receive(socket: BorrowedFd<'_>, longest: usize) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0u8; longest];
    let mut space = nix::cmsg_space!([RawFd; 64]);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(nix::errno::Errno::EINTR) => {}
            other => break other?,
        }
    };
    let (length, cut) = (message.bytes, message.flags.contains(MsgFlags::MSG_TRUNC));
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            // SAFETY: the kernel has just made these descriptors for us; each is wrapped once.
            descriptors.extend(raw.into_iter().map(|one| unsafe { OwnedFd::from_raw_fd(one) }));
        }
    }
    if cut {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    bytes.truncate(length);
    Ok((bytes, descriptors))
}

/// Waits for a call that goes to `listener` (seccomp_unotify(2)).
pub(super) fn next_call(listener: BorrowedFd<'_>) -> io::Result<libc::seccomp_notif> {
    // SAFETY: `seccomp_notif` is plain old data for which all zeros is valid, and which the kernel wants zeroed.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: SECCOMP_IOCTL_NOTIF_RECV fills one `seccomp_notif`, whole and alive, whose size its number states.
    let read = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) };
    checked(read.into()).map(|_| call)
}

/// Whether the call still waits for its answer.
pub(super) fn call_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: SECCOMP_IOCTL_NOTIF_ID_VALID reads one number, alive during the call.
    let valid = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) };
    valid == 0
}

/// Answers a call that waits.
pub(super) fn answer_call(listener: BorrowedFd<'_>, answer: &libc::seccomp_notif_resp) -> io::Result<()> {
    // SAFETY: SECCOMP_IOCTL_NOTIF_SEND reads one `seccomp_notif_resp`, whole and alive, whose size its number states.
    let sent = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const *answer) };
    checked(sent.into()).map(drop)
}

/// Gives memory that was freed back to the system, where the C library keeps it for later.
pub fn give_back_memory() {
    // SAFETY: takes a plain number; the allocator's own lock makes it safe from any thread.
    #[cfg(target_env = "gnu")]
    let _given = unsafe { libc::malloc_trim(0) };
}
