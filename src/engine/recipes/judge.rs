//! The one path to a grant: mode, rules, facts, verdict, record, and only then the effect.

use super::super::{Standing, Workbench};
use super::consent::{ask, given};
use super::depends::depends;
use super::policy::take_over;
use crate::policy::{
    Action, Approval, Decision, Facts, Grant, GrantError, Mode, Place, Role, SandboxLevel, Verdict, decide,
};
use crate::ports::{ApprovalKind, Entry, Failure, FailureKind, Phase};
use crate::workspace::Root;

/// A person's answer that comes with an action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Consent {
    /// There is none yet.
    #[default]
    None,
    /// A yes to a question.
    To {
        /// The question's name.
        question: String,
        /// For how long.
        term: Term,
    },
}

impl Consent {
    /// The question that it answers.
    #[must_use]
    pub fn question(&self) -> Option<&String> {
        match self {
            Self::None => None,
            Self::To { question, .. } => Some(question),
        }
    }
}

/// How long a yes holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Term {
    /// For this once.
    #[default]
    Once,
    /// As long as this process runs.
    Session,
    /// Until it is taken back: a rule for exactly this.
    Always,
}

/// What was judged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Mode in force.
    pub mode: Mode,
    /// Action.
    pub action: Action,
    /// What was true of it.
    pub facts: Box<Facts>,
    /// How well it is contained; `None` for what does not run in the sandbox.
    pub level: Option<SandboxLevel>,
    /// Verdict.
    pub verdict: Verdict,
    /// What stood in for a person's yes.
    pub approval: Option<ApprovalKind>,
    /// The name of the question, where one waits.
    pub question: Option<String>,
    /// The number of its record; 0 before there is one.
    pub record: u64,
    /// When it was judged, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The name of the job.
    pub trace: String,
}

/// A grant and the judgement it came from.
#[derive(Debug, PartialEq, Eq)]
pub struct Granted {
    /// For the executor.
    pub grant: Grant,
    /// For the record of the end.
    pub judgement: Judgement,
}

/// The outcome of judging, when it is not a denial.
#[derive(Debug)]
pub enum Judged {
    /// May happen.
    Granted(Granted),
    /// Needs an approval.
    Undecided(Judgement),
}

/// What judging `action` comes to now, `facts` being those that only the caller knows. Nothing is recorded, and nothing
/// may follow from it.
///
/// # Errors
/// When the mode cannot be read.
pub fn consider(workbench: &Workbench, root: &Root, action: Action, facts: Facts) -> Result<Judgement, Failure> {
    consider_by(workbench, root, &workbench.standing(root), action, facts)
}

fn consider_by(
    workbench: &Workbench,
    root: &Root,
    standing: &Standing,
    action: Action,
    facts: Facts,
) -> Result<Judgement, Failure> {
    let mode = standing.mode()?;
    let facts = Facts {
        workspace: Some(root.as_path().to_string_lossy().into_owned()),
        trust: standing.trust,
        mode_limit: standing.settings.max_mode,
        allowed_hosts: [facts.allowed_hosts, standing.settings.run.allow_hosts.clone()].concat(),
        ..facts
    };
    let facts = with_programs(workbench, root, facts.of(&action), &action);
    let verdict = decide(mode, &standing.rules, &action, &facts);
    let facts = match (&action, verdict.decision) {
        // What an answer binds to; no rule looks at it, and reading takes time.
        (Action::Run { argv, .. }, Decision::Ask) => Facts { depends: depends(workbench, root, argv), ..facts },
        _ => facts,
    };
    let (level, at_ms) = (facts.level_of(&action), workbench.clock.now_ms());
    let (approval, question, record, trace) = (None, None, 0, workbench.fresh_name());
    let facts = Box::new(facts);
    Ok(Judgement { mode, action, facts, level, verdict, approval, question, record, at_ms, trace })
}

/// The programs that a command on the host would start.
fn with_programs(workbench: &Workbench, root: &Root, facts: Facts, action: &Action) -> Facts {
    if !matches!(action, Action::Run { place: Place::Host, .. }) {
        return facts;
    }
    let commands = &facts.commands.commands;
    let started = commands.iter().filter_map(|command| command.argv.first());
    // Of a wrapper the first word is the program: `find -exec`, `sh -c`.
    let wrappers =
        commands.iter().flat_map(|command| &command.wrappers).filter_map(|wrapper| wrapper.split(' ').next());
    let first = if let Action::Run { argv, .. } = action { argv.first() } else { None };
    let mut names: Vec<String> = started.chain(first).cloned().chain(wrappers.map(str::to_owned)).collect();
    names.sort();
    names.dedup();
    Facts { programs: (workbench.programs)(root, &names), ..facts }
}

/// Judges `action` in the mode now in force and writes the verdict to the ledger.
///
/// # Errors
/// `Denied` with the rule's text; or when the mode cannot be read or the record not written: then nothing may happen.
pub fn judge(
    workbench: &Workbench,
    root: &Root,
    action: Action,
    facts: Facts,
    consent: &Consent,
) -> Result<Judged, Failure> {
    judge_by(workbench, root, &workbench.standing(root), action, facts, consent)
}

