//! Recipes through the real binary: where they are read, what their steps do, one over the other.

use crate::place::{Place, notes, says, tagout};
use crate::sandbox::bench;
use crate::session::Desk;

fn user_recipe(place: &Place, name: &str, text: &str) {
    let folder = place.home().join(".config/tagout/recipes");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

fn read(place: &Place, path: &str) -> String {
    std::fs::read_to_string(place.work().join(path)).unwrap()
}

const STEPS: &str =
    "name: steps\ntitle: All of it\nparameters: [{name: to, default: second, pattern: '[a-z]+'}]\nsteps:
- rewrite: {language: rust, pattern: 'first($A)', replacement: '{{to}}($A)'}
- rules: {file: more.yml}
- regex: {find: 'third', replace: 'fourth'}
";
const MORE: &str = "id: more\nlanguage: rust\nrule: {pattern: second($A)}\nfix: third($A)\n";

#[test]
fn steps_go_one_over_the_other_and_the_same_on_any_number_of_threads() {
    let place = Place::new();
    user_recipe(&place, "steps.yml", STEPS);
    user_recipe(&place, "more.yml", MORE);
    for number in 0..300 {
        place.write(&format!("src/{number}.rs"), format!("fn f() {{ first({number}); }}\n"));
    }
    place.write("notes.md", "the third\n");
    let diffs: Vec<String> =
        ["1", "2", "8"].iter().map(|threads| says(&place, &["recipe", "run", "steps", "--threads", threads])).collect();
    assert!(diffs[0].contains("-fn f() { first(7); }\n+fn f() { fourth(7); }\n") && diffs[0].contains("+the fourth\n"));
    assert!(diffs.iter().all(|diff| *diff == diffs[0]));
    let set = says(&place, &["recipe", "run", "steps", "--set", "to=other", "--path", "src/1?.rs"]);
    assert_eq!((set.matches("+fn f() { other(").count(), set.matches("diff --git").count()), (10, 10));
    let wrong = tagout(&place, &["recipe", "run", "steps", "--set", "to=X1"]);
    assert!(wrong.status.code() == Some(2) && notes(&wrong).contains("does not match"), "{}", notes(&wrong));
}

#[test]
fn those_of_a_workspace_are_read_once_it_is_trusted_with_them_and_hide_none_of_the_users() {
    let place = Place::new();
    place.write("a.txt", "one\n");
    place.write(".tagout/recipes/own.yml", "name: own\nsteps: [{regex: {find: one, replace: two}}]\n");
    place.write(".tagout/recipes/mine.yml", "name: mine\nsteps: [{regex: {find: one, replace: evil}}]\n");
    place.write(".tagout/recipes/broken.yml", "name: broken\nsteps: [{uses: nobody}]\n");
    user_recipe(&place, "mine.yml", "name: mine\nsteps: [{regex: {find: one, replace: mine}}]\n");
    let listed = tagout(&place, &["recipe", "list"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.contains("mine") && !text.contains("own"), "{text}");
    assert!(notes(&listed).contains("3 recipes are not used, as the workspace is not trusted"), "{}", notes(&listed));
    assert_eq!(tagout(&place, &["recipe", "run", "own"]).status.code(), Some(2));
    place.trust();
    let listed = tagout(&place, &["recipe", "list"]);
    assert!(
        notes(&listed).contains("mine.yml: it is not used, as there is a recipe \"mine\" in"),
        "{}",
        notes(&listed)
    );
    assert!(notes(&listed).contains("there is no recipe \"nobody\""), "{}", notes(&listed));
    assert!(says(&place, &["recipe", "run", "own"]).contains("+two\n"));
    assert!(says(&place, &["recipe", "run", "mine"]).contains("+mine\n"));
    place.write(".tagout/recipes/own.yml", "name: own\nsteps: [{regex: {find: one, replace: three}}]\n");
    assert_eq!(tagout(&place, &["recipe", "run", "own"]).status.code(), Some(2), "it is another one now");
}

#[test]
fn a_command_sees_what_the_steps_before_it_left_and_a_check_stops_what_comes_after() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    place.write("a.txt", "one\n");
    let command = "name: command\nsteps:\n- regex: {find: one, replace: two}\n- command: {argv: [sh, -c, 'sed -i s/two/three/ a.txt; echo new > b.txt']}\n- command: {argv: [sh, -c, 'cat b.txt >> a.txt']}\n- regex: {find: three, replace: four}\n";
    user_recipe(&place, "command.yml", command);
    let check = "name: check\nsteps:\n- regex: {find: one, replace: two}\n- check: {argv: [sh, -c, 'cat a.txt; exit 1']}\n- regex: {find: two, replace: three}\n";
    user_recipe(&place, "check.yml", check);
    says(&place, &["mode", "workspace-write"]);
    let checked = tagout(&place, &["recipe", "run", "check", "--apply"]);
    assert_eq!(checked.status.code(), Some(1), "{}", notes(&checked));
    assert!(
        notes(&checked).contains("failed: exit code 1: two (fails without it as well)")
            && read(&place, "a.txt") == "one\n",
        "{}",
        notes(&checked)
    );
    assert!(String::from_utf8_lossy(&checked.stdout).contains("+two\n"));
    says(&place, &["recipe", "run", "command", "--apply"]);
    assert_eq!((read(&place, "a.txt").as_str(), read(&place, "b.txt").as_str()), ("four\nnew\n", "new\n"));
    says(&place, &["undo"]);
    assert!(read(&place, "a.txt") == "one\n" && !place.work().join("b.txt").exists());
    let waiting = says(&place, &["changes"]);
    assert_eq!(waiting.lines().count(), 1, "only the proposal of the check waits: {waiting}");
}

#[test]
fn rule_files_and_expressions_need_no_recipe_and_what_breaks_a_file_is_said() {
    let place = Place::new();
    place.write("a.rs", "fn f() { second(1); }\n");
    place.write("rules/more.yml", MORE);
    assert!(says(&place, &["rewrite", "--rule", "rules/more.yml"]).contains("+fn f() { third(1); }\n"));
    assert!(says(&place, &["rewrite", "--regex", "(s)econd", "--to", "${1}ixth"]).contains("+fn f() { sixth(1); }\n"));
    says(&place, &["mode", "workspace-write"]);
    let breaks = tagout(&place, &["rewrite", "--regex", r"\}", "--to", "", "--path", "*.rs", "--apply"]);
    assert_eq!(breaks.status.code(), Some(1));
    assert!(notes(&breaks).contains("a.rs:1: does not parse any more"), "{}", notes(&breaks));
    assert_eq!(read(&place, "a.rs"), "fn f() { second(1); }\n");
    let dry = tagout(&place, &["rewrite", "--regex", "second", "--to", "x", "--dry-run"]);
    let before = says(&place, &["changes"]);
    assert!(dry.status.success() && !before.contains("replace=x"), "{before}");
    for wrong in [&["rewrite"][..], &["rewrite", "--pattern", "a"], &["rewrite", "--regex", "a", "--rule", "b"]] {
        assert_eq!(tagout(&place, wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn an_editor_is_offered_the_recipes_that_match_in_the_file_at_hand() {
    let place = Place::new();
    place.write("a.rs", "fn f() { second(1); }\n");
    place.write("b.rs", "fn g() { second(2); }\n");
    place.write("other.rs", "fn h() {}\n");
    place.write(".tagout/recipes/more.yml", MORE);
    place.write(
        ".tagout/recipes/never.yml",
        "name: never\ntitle: No match\nsteps: [{regex: {find: nowhere, replace: x}}]\n",
    );
    place.trust();
    let mut desk = Desk::at(place, "a.rs");
    let uri = desk.place.uri("a.rs");
    let here = desk.client.action(&uri, 0, "propose in this file: more")["arguments"][0].clone();
    let start = serde_json::json!({"line": 0, "character": 0});
    let params = serde_json::json!({
        "textDocument": {"uri": uri}, "range": {"start": start, "end": start}, "context": {"diagnostics": []},
    });
    let offered = desk.client.call("textDocument/codeAction", params).to_string();
    assert!(offered.contains("propose in the workspace: more") && !offered.contains("No match"), "{offered}");
    desk.execute("tagout.recipe", here);
    desk.told("tagout: proposed recipe more");
    assert!(desk.client.action(&uri, 0, "accept the whole changeset (1 hunks): recipe more").is_object());
    desk.execute("tagout.recipe", serde_json::json!({"recipe": "more"}));
    assert!(desk.client.action(&uri, 0, "accept the whole changeset (2 hunks): recipe more").is_object());
    desk.execute("tagout.recipe", serde_json::json!({"recipe": "nobody"}));
    desk.told("there is no recipe \"nobody\"");
}

#[test]
fn the_recipes_of_the_fixtures_and_of_the_page_are_read() {
    let place = Place::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(root.join("fixtures/recipes")).unwrap() {
        let path = entry.unwrap().path();
        user_recipe(&place, path.file_name().unwrap().to_str().unwrap(), &std::fs::read_to_string(&path).unwrap());
    }
    let page = std::fs::read_to_string(root.join("docs/recipes.md")).unwrap();
    let (_, example) = page.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    user_recipe(&place, "page.yml", &example.replace("name: expect-instead", "name: page"));
    user_recipe(&place, "more.yml", MORE);
    let other = "name: another\nparameters: [{name: name}]\nsteps: [{regex: {find: a, replace: '{{name}}'}}]\n";
    user_recipe(&place, "another.yml", other);
    let listed = tagout(&place, &["recipe", "list"]);
    assert_eq!(notes(&listed), "");
    let listed = String::from_utf8(listed.stdout).unwrap();
    for name in ["page ", "expect-instead ", "no-var ", "modern-javascript ", "rust-tidy "] {
        assert!(listed.lines().any(|line| line.starts_with(name)), "{name}: {listed}");
    }
    place.write("a.js", "var a = 1;\nif (a == 2) {}\n");
    place.write("LICENSE", "Copyright (c) 1999 me\n");
    let diff = says(&place, &["recipe", "run", "modern-javascript"]);
    for line in ["+let a = 1", "+if (a === 2) {}", "+Copyright (c) 2026 me"] {
        assert!(diff.contains(line), "{line}: {diff}");
    }
}
