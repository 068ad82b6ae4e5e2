//! One or more rewrites over the files of a workspace, in parallel: each file is read once, and parsed only where
//! something can match.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::super::Workbench;
use super::fan_out::fan_out_on;
use super::patience::patience;
use super::unsaved::Unsaved;
use crate::changes::FileChange;
use crate::ports::{Cancel, Failure, Progress, Report};
use crate::refactor::{Paths, Rewriter};
use crate::syntax::Language;
use crate::text::apply_edits;
use crate::workspace::{FileKind, FileState, RelativePath, Root};

/// Files between two reports.
const REPORTED_EVERY: usize = 200;

/// What steps have changed so far, by path: before the first step, and after the last.
#[derive(Debug, Clone, Default)]
pub(super) struct SoFar(pub(super) BTreeMap<RelativePath, FileChange>);

impl SoFar {
    /// Puts changes over those that are there.
    pub(super) fn add(&mut self, changes: Vec<FileChange>) {
        for change in changes {
            match self.0.get_mut(&change.path) {
                Some(whole) => whole.after = change.after,
                None => drop(self.0.insert(change.path.clone(), change)),
            }
        }
    }

    /// The changes that are any.
    pub(super) fn changes(&self) -> Vec<FileChange> {
        self.0.values().filter(|change| change.before != change.after).cloned().collect()
    }
}

/// Where rewrites go over files.
pub(super) struct Field<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) root: &'a Root,
    pub(super) paths: &'a Paths,
    pub(super) unsaved: &'a [Unsaved],
    pub(super) threads: Option<NonZeroUsize>,
    /// Those that a walk found.
    pub(super) walked: &'a [RelativePath],
}

/// What rewrites did.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// Over what the files held when they began.
    pub(super) changes: Vec<FileChange>,
    /// Files that were not rewritten, and why; sorted.
    pub(super) problems: Vec<String>,
    /// Files that they are for.
    pub(super) files: usize,
}

/// Runs `rewriters`, one over what the other leaves, over every file that they are for.
pub(super) fn rewrite_files(
    field: &Field<'_>,
    rewriters: &[&Rewriter],
    so_far: &SoFar,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Rewritten, Failure> {
    let made = so_far.0.keys().cloned();
    let all: BTreeSet<RelativePath> = field.walked.iter().cloned().chain(made).collect();
    let is_wanted = |path: &RelativePath| {
        let language = Language::detect(path, "");
        field.paths.take(path.as_str()) && rewriters.iter().any(|one| one.takes(path, language))
    };
    let files: Vec<RelativePath> = all.into_iter().filter(is_wanted).collect();
    let (mut done, mut rewritten) = (0, Rewritten { files: files.len(), ..Rewritten::default() });
    fan_out_on(
        field.threads,
        &files,
        cancel,
        |path| rewrite_file(field, rewriters, so_far, path, cancel),
        |outcome| {
            done += 1;
            if done % REPORTED_EVERY == 0 || done == files.len() {
                report(Progress { stage: "matching".to_owned(), done, total: Some(files.len()) });
            }
            match outcome {
                Ok(change) => rewritten.changes.extend(change),
                Err(problem) => rewritten.problems.push(problem),
            }
            Ok(())
        },
    )?;
    // Threads end in no order; what is handed on has one.
    rewritten.changes.sort_by(|a, b| a.path.cmp(&b.path));
    rewritten.problems.sort();
    Ok(rewritten)
}

fn rewrite_file(
    field: &Field<'_>,
    rewriters: &[&Rewriter],
    so_far: &SoFar,
    path: &RelativePath,
    cancel: &Cancel,
) -> Result<Option<FileChange>, String> {
    let problem = |what: &dyn std::fmt::Display| format!("{path}: {what}");
    let Some(before) = held(field, so_far, path).map_err(|failure| problem(&failure))? else { return Ok(None) };
    if before.kind == FileKind::Symlink {
        return Ok(None);
    }
    let language = Language::detect(path, "");
    let mut now: Option<FileState> = None;
    for rewriter in rewriters.iter().filter(|rewriter| rewriter.takes(path, language)) {
        let state = now.as_ref().unwrap_or(&before);
        let stop = patience(field.workbench, cancel);
        let edits = rewriter.edits(path, language, &state.bytes, &stop).map_err(|error| problem(&error))?;
        let Some(text) = state.as_text().filter(|_| !edits.is_empty()) else { continue };
        let after = apply_edits(text, &edits).map_err(|error| problem(&error))?;
        now = Some(FileState { kind: before.kind, bytes: after.into_bytes() });
    }
    let Some(after) = now.filter(|after| *after != before) else { return Ok(None) };
    Ok(Some(FileChange { path: path.clone(), before: Some(before), after: Some(after) }))
}

/// What a file holds: after the steps so far, in the editor, or on disk.
fn held(field: &Field<'_>, so_far: &SoFar, path: &RelativePath) -> Result<Option<FileState>, Failure> {
    if let Some(change) = so_far.0.get(path) {
        return Ok(change.after.clone());
    }
    let Some(disk) = field.workbench.files.read(field.root, path)? else { return Ok(None) };
    let open = field.unsaved.iter().find(|open| open.root == *field.root && open.path == *path);
    Ok(Some(match open {
        Some(open) => FileState { kind: disk.kind, bytes: open.text.clone().into_bytes() },
        None => disk,
    }))
}
