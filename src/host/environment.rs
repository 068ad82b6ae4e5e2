//! What the process was started with.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::ports::Failure;

/// The environment variable `name`; an empty one counts as not set, as the XDG specification has it.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// All environment variables.
#[must_use]
pub fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The folder the process works in.
///
/// # Errors
/// When it was removed or may not be read.
pub fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::io("the current folder cannot be found", &error).hint("change to a folder that exists")
    })
}
