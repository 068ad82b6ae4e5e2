//! A terminal of the sandbox's own for a command (pty(7)): made by the child where the command will be, its other side
//! handed to the server. The user's own terminal is never within the command's reach.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::sys;
use crate::ports::{Keyboard, TerminalSize};

/// What a terminal in its usual state takes as the end of the input (control-D).
const END_OF_INPUT: u8 = 0x04;

fn kernel_size(size: TerminalSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The size of the terminal that the user looks at, when standard output is one.
#[must_use]
pub fn terminal_size() -> Option<TerminalSize> {
    let Winsize { ws_row: rows, ws_col: columns, .. } = sys::terminal_size(io::stdout().as_fd()).ok()?;
    (rows > 0 && columns > 0).then_some(TerminalSize { rows, columns })
}

/// Gives this process a new terminal as its standard streams, and a session that is controlled from it. Returns the
/// other side.
pub(super) fn open(size: TerminalSize) -> io::Result<OwnedFd> {
    let OpenptyResult { master, slave } = openpty(Some(&kernel_size(size)), None)?;
    let mut settings = tcgetattr(&slave)?;
    // The user sees what is typed where it is typed.
    settings.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&slave, SetArg::TCSANOW, &settings)?;
    setsid()?;
    sys::control_from(slave.as_fd())?;
    dup2_stdin(&slave)?;
    dup2_stdout(&slave)?;
    dup2_stderr(&slave)?;
    Ok(master)
}

/// The server's side of a command's terminal, for what goes in.
#[derive(Debug)]
pub(super) struct Input {
    master: File,
    keyboard: Keyboard,
    /// What the terminal has not taken yet: it holds a few thousand bytes that the command has not read.
    waiting: Vec<u8>,
}

impl Input {
    /// The input of the terminal at `master`, which is not to be waited for from here on.
    pub(super) fn new(master: OwnedFd, keyboard: Keyboard) -> io::Result<Self> {
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        Ok(Self { master: File::from(master), keyboard, waiting: Vec::new() })
    }

    /// Passes on what the user has done meanwhile.
    pub(super) fn pass_on(&mut self) {
        let typed = self.keyboard.take();
        if let Some(size) = typed.size {
            // A terminal whose command has ended has no more size to have; so below.
            drop(sys::set_terminal_size(self.master.as_fd(), kernel_size(size)));
        }
        self.waiting.extend_from_slice(&typed.bytes);
        self.waiting.extend(typed.ended.then_some(END_OF_INPUT));
        if let Ok(taken) = self.master.write(&self.waiting) {
            self.waiting.drain(..taken.min(self.waiting.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_typed_arrives_and_a_full_terminal_loses_nothing() {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let mut settings = tcgetattr(&slave).unwrap();
        settings.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&slave, SetArg::TCSANOW, &settings).unwrap();
        let keyboard = Keyboard::default();
        let mut input = Input::new(master, keyboard.clone()).unwrap();
        let line = format!("{}\n", "x".repeat(99));
        keyboard.press(line.repeat(100).as_bytes());
        keyboard.resize(TerminalSize { rows: 5, columns: 6 });
        keyboard.end();
        let mut command = File::from(slave);
        let (mut read, mut bytes) = (Vec::new(), [0; 4096]);
        loop {
            input.pass_on();
            match command.read(&mut bytes).unwrap() {
                0 => break,
                count => read.extend_from_slice(&bytes[..count]),
            }
        }
        assert_eq!(read.len(), 10_000);
        assert!(input.waiting.is_empty());
    }
}
