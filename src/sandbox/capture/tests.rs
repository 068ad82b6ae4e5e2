//! What is read back, beside what a real overlay shows.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::outputs::tests::in_overlay;
use super::*;
use crate::workspace::{FileKind, FileState};

type Files = BTreeMap<String, FileState>;

/// Every file and link below `top`.
fn files(top: &Path) -> Files {
    let (mut files, mut folders) = (Files::new(), vec![top.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let state = if kind.is_dir() {
                folders.push(path);
                continue;
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
                FileState { kind: FileKind::Symlink, bytes: target }
            } else if kind.is_file() && entry.metadata().unwrap().len() < 1 << 20 {
                let executable = entry.metadata().unwrap().permissions().mode() & 0o100 != 0;
                let kind = if executable { FileKind::Executable } else { FileKind::Plain };
                FileState { kind, bytes: fs::read(&path).unwrap() }
            } else {
                continue;
            };
            files.insert(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned(), state);
        }
    }
    files
}

struct Bench {
    folder: TempDir,
    place: TempDir,
    /// Opened before any command can close it, as those of a sandbox are.
    written: Folder,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("upper")).unwrap();
        let written = Folder::open(&place.path().join("upper")).unwrap();
        let bench = Self { folder: tempfile::tempdir().unwrap(), place, written };
        for (path, text) in files {
            let path = bench.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        bench
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// What a script leaves, by the overlay and by the capture.
    fn run(&self, script: &str) -> Option<(Files, Captured)> {
        let copy = self.place.path().join("copy");
        let open = "find . -type d -exec chmod u+rwx {} +; find . -type f -exec chmod u+r {} +";
        let began = Moment::now().unwrap();
        let script = format!("({script}) >&2 2>/dev/null; cp -a . {0}; cd {0}; {open}", copy.display());
        in_overlay(&[&self.root()], self.place.path(), &script)?;
        let hidden = BTreeSet::new();
        Some((files(&copy), self.capture(&Start { began, open: &[], hidden: &hidden })))
    }

    fn capture(&self, start: &Start<'_>) -> Captured {
        capture(&self.written, &Folder::open(&self.root()).unwrap(), &self.root(), start).unwrap()
    }
}

/// The files before, with the changes made.
fn applied(mut files: Files, captured: &Captured) -> Files {
    for change in &captured.changes {
        let path = change.path.as_str();
        assert_eq!(files.remove(path), change.before, "{path}");
        if let Some(after) = &change.after {
            files.insert(path.to_owned(), after.clone());
        }
    }
    files
}

const HOST: [(&str, &str); 6] =
    [("a/b", "1"), ("a/c/d", "2"), ("a/c/e", "3"), ("f", "4"), ("g/h/i/j", "5"), ("g/k", "6")];

