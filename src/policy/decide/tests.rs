//! Tests of the built-in rules, and of how rules of several layers come together.

use super::*;
use crate::policy::{Asker, Containment, Dependency, Kind, Layer, Names, Powers, Role, SandboxLevel, Trust};
use crate::workspace::{ContentHash, RelativePath, RunsLater};

/// What the built-in rules say.
fn judged(mode: Mode, action: &Action, facts: &Facts) -> Verdict {
    decide(mode, &Rules::default(), action, &facts.clone().of(action))
}

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
            assert_eq!(judged(mode, &action, &Facts::user()).decision, wanted, "{mode} {action:?}");
        }
    }
}

#[test]
fn a_model_neither_sets_a_mode_nor_applies_unasked() {
    let facts = Facts { asker: Asker::Model, ..Facts::user() };
    let set = Action::SetMode { from: Mode::ReadOnly, to: Mode::ReadOnly };
    assert_eq!(judged(Mode::Unrestricted, &set, &facts).decision, Decision::Deny);
    assert_eq!(judged(Mode::Unrestricted, &apply(), &facts).decision, Decision::Ask);
}

#[test]
fn the_strictest_wins_and_every_match_is_told() {
    let later = (RelativePath::new(".envrc").unwrap(), RunsLater::Shell);
    let verdict = judged(Mode::WorkspaceWrite, &apply(), &Facts { runs_later: vec![later], ..Facts::user() });
    assert_eq!(verdict.decision, Decision::Ask);
    let rules: Vec<&str> = verdict.because.iter().map(|reason| reason.rule.as_str()).collect();
    assert_eq!(rules, ["runs-later-needs-consent", "user-accepts-change"]);
    assert!(verdict.explain().contains(".envrc runs later: a shell or tool loads it"), "{}", verdict.explain());
}

#[test]
fn settings_limit_the_mode_whoever_asks() {
    let facts = Facts { mode_limit: Mode::ReadOnly, ..Facts::user() };
    let set = |to| judged(Mode::ReadOnly, &Action::SetMode { from: Mode::ReadOnly, to }, &facts).decision;
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
        let judged = |allowed: &[&str]| judged(mode, &action(&hosts), &facts(allowed));
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
    assert_eq!(judged(Mode::Unrestricted, &action(&hosts), &missing).decision, Decision::Deny);
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
        assert_eq!(judged(mode, &run(Place::Sandbox), &facts).decision, Decision::Deny);
    }
}

#[test]
fn a_weaker_sandbox_is_told_and_a_demand_denies_what_is_below_it() {
    for (reached, least) in
        SandboxLevel::ALL.into_iter().flat_map(|reached| SandboxLevel::ALL.map(|least| (reached, least)))
    {
        let sandbox = Containment { level: Some(reached), missing: Some("no user namespaces".into()) };
        let facts = Facts { sandbox, least_level: least, ..Facts::user() };
        let verdict = judged(Mode::WorkspaceWrite, &run(Place::Sandbox), &facts);
        let wanted = if reached < least { Decision::Deny } else { Decision::Allow };
        assert_eq!(verdict.decision, wanted, "{reached} {least}");
        let rule = if reached < least { "weaker-sandbox-than-demanded" } else { "sandbox-contains-command" };
        assert_eq!(verdict.because.first().unwrap().rule, rule);
        assert!(verdict.explain().contains("no user namespaces"), "{}", verdict.explain());
    }
    let whole = judged(Mode::WorkspaceWrite, &run(Place::Sandbox), &Facts::user());
    assert!(!whole.explain().contains("contained at level"), "{}", whole.explain());
}

fn rule(layer: Layer, decision: Decision, command: &str) -> Rule {
    Rule {
        name: format!("{} {decision}s {command}", layer.name()),
        layer,
        file: "rules.toml".into(),
        line: 7,
        decision,
        names: Names { kinds: vec![Kind::Run], commands: vec![command.parse().unwrap()], ..Names::default() },
        reason: "because".into(),
        examples: Vec::new(),
    }
}

fn on(place: Place, mode: Mode, rules: &[Rule], text: &str) -> Verdict {
    let argv = ["bash", "-c", text].map(str::to_owned).to_vec();
    let action = Action::Run { argv, place, network: Vec::new() };
    decide(mode, &Rules::new(rules.to_vec()), &action, &Facts::user().of(&action))
}

