//! All or nothing, on a real disk.

use super::*;
use crate::host::{DiskFiles, open_root};
use crate::policy::{Facts, Rules};
use crate::ports::Files;
use crate::workspace::{FileKind, FileState, RelativePath};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

fn root() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("work")).unwrap();
    let root = open_root(&folder.path().join("work")).unwrap();
    (folder, root)
}

fn write(root: &Root, path: &str, text: &str) {
    let path = root.as_path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn change(path: &str, before: Option<FileState>, after: Option<FileState>) -> FileChange {
    FileChange { path: RelativePath::new(path).unwrap(), before, after }
}

fn text(text: &str) -> Option<FileState> {
    Some(FileState::text(text))
}

fn grant(changes: &[FileChange]) -> Grant {
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let action = Action::Apply { content: content_hash(changes), paths };
    Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action, &Facts::user(), None).unwrap().0
}

/// Journals lie beside the root: all tests in one folder hold one lock.
fn files(root: &Root) -> DiskFiles {
    DiskFiles::new(1 << 20, root.as_path().with_extension("journal")).with_durability(Durability::Unsynced)
}

fn id() -> ChangesetId {
    ChangesetId::from_text("one")
}

fn apply_all(root: &Root, changes: &[FileChange]) -> Result<Receipt, Failure> {
    files(root).apply(grant(changes), root, &id(), changes, &Permissions::new())
}

/// Everything below a folder: names, kinds, modes, bytes.
fn picture(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut picture = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let bytes = if meta.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            picture.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), (meta.mode(), bytes));
        }
    }
    picture
}

#[test]
fn creates_edits_deletes_and_keeps_what_was_not_to_change() {
    let (_folder, root) = root();
    write(&root, "edit.rs", "old");
    fs::set_permissions(root.as_path().join("edit.rs"), fs::Permissions::from_mode(0o640)).unwrap();
    write(&root, "gone/deep/only.rs", "x");
    write(&root, "gone/kept.rs", "x");
    let changes = [
        change("edit.rs", text("old"), text("new")),
        change("gone/deep/only.rs", text("x"), None),
        change("new/folder/run.sh", None, Some(FileState { kind: FileKind::Executable, bytes: b"#!".to_vec() })),
        change("new/link", None, Some(FileState { kind: FileKind::Symlink, bytes: b"folder/run.sh".to_vec() })),
    ];
    apply_all(&root, &changes).unwrap();
    let picture = picture(root.as_path());
    let names: Vec<_> = picture.keys().map(String::as_str).collect();
    assert_eq!(names, ["edit.rs", "gone", "gone/kept.rs", "new", "new/folder", "new/folder/run.sh", "new/link"]);
    assert_eq!(picture["edit.rs"], (0o100_640, b"new".to_vec()));
    assert_eq!(picture["new/folder/run.sh"].0 & 0o100, 0o100);
    assert_eq!(picture["new/link"].1, b"folder/run.sh");

    let back: Vec<FileChange> = changes.iter().map(FileChange::inverted).collect();
    apply_all(&root, &back).unwrap();
    assert_eq!(fs::read_to_string(root.as_path().join("gone/deep/only.rs")).unwrap(), "x");
    assert!(!root.as_path().join("new").exists());
}

#[test]
fn a_grant_fits_only_its_own_changes() {
    let (_folder, root) = root();
    let changes = [change("a", None, text("x"))];
    let other = grant(&[change("a", None, text("y"))]);
    let failure = files(&root).apply(other, &root, &id(), &changes, &Permissions::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    let run = Action::Run { argv: vec!["x".into()], place: crate::policy::Place::Sandbox, network: Vec::new() };
    let run = Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), run, &Facts::user(), None).unwrap().0;
    assert_eq!(
        files(&root).apply(run, &root, &id(), &changes, &Permissions::new()).unwrap_err().kind,
        FailureKind::Denied
    );
    assert!(picture(root.as_path()).is_empty());
}

