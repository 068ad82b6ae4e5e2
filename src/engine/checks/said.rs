//! Listening to a check: its output goes by line by line, and what is kept of it is small, however much it prints.

use std::collections::VecDeque;

use super::signs::{Sign, sign};
use crate::changes::CheckOutcome;
use crate::ports::{Exit, OutputStream};
use crate::text::visible_line;

/// Most bytes of a line that are looked at.
const LONGEST_LINE: usize = 4_096;
/// Most characters of what is told.
const LONGEST_WORDS: usize = 300;
/// Last lines that are told where nothing else is known.
const LAST: usize = 2;

/// What was heard of one check so far.
#[derive(Debug, Default)]
pub struct Listener {
    out: Line,
    error: Line,
    passed: u64,
    packages: u64,
    clean: bool,
    no_tests: bool,
    missing: Option<String>,
    read_only: bool,
    first: Failure,
    /// Something at a place that may have been the failure.
    perhaps: Option<(String, String)>,
    detail: Option<String>,
    awaits: Awaits,
    last: VecDeque<String>,
}

/// The first failure.
#[derive(Debug, Default)]
struct Failure {
    test: Option<String>,
    place: Option<String>,
    message: Option<String>,
}

/// What the next line may add to the first failure.
#[derive(Debug, Default, PartialEq, Eq)]
enum Awaits {
    #[default]
    Nothing,
    Place,
    Message,
}

/// The beginning of a line that has not ended.
#[derive(Debug, Default)]
struct Line(String);

impl Line {
    /// Takes more text; hands on each line that ends in it.
    fn take(&mut self, text: &str, mut line: impl FnMut(&str)) {
        for part in text.split_inclusive(['\n', '\r']) {
            let ends = part.ends_with(['\n', '\r']);
            let room = LONGEST_LINE.saturating_sub(self.0.len());
            let kept = part.trim_end_matches(['\n', '\r']);
            self.0.push_str(kept.get(..kept.floor_char_boundary(room)).unwrap_or_default());
            if ends {
                line(&std::mem::take(&mut self.0));
            }
        }
    }
}

impl Listener {
    /// Takes what the check printed, as it comes.
    pub fn hear(&mut self, stream: OutputStream, text: &str) {
        let slot = |listener: &mut Self| match stream {
            OutputStream::Out => std::mem::take(&mut listener.out),
            OutputStream::Error => std::mem::take(&mut listener.error),
        };
        let mut line = slot(self);
        line.take(text, |line| self.line(line));
        match stream {
            OutputStream::Out => self.out = line,
            OutputStream::Error => self.error = line,
        }
    }

    fn line(&mut self, line: &str) {
        let line = without_colours(line);
        let line = line.trim_end();
        self.read_only |= line.contains("Read-only file system") || line.contains("Permission denied");
        let sign = sign(line);
        if self.awaits == Awaits::Message && !line.is_empty() {
            self.awaits = Awaits::Nothing;
            self.first.message.get_or_insert_with(|| line.trim().to_owned());
        }
        if sign != Some(Sign::Noise) {
            self.last.push_back(line.trim().to_owned());
            self.last.drain(..self.last.len().saturating_sub(LAST));
        }
        if let Some(sign) = sign {
            self.note(sign);
        } else if line.starts_with("warning") {
            // What comes after it is its place, not that of an error.
            self.awaits = Awaits::Nothing;
        }
    }

