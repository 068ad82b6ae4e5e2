//! What every [`Store`] must do: one test, run against the index on disk and its twin in memory.

use super::{LanceStore, MemoryStore};
use crate::ports::{FailureKind, FileChunks, IndexRecord, Store, StoredChunk};
use crate::retrieve::{DIMENSIONS, narrowed, widened};
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::{ContentHash, RelativePath};

pub(super) fn path(text: &str) -> RelativePath {
    RelativePath::new(text).unwrap()
}

pub(super) fn chunk(symbol: &str, text: &str) -> Chunk {
    Chunk {
        span: Span::new(3, 3 + text.len()),
        lines: 1..4,
        symbol: (!symbol.is_empty()).then(|| symbol.to_owned()),
        kind: if symbol.is_empty() { ChunkKind::Text } else { ChunkKind::Method },
        parent: symbol.contains('_').then(|| "Parent".to_owned()),
        signature: format!("fn {symbol}()"),
        text: text.to_owned(),
    }
}

/// A vector that no other text has.
pub(super) fn vector(text: &str) -> Vec<f32> {
    let bytes = blake3::hash(text.as_bytes());
    let raw: Vec<f32> = (0..DIMENSIONS).map(|at| f32::from(bytes.as_bytes()[at % 32]) - 127.0 + at as f32).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}

/// A file with one chunk for each pair of symbol and text.
pub(super) fn file(at: &str, chunks: &[(&str, &str)]) -> FileChunks {
    let chunks: Vec<(Chunk, Vec<f32>)> = chunks
        .iter()
        .map(|(symbol, text)| {
            let chunk = chunk(symbol, text);
            let vector = vector(&chunk.text);
            (chunk, vector)
        })
        .collect();
    let all: String = chunks.iter().map(|(chunk, _)| chunk.text.as_str()).collect();
    let hashes = chunks.iter().map(|(chunk, _)| chunk.hash()).collect();
    let content = ContentHash::of(all.as_bytes());
    let record = IndexRecord { size: all.len() as u64, modified_ns: -1, changed_ns: 2, content, chunks: hashes };
    FileChunks { path: path(at), record, chunks }
}

/// Everything that the store hands on of `paths`, or of all, in one order.
pub(super) fn rows(store: &dyn Store, paths: Option<&[RelativePath]>) -> Vec<(StoredChunk, Vec<f32>)> {
    let mut rows = Vec::new();
    store.read(paths, &mut |stored, vector| rows.push((stored, vector))).unwrap();
    rows.sort_by(|(left, _), (right, _)| {
        let place =
            |stored: &StoredChunk| (stored.path.clone(), stored.chunk.symbol.clone(), stored.chunk.text.clone());
        place(left).cmp(&place(right))
    });
    rows
}

/// Path and symbol of everything in the store, in order.
pub(super) fn symbols(store: &dyn Store) -> Vec<String> {
    let name = |(stored, _): &(StoredChunk, Vec<f32>)| {
        format!("{} {}", stored.path, stored.chunk.symbol.clone().unwrap_or_default())
    };
    rows(store, None).iter().map(name).collect()
}

fn with_both(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::default());
    let folder = tempfile::tempdir().unwrap();
    // Blanks, quotes and signs that mean something in URLs are plain letters of a folder's name.
    test(&LanceStore::new(folder.path().join("in dex'#%41?é"), "test"));
    assert!(folder.path().join("in dex'#%41?é/chunks.lance").is_dir());
}

#[test]
fn an_empty_index_answers() {
    with_both(|store| {
        let open = store.open().unwrap();
        assert!(open.files.is_empty() && open.notice.is_none() && !open.read_only);
        assert!(rows(store, None).is_empty());
        assert!(rows(store, Some(&[path("none.rs")])).is_empty());
        assert!(store.catalogue().is_none() && !store.has_news());
        store.replace(Vec::new(), &[]).unwrap();
        store.replace(Vec::new(), &[path("never.rs")]).unwrap();
        store.compact().unwrap();
    });
}

