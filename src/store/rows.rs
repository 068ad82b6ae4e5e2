//! Chunks as rows of the table, and back; each row has a checksum over all that it holds.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, RecordBatch, RecordBatchReader, StringArray, UInt8Array,
    UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::ports::{Failure, FailureKind, FileChunks};
use crate::retrieve::{DIMENSIONS, StoredChunk, index_terms};
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::{ContentHash, RelativePath};

/// Rows of one batch, and bytes of text in it, before the next one is begun.
const BATCH_ROWS: usize = 2_048;
const BATCH_BYTES: usize = 16 << 20;
/// Length of a vector, as Arrow counts.
const LENGTH: i32 = 256;
const _: () = assert!(DIMENSIONS == 256);

/// The columns that make up a chunk and its vector.
pub(super) const COLUMNS: &[&str] = &[
    "path",
    "symbol",
    "kind",
    "parent",
    "signature",
    "start",
    "end",
    "first_line",
    "end_line",
    "text",
    "vector",
    "check",
];

/// A row, read and found whole.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) stored: StoredChunk,
    pub(super) vector: Vec<f32>,
    pub(super) id: u64,
}

/// What the table looks like.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let maybe = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str, kind: DataType| Field::new(name, kind, false);
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    Arc::new(Schema::new(vec![
        text("path"),
        number("hash", DataType::FixedSizeBinary(32)),
        maybe("symbol"),
        text("symbol_lower"),
        number("kind", DataType::UInt8),
        maybe("parent"),
        text("signature"),
        number("start", DataType::UInt64),
        number("end", DataType::UInt64),
        number("first_line", DataType::UInt32),
        number("end_line", DataType::UInt32),
        text("text"),
        text("terms"),
        Field::new("vector", DataType::FixedSizeList(item, LENGTH), false),
        number("check", DataType::UInt64),
    ]))
}

/// Refuses vectors that the table cannot hold.
pub(super) fn check_vectors(files: &[FileChunks]) -> Result<(), Failure> {
    for file in files {
        let fits = |vector: &Vec<f32>| vector.len() == DIMENSIONS && vector.iter().all(|value| value.is_finite());
        if !file.chunks.iter().all(|(_, vector)| fits(vector)) {
            let what = format!("{}: a vector does not have {DIMENSIONS} finite numbers", file.path);
            return Err(
                Failure::new(FailureKind::InvalidInput, what).hint("choose an embedder with that many dimensions")
            );
        }
    }
    Ok(())
}

/// Turns files into batches of rows, one batch at a time.
pub(super) struct Batches {
    files: std::vec::IntoIter<FileChunks>,
    schema: SchemaRef,
}

impl Batches {
    pub(super) fn of(files: Vec<FileChunks>) -> Box<dyn RecordBatchReader + Send> {
        Box::new(Self { files: files.into_iter(), schema: schema() })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut taken, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(file) = self.files.next() else { break };
            rows += file.chunks.len();
            bytes += file.chunks.iter().map(|(chunk, _)| chunk.text.len()).sum::<usize>();
            taken.push(file);
        }
        (rows > 0).then(|| to_batch(&taken, &self.schema))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn to_batch(files: &[FileChunks], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let mut all: Vec<(&RelativePath, &Chunk, &Vec<f32>)> = Vec::new();
    for file in files {
        all.extend(file.chunks.iter().map(|(chunk, vector)| (&file.path, chunk, vector)));
    }
    // A list, because Arrow panics on iterators that do not know their length.
    let rows = || all.iter();
    let text =
        |of: fn(&Chunk) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows().map(|row| of(row.1)))) };
    let maybe =
        |of: fn(&Chunk) -> Option<&str>| -> ArrayRef { Arc::new(StringArray::from_iter(rows().map(|row| of(row.1)))) };
    let offset = |of: fn(&Chunk) -> usize| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(rows().map(|row| of(row.1) as u64)))
    };
    let line =
        |of: fn(&Chunk) -> u32| -> ArrayRef { Arc::new(UInt32Array::from_iter_values(rows().map(|row| of(row.1)))) };
    let hashes = FixedSizeBinaryArray::try_from_iter(rows().map(|row| *row.1.hash().as_bytes()))?;
    let vectors = rows().map(|row| Some(row.2.iter().copied().map(Some).collect::<Vec<_>>()));
    let vectors = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, LENGTH);
    let lower = rows().map(|row| row.1.symbol.as_deref().unwrap_or_default().to_lowercase());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows().map(|row| row.0.as_str()))),
        Arc::new(hashes),
        maybe(|chunk| chunk.symbol.as_deref()),
        Arc::new(StringArray::from_iter_values(lower)),
        Arc::new(UInt8Array::from_iter_values(rows().map(|row| kind_number(row.1.kind)))),
        maybe(|chunk| chunk.parent.as_deref()),
        text(|chunk| &chunk.signature),
        offset(|chunk| chunk.span.start),
        offset(|chunk| chunk.span.end),
        line(|chunk| chunk.lines.start),
        line(|chunk| chunk.lines.end),
        text(|chunk| &chunk.text),
        Arc::new(StringArray::from_iter_values(rows().map(|row| index_terms(row.0, row.1).join(" ")))),
        Arc::new(vectors),
        Arc::new(UInt64Array::from_iter_values(rows().map(|row| checksum(row.0, row.1, row.2)))),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The rows of `batch`; `None` for one that does not match its checksum, or is not of this form.
