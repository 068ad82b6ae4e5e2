//! What commands leave in ignored folders (`target/`, `node_modules/`, `.venv/`), kept for the next command of the
//! same workspace, while the workspace itself and the diff stay free of it.
//!
//! It is kept as a layer that an overlay shows between the workspace and a command's own writes. After a command the
//! ignored part of its writes is merged into the layer; where both lie on one file system folders are moved, not
//! copied.
//!
//! Whatever a command plants in the layer is only ever seen by other sandboxed commands of the same workspace. These
//! may have leave for hosts that it had none for, or hold an unsaved text that it could not see: what it plants is
//! executed with their powers, as a package is that an earlier command installed. tagout itself follows no link in it
//! and executes nothing of it; devices, pipes and set-id files are left out. Links may point anywhere, as those of a virtual environment do:
//! they are followed inside sandboxes alone, where they reach what any command could name. A secret that a command
//! writes to an ignored file is a matter between the commands of one workspace.
//!
//! The layer is a cache and never worth a doubt: after an interrupted merge, beyond its size or age it is thrown
//! away. An output of which the host has made a newer version, as far as a look at its first two levels tells, that is no longer ignored, or whose folder is gone,
//! is dropped from it.

mod harvest;
mod record;
#[cfg(test)]
pub(super) mod tests;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use self::record::Record;
use super::disk::Folder;
use super::ignored::Ignored;
use super::moment::Moment;
use super::tree::Trash;

pub(super) use self::harvest::{Harvest, Kept};

/// Most bytes that a layer holds; counted upwards only, until it is thrown away.
const MOST_BYTES: u64 = 8 << 30;
/// Most files, folders and links that a layer holds.
const MOST_ENTRIES: u64 = 1_000_000;
/// How long a layer is kept that nothing was merged into.
const AGE: Duration = Duration::from_secs(14 * 24 * 3_600);
/// How long another process's merge is waited for, in steps.
const PATIENCE: (u32, Duration) = (100, Duration::from_millis(20));

const LAYER: &str = "layer";
const TRASH: &str = "trash";
const LOCK: &str = "lock";
const UNFINISHED: &str = "unfinished";

/// The kept outputs of one workspace.
#[derive(Debug)]
pub(super) struct Outputs {
    path: PathBuf,
    folder: Folder,
}

/// Leave to show the layer to one command. Nothing is merged into it while another has one.
#[derive(Debug)]
pub(super) struct Lease {
    lock: Flock<File>,
    record: Record,
    began: Moment,
    layer: PathBuf,
}

impl Lease {
    /// The layer. Mounted as a lower layer of an overlay, above the workspace.
    pub(super) fn layer(&self) -> &Path {
        &self.layer
    }

    /// Bytes that were merged into it.
    pub(super) fn bytes(&self) -> u64 {
        self.record.bytes
    }
}

impl Outputs {
    /// The outputs kept in `path`, a folder of the user's cache, made if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(found) = Self::find(path)? {
            return Ok(found);
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::find(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The outputs kept in `path`, if it is there.
    pub(super) fn find(path: &Path) -> io::Result<Option<Self>> {
        let folder = match Folder::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            folder => folder?,
        };
        folder.make(OsStr::new(LAYER))?;
        Ok(Some(Self { path: path.to_path_buf(), folder }))
    }

    /// The folder that is shown.
    pub(super) fn path_of_layer(&self) -> PathBuf {
        self.path.join(LAYER)
    }

    /// Begins a command over the workspace `disk` at `root`: drops what must not be shown to it. `None` when another
    /// process keeps changing the layer, so that the command has to do without.
    pub(super) fn begin(&self, disk: &Folder, root: &Path) -> io::Result<Option<Lease>> {
        let Some(lock) = self.lock(FlockArg::LockSharedNonblock)? else { return Ok(None) };
        let mut record = Record::read(&self.folder)?;
        let unfinished = self.folder.look(OsStr::new(UNFINISHED))?.is_some();
        let stale = record.stale(disk, &mut Ignored::new(root));
        let whole =
            unfinished || record.bytes > MOST_BYTES || record.entries > MOST_ENTRIES || record.is_older_than(AGE)?;
        if whole || !stale.is_empty() {
            let Some(()) = relock(&lock, FlockArg::LockExclusiveNonblock)? else { return Ok(None) };
            record = if whole { self.throw_away()? } else { self.drop_from_layer(record, &stale)? };
            let Some(()) = relock(&lock, FlockArg::LockSharedNonblock)? else { return Ok(None) };
        }
        Ok(Some(Lease { lock, record, began: Moment::now()?, layer: self.path_of_layer() }))
    }

