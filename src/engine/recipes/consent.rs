//! Questions and answers: each question is kept under a name, bound to exactly what was shown; a yes to it counts once.

use super::super::{RulesFile, Workbench};
use super::judge::{Consent, Granted, Judged, Judgement, Term, consider, end, judge};
use crate::config::{ConfigSource, rules as read_rules};
use crate::policy::{Action, Decision, Facts, Rules, decide};
use crate::ports::{ApprovalKind, Failure, FailureKind, GrantKind, GrantScope, LiveGrant};
use crate::workspace::{ContentHash, Root};

/// How long a question can be answered, in milliseconds.
const ANSWERED_WITHIN: i64 = 60 * 60 * 1000;
/// Digits of a question's name, which a person may have to repeat.
const DIGITS: usize = 12;
/// Where a grant comes from that is a question still.
const QUESTION: &str = "a question that waits for an answer";
/// What the names of rules begin with that approvals for good leave.
const APPROVED: &str = "approved-";
/// What the file of such rules begins with.
const HEAD: &str =
    "# Rules that you approved for good when tagout asked. `tagout grants` lists them, and takes them back.\n";

/// The approval that stands for what was judged: the answer that came with it, or one for this session.
pub(super) fn given(
    workbench: &Workbench,
    root: &Root,
    judgement: &Judgement,
    consent: &Consent,
) -> Result<Option<ApprovalKind>, Failure> {
    let shown = judgement.facts.shown(judgement.mode, &judgement.action);
    let now = workbench.clock.now_ms();
    let live = workbench.grants.live(root, now)?;
    let Consent::To { question: name, term } = consent else {
        let session = GrantKind::Session(workbench.session.clone());
        let held = live.into_iter().find(|grant| grant.kind == session && grant.action_hash == shown);
        return Ok(held.map(|grant| ApprovalKind::Session(grant.id)));
    };
    let question = live.into_iter().find(|grant| grant.id == *name && grant.kind == GrantKind::Once);
    let question = question.ok_or_else(|| void("it was answered before, or has expired"))?;
    if question.action_hash != shown {
        return Err(void("it is for something else than what would happen now"));
    }
    // Of two that answer, one counts.
    if !workbench.grants.use_once(name, now)? {
        return Err(void("it was answered before, or has expired"));
    }
    Ok(Some(match term {
        Term::Once => ApprovalKind::Once(name.clone()),
        Term::Session => ApprovalKind::Session(keep_for_session(workbench, question)?),
        Term::Always => ApprovalKind::Always(keep_for_good(workbench, root, judgement, name)?),
    }))
}

/// Which of the `named` questions is about this action as it is now: a yes to it, where there is one.
///
/// # Errors
/// When the mode or the questions cannot be read.
pub fn answer(
    workbench: &Workbench,
    root: &Root,
    action: Action,
    facts: Facts,
    named: &[String],
) -> Result<Consent, Failure> {
    if named.is_empty() {
        return Ok(Consent::None);
    }
    let judgement = consider(workbench, root, action, facts)?;
    let shown = judgement.facts.shown(judgement.mode, &judgement.action);
    let live = workbench.grants.live(root, workbench.clock.now_ms())?;
    let fits = |grant: &LiveGrant| grant.action_hash == shown && named.contains(&grant.id);
    let found = live.into_iter().find(fits);
    Ok(found.map_or(Consent::None, |grant| Consent::To { question: grant.id, term: Term::Once }))
}

fn void(why: &str) -> Failure {
    Failure::new(FailureKind::Stale, format!("the approval does not count: {why}"))
        .hint("run it without the approval to see what would happen")
}

/// Keeps the question whether what was `shown` may happen, and returns its name.
pub(super) fn ask(
    workbench: &Workbench,
    root: &Root,
    judgement: &Judgement,
    shown: ContentHash,
) -> Result<String, Failure> {
    let id: String = workbench.fresh_name().chars().take(DIGITS).collect();
    let now = workbench.clock.now_ms();
    workbench.grants.add(&LiveGrant {
        id: id.clone(),
        scope: GrantScope::Workspace(root.clone()),
        kind: GrantKind::Once,
        action_hash: shown,
        described: judgement.action.describe(),
        depends: Vec::new(),
        from: QUESTION.to_owned(),
        made_ms: now,
        expires_ms: Some(now.saturating_add(ANSWERED_WITHIN)),
    })?;
    Ok(id)
}

/// The name of the grant for a session that a yes to `question` leaves.
#[must_use]
pub fn session_grant(question: &str) -> String {
    format!("{question}-session")
}

/// The name of the rule that a yes for good to `question` leaves.
#[must_use]
pub fn rule_name(question: &str) -> String {
    format!("{APPROVED}{question}")
}

fn keep_for_session(workbench: &Workbench, question: LiveGrant) -> Result<String, Failure> {
    let id = session_grant(&question.id);
    workbench.grants.add(&LiveGrant {
        id: id.clone(),
        kind: GrantKind::Session(workbench.session.clone()),
        from: "your answer, for this session".to_owned(),
        made_ms: workbench.clock.now_ms(),
        expires_ms: None,
        ..question
    })?;
    Ok(id)
}

fn keep_for_good(workbench: &Workbench, root: &Root, judgement: &Judgement, question: &str) -> Result<String, Failure> {
    let name = rule_name(question);
    let rule = smallest_rule(judgement, &name).ok_or_else(|| {
        Failure::new(FailureKind::InvalidInput, "no rule can allow this for good").hint("approve it once")
    })?;
    let present = (workbench.settings_files)().approved.unwrap_or_else(|| HEAD.to_owned());
    change_rules(workbench, root, &format!("{present}{rule}"), &rule)?;
    Ok(name)
}

