//! What is true of the machine and the user: gathered before planning, so that planning does no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::environment;
use super::plan::{PROTECTED, REVEALING, SECRETS, SYSTEM};

/// What is at a path of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A file or folder, by its path without links.
    Real(PathBuf),
    /// A symbolic link in the root folder, as `/bin` often is, and its target.
    Link(PathBuf),
}

/// The facts that a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The user.
    pub uid: u32,
    /// The user's first group.
    pub gid: u32,
    /// The user's home, links resolved; `/tmp` for a user who has none.
    pub home: PathBuf,
    /// The user's environment, as far as it is UTF-8.
    pub environment: BTreeMap<String, String>,
    /// Those of the paths a plan may show or hide that are there and that the user may open.
    pub seen: BTreeMap<PathBuf, Seen>,
    /// Those of them that their owner, or its group, alone may read.
    pub private: BTreeSet<PathBuf>,
}

impl Machine {
    /// Looks at this machine on behalf of a user with `environment`.
    #[must_use]
    pub fn survey(environment: &[(OsString, OsString)]) -> Self {
        let text = |value: &OsString| value.to_str().map(str::to_owned);
        let environment: BTreeMap<String, String> =
            environment.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        let home = home(environment.get("HOME").map(String::as_str));
        let mut seen: BTreeMap<PathBuf, Seen> =
            SYSTEM.iter().filter_map(|path| Some((PathBuf::from(path), look(Path::new(path))?))).collect();
        for path in PROTECTED.iter().map(PathBuf::from).chain(environment::tool_chains(&home, &environment)) {
            match path.canonicalize() {
                Ok(real) if !holds_token(&real) => drop(seen.insert(path, Seen::Real(real))),
                Ok(_) | Err(_) => {}
            }
        }
        let mut private = BTreeSet::new();
        for path in SECRETS.iter().chain(&REVEALING).map(PathBuf::from) {
            // Opened without reading, and without waiting for anyone who writes.
            let mut how = fs::OpenOptions::new();
            let opened = how.read(true).custom_flags(libc::O_NONBLOCK).open(&path).and_then(|file| file.metadata());
            let Ok(metadata) = opened else { continue };
            if metadata.mode() & 0o004 == 0 {
                private.insert(path.clone());
            }
            seen.insert(path.clone(), Seen::Real(path));
        }
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Self { uid, gid, home, environment, seen, private }
    }
}

/// Whether `path` is a file of settings with something like a password in it: settings of tool chains are shown, and some
/// people keep a registry's token there.
fn holds_token(path: &Path) -> bool {
    let settings = path.file_name().is_some_and(|name| name == "config.toml" || name == "config");
    if !settings || !path.is_file() {
        return false;
    }
    // What cannot be read as text cannot be judged.
    fs::read_to_string(path).map_or(true, |text| {
        let text = text.to_lowercase();
        let address = |line: &str| line.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
        ["token", "password", "secret"].iter().any(|word| text.contains(word)) || text.lines().any(address)
    })
}

/// The user's home, links resolved, by the `HOME` that was `named`.
pub(super) fn home(named: Option<&str>) -> PathBuf {
    let named = named.and_then(|home| Path::new(home).canonicalize().ok());
    named.filter(|home| home.parent().is_some()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn look(path: &Path) -> Option<Seen> {
    if let Ok(target) = path.read_link() {
        return Some(Seen::Link(target));
    }
    path.canonicalize().ok().map(Seen::Real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_with_a_password_in_them_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let holds = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            holds_token(&path)
        };
        assert!(!holds("config.toml", b"[build]\njobs = 2\n[source.x]\nregistry = \"https://host/index\""));
        assert!(holds("config.toml", b"[registry]\nTOKEN = \"x\""));
        assert!(holds("config", b"proxy = \"http://user:word@host\""));
        assert!(holds("config", b"\xff"));
        assert!(!holds("settings.toml", b"token = \"x\""));
    }
}
