//! Merging the ignored part of a command's writes into the layer.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::fcntl::FlockArg;
use nix::sys::stat::fstat;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::super::descent::Descent;
use super::super::disk::{Folder, Kind, Seen};
use super::super::moment::Since;
use super::super::tree::{Copier, Size, Trash, clean};
use super::record::{Record, fingerprint};
use super::{Lease, Outputs, relock};
use crate::workspace::RelativePath;

/// Most bytes that are copied from memory to the layer.
const MOST_COPIED: u64 = 1 << 30;

/// What is to be merged.
pub(in super::super) struct Harvest<'a> {
    /// What a command wrote. Folders are moved out of it where it lies on the layer's file system, in the same mount.
    pub(in super::super) written: &'a Folder,
    /// The workspace.
    pub(in super::super) disk: &'a Folder,
    /// Its ignored part.
    pub(in super::super) outputs: &'a [PathBuf],
    /// Secrets that were hidden: neither their absence nor what was written in their place is kept.
    pub(in super::super) hidden: &'a BTreeSet<RelativePath>,
}

/// What became of a command's outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Kept {
    /// They were merged, but for those named.
    Merged(Vec<PathBuf>),
    /// Another command of the workspace ran at the same time.
    Busy,
    /// They are too large to be copied out of memory.
    TooLarge,
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merged(left) if left.is_empty() => write!(out, "ignored outputs are kept for the next command"),
            Self::Merged(left) => {
                write!(out, "{} ignored outputs changed on disk meanwhile and are not kept", left.len())
            }
            Self::Busy => write!(
                out,
                "ignored outputs are not kept, since another command of this workspace ran at the same time"
            ),
            Self::TooLarge => {
                write!(out, "ignored outputs of more than {} MiB in memory are not kept", MOST_COPIED >> 20)
            }
        }
    }
}

impl Outputs {
    /// Ends a command: merges the ignored part of its writes into the layer.
    pub(in super::super) fn harvest(&self, lease: Lease, run: &Harvest<'_>) -> io::Result<Kept> {
        let Lease { lock, mut record, began, .. } = lease;
        if run.outputs.is_empty() {
            return Ok(Kept::Merged(Vec::new()));
        }
        if relock(&lock, FlockArg::LockExclusiveNonblock)?.is_none() {
            return Ok(Kept::Busy);
        }
        let layer = self.layer()?;
        let copier = (fstat(run.written)?.st_dev != fstat(&layer)?.st_dev).then(|| Copier::of_at_most(MOST_COPIED));
        let size = run.prepare()?;
        if copier.is_some() && size.bytes > MOST_COPIED {
            return Ok(Kept::TooLarge);
        }
        self.mark_unfinished()?;
        record.bytes += size.bytes;
        record.entries += size.entries;
        let mut merge = Merge { run, layer, trash: self.trash()?, copier, since: began.until_now()? };
        let mut left = Vec::new();
        for path in run.outputs {
            if !merge.top(path, &mut record)? {
                left.push(path.clone());
            }
        }
        self.finish(&record, merge.trash)?;
        Ok(Kept::Merged(left))
    }
}

impl Harvest<'_> {
    /// Takes out what must not be kept, and measures the rest.
    fn prepare(&self) -> io::Result<Size> {
        let mut size = Size::default();
        for path in self.outputs {
            let found = clean(self.written, path)?;
            size.bytes += found.bytes;
            size.entries += found.entries;
        }
        let outputs: HashSet<&Path> = self.outputs.iter().map(PathBuf::as_path).collect();
        for hidden in self.hidden.iter().map(|hidden| Path::new(hidden.as_str())) {
            if hidden.ancestors().any(|above| outputs.contains(above)) {
                self.forget(hidden)?;
            }
        }
        Ok(size)
    }

    /// Takes out what stands in the place of a secret, whatever it is.
    fn forget(&self, path: &Path) -> io::Result<()> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let Some(folder) = self.written.below(above)? else { return Ok(()) };
        let remove = |how| Ok(unlinkat(&folder, name, how)?);
        match folder.look(name)? {
            None => Ok(()),
            Some(Seen { kind: Kind::Folder, .. }) => {
                Trash::new(folder.make(name)?).empty()?;
                remove(UnlinkatFlags::RemoveDir)
            }
            Some(_) => remove(UnlinkatFlags::NoRemoveDir),
        }
    }
}

/// Whether the host's folder shows through the layer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    /// It does.
    Shows,
    /// The layer's replaces it.
    Covered,
}

/// A merge under way.
struct Merge<'a> {
    run: &'a Harvest<'a>,
    layer: Folder,
    trash: Trash,
    copier: Option<Copier>,
    since: Since,
}

