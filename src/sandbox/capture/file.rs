//! One file on both sides: what becomes of it.

use super::super::disk::{Kind, LARGEST_FILE};
use super::super::links::stays_inside;
use super::super::meanwhile::{OnDisk, judge};
use super::{Entry, Place, Scan};
use crate::changes::FileChange;
use crate::workspace::{FileKind, FileState, RelativePath};

/// Most changed files that are handed on.
const MOST_CHANGES: usize = 20_000;
/// Most bytes of changed files, before and after, that are handed on.
const MOST_BYTES: u64 = 256 << 20;

impl Scan<'_> {
    /// Notes what becomes of a file or link; whether it may become that.
    pub(super) fn change(&mut self, place: &Place, entry: &Entry<'_>) -> bool {
        match self.judged(place, entry) {
            Ok(change) => {
                let states = change.iter().flat_map(|change| [&change.before, &change.after]).flatten();
                self.bytes += states.map(|state| state.bytes.len() as u64).sum::<u64>();
                self.found.changes.extend(change);
                true
            }
            Err(reason) => {
                self.refuse(&entry.path, reason);
                false
            }
        }
    }

    fn judged(&self, place: &Place, entry: &Entry<'_>) -> Result<Option<FileChange>, String> {
        let path = RelativePath::from_path(&entry.path).map_err(|error| error.to_string())?;
        if self.found.changes.len() >= MOST_CHANGES {
            return Err(format!("more than {MOST_CHANGES} files were changed"));
        }
        let size: u64 = [entry.written, entry.disk].iter().flatten().map(|seen| seen.size.min(LARGEST_FILE)).sum();
        if self.bytes + size > MOST_BYTES {
            return Err(format!("more than {} MiB were changed", MOST_BYTES >> 20));
        }
        let after = self.after(place, entry)?;
        let open = self.open.get(path.as_str()).copied();
        let (now, mut on_disk) = self.now(place, entry)?;
        // A file that was not open may have gone from the disk, or be new: it is new for sure only where no name has
        // come or gone meanwhile.
        if entry.disk.is_none() && open.map_or(place.standing.names == OnDisk::Changed, |open| open.saved) {
            on_disk = OnDisk::Changed;
        }
        let change = judge(after, now, on_disk, open)?;
        Ok(change.map(|(before, after)| FileChange { path, before, after }))
    }

    /// What the command leaves.
    fn after(&self, place: &Place, entry: &Entry<'_>) -> Result<Option<FileState>, String> {
        let (Some(folder), Some(seen)) = (&place.written, entry.written) else { return Ok(None) };
        if seen.kind == Kind::File && seen.mode & 0o400 == 0 {
            folder.unlock(entry.name, &seen).map_err(|error| format!("cannot be read: {error}"))?;
        }
        let (state, _) = folder.read(entry.name, &seen).map_err(|error| error.to_string())?;
        if state.kind == FileKind::Symlink && !stays_inside(&entry.path, &state.bytes, self.root) {
            return Err(format!("a link out of the workspace, to {}", state.bytes.escape_ascii()));
        }
        Ok(Some(state))
    }

    /// What is on disk.
    fn now(&self, place: &Place, entry: &Entry<'_>) -> Result<(Option<FileState>, OnDisk), String> {
        let (Some(folder), Some(seen)) = (&place.disk, entry.disk) else { return Ok((None, OnDisk::AsBefore)) };
        match seen.kind {
            Kind::Folder => return Ok((None, OnDisk::AsBefore)),
            Kind::Deletion | Kind::Special(_) => return Err("stands in the place of a device".into()),
            Kind::File | Kind::Link => {}
        }
        let (state, seen) = folder.read(entry.name, &seen).map_err(|error| format!("on disk: {error}"))?;
        let changed = place.standing.files == OnDisk::Changed || self.since.includes(seen.changed);
        Ok((Some(state), if changed { OnDisk::Changed } else { OnDisk::AsBefore }))
    }
}