    /// Begins, afterwards, for a command that `began` when nothing was kept. `None` when something is by now, which it
    /// was not shown.
    pub(super) fn begin_first(&self, disk: &Folder, root: &Path, began: Moment) -> io::Result<Option<Lease>> {
        let lease = self.begin(disk, root)?.filter(|lease| lease.record.tops.is_empty());
        Ok(lease.map(|lease| Lease { began, ..lease }))
    }

    fn lock(&self, how: FlockArg) -> io::Result<Option<Flock<File>>> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.path.join(LOCK))?;
        for _ in 0..PATIENCE.0 {
            match Flock::lock(file, how) {
                Ok(lock) => return Ok(Some(lock)),
                Err((same, Errno::EWOULDBLOCK)) => file = same,
                Err((_, error)) => return Err(error.into()),
            }
            std::thread::sleep(PATIENCE.1);
        }
        Ok(None)
    }

    fn layer(&self) -> io::Result<Folder> {
        self.folder.make(OsStr::new(LAYER))
    }

    /// A new place for what is taken out of the layer.
    fn trash(&self) -> io::Result<Trash> {
        let folder = tempfile::Builder::new().prefix(TRASH).tempdir_in(&self.path)?;
        Ok(Trash::new(Folder::open(&folder.keep())?))
    }

    /// Empties the layer. Its top folder stays the same one, since sandboxes that wait for a command show it already.
    fn throw_away(&self) -> io::Result<Record> {
        self.mark_unfinished()?;
        let (layer, mut trash) = (self.layer()?, self.trash()?);
        for name in layer.names()? {
            trash.take(&layer, &name)?;
        }
        let record = Record::default();
        self.finish(&record, trash)?;
        Ok(record)
    }

    fn drop_from_layer(&self, mut record: Record, stale: &[PathBuf]) -> io::Result<Record> {
        self.mark_unfinished()?;
        let (layer, mut trash) = (self.layer()?, self.trash()?);
        for path in stale {
            record.tops.remove(path);
            harvest::drop_top(&layer, path, &mut trash)?;
        }
        self.finish(&record, trash)?;
        Ok(record)
    }

    fn mark_unfinished(&self) -> io::Result<()> {
        fs::write(self.path.join(UNFINISHED), "")
    }

    /// What was changed holds from here on; what was taken out is removed while others go on.
    fn finish(&self, record: &Record, trash: Trash) -> io::Result<()> {
        record.write(&self.path)?;
        fs::remove_file(self.path.join(UNFINISHED))?;
        drop(trash);
        let path = self.path.clone();
        // What an end of the process leaves is removed the next time.
        std::thread::spawn(move || drop(sweep(&path)));
        Ok(())
    }
}

/// Removes what was taken out of the layer, by this process or an earlier one.
fn sweep(path: &Path) -> io::Result<()> {
    let folder = Folder::open(path)?;
    for name in folder.names()? {
        if !name.as_encoded_bytes().starts_with(TRASH.as_bytes()) {
            continue;
        }
        if let Some(trash) = folder.below(Path::new(&name))? {
            Trash::new(trash).empty()?;
        }
        fs::remove_dir(path.join(name))?;
    }
    Ok(())
}

/// Changes a lock; `None` when another process has one that stands against it.
fn relock(lock: &Flock<File>, how: FlockArg) -> io::Result<Option<()>> {
    match lock.relock(how) {
        Ok(()) => Ok(Some(())),
        Err(Errno::EWOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
