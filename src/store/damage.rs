//! The index on disk through crashes, damage, other processes and other versions.

use std::fs;
use std::path::{Path, PathBuf};

use super::LanceStore;
use super::contract::{file, path, symbols};
use super::manifest::{JOURNAL, MANIFEST, SCHEMA};
use crate::ports::{FailureKind, FileChunks, KeepsCatalogue, Store};
use crate::retrieve::narrowed;

fn some_files() -> Vec<FileChunks> {
    (0..30).map(|at| file(&format!("f{at}.rs"), &[(&format!("name_{at}"), &format!("text of number{at}"))])).collect()
}

/// An index with several commits and a deletion.
fn filled(folder: &Path) {
    let store = LanceStore::new(folder.to_owned(), "test");
    store.open().unwrap();
    store.replace(some_files(), &[]).unwrap();
    store.replace(vec![file("f1.rs", &[("name_1", "another text")])], &[path("f2.rs")]).unwrap();
    store.keep_catalogue(b"what was kept of it").unwrap();
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for at in all_files(from) {
        let target = to.join(at.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&at, target).unwrap();
    }
}

/// Opens a copy of a good index after `damage` to one of its files; then everything must work.
fn survives(good: &Path, below: &Path, what: &str, damage: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    copy(good, folder.path());
    damage(&folder.path().join(below));
    let store = LanceStore::new(folder.path().to_owned(), "test");
    let open = store.open().unwrap_or_else(|failure| panic!("{what} {}: {failure}", below.display()));
    // What is said to be known is there, or it is said that something is amiss.
    let (known, total) = (open.files.len(), symbols(&store).len());
    assert_eq!(known, total, "{what} {}: {:?}", below.display(), open.notice);
    assert!(known == 29 || open.notice.is_some(), "{what} {}: {known} files, no word", below.display());
    let missing: Vec<FileChunks> =
        some_files().into_iter().filter(|file| !open.files.contains_key(&file.path)).collect();
    store.replace(missing, &[]).unwrap_or_else(|failure| panic!("{what} {}: {failure}", below.display()));
    assert!(symbols(&store).contains(&"f7.rs name_7".to_owned()), "{what} {}", below.display());
    assert_eq!(symbols(&store).len(), 30, "{what} {}", below.display());
    drop(store);
    let again = LanceStore::new(folder.path().to_owned(), "test").open().unwrap();
    assert_eq!((again.files.len(), again.notice), (30, None), "{what} {}", below.display());
}

#[test]
fn any_file_may_be_missing_empty_halved_or_flipped() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let files = all_files(folder.path());
    assert!(files.len() > 8, "{files:?}");
    for at in files {
        let below = at.strip_prefix(folder.path()).unwrap();
        survives(folder.path(), below, "missing", |at| fs::remove_file(at).unwrap());
        let content = fs::read(&at).unwrap();
        if content.is_empty() {
            continue;
        }
        survives(folder.path(), below, "empty", |at| fs::write(at, "").unwrap());
        survives(folder.path(), below, "half of", |at| fs::write(at, &content[..content.len() / 2]).unwrap());
        let mut flipped = content.clone();
        flipped[content.len() / 3] ^= 4;
        survives(folder.path(), below, "bit flipped in", |at| fs::write(at, &flipped).unwrap());
    }
}

#[test]
fn damaged_indexes_are_set_aside_and_only_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..4 {
        filled(folder.path());
        fs::write(folder.path().join(MANIFEST), "not a manifest").unwrap();
        let open = LanceStore::new(folder.path().to_owned(), "test").open().unwrap();
        assert!(open.files.is_empty() && open.notice.unwrap().contains("damaged"));
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let aside: Vec<String> = names.filter(|name| name.starts_with("damaged")).collect();
        assert_eq!(aside, [format!("damaged-{round}")]);
    }
}

#[test]
fn a_commit_that_was_cut_short_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let (manifest, journal) =
        (fs::read(folder.path().join(MANIFEST)).unwrap(), fs::read(folder.path().join(JOURNAL)).unwrap());
    let store = LanceStore::new(folder.path().to_owned(), "test");
    store.open().unwrap();
    store.replace(vec![file("late.rs", &[("too_late", "too late")])], &[path("f3.rs")]).unwrap();
    drop(store);
    // As if the process had ended between LanceDB's commit and the journal's.
    fs::write(folder.path().join(MANIFEST), manifest).unwrap();
    fs::write(folder.path().join(JOURNAL), &journal).unwrap();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    let open = store.open().unwrap();
    let notice = open.notice.unwrap();
    assert!(notice.contains("cut short"), "{notice}");
    assert!(open.files.contains_key(&path("f3.rs")) && !open.files.contains_key(&path("late.rs")));
    assert!(!symbols(&store).contains(&"late.rs too_late".to_owned()));
    assert!(symbols(&store).contains(&"f3.rs name_3".to_owned()));
    store.replace(vec![file("late.rs", &[("too_late", "too late")])], &[]).unwrap();
    assert_eq!(symbols(&store).len(), 30);
    drop(store);
    // A journal entry of which only a part reached the disk.
    let whole = fs::read(folder.path().join(JOURNAL)).unwrap();
    fs::write(folder.path().join(JOURNAL), &whole[..whole.len() - 9]).unwrap();
    let open = LanceStore::new(folder.path().to_owned(), "test").open().unwrap();
    assert!(open.notice.is_some() && open.files.len() == 29);
}

