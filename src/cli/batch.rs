//! `tagout batch`: events on standard output, one JSON object a line; what people read on standard error.

use std::io::Read;

use super::recipe_arguments::BatchArguments;
use super::{DENIED, DONE, FAILED, INTERRUPTED, Screen};
use crate::engine::Workbench;
use crate::engine::batch::{BatchEvent, BatchTask, Commits, Counts, Earlier, batch};
use crate::engine::recipes::Keeping;
use crate::ports::{Cancel, Failure, FailureKind, Progress};
use crate::refactor::LARGEST_PLAN;

pub(super) fn run(
    arguments: &BatchArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let plan = plan(arguments, workbench)?;
    if !arguments.dry_run {
        super::note_unknown(workbench, &root, screen)?;
    }
    let task = BatchTask {
        root,
        plan,
        approved: arguments.approve.clone(),
        threads: arguments.threads,
        keeping: if arguments.dry_run { Keeping::DryRun } else { Keeping::Shelved },
        patches: arguments.patches.clone(),
        commits: if arguments.commit { Commits::Made } else { Commits::NotMade },
        earlier: if arguments.restart { Earlier::Forgotten } else { Earlier::Counts },
    };
    let events = std::sync::Mutex::new(());
    let emit = |event: &BatchEvent| {
        let _one = events.lock();
        tell(event);
        let line = serde_json::to_string(event).unwrap_or_default();
        Screen::event(&line);
    };
    let counts = batch(workbench, &task, &emit, cancel)?;
    Ok(code(counts))
}

fn code(counts: Counts) -> u8 {
    match counts {
        Counts { interrupted: true, .. } => INTERRUPTED,
        Counts { failed: 1.., .. } => FAILED,
        Counts { denied: 1.., .. } => DENIED,
        Counts { .. } => DONE,
    }
}

/// The plan as it is; not more of it than a plan may have.
fn plan(arguments: &BatchArguments, workbench: &Workbench) -> Result<Vec<u8>, Failure> {
    let most = LARGEST_PLAN as u64 + 1;
    let read = if arguments.plan.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| Failure::io("standard input", &error))
    } else {
        (workbench.read_bytes)(&arguments.plan, most)
    };
    read.map_err(|failure| {
        let what = format!("the plan cannot be read: {}", failure.what);
        Failure::new(FailureKind::InvalidInput, what).hint("name a file of at most 16 MiB, or - for standard input")
    })
}

/// Says on standard error what people want to know.
fn tell(event: &BatchEvent) {
    match event {
        BatchEvent::Progress { stage, done, total, .. } => {
            Screen::progress(&Progress { stage: stage.clone(), done: *done, total: *total });
        }
        BatchEvent::Plan { items, resumed, .. } => {
            let again = if *resumed { ", going on from an earlier run" } else { "" };
            say(&format!("{items} items{again}"));
        }
        BatchEvent::Started { id, does } => say(&format!("{id}: {does}")),
        BatchEvent::Proposal { id, changeset: None, .. } => say(&format!("{id}: nothing matches")),
        BatchEvent::Proposal { id, changeset: Some(changeset), files, hunks, added, removed, problems } => {
            problems.iter().for_each(|problem| say(&format!("{id}: {problem}")));
            say(&format!("{id}: changeset {changeset}: {files} files, {hunks} hunks, +{added} -{removed}"));
        }
        BatchEvent::Checked { id, checks, .. } => {
            checks.iter().for_each(|check| say(&format!("{id}: {}: {} {}", check.name, check.outcome, check.text)));
        }
        BatchEvent::Applied { id, changeset, files, .. } => say(&format!("{id}: {changeset} applied to {files} files")),
        BatchEvent::Undone { id, changeset, files } => say(&format!("{id}: {changeset} taken back in {files} files")),
        BatchEvent::Patch { id, path } => say(&format!("{id}: wrote {path}")),
        BatchEvent::Committed { id, commit } => say(&format!("{id}: committed as {commit}")),
        BatchEvent::Failed { id, what, hints, .. } => {
            say(&format!("{id}: failed: {what}"));
            hints.iter().for_each(|hint| say(&format!("  {hint}")));
        }
        BatchEvent::Skipped { id, why, .. } => say(&format!("{id}: skipped: {why}")),
        BatchEvent::Done { counts } => {
            let Counts { applied, proposed, unchanged, skipped, failed, denied, .. } = counts;
            say(&format!(
                "{applied} applied, {proposed} proposed, {unchanged} without a match, {skipped} skipped, {failed} failed, \
                 {denied} denied"
            ));
        }
    }
}

fn say(text: &str) {
    Screen::remark(&format!("tagout: {text}"));
}
