//! A policy tried on what was decided before it, and accepted by the hash of what was shown.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::super::{RulesFile, Workbench};
use super::judge::perform;
use crate::config::{ConfigSource, rules as read_rules};
use crate::policy::{Action, Decision, Layer, Rule, Rules, decide};
use crate::ports::{Entry, Failure, FailureKind, Phase, Since};
use crate::workspace::{ContentHash, Root};

/// Most examples of one change that are told.
const EXAMPLES: usize = 5;
/// Digits of the hash by which a policy is accepted.
const DIGITS: usize = 12;

/// Decisions that come out another way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// What a policy would have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// Records judged again.
    pub records: u64,
    /// Those that come out as they did.
    pub alike: u64,
    /// Those without facts, of before these were kept.
    pub unknown: u64,
    /// The others, by what they were and what they would be.
    pub changes: BTreeMap<(Decision, Decision), Changed>,
}

impl Replay {
    fn add(&mut self, entry: &Entry, rules: &Rules) {
        let Some(facts) = &entry.facts else {
            self.unknown += 1;
            return;
        };
        self.records += 1;
        let before = entry.verdict.decision;
        let verdict = decide(entry.mode, rules, &entry.action, &facts.clone().of(&entry.action));
        if verdict.decision == before {
            self.alike += 1;
            return;
        }
        let change = self.changes.entry((before, verdict.decision)).or_default();
        change.count += 1;
        if change.examples.len() < EXAMPLES {
            let won = verdict.because.first().map_or("", |reason| reason.rule.as_str());
            change.examples.push(format!("{}: {} by {won}", entry.number, entry.action.describe()));
        }
    }
}

/// Judges what was judged in `root` again, with the user's rules as `text` has them.
///
/// # Errors
/// When the policy or the record cannot be read.
pub fn replay(workbench: &Workbench, root: &Root, text: &str, since: Since) -> Result<Replay, Failure> {
    let (own, problems) = read_rules(ConfigSource::User, text);
    if let Some(problem) = problems.first() {
        let what = format!("the policy cannot be tried: {problem}");
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("mend it first"));
    }
    let rules = with_users(workbench, root, own);
    let mut replayed = Replay::default();
    workbench.ledger.each(root, since, &mut |entry| {
        if entry.phase == Phase::Judged {
            replayed.add(entry, &rules);
        }
        ControlFlow::Continue(())
    })?;
    Ok(replayed)
}

/// The rules in force with `own` in the place of the user's file.
fn with_users(workbench: &Workbench, root: &Root, own: Vec<Rule>) -> Rules {
    let file = ConfigSource::User.to_string();
    let present = workbench.standing(root).rules;
    let others = present.iter().filter(|rule| rule.layer != Layer::User || rule.file != file).cloned();
    Rules::new(others.chain(own).collect())
}

/// What the user's file, as it is now, would have changed, and the hash by which it is accepted; `None` when all of it
/// is in force.
///
/// # Errors
/// As [`replay`].
pub fn review(workbench: &Workbench, root: &Root) -> Result<(Option<ContentHash>, Replay), Failure> {
    let files = (workbench.settings_files)();
    let text = files.user.unwrap_or_default();
    let replayed = replay(workbench, root, &text, Since::BEGINNING)?;
    let waits = files.accepted.unwrap_or_default() != text;
    Ok((waits.then(|| ContentHash::of(text.as_bytes())), replayed))
}

/// Accepts the user's file as it was reviewed.
///
/// # Errors
/// When it is another by now, or it cannot be written.
pub fn accept(workbench: &Workbench, root: &Root, hash: &str) -> Result<(), Failure> {
    let text = (workbench.settings_files)().user.unwrap_or_default();
    let to = ContentHash::of(text.as_bytes());
    if hash.len() < DIGITS || !to.to_string().starts_with(hash) {
        let what = "config.toml is not what was reviewed under this hash";
        return Err(Failure::new(FailureKind::Stale, what).hint("`tagout policy review` shows what would change"));
    }
    let action = Action::SetRules { to, change: "config.toml as it is".to_owned() };
    perform(workbench, root, action, |grant| (workbench.write_rules)(grant, RulesFile::Accepted, &text))
}
