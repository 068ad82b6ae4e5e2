//! The index folder as files: what the table consists of, whether it is still what was written, and what to do if not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::{JOURNAL, MANIFEST};
use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind};

/// Name of the folder that LanceDB keeps the table in.
pub(super) const TABLE_FOLDER: &str = "chunks.lance";
/// Name of the file whose lock says who writes.
pub(super) const LOCK: &str = "lock";
/// Name of the file that says: something was read that was never written.
pub(super) const SUSPECT: &str = "suspect";
/// Name of the file that the catalogue is kept in.
pub(super) const CATALOGUE: &str = "catalogue";

/// Name of the file that the note is kept in.
pub(super) const NOTE: &str = "note";

/// The parts of a table folder that must not change once written.
const LASTING: &[&str] = &["_versions", "data", "_deletions"];
/// Of a longer file only this many bytes at each end are hashed: LanceDB keeps what says where things are at the end,
/// and the rows have checksums of their own.
const HASHED_END: u64 = 32 * 1024;
/// A table folder deeper than this is none of LanceDB's.
const DEEPEST: usize = 6;

/// What a file must look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Bytes.
    pub(super) size: u64,
    /// BLAKE3 of the content, or of both ends of a long one.
    pub(super) hash: [u8; 32],
}

impl Mark {
    /// The mark of the file at `path` as it is now.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut hasher = blake3::Hasher::new();
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(2 * HASHED_END).read_to_end(&mut bytes)?;
        if size > 2 * HASHED_END {
            bytes.truncate(usize::try_from(HASHED_END).unwrap_or_default());
            file.seek(SeekFrom::Start(size - HASHED_END))?;
            Read::by_ref(&mut file).take(HASHED_END).read_to_end(&mut bytes)?;
        }
        hasher.update(&bytes);
        Ok(Self { size, hash: *hasher.finalize().as_bytes() })
    }
}

/// What tells that a file is another one than before, for manifest and journal: inode, bytes, modification time.
pub(super) type Stamp = [Option<(u64, u64, i64, i64)>; 2];

/// The stamp of what is in `folder` now.
pub(super) fn stamp(folder: &Path) -> Stamp {
    [MANIFEST, JOURNAL].map(|name| {
        let data = std::fs::metadata(folder.join(name)).ok()?;
        Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
    })
}

/// The files in `folder`'s table that must stay as they are, as paths below the table's folder, in order.
pub(super) fn lasting_files(folder: &Path) -> Result<Vec<String>, Failure> {
    let table = folder.join(TABLE_FOLDER);
    let mut found = Vec::new();
    let mut open: Vec<(String, usize)> = LASTING.iter().map(|part| ((*part).to_owned(), 1)).collect();
    while let Some((below, depth)) = open.pop() {
        let at = table.join(&below);
        let entries = match std::fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::io(at.display(), &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Failure::io(at.display(), &error))?;
            let kind = entry.file_type().map_err(|error| Failure::io(at.display(), &error))?;
            let path = format!("{below}/{}", entry.file_name().to_string_lossy());
            if kind.is_dir() && depth < DEEPEST {
                open.push((path, depth + 1));
            } else if kind.is_file() && !path.ends_with(".json") && !path.ends_with(".tmp") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The marks of the files that are not in `known` yet.
pub(super) fn mark_new(folder: &Path, known: &BTreeMap<String, Mark>) -> Result<BTreeMap<String, Mark>, Failure> {
    let mut marks = BTreeMap::new();
    for below in lasting_files(folder)? {
        if !known.contains_key(&below) {
            let path = folder.join(TABLE_FOLDER).join(&below);
            let mark = Mark::of(&path).map_err(|error| Failure::io(path.display(), &error))?;
            marks.insert(below, mark);
        }
    }
    Ok(marks)
}

/// Waits until all files of the table and their names are on the disk.
pub(super) fn sync_table(folder: &Path) -> Result<(), Failure> {
    let table = folder.join(TABLE_FOLDER);
    let mut folders = std::collections::BTreeSet::from([table.clone()]);
    for below in lasting_files(folder)? {
        let path = table.join(&below);
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::io(path.display(), &error))?;
        folders.extend(path.ancestors().skip(1).take_while(|at| at.starts_with(&table)).map(Path::to_owned));
    }
    for at in folders {
        sync_folder(&at).map_err(|error| Failure::io(at.display(), &error))?;
    }
    Ok(())
}

/// The first file that is not as its mark says, with what is wrong.
pub(super) fn first_damaged(
    folder: &Path,
    marks: &BTreeMap<String, Mark>,
    missing: Missing,
) -> Result<Option<String>, Failure> {
    for (below, expected) in marks {
        let path = folder.join(TABLE_FOLDER).join(below);
        match Mark::of(&path) {
            Ok(mark) if mark == *expected => {}
            Ok(mark) if mark.size != expected.size => {
                return Ok(Some(format!("{below} has {} bytes instead of {}", mark.size, expected.size)));
            }
            Ok(_) => return Ok(Some(format!("{below} does not match its checksum"))),
            Err(error) if error.kind() == ErrorKind::NotFound => match missing {
                Missing::IsFine => {}
                Missing::IsDamage => return Ok(Some(format!("{below} is missing"))),
            },
            Err(error) => return Err(Failure::io(path.display(), &error)),
        }
    }
    Ok(None)
}

/// What a missing file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The index is damaged.
    IsDamage,
    /// Old files were being deleted.
    IsFine,
}