#[test]
fn one_stale_path_of_any_sort_stops_all() {
    let outside = tempfile::tempdir().unwrap();
    let (_folder, root) = root();
    write(&root, "ok", "old");
    write(&root, "other", "differs");
    write(&root, "same-size", "OLD");
    fs::create_dir(root.as_path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.as_path().join("way-out")).unwrap();
    let before = picture(root.as_path());
    for (bad, kind) in [
        (change("other", text("old"), text("new")), FailureKind::Stale),
        (change("same-size", text("old"), text("new")), FailureKind::Stale),
        (change("missing", text("old"), text("new")), FailureKind::Stale),
        (change("missing", text("old"), None), FailureKind::Stale),
        (change("other", None, text("new")), FailureKind::Stale),
        (change("folder", None, text("new")), FailureKind::Stale),
        (change("folder", text("old"), None), FailureKind::Stale),
        (change("way-out/planted", None, text("new")), FailureKind::Io),
        (change("other/below-a-file", None, text("new")), FailureKind::Io),
        (change("ok/below", None, text("new")), FailureKind::InvalidInput),
        (change("ok", text("old"), text("again")), FailureKind::InvalidInput),
    ] {
        let changes = [change("made/here", None, text("x")), change("ok", text("old"), text("new")), bad];
        let failure = apply_all(&root, &changes).unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert_eq!(picture(root.as_path()), before, "{failure}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_hard_link_elsewhere_keeps_the_old_content() {
    let (_folder, root) = root();
    write(&root, "a", "old");
    fs::hard_link(root.as_path().join("a"), root.as_path().join("b")).unwrap();
    let receipt = apply_all(&root, &[change("a", text("old"), text("new"))]).unwrap();
    assert_eq!(receipt.separated, [RelativePath::new("a").unwrap()]);
    assert_eq!(fs::read_to_string(root.as_path().join("a")).unwrap(), "new");
    assert_eq!(fs::read_to_string(root.as_path().join("b")).unwrap(), "old");
}

#[test]
fn the_same_again_is_told_and_not_written() {
    let (_folder, root) = root();
    write(&root, "a", "old");
    let changes = [change("a", text("old"), text("new")), change("b/c", None, text("x"))];
    assert_eq!(apply_all(&root, &changes).unwrap().outcome, Outcome::Written);
    let inode = |name: &str| fs::metadata(root.as_path().join(name)).unwrap().ino();
    let written = (inode("a"), inode("b/c"));
    assert_eq!(apply_all(&root, &changes).unwrap().outcome, Outcome::AlreadyApplied);
    assert_eq!((inode("a"), inode("b/c")), written);
    write(&root, "a", "old");
    assert_eq!(apply_all(&root, &changes).unwrap_err().kind, FailureKind::Stale);
}

#[test]
fn a_read_only_file_is_not_edited_but_may_go() {
    let (_folder, root) = root();
    write(&root, "a", "old");
    write(&root, "b", "old");
    fs::set_permissions(root.as_path().join("a"), fs::Permissions::from_mode(0o444)).unwrap();
    let before = picture(root.as_path());
    let changes = [change("b", text("old"), text("new")), change("a", text("old"), text("new"))];
    let failure = apply_all(&root, &changes).unwrap_err();
    assert!(failure.what == "a is read-only" && failure.hints.len() == 2, "{failure}");
    assert_eq!(picture(root.as_path()), before);
    apply_all(&root, &[change("a", text("old"), None)]).unwrap();
}

#[test]
fn two_at_once_are_never_mixed() {
    let (_folder, root) = root();
    for round in 0..20 {
        let paths = ["a", "b", "c/d"];
        paths.iter().for_each(|path| write(&root, path, "old"));
        let one = paths.map(|path| change(path, text("old"), text("one")));
        let two = paths.map(|path| change(path, text("old"), text("two")));
        let results = std::thread::scope(|scope| {
            let both = [&one, &two].map(|changes| scope.spawn(|| apply_all(&root, changes)));
            both.map(|one| one.join().unwrap())
        });
        let kinds = results.map(|result| result.map(|_| ()).map_err(|failure| failure.kind));
        let stale = Err(FailureKind::Stale);
        assert!(kinds == [Ok(()), stale] || kinds == [stale, Ok(())], "{round}: {kinds:?}");
        let expected = if kinds[0].is_ok() { "one" } else { "two" };
        for path in paths {
            assert_eq!(fs::read_to_string(root.as_path().join(path)).unwrap(), expected, "{round}");
        }
    }
}

#[test]
fn what_is_deleted_and_created_again_or_renamed_is_no_more_open_than_it_was() {
    let (_folder, root) = root();
    let mode = |path: &str| fs::metadata(root.as_path().join(path)).unwrap().permissions().mode() & 0o7777;
    let set = |path: &str, mode| {
        fs::set_permissions(root.as_path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    let long = "a line of the file that is renamed\n".repeat(20);
    fs::write(root.as_path().join("key"), "secret").unwrap();
    fs::write(root.as_path().join("old"), &long).unwrap();
    set("key", 0o4600);
    set("old", 0o640);
    let state = |path: &str| files(&root).read(&root, &RelativePath::new(path).unwrap()).unwrap();
    let changes = [
        change("key", state("key"), None),
        change("new", None, state("old")),
        change("old", state("old"), None),
        change("other", None, text("other")),
    ];
    let receipt = apply_all(&root, &changes).unwrap();
    let deleted: Vec<(&str, u32)> = receipt.deleted.iter().map(|(path, mode)| (path.as_str(), *mode)).collect();
    assert_eq!((deleted, mode("new")), (vec![("key", 0o600), ("old", 0o640)], 0o640));
    let usual = mode("other");
    let back: Vec<_> = changes.iter().map(FileChange::inverted).collect();
    set("new", 0o600);
    files(&root).apply(grant(&back), &root, &id(), &back, &receipt.deleted).unwrap();
    assert_eq!((mode("key"), mode("old")), (0o600, 0o600), "what is renamed has what it had last");
    let other = [change("third", None, text("other"))];
    files(&root).apply(grant(&other), &root, &id(), &other, &receipt.deleted).unwrap();
    assert_eq!(mode("third"), usual);
}

#[test]
fn many_files_go_together_durably_and_back() {
    let (_folder, root) = root();
    let changes: Vec<_> = (0..200).map(|number| change(&format!("{}/{number}", number % 7), None, text("x"))).collect();
    let durable = files(&root).with_durability(Durability::Durable);
    durable.apply(grant(&changes), &root, &id(), &changes, &Permissions::new()).unwrap();
    assert_eq!(picture(root.as_path()).len(), 207);
    let back: Vec<_> = changes.iter().map(FileChange::inverted).collect();
    durable.apply(grant(&back), &root, &id(), &back, &Permissions::new()).unwrap();
    assert!(picture(root.as_path()).is_empty());
}

const PATHS: [&str; 6] = ["a", "b", "d/a", "d/b", "d/e/a", "f/g/h"];

fn state() -> impl Strategy<Value = Option<FileState>> {
    let kind = prop_oneof![Just(FileKind::Plain), Just(FileKind::Executable), Just(FileKind::Symlink)];
    proptest::option::of((kind, "[a-c]{1,3}").prop_map(|(kind, text)| FileState { kind, bytes: text.into_bytes() }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_happen_wholly_or_not_at_all(
        tree in proptest::array::uniform6(state()),
        wanted in proptest::array::uniform6(state()),
        tampered in proptest::option::of((0..PATHS.len(), state())),
    ) {
        let (_folder, root) = root();
        let files = files(&root);
        let build: Vec<_> = PATHS.iter().zip(&tree).map(|(path, state)| change(path, None, state.clone())).collect();
        let build: Vec<_> = build.into_iter().filter(|change| change.after.is_some()).collect();
        apply_all(&root, &build).unwrap();
        let mut changes: Vec<_> = PATHS.iter().zip(tree.iter().zip(&wanted))
            .map(|(path, (before, after))| change(path, before.clone(), after.clone()))
            .filter(|change| change.before != change.after)
            .collect();
        let mut stale = false;
        if let Some((index, lie)) = tampered
            && let Some(change) = changes.get_mut(index)
        {
            stale = change.before != lie;
            change.before = lie;
        }
        changes.retain(|change| change.before.is_some() || change.after.is_some());
        let stale = stale && changes.iter().any(|change| {
            files.read(&root, &change.path).unwrap() != change.before
        });
        let before = picture(root.as_path());
        let result = apply_all(&root, &changes);
        if stale {
            prop_assert_eq!(result.unwrap_err().kind, FailureKind::Stale);
            prop_assert_eq!(picture(root.as_path()), before);
        } else {
            result.unwrap();
            for change in &changes {
                prop_assert_eq!(files.read(&root, &change.path).unwrap(), change.after.clone());
            }
            prop_assert!(picture(root.as_path()).keys().all(|name| !name.contains(".tagout-")));
        }
    }
}
