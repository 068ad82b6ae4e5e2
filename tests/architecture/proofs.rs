//! Proves that each rule can fail, and that comments, literals and groups do not confuse the scanner.

use crate::rules::{CORE, LINE_CAP, ROOMS, UNSAFE_LINE_CAP, check};
use crate::scan::{Part, blank, paths, tokens};

/// What `check` says of `body` under a proper head, one `line: what` for each finding.
fn findings(file: &str, body: &str) -> Vec<String> {
    let found = check(file, &format!("//! Head.\n{body}"));
    found.into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
}

fn spelled(source: &str) -> Vec<String> {
    let wanted = |path: &crate::scan::Path| path.segments.len() > 1;
    paths(&tokens(source, Part::Program))
        .iter()
        .filter(|path| wanted(path))
        .map(|path| path.segments.join("::"))
        .collect()
}

#[test]
fn comments_and_literals_are_blank() {
    let tricky = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"a("b \" c", 'd')"#, r#"a(         ,    )"#),
        (r##"a(r#"b " c"#, d)"##, "a(           , d)"),
        (r"a('\'', '\\', '\u{1F600}')", "a(    ,     ,            )"),
        ("a::<'b, 'static>('c')", "a::<'b, 'static>(   )"),
        ("a(b\"//\", br\"\\\", c\"d\", b'\\'')", "a(     ,       ,     ,      )"),
        ("r#type, bar\"b\"", "r#type, bar   "),
        ("'é' 'a: loop", "    'a: loop"),
        ("\"a\nb\" c", "  \n   c"),
        ("\"never closed", "             "),
        ("/* never closed", "               "),
    ];
    for (source, wanted) in tricky {
        let blanked = blank(source);
        let width = |text: &str| text.lines().map(str::len).collect::<Vec<_>>();
        assert_eq!(blanked.split_whitespace().collect::<Vec<_>>(), wanted.split_whitespace().collect::<Vec<_>>());
        assert_eq!(width(&blanked).len(), width(source).len(), "{source}: a line was lost");
    }
}

#[test]
fn paths_are_spelled_out() {
    assert_eq!(
        spelled("use a::{b, c::{self, d as e, f::*}, g};"),
        ["a::b", "a::c::self", "a::c::d", "a::c::f::*", "a::g"]
    );
    assert_eq!(spelled("let x = Vec::<a::B>::new(); a::B { c: d::E }"), ["a::B", "a::B", "d::E"]);
    assert_eq!(spelled("use ::a::b; x.y::<c::D>()"), ["a::b", "c::D"]);
    assert_eq!(spelled("use a::\n    b::c;"), ["a::b::c"]);
    assert_eq!(spelled("pub(in a::b) fn x() -> <T as c::D>::E"), ["a::b", "c::D"]);
}

#[test]
fn a_room_may_import_only_what_the_table_says() {
    assert_eq!(findings("src/store/mod.rs", "use crate::text::Span;\nuse crate::ports::Store;"), Vec::<String>::new());
    assert_eq!(findings("src/store/mod.rs", "use crate::ledger::Log;"), ["2: `store` may not import `ledger`"]);
    assert_eq!(
        findings(
            "src/lsp/edit.rs",
            "use crate::{\n    engine::{Event, Order},\n    text::{self, Span},\n    host::Disk,\n};"
        ),
        ["5: `lsp` may not import `host`"]
    );
    assert_eq!(findings("src/text/a.rs", "fn f() { crate::policy::decide() }"), ["2: `text` may not import `policy`"]);
    assert_eq!(findings("src/main.rs", "use tagout::{host::Disk, lsp::serve};"), Vec::<String>::new());
    assert_eq!(findings("src/assemble.rs", "use crate::{host::Disk, lsp::serve};"), Vec::<String>::new());
    assert_eq!(findings("src/cli/run.rs", "use tagout::sandbox::Plan;"), ["2: `cli` may not import `sandbox`"]);
    assert_eq!(findings("src/cli/run.rs", "use crate::*;").len(), 1);
    assert_eq!(findings("src/cli/run.rs", "use crate as all;").len(), 1);
    assert_eq!(findings("src/cli/run.rs", "pub(crate) fn f() {}"), Vec::<String>::new());
}

