//! The rules: which room may import which, which words are confined where, and the shape of a file.

use crate::scan::{Part, Path, Token, paths, reads, tokens};
use std::fmt;

/// The rooms whose code has values in and values out, in reading order.
pub(crate) const CORE: [&str; 8] =
    ["text", "workspace", "syntax", "policy", "retrieve", "changes", "refactor", "config"];

/// Every room in reading order, and the rooms it may import; `core` stands for all of [`CORE`].
pub(crate) const ROOMS: [(&str, &[&str]); 22] = [
    ("text", &[]),
    ("workspace", &["text"]),
    ("syntax", &["text", "workspace"]),
    ("policy", &["workspace", "syntax"]),
    ("retrieve", &["text", "workspace", "syntax"]),
    ("changes", &["text", "workspace"]),
    ("refactor", &["text", "workspace", "syntax"]),
    ("config", &["workspace", "policy"]),
    ("locks", &[]),
    ("http", &[]),
    ("ports", &["core"]),
    ("engine", &["core", "ports"]),
    ("store", &["text", "workspace", "syntax", "retrieve", "locks", "ports"]),
    ("ledger", &["workspace", "policy", "changes", "locks", "ports"]),
    ("model", &["workspace", "syntax", "policy", "retrieve", "config", "http", "ports"]),
    ("objects", &["config", "http", "locks", "ports"]),
    ("host", &["text", "workspace", "policy", "changes", "config", "locks", "ports"]),
    ("sandbox", &["text", "workspace", "policy", "changes", "ports"]),
    ("observe", &["config"]),
    ("lsp", &["core", "ports", "engine"]),
    ("cli", &["core", "ports", "engine"]),
    ("mcp", &["core", "ports", "engine"]),
];

/// Files that join the rooms: they may import all of them.
const JOINS: [&str; 2] = ["assemble", "main"];

/// Paths that begin so may stand only in the rooms named. A last `*` stands for any end of a word.
const CONFINED: [(&str, &[&str]); 22] = [
    ("tower_lsp", &["lsp"]),
    ("lancedb*", &["store"]),
    ("lance_*", &["store"]),
    ("arrow", &["store"]),
    ("arrow_*", &["store"]),
    ("rusqlite", &["ledger"]),
    ("libsqlite3_sys", &["ledger"]),
    ("reqwest", &["http"]),
    ("sha2", &["objects"]),
    ("tree_sitter*", &["syntax"]),
    ("ast_grep_*", &["syntax"]),
    ("nix", &["sandbox"]),
    ("libc", &["sandbox"]),
    ("rustix", &["host", "objects", "sandbox"]),
    ("std::process", &["sandbox"]),
    ("tokio::process", &["sandbox"]),
    ("std::fs", &["host", "sandbox", "store", "ledger", "locks", "objects"]),
    ("tokio::fs", &["host"]),
    ("std::env", &["host", "main"]),
    ("std::time::SystemTime", &["host"]),
    ("std::time::Instant", &["host"]),
    ("tokio::time::Instant", &["host"]),
];

/// Narrower paths that may stand in more rooms than the confined path they begin with: how the program ends, and its
/// own number, start nothing.
const EXCEPTED: [(&str, &[&str]); 2] =
    [("std::process::ExitCode", &["main", "assemble", "cli"]), ("std::process::id", &["host", "cli"])];

/// Words that a clock, however it was imported, is read by; allowed in test code.
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];

/// What test code outside the core may name, to prepare a folder and look at it afterwards.
const FOR_TESTS: [&str; 2] = ["std::fs", "std::env"];

/// What the core may not name: waiting, doing, saying.
const IMPURE: [&str; 7] = ["tokio", "futures", "tracing", "log", "std::io", "std::net", "std::thread"];

/// Macros that speak to whoever runs the program.
const LOUD: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// The one file that may hold `unsafe`.
const UNSAFE_FILE: &str = "src/sandbox/sys.rs";

/// Lines that a file may have.
pub(crate) const LINE_CAP: usize = 400;

