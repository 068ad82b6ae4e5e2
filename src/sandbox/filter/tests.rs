//! The program, run as the kernel runs it.

use super::calls::{REFUSED, REFUSED_HERE, table};
use super::*;

/// Runs a program as the kernel would.
fn run(program: &[sock_filter], architecture: u32, number: libc::c_long, arguments: [u64; 5]) -> u32 {
    let word = |offset: u32| match offset {
        NUMBER => u32::try_from(number).unwrap(),
        ARCHITECTURE => architecture,
        other => (arguments[((other - 16) / 8) as usize] >> (8 * (other % 8))) as u32,
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
        } else if code == BPF_JMP | libc::BPF_JGT | BPF_K {
            at += test(value > one.k);
        } else if code == BPF_JMP | BPF_JSET | BPF_K {
            at += test(value & one.k != 0);
        } else {
            panic!("unknown instruction {code}");
        }
    }
}

fn native<const N: usize>(number: libc::c_long, given: [i64; N]) -> u32 {
    let mut arguments = [0; 5];
    arguments[..N].copy_from_slice(&given.map(i64::cast_unsigned));
    run(program(), NATIVE, number, arguments)
}

const DENIED: u32 = refuse(libc::EPERM);

#[test]
fn every_listed_call_is_refused_and_its_neighbours_are_not() {
    let listed: Vec<libc::c_long> = table().iter().map(|(number, _)| i64::from(*number)).collect();
    for number in REFUSED.iter().chain(REFUSED_HERE) {
        assert_eq!(native(*number, []), DENIED, "{number}");
    }
    for number in (0..i64::from(UNKNOWN)).filter(|number| !listed.contains(number)) {
        assert_eq!(native(number, [-1; 4]), ALLOW, "{number}");
    }
}

#[test]
fn foreign_and_future_calls_do_not_slip_past_the_table() {
    assert_eq!(run(program(), 0x4000_0003, libc::SYS_read, [0; 5]), KILL);
    for number in [UNKNOWN, 512, 547, 1_000, 0x3fff_ffff] {
        assert_eq!(native(number.into(), []), refuse(libc::ENOSYS), "{number}");
    }
    #[cfg(target_arch = "x86_64")]
    assert_eq!(native(libc::SYS_read | i64::from(X32), []), refuse(libc::ENOSYS));
}

#[test]
fn no_way_to_make_a_file_makes_a_set_id_one() {
    let made = i64::from(libc::O_CREAT | libc::O_WRONLY);
    let unnamed = i64::from(libc::O_TMPFILE | libc::O_RDWR);
    for (number, arguments, wanted) in [
        (libc::SYS_fchmodat, [0, 0, 0o4755, 0], DENIED),
        (libc::SYS_fchmodat, [0, 0, 0o755, 0], ALLOW),
        (libc::SYS_fchmod, [0, 0o2755, 0, 0], DENIED),
        (452, [0, 0, 0o6755, 0], DENIED),
        (libc::SYS_openat, [0, 0, made, 0o4755], DENIED),
        (libc::SYS_openat, [0, 0, unnamed, 0o2755], DENIED),
        (libc::SYS_openat, [0, 0, made, 0o755], ALLOW),
        // Without a file made, the mode is whatever was in the register.
        (libc::SYS_openat, [0, 0, i64::from(libc::O_DIRECTORY), -1], ALLOW),
        (libc::SYS_mknodat, [0, 0, i64::from(libc::S_IFREG | 0o4755), 0], DENIED),
        (libc::SYS_mknodat, [0, 0, i64::from(libc::S_IFBLK | 0o600), 0], DENIED),
        (libc::SYS_mknodat, [0, 0, i64::from(libc::S_IFCHR), 0], DENIED),
        (libc::SYS_mknodat, [0, 0, i64::from(libc::S_IFIFO | 0o600), 0], ALLOW),
        (libc::SYS_mknodat, [0, 0, i64::from(libc::S_IFSOCK | 0o600), 0], ALLOW),
    ] {
        assert_eq!(native(number, arguments), wanted, "{number} {arguments:?}");
    }
    #[cfg(target_arch = "x86_64")]
    for (number, arguments) in [
        (libc::SYS_open, [0, made, 0o4755]),
        (libc::SYS_creat, [0, 0o4755, 0]),
        (libc::SYS_chmod, [0, 0o4755, 0]),
        (libc::SYS_mknod, [0, 0o2755, 0]),
    ] {
        assert_eq!(native(number, arguments), DENIED, "{number}");
    }
}

