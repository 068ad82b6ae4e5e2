//! Pages for people, outside every workspace: diffs, output, the log.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::folders::{OwnFolder, locate_folder};
use crate::ports::Failure;

/// Name of the user's settings file in the config folder.
const USER_SETTINGS: &str = "config.toml";

/// Writes `text` as `name` in `folder`, in the place of an earlier page of that name, readable for the user alone.
///
/// # Errors
/// When the folder cannot be made or the page not written.
pub fn write_page(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let write = || {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut page = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        page.write_all(text.as_bytes())
    };
    write().map_err(|error| Failure::io(path.display(), &error).hint("make room, or set TAGOUT_CACHE_DIR"))?;
    Ok(path)
}

/// The text of the user's settings file; `None` when there is none or it cannot be read.
#[must_use]
pub fn user_settings() -> Option<String> {
    let path = locate_folder(OwnFolder::Config).ok()?.join(USER_SETTINGS);
    match fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!("{} cannot be read, so the narrowest settings hold: {error}", path.display());
            // Not TOML: resolving it says so and fails closed.
            Some("unreadable settings".to_owned())
        }
    }
}
