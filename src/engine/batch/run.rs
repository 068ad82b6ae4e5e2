//! The loop over the items of a plan.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::super::Workbench;
use super::super::recipes::{Gathered, Keeping, Resolved, gather, resolve};
use super::events::{BatchEvent, Counts, code};
use super::item::{Ending, Stop, perform};
use super::reached::{Line, Reached, reached};
use crate::ports::{AppendLine, Cancel, Failure, FailureKind};
use crate::refactor::{Item, Plan, Work};
use crate::workspace::{ContentHash, Root};

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct BatchTask {
    /// Workspace.
    pub root: Root,
    /// The plan as it was written.
    pub plan: Vec<u8>,
    /// Questions that are answered with yes.
    pub approved: Vec<String>,
    /// Threads; `None`: one for each core.
    pub threads: Option<NonZeroUsize>,
    /// Whether anything is kept, checked and applied.
    pub keeping: Keeping,
    /// Where a patch for each item goes.
    pub patches: Option<PathBuf>,
    /// Whether items that the plan has as commits are committed.
    pub commits: Commits,
    /// Whether what earlier runs of the plan reached counts.
    pub earlier: Earlier,
}

/// Whether commits are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// They are.
    Made,
    /// They are not.
    NotMade,
}

/// What becomes of what an earlier run reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// The batch goes on from there.
    Counts,
    /// It is forgotten.
    Forgotten,
}

/// Where events go.
pub type Emit<'a> = &'a (dyn Fn(&BatchEvent) + Sync);

/// A batch at work.
pub(super) struct Run<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) task: &'a BatchTask,
    pub(super) emit: Emit<'a>,
    pub(super) cancel: &'a Cancel,
    append: Option<AppendLine>,
}

impl Run<'_> {
    /// Writes down how far an item is. A dry run reaches nothing.
    pub(super) fn note(&mut self, line: &Line) -> Result<(), Failure> {
        self.append.as_mut().map_or(Ok(()), |append| append(&line.write()))
    }
}

/// An item with everything that it names.
pub(super) struct Prepared {
    pub(super) item: Item,
    pub(super) resolved: Resolved,
    /// What it does, in one line.
    pub(super) does: String,
    /// Its place in the plan, from 1.
    pub(super) number: usize,
}

/// Runs a plan to its end, or to the end of the step at hand once `cancel` is raised.
///
/// # Errors
/// `InvalidInput` when something is wrong with the plan: then nothing was done. Else when what was reached cannot be
/// read or written.
pub fn batch(workbench: &Workbench, task: &BatchTask, emit: Emit<'_>, cancel: &Cancel) -> Result<Counts, Failure> {
    let items = prepare(workbench, task)?;
    if let Some(folder) = &task.patches {
        // Before anything is done rather than after the first item.
        (workbench.write_beside)(&task.root, folder, &[])?;
    }
    let plan = ContentHash::of_parts(&[task.root.key().as_bytes(), &task.plan]).short(24);
    let mut run = Run { workbench, task, emit, cancel, append: None };
    let before = match task.keeping {
        Keeping::DryRun => BTreeMap::new(),
        Keeping::Shelved => {
            let log = (workbench.open_batch)(&plan)?;
            run.append = Some(log.append);
            match task.earlier {
                Earlier::Counts => reached(&log.lines),
                Earlier::Forgotten => {
                    run.note(&Line::Restarted)?;
                    BTreeMap::new()
                }
            }
        }
    };
    if task.keeping == Keeping::Shelved {
        // What a kill cut short is whole, one way or the other, before anything is looked at.
        workbench.files.recover(&task.root)?;
    }
    emit(&BatchEvent::Plan { plan, items: items.len(), resumed: !before.is_empty() });
    let mut counts = Counts::default();
    for prepared in &items {
        one(&mut run, prepared, before.get(&prepared.item.id), &mut counts);
    }
    emit(&BatchEvent::Done { counts });
    Ok(counts)
}

fn one(run: &mut Run<'_>, prepared: &Prepared, before: Option<&Reached>, counts: &mut Counts) {
    let id = prepared.item.id.clone();
    if run.cancel.is_cancelled() {
        counts.interrupted = true;
        counts.skipped += 1;
        (run.emit)(&BatchEvent::Skipped { id, why: "the batch was stopped".to_owned(), changeset: None });
        return;
    }
    match perform(run, prepared, before) {
        Ok(Ending::Applied) => counts.applied += 1,
        Ok(Ending::Proposed) => counts.proposed += 1,
        Ok(Ending::Unchanged) => counts.unchanged += 1,
        Ok(Ending::Skipped) => counts.skipped += 1,
        Err(stop) => {
            let (code, failure) = match stop {
                Stop::Check(failure) => ("check-failed", failure),
                Stop::Failure(failure) => (code(failure.kind), failure),
            };
            match failure.kind {
                FailureKind::Denied | FailureKind::NeedsApproval => counts.denied += 1,
                FailureKind::Cancelled => {
                    counts.interrupted = true;
                    counts.failed += 1;
                }
                FailureKind::InvalidInput
                | FailureKind::NotFound
                | FailureKind::Stale
                | FailureKind::Unavailable
                | FailureKind::Io
                | FailureKind::Internal => counts.failed += 1,
            }
            (run.emit)(&BatchEvent::Failed { id, code, what: failure.what, hints: failure.hints });
        }
    }
}

/// Reads the plan and looks up all that it names, so that nothing is done by a plan in which something is wrong.
fn prepare(workbench: &Workbench, task: &BatchTask) -> Result<Vec<Prepared>, Failure> {
    let wrong = |what: String| {
        Failure::new(FailureKind::InvalidInput, format!("the plan is wrong, and nothing was done: {what}"))
    };
    let plan = Plan::read(&task.plan).map_err(|problem| wrong(problem.to_string()))?;
    let gathered = gather(workbench, &task.root);
    let mut prepared = Vec::new();
    for (index, item) in plan.items.into_iter().enumerate() {
        let resolved = resolve(workbench, &task.root, &gathered, &item.work, &item.paths).map_err(|failure| {
            let told = wrong(format!("line {}: item {:?}: {}", item.line, item.id, failure.what));
            failure.hints.into_iter().fold(told, Failure::hint)
        })?;
        let does = does(&item.work, &gathered);
        prepared.push(Prepared { item, resolved, does, number: index + 1 });
    }
    Ok(prepared)
}

/// What an item does, in one line: the title of its commit where it has no other.
fn does(work: &Work, gathered: &Gathered) -> String {
    let line = match work {
        Work::Recipe { name, .. } => {
            gathered.catalogue.get(name).map_or_else(|| name.clone(), |recipe| recipe.title().to_owned())
        }
        Work::Rewrite { pattern, replacement, .. } => format!("Rewrite {pattern} to {replacement}"),
        Work::Rules { name, .. } => format!("Apply the rules {name}"),
        Work::Regex { find, replace } => format!("Replace {find} by {replace}"),
        Work::Command { argv, .. } => format!("Run {}", argv.join(" ")),
    };
    crate::text::visible_line(&line)
}
