//! Rules, questions, trust and the record, as a person at the command line meets them.

use std::fs;

use serde_json::Value;

use crate::place::{Place, accept, code, configure, notes, question, says, tagout};
use crate::sandbox::bench;

const LS: &str = "[[rule]]\nname = \"look\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = [\"ls\", \"touch\"]\n";

#[test]
fn nothing_is_run_or_raised_before_trust_and_trust_falls_with_what_it_is_bound_to() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    says(&place, &["trust", "--forget"]);
    place.write(".tagout.toml", "[run]\nprocesses = \"few\"\n");
    let denied = tagout(&place, &["run", "--", "true"]);
    assert_eq!(denied.status.code(), Some(3));
    assert!(notes(&denied).contains("untrusted-workspace-runs-nothing"), "{}", notes(&denied));
    assert!(!notes(&denied).contains("processes"), "nothing in it is read: {}", notes(&denied));
    assert_eq!(code(&place, &["mode", "workspace-write"]), Some(3));
    assert!(says(&place, &["trust", "--show"]).contains(".tagout.toml\nnot trusted\n"));
    place.trust();
    let ran = tagout(&place, &["run", "--", "true"]);
    assert!(ran.status.success() && notes(&ran).contains("run.processes is"), "{}", notes(&ran));
    says(&place, &["mode", "workspace-write"]);
    place.write(".vscode/tasks.json", "{}");
    assert_eq!(says(&place, &["mode"]), "read-only\n");
    let fell = tagout(&place, &["run", "--", "true"]);
    assert!(notes(&fell).contains("have changed since you trusted it"), "{}", notes(&fell));
    place.trust();
    assert_eq!(says(&place, &["mode"]), "workspace-write\n", "the mode was not forgotten");
}

#[test]
fn a_rule_that_loosens_waits_for_the_review_and_one_that_narrows_does_not() {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    let touch = ["run", "--host", "--", "touch", "made"];
    configure(&place, LS);
    let waits = tagout(&place, &touch);
    assert_eq!(waits.status.code(), Some(3));
    assert!(notes(&waits).contains("\"look\" loosens, and holds once you accept it"), "{}", notes(&waits));
    assert!(notes(&waits).contains("host-only-when-unrestricted"), "{}", notes(&waits));
    assert_eq!(code(&place, &["policy", "accept", "000000000000"]), Some(1));
    let review = accept(&place);
    assert!(review.contains("deny → allow  1  (looser)") && review.contains("touch made"), "{review}");
    says(&place, &touch);
    assert!(place.work().join("made").exists());
    let log = says(&place, &["log"]);
    assert!(log.contains("allow by look (config.toml:1)"), "{log}");
    // More is denied at once, and what is no longer denied only after the review.
    let narrower = format!(
        "{LS}[[rule]]\nname = \"no\"\ndecision = \"deny\"\ncommand = \"touch\"\ndenies = [\"env A=1 touch x\"]\n"
    );
    configure(&place, &narrower);
    assert!(notes(&tagout(&place, &touch)).contains("deny by no (config.toml:6)"));
    configure(&place, LS);
    let still = tagout(&place, &touch);
    assert!(notes(&still).contains("deny by no"), "{}", notes(&still));
    accept(&place);
    says(&place, &touch);
}

#[test]
fn a_rule_holds_inside_wrappers_and_is_explained_with_every_reason() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    place.write(
        ".tagout.toml",
        "[[rule]]\nname = \"no-push\"\ndecision = \"deny\"\ncommand = \"git push\"\nreason = \"a person pushes\"\n\
                                 [[rule]]\nname = \"wide\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = \"rm\"\n",
    );
    place.trust();
    for argv in
        [&["git", "push"][..], &["sh", "-c", "cd . && timeout 9 git -C . push"], &["env", "X=1", "git", "push", "-f"]]
    {
        let explained = says(&place, &[&["policy", "explain", "--"], argv].concat());
        assert!(explained.contains("→ deny  no-push (workspace, .tagout.toml:1): a person pushes"), "{explained}");
        assert!(
            explained.contains("  allow sandbox-contains-command (built-in, src/policy/builtin.rs:"),
            "{explained}"
        );
        assert_eq!(code(&place, &[&["run", "--"], argv].concat()), Some(3));
    }
    let check = tagout(&place, &["policy", "check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(
        notes(&check).contains(".tagout.toml:6: rule \"wide\" allows, but a workspace may only narrow"),
        "{}",
        notes(&check)
    );
    let log: Value = serde_json::from_str(&says(&place, &["log", "--json"])).unwrap();
    let number = log.as_array().unwrap().last().unwrap()["number"].to_string();
    assert!(says(&place, &["policy", "explain", &number]).contains("no-push"));
    place.write("cases.toml", "[[case]]\ncommand = \"git push\"\nwant = \"deny\"\nrule = \"no-push\"\n[[case]]\ncommand = \"git pull\"\nwant = \"deny\"\n");
    let tested = tagout(&place, &["policy", "test", "cases.toml"]);
    let told = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(
        tested.status.code() == Some(1) && told.contains("cases.toml:5") && told.contains("1 of 2 cases as wanted"),
        "{told}"
    );
}

