//! `tagout recipe list` and `run`, and `tagout rewrite` with rules or a regular expression.

use std::collections::BTreeMap;
use std::path::Path;

use super::recipe_arguments::{RecipeArguments, RecipeCommand, RecipeListArguments, RecipeRunArguments};
use super::{DONE, FAILED, Screen};
use crate::changes::{Checked, render_changeset, summarise};
use crate::engine::Workbench;
use crate::engine::recipes::{Keeping, Proposed, RefactorTask, failed_check, gather, refactor};
use crate::ports::{Cancel, Failure, FailureKind};
use crate::refactor::{RuleText, Work};
use crate::syntax::LARGEST_YAML;

pub(super) fn run(
    arguments: RecipeArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    match arguments.command {
        RecipeCommand::List(arguments) => list(&arguments, workbench, screen),
        RecipeCommand::Run(arguments) => {
            let RecipeRunArguments { name, set, proposal } = arguments;
            let parameters: BTreeMap<String, String> = set.into_iter().collect();
            propose(Work::Recipe { name, parameters }, &proposal, workbench, screen, cancel)
        }
    }
}

fn list(arguments: &RecipeListArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let gathered = gather(workbench, &root);
    gathered.problems.iter().for_each(|problem| screen.note(&format!("tagout: {problem}")));
    for known in gathered.known.values() {
        let recipe = &known.recipe;
        if arguments.json {
            let parameters = recipe.parameters().iter().map(|parameter| {
                serde_json::json!({
                    "name": parameter.name, "description": parameter.description,
                    "default": parameter.default, "pattern": parameter.pattern,
                })
            });
            let line = serde_json::json!({
                "name": recipe.name(), "title": recipe.title(), "description": recipe.description(),
                "file": known.place, "parameters": parameters.collect::<Vec<_>>(),
            });
            screen.print(&format!("{line}\n"));
            continue;
        }
        screen.line(&format!("{}  {}  ({})", recipe.name(), recipe.title(), known.place));
        for parameter in recipe.parameters() {
            let default =
                parameter.default.as_ref().map_or_else(|| "needed".to_owned(), |text| format!("default {text:?}"));
            screen.line(&format!("    --set {}=…  {} ({default})", parameter.name, parameter.description));
        }
    }
    Ok(DONE)
}

/// The rules of a file that the user named.
pub(super) fn rules(workbench: &Workbench, file: &Path) -> Result<Work, Failure> {
    let bytes = (workbench.read_bytes)(file, LARGEST_YAML as u64)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(FailureKind::InvalidInput, format!("{}: it is not UTF-8: save it so", file.display()))
    })?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(Work::Rules { name, text: RuleText::Inline(text) })
}

/// Proposes what `work` does, shows it, and applies it where that is asked for.
pub(super) fn propose(
    work: Work,
    arguments: &super::recipe_arguments::ProposalArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let task = RefactorTask {
        root: root.clone(),
        work,
        paths: arguments.path.clone(),
        open: Vec::new(),
        approved: arguments.approve.clone(),
        threads: arguments.threads,
        keeping: if arguments.dry_run { Keeping::DryRun } else { Keeping::Shelved },
        plan: None,
    };
    let proposed = refactor(workbench, &task, cancel, &|progress| Screen::progress(&progress))?;
    let Proposed { changeset, files, problems, .. } = proposed;
    problems.iter().for_each(|problem| screen.note(&format!("tagout: {problem}")));
    let checks = &changeset.lineage.checks;
    checks.iter().for_each(|check| screen.note(&format!("tagout: {}", check.describe())));
    let failed = failed_check(checks).map(Checked::describe);
    if changeset.is_empty() {
        screen.note(&format!("tagout: nothing matches in {files} files"));
        return Ok(if failed.is_some() { FAILED } else { DONE });
    }
    screen.diff(&render_changeset(&changeset));
    screen.note(&format!("tagout: changeset {}: {}", changeset.id, summarise(&changeset)));
    if arguments.dry_run {
        screen.note("tagout: a dry run: nothing is kept");
        return Ok(DONE);
    }
    let id = changeset.id.clone();
    if failed.is_some() {
        screen.note(&format!(
            "tagout: a check failed, so nothing is written; `tagout apply {id}` writes it all the same"
        ));
        return Ok(FAILED);
    }
    if arguments.apply {
        return super::changes::write(workbench, &root, changeset, &arguments.approve, screen);
    }
    screen.note(&format!("tagout: write it with `tagout apply {id}`"));
    Ok(DONE)
}
