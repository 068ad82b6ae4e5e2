//! What the parent and the child of a run say to each other, over one socket of whole messages.

use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use serde::{Deserialize, Serialize};

use super::step::Plan;
use super::sys;

/// What the child says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// A step failed; nothing was executed.
    Failed {
        /// The step, for people.
        step: String,
        /// What the system said.
        error: String,
        /// The system's error number, 0 when it gave none.
        number: i32,
    },
    /// Writes are captured in the folder whose descriptor comes with this.
    Captured,
    /// All steps are done; the command begins.
    Begun,
    /// The command ended by itself with this code.
    Exited(i32),
    /// The command was ended by this signal.
    Signalled(i32),
}

/// The two ends.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Sends the plan as a memory file, since it may hold texts larger than a message.
pub(super) fn send_plan(socket: &OwnedFd, plan: &Plan) -> io::Result<()> {
    let bytes = postcard::to_stdvec(plan).map_err(io::Error::other)?;
    let mut file = File::from(memfd_create(c"plan", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(&bytes)?;
    file.rewind()?;
    send(socket.as_fd(), b"plan", Some(file.as_fd()))
}

/// Receives the plan.
pub(super) fn receive_plan(socket: &OwnedFd) -> io::Result<Plan> {
    let (_, descriptor) = sys::receive(socket.as_fd())?;
    let descriptor = descriptor.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let mut bytes = Vec::new();
    File::from(descriptor).read_to_end(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

/// Sends a report, with the descriptor that belongs to it.
pub(super) fn send_report(socket: &OwnedFd, report: &Report, with: Option<BorrowedFd<'_>>) -> io::Result<()> {
    send(socket.as_fd(), &postcard::to_stdvec(report).map_err(io::Error::other)?, with)
}

/// Receives a report; `None` once the other side has gone.
pub(super) fn receive_report(socket: &OwnedFd) -> io::Result<Option<(Report, Option<OwnedFd>)>> {
    let (bytes, descriptor) = sys::receive(socket.as_fd())?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some((postcard::from_bytes(&bytes).map_err(io::Error::other)?, descriptor)))
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], with: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let descriptors: Vec<RawFd> = with.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let controls = if with.is_some() { rights.as_slice() } else { &[] };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], controls, MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(())
}
