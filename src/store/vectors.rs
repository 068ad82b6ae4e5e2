//! The vectors that endpoints gave, in one file for each endpoint and model: added at the end, each with a checksum, and
//! shared by all workspaces. All of it can be asked for again, at a price: what is whole in a damaged file stays.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind, TakeRow, VectorLog, VectorRow};
use crate::retrieve::Narrow;

/// What such a file begins with: a name and a version.
const MAGIC: &[u8; 16] = b"tagout-vectors-1";
/// Magic, hash of the endpoint, numbers of a vector, and the checksum of these.
const HEADER: usize = 16 + 32 + 4 + CHECK;
/// Bytes of the key of a row.
const KEY: usize = 16;
/// Bytes of a checksum.
const CHECK: usize = 8;
/// Bytes that a file may have.
const LONGEST: u64 = 512 << 20;

/// Opens what is kept in `folder` of the endpoint `name`.
///
/// # Errors
/// When the folder cannot be made or read.
pub fn open_vectors(folder: &Path, name: &str) -> Result<VectorLog, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io(folder.display(), &error))?;
    let identity = *blake3::hash(name.as_bytes()).as_bytes();
    let stem = blake3::Hash::from_bytes(identity).to_hex().chars().take(32).collect::<String>();
    let at = |end: &str| folder.join(format!("{stem}.{end}"));
    let (path, lock_path) = (at("vectors"), at("lock"));
    let log = Log { path: path.clone(), identity, dimensions: 0, next: 0, lock_path, lock: None };
    let log = Arc::new(Mutex::new(log));
    let (reading, beginning, ending) = (Arc::clone(&log), Arc::clone(&log), Arc::clone(&log));
    Ok(VectorLog {
        read: Box::new(move |take| own(&reading).read(take)),
        append: Box::new(move |rows| own(&log).append(rows)),
        begin: Box::new(move |take| own(&beginning).begin(take)),
        end: Box::new(move || own(&ending).lock = None),
        place: path,
    })
}

