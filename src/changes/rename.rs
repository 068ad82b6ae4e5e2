//! Renames: deletions and creations whose contents are alike.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{ChangeKind, FileChange};
use crate::workspace::{ContentHash, FileKind, FileState, RelativePath};

/// Least similarity, in percent: what git takes for a rename by default.
const LIKE_PERCENT: usize = 50;
/// Most lines that are looked at to compare contents; where there are more, only equal contents make a rename.
const MOST_COMPARED: usize = 20_000_000;

/// A deletion and a creation that are one rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    /// Index of the deletion.
    pub from: usize,
    /// Index of the creation.
    pub to: usize,
    /// How much of the larger content is in both, in percent: 50 to 100.
    pub similarity: usize,
}

/// Why a file cannot be renamed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// The new name is the old one.
    #[error("{0} has that name already: choose another one")]
    Same(RelativePath),
    /// Another file has the new name.
    #[error("{0} exists: choose another name, or delete it first")]
    Exists(RelativePath),
    /// Both names differ in case alone, and the file system takes them for one.
    #[error(
        "{0} differs from the old name in case alone, and this file system takes both for one: use a third name between"
    )]
    CaseOnly(RelativePath),
}

impl FileChange {
    /// The deletion and the creation that rename `from`, which holds `before`, to `to`, where it is to hold `after`.
    /// `there` is what is found at `to` now.
    ///
    /// # Errors
    /// When something is there, or the names are the same to the file system.
    pub fn rename(
        (from, before): (RelativePath, FileState),
        (to, after): (RelativePath, FileState),
        there: Option<&FileState>,
    ) -> Result<[Self; 2], RenameError> {
        if from == to {
            return Err(RenameError::Same(to));
        }
        if there == Some(&before) && from.as_str().to_lowercase() == to.as_str().to_lowercase() {
            return Err(RenameError::CaseOnly(to));
        }
        if there.is_some() {
            return Err(RenameError::Exists(to));
        }
        let gone = Self { path: from, before: Some(before), after: None };
        Ok([gone, Self { path: to, before: None, after: Some(after) }])
    }
}

/// The renames in `files`, in the order of their creations: first equal contents, of the same file name if there are
/// several, then the most similar texts. No file is in two of them; none that runs later, and no empty one, is in any.
#[must_use]
pub fn renames(files: &[FileChange]) -> Vec<Rename> {
    let of_kind = |kind: ChangeKind| {
        let wanted = files.iter().enumerate().filter(move |(_, file)| file.kind() == kind);
        wanted.filter(|(_, file)| file.runs_later().is_none()).filter_map(side).collect::<Vec<Side<'_>>>()
    };
    let (mut gone, mut come) = (of_kind(ChangeKind::Delete), of_kind(ChangeKind::Create));
    if gone.is_empty() || come.is_empty() {
        return Vec::new();
    }
    let mut found = equal(&gone, &come);
    let used: BTreeSet<usize> = found.iter().flat_map(|rename| [rename.from, rename.to]).collect();
    gone.retain(|side| !used.contains(&side.at));
    come.retain(|side| !used.contains(&side.at));
    found.extend(similar(&gone, &come));
    found.sort_by_key(|rename| rename.to);
    found
}

/// The one side of a deletion or creation that there is.
struct Side<'a> {
    at: usize,
    name: &'a str,
    state: &'a FileState,
}

fn side((at, file): (usize, &FileChange)) -> Option<Side<'_>> {
    let state = file.before.as_ref().or(file.after.as_ref()).filter(|state| !state.bytes.is_empty())?;
    Some(Side { at, name: file.path.file_name(), state })
}

fn is_link(state: &FileState) -> bool {
    state.kind == FileKind::Symlink
}