/// As [`judge`], by what the caller has just read.
///
/// # Errors
/// As [`judge`].
pub(super) fn judge_by(
    workbench: &Workbench,
    root: &Root,
    standing: &Standing,
    action: Action,
    facts: Facts,
    consent: &Consent,
) -> Result<Judged, Failure> {
    if standing.differs && !matches!(action, Action::SetRules { .. }) {
        take_over(workbench, root, standing)?;
    }
    let mut judgement = consider_by(workbench, root, standing, action, facts)?;
    let shown = judgement.facts.shown(judgement.mode, &judgement.action);
    if judgement.verdict.decision == Decision::Ask {
        judgement.approval = match given(workbench, root, &judgement, consent) {
            Ok(approval) => approval,
            Err(failure) => {
                record(workbench, root, &mut judgement, &failure.what)?;
                return Err(failure);
            }
        };
    }
    let approval = judgement.approval.as_ref().map(|_| Approval { shown });
    let obtained = Grant::obtain(judgement.mode, &standing.rules, judgement.action.clone(), &judgement.facts, approval);
    match obtained {
        Ok((grant, verdict)) => {
            judgement.verdict = verdict;
            let outcome = if approval.is_some() { "approved by the user" } else { "" };
            record(workbench, root, &mut judgement, outcome)?;
            Ok(Judged::Granted(Granted { grant, judgement }))
        }
        Err(GrantError::NeedsApproval(verdict)) => {
            judgement.verdict = verdict;
            record(workbench, root, &mut judgement, "waits for the user")?;
            judgement.question = Some(ask(workbench, root, &judgement, shown)?);
            Ok(Judged::Undecided(judgement))
        }
        Err(GrantError::Denied(verdict)) => {
            judgement.verdict = verdict;
            record(workbench, root, &mut judgement, "")?;
            Err(Failure::new(FailureKind::Denied, judgement.verdict.explain()))
        }
        Err(error @ GrantError::ApprovalOfSomethingElse) => {
            record(workbench, root, &mut judgement, &error.to_string())?;
            Err(Failure::new(FailureKind::Stale, error.to_string()))
        }
    }
}

/// Writes the record of the judgement, before any effect.
fn record(workbench: &Workbench, root: &Root, judgement: &mut Judgement, outcome: &str) -> Result<(), Failure> {
    let entry = Entry { outcome: outcome.to_owned(), ..entry(workbench, judgement) };
    judgement.record = workbench.ledger.append(root, &entry)?;
    Ok(())
}

/// A record of the judgement.
fn entry(workbench: &Workbench, judgement: &Judgement) -> Entry {
    let Judgement { mode, action, verdict, facts, .. } = judgement.clone();
    let role = Some(facts.role).filter(|role| *role != Role::User);
    Entry {
        level: judgement.level,
        asker: facts.asker,
        role,
        facts: Some(*facts),
        approval: judgement.approval.clone(),
        trace: judgement.trace.clone(),
        session: workbench.session.clone(),
        ..Entry::judged(judgement.at_ms, mode, action, verdict)
    }
}

/// Writes how an action ended.
///
/// # Errors
/// When the ledger cannot be written.
pub fn end(workbench: &Workbench, root: &Root, judgement: &Judgement, outcome: &str) -> Result<(), Failure> {
    let now = workbench.clock.now_ms();
    let ended = Entry {
        at_ms: now,
        phase: Phase::Ended,
        outcome: outcome.to_owned(),
        // They stand in the record that this one is the end of.
        facts: None,
        of: Some(judgement.record).filter(|number| *number > 0),
        duration_ms: u64::try_from(now.saturating_sub(judgement.at_ms)).ok(),
        ..entry(workbench, judgement)
    };
    workbench.ledger.append(root, &ended).map(|_| ())
}

/// Writes that the user denied what was asked about; its question can be answered no more.
///
/// # Errors
/// When the ledger cannot be written.
pub fn deny(workbench: &Workbench, root: &Root, judgement: &Judgement, reason: &str) -> Result<(), Failure> {
    if let Some(question) = &judgement.question {
        workbench.grants.revoke(question)?;
    }
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    end(workbench, root, judgement, &format!("denied by the user{why}"))
}

/// Sets the workspace's mode, as the user asked.
///
/// # Errors
/// As [`judge`], or when the mode cannot be written.
pub fn set_mode(workbench: &Workbench, root: &Root, to: Mode) -> Result<(), Failure> {
    let from = workbench.modes.mode(root)?;
    perform(workbench, root, Action::SetMode { from, to }, |grant| workbench.modes.set_mode(grant, root))
}

/// Does what changes what holds: judges `action`, has `effect` happen by the grant, and records how that ended. Nobody
/// is asked, as no answer could come: who has it asked about changes that rule first.
pub(super) fn perform(
    workbench: &Workbench,
    root: &Root,
    action: Action,
    effect: impl FnOnce(Grant) -> Result<(), Failure>,
) -> Result<(), Failure> {
    perform_with(workbench, root, action, Facts::user(), effect)
}

/// As [`perform`], with what only the caller knows of the action.
pub(super) fn perform_with(
    workbench: &Workbench,
    root: &Root,
    action: Action,
    facts: Facts,
    effect: impl FnOnce(Grant) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match judge(workbench, root, action, facts, &Consent::None)? {
        Judged::Undecided(judgement) => {
            if let Some(question) = &judgement.question {
                workbench.grants.revoke(question)?;
            }
            end(workbench, root, &judgement, "not done: a rule asks before this, and it is not asked about")?;
            let what = judgement.verdict.explain();
            Err(Failure::new(FailureKind::NeedsApproval, what).hint("change the rule that asks before this"))
        }
        Judged::Granted(Granted { grant, judgement }) => {
            let done = effect(grant);
            let outcome = done.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string);
            end(workbench, root, &judgement, &outcome)?;
            done
        }
    }
}