/// The smallest rule that allows what was judged, as it would be written; `None` where a rule cannot: what is written to
/// the workspace is another each time.
#[must_use]
pub fn smallest_rule(judgement: &Judgement, name: &str) -> Option<String> {
    let Action::Run { argv, place, network } = &judgement.action else { return None };
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let texts = |texts: Vec<String>| texts.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ");
    let workspace = glob_literal(judgement.facts.workspace.as_deref()?);
    let mut rule = format!(
        "\n[[rule]]\nname = {}\ndecision = \"allow\"\naction = \"run\"\nplace = \"{}\"\nrole = \"{}\"\nmode = \"{}\"\n\
         workspace = {}\nargv = [{}]\n",
        text(name),
        place.name(),
        judgement.facts.role,
        judgement.mode,
        text(&workspace),
        texts(argv.clone()),
    );
    if !network.is_empty() {
        rule.push_str(&format!("host = [{}]\n", texts(network.iter().map(ToString::to_string).collect())));
    }
    rule.push_str("reason = \"you approved it for good\"\n");
    // What does not help is not offered.
    let (mut rules, problems) = read_rules(ConfigSource::Approved, &rule);
    let rule_alone = Rules::new(std::mem::take(&mut rules));
    let verdict = decide(judgement.mode, &rule_alone, &judgement.action, &judgement.facts);
    (problems.is_empty() && verdict.decision == Decision::Allow).then_some(rule)
}

/// A pattern of paths that fits `path` alone.
fn glob_literal(path: &str) -> String {
    path.chars().fold(String::new(), |mut text, one| {
        match one {
            '*' | '?' | '[' | ']' | '{' | '}' => text.extend(['[', one, ']']),
            '\\' => text.push_str("\\\\"),
            _ => text.push(one),
        }
        text
    })
}

/// Writes the approved rules anew, as an action like any other.
fn change_rules(workbench: &Workbench, root: &Root, text: &str, change: &str) -> Result<(), Failure> {
    let action = Action::SetRules { to: ContentHash::of(text.as_bytes()), change: change.trim().to_owned() };
    let Judged::Granted(Granted { grant, judgement }) = judge(workbench, root, action, Facts::user(), &Consent::None)?
    else {
        return Err(Failure::new(FailureKind::NeedsApproval, "a rule asks before rules change: change them by hand"));
    };
    let done = (workbench.write_rules)(grant, RulesFile::Approved, text);
    let outcome = done.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string);
    end(workbench, root, &judgement, &outcome)?;
    done
}

/// Takes an approval back: a grant, or a rule that an approval for good left.
///
/// # Errors
/// When nothing of this name holds, or it cannot be written: then it still holds.
pub fn revoke(workbench: &Workbench, root: &Root, name: &str) -> Result<(), Failure> {
    let missing = || {
        Failure::new(FailureKind::NotFound, format!("nothing that holds is named {name}"))
            .hint("`tagout grants` lists what does")
    };
    if !name.starts_with(APPROVED) {
        return if workbench.grants.revoke(name)? { Ok(()) } else { Err(missing()) };
    }
    let text = (workbench.settings_files)().approved.ok_or_else(missing)?;
    // The file is tagout's own, so that each rule is a block that begins with its head.
    let line = format!("name = {}", toml::Value::String(name.to_owned()));
    let mut blocks = text.split("[[rule]]\n");
    let head = blocks.next().unwrap_or_default().to_owned();
    let (gone, kept): (Vec<&str>, Vec<&str>) = blocks.partition(|block| block.lines().any(|own| own == line));
    let gone = gone.first().ok_or_else(missing)?;
    let text = kept.iter().fold(head, |text, block| format!("{text}[[rule]]\n{block}"));
    change_rules(workbench, root, &text, &format!("taken back:\n[[rule]]\n{gone}"))
}

/// Something that holds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// By which it is taken back.
    pub name: String,
    /// What it allows.
    pub what: String,
    /// Where it comes from.
    pub from: String,
}

/// Every approval that holds in `root`, and every rule and setting that allows something.
///
/// # Errors
/// When the approvals cannot be read.
pub fn held(workbench: &Workbench, root: &Root) -> Result<Vec<Held>, Failure> {
    let live = workbench.grants.live(root, workbench.clock.now_ms())?;
    let lives = |grant: &LiveGrant| match &grant.kind {
        GrantKind::Session(session) => (workbench.is_live)(session),
        GrantKind::Once | GrantKind::Always => true,
    };
    let grants =
        live.into_iter().filter(lives).map(|grant| Held { name: grant.id, what: grant.described, from: grant.from });
    let (rules, _) = workbench.rules(root);
    let allowing = rules.iter().filter(|rule| rule.decision == Decision::Allow).map(|rule| Held {
        name: rule.name.clone(),
        what: rule.reason.clone(),
        from: format!("{}:{}", rule.file, rule.line),
    });
    let hosts = workbench.settings(root).0.run.allow_hosts;
    let hosts = hosts.iter().map(|host| Held {
        name: host.to_string(),
        what: format!("commands that ask for {host} reach it"),
        from: "allow_hosts in the settings".to_owned(),
    });
    Ok(grants.chain(allowing).chain(hosts).collect())
}
