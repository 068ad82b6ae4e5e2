//! Putting right what a crash cut short: finishing what was committed, undoing the rest, and saying which.

use std::path::Path;

use super::beneath::Beneath;
use super::durable::Durability;
use super::journal::{Journal, Mark, Plan, Written};
use super::transaction::{Transaction, Undone, may_finish};
use crate::ports::{Ending, Failure, FailureKind, Recovery};
use crate::workspace::Root;

/// Puts right every change in `root`, or in a folder above or below it, whose journal is in `folder`. The caller holds
/// the lock, so that their processes are gone.
pub(super) fn recover(folder: &Path, root: &Root, durability: Durability) -> Result<Vec<Recovery>, Failure> {
    let mut recoveries = Vec::new();
    for journal in Journal::all(folder, durability)? {
        let plan = match journal.read()? {
            Written::Whole(plan) => plan,
            Written::Torn => {
                journal.remove()?;
                continue;
            }
        };
        let place = plan.root()?;
        let (here, there) = (root.as_path(), place.as_path());
        if !here.starts_with(there) && !there.starts_with(here) {
            continue;
        }
        let (ending, left) = match put_right(journal, &plan, &place, durability) {
            // A folder that is gone, or not mounted now, disturbs nobody.
            Err(failure) if failure.kind == FailureKind::NotFound => continue,
            Err(failure) => (Ending::Stuck(failure), Vec::new()),
            Ok(ended) => ended,
        };
        recoveries.push(Recovery { id: plan.id.clone(), root: place, ending, files: plan.entries.len(), left });
    }
    Ok(recoveries)
}

type Ended = (Ending, Vec<crate::ports::Left>);

fn put_right(journal: Journal, plan: &Plan, root: &Root, durability: Durability) -> Result<Ended, Failure> {
    let beneath = Beneath::open(root)?;
    let mark = journal.mark();
    let mut transaction = Transaction::new(&beneath, plan, journal, durability);
    match mark {
        Mark::Begun | Mark::Undoing => back(transaction),
        Mark::Committed if !may_finish(&beneath, plan)? => back(transaction),
        Mark::Committed => match transaction.commit() {
            Ok(left) => {
                transaction.finish();
                Ok((Ending::Finished, left))
            }
            // Somebody wrote there between the two looks.
            Err(failure) if failure.kind == FailureKind::Stale => back(transaction),
            Err(failure) => Err(failure),
        },
        Mark::Done => {
            transaction.finish();
            Ok((Ending::Finished, Vec::new()))
        }
    }
}

fn back(transaction: Transaction<'_>) -> Result<Ended, Failure> {
    let path = transaction.journal().path();
    let Undone { left, lost } = transaction.undo();
    match lost.first() {
        None => Ok((Ending::Undone, left)),
        Some((file, error)) => {
            let what = format!("{file} could not be put back: {error}");
            let hint = format!("see to it and start again; {} says what is left to do", path.display());
            Err(Failure::new(FailureKind::Io, what).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests;
