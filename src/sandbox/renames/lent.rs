//! The memory of a caller. A kernel with Yama set to 1, as most desktops have it, lets nobody but an ancestor open that;
//! process 1 is one of every process in the sandbox, and the attendant is not. So process 1 opens it, and the attendant
//! reads: to open waits for nothing but an `execve` that is under way, as every look at a process does, while to read may
//! wait for whatever file is mapped there.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{MsgFlags, send};

use crate::sandbox::{channel, sys};

/// Process 1, whose own memory is for nobody.
const FIRST: u32 = 1;
/// What the answer says, with the memory or without: messages are not empty.
const ANSWER: u8 = 1;

/// The two ends of a socket, of which the first, process 1's, never waits.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = channel::pair()?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((ours, theirs))
}

/// Process 1's part: answers the request that waits at `requests`. `false` when no more will come, or it makes no sense.
pub(super) fn lend(requests: BorrowedFd<'_>) -> bool {
    let number = match sys::receive(requests, size_of::<u32>()) {
        Ok((bytes, _)) => <[u8; 4]>::try_from(bytes).map(u32::from_ne_bytes),
        Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
    };
    let Ok(thread) = number else { return false };
    let memory = if thread == FIRST { None } else { open(thread).ok() };
    let opened: Vec<BorrowedFd<'_>> = memory.iter().map(AsFd::as_fd).collect();
    channel::send(requests, &ANSWER, &opened).is_ok()
}

fn open(thread: u32) -> io::Result<File> {
    File::open(format!("/proc/{thread}/mem"))
}

/// The attendant's end.
#[derive(Debug)]
pub(super) struct Lender(OwnedFd);

impl Lender {
    pub(super) fn at(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// The memory of the process that `thread` is in, for reading; `None` when it may not be read or has gone.
    pub(super) fn memory(&self, thread: u32) -> Option<File> {
        match open(thread) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.borrow(thread),
            other => other.ok(),
        }
    }

    fn borrow(&self, thread: u32) -> Option<File> {
        send(self.0.as_raw_fd(), &thread.to_ne_bytes(), MsgFlags::MSG_NOSIGNAL).ok()?;
        let (_, opened) = channel::receive::<u8>(self.0.as_fd()).ok()??;
        opened.into_iter().next().map(File::from)
    }
}

impl AsFd for Lender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn memory_is_opened_by_one_and_read_by_another() {
        let (ours, theirs) = pair().unwrap();
        // Nobody has asked: who looks all the same goes on.
        assert!(lend(ours.as_fd()));
        let known = *b"known";
        let (own, begin) = (std::process::id(), known.as_ptr().addr() as u64);
        let lender = Lender::at(theirs);
        let asker = std::thread::spawn(move || [own, FIRST, u32::MAX].map(|one| lender.borrow(one)));
        loop {
            poll(&mut [PollFd::new(ours.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
            if !lend(ours.as_fd()) {
                break;
            }
        }
        let [memory, first, none] = asker.join().unwrap();
        let mut read = [0; 5];
        memory.unwrap().read_exact_at(&mut read, begin).unwrap();
        assert_eq!((read, first.is_none(), none.is_none()), (known, true, true));
    }

    #[test]
    fn a_request_that_makes_no_sense_ends_the_lending() {
        let (ours, theirs) = pair().unwrap();
        nix::unistd::write(&theirs, b"x").unwrap();
        assert!(!lend(ours.as_fd()));
        drop(theirs);
        assert!(!lend(ours.as_fd()));
    }
}
