//! What files hold, each content once, found and checked by its hash.

use std::io;

use rusqlite::{Connection, OptionalExtension, params};
use zstd::bulk::{Compressor, Decompressor};

use super::database::Problem;
use super::retention::MOST_BYTES;
use crate::ports::{Failure, FailureKind};
use crate::workspace::ContentHash;

/// How hard zstd tries: it keeps up with a disk, and source code becomes a fourth.
const LEVEL: i32 = 3;
/// Nothing shorter is worth packing, in bytes.
const SHORT: usize = 128;

/// Keeps contents for one row of the shelf.
pub(super) struct Keeper<'a> {
    connection: &'a Connection,
    turn: i64,
    packer: Compressor<'static>,
    /// Bytes that came, those of contents that were there already not counted.
    pub(super) added: u64,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(connection: &'a Connection, turn: i64) -> Result<Self, Problem> {
        let packer = Compressor::new(LEVEL).map_err(|error| unusable(&error))?;
        Ok(Self { connection, turn, packer, added: 0 })
    }

    /// Keeps `content`, unless it is there, and has the row refer to it.
    pub(super) fn keep(&mut self, content: &[u8]) -> Result<ContentHash, Problem> {
        let hash = ContentHash::of(content);
        let number = match self.find(&hash)? {
            Some(number) => self.mended(number, &hash, content)?,
            None => self.add(&hash, content)?,
        };
        let refer = "INSERT OR IGNORE INTO shelf_blob (turn, blob) VALUES (?1, ?2)";
        self.connection.prepare_cached(refer)?.execute(params![self.turn, number])?;
        Ok(hash)
    }

    fn find(&self, hash: &ContentHash) -> Result<Option<i64>, Problem> {
        let mut statement = self.connection.prepare_cached("SELECT number FROM blob WHERE hash = ?1")?;
        Ok(statement.query_row([hash.as_bytes()], |row| row.get(0)).optional()?)
    }

    /// The number of a content that is there already, put right where it is damaged.
    fn mended(&mut self, number: i64, hash: &ContentHash, content: &[u8]) -> Result<i64, Problem> {
        if self::content(self.connection, hash).is_err() {
            let mend = "UPDATE blob SET size = ?2, packed = 0, content = ?3 WHERE number = ?1";
            let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
            self.connection.prepare_cached(mend)?.execute(params![number, size, content])?;
        }
        Ok(number)
    }

    fn add(&mut self, hash: &ContentHash, content: &[u8]) -> Result<i64, Problem> {
        let packed = if content.len() < SHORT { None } else { self.packer.compress(content).ok() };
        let packed = packed.filter(|packed| packed.len() < content.len());
        let stored = packed.as_deref().unwrap_or(content);
        let insert = "INSERT INTO blob (hash, size, packed, content) VALUES (?1, ?2, ?3, ?4)";
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        let row = params![hash.as_bytes(), size, packed.is_some(), stored];
        self.connection.prepare_cached(insert)?.execute(row)?;
        self.added += stored.len() as u64;
        Ok(self.connection.last_insert_rowid())
    }
}

/// The content of this hash.
pub(super) fn content(connection: &Connection, hash: &ContentHash) -> Result<Vec<u8>, Problem> {
    let mut statement = connection.prepare_cached("SELECT size, packed, content FROM blob WHERE hash = ?1")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?, row.get::<_, Vec<u8>>(2)?));
    let Some((size, packed, stored)) = statement.query_row([hash.as_bytes()], row).optional()? else {
        return Err(damaged("what a file held is missing").into());
    };
    // Before room is made for it: a damaged size may be any.
    let size = usize::try_from(size).ok().filter(|size| *size <= MOST_BYTES);
    let size = size.ok_or_else(|| damaged("what a file held has a size that nothing kept has"))?;
    let unpack = || Decompressor::new()?.decompress(&stored, size);
    let content = if packed { unpack().ok() } else { Some(stored) };
    let whole = content.filter(|content| ContentHash::of(content) == *hash);
    whole.ok_or_else(|| damaged("what a file held is not what was kept").into())
}

/// Lets go of what the row `turn` refers to, and removes what nothing else does.
pub(super) fn let_go(connection: &Connection, turn: i64) -> Result<(), Problem> {
    let sweep = "DELETE FROM blob WHERE number IN (SELECT blob FROM shelf_blob WHERE turn = ?1)
                 AND NOT EXISTS (SELECT 1 FROM shelf_blob WHERE blob = number AND turn != ?1)";
    connection.prepare_cached(sweep)?.execute([turn])?;
    connection.prepare_cached("DELETE FROM shelf_blob WHERE turn = ?1")?.execute([turn])?;
    Ok(())
}

/// The failure of what is not as it was written.
pub(super) fn damaged(why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("a kept changeset is damaged: {why}"))
        .hint("make the proposal again, or bring the state folder back from a backup")
}

fn unusable(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Internal, format!("the history cannot be packed: {error}")).hint("try again")
}
