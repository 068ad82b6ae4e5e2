//! Every system call that is not simply allowed, and why.
//!
//! The list began with what the default filters of Docker, Flatpak and systemd refuse, and grew with what an attack
//! on the sandbox itself could use: see `tests/attacks`.

/// Every flag of `clone` that makes a namespace.
const NAMESPACES: u32 = 0x7e02_0000;
pub(super) const SET_ID: u32 = libc::S_ISUID | libc::S_ISGID;
/// Flags of `open(2)` by which its mode counts: `O_CREAT`, and `O_TMPFILE` without `O_DIRECTORY`.
pub(super) const MAKES: u32 = 0o100 | 0o20_000_000;

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Always this error.
    Refuse(i32),
    /// Refused when this argument has any of these bits.
    Bits { argument: u32, bits: u32 },
    /// Refused when this argument, of 64 bits, is larger: more than this system has.
    AtMost { argument: u32, most: u32 },
    /// Refused when this argument is a mode with set-id bits, and that of flags says that a file is made.
    MadeSetId { flags: u32, mode: u32 },
    /// Refused when this argument is one of these.
    Among { argument: u32, values: &'static [u32] },
    /// Refused when this argument is none of these.
    NotAmong { argument: u32, values: &'static [u32], error: i32 },
    /// Refused when the file type in this mode argument is a device, or it has set-id bits.
    Node { argument: u32 },
    /// Refused unless it is about this kind of target, and that is not process 1.
    Priority { process: u32 },
    /// Refused unless it makes a socket of a few families and protocols.
    Socket,
    /// Refused unless the first two arguments of `socket` ask for a stream on this machine.
    Local,
}

/// Calls that administer the machine, look into other processes, make file systems or namespaces, or
/// reach large, seldom needed parts of the kernel.
pub(super) const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    // statmount, listmount, lsm_set_self_attr and open_tree_attr: the same numbers on every architecture.
    457,
    458,
    460,
    467,
];

/// The first call that this table was not written for (`listns`, Linux 6.19): it and all later ones do not exist,
/// as on an older kernel, which every program can live with. A list of what is refused would otherwise grow holes
/// with every kernel.
pub(super) const UNKNOWN: u32 = 470;

/// Calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
pub(super) const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_lookup_dcookie,
    libc::SYS_modify_ldt,
    libc::SYS__sysctl,
    libc::SYS_uselib,
];
#[cfg(target_arch = "aarch64")]
pub(super) const REFUSED_HERE: &[libc::c_long] = &[libc::SYS_lookup_dcookie];

const TERMINAL_TRICKS: &[u32] = &[0x5412, 0x541c, 0x5423];

/// Protocols of `AF_INET` and `AF_INET6`: the type's own, TCP, UDP. Others would make the kernel load a module.
pub(super) const PROTOCOLS: &[u32] = &[0, libc::IPPROTO_TCP.cast_unsigned(), libc::IPPROTO_UDP.cast_unsigned()];
pub(super) const TYPES: &[u32] =
    &[libc::SOCK_STREAM.cast_unsigned(), libc::SOCK_DGRAM.cast_unsigned(), libc::SOCK_RAW.cast_unsigned()];
/// The type's bits in the argument that also has flags (socket(2)).
pub(super) const TYPE: u32 = 0xf;
const UNIX: &[u32] = &[libc::AF_UNIX.cast_unsigned()];
/// What `personality(2)` may be set to: what it is, the same as a 32-bit machine or without a random layout, a question.
const PERSONALITIES: &[u32] = &[0, 0x8, 0x2_0000, 0x2_0008, 0x4_0000, u32::MAX];
/// Process 1 watches the limits: nothing may slow it down or take its descriptors, which its uid alone would allow.
const FIRST: Rule = Rule::Among { argument: 0, values: &[1] };
/// Semaphores in a set, of which there can be 32,000, counted to no process.
const SEMAPHORES: u32 = 32;

