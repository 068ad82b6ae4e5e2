//! A `.tagout.toml` that is no file of settings: it opens nothing, hangs nothing, and what is wrong is said.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::place::{Place, notes, says, tagout};
use crate::sandbox::bench;

/// Nothing is run with what `make` puts in the place of the settings, and somebody says why.
fn nothing_runs(what: &str, make: impl Fn(&std::path::Path), said: &str) {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    make(&place.work().join(".tagout.toml"));
    // As somebody who trusts whatever there is.
    let trusted = tagout(&place, &["trust"]);
    let ran = tagout(&place, &["run", "--", "touch", "made"]);
    let notes = format!("{}{}", notes(&trusted), notes(&ran));
    assert!(!ran.status.success(), "{what}: {notes}");
    assert!(notes.contains(said), "{what}: {notes}");
    assert_eq!(says(&place, &["changes"]), "", "{what}");
}

#[test]
fn what_is_no_file_of_settings_stops_everything() {
    if bench(&[]).is_none() {
        return;
    }
    let unreadable = "it is there and cannot be read as a file of text";
    nothing_runs("a link to itself", |path| symlink(".tagout.toml", path).unwrap(), "cannot be looked at");
    nothing_runs("a link outward", |path| symlink("/etc/hostname", path).unwrap(), unreadable);
    nothing_runs("a folder", |path| fs::create_dir(path).unwrap(), unreadable);
    nothing_runs(
        "a pipe",
        |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        "it is no file",
    );
    nothing_runs(
        "100 MB",
        |path| fs::File::create(path).unwrap().set_len(100_000_000).unwrap(),
        "larger than settings",
    );
    nothing_runs("not UTF-8", |path| fs::write(path, b"\xff\xfe[run]\n").unwrap(), "no command runs in the sandbox");
    nothing_runs("half a file", |path| fs::write(path, "[[rule]\nname").unwrap(), "no command runs in the sandbox");
}

#[test]
fn rules_that_make_no_sense_deny_what_they_name() {
    if bench(&[]).is_none() {
        return;
    }
    let rule = |text: String| move |path: &std::path::Path| fs::write(path, format!("[[rule]]\n{text}\n")).unwrap();
    let touch = "command = \"touch\"\n";
    for (what, text, said) in [
        ("everything", "name = \"all\"\ndecision = \"deny\"\n".to_owned(), "deny by all (.tagout.toml:1)"),
        (
            "a contradiction",
            format!(
                "name = \"no\"\ndecision = \"deny\"\n{touch}[[rule]]\nname = \"yes\"\ndecision = \"allow\"\n{touch}"
            ),
            "rule \"yes\" allows, but a workspace may only narrow",
        ),
        (
            "a pattern without end",
            format!("name = \"cat\"\ndecision = \"deny\"\ncommand = \"{}b\"\n", "*a".repeat(5_000)),
            "too long",
        ),
        (
            "an example that it does not keep",
            format!("name = \"x\"\ndecision = \"deny\"\n{touch}allows = [\"touch a\"]\n"),
            "deny by x",
        ),
    ] {
        nothing_runs(what, rule(text), said);
    }
}
