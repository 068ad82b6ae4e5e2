//! Which system calls a command may make: a table (`calls`), and the BPF program for it, a binary search tree
//! (installing a filter costs time by its longest path, so that a chain of 90 comparisons costs several times more).

mod calls;
mod shared;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use calls::{MAKES, PROTOCOLS, RENAMES, Rule, SET_ID, TYPE, TYPES, UNKNOWN};
use libc::{BPF_ABS, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};
use shared::STREAMS;

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
            Self::AtMost { argument: index, most } => {
                let large = end(refuse(libc::EINVAL));
                let high = [load(argument(index) + 4), jump(BPF_JEQ, 0, 1, 0), large];
                high.into_iter().chain([load(argument(index)), jump(libc::BPF_JGT, most, 0, 1), large, allow]).collect()
            }
            Self::MadeSetId { flags, mode } => {
                let made = [load(argument(flags)), jump(BPF_JSET, MAKES, 1, 0), allow];
                made.into_iter().chain([load(argument(mode)), jump(BPF_JSET, SET_ID, 1, 0), allow, deny]).collect()
            }
            Self::Node { argument: index } => {
                let set_id = [load(argument(index)), jump(BPF_JSET, SET_ID, 0, 1), deny, masked(libc::S_IFMT)];
                set_id.into_iter().chain(one_of_loaded(&[libc::S_IFCHR, libc::S_IFBLK], deny, allow)).collect()
            }
            Self::Priority { process } => {
                let kind = [load(argument(0)), jump(BPF_JEQ, process, 1, 0), deny];
                kind.into_iter().chain(one_of(load(argument(1)), &[1], deny, allow)).collect()
            }
            Self::Socket => socket(),
            Self::Local => {
                let family = jump(BPF_JEQ, libc::AF_UNIX.cast_unsigned(), 1, 0);
                let mut program = vec![load(argument(0)), family, end(refuse(libc::EAFNOSUPPORT))];
                program.extend(one_of(load(argument(1)), STREAMS, allow, deny));
                program
            }
        }
    }
}

/// Which sockets may be made.
fn socket() -> Vec<sock_filter> {
    let no_protocol = end(refuse(libc::EPROTONOSUPPORT));
    // The one protocol of AF_NETLINK that tells a process about its own network.
    let netlink = one_of(load(argument(2)), &[libc::NETLINK_ROUTE.cast_unsigned()], end(ALLOW), no_protocol);
    let mut internet = vec![load(argument(1)), masked(TYPE)];
    internet.extend(
        TYPES
            .iter()
            .zip((0..TYPES.len()).rev())
            .map(|(one, left)| jump(BPF_JEQ, *one, u8::try_from(left + 1).unwrap_or(u8::MAX), 0)),
    );
    internet.push(no_protocol);
    internet.extend(one_of(load(argument(2)), PROTOCOLS, end(ALLOW), no_protocol));
    let family = |family: i32, then: Vec<sock_filter>| {
        let past = u8::try_from(then.len()).unwrap_or(u8::MAX);
        [jump(BPF_JEQ, family.cast_unsigned(), 0, past)].into_iter().chain(then)
    };
    let mut program = vec![load(argument(0))];
    program.extend(family(libc::AF_UNIX, vec![end(ALLOW)]));
    program.extend(family(libc::AF_INET, internet.clone()));
    program.extend(family(libc::AF_INET6, internet));
    program.extend(family(libc::AF_NETLINK, netlink));
    program.push(end(refuse(libc::EAFNOSUPPORT)));
    program
}

/// Keeps some bits of what is loaded.
fn masked(bits: u32) -> sock_filter {
    statement(libc::BPF_ALU | libc::BPF_AND | BPF_K, bits)
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

/// The whole filter.
pub(super) fn program() -> &'static [sock_filter] {
    static PROGRAM: OnceLock<Vec<sock_filter>> = OnceLock::new();
    PROGRAM.get_or_init(|| assemble(&calls::table()))
}

/// The filter that stands beside [`program`] in a sandbox without namespaces of its own.
pub(super) fn shared_program() -> Vec<sock_filter> {
    assemble(&shared::table())
}

fn assemble(table: &[(u32, Rule)]) -> Vec<sock_filter> {
    let mut program = vec![load(ARCHITECTURE), jump(BPF_JEQ, NATIVE, 1, 0), end(KILL), load(NUMBER)];
    #[cfg(target_arch = "x86_64")]
    program.extend([jump(BPF_JGE, X32, 0, 1), end(refuse(libc::ENOSYS))]);
    program.extend([jump(BPF_JGE, UNKNOWN, 0, 1), end(refuse(libc::ENOSYS))]);
    program.extend(tree(table));
    program
}

/// A second filter, which announces renames and leaves all else to the first.
pub(super) fn renames() -> &'static [sock_filter] {
    static PROGRAM: OnceLock<Vec<sock_filter>> = OnceLock::new();
    PROGRAM.get_or_init(announcing)
}

fn announcing() -> Vec<sock_filter> {
    let numbers = RENAMES.iter().filter_map(|number| u32::try_from(*number).ok()).collect::<Vec<_>>();
    one_of(load(NUMBER), &numbers, end(libc::SECCOMP_RET_USER_NOTIF), end(ALLOW))
}
