//! Keeping what cannot go back to where it was, because something else is there now.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::beneath::{Found, look_in};
use super::journal::make_private;
use crate::workspace::RelativePath;

/// Characters of the path that the kept file's name ends in: a name has room for 255 bytes.
const LONGEST: usize = 60;

/// Copies `name` in `folder` durably below `to`, as what was at `path`; `None` when there is nothing. A link is kept as
/// a file that holds its target. What is kept stays until a person removes it.
pub(super) fn keep(
    folder: &OwnedFd,
    name: &str,
    to: &Path,
    index: usize,
    path: &RelativePath,
) -> Result<Option<PathBuf>, Errno> {
    let state = match look_in(folder, name, u64::MAX - 1)? {
        Found::Nothing => return Ok(None),
        Found::State(state) => state,
        Found::Large(_) | Found::Other(_) => return Err(Errno::INVAL),
    };
    make_private(to).map_err(|_| Errno::IO)?;
    let flat: String = path.as_str().chars().map(|letter| if letter == '/' { '%' } else { letter }).collect();
    let end: String = flat.chars().skip(flat.chars().count().saturating_sub(LONGEST)).collect();
    let at = to.join(format!("{index}-{end}"));
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    // Tried a second time after a crash, the first attempt may be there.
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&at).map_err(errno)?;
    file.write_all(&state.bytes).and_then(|()| file.sync_all()).map_err(errno)?;
    Ok(Some(at))
}