impl Merge<'_> {
    /// Merges one output; whether it was kept. One that cannot be is not in the layer afterwards.
    fn top(&mut self, path: &Path, record: &mut Record) -> io::Result<bool> {
        let host = fingerprint(self.run.disk, path).unwrap_or(None);
        // What the host made meanwhile was made without knowing what the command made.
        let host = host.filter(|host| !host.newest.is_some_and(|newest| self.since.includes(newest)));
        let merged = match host {
            Some(host) => self.merge(path)?.then_some(host.hash),
            None => None,
        };
        match merged {
            Some(host) => {
                record.tops.insert(path.to_path_buf(), host);
                self.dress(path)?;
                Ok(true)
            }
            None => {
                record.tops.remove(path);
                drop_top(&self.layer, path, &mut self.trash)?;
                Ok(false)
            }
        }
    }

    /// Merges the tree at `path`; whether there was a place for it.
    fn merge(&mut self, path: &Path) -> io::Result<bool> {
        let (above, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
        let mut parents: Vec<&Path> = above.ancestors().filter(|path| !path.as_os_str().is_empty()).collect();
        parents.reverse();
        for parent in parents {
            let Some(folder) = self.layer.below(parent.parent().unwrap_or(Path::new("")))? else { return Ok(false) };
            folder.make(parent.file_name().unwrap_or_default())?;
        }
        let go_on = |name: &OsStr, host| (name.to_owned(), host);
        let first = self.entry(above, name, Host::Shows)?.then(|| go_on(name, Host::Shows));
        let mut descent = Descent::new(above.to_path_buf(), first.into_iter().collect());
        while let Some((path, host)) = descent.next() {
            let opaque = self.layer.below(&path)?.is_some_and(|folder| folder.is_opaque());
            let host = if opaque { Host::Covered } else { host };
            let names = self.run.written.below(&path)?.map_or_else(|| Ok(Vec::new()), |folder| folder.names())?;
            let mut folders = Vec::new();
            for name in names {
                if self.entry(&path, &name, host)? {
                    folders.push(go_on(&name, host));
                }
            }
            descent.enter(path, folders);
        }
        Ok(true)
    }

    /// Merges one entry; whether it is a folder on both sides, whose entries are still to be merged.
    fn entry(&mut self, path: &Path, name: &OsStr, host: Host) -> io::Result<bool> {
        let (Some(from), Some(to)) = (self.run.written.below(path)?, self.layer.below(path)?) else { return Ok(false) };
        let Some(written) = from.look(name)? else { return Ok(false) };
        let kept = to.look(name)?;
        match written.kind {
            Kind::Special(_) => {}
            Kind::File if written.mode & 0o6000 != 0 => {}
            Kind::Deletion => {
                self.trash.take(&to, name)?;
                let below = self.run.disk.below(path)?.map_or(Ok(None), |folder| folder.look(name))?;
                // A mark over nothing would be listed as a file.
                if host == Host::Shows && below.is_some() {
                    to.mark_deleted(name)?;
                }
            }
            Kind::Folder if kept.is_some_and(|kept| kept.kind == Kind::Folder) && !is_opaque(&from, name)? => {
                return Ok(true);
            }
            Kind::Folder | Kind::File | Kind::Link => {
                self.trash.take(&to, name)?;
                match &mut self.copier {
                    Some(copier) => copier.copy(self.run.written, &self.layer, &path.join(name))?,
                    None => from.move_to(name, &to, name)?,
                }
                // What was deleted from the layer, or a file in it, does not let a folder of the host show again.
                if written.kind == Kind::Folder && kept.is_some_and(|kept| kept.kind != Kind::Folder) {
                    to.make(name)?.make_opaque()?;
                }
            }
        }
        Ok(false)
    }

    /// An overlay shows the top one of folders that lie over each other: the layer's look like the workspace's.
    fn dress(&self, path: &Path) -> io::Result<()> {
        for parent in path.ancestors().skip(1) {
            let disk = self.run.disk.below(parent)?;
            if let (Some(disk), Some(layer), Some(written)) =
                (disk, self.layer.below(parent)?, self.run.written.below(parent)?)
            {
                layer.take_after(&disk, &written)?;
            }
        }
        Ok(())
    }
}

fn is_opaque(folder: &Folder, name: &OsStr) -> io::Result<bool> {
    Ok(folder.below(Path::new(name))?.is_some_and(|inner| inner.is_opaque()))
}

/// Takes an output out of the layer, with the folders that are empty without it.
pub(super) fn drop_top(layer: &Folder, path: &Path, trash: &mut Trash) -> io::Result<()> {
    let mut path = path;
    let mut first = true;
    while let (Some(above), Some(name)) = (path.parent(), path.file_name()) {
        let Some(folder) = layer.below(above)? else { return Ok(()) };
        if std::mem::take(&mut first) {
            trash.take(&folder, name)?;
        } else if unlinkat(folder.as_fd(), name, UnlinkatFlags::RemoveDir).is_err() {
            // Something else is in it.
            return Ok(());
        }
        path = above;
    }
    Ok(())
}
