//! Waiting at a socket: no longer than its time, and never longer than the command lives.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::super::sys;

/// Why a wait ended without what was waited for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    /// The command has ended.
    #[error("the command has ended")]
    Stopped,
    /// Its time was over.
    #[error("took too long")]
    Late,
    /// The other side has gone.
    #[error("closed by the other side")]
    Gone,
    /// More was sent than is read.
    #[error("sent too much")]
    TooMuch,
    /// Anything else.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<nix::Error> for Cut {
    fn from(error: nix::Error) -> Self {
        Self::Io(error.into())
    }
}

/// Becomes readable, for good, once the other end of it is dropped.
#[derive(Debug)]
pub(super) struct Stop(UnixStream);

impl Stop {
    /// The stop, and what to drop for it.
    pub(super) fn new() -> io::Result<(UnixStream, Self)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((ours, Self(theirs)))
    }

    /// Waits for the stop for `time`: [`Cut::Late`] when it does not come.
    pub(super) fn within(&self, time: Duration) -> Cut {
        ready(&[], self, time).err().unwrap_or(Cut::Late)
    }

    /// Waits until `socket` is ready for `events`, or `deadline` has become readable.
    pub(super) fn wait(
        &self,
        socket: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<&OwnedFd>,
    ) -> Result<(), Cut> {
        let mut polled = vec![(socket, events)];
        polled.extend(deadline.map(|deadline| (deadline.as_fd(), PollFlags::POLLIN)));
        match ready(&polled, self, Duration::MAX)?.get(1) {
            Some(late) if !late.is_empty() => Err(Cut::Late),
            Some(_) | None => Ok(()),
        }
    }
}

/// Polls until one of the descriptors is ready for its events or has failed, and tells what each is ready for; an
/// error when it is the stop, or nothing within `idle`.
pub(super) fn ready(
    polled: &[(BorrowedFd<'_>, PollFlags)],
    stop: &Stop,
    idle: Duration,
) -> Result<Vec<PollFlags>, Cut> {
    let timeout = PollTimeout::try_from(idle).unwrap_or(PollTimeout::NONE);
    let mut all: Vec<PollFd<'_>> =
        polled.iter().map(|(descriptor, events)| PollFd::new(*descriptor, *events)).collect();
    all.push(PollFd::new(stop.0.as_fd(), PollFlags::POLLIN));
    let count = loop {
        match poll(&mut all, timeout) {
            Err(nix::Error::EINTR) => {}
            other => break other?,
        }
    };
    if all.pop().and_then(|stop| stop.any()) == Some(true) {
        return Err(Cut::Stopped);
    }
    if count == 0 {
        return Err(Cut::Late);
    }
    Ok(all.iter().map(|one| one.revents().unwrap_or(PollFlags::empty())).collect())
}

/// What a parser makes of the bytes that are there: a value and how many of them it is made of, or that more is needed.
pub(super) type Parsed<T> = Option<(T, usize)>;

/// The command's side of a connection until its target is reached: what it sends is read piece by piece, all of it
/// within one time.
pub(super) struct Client<'a> {
    stream: TcpStream,
    stop: &'a Stop,
    deadline: OwnedFd,
    read: Vec<u8>,
    most: usize,
}

impl<'a> Client<'a> {
    /// A client that has `time` to say what it wants in pieces of at most `most` bytes.
    pub(super) fn new(stream: TcpStream, stop: &'a Stop, time: Duration, most: usize) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // It passes on whole pieces, which nothing is gained by holding back.
        stream.set_nodelay(true)?;
        Ok(Self { stream, stop, deadline: sys::timer(time)?, read: Vec::new(), most })
    }

    /// Reads until `parse` has what it needs. What comes after that stays for the next.
    pub(super) fn need<T, E: From<Cut>>(&mut self, parse: impl Fn(&[u8]) -> Result<Parsed<T>, E>) -> Result<T, E> {
        loop {
            if let Some((value, length)) = parse(&self.read)? {
                self.read.drain(..length.min(self.read.len()));
                return Ok(value);
            }
            if self.read.len() >= self.most {
                return Err(Cut::TooMuch.into());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Cut> {
        self.stop.wait(self.stream.as_fd(), PollFlags::POLLIN, Some(&self.deadline))?;
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(Cut::Gone),
            Ok(count) => {
                self.read.extend(piece.iter().take(count));
                Ok(())
            }
            Err(error) if passing(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends all of `bytes`.
    pub(super) fn send(&mut self, mut bytes: &[u8]) -> Result<(), Cut> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if passing(&error) => {
                    self.stop.wait(self.stream.as_fd(), PollFlags::POLLOUT, Some(&self.deadline))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Sends a last word, and sees to it that it arrives: closing a socket with unread bytes takes back what was sent
    /// (RFC 9112 section 9.6), so that for a moment, and to a limit, they are read and thrown away.
    pub(super) fn refuse(mut self, last_word: &[u8]) {
        let Ok(moment) = sys::timer(Duration::from_secs(1)) else { return };
        self.deadline = moment;
        self.read.clear();
        let sent = self.send(last_word).and_then(|()| Ok(self.stream.shutdown(Shutdown::Write)?));
        let mut pieces = 0;
        while sent.is_ok() && pieces < 1024 && self.fill().is_ok() {
            self.read.clear();
            pieces += 1;
        }
    }

    /// The stream, and what was read of it beyond what was needed.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.read)
    }
}

/// Whether an error says only that it is not yet time.
pub(super) fn passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
