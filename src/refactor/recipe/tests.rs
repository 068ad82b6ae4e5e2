//! Recipes as people write them, and what is wrong with those that cannot be used.

use super::super::{Action, Catalogue};
use super::*;
use crate::syntax::Language;
use crate::text::apply_edits;
use crate::workspace::RelativePath;

const WHOLE: &str = r#"name: expect-instead
title: Say why unwrap holds
description: Replaces unwrap() by expect().
parameters:
  - name: reason
    default: checked above
    pattern: "[a-z ]{1,60}"
steps:
  - rewrite: {language: rust, pattern: $A.unwrap(), replacement: '$A.expect("{{reason}}")', paths: ["src/**"]}
  - rules:
      inline:
        - {id: a, language: rust, rule: {pattern: "foo($$$A)"}, fix: "bar($$$A)"}
        - {id: b, language: rust, rule: {pattern: baz, regex: "{{reason}}|baz"}, fix: qux}
  - regex: {find: 'v(\d+)', replace: 'version $1', paths: ["*.md"]}
  - command: {argv: [cargo, fmt, "--message={{reason}}"], network: [crates.io]}
  - check: detected
  - check: {argv: [cargo, test]}
"#;

fn read(text: &str) -> Result<Recipe, RecipeProblem> {
    Recipe::read("stem", text.as_bytes())
}

fn plan(recipe: Recipe, given: &[(&str, &str)]) -> Result<Vec<Action>, RecipeProblem> {
    let name = recipe.name().to_owned();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Catalogue::new([("a.yml".to_owned(), recipe)])?.plan(&name, &given, &|_, _| None)
}

fn rewritten(action: &Action, path: &str, text: &str) -> String {
    let Action::Rewrite(rewriter) = action else { return "no rewrite".to_owned() };
    let path = RelativePath::new(path).unwrap();
    let language = Language::detect(&path, "");
    if !rewriter.takes(&path, language) {
        return text.to_owned();
    }
    apply_edits(text, &rewriter.edits(&path, language, text.as_bytes(), &|| false).unwrap()).unwrap()
}

#[test]
fn a_whole_recipe_becomes_its_actions() {
    let recipe = read(WHOLE).unwrap();
    assert_eq!((recipe.name(), recipe.title()), ("expect-instead", "Say why unwrap holds"));
    let actions = plan(recipe, &[("reason", "it is there")]).unwrap();
    let [structural, rules, regex, command, found, check] = actions.as_slice() else { panic!("{actions:?}") };
    let before = "fn f() { x.unwrap(); foo(1); baz; }";
    assert_eq!(rewritten(structural, "src/a.rs", before), before.replace("unwrap()", "expect(\"it is there\")"));
    assert_eq!(rewritten(structural, "tests/a.rs", before), before);
    assert_eq!(rewritten(rules, "a.rs", before), "fn f() { x.unwrap(); bar(1); qux; }");
    assert_eq!(rewritten(regex, "a.md", "v2"), "version 2");
    let Action::Command { argv, network } = command else { panic!("{command:?}") };
    assert_eq!(argv.last().unwrap(), "--message=it is there");
    assert_eq!(*network, Network::Hosts(vec!["crates.io".to_owned()]));
    assert!(matches!(found, Action::Check { argv: None, .. }));
    assert!(matches!(check, Action::Check { argv: Some(_), network: Network::None }));
}

