//! An applied item as a commit of its own, of its files and nothing else. What git reads it reads in the sandbox; what it
//! writes is a command on the host, by the same verdicts as any there, with hooks, signing and the file system monitor off.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::super::recipes::{Consent, Ran, RunTask, answer, describe_exit, run as run_command, run_action, settle};
use super::events::BatchEvent;
use super::patch::{Message, message};
use super::run::{Prepared, Run};
use crate::changes::{Changeset, FileChange};
use crate::policy::{Place, Role};
use crate::ports::{Exit, Failure, FailureKind, OutputStream};

/// What goes before each command of git: nothing that a repository names for all of them is run. The folder is another
/// user's in the sandbox of root.
const READING: [&str; 5] = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*"];
const WRITING: [&str; 11] = [
    "git",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "commit.gpgSign=false",
    // Tidying up asks hooks that stand in the settings.
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
];
/// Settings by which git starts programs to fetch what it misses, whatever the command.
const FETCHES: &str = "^(extensions\\.partialclone|remote\\..*\\.(promisor|partialclonefilter))$";

/// Bytes of the names that one command line takes: half of what Linux gives it by default (execve(2), "Limits on size of
/// arguments and environment").
const MOST_NAMED: usize = 1 << 20;

/// Refuses a proposal that is to be committed over files of which git does not have all: what is in them besides would go
/// into its commit. So does a folder of which nothing can be committed.
///
/// # Errors
/// With the files; or what git says.
pub(super) fn ready(run: &Run<'_>, proposal: &Changeset) -> Result<(), Failure> {
    succeeds(run, Place::Sandbox, &["rev-parse", "--verify", "HEAD"]).map_err(|failure| {
        let what = format!("nothing can be committed here: {}", failure.what);
        Failure::new(failure.kind, what)
            .hint("use --patches, or run the plan at the root of a repository with a commit")
    })?;
    let named: usize = proposal.files.iter().map(|file| named(file).len()).sum();
    if named > MOST_NAMED {
        let what = format!("the names of {} files are more than one `git commit` takes", proposal.files.len());
        return Err(Failure::new(FailureKind::InvalidInput, what)
            .hint("give the item a part of them by `paths`, and another item the rest, or use --patches"));
    }
    let besides = not_committed(run, proposal)?;
    match besides.first() {
        None => Ok(()),
        Some(first) => {
            let more = if besides.len() > 1 { format!(" and {} more", besides.len() - 1) } else { String::new() };
            let what = format!("{first}{more} holds what is not committed yet, which would go into this commit");
            Err(Failure::new(FailureKind::Stale, what)
                .hint("commit it, or what came before it, and run the plan again"))
        }
    }
}

/// The files of a proposal that are not as git has them.
fn not_committed(run: &Run<'_>, proposal: &Changeset) -> Result<Vec<String>, Failure> {
    let status = ["-c", "core.quotePath=false", "--no-optional-locks", "status", "--porcelain=v1", "--no-renames"];
    let status: Vec<&str> = status.into_iter().chain(["--untracked-files=all", "--ignored"]).collect();
    let told = succeeds(run, Place::Sandbox, &status)?;
    // Two letters, a space, and the path, in quotes where it has signs of its own (git-status(1), "Porcelain Format
    // Version 1"): such a one may be any of these.
    let names: BTreeSet<&str> = told.lines().filter_map(|entry| entry.get(3..)).collect();
    let any_quoted = names.iter().any(|name| name.starts_with('"'));
    let is_odd = |path: &str| path.contains(|one: char| one.is_control() || matches!(one, '"' | '\\' | ' '));
    let paths = proposal.files.iter().map(|file| file.path.as_str());
    Ok(paths.filter(|path| names.contains(path) || any_quoted && is_odd(path)).map(str::to_owned).collect())
}

/// Commits the files of an applied proposal, unless they are committed already.
pub(super) fn commit(
    run: &Run<'_>,
    prepared: &Prepared,
    proposal: &Changeset,
    record: Option<u64>,
) -> Result<(), Failure> {
    let marker = format!("--grep=^Tagout-Changeset: {}$", proposal.id);
    let find = ["log", "-1", "--format=%H", &marker];
    let mut commit = succeeds(run, Place::Sandbox, &find)?;
    // One of this name may have been reverted since.
    if commit.trim().is_empty() || !not_committed(run, proposal)?.is_empty() {
        make(run, prepared, proposal, record)?;
        commit = succeeds(run, Place::Sandbox, &find)?;
    }
    let commit = commit.trim().to_owned();
    (run.emit)(&BatchEvent::Committed { id: prepared.item.id.clone(), commit });
    Ok(())
}

