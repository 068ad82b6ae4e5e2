//! Which system calls a command may make: a table, and the BPF program for it, a binary search tree
//! (installing a filter costs time by its longest path, so that a chain of 90 comparisons costs several times more).

use libc::{BPF_ABS, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

const fn refuse(error: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | error.cast_unsigned()
}

/// Offsets in `struct seccomp_data` (linux/seccomp.h).
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// Offset of the low half of an argument; little-endian machines only, which the architecture check ensures.
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;

/// The x32 variant of the x86-64 calls has this bit.
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// Every flag of `clone` that makes a namespace.
const NAMESPACES: u32 = 0x7e02_0000;
const SET_ID: u32 = libc::S_ISUID | libc::S_ISGID;

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Always this error.
    Refuse(i32),
    /// Refused when this argument has any of these bits.
    Bits { argument: u32, bits: u32 },
    /// Refused when this argument is one of these.
    Among { argument: u32, values: &'static [u32] },
    /// Refused when this argument is none of these.
    NotAmong { argument: u32, values: &'static [u32], error: i32 },
    /// Refused unless the first two arguments of `socket` ask for a stream on this machine.
    Local,
    /// Refused when the file type in this mode argument is a device.
    Device { argument: u32 },
}

/// Calls that administer the machine, look into other processes, make file systems or namespaces, or
/// reach large, seldom needed parts of the kernel.
const REFUSED: &[libc::c_long] = &[
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
    // statmount, listmount and open_tree_attr: the same numbers on every architecture.
    457,
    458,
    467,
];

/// Calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_lookup_dcookie,
    libc::SYS_modify_ldt,
    libc::SYS__sysctl,
    libc::SYS_uselib,
];
#[cfg(target_arch = "aarch64")]
const REFUSED_HERE: &[libc::c_long] = &[libc::SYS_lookup_dcookie];

const TERMINAL_TRICKS: &[u32] = &[0x5412, 0x541c, 0x5423];
const FAMILIES: &[u32] = &[
    libc::AF_UNIX.cast_unsigned(),
    libc::AF_INET.cast_unsigned(),
    libc::AF_INET6.cast_unsigned(),
    libc::AF_NETLINK.cast_unsigned(),
];

const EXAMINED: &[(libc::c_long, Rule)] = &[
    (libc::SYS_clone, Rule::Bits { argument: 0, bits: NAMESPACES }),
    // Its flags are in memory, where a filter cannot look: programs then use `clone`.
    (libc::SYS_clone3, Rule::Refuse(libc::ENOSYS)),
    (libc::SYS_fchmod, Rule::Bits { argument: 1, bits: SET_ID }),
    (libc::SYS_fchmodat, Rule::Bits { argument: 2, bits: SET_ID }),
    (452, Rule::Bits { argument: 2, bits: SET_ID }),
    // TIOCSTI, TIOCLINUX and TIOCSETD type into a terminal or change what it is.
    (libc::SYS_ioctl, Rule::Among { argument: 1, values: TERMINAL_TRICKS }),
    (libc::SYS_mknodat, Rule::Device { argument: 2 }),
    (libc::SYS_socket, Rule::NotAmong { argument: 0, values: FAMILIES, error: libc::EAFNOSUPPORT }),
];

#[cfg(target_arch = "x86_64")]
const EXAMINED_HERE: &[(libc::c_long, Rule)] =
    &[(libc::SYS_chmod, Rule::Bits { argument: 1, bits: SET_ID }), (libc::SYS_mknod, Rule::Device { argument: 1 })];
#[cfg(target_arch = "aarch64")]
const EXAMINED_HERE: &[(libc::c_long, Rule)] = &[];

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt: 0, jf: 0, k }
}

fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, offset)
}

fn end(action: u32) -> sock_filter {
    statement(BPF_RET | BPF_K, action)
}

/// Goes `yes` instructions further when the test holds, `no` when it does not.
fn jump(test: u32, k: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { jt: yes, jf: no, ..statement(BPF_JMP | test | BPF_K, k) }
}

impl Rule {
    /// The program for a call that the rule is about; every path through it ends.
    fn program(self) -> Vec<sock_filter> {
        let (allow, deny) = (end(ALLOW), end(refuse(libc::EPERM)));
        match self {
            Self::Refuse(error) => vec![end(refuse(error))],
            Self::Bits { argument: index, bits } => {
                vec![load(argument(index)), jump(BPF_JSET, bits, 1, 0), allow, deny]
            }
            Self::Among { argument: index, values } => one_of(load(argument(index)), values, deny, allow),
            Self::NotAmong { argument: index, values, error } => {
                one_of(load(argument(index)), values, allow, end(refuse(error)))
            }
            Self::Local => {
                let family = jump(BPF_JEQ, libc::AF_UNIX.cast_unsigned(), 1, 0);
                let mut program = vec![load(argument(0)), family, end(refuse(libc::EAFNOSUPPORT))];
                program.extend(one_of(load(argument(1)), STREAMS, allow, deny));
                program
            }
            Self::Device { argument: index } => {
                let kind = statement(libc::BPF_ALU | libc::BPF_AND | BPF_K, libc::S_IFMT);
                let mut program = vec![load(argument(index)), kind];
                program.extend(one_of_loaded(&[libc::S_IFCHR, libc::S_IFBLK], deny, allow));
                program
            }
        }
    }
}