#[test]
fn an_answer_counts_once_and_for_what_was_shown_alone() {
    if std::process::Command::new("make").arg("--version").output().is_err() {
        return println!("skipped: make is not installed");
    }
    let place = Place::new();
    let make = ["run", "--host", "--", "make"];
    let approved = |question: &str, argv: &[&str]| {
        tagout(&place, &[&["run", "--host", "--approve", question, "--"], argv].concat())
    };
    place.write("Makefile", "all:\n\t@echo one >> made\n");
    says(&place, &["mode", "unrestricted"]);
    let asked = question(&tagout(&place, &make));
    assert!(notes(&approved(&asked, &["make", "all"])).contains("for something else"));
    // A file that it depends on is part of what was shown.
    place.write("Makefile", "all:\n\t@echo two >> made\n");
    assert!(notes(&approved(&asked, &["make"])).contains("for something else"));
    assert!(!place.work().join("made").exists());
    let asked = question(&tagout(&place, &make));
    assert!(says(&place, &["grants"]).contains(&format!("{asked}  run make on the host")));
    // Of two that answer at once, one counts.
    let outputs = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| approved(&asked, &["make"]))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    let done = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!((done, fs::read_to_string(place.work().join("made")).unwrap().as_str()), (1, "two\n"));
    assert!(notes(&approved(&asked, &["make"])).contains("answered before"));
    let dropped = question(&tagout(&place, &make));
    says(&place, &["grants", "--revoke", &dropped]);
    assert_eq!(approved(&dropped, &["make"]).status.code(), Some(1));
}

#[test]
fn an_answer_for_good_is_the_smallest_rule_and_can_be_taken_back() {
    let place = Place::new();
    says(&place, &["mode", "unrestricted"]);
    let script = "echo \"$HOME\" > \"a b\"";
    let run = ["run", "--host", "--", "sh", "-c", script];
    let asked = question(&tagout(&place, &run));
    says(&place, &["run", "--host", "--approve", &asked, "--always", "--", "sh", "-c", script]);
    says(&place, &run);
    assert_eq!(code(&place, &["run", "--host", "--", "sh", "-c", "echo x"]), Some(3), "another command");
    says(&place, &["mode", "workspace-write"]);
    assert_eq!(code(&place, &run), Some(3), "another mode");
    says(&place, &["mode", "unrestricted"]);
    let name = format!("approved-{asked}");
    assert!(says(&place, &["grants"]).contains(&format!("{name}  you approved it for good  (approved.toml:")));
    says(&place, &["grants", "--revoke", &name]);
    assert_eq!(code(&place, &run), Some(3));
    assert_eq!(code(&place, &["grants", "--revoke", &name]), Some(1));
}

#[test]
fn a_role_may_no_more_than_its_powers() {
    let place = Place::new();
    says(&place, &["mode", "unrestricted"]);
    for (role, wanted) in [
        ("scout", "role-lacks-the-power"),
        ("reviewer", "role-lacks-the-power"),
        ("runner", "host-command-needs-consent"),
    ] {
        let told = notes(&tagout(&place, &["run", "--host", "--role", role, "--", "true"]));
        assert!(told.contains(wanted), "{role}: {told}");
    }
    assert_eq!(code(&place, &["run", "--role", "king", "--", "true"]), Some(2));
}

#[test]
fn the_record_is_verified_exported_and_rotated() {
    let place = Place::new();
    for mode in ["workspace-write", "unrestricted", "read-only"] {
        says(&place, &["mode", mode]);
    }
    // Trust, then three modes, each with its end.
    assert_eq!(says(&place, &["audit", "verify"]), "8 records, each as it was written\n");
    let lines = says(&place, &["audit", "export"]);
    assert_eq!(
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["number"].as_u64()).max(),
        Some(Some(8))
    );
    let otlp = says(&place, &["audit", "export", "--format", "otlp"]);
    let first: Value = serde_json::from_str(otlp.lines().next().unwrap()).unwrap();
    assert!(first["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["timeUnixNano"].is_string(), "{first}");
    assert!(says(&place, &["audit", "rotate", "--keep-records", "2"]).starts_with("records 1 to 6 are in "));
    assert_eq!(says(&place, &["audit", "verify"]), "8 records, each as it was written\n");
    let database = place.home().join(".state/tagout/tagout.sqlite");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", database.display()));
    }
    let found = tagout(&place, &["audit", "verify"]);
    assert!(!found.status.success() && notes(&found).contains("cannot be trusted"), "{}", notes(&found));
}

#[test]
fn a_secret_that_is_written_is_asked_about_and_one_that_was_there_is_not() {
    let place = Place::new();
    let key = "-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKC\\n-----END PRIVATE KEY-----";
    place.write("with.py", format!("# {}\nread(1)\n", key.replace("\\n", "\n# ")));
    place.write("without.py", "read(2)\n");
    says(&place, &["mode", "workspace-write"]);
    let rewrite = |pattern: &str, to: &str| {
        tagout(&place, &["rewrite", "--apply", "--lang", "python", "--pattern", pattern, "--to", to])
    };
    let moved = rewrite("read($A)", "load($A)");
    assert!(moved.status.success(), "{}", notes(&moved));
    assert!(fs::read_to_string(place.work().join("with.py")).unwrap().contains("load(1)"));
    let added = rewrite("load(2)", &format!("load(\"\"\"{}\"\"\")", key.replace("\\n", "\n")));
    let name = question(&added);
    assert!(notes(&added).contains("secret"), "{}", notes(&added));
    assert!(fs::read_to_string(place.work().join("without.py")).unwrap().contains("load(2)"));
    assert!(!says(&place, &["log"]).contains("MIIEowIBAAKC"));
    assert!(!name.is_empty());
}
