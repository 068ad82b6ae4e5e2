//! From mode, action and facts to a verdict, by the built-in rules.

use serde::{Deserialize, Serialize};

use super::action::show_hosts;
use super::{Action, Asker, Facts, HostRule, Mode, Place, SandboxLevel};

/// The outcome, from mildest to strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Decision {
    /// May happen.
    Allow,
    /// May happen once the user has approved exactly this.
    Ask,
    /// May not happen.
    Deny,
}

impl Decision {
    /// The name people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Name of the rule.
    pub rule: String,
    /// File the rule stands in.
    pub file: String,
    /// Line it stands at, from 1.
    pub line: u32,
    /// What the rule says.
    pub decision: Decision,
    /// Why, and what to do next.
    pub text: String,
}

/// A decision and every rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What won.
    pub decision: Decision,
    /// The rules that matched; the first is the one that won.
    pub because: Vec<Reason>,
}

impl Verdict {
    /// One line for people: the decision, the rule that won and its text.
    #[must_use]
    pub fn explain(&self) -> String {
        self.because.first().map_or_else(
            || self.decision.name().to_owned(),
            |won| format!("{} by {} ({}:{}): {}", self.decision.name(), won.rule, won.file, won.line, won.text),
        )
    }
}

struct Rule {
    name: &'static str,
    line: u32,
    matches: fn(Mode, &Action, &Facts) -> bool,
    decision: Decision,
    text: fn(&Action, &Facts) -> String,
}

macro_rules! rule {
    ($name:literal, $decision:ident, $matches:expr, of both $text:expr) => {
        Rule { name: $name, line: line!(), matches: $matches, decision: Decision::$decision, text: $text }
    };
    ($name:literal, $decision:ident, $matches:expr, $text:expr) => {
        rule!($name, $decision, $matches, of both |_, facts| {
            let text: fn(&Facts) -> String = $text;
            text(facts)
        })
    };
}

/// Every built-in rule; where several match, the strictest wins, and what none matches is denied.
const RULES: &[Rule] = &[
    rule!(
        "model-never-raises-mode",
        Deny,
        |_, action, facts| matches!(action, Action::SetMode { .. }) && facts.asker != Asker::User,
        |_| "only the user changes a mode".into()
    ),
    rule!(
        "settings-limit-mode",
        Deny,
        |_, action, facts| matches!(action, Action::SetMode { to, .. } if *to > facts.mode_limit),
        |facts| format!("the settings allow {} at most: raise max_mode where they lower it", facts.mode_limit)
    ),
    rule!(
        "user-sets-mode",
        Allow,
        |_, action, facts| matches!(action, Action::SetMode { .. }) && facts.asker == Asker::User,
        |_| "the user asked for it".into()
    ),
    rule!(
        "read-only-writes-nothing",
        Deny,
        |mode, action, _| matches!(action, Action::Apply { .. }) && mode == Mode::ReadOnly,
        |_| "the workspace is read-only: switch it to workspace-write first".into()
    ),
    rule!(
        "model-changes-need-a-person",
        Ask,
        |_, action, facts| matches!(action, Action::Apply { .. }) && facts.asker == Asker::Model,
        |_| "a person accepts what a model proposes".into()
    ),
    rule!(
        "runs-later-needs-consent",
        Ask,
        |mode, action, facts| matches!(action, Action::Apply { .. })
            && mode != Mode::ReadOnly
            && !facts.runs_later.is_empty(),
        |facts| {
            let named = facts.runs_later.iter().map(|(path, who)| format!("{path} runs later: {}", who.describe()));
            named.collect::<Vec<_>>().join(", ")
        }
    ),
    rule!(
        "user-accepts-change",
        Allow,
        |mode, action, facts| matches!(action, Action::Apply { .. })
            && mode != Mode::ReadOnly
            && facts.asker == Asker::User,
        |_| "the user accepted it".into()
    ),
    rule!(
        "no-sandbox-no-command",
        Deny,
        |_, action, facts| is_run(action, Place::Sandbox) && facts.sandbox.level.is_none(),
        |facts| format!("the sandbox cannot be built: {}", missing(facts))
    ),
    rule!(
        "weaker-sandbox-than-demanded",
        Deny,
        |_, action, facts| is_run(action, Place::Sandbox)
            && facts.sandbox.level.is_some_and(|level| level < facts.least_level),
        |facts| format!(
            "the settings demand a sandbox of level {}, and this machine reaches {} only: {}; `tagout doctor` says \
             what adds the rest",
            facts.least_level,
            facts.sandbox.level.map_or("none", SandboxLevel::name),
            missing(facts)
        )
    ),
    rule!(
        "sandbox-contains-command",
        Allow,
        |_, action, facts| is_run(action, Place::Sandbox)
            && facts.sandbox.level.is_some_and(|level| level >= facts.least_level),
        |facts| match facts.sandbox.warning() {
            None => "the sandbox contains it, and what it writes becomes a diff".into(),
            Some(warning) => format!("what it writes becomes a diff; {warning}"),
        }
    ),
    // Reading the world writes nothing, so that the mode does not matter; what is sent there does not come back.
    rule!(
        "network-needs-consent",
        Ask,
        |_, action, facts| !hosts_to_ask_for(action, facts).is_empty(),
        of both |action, facts| {
            let hosts = show_hosts(hosts_to_ask_for(action, facts));
            format!("it may send what it reads to {hosts}: name it in allow_hosts under [run] to be asked no more")
        }
    ),
    rule!(
        "host-only-when-unrestricted",
        Deny,
        |mode, action, _| is_run(action, Place::Host) && mode != Mode::Unrestricted,
        |_| "commands run on the host in unrestricted mode only: run it in the sandbox, or switch the mode".into()
    ),
    rule!(
        "host-command-needs-consent",
        Ask,
        |mode, action, _| is_run(action, Place::Host) && mode == Mode::Unrestricted,
        |_| "nothing contains a command on the host".into()
    ),
];