/// A file as git is given it, whatever signs its name has (gitglossary(7), "pathspec").
fn named(file: &FileChange) -> String {
    format!(":(literal){}", file.path)
}

fn make(run: &Run<'_>, prepared: &Prepared, proposal: &Changeset, record: Option<u64>) -> Result<(), Failure> {
    let created: Vec<String> = proposal.files.iter().filter(|file| file.before.is_none()).map(named).collect();
    let all: Vec<String> = proposal.files.iter().map(named).collect();
    let fetches = git(run, Place::Sandbox, &["config", "--name-only", "--get-regexp", FETCHES])?;
    if fetches.exit != Exit::Code(1) {
        let what = "this repository fetches objects when they are missed (a partial clone), by programs that it names";
        return Err(Failure::new(FailureKind::Unavailable, what).hint("commit it yourself, or use --patches"));
    }
    let staged = git(run, Place::Sandbox, &["diff", "--cached", "--name-only", "--no-ext-diff", "--no-textconv"])?;
    let ours = |name: &str| proposal.files.iter().any(|file| file.before.is_none() && file.path.as_str() == name);
    if staged.exit != Exit::Code(0) {
        return Err(failed(&staged, "diff --cached"));
    }
    if staged.text.lines().any(|name| !ours(name)) {
        let what = "something is staged in the repository already, which a commit must not mix with";
        return Err(Failure::new(FailureKind::Stale, what).hint("commit it or `git reset` it, then run the plan again"));
    }
    if !created.is_empty() {
        // Only what git knows of can be named to a commit.
        let created = created.iter().map(String::as_str);
        let add: Vec<&str> = ["add", "--intent-to-add", "--"].into_iter().chain(created).collect();
        succeeds(run, Place::Host, &add)?;
    }
    let Message { subject, body } = message(prepared, proposal, record);
    let text = format!("{subject}\n\n{body}");
    let head = ["commit", "--quiet", "--no-verify", "--no-edit", "-m", &text, "--only", "--"];
    let commit: Vec<&str> = head.into_iter().chain(all.iter().map(String::as_str)).collect();
    succeeds(run, Place::Host, &commit).map(drop)
}

struct Said {
    exit: Exit,
    text: String,
    errors: String,
}

fn succeeds(run: &Run<'_>, place: Place, arguments: &[&str]) -> Result<String, Failure> {
    let said = git(run, place, arguments)?;
    if said.exit == Exit::Code(0) {
        return Ok(said.text);
    }
    Err(failed(&said, arguments.first().copied().unwrap_or_default()))
}

fn failed(said: &Said, words: &str) -> Failure {
    let told = if said.errors.trim().is_empty() { &said.text } else { &said.errors };
    let last = told.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let what = format!("`git {words}` failed ({}): {last}", describe_exit(&said.exit));
    Failure::new(FailureKind::Unavailable, what).hint("the item is applied: mend it and run the plan again")
}

fn git(run: &Run<'_>, place: Place, arguments: &[&str]) -> Result<Said, Failure> {
    let (workbench, root) = (run.workbench, &run.task.root);
    let before: &[&str] = match place {
        Place::Sandbox => &READING,
        Place::Host => &WRITING,
    };
    let mut task = RunTask {
        root: root.clone(),
        argv: before.iter().chain(arguments).map(|word| (*word).to_owned()).collect(),
        place,
        network: Vec::new(),
        open: Vec::new(),
        consent: Consent::None,
        role: Role::User,
        terminal: None,
    };
    let (action, facts) = run_action(workbench, &task, &workbench.standing(root))?;
    task.consent = answer(workbench, root, action, facts, &run.task.approved)?;
    let (text, errors) = (Mutex::new(String::new()), Mutex::new(String::new()));
    let output = |stream, part: &str| {
        let heard = match stream {
            OutputStream::Out => &text,
            OutputStream::Error => &errors,
        };
        heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(part);
    };
    match run_command(workbench, task, &output, run.cancel)? {
        Ran::Done(ended) => {
            settle(workbench, root, &ended.changeset.id)?;
            let [text, errors] = [text, errors].map(|heard| heard.into_inner().unwrap_or_else(PoisonError::into_inner));
            Ok(Said { exit: ended.exit, text, errors })
        }
        Ran::Undecided(_, judgement) => {
            let what = format!("{}: {}", judgement.action.describe(), judgement.verdict.explain());
            let name = judgement.question.as_deref().unwrap_or_default();
            Err(Failure::new(FailureKind::NeedsApproval, what)
                .hint(format!("to approve exactly this: the same with --approve {name}"))
                .hint("--patches needs no git"))
        }
    }
}
