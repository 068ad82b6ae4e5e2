//! Tests of reading rules.

use super::*;
use crate::policy::{Action, Facts, Rules, decide};
use proptest::prelude::*;

fn read(text: &str) -> (Vec<Rule>, Vec<String>) {
    let (rules, problems) = rules(ConfigSource::User, text);
    (rules, problems.iter().map(ToString::to_string).collect())
}

/// What the rules say to a command on the host in the mode workspace-write.
fn on_host(text: &str, command: &str) -> Decision {
    let argv = command.split(' ').map(str::to_owned).collect();
    let action = Action::Run { argv, place: Place::Host, network: Vec::new() };
    decide(Mode::WorkspaceWrite, &Rules::new(read(text).0), &action, &Facts::user().of(&action)).decision
}

#[test]
fn each_part_of_a_rule_is_read() {
    let text = r#"
[[rule]]
name = "all"
decision = "ask"
action = ["run", "reach"]
place = "sandbox"
role = ["runner", "user"]
mode = ["workspace-write"]
command = ["cargo *", "make $"]
argv = ["cargo", "a b"]
workspace = "/home/**"
with = "--release"
program = "/usr/**"
path = "src/**"
host = ["*.crates.io"]
content = ["runs-later", "secret"]
files_over = 10
bytes_over = 0x10
reason = "why not"
"#;
    let (rules, problems) = read(text);
    assert_eq!(problems, [""; 0]);
    let Rule { name, layer, file, line, decision, names, reason, examples } = rules.into_iter().next().unwrap();
    assert_eq!((name.as_str(), layer, file.as_str(), line), ("all", Layer::User, "config.toml", 2));
    assert_eq!((decision, reason.as_str(), examples), (Decision::Ask, "why not", vec![]));
    let Names { kinds, places, roles, modes, commands, with, programs, paths, hosts, content, .. } = names.clone();
    let Names { files_over, bytes_over, argv, workspaces, .. } = names;
    assert_eq!((argv, workspaces.len()), (Some(vec!["cargo".to_owned(), "a b".to_owned()]), 1));
    assert_eq!((kinds, places), (vec![Kind::Run, Kind::Reach], vec![Place::Sandbox]));
    assert_eq!((roles, modes), (vec![Role::Runner, Role::User], vec![Mode::WorkspaceWrite]));
    assert_eq!([commands.len(), with.len(), programs.len(), paths.len(), hosts.len()], [2, 1, 1, 1, 1]);
    assert_eq!((content, files_over, bytes_over), (vec![Content::RunsLater, Content::Secret], Some(10), Some(16)));
}

#[test]
fn what_a_rule_names_says_of_which_actions_it_is_about() {
    let kinds = |names: &str| read(&format!("[[rule]]\ndecision = \"deny\"\n{names}\n")).0[0].names.kinds.clone();
    assert_eq!(kinds("command = \"ls\""), [Kind::Run]);
    assert_eq!(kinds("host = \"a.example\""), [Kind::Run, Kind::Reach, Kind::Send]);
    assert_eq!(kinds("path = \"a\""), [Kind::Apply, Kind::Read, Kind::Send]);
    assert_eq!(kinds("content = \"secret\""), [Kind::Apply, Kind::Send]);
    assert_eq!(kinds(""), []);
}

