//! `tagout doctor`: tries what every action needs, and says what is missing, what that means and what adds it.

use serde::Serialize;

use super::arguments::DoctorArguments;
use super::{DONE, FAILED, Screen};
use crate::engine::Workbench;
use crate::engine::recipes::limits;
use crate::policy::{Containment, Mode, SandboxLevel};
use crate::ports::{Failure, FailureKind, Wall};
use crate::workspace::Root;

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether everything is as the settings demand.
    ready: bool,
    /// The strongest level of the sandbox that can be built; none at all: nothing can be run.
    level: Option<SandboxLevel>,
    /// The weakest level that the settings accept.
    demanded: SandboxLevel,
    /// What is missing for more.
    missing: Option<String>,
    walls: Vec<Wall>,
    /// What is wrong with the settings.
    settings: Vec<String>,
    /// What is wrong with the ledger.
    ledger: Option<String>,
    /// What is wrong with the index.
    index: Option<String>,
}

pub(super) fn run(arguments: &DoctorArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let report = examine(workbench, &root);
    if arguments.json {
        let text = serde_json::to_string_pretty(&report);
        let text = text.map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
        screen.print(&format!("{text}\n"));
    } else {
        print(&report, screen);
    }
    Ok(if report.ready { DONE } else { FAILED })
}

fn examine(workbench: &Workbench, root: &Root) -> Report {
    let standing = workbench.standing(root);
    let (settings, problems) = (standing.settings.run, standing.problems);
    let demanded = settings.sandbox;
    let prepared = workbench.runner.prepare(root, Mode::WorkspaceWrite, &limits(&settings));
    let Containment { level, missing } =
        prepared.unwrap_or_else(|failure| Containment { level: None, missing: Some(failure.to_string()) });
    let ledger = workbench.modes.mode(root).and_then(|_| workbench.ledger.verify(root));
    let ledger = ledger.err().map(|failure| failure.to_string());
    let index = workbench.index(root);
    let index = index.known(&|_| {}).as_ref().and_then(|open| open.unkept.as_ref().map(ToString::to_string));
    let reached = level.is_some_and(|level| level >= demanded);
    let ready = reached && settings.hidden_unknown.is_none() && ledger.is_none() && index.is_none();
    let settings = problems.iter().map(ToString::to_string).collect();
    Report { ready, level, demanded, missing, walls: workbench.runner.walls(), settings, ledger, index }
}

fn print(report: &Report, screen: &Screen) {
    let level = report.level.map_or("none, nothing can be run", SandboxLevel::name);
    let missing = report.missing.as_ref().map_or_else(String::new, |missing| format!(": {missing}"));
    screen.line(&format!("sandbox: {level}{missing}"));
    if report.level.is_none_or(|level| level < report.demanded) {
        screen.line(&format!("the settings demand {}: commands are denied", report.demanded));
    }
    let width = report.walls.iter().map(|wall| wall.name.chars().count()).max().unwrap_or_default();
    for wall in &report.walls {
        let state = if wall.present { "present" } else { "MISSING" };
        screen.line(&format!("  {:<width$}  {state}  {}", wall.name, wall.found));
    }
    let mut missing: Vec<&Wall> = report.walls.iter().filter(|wall| !wall.present).collect();
    // What one thing adds is told once.
    while let Some(first) = missing.first().copied() {
        let (alike, rest): (Vec<&Wall>, _) =
            missing.into_iter().partition(|wall| wall.cure == first.cure && wall.without == first.without);
        missing = rest;
        let names: Vec<&str> = alike.iter().map(|wall| wall.name.as_str()).collect();
        screen.heading(&format!("\nMissing: {}", names.join(", ")));
        screen.line(&format!("  without: {}", first.without));
        match &first.cure {
            None => screen.line("  nothing is known that adds it"),
            Some(cure) => {
                screen.line("  what adds it:");
                cure.lines().for_each(|line| screen.line(&format!("    {line}")));
            }
        }
    }
    report.settings.iter().for_each(|problem| screen.line(&format!("settings: {problem}")));
    for (name, problem) in [("ledger", &report.ledger), ("index", &report.index)] {
        screen.line(&format!("{name}: {}", problem.as_deref().unwrap_or("ready")));
    }
}