fn one_of(load: sock_filter, values: &[u32], then: sock_filter, otherwise: sock_filter) -> Vec<sock_filter> {
    let mut program = vec![load];
    program.extend(one_of_loaded(values, then, otherwise));
    program
}

fn one_of_loaded(values: &[u32], then: sock_filter, otherwise: sock_filter) -> Vec<sock_filter> {
    let tests = values.iter().map(|value| [jump(BPF_JEQ, *value, 0, 1), then]);
    tests.flatten().chain([otherwise]).collect()
}

/// A search tree over calls sorted by number. The recursion is over our own table: seven deep.
fn tree(calls: &[(u32, Rule)]) -> Vec<sock_filter> {
    match calls {
        [] => vec![end(ALLOW)],
        [(number, rule)] => {
            let body = rule.program();
            // Bodies are a dozen instructions at most.
            let skip = u8::try_from(body.len()).unwrap_or(u8::MAX);
            [jump(BPF_JEQ, *number, 0, skip)].into_iter().chain(body).chain([end(ALLOW)]).collect()
        }
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            let first = right.first().map_or(u32::MAX, |(number, _)| *number);
            let below = tree(left);
            let skip = u32::try_from(below.len()).unwrap_or(u32::MAX);
            let head = [jump(BPF_JGE, first, 0, 1), statement(BPF_JMP | BPF_JA, skip)];
            head.into_iter().chain(below).chain(tree(right)).collect()
        }
    }
}

/// Calls that reach beyond the sandbox where it has no namespaces of its own: into shared memory, semaphores and queues
/// of the host, and, by a path that no rule of Landlock looks at, to its servers.
const SHARED: &[libc::c_long] = &[
    libc::SYS_connect,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmget,
    // Owners and attributes of files are no concern of Landlock's.
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
    // setxattrat and removexattrat, file_setattr: the same numbers on every architecture.
    463,
    466,
    469,
];
#[cfg(target_arch = "x86_64")]
const SHARED_HERE: &[libc::c_long] = &[libc::SYS_chown, libc::SYS_lchown];
#[cfg(target_arch = "aarch64")]
const SHARED_HERE: &[libc::c_long] = &[];

/// Only oneself: 0 means the caller.
const SELF: &[u32] = &[0];
/// Streams, also those that keep messages whole, with the flags that may come with them: what is sent over them goes to
/// the other end, never to an address.
const STREAMS: &[u32] = &[0x1, 0x801, 0x80001, 0x80801, 0x5, 0x805, 0x80005, 0x80805];

const SHARED_EXAMINED: &[(libc::c_long, Rule)] = &[
    (libc::SYS_ioprio_set, Rule::NotAmong { argument: 1, values: SELF, error: libc::EPERM }),
    (libc::SYS_prlimit64, Rule::NotAmong { argument: 0, values: SELF, error: libc::EPERM }),
    (libc::SYS_sched_setaffinity, Rule::NotAmong { argument: 0, values: SELF, error: libc::EPERM }),
    (libc::SYS_sched_setattr, Rule::NotAmong { argument: 0, values: SELF, error: libc::EPERM }),
    (libc::SYS_sched_setparam, Rule::NotAmong { argument: 0, values: SELF, error: libc::EPERM }),
    (libc::SYS_sched_setscheduler, Rule::NotAmong { argument: 0, values: SELF, error: libc::EPERM }),
    (libc::SYS_setpriority, Rule::NotAmong { argument: 1, values: SELF, error: libc::EPERM }),
    (libc::SYS_socket, Rule::Local),
    (libc::SYS_socketpair, Rule::NotAmong { argument: 1, values: STREAMS, error: libc::EPERM }),
];

/// The filter that stands beside [`program`] in a sandbox without namespaces of its own.
pub(super) fn shared_program() -> Vec<sock_filter> {
    let refused = SHARED.iter().chain(SHARED_HERE).map(|number| (*number, Rule::Refuse(libc::EPERM)));
    assemble(sorted(refused.chain(SHARED_EXAMINED.iter().copied())))
}

fn table() -> Vec<(u32, Rule)> {
    let refused = REFUSED.iter().chain(REFUSED_HERE).map(|number| (*number, Rule::Refuse(libc::EPERM)));
    let examined = EXAMINED.iter().chain(EXAMINED_HERE).copied();
    sorted(refused.chain(examined))
}