#[test]
fn a_rule_that_cannot_be_read_denies_what_it_names() {
    for (rule, why) in [
        ("decision = \"allow\"\ncommand = [\"ls\", 3]", "command holds something else than texts"),
        ("decision = \"allow\"\ncommand = \"ls\"\ncolour = 1", "colour is not known"),
        ("decision = \"maybe\"\ncommand = \"ls\"", "decision is \"maybe\", which is none of allow, ask, deny"),
        ("command = \"ls\"", "says nothing"),
        ("decision = \"allow\"\ncommand = \"ls\"\nplace = \"moon\"", "place is \"moon\""),
        ("decision = \"allow\"\ncommand = \"ls\"\nrole = []", "role is an empty list"),
        ("decision = \"allow\"\ncommand = \"ls\"\nfiles_over = -1", "files_over is no whole number"),
        ("decision = \"allow\"\ncommand = \"ls\"\nallows = [\"cat x\"]", "says nothing to it"),
        ("decision = \"allow\"\ncommand = \"ls\"\ndenies = [\"ls -l\"]", "but allows it"),
        ("decision = \"allow\"\ncommand = \"ls\"\npath = \"[\"", "is no pattern of paths"),
    ] {
        let (_, problems) = read(&format!("[[rule]]\nname = \"mine\"\n{rule}\n"));
        assert!(problems.len() == 1 && problems[0].contains(why), "{rule}: {problems:?}");
        assert!(problems[0].starts_with("config.toml:1: rule \"mine\" "), "{problems:?}");
        let text = format!("[[rule]]\ndecision = \"allow\"\ncommand = [\"ls\", \"pwd\"]\n[[rule]]\n{rule}\n");
        assert_eq!(on_host(&text, "ls"), Decision::Deny, "{rule}");
        assert_eq!(on_host(&text, "pwd"), Decision::Allow, "{rule}");
    }
    // What allows, and names nothing that could be read, allows nothing.
    let (rules, problems) = read("[[rule]]\ndecision = \"allow\"\ncomand = \"ls\"\n");
    assert!(rules.is_empty() && problems[0].ends_with("comand is not known; it allows nothing"), "{problems:?}");
    let (rules, _) = read("[[rule]]\ndecision = \"deny\"\ncomand = \"ls\"\n");
    assert_eq!((rules.len(), rules[0].decision), (1, Decision::Deny));
}

#[test]
fn what_is_no_list_of_rules_denies_everything() {
    for text in ["rule = 3", "[rule]\ndecision = \"allow\"\n"] {
        let allowed = format!("{text}\n");
        assert_eq!(on_host(&allowed, "ls"), Decision::Deny);
        let (rules, problems) = read(text);
        assert!(rules[0].names.is_empty() && problems[0].contains("[[rule]]"), "{problems:?}");
    }
    assert_eq!(read("[[rule]\n"), (vec![], vec![]), "the settings report it");
}

#[test]
fn a_workspace_only_narrows() {
    let text = "[[rule]]\ndecision = \"allow\"\ncommand = \"ls\"\n[[rule]]\ndecision = \"deny\"\ncommand = \"cat\"\n";
    let (kept, problems) = rules(ConfigSource::Workspace, text);
    assert_eq!(
        kept.iter().map(|rule| (rule.decision, rule.layer)).collect::<Vec<_>>(),
        [(Decision::Deny, Layer::Workspace)]
    );
    assert!(problems[0].text.contains("may only narrow"), "{problems:?}");
}

#[test]
fn examples_are_tried_on_the_rule_alone() {
    for rule in [
        "decision = \"deny\"\ncommand = \"git push\"\ndenies = [\"git -C x push\", \"sudo git push\"]\nallows = [\"git pull\"]",
        "decision = \"allow\"\nplace = \"host\"\ncommand = \"ls\"\nallows = [\"ls -l\", \"ls && ls\"]\ndenies = [\"ls; rm x\"]",
        "decision = \"ask\"\npath = \"docs/**\"\nasks = [\"docs/a/b\"]\nallows = [\"src/a\"]",
        "decision = \"allow\"\nhost = \"*.example.org\"\nallows = [\"a.example.org\"]\ndenies = [\"example.org\"]",
        "decision = \"deny\"\ncontent = \"secret\"\ndenies = [\"any/path\"]",
    ] {
        let (_, problems) = read(&format!("[[rule]]\n{rule}\n"));
        assert_eq!(problems, [""; 0], "{rule}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_workspace_allows(text in "(\\[\\[rule\\]\\]\n((name|decision|command|path|host|place|with|files_over|allows) = (\"(allow|deny|ask|ls|\\*|a\\.b|host)?\"|3|\\[\\]|\\[\"ls\", 1\\])\n){0,4}){0,3}") {
        let (kept, _) = rules(ConfigSource::Workspace, &text);
        prop_assert!(kept.iter().all(|rule| rule.decision != Decision::Allow));
    }
}
