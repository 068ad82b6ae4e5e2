//! Questions and answers: each question is kept under a name, bound to exactly what was shown; a yes to it counts once.

use super::super::{RulesFile, Workbench};
use super::judge::{Consent, Judgement, Term, consider, perform};
use crate::config::{ConfigSource, rules as read_rules};
use crate::policy::{Action, Decision, Facts, Place, Rules, decide};
use crate::ports::{ApprovalKind, Failure, FailureKind, GrantKind, LiveGrant};
use crate::workspace::{ContentHash, Root};

/// How long a question can be answered, in milliseconds.
const ANSWERED_WITHIN: i64 = 60 * 60 * 1000;
/// Digits of a question's name, which a person may have to repeat.
const DIGITS: usize = 12;
/// Where a grant comes from that is a question still.
const QUESTION: &str = "a question that waits for an answer";
/// What is told of a rule that says nothing of itself.
const NO_REASON: &str = "what this rule names; it gives no reason";
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
    let spend = || {
        let spent = workbench.grants.use_once(name, now)?;
        if spent { Ok(()) } else { Err(void("it was answered before, or has expired")) }
    };
    let approval = match term {
        Term::Once => spend().map(|()| ApprovalKind::Once(name.clone())),
        Term::Session => {
            if !fits_session(judgement) {
                return Err(no_session());
            }
            spend()?;
            keep_for_session(workbench, question).map(ApprovalKind::Session)
        }
        Term::Always => {
            // Before it is spent: an answer that cannot be kept leaves the question.
            let rule = smallest_rule(judgement, &rule_name(name)).ok_or_else(no_rule)?;
            spend()?;
            keep_for_good(workbench, root, &rule, name).map(ApprovalKind::Always)
        }
    };
    approval.map(Some)
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
        root: root.clone(),
        kind: GrantKind::Once,
        action_hash: shown,
        described: judgement.action.describe(),
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

/// Whether a yes for a session is bound to all that the command would run: it runs nothing but what its words name, or
/// files that are known and looked at each time.
#[must_use]
pub fn fits_session(judgement: &Judgement) -> bool {
    let on_host = matches!(judgement.action, Action::Run { place: Place::Host, .. });
    !on_host || judgement.facts.commands.runs_nothing_else() || !judgement.facts.depends.is_empty()
}

fn no_session() -> Failure {
    let what = "a yes for the session would be for whatever this runs by then: it is not known which files it reads";
    Failure::new(FailureKind::InvalidInput, what).hint("approve it once")
}

fn no_rule() -> Failure {
    let what = "no rule can allow just this for good: it is no command, or it may run what is not among its words";
    Failure::new(FailureKind::InvalidInput, what).hint("approve it once")
}

fn keep_for_good(workbench: &Workbench, root: &Root, rule: &str, question: &str) -> Result<String, Failure> {
    let present = (workbench.settings_files)().approved;
    let text = format!("{}{rule}", present.as_deref().unwrap_or(HEAD));
    change_rules(workbench, root, present.as_deref(), &text, rule)?;
    Ok(rule_name(question))
}