/// Lines that [`UNSAFE_FILE`] may have, which cannot be taken apart.
pub(crate) const UNSAFE_LINE_CAP: usize = 450;

/// One rule broken at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File, from the repository root.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong there.
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The room of a file below `src/`, by its first folder or its own name; `None` outside `src/`.
fn room_of(file: &str) -> Option<&str> {
    let first = file.strip_prefix("src/")?.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

/// `src/room/tests.rs` and what is below `src/room/tests/` is compiled for tests alone.
fn part_of(file: &str) -> Part {
    let of_tests = file.starts_with("src/") && (file.ends_with("/tests.rs") || file.contains("/tests/"));
    if of_tests || file.starts_with("tests/") { Part::Test } else { Part::Program }
}

fn allowed_imports(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

fn may_import(room: &str, other: &str, in_test: bool) -> bool {
    let in_core = CORE.contains(&other);
    let allowed = allowed_imports(room).unwrap_or_default();
    JOINS.contains(&room)
        || room == other
        || allowed.contains(&other)
        || (in_core && (in_test || allowed.contains(&"core")))
}

/// Everything wrong with one file, given its path from the repository root.
pub(crate) fn check(file: &str, source: &str) -> Vec<Finding> {
    let tokens = tokens(source, part_of(file));
    let paths = paths(&tokens);
    let mut found = shape(source, &tokens, file);
    if let Some(room) = room_of(file) {
        if file == "src/lib.rs" {
            found.extend(list_only(&tokens));
        } else {
            found.extend(unknown_room(room));
            found.extend(imports(file, room, &paths));
            found.extend(confined(room, &paths, &tokens));
            found.extend(CORE.contains(&room).then(|| impure(&paths, &tokens)).into_iter().flatten());
        }
    }
    found.sort();
    found.dedup();
    let named = |(line, what)| Finding { file: file.to_owned(), line, what };
    found.into_iter().map(named).collect()
}

type Wrong = Vec<(usize, String)>;

fn shape(source: &str, tokens: &[Token], file: &str) -> Wrong {
    let mut wrong = Wrong::new();
    let lines = source.lines().count();
    if !source.starts_with("//!") {
        wrong.push((1, "a file starts with `//!` and what it is for".to_owned()));
    }
    let cap = if file == UNSAFE_FILE { UNSAFE_LINE_CAP } else { LINE_CAP };
    if lines > cap {
        wrong.push((cap + 1, format!("{lines} lines, and {cap} is the cap")));
    }
    for (at, token) in tokens.iter().enumerate() {
        if token.text == "unsafe" && file != UNSAFE_FILE {
            wrong.push((token.line, format!("`unsafe` may stand only in {UNSAFE_FILE}")));
        }
        if file.starts_with("src/") && reads(tokens, at, &["#", "[", "path", "="]) {
            wrong.push((token.line, "`#[path]` would take a file out of its room".to_owned()));
        }
    }
    wrong
}

fn list_only(tokens: &[Token]) -> Wrong {
    let mut wrong = Wrong::new();
    for item in tokens.chunks(4) {
        let words: Vec<&str> = item.iter().map(|token| token.text.as_str()).collect();
        let line = item.first().map_or(1, |token| token.line);
        match words.as_slice() {
            ["pub", "mod", "assemble", ";"] => {}
            ["pub", "mod", room, ";"] if allowed_imports(room).is_some() => {}
            ["pub", "mod", room, ";"] => wrong.push((line, format!("`{room}` is not in the table of rooms"))),
            _ => return vec![(line, "lib.rs is the list of rooms and nothing else".to_owned())],
        }
    }
    wrong
}

fn unknown_room(room: &str) -> Wrong {
    let known = JOINS.contains(&room) || allowed_imports(room).is_some();
    if known { Wrong::new() } else { vec![(1, format!("`{room}` is not in the table of rooms"))] }
}

/// How many modules deep a file's own module is below the crate.
fn depth_of(file: &str) -> usize {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let folders = inside.matches('/').count();
    if inside.ends_with("mod.rs") || inside == "main.rs" { folders } else { folders + 1 }
}

/// The words after the crate's root, for a path that starts there by whatever way.
fn from_root<'a>(path: &'a Path, file: &str) -> Option<&'a [String]> {
    let (first, after) = path.segments.split_first()?;
    if matches!(first.as_str(), "crate" | "tagout") {
        return Some(after);
    }
    let spelled = if first == "self" { after } else { path.segments.as_slice() };
    let climbed = spelled.iter().take_while(|word| *word == "super").count();
    let at_root = climbed > 0 && climbed == depth_of(file) + path.inline_modules;
    if at_root { spelled.get(climbed..) } else { None }
}

