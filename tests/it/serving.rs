//! The catalogue that answers, beside the store that keeps: opened from one piece or from the store, laid over with
//! unsaved texts, followed from another process, cut short between the two.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tagout::engine::{Chunks, Index, Overlay};
use tagout::model::BuiltinEmbedder;
use tagout::ports::{Embedder, Failure, FileChunks, IndexRecord};
use tagout::retrieve::Catalogue;
use tagout::store::LanceStore;
use tagout::syntax::{Chunk, chunk_text};
use tagout::workspace::{ContentHash, RelativePath};

/// Set in the process that is ended in the middle: the folder of its index.
const VICTIM: &str = "TAGOUT_TEST_SERVING_VICTIM";

pub(crate) fn path(name: &str) -> RelativePath {
    RelativePath::new(name).unwrap()
}

pub(crate) fn index(folder: &Path) -> Index {
    index_by(folder, BuiltinEmbedder.name())
}

fn index_by(folder: &Path, embedder: &str) -> Index {
    Index::new(Box::new(LanceStore::new(folder.to_owned(), embedder)), embedder, || {})
}

fn chunks(name: &str, text: &str) -> Chunks {
    let path = path(name);
    let chunks = chunk_text(&path, text, &|| false).chunks;
    let vectors = BuiltinEmbedder.embed(&chunks.iter().map(|chunk| (&path, chunk)).collect::<Vec<_>>()).unwrap();
    chunks.into_iter().zip(vectors).collect()
}

pub(crate) fn file(name: &str, text: &str) -> FileChunks {
    let chunks = chunks(name, text);
    let hashes = chunks.iter().map(|(chunk, _)| Chunk::hash(chunk)).collect();
    let content = ContentHash::of(text.as_bytes());
    let record = IndexRecord { size: text.len() as u64, modified_ns: 1, changed_ns: 2, content, chunks: hashes };
    FileChunks { path: path(name), record, chunks }
}

pub(crate) fn function(name: &str) -> String {
    format!("/// Does it.\nfn {name}() {{\n    work();\n}}\n")
}

/// Writes ten files, one of them without chunks, and keeps the catalogue.
fn fill(folder: &Path) {
    let index = index(folder);
    drop(index.known(&|_| {}));
    for at in 0..9 {
        index.put(file(&format!("f{at}.rs"), &(function(&format!("first_{at}")) + &function(&format!("other_{at}")))));
    }
    index.put(file("empty.rs", ""));
    index.flush().unwrap();
    index.tidy();
}

/// Everything that is found: path, symbol and text of each chunk with its vector.
pub(crate) fn all(catalogue: &Catalogue) -> Vec<String> {
    let mut found = Vec::new();
    for (name, content) in catalogue.files() {
        found.push(format!("{name} {}", content.short(12)));
        for at in catalogue.chunks_of(&path(name)) {
            found.push(format!("{name} {:?} {:?}", catalogue.stored(at).unwrap().chunk, catalogue.vector(at).unwrap()));
        }
    }
    found
}

/// Where nothing is laid over, nothing is made.
fn none_made(overlay: &Overlay<'_>) -> Result<Chunks, Failure> {
    panic!("{} is made", overlay.path)
}

pub(crate) fn served(index: &Index) -> Vec<String> {
    index.look(&[], none_made, all).unwrap()
}

fn names(index: &Index) -> Vec<String> {
    let symbols = |catalogue: &Catalogue| {
        let of_file = |(name, _): (&str, ContentHash)| catalogue.chunks_of(&path(name));
        let chunks: Vec<u32> = catalogue.files().flat_map(of_file).collect();
        chunks.into_iter().filter_map(|at| Some(catalogue.known(at)?.symbol?.to_owned())).collect()
    };
    index.look(&[], none_made, symbols).unwrap()
}

#[test]
fn a_catalogue_that_is_missing_damaged_old_or_of_another_embedder_costs_only_time() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let at = folder.path().join("catalogue");
    let (kept, before) = (fs::read(&at).unwrap(), served_after_opening(folder.path(), 10));
    assert_eq!(before.len(), 10 + 18);
    let mut flipped = kept.clone();
    flipped[kept.len() / 2] ^= 1;
    let other = Catalogue::from_bytes(kept.clone(), BuiltinEmbedder.name()).unwrap().to_bytes("another");
    let mut stranger = Catalogue::default();
    stranger.put(&path("stranger.rs"), ContentHash::of(b"x"), &chunks("stranger.rs", &function("stranger")));
    stranger.put(&path("f1.rs"), ContentHash::of(b"old"), &chunks("f1.rs", &function("older")));
    stranger.put(&path("f2.rs"), file("f2.rs", &(function("first_2") + &function("other_2"))).record.content, &[]);
    stranger.remove(&path("f2.rs"));
    let old = stranger.to_bytes(BuiltinEmbedder.name());
    for bytes in [Some(&kept[..kept.len() / 2]), Some(b""), Some(&flipped), Some(&other), Some(&old), None] {
        match bytes {
            Some(bytes) => fs::write(&at, bytes).unwrap(),
            None => fs::remove_file(&at).unwrap(),
        }
        assert_eq!(served_after_opening(folder.path(), 10), before);
    }
}

