//! tagout's own folders: cache (index), state (ledger, log), config (settings), data (keys).
//!
//! `TAGOUT_CACHE_DIR`, `TAGOUT_STATE_DIR`, `TAGOUT_CONFIG_DIR` and `TAGOUT_DATA_DIR` name them outright; else they are `tagout` below
//! the XDG base directories (specification 0.8), whose defaults lie below `HOME`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::environment::variable;
use crate::ports::{Failure, FailureKind, UserFolder};

/// One of tagout's own folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnFolder {
    /// What can be made again.
    Cache,
    /// What has to outlive everything: ledger, modes, changesets, log.
    State,
    /// The user's settings.
    Config,
    /// What proves that the state was not changed: keys.
    Data,
}

impl OwnFolder {
    /// The variable that names it, the XDG variable above it, and the default of that below `HOME`.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Cache => ("TAGOUT_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
            Self::State => ("TAGOUT_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
            Self::Config => ("TAGOUT_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
            Self::Data => ("TAGOUT_DATA_DIR", "XDG_DATA_HOME", ".local/share"),
        }
    }
}

/// Where `folder` is; it need not exist.
///
/// # Errors
/// `Unavailable` when neither the variables nor `HOME` say.
pub fn locate_folder(folder: OwnFolder) -> Result<PathBuf, Failure> {
    locate(folder, &variable)
}

/// Where the user's own folder for settings or data is, of which tagout's is a part; it need not exist.
///
/// # Errors
/// `Unavailable` when neither the XDG variable nor `HOME` says.
pub(super) fn user_folder(folder: UserFolder) -> Result<PathBuf, Failure> {
    let own = match folder {
        UserFolder::Config => OwnFolder::Config,
        UserFolder::Data => OwnFolder::Data,
    };
    let (_, base, default) = own.names();
    locate_base(base, default, &variable).ok_or_else(|| {
        Failure::new(FailureKind::Unavailable, format!("neither {base} nor HOME names a folder"))
            .hint(format!("set {base} to the folder that your editor uses"))
    })
}

/// The XDG base directory; the specification says to ignore one that is not absolute.
fn locate_base(base: &str, default: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(base).or_else(|| absolute("HOME").map(|home| home.join(default)))
}

fn locate(folder: OwnFolder, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let (own, base, default) = folder.names();
    if let Some(path) = variable(own).map(PathBuf::from) {
        return if path.is_absolute() {
            Ok(path)
        } else {
            let what = format!("{own} is \"{}\", which is not an absolute path", path.display());
            Err(Failure::new(FailureKind::Unavailable, what).hint("name the folder by its full path"))
        };
    }
    locate_base(base, default, variable).map(|path| path.join("tagout")).ok_or_else(|| {
        Failure::new(FailureKind::Unavailable, format!("neither {own}, {base} nor HOME names a folder"))
            .hint(format!("set {own} to a folder that tagout may use"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(folder: OwnFolder, set: &[(&str, &str)]) -> Result<PathBuf, Failure> {
        locate(folder, &|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_nearest_variable_wins() {
        let all = [("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("TAGOUT_CACHE_DIR", "/t")];
        assert_eq!(located(OwnFolder::Cache, &all).unwrap(), PathBuf::from("/t"));
        assert_eq!(located(OwnFolder::Cache, &all[..2]).unwrap(), PathBuf::from("/x/tagout"));
        assert_eq!(located(OwnFolder::Cache, &all[..1]).unwrap(), PathBuf::from("/h/.cache/tagout"));
        assert_eq!(located(OwnFolder::State, &all).unwrap(), PathBuf::from("/h/.local/state/tagout"));
    }

    #[test]
    fn a_relative_base_is_passed_over_and_a_relative_override_refused() {
        let set = [("HOME", "/h"), ("XDG_CONFIG_HOME", "x")];
        assert_eq!(located(OwnFolder::Config, &set).unwrap(), PathBuf::from("/h/.config/tagout"));
        assert_eq!(
            located(OwnFolder::Config, &[("TAGOUT_CONFIG_DIR", "x")]).unwrap_err().kind,
            FailureKind::Unavailable
        );
    }

    #[test]
    fn without_a_home_the_failure_says_what_to_set() {
        let failure = located(OwnFolder::State, &[]).unwrap_err();
        assert!(failure.to_string().contains("TAGOUT_STATE_DIR"), "{failure}");
    }
}
