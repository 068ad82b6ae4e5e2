//! What server, helper and sandbox say to each other, over sockets of whole messages.

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sys;
use crate::ports::{LimitReached, TerminalSize};
use crate::workspace::{FileState, RelativePath};

/// Longest message that is sent as it is; what is longer goes as a file in memory. A few pages, since whoever waits for
/// a message has that much cleared for it.
const INLINE: usize = 8 << 10;
/// Most bytes of a message that came as a file: what a command is begun with is a few unsaved texts, or a changeset.
const LONGEST: u64 = 1 << 30;

/// What the parked child is told: what to become.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Go {
    /// The argument vector.
    pub(super) argv: Vec<String>,
    /// The whole environment.
    pub(super) environment: Vec<(String, String)>,
    /// The working folder.
    pub(super) folder: PathBuf,
    /// Files of the workspace that it must not see.
    pub(super) hidden: Vec<RelativePath>,
    /// What to lay over the workspace, in this order; `None` for nothing in the place of a file.
    pub(super) over: Vec<(RelativePath, Option<FileState>)>,
    /// The terminal it gets.
    pub(super) terminal: Option<TerminalSize>,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// Process 1 has been made; its descriptor comes with this.
    Made,
    /// All steps are done: the sandbox waits for its command. With this come a timer that starts with the command, the
    /// folder that receives the writes, where they are captured, and the listener for the proxy, where there is one.
    Parked {
        /// Whether the folder comes.
        captured: bool,
        /// Whether the listener comes.
        listening: bool,
    },
    /// A step failed; nothing was executed.
    Failed(FailedStep),
    /// The command has a terminal; the descriptor of its other side comes with this.
    Terminal,
    /// Limits that the command came to and that did not end it; comes before its end.
    Reached(Vec<LimitReached>),
    /// The command ended by itself with this code, and no process is left.
    Exited(i32),
    /// The command was ended by this signal, and no process is left.
    Signalled(i32),
    /// Every process was ended because together they passed this limit.
    Limited(LimitReached),
    /// Every process was ended because the server asked for it.
    Stopped,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FailedStep {
    /// The step, for people.
    pub(super) step: String,
    /// What the system said.
    pub(super) error: String,
    /// The system's error number, 0 when it gave none.
    pub(super) number: i32,
}

/// The two ends of a socket.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends `message` with `descriptors`.
pub(super) fn send(socket: BorrowedFd<'_>, message: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    if bytes.len() <= INLINE {
        return send_bytes(socket, &bytes, descriptors);
    }
    let mut file = File::from(memfd_create(c"message", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(&bytes)?;
    file.rewind()?;
    let with_file: Vec<BorrowedFd<'_>> = [file.as_fd()].into_iter().chain(descriptors.iter().copied()).collect();
    // No message is empty otherwise: this one says that the first descriptor holds it.
    send_bytes(socket, &[], &with_file)
}

/// A message and the descriptors that came with it; `None` once the other side has gone.
///
/// # Errors
/// When the message is none of `T`, is too long, or the socket fails.
pub(super) fn receive<T: DeserializeOwned>(socket: BorrowedFd<'_>) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let (mut bytes, mut descriptors) = sys::receive(socket, INLINE)?;
    if bytes.is_empty() {
        if descriptors.is_empty() {
            return Ok(None);
        }
        File::from(descriptors.remove(0)).take(LONGEST).read_to_end(&mut bytes)?;
    }
    Ok(Some((postcard::from_bytes(&bytes).map_err(io::Error::other)?, descriptors)))
}

fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let controls = if raw.is_empty() { &[] } else { rights.as_slice() };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], controls, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}

#[cfg(test)]
mod strangers;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_messages_arrive_with_their_descriptors() {
        let (ours, theirs) = pair().unwrap();
        for length in [0, 10, INLINE, 300_000] {
            let go = Go {
                argv: vec!["x".repeat(length)],
                environment: vec![("A".into(), "b".into())],
                folder: "/w".into(),
                hidden: vec![],
                over: vec![],
                terminal: None,
            };
            let null = File::open("/dev/null").unwrap();
            send(ours.as_fd(), &go, &[null.as_fd(), null.as_fd()]).unwrap();
            let (came, descriptors) = receive::<Go>(theirs.as_fd()).unwrap().unwrap();
            assert_eq!((came == go, descriptors.len()), (true, 2), "{length}");
        }
        drop(ours);
        assert!(receive::<Go>(theirs.as_fd()).unwrap().is_none());
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let (ours, theirs) = pair().unwrap();
        send_bytes(ours.as_fd(), &[0xff; 40], &[]).unwrap();
        assert!(receive::<Report>(theirs.as_fd()).is_err());
    }
}
