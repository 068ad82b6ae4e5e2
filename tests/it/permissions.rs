//! What the modes, roles and rules come to: the table in the docs, and a whole day's work.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tagout::policy::{Action, Decision, Facts, HostRule, Kind, Mode, Names, Place, Role, Rule, Rules, Trust, decide};
use tagout::workspace::{ContentHash, RelativePath, RunsLater};

/// Set to write the page anew.
const UPDATE: &str = "TAGOUT_UPDATE_PAGES";

fn path(text: &str) -> RelativePath {
    RelativePath::new(text).unwrap()
}

fn host() -> HostRule {
    "host.example".parse().unwrap()
}

/// One action of each kind, with the facts that make a difference.
fn actions() -> Vec<(&'static str, Action, Facts)> {
    let content = ContentHash::of(b"");
    let run = |place, network| Action::Run { argv: vec!["make".into()], place, network };
    let apply = || Action::Apply { content, paths: vec![path("a")] };
    let runs_later = vec![(path(".envrc"), RunsLater::Shell)];
    let secrets = vec![path("a")];
    let untrusted = Facts { trust: Trust::Untrusted, ..Facts::user() };
    vec![
        ("run a command in the sandbox", run(Place::Sandbox, vec![]), Facts::user()),
        ("… with network to a host that no setting names", run(Place::Sandbox, vec![host()]), Facts::user()),
        ("… in a workspace that is not trusted", run(Place::Sandbox, vec![]), untrusted.clone()),
        ("run a command on the host", run(Place::Host, vec![]), Facts::user()),
        ("write accepted changes", apply(), Facts::user()),
        ("… to a file that something runs later", apply(), Facts { runs_later, ..Facts::user() }),
        ("… with something that looks like a secret", apply(), Facts { secrets, ..Facts::user() }),
        ("read outside the workspace", Action::Read { paths: vec!["/etc/hosts".into()] }, Facts::user()),
        ("reach a host that no setting names", Action::Reach { host: host() }, Facts::user()),
        ("send code to a model", Action::Send { host: host(), content, paths: vec![path("a")] }, Facts::user()),
        ("raise the mode", Action::SetMode { from: Mode::ReadOnly, to: Mode::Unrestricted }, Facts::user()),
        (
            "… of a workspace that is not trusted",
            Action::SetMode { from: Mode::ReadOnly, to: Mode::Unrestricted },
            untrusted,
        ),
        ("change the rules", Action::SetRules { to: content, change: String::new() }, Facts::user()),
        ("trust a workspace", Action::SetTrust { settings: Some(content) }, Facts::user()),
    ]
}

fn page() -> String {
    let mut page = "<!-- Written by tests/it/permissions.rs from the rules themselves: \
                    TAGOUT_UPDATE_PAGES=1 ./test it permissions -->\n\
                    # Who may do what\n\n\
                    What the built-in rules say where no rule of yours speaks, by mode, role and action. A role acts on a \
                    person's behalf: what the person may not do, no role may.\n"
        .to_owned();
    for mode in Mode::ALL {
        page.push_str(&format!("\n## {mode}\n\n| action |"));
        Role::ALL.iter().for_each(|role| page.push_str(&format!(" {role} |")));
        page.push_str("\n|---|---|---|---|---|---|\n");
        for (name, action, facts) in actions() {
            page.push_str(&format!("| {name} |"));
            for role in Role::ALL {
                let facts = Facts { role, powers: role.powers(), ..facts.clone() }.of(&action);
                page.push_str(&format!(" {} |", decide(mode, &Rules::default(), &action, &facts).decision));
            }
            page.push('\n');
        }
    }
    page
}

#[test]
fn the_page_of_permissions_is_what_the_rules_say() {
    let kinds: BTreeSet<Kind> = actions().iter().map(|(_, action, _)| action.kind()).collect();
    assert_eq!(kinds.len(), Kind::ALL.len(), "the table names every kind of action");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/permissions.md is not what the rules say: write it anew with {UPDATE}=1");
}

/// A developer's day: what it asks when each question is answered for good.
#[test]
fn a_days_work_is_hardly_asked_about() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/benign-day.txt")).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(commands.len(), 200);
    let (mut rules, mut asked): (Vec<Rule>, Vec<&str>) = (Vec::new(), Vec::new());
    for line in commands {
        let (needs, command) = match line.split_once(" | ") {
            Some((needs, command)) if needs == "host" || needs.starts_with("net ") => (needs, command),
            _ => ("", line),
        };
        let hosts = needs.strip_prefix("net ").unwrap_or_default().split(',').filter(|host| !host.is_empty());
        let network: Vec<HostRule> = hosts.map(|host| host.parse().unwrap()).collect();
        let (place, mode) =
            if needs == "host" { (Place::Host, Mode::Unrestricted) } else { (Place::Sandbox, Mode::WorkspaceWrite) };
        let argv = vec!["bash".to_owned(), "-c".to_owned(), command.to_owned()];
        let action = Action::Run { argv: argv.clone(), place, network: network.clone() };
        let verdict = decide(mode, &Rules::new(rules.clone()), &action, &Facts::user().of(&action));
        match verdict.decision {
            Decision::Allow => continue,
            Decision::Ask => asked.push(line),
            Decision::Deny => panic!("{line}: {}", verdict.explain()),
        }
        let names =
            Names { kinds: vec![Kind::Run], places: vec![place], argv: Some(argv), hosts: network, ..Names::default() };
        rules.push(Rule {
            name: "answered".into(),
            layer: tagout::policy::Layer::User,
            file: "approved.toml".into(),
            line: 1,
            decision: Decision::Allow,
            names,
            reason: String::new(),
            examples: Vec::new(),
        });
    }
    assert!(asked.len() < 5, "{} questions: {asked:#?}", asked.len());
    assert!(!asked.is_empty(), "a policy that never asks is none");
}