fn equal(gone: &[Side<'_>], come: &[Side<'_>]) -> Vec<Rename> {
    type Key = (bool, ContentHash);
    let key = |side: &Side<'_>| -> Key { (is_link(side.state), ContentHash::of(&side.state.bytes)) };
    let mut named = BTreeMap::<(Key, &str), VecDeque<usize>>::new();
    let mut any = BTreeMap::<Key, VecDeque<usize>>::new();
    for side in gone {
        named.entry((key(side), side.name)).or_default().push_back(side.at);
        any.entry(key(side)).or_default().push_back(side.at);
    }
    let keys: Vec<Key> = come.iter().map(key).collect();
    let (mut found, mut used, mut left) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (side, key) in come.iter().zip(&keys) {
        match named.get_mut(&(*key, side.name)).and_then(VecDeque::pop_front) {
            Some(from) => {
                used.insert(from);
                found.push(Rename { from, to: side.at, similarity: 100 });
            }
            None => left.push((side, key)),
        }
    }
    for (side, key) in left {
        let unused = any.get_mut(key).and_then(|of_key| {
            while of_key.front().is_some_and(|at| used.contains(at)) {
                of_key.pop_front();
            }
            of_key.pop_front()
        });
        found.extend(unused.map(|from| Rename { from, to: side.at, similarity: 100 }));
    }
    found
}