pub(super) fn read(batch: &RecordBatch) -> Vec<Option<Row>> {
    let row = |at: usize| -> Option<Row> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let wide = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>()?.value(at));
        let line = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>()?.value(at));
        let maybe = |name: &str| text(name).map(|list| list.iter().nth(at).flatten().map(str::to_owned));
        let vector = batch.column_by_name("vector")?.as_fixed_size_list_opt()?.value(at);
        let vector = vector.as_primitive_opt::<Float32Type>()?.values().to_vec();
        let (start, end) = (usize::try_from(wide("start")?).ok()?, usize::try_from(wide("end")?).ok()?);
        let chunk = Chunk {
            span: Span::new(start, end),
            lines: line("first_line")?..line("end_line")?,
            symbol: maybe("symbol")?,
            kind: kind_of(batch.column_by_name("kind")?.as_primitive_opt::<UInt8Type>()?.value(at))?,
            parent: maybe("parent")?,
            signature: text("signature")?.value(at).to_owned(),
            text: text("text")?.value(at).to_owned(),
        };
        let path = RelativePath::new(text("path")?.value(at)).ok()?;
        let whole = checksum(&path, &chunk, &vector) == wide("check")?;
        whole.then_some(Row { stored: StoredChunk { path, chunk }, vector, id: wide("_rowid")? })
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Hash and vector of each row of `batch`, which has both columns.
pub(super) fn read_vectors(batch: &RecordBatch) -> Vec<Option<(ContentHash, Vec<f32>)>> {
    let row = |at: usize| {
        let hash = batch.column_by_name("hash")?.as_fixed_size_binary_opt()?.value(at).try_into().ok()?;
        let vector = batch.column_by_name("vector")?.as_fixed_size_list_opt()?.value(at);
        Some((ContentHash::from_bytes(hash), vector.as_primitive_opt::<Float32Type>()?.values().to_vec()))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn checksum(path: &RelativePath, chunk: &Chunk, vector: &[f32]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for text in [path.as_str(), &chunk.signature, &chunk.text] {
        part(text.as_bytes());
    }
    for text in [&chunk.symbol, &chunk.parent] {
        part(&[u8::from(text.is_some())]);
        part(text.as_deref().unwrap_or_default().as_bytes());
    }
    part(&[kind_number(chunk.kind)]);
    for number in [chunk.span.start as u64, chunk.span.end as u64, chunk.lines.start.into(), chunk.lines.end.into()] {
        part(&number.to_le_bytes());
    }
    let numbers: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    part(&numbers);
    hasher.finalize().as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}

fn kind_number(kind: ChunkKind) -> u8 {
    match kind {
        ChunkKind::Function => 0,
        ChunkKind::Method => 1,
        ChunkKind::Type => 2,
        ChunkKind::Interface => 3,
        ChunkKind::Module => 4,
        ChunkKind::Variable => 5,
        ChunkKind::Macro => 6,
        ChunkKind::Section => 7,
        ChunkKind::Text => 8,
    }
}

fn kind_of(number: u8) -> Option<ChunkKind> {
    let kinds = [
        ChunkKind::Function,
        ChunkKind::Method,
        ChunkKind::Type,
        ChunkKind::Interface,
        ChunkKind::Module,
        ChunkKind::Variable,
        ChunkKind::Macro,
        ChunkKind::Section,
        ChunkKind::Text,
    ];
    kinds.into_iter().find(|kind| kind_number(*kind) == number)
}
