//! What a sandbox without namespaces of its own refuses besides: calls that reach the host's processes and objects.

use super::calls::{Rule, sorted};

/// Calls that reach beyond the sandbox where it has no namespaces of its own: into shared memory, semaphores and queues
/// of the host, and, by a path that no rule of Landlock looks at, to its servers. Nor is there to be a server: with a name
/// it could take the place of one that programs of the host look for.
const SHARED: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
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
pub(super) const STREAMS: &[u32] = &[0x1, 0x801, 0x80001, 0x80801, 0x5, 0x805, 0x80005, 0x80805];

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

/// The rules, by number.
pub(super) fn table() -> Vec<(u32, Rule)> {
    let refused = SHARED.iter().chain(SHARED_HERE).map(|number| (*number, Rule::Refuse(libc::EPERM)));
    sorted(refused.chain(SHARED_EXAMINED.iter().copied()))
}
