//! Holds the architecture: reads the source tree and fails with file and line where a rule is broken.
//!
//! The rules stand in `architecture/rules.rs`, what reads the source in `architecture/scan.rs`. Each rule is
//! proved able to fail, on made-up text, before the tree itself is judged.

#[path = "architecture/proofs.rs"]
mod proofs;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/scan.rs"]
mod scan;

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose Rust files the rules are for, where they exist.
const FOLDERS: [&str; 4] = ["src", "tests", "benches", "examples"];

/// Every Rust file below [`FOLDERS`] with its path from the repository root, and its text.
fn source_tree() -> Result<Vec<(String, String)>, std::io::Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> =
        FOLDERS.iter().map(|folder| root.join(folder)).filter(|path| path.is_dir()).collect();
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                files.push((name, fs::read_to_string(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn the_tree_keeps_every_rule() {
    let files = source_tree().expect("the source tree can be read");
    assert!(files.iter().any(|(name, _)| name == "src/lib.rs"), "src/lib.rs was not found: the walk is wrong");
    let found: Vec<String> =
        files.iter().flat_map(|(name, text)| rules::check(name, text)).map(|finding| finding.to_string()).collect();
    assert!(found.is_empty(), "{} rules broken:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_room_on_disk_is_in_the_list() {
    let files = source_tree().expect("the source tree can be read");
    let list = files.iter().find(|(name, _)| name == "src/lib.rs").map(|(_, text)| text.as_str()).unwrap_or_default();
    let missing: Vec<&str> = files
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("src/")?.split('/').next())
        .map(|first| first.strip_suffix(".rs").unwrap_or(first))
        .filter(|room| !["lib", "main"].contains(room) && !list.contains(&format!("pub mod {room};")))
        .collect();
    assert!(missing.is_empty(), "src/lib.rs: does not list {missing:?}, so nothing compiles them");
}

#[test]
fn the_page_names_tests_that_exist() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md"));
    let page = page.expect("docs/architecture.md can be read");
    let files = source_tree().expect("the source tree can be read");
    let held_by = page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2));
    let named: Vec<&str> = held_by.filter_map(|name| Some(name.rsplit_once("::")?.1)).collect();
    assert!(named.len() > 10, "only {} tests were found in the table: was it moved?", named.len());
    let missing: Vec<&&str> =
        named.iter().filter(|name| !files.iter().any(|(_, text)| text.contains(&format!("fn {name}(")))).collect();
    assert!(missing.is_empty(), "docs/architecture.md: no such tests: {missing:?}");
}
