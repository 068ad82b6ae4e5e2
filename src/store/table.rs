//! What is asked of LanceDB, as functions over one table.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use lancedb::arrow::SendableRecordBatchStream;
use lancedb::expr::{col, is_in, lit};
use lancedb::query::{ExecutableQuery, QueryBase};
use lancedb::table::{CompactionOptions, Duration, OptimizeAction};
use lancedb::{Connection, Error, Result, Session, Table};

use super::rows::{self, Batches, Row};
use crate::ports::FileChunks;

const TABLE: &str = "chunks";
/// Caps on what LanceDB keeps in memory, in bytes; its own defaults are gigabytes.
const INDEX_CACHE: usize = 16 << 20;
const METADATA_CACHE: usize = 8 << 20;
/// Files of the table are merged until they have this many rows.
pub(super) const MERGED_ROWS: usize = 32 * 1024;

async fn connect(folder: &Path) -> Result<Connection> {
    let uri = folder.to_str().ok_or_else(|| Error::InvalidInput {
        message: format!("the path of the index folder is not valid UTF-8: {}", folder.display()),
    })?;
    let session = Session::new(INDEX_CACHE, METADATA_CACHE, Arc::default());
    lancedb::connect(uri).session(Arc::new(session)).execute().await
}

/// Makes an empty table.
pub(super) async fn create(folder: &Path) -> Result<Table> {
    connect(folder).await?.create_empty_table(TABLE, rows::schema()).execute().await
}

/// Opens the newest version.
pub(super) async fn open(folder: &Path) -> Result<Table> {
    connect(folder).await?.open_table(TABLE).execute().await
}

/// Deletes all rows of `paths`, and says how many there were.
pub(super) async fn delete(table: &Table, paths: Vec<String>) -> Result<u64> {
    let list = paths.into_iter().map(lit).collect();
    Ok(table.delete(&is_in(col("path"), list)).await?.num_deleted_rows)
}

/// Adds all chunks of `files` in one commit.
pub(super) async fn add(table: &Table, files: Vec<FileChunks>) -> Result<()> {
    table.add(Batches::of(files)).execute().await?;
    Ok(())
}

/// What is read of a table, batch by batch.
pub(super) struct Reading(SendableRecordBatchStream);

impl Reading {
    /// Begins to read the rows of `paths`, or all.
    pub(super) async fn begin(table: &Table, paths: Option<Vec<String>>) -> Result<Self> {
        let query = match paths {
            Some(paths) => table.query().only_if_expr(is_in(col("path"), paths.into_iter().map(lit).collect())),
            None => table.query(),
        };
        query.execute().await.map(Self)
    }

    /// The next rows, `None` for one that is not as it was written; no list at the end.
    pub(super) async fn next(mut self) -> Result<(Self, Option<Vec<Option<Row>>>)> {
        let batch = self.0.try_next().await?;
        Ok((self, batch.as_ref().map(rows::read)))
    }
}

/// Merges small files; old versions stay.
pub(super) async fn merge(table: &Table) -> Result<()> {
    // What is large already stays, so that merging a few small writes does not copy the whole table.
    let options = CompactionOptions { target_rows_per_fragment: MERGED_ROWS, ..CompactionOptions::default() };
    table.optimize(OptimizeAction::Compact { options, remap_options: None }).await?;
    Ok(())
}

/// Deletes all versions but the newest. The caller holds the writer's lock, so no commit is under way.
pub(super) async fn prune(table: &Table) -> Result<()> {
    let older_than = Some(Duration::zero());
    let action =
        OptimizeAction::Prune { older_than, delete_unverified: Some(true), error_if_tagged_old_versions: None };
    table.optimize(action).await?;
    Ok(())
}

/// How many rows there are, reading each of them whole; an error or a broken checksum ends the count.
pub(super) async fn count_whole_rows(table: &Table) -> Result<Option<u64>> {
    let mut batches = table.query().execute().await?;
    let mut count = 0;
    while let Some(batch) = batches.try_next().await? {
        if rows::read(&batch).iter().any(Option::is_none) {
            return Ok(None);
        }
        count += batch.num_rows() as u64;
    }
    Ok(Some(count))
}
