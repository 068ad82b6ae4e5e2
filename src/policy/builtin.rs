//! The built-in rules: those that always hold, and what holds where no rule of the user's or the machine's speaks.

use super::action::show_hosts;
use super::{
    Action, Asker, Decision, Facts, HostRule, Layer, Mode, Place, Program, ProgramOwner, Reason, SandboxLevel,
};
use super::{Trust, shell::Doubt};

/// What is judged, with what the rules of the layers say to it.
pub(super) struct Case<'a> {
    pub(super) mode: Mode,
    pub(super) action: &'a Action,
    pub(super) facts: &'a Facts,
    /// Whether the rules allow all of it.
    pub(super) allowed: bool,
    /// Whether a rule allows it word by word: then a person has seen what it does.
    pub(super) exact: bool,
    /// Whether a rule that asks or denies names commands, and may be about this one.
    pub(super) watched: bool,
    /// The hosts that neither the settings nor the rules let it reach.
    pub(super) unknown_hosts: Vec<&'a HostRule>,
}

struct BuiltIn {
    name: &'static str,
    line: u32,
    matches: fn(&Case<'_>) -> bool,
    decision: Decision,
    text: fn(&Case<'_>) -> String,
}

macro_rules! rule {
    ($name:literal, $decision:ident, $matches:expr, $text:expr) => {
        BuiltIn { name: $name, line: line!(), matches: $matches, decision: Decision::$decision, text: $text }
    };
}

/// Every built-in rule; where several match, the strictest wins, and what none matches is denied.
const RULES: &[BuiltIn] = &[
    rule!(
        "role-lacks-the-power",
        Deny,
        |case| !case.action.powers().iter().all(|power| case.facts.powers.has(*power)),
        |case| format!("a {} may not do that: let a role do it that may, or do it yourself", case.facts.role)
    ),
    rule!(
        "only-the-user-administers",
        Deny,
        |case| is_administration(case.action) && case.facts.asker != Asker::User,
        |_| "only the user changes a mode, a rule or trust".into()
    ),
    rule!(
        "settings-limit-mode",
        Deny,
        |case| matches!(case.action, Action::SetMode { to, .. } if *to > case.facts.mode_limit),
        |case| format!("the settings allow {} at most: raise max_mode where they lower it", case.facts.mode_limit)
    ),
    rule!(
        "untrusted-workspace-stays-read-only",
        Deny,
        |case| matches!(case.action, Action::SetMode { to, .. } if *to > Mode::ReadOnly)
            && case.facts.trust != Trust::Trusted,
        not_trusted
    ),
    rule!(
        "untrusted-workspace-runs-nothing",
        Deny,
        |case| matches!(case.action, Action::Run { .. }) && case.facts.trust != Trust::Trusted,
        not_trusted
    ),
    rule!("user-administers", Allow, |case| is_administration(case.action) && case.facts.asker == Asker::User, |_| {
        "the user asked for it".into()
    }),
    rule!("read-only-writes-nothing", Deny, |case| is_apply(case) && case.mode == Mode::ReadOnly, |_| {
        "the workspace is read-only: switch it to workspace-write first".into()
    }),
    rule!("model-changes-need-a-person", Ask, |case| is_apply(case) && case.facts.asker == Asker::Model, |_| {
        "a person accepts what a model proposes".into()
    }),
    rule!(
        "runs-later-needs-consent",
        Ask,
        |case| is_apply(case) && case.mode != Mode::ReadOnly && !case.facts.runs_later.is_empty(),
        |case| {
            let named =
                case.facts.runs_later.iter().map(|(path, who)| format!("{path} runs later: {}", who.describe()));
            named.collect::<Vec<_>>().join(", ")
        }
    ),
    rule!("secret-needs-consent", Ask, |case| !case.facts.secrets.is_empty(), |case| {
        let named: Vec<String> = case.facts.secrets.iter().map(ToString::to_string).collect();
        format!("something in it looks like a secret: {}", named.join(", "))
    }),
    rule!(
        "user-accepts-change",
        Allow,
        |case| is_apply(case) && case.mode != Mode::ReadOnly && case.facts.asker == Asker::User,
        |_| "the user accepted it".into()
    ),
    rule!(
        "no-sandbox-no-command",
        Deny,
        |case| is_run(case, Place::Sandbox) && case.facts.sandbox.level.is_none(),
        |case| format!("the sandbox cannot be built: {}", missing(case.facts))
    ),
    rule!(
        "weaker-sandbox-than-demanded",
        Deny,
        |case| is_run(case, Place::Sandbox)
            && case.facts.sandbox.level.is_some_and(|level| level < case.facts.least_level),
        |case| format!(
            "the settings demand a sandbox of level {}, and this machine reaches {} only: {}; `tagout doctor` says \
             what adds the rest",
            case.facts.least_level,
            case.facts.sandbox.level.map_or("none", SandboxLevel::name),
            missing(case.facts)
        )
    ),
    rule!(
        "sandbox-contains-command",
        Allow,
        |case| is_run(case, Place::Sandbox)
            && case.facts.sandbox.level.is_some_and(|level| level >= case.facts.least_level),
        |case| match case.facts.sandbox.warning() {
            None => "the sandbox contains it, and what it writes becomes a diff".into(),
            Some(warning) => format!("what it writes becomes a diff; {warning}"),
        }
    ),
    rule!(
        "rule-in-doubt",
        Ask,
        |case| is_run(case, Place::Sandbox) && case.watched && !case.facts.commands.doubts.is_empty(),
        |case| format!("a rule stops some commands, and it cannot be told whether this is one: {}", doubts(case))
    ),
    // Reading the world writes nothing, so that the mode does not matter; what is sent there does not come back.
    rule!("network-needs-consent", Ask, |case| !case.unknown_hosts.is_empty(), |case| format!(
        "it may send what it reads to {}: name it in allow_hosts under [run] to be asked no more",
        show_hosts(case.unknown_hosts.iter().copied())
    )),
    rule!(
        "known-host",
        Allow,
        |case| matches!(case.action, Action::Reach { .. } | Action::Send { .. }) && case.unknown_hosts.is_empty(),
        |_| "the settings or a rule name the host".into()
    ),
    rule!(
        "user-reads",
        Allow,
        |case| matches!(case.action, Action::Read { .. }) && case.facts.asker == Asker::User,
        |_| "the user asked for it".into()
    ),
    rule!(
        "reading-outside-needs-consent",
        Ask,
        |case| matches!(case.action, Action::Read { .. }) && case.facts.asker != Asker::User && !case.allowed,
        |_| "it lies outside the workspace".into()
    ),
    rule!(
        "nothing-on-the-host-when-read-only",
        Deny,
        |case| is_run(case, Place::Host) && case.mode == Mode::ReadOnly,
        |_| "commands run on the host in unrestricted mode, or where a rule allows them in workspace-write: run it in \
             the sandbox, or switch the mode"
            .into()
    ),
    rule!(
        "host-only-when-unrestricted",
        Deny,
        |case| is_run(case, Place::Host) && case.mode == Mode::WorkspaceWrite && !case.allowed,
        |_| "no rule allows it, and without one commands run on the host in unrestricted mode only: run it in the \
             sandbox, or switch the mode"
            .into()
    ),
    rule!(
        "host-command-needs-consent",
        Ask,
        |case| is_run(case, Place::Host) && case.mode == Mode::Unrestricted && !case.allowed,
        |_| "nothing contains a command on the host".into()
    ),
    rule!(
        "host-command-in-doubt",
        Ask,
        |case| is_run(case, Place::Host) && !case.exact && !case.facts.commands.doubts.is_empty(),
        |case| format!("it cannot be told what it does: {}", doubts(case))
    ),
    rule!(
        "host-command-does-more-than-it-says",
        Ask,
        |case| is_run(case, Place::Host)
            && !case.exact
            && case.facts.commands.commands.iter().any(|one| !one.effects.is_empty()),
        |case| {
            let effects = case.facts.commands.commands.iter().flat_map(|one| &one.effects);
            effects.map(|effect| effect.text.clone()).collect::<Vec<_>>().join("; ")
        }
    ),
    rule!(
        "program-that-others-could-have-put-there",
        Ask,
        |case| is_run(case, Place::Host) && strange_programs(case).next().is_some(),
        |case| {
            let named = strange_programs(case).map(|Program { name, path, .. }| {
                path.as_ref().map_or_else(|| format!("{name} is nowhere"), |path| format!("{name} is {path}"))
            });
            format!("not a program of the system or the user: {}", named.collect::<Vec<_>>().join(", "))
        }
    ),
];

fn not_trusted(case: &Case<'_>) -> String {
    match case.facts.trust {
        Trust::Changed => "its settings have changed since you trusted it: look at them, then `tagout trust` again",
        Trust::Trusted | Trust::Untrusted => "you have not trusted this workspace: look at it, then `tagout trust`",
    }
    .into()
}

fn is_administration(action: &Action) -> bool {
    matches!(action, Action::SetMode { .. } | Action::SetRules { .. } | Action::SetTrust { .. })
}

fn is_apply(case: &Case<'_>) -> bool {
    matches!(case.action, Action::Apply { .. })
}

fn is_run(case: &Case<'_>, wanted: Place) -> bool {
    matches!(case.action, Action::Run { place, .. } if *place == wanted)
}

fn missing(facts: &Facts) -> &str {
    facts.sandbox.missing.as_deref().unwrap_or("unknown reason")
}

fn doubts(case: &Case<'_>) -> String {
    case.facts.commands.doubts.iter().map(|Doubt { text, .. }| text.as_str()).collect::<Vec<_>>().join("; ")
}

fn strange_programs<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Program> {
    case.facts.programs.iter().filter(|program| program.owner == ProgramOwner::Others || program.path.is_none())
}

/// The built-in rules that match.
pub(super) fn reasons<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Reason> + 'a {
    RULES.iter().filter(|rule| (rule.matches)(case)).map(|rule| Reason {
        rule: rule.name.to_owned(),
        layer: Layer::BuiltIn,
        file: file!().to_owned(),
        line: rule.line,
        decision: rule.decision,
        text: (rule.text)(case),
    })
}

/// What is said when no rule matches.
pub(super) fn unknown() -> Reason {
    Reason {
        rule: "nothing-unknown-happens".to_owned(),
        layer: Layer::BuiltIn,
        file: file!().to_owned(),
        line: line!(),
        decision: Decision::Deny,
        text: "no rule allows it".to_owned(),
    }
}
