//! The diff of a changeset, read by `git apply`: it leads to the very files that the changeset leads to, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tagout::changes::{Changeset, FileChange, Origin, render_changeset};
use tagout::workspace::{FileKind, FileState, RelativePath};

/// Changesets that are tried.
const CASES: u32 = 100;

type World = BTreeMap<RelativePath, FileState>;

const PATHS: &[&str] = &[
    "a",
    "A",
    "d/b",
    "d/e/c",
    "two words",
    "-dash",
    "é😀",
    "quo\"te",
    "back\\slash",
    "tab\there",
    " ends ",
    "pre-commit",
];

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "[a-f]\n",
        1 => Just("x\r\n".to_owned()),
        1 => Just("\ry \n".to_owned()),
        1 => Just("-- \n".to_owned()),
        1 => Just("\n".to_owned()),
    ];
    let mark = prop_oneof![6 => Just(""), 1 => Just("\u{feff}")];
    let last = prop_oneof![Just(""), Just("last"), Just("\r")];
    (mark, prop::collection::vec(line, 0..12), last)
        .prop_map(|(mark, lines, last)| mark.to_owned() + &lines.concat() + last)
}

fn state() -> impl Strategy<Value = FileState> {
    let file = |kind| text().prop_map(move |text| FileState { kind, ..FileState::text(text) });
    let link = "[a-c/]{1,6}".prop_map(|target| FileState { kind: FileKind::Symlink, ..FileState::text(target) });
    prop_oneof![6 => file(FileKind::Plain), 2 => file(FileKind::Executable), 1 => link]
}

fn world() -> impl Strategy<Value = World> {
    let path = prop::sample::select(PATHS).prop_map(|path| RelativePath::new(path).unwrap());
    prop::collection::btree_map(path, state(), 0..6)
}

/// Two worlds; of the first some files stay, some move, some move and change, some become executable.
fn worlds() -> impl Strategy<Value = (World, World)> {
    (world(), world(), prop::collection::vec(0..6, 6)).prop_map(|(from, mut to, choices)| {
        for (at, ((path, state), choice)) in from.iter().zip(choices).enumerate() {
            let elsewhere = RelativePath::new(format!("moved here/{at}")).unwrap();
            let mut state = state.clone();
            match choice {
                0 => drop(to.insert(path.clone(), state)),
                1 => drop(to.insert(elsewhere, state)),
                2 if state.kind != FileKind::Symlink => {
                    state.bytes.extend_from_slice(b"more\n");
                    to.insert(elsewhere, state);
                }
                3 if state.kind != FileKind::Symlink => {
                    to.insert(path.clone(), FileState { kind: FileKind::Executable, ..state });
                }
                _ => {}
            }
        }
        (from, to)
    })
}

fn between(from: &World, to: &World) -> Changeset {
    let paths: BTreeSet<&RelativePath> = from.keys().chain(to.keys()).collect();
    let change = |path: &RelativePath| FileChange {
        path: path.clone(),
        before: from.get(path).cloned(),
        after: to.get(path).cloned(),
    };
    Changeset::new(Origin::User, paths.into_iter().map(change).collect())
}

fn write(folder: &Path, world: &World) {
    for (path, state) in world {
        let path = folder.join(path.as_str());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mode = match state.kind {
            FileKind::Symlink => {
                symlink(std::ffi::OsStr::from_bytes(&state.bytes), &path).unwrap();
                continue;
            }
            FileKind::Plain => 0o644,
            FileKind::Executable => 0o755,
        };
        fs::write(&path, &state.bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn read(root: &Path, folder: &Path, world: &mut World) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            read(root, &path, world);
            continue;
        }
        let state = if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string().into_vec();
            FileState { kind: FileKind::Symlink, bytes: target }
        } else {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            let kind = if executable { FileKind::Executable } else { FileKind::Plain };
            FileState { kind, bytes: fs::read(&path).unwrap() }
        };
        world.insert(RelativePath::from_path(path.strip_prefix(root).unwrap()).unwrap(), state);
    }
}

/// Has git apply `diff` in `folder`; what it says if it does not.
fn git_apply(folder: &Path, diff: &str) -> Result<(), String> {
    let mut git = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .current_dir(folder)
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

fn shown(world: &World) -> Vec<String> {
    world.iter().map(|(path, state)| format!("{path:?}: {:?} {}", state.kind, state.bytes.escape_ascii())).collect()
}

fn check(from: &World, to: &World) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    write(&root, from);
    let changeset = between(from, to);
    // The way back is a diff of its own: git's `--reverse` forgets the mode of a file that it brings back.
    for (changeset, wanted) in [(&changeset, to), (&changeset.inverted(), from)] {
        let diff = render_changeset(changeset);
        // Without a single change git says that there is no patch.
        if !changeset.is_empty() {
            assert_eq!(git_apply(&root, &diff), Ok(()), "{:#?}\n{:#?}\n{diff}", shown(from), shown(to));
        }
        let mut now = World::new();
        read(&root, &root, &mut now);
        assert_eq!(shown(&now), shown(wanted), "{:#?}\n{diff}", shown(from));
    }
}

#[test]
fn git_reads_every_diff_as_it_is_meant() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("skipped: there is no git here");
        return;
    }
    let mut runner = TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() });
    runner
        .run(&worlds(), |(from, to)| {
            check(&from, &to);
            Ok(())
        })
        .unwrap();
}