fn step() -> impl Strategy<Value = String> {
    let paths = vec![
        "a",
        "a/b",
        "a/c",
        "a/c/d",
        "a/l",
        "f",
        "g",
        "g/h",
        "g/h/i",
        "g/k",
        "m",
        "m/n",
        "m/n/o",
        "A",
        "'p\nq'",
        "\"$(printf 'r\\033')\"",
    ];
    let path = prop::sample::select(paths);
    (0..18, path.clone(), path, 0usize..9).prop_map(|(what, one, other, number)| match what {
        0 | 1 => format!("[ -p {one} ] || echo {number} > {one}"),
        2 => format!("mkdir -p {one}"),
        3 => format!("rm -rf {one}"),
        4 | 5 => format!("mv -T {one} {other}"),
        6 => format!("ln -sfn {other} {one}"),
        7 => format!("ln {one} {other}"),
        8 => format!("chmod {} {one}", ["000", "755", "644", "4755", "100"][number % 5]),
        9 => format!("touch {one}"),
        10 => format!("mkfifo {one}"),
        11 => format!("ln -sfn {} {one}", ["/no/such/place", "../../../x", "b", "./m", ".."][number % 5]),
        12 => format!("mknod {one} c 0 0; mknod {one} c 1 3"),
        13 => format!("truncate -s {}G {one}", number * 1_000),
        14 => format!("cp -a {one} {other}"),
        15 => format!("rm -rf {one}; mkdir {one} && echo {number} > {one}/z"),
        16 => format!("[ -p {one} ] || echo {number} >> {one}"),
        _ => format!("rm -rf {one}; mv -T {other} {one}; mkdir -p {other}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn the_changes_lead_from_the_disk_to_what_the_overlay_shows(steps in prop::collection::vec(step(), 1..25)) {
        let bench = Bench::new(&HOST);
        let before = files(&bench.root());
        let Some((shown, captured)) = bench.run(&steps.join("; ")) else { return Ok(()) };
        prop_assert_eq!(&files(&bench.root()), &before);
        let mut after = applied(before, &captured);
        let mut shown = shown;
        for Refusal { path, why: reason, .. } in &captured.refused {
            let path = path.replace('\u{240a}', "\n").replace('\u{241b}', "\u{1b}");
            prop_assert!(!reason.contains("cannot be read"), "{:?}", captured.refused);
            let apart = |name: &String| *name != path && !name.starts_with(&format!("{path}/"));
            after.retain(|name, _| apart(name));
            shown.retain(|name, _| apart(name));
        }
        prop_assert_eq!(after, shown, "{:?}", captured);
    }
}

#[test]
fn a_command_cannot_forge_the_signs_of_an_overlay() {
    let bench = Bench::new(&[("d/x", "1"), ("e/y", "2")]);
    let script = "python3 -c \"
import os
for name in ('opaque', 'whiteout', 'origin', 'redirect', 'metacopy', 'impure', 'nlink'):
    for path in ('d', 'e/y', 'n', 'n/z'):
        for prefix in ('user.overlay.', 'user.overlay.overlay.', 'trusted.overlay.'):
            try: os.setxattr(path, prefix + name, b'y')
            except OSError: pass
\"";
    let Some((shown, captured)) =
        bench.run(&format!("mkdir n; echo > n/z; {script}; mknod d/w c 0 0; mknod e/y c 0 0"))
    else {
        return;
    };
    assert_eq!(captured.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["n/z"]);
    assert_eq!(captured.refused, []);
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["d/x", "e/y", "n/z"]);
}

#[test]
fn what_keeps_even_its_owner_out_is_read_all_the_same() {
    let bench = Bench::new(&[("a", "1"), ("d/b", "2")]);
    let Some((_, captured)) = bench.run("echo 3 > a; chmod 0 a; echo 4 > d/n; chmod 111 d/n; chmod 0 d; chmod 0 .")
    else {
        return;
    };
    fs::set_permissions(bench.place.path().join("upper"), fs::Permissions::from_mode(0o000)).unwrap();
    let told: Vec<String> =
        captured.changes.iter().map(|change| format!("{} {:?}", change.path, change.after)).collect();
    assert_eq!(told, ["a Some(Plain of 2 bytes)", "d/n Some(Executable of 2 bytes)"], "{captured:?}");
    let again = bench.capture(&Start { began: Moment::now().unwrap(), open: &[], hidden: &BTreeSet::new() });
    assert_eq!((again.changes, again.refused.is_empty()), (captured.changes, true));
}

#[test]
fn what_is_too_much_is_named_and_not_read() {
    let bench = Bench::new(&[("keep", "1"), ("large/a", ""), ("large/b", "")]);
    for name in ["large/a", "large/b"] {
        fs::File::options().write(true).open(bench.root().join(name)).unwrap().set_len(8 << 40).unwrap();
    }
    // Sparse, so that they cost nothing to write, and their sum would fill any memory.
    let script = "i=0; while [ $i -lt 40 ]; do truncate -s 60M s$i; i=$((i+1)); done; truncate -s 8T huge; rm -r large; echo 2 > keep";
    let Some(_) = in_overlay(&[&bench.root()], bench.place.path(), script) else { return };
    let captured = bench.capture(&Start { began: Moment::now().unwrap(), open: &[], hidden: &BTreeSet::new() });
    let bytes: usize =
        captured.changes.iter().filter_map(|change| change.after.as_ref()).map(|state| state.bytes.len()).sum();
    assert!(bytes <= 256 << 20, "{bytes}");
    let refused = |path: &str| captured.refused.iter().any(|refusal| refusal.path == path);
    assert!(refused("huge") && refused("large/a") && refused("large/b"), "{:?}", captured.refused);
    assert_eq!(captured.changes.len() + captured.refused.len(), 44, "{captured:?}");
}

#[test]
fn a_hidden_secret_is_not_deleted_and_not_written() {
    let bench = Bench::new(&[
        ("a/.env", "s"),
        ("b/.env", "s"),
        ("c/.env", "s"),
        ("c/x", ""),
        (".gitignore", "/out\n"),
        ("out/.env", "s"),
        ("out/k", ""),
    ]);
    let paths = ["a/.env", "b/.env", "c/.env", "out/.env", "out/k"];
    let hidden = paths.iter().map(|&path| RelativePath::new(path).unwrap()).collect();
    let script = "rm a/.env b/.env c/.env out/.env out/k; echo mine > b/.env; rm -r c; mkdir -p out/k/deep";
    let began = Moment::now().unwrap();
    let Some(_) = in_overlay(&[&bench.root()], bench.place.path(), script) else { return };
    let captured = bench.capture(&Start { began, open: &[], hidden: &hidden });
    assert_eq!(captured.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["c/x"]);
    let mut refused: Vec<&str> = captured.refused.iter().map(|refusal| refusal.path.as_str()).collect();
    refused.sort_unstable();
    assert_eq!(refused, ["b/.env", "c/.env", "out/k"], "{captured:?}");
    assert_eq!(captured.outputs, [PathBuf::from("out")]);
}

#[test]
fn what_git_tracks_is_no_output_although_it_is_ignored() {
    let bench = Bench::new(&[
        (".gitignore", "dist\n*.gen\n"),
        ("dist/app.js", "1"),
        ("dist/gone.js", "1"),
        ("dist/other.js", "1"),
        ("src/a.gen", "1"),
        ("src/b.gen", "1"),
        ("old/dist/x", "1"),
        ("old/dist/y", "1"),
    ]);
    let git = |arguments: &[&str]| {
        let git = std::process::Command::new("git").args(arguments).current_dir(bench.root()).output();
        git.is_ok_and(|output| output.status.success())
    };
    if !git(&["init"]) || !git(&["add", "-f", "dist/app.js", "dist/gone.js", "src/a.gen", "old/dist/x"]) {
        eprintln!("skipped: no git");
        return;
    }
    let script = "for f in dist/app.js dist/other.js dist/in/new src/a.gen src/b.gen; do mkdir -p $(dirname $f); echo 2 > $f; done; \
        rm dist/gone.js; rm -r old";
    let Some((_, captured)) = bench.run(script) else { return };
    assert_eq!(told(&captured), "dist/app.js: 2 dist/gone.js: - old/dist/x: - src/a.gen: 2", "{captured:?}");
    let mut outputs = captured.outputs;
    outputs.sort();
    assert_eq!(outputs, ["dist/in", "dist/other.js", "src/b.gen"].map(PathBuf::from));
    fs::write(bench.root().join(".git/index"), "DIRC, but no more").unwrap();
    let again = bench.capture(&Start { began: Moment::now().unwrap(), open: &[], hidden: &BTreeSet::new() });
    assert_eq!((again.outputs.len(), told(&again).as_str()), (3, ".git/index refused"), "{again:?}");
}

const BASE: &str = "1\n2\n3\n4\n5\n";

/// What the editor does to the disk while a command runs, what the command does, and what becomes of it. The files
/// `open` and `unsaved` are open in an editor, the latter with another last line.
const MEANWHILE: [(&str, &str, &str, &str); 31] = [
    ("merged", "sed -i s/1/E/ DISK/open", "sed -i s/5/C/ open", "open: E 2 3 4 C"),
    (
        "merged after the copy",
        "printf 'E\\n2\\n3\\n4\\n5\\n' > DISK/open",
        "sed -i s/5/C/ open; sleep 0",
        "open: E 2 3 4 C",
    ),
    ("conflict", "sed -i s/5/E/ DISK/open", "cat open; sed -i s/5/C/ open", "open refused at line 5"),
    ("not open", "sed -i s/1/E/ DISK/plain", "sed -i s/5/C/ plain", "plain refused"),
    ("not open, in place", "echo E >> DISK/plain", "echo C >> plain", "plain refused"),
    ("not open, same", "echo x > DISK/plain", "echo x > plain", ""),
    ("new on both", "echo E > DISK/new", "echo C > new", "new refused"),
    ("new on both, same", "echo E > DISK/new", "echo E > new", ""),
    ("deleted, changed", "rm DISK/plain", "echo C >> plain", "plain refused"),
    ("moved, changed", "mv DISK/plain DISK/moved", "echo C >> plain", "plain refused"),
    ("moved, replaced", "mv DISK/plain DISK/moved", "echo C > x; mv x plain", "plain refused"),
    ("moved with its folder", "mv DISK/d DISK/moved", "echo C >> d/x", "d/x refused"),
    ("new in what is new", "echo E > DISK/other.txt", "mkdir -p made/in; echo C > made/in/x", "made/in/x: C"),
    ("new beside what stays", "echo E >> DISK/d/x", "echo C > d/new", "d/new: C"),
    (
        "new beside what came",
        "echo E > DISK/d/new",
        "echo C > d/other; echo C > other/new",
        "other/new: C d/other refused",
    ),
    ("deleted, changed, open", "rm DISK/open", "echo C >> open", "open refused"),
    ("deleted, untouched", "rm DISK/plain", "touch plain", "plain refused"),
    ("changed, deleted", "echo E >> DISK/plain", "rm plain", "plain refused"),
    ("changed, deleted, open", "echo E >> DISK/open", "rm open", "open refused"),
    ("saved, deleted", "printf '1\\n2\\n3\\n4\\n5\\n' > DISK/open", "rm open", "open: -"),
    ("both deleted", "rm DISK/plain", "rm plain", ""),
    (
        "unsaved, saved meanwhile",
        "printf '1\\n2\\n3\\n4\\nunsaved\\n' > DISK/unsaved",
        "sed -i s/1/C/ unsaved",
        "unsaved: C 2 3 4 unsaved",
    ),
    (
        "unsaved, another save",
        "printf '1\\n2\\n3\\n4\\nother\\n' > DISK/unsaved",
        "sed -i s/1/C/ unsaved",
        "unsaved: C 2 3 4 other",
    ),
    ("unsaved, untouched", "echo E > DISK/unsaved", "true", ""),
    ("new in a deleted folder", "echo E > DISK/d/new", "rm -r d", "d refused"),
    ("moved into a deleted folder", "mv DISK/d/e DISK/d/f", "rm -r d", "d refused"),
    ("folder moved away and another in", "mv DISK/d DISK/old; mv DISK/other DISK/d", "echo C >> d/x", "d/x refused"),
    ("untouched neighbours", "echo E > DISK/d/new", "echo C >> d/x", "d/x: x C"),
    ("renamed by the command", "true", "mv plain renamed", "plain: - renamed: 1 2 3 4 5"),
    ("now a link", "ln -sf open DISK/plain", "echo C >> plain", "plain refused"),
    ("now a folder", "rm DISK/plain; mkdir DISK/plain", "echo C >> plain", "plain refused"),
];

/// In one line for each change or refusal.
fn told(captured: &Captured) -> String {
    let changed = captured.changes.iter().map(|change| {
        let text = change.after.as_ref().map_or("-", |after| after.as_text().unwrap());
        format!("{}: {}", change.path, text.trim_end().replace('\n', " "))
    });
    let refused = captured.refused.iter().map(|Refusal { path, why, .. }| match why.split_once(", at ") {
        Some((_, place)) => format!("{path} refused at {}", place.split(',').next().unwrap()),
        None => format!("{path} refused"),
    });
    changed.chain(refused).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_disk_may_change_while_a_command_runs() {
    for (name, on_disk, command, wanted) in MEANWHILE {
        let text = |path: &str, text: &str, saved| OpenText {
            path: RelativePath::new(path).unwrap(),
            text: text.into(),
            saved,
        };
        let bench = Bench::new(&[
            ("open", BASE),
            ("unsaved", BASE),
            ("plain", BASE),
            ("d/x", "x\n"),
            ("d/e/y", "y\n"),
            ("other/x", "other\n"),
        ]);
        let open = [text("open", BASE, true), text("unsaved", &BASE.replace('5', "unsaved"), false)];
        let began = Moment::now().unwrap();
        // The command has looked at everything, as commands do, so that the overlay shows what was there then.
        let disk = on_disk.replace("DISK", bench.root().to_str().unwrap());
        let unsaved = "printf '1\\n2\\n3\\n4\\nunsaved\\n' > unsaved";
        let script = format!("{unsaved}; ls -lR > /dev/null; cat open plain d/x > /dev/null; {disk}; {command}");
        let Some(_) = in_overlay(&[&bench.root()], bench.place.path(), &script) else { return };
        let captured = bench.capture(&Start { began, open: &open, hidden: &BTreeSet::new() });
        assert_eq!(told(&captured), wanted, "{name}: {captured:?}");
        for change in &captured.changes {
            let now = files(&bench.root()).remove(change.path.as_str());
            let unsaved = change.path.as_str() == "unsaved" && now.as_ref().and_then(FileState::as_text) == Some(BASE);
            assert!(unsaved || change.before == now, "{name}: {:?} {now:?}", change.before);
        }
    }
}

#[test]
fn nothing_outside_is_reached_through_links() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "SECRET").unwrap();
    let bench = Bench::new(&[("d/x", "1"), ("e/x", "1")]);
    symlink(outside.path(), bench.root().join("out")).unwrap();
    let script = format!(
        "rm -r d; ln -s {0} d; rm -r e; ln -s ../{0} e; rm out; mkdir out; echo mine > out/secret",
        outside.path().display()
    );
    let Some((_, captured)) = bench.run(&script) else { return };
    let told: Vec<&str> = captured.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(told, ["out", "out/secret"]);
    assert!(
        captured.changes.iter().all(|change| change.before.as_ref().is_none_or(|before| before.bytes != b"SECRET"))
    );
    assert_eq!(captured.refused.len(), 2);
}