#[test]
fn climbing_to_the_root_is_an_import_too() {
    let wrong = ["2: `store` may not import `lsp`"];
    assert_eq!(findings("src/store/mod.rs", "use super::lsp::Backend;"), wrong);
    assert_eq!(findings("src/store/table.rs", "use super::super::lsp::Backend;"), wrong);
    assert_eq!(findings("src/store/table.rs", "use self::super::super::lsp::Backend;"), wrong);
    assert_eq!(findings("src/store/table.rs", "mod a { use super::{super::super::lsp::Backend}; }"), wrong);
    assert_eq!(findings("src/store/table.rs", "use super::lsp::Backend;"), Vec::<String>::new());
}

#[test]
fn test_code_may_use_the_core_and_no_more() {
    let body = "#[cfg(test)]\nmod tests {\n    use crate::changes::Hunk;\n    use crate::host::Disk;\n}\n";
    assert_eq!(findings("src/store/mod.rs", body), ["5: `store` may not import `host`"]);
    assert_eq!(findings("src/store/tests.rs", "use crate::changes::Hunk;"), Vec::<String>::new());
    assert_eq!(findings("src/store/tests.rs", "use crate::host::Disk;").len(), 1);
    let after = "#[cfg(test)]\nuse crate::changes::Hunk;\nuse crate::changes::Side;";
    assert_eq!(findings("src/store/mod.rs", after), ["4: `store` may not import `changes`"]);
}

#[test]
fn no_cycle_can_be_written_into_the_table() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        let above: Vec<&str> = ROOMS.iter().take(at).map(|(name, _)| *name).collect();
        let stands_above = |other: &&str| above.contains(other) || (*other == "core" && at >= CORE.len());
        assert!(allowed.iter().all(stands_above), "`{room}` imports a room that does not stand above it");
    }
}

#[test]
fn confined_words_stay_in_their_rooms() {
    let confined = [
        ("src/lsp/mod.rs", "src/engine/mod.rs", "use tower_lsp::Client;"),
        ("src/store/mod.rs", "src/engine/mod.rs", "use lancedb::connect;"),
        ("src/store/mod.rs", "src/retrieve/mod.rs", "fn f(a: &arrow_array::RecordBatch) {}"),
        ("src/ledger/mod.rs", "src/store/mod.rs", "use rusqlite::Connection;"),
        ("src/http/mod.rs", "src/model/mod.rs", "use reqwest::Client;"),
        ("src/syntax/mod.rs", "src/retrieve/mod.rs", "use tree_sitter_rust::LANGUAGE;"),
        ("src/syntax/mod.rs", "src/engine/mod.rs", "use ast_grep_core::Pattern;"),
        ("src/sandbox/mod.rs", "src/host/mod.rs", "use nix::unistd;"),
        ("src/sandbox/mod.rs", "src/host/mod.rs", "let id = libc::getpid();"),
        ("src/sandbox/mod.rs", "src/cli/mod.rs", "use std::process::Command;"),
        ("src/sandbox/mod.rs", "src/main.rs", "use std::{fmt, process::{Command, ExitCode}};"),
        ("src/cli/mod.rs", "src/engine/mod.rs", "use std::process::ExitCode;"),
        ("src/host/mod.rs", "src/ledger/mod.rs", "use rustix::fs::openat2;"),
        ("src/host/mod.rs", "src/engine/mod.rs", "use std::fs::File;"),
        ("src/store/mod.rs", "src/cli/mod.rs", "use std::{fs, path::Path};"),
        ("src/cli/mod.rs", "src/engine/mod.rs", "let own = std::process::id();"),
        ("src/main.rs", "src/assemble.rs", "let home = std::env::var_os(\"HOME\");"),
        ("src/host/mod.rs", "src/engine/mod.rs", "let now = std::time::SystemTime::now();"),
        ("src/host/mod.rs", "src/lsp/mod.rs", "use std::time::{Duration, Instant};"),
        ("src/host/mod.rs", "src/lsp/mod.rs", "use std::time; let now = time::Instant::now();"),
        ("src/text/mod.rs", "src/lsp/mod.rs", "use std::*;"),
    ];
    for (home, elsewhere, body) in confined {
        let found = findings(elsewhere, body);
        assert!(!found.is_empty(), "{body} was let pass in {elsewhere}");
        assert!(found.iter().all(|finding| finding.starts_with("2: ")), "{found:?}");
        let at_home = findings(home, body);
        assert!(body.contains("std::*") || at_home.is_empty(), "{body} in {home}: {at_home:?}");
    }
    let timed_test = "#[cfg(test)]\nmod tests { use std::time::Instant; fn f() { Instant::now(); } }";
    assert_eq!(findings("src/engine/mod.rs", timed_test), Vec::<String>::new());
    let prepared = "#[cfg(test)]\nmod tests { use std::{env, fs}; }";
    assert_eq!(findings("src/observe/mod.rs", prepared), Vec::<String>::new());
    assert_eq!(findings("src/changes/mod.rs", prepared).len(), 2);
    let spoken = "/* use nix::x; */ let a = \"std::fs\"; // libc::getpid()\nlet environment = env!(\"HOME\");";
    assert_eq!(findings("src/engine/mod.rs", spoken), Vec::<String>::new());
}