fn imports(file: &str, room: &str, paths: &[Path]) -> Wrong {
    let mut wrong = Wrong::new();
    for path in paths {
        let Some(inside) = from_root(path, file) else { continue };
        match inside.first().map(String::as_str) {
            Some("*") => wrong.push((path.line, "a glob over the whole crate hides what is imported".to_owned())),
            None | Some("self") if path.renamed => {
                wrong.push((path.line, "the crate under another name hides what is imported".to_owned()));
            }
            Some(other) if (unknown_room(other).is_empty() && !may_import(room, other, path.in_test)) => {
                wrong.push((path.line, format!("`{room}` may not import `{other}`")));
            }
            None | Some(_) => {}
        }
    }
    wrong
}

/// Whether `path` is `pattern` or goes on from it.
fn begins(path: &Path, pattern: &str) -> bool {
    let mut segments = path.segments.iter();
    pattern.split("::").all(|wanted| {
        let fits = |segment: &String| match wanted.strip_suffix('*') {
            Some(start) => segment.starts_with(start),
            None => segment == wanted,
        };
        segments.next().is_some_and(fits)
    })
}

fn confined(room: &str, paths: &[Path], tokens: &[Token]) -> Wrong {
    let mut wrong = Wrong::new();
    for path in paths {
        let excepted = EXCEPTED.iter().any(|(pattern, rooms)| begins(path, pattern) && rooms.contains(&room));
        let prepares = path.in_test && !CORE.contains(&room) && FOR_TESTS.iter().any(|pattern| begins(path, pattern));
        let clock = path.in_test && path.segments.last().is_some_and(|word| CLOCKS.contains(&word.as_str()));
        let broken = CONFINED.iter().find(|(pattern, rooms)| begins(path, pattern) && !rooms.contains(&room));
        if let Some((pattern, rooms)) = broken.filter(|_| !excepted && !prepares && !clock) {
            wrong.push((path.line, format!("`{pattern}` may stand only in {}", rooms.join(", "))));
        }
        if begins(path, "std::*") && path.segments.len() == 2 && path.segments.last().is_some_and(|word| word == "*") {
            wrong.push((path.line, "a glob over `std` hides what is imported".to_owned()));
        }
    }
    let clocks = tokens.iter().filter(|token| CLOCKS.contains(&token.text.as_str()) && !token.in_test);
    wrong.extend(
        clocks.filter(|_| room != "host").map(|token| (token.line, format!("`{}` may stand only in host", token.text))),
    );
    wrong
}

fn impure(paths: &[Path], tokens: &[Token]) -> Wrong {
    let mut wrong = Wrong::new();
    for path in paths {
        let named = IMPURE.iter().find(|pattern| begins(path, pattern));
        wrong.extend(named.map(|pattern| (path.line, format!("the core is pure: no `{pattern}`"))));
    }
    for (at, token) in tokens.iter().enumerate() {
        let waits = matches!(token.text.as_str(), "async" | "await");
        let speaks = LOUD.contains(&token.text.as_str()) && reads(tokens, at + 1, &["!"]) && !token.in_test;
        if waits || speaks {
            wrong.push((token.line, format!("the core is pure: no `{}`", token.text)));
        }
    }
    wrong
}
