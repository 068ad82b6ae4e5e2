//! What a runner keeps on disk: the outputs of earlier commands, and folders for writes that are too large for memory.
//! All of it is a cache: without it, or while it cannot be used, commands run as well, but cold.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::capture::Captured;
use super::disk::Folder;
use super::moment::Moment;
use super::outputs::{Harvest, Kept, Lease, Outputs};
use super::secrets::Found;
use super::writes::{DiskWrites, LARGE, Room, sweep};
use crate::ports::Refusal;
use crate::text::visible_line;
use crate::workspace::Root;

/// A place on disk, and what was found out about workspaces.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    folder: Option<PathBuf>,
    rooms: Mutex<HashMap<PathBuf, Room>>,
}

/// The outputs that one command is shown, and the place for its own.
#[derive(Debug)]
pub(super) struct Shown {
    path: PathBuf,
    began: Moment,
    /// Without it nothing is kept so far.
    kept: Option<(Outputs, Lease)>,
}

impl Shown {
    /// The folder to be shown over the workspace; `None` when nothing is kept.
    pub(super) fn layer(&self) -> Option<&Path> {
        self.kept.as_ref().map(|(_, lease)| lease.layer())
    }

    /// Bytes that are kept.
    fn bytes(&self) -> u64 {
        self.kept.as_ref().map_or(0, |(_, lease)| lease.bytes())
    }

    /// Ends the command: keeps the ignored part of what it wrote. Returns what could not be kept, and why, in one word
    /// whatever their number.
    pub(super) fn keep(
        self,
        written: &Folder,
        (disk, root): (&Folder, &Path),
        captured: &Captured,
        secrets: &Found,
    ) -> Option<Refusal> {
        if captured.outputs.is_empty() {
            return None;
        }
        let run = Harvest { written, disk, outputs: &captured.outputs, hidden: &secrets.hidden };
        let (path, began) = (self.path, self.began);
        let kept = match self.kept {
            Some((outputs, lease)) => outputs.harvest(lease, &run),
            None => Outputs::open(&path).and_then(|outputs| match outputs.begin_first(disk, root, began)? {
                Some(lease) => outputs.harvest(lease, &run),
                None => Ok(Kept::Busy),
            }),
        };
        match kept {
            Ok(Kept::Merged(left)) => named(&left, "an output that changed on disk meanwhile: not kept"),
            Ok(kept @ (Kept::Busy | Kept::TooLarge)) => named(&captured.outputs, &kept.to_string()),
            Err(error) => named(&captured.outputs, &format!("an output that cannot be kept: {error}")),
        }
    }
}

/// One note for all of them: a command names as many as it likes, as it likes.
fn named(paths: &[PathBuf], why: &str) -> Option<Refusal> {
    let first = visible_line(&paths.first()?.to_string_lossy());
    let name = match paths.len() {
        1 => first,
        count => format!("{first} and {} more", count - 1),
    };
    Some(Refusal::note(name, why))
}

impl Keeping {
    /// Keeps things below `folder`, a folder of the user's cache.
    pub(super) fn at(folder: PathBuf) -> Self {
        let writes = folder.join("writes");
        // What servers left that were killed. Nobody waits for it.
        drop(std::thread::Builder::new().name("sandbox-sweep".into()).spawn(move || drop(sweep(&writes))));
        Self { folder: Some(folder), rooms: Mutex::default() }
    }

    /// The outputs to be shown to a command that begins in the workspace `disk`.
    pub(super) fn begin(&self, root: &Root, disk: &Folder) -> Option<Shown> {
        let path = self.outputs(root)?;
        let kept = match Outputs::find(&path).ok()? {
            Some(outputs) => {
                let lease = outputs.begin(disk, root.as_path()).ok()??;
                Some((outputs, lease))
            }
            None => None,
        };
        Some(Shown { path, began: Moment::now().ok()?, kept })
    }

    fn outputs(&self, root: &Root) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("outputs").join(root.key()))
    }

    /// The folder that the next command is shown over the workspace, if there is one.
    pub(super) fn layer(&self, root: &Root) -> Option<PathBuf> {
        Outputs::find(&self.outputs(root)?).ok()?.map(|outputs| outputs.path_of_layer())
    }

    /// Where a command is to write. The workspace is looked at once, what is kept every time.
    pub(super) fn room(&self, root: &Path, disk: &Folder, secrets: &Found, shown: Option<&Shown>) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.is_none() {
            return Room::Memory;
        }
        let room = rooms.entry(root.to_path_buf()).or_insert_with(|| Room::for_outputs(disk, &secrets.outputs));
        if shown.is_some_and(|shown| shown.bytes() > LARGE) {
            *room = Room::Disk;
        }
        *room
    }

    /// What is known of where a command would write.
    pub(super) fn known_room(&self, root: &Path) -> Room {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.get(root).copied().unwrap_or(Room::Memory)
    }

    /// A command filled the memory for its writes: the next one writes to disk.
    pub(super) fn filled(&self, root: &Path) {
        if self.folder.is_some() {
            self.rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(root.to_path_buf(), Room::Disk);
        }
    }

    /// A folder for the writes of a sandbox; `None` when they go to memory.
    pub(super) fn writes(&self, room: Room) -> io::Result<Option<DiskWrites>> {
        match (room, &self.folder) {
            (Room::Disk, Some(folder)) => DiskWrites::new(&folder.join("writes")).map(Some),
            (Room::Memory, _) | (_, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_kept_is_told_in_one_harmless_line() {
        assert_eq!(named(&[], "not kept"), None);
        let paths: Vec<PathBuf> = (0..5_000).map(|number| PathBuf::from(format!("a\n\u{1b}[31m{number}"))).collect();
        let told = named(&paths, "not kept").unwrap();
        assert_eq!((told.path.as_str(), told.is_note()), ("a\u{240a}\u{241b}[31m0 and 4999 more", true));
        assert_eq!(named(&["out".into()], "not kept"), Some(Refusal::note("out", "not kept")));
    }
}