#[test]
fn damage_to_the_last_write_costs_that_write_only() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let before = all_files(folder.path());
    let store = LanceStore::new(folder.path().to_owned(), "test");
    store.open().unwrap();
    store.replace(vec![file("late.rs", &[("too_late", "too late")])], &[]).unwrap();
    drop(store);
    let mut new = all_files(folder.path()).into_iter().filter(|at| !before.contains(at));
    let data = new.rfind(|at| at.parent().unwrap().ends_with("data")).unwrap();
    fs::write(data, "").unwrap();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    let open = store.open().unwrap();
    assert!(open.notice.unwrap().contains("cut short"));
    assert!(open.files.len() == 29 && !open.files.contains_key(&path("late.rs")));
    assert_eq!(symbols(&store).len(), 29);
}

#[test]
fn another_embedder_or_an_older_form_means_building_anew() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let open = LanceStore::new(folder.path().to_owned(), "other").open().unwrap();
    assert!(open.files.is_empty() && open.notice.unwrap().contains("embedder"));
    let store = LanceStore::new(folder.path().to_owned(), "other");
    store.open().unwrap();
    store.replace(some_files(), &[]).unwrap();
    drop(store);
    as_of_form(folder.path(), SCHEMA - 1);
    let store = LanceStore::new(folder.path().to_owned(), "other");
    let open = store.open().unwrap();
    assert!(open.files.is_empty() && open.notice.unwrap().contains("form 1"));
    assert!(store.catalogue().is_none(), "it is set aside with the rest");
}

/// Writes the manifest as a version of another form would.
fn as_of_form(folder: &Path, form: u32) {
    let mut bytes = fs::read(folder.join(MANIFEST)).unwrap();
    bytes[8..12].copy_from_slice(&form.to_le_bytes());
    let content = bytes.len() - 32;
    let seal = *blake3::hash(&bytes[..content]).as_bytes();
    bytes[content..].copy_from_slice(&seal);
    fs::write(folder.join(MANIFEST), bytes).unwrap();
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    as_of_form(folder.path(), SCHEMA + 1);
    let all = || all_files(folder.path()).into_iter().map(|at| (fs::read(&at).unwrap(), at)).collect::<Vec<_>>();
    let before = all();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    for _ in 0..2 {
        let failure = store.open().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(failure.what.contains("newer tagout (form 3; this one reads form 2)"), "{failure}");
        assert!(!failure.hints.is_empty());
        assert_eq!(store.replace(some_files(), &[]).unwrap_err().kind, FailureKind::Unavailable);
    }
    // Also while another process, of that newer version, has it open.
    let lock = crate::locks::FileLock::try_take(fs::File::open(folder.path().join("lock")).unwrap()).unwrap();
    assert!(lock.is_some() && store.open().is_err());
    assert_eq!(all(), before);
}

#[test]
fn one_writes_and_the_others_read() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let writer = LanceStore::new(folder.path().to_owned(), "test");
    let reader = LanceStore::new(folder.path().to_owned(), "test");
    assert!(!writer.open().unwrap().read_only);
    let open = reader.open().unwrap();
    assert!(open.read_only && open.notice.is_some() && open.files.len() == 29);
    let refused = reader.replace(some_files(), &[]).unwrap_err();
    assert!(refused.kind == FailureKind::Unavailable && !refused.hints.is_empty());
    reader.compact().unwrap();
    reader.keep_catalogue(b"the reader's").unwrap();
    assert_eq!(reader.catalogue(), Some(b"what was kept of it".to_vec()));
    assert!(!reader.has_news() && !writer.has_news());
    writer.replace(vec![file("fresh.rs", &[("fresh_name", "fresh")])], &[]).unwrap();
    assert!(symbols(&reader).contains(&"fresh.rs fresh_name".to_owned()));
    assert!(reader.has_news() && !writer.has_news());
    assert!(reader.open().unwrap().read_only && !reader.has_news());
    writer.compact().unwrap();
    drop(writer);
    let open = reader.open().unwrap();
    assert!(!open.read_only && open.files.len() == 30, "{:?}", open.notice);
    assert!(!reader.open().unwrap().read_only, "a second open keeps the lock");
}

#[test]
fn nothing_happens_before_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = LanceStore::new(folder.path().join("index"), "test");
    for failure in [
        store.read(None, &mut |_, _| {}).unwrap_err(),
        store.keep_catalogue(b"x").unwrap_err(),
        store.replace(some_files(), &[]).unwrap_err(),
        store.compact().unwrap_err(),
    ] {
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
    assert!(!folder.path().join("index").exists());
}