#[test]
fn a_rule_file_is_a_recipe() {
    let rules = "id: a\nmessage: Use bar\nlanguage: rust\nrule: {pattern: foo()}\nfix: bar()\n---\nid: b\nlanguage: python\nrule: {pattern: foo()}\nfix: bar()\n";
    let recipe = read(rules).unwrap();
    assert_eq!((recipe.name(), recipe.title()), ("stem", "Use bar"));
    let actions = plan(recipe, &[]).unwrap();
    assert_eq!(rewritten(actions.first().unwrap(), "a.py", "foo()\n"), "bar()\n");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_the_next_step() {
    let step = |step: &str| format!("name: a\nsteps:\n  - {step}\n");
    let cases: &[(String, Option<usize>, &str)] = &[
        (String::new(), Some(1), "empty"),
        ("name: a\nsteps: []\n".to_owned(), Some(1), "1 to 100 steps"),
        ("name: a\ncolour: red\nsteps: []\n".to_owned(), Some(2), "colour"),
        ("name: A b\nsteps:\n  - check: detected\n".to_owned(), Some(1), "lower-case"),
        (step("check: detected\n---\nname: b"), Some(5), "file of its own"),
        (step("dance: 1"), Some(3), "dance"),
        (step("check: maybe"), Some(3), "detected"),
        (step("rewrite: {language: klingon, pattern: a, replacement: b}"), Some(3), "use one of"),
        (step("rewrite: {language: rust, pattern: 'a +', replacement: b}"), Some(3), "not rust code"),
        (step("rewrite: {language: rust, pattern: $A, replacement: $B}"), Some(3), "add it to the pattern"),
        (step("rewrite: {language: rust, pattern: a, replacement: b, paths: [../x]}"), Some(3), "leads out"),
        (step("regex: {find: '(', replace: b}"), Some(3), "correct it"),
        (step("rules: {file: ../../etc/passwd}"), Some(3), "plain name"),
        (step("rules: {inline: {id: r, language: rust, rule: {kind: nothing}, fix: a}}"), Some(3), "\"r\""),
        (step("rules: {inline: {id: r, language: rust, rule: {pattern: a}}}"), Some(3), "`fix`"),
        (step("command: {argv: []}"), Some(3), "argv"),
        (step("command: {argv: [a], network: ['http://x/']}"), Some(3), "host"),
        (step("command: {argv: [a], shell: true}"), Some(3), "shell"),
        ("name: a\nparameters:\n  - name: x\n  - name: x\nsteps:\n  - check: detected\n".to_owned(), Some(4), "twice"),
        ("name: a\nname: b\n".to_owned(), Some(2), "name"),
        (
            "name: a\nparameters:\n  - {name: x, default: B, pattern: '[a-z]'}\nsteps: [{check: detected}]\n"
                .to_owned(),
            Some(3),
            "does not match",
        ),
    ];
    for (text, line, words) in cases {
        let problem = read(text).expect_err(text);
        assert!(problem.to_string().contains(words), "{text:?}: {problem}");
        assert_eq!(problem.line(), *line, "{text:?}: {problem}");
    }
    assert!(Recipe::read("a", b"name: \xff").unwrap_err().to_string().contains("UTF-8"));
    assert!(Recipe::read("a", &vec![b' '; 1 << 21]).unwrap_err().to_string().contains("1 MiB"));
}

fn using(name: &str, uses: &[&str]) -> (String, Recipe) {
    let steps: String = uses.iter().map(|used| format!("  - uses: {used}\n")).collect();
    let steps = if steps.is_empty() { "  - check: detected\n".to_owned() } else { steps };
    (format!("{name}.yml"), read(&format!("name: {name}\nsteps:\n{steps}")).unwrap())
}

#[test]
fn chains_end_and_names_mean_one_thing() {
    let told = |recipes: Vec<(String, Recipe)>| Catalogue::new(recipes).unwrap_err().to_string();
    assert!(told(vec![using("a", &["b"]), using("b", &["a"])]).contains("a uses b uses a"));
    assert!(told(vec![using("a", &["a"])]).contains("a uses a"));
    assert!(told(vec![using("a", &["c"])]).contains("no recipe \"c\""));
    assert!(told(vec![using("a", &[]), using("a", &[])]).contains("rename one"));
    let catalogue = Catalogue::new([using("a", &["b", "b"]), using("b", &["c", "c"]), using("c", &[])]).unwrap();
    assert_eq!(catalogue.plan("a", &BTreeMap::new(), &|_, _| None).unwrap().len(), 4);
}

#[test]
fn chains_cannot_unfold_to_any_number() {
    let names: Vec<String> = (0..12).map(|number| format!("r{number}")).collect();
    let mut all = vec![using("end", &[])];
    for (number, name) in names.iter().enumerate() {
        let next = names.get(number + 1).map_or("end", String::as_str);
        all.push(using(name, &[next; 10]));
    }
    // There are 10 to the 12 ways through them.
    let told = Catalogue::new(all).and_then(|all| all.plan("r0", &BTreeMap::new(), &|_, _| None).map(drop));
    assert!(told.unwrap_err().to_string().contains("chain fewer"));
}

#[test]
fn values_are_checked_and_handed_on() {
    let inner =
        "name: inner\nparameters: [{name: x, pattern: '[a-z]+'}]\nsteps:\n  - command: {argv: [echo, '{{x}}']}\n";
    let outer = "name: outer\nparameters: [{name: y}]\nsteps:\n  - uses: {recipe: inner, with: {x: 'a{{y}}'}}\n";
    let all = [("i".to_owned(), read(inner).unwrap()), ("o".to_owned(), read(outer).unwrap())];
    let all = Catalogue::new(all).unwrap();
    let run = |value: &str| all.plan("outer", &BTreeMap::from([("y".to_owned(), value.to_owned())]), &|_, _| None);
    let actions = run("b").unwrap();
    assert!(matches!(actions.first(), Some(Action::Command { argv, .. }) if argv.last().unwrap() == "ab"));
    assert!(run("; rm").unwrap_err().to_string().contains("does not match"));
    assert!(all.plan("outer", &BTreeMap::new(), &|_, _| None).unwrap_err().to_string().contains("no value"));
    let unknown = BTreeMap::from([("z".to_owned(), String::new())]);
    assert!(all.plan("outer", &unknown, &|_, _| None).unwrap_err().to_string().contains("the parameters are y"));
}
