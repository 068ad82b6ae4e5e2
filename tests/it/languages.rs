//! Each language's fixture, chunk by chunk, and what holds for the chunks of any text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends where something is not as it says"
)]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tagout::syntax::{Chunk, Chunked, Language, chunk_text};
use tagout::workspace::RelativePath;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/languages")
}

/// The source of a language's fixture: the one file in its folder that is not `expected.txt`.
fn fixture(language: Language) -> (RelativePath, String) {
    let folder = fixtures().join(language.name());
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let sources: Vec<String> = names.filter(|name| name != "expected.txt").collect();
    let [name] = sources.as_slice() else { panic!("one source in {}: {sources:?}", folder.display()) };
    (RelativePath::new(name.as_str()).unwrap(), std::fs::read_to_string(folder.join(name)).unwrap())
}

fn chunked(path: &str, text: &str) -> Chunked {
    chunk_text(&RelativePath::new(path).unwrap(), text, &|| false)
}

fn line(chunk: &Chunk) -> String {
    let kind = serde_json::to_value(chunk.kind).unwrap().as_str().unwrap().to_owned();
    let parent = chunk.parent.as_deref().unwrap_or("-");
    let symbol = chunk.symbol.as_deref().unwrap_or("-");
    let line = format!("{kind} {parent}/{symbol} {}..{} {}", chunk.lines.start, chunk.lines.end, chunk.signature);
    line.trim_end().to_owned()
}

/// What holds for the chunks of every text.
fn check_chunks(text: &str, chunks: &[Chunk]) {
    let mut reached = 0;
    for chunk in chunks {
        assert!(chunk.span.start >= reached, "chunks overlap at byte {}", chunk.span.start);
        let gap = &text[reached..chunk.span.start];
        assert!(is_blank(gap), "bytes {reached}..{} are in no chunk: {gap:?}", chunk.span.start);
        assert_eq!(chunk.text, &text[chunk.span.start..chunk.span.end]);
        assert!(!is_blank(&chunk.text));
        let breaks_before = breaks(text, chunk.span.start);
        assert_eq!(chunk.lines.start, breaks_before, "first line of {:?}", chunk.text);
        let ends_line = chunk.text.ends_with(['\n', '\r']);
        assert_eq!(chunk.lines.end, breaks(text, chunk.span.end) + u32::from(!ends_line), "end of {:?}", chunk.text);
        assert!(chunk.signature.chars().count() <= 200 && !chunk.signature.contains('\n'));
        reached = chunk.span.end;
    }
    assert!(is_blank(&text[reached..]), "the end is in no chunk: {:?}", &text[reached..]);
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|sign| sign.is_whitespace() || sign == '\u{feff}')
}

/// LF, CRLF and lone CR before byte `end`.
fn breaks(text: &str, end: usize) -> u32 {
    let bytes = text.as_bytes();
    let is_break = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    u32::try_from((0..end).filter(is_break).count()).unwrap()
}

/// With `UPDATE_EXPECT=1` writes what the chunks are; else compares.
#[test]
fn each_fixture_gives_its_chunks() {
    let mut different = Vec::new();
    for language in Language::ALL {
        let (path, text) = fixture(language);
        let result = chunk_text(&path, &text, &|| false);
        assert_eq!(result.language, Some(language));
        assert_eq!(result.notice, None, "{path}");
        check_chunks(&text, &result.chunks);
        let found: String = result.chunks.iter().map(|chunk| line(chunk) + "\n").collect();
        let expected = fixtures().join(language.name()).join("expected.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expected, &found).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            different.push(format!("{}:\n{found}", expected.display()));
        }
    }
    assert!(different.is_empty(), "run again with UPDATE_EXPECT=1 if this is right:\n{}", different.join("\n"));
}

#[test]
fn a_fixture_reads_the_same_with_crlf_and_bom() {
    for language in Language::ALL {
        let (path, text) = fixture(language);
        let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let (plain, other) = (chunk_text(&path, &text, &|| false), chunk_text(&path, &crlf, &|| false));
        check_chunks(&crlf, &other.chunks);
        let symbols = |chunked: &Chunked| -> Vec<Option<String>> {
            chunked.chunks.iter().map(|chunk| chunk.symbol.clone()).collect()
        };
        assert_eq!(symbols(&plain), symbols(&other), "{path}");
    }
}

#[test]
fn a_cancelled_look_falls_back_to_lines() {
    let text = "fn a() { b(c, d); }\n".repeat(500);
    let result = chunk_text(&RelativePath::new("a.rs").unwrap(), &text, &|| true);
    check_chunks(&text, &result.chunks);
    assert!(result.notice.unwrap().contains("cancelled"));
}

#[test]
fn unknown_text_is_cut_by_lines() {
    let text = "Some words.\n".repeat(150);
    let result = chunked("NOTES", &text);
    assert_eq!(result.language, None);
    assert_eq!(result.chunks.iter().map(|chunk| chunk.lines.clone()).collect::<Vec<_>>(), [0..60, 60..120, 120..150]);
    assert!(chunked("empty.rs", "").chunks.is_empty());
    assert!(chunked("blank.py", " \n\n\t\n").chunks.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Pieces of fixtures in any order and language: broken code, mixed line breaks, missing ends.
    #[test]
    fn every_byte_is_in_one_chunk(
        language in 0..20_usize,
        cuts in proptest::collection::vec((0..20_usize, 0..200_usize, 1..200_usize), 1..6),
    ) {
        let (path, _) = fixture(Language::ALL[language]);
        let mut text = String::new();
        for (other, from, length) in cuts {
            let (_, source) = fixture(Language::ALL[other]);
            let piece: String = source.chars().skip(from).take(length).collect();
            text.push_str(&piece);
            text.push_str(["", "\r\n", "\0", "😀", "\r"][length % 5]);
        }
        check_chunks(&text, &chunk_text(&path, &text, &|| false).chunks);
    }
}