fn served_after_opening(folder: &Path, files: usize) -> Vec<String> {
    let index = index(folder);
    let known = index.known(&|_| {});
    let open = known.as_ref().unwrap();
    assert_eq!((open.files.len(), &open.notice), (files, &None));
    drop(known);
    served(&index)
}

#[test]
fn what_was_put_is_found_before_it_is_written_and_lost_only_to_the_store() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let index = index(folder.path());
    drop(index.known(&|_| {}));
    index.put(file("f3.rs", &function("later")));
    index.remove(vec![path("f4.rs")]);
    let now = names(&index);
    assert!(now.contains(&"later".to_owned()) && !now.contains(&"first_3".to_owned()));
    assert!(!now.contains(&"first_4".to_owned()));
    // The catalogue is kept before the store has it, and then the process ends.
    index.tidy();
    drop(index);
    let again = self::index(folder.path());
    let known = again.known(&|_| {});
    let records = &known.as_ref().unwrap().files;
    assert_eq!(
        records[&path("f3.rs")].content,
        file("f3.rs", &(function("first_3") + &function("other_3"))).record.content
    );
    assert!(records.contains_key(&path("f4.rs")), "so they are looked at again");
    drop(known);
    let old = names(&again);
    assert!(old.contains(&"first_3".to_owned()) && old.contains(&"first_4".to_owned()));
    assert!(!old.contains(&"later".to_owned()));
}

/// Not a test by itself: the process that the next one ends.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let index = index(Path::new(&folder));
    drop(index.known(&|_| {}));
    for round in 0.. {
        let name = format!("f{}.rs", round % 9);
        index.put(file(&name, &(function(&format!("round_{round}")) + &function("again"))));
        if round % 3 == 1 {
            index.flush().unwrap();
        }
        if round % 5 == 4 {
            index.tidy();
        }
        fs::write(Path::new(&folder).join("../round"), round.to_string()).unwrap();
    }
}

#[test]
fn killed_at_any_moment_the_catalogue_is_what_the_store_has() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("index");
    fill(&at);
    for turn in 0..12 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["serving::victim", "--exact"])
            .env(VICTIM, &at)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let _ = fs::remove_file(folder.path().join("round"));
        while fs::read_to_string(folder.path().join("round")).is_err() {
            assert!(victim.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(17 * turn));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let from_both = consistent(&at);
        let _ = fs::remove_file(at.join("catalogue"));
        assert_eq!(consistent(&at), from_both, "turn {turn}");
    }
}

/// What is served after opening; each file as its record says.
fn consistent(folder: &Path) -> Vec<String> {
    let index = index(folder);
    let known = index.known(&|_| {});
    let open = known.as_ref().unwrap();
    assert!(!open.read_only);
    let records: Vec<_> = open.files.iter().map(|(path, record)| (path.clone(), record.clone())).collect();
    drop(known);
    assert_eq!(records.len(), 10);
    let check = |catalogue: &Catalogue| {
        assert_eq!(catalogue.files().count(), records.len());
        for (path, record) in &records {
            assert_eq!(catalogue.content(path), Some(record.content));
            let hashes = catalogue.chunks_of(path).into_iter().map(|at| catalogue.stored(at).unwrap().chunk.hash());
            assert_eq!(hashes.collect::<Vec<_>>(), record.chunks, "{path}");
        }
    };
    index.look(&[], none_made, check).unwrap();
    served(&index)
}