#[test]
fn a_folder_deleted_while_open_is_made_again_by_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("index");
    filled(&at);
    let store = LanceStore::new(at.clone(), "test");
    store.open().unwrap();
    fs::remove_dir_all(&at).unwrap();
    store.replace(vec![file("late.rs", &[("too_late", "too late")])], &[]).unwrap_err();
    assert!(store.open().unwrap().files.is_empty());
    store.replace(some_files(), &[]).unwrap();
    assert_eq!(symbols(&store).len(), 30);
    assert!(LanceStore::new(at, "test").open().unwrap().read_only, "the lock is on the new folder");
}

#[test]
fn merging_keeps_everything_and_leaves_few_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    store.open().unwrap();
    store.replace(some_files(), &[]).unwrap();
    for round in 0..40 {
        let at = round % 7;
        store
            .replace(vec![file(&format!("f{at}.rs"), &[(&format!("name_{at}"), &format!("round {round}"))])], &[])
            .unwrap();
    }
    let before = all_files(folder.path()).len();
    store.compact().unwrap();
    let after = all_files(folder.path()).len();
    assert!(after * 4 < before, "{before} files, then {after}");
    assert!(symbols(&store).contains(&"f3.rs name_3".to_owned()));
    assert_eq!(symbols(&store).len(), 30);
    drop(store);
    let store = LanceStore::new(folder.path().to_owned(), "test");
    let open = store.open().unwrap();
    assert_eq!((open.files.len(), open.notice), (30, None));
    assert!(symbols(&store).contains(&"f5.rs name_5".to_owned()));
    store.replace(vec![file("f5.rs", &[("name_5", "after all")])], &[]).unwrap();
    assert_eq!(symbols(&store).len(), 30);
}

#[test]
fn a_flipped_bit_deep_in_a_large_file_is_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let text = |at: u32| {
        (0..40)
            .map(|word| format!("{} ", blake3::hash(&[at.to_le_bytes(), u32::to_le_bytes(word)].concat())))
            .collect::<String>()
    };
    let files: Vec<FileChunks> =
        (0..150).map(|at| file(&format!("f{at}.rs"), &[(&format!("name_{at}"), &text(at))])).collect();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    store.open().unwrap();
    store.replace(files.clone(), &[]).unwrap();
    drop(store);
    let data = all_files(folder.path()).into_iter().filter(|at| at.parent().unwrap().ends_with("data"));
    let largest = data.max_by_key(|at| fs::metadata(at).unwrap().len()).unwrap();
    let whole = fs::read(&largest).unwrap();
    assert!(whole.len() > 200_000, "{} bytes", whole.len());
    let mut noticed = 0;
    for part in 2..9 {
        let mut flipped = whole.clone();
        flipped[whole.len() * part / 10] ^= 0x20;
        fs::write(&largest, &flipped).unwrap();
        let store = LanceStore::new(folder.path().to_owned(), "test");
        assert_eq!(store.open().unwrap().notice, None, "only reading can find it");
        let mut found = Vec::new();
        let read = store.read(None, &mut |stored, vector| found.push((stored, vector)));
        for (stored, vector) in &found {
            let as_written = |file: &&FileChunks| file.path == stored.path && file.chunks[0].0 == stored.chunk;
            let written = files.iter().find(as_written).unwrap_or_else(|| panic!("{stored:?}"));
            assert_eq!(narrowed(&written.chunks[0].1), narrowed(vector));
        }
        drop(store);
        if read.is_err() || found.len() < files.len() {
            noticed += 1;
            assert!(folder.path().join("suspect").exists());
            fs::remove_file(folder.path().join("suspect")).unwrap();
        }
    }
    assert!(noticed > 0, "some of the bits are within rows");
    fs::write(folder.path().join("suspect"), "").unwrap();
    let open = LanceStore::new(folder.path().to_owned(), "test").open().unwrap();
    assert!(open.files.is_empty() && open.notice.is_some() && !folder.path().join("suspect").exists());
}

#[test]
fn many_rows_are_made_durable_and_many_small_runs_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let store = LanceStore::new(folder.path().to_owned(), "test");
    store.open().unwrap();
    let journal = || fs::metadata(folder.path().join(JOURNAL)).unwrap().len();
    let data = || all_files(folder.path()).iter().filter(|at| at.parent().unwrap().ends_with("data")).count();
    let mut most = 0;
    for round in 0..40 {
        let files = (0..50).map(|at| file(&format!("{round}/f{at}.rs"), &[("name", "text"); 20])).collect();
        store.replace(files, &[]).unwrap();
        assert!(journal() > 32);
        store.compact().unwrap();
        assert_eq!(journal(), 32, "what was written is in the manifest, which is synced");
        most = most.max(data());
    }
    assert!((20..40).contains(&most) && data() < 20, "{most} files, then {}", data());
    drop(store);
    let open = LanceStore::new(folder.path().to_owned(), "test").open().unwrap();
    assert_eq!((open.files.len(), open.notice), (2_000, None));
}
