//! Standard output for results, standard error for everything about them.

use std::cell::Cell;
use std::io::{IsTerminal, Write};

use crate::ports::{Failure, Progress, TerminalSize};
use crate::text::visible;

/// Whether colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// When the output is a terminal.
    Auto,
    /// Never.
    Never,
}

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// Both streams of the command line.
pub struct Screen {
    coloured: bool,
    /// Whether standard output is a terminal, which would obey what is written to it.
    terminal: bool,
    /// Its size, when it has one.
    size: Option<TerminalSize>,
    /// Whether standard output is gone (`| head`): then the rest is not worth saying.
    closed: Cell<bool>,
}

impl Screen {
    /// A screen of this size that colours as `colour` says.
    #[must_use]
    pub fn new(colour: Colour, size: Option<TerminalSize>) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let coloured = match colour {
            Colour::Auto => terminal,
            Colour::Never => false,
        };
        Self { coloured, terminal, size, closed: Cell::new(false) }
    }

    /// Its size, when it is a terminal.
    #[must_use]
    pub fn size(&self) -> Option<TerminalSize> {
        self.size
    }

    /// Writes a result as it is.
    pub fn print(&self, text: &str) {
        if !self.closed.get()
            && std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()).is_err()
        {
            self.closed.set(true);
        }
    }

    /// Writes a line of a result.
    pub fn line(&self, text: &str) {
        self.print(&format!("{}\n", visible(text)));
    }

    /// Writes a heading.
    pub fn heading(&self, text: &str) {
        self.print(&format!("{}\n", self.paint(BOLD, &visible(text))));
    }

    /// Writes a text: to a terminal with nothing in it that it obeys; to a file or a pipe, byte for byte.
    pub fn document(&self, text: &str) {
        if self.terminal { self.print(&visible(text)) } else { self.print(text) }
    }

    /// Writes a unified diff: coloured, and with nothing in it that a terminal obeys; to a file or a pipe, byte for
    /// byte, so that `git apply` takes it.
    pub fn diff(&self, diff: &str) {
        if self.terminal { self.print(&self.painted_diff(diff)) } else { self.print(diff) }
    }

    /// The diff as a person may see it: what a terminal would obey is shown instead, also where only line ends differ.
    #[must_use]
    pub fn painted_diff(&self, diff: &str) -> String {
        let paint = |line: &str| match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => self.paint(BOLD, line),
            [b'+', ..] => self.paint(GREEN, line),
            [b'-', ..] => self.paint(RED, line),
            [b'@', ..] => self.paint(CYAN, line),
            _ => line.to_owned(),
        };
        diff.split_terminator('\n').map(|line| paint(&visible(line)) + "\n").collect()
    }

    /// Says something about the work.
    pub fn note(&self, text: &str) {
        Self::remark(text);
    }

    /// Says something about the work, from whatever thread.
    pub fn remark(text: &str) {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}", visible(text));
    }

    /// Writes a line for a program to read, at once. A reader that is gone stops nothing.
    pub fn event(line: &str) {
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
    }

    /// Shows a diff among what is said about the work.
    pub fn note_diff(&self, diff: &str) {
        let _ = write!(std::io::stderr(), "{}", self.painted_diff(diff));
    }

    /// Says how far a job is, on a terminal only.
    pub fn progress(progress: &Progress) {
        if std::io::stderr().is_terminal() {
            let total = progress.total.map_or_else(String::new, |total| format!("/{total}"));
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{} {}{total}", progress.stage, progress.done);
            if progress.total == Some(progress.done) {
                let _ = write!(std::io::stderr(), "\r\u{1b}[K");
            }
        }
    }

    /// Says what failed and what to do next.
    pub fn complain(&self, failure: &Failure) {
        self.note(&format!("tagout: {}", failure.what));
        failure.hints.iter().for_each(|hint| self.note(&format!("  {hint}")));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.coloured { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}
