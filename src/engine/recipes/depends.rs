//! The files that a command's meaning depends on: what an approval of the command binds to, besides its words.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::Workbench;
use crate::policy::Dependency;
use crate::workspace::{ContentHash, FileKind, RelativePath, Root};

/// Most files that are looked at.
const MOST: usize = 256;
/// Most words that are looked at.
const WORDS: usize = 10_000;
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
    // An argument may be a path with blanks in it, a text of several words, or an option with a path in it.
    let parts = argv.iter().flat_map(|argument| std::iter::once(argument.as_str()).chain(argument.split_whitespace()));
    let words =
        parts.flat_map(|word| std::iter::once(word).chain(word.split(['=', '<', '>', ';', '|', '&', ':', ','])));
    // An option may have its path in the same word: `-Csub`, `-Ilib`.
    let words = words.flat_map(|word| std::iter::once(word).chain(word.get(2..).filter(|_| word.starts_with('-'))));
    let quotes = ['"', '\'', ';', '(', ')', '&', '|'];
    let words: BTreeSet<&str> = words.take(WORDS).map(|word| word.trim_matches(quotes)).collect();
    let read = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word).to_owned();
        READ.iter().filter(move |(program, _)| name.starts_with(program)).flat_map(|(_, files)| files.iter().copied())
    };
    let read: BTreeSet<&str> = words.iter().flat_map(read).collect();
    let mut paths = BTreeSet::new();
    for word in &words {
        // Programs read what is in a folder that they are told, too: `make -C sub`.
        let within = read.iter().map(|file| place(root, Path::new(word), file));
        paths.extend(std::iter::once(place(root, Path::new(word), "")).chain(within).flatten());
    }
    paths.extend(read.iter().filter_map(|file| RelativePath::new(*file).ok()));
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
pub(super) fn behind(root: &Root, path: &RelativePath, target: &str) -> Option<RelativePath> {
    place(root, Path::new(path.as_str()).parent()?, target)
}

/// The path that `name` in `folder` is below the root, however it is written; `None` outside.
fn place(root: &Root, folder: &Path, name: &str) -> Option<RelativePath> {
    let mut place = PathBuf::new();
    for part in root.as_path().join(folder).join(name).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => place.push(part),
        }
    }
    root.relative(&place).ok()
}