/// The smallest rule that allows what was judged, as it would be written; `None` where a rule cannot: what is written to
/// the workspace is another each time.
#[must_use]
pub fn smallest_rule(judgement: &Judgement, name: &str) -> Option<String> {
    let Action::Run { argv, place, network } = &judgement.action else { return None };
    // What a file says that the command runs is another thing each time the file is.
    if *place == Place::Host && !judgement.facts.commands.runs_nothing_else() {
        return None;
    }
    let all_quoted = |texts: &[String]| texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ");
    let workspace = glob_literal(judgement.facts.workspace.as_deref()?);
    let mut rule = format!(
        "\n[[rule]]\nname = {}\ndecision = \"allow\"\naction = \"run\"\nplace = \"{}\"\nrole = \"{}\"\nmode = \"{}\"\n\
         workspace = {}\nargv = [{}]\n",
        quoted(name),
        place.name(),
        judgement.facts.role,
        judgement.mode,
        quoted(&workspace),
        all_quoted(argv),
    );
    if !network.is_empty() {
        let hosts: Vec<String> = network.iter().map(ToString::to_string).collect();
        rule.push_str(&format!("host = [{}]\n", all_quoted(&hosts)));
    }
    let reason = format!("you approved for good: {}", judgement.action.describe());
    rule.push_str(&format!("reason = {}\n", quoted(&reason)));
    // What does not help is not offered.
    let (rules, problems) = read_rules(ConfigSource::Approved, &rule);
    let rule_alone = Rules::new(rules);
    let verdict = decide(judgement.mode, &rule_alone, &judgement.action, &judgement.facts);
    (problems.is_empty() && verdict.decision == Decision::Allow).then_some(rule)
}

/// `text` as a string of TOML on one line: nothing in it can look like the begin of another rule.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
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

/// Writes the approved rules anew, as an action like any other; `present` is what they were.
fn change_rules(
    workbench: &Workbench,
    root: &Root,
    present: Option<&str>,
    text: &str,
    change: &str,
) -> Result<(), Failure> {
    let (rules, problems) = read_rules(ConfigSource::Approved, text);
    if !problems.is_empty() || rules.len() != text.matches("[[rule]]\n").count() {
        let what = "approved.toml cannot be read, so that no rule is written to it";
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("mend it, or move it away"));
    }
    let action = Action::SetRules { to: ContentHash::of(text.as_bytes()), change: change.trim().to_owned() };
    perform(workbench, root, action, |grant| (workbench.write_rules)(grant, RulesFile::Approved, present, text))
}

/// Takes an approval back: a grant, or a rule that an approval for good left.
///
/// # Errors
/// When nothing of this name holds, or it cannot be written: then it still holds.
pub fn revoke(workbench: &Workbench, root: &Root, name: &str) -> Result<(), Failure> {
    let missing = || {
        Failure::new(FailureKind::NotFound, format!("nothing that holds is named {name}"))
            .hint("`tagout grants` lists what does; what comes from a file of settings is taken out there")
    };
    if !name.starts_with(APPROVED) {
        return if workbench.grants.revoke(name)? { Ok(()) } else { Err(missing()) };
    }
    let present = (workbench.settings_files)().approved.ok_or_else(missing)?;
    // The file is tagout's own, so that each rule is a block that begins with its head.
    let line = format!("name = {}", quoted(name));
    let mut blocks = present.split("[[rule]]\n");
    let head = blocks.next().unwrap_or_default().to_owned();
    let (gone, kept): (Vec<&str>, Vec<&str>) = blocks.partition(|block| block.lines().any(|own| own == line));
    let gone = gone.first().ok_or_else(missing)?;
    let text = kept.iter().fold(head, |text, block| format!("{text}[[rule]]\n{block}"));
    change_rules(workbench, root, Some(&present), &text, &format!("taken back:\n[[rule]]\n{gone}"))
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
    /// Whether it allows anything yet.
    pub holds: Holds,
}

/// Whether something allows anything yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Now,
    /// Once somebody answers yes.
    Answered,
}

