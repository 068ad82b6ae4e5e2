//! The files that a command's meaning depends on: what an approval of the command binds to, besides its words.

use std::collections::BTreeSet;
use std::path::{Component, PathBuf};

use super::super::Workbench;
use crate::policy::Dependency;
use crate::workspace::{ContentHash, FileKind, RelativePath, Root};

/// Most files that are looked at.
const MOST: usize = 256;
/// Most links that are followed from one file.
const LINKS: usize = 8;

/// What programs read to find out what to do, by the beginning of their names.
const READ: [(&str, &[&str]); 11] = [
    ("make", &["Makefile", "makefile", "GNUmakefile"]),
    ("just", &["justfile", "Justfile", ".justfile"]),
    ("npm", &["package.json", ".npmrc"]),
    ("npx", &["package.json", ".npmrc"]),
    ("pnpm", &["package.json", ".npmrc"]),
    ("yarn", &["package.json", ".yarnrc", ".yarnrc.yml"]),
    ("cargo", &["Cargo.toml", "build.rs", ".cargo/config.toml", ".cargo/config"]),
    ("go", &["go.mod"]),
    ("python", &["pyproject.toml", "setup.py", "setup.cfg", "conftest.py"]),
    ("pytest", &["pyproject.toml", "pytest.ini", "conftest.py", "tox.ini"]),
    ("docker", &["Dockerfile", "docker-compose.yml", "compose.yaml"]),
];

/// The files in the workspace that `argv` names, or that the programs it names read, as they are now.
pub(super) fn depends(workbench: &Workbench, root: &Root, argv: &[String]) -> Vec<Dependency> {
    let below = format!("{}/", root.as_path().display());
    // An argument may be a path with blanks in it, a text of several words, or an option with a path in it.
    let parts = argv.iter().flat_map(|argument| std::iter::once(argument.as_str()).chain(argument.split_whitespace()));
    let words = parts.flat_map(|word| std::iter::once(word).chain(word.split(['=', '<', '>', ';', '|', '&'])));
    let mut paths = BTreeSet::new();
    for word in words.take(10_000) {
        let word = word.strip_prefix(&below).unwrap_or(word);
        let word = word.trim_matches(['"', '\'', ';', '(', ')', '&', '|']);
        let name = word.rsplit('/').next().unwrap_or(word);
        let read =
            READ.iter().filter(|(program, _)| name.starts_with(program)).flat_map(|(_, files)| files.iter().copied());
        let named = RelativePath::new(word.trim_start_matches("./"));
        paths.extend(read.filter_map(|file| RelativePath::new(file).ok()).chain(named));
    }
    let mut present = Vec::new();
    for path in paths {
        look(workbench, root, path, LINKS, &mut present);
        if present.len() >= MOST {
            break;
        }
    }
    present
}

/// What is at `path`, and behind it where it is a link.
fn look(workbench: &Workbench, root: &Root, path: RelativePath, links: usize, present: &mut Vec<Dependency>) {
    // What cannot be read, as a folder, has no content that could be compared: it counts as there.
    let state = match workbench.files.read(root, &path) {
        Ok(None) => return,
        Ok(state) => state,
        Err(_) => None,
    };
    let content = state.as_ref().map(|state| ContentHash::of(&state.bytes));
    present.push(Dependency { path: path.to_string(), content });
    let target = state.filter(|state| state.kind == FileKind::Symlink && links > 0);
    if let Some(behind) = target.and_then(|state| behind(root, &path, &String::from_utf8(state.bytes).ok()?)) {
        look(workbench, root, behind, links - 1, present);
    }
}

/// The place that a link at `path` leads to; `None` outside the workspace, whose files the user keeps.
fn behind(root: &Root, path: &RelativePath, target: &str) -> Option<RelativePath> {
    let from = root.join(path);
    let mut place = PathBuf::new();
    for part in from.parent()?.join(target).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => place.push(part),
        }
    }
    root.relative(&place).ok()
}