fn own(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn writable() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// One file, and how far it was read.
struct Log {
    path: PathBuf,
    identity: [u8; 32],
    /// Numbers of a vector; 0 before there is one.
    dimensions: usize,
    /// Where the next row begins; 0 before the header was read.
    next: u64,
    lock_path: PathBuf,
    /// Held by the one process that adds, while it does.
    lock: Option<FileLock>,
}

impl Log {
    /// Whether this process adds now; then it has read all that is there, so that it cuts nothing off.
    fn begin(&mut self, take: TakeRow<'_>) -> Result<bool, Failure> {
        let failed = |error: &std::io::Error| Failure::io(self.lock_path.display(), error);
        if self.lock.is_none() {
            // The cache may be deleted at any time.
            let folder = self.lock_path.parent().unwrap_or(&self.lock_path);
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            let file = writable().open(&self.lock_path).map_err(|error| failed(&error))?;
            self.lock = FileLock::try_take(file).map_err(|error| failed(&error))?;
        }
        if self.lock.is_none() {
            return Ok(false);
        }
        self.read(take).inspect_err(|_| self.lock = None)?;
        Ok(true)
    }

    fn read(&mut self, take: TakeRow<'_>) -> Result<(), Failure> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.next = 0;
                return Ok(());
            }
            Err(error) => return Err(Failure::io(self.path.display(), &error)),
        };
        self.read_from(file, take).map_err(|error| Failure::io(self.path.display(), &error))
    }

    fn read_from(&mut self, file: File, take: TakeRow<'_>) -> std::io::Result<()> {
        let end = file.metadata()?.len().min(LONGEST);
        let (mut file, mut header) = (BufReader::new(file), [0; HEADER]);
        let dimensions = match file.read_exact(&mut header) {
            Ok(()) => self.dimensions_in(&header),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        let Some(dimensions) = dimensions else {
            self.next = 0;
            return Ok(());
        };
        // Another process began it anew, or nothing of it was read.
        if self.next == 0 || end < self.next || dimensions != self.dimensions {
            (self.dimensions, self.next) = (dimensions, HEADER as u64);
        }
        file.seek(SeekFrom::Start(self.next))?;
        let mut row = vec![0; self.row()];
        while self.next + row.len() as u64 <= end {
            file.read_exact(&mut row)?;
            self.next += row.len() as u64;
            parsed(&row).into_iter().for_each(&mut *take);
        }
        Ok(())
    }

    /// Numbers of a vector by the header of such a file; `None` where it is none for this endpoint.
    fn dimensions_in(&self, header: &[u8; HEADER]) -> Option<usize> {
        let (said, check) = header.split_at(HEADER - CHECK);
        let (begins, dimensions) = said.split_at(MAGIC.len() + self.identity.len());
        let is_own = begins.starts_with(MAGIC) && begins.ends_with(&self.identity) && checksum(said) == check;
        let dimensions = dimensions.try_into().map_or(0, u32::from_le_bytes) as usize;
        (is_own && dimensions > 0).then_some(dimensions)
    }

    fn row(&self) -> usize {
        KEY + self.dimensions + CHECK
    }

    fn append(&mut self, rows: &[VectorRow]) -> Result<(), Failure> {
        let Some((_, first)) = rows.first() else { return Ok(()) };
        if self.lock.is_none() {
            return Err(Failure::new(FailureKind::Internal, "vectors are added by who has not begun to"));
        }
        if self.next == 0 {
            self.dimensions = first.steps().len();
        }
        if rows.iter().any(|(_, vector)| vector.steps().len() != self.dimensions) {
            return Err(Failure::new(
                FailureKind::InvalidInput,
                "the vectors differ in their length from those before",
            ));
        }
        self.write(rows).map_err(|error| {
            Failure::io(self.path.display(), &error).hint("make room in the cache folder, or delete this file")
        })
    }

    /// Adds rows after the last whole one; without a header that was read, everything that is there goes.
    fn write(&mut self, rows: &[VectorRow]) -> std::io::Result<()> {
        let mut bytes = if self.next == 0 { self.header() } else { Vec::new() };
        for (key, vector) in rows {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            bytes.extend(vector.steps().iter().map(|step| step.to_le_bytes()[0]));
            let check = checksum(bytes.get(start..).unwrap_or_default());
            bytes.extend_from_slice(&check);
        }
        if self.next + bytes.len() as u64 > LONGEST {
            return Err(std::io::Error::new(ErrorKind::FileTooLarge, "it is as long as it may be"));
        }
        let mut file = writable().open(&self.path)?;
        file.set_len(self.next)?;
        file.seek(SeekFrom::Start(self.next))?;
        file.write_all(&bytes)?;
        self.next += bytes.len() as u64;
        Ok(())
    }

    fn header(&self) -> Vec<u8> {
        let dimensions = u32::try_from(self.dimensions).unwrap_or_default();
        let mut header = [MAGIC.as_slice(), &self.identity, &dimensions.to_le_bytes()].concat();
        let check = checksum(&header);
        header.extend_from_slice(&check);
        header
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    blake3::hash(bytes).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A row; `None` when it is not as it was written.
fn parsed(row: &[u8]) -> Option<VectorRow> {
    let (said, check) = row.split_at_checked(row.len().checked_sub(CHECK)?)?;
    let (key, steps) = said.split_first_chunk::<KEY>()?;
    let vector = Narrow::from_steps(steps.iter().map(|byte| i8::from_le_bytes([*byte])).collect())?;
    (checksum(said) == check).then_some((*key, vector))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn rows(from: u8, count: u8) -> Vec<VectorRow> {
        (from..from + count).map(|at| ([at; KEY], Narrow::new(&[f32::from(at) + 1.0, 2.0, -3.0]).unwrap())).collect()
    }

    fn all(log: &mut VectorLog) -> Vec<VectorRow> {
        let mut found = Vec::new();
        (log.read)(&mut |row| found.push(row)).unwrap();
        found
    }

    /// The rows that are found on beginning, where nobody else has begun.
    fn begins(log: &mut VectorLog) -> Option<Vec<VectorRow>> {
        let mut found = Vec::new();
        (log.begin)(&mut |row| found.push(row)).unwrap().then_some(found)
    }

    fn fill(folder: &Path, rows: &[VectorRow]) {
        let mut log = open_vectors(folder, "a").unwrap();
        assert!(begins(&mut log).is_some());
        (log.append)(rows).unwrap();
    }

    fn file(folder: &Path) -> PathBuf {
        let mut found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.find(|path| path.extension().is_some_and(|end| end == "vectors")).unwrap()
    }

    #[test]
    fn what_is_added_is_read_here_by_others_and_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open_vectors(folder.path(), "a").unwrap();
        let mut second = open_vectors(folder.path(), "a").unwrap();
        let mut other = open_vectors(folder.path(), "b").unwrap();
        assert!(begins(&mut first).is_some() && begins(&mut second).is_none() && begins(&mut other).is_some());
        assert!(all(&mut first).is_empty() && all(&mut second).is_empty());
        (first.append)(&rows(0, 3)).unwrap();
        assert_eq!(all(&mut second), rows(0, 3));
        (first.append)(&rows(3, 2)).unwrap();
        assert_eq!((all(&mut second), all(&mut first)), (rows(3, 2), Vec::new()));
        assert!((second.append)(&rows(5, 1)).is_err() && all(&mut other).is_empty());
        assert!((first.append)(&[([9; KEY], Narrow::new(&[1.0]).unwrap())]).is_err());
        // They take turns, and neither cuts off what the other has added.
        (first.end)();
        assert_eq!(begins(&mut second), Some(Vec::new()));
        (second.append)(&rows(5, 1)).unwrap();
        assert!((first.append)(&rows(6, 1)).is_err());
        drop(second);
        assert_eq!(begins(&mut first), Some(rows(5, 1)), "whoever had it is gone");
        (first.append)(&rows(6, 1)).unwrap();
        drop(first);
        let mut next = open_vectors(folder.path(), "a").unwrap();
        assert_eq!(all(&mut next), rows(0, 7));
        // The cache is deleted.
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(begins(&mut next), Some(Vec::new()));
        (next.append)(&rows(0, 2)).unwrap();
        assert_eq!(all(&mut open_vectors(folder.path(), "a").unwrap()), rows(0, 2));
    }

    #[test]
    fn whatever_is_damaged_costs_no_more_than_that() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &rows(0, 4));
        let at = file(folder.path());
        let whole = fs::read(&at).unwrap();
        let row = KEY + 3 + CHECK;
        let mut damages: Vec<(Vec<u8>, usize)> =
            (0..whole.len()).map(|cut| (whole[..cut].to_vec(), cut.saturating_sub(HEADER) / row)).collect();
        for flipped in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[flipped] ^= 0x10;
            damages.push((bytes, if flipped < HEADER { 0 } else { 3 }));
        }
        damages.push((vec![0; whole.len()], 0));
        damages.push(([whole.clone(), vec![0; 3 * row]].concat(), 4));
        for (bytes, left) in damages {
            fs::write(&at, &bytes).unwrap();
            let mut log = open_vectors(folder.path(), "a").unwrap();
            let found = all(&mut log);
            assert_eq!(found.len(), left, "{} bytes", bytes.len());
            assert!(found.iter().all(|row| rows(0, 4).contains(row)));
            assert_eq!(begins(&mut log), Some(Vec::new()));
            (log.append)(&rows(7, 2)).unwrap();
            drop(log);
            let again = all(&mut open_vectors(folder.path(), "a").unwrap());
            assert_eq!(again, [found, rows(7, 2)].concat());
        }
    }

    #[test]
    fn where_nothing_can_be_written_what_is_there_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &rows(0, 1));
        let at = file(folder.path());
        let kept = fs::read(&at).unwrap();
        let other = tempfile::tempdir().unwrap();
        // A lock that cannot be taken and a file that cannot be written, whoever runs this.
        fs::create_dir(other.path().join(at.with_extension("lock").file_name().unwrap())).unwrap();
        fs::write(other.path().join(at.file_name().unwrap()), kept).unwrap();
        let mut log = open_vectors(other.path(), "a").unwrap();
        assert!((log.begin)(&mut |_| {}).is_err());
        assert_eq!(all(&mut log), rows(0, 1));
        assert!((log.append)(&rows(1, 1)).is_err());
        assert!(open_vectors(&at, "a").is_err(), "a file is no folder");
    }
}
