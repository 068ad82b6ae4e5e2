//! `tagout policy`

use std::ops::ControlFlow;
use std::path::Path;

use super::arguments::{PolicyArguments, PolicyCommand};
use super::{DONE, FAILED, Screen, since};
use crate::config::cases;
use crate::engine::recipes::{Consent, Replay, RunTask, consider, replay, review, run_action};
use crate::engine::{Standing, Workbench, recipes};
use crate::policy::{Decision, Layer, decide};
use crate::ports::{Failure, FailureKind, Since};
use crate::workspace::Root;

pub(super) fn run(arguments: PolicyArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    match arguments.command {
        PolicyCommand::Check => check(workbench, &root, screen),
        PolicyCommand::Explain { record: Some(record), .. } => explain_record(workbench, &root, record, screen),
        PolicyCommand::Explain { argv, host, network, role, .. } => {
            let place = if host { crate::policy::Place::Host } else { crate::policy::Place::Sandbox };
            let (open, consent, terminal) = (Vec::new(), Consent::None, None);
            let task = RunTask { root: root.clone(), argv, place, network, open, consent, role, terminal };
            let (action, facts) = run_action(workbench, &task, &workbench.standing(&root))?;
            let judgement = consider(workbench, &root, action, facts)?;
            screen.line(&format!("{} ({})", judgement.action.describe(), judgement.mode));
            screen.line(&judgement.verdict.explain_all());
            Ok(DONE)
        }
        PolicyCommand::Test { file } => test(workbench, &root, &file, screen),
        PolicyCommand::Replay { policy, since_days } => {
            let text = read(workbench, &policy)?;
            let replayed = replay(workbench, &root, &text, since(workbench, since_days))?;
            tell(&replayed, screen);
            Ok(DONE)
        }
        PolicyCommand::Review => {
            let reviewed = review(workbench, &root)?;
            reviewed.waits.iter().for_each(|waits| screen.line(waits));
            screen.line(&format!("records of {} workspaces:", reviewed.workspaces));
            tell(&reviewed.replay, screen);
            match reviewed.hash {
                Some(hash) => screen.line(&format!("to accept exactly this: tagout policy accept {}", hash.short(12))),
                None => screen.line("there is nothing to accept: config.toml is in force as it is"),
            }
            Ok(DONE)
        }
        PolicyCommand::Accept { hash } => {
            recipes::accept(workbench, &root, &hash)?;
            screen.line("accepted: config.toml is in force as it is");
            Ok(DONE)
        }
    }
}

fn read(workbench: &Workbench, path: &Path) -> Result<String, Failure> {
    (workbench.read_text)(path)
}

fn check(workbench: &Workbench, root: &Root, screen: &Screen) -> Result<u8, Failure> {
    let Standing { rules, problems, .. } = workbench.standing(root);
    for layer in [Layer::Machine, Layer::User, Layer::Workspace] {
        let count = rules.iter().filter(|rule| rule.layer == layer).count();
        screen.line(&format!("{:<9}  {count} rules", layer.name()));
    }
    problems.iter().for_each(|problem| screen.note(&format!("tagout: {problem}")));
    Ok(if problems.is_empty() { DONE } else { FAILED })
}

fn explain_record(workbench: &Workbench, root: &Root, number: u64, screen: &Screen) -> Result<u8, Failure> {
    let mut found = None;
    workbench.ledger.each(root, Since::Number(number), &mut |entry| {
        found = Some(entry.clone()).filter(|entry| entry.number == number);
        ControlFlow::Break(())
    })?;
    let entry = found.ok_or_else(|| {
        Failure::new(FailureKind::NotFound, format!("there is no record {number}")).hint("`tagout log` lists them")
    })?;
    screen.line(&format!("{} ({})", entry.action.describe(), entry.mode));
    screen.line(&entry.verdict.explain_all());
    if !entry.outcome.is_empty() {
        screen.line(&entry.outcome);
    }
    Ok(DONE)
}

fn test(workbench: &Workbench, root: &Root, file: &Path, screen: &Screen) -> Result<u8, Failure> {
    let cases = cases(&read(workbench, file)?).map_err(|why| {
        Failure::new(FailureKind::InvalidInput, format!("{}: {why}", file.display())).hint("mend the table of cases")
    })?;
    let rules = workbench.standing(root).rules;
    let mut failed = 0;
    for case in &cases {
        let verdict = decide(case.mode, &rules, &case.action, &case.facts);
        let won = verdict.because.first().map(|reason| reason.rule.as_str());
        if verdict.decision == case.want && case.rule.as_deref().is_none_or(|rule| won == Some(rule)) {
            continue;
        }
        failed += 1;
        let wanted = case.rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
        screen.line(&format!("{}:{}: {}", file.display(), case.line, case.action.describe()));
        screen.line(&format!("  wanted: {}{wanted}\n  {}", case.want, verdict.explain_all().replace('\n', "\n  ")));
    }
    screen.line(&format!("{} of {} cases as wanted", cases.len() - failed, cases.len()));
    Ok(if failed == 0 { DONE } else { FAILED })
}

fn tell(replayed: &Replay, screen: &Screen) {
    screen.line(&format!("{} past actions judged again, {} alike", replayed.records, replayed.alike));
    for ((before, after), change) in &replayed.changes {
        let sign = if after < before { "looser" } else { "stricter" };
        screen.line(&format!("{before} → {after}  {}  ({sign})", change.count));
        change.examples.iter().for_each(|example| screen.line(&format!("    {example}")));
    }
    if replayed.unknown > 0 {
        screen.line(&format!("{} records are too old to be judged again", replayed.unknown));
    }
    let loosened = replayed.changes.keys().any(|(before, after)| after < before && *before != Decision::Allow);
    if loosened {
        screen.line("this policy loosens what was decided");
    }
}