#[test]
fn the_core_neither_waits_nor_acts_nor_speaks() {
    let impure = ["async fn f() {}", "use tokio::sync::mpsc;", "use std::io::Read;", "use std::{net, fmt};"];
    let impure = impure.into_iter().chain(["tracing::info!(a);", "println!();", "std::thread::spawn(f);", "f().await"]);
    for body in impure {
        for room in CORE {
            let found = findings(&format!("src/{room}/mod.rs"), body);
            assert!(
                found.iter().any(|finding| finding.starts_with("2: the core is pure")),
                "{room}: {body}: {found:?}"
            );
        }
        assert_eq!(findings("src/lsp/mod.rs", body), Vec::<String>::new());
    }
}

#[test]
fn unsafe_stands_in_one_file() {
    let body = "fn f() { unsafe { g() } }";
    assert_eq!(findings("src/sandbox/sys.rs", body), Vec::<String>::new());
    for file in ["src/sandbox/init.rs", "src/text/sys.rs", "tests/it/main.rs", "src/lib.rs"] {
        assert!(findings(file, body).iter().any(|finding| finding.starts_with("2: `unsafe`")), "{file}");
    }
}

#[test]
fn the_shape_of_a_file_is_held() {
    let headless = check("src/text/a.rs", "// Not a head.\n");
    assert_eq!(
        headless.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["src/text/a.rs:1: a file starts with `//!` and what it is for"]
    );
    let body = "\n".repeat(LINE_CAP - 1);
    assert_eq!(findings("tests/it/a.rs", &body), Vec::<String>::new());
    assert_eq!(findings("tests/it/a.rs", &format!("{body}\n")), ["401: 401 lines, and 400 is the cap"]);
    let body = "\n".repeat(UNSAFE_LINE_CAP);
    assert_eq!(findings("src/sandbox/sys.rs", &body), ["451: 451 lines, and 450 is the cap"]);
    assert_eq!(findings("src/text/mod.rs", "#[path = \"../lsp/a.rs\"]\nmod a;").len(), 1);
    assert_eq!(findings("src/utils/mod.rs", ""), ["1: `utils` is not in the table of rooms"]);
}

#[test]
fn lib_is_the_list_and_nothing_else() {
    assert_eq!(findings("src/lib.rs", "pub mod text;\n\npub mod assemble;\n"), Vec::<String>::new());
    let nothing_else = ["2: lib.rs is the list of rooms and nothing else"];
    for body in ["mod text;", "pub use a::b;", "pub mod text {}", "pub fn f() {}", "#[cfg(test)] mod tests;"] {
        assert_eq!(findings("src/lib.rs", body), nothing_else);
    }
    assert_eq!(findings("src/lib.rs", "pub mod common;"), ["2: `common` is not in the table of rooms"]);
}
