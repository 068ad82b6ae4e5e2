//! A folder as a place of objects: each object is a file, written beside its place and then put there, and a lock makes
//! looking and writing one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::locks::FileLock;
use crate::ports::{Allowance, Before, Cancel, Failure, FailureKind, Got, ListedObject, Objects, Put, Tag};

/// The file whose lock whoever writes has.
const LOCK: &str = ".lock";
/// What files begin with that are not yet objects.
const PART: &str = ".part-";
/// How often it is tried to take the lock, and how long it is waited between.
const TRIES: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(100);
/// Objects that are listed.
const MOST_LISTED: usize = 1_000;

/// A folder that several machines see.
#[derive(Debug)]
pub struct SharedFolder {
    folder: PathBuf,
}

impl SharedFolder {
    /// Makes ready to use `folder`; nothing is read yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let shown = self.folder.display();
        Failure::new(FailureKind::Unavailable, format!("the shared index at file://{shown}: {error}"))
            .hint("look whether the folder is there and may be used, and at shared under [index]")
    }

    fn lock(&self, cancel: &Cancel) -> Result<FileLock, Failure> {
        let failed = |error: io::Error| self.failed(&error);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        for _ in 0..TRIES {
            cancel.check()?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.folder.join(LOCK));
            if let Some(lock) = FileLock::try_take(file.map_err(failed)?).map_err(failed)? {
                return Ok(lock);
            }
            thread::sleep(BETWEEN);
        }
        Err(self.failed(&io::Error::other("another process has it locked")))
    }

    /// Writes the object if `before` is there. The lock is held.
    fn write(&self, name: &str, bytes: &[u8], before: &Before) -> io::Result<Put> {
        let at = self.folder.join(name);
        let present = read(&at, u64::MAX - 1)?.map(|bytes| tag(&bytes));
        let fits = match before {
            Before::Nothing => present.is_none(),
            Before::Content(tag) => present.as_ref() == Some(tag),
        };
        if !fits {
            return Ok(Put::Overtaken);
        }
        let folder = at.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut part = tempfile::Builder::new().prefix(PART).tempfile_in(folder)?;
        part.write_all(bytes)?;
        part.as_file().sync_all()?;
        part.persist(&at)?;
        File::open(folder)?.sync_all()?;
        Ok(Put::Done)
    }
}

/// What a file holds; `None` where there is none. A pipe or a device is never opened.
fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(data) if !data.is_file() => return Err(io::Error::other("an object there is no file")),
        Ok(data) if data.len() > most => return Err(io::Error::other("an object there is too large")),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::Error::other("an object there is too large")) } else { Ok(Some(bytes)) }
}

fn tag(bytes: &[u8]) -> Tag {
    Tag(blake3::hash(bytes).to_string())
}

impl Objects for SharedFolder {
    fn get(&self, name: &str, allowance: Allowance, _: &Cancel) -> Result<Got, Failure> {
        let found = read(&self.folder.join(name), allowance.bytes).map_err(|error| self.failed(&error))?;
        Ok(found.map_or(Got::Missing, |bytes| {
            let tag = tag(&bytes);
            Got::Found(bytes, tag)
        }))
    }

    fn put(&self, name: &str, bytes: Vec<u8>, before: &Before, cancel: &Cancel) -> Result<Put, Failure> {
        let _lock = self.lock(cancel)?;
        self.write(name, &bytes, before).map_err(|error| self.failed(&error))
    }

    fn list(&self, folder: &str, _: &Cancel) -> Result<Vec<ListedObject>, Failure> {
        let entries = match fs::read_dir(self.folder.join(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.failed(&error))?,
        };
        let listed = |entry: fs::DirEntry| {
            let (name, data) = (entry.file_name().into_string().ok()?, entry.metadata().ok()?);
            let written_ms = data.mtime().checked_mul(1000)?;
            data.is_file().then(|| ListedObject { name: format!("{folder}/{name}"), written_ms })
        };
        Ok(entries.flatten().filter_map(listed).take(MOST_LISTED).collect())
    }

    fn delete(&self, name: &str, _: &Cancel) -> Result<(), Failure> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
