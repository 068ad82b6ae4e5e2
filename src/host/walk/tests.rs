//! Walks over awkward trees.

use super::*;
use std::fs;
use std::os::unix::ffi::OsStrExt;

fn root() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(fs::canonicalize(folder.path()).unwrap()).unwrap();
    (folder, root)
}

fn write(root: &Root, path: &str, text: &str) {
    let path = root.as_path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn pipe(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

fn names(walk: &Walk) -> Vec<&str> {
    walk.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn keeps_the_rules_and_says_what_it_passes_over() {
    let (_folder, root) = root();
    for path in
        ["b.rs", "a/c.rs", ".github/ci.yml", "target/x.o", "a/deep/no.tmp", "a/deep/yes.tmp", ".git/config", "private"]
    {
        write(&root, path, "text");
    }
    write(&root, ".gitignore", "target/\n*.tmp\n");
    write(&root, "a/deep/.gitignore", "!yes.tmp\n");
    write(&root, ".git/info/exclude", "/private\n");
    write(&root, ".tagout-0123456789abcdef.tmp", "left by a crash");
    write(&root, "large.bin", &"x".repeat(101));
    write(&root, "fits.bin", &"x".repeat(100));
    fs::write(root.as_path().join(std::ffi::OsStr::from_bytes(b"\xff.rs")), "x").unwrap();
    pipe(&root.as_path().join("pipe"));
    std::os::unix::fs::symlink("..", root.as_path().join("a/loop")).unwrap();
    let walk = walk(&root, 100, &Cancel::default()).unwrap();
    assert_eq!(
        names(&walk),
        [".github/ci.yml", ".gitignore", "a/c.rs", "a/deep/.gitignore", "a/deep/yes.tmp", "b.rs", "fits.bin"]
    );
    let skipped: Vec<_> = walk.skipped.iter().map(|(path, why)| (path.as_os_str().as_bytes(), *why)).collect();
    assert_eq!(skipped, [(&b"large.bin"[..], Skip::Large), (b"pipe", Skip::Special), (b"\xff.rs", Skip::Name)]);
    let stat = &walk.files[5];
    let meta = fs::metadata(root.as_path().join("b.rs")).unwrap();
    assert_eq!((stat.size, stat.changed_ns), (4, meta.ctime() * 1_000_000_000 + meta.ctime_nsec()));
}

#[test]
fn rule_files_that_never_end_do_not_stop_it() {
    let (_folder, root) = root();
    write(&root, "ok.rs", "x");
    write(&root, "trap/lost.rs", "x");
    write(&root, "zero/lost.rs", "x");
    pipe(&root.as_path().join("trap/.gitignore"));
    std::os::unix::fs::symlink("/dev/zero", root.as_path().join("zero/.gitignore")).unwrap();
    let found = walk(&root, 100, &Cancel::default()).unwrap();
    assert_eq!(names(&found), ["ok.rs"]);
    assert_eq!(found.skipped, [("trap".into(), Skip::Unreadable), ("zero".into(), Skip::Unreadable)]);

    pipe(&root.as_path().join(".gitignore"));
    assert!(walk(&root, 100, &Cancel::default()).unwrap_err().what.contains(".gitignore"));
}

#[test]
fn ten_thousand_folders_in_each_other_neither_overflow_nor_end_it() {
    // In memory where the machine has such a place: on a disk, making the folders takes far longer than the walk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let root = Root::new(fs::canonicalize(folder.path()).unwrap()).unwrap();
    write(&root, "ok.rs", "x");
    let mut inner =
        rustix::fs::openat(rustix::fs::CWD, root.as_path(), rustix::fs::OFlags::PATH, rustix::fs::Mode::empty())
            .unwrap();
    for _ in 0..10_000 {
        rustix::fs::mkdirat(&inner, "d", 0o700.into()).unwrap();
        inner = rustix::fs::openat(&inner, "d", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    }
    let found = walk(&root, 100, &Cancel::default()).unwrap();
    assert_eq!(names(&found), ["ok.rs"]);
    assert!(found.skipped.iter().any(|(_, why)| *why == Skip::Unreadable), "the part too deep to name is told");

    // Taken away from the bottom, step by step: removing it by a recursive call would itself go too deep.
    for _ in 0..10_000 {
        inner = rustix::fs::openat(&inner, "..", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
        rustix::fs::unlinkat(&inner, "d", rustix::fs::AtFlags::REMOVEDIR).unwrap();
    }
}

#[test]
fn stops_when_asked_and_fails_without_a_root() {
    let (_folder, root) = root();
    write(&root, "a", "x");
    let cancel = Cancel::default();
    cancel.cancel();
    assert_eq!(walk(&root, 100, &cancel).unwrap_err().kind, FailureKind::Cancelled);
    assert!(walk(&Root::new("/nonexistent/tagout").unwrap(), 100, &Cancel::default()).is_err());
}
