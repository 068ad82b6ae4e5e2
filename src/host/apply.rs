//! Applying a granted change: all of it or none of it, also when the process or the machine ends in the middle.
//!
//! 1. Under a lock, changes that were cut short earlier are put right.
//! 2. Every path is read: it holds its `before`, or all hold their `after` already.
//! 3. The journal is written, durably: from here on a crash is undone.
//! 4. New files are written beside their targets, durably.
//! 5. The journal is marked `committed`, durably: from here on a crash is finished.
//! 6. Every target is exchanged with its new file, looking once more at what was really there; the folders are
//!    synchronised.
//! 7. The journal is marked `done`; what was replaced is removed, and then the journal.
//!
//! Whatever fails up to 6, everything is put back. A file that had several names (hard links) keeps its old content
//! under the others, which the receipt says. Owner, permissions, access list and attributes of the user stay.

use std::collections::BTreeSet;
use std::path::Path;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::beneath::{Beneath, Found, disk_failure, parent_of, stat_in};
use super::durable::Durability;
use super::journal::{Journal, Plan};
use super::lock::Lock;
use super::recover::recover;
use super::transaction::{Transaction, Undone, stale};
use crate::changes::{ChangeKind, ChangesetId, FileChange, Permissions, content_hash, renames};
use crate::policy::{Action, Grant, Mode};
use crate::ports::{Ending, Failure, FailureKind, Outcome, Receipt, Recovery};
use crate::workspace::{FileState, RelativePath, Root};

/// The bits of a mode that are given to a file created anew: never the set-ID bits.
const PERMISSIONS: u32 = 0o777;

/// Makes all of `changes`, which are called `id`, or none; what they create has `permissions`. Journals lie in the folder
/// `journals`.
pub(super) fn apply(
    (journals, durability): (&Path, Durability),
    grant: &Grant,
    root: &Root,
    id: &ChangesetId,
    (changes, permissions): (&[FileChange], &Permissions),
) -> Result<Receipt, Failure> {
    authorise(grant, changes)?;
    refuse_overlaps(changes)?;
    let lock = Lock::take(journals, root)?;
    let recovered = recover(journals, root, durability)?;
    if let Some(stuck) = recovered.iter().find_map(stuck) {
        return Err(stuck);
    }
    let beneath = Beneath::open(root)?;
    let deleted = deleted(&beneath, changes)?;
    let permissions = renamed(changes, permissions, &deleted);
    let mut changes: Vec<&FileChange> = changes.iter().collect();
    if check(&beneath, &changes)? == Outcome::AlreadyApplied {
        return Ok(Receipt { outcome: Outcome::AlreadyApplied, separated: Vec::new(), recovered, deleted });
    }
    // What is to stay as it is was looked at like the rest, and is not written.
    changes.retain(|change| change.before != change.after);
    let plan = Plan::new(id, root, &changes, to_be_made(&beneath, &changes)?);
    let journal = Journal::begin(journals, &plan, durability)?;
    let mut transaction = Transaction::new(&beneath, &plan, journal, durability);
    match transaction.stage(&changes, &permissions).and_then(|()| transaction.commit()) {
        Ok(_) => Ok(Receipt { outcome: Outcome::Written, separated: transaction.finish(), recovered, deleted }),
        Err(failure) => Err(put_back(transaction, failure)),
    }
    .inspect(|_| drop(lock))
}

/// The permissions of what is to be deleted.
fn deleted(beneath: &Beneath, changes: &[FileChange]) -> Result<Permissions, Failure> {
    let mut deleted = Permissions::new();
    for FileChange { path, .. } in changes.iter().filter(|change| change.kind() == ChangeKind::Delete) {
        match beneath.parent(path).and_then(|folder| stat_in(&folder, path.file_name())) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                deleted.insert(path.clone(), stat.st_mode & PERMISSIONS);
            }
            // What else is there is looked at next.
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => return Err(disk_failure(path, "read", error)),
        }
    }
    Ok(deleted)
}

/// `permissions`, and those that files keep under a new name.
fn renamed(changes: &[FileChange], permissions: &Permissions, deleted: &Permissions) -> Permissions {
    let mut all = permissions.clone();
    if deleted.is_empty() {
        return all;
    }
    for rename in renames(changes) {
        let kept = changes.get(rename.from).and_then(|from| deleted.get(&from.path));
        if let (Some(kept), Some(to)) = (kept, changes.get(rename.to)) {
            all.insert(to.path.clone(), *kept);
        }
    }
    all
}

/// A change that was cut short and cannot be put right: nothing is built upon it.
fn stuck(recovery: &Recovery) -> Option<Failure> {
    match &recovery.ending {
        Ending::Finished | Ending::Undone => None,
        Ending::Stuck(failure) => Some(Failure { what: recovery.to_string(), ..failure.clone() }),
    }
}

/// Undoes what was done, and returns the failure with what has to be known.
fn put_back(transaction: Transaction<'_>, failure: Failure) -> Failure {
    let Undone { left, lost } = transaction.undo();
    let kept = left.into_iter().filter_map(|left| left.kept.map(|kept| (left.path, kept)));
    let kept = kept.map(|(path, kept)| {
        format!("{path} was written to meanwhile and stays so: its content from before is in {}", kept.display())
    });
    let lost = lost.iter().map(|(path, error)| format!("{path} could not be put back ({error}): start again to retry"));
    let mut hints = kept.chain(lost).peekable();
    if hints.peek().is_none() {
        return failure.hint("nothing was changed");
    }
    hints.fold(failure, Failure::hint)
}

