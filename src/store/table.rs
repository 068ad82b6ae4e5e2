//! What is asked of LanceDB, as functions over one table.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use lancedb::expr::{DfExpr, col, is_in, lit};
use lancedb::index::Index;
use lancedb::index::scalar::{FtsIndexBuilder, FullTextSearchQuery};
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::table::{CompactionOptions, Duration, OptimizeAction, OptimizeOptions};
use lancedb::{Connection, DistanceType, Error, Result, Session, Table};

use super::rows::{self, Batches, COLUMNS, Row};
use crate::ports::FileChunks;
use crate::retrieve::StoreQuery;
use crate::workspace::ContentHash;

const TABLE: &str = "chunks";
/// Caps on what LanceDB keeps in memory, in bytes; its own defaults are gigabytes.
const INDEX_CACHE: usize = 16 << 20;
const METADATA_CACHE: usize = 8 << 20;
/// Files of the table are merged until they have this many rows.
const MERGED_ROWS: usize = 32 * 1024;
/// Longest token that the text index takes, in bytes: above the longest whole identifier.
const LONGEST_TOKEN: usize = 400;

/// What a search found, and whether some of it could not be trusted.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    pub(super) total: usize,
    pub(super) damaged: usize,
}

async fn connect(folder: &Path) -> Result<Connection> {
    let uri = folder.to_str().ok_or_else(|| Error::InvalidInput {
        message: format!("the path of the index folder is not valid UTF-8: {}", folder.display()),
    })?;
    let session = Session::new(INDEX_CACHE, METADATA_CACHE, Arc::default());
    lancedb::connect(uri).session(Arc::new(session)).execute().await
}

/// Makes an empty table with its text index, which then also covers what is not indexed yet.
pub(super) async fn create(folder: &Path) -> Result<Table> {
    let table = connect(folder).await?.create_empty_table(TABLE, rows::schema()).execute().await?;
    build_text_index(&table).await?;
    Ok(table)
}

/// Opens the newest version.
pub(super) async fn open(folder: &Path) -> Result<Table> {
    connect(folder).await?.open_table(TABLE).execute().await
}

async fn build_text_index(table: &Table) -> Result<()> {
    let words = FtsIndexBuilder::default()
        .base_tokenizer("whitespace".to_owned())
        .with_position(false)
        .max_token_length(Some(LONGEST_TOKEN))
        .lower_case(false)
        .stem(false)
        .remove_stop_words(false)
        .ascii_folding(false);
    table.create_index(&["terms"], Index::FTS(words)).execute().await
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

/// The vectors of one path, by chunk hash.
pub(super) async fn vectors(table: &Table, path: String) -> Result<BTreeMap<ContentHash, Vec<f32>>> {
    let query = table.query().only_if_expr(col("path").eq(lit(path))).select(Select::columns(&["hash", "vector"]));
    let batches: Vec<_> = query.execute().await?.try_collect().await?;
    Ok(batches.iter().flat_map(rows::read_vectors).flatten().collect())
}

/// Looks by vector, by terms and by name; each row once, in no order that means anything.
pub(super) async fn search(table: &Table, query: &StoreQuery) -> Result<Found> {
    let (near, worded, named, total) = futures::try_join!(
        nearest(table, query),
        with_terms(table, query),
        with_names(table, query),
        table.count_rows(None)
    )?;
    let mut found = Found { rows: Vec::new(), total, damaged: 0 };
    let mut seen = HashSet::new();
    for row in near.iter().chain(&worded).chain(&named).flat_map(rows::read) {
        match row {
            Some(row) if seen.insert(row.id) => found.rows.push(row),
            Some(_) => {}
            None => found.damaged += 1,
        }
    }
    Ok(found)
}

/// What a query read.
type Read = Vec<arrow_array::RecordBatch>;

async fn nearest(table: &Table, query: &StoreQuery) -> Result<Read> {
    let usable =
        query.vector.len() == crate::retrieve::DIMENSIONS && query.vector.iter().all(|value| value.is_finite());
    if !usable || query.limit == 0 || query.vector.iter().all(|value| *value == 0.0) {
        return Ok(Vec::new());
    }
    // Vectors have unit length, so the dot product orders as the cosine does, and is defined for all zeros too.
    let search = table.query().nearest_to(query.vector.clone())?.column("vector").distance_type(DistanceType::Dot);
    let search = search.bypass_vector_index().limit(query.limit).select(Select::columns(COLUMNS)).with_row_id();
    search.execute().await?.try_collect().await
}

async fn with_terms(table: &Table, query: &StoreQuery) -> Result<Read> {
    if query.terms.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    let words = FullTextSearchQuery::new(query.terms.join(" ")).with_column("terms".to_owned())?;
    let search = table.query().full_text_search(words).limit(query.limit);
    search.select(Select::columns(COLUMNS)).with_row_id().execute().await?.try_collect().await
}

async fn with_names(table: &Table, query: &StoreQuery) -> Result<Read> {
    let whole = query.names.iter().filter(|name| !name.is_empty());
    let names: Vec<DfExpr> = whole.clone().map(|name| lit(name.as_str())).collect();
    if names.is_empty() || query.limit == 0 {
        return Ok(Vec::new());
    }
    // Names that begin with another lie between it and it with the last of all characters, byte by byte.
    let begins = |name: &String| {
        let after = lit(format!("{name}{}", char::MAX));
        col("symbol_lower").gt(lit(name.as_str())).and(col("symbol_lower").lt(after))
    };
    let mut found = look_up(table, is_in(col("symbol_lower"), names), query.limit).await?;
    if let Some(prefixes) = whole.map(begins).reduce(DfExpr::or) {
        found.extend(look_up(table, prefixes, query.limit).await?);
    }
    Ok(found)
}

async fn look_up(table: &Table, condition: DfExpr, limit: usize) -> Result<Read> {
    let query = table.query().only_if_expr(condition).limit(limit).select(Select::columns(COLUMNS)).with_row_id();
    query.execute().await?.try_collect().await
}

/// Merges small files and brings the text index up to date; old versions stay.
pub(super) async fn merge(table: &Table) -> Result<()> {
    // What is large already stays, so that merging a few small writes does not copy the whole table.
    let options = CompactionOptions { target_rows_per_fragment: MERGED_ROWS, ..CompactionOptions::default() };
    table.optimize(OptimizeAction::Compact { options, remap_options: None }).await?;
    table.optimize(OptimizeAction::Index(OptimizeOptions::default())).await?;
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
    let query = table.query().select(Select::columns(COLUMNS)).with_row_id();
    let mut batches = query.execute().await?;
    let mut count = 0;
    while let Some(batch) = batches.try_next().await? {
        if rows::read(&batch).iter().any(Option::is_none) {
            return Ok(None);
        }
        count += batch.num_rows() as u64;
    }
    Ok(Some(count))
}
