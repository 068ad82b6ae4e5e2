//! The files of settings and rules outside the workspace.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags};

use crate::config::{LONGEST_FILE, UNREADABLE};
use crate::policy::{Action, Grant};
use crate::ports::{Failure, FailureKind};
use crate::workspace::ContentHash;

/// Where the administrator's file is.
const MACHINE: &str = "/etc/tagout/config.toml";
/// The user's file in the config folder.
const USER: &str = "config.toml";
/// The file for the rules that the user agreed to when asked, in the state folder: beside tagout's own records, and not
/// where people write settings.
const APPROVED: &str = "approved.toml";
/// The user's file as it was accepted, in the state folder.
const ACCEPTED: &str = "accepted.toml";

/// The text of the administrator's file.
#[must_use]
pub fn machine_settings() -> Option<String> {
    read(Path::new(MACHINE))
}

/// The text of the user's file in the folder `config`.
#[must_use]
pub fn user_settings(config: &Path) -> Option<String> {
    read(&config.join(USER))
}

/// The text of the rules that the user agreed to when asked, in the folder `state`.
#[must_use]
pub fn approved_rules(state: &Path) -> Option<String> {
    read(&state.join(APPROVED))
}

/// The user's file as it was when its rules were accepted, in the folder `state`.
#[must_use]
pub fn accepted_rules(state: &Path) -> Option<String> {
    read(&state.join(ACCEPTED))
}

/// Writes the rules that the user agreed to when asked, in place of `present`.
///
/// # Errors
/// When the grant is for other rules, others than `present` are there, or they cannot be written: then those of before
/// are there.
pub fn write_approved_rules(grant: Grant, state: &Path, present: Option<&str>, text: &str) -> Result<(), Failure> {
    write(&grant, &state.join(APPROVED), present, text)
}

/// Writes the user's file as it is accepted, in place of `present`.
///
/// # Errors
/// As [`write_approved_rules`].
pub fn write_accepted_rules(grant: Grant, state: &Path, present: Option<&str>, text: &str) -> Result<(), Failure> {
    write(&grant, &state.join(ACCEPTED), present, text)
}

/// Writes `text` to `path`, whole or not at all, readable for the user alone, and only in place of `present`.
fn write(grant: &Grant, path: &Path, present: Option<&str>, text: &str) -> Result<(), Failure> {
    if !matches!(grant.action(), Action::SetRules { to, .. } if *to == ContentHash::of(text.as_bytes())) {
        return Err(Failure::new(FailureKind::Denied, "these are not the rules that were granted: look at them again"));
    }
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Another process may write too: what that one added or took back holds.
        let locked = std::fs::File::open(folder)?;
        rustix::fs::flock(&locked, FlockOperation::LockExclusive)?;
        if read(path).as_deref() != present {
            return Ok(false);
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        locked.sync_all()?;
        Ok(true)
    };
    match write().map_err(|error: io::Error| Failure::io(path.display(), &error).hint("make the folder writable"))? {
        true => Ok(()),
        false => Err(Failure::new(FailureKind::Stale, "the rules changed meanwhile").hint("do it again")),
    }
}

/// The text of a file that the user named.
///
/// # Errors
/// When it is no file of text, or larger than settings are.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let failure = |error: io::Error| Failure::io(path.display(), &error);
    let bytes = try_read(path).map_err(failure)?;
    String::from_utf8(bytes).map_err(|_| failure(io::Error::other("it is not UTF-8")))
}

/// The text of a file; `None` when there is none.
fn read(path: &Path) -> Option<String> {
    match try_read(path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!("{} cannot be read, so the narrowest settings hold: {error}", path.display());
            Some(UNREADABLE.to_owned())
        }
    }
}

fn try_read(path: &Path) -> io::Result<Vec<u8>> {
    let not_blocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(not_blocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() {
        length if length > LONGEST_FILE => Err(io::Error::other(format!("it is larger than {LONGEST_FILE} bytes"))),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Facts, Mode, Rules};
    use std::os::unix::net::UnixListener;

    fn granted(text: &str) -> Grant {
        let action = Action::SetRules { to: ContentHash::of(text.as_bytes()), change: String::new() };
        Grant::obtain(Mode::ReadOnly, &Rules::default(), action, &Facts::user(), None).unwrap().0
    }

    #[test]
    fn rules_are_written_by_a_grant_for_them_and_in_place_of_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let write = |present, text: &str| write_approved_rules(granted(text), &config, present, text);
        write(None, "a").unwrap();
        assert_eq!(write(None, "b").unwrap_err().kind, FailureKind::Stale);
        let other = write_approved_rules(granted("a"), &config, Some("a"), "b").unwrap_err();
        assert_eq!(other.kind, FailureKind::Denied);
        assert_eq!(approved_rules(&config).as_deref(), Some("a"));
        let written = std::thread::scope(|scope| {
            let (write, scope) = (&write, &scope);
            let write = |number: usize| scope.spawn(move || write(Some("a"), &number.to_string()).is_ok());
            let all: Vec<_> = (0..8).map(write).collect();
            all.into_iter().map(|one| one.join().unwrap()).filter(|written| *written).count()
        });
        assert_eq!(written, 1, "of those that saw the same, one writes");
    }

    #[test]
    fn what_is_there_and_cannot_be_read_is_no_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(read(&at("none")), None);
        std::fs::write(at("good"), "x = 1").unwrap();
        assert_eq!(read(&at("good")).as_deref(), Some("x = 1"));
        std::fs::write(at("large"), vec![b' '; LONGEST_FILE + 1]).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for name in ["large", "socket", "loop", "pipe", ""] {
            assert_eq!(read(&at(name)).as_deref(), Some(UNREADABLE), "{name}");
        }
    }
}
