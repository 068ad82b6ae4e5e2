//! An applied item as a commit of its own, of its files and nothing else. Git runs on the host, where a rule allows it:
//! what runs by a rule runs no hook, filter or helper that the repository names. What a person approves runs as it is, so
//! that an approval is not enough here.

use std::sync::{Mutex, PoisonError};

use super::super::recipes::{Consent, Ran, RunTask, describe_exit, run as run_command};
use super::events::BatchEvent;
use super::patch::{Message, message};
use super::run::{Prepared, Run};
use crate::changes::Changeset;
use crate::policy::{Place, Role};
use crate::ports::{Exit, Failure, FailureKind, OutputStream};

/// Commits the files of an applied proposal, unless they are committed already.
pub(super) fn commit(run: &Run<'_>, prepared: &Prepared, proposal: &Changeset) -> Result<(), Failure> {
    let marker = format!("--grep=^Tagout-Changeset: {}$", proposal.id);
    let known = git(run, &["log", "-1", "--format=%H", &marker])?;
    let commit = if known.text.trim().is_empty() { make(run, prepared, proposal)? } else { known.text };
    let commit = commit.trim().to_owned();
    (run.emit)(&BatchEvent::Committed { id: prepared.item.id.clone(), commit });
    Ok(())
}

fn make(run: &Run<'_>, prepared: &Prepared, proposal: &Changeset) -> Result<String, Failure> {
    if git(run, &["diff", "--cached", "--quiet", "--no-ext-diff"])?.exit != Exit::Code(0) {
        let what = "something is staged in the repository already, which a commit must not mix with";
        return Err(Failure::new(FailureKind::Stale, what).hint("commit it or `git reset` it, then run the plan again"));
    }
    let Message { subject, body } = message(run, prepared, proposal);
    let paths: Vec<String> = proposal.files.iter().map(|file| format!(":(literal){}", file.path)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    succeeds(run, &[&["add", "--all", "--"], paths.as_slice()].concat())?;
    let text = format!("{subject}\n\n{body}");
    let head = ["commit", "--quiet", "--no-verify", "--no-edit", "-m", &text, "--only", "--"];
    succeeds(run, &[&head, paths.as_slice()].concat())?;
    succeeds(run, &["rev-parse", "HEAD"])
}

struct Said {
    exit: Exit,
    text: String,
}

fn succeeds(run: &Run<'_>, arguments: &[&str]) -> Result<String, Failure> {
    let said = git(run, arguments)?;
    if said.exit == Exit::Code(0) {
        return Ok(said.text);
    }
    let words = arguments.first().copied().unwrap_or_default();
    let last = said.text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let what = format!("`git {words}` failed ({}): {last}", describe_exit(&said.exit));
    Err(Failure::new(FailureKind::Unavailable, what).hint("the item is applied: mend it and run the plan again"))
}

fn git(run: &Run<'_>, arguments: &[&str]) -> Result<Said, Failure> {
    let (workbench, root) = (run.workbench, &run.task.root);
    let argv = ["git"].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
    let task = RunTask {
        root: root.clone(),
        argv,
        place: Place::Host,
        network: Vec::new(),
        open: Vec::new(),
        consent: Consent::None,
        role: Role::User,
        terminal: None,
    };
    let text = Mutex::new(String::new());
    let output = |_: OutputStream, part: &str| text.lock().unwrap_or_else(PoisonError::into_inner).push_str(part);
    match run_command(workbench, task, &output, run.cancel)? {
        Ran::Done(ended) => {
            Ok(Said { exit: ended.exit, text: text.into_inner().unwrap_or_else(PoisonError::into_inner) })
        }
        Ran::Undecided(_, judgement) => {
            let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
            Err(Failure::new(FailureKind::NeedsApproval, what)
                .hint("allow it by a rule, as docs/batch.md has it: an approval would let the repository's hooks run")
                .hint("--patches needs no git"))
        }
    }
}