    fn note(&mut self, sign: Sign) {
        let first = &mut self.first;
        match sign {
            Sign::Passed(count) => self.passed = self.passed.saturating_add(count),
            Sign::Package => self.packages += 1,
            Sign::Clean => self.clean = true,
            Sign::NoTests => self.no_tests = true,
            Sign::Missing(what) => drop(self.missing.get_or_insert(what)),
            Sign::Test(test) => {
                if first.test.is_none() && first.place.is_none() {
                    // Its place follows; what came before it belongs to something else.
                    self.perhaps = None;
                }
                first.test.get_or_insert(test);
            }
            Sign::Panic { test, place } if first.place.is_none() => {
                if test != "main" || first.test.is_none() {
                    first.test = Some(test);
                }
                first.place = Some(place);
                self.awaits = Awaits::Message;
            }
            Sign::TestWith { test, message } if first.test.is_none() => {
                first.test = Some(test);
                first.message = Some(message).filter(|message| !message.is_empty());
            }
            Sign::Error(message) if first.message.is_none() && first.test.is_none() => {
                first.message = Some(message);
                self.awaits = Awaits::Place;
            }
            Sign::Arrow(place) if self.awaits == Awaits::Place => {
                first.place.get_or_insert(place);
                self.awaits = Awaits::Nothing;
            }
            Sign::Detail(detail) => drop(self.detail.get_or_insert(detail)),
            Sign::At { place, message } => drop(self.perhaps.get_or_insert((place, message))),
            Sign::Panic { .. } | Sign::TestWith { .. } | Sign::Error(_) | Sign::Arrow(_) | Sign::Noise => {}
        }
    }

    /// Whether it looks as if the check was kept from writing, as by a view that is read-only.
    #[must_use]
    pub fn met_read_only(&self) -> bool {
        self.read_only
    }

    /// What it came to; `how` is its end in words, and `dropped` says how many bytes of output were not heard.
    #[must_use]
    pub fn finish(mut self, exit: &Exit, how: &str, dropped: u64) -> CheckOutcome {
        for stream in [OutputStream::Out, OutputStream::Error] {
            self.hear(stream, "\n");
        }
        match (exit, self.missing.take()) {
            (Exit::Code(0), _) => CheckOutcome::Passed { summary: self.summary(dropped) },
            (Exit::Cancelled, _) => CheckOutcome::NotRun { why: "it was cancelled".to_owned() },
            (Exit::Code(_), Some(why)) => CheckOutcome::NotRun { why: told(&why) },
            (Exit::Code(_), None) if self.no_tests && self.first.test.is_none() => {
                CheckOutcome::NotRun { why: "it found no tests".to_owned() }
            }
            (Exit::Code(_), None) => CheckOutcome::Failed { first: self.failure(how) },
            (Exit::Signal(_) | Exit::Limit(_), _) => CheckOutcome::Failed { first: told(how) },
        }
    }

    fn summary(&self, dropped: u64) -> String {
        let least = if dropped > 0 { "at least " } else { "" };
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let parts = [
            (self.packages > 0).then(|| format!("{least}{} package{} passed", self.packages, plural(self.packages))),
            (self.passed > 0).then(|| format!("{least}{} test{} passed", self.passed, plural(self.passed))),
            (self.clean && self.passed == 0).then(|| "nothing found".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The first failure in one line; its end and its last lines where that is all there is.
    fn failure(self, how: &str) -> String {
        let Failure { test, place, message } = self.first;
        let known = test.is_some() || message.is_some();
        let (near, near_message) = self.perhaps.unzip();
        let place = place.or(near);
        let message = message.or(self.detail).or(near_message).filter(|message| !message.is_empty());
        if known || place.is_some() {
            let parts: Vec<String> = [place, test, message].into_iter().flatten().collect();
            return told(&parts.join(": "));
        }
        let last: Vec<String> = self.last.into_iter().filter(|line| !line.is_empty()).collect();
        let separator = if last.is_empty() { "" } else { ": " };
        told(&format!("{how}{separator}{}", last.join("; ")))
    }
}

/// At most so much, and nothing in it that a terminal obeys.
fn told(words: &str) -> String {
    let shown = visible_line(words);
    let mut short: String = shown.chars().take(LONGEST_WORDS).collect();
    if short.len() < shown.len() {
        short.push('…');
    }
    short
}

/// The line without sequences that set colours; the escape in front of them has been made visible on the way.
fn without_colours(line: &str) -> String {
    let mut parts = line.split(['\u{1b}', '␛']);
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest =
            part.strip_prefix('[').map(|rest| rest.trim_start_matches(|one: char| one.is_ascii_digit() || one == ';'));
        plain.push_str(rest.and_then(|rest| rest.strip_prefix(['m', 'K'])).unwrap_or(part));
    }
    plain
}

#[cfg(test)]
mod tests;
