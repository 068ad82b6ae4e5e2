//! A policy tried on what was decided before it, and accepted by the hash of what was shown.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use super::super::{RulesFile, SettingsFiles, Standing, Workbench};
use super::judge::{consider, perform};
use crate::config::ConfigSource;
use crate::policy::shell::{Understood, understand};
use crate::policy::{Action, Decision, Facts, Verdict, decide};
use crate::ports::{Entry, Failure, FailureKind, Phase, Since};
use crate::workspace::{ContentHash, Root};

/// Most examples of one change that are told.
const EXAMPLES: usize = 5;
/// Most commands whose meaning is kept in mind while records are judged again.
const UNDERSTOOD: usize = 4096;
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

/// What a policy is compared with.
enum Before {
    /// What was decided then, whatever held then.
    Recorded,
    /// What is in force now.
    InForce(Box<Standing>),
}

/// Judges records again.
struct Judge {
    standing: Standing,
    before: Before,
    /// What commands mean: the same ones come again and again, and to take one apart takes longer than to judge it.
    understood: HashMap<Vec<String>, Understood>,
}

impl Judge {
    fn understand(&mut self, action: &Action) -> Understood {
        let Action::Run { argv, .. } = action else { return Understood::default() };
        if let Some(known) = self.understood.get(argv) {
            return known.clone();
        }
        if self.understood.len() >= UNDERSTOOD {
            self.understood.clear();
        }
        let understood = understand(argv);
        self.understood.insert(argv.clone(), understood.clone());
        understood
    }
}

/// What would be decided by `standing` of what was decided then.
fn by(standing: &Standing, entry: &Entry, facts: &mut Facts) -> Verdict {
    let settings = &standing.settings;
    facts.mode_limit = settings.max_mode;
    facts.least_level = settings.run.sandbox;
    facts.allowed_hosts.clone_from(&settings.run.allow_hosts);
    decide(entry.mode.min(settings.max_mode), &standing.rules, &entry.action, facts)
}

impl Replay {
    fn add(&mut self, entry: &Entry, judge: &mut Judge) {
        let Some(facts) = &entry.facts else {
            self.unknown += 1;
            return;
        };
        self.records += 1;
        let mut facts = Facts { commands: judge.understand(&entry.action), ..facts.clone() };
        let before = match &judge.before {
            Before::Recorded => entry.verdict.decision,
            Before::InForce(standing) => by(standing, entry, &mut facts).decision,
        };
        let verdict = by(&judge.standing, entry, &mut facts);
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

/// Judges what was judged in `root` again, with the user's file as `text` has it.
///
/// # Errors
/// When the policy or the record cannot be read.
pub fn replay(workbench: &Workbench, root: &Root, text: &str, since: Since) -> Result<Replay, Failure> {
    let mut replayed = Replay::default();
    replay_into(&mut replayed, workbench, root, text, since, Before::Recorded)?;
    Ok(replayed)
}

fn replay_into(
    replayed: &mut Replay,
    workbench: &Workbench,
    root: &Root,
    text: &str,
    since: Since,
    before: Before,
) -> Result<(), Failure> {
    let standing = by_text(workbench, root, text);
    if let Some(problem) = standing.problems.iter().find(|problem| problem.source == ConfigSource::User) {
        let what = format!("the policy cannot be tried: {problem}");
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("mend it first"));
    }
    let mut judge = Judge { standing, before, understood: HashMap::new() };
    workbench.ledger.each(root, since, &mut |entry| {
        if entry.phase == Phase::Judged {
            replayed.add(entry, &mut judge);
        }
        ControlFlow::Continue(())
    })
}

/// What would hold with `text` as the user's file, all of it accepted.
fn by_text(workbench: &Workbench, root: &Root, text: &str) -> Standing {
    let (user, accepted) = (Some(text.to_owned()), Some(text.to_owned()));
    workbench.standing_by(root, SettingsFiles { user, accepted, ..(workbench.settings_files)() })
}

/// What waits in the user's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The hash by which the file is accepted; `None` when all of it is in force.
    pub hash: Option<ContentHash>,
    /// What it allows that is not accepted, and what else is wrong with it.
    pub waits: Vec<String>,
    /// How many workspaces' records were judged again.
    pub workspaces: usize,
    /// What would have come out otherwise.
    pub replay: Replay,
}

/// What the user's file, as it is now, would have changed in every trusted workspace, and in `root`, beside what is in
/// force.
///
/// # Errors
/// As [`replay`].
pub fn review(workbench: &Workbench, root: &Root) -> Result<Review, Failure> {
    let text = (workbench.settings_files)().user.unwrap_or_default();
    let mut roots = workbench.trust.roots()?;
    roots.push(root.clone());
    roots.sort();
    roots.dedup();
    let mut replayed = Replay::default();
    for root in &roots {
        let before = Before::InForce(Box::new(workbench.standing(root)));
        replay_into(&mut replayed, workbench, root, &text, Since::BEGINNING, before)?;
    }
    let standing = workbench.standing(root);
    let own = standing.problems.iter().filter(|problem| problem.source == ConfigSource::User);
    let hash = standing.differs.then(|| ContentHash::of(text.as_bytes()));
    Ok(Review { hash, waits: own.map(ToString::to_string).collect(), workspaces: roots.len(), replay: replayed })
}

/// Accepts the user's file as it is where it only narrows: what narrows holds at once, and from then on to loosen it
/// again has to be accepted.
///
/// # Errors
/// When it cannot be recorded.
pub(super) fn take_over(workbench: &Workbench, root: &Root, standing: &Standing) -> Result<(), Failure> {
    let files = (workbench.settings_files)();
    let (text, present) = (files.user.unwrap_or_default(), files.accepted);
    let whole = by_text(workbench, root, &text);
    // With an error in it, it may be half written, and what it seems to leave out is not meant to be gone.
    let sound = !standing.problems.iter().any(|problem| problem.source == ConfigSource::User);
    if !sound || whole.settings != standing.settings || whole.rules != standing.rules {
        return Ok(());
    }
    let action = Action::SetRules { to: ContentHash::of(text.as_bytes()), change: "config.toml narrows".to_owned() };
    if consider(workbench, root, action.clone(), Facts::user())?.verdict.decision != Decision::Allow {
        return Ok(());
    }
    let taken = perform(workbench, root, action, |grant| {
        (workbench.write_rules)(grant, RulesFile::Accepted, present.as_deref(), &text)
    });
    // Another process may have done it meanwhile.
    taken.or_else(|failure| if failure.kind == FailureKind::Stale { Ok(()) } else { Err(failure) })
}

/// Accepts the user's file as it was reviewed.
///
/// # Errors
/// When it is another by now, or it cannot be written.
pub fn accept(workbench: &Workbench, root: &Root, hash: &str) -> Result<(), Failure> {
    let files = (workbench.settings_files)();
    let (text, present) = (files.user.unwrap_or_default(), files.accepted);
    let to = ContentHash::of(text.as_bytes());
    if hash.len() < DIGITS || !to.to_string().starts_with(hash) {
        let what = "config.toml is not what was reviewed under this hash";
        return Err(Failure::new(FailureKind::Stale, what).hint("`tagout policy review` shows what would change"));
    }
    let action = Action::SetRules { to, change: "config.toml as it is".to_owned() };
    perform(workbench, root, action, |grant| {
        (workbench.write_rules)(grant, RulesFile::Accepted, present.as_deref(), &text)
    })
}
