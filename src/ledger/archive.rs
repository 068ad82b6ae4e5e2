//! Files of rotated records: a line of JSON for each, with its link, exactly as it was hashed.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::chain::hex;
use super::rows::Row;
use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind};

/// Longest line that is read: longer than any record.
const LONGEST_LINE: u64 = 256 << 20;

/// The folder of rotated records beside a database.
pub(super) fn folder(database: &Path) -> PathBuf {
    database.with_file_name("rotated")
}

/// Name of the file of a workspace's records from `first` to `last`.
pub(super) fn name(workspace: &str, first: u64, last: u64) -> String {
    format!("{workspace}-{first}-{last}.jsonl")
}

/// The failure of a file that cannot be used.
pub(super) fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Io, format!("rotated records {} cannot be used: {why}", path.display()))
        .hint("put the file back, or make its folder writable, with room on its disk")
}

/// A file that is being written; it gets its name when it is whole and on the disk.
pub(super) struct Draft {
    file: BufWriter<tempfile::NamedTempFile>,
    path: PathBuf,
}

impl Draft {
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let permissions = Permissions::from_mode(0o600);
        let file = tempfile::Builder::new().prefix(".").permissions(permissions).tempfile_in(folder)?;
        Ok(Self { file: BufWriter::new(file), path: path.to_owned() })
    }

    pub(super) fn put(&mut self, row: Row<'_>) -> io::Result<()> {
        let (number, link, text) = (row.number, hex(row.link), row.text);
        writeln!(self.file, "{{\"number\":{number},\"link\":\"{link}\",\"entry\":{text}}}")
    }

    pub(super) fn finish(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

/// Holds the right to rotate; one process has it.
pub(super) fn lock(folder: &Path) -> io::Result<FileLock> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
    let taken = FileLock::try_take(file)?;
    taken.ok_or_else(|| io::Error::new(io::ErrorKind::WouldBlock, "another process rotates at this moment"))
}

/// Removes what rotations that were ended half-way left behind: their records are in the database still.
pub(super) fn clear(folder: &Path, workspace: &str, known: &[String]) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let own = name.starts_with(&format!("{workspace}-")) && name.ends_with(".jsonl");
        if (own && !known.iter().any(|known| known == name)) || name.starts_with(".") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Why reading ended early.
pub(super) enum Stop<E> {
    /// The file cannot be read.
    Unreadable(io::Error),
    /// A line, counted from 1, is no record.
    NoRecord(u64),
    /// The reader's own.
    Own(E),
}

/// Hands on every row of a file, in order, holding one at a time; says whether the end was reached.
pub(super) fn each<E>(
    path: &Path,
    on_row: &mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, Stop<E>> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(Stop::Unreadable)?);
    let mut line = Vec::new();
    let mut count = 0;
    loop {
        line.clear();
        count += 1;
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Stop::Unreadable)? == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let (number, link, text) = parse(&line).ok_or(Stop::NoRecord(count))?;
        if on_row(Row { number, text, link: &link }).map_err(Stop::Own)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

fn parse(line: &[u8]) -> Option<(u64, [u8; 32], &str)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (number, rest) = line.strip_prefix("{\"number\":")?.split_once(",\"link\":\"")?;
    let (link, rest) = rest.split_once("\",\"entry\":")?;
    // Written in one way only, so that two files that differ are never both right.
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !link.bytes().any(|byte| byte.is_ascii_uppercase());
    let link = blake3::Hash::from_hex(link).ok().filter(|_| plain)?;
    Some((number.parse().ok()?, *link.as_bytes(), rest.strip_suffix('}')?))
}