#[test]
fn what_is_put_is_found_and_what_is_replaced_is_gone() {
    with_both(|store| {
        store.open().unwrap();
        let first = file("src/it's.rs", &[("read_header", "fn read_header() { parse }"), ("", "// glue between")]);
        store.replace(vec![first.clone(), file("b.rs", &[("write_body", "fn write_body() {}")])], &[]).unwrap();
        assert_eq!(symbols(store), ["b.rs write_body", "src/it's.rs ", "src/it's.rs read_header"]);
        let found = rows(store, Some(std::slice::from_ref(&first.path)));
        assert_eq!(found.len(), 2);
        for (chunk, vector) in &first.chunks {
            let kept = (StoredChunk { path: first.path.clone(), chunk: chunk.clone() }, widened(&narrowed(vector)));
            assert!(found.contains(&kept) && narrowed(&kept.1) == narrowed(vector), "{kept:?}");
        }

        store.replace(vec![file("src/it's.rs", &[("read_trailer", "fn read_trailer() {}")])], &[path("b.rs")]).unwrap();
        assert_eq!(symbols(store), ["src/it's.rs read_trailer"]);
        store.replace(vec![file("src/it's.rs", &[])], &[]).unwrap();
        assert!(symbols(store).is_empty());
        let known = store.open().unwrap().files;
        assert_eq!(known.keys().map(RelativePath::as_str).collect::<Vec<_>>(), ["src/it's.rs"]);
        assert_eq!(known[&path("src/it's.rs")], file("src/it's.rs", &[]).record);
    });
}

#[test]
fn no_chunk_is_found_twice_and_the_later_of_two_states_counts() {
    with_both(|store| {
        store.open().unwrap();
        let twice = vec![file("a.rs", &[("old_one", "old")]), file("a.rs", &[("new_one", "new"), ("new_one", "new")])];
        store.replace(twice, &[path("a.rs")]).unwrap();
        assert_eq!(symbols(store), ["a.rs new_one", "a.rs new_one"]);
        store.replace(vec![file("a.rs", &[("new_one", "new")])], &[path("a.rs"), path("a.rs")]).unwrap();
        assert_eq!(symbols(store), ["a.rs new_one"]);
        assert_eq!(rows(store, Some(&[path("a.rs"), path("a.rs")])).len(), 1);
    });
}

#[test]
fn files_are_read_whatever_they_and_their_names_hold() {
    with_both(|store| {
        store.open().unwrap();
        let odd =
            ["ünïcode", "O'Brien", "per%cent", "under_score", r"back\slash", "wild*", "a\"quote", "a b/' or 1=1 --"];
        let files = odd.iter().map(|name| file(name, &[(name, name), ("", "")])).collect();
        store.replace(files, &[]).unwrap();
        for name in odd {
            let found = rows(store, Some(&[path(name)]));
            assert_eq!(found.len(), 2, "{name}");
            assert_eq!((found[0].0.chunk.symbol.as_deref(), found[1].0.chunk.symbol.as_deref()), (None, Some(name)));
        }
        assert!(rows(store, Some(&[])).is_empty());
        let many: Vec<RelativePath> = (0..2_500).map(|at| path(&format!("none{at}"))).collect();
        assert!(rows(store, Some(&many)).is_empty());
        let many: Vec<RelativePath> = many.into_iter().chain(odd.map(path)).collect();
        assert_eq!(rows(store, Some(&many)).len(), 2 * odd.len());
        assert_eq!(rows(store, Some(&many[1_600..])).len(), 2 * odd.len());
    });
}

#[test]
fn a_catalogue_is_kept_as_it_is() {
    with_both(|store| {
        store.open().unwrap();
        for bytes in [vec![1, 2, 3], Vec::new(), vec![7; 100_000]] {
            store.keep_catalogue(&bytes).unwrap();
            assert_eq!(store.catalogue(), Some(bytes));
        }
    });
}

#[test]
fn vectors_of_another_length_are_refused_and_nothing_changes() {
    with_both(|store| {
        store.open().unwrap();
        store.replace(vec![file("a.rs", &[("kept", "kept")])], &[]).unwrap();
        let mut bad = file("a.rs", &[("lost", "lost")]);
        bad.chunks[0].1.pop();
        assert_eq!(store.replace(vec![bad], &[]).unwrap_err().kind, FailureKind::InvalidInput);
        let mut bad = file("a.rs", &[("lost", "lost")]);
        bad.chunks[0].1[7] = f32::NAN;
        assert_eq!(store.replace(vec![bad], &[]).unwrap_err().kind, FailureKind::InvalidInput);
        assert_eq!(symbols(store), ["a.rs kept"]);
    });
}
