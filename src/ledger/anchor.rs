//! The head of each workspace's chain, kept outside the database: a file of two slots of fixed size, written in turns.
//!
//! It is not synchronised with the disk at each append, which would double an append's price. What a crash of the
//! process leaves is whole: the page cache outlives it. What a crash of the machine may leave is an older head, or one
//! torn slot, and then the other is read; both are behind the database, whose chain then fits on: told as a note, never
//! as a fault, and written again with the next record. The database itself is synchronised before the anchor is
//! written, so the anchor is never ahead of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use super::chain::{Key, Link};
use super::keyring::Keyring;
use crate::locks::FileLock;

const MAGIC: &[u8; 8] = b"tagoutA1";
const SLOT: usize = 128;
/// How often and how long to wait for another process's write, which takes microseconds.
const TRIES: usize = 2000;
const PAUSE: Duration = Duration::from_millis(1);

/// The head of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) link: Link,
    /// Which database it is in.
    pub(super) database: [u8; 16],
    /// Name of the key that it is signed with.
    pub(super) key: [u8; 8],
}

/// What is at the anchor's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Anchored {
    /// A head.
    At(Mark),
    /// Slots that no known key has signed.
    Broken,
    /// Nothing.
    Missing,
}

/// A place to write a head to, found writable before the record is committed.
pub(super) enum Place {
    Existing(File),
    /// Becomes the anchor when a head is written.
    New(tempfile::NamedTempFile, PathBuf),
}

pub(super) fn path(keys: &Keyring, workspace: &str) -> PathBuf {
    keys.folder().join(format!("{workspace}.anchor"))
}

/// The head that is kept for a workspace.
pub(super) fn read(keys: &Keyring, workspace: &str) -> io::Result<Anchored> {
    let mut bytes = Vec::new();
    match File::open(path(keys, workspace)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Anchored::Missing),
        file => file?.take(2 * SLOT as u64).read_to_end(&mut bytes)?,
    };
    let mut newest: Option<Mark> = None;
    for slot in bytes.chunks(SLOT) {
        let Some((mark, signature)) = decode(slot) else { continue };
        let signed = keys.find(mark.key)?.is_some_and(|key| sign(&key, workspace, &mark) == signature);
        if signed && newest.as_ref().is_none_or(|newest| newest.number <= mark.number) {
            newest = Some(mark);
        }
    }
    Ok(newest.map_or(Anchored::Broken, Anchored::At))
}

/// Finds the place to write to; makes the file at once where `first` says what it is to hold.
pub(super) fn prepare(keys: &Keyring, workspace: &str, key: &Key, first: Option<&Mark>) -> io::Result<Place> {
    let path = path(keys, workspace);
    match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => return Ok(Place::Existing(file)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let mut file = tempfile::NamedTempFile::new_in(keys.folder())?;
    file.write_all(&[0; 2 * SLOT])?;
    let Some(first) = first else { return Ok(Place::New(file, path)) };
    file.as_file().write_all_at(&encode(key, workspace, first), 0)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&path) {
        // Another process was first: its file does.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        persisted => drop(persisted?),
    }
    File::open(keys.folder())?.sync_all()?;
    OpenOptions::new().read(true).write(true).open(&path).map(Place::Existing)
}

impl Place {
    /// Writes a head, unless a later one is there already.
    pub(super) fn write(self, workspace: &str, key: &Key, mark: &Mark) -> io::Result<()> {
        match self {
            Self::Existing(file) => advance(&file, workspace, key, mark),
            Self::New(file, path) => {
                file.as_file().write_all_at(&encode(key, workspace, mark), 0)?;
                file.as_file().sync_all()?;
                match file.persist_noclobber(&path) {
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                        let file = OpenOptions::new().read(true).write(true).open(&path)?;
                        advance(&file, workspace, key, mark)
                    }
                    persisted => persisted.map(drop).map_err(io::Error::from),
                }
            }
        }
    }
}

/// Overwrites the older slot. Of two processes that commit one after the other, the first may come here last: under the
/// lock it finds the later head and leaves it.
fn advance(file: &File, workspace: &str, key: &Key, mark: &Mark) -> io::Result<()> {
    let _locked = lock(file)?;
    let mut slots = [0; 2 * SLOT];
    let mut filled = 0;
    while let Some(rest) = slots.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    let signed = |slot: &[u8]| {
        let (own, signature) = decode(slot)?;
        (own.key == key.id() && sign(key, workspace, &own) == signature).then_some(own.number)
    };
    let numbers: Vec<Option<u64>> = slots.chunks(SLOT).map(signed).collect();
    let newest = numbers.iter().flatten().max().copied();
    if newest.is_some_and(|newest| newest >= mark.number) {
        return Ok(());
    }
    let second = numbers.first().is_some_and(|first| first.is_some() && *first == newest);
    let at = if second { SLOT as u64 } else { 0 };
    file.write_all_at(&encode(key, workspace, mark), at)
}

/// A stopped process that holds the lock must not stop all others for good.
fn lock(file: &File) -> io::Result<FileLock> {
    for _ in 0..TRIES {
        match FileLock::try_take(file.try_clone()?)? {
            Some(taken) => return Ok(taken),
            None => std::thread::sleep(PAUSE),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the anchor: end that process"))
}

fn sign(key: &Key, workspace: &str, mark: &Mark) -> Link {
    key.hash("anchor", &[workspace.as_bytes(), &mark.number.to_le_bytes(), &mark.link, &mark.database])
}

fn encode(key: &Key, workspace: &str, mark: &Mark) -> Vec<u8> {
    let parts: [&[u8]; 6] =
        [MAGIC, &mark.number.to_le_bytes(), &mark.link, &mark.database, &mark.key, &sign(key, workspace, mark)];
    let mut slot = parts.concat();
    slot.resize(SLOT, 0);
    slot
}

fn decode(slot: &[u8]) -> Option<(Mark, Link)> {
    let (magic, rest) = slot.split_first_chunk::<8>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (link, rest) = rest.split_first_chunk::<32>()?;
    let (database, rest) = rest.split_first_chunk::<16>()?;
    let (key, rest) = rest.split_first_chunk::<8>()?;
    let (signature, _) = rest.split_first_chunk::<32>()?;
    let mark = Mark { number: u64::from_le_bytes(*number), link: *link, database: *database, key: *key };
    (magic == MAGIC).then_some((mark, *signature))
}