fn similar<'a>(gone: &[Side<'a>], come: &[Side<'a>]) -> Vec<Rename> {
    let all = |sides: &[Side<'a>]| sides.iter().filter_map(Sorted::new).collect::<Vec<Sorted<'a>>>();
    let (gone, come) = (all(gone), all(come));
    let lines = |sides: &[Sorted<'_>]| sides.iter().map(|side| side.lines.len()).sum::<usize>();
    let work = gone.len().saturating_mul(lines(&come)).saturating_add(come.len().saturating_mul(lines(&gone)));
    if work > MOST_COMPARED {
        return Vec::new();
    }
    let mut pairs: Vec<(usize, bool, usize, usize)> = Vec::new();
    for new in &come {
        for old in &gone {
            let larger = new.bytes.max(old.bytes);
            // However alike they are, the larger one is not half in the other.
            if new.bytes.min(old.bytes) * 100 < larger * LIKE_PERCENT {
                continue;
            }
            let percent = in_both(&new.lines, &old.lines) * 100 / larger;
            if percent >= LIKE_PERCENT {
                pairs.push((percent, old.name == new.name, old.at, new.at));
            }
        }
    }
    pairs.sort_by_key(|(percent, named, from, to)| (std::cmp::Reverse((*percent, *named)), *from, *to));
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    for (similarity, _, from, to) in pairs {
        if !used.contains(&from) && !used.contains(&to) {
            used.extend([from, to]);
            found.push(Rename { from, to, similarity });
        }
    }
    found
}

/// A side that is text.
struct Sorted<'a> {
    at: usize,
    name: &'a str,
    bytes: usize,
    lines: Vec<&'a [u8]>,
}

impl<'a> Sorted<'a> {
    fn new(side: &Side<'a>) -> Option<Self> {
        let mut lines: Vec<&[u8]> = side.state.as_text()?.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        Some(Self { at: side.at, name: side.name, bytes: side.state.bytes.len(), lines })
    }
}

/// Bytes of the lines that are in both; both sorted.
fn in_both(one: &[&[u8]], other: &[&[u8]]) -> usize {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut bytes = 0;
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => drop(one.next()),
            std::cmp::Ordering::Greater => drop(other.next()),
            std::cmp::Ordering::Equal => {
                bytes += left.len();
                one.next();
                other.next();
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
        let path = RelativePath::new(path).unwrap();
        FileChange { path, before: before.map(FileState::text), after: after.map(FileState::text) }
    }

    fn found(files: &[FileChange]) -> Vec<(usize, usize, usize)> {
        renames(files).iter().map(|rename| (rename.from, rename.to, rename.similarity)).collect()
    }

    #[test]
    fn the_same_name_elsewhere_comes_first() {
        let files = [
            change("a", Some("x\n"), None),
            change("b", Some("x\n"), None),
            change("new/b", None, Some("x\n")),
            change("new/c", None, Some("x\n")),
            change("new/d", None, Some("x\n")),
        ];
        assert_eq!(found(&files), [(1, 2, 100), (0, 3, 100)]);
    }

    #[test]
    fn what_is_half_the_same_is_a_rename_and_less_is_none() {
        let files = |after: &str| [change("a", Some("1\n2\n3\n4\n"), None), change("b", None, Some(after))];
        assert_eq!(found(&files("1\n2\nX\nY\n")), [(0, 1, 50)]);
        assert_eq!(found(&files("1\nZ\nX\nY\n")), []);
        assert_eq!(found(&files("4\n3\n2\n1\n5\n")), [(0, 1, 80)]);
        assert_eq!(found(&[change("a", Some(""), None), change("b", None, Some(""))]), []);
    }

    #[test]
    fn an_overwritten_file_and_one_that_runs_later_are_no_rename() {
        let onto = [change("a", Some("x\n"), None), change("b", Some("y\n"), Some("x\n"))];
        assert_eq!(found(&onto), []);
        let later = [change(".git/hooks/pre-commit", None, Some("x\n")), change("a", Some("x\n"), None)];
        assert!(later[0].runs_later().is_some());
        assert_eq!(found(&later), []);
        let mut link = [change("a", Some("x"), None), change("b", None, Some("x"))];
        link[1].after.as_mut().unwrap().kind = FileKind::Symlink;
        assert_eq!(found(&link), []);
        let case = [change("READ.me", None, Some("x\n")), change("read.me", Some("x\n"), None)];
        assert_eq!(found(&case), [(1, 0, 100)]);
    }

    #[test]
    fn a_name_that_is_taken_is_refused() {
        let rename = |to: &str, there: Option<&str>| {
            let at = |path: &str| (RelativePath::new(path).unwrap(), FileState::text("x"));
            FileChange::rename(at("a"), at(to), there.map(FileState::text).as_ref()).map_err(|error| error.to_string())
        };
        assert_eq!(found(&rename("b", None).unwrap()), [(0, 1, 100)]);
        assert_eq!(found(&rename("A", None).unwrap()), [(0, 1, 100)]);
        assert!(rename("a", None).unwrap_err().contains("already"));
        assert!(rename("b", Some("y")).unwrap_err().contains("exists"));
        assert!(rename("A", Some("y")).unwrap_err().contains("exists"));
        assert!(rename("A", Some("x")).unwrap_err().contains("case"));
    }

    #[test]
    fn what_is_too_much_to_compare_is_no_rename() {
        let text = |mark: usize| (0..3_000).map(|line| format!("{line}\n")).collect::<String>() + &mark.to_string();
        let files = |count: usize| -> Vec<FileChange> {
            let gone = (0..count).map(|at| change(&format!("old/{at}"), Some(&text(at)), None));
            gone.chain((0..count).map(|at| change(&format!("new/{at}"), None, Some(&text(at + count))))).collect()
        };
        assert_eq!((renames(&files(2)).len(), renames(&files(60)).len()), (2, 0));
    }

    #[test]
    fn many_files_are_paired_by_equal_contents_alone() {
        let text = |number: usize, more: &str| format!("one line\nanother line\n{number}\n{more}");
        let gone = |number| change(&format!("old/{number}"), Some(&text(number, "")), None);
        let come =
            |number| change(&format!("new/{number}"), None, Some(&text(number, if number < 5 { "x" } else { "" })));
        let files: Vec<FileChange> = (0..10_000).map(gone).chain((0..10_000).map(come)).collect();
        assert_eq!(renames(&files).len(), 10_000);
        assert!(renames(&files).iter().all(|rename| rename.to == rename.from + 10_000));
    }
}
