//! `tagout index`

use super::changes::needs_approval;
use super::retrieve_arguments::IndexArguments;
use super::{DONE, Screen, note_problems};
use crate::config::SharedSettings;
use crate::engine::recipes::{Consent, IndexSummary, PublishTask, Published, Term};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure, FailureKind};
use crate::workspace::Root;

pub(super) fn run(
    arguments: &IndexArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.path)?;
    let standing = workbench.standing(&root);
    note_problems(&standing.problems, screen);
    let mut shared = standing.settings.index.shared;
    let place = arguments.publish.clone().flatten().or_else(|| arguments.shared.clone());
    shared.place = place.or(shared.place);
    shared.name = arguments.shared_name.clone().or(shared.name);
    if arguments.publish.is_some() {
        return publish(arguments, workbench, screen, PublishTask { root, shared, consent: Consent::None }, cancel);
    }
    let summary = bring_up_to_date(workbench, &root, &shared, screen, cancel)?;
    screen.line(&format!("{}: {summary}", root.as_path().display()));
    send(workbench, &root, screen, cancel)?;
    Ok(DONE)
}

fn publish(
    arguments: &IndexArguments,
    workbench: &Workbench,
    screen: &Screen,
    task: PublishTask,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let once = |question: &String| Consent::To { question: question.clone(), term: Term::Once };
    let task = PublishTask { consent: arguments.approve.as_ref().map_or(Consent::None, once), ..task };
    let published = recipes::publish(workbench, &task, cancel, &|progress| Screen::progress(&progress))?;
    let (summary, at, before, files, bytes, left_out) = match published {
        Published::Undecided(judgement) => return Err(needs_approval(&judgement, "the same with")),
        Published::Done { summary, at, before, files, bytes, left_out } => {
            (summary, at, before, files, bytes, left_out)
        }
    };
    tell(&summary, screen);
    screen.line(&format!("{}: {summary}", task.root.as_path().display()));
    if left_out > 0 {
        screen.note(&format!("tagout: {left_out} files are not shared: they are secrets, or hold some"));
    }
    let done = if before { "there already" } else { "published" };
    screen.line(&format!("{at}: {done}: {files} files, {bytes} bytes"));
    Ok(DONE)
}

/// Sends what is new to the endpoint that the user named, if any; the index is as good as ever when that fails.
fn send(workbench: &Workbench, root: &Root, screen: &Screen, cancel: &Cancel) -> Result<(), Failure> {
    let sent = match recipes::embed(workbench, root, cancel, &|progress| Screen::progress(&progress)) {
        Err(failure) if failure.kind == FailureKind::Cancelled => return Err(failure),
        Err(failure) => {
            screen.note(&format!("tagout: nothing was sent to the embedding endpoint: {failure}"));
            return Ok(());
        }
        Ok(sent) => sent,
    };
    if let Some(host) = sent.host {
        screen.line(&format!("{} chunks sent to the embedding endpoint at {host}", sent.sent));
    }
    if let Some(failure) = sent.failed {
        screen.note(&if sent.is_over {
            format!("tagout: nothing more is sent to the embedding endpoint: {failure}")
        } else {
            format!("tagout: not all was sent to the embedding endpoint: {failure}; the next run goes on there")
        });
    }
    if let Some(notice) = workbench.endpoint.take_notice() {
        screen.note(&format!("tagout: {notice}"));
    }
    Ok(())
}

/// Brings the index up to date, saying what has to be said.
pub(super) fn refresh(
    workbench: &Workbench,
    root: &Root,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<IndexSummary, Failure> {
    let standing = workbench.standing(root);
    note_problems(&standing.problems, screen);
    bring_up_to_date(workbench, root, &standing.settings.index.shared, screen, cancel)
}

fn bring_up_to_date(
    workbench: &Workbench,
    root: &Root,
    shared: &SharedSettings,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<IndexSummary, Failure> {
    let summary = recipes::index_beside(workbench, root, shared, cancel, &|progress| Screen::progress(&progress))?;
    tell(&summary, screen);
    Ok(summary)
}

fn tell(summary: &IndexSummary, screen: &Screen) {
    if let Some(notice) = &summary.notice {
        screen.note(&format!("tagout: {notice}"));
    }
}
