//! What a runner keeps on disk: the outputs of earlier commands, and folders for writes that are too large for memory.
//! All of it is a cache: without it, or while it cannot be used, commands run as well, but cold.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::capture::Captured;
use super::disk::Folder;
use super::outputs::{Harvest, Kept, Lease, Outputs};
use super::secrets::Found;
use super::writes::{DiskWrites, LARGE, Room, sweep};
use crate::workspace::Root;

/// A place on disk, and what was found out about workspaces.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    folder: Option<PathBuf>,
    rooms: Mutex<HashMap<PathBuf, Room>>,
}

/// The outputs that one command is shown.
#[derive(Debug)]
pub(super) struct Shown {
    outputs: Outputs,
    lease: Lease,
}

impl Shown {
    /// The folder to be shown over the workspace.
    pub(super) fn layer(&self) -> &Path {
        self.lease.layer()
    }

    /// Ends the command: keeps the ignored part of what it wrote. Returns what could not be kept, and why.
    pub(super) fn keep(
        self,
        written: &Folder,
        disk: &Folder,
        captured: &Captured,
        secrets: &Found,
    ) -> Vec<(String, String)> {
        let run = Harvest { written, disk, outputs: &captured.outputs, hidden: &secrets.hidden };
        let named = |paths: &[PathBuf], reason: &str| {
            paths.iter().map(|path| (path.to_string_lossy().into_owned(), reason.to_owned())).collect()
        };
        match self.outputs.harvest(self.lease, &run) {
            Ok(Kept::Merged(left)) => named(&left, "an output that changed on disk meanwhile: not kept"),
            Ok(kept @ (Kept::Busy | Kept::TooLarge)) => named(&captured.outputs, &kept.to_string()),
            Err(error) => named(&captured.outputs, &format!("an output that cannot be kept: {error}")),
        }
    }
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
        let path = self.folder.as_ref()?.join("outputs").join(root.key());
        let outputs = Outputs::open(&path).ok()?;
        let lease = outputs.begin(disk, root.as_path()).ok()??;
        Some(Shown { outputs, lease })
    }

    /// Where a command is to write. The workspace is looked at once, what is kept every time.
    pub(super) fn room(&self, root: &Path, disk: &Folder, secrets: &Found, shown: Option<&Shown>) -> Room {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if self.folder.is_none() {
            return Room::Memory;
        }
        let room = rooms.entry(root.to_path_buf()).or_insert_with(|| Room::for_outputs(disk, &secrets.outputs));
        if shown.is_some_and(|shown| shown.lease.bytes() > LARGE) {
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