/// Whether every path holds its `before`, or every one its `after`.
fn check(beneath: &Beneath, changes: &[&FileChange]) -> Result<Outcome, Failure> {
    let (mut already, mut wrong) = (0_usize, None);
    for change in changes {
        let (path, before, after) = (&change.path, change.before.as_ref(), change.after.as_ref());
        let limit = size(before).max(size(after));
        let found = beneath.look(path, limit).map_err(|error| disk_failure(path, "read", error))?;
        if is_state(&found, after) {
            already += 1;
        }
        if !is_state(&found, before) {
            wrong = wrong.or(Some(*change));
        }
    }
    match wrong {
        _ if already == changes.len() => Ok(Outcome::AlreadyApplied),
        Some(change) => Err(why_stale(beneath, changes, change)),
        None => Ok(Outcome::Written),
    }
}

fn size(state: Option<&FileState>) -> u64 {
    state.map_or(0, |state| state.bytes.len() as u64)
}

fn is_state(found: &Found, expected: Option<&FileState>) -> bool {
    match (found, expected) {
        (Found::Nothing, None) => true,
        (Found::State(state), Some(expected)) => state == expected,
        (Found::Nothing | Found::State(_) | Found::Large(_) | Found::Other(_), _) => false,
    }
}

/// Says so when the path that is in the way is one that is deleted in the same change, under another spelling: in
/// folders that do not tell capital letters from small ones.
fn why_stale(beneath: &Beneath, changes: &[&FileChange], wrong: &FileChange) -> Failure {
    let same = |other: &&&FileChange| {
        let spelled = other.path.as_str().to_lowercase() == wrong.path.as_str().to_lowercase();
        spelled && other.path != wrong.path && is_one_file(beneath, &other.path, &wrong.path)
    };
    match changes.iter().filter(|other| other.kind() == ChangeKind::Delete).find(same) {
        Some(other) if wrong.kind() == ChangeKind::Create => {
            let what = format!("{} and {} are one file in a folder that ignores case", other.path, wrong.path);
            Failure::new(FailureKind::InvalidInput, what).hint("rename it by way of a third name, in two steps")
        }
        Some(_) | None => stale(&wrong.path),
    }
}

fn is_one_file(beneath: &Beneath, one: &RelativePath, two: &RelativePath) -> bool {
    let inode = |path: &RelativePath| {
        let stat = beneath.parent(path).and_then(|folder| stat_in(&folder, path.file_name())).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    inode(one).is_some() && inode(one) == inode(two)
}

/// The folders that are not there yet, each after the one it lies in.
fn to_be_made(beneath: &Beneath, changes: &[&FileChange]) -> Result<Vec<RelativePath>, Failure> {
    let (mut known, mut made) = (BTreeSet::new(), Vec::new());
    for change in changes.iter().filter(|change| change.after.is_some()) {
        let Some(parent) = parent_of(&change.path).filter(|parent| known.insert(*parent)) else { continue };
        if beneath.folder(parent).is_ok() {
            continue;
        }
        let ends = parent.match_indices('/').map(|(at, _)| at).chain([parent.len()]);
        for folder in ends.filter_map(|end| parent.get(..end)).filter_map(|folder| RelativePath::new(folder).ok()) {
            match beneath.folder(folder.as_str()) {
                Ok(_) => {}
                Err(rustix::io::Errno::NOENT) if made.contains(&folder) => {}
                Err(rustix::io::Errno::NOENT) => made.push(folder),
                Err(error) => return Err(disk_failure(&folder, "made a folder", error)),
            }
        }
    }
    Ok(made)
}

fn authorise(grant: &Grant, changes: &[FileChange]) -> Result<(), Failure> {
    let granted = matches!(grant.action(), Action::Apply { content, .. } if *content == content_hash(changes));
    let denied = |what: &str| Err(Failure::new(FailureKind::Denied, what));
    if !granted {
        return denied("these are not the changes that were granted: look at them again");
    }
    match grant.mode() {
        Mode::ReadOnly => denied("the workspace is read-only: switch it to workspace-write first"),
        Mode::WorkspaceWrite | Mode::Unrestricted => Ok(()),
    }
}

/// No path twice, and none below another: a file that becomes a folder takes two steps.
fn refuse_overlaps(changes: &[FileChange]) -> Result<(), Failure> {
    let mut paths = BTreeSet::new();
    for change in changes {
        if !paths.insert(change.path.as_str()) {
            let what = format!("{} is in these changes twice", change.path);
            return Err(Failure::new(FailureKind::InvalidInput, what).hint("make the proposal again"));
        }
    }
    for path in &paths {
        let mut above = *path;
        while let Some((parent, _)) = above.rsplit_once('/') {
            if paths.contains(parent) {
                let what = format!("{parent} is both a file and a folder in these changes");
                return Err(
                    Failure::new(FailureKind::InvalidInput, what).hint("accept the deletion first, then the rest")
                );
            }
            above = parent;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
