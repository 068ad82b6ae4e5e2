//! Passing bytes on, both ways, until one side is done.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::PollFlags;

use super::wire::{Cut, Stop, passing, ready};

/// Bytes held for each direction.
const HELD: usize = 32 * 1024;

/// One direction: what was read from one side and is not yet written to the other.
struct Flow {
    held: Vec<u8>,
    /// How many of the held bytes are written.
    written: usize,
    /// How many more may be read.
    room: u64,
    /// Whether the side it reads from has ended.
    ended: bool,
    /// Bytes passed on.
    passed: u64,
}

impl Flow {
    fn new(held: Vec<u8>, room: u64) -> Self {
        Self { held, written: 0, room, ended: false, passed: 0 }
    }

    fn is_empty(&self) -> bool {
        self.written >= self.held.len()
    }

    fn wants_more(&self) -> bool {
        self.is_empty() && !self.ended && self.room > 0
    }

    fn read(&mut self, from: &mut TcpStream) -> Result<(), Cut> {
        let most = usize::try_from(self.room).unwrap_or(HELD).min(HELD);
        self.held.resize(most, 0);
        self.written = 0;
        let count = match from.read(&mut self.held) {
            Ok(0) => {
                self.ended = true;
                0
            }
            Ok(count) => count,
            Err(error) if passing(&error) => 0,
            Err(error) => {
                self.held.clear();
                return Err(error.into());
            }
        };
        self.held.truncate(count);
        self.room = self.room.saturating_sub(count as u64);
        Ok(())
    }

    fn give_up(&mut self) {
        self.held.clear();
        self.ended = true;
    }

    fn write(&mut self, to: &mut TcpStream) -> Result<(), Cut> {
        match to.write(self.held.get(self.written..).unwrap_or_default()) {
            Ok(count) => {
                self.written += count;
                self.passed += count as u64;
                Ok(())
            }
            Err(error) if passing(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// How two sides went apart.
pub(super) struct Parted {
    /// Bytes from the client to the server.
    pub(super) sent: u64,
    /// Bytes from the server to the client.
    pub(super) received: u64,
    /// Why, when it was not by the server's ending; [`Cut::Gone`] when it was by the client's.
    pub(super) why: Option<Cut>,
}

/// Sends `first` and up to `room` bytes of the client's to the server, and all of the server's to the client, until the
/// server ends, an error, the stop, or nothing has moved for `idle`. A client that ends may still be answered.
pub(super) fn relay(
    client: &mut TcpStream,
    server: &mut TcpStream,
    (first, room): (Vec<u8>, u64),
    stop: &Stop,
    idle: Duration,
) -> Parted {
    let (mut up, mut down) = (Flow::new(first, room), Flow::new(Vec::new(), u64::MAX));
    let mut told = false;
    let why = loop {
        if down.ended && down.is_empty() {
            break None;
        }
        if up.ended && up.is_empty() && !told {
            told = true;
            // A server that has gone says so when it is read from.
            drop(server.shutdown(Shutdown::Write));
        }
        if let Err(cut) = turn(client, server, (&mut up, &mut down), stop, idle) {
            break Some(cut);
        }
    };
    Parted { sent: up.passed, received: down.passed, why }
}

/// Waits until something can move, and moves it.
fn turn(
    client: &mut TcpStream,
    server: &mut TcpStream,
    (up, down): (&mut Flow, &mut Flow),
    stop: &Stop,
    idle: Duration,
) -> Result<(), Cut> {
    let mut polled = vec![(client.as_fd(), wanted(up, down))];
    let of_server = wanted(down, up);
    // Its end would be told again and again while there is no room for what it sent before.
    if !of_server.is_empty() {
        polled.push((server.as_fd(), of_server));
    }
    let mut happened = ready(&polled, stop, idle)?.into_iter();
    let mut next = || happened.next().unwrap_or(PollFlags::empty());
    let (at_client, at_server) = (next(), next());
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    // Both ways of the client's are closed, so that nobody is left to answer; what it sent last may still be there.
    if at_client.intersects(gone) && !at_client.intersects(PollFlags::POLLIN) {
        return Err(Cut::Gone);
    }
    if at_client.contains(PollFlags::POLLIN) && up.wants_more() {
        up.read(client).map_err(|_| Cut::Gone)?;
    }
    if at_server.intersects(PollFlags::POLLIN | gone) && down.wants_more() {
        down.read(server)?;
    }
    if at_server.contains(PollFlags::POLLOUT) && !up.is_empty() && up.write(server).is_err() {
        // It may have answered before it stopped listening.
        up.give_up();
    }
    if at_client.contains(PollFlags::POLLOUT) && !down.is_empty() {
        down.write(client).map_err(|_| Cut::Gone)?;
    }
    Ok(())
}

/// What to wait for at a socket that `read` reads from and `written` writes to.
fn wanted(read: &Flow, written: &Flow) -> PollFlags {
    let reading = if read.wants_more() { PollFlags::POLLIN } else { PollFlags::empty() };
    let writing = if written.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
    reading | writing
}