/// Deletes the commits of LanceDB that the manifest does not know: they were cut short, and it goes by the newest it sees.
pub(super) fn forget_unknown_commits(folder: &Path, known: &BTreeMap<String, Mark>) -> Result<usize, Failure> {
    let versions = folder.join(TABLE_FOLDER).join("_versions");
    let mut forgotten = 0;
    for below in lasting_files(folder)? {
        if below.starts_with("_versions/") && !known.contains_key(&below) {
            let path = folder.join(TABLE_FOLDER).join(&below);
            std::fs::remove_file(&path).map_err(|error| Failure::io(path.display(), &error))?;
            forgotten += 1;
        }
    }
    for entry in std::fs::read_dir(&versions).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "json") {
            // A hint at the newest version; LanceDB lists the folder where there is none.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(forgotten)
}

/// Moves everything but the lock into `damaged-<n>`, the only such folder afterwards.
pub(super) fn set_aside(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::io(folder.display(), &error).hint("delete this folder: everything in it can be made again")
    };
    let mut older = Vec::new();
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        match name.to_str().and_then(|name| name.strip_prefix("damaged-")).and_then(|number| number.parse::<u64>().ok())
        {
            Some(number) => older.push(number),
            None if name == LOCK => {}
            None => inside.push(name),
        }
    }
    let number = older.iter().max().map_or(1, |newest| newest.saturating_add(1));
    let aside = folder.join(format!("damaged-{number}"));
    std::fs::create_dir(&aside).map_err(failed)?;
    for name in inside {
        std::fs::rename(folder.join(&name), aside.join(&name)).map_err(failed)?;
    }
    for number in older {
        std::fs::remove_dir_all(folder.join(format!("damaged-{number}"))).map_err(failed)?;
    }
    Ok(())
}

/// Leaves word that something was read that was never written, so that the next open begins anew.
pub(super) fn leave_suspicion(folder: &Path, what: &str) {
    // Should even this fail, the checksums find the damage again at the next read.
    let _ = std::fs::write(folder.join(SUSPECT), what);
}

/// The content of a file, if there is one.
pub(super) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(path.display(), &error)),
    }
}

/// Puts a file in the place of what has its name. Nothing is synced: a reader finds out by itself whether it is whole.
pub(super) fn replace_unsynced(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let beside = folder.join(format!("{name}.new"));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, folder.join(name)));
    written.map_err(|error| {
        // A full disk must not be filled further by what is of no use.
        let _ = std::fs::remove_file(&beside);
        Failure::io(folder.join(name).display(), &error)
    })
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Takes the lock of `folder`; `None` while another process has it.
pub(super) fn take_lock(folder: &Path) -> Result<Option<FileLock>, Failure> {
    let path = folder.join(LOCK);
    let failed = |error: &std::io::Error| Failure::io(path.display(), error);
    let file = File::options().write(true).create(true).truncate(false).open(&path).map_err(|error| failed(&error))?;
    FileLock::try_take(file).map_err(|error| {
        if error.kind() != ErrorKind::Unsupported {
            return failed(&error);
        }
        Failure::new(FailureKind::Unavailable, format!("{} cannot be locked: {error}", path.display()))
            .hint("keep the cache folder on a file system that has locks")
    })
}

/// Whether the lock is still the one in `folder`.
pub(super) fn is_in_place(folder: &Path, lock: &FileLock) -> bool {
    let place = |data: std::io::Result<std::fs::Metadata>| data.ok().map(|data| (data.dev(), data.ino()));
    let found = place(std::fs::metadata(folder.join(LOCK)));
    found.is_some() && found == place(lock.metadata())
}

/// The same failure with what to do about a folder that cannot be written.
pub(super) fn with_advice(folder: &Path, failure: Failure) -> Failure {
    if failure.kind != FailureKind::Io {
        return failure;
    }
    let folder = folder.display();
    failure
        .hint(format!("make room for {folder} and let tagout write there, or name another place by TAGOUT_CACHE_DIR"))
}
