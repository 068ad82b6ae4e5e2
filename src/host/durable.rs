//! Getting what was written onto the disk: file by file for few, a file system at once for many.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::beneath::Beneath;

/// Whether changes outlive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They do.
    Durable,
    /// They outlive the end of the process, not of the machine: for folders that do not either, and to measure by.
    Unsynced,
}

/// From so many files on, one call for the whole file system is quicker than one for each file, although it also
/// writes what others left to be written.
const MANY: usize = 64;

/// File systems whose `syncfs` is known to write files and folders and to wait for the disk (their magic numbers are
/// in statfs(2)): ext4, xfs, btrfs, f2fs, bcachefs, tmpfs, overlayfs.
const WHOLE: [u64; 7] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0xca45_1a4e, 0x0102_1994, 0x794c_7630];

/// How one change gets onto the disk.
pub(super) enum Syncing {
    /// It need not.
    Not,
    /// Every file and folder by itself.
    Each,
    /// The file systems that these are on, opened before anything was written, so that they tell of every error
    /// since then.
    Whole(Vec<OwnedFd>),
}

impl Syncing {
    /// For so many `files` in `folders`, those that are not there yet excepted.
    pub(super) fn choose(
        durability: Durability,
        beneath: &Beneath,
        files: usize,
        folders: &BTreeSet<Option<&str>>,
    ) -> Self {
        match durability {
            Durability::Unsynced => Self::Not,
            Durability::Durable if files < MANY => Self::Each,
            Durability::Durable => whole(beneath, folders).map_or(Self::Each, Self::Whole),
        }
    }

    /// Whether each file is to be synchronised as it is written.
    pub(super) fn each(&self) -> bool {
        match self {
            Self::Each => true,
            Self::Not | Self::Whole(_) => false,
        }
    }

    /// Makes the names in `folders` durable, and with [`Syncing::Whole`] the files too.
    pub(super) fn folders(&self, beneath: &Beneath, folders: &BTreeSet<Option<&str>>) -> Result<(), Errno> {
        match self {
            Self::Not => Ok(()),
            Self::Each => folders.iter().try_for_each(|folder| synchronise(beneath, folder.unwrap_or("."))),
            Self::Whole(systems) => systems.iter().try_for_each(rustix::fs::syncfs),
        }
    }
}

/// One open folder on each file system; `None` when one is of an unknown sort or cannot be opened.
fn whole(beneath: &Beneath, folders: &BTreeSet<Option<&str>>) -> Option<Vec<OwnedFd>> {
    let (mut seen, mut systems) = (BTreeSet::new(), Vec::new());
    for folder in folders {
        let open = match beneath.readable_folder(folder.unwrap_or(".")) {
            // It will be made, on the file system of the folder above it, which is among these.
            Err(Errno::NOENT) => continue,
            open => open.ok()?,
        };
        if seen.insert(rustix::fs::fstat(&open).ok()?.st_dev) {
            let sort = u64::try_from(rustix::fs::fstatfs(&open).ok()?.f_type).ok()?;
            if !WHOLE.contains(&sort) {
                return None;
            }
            systems.push(open);
        }
    }
    Some(systems)
}

fn synchronise(beneath: &Beneath, folder: &str) -> Result<(), Errno> {
    match beneath.readable_folder(folder).and_then(rustix::fs::fsync) {
        // Some file systems do not synchronise folders, some folders may not be listed, and some are gone.
        Err(Errno::INVAL | Errno::ACCESS | Errno::NOENT) => Ok(()),
        done => done,
    }
}
