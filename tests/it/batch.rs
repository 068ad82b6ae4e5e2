//! Batches through the real binary: plans good and bad, what is applied, taken back, gone on with, and handed out.

use std::io::Write;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::place::{Place, notes, says, tagout};
use crate::sandbox::bench;

/// A workspace of so many files with one place each to change, which may be written to.
pub(crate) fn place(files: usize) -> Place {
    let place = Place::new();
    for number in 0..files {
        place.write(&format!("src/f{number:03}.rs"), format!("fn f{number}() {{\n    old({number});\n}}\n"));
    }
    says(&place, &["mode", "workspace-write"]);
    place
}

pub(crate) fn rewrite(id: &str, more: Value) -> Value {
    let mut item =
        json!({"id": id, "rewrite": {"language": "rust", "pattern": "old($A)", "replacement": "old($A + 1)"}});
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

pub(crate) fn plan(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

/// Runs a plan from standard input.
pub(crate) fn batch(place: &Place, plan: impl AsRef<[u8]>, arguments: &[&str]) -> Output {
    let mut command = place.program();
    command.arg("batch").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let plan = plan.as_ref().to_vec();
    // One that is refused early is not read to its end.
    let writer = std::thread::spawn(move || drop(input.write_all(&plan)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub(crate) fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no event: {line}"))).collect()
}

pub(crate) fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// How often the old text was rewritten in each file.
pub(crate) fn times(place: &Place, files: usize) -> Vec<usize> {
    let text = |number| std::fs::read_to_string(place.work().join(format!("src/f{number:03}.rs"))).unwrap();
    (0..files).map(|number| text(number).matches("+ 1").count()).collect()
}

#[test]
fn a_plan_proposes_and_applies_and_tells_each_step_and_a_second_run_does_nothing() {
    let place = place(3);
    let items = [
        rewrite("one", json!({"apply": "all", "paths": ["src/f000.rs", "src/f001.rs"]})),
        json!({"id": "two", "regex": {"find": "fn f(\\d)", "replace": "fn g$1"}}),
        json!({"id": "three", "regex": {"find": "nowhere at all", "replace": ""}, "apply": "all"}),
    ];
    let output = batch(&place, plan(&items), &[]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    let told = events(&output);
    let kinds: Vec<&str> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "progress").collect();
    let wanted = ["plan", "started", "proposal", "applied", "started", "proposal", "started", "proposal", "done"];
    assert_eq!(kinds, wanted);
    let proposal = of(&told, "proposal")[0];
    assert_eq!((&proposal["files"], &proposal["hunks"], &proposal["added"]), (&json!(2), &json!(2), &json!(2)));
    let counts = &of(&told, "done")[0]["counts"];
    assert_eq!((&counts["applied"], &counts["proposed"], &counts["unchanged"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(times(&place, 3), [1, 1, 0]);
    assert!(says(&place, &["changes"]).contains("recipe regex"), "the second waits");
    let again = batch(&place, plan(&items), &[]);
    let told = events(&again);
    assert_eq!((code(&again), of(&told, "skipped").len(), &told[0]["resumed"]), (0, 3, &json!(true)));
    assert_eq!(times(&place, 3), [1, 1, 0]);
    let anew = batch(&place, plan(&items), &["--restart"]);
    assert_eq!((code(&anew), of(&events(&anew), "skipped").len()), (0, 0));
    assert_eq!(times(&place, 3), [2, 2, 0], "what was forgotten is done again");
    says(&place, &["undo"]);
    says(&place, &["undo"]);
    assert_eq!(times(&place, 3), [0, 0, 0]);
}

#[test]
fn a_plan_may_be_yaml_in_a_file_and_rules_may_stand_in_it() {
    let place = place(1);
    let yaml = "- id: a\n  rule: {id: r, language: rust, rule: {pattern: old($A)}, fix: new($A)}\n  apply: all\n";
    let file = place.home().join("plan.yml");
    std::fs::write(&file, yaml).unwrap();
    says(&place, &["batch", file.to_str().unwrap()]);
    assert!(std::fs::read_to_string(place.work().join("src/f000.rs")).unwrap().contains("new(0)"));
}

#[test]
fn what_is_wrong_with_a_plan_is_told_before_anything_is_done() {
    let place = place(2);
    std::fs::create_dir_all(place.work().join(".tagout/recipes")).unwrap();
    place.write(".tagout/recipes/a.yml", "name: round-a\nsteps: [{uses: round-b}]\n");
    place.write(".tagout/recipes/b.yml", "name: round-b\nsteps: [{uses: round-a}]\n");
    place.trust();
    let good = rewrite("good", json!({"apply": "all"})).to_string();
    let with = |line: &str| format!("{good}\n{line}\n");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "the plan is empty"),
        (with("{\"id\":\"b\",\"run\":{\"argv\":[\"tr").into(), "line 2: the item ends in its middle"),
        (with("{\"id\":\"b\",\"run\":{\"argv\":[\"true\"]},\"sudo\":true}").into(), "line 2: unknown field `sudo`"),
        (with(&good).into(), "line 2: the id \"good\" is that of line 1 too"),
        (with("{\"run\":{\"argv\":[\"true\"]}}").into(), "line 2: missing field `id`"),
        (with("{\"id\":\"b\",\"recipe\":\"nobody\"}").into(), "line 2: item \"b\": there is no recipe \"nobody\""),
        (with("{\"id\":\"b\",\"recipe\":\"round-a\"}").into(), "round-a uses round-b uses round-a, without an end"),
        (with("{\"id\":\"b\",\"rule\":\"none.yml\"}").into(), "line 2: item \"b\": there is no rule file \"none.yml\""),
        (with("{\"id\":\"b\",\"rule\":\"../x.yml\"}").into(), "does not name a file inside the workspace"),
        (with("{\"id\":\"b\",\"regex\":{\"find\":\"(\",\"replace\":\"\"}}").into(), "is no regular expression"),
        (with("{\"id\":\"b\",\"run\":{\"argv\":[]}}").into(), "`argv` is a program"),
        ([with("").as_bytes(), b"\xff\xfe"].concat(), "line 3: the plan is not UTF-8"),
        ([with("").as_bytes(), b"{\0}"].concat(), "line 3: there is a NUL byte"),
        (vec![b' '; 17 << 20], "the plan is larger than 16 MiB: split it"),
        (b"- id: a\n  run: {argv: [true\n".to_vec(), "line "),
    ];
    for (plan, wanted) in cases {
        let shown = String::from_utf8_lossy(&plan[..plan.len().min(300)]).into_owned();
        let output = batch(&place, &plan, &[]);
        assert_eq!(code(&output), 2, "{shown}: {}", notes(&output));
        assert!(notes(&output).contains(wanted), "{shown}: {}", notes(&output));
        assert!(output.stdout.is_empty(), "{shown}: something was begun");
    }
    assert_eq!(times(&place, 2), [0, 0]);
    let missing = tagout(&place, &["batch", "/nowhere/plan"]);
    assert!(code(&missing) == 2 && notes(&missing).contains("the plan cannot be read"), "{}", notes(&missing));
}

#[test]
fn a_dry_run_shows_and_keeps_nothing() {
    let place = place(2);
    let items =
        [rewrite("a", json!({"apply": "all"})), json!({"id": "b", "run": {"argv": ["touch", "x"]}, "apply": "all"})];
    let output = batch(&place, plan(&items), &["--dry-run"]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    let told = events(&output);
    assert_eq!(of(&told, "proposal")[0]["files"], 2);
    assert!(of(&told, "proposal")[1]["problems"][0].as_str().unwrap().contains("`touch x` is not run in a dry run"));
    assert!(of(&told, "applied").is_empty());
    assert_eq!(times(&place, 2), [0, 0]);
    assert_eq!(says(&place, &["changes"]), "", "nothing waits");
    assert!(!place.home().join(".state/tagout/batches").exists());
}

#[test]
fn in_read_only_mode_it_is_denied_and_goes_on_once_it_may() {
    let place = place(2);
    says(&place, &["mode", "read-only"]);
    let items = plan(&[rewrite("a", json!({"apply": "all"}))]);
    let output = batch(&place, &items, &[]);
    assert_eq!(code(&output), 3, "{}", notes(&output));
    let told = events(&output);
    assert_eq!(of(&told, "failed")[0]["code"], "denied");
    assert_eq!(times(&place, 2), [0, 0]);
    says(&place, &["mode", "workspace-write"]);
    assert_eq!(code(&batch(&place, &items, &[])), 0);
    assert_eq!(times(&place, 2), [1, 1]);
}

#[test]
fn what_runs_later_waits_for_its_approval_and_nothing_of_the_item_is_written_before() {
    let place = place(1);
    place.write("build.rs", "fn main() { old(1); }\n");
    let items = plan(&[rewrite("a", json!({"apply": "all"}))]);
    let output = batch(&place, &items, &[]);
    assert_eq!(code(&output), 3, "{}", notes(&output));
    assert_eq!(times(&place, 1), [0]);
    let told = events(&output);
    let hint = of(&told, "failed")[0]["hints"][0].as_str().unwrap();
    let question = hint.rsplit_once("--approve ").unwrap().1.to_owned();
    let output = batch(&place, &items, &["--approve", &question]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    assert_eq!(times(&place, 1), [1]);
    assert!(std::fs::read_to_string(place.work().join("build.rs")).unwrap().contains("old(1 + 1)"));
}

#[test]
fn killed_anywhere_it_goes_on_and_nothing_is_applied_twice_or_left_out() {
    const FILES: usize = 120;
    for wait in [None, Some(0), Some(20), Some(60), Some(120), Some(200), Some(320), None] {
        let place = place(FILES);
        let part = |id: &str, glob: &str| rewrite(id, json!({"apply": "all", "paths": [glob]}));
        let items = plan(&[part("a", "src/f00*"), part("b", "src/f0[1-9]*"), part("c", "src/f1*")]);
        let file = place.home().join("plan.jsonl");
        std::fs::write(&file, &items).unwrap();
        let mut child = place
            .program()
            .args(["batch", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        match wait {
            // In the middle of the first change, as near as can be seen.
            Some(wait) => std::thread::sleep(Duration::from_millis(wait)),
            None => while times(&place, 10).iter().sum::<usize>() == 0 {},
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let output = tagout(&place, &["batch", file.to_str().unwrap()]);
        assert_eq!(code(&output), 0, "after {wait:?}: {}", notes(&output));
        assert!(times(&place, FILES).iter().all(|times| *times == 1), "after {wait:?}: {:?}", times(&place, FILES));
        // All of it is on record, and can be taken back.
        (0..3).for_each(|_| drop(says(&place, &["undo"])));
        assert!(times(&place, FILES).iter().all(|times| *times == 0), "after {wait:?}");
    }
}

#[test]
fn killed_while_its_check_runs_a_canary_goes_on_and_is_applied_once() {
    if bench(&[]).is_none() {
        return;
    }
    const FILES: usize = 20;
    let place = place(FILES);
    let canary = json!({"share": 25, "check": [["sh", "-c", "test -e fast || sleep 60"]]});
    let items = plan(&[rewrite("a", json!({"apply": "canary", "canary": canary}))]);
    let file = place.home().join("plan.jsonl");
    std::fs::write(&file, &items).unwrap();
    let mut child = place.program().args(["batch", file.to_str().unwrap()]).stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while times(&place, FILES).iter().sum::<usize>() < 5 {
        assert!(Instant::now() < deadline, "the canary was not applied");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    place.write("fast", "");
    let output = tagout(&place, &["batch", file.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    assert_eq!(times(&place, FILES), [1; FILES]);
}

#[test]
fn a_canary_that_fails_is_taken_back_and_one_that_passes_is_applied_to_the_rest() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(10);
    // The check sees the share, and nothing else, applied.
    let count = "test $(grep -l '+ 1' src/*.rs | wc -l) = 3";
    let item = |script: &str| {
        let canary = json!({"share": 30, "check": [["sh", "-c", script]]});
        plan(&[rewrite("a", json!({"apply": "canary", "canary": canary}))])
    };
    let output = batch(&place, item(&format!("{count}; echo broken; exit 1")), &[]);
    assert_eq!(code(&output), 1, "{}", notes(&output));
    let told = events(&output);
    assert_eq!((&of(&told, "applied")[0]["files"], &of(&told, "applied")[0]["over"]), (&json!(3), &json!("canary")));
    assert_eq!(of(&told, "checked")[0]["checks"][0]["text"], "exit code 1: broken");
    assert_eq!(of(&told, "undone")[0]["files"], 3);
    assert_eq!(of(&told, "failed")[0]["code"], "check-failed");
    assert_eq!(times(&place, 10), [0; 10]);
    let output = batch(&place, item(count), &[]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    assert_eq!(times(&place, 10), [1; 10]);
    says(&place, &["undo"]);
    assert_eq!(times(&place, 10), [0; 10], "both parts are one");
}

#[test]
fn a_check_over_the_proposal_decides_whether_it_is_applied() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(2);
    let sees = ["sh", "-c", "grep -q '+ 1' src/f000.rs && touch made-by-the-check"];
    let items = plan(&[
        rewrite("a", json!({"apply": "all", "paths": ["src/f000.rs"], "check": [sees]})),
        rewrite("b", json!({"apply": "all", "paths": ["src/f001.rs"], "check": [["false"], ["true"]]})),
        rewrite("c", json!({"apply": "all", "paths": ["src/f001.rs"], "check": ["detected"]})),
    ]);
    let output = batch(&place, &items, &[]);
    assert_eq!(code(&output), 1, "{}", notes(&output));
    let told = events(&output);
    let checked = of(&told, "checked");
    assert_eq!((&checked[2]["passed"], &checked[2]["checks"][0]["name"]), (&json!(false), &json!("detected")));
    assert_eq!((&checked[0]["passed"], &checked[0]["over"]), (&json!(true), &json!("proposal")), "{told:?}");
    assert_eq!((&checked[1]["passed"], checked[1]["checks"].as_array().unwrap().len()), (&json!(false), 1));
    assert_eq!(times(&place, 2), [1, 0]);
    assert!(!place.work().join("made-by-the-check").exists(), "what a check writes is dropped");
    place.write("Makefile", "test:\n\tgrep -q '+ 1' src/f001.rs\n");
    let output = batch(&place, &items, &[]);
    let told = events(&output);
    let checked = of(&told, "checked");
    assert_eq!(checked[1]["checks"][0]["name"], "make test", "{checked:?}");
    assert_eq!(times(&place, 2), [1, 1], "the project has a check now, and it passes: {}", notes(&output));
}

#[test]
fn what_was_being_taken_back_when_it_was_killed_is_taken_back() {
    let place = place(3);
    let items = plan(&[rewrite("a", json!({"apply": "all"}))]);
    let output = batch(&place, &items, &[]);
    assert_eq!((code(&output), times(&place, 3)), (0, vec![1, 1, 1]));
    let changeset = of(&events(&output), "applied")[0]["changeset"].clone();
    let folder = place.home().join(".state/tagout/batches");
    let state = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let line = json!({"reached": "undoing", "id": "a", "changeset": changeset});
    std::fs::write(&state, format!("{line}\n{{\"reached\":\"done\",\"id\":\"a\",\"cha")).unwrap();
    let output = batch(&place, &items, &[]);
    assert_eq!((code(&output), times(&place, 3)), (1, vec![0, 0, 0]));
    assert_eq!(of(&events(&output), "undone")[0]["files"], 3);
    assert_eq!(code(&batch(&place, &items, &[])), 0, "it is done again");
    assert_eq!(times(&place, 3), [1, 1, 1]);
}

#[test]
fn what_was_rejected_of_a_proposal_that_waits_is_left_out_and_the_proposal_stays_whole() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(2);
    place.write("Makefile", "all:\n\techo old\n");
    place.trust();
    let item = json!({"id": "a", "regex": {"find": "old", "replace": "new"}, "apply": "all", "check": [["true"]]});
    let items = plan(&[item]);
    let asked = batch(&place, &items, &[]);
    assert_eq!(code(&asked), 3, "{}", notes(&asked));
    let told = events(&asked);
    let id = of(&told, "proposal")[0]["changeset"].as_str().unwrap().to_owned();
    let question = of(&told, "failed")[0]["hints"][0].as_str().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    says(&place, &["reject", &id, "--file", "src/f000.rs"]);
    let output = batch(&place, &items, &["--approve", &question]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    let read = |path: &str| std::fs::read_to_string(place.work().join(path)).unwrap();
    assert!(read("src/f000.rs").contains("old") && read("src/f001.rs").contains("new"));
    let history: Value = serde_json::from_str(&says(&place, &["changes", "--all", "--json"])).unwrap();
    let whole = history.as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).unwrap();
    assert_eq!((&whole["figures"]["files"], &whole["checks"][0]["name"]), (&json!(3), &json!("true")), "{whole}");
}
