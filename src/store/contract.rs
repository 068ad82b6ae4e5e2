//! What every [`Store`] must do: one test, run against the index on disk and its twin in memory.

use std::collections::BTreeMap;

use super::{LanceStore, MemoryStore};
use crate::ports::{FailureKind, FileChunks, IndexRecord, Store};
use crate::retrieve::{Candidates, Question, chunk_features, question_features, terms};
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

/// A file with one chunk for each pair of symbol and text.
pub(super) fn file(at: &str, chunks: &[(&str, &str)]) -> FileChunks {
    let chunks: Vec<(Chunk, Vec<f32>)> = chunks
        .iter()
        .map(|(symbol, text)| {
            let chunk = chunk(symbol, text);
            let vector = chunk_features(&chunk);
            (chunk, vector)
        })
        .collect();
    let all: String = chunks.iter().map(|(chunk, _)| chunk.text.as_str()).collect();
    let hashes = chunks.iter().map(|(chunk, _)| chunk.hash()).collect();
    let content = ContentHash::of(all.as_bytes());
    let record = IndexRecord { size: all.len() as u64, modified_ns: -1, changed_ns: 2, content, chunks: hashes };
    FileChunks { path: path(at), record, chunks }
}

pub(super) fn ask(store: &dyn Store, question: &str) -> Candidates {
    let question = Question::parse(question);
    store.candidates(&question.store_query(question_features(&question), 20)).unwrap()
}

/// Path and symbol of everything that `question` finds, in order.
pub(super) fn symbols(store: &dyn Store, question: &str) -> Vec<String> {
    let found = ask(store, question).found;
    let name = |at: &crate::ports::Candidate| {
        format!("{} {}", at.stored.path, at.stored.chunk.symbol.clone().unwrap_or_default())
    };
    let mut names: Vec<String> = found.iter().map(name).collect();
    names.sort();
    names
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
        let found = ask(store, "read_header or anything else");
        assert!(found.found.is_empty() && found.total == 0);
        assert!(store.vectors(&path("none.rs")).unwrap().is_empty());
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
        assert_eq!(symbols(store, "read_header").first().map(String::as_str), Some("b.rs write_body"));
        let found = ask(store, "header parsing");
        assert_eq!(found.total, 3);
        let header = found.found.iter().find(|at| at.stored.chunk.symbol.as_deref() == Some("read_header")).unwrap();
        assert_eq!((&header.stored.chunk, &header.stored.path), (&first.chunks[0].0, &first.path));
        assert!(header.similarity > 0.1 && header.similarity <= 1.0001);
        let vectors: BTreeMap<ContentHash, Vec<f32>> =
            first.chunks.iter().map(|(chunk, vector)| (chunk.hash(), vector.clone())).collect();
        assert_eq!(store.vectors(&first.path).unwrap(), vectors);

        store.replace(vec![file("src/it's.rs", &[("read_trailer", "fn read_trailer() {}")])], &[path("b.rs")]).unwrap();
        assert_eq!(symbols(store, "read_header write_body"), ["src/it's.rs read_trailer"]);
        store.replace(vec![file("src/it's.rs", &[])], &[]).unwrap();
        assert_eq!(ask(store, "read_trailer").total, 0);
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
        assert_eq!(symbols(store, "new_one new"), ["a.rs new_one", "a.rs new_one"]);
        store.replace(vec![file("a.rs", &[("new_one", "new")])], &[path("a.rs"), path("a.rs")]).unwrap();
        assert_eq!(symbols(store, "new_one new"), ["a.rs new_one"]);
    });
}

#[test]
fn names_are_found_whole_and_by_their_beginning_whatever_they_hold() {
    with_both(|store| {
        store.open().unwrap();
        // Far from each other in words, so that only the name can find them.
        let names =
            ["ünïcode", "O'Brien", "per%cent", "under_score", "underXscore", "back\\slash", "wild*", "a\"quote"];
        let files = names.iter().enumerate().map(|(at, name)| file(&format!("f{at}.rs"), &[(*name, "")])).collect();
        store.replace(files, &[]).unwrap();
        let by_name = |name: &str| {
            let query = crate::ports::StoreQuery { names: vec![name.to_owned()], limit: 5, ..Default::default() };
            let found = store.candidates(&query).unwrap().found;
            found.into_iter().filter_map(|at| at.stored.chunk.symbol).collect::<Vec<_>>()
        };
        for name in names {
            assert_eq!(by_name(&name.to_lowercase()), [name]);
        }
        assert_eq!(by_name("under_"), ["under_score"]);
        assert_eq!(by_name("ün"), ["ünïcode"]);
        assert!(by_name("%").is_empty() && by_name("").is_empty());
        assert!(by_name("' or 1=1 --").is_empty());
    });
}

#[test]
fn each_way_of_looking_finds_alone() {
    with_both(|store| {
        store.open().unwrap();
        let texts = [("alpha", "frobnicate the widget"), ("beta", "draw circles"), ("gamma", "sum of squares")];
        store.replace(texts.iter().map(|text| file(&format!("{}.rs", text.0), &[*text])).collect(), &[]).unwrap();
        let query = crate::ports::StoreQuery { terms: terms("widget"), limit: 1, ..Default::default() };
        let found = store.candidates(&query).unwrap().found;
        assert_eq!(found.iter().map(|at| at.stored.path.as_str()).collect::<Vec<_>>(), ["alpha.rs"]);
        let vector = question_features(&Question::parse("drawing a circle"));
        let query = crate::ports::StoreQuery { vector, limit: 1, ..Default::default() };
        let found = store.candidates(&query).unwrap().found;
        assert_eq!(found.iter().map(|at| at.stored.path.as_str()).collect::<Vec<_>>(), ["beta.rs"]);
        let nothing = crate::ports::StoreQuery { limit: 0, ..Default::default() };
        assert!(store.candidates(&nothing).unwrap().found.is_empty());
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
        assert_eq!(symbols(store, "kept lost"), ["a.rs kept"]);
    });
}
