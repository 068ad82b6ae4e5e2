//! A structural rewrite over a workspace, as one changeset.

use super::super::Workbench;
use super::super::checks::syntax;
use super::fan_out::fan_out;
use super::keep::shelve;
use super::patience::patience;
use super::unsaved::{Unsaved, unsaved};
use crate::changes::{Changeset, CheckOutcome, FileChange, Origin};
use crate::ports::{Cancel, Failure, FailureKind, FileStat, Progress, Report, Shelved, ShelvedState};
use crate::syntax::{Language, Pattern};
use crate::text::apply_edits;
use crate::workspace::{FileState, Root};

/// Most files of a proposal that are parsed again before it is shown.
const MOST_PARSED: usize = 100;
/// Most bytes of one of them.
const LARGEST_PARSED: usize = 256 << 10;

/// What to rewrite.
#[derive(Debug, Clone)]
pub struct RewriteTask {
    /// Workspace.
    pub root: Root,
    /// Pattern in ast-grep's syntax.
    pub pattern: String,
    /// What each match becomes.
    pub replacement: String,
    /// Name of the language.
    pub language: String,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Workspace.
    pub root: Root,
    /// The changes; empty when nothing matches.
    pub changeset: Changeset,
    /// Files of the language that were looked at.
    pub files: usize,
    /// Files that could not be searched, and why.
    pub problems: Vec<String>,
}

/// Runs the rewrite over every file of its language; writes nothing to the workspace.
///
/// # Errors
/// When the pattern or the language is wrong, the workspace cannot be walked, or on cancellation.
pub fn rewrite(
    workbench: &Workbench,
    task: &RewriteTask,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Proposed, Failure> {
    let pattern = compile(task)?;
    let unsaved = unsaved(workbench, &task.open);
    let walk = workbench.files.walk(&task.root, cancel)?;
    let wanted = language(&task.language)?;
    let files: Vec<FileStat> =
        walk.files.into_iter().filter(|stat| Language::detect(&stat.path, "") == Some(wanted)).collect();
    let (mut changes, mut problems, mut done) = (Vec::new(), Vec::new(), 0);
    fan_out(
        &files,
        cancel,
        |stat| rewrite_file(workbench, &task.root, &unsaved, &pattern, stat, &patience(workbench, cancel)),
        |outcome| {
            done += 1;
            if done % 100 == 0 || done == files.len() {
                report(Progress { stage: "matching".to_owned(), done, total: Some(files.len()) });
            }
            match outcome {
                Ok(change) => changes.extend(change),
                Err(problem) => problems.push(problem),
            }
            Ok(())
        },
    )?;
    let origin = Origin::Rewrite {
        pattern: task.pattern.clone(),
        replacement: task.replacement.clone(),
        language: wanted.name().to_owned(),
    };
    problems.sort();
    let changeset = warned(Changeset::new(origin, changes), cancel);
    let proposed = Proposed { root: task.root.clone(), changeset, files: files.len(), problems };
    shelve_pending(workbench, &proposed.root, &proposed.changeset)?;
    Ok(proposed)
}

/// The changeset, with the files in it that could be parsed before and cannot any more: of the first ones, since whoever
/// rewrites many waits for it.
fn warned(mut changeset: Changeset, cancel: &Cancel) -> Changeset {
    let small = |file: &&FileChange| file.after.as_ref().is_some_and(|after| after.bytes.len() <= LARGEST_PARSED);
    let first = changeset.files.iter().filter(small).take(MOST_PARSED);
    let broken = syntax(first, &|| cancel.is_cancelled());
    let broken = broken.filter(|checked| matches!(checked.outcome, CheckOutcome::Failed { .. }));
    changeset.lineage.checks.extend(broken);
    changeset
}

/// Keeps a proposal so that a later session or command can take it up; an empty one is not kept.
pub(super) fn shelve_pending(workbench: &Workbench, root: &Root, changeset: &Changeset) -> Result<(), Failure> {
    if changeset.is_empty() {
        return Ok(());
    }
    let shelved = Shelved {
        changeset: changeset.clone(),
        proposal: changeset.id.clone(),
        state: ShelvedState::Pending,
        at_ms: workbench.clock.now_ms(),
    };
    shelve(workbench, root, &shelved)
}

fn language(name: &str) -> Result<Language, Failure> {
    Language::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Language::ALL.iter().map(|language| language.name()).collect();
        Failure::new(FailureKind::InvalidInput, format!("\"{name}\" is no language tagout knows"))
            .hint(format!("use one of {}", names.join(", ")))
    })
}

fn compile(task: &RewriteTask) -> Result<Pattern, Failure> {
    let invalid = |error: crate::syntax::PatternError| Failure::new(FailureKind::InvalidInput, error.to_string());
    Pattern::compile(language(&task.language)?, &task.pattern, Some(&task.replacement)).map_err(invalid)
}

fn rewrite_file(
    workbench: &Workbench,
    root: &Root,
    unsaved: &[Unsaved],
    pattern: &Pattern,
    stat: &FileStat,
    stop: &dyn Fn() -> bool,
) -> Result<Option<FileChange>, String> {
    let problem = |what: &dyn std::fmt::Display| format!("{}: {what}", stat.path);
    let Some(disk) = workbench.files.read(root, &stat.path).map_err(|failure| problem(&failure))? else {
        return Ok(None);
    };
    let open = unsaved.iter().find(|open| open.root == *root && open.path == stat.path);
    let before =
        open.map_or_else(|| disk.clone(), |open| FileState { kind: disk.kind, bytes: open.text.clone().into_bytes() });
    let Some(text) = before.as_text() else { return Ok(None) };
    if !pattern.could_match(text) {
        return Ok(None);
    }
    let edits = pattern.rewrite(text, stop).map_err(|error| problem(&error))?;
    if edits.is_empty() {
        return Ok(None);
    }
    let after = apply_edits(text, &edits).map_err(|error| problem(&error))?;
    let after = FileState { kind: before.kind, bytes: after.into_bytes() };
    Ok(Some(FileChange { path: stat.path.clone(), before: Some(before), after: Some(after) }))
}
