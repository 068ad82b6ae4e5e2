//! What is written down about a layer: which outputs are in it, and what the host had in their place.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::disk::{Folder, Kind, Seen};
use super::super::ignored::Ignored;
use super::super::moment::{Moment, Stamp};
use crate::workspace::ContentHash;

const FILE: &str = "record.json";
/// A record of another version is read as none.
const VERSION: u32 = 1;
/// Most entries of an output of the host that are looked at.
const MOST_LOOKS: usize = 1_000;

/// The state of a layer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The outputs in the layer, with what the host had in their place when they were merged.
    pub(super) tops: BTreeMap<PathBuf, ContentHash>,
    /// Bytes that were merged into it.
    pub(super) bytes: u64,
    /// Files, folders and links that were merged into it.
    pub(super) entries: u64,
    #[serde(skip)]
    written: Option<Stamp>,
}

impl Record {
    /// Reads the record in `folder`; an empty one when there is none that can be read.
    pub(super) fn read(folder: &Folder) -> io::Result<Self> {
        let Some(seen) = folder.look(OsStr::new(FILE))? else { return Ok(Self::default()) };
        let text = folder.beginning(Path::new(FILE), seen.size).map_err(io::Error::other)?;
        let read = serde_json::from_slice(&text).ok().filter(|record: &Self| record.version == VERSION);
        // The layer that it was about is of no use then: its size makes it be thrown away.
        Ok(Self { written: Some(seen.modified), ..read.unwrap_or(Self { bytes: u64::MAX, ..Self::default() }) })
    }

    /// Writes the record into the folder at `path`, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let file = tempfile::NamedTempFile::new_in(path)?;
        serde_json::to_writer(&file, &Self { version: VERSION, tops: self.tops.clone(), ..*self })?;
        file.persist(path.join(FILE))?;
        Ok(())
    }

    /// Whether nothing was merged for longer than `age`.
    pub(super) fn is_older_than(&self, age: Duration) -> io::Result<bool> {
        let Some(written) = self.written else { return Ok(false) };
        Ok(written < Moment::now()?.stamp().before(age))
    }

    /// The outputs that must not be shown over the workspace `disk` any more: the host has other ones now, nothing
    /// ignores them, or the folder that they are in is gone.
    pub(super) fn stale(&self, disk: &Folder, ignored: &mut Ignored) -> Vec<PathBuf> {
        let mut stale = Vec::new();
        for (path, hash) in &self.tops {
            let host = fingerprint(disk, path).unwrap_or(None);
            let same = host.is_some_and(|host| host.hash == *hash);
            if !same || !ignored.is_within_ignored(path) {
                stale.push(path.clone());
            }
        }
        stale
    }
}

/// What the host has in the place of an output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Stands for the stamps of the first entries of the first two levels.
    pub(super) hash: ContentHash,
    /// The latest of them; `None` when there is nothing.
    pub(super) newest: Option<Stamp>,
}

/// Looks at what `disk` has at `path`, two levels deep and at no more than [`MOST_LOOKS`] entries: enough to see that a
/// build ran or packages were installed, since these touch something up there; a file written deeper is not seen.
/// `None` when not even its folder is there.
pub(super) fn fingerprint(disk: &Folder, path: &Path) -> io::Result<Option<Fingerprint>> {
    let Some(above) = disk.below(path.parent().unwrap_or(Path::new("")))? else { return Ok(None) };
    let name = path.file_name().unwrap_or_default();
    let (mut seen, mut levels) = (Vec::new(), vec![(above, vec![name.to_owned()])]);
    for level in 0..3 {
        let mut below = Vec::new();
        for (folder, names) in std::mem::take(&mut levels) {
            for name in names {
                let Some(look) = folder.look(&name)?.filter(|_| seen.len() < MOST_LOOKS) else { continue };
                if look.kind == Kind::Folder && level < 2 {
                    below.extend(opened(&folder, &name)?);
                }
                seen.push((name, look));
            }
        }
        levels = below;
    }
    let newest = seen.iter().map(|(_, look)| look.changed).max();
    Ok(Some(Fingerprint { hash: hash(&seen), newest }))
}

fn opened(folder: &Folder, name: &OsStr) -> io::Result<Option<(Folder, Vec<OsString>)>> {
    let Some(inner) = folder.below(Path::new(name))? else { return Ok(None) };
    let mut names = inner.names()?;
    names.sort();
    Ok(Some((inner, names)))
}

fn hash(seen: &[(OsString, Seen)]) -> ContentHash {
    let text: String =
        seen.iter().map(|(name, look)| format!("{name:?} {:?} {:?}\n", look.inode, look.changed)).collect();
    ContentHash::of(text.as_bytes())
}
