//! Pages for people, outside every workspace: diffs, output, the log.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::ports::Failure;

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