#[test]
fn unsaved_texts_are_seen_by_those_who_have_them_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let index = index(folder.path());
    drop(index.known(&|_| {}));
    let before = served(&index);
    let (one, new) = (path("f1.rs"), path("new.rs"));
    let (text, fresh) = (function("unsaved"), function("brand_new"));
    let overlays = [Overlay::new(&one, &text), Overlay::new(&new, &fresh)];
    let made = std::cell::Cell::new(0);
    let make = |overlay: &Overlay<'_>| {
        made.set(made.get() + 1);
        Ok(chunks(overlay.path.as_str(), overlay.text))
    };
    let symbol = |name: &str| index.look(&overlays, make, |catalogue| catalogue.named(name, 9).len()).unwrap();
    assert_eq!((symbol("unsaved"), symbol("brand_new"), symbol("first_1"), symbol("first_2")), (1, 1, 0, 1));
    assert_eq!(made.get(), 2, "made once, however often it is asked");
    // Another session without them, and the first one again.
    assert_eq!(served(&index), before);
    assert_eq!((symbol("unsaved"), made.get()), (1, 4));
    // The disk changes beneath them.
    index.put(file("f1.rs", &function("saved_by_others")));
    index.put(file("new.rs", &function("created_by_others")));
    assert_eq!((symbol("unsaved"), symbol("saved_by_others")), (1, 0));
    let shown = names(&index);
    assert!(shown.contains(&"saved_by_others".to_owned()) && shown.contains(&"created_by_others".to_owned()));
    assert!(!shown.contains(&"unsaved".to_owned()) && !shown.contains(&"brand_new".to_owned()));
    // Deleted while it is open, and put into one piece meanwhile.
    symbol("unsaved");
    index.remove(vec![one.clone(), new.clone()]);
    index.flush().unwrap();
    index.tidy();
    assert_eq!(symbol("unsaved"), 1);
    let left: Vec<String> = before.into_iter().filter(|found| !found.starts_with("f1.rs")).collect();
    assert_eq!(served(&index), left);
}

#[test]
fn questions_of_two_sessions_at_once_never_see_half_a_state() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let index = index(folder.path());
    drop(index.known(&|_| {}));
    let one = path("f1.rs");
    std::thread::scope(|scope| {
        for session in 0..3 {
            let (index, one) = (&index, &one);
            scope.spawn(move || {
                let own = format!("of_session_{session}");
                let text = function(&own) + &function(&own);
                let overlays = [Overlay::new(one, &text)];
                let overlays = if session == 2 { &[][..] } else { &overlays[..] };
                for _ in 0..200 {
                    let seen = |catalogue: &Catalogue| {
                        let own = catalogue.named(&own, 9).len();
                        (own, catalogue.named("of_session", 9).len(), catalogue.named("first_1", 9).len())
                    };
                    let make = |overlay: &Overlay<'_>| Ok(chunks(overlay.path.as_str(), overlay.text));
                    let seen = index.look(overlays, make, seen).unwrap();
                    assert_eq!(seen, if session == 2 { (0, 0, 1) } else { (2, 2, 0) });
                }
            });
        }
    });
}

#[test]
fn one_that_only_reads_follows_the_one_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let (writer, reader) = (index(folder.path()), index(folder.path()));
    drop(writer.known(&|_| {}));
    reader.mark_built();
    reader.ensure_open();
    assert_eq!(served(&reader), served(&writer));
    writer.put(file("f1.rs", &function("written_later")));
    writer.put(file("added.rs", &function("added")));
    writer.remove(vec![path("f2.rs")]);
    reader.ensure_open();
    assert_ne!(served(&reader), served(&writer), "it is not written yet");
    writer.flush().unwrap();
    reader.ensure_open();
    assert_eq!(served(&reader), served(&writer));
    for round in 0..40 {
        writer.put(file("f3.rs", &function(&format!("round_{round}"))));
        writer.flush().unwrap();
    }
    writer.tidy();
    reader.ensure_open();
    assert_eq!(served(&reader), served(&writer));
    reader.tidy();
    assert_eq!(served(&reader), served(&writer));
    // The one that writes ends, and the next job here may write.
    drop(writer);
    assert!(!reader.known(&|_| {}).as_ref().unwrap().read_only);
    reader.put(file("f4.rs", &function("written_by_the_other")));
    reader.flush().unwrap();
    assert_eq!(served_after_opening_copy(&reader, folder.path()), served(&reader));
}

fn served_after_opening_copy(index: &Index, folder: &Path) -> Vec<String> {
    let reader = self::index(folder);
    assert!(reader.known(&|_| {}).as_ref().unwrap().read_only, "the lock is held");
    drop(names(index));
    served(&reader)
}

#[test]
fn what_is_put_is_written_soon_and_the_catalogue_kept_once_it_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    fs::remove_file(folder.path().join("catalogue")).unwrap();
    let index = std::sync::Arc::new(index(folder.path()));
    drop(index.known(&|_| {}));
    index.put(file("f1.rs", &function("written_soon")));
    index.keep_soon();
    index.keep_soon();
    let reader = self::index(folder.path());
    reader.mark_built();
    let written = || {
        reader.ensure_open();
        names(&reader).contains(&"written_soon".to_owned())
    };
    assert!((0..400).any(|_| written() || {
        std::thread::sleep(Duration::from_millis(25));
        false
    }));
    let kept = || folder.path().join("catalogue").exists();
    assert!((0..800).any(|_| kept() || {
        std::thread::sleep(Duration::from_millis(25));
        false
    }));
    assert_eq!(served(&reader), served(&index));
}
