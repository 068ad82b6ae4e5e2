//! The files of settings and rules outside the workspace.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::folders::{OwnFolder, locate_folder};
use crate::config::LONGEST_FILE;

/// Where the administrator's file is.
const MACHINE: &str = "/etc/tagout/config.toml";
/// The user's file in the config folder.
const USER: &str = "config.toml";
/// The file for the rules that the user agreed to, in the config folder.
const APPROVED: &str = "approved.toml";

/// Stands for what is there and cannot be read. No TOML: whoever reads it says so, and the narrowest holds.
const UNREADABLE: &str = "unreadable settings";

/// The text of the administrator's file.
#[must_use]
pub fn machine_settings() -> Option<String> {
    read(Path::new(MACHINE))
}

/// The text of the user's file.
#[must_use]
pub fn user_settings() -> Option<String> {
    read(&locate_folder(OwnFolder::Config).ok()?.join(USER))
}

/// The text of the rules that the user agreed to.
#[must_use]
pub fn approved_rules() -> Option<String> {
    read(&locate_folder(OwnFolder::Config).ok()?.join(APPROVED))
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
    use std::os::unix::net::UnixListener;

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