#[test]
fn a_rule_of_the_user_or_the_machine_allows_on_the_host_and_none_of_the_workspace_does() {
    let said = |layer, mode| on(Place::Host, mode, &[rule(layer, Decision::Allow, "ls")], "ls -l").decision;
    for layer in [Layer::Machine, Layer::User] {
        let modes = Mode::ALL.map(|mode| said(layer, mode));
        assert_eq!(modes, [Decision::Deny, Decision::Allow, Decision::Allow], "{layer:?}");
    }
    assert_eq!(Mode::ALL.map(|mode| said(Layer::Workspace, mode)), [Decision::Deny, Decision::Deny, Decision::Ask]);
    let asks = on(Place::Host, Mode::WorkspaceWrite, &[rule(Layer::User, Decision::Ask, "ls")], "ls").decision;
    assert_eq!(asks, Decision::Deny, "a question opens nothing");
}

#[test]
fn all_of_a_command_line_has_to_be_allowed_and_any_of_it_stops_it() {
    let rules = [rule(Layer::User, Decision::Allow, "ls"), rule(Layer::Machine, Decision::Allow, "cat")];
    let said = |rules: &[Rule], text: &str| on(Place::Host, Mode::WorkspaceWrite, rules, text).decision;
    assert_eq!(said(&rules, "ls && cat a | cat"), Decision::Allow);
    assert_eq!(said(&rules, "ls; rm x"), Decision::Deny);
    let [one, other] = rules;
    for decision in [Decision::Ask, Decision::Deny] {
        let stopped = [one.clone(), other.clone(), rule(Layer::Workspace, decision, "cat")];
        assert_eq!(said(&stopped, "ls && cat a"), decision);
        assert_eq!(said(&stopped, "ls"), Decision::Allow);
    }
}

#[test]
fn a_denial_holds_inside_wrappers_and_in_the_sandbox() {
    let rules = [rule(Layer::Machine, Decision::Deny, "git push")];
    for text in ["git push", "env A=1 timeout 5 git push", "sh -c 'git push'", "ls; nice /usr/bin/git -C x push"] {
        let verdict = on(Place::Sandbox, Mode::WorkspaceWrite, &rules, text);
        assert_eq!(verdict.decision, Decision::Deny, "{text}");
        assert_eq!(verdict.because[0].file, "rules.toml");
        assert!(verdict.because.iter().any(|reason| reason.rule == "sandbox-contains-command"), "{verdict:?}");
    }
    let doubtful = on(Place::Sandbox, Mode::WorkspaceWrite, &rules, "$x push").decision;
    assert_eq!(doubtful, Decision::Ask, "it may be what is denied");
    assert_eq!(on(Place::Sandbox, Mode::WorkspaceWrite, &[], "$x push").decision, Decision::Allow);
}

#[test]
fn powers_and_trust_are_needed_whatever_the_rules_say() {
    let allow = Rules::new(vec![rule(Layer::User, Decision::Allow, "make")]);
    let said = |facts: Facts, action: Action| decide(Mode::Unrestricted, &allow, &action, &facts.of(&action)).decision;
    let scout = Facts { role: Role::Scout, powers: Role::Scout.powers(), ..Facts::user() };
    assert_eq!(said(scout, run(Place::Host)), Decision::Deny);
    let child = Powers::ALL.delegate(Role::Runner).delegate(Role::Reviewer);
    let reviewer = Facts { role: Role::Runner, powers: child, ..Facts::user() };
    assert_eq!(said(reviewer.clone(), run(Place::Host)), Decision::Deny);
    assert_eq!(said(reviewer, run(Place::Sandbox)), Decision::Allow);
    for trust in [Trust::Untrusted, Trust::Changed] {
        let facts = Facts { trust, ..Facts::user() };
        assert_eq!(said(facts.clone(), run(Place::Sandbox)), Decision::Deny);
        let set = |to| said(facts.clone(), Action::SetMode { from: Mode::ReadOnly, to });
        assert_eq!([set(Mode::ReadOnly), set(Mode::WorkspaceWrite)], [Decision::Allow, Decision::Deny]);
        assert_eq!(said(facts.clone(), Action::SetTrust { settings: None }), Decision::Allow);
    }
}

#[test]
fn hosts_are_known_by_the_settings_and_the_rules_together() {
    let host = |text: &str| text.parse::<HostRule>().unwrap();
    let names = Names { hosts: vec![host("b.example")], kinds: vec![Kind::Run, Kind::Reach], ..Names::default() };
    let rules = Rules::new(vec![Rule { names, ..rule(Layer::User, Decision::Allow, "x") }]);
    let said = |action: Action| {
        let facts = Facts { allowed_hosts: vec![host("a.example")], ..Facts::user() };
        decide(Mode::WorkspaceWrite, &rules, &action, &facts.of(&action)).decision
    };
    let run = |hosts: &[&str]| Action::Run {
        argv: vec!["make".into()],
        place: Place::Sandbox,
        network: hosts.iter().map(|one| host(one)).collect(),
    };
    assert_eq!(said(run(&["a.example", "b.example"])), Decision::Ask, "the rule is for b.example alone");
    assert_eq!([said(run(&["a.example"])), said(run(&["b.example"]))], [Decision::Allow, Decision::Allow]);
    assert_eq!(said(Action::Reach { host: host("b.example") }), Decision::Allow);
    assert_eq!(said(Action::Reach { host: host("c.example") }), Decision::Ask);
}

