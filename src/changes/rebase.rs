//! A changeset over what the files hold now: its hunks moved, and what cannot be moved told apart, with both sides.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Changeset, FileChange, HunkId, Rename};
use crate::text::{Conflict, LineHunk, line_hunks, merge_over};
use crate::workspace::{FileKind, FileState, RelativePath};

/// Why a change of a whole file does not fit any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// There is no file any more.
    Vanished,
    /// There is a file where one is to be created.
    Exists,
    /// What was text is none any more.
    Binary,
    /// A file became a link, or a link a file.
    OtherKind,
    /// It holds something else, and the change is not one of lines.
    Changed,
}

impl Stale {
    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Vanished => "the file is gone",
            Self::Exists => "there is a file of that name already",
            Self::Binary => "the file is no text any more",
            Self::OtherKind => "a link took the file's place, or a file the link's",
            Self::Changed => "the file changed since, and this is about all of it",
        }
    }
}

/// Lines that the changeset and someone else changed, each in their own way, or side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Where they stand in what the file holds now, zero-based lines.
    pub lines: Range<usize>,
    /// As they were when the changeset was made.
    pub base: String,
    /// As the changeset would have them.
    pub ours: String,
    /// As they are now.
    pub theirs: String,
}

/// Why something was left out of a rebase. It keeps both sides: nothing is lost that was proposed or is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The change is about a whole file.
    File {
        /// Why it does not fit.
        why: Stale,
        /// What the changeset would leave.
        ours: Option<FileState>,
        /// What is there now.
        theirs: Option<FileState>,
    },
    /// The change is about lines that someone else changed too.
    Lines(Overlap),
}

impl Obstacle {
    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File { why, .. } => why.describe().to_owned(),
            Self::Lines(Overlap { lines, .. }) => {
                let (first, last) = (lines.start + 1, lines.end.max(lines.start + 1));
                let place = if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
                format!("{place} changed since")
            }
        }
    }
}

/// What was left out of a rebase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstructed {
    /// Where.
    pub path: RelativePath,
    /// The hunks of the changeset that were left out for it, in order, at least one.
    pub hunks: Vec<HunkId>,
    /// Why.
    pub why: Obstacle,
}

/// What came of a rebase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// What fits, over what is there now. What is there already is not in it.
    pub changeset: Changeset,
    /// What does not fit, in the changeset's order.
    pub left: Vec<Obstructed>,
}

/// `changeset` over what `current` says that each path holds now, hunk by hunk. One end of a rename does not fit
/// without the other; text that changed under its old name is renamed with its changes.
///
/// Laws: over what it was made from it is itself; what each side added is afterwards in the files or in
/// [`Rebased::left`]; what is in neither side is in none of them.
#[must_use]
pub fn rebase(changeset: &Changeset, current: impl Fn(&RelativePath) -> Option<FileState>) -> Rebased {
    let ends: BTreeMap<usize, Rename> =
        changeset.renames().into_iter().flat_map(|rename| [(rename.from, rename), (rename.to, rename)]).collect();
    let (mut files, mut left) = (Vec::new(), Vec::new());
    for (at, change) in changeset.files.iter().enumerate() {
        match ends.get(&at) {
            // The other end does it for both.
            Some(rename) if rename.to == at => {}
            Some(rename) => {
                let Some(come) = changeset.files.get(rename.to) else { continue };
                rebase_rename((change, come), rename, &current, &mut files, &mut left);
            }
            None => rebase_file(at, change, current(&change.path), &mut files, &mut left),
        }
    }
    left.sort_by(|one: &Obstructed, other| one.hunks.cmp(&other.hunks));
    let rebased = Changeset::new(changeset.origin.clone(), files);
    let lineage = match rebased.files == changeset.files {
        true => changeset.lineage.clone(),
        false => changeset.lineage.derived(&changeset.id),
    };
    Rebased { changeset: rebased.with_lineage(lineage), left }
}

/// Takes `applied` back over what is there now, whatever was applied since: the inverse, rebased.
///
/// Law: where two changesets do not [conflict](conflicts), taking them back in either order leads to the same files.
#[must_use]
pub fn undo_over(applied: &Changeset, current: impl Fn(&RelativePath) -> Option<FileState>) -> Rebased {
    rebase(&applied.inverted(), current)
}

/// What of `one` touches what `other` does, both made over the same files: the same lines, or lines side by side, or
/// the same file as a whole. What both do alike is no conflict.
///
/// Law: there is none exactly when `one` can be rebased over what `other` leaves with nothing left out.
#[must_use]
pub fn conflicts(one: &Changeset, other: &Changeset) -> Vec<Obstructed> {
    let after = |path: &RelativePath| match other.change(path) {
        Some(change) => change.after.clone(),
        None => one.change(path).and_then(|change| change.before.clone()),
    };
    rebase(one, after).left
}

