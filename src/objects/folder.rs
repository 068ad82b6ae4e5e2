//! A folder as a place of objects: each object is a file, written beside its place and then put there, and a lock makes
//! looking and writing one step.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::locks::FileLock;
use crate::ports::{Allowance, Before, Cancel, Failure, FailureKind, Got, ListedObject, Objects, Put, Tag};

/// The file whose lock whoever writes has.
const LOCK: &str = ".lock";
/// What files begin with that are not yet objects.
const PART: &str = ".part-";
/// How often it is tried to take the lock, and how long it is waited between.
const TRIES: u32 = 300;
const BETWEEN: Duration = Duration::from_millis(100);
/// How old a file is at least that whoever was killed left behind.
const LEFT: Duration = Duration::from_secs(60 * 60);
/// What everybody may do with an object, but for what the mask of the process takes away: others read it.
const MODE: u32 = 0o666;
/// Neither follows a link nor waits for whoever writes to a pipe.
const AS_IT_STANDS: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();
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
            // Others may write there: what is in its place is not followed, and not waited for.
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(false).custom_flags(AS_IT_STANDS);
            let file = options.open(self.folder.join(LOCK)).map_err(failed)?;
            if !file.metadata().map_err(failed)?.is_file() {
                return Err(self.failed(&io::Error::other("the lock there is no file")));
            }
            if let Some(lock) = FileLock::try_take(file).map_err(failed)? {
                return Ok(lock);
            }
            thread::sleep(BETWEEN);
        }
        Err(self.failed(&io::Error::other("another process has it locked")))
    }

    /// Where the object is. No folder on the way to it below the shared one is a link: it might lead anywhere.
    fn at(&self, name: &str) -> io::Result<PathBuf> {
        let mut at = self.folder.clone();
        let mut parts = name.split('/').peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            let is_folder = |data: fs::Metadata| data.is_dir();
            match fs::symlink_metadata(&at).map(is_folder) {
                Ok(false) if parts.peek().is_some() => return Err(io::Error::other("a folder there is no folder")),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(at)
    }

    /// Writes the object if `before` is there. The lock is held.
    fn write(&self, name: &str, bytes: &[u8], before: &Before) -> io::Result<Put> {
        let at = self.at(name)?;
        let fits = match before {
            Before::Nothing => !is_there(&at)?,
            Before::Content(wanted) => read(&at, u64::MAX - 1)?.is_some_and(|bytes| tag(&bytes) == *wanted),
        };
        if !fits {
            return Ok(Put::Overtaken);
        }
        let folder = at.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        let mut part = builder.prefix(PART).permissions(Permissions::from_mode(MODE)).tempfile_in(folder)?;
        sweep(folder, part.as_file());
        part.write_all(bytes)?;
        part.as_file().sync_all()?;
        part.persist(&at)?;
        File::open(folder)?.sync_all()?;
        Ok(Put::Done)
    }
}

/// Deletes what others began to write and were killed over long before `own` was made, by the folder's clock. The lock is
/// held; what is kept of it costs room alone.
fn sweep(folder: &Path, own: &File) {
    let Ok(now) = own.metadata().and_then(|data| data.modified()) else { return };
    let is_left = |entry: &fs::DirEntry| {
        let then = entry.metadata().and_then(|data| data.modified());
        let age = then.ok().and_then(|then| now.duration_since(then).ok());
        let is_part = entry.file_name().to_str().is_some_and(|name| name.starts_with(PART));
        is_part && age.is_some_and(|age| age > LEFT)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_left) {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::debug!("a part of a shared index is not deleted: {error}");
        }
    }
}

/// Whether something has this name, whatever it is.
fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        found => found.map(|_| true),
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
        let found = self.at(name).and_then(|at| read(&at, allowance.bytes)).map_err(|error| self.failed(&error))?;
        Ok(found.map_or(Got::Missing, |bytes| {
            let tag = tag(&bytes);
            Got::Found(bytes, tag)
        }))
    }

    fn put(&self, name: &str, bytes: &[u8], before: &Before, cancel: &Cancel) -> Result<Put, Failure> {
        let _lock = self.lock(cancel)?;
        self.write(name, bytes, before).map_err(|error| self.failed(&error))
    }

    fn list(&self, folder: &str, _: &Cancel) -> Result<Vec<ListedObject>, Failure> {
        let entries = match self.at(&format!("{folder}/.")).and_then(fs::read_dir) {
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
        match self.at(name).and_then(fs::remove_file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
