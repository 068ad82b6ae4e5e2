//! The tools that people run, inside the sandbox: they work, nothing of the workspace changes but by what was captured,
//! and what they build is there for the next run.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tagout::ports::{Exit, RunOutcome};
use tagout::workspace::FileKind;

use crate::sandbox::{Bench, bench_with};

/// A workspace for these programs, found as the user finds them; `None`, with the reason printed, where one is missing.
fn bench_for(programs: &[&str], files: &[(&str, &str)]) -> Option<Bench> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    for program in programs {
        if !is_there(program) {
            println!("skipped: {program} is not installed");
            return None;
        }
    }
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let mut environment: Vec<(OsString, OsString)> = vec![("PATH".into(), path.clone())];
    for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")] {
        let folder = env::var_os(name).map_or_else(|| home.join(usual), PathBuf::from);
        if folder.is_dir() {
            environment.push((name.into(), folder.into()));
        }
    }
    // Which of several this user works with.
    let chosen = ["RUSTUP_TOOLCHAIN", "PYENV_VERSION", "GOROOT"];
    environment.extend(chosen.iter().filter_map(|name| Some(((*name).into(), env::var_os(name)?))));
    let bench = bench_with(files, environment)?;
    Some(bench)
}

/// Runs what must succeed; what it printed, and what came of it.
fn done(bench: &Bench, script: &str) -> (String, RunOutcome) {
    let before = listing(&bench.work());
    let outcome = bench.run(&format!("set -e; {script}"));
    let printed = bench.printed();
    assert_eq!(outcome.exit, Exit::Code(0), "{script}: {printed}");
    assert_eq!(listing(&bench.work()), before, "{script}: the workspace itself was changed");
    (printed, outcome)
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        found.extend(fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    found.sort();
    found
}

fn changed(outcome: &RunOutcome) -> Vec<&str> {
    outcome.changes.iter().map(|change| change.path.as_str()).collect()
}

const CRATE: [(&str, &str); 4] = [
    (".gitignore", "/target\n"),
    ("Cargo.toml", "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
    ("src/lib.rs", "pub fn four() -> u32 {\n    4\n}\n\n#[test]\nfn is_four() {\n    assert_eq!(four(), 4);\n}\n"),
    ("src/main.rs", "fn main() {\n    println!(\"{}\", sample::four());\n}\n"),
];

#[test]
fn cargo_builds_tests_and_finds_its_outputs_again() {
    let Some(bench) = bench_for(&["cargo", "cc"], &CRATE) else { return };
    let (printed, outcome) = done(&bench, "cargo build --offline && ./target/debug/sample");
    assert!(printed.contains("Compiling sample") && printed.ends_with("4\n"), "{printed}");
    assert_eq!((changed(&outcome), outcome.refused.len()), (vec!["Cargo.lock"], 0), "{:?}", outcome.refused);
    fs::write(bench.work().join("Cargo.lock"), &outcome.changes[0].after.as_ref().unwrap().bytes).unwrap();

    let (printed, outcome) = done(&bench, "cargo build --offline");
    assert!(!printed.contains("Compiling"), "the second build found nothing of the first: {printed}");
    assert_eq!(changed(&outcome), Vec::<&str>::new());
    let (printed, outcome) = done(&bench, "cargo test --offline");
    assert!(printed.contains("test is_four ... ok"), "{printed}");
    assert_eq!(changed(&outcome), Vec::<&str>::new());

    fs::write(bench.work().join("src/lib.rs"), "pub fn four() -> u32 {\n    5\n}\n").unwrap();
    let (printed, _) = done(&bench, "cargo run --offline --quiet");
    assert_eq!(printed, "5\n", "an edit after the build was not seen");
    done(&bench, "cargo clean --offline && test ! -e target");
    let (printed, _) = done(&bench, "test ! -e target/debug && cargo build --offline");
    assert!(printed.contains("Compiling sample"), "what was cleaned is back: {printed}");
}

/// A repository with one commit, made on the host.
fn repository() -> Option<Bench> {
    let bench = bench_for(&["git"], &[("a", "1\n"), ("d/e/f", "2\n"), ("d/g", "3\n")])?;
    let git = "git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm first";
    let made = Command::new("sh").args(["-c", git]).current_dir(bench.work()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(bench)
}

#[test]
fn git_reads_the_repository_as_its_owner() {
    let Some(bench) = repository() else { return };
    let (printed, outcome) = done(&bench, "git status --porcelain; git log --format=%s; git diff --stat");
    assert_eq!(printed, "first\n");
    assert_eq!(changed(&outcome), Vec::<&str>::new());
    let (printed, outcome) = done(&bench, "echo more >> a; rm d/g; echo x > new; git status --porcelain; git diff");
    assert!(printed.starts_with(" M a\n D d/g\n?? new\n") && printed.contains("\n+more\n"), "{printed}");
    assert_eq!(changed(&outcome), ["a", "d/g", "new"]);
}

#[test]
fn git_commits_inside_and_the_repository_stays_as_it_was() {
    let Some(bench) = repository() else { return };
    let identity = "git config user.name a; git config user.email a@b; git config core.hooksPath hooks";
    let script = format!(
        "{identity}; echo 2 >> a; git stash -q; git stash pop -q; git checkout -qb other; git add -A; \
         git commit -qm second; git log --format=%s; git status --porcelain; git worktree list | wc -l; git gc -q"
    );
    let (printed, outcome) = done(&bench, &script);
    assert_eq!(printed, "second\nfirst\n1\n");
    assert_eq!(changed(&outcome), ["a"], "what is in .git runs later, outside");
    assert!(outcome.refused.iter().any(|refusal| refusal.path.starts_with(".git")), "{:?}", outcome.refused);
    let (printed, _) = done(&bench, "git log --format=%s; git branch --format='%(refname:short)' | wc -l; git fsck");
    assert!(printed.starts_with("first\n1\n"), "{printed}");
}

#[test]
fn existing_folders_are_renamed_as_on_a_plain_file_system() {
    let Some(bench) = repository() else { return };
    let moved = ["d/e/f", "d/g", "n/e/f", "n/g"];
    for script in ["mv d n", "git mv d n", "python3 -c 'import os; os.rename(\"d\", \"n\")'"] {
        if script.starts_with("python3") && bench_for(&["python3"], &[]).is_none() {
            continue;
        }
        let (printed, outcome) = done(&bench, &format!("{script}; cat n/e/f n/g; test ! -e d"));
        assert_eq!(printed, "2\n3\n", "{script}");
        assert_eq!(changed(&outcome), moved, "{script}");
    }
}

#[test]
fn make_and_the_c_compiler_build_and_run() {
    let makefile = "prog: prog.o\n\tcc -o $@ $<\n%.o: %.c\n\tcc -c -o $@ $<\nclean:\n\trm -f prog *.o\n";
    let source = "#include <stdio.h>\nint main(void) { puts(\"made\"); return 0; }\n";
    let files = [("Makefile", makefile), ("prog.c", source), (".gitignore", "*.o\n")];
    let Some(bench) = bench_for(&["make", "cc"], &files) else { return };
    let (printed, outcome) = done(&bench, "make -s -j2 && ./prog");
    assert_eq!(printed, "made\n");
    assert_eq!(changed(&outcome), ["prog"]);
    assert_eq!(outcome.changes[0].after.as_ref().unwrap().kind, FileKind::Executable);
    let (_, outcome) = done(&bench, "make -s && make -s clean && test ! -e prog");
    assert_eq!(changed(&outcome), Vec::<&str>::new());
}

#[test]
fn pytest_runs_the_tests() {
    let files = [
        (".gitignore", "__pycache__/\n.pytest_cache/\n.tools/\n"),
        ("sample.py", "def four():\n    return 4\n"),
        (
            "test_sample.py",
            "import sample\n\ndef test_four(tmp_path):\n    (tmp_path / 'x').write_text('x')\n    assert sample.four() == 4\n",
        ),
    ];
    let Some(bench) = bench_for(&["python3"], &files) else { return };
    let Some(pytest) = env::var_os("TAGOUT_PYTEST").filter(|folder| Path::new(folder).is_dir()) else {
        println!("skipped: pytest is not there (./test it fetches it, and says where in TAGOUT_PYTEST)");
        return;
    };
    let copied = Command::new("cp").arg("-R").arg(pytest).arg(bench.work().join(".tools")).status().unwrap();
    assert!(copied.success());
    let (printed, outcome) = done(&bench, "PYTHONPATH=.tools python3 -m pytest -q");
    assert!(printed.contains("1 passed"), "{printed}");
    assert_eq!(changed(&outcome), Vec::<&str>::new());
    let outcome = bench.run("echo 'def four(): return 5' > sample.py; PYTHONPATH=.tools python3 -m pytest -q");
    assert_eq!((outcome.exit.clone(), changed(&outcome)), (Exit::Code(1), vec!["sample.py"]), "{}", bench.printed());
}

#[test]
fn pip_installs_into_an_environment_that_the_next_run_finds() {
    let wheel = "import zipfile\n\
        w = zipfile.ZipFile('sample-1.0-py3-none-any.whl', 'w')\n\
        w.writestr('sample.py', 'four = 4\\n')\n\
        w.writestr('sample-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: sample\\nVersion: 1.0\\n')\n\
        w.writestr('sample-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        w.writestr('sample-1.0.dist-info/RECORD', '')\n\
        w.close()\n";
    let files = [(".gitignore", ".venv/\n*.whl\n"), ("wheel.py", wheel)];
    let Some(bench) = bench_for(&["python3"], &files) else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let has_venv = Command::new("python3").args(["-m", "venv"]).arg(elsewhere.path().join("v")).output().unwrap();
    if !has_venv.status.success() {
        println!("skipped: python3 makes no virtual environments (Debian: python3-venv)");
        return;
    }
    let pip =
        ".venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index ./sample-1.0-py3-none-any.whl";
    let (_, outcome) = done(&bench, &format!("python3 wheel.py; python3 -m venv .venv; {pip}"));
    assert_eq!((changed(&outcome), outcome.refused.len()), (Vec::<&str>::new(), 0), "{:?}", outcome.refused);
    let (printed, _) = done(&bench, ".venv/bin/python -c 'import sample; print(sample.four)'");
    assert_eq!(printed, "4\n");
}

#[test]
fn npm_installs_runs_and_installs_anew() {
    let package = "{\"name\": \"sample\", \"version\": \"1.0.0\", \"private\": true, \"scripts\": {\"hello\": \"node -p 'require(\\\"dep\\\")'\"}}\n";
    let files = [
        (".gitignore", "node_modules/\n"),
        ("package.json", package),
        ("dep/package.json", "{\"name\": \"dep\", \"version\": \"1.0.0\", \"main\": \"index.js\"}\n"),
        ("dep/index.js", "module.exports = 'from dep';\n"),
    ];
    let Some(bench) = bench_for(&["npm", "node"], &files) else { return };
    let install = "npm install --offline --no-audit --no-fund --install-links --silent ./dep";
    let (printed, outcome) = done(&bench, &format!("{install}; npm run --silent hello"));
    assert_eq!(printed, "from dep\n");
    assert_eq!(
        (changed(&outcome), outcome.refused.len()),
        (vec!["package-lock.json", "package.json"], 0),
        "{:?}",
        outcome.refused
    );
    for change in &outcome.changes {
        fs::write(bench.work().join(change.path.as_str()), &change.after.as_ref().unwrap().bytes).unwrap();
    }
    let (printed, _) = done(&bench, "npm run --silent hello");
    assert_eq!(printed, "from dep\n", "the installed package was gone");
    let (printed, outcome) =
        done(&bench, "npm ci --offline --no-audit --no-fund --install-links --silent; npm run --silent hello");
    assert_eq!((printed.as_str(), changed(&outcome)), ("from dep\n", vec![]));
}

#[test]
fn go_builds_tests_and_runs() {
    let files = [
        ("go.mod", "module sample\n\ngo 1.18\n"),
        (
            "main.go",
            "package main\n\nimport \"fmt\"\n\nfunc four() int { return 4 }\n\nfunc main() { fmt.Println(four()) }\n",
        ),
        (
            "main_test.go",
            "package main\n\nimport \"testing\"\n\nfunc TestFour(t *testing.T) {\n\tif four() != 4 {\n\t\tt.Fatal()\n\t}\n}\n",
        ),
    ];
    let Some(bench) = bench_for(&["go"], &files) else { return };
    let (printed, outcome) =
        done(&bench, "export GOFLAGS=-mod=mod GOPROXY=off; go vet ./...; go run .; go test ./...; go build -o out");
    assert!(printed.starts_with("4\nok  \tsample"), "{printed}");
    assert_eq!(changed(&outcome), ["out"]);
}
