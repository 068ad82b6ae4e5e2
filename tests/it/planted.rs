//! A rule allows a program by its name, and another program has been put where the name is looked for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::place::{Place, accept, configure, notes, question, says};

const RULE: &str =
    "[[rule]]\nname = \"look\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = [\"ls\", \"env ls\"]\n";
const SYSTEM: &str = "/usr/bin:/bin";
/// What tells that the rule was not enough.
const STRANGE: &str = "ask by program-that-others-could-have-put-there";

/// A place where a rule allows `ls` on the host, and a program of that name is in `bin` of the workspace.
fn place() -> Place {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    configure(&place, RULE);
    accept(&place);
    plant(&place, &place.work().join("bin"));
    place
}

/// Puts a program named `ls` in `folder` that leaves a mark.
fn plant(place: &Place, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let program = folder.join("ls");
    fs::write(&program, format!("#!/bin/sh\necho planted > '{}'\n", mark(place).display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn mark(place: &Place) -> std::path::PathBuf {
    place.home().join("mark")
}

fn run(place: &Place, path: &str, arguments: &[&str]) -> Output {
    place.program().args(["run", "--host"]).args(arguments).env("PATH", path).output().unwrap()
}

#[test]
fn a_planted_program_is_asked_about_and_not_started() {
    let place = place();
    let open = place.home().join("open");
    plant(&place, &open);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let (inside, open) = (place.work().join("bin").display().to_string(), open.display().to_string());
    for folder in [inside.as_str(), "bin", "./bin", open.as_str()] {
        let output = run(&place, &format!("{folder}:{SYSTEM}"), &["--", "ls"]);
        let told = notes(&output);
        assert_eq!(output.status.code(), Some(3), "{folder}: {told}");
        assert!(told.contains(STRANGE) && told.contains("ls is /"), "{folder}: {told}");
        let found = run(&place, &format!("{folder}:{SYSTEM}"), &["--", "env", "ls"]);
        assert_eq!(found.status.code(), Some(3), "{folder}, through env: {}", notes(&found));
        assert!(!mark(&place).exists(), "{folder}: the planted program ran");
    }
    // By its path, and from a folder that an empty part of the search path means.
    plant(&place, &place.work());
    for (path, name) in [(SYSTEM, "./ls"), (SYSTEM, "bin/ls"), (":/usr/bin:/bin", "ls")] {
        let output = run(&place, path, &["--", name]);
        assert_eq!(output.status.code(), Some(3), "{path} {name}: {}", notes(&output));
        assert!(!mark(&place).exists(), "{path} {name}: the planted program ran");
    }
}

#[test]
fn the_same_rule_runs_the_systems_program_and_an_answer_runs_the_other() {
    let place = place();
    place.write("seen", "");
    // It is where it could be found, but not looked for there.
    let output = run(&place, SYSTEM, &["--", "ls"]);
    assert!(output.status.success(), "{}", notes(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "bin\nseen\n");
    assert!(!mark(&place).exists());
    // The planted one would do what it was put there for: a person who has seen its path may have it run.
    let path = format!("bin:{SYSTEM}");
    let asked = question(&run(&place, &path, &["--", "ls"]));
    let output = run(&place, &path, &["--approve", &asked, "--", "ls"]);
    assert!(output.status.success() && mark(&place).exists(), "{}", notes(&output));
}