#[test]
fn what_is_shown_binds_mode_role_and_files() {
    let action = run(Place::Host);
    let facts = Facts::user();
    let shown = facts.shown(Mode::Unrestricted, &action);
    let depends = |content| vec![Dependency { path: "Makefile".into(), content }];
    let others = [
        facts.shown(Mode::WorkspaceWrite, &action),
        Facts { role: Role::Runner, ..Facts::user() }.shown(Mode::Unrestricted, &action),
        Facts { depends: depends(None), ..Facts::user() }.shown(Mode::Unrestricted, &action),
        Facts { depends: depends(Some(ContentHash::of(b""))), ..Facts::user() }.shown(Mode::Unrestricted, &action),
        facts.shown(Mode::Unrestricted, &run(Place::Sandbox)),
    ];
    assert!(others.iter().all(|other| *other != shown));
}

#[test]
fn a_command_that_is_allowed_word_by_word_was_seen_by_whoever_allowed_it() {
    let names = Names {
        kinds: vec![Kind::Run],
        argv: Some(["bash", "-c", "echo $HOME > x"].map(str::to_owned).to_vec()),
        workspaces: vec!["/work".parse().unwrap()],
        ..Names::default()
    };
    let rules = Rules::new(vec![Rule { names, ..rule(Layer::User, Decision::Allow, "x") }]);
    let said = |text: &str, workspace: &str| {
        let argv = ["bash", "-c", text].map(str::to_owned).to_vec();
        let action = Action::Run { argv, place: Place::Host, network: Vec::new() };
        let facts = Facts { workspace: Some(workspace.to_owned()), ..Facts::user() }.of(&action);
        decide(Mode::Unrestricted, &rules, &action, &facts).decision
    };
    assert_eq!(said("echo $HOME > x", "/work"), Decision::Allow);
    assert_eq!([said("echo $HOME > y", "/work"), said("echo $HOME > x", "/other")], [Decision::Ask, Decision::Ask]);
}

#[test]
fn the_hosts_of_a_rule_are_for_its_own_command_alone() {
    let names = Names {
        kinds: vec![Kind::Run],
        commands: vec!["curl".parse().unwrap()],
        hosts: vec!["a.example".parse().unwrap()],
        ..Names::default()
    };
    let rules = Rules::new(vec![Rule { names, ..rule(Layer::User, Decision::Allow, "x") }]);
    let said = |text: &str| {
        let argv = ["bash", "-c", text].map(str::to_owned).to_vec();
        let action = Action::Run { argv, place: Place::Sandbox, network: vec!["a.example".parse().unwrap()] };
        decide(Mode::WorkspaceWrite, &rules, &action, &Facts::user().of(&action)).decision
    };
    assert_eq!(said("curl x && curl y"), Decision::Allow);
    assert_eq!([said("curl -V; python3 x.py"), said("curl $X")], [Decision::Ask, Decision::Ask]);
}

#[test]
fn no_workspace_keeps_the_user_from_taking_back() {
    let names = Names::default();
    let rules = Rules::new(vec![Rule { names, ..rule(Layer::Workspace, Decision::Deny, "x") }]);
    let said = |action: Action| decide(Mode::WorkspaceWrite, &rules, &action, &Facts::user().of(&action)).decision;
    assert_eq!(said(Action::SetTrust { settings: None }), Decision::Allow);
    assert_eq!(said(Action::SetMode { from: Mode::WorkspaceWrite, to: Mode::ReadOnly }), Decision::Allow);
    assert_eq!(said(run(Place::Sandbox)), Decision::Deny);
}

#[test]
fn a_word_that_may_become_any_is_stopped_as_any() {
    let rules = [rule(Layer::User, Decision::Deny, "git push")];
    for text in ["git pus?", "echo push origin | xargs git", "find . -exec git {} \\;"] {
        assert_ne!(on(Place::Sandbox, Mode::WorkspaceWrite, &rules, text).decision, Decision::Allow, "{text}");
    }
    assert_eq!(on(Place::Sandbox, Mode::WorkspaceWrite, &rules, "git add src/*.rs").decision, Decision::Allow);
}
