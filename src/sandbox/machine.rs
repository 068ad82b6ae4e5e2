//! What is true of the machine and the user: gathered before planning, so that planning does no I/O.

use std::collections::BTreeMap;
use std::ffi::OsString;
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
    /// Those of the paths a plan may show or hide that are there.
    pub seen: BTreeMap<PathBuf, Seen>,
}

impl Machine {
    /// Looks at this machine on behalf of a user with `environment`.
    #[must_use]
    pub fn survey(environment: &[(OsString, OsString)]) -> Self {
        let text = |value: &OsString| value.to_str().map(str::to_owned);
        let environment: BTreeMap<String, String> =
            environment.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        let home = home(environment.get("HOME"));
        let mut seen: BTreeMap<PathBuf, Seen> =
            SYSTEM.iter().filter_map(|path| Some((PathBuf::from(path), look(Path::new(path))?))).collect();
        let fixed = SECRETS.iter().chain(&PROTECTED).chain(&REVEALING).map(PathBuf::from);
        for path in fixed.chain(environment::tool_chains(&home, &environment)) {
            if let Ok(real) = path.canonicalize() {
                seen.insert(path, Seen::Real(real));
            }
        }
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Self { uid, gid, home, environment, seen }
    }
}

fn home(named: Option<&String>) -> PathBuf {
    let named = named.and_then(|home| Path::new(home).canonicalize().ok());
    named.filter(|home| home.parent().is_some()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn look(path: &Path) -> Option<Seen> {
    if let Ok(target) = path.read_link() {
        return Some(Seen::Link(target));
    }
    path.canonicalize().ok().map(Seen::Real)
}