/// Every approval that holds in `root`, and every rule and setting that allows something; after these the questions that
/// wait for an answer.
///
/// # Errors
/// When the approvals cannot be read.
pub fn held(workbench: &Workbench, root: &Root) -> Result<Vec<Held>, Failure> {
    let live = workbench.grants.live(root, workbench.clock.now_ms())?;
    let lives = |grant: &LiveGrant| match &grant.kind {
        GrantKind::Session(session) => (workbench.is_live)(session),
        GrantKind::Once => true,
    };
    let (questions, grants): (Vec<LiveGrant>, Vec<LiveGrant>) =
        live.into_iter().filter(lives).partition(|grant| grant.kind == GrantKind::Once);
    let held = |grant: LiveGrant, holds| Held { name: grant.id, what: grant.described, from: grant.from, holds };
    let grants = grants.into_iter().map(|grant| held(grant, Holds::Now));
    let questions = questions.into_iter().map(|grant| held(grant, Holds::Answered));
    let standing = workbench.standing(root);
    let allowing = standing.rules.iter().filter(|rule| rule.decision == Decision::Allow).map(|rule| Held {
        name: rule.name.clone(),
        what: if rule.reason.is_empty() { NO_REASON.to_owned() } else { rule.reason.clone() },
        from: format!("{}:{}", rule.file, rule.line),
        holds: Holds::Now,
    });
    let hosts = standing.settings.run.allow_hosts.iter().map(|host| Held {
        name: host.to_string(),
        what: format!("commands that ask for {host} reach it"),
        from: "allow_hosts in the settings".to_owned(),
        holds: Holds::Now,
    });
    Ok(grants.chain(allowing).chain(hosts).chain(questions).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Mode, Verdict};
    use proptest::prelude::*;

    fn judgement(argv: Vec<String>, workspace: &str) -> Judgement {
        let action = Action::Run { argv, place: Place::Host, network: Vec::new() };
        let facts = Facts { workspace: Some(workspace.to_owned()), ..Facts::user() }.of(&action);
        let verdict = Verdict { decision: Decision::Ask, because: Vec::new(), setting: None };
        Judgement {
            mode: Mode::Unrestricted,
            action,
            facts: Box::new(facts),
            level: None,
            verdict,
            approval: None,
            question: None,
            record: 0,
            at_ms: 0,
            trace: String::new(),
        }
    }

    proptest! {
        #[test]
        fn a_rule_for_good_is_one_rule_for_just_this(
            argv in prop::collection::vec("(?s).{0,12}|\\PC{0,8}|\n\\[\\[rule\\]\\]\ndecision = \"allow\"\n", 1..4),
            workspace in "/[a-z*?\\[\\]{}\\\\ !]{0,10}",
        ) {
            let judged = judgement(argv.clone(), &workspace);
            if let Some(rule) = smallest_rule(&judged, "approved-x") {
                prop_assert_eq!(rule.matches("[[rule]]\n").count(), 1);
                let (rules, problems) = read_rules(ConfigSource::Approved, &rule);
                prop_assert!(rules.len() == 1 && problems.is_empty(), "{:?}", problems);
                let rules = Rules::new(rules);
                let allows = |judged: &Judgement| {
                    decide(judged.mode, &rules, &judged.action, &judged.facts).decision == Decision::Allow
                };
                prop_assert!(allows(&judged));
                let elsewhere = format!("{workspace}x");
                prop_assert!(!allows(&judgement(argv.clone(), &elsewhere)));
                let more = argv.into_iter().chain(["x".to_owned()]).collect();
                prop_assert!(!allows(&judgement(more, &workspace)));
            }
        }
    }

    #[test]
    fn ordinary_commands_can_be_approved_for_good() {
        let rule = |argv: &[&str]| {
            let argv = argv.iter().map(|word| (*word).to_owned()).collect();
            smallest_rule(&judgement(argv, "/home/me/[x]*/a"), "approved-x")
        };
        for argv in [&["touch", "a"][..], &["sh", "-c", "echo \"$HOME\" > 'a b'"], &["printf", "%s\n", "ä\t😀"]] {
            assert!(rule(argv).is_some(), "{argv:?}");
        }
        for argv in [
            &["make"][..],
            &["python3", "-m", "foo"],
            &["ninja"],
            &["sh", "a.sh"],
            &["sh", "-c", "$(cat x)"],
            &["git", "commit"],
            &["sh", "-c", ". ./env; ls"],
            &["find", ".", "-exec", "./x", ";"],
        ] {
            assert!(rule(argv).is_none(), "{argv:?}");
        }
    }
}