#[test]
fn sockets_are_of_few_kinds() {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let no_protocol = refuse(libc::EPROTONOSUPPORT);
    for (family, kind, protocol, wanted) in [
        (libc::AF_UNIX, libc::SOCK_SEQPACKET | flags, 0, ALLOW),
        (libc::AF_INET, libc::SOCK_STREAM | flags, 0, ALLOW),
        (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP, ALLOW),
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP, ALLOW),
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP, no_protocol),
        (libc::AF_INET6, libc::SOCK_SEQPACKET, 0, no_protocol),
        (libc::AF_INET, libc::SOCK_DCCP, 0, no_protocol),
        (libc::AF_NETLINK, libc::SOCK_RAW | flags, libc::NETLINK_ROUTE, ALLOW),
        (libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER, no_protocol),
        (libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_AUDIT, no_protocol),
        (libc::AF_PACKET, libc::SOCK_RAW, 0, refuse(libc::EAFNOSUPPORT)),
        (libc::AF_ALG, libc::SOCK_SEQPACKET, 0, refuse(libc::EAFNOSUPPORT)),
        (libc::AF_VSOCK, libc::SOCK_STREAM, 0, refuse(libc::EAFNOSUPPORT)),
    ] {
        let arguments = [family, kind, protocol].map(i64::from);
        assert_eq!(native(libc::SYS_socket, arguments), wanted, "{arguments:?}");
    }
    assert_eq!(native(libc::SYS_socketpair, [i64::from(libc::AF_UNIX)]), ALLOW);
    assert_eq!(native(libc::SYS_socketpair, [i64::from(libc::AF_TIPC)]), refuse(libc::EAFNOSUPPORT));
}

#[test]
fn other_arguments_are_looked_at() {
    let namespace = i64::from(libc::CLONE_NEWUSER);
    let (process, user) = (i64::from(libc::PRIO_PROCESS), i64::from(libc::PRIO_USER));
    for (number, arguments, wanted) in [
        (libc::SYS_clone, [namespace, 0], DENIED),
        (libc::SYS_clone, [i64::from(libc::CLONE_VM) | 17, 0], ALLOW),
        (libc::SYS_clone3, [0, 0], refuse(libc::ENOSYS)),
        (libc::SYS_ioctl, [0, 0x5412], DENIED),
        (libc::SYS_ioctl, [0, 0x5413], ALLOW),
        (libc::SYS_personality, [0xffff_ffff, 0], ALLOW),
        (libc::SYS_personality, [0x40_0000, 0], DENIED),
        (libc::SYS_prlimit64, [1, 7], DENIED),
        (libc::SYS_prlimit64, [0, 7], ALLOW),
        (libc::SYS_sched_setscheduler, [1, 5], DENIED),
        (libc::SYS_sched_setattr, [2, 0], ALLOW),
        (libc::SYS_setpriority, [process, 1], DENIED),
        (libc::SYS_setpriority, [user, 1_000], DENIED),
        (libc::SYS_setpriority, [process, 0], ALLOW),
        (libc::SYS_ioprio_set, [1, 1], DENIED),
        (libc::SYS_ioprio_set, [1, 0], ALLOW),
        (libc::SYS_semget, [0, 33], refuse(libc::EINVAL)),
        (libc::SYS_semget, [0, 32], ALLOW),
        (libc::SYS_semget, [0, 1 << 32], refuse(libc::EINVAL)),
    ] {
        assert_eq!(native(number, arguments), wanted, "{number} {arguments:x?}");
    }
}

#[test]
fn renames_and_nothing_else_are_announced() {
    for number in 0..i64::from(UNKNOWN) {
        let announced = run(renames(), NATIVE, number, [0; 5]) == libc::SECCOMP_RET_USER_NOTIF;
        assert_eq!(announced, RENAMES.contains(&number), "{number}");
    }
}

#[test]
fn renames_leave_no_marks() {
    assert_eq!(native(libc::SYS_renameat2, [0, 0, 0, 0, i64::from(libc::RENAME_WHITEOUT)]), DENIED);
    assert_eq!(native(libc::SYS_renameat2, [0, 0, 0, 0, i64::from(libc::RENAME_NOREPLACE)]), ALLOW);
}

#[test]
fn among_the_processes_of_the_host_there_are_pairs_of_sockets_and_no_servers() {
    let shared = |number, arguments| run(&shared_program(), NATIVE, number, arguments);
    for number in [libc::SYS_bind, libc::SYS_listen, libc::SYS_connect, libc::SYS_shmget] {
        assert_eq!(shared(number, [0; 5]), DENIED, "{number}");
    }
    let [family, stream] = [libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC].map(|one| one as u64);
    assert_eq!(shared(libc::SYS_socketpair, [family, stream, 0, 0, 0]), ALLOW);
    assert_eq!(shared(libc::SYS_accept4, [0; 5]), ALLOW);
}
