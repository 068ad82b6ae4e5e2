//! A segment comes back as it was written or is refused; texts, names and terms are found again.

mod damage;
mod lists;
mod model;

use super::*;
use crate::retrieve::DIMENSIONS;

fn path(name: &str) -> RelativePath {
    RelativePath::new(name).unwrap()
}

fn chunk(symbol: &str, text: &str) -> Chunk {
    Chunk {
        span: Span::new(7, 7 + text.len()),
        lines: 1..3,
        symbol: (!symbol.is_empty()).then(|| symbol.to_owned()),
        kind: ChunkKind::Function,
        parent: Some("Outer".to_owned()),
        signature: format!("fn {symbol}()"),
        text: text.to_owned(),
    }
}

fn vector(seed: usize) -> Vec<f32> {
    let raw: Vec<f32> = (0..DIMENSIONS).map(|at| ((at * (seed + 3) + seed) % 17) as f32 - 8.0).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}

/// A catalogue of three files, the last one without chunks.
fn small() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let chunks = [
        (chunk("readHeader", "fn readHeader() { parse(header) }"), vector(1)),
        (chunk("", &"header body ".repeat(300)), vector(2)),
    ];
    catalogue.put(&path("src/http.rs"), ContentHash::of(b"1"), &chunks);
    catalogue.put(&path("größe.py"), ContentHash::of(b"2"), &[(chunk("ReadHeaderSlow", "日本語 header"), vector(3))]);
    catalogue.put(&path("empty"), ContentHash::of(b"3"), &[]);
    catalogue
}

fn reloaded(catalogue: &Catalogue) -> Catalogue {
    Catalogue::from_bytes(catalogue.to_bytes("e"), "e").unwrap()
}

#[test]
fn it_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Catalogue::default());
}

#[test]
fn everything_comes_back() {
    let before = small();
    let after = reloaded(&before);
    assert_eq!((after.len(), after.changed(), before.changed()), (3, 0, 4));
    assert_eq!(before.files().collect::<Vec<_>>(), after.files().collect::<Vec<_>>());
    assert_eq!(after.content(&path("empty")), Some(ContentHash::of(b"3")));
    for (name, _) in before.files() {
        let (left, right) = (before.chunks_of(&path(name)), after.chunks_of(&path(name)));
        assert_eq!(left.len(), right.len(), "{name}");
        for (left, right) in left.into_iter().zip(right) {
            // Files are numbered anew.
            let numbered = |known: Option<Known<'_>>| known.map(|known| format!("{:?}", Known { file: 0, ..known }));
            assert_eq!(numbered(before.known(left)), numbered(after.known(right)));
            assert_eq!(before.stored(left), after.stored(right));
            assert!(before.stored(left).is_some());
            assert_eq!(before.vector(left), after.vector(right));
            let hash = after.stored(right).unwrap().chunk.hash();
            let kept = after.vector_of(&path(name), hash).unwrap();
            assert_eq!(vectors::narrowed(&kept).as_slice(), before.vector(left).unwrap());
        }
    }
    assert_eq!(after.vector_of(&path("src/http.rs"), ContentHash::of(b"none")), None);
}

#[test]
fn the_bytes_tell_nothing_of_the_history() {
    let first = small();
    let bytes = first.to_bytes("e");
    assert_eq!(reloaded(&first).to_bytes("e"), bytes);
    let mut other = Catalogue::default();
    other.put(&path("gone"), ContentHash::of(b"9"), &[(chunk("gone", "gone for good"), vector(9))]);
    let mut other = reloaded(&other);
    for (name, content) in first.files().collect::<Vec<_>>().into_iter().rev() {
        let again = |at: u32| {
            let stored = first.stored(at).unwrap().chunk;
            let vector = first.vector_of(&path(name), stored.hash()).unwrap();
            (stored, vector)
        };
        let chunks: Vec<_> = first.chunks_of(&path(name)).into_iter().map(again).collect();
        other.put(&path(name), ContentHash::of(b"old"), &chunks[..chunks.len() / 2]);
        other.put(&path(name), content, &chunks);
    }
    other.remove(&path("gone"));
    assert_eq!(other.to_bytes("e"), bytes);
}

#[test]
fn what_is_gone_is_gone() {
    for mut catalogue in [small(), reloaded(&small())] {
        let gone = catalogue.chunks_of(&path("src/http.rs"));
        catalogue.remove(&path("src/http.rs"));
        catalogue.remove(&path("never there"));
        for chunk in gone {
            assert_eq!(catalogue.known(chunk), None);
            assert_eq!((catalogue.text(chunk), catalogue.vector(chunk)), (None, None));
            assert_eq!(catalogue.counts(&[chunk], "head"), [[0; 5]]);
            assert_eq!(catalogue.similarities(&[chunk], &vector(1)), [0.0]);
        }
        assert_eq!((catalogue.len(), catalogue.content(&path("src/http.rs"))), (1, None));
        assert_eq!(catalogue.having("head"), catalogue.chunks_of(&path("größe.py")));
        assert_eq!(catalogue.named("readheader", 9).len(), 1);
        assert_eq!(catalogue.similar(&vector(1), 9).len(), 1);
    }
}

#[test]
fn more_than_a_byte_holds_counts_as_255() {
    for catalogue in [small(), reloaded(&small())] {
        let long = catalogue.chunks_of(&path("src/http.rs"))[1];
        assert_eq!(catalogue.counts(&[long], "head"), [[0, 0, 0, 0, 255]]);
        assert_eq!(catalogue.known(long).unwrap().lengths[4], 600);
    }
}

#[test]
fn whole_names_come_before_longer_ones() {
    let mut catalogue = small();
    for _ in 0..2 {
        let names: Vec<_> =
            catalogue.named("READHEADER", 9).into_iter().filter_map(|at| catalogue.known(at)?.symbol).collect();
        assert_eq!(names, ["readHeader", "ReadHeaderSlow"]);
        assert_eq!(catalogue.named("readheader", 1).len(), 1);
        assert!(catalogue.named("", 9).is_empty());
        assert!(catalogue.named("header", 9).is_empty());
        catalogue = reloaded(&catalogue);
    }
}

#[test]
fn a_file_without_chunks_is_a_change() {
    let mut catalogue = reloaded(&small());
    catalogue.put(&path("empty"), ContentHash::of(b"4"), &[]);
    assert!(catalogue.changed() > 0);
    assert_eq!(reloaded(&catalogue).content(&path("empty")), Some(ContentHash::of(b"4")));
}
