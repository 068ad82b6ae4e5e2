//! What the process was started with.

use std::ffi::OsString;

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