fn missing(facts: &Facts) -> &str {
    facts.sandbox.missing.as_deref().unwrap_or("unknown reason")
}

/// Hosts of a sandboxed command that the settings do not let it reach unasked.
fn hosts_to_ask_for<'a>(action: &'a Action, facts: &Facts) -> Vec<&'a HostRule> {
    match action {
        Action::Run { place: Place::Sandbox, network, .. } => {
            network.iter().filter(|host| !host.is_covered_by(&facts.allowed_hosts)).collect()
        }
        Action::Run { place: Place::Host, .. } | Action::Apply { .. } | Action::SetMode { .. } => Vec::new(),
    }
}

fn is_run(action: &Action, wanted: Place) -> bool {
    matches!(action, Action::Run { place, .. } if *place == wanted)
}

/// Judges `action`. Total: what no rule allows is denied.
#[must_use]
pub fn decide(mode: Mode, action: &Action, facts: &Facts) -> Verdict {
    let mut because: Vec<Reason> = RULES
        .iter()
        .filter(|rule| (rule.matches)(mode, action, facts))
        .map(|rule| Reason {
            rule: rule.name.to_owned(),
            file: file!().to_owned(),
            line: rule.line,
            decision: rule.decision,
            text: (rule.text)(action, facts),
        })
        .collect();
    because.sort_by_key(|reason| std::cmp::Reverse(reason.decision));
    if because.is_empty() {
        because.push(Reason {
            rule: "nothing-unknown-happens".to_owned(),
            file: file!().to_owned(),
            line: line!(),
            decision: Decision::Deny,
            text: "no rule allows it".to_owned(),
        });
    }
    let decision = because.first().map_or(Decision::Deny, |reason| reason.decision);
    Verdict { decision, because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Containment;
    use crate::workspace::{ContentHash, RelativePath, RunsLater};

    fn run(place: Place) -> Action {
        Action::Run { argv: vec!["make".into()], place, network: Vec::new() }
    }

    fn apply() -> Action {
        Action::Apply { content: ContentHash::of(b""), paths: vec![] }
    }

    #[test]
    fn the_permission_matrix() {
        use Decision::{Allow, Ask, Deny};
        let table = [
            (run(Place::Sandbox), [Allow, Allow, Allow]),
            (run(Place::Host), [Deny, Deny, Ask]),
            (apply(), [Deny, Allow, Allow]),
            (Action::SetMode { from: Mode::ReadOnly, to: Mode::Unrestricted }, [Allow, Allow, Allow]),
        ];
        for (action, wanted) in table {
            for (mode, wanted) in Mode::ALL.into_iter().zip(wanted) {
                assert_eq!(decide(mode, &action, &Facts::user()).decision, wanted, "{mode} {action:?}");
            }
        }
    }

    #[test]
    fn a_model_neither_sets_a_mode_nor_applies_unasked() {
        let facts = Facts { asker: Asker::Model, ..Facts::user() };
        let set = Action::SetMode { from: Mode::ReadOnly, to: Mode::ReadOnly };
        assert_eq!(decide(Mode::Unrestricted, &set, &facts).decision, Decision::Deny);
        assert_eq!(decide(Mode::Unrestricted, &apply(), &facts).decision, Decision::Ask);
    }

    #[test]
    fn the_strictest_wins_and_every_match_is_told() {
        let later = (RelativePath::new(".envrc").unwrap(), RunsLater::Shell);
        let verdict = decide(Mode::WorkspaceWrite, &apply(), &Facts { runs_later: vec![later], ..Facts::user() });
        assert_eq!(verdict.decision, Decision::Ask);
        let rules: Vec<&str> = verdict.because.iter().map(|reason| reason.rule.as_str()).collect();
        assert_eq!(rules, ["runs-later-needs-consent", "user-accepts-change"]);
        assert!(verdict.explain().contains(".envrc runs later: a shell or tool loads it"), "{}", verdict.explain());
    }

    #[test]
    fn settings_limit_the_mode_whoever_asks() {
        let facts = Facts { mode_limit: Mode::ReadOnly, ..Facts::user() };
        let set = |to| decide(Mode::ReadOnly, &Action::SetMode { from: Mode::ReadOnly, to }, &facts).decision;
        assert_eq!([set(Mode::ReadOnly), set(Mode::WorkspaceWrite)], [Decision::Allow, Decision::Deny]);
    }

    #[test]
    fn hosts_are_asked_for_unless_the_settings_name_them_all() {
        let rules = |texts: &[&str]| -> Vec<HostRule> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let action =
            |hosts: &[&str]| Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: rules(hosts) };
        let facts = |allowed: &[&str]| Facts { allowed_hosts: rules(allowed), ..Facts::user() };
        let hosts = ["crates.io", "index.crates.io:443"];
        for mode in Mode::ALL {
            let judged = |allowed: &[&str]| decide(mode, &action(&hosts), &facts(allowed));
            assert_eq!(judged(&["*.crates.io", "crates.io"]).decision, Decision::Allow, "{mode}");
            assert_eq!(judged(&[]).decision, Decision::Ask, "{mode}");
            let some = judged(&["*.crates.io", "crates.io:443"]);
            assert_eq!(some.decision, Decision::Ask, "{mode}");
            let told = some.explain();
            assert!(told.contains("network-needs-consent") && told.contains("to crates.io: name it"), "{told}");
        }
        let described = action(&hosts).describe();
        assert_eq!(described, "run make in the sandbox, with network to crates.io, index.crates.io:443");
        assert_ne!(action(&["crates.io"]).hash(), action(&["crates.io:443"]).hash(), "approved is what was shown");
        let sandbox = Containment { level: None, missing: None };
        let missing = Facts { sandbox, ..facts(&[]) };
        assert_eq!(decide(Mode::Unrestricted, &action(&hosts), &missing).decision, Decision::Deny);
    }

    #[test]
    fn a_record_of_before_there_was_network_is_read() {
        let old = r#"{"Run":{"argv":["make"],"place":"Sandbox"}}"#;
        assert_eq!(serde_json::from_str::<Action>(old).unwrap(), run(Place::Sandbox));
    }

    #[test]
    fn without_a_sandbox_nothing_runs() {
        let sandbox = Containment { level: None, missing: Some("user namespaces are off".into()) };
        let facts = Facts { sandbox, ..Facts::user() };
        for mode in Mode::ALL {
            assert_eq!(decide(mode, &run(Place::Sandbox), &facts).decision, Decision::Deny);
        }
    }

    #[test]
    fn a_weaker_sandbox_is_told_and_a_demand_denies_what_is_below_it() {
        for (reached, least) in
            SandboxLevel::ALL.into_iter().flat_map(|reached| SandboxLevel::ALL.map(|least| (reached, least)))
        {
            let sandbox = Containment { level: Some(reached), missing: Some("no user namespaces".into()) };
            let facts = Facts { sandbox, least_level: least, ..Facts::user() };
            let verdict = decide(Mode::WorkspaceWrite, &run(Place::Sandbox), &facts);
            let wanted = if reached < least { Decision::Deny } else { Decision::Allow };
            assert_eq!(verdict.decision, wanted, "{reached} {least}");
            let rule = if reached < least { "weaker-sandbox-than-demanded" } else { "sandbox-contains-command" };
            assert_eq!(verdict.because.first().unwrap().rule, rule);
            assert!(verdict.explain().contains("no user namespaces"), "{}", verdict.explain());
        }
        let whole = decide(Mode::WorkspaceWrite, &run(Place::Sandbox), &Facts::user());
        assert!(!whole.explain().contains("contained at level"), "{}", whole.explain());
    }
}
