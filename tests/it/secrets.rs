//! Secrets of a workspace: hidden from commands, kept by what commands leave. Tried on the real kernel.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tagout::ports::{Exit, OpenText};
use tagout::workspace::RelativePath;

use super::sandbox::bench;

const KEY: &str = "-----BEGIN PRIVATE KEY-----\n";

#[test]
fn a_command_sees_no_secret_and_can_write_none() {
    let files = [
        (".env", "SECRET"),
        ("src/.env.local", "SECRET"),
        ("tls/a.pem", KEY),
        (".env.example", "x"),
        ("tls/ca.pem", "public"),
    ];
    let Some(bench) = bench(&files) else { return };
    let outcome = bench.run("find . -type f | sort; cat .env tls/a.pem; echo mine > .env; rm -r tls; echo y > new");
    assert_eq!(outcome.exit, Exit::Code(0));
    let printed = bench.printed();
    assert!(printed.starts_with("./.env.example\n./tls/ca.pem\n") && !printed.contains("SECRET"), "{printed}");
    let told: Vec<&str> = outcome.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(told, ["new", "tls/ca.pem"]);
    let mut refused: Vec<&str> = outcome.refused.iter().map(|refusal| refusal.path.as_str()).collect();
    refused.sort_unstable();
    assert_eq!(refused, [".env", "tls/a.pem"], "{:?}", outcome.refused);
    for (path, text) in files {
        assert_eq!(fs::read_to_string(bench.work().join(path)).unwrap(), text);
    }
}

#[test]
fn a_secret_stays_hidden_whatever_earlier_commands_left_on_the_way_to_it() {
    let Some(bench) =
        bench(&[(".gitignore", "out\n"), ("out/.env", "SECRET"), ("out/in/.env", "SECRET"), ("out/x", "")])
    else {
        return;
    };
    let scripts = [
        "mkdir out/.env",
        "rm -r out/in; echo > out/in",
        "rm out/in; ln -s . out/in",
        "rm out/in; ln -s /nowhere out/in",
        "rm out/in; mkdir out/in",
        "rm -r out; echo > out",
        "rm out; ln -s . out",
        "rm out; mkdir -p out/in",
    ];
    for script in scripts {
        let outcome = bench.run(script);
        assert_eq!(outcome.exit, Exit::Code(0), "{script}: {}", bench.printed());
        let outcome = bench.run("find . -name .env; cat out/.env out/in/.env .env out/in/in/.env");
        assert_eq!(outcome.exit, Exit::Code(1), "{script}");
        assert!(!bench.printed().contains("SECRET"), "{script}");
    }
}

#[test]
fn a_secret_in_a_folder_that_cannot_be_written_is_hidden_too() {
    let Some(bench) = bench(&[("closed/.env", "SECRET"), ("closed/x", "1")]) else { return };
    let closed = bench.work().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let outcome =
        bench.run("stat -c %a closed; ls -A closed; cat closed/.env; touch closed/y 2>/dev/null || echo closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    let printed = bench.printed();
    assert!(
        printed.starts_with("555\nx\n") && printed.ends_with("closed\n") && !printed.contains("SECRET"),
        "{printed}"
    );
    assert_eq!((outcome.exit, outcome.changes.len()), (Exit::Code(0), 0));
}

#[test]
fn patterns_hide_more_and_show_what_was_hidden() {
    let Some(mut bench) = bench(&[("tests/keys/a.key", KEY), ("data/customers", "x"), ("data/open", "x")]) else {
        return;
    };
    bench.hidden = vec!["data/".into()];
    bench.shown = vec!["tests/keys".into(), "data/open".into()];
    let outcome = bench.run("find . -type f | sort; echo more >> tests/keys/a.key");
    assert_eq!(bench.printed(), "./data/open\n./tests/keys/a.key\n");
    assert_eq!(outcome.changes.len(), 1, "{outcome:?}");
}

#[test]
fn an_open_secret_is_as_hidden_as_one_on_disk() {
    let Some(mut bench) = bench(&[(".env", "a")]) else { return };
    let open = |path: &str| OpenText { path: RelativePath::new(path).unwrap(), text: "SECRET".into(), saved: false };
    bench.open = vec![open(".env"), open("new/.env"), open("a.rs")];
    let outcome = bench.run("find . -type f | sort");
    assert_eq!((bench.printed().as_str(), outcome.changes.len()), ("./a.rs\n", 0));
}

#[test]
fn a_secret_made_between_two_commands_is_hidden_from_the_second() {
    let Some(bench) = bench(&[("a/b", "")]) else { return };
    for name in ["a/.env", "a/c/.env"] {
        assert_eq!(bench.run("find . -name .env").exit, Exit::Code(0));
        fs::create_dir_all(bench.work().join("a/c")).unwrap();
        fs::write(bench.work().join(name), "SECRET").unwrap();
    }
    bench.run("find . -name .env");
    assert_eq!(bench.printed(), "");
}