fn sorted(rules: impl Iterator<Item = (libc::c_long, Rule)>) -> Vec<(u32, Rule)> {
    let mut table: Vec<(u32, Rule)> =
        rules.filter_map(|(number, rule)| Some((u32::try_from(number).ok()?, rule))).collect();
    table.sort_by_key(|(number, _)| *number);
    table
}

/// The whole filter.
pub(super) fn program() -> Vec<sock_filter> {
    assemble(table())
}

fn assemble(table: Vec<(u32, Rule)>) -> Vec<sock_filter> {
    let mut program = vec![load(ARCHITECTURE), jump(BPF_JEQ, NATIVE, 1, 0), end(KILL), load(NUMBER)];
    #[cfg(target_arch = "x86_64")]
    program.extend([jump(BPF_JGE, X32, 0, 1), end(refuse(libc::ENOSYS))]);
    program.extend(tree(&table));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn judge(architecture: u32, number: libc::c_long, arguments: [u32; 3]) -> u32 {
        let program = program();
        let word = |offset: u32| match offset {
            NUMBER => u32::try_from(number).unwrap(),
            ARCHITECTURE => architecture,
            other => arguments[((other - 16) / 8) as usize],
        };
        let (mut at, mut value) = (0, 0);
        loop {
            let one = program[at];
            let code = u32::from(one.code);
            at += 1;
            let test = |holds: bool| usize::from(if holds { one.jt } else { one.jf });
            if code == BPF_LD | BPF_W | BPF_ABS {
                value = word(one.k);
            } else if code == BPF_RET | BPF_K {
                return one.k;
            } else if code == libc::BPF_ALU | libc::BPF_AND | BPF_K {
                value &= one.k;
            } else if code == BPF_JMP | BPF_JA {
                at += one.k as usize;
            } else if code == BPF_JMP | BPF_JEQ | BPF_K {
                at += test(value == one.k);
            } else if code == BPF_JMP | BPF_JGE | BPF_K {
                at += test(value >= one.k);
            } else if code == BPF_JMP | BPF_JSET | BPF_K {
                at += test(value & one.k != 0);
            } else {
                panic!("unknown instruction {code}");
            }
        }
    }

    fn native(number: libc::c_long, arguments: [u32; 3]) -> u32 {
        judge(NATIVE, number, arguments)
    }

    #[test]
    fn every_listed_call_is_refused_and_its_neighbours_are_not() {
        let listed: Vec<libc::c_long> = table().iter().map(|(number, _)| i64::from(*number)).collect();
        for number in REFUSED.iter().chain(REFUSED_HERE) {
            assert_eq!(native(*number, [0; 3]), refuse(libc::EPERM), "{number}");
        }
        for number in (0..600).filter(|number| !listed.contains(number)) {
            assert_eq!(native(number, [u32::MAX; 3]), ALLOW, "{number}");
        }
    }

    #[test]
    fn foreign_calls_do_not_slip_past_the_table() {
        assert_eq!(judge(0x4000_0003, libc::SYS_read, [0; 3]), KILL);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(native(libc::SYS_read | i64::from(X32), [0; 3]), refuse(libc::ENOSYS));
    }

    #[test]
    fn arguments_are_looked_at() {
        let denied = refuse(libc::EPERM);
        assert_eq!(native(libc::SYS_clone, [libc::CLONE_NEWUSER.cast_unsigned(), 0, 0]), denied);
        assert_eq!(native(libc::SYS_clone, [libc::CLONE_VM.cast_unsigned() | 17, 0, 0]), ALLOW);
        assert_eq!(native(libc::SYS_clone3, [0; 3]), refuse(libc::ENOSYS));
        assert_eq!(native(libc::SYS_fchmodat, [0, 0, 0o4755]), denied);
        assert_eq!(native(libc::SYS_fchmodat, [0, 0, 0o755]), ALLOW);
        assert_eq!(native(libc::SYS_mknodat, [0, 0, libc::S_IFBLK | 0o600]), denied);
        assert_eq!(native(libc::SYS_mknodat, [0, 0, libc::S_IFIFO | 0o600]), ALLOW);
        assert_eq!(native(libc::SYS_ioctl, [0, 0x5412, 0]), denied);
        assert_eq!(native(libc::SYS_ioctl, [0, 0x5413, 0]), ALLOW);
        assert_eq!(native(libc::SYS_socket, [libc::AF_PACKET.cast_unsigned(), 0, 0]), refuse(libc::EAFNOSUPPORT));
        assert_eq!(native(libc::SYS_socket, [libc::AF_INET6.cast_unsigned(), 0, 0]), ALLOW);
    }
}
