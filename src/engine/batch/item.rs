//! One item: proposed, checked, applied, each step written down before the next.

use super::super::recipes::{Keeping, RefactorTask, Step, failed_check, note_checks, refactor_by, run_checks};
use super::commit::{commit, ready};
use super::events::{BatchEvent, CheckTold, Over};
use super::patch::{record, write_patch};
use super::reached::{Line, Reached};
use super::run::{Commits, Prepared, Run};
use super::writing::{Extent, apply, ask_first, canary, is_begun, undo};
use crate::changes::{Changeset, ChangesetId, Checked, summarise, unrejected};
use crate::ports::{Failure, FailureKind, Progress};
use crate::refactor::{Apply, Check, Commit};
use crate::workspace::ContentHash;

/// How an item ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Applied,
    Proposed,
    Unchanged,
    Skipped,
}

/// Why it did not.
#[derive(Debug)]
pub(super) enum Stop {
    /// A check said no, or could not say anything.
    Check(Failure),
    /// Something else.
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Does one item, from where an earlier run left it.
pub(super) fn perform(run: &mut Run<'_>, prepared: &Prepared, before: Option<&Reached>) -> Result<Ending, Stop> {
    let id = &prepared.item.id;
    match before {
        Some(Reached::Done(changeset, record)) => return skip(run, prepared, changeset.as_ref(), *record),
        Some(Reached::Undoing(changeset)) => {
            let changeset = kept(run, changeset)?;
            roll_back(run, prepared, &changeset)?;
            let what = "the canary's check failed, and the run was cut short while it was taken back";
            return Err(Stop::Check(Failure::new(FailureKind::Stale, what).hint("it is taken back now")));
        }
        Some(Reached::Proposed(_) | Reached::Checked(_)) | None => {}
    }
    (run.emit)(&BatchEvent::Started { id: id.clone(), does: prepared.does.clone() });
    let proposal = match before {
        // Made again over files that hold a part of it, a rewrite could go over its own work.
        Some(Reached::Proposed(changeset) | Reached::Checked(changeset)) => kept(run, changeset)?,
        Some(Reached::Undoing(_) | Reached::Done(..)) | None => propose(run, prepared)?,
    };
    let is_checked = matches!(before, Some(Reached::Checked(_)));
    let outcome = carry_out(run, prepared, proposal.clone(), is_checked);
    if outcome.is_err() && !is_begun(run, &proposal)? && !waits(&outcome) {
        // Nothing of it is in the workspace: the next run makes it anew.
        run.note(&Line::Failed { id: id.clone() })?;
    }
    outcome
}

/// Whether an answer is missing, which would be one to exactly this proposal.
fn waits(outcome: &Result<Ending, Stop>) -> bool {
    matches!(outcome, Err(Stop::Failure(failure)) if failure.kind == FailureKind::NeedsApproval)
}

fn skip(
    run: &mut Run<'_>,
    prepared: &Prepared,
    changeset: Option<&ChangesetId>,
    record: Option<u64>,
) -> Result<Ending, Stop> {
    let why = "an earlier run of this plan did it (`--restart` forgets that)".to_owned();
    let id = prepared.item.id.clone();
    (run.emit)(&BatchEvent::Skipped { id, why, changeset: changeset.map(ToString::to_string) });
    if let Some(changeset) = changeset
        && run.task.patches.is_some()
    {
        let changeset = kept(run, changeset)?;
        write_patch(run, prepared, &changeset, record)?;
    }
    Ok(Ending::Skipped)
}

/// A proposal of an earlier run.
fn kept(run: &Run<'_>, id: &ChangesetId) -> Result<Changeset, Failure> {
    let shelved = run.workbench.shelf.shelved(&run.task.root, id);
    shelved.map(|shelved| unrejected(&shelved.changeset).into_owned()).map_err(|failure| {
        let what = format!("the proposal {id} of the earlier run is not kept any more: {}", failure.what);
        Failure::new(failure.kind, what).hint("undo what is applied of it, then run the plan with --restart")
    })
}

fn propose(run: &Run<'_>, prepared: &Prepared) -> Result<Changeset, Stop> {
    let item = &prepared.item;
    let task = RefactorTask {
        root: run.task.root.clone(),
        work: item.work.clone(),
        paths: item.paths.clone(),
        open: Vec::new(),
        approved: run.task.approved.clone(),
        threads: run.task.threads,
        keeping: run.task.keeping,
        plan: Some(ContentHash::of(&run.task.plan)),
    };
    let report = |progress: Progress| {
        let Progress { stage, done, total } = progress;
        (run.emit)(&BatchEvent::Progress { id: item.id.clone(), stage, done, total });
    };
    let proposed = refactor_by(run.workbench, &task, &prepared.resolved, run.cancel, &report)?;
    let changeset = proposed.changeset;
    let figures = summarise(&changeset);
    (run.emit)(&BatchEvent::Proposal {
        id: item.id.clone(),
        changeset: (!changeset.is_empty()).then(|| changeset.id.to_string()),
        files: figures.files,
        hunks: figures.hunks,
        added: figures.added,
        removed: figures.removed,
        problems: proposed.problems,
    });
    Ok(changeset)
}

fn carry_out(
    run: &mut Run<'_>,
    prepared: &Prepared,
    mut proposal: Changeset,
    is_checked: bool,
) -> Result<Ending, Stop> {
    let item = &prepared.item;
    let id = item.id.clone();
    if proposal.is_empty() {
        run.note(&Line::Done { id, changeset: None, record: None })?;
        return Ok(Ending::Unchanged);
    }
    if run.task.keeping == Keeping::DryRun {
        return Ok(Ending::Proposed);
    }
    // What somebody else applied of it says nothing of its checks; and while nothing is applied, files and what is
    // rejected may be others than those that were checked.
    if !(is_checked && is_begun(run, &proposal)?) {
        let changeset = proposal.id.clone();
        run.note(&Line::Proposed { id: id.clone(), changeset: changeset.clone() })?;
        if item.commit != Commit::None && run.task.commits == Commits::Made {
            ready(run, &proposal)?;
        }
        proposal = checked(run, prepared, proposal)?;
        run.note(&Line::Checked { id: id.clone(), changeset })?;
    }
    let ending = match &item.apply {
        Apply::None => Ending::Proposed,
        Apply::All => {
            apply(run, &id, &proposal, Extent::All)?;
            Ending::Applied
        }
        Apply::Canary { share, checks } => {
            by_canary(run, prepared, &proposal, *share, checks)?;
            Ending::Applied
        }
    };
    let record = record(run, &proposal)?;
    write_patch(run, prepared, &proposal, record)?;
    if item.commit != Commit::None && run.task.commits == Commits::Made {
        commit(run, prepared, &proposal, record)?;
    }
    run.note(&Line::Done { id, changeset: Some(proposal.id), record })?;
    Ok(ending)
}

/// The proposal with what its checks said of it, once all of them passed.
fn checked(run: &Run<'_>, prepared: &Prepared, mut proposal: Changeset) -> Result<Changeset, Stop> {
    let item = &prepared.item;
    // Those between the steps of a recipe.
    stop_at(&proposal.lineage.checks, "nothing was applied")?;
    if item.checks.is_empty() {
        return Ok(proposal);
    }
    let checks = run_checks(
        &Step::over(run.workbench, &run.task.root, &run.task.approved, &proposal),
        &item.checks,
        run.cancel,
    )?;
    tell(run, &item.id, Over::Proposal, &checks);
    // An earlier run may have left its own.
    proposal.lineage.checks.retain(|known| checks.iter().all(|check| check.name != known.name));
    proposal.lineage.checks.extend(checks.clone());
    note_checks(run.workbench, &run.task.root, &proposal.id, &proposal.lineage.checks)?;
    stop_at(&checks, "nothing was applied")?;
    Ok(proposal)
}

fn tell(run: &Run<'_>, id: &str, over: Over, checks: &[Checked]) {
    let passed = failed_check(checks).is_none();
    let checks = checks.iter().map(CheckTold::from).collect();
    (run.emit)(&BatchEvent::Checked { id: id.to_owned(), over, passed, checks });
}

fn stop_at(checks: &[Checked], then: &str) -> Result<(), Stop> {
    failed_check(checks)
        .map_or(Ok(()), |check| Err(Stop::Check(Failure::new(FailureKind::Stale, check.describe()).hint(then))))
}

/// Applies a share first, and the rest when the checks passed; else takes the share back.
fn by_canary(
    run: &mut Run<'_>,
    prepared: &Prepared,
    proposal: &Changeset,
    share: u8,
    checks: &[Check],
) -> Result<(), Stop> {
    let id = &prepared.item.id;
    ask_first(run, proposal)?;
    apply(run, id, proposal, Extent::Canary(canary(proposal, share)))?;
    let step = Step::over_disk(run.workbench, &run.task.root, &run.task.approved);
    let checks = match run_checks(&step, checks, run.cancel) {
        Ok(checks) => checks,
        Err(failure) if failure.kind == FailureKind::NeedsApproval => return Err(failure.into()),
        Err(failure) => {
            roll_back(run, prepared, proposal)?;
            return Err(failure.into());
        }
    };
    tell(run, id, Over::Canary, &checks);
    if let Err(stop) = stop_at(&checks, "what was applied to the first files is taken back") {
        roll_back(run, prepared, proposal)?;
        return Err(stop);
    }
    let whole = apply(run, id, proposal, Extent::All);
    if whole.as_ref().is_err_and(|failure| failure.kind != FailureKind::NeedsApproval) {
        roll_back(run, prepared, proposal)?;
    }
    Ok(whole?)
}

fn roll_back(run: &mut Run<'_>, prepared: &Prepared, proposal: &Changeset) -> Result<(), Failure> {
    let id = &prepared.item.id;
    run.note(&Line::Undoing { id: id.clone(), changeset: proposal.id.clone() })?;
    undo(run, id, proposal)?;
    run.note(&Line::Failed { id: id.clone() })
}