const EXAMINED: &[(libc::c_long, Rule)] = &[
    (libc::SYS_clone, Rule::Bits { argument: 0, bits: NAMESPACES }),
    // Its flags are in memory, where a filter cannot look: programs then use `clone`.
    (libc::SYS_clone3, Rule::Refuse(libc::ENOSYS)),
    (libc::SYS_fchmod, Rule::Bits { argument: 1, bits: SET_ID }),
    (libc::SYS_fchmodat, Rule::Bits { argument: 2, bits: SET_ID }),
    (452, Rule::Bits { argument: 2, bits: SET_ID }),
    (libc::SYS_openat, Rule::MadeSetId { flags: 2, mode: 3 }),
    // TIOCSTI, TIOCLINUX and TIOCSETD type into a terminal or change what it is.
    (libc::SYS_ioctl, Rule::Among { argument: 1, values: TERMINAL_TRICKS }),
    // Memory that is seen by nobody who measures; most kernels have it switched off.
    (libc::SYS_memfd_secret, Rule::Refuse(libc::ENOSYS)),
    (libc::SYS_mknodat, Rule::Node { argument: 2 }),
    (libc::SYS_personality, Rule::NotAmong { argument: 0, values: PERSONALITIES, error: libc::EPERM }),
    (libc::SYS_prlimit64, FIRST),
    // RENAME_WHITEOUT leaves the mark behind by which an overlay knows that a file is gone.
    (libc::SYS_renameat2, Rule::Bits { argument: 4, bits: libc::RENAME_WHITEOUT }),
    (libc::SYS_sched_setaffinity, FIRST),
    (libc::SYS_sched_setattr, FIRST),
    (libc::SYS_sched_setparam, FIRST),
    (libc::SYS_sched_setscheduler, FIRST),
    (libc::SYS_setpriority, Rule::Priority { process: libc::PRIO_PROCESS }),
    (libc::SYS_ioprio_set, Rule::Priority { process: 1 }),
    (libc::SYS_semget, Rule::AtMost { argument: 1, most: SEMAPHORES }),
    (libc::SYS_socket, Rule::Socket),
    (libc::SYS_socketpair, Rule::NotAmong { argument: 0, values: UNIX, error: libc::EAFNOSUPPORT }),
];

#[cfg(target_arch = "x86_64")]
const EXAMINED_HERE: &[(libc::c_long, Rule)] = &[
    (libc::SYS_chmod, Rule::Bits { argument: 1, bits: SET_ID }),
    (libc::SYS_creat, Rule::Bits { argument: 1, bits: SET_ID }),
    (libc::SYS_mknod, Rule::Node { argument: 1 }),
    (libc::SYS_open, Rule::MadeSetId { flags: 1, mode: 2 }),
];
#[cfg(target_arch = "aarch64")]
const EXAMINED_HERE: &[(libc::c_long, Rule)] = &[];

pub(super) fn table() -> Vec<(u32, Rule)> {
    let refused = REFUSED.iter().chain(REFUSED_HERE).map(|number| (*number, Rule::Refuse(libc::EPERM)));
    let examined = EXAMINED.iter().chain(EXAMINED_HERE).copied();
    sorted(refused.chain(examined))
}

/// Rules by number, in its order.
pub(super) fn sorted(rules: impl Iterator<Item = (libc::c_long, Rule)>) -> Vec<(u32, Rule)> {
    let mut table: Vec<(u32, Rule)> =
        rules.filter_map(|(number, rule)| Some((u32::try_from(number).ok()?, rule))).collect();
    table.sort_by_key(|(number, _)| *number);
    table
}

/// The calls that rename.
#[cfg(target_arch = "x86_64")]
pub(super) const RENAMES: [libc::c_long; 3] = [libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2];
#[cfg(target_arch = "aarch64")]
pub(super) const RENAMES: [libc::c_long; 2] = [libc::SYS_renameat, libc::SYS_renameat2];
