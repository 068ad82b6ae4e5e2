//! What a batch hands to git: patches, and commits of what was applied.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::batch::{batch, code, events, of, place, plan, rewrite, times};
use crate::place::{Place, notes, says};
use crate::sandbox::bench;

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"];
    command.args(identity).args(arguments).current_dir(folder);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", notes(&output));
    output
}

#[test]
fn patches_are_applied_by_git_am_with_where_they_come_from_in_the_trailers() {
    let place = place(3);
    git(&place.work(), &["init", "-q"]);
    git(&place.work(), &["add", "."]);
    git(&place.work(), &["commit", "-q", "-m", "first"]);
    place.trust();
    let clone = place.home().join("clone");
    git(&place.home(), &["clone", "-q", place.work().to_str().unwrap(), clone.to_str().unwrap()]);
    let recipe = "name: plus\ntitle: Add ö to it\nparameters: [{name: what}]\nsteps: [{regex: {find: old, replace: '{{what}}'}}]\n";
    std::fs::create_dir_all(place.home().join(".config/tagout/recipes")).unwrap();
    std::fs::write(place.home().join(".config/tagout/recipes/plus.yml"), recipe).unwrap();
    let items = plan(&[
        rewrite("one", json!({"apply": "all", "commit": "Count up\n\n--- a line\ndiff --git a b\nend"})),
        json!({"id": "two", "recipe": "plus", "parameters": {"what": "new"}, "apply": "all"}),
    ]);
    let patches = place.home().join("patches");
    let output = batch(&place, &items, &["--patches", patches.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    let told = events(&output);
    let paths: Vec<&str> = of(&told, "patch").iter().map(|event| event["path"].as_str().unwrap()).collect();
    assert!(paths[0].ends_with("0001-one.patch") && paths[1].ends_with("0002-two.patch"), "{paths:?}");
    git(&clone, &["apply", "--check", paths[0]]);
    git(&clone, &["am", "-q", paths[0], paths[1]]);
    for name in ["src/f000.rs", "src/f001.rs", "src/f002.rs"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(&clone), read(&place.work()), "{name}");
    }
    let log = git(
        &clone,
        &[
            "log",
            "-2",
            "--reverse",
            "--format=%s|%(trailers:key=Tagout-Recipe,valueonly)|%(trailers:key=Tagout-Parameters,valueonly)|%(trailers:key=Tagout-Record,valueonly)|%(trailers:key=Tagout-Changeset,valueonly)",
        ],
    );
    let log = String::from_utf8(log.stdout).unwrap().replace('\n', "");
    assert!(log.contains("Count up|rewrite rust: old($A)"), "{log}");
    assert!(log.contains("Add ö to it|plus|{\"what\":\"new\"}|"), "{log}");
    let changeset = of(&told, "applied")[1]["changeset"].as_str().unwrap();
    assert!(log.contains(changeset), "{log}");
    // Written once more by a later run, each has the record that it was applied under, not that of another item.
    let first: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(code(&batch(&place, &items, &["--patches", patches.to_str().unwrap()])), 0);
    let again: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(first == again, "{}", String::from_utf8_lossy(&again[0]));
    // Inside the workspace only what is applied is written.
    let output = batch(&place, &items, &["--patches", "patches"]);
    assert_eq!(code(&output), 2, "{}", notes(&output));
    assert!(!place.work().join("patches").exists());
}

#[test]
fn each_applied_item_is_a_commit_of_its_files_alone_and_no_hook_runs() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(3);
    git(&place.work(), &["init", "-q"]);
    for (key, value) in [("user.name", "a"), ("user.email", "a@example.org")] {
        git(&place.work(), &["config", key, value]);
    }
    git(&place.work(), &["add", "."]);
    git(&place.work(), &["commit", "-q", "-m", "first"]);
    for hook in ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-index-change"] {
        let path = place.work().join(".git/hooks").join(hook);
        std::fs::write(&path, "#!/bin/sh\ntouch \"$PWD/hook-ran\"\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    place.trust();
    place.write("mine.txt", "not of any item\n");
    let item = |id: &str, path: &str| rewrite(id, json!({"apply": "all", "commit": true, "paths": [path]}));
    let items = plan(&[item("one", "src/f000.rs"), item("two", "src/f001.rs")]);
    let refused = batch(&place, &items, &["--commit"]);
    assert_eq!(code(&refused), 3, "on the host only in unrestricted mode: {}", notes(&refused));
    says(&place, &["mode", "unrestricted"]);
    git(&place.work(), &["add", "mine.txt"]);
    let staged = batch(&place, &items, &["--commit"]);
    assert!(code(&staged) == 1 && notes(&staged).contains("something is staged"), "{}", notes(&staged));
    git(&place.work(), &["reset", "-q"]);
    // That was plain git, which shows that the hooks are there.
    std::fs::remove_file(place.work().join("hook-ran")).unwrap();
    let asked = batch(&place, &items, &["--commit"]);
    assert_eq!(code(&asked), 3, "{}", notes(&asked));
    let told = events(&asked);
    let question = |event: &serde_json::Value| {
        let hint = event["hints"][0].as_str().unwrap();
        hint.rsplit_once("--approve ").unwrap().1.to_owned()
    };
    let failed = of(&told, "failed");
    let (one, two) = (question(failed[0]), question(failed[1]));
    let output = batch(&place, &items, &["--commit", "--approve", &one, "--approve", &two]);
    assert_eq!(code(&output), 0, "{}", notes(&output));
    assert_eq!(times(&place, 3), [1, 1, 0], "nothing was applied twice on the way");
    let log = git(&place.work(), &["log", "--format=%(trailers:key=Tagout-Changeset,valueonly)", "--name-only"]);
    let log = String::from_utf8(log.stdout).unwrap();
    assert_eq!((log.matches("src/f000.rs").count(), log.matches("src/f001.rs").count()), (2, 2), "{log}");
    assert!(!log.contains("mine.txt") && !place.work().join("hook-ran").exists(), "{log}");
    assert_eq!(of(&events(&output), "committed").len(), 2);
}

/// Runs the plan with its commits, and answers each question until there is none; what it ended with.
fn committed(place: &Place, items: &str) -> (i32, Vec<serde_json::Value>) {
    let mut approved: Vec<String> = Vec::new();
    loop {
        let arguments: Vec<&str> =
            ["--commit"].into_iter().chain(approved.iter().flat_map(|name| ["--approve", name.as_str()])).collect();
        let output = batch(place, items, &arguments);
        let told = events(&output);
        let hints = told.iter().filter_map(|event| event["hints"][0].as_str());
        let asked: Vec<String> = hints.filter_map(|hint| Some(hint.rsplit_once("--approve ")?.1.to_owned())).collect();
        if asked.is_empty() || approved == asked {
            return (code(&output), told);
        }
        approved = asked;
    }
}

#[test]
fn a_commit_holds_what_its_item_did_and_nothing_else() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place(2);
    git(&place.work(), &["init", "-q"]);
    for (key, value) in [("user.name", "a"), ("user.email", "a@example.org")] {
        git(&place.work(), &["config", key, value]);
    }
    place.trust();
    says(&place, &["mode", "unrestricted"]);
    let one = rewrite("one", json!({"apply": "all", "commit": true, "paths": ["src/f000.rs"]}));
    let two = json!({"id": "two", "regex": {"find": "fn f0", "replace": "fn g0"}, "apply": "all", "commit": true, "paths": ["src/f000.rs"]});
    let items = plan(&[one, two]);
    let (code, told) = committed(&place, &items);
    assert!(code == 1 && format!("{told:?}").contains("nothing can be committed here"), "{told:?}");
    git(&place.work(), &["add", "."]);
    git(&place.work(), &["commit", "-q", "-m", "first"]);
    let file = place.work().join("src/f000.rs");
    let first = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("// mine\n{first}")).unwrap();
    let (code, told) = committed(&place, &items);
    assert!(code == 1 && format!("{told:?}").contains("not committed yet"), "{told:?}");
    assert_eq!(times(&place, 1), [0], "it is refused before it is applied");
    std::fs::write(&file, &first).unwrap();
    let (code, told) = committed(&place, &items);
    assert_eq!((code, of(&told, "committed").len()), (0, 1), "{told:?}");
    let last = git(&place.work(), &["show", "--format=", "--unified=0", "HEAD"]).stdout;
    let last = String::from_utf8(last).unwrap();
    assert!(last.contains("fn g0") && !last.contains("+ 1"), "{last}");
    // What was reverted since is applied again, and committed again.
    git(&place.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    git(&place.work(), &["revert", "--no-edit", "HEAD"]);
    let restarted = batch(&place, &items, &["--commit", "--restart"]);
    assert_eq!(of(&events(&restarted), "committed").len(), 0, "{}", notes(&restarted));
    let (code, _) = committed(&place, &items);
    assert_eq!(code, 0);
    assert_eq!(git(&place.work(), &["status", "--porcelain"]).stdout, b"", "nothing is left uncommitted");
}
