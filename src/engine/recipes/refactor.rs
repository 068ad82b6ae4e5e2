//! A refactoring over a workspace, without any index: its steps, one over what the other leaves, as one changeset.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::super::Workbench;
use super::super::checks::{parses, syntax};
use super::fan_out::fan_out_on;
use super::keep::shelve_pending;
use super::patience::patience;
use super::recipe_folders::{Gathered, gather};
use super::refactor_files::{Field, Rewritten, SoFar, rewrite_files};
use super::refactor_steps::{Step, failed_check, over, run_checks};
use super::unsaved::{Unsaved, unsaved};
use crate::changes::{Changeset, Checked, FileChange, Input, Lineage, Origin};
use crate::ports::{Cancel, Failure, FailureKind, Report};
use crate::refactor::{Action, Check, Paths, RuleText, Work};
use crate::syntax::LARGEST_YAML;
use crate::workspace::{ContentHash, FileState, RelativePath, Root};

/// What to do.
#[derive(Debug, Clone)]
pub struct RefactorTask {
    /// Workspace.
    pub root: Root,
    /// The work.
    pub work: Work,
    /// The files that it may touch, as globs from the root; none: all.
    pub paths: Vec<String>,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
    /// Questions that are answered with yes.
    pub approved: Vec<String>,
    /// Threads; `None`: one for each core. What comes of it is the same.
    pub threads: Option<NonZeroUsize>,
    /// What becomes of the proposal.
    pub keeping: Keeping,
    /// Hash of the plan that the work is of: a file that holds just that is no part of it, wherever it lies.
    pub plan: Option<ContentHash>,
}

/// Whether a proposal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It waits on the shelf.
    Shelved,
    /// It is only shown, and no command is run for it.
    DryRun,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Workspace.
    pub root: Root,
    /// The changes; empty when there are none to make.
    pub changeset: Changeset,
    /// Files that were looked at.
    pub files: usize,
    /// What could not be done, and why.
    pub problems: Vec<String>,
}

/// A piece of work with everything that it names.
#[derive(Debug)]
pub struct Resolved {
    actions: Vec<Action>,
    origin: Origin,
    read: Vec<Input>,
    paths: Paths,
}

/// Looks up what `work` names.
///
/// # Errors
/// `InvalidInput` with what is wrong and what to do.
pub fn resolve(
    workbench: &Workbench,
    root: &Root,
    gathered: &Gathered,
    work: &Work,
    paths: &[String],
) -> Result<Resolved, Failure> {
    let mut read = Vec::new();
    let beside = |recipe: &str, file: &str| gathered.beside(recipe, file);
    let rules = |file: &str| rule_file(workbench, root, file).map(|(_, text)| text);
    let actions = work.actions(&gathered.catalogue, &beside, &rules);
    let actions = actions.map_err(|why| with_problems(why, work, gathered))?;
    let paths = Paths::new(paths).map_err(|why| Failure::new(FailureKind::InvalidInput, why))?;
    match work {
        Work::Recipe { name, .. } => read.extend(gathered.inputs(name)),
        Work::Rules { text: RuleText::File(file), .. } => {
            read.extend(rule_file(workbench, root, file).ok().map(|(input, _)| input));
        }
        Work::Rules { text: RuleText::Inline(_), .. }
        | Work::Rewrite { .. }
        | Work::Regex { .. }
        | Work::Command { .. } => {}
    }
    Ok(Resolved { actions, origin: origin(work), read, paths })
}

/// The reason, and what is wrong with the folders: a recipe that is missing may be a broken one.
fn with_problems(why: String, work: &Work, gathered: &Gathered) -> Failure {
    let failure = Failure::new(FailureKind::InvalidInput, why);
    let is_missing = matches!(work, Work::Recipe { name, .. } if gathered.catalogue.get(name).is_none());
    if !is_missing {
        return failure;
    }
    let told = gathered.problems.iter().cloned().chain(["`tagout recipe list` shows those that there are".to_owned()]);
    told.fold(failure, Failure::hint)
}

fn rule_file(workbench: &Workbench, root: &Root, file: &str) -> Result<(Input, String), String> {
    let path = RelativePath::new(file).map_err(|error| error.to_string())?;
    let state = workbench.files.read(root, &path).map_err(|failure| failure.to_string())?;
    let state = state.ok_or_else(|| format!("there is no rule file {file:?} in the workspace: correct the path"))?;
    let text = state.as_text().filter(|text| text.len() <= LARGEST_YAML);
    let text = text.ok_or_else(|| format!("the rule file {file:?} is no text of at most 1 MiB: correct the path"))?;
    Ok((Input { path, hash: state.hash() }, text.to_owned()))
}

fn origin(work: &Work) -> Origin {
    match work.clone() {
        Work::Recipe { name, parameters } => Origin::Recipe { name, parameters },
        Work::Rewrite { language, pattern, replacement } => Origin::Rewrite { pattern, replacement, language },
        Work::Rules { name, .. } => Origin::Recipe { name, parameters: BTreeMap::new() },
        Work::Regex { find, replace } => Origin::Recipe {
            name: "regex".to_owned(),
            parameters: BTreeMap::from([("find".to_owned(), find), ("replace".to_owned(), replace)]),
        },
        Work::Command { argv, .. } => Origin::Command { argv },
    }
}