fn rebase_file(
    at: usize,
    change: &FileChange,
    now: Option<FileState>,
    files: &mut Vec<FileChange>,
    left: &mut Vec<Obstructed>,
) {
    if now == change.after {
        return;
    }
    if now == change.before {
        files.push(change.clone());
        return;
    }
    let path = &change.path;
    let stale = |why, now: Option<FileState>| Obstructed {
        path: path.clone(),
        hunks: (0..change.hunks().len()).map(|hunk| HunkId { file: at, hunk }).collect(),
        why: Obstacle::File { why, ours: change.after.clone(), theirs: now },
    };
    match (&change.before, &change.after, now) {
        (Some(before), Some(after), Some(now)) => match merge_states(before, after, &now) {
            Ok((merged, overlaps)) => {
                let obstructed = |(hunks, overlap): (Range<usize>, Overlap)| Obstructed {
                    path: path.clone(),
                    hunks: hunks.map(|hunk| HunkId { file: at, hunk }).collect(),
                    why: Obstacle::Lines(overlap),
                };
                left.extend(overlaps.into_iter().map(obstructed));
                files.push(FileChange { path: path.clone(), before: Some(now), after: Some(merged) });
            }
            Err(why) => left.push(stale(why, Some(now))),
        },
        (None, _, now) => left.push(stale(Stale::Exists, now)),
        (Some(_), None, now) => left.push(stale(Stale::Changed, now)),
        (Some(_), Some(_), None) => left.push(stale(Stale::Vanished, None)),
    }
}

fn rebase_rename(
    (gone, come): (&FileChange, &FileChange),
    rename: &Rename,
    current: impl Fn(&RelativePath) -> Option<FileState>,
    files: &mut Vec<FileChange>,
    left: &mut Vec<Obstructed>,
) {
    let (now, there) = (current(&gone.path), current(&come.path));
    if now.is_none() && there == come.after {
        return;
    }
    let hunks = vec![HunkId { file: rename.from, hunk: 0 }, HunkId { file: rename.to, hunk: 0 }];
    let stale = |why, theirs| {
        let why = Obstacle::File { why, ours: come.after.clone(), theirs };
        Obstructed { path: gone.path.clone(), hunks: hunks.clone(), why }
    };
    if there.is_some() {
        left.push(Obstructed { path: come.path.clone(), ..stale(Stale::Exists, there) });
        return;
    }
    let Some(now) = now else { return left.push(stale(Stale::Vanished, None)) };
    let (Some(before), Some(after)) = (&gone.before, &come.after) else { return };
    match merge_states(before, after, &now) {
        Ok((merged, overlaps)) if overlaps.is_empty() => {
            files.push(FileChange { path: gone.path.clone(), before: Some(now), after: None });
            files.push(FileChange { path: come.path.clone(), before: None, after: Some(merged) });
        }
        // In parts a rename has no meaning.
        Ok(_) => left.push(stale(Stale::Changed, Some(now))),
        Err(why) => left.push(stale(why, Some(now))),
    }
}

type Overlaps = Vec<(Range<usize>, Overlap)>;

/// `now` with what leads from `before` to `after`, and what of it does not fit, with the hunks that it is about.
fn merge_states(before: &FileState, after: &FileState, now: &FileState) -> Result<(FileState, Overlaps), Stale> {
    let is_link = |state: &FileState| state.kind == FileKind::Symlink;
    if now == before {
        return Ok((after.clone(), Vec::new()));
    }
    if is_link(before) != is_link(now) {
        return Err(Stale::OtherKind);
    }
    if is_link(before) || is_link(after) {
        return Err(Stale::Changed);
    }
    // There are two kinds of regular files, so that two sides cannot each have another one.
    let kind = if after.kind == before.kind { now.kind } else { after.kind };
    let whole = |bytes: &Vec<u8>| Ok((FileState { kind, bytes: bytes.clone() }, Vec::new()));
    if before.bytes == after.bytes {
        return whole(&now.bytes);
    }
    if before.bytes == now.bytes || after.bytes == now.bytes {
        return whole(&after.bytes);
    }
    let (Some(base), Some(ours)) = (before.as_text(), after.as_text()) else { return Err(Stale::Changed) };
    let theirs = now.as_text().ok_or(Stale::Binary)?;
    let merged = merge_over(base, ours, theirs);
    let overlaps = overlaps((base, ours, theirs), merged.conflicts);
    if before.kind == after.kind || overlaps.is_empty() {
        return Ok((FileState { kind, bytes: merged.text.into_bytes() }, overlaps));
    }
    // Where the kind changes too the file is one hunk, which is taken or left as a whole.
    Err(Stale::Changed)
}

fn overlaps((base, ours, theirs): (&str, &str, &str), conflicts: Vec<Conflict>) -> Overlaps {
    if conflicts.is_empty() {
        return Vec::new();
    }
    let hunks: Vec<LineHunk> = line_hunks(base, ours);
    let (base, ours, theirs) = (Lines::of(base), Lines::of(ours), Lines::of(theirs));
    let overlap = |conflict: Conflict| {
        let first = hunks.partition_point(|hunk| hunk.before.start < conflict.base.start);
        let end = hunks.partition_point(|hunk| hunk.before.start <= conflict.base.end);
        let overlap = Overlap {
            base: base.text(&conflict.base),
            ours: ours.text(&conflict.ours),
            theirs: theirs.text(&conflict.theirs),
            lines: conflict.theirs,
        };
        (first..end, overlap)
    };
    conflicts.into_iter().map(overlap).collect()
}

struct Lines<'a>(Vec<&'a str>);

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split_inclusive('\n').collect())
    }

    fn text(&self, lines: &Range<usize>) -> String {
        self.0.get(lines.clone()).unwrap_or_default().concat()
    }
}

#[cfg(test)]
mod tests;
