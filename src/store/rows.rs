//! Chunks as rows of the table, and back; each row has a checksum over all that it holds.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, RecordBatchReader, StringArray, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::ports::{Failure, FailureKind, FileChunks};
use crate::retrieve::{DIMENSIONS, StoredChunk, narrowed, widened};
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::RelativePath;

/// Rows of one batch, and bytes of text in it, before the next one is begun.
const BATCH_ROWS: usize = 2_048;
const BATCH_BYTES: usize = 16 << 20;
/// Bytes of a vector, as Arrow counts.
const LENGTH: i32 = 256;
const _: () = assert!(DIMENSIONS == 256);

/// A row, read and found whole.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) stored: StoredChunk,
    pub(super) vector: Vec<f32>,
}

/// What the table looks like.
pub(super) fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let maybe = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        text("path"),
        maybe("symbol"),
        number("kind", DataType::UInt8),
        maybe("parent"),
        text("signature"),
        number("start", DataType::UInt64),
        number("end", DataType::UInt64),
        number("first_line", DataType::UInt32),
        number("end_line", DataType::UInt32),
        text("text"),
        number("vector", DataType::FixedSizeBinary(LENGTH)),
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
    let vectors: Vec<[u8; DIMENSIONS]> = rows().map(|row| narrowed(row.2).map(i8::cast_unsigned)).collect();
    let checks = rows().zip(&vectors).map(|(row, vector)| checksum(row.0, row.1, vector));
    let checks = UInt64Array::from_iter_values(checks.collect::<Vec<_>>());
    let vectors = FixedSizeBinaryArray::try_from_iter(vectors.iter())?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows().map(|row| row.0.as_str()))),
        maybe(|chunk| chunk.symbol.as_deref()),
        Arc::new(UInt8Array::from_iter_values(rows().map(|row| row.1.kind.number()))),
        maybe(|chunk| chunk.parent.as_deref()),
        text(|chunk| &chunk.signature),
        offset(|chunk| chunk.span.start),
        offset(|chunk| chunk.span.end),
        line(|chunk| chunk.lines.start),
        line(|chunk| chunk.lines.end),
        text(|chunk| &chunk.text),
        Arc::new(vectors),
        Arc::new(checks),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// The rows of `batch`; `None` for one that does not match its checksum, or is not of this form.
pub(super) fn read(batch: &RecordBatch) -> Vec<Option<Row>> {
    let row = |at: usize| -> Option<Row> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let wide = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>()?.value(at));
        let line = |name: &str| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>()?.value(at));
        let maybe = |name: &str| text(name).map(|list| list.is_valid(at).then(|| list.value(at).to_owned()));
        let vector = batch.column_by_name("vector")?.as_fixed_size_binary_opt()?.value(at);
        let (start, end) = (usize::try_from(wide("start")?).ok()?, usize::try_from(wide("end")?).ok()?);
        let chunk = Chunk {
            span: Span::new(start, end),
            lines: line("first_line")?..line("end_line")?,
            symbol: maybe("symbol")?,
            kind: ChunkKind::from_number(batch.column_by_name("kind")?.as_primitive_opt::<UInt8Type>()?.value(at))?,
            parent: maybe("parent")?,
            signature: text("signature")?.value(at).to_owned(),
            text: text("text")?.value(at).to_owned(),
        };
        let path = RelativePath::new(text("path")?.value(at)).ok()?;
        let whole = checksum(&path, &chunk, vector) == wide("check")?;
        let steps: Vec<i8> = vector.iter().map(|step| step.cast_signed()).collect();
        whole.then(|| Row { stored: StoredChunk { path, chunk }, vector: widened(&steps) })
    };
    (0..batch.num_rows()).map(row).collect()
}

fn checksum(path: &RelativePath, chunk: &Chunk, vector: &[u8]) -> u64 {
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
    part(&[chunk.kind.number()]);
    for number in [chunk.span.start as u64, chunk.span.end as u64, chunk.lines.start.into(), chunk.lines.end.into()] {
        part(&number.to_le_bytes());
    }
    part(vector);
    hasher.finalize().as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}
