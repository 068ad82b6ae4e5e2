//! What a copy of the workspace leaves out.

use super::*;
use crate::sandbox::disk_watch::tests::limits;

#[test]
fn a_secret_never_comes_to_the_disk_of_the_copies() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("work");
    std::fs::create_dir_all(root.join("target")).unwrap();
    for (path, text) in [(".gitignore", "target"), ("a", "1"), (".env", "s"), ("target/key", "s"), ("target/o", "2")] {
        std::fs::write(root.join(path), text).unwrap();
    }
    let machine = Machine::survey(&[]);
    let fallback = Fallback { executable: Path::new("/bin/true"), machine: &machine, place: folder.path().join("c") };
    let hidden = [".env", "target/key"].map(|path| RelativePath::new(path).unwrap());
    let limits = limits(1 << 20, 100);
    let cancel = Cancel::default();
    let job = Job { root: &root, mode: Mode::WorkspaceWrite, limits: &limits, hidden: &hidden, cancel: &cancel };
    let copy = fallback.copy(&job).unwrap();
    let there = |path: &str| copy.tree().join(path).exists();
    assert_eq!([".gitignore", "a", "target/o", ".env", "target/key"].map(there), [true, true, true, false, false]);
}
