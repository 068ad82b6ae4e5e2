//! Changes left at every step, as a process leaves them that ends there, and other programs that write meanwhile.

use super::*;
use crate::changes::{ChangesetId, FileChange, Permissions};
use crate::host::open_root;
use crate::ports::Left;
use crate::workspace::{FileState, RelativePath};
use std::fs;
use std::path::PathBuf;

struct Place {
    folder: tempfile::TempDir,
    root: Root,
}

fn text(text: &str) -> Option<FileState> {
    Some(FileState::text(text))
}

fn change(path: &str, before: Option<FileState>, after: Option<FileState>) -> FileChange {
    FileChange { path: RelativePath::new(path).unwrap(), before, after }
}

fn changes() -> Vec<FileChange> {
    vec![
        change("1", text("one"), text("ONE")),
        change("2", text("two"), None),
        change("new/3", None, text("THREE")),
        change("4", text("four"), text("FOUR")),
    ]
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        let root = open_root(&folder.path().join("work")).unwrap();
        for (name, content) in [("1", "one"), ("2", "two"), ("4", "four")] {
            fs::write(root.as_path().join(name), content).unwrap();
        }
        fs::create_dir(folder.path().join("journal")).unwrap();
        Self { folder, root }
    }

    fn journals(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.as_path().join(name)
    }

    /// Writes the new files, changes as many targets as said, and leaves it so.
    fn leave_after(&self, changed: usize) {
        let changes = changes();
        let changes: Vec<&FileChange> = changes.iter().collect();
        let made = vec![RelativePath::new("new").unwrap()];
        let plan = Plan::new(&ChangesetId::from_text("one"), &self.root, &changes, made);
        let journal = Journal::begin(&self.journals(), &plan, Durability::Unsynced).unwrap();
        let beneath = Beneath::open(&self.root).unwrap();
        Transaction::new(&beneath, &plan, journal, Durability::Unsynced).stage(&changes, &Permissions::new()).unwrap();
        for entry in plan.entries.iter().take(changed) {
            entry.advance(&beneath.parent(&entry.path).unwrap()).unwrap();
        }
    }

    fn recover(&self) -> Vec<Recovery> {
        recover(&self.journals(), &self.root, Durability::Unsynced).unwrap()
    }

    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(self.root.as_path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let inside = fs::read_to_string(path.join("3"));
                let content = fs::read_to_string(&path).or(inside).unwrap_or_else(|_| "(folder)".into());
                (name, content)
            })
            .collect();
        files.sort();
        files
    }
}

fn pairs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect()
}

const OLD: [(&str, &str); 3] = [("1", "one"), ("2", "two"), ("4", "four")];
const NEW: [(&str, &str); 3] = [("1", "ONE"), ("4", "FOUR"), ("new", "THREE")];

#[test]
fn committed_is_finished_from_wherever_it_was_left() {
    for changed in 0..=4 {
        let place = Place::new();
        place.leave_after(changed);
        let told = place.recover();
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].ending, told[0].files), (&Ending::Finished, 4));
        assert_eq!(told[0].to_string(), "the change one to 4 files was cut short: it is finished now");
        assert_eq!(pairs(&place.files()), NEW);
        assert_eq!(place.recover(), []);
    }
}

#[test]
fn what_somebody_wrote_before_its_turn_undoes_the_rest_and_stays() {
    for changed in 0..=3 {
        let place = Place::new();
        place.leave_after(changed);
        fs::write(place.at("4"), "mine").unwrap();
        let told = place.recover();
        assert_eq!(told[0].ending, Ending::Undone);
        assert_eq!(told[0].left, [Left { path: RelativePath::new("4").unwrap(), kept: None }]);
        assert_eq!(pairs(&place.files()), [("1", "one"), ("2", "two"), ("4", "mine")]);
    }
}

#[test]
fn what_somebody_wrote_afterwards_stays_and_the_old_content_is_kept() {
    let place = Place::new();
    place.leave_after(2);
    fs::write(place.at("1"), "mine").unwrap();
    let told = place.recover();
    assert_eq!(told[0].ending, Ending::Finished);
    assert_eq!(pairs(&place.files()), [("1", "mine"), ("4", "FOUR"), ("new", "THREE")]);
    let kept = told[0].left[0].kept.as_ref().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "one");
    assert!(told[0].to_string().contains("its old content is in"), "{}", told[0]);
}

#[test]
fn both_at_once_loses_nothing() {
    let place = Place::new();
    place.leave_after(3);
    fs::write(place.at("1"), "mine").unwrap();
    fs::write(place.at("new/3"), "mine too").unwrap();
    fs::write(place.at("4"), "and mine").unwrap();
    let told = place.recover();
    assert_eq!(told[0].ending, Ending::Undone);
    assert_eq!(pairs(&place.files()), [("1", "mine"), ("2", "two"), ("4", "and mine"), ("new", "mine too")]);
    let kept: Vec<_> = told[0].left.iter().filter_map(|left| left.kept.as_ref()).collect();
    assert_eq!(kept.iter().map(|kept| fs::read_to_string(kept).unwrap()).collect::<Vec<_>>(), ["one"]);
}

#[test]
fn a_journal_torn_at_any_byte_says_that_nothing_had_begun() {
    let place = Place::new();
    let changes = changes();
    let changes: Vec<&FileChange> = changes.iter().collect();
    let plan = Plan::new(&ChangesetId::from_text("a/b"), &place.root, &changes, Vec::new());
    let journal = Journal::begin(&place.journals(), &plan, Durability::Durable).unwrap();
    let whole = fs::read(journal.path()).unwrap();
    for cut in 0..whole.len() {
        fs::write(journal.path(), &whole[..cut]).unwrap();
        assert_eq!(place.recover(), [], "{cut}");
        assert!(!journal.path().exists(), "{cut}");
    }
    fs::write(journal.path(), &whole).unwrap();
    assert_eq!(place.recover()[0].ending, Ending::Undone);
    assert_eq!(pairs(&place.files()), OLD);
}

#[test]
fn a_damaged_journal_of_a_change_that_began_is_told_of() {
    let place = Place::new();
    place.leave_after(2);
    let path = Journal::all(&place.journals(), Durability::Unsynced).unwrap()[0].path();
    fs::write(&path, "x").unwrap();
    let failure = recover(&place.journals(), &place.root, Durability::Unsynced).unwrap_err();
    assert!(failure.what.contains("is damaged") && !failure.hints.is_empty(), "{failure}");
    assert!(path.exists());
}

#[test]
fn a_folder_beside_is_not_touched_and_one_above_sees_to_it() {
    let place = Place::new();
    place.leave_after(2);
    let beside = tempfile::tempdir().unwrap();
    let beside = open_root(beside.path()).unwrap();
    assert_eq!(recover(&place.journals(), &beside, Durability::Unsynced).unwrap(), []);
    let above = open_root(place.folder.path()).unwrap();
    assert_eq!(recover(&place.journals(), &above, Durability::Unsynced).unwrap()[0].ending, Ending::Finished);
    assert_eq!(pairs(&place.files()), NEW);
}
