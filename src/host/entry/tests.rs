//! Steps where the file system has no better renames, each left in the middle.

use super::*;
use crate::changes::{ChangesetId, FileChange};
use crate::host::journal::Plan;
use crate::workspace::{FileState, RelativePath, Root};
use std::fs;

#[test]
fn file_systems_without_an_exchange_are_served_by_renames() {
    let folder = tempfile::tempdir().unwrap();
    let open: OwnedFd = fs::File::open(folder.path()).unwrap().into();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    fs::write(folder.path().join("a"), "A").unwrap();
    fs::write(folder.path().join("b"), "B").unwrap();
    swap_by_renames(&open, "a", "b", "aside").unwrap();
    assert_eq!((read("a"), read("b")), ("B".to_owned(), "A".to_owned()));

    assert!(swap_by_renames(&open, "missing", "b", "aside").is_err());
    assert_eq!(read("b"), "A");

    create_by_link(&open, "a", "c").unwrap();
    assert_eq!(read("c"), "B");
    fs::write(folder.path().join("a"), "A").unwrap();
    assert_eq!(create_by_link(&open, "a", "c"), Err(Errno::EXIST));
    assert_eq!((read("a"), read("c")), ("A".to_owned(), "B".to_owned()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

/// An edit whose three names hold what is said, mended: what it is then, and what the target and the file beside hold.
fn mended(target: Option<&str>, beside: Option<&str>, aside: Option<&str>, same: Option<[usize; 2]>) -> Standing {
    let folder = tempfile::tempdir().unwrap();
    let path = RelativePath::new("a").unwrap();
    let change = FileChange { path, before: Some(FileState::text("old")), after: Some(FileState::text("new")) };
    let plan = Plan::new(&ChangesetId::from_text("x"), &Root::new(folder.path()).unwrap(), &[&change], Vec::new());
    let entry = &plan.entries[0];
    let names = ["a", &entry.beside, &entry.aside].map(|name| folder.path().join(name));
    for (name, content) in names.iter().zip([target, beside, aside]) {
        content.into_iter().for_each(|content| fs::write(name, content).unwrap());
    }
    if let Some([from, to]) = same {
        fs::hard_link(&names[from], &names[to]).unwrap();
    }
    let open: OwnedFd = fs::File::open(folder.path()).unwrap().into();
    entry.mend(&open).unwrap();
    assert!(!names[2].exists());
    entry.standing(Some(&open)).unwrap()
}

#[test]
fn an_exchange_by_renames_left_in_the_middle_is_ended() {
    let (old, new) = (Some("old"), Some("new"));
    // The way on, name by name; with hard links where there is no rename that spares what is there.
    assert_eq!(mended(old, new, None, Some([0, 2])), Standing::Staged);
    assert_eq!(mended(None, new, old, None), Standing::Staged);
    assert_eq!(mended(None, new, old, Some([1, 0])), Standing::Changed);
    assert_eq!(mended(new, None, old, None), Standing::Changed);
    assert_eq!(mended(new, None, old, Some([2, 1])), Standing::Changed);
    assert_eq!(mended(new, old, None, None), Standing::Changed);
    // And the way back.
    assert_eq!(mended(None, old, new, None), Standing::Changed);
    assert_eq!(mended(old, None, new, None), Standing::Staged);
}
