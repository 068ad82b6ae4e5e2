//! A project's own checks over changes that nobody accepted yet, as people run them.

use std::process::Output;

use crate::place::{Place, notes, says, tagout};

/// A workspace with this makefile, and the name of a proposal that makes `old` in `a.txt` `new`.
fn proposal(makefile: &str) -> (Place, String) {
    let place = Place::new();
    place.write("Makefile", makefile);
    place.write("a.txt", "old\n");
    place.write(".gitignore", "out/\n");
    place.trust();
    says(&place, &["mode", "workspace-write"]);
    let run = tagout(&place, &["run", "--", "sh", "-c", "echo new > a.txt"]);
    let id = notes(&run).split_once("changeset ").expect("a changeset").1.chars().take(10).collect();
    (place, id)
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn check(place: &Place, id: &str) -> (Option<i32>, String) {
    told(&tagout(place, &["check", id]))
}

#[test]
fn a_check_that_passes_is_on_the_proposal() {
    let (place, id) = proposal("test:\n\t@grep -q new a.txt && echo '3 passed in 0.1s'\n");
    let passed = "make test: passed: 3 tests passed\n";
    assert_eq!(check(&place, &id), (Some(0), passed.to_owned()));
    assert_eq!(std::fs::read_to_string(place.work().join("a.txt")).expect("a file"), "old\n");
    assert!(says(&place, &["show", &id]).starts_with(&format!("# {passed}diff --git")));
    assert!(says(&place, &["changes"]).contains("checks passed: make test (3 tests passed)"));
    let (code, said) = told(&tagout(&place, &["check"]));
    assert_eq!((code, said.starts_with("make test: failed: exit code 2")), (Some(1), true), "{said}");
    says(&place, &["apply", &id]);
    assert_eq!(check(&place, &id), (Some(0), passed.to_owned()));
}

#[test]
fn a_makefile_behind_a_link_is_found_and_none_outside_is_read() {
    let (place, id) = proposal("all:\n");
    place.write("make/common", "test:\n\t@grep -q new a.txt\n");
    std::fs::remove_file(place.work().join("Makefile")).unwrap();
    std::os::unix::fs::symlink("make/common", place.work().join("Makefile")).unwrap();
    place.trust();
    assert_eq!(check(&place, &id), (Some(0), "make test: passed\n".to_owned()));
    std::fs::write(place.home().join("outside"), "test:\n\ttrue\n").unwrap();
    std::fs::remove_file(place.work().join("Makefile")).unwrap();
    std::os::unix::fs::symlink(place.home().join("outside"), place.work().join("Makefile")).unwrap();
    place.trust();
    let (code, said) = check(&place, &id);
    assert!(code == Some(1) && !said.contains("make test"), "{said}");
}

#[test]
fn a_failure_is_told_with_whose_it_is() {
    let (place, id) = proposal("test:\n\t@grep -q old a.txt || { echo 'a.txt:1: not old'; exit 1; }\n");
    assert_eq!(check(&place, &id), (Some(1), "make test: failed: a.txt:1: not old (passes without it)\n".to_owned()));
    assert!(says(&place, &["changes"]).contains("check failed: make test: failed: a.txt:1"));
    let (place, id) = proposal("test:\n\t@echo 'b.txt:2: broken'; exit 1\n");
    let expected = "make test: failed: b.txt:2: broken (fails without it as well)\n";
    assert_eq!(check(&place, &id), (Some(1), expected.to_owned()));
    let log = says(&place, &["log", "--json"]);
    assert!(log.contains(&format!("it checked changeset {id}")) && log.contains("\"reviewer\""), "{log}");
}

#[test]
fn what_a_check_writes_stays_in_its_sandbox() {
    let (place, id) = proposal("test:\n\t@echo x > made; rm Makefile; mkdir -p out; echo y > out/z; ls\n");
    assert_eq!(check(&place, &id).0, Some(0));
    let mut names: Vec<_> =
        std::fs::read_dir(place.work()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, [".gitignore", "Makefile", "a.txt"]);
    assert_eq!(says(&place, &["changes"]).lines().count(), 1, "its writes are no proposal");
    let seen = says(&place, &["run", "--", "sh", "-c", "ls out 2>/dev/null || echo none"]);
    assert_eq!(seen, "none\n", "what was built of a proposal is not for what runs without it");
}

#[test]
fn what_cannot_be_run_is_told_as_such() {
    let (place, id) = proposal("test:\n\t@touch made\n");
    says(&place, &["mode", "read-only"]);
    let (code, said) = check(&place, &id);
    assert_eq!(
        (code, said.contains("not run: it writes files, and the workspace is read-only")),
        (Some(1), true),
        "{said}"
    );
    place.write(".tagout.toml", "[checks]\n");
    let (code, said) = check(&place, &id);
    assert_eq!((code, said.contains("make test: not run: ") && said.contains("trust")), (Some(1), true), "{said}");
    assert!(says(&place, &["changes"]).contains("not checked: make test"));
    let empty = Place::new();
    let output = tagout(&empty, &["check"]);
    assert_eq!((output.status.code(), notes(&output).contains("no checks were found")), (Some(1), true));
}

#[test]
fn settings_name_checks_in_place_of_what_is_found() {
    let (place, id) = proposal("test:\n\t@exit 1\n");
    place.write(
        ".tagout.toml",
        "[checks]\nunit = [\"grep\", \"-c\", \"new\", \"a.txt\"]\nlint = [\"no-such-program\"]\n",
    );
    place.trust();
    let (code, said) = check(&place, &id);
    let expected =
        "unit: passed\nlint: not run: cannot run \"no-such-program\": no program of this name in the sandbox\n";
    assert_eq!((code, said.as_str()), (Some(1), expected));
}

#[test]
fn a_check_that_takes_too_long_is_stopped() {
    let (place, id) = proposal("test:\n\t@sleep 60\n");
    place.write(".tagout.toml", "[checks]\nslow = [\"sleep\", \"60\"]\ntimeout_seconds = 1\n");
    place.trust();
    let (code, said) = check(&place, &id);
    assert_eq!((code, said.contains("slow: failed: stopped: time limit of 1 s")), (Some(1), true), "{said}");
    assert!(said.contains("(fails without it as well)"), "{said}");
}

#[test]
fn a_rewrite_that_breaks_a_file_is_not_taken_for_checked() {
    let place = Place::new();
    place.write("a.rs", "fn a() {\n    old(1);\n}\n");
    let arguments = ["rewrite", "--pattern", "old($A)", "--to", "new(($A", "--lang", "rust"];
    let output = tagout(&place, &arguments);
    let notes = notes(&output);
    let id: String = notes.split_once("changeset ").unwrap_or_else(|| panic!("{notes}")).1.chars().take(10).collect();
    let shown = told(&output).1;
    assert!(shown.starts_with("# syntax: failed: a.rs:"), "it is told before any check runs: {shown}");
    let (code, said) = check(&place, &id);
    assert_eq!((code, said.starts_with("syntax: failed: a.rs:")), (Some(1), true), "{said}");
}

#[test]
fn a_proposal_over_files_that_changed_is_not_checked() {
    let (place, id) = proposal("test:\n\t@true\n");
    place.write("a.txt", "other\n");
    let output = tagout(&place, &["check", &id]);
    assert_eq!(output.status.code(), Some(1));
    assert!(notes(&output).contains("a.txt changed since the proposal"), "{}", notes(&output));
}
