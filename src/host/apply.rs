//! Applying a granted change: all of it or none of it.
//!
//! New files are written beside their targets; then every target is exchanged with its new file, looking once more
//! at what was really there; whatever fails, everything is put back. A file that had several names (hard links)
//! keeps its old content under the others. Owner and permissions stay; extended attributes and access lists do not.

use std::collections::BTreeSet;

use super::beneath::Beneath;
use super::transaction::Transaction;
use crate::changes::{FileChange, content_hash};
use crate::policy::{Action, Grant, Mode};
use crate::ports::{Clock, Failure, FailureKind};
use crate::workspace::Root;

/// Makes all of `changes` or none.
pub(super) fn apply(grant: &Grant, root: &Root, changes: &[FileChange]) -> Result<(), Failure> {
    authorise(grant, changes)?;
    refuse_overlaps(changes)?;
    let mut transaction = Transaction::new(Beneath::open(root)?, changes);
    let now_ns = super::SystemClock.now_ms().saturating_mul(1_000_000);
    match transaction.check().and_then(|()| transaction.stage(now_ns)).and_then(|()| transaction.commit()) {
        Ok(()) => {
            transaction.finish();
            Ok(())
        }
        Err(failure) => Err(transaction.put_back(failure)),
    }
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
