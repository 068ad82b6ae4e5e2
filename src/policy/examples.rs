//! The examples of a rule, tried on the rule alone.

use super::{Action, Decision, Facts, Kind, Mode, Place, Rule, Rules};
use crate::workspace::{ContentHash, RelativePath, RunsLater};

/// What is wrong with the rule's examples.
#[must_use]
pub fn try_examples(rule: &Rule) -> Vec<String> {
    let wrong = rule.examples.iter().filter_map(|example| {
        let said = match says(rule, &example.text) {
            Ok(said) => said,
            Err(why) => return Some(format!("has the example {:?}, {why}", example.text)),
        };
        // To what another decision is wanted for, this rule has to say nothing.
        let right = if example.wanted == rule.decision { said } else { !said };
        let (wanted, own) = (verb(example.wanted), verb(rule.decision));
        (!right).then(|| match said {
            true => format!("has {:?} among what it {wanted}, but {own} it", example.text),
            false => format!("has {:?} among what it {wanted}, but says nothing to it", example.text),
        })
    });
    wrong.collect()
}

fn verb(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allows",
        Decision::Ask => "asks about",
        Decision::Deny => "denies",
    }
}

/// Whether the rule, alone, says something to the example.
fn says(rule: &Rule, text: &str) -> Result<bool, String> {
    let kind = rule.names.kinds.first().copied().unwrap_or(Kind::Run);
    let mode = rule.names.modes.first().copied().unwrap_or(Mode::WorkspaceWrite);
    let path = || RelativePath::new(text).map_err(|error| error.to_string());
    let host = || text.parse().map_err(|error: super::HostError| error.to_string());
    let place = rule.names.places.first().copied().unwrap_or(Place::Host);
    let content = ContentHash::of(b"");
    let action = match kind {
        Kind::Run if rule.names.names_commands() || rule.names.hosts.is_empty() => {
            let argv = match &rule.names.argv {
                Some(own) if own.join(" ") == text => own.clone(),
                Some(_) | None => vec!["bash".to_owned(), "-c".to_owned(), text.to_owned()],
            };
            Action::Run { argv, place, network: rule.names.hosts.iter().take(1).cloned().collect() }
        }
        Kind::Run => Action::Run { argv: vec!["true".to_owned()], place: Place::Sandbox, network: vec![host()?] },
        Kind::Apply => Action::Apply { content, paths: vec![path()?] },
        Kind::Read => Action::Read { paths: vec![text.to_owned()] },
        Kind::Reach => Action::Reach { host: host()? },
        Kind::Send => Action::Send { host: host()?, content, paths: Vec::new() },
        Kind::Mode | Kind::Rules | Kind::Trust => {
            return Err("but only rules for commands, paths and hosts can have examples".to_owned());
        }
    };
    let role = rule.names.roles.first().copied().unwrap_or(super::Role::User);
    let facts = Facts { role, bytes: u64::MAX, ..Facts::user() }.of(&action);
    let remarkable = if rule.names.content.is_empty() { Vec::new() } else { action.paths().to_vec() };
    let runs_later = remarkable.iter().map(|path| (path.clone(), RunsLater::Build)).collect();
    let facts = Facts { runs_later, secrets: remarkable, ..facts };
    // What of the circumstances an example cannot show is taken to be as the rule names it.
    let mut alone = rule.clone();
    (alone.names.files_over, alone.names.programs, alone.names.workspaces) = (None, Vec::new(), Vec::new());
    let verdict = super::decide(mode, &Rules::new(vec![alone]), &action, &facts);
    let spoke = verdict.because.iter().any(|reason| reason.rule == rule.name && reason.line == rule.line);
    // A rule that allows says so to all of a command, and to what nothing built in stops.
    Ok(spoke && (rule.decision != Decision::Allow || kind != Kind::Run || verdict.decision == Decision::Allow))
}