/// Runs a refactoring over the files of the workspace; writes nothing to it. Where a check between steps fails, the
/// steps after it are not run, and the check is on the proposal.
///
/// # Errors
/// When it cannot be resolved, the workspace cannot be walked, a command fails or may not run, or on cancellation.
pub fn refactor(
    workbench: &Workbench,
    task: &RefactorTask,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Proposed, Failure> {
    let gathered = match task.work {
        Work::Recipe { .. } => gather(workbench, &task.root),
        Work::Rewrite { .. } | Work::Rules { .. } | Work::Regex { .. } | Work::Command { .. } => Gathered::default(),
    };
    let resolved = resolve(workbench, &task.root, &gathered, &task.work, &task.paths)?;
    refactor_by(workbench, task, &resolved, cancel, report)
}

/// As [`refactor`], of what was resolved before.
///
/// # Errors
/// As [`refactor`].
pub fn refactor_by(
    workbench: &Workbench,
    task: &RefactorTask,
    resolved: &Resolved,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Proposed, Failure> {
    let mut job = Job {
        workbench,
        task,
        unsaved: unsaved(workbench, &task.open),
        walked: None,
        so_far: SoFar::default(),
        lineage: Lineage { read: resolved.read.clone(), ..Lineage::default() },
        files: 0,
        problems: Vec::new(),
    };
    let mut actions = resolved.actions.as_slice();
    while let Some((first, rest)) = actions.split_first() {
        cancel.check()?;
        let together: Vec<_> = actions.iter().map_while(rewriter).collect();
        actions = match first {
            Action::Rewrite(_) => {
                job.rewrite(&resolved.paths, &together, cancel, report)?;
                actions.get(together.len()..).unwrap_or_default()
            }
            Action::Command { argv, network } => {
                job.command(argv, network, cancel)?;
                rest
            }
            Action::Check { argv, network } => {
                let check = match argv {
                    Some(argv) => Check::Command { argv: argv.clone(), network: network.clone() },
                    None => Check::Detected,
                };
                if !job.check(check, cancel)? { &[] } else { rest }
            }
        };
    }
    job.propose(&resolved.origin, cancel)
}

fn rewriter(action: &Action) -> Option<&crate::refactor::Rewriter> {
    match action {
        Action::Rewrite(rewriter) => Some(rewriter),
        Action::Command { .. } | Action::Check { .. } => None,
    }
}

/// A refactoring at work.
struct Job<'a> {
    workbench: &'a Workbench,
    task: &'a RefactorTask,
    unsaved: Vec<Unsaved>,
    walked: Option<Vec<RelativePath>>,
    so_far: SoFar,
    lineage: Lineage,
    files: usize,
    problems: Vec<String>,
}

impl Job<'_> {
    fn rewrite(
        &mut self,
        paths: &Paths,
        rewriters: &[&crate::refactor::Rewriter],
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        let walked = match self.walked.take() {
            Some(walked) => walked,
            None => {
                self.workbench.files.walk(&self.task.root, cancel)?.files.into_iter().map(|stat| stat.path).collect()
            }
        };
        let field = Field {
            workbench: self.workbench,
            root: &self.task.root,
            paths,
            unsaved: &self.unsaved,
            threads: self.task.threads,
            walked: &walked,
        };
        let rewritten = rewrite_files(&field, rewriters, &self.so_far, cancel, report)?;
        let Rewritten { changes, problems, files } = rewritten;
        self.walked = Some(walked);
        self.so_far.add(changes);
        self.files = self.files.max(files);
        self.problems.extend(problems);
        Ok(())
    }

    fn step(&self) -> Step<'_> {
        let Self { workbench, task, .. } = self;
        Step {
            workbench,
            root: &task.root,
            open: &task.open,
            so_far: Cow::Borrowed(&self.so_far),
            approved: &task.approved,
        }
    }

    fn command(&mut self, argv: &[String], network: &crate::refactor::Network, cancel: &Cancel) -> Result<(), Failure> {
        match self.task.keeping {
            Keeping::DryRun => {
                let words = argv.join(" ");
                self.problems.push(format!("`{words}` is not run in a dry run, and what comes after it may be other"));
            }
            Keeping::Shelved => {
                let changeset = over(&self.step(), argv, network, cancel)?;
                let lineage = &changeset.lineage;
                self.lineage.record = lineage.record.or(self.lineage.record);
                self.lineage.role = lineage.role.clone().or_else(|| self.lineage.role.take());
                self.so_far.add(changeset.files);
            }
        }
        Ok(())
    }

    /// Runs a check over what there is so far, and says whether to go on.
    fn check(&mut self, check: Check, cancel: &Cancel) -> Result<bool, Failure> {
        if self.task.keeping == Keeping::DryRun {
            self.problems.push("checks are not run in a dry run".to_owned());
            return Ok(true);
        }
        let checked = run_checks(&self.step(), &[check], cancel)?;
        let failed = failed_check(&checked).map(Checked::describe);
        self.lineage.checks.extend(checked);
        if let Some(failed) = &failed {
            self.problems.push(format!("{failed}; the steps after it were not run"));
        }
        Ok(failed.is_none())
    }

    fn propose(mut self, origin: &Origin, cancel: &Cancel) -> Result<Proposed, Failure> {
        let mut changes = self.so_far.changes();
        let is_plan = |state: &FileState| Some(ContentHash::of(&state.bytes)) == self.task.plan;
        if self.task.plan.is_some() {
            changes.retain(|change| !change.before.as_ref().is_some_and(is_plan));
        }
        let mut broken = Vec::new();
        let parses = |change: &FileChange| parses(change, &patience(self.workbench, cancel)).and_then(Result::err);
        fan_out_on(self.task.threads, &changes, cancel, parses, |place| {
            broken.extend(place);
            Ok(())
        })?;
        broken.sort();
        self.lineage.checks.extend(syntax(broken.into_iter().map(Err)));
        let changeset = Changeset::new(origin.clone(), changes).with_lineage(self.lineage);
        if self.task.keeping == Keeping::Shelved {
            shelve_pending(self.workbench, &self.task.root, &changeset)?;
        }
        Ok(Proposed { root: self.task.root.clone(), changeset, files: self.files, problems: self.problems })
    }
}
