//! Layers, tried with real overlays: what one command leaves is what the next one finds.

use std::collections::BTreeSet;
use std::process::Command;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::capture::{Start, capture};
use super::*;
use crate::workspace::RelativePath;

/// A workspace, its kept outputs, and a place for writes on the same or another file system.
struct Bench {
    folder: TempDir,
    uppers: TempDir,
    outputs: Outputs,
}

const MEMORY: &str = "/dev/shm";

impl Bench {
    fn new(uppers: Option<&str>, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let uppers = uppers.map_or_else(tempfile::tempdir, tempfile::tempdir_in).unwrap();
        let outputs = Outputs::open(&folder.path().join("outputs")).unwrap();
        let bench = Self { folder, uppers, outputs };
        fs::create_dir(bench.root()).unwrap();
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("work")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn begin(&self) -> Option<Lease> {
        self.outputs.begin(&Folder::open(&self.root()).unwrap(), &self.root()).unwrap()
    }

    /// Runs a script over an overlay; what it printed and what became of its outputs. `None` without overlays.
    fn run(&self, script: &str, hidden: &[&str]) -> Option<(String, Kept)> {
        let lease = self.begin().unwrap();
        let upper = tempfile::tempdir_in(self.uppers.path()).unwrap();
        let printed = in_overlay(&[lease.layer(), &self.root()], upper.path(), script)?;
        let hidden: BTreeSet<RelativePath> = hidden.iter().map(|&path| RelativePath::new(path).unwrap()).collect();
        let (written, disk) = (Folder::open(&upper.path().join("upper")).unwrap(), Folder::open(&self.root()).unwrap());
        let start = Start { began: lease.began, open: &[], hidden: &hidden };
        let captured = capture(&written, &disk, &self.root(), &start).unwrap();
        let run = Harvest { written: &written, disk: &disk, outputs: &captured.outputs, hidden: &hidden };
        let kept = self.outputs.harvest(lease, &run).unwrap();
        Trash::new(Folder::open(upper.path()).unwrap()).empty().unwrap();
        Some((printed, kept))
    }

    fn look(&self, script: &str) -> String {
        self.run(script, &[]).unwrap().0
    }
}

/// Runs a script in an overlay of `lowers`, the first on top, whose writes go to `upper` below `place`.
pub(in super::super) fn in_overlay(lowers: &[&Path], place: &Path, script: &str) -> Option<String> {
    for name in ["upper", "work", "shown"] {
        fs::create_dir_all(place.join(name)).unwrap();
    }
    let lowers: Vec<&str> = lowers.iter().map(|path| path.to_str().unwrap()).collect();
    let at = place.to_str().unwrap();
    // Scripts follow links, and as root they could write through one that leads out: everything but the place and the
    // workspace, which some of them change as an editor would, is read-only to them.
    let bound: String =
        lowers.last().into_iter().chain([&at]).map(|path| format!("mount --bind {path} {path} && ")).collect();
    let options = format!("lowerdir={},upperdir={at}/upper,workdir={at}/work,userxattr,volatile", lowers.join(":"));
    let mount = format!(
        "{bound} mount -o remount,bind,ro / && mount -t overlay overlay -o {options} {at}/shown && cd {at}/shown || exit 99\n"
    );
    let ran = Command::new("unshare").args(["-rm", "sh", "-c"]).arg(mount + script).output();
    let ran = ran.ok().filter(|ran| ran.status.code() != Some(99) && !ran.stderr.starts_with(b"unshare:"));
    if ran.is_none() {
        eprintln!("skipped: no overlay in a user namespace here");
    }
    ran.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn the_scripts_of_these_tests_write_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let (canary, bench) = (outside.path().join("canary"), Bench::new(None, &[(".gitignore", "out\n")]));
    fs::write(&canary, "whole").unwrap();
    std::os::unix::fs::symlink(&canary, bench.root().join("link")).unwrap();
    let canary_path = canary.display();
    let script = format!(
        "echo x > link; echo x > {canary_path}; chmod 0 link; rm -f {canary_path}; cat link; echo > inside; ls"
    );
    let Some((printed, _)) = bench.run(&script, &[]) else { return };
    assert_eq!(printed, "wholeinside\nlink\n");
    assert_eq!(fs::read_to_string(&canary).unwrap(), "whole");
}

/// Prints every entry with its kind, permissions, content or target.
const SHOW: &str = "find . -mindepth 1 | LC_ALL=C sort | while read -r f; do \
    if [ -L \"$f\" ]; then echo \"$f -> $(readlink \"$f\")\"; elif [ -d \"$f\" ]; then echo \"$f/\"; \
    else echo \"$f $(stat -c '%A %Y' \"$f\") $(cat \"$f\")\"; fi; done\n";

#[test]
fn what_one_command_leaves_is_there_for_the_next_and_nowhere_else() {
    for place in [None, Some(MEMORY)] {
        let bench = Bench::new(place, &[(".gitignore", "target/\n*.o\n"), ("src/a", "1"), ("target/host", "h")]);
        let script = "mkdir -p target/d/e src/target; echo x > target/d/e/f; ln target/d/e/f target/g; ln -s /usr target/usr; echo o > src/a.o; \
            echo i > src/target/in; chmod 500 target/d/e; touch -d @1000000000 target/d/e/f; echo y > src/new; rm target/host\n";
        let Some((seen, kept)) = bench.run(&format!("{script}{SHOW}"), &[]) else { return };
        assert_eq!(kept, Kept::Merged(Vec::new()));
        assert_eq!(
            bench.look(SHOW),
            seen.replace("./src/new -rw-r--r--", "gone")
                .lines()
                .filter(|line| !line.starts_with("gone"))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        );
        assert!(seen.contains("./target/d/e/f -rw-r--r-- 1000000000 x\n"), "{seen}");
        assert_eq!(fs::read(bench.root().join("target/host")).unwrap(), b"h");
        assert!(!bench.root().join("src/target").exists());
        assert_eq!(bench.look("rm -r target; mkdir target; ls -A target"), "");
        assert_eq!(
            bench.look("ls -A target; rmdir target src/target 2>&1; rm -r src/target; rm src/a.o"),
            "rmdir: failed to remove 'src/target': Directory not empty\n"
        );
        assert_eq!(bench.look("ls -A . src"), ".:\n.gitignore\nsrc\n\nsrc:\na\n");
    }
}

#[test]
fn a_deletion_covers_what_the_host_has_only_where_that_would_show() {
    let bench = Bench::new(None, &[(".gitignore", "out\n"), ("out/h/i/j", "host"), ("out/k", "host")]);
    let Some(_) = bench.run("rm -r out/h; mkdir -p out/h/i; rm out/k", &[]) else { return };
    assert_eq!(bench.look("rmdir out/h/i; ls -A out"), "h\n");
    assert_eq!(bench.look("ls -A out out/h"), "out:\nh\n\nout/h:\n");
}

#[test]
fn the_hosts_own_newer_outputs_win() {
    let bench = Bench::new(None, &[(".gitignore", "target\nlone\n"), ("target/debug/deps/x", "host"), ("pkg/a", "")]);
    let Some(_) =
        bench.run("echo inner > target/debug/deps/x; mkdir pkg/target; echo > pkg/target/f; echo > lone", &[])
    else {
        return;
    };
    assert_eq!(bench.look("cat target/debug/deps/x; ls pkg/target lone"), "inner\nlone\n\npkg/target:\nf\n");
    // A build on the host.
    bench.write("target/debug/deps/new", "host");
    assert_eq!(bench.look("cat target/debug/deps/x; echo; ls pkg/target"), "host\nf\n");
    // What is no longer ignored, and what has lost its folder, is not shown.
    bench.write(".gitignore", "target\n");
    fs::remove_dir_all(bench.root().join("pkg")).unwrap();
    assert_eq!(bench.look("ls"), "target\n");
    assert_eq!(fs::read_dir(bench.outputs.path.join(LAYER)).unwrap().count(), 0);
}

#[test]
fn what_the_host_made_while_the_command_ran_is_not_covered() {
    let bench = Bench::new(None, &[(".gitignore", "target\n"), ("target/x", "1")]);
    let root = bench.root().display().to_string();
    let script = format!("echo inner > target/x; echo host > {root}/target/y");
    let Some((_, kept)) = bench.run(&script, &[]) else { return };
    assert_eq!(kept, Kept::Merged(vec!["target".into()]));
    assert_eq!(bench.look("cat target/x"), "1");
}

#[test]
fn nothing_that_acts_and_no_secret_is_taken_over() {
    let bench = Bench::new(None, &[(".gitignore", "out\n"), ("out/.env", "secret"), ("out/x", "")]);
    let script = "mkfifo out/pipe; cp /bin/true out/root; chmod 4755 out/root; rm out/.env; mkdir out/d; rm out/x";
    let Some((_, kept)) = bench.run(script, &["out/.env"]) else { return };
    assert_eq!(kept, Kept::Merged(Vec::new()));
    // The hidden file was not deleted by the command: it is there again.
    assert_eq!(bench.look("ls -A out"), ".env\nd\n");
    let Some((_, kept)) = bench.run("echo mine > out/.env", &["out/.env"]) else { return };
    assert_eq!((kept, bench.look("cat out/.env").as_str()), (Kept::Merged(Vec::new()), "secret"));
}

#[test]
fn what_stands_in_the_place_of_a_secret_is_not_kept_whatever_it_is() {
    for place in [None, Some(MEMORY)] {
        let bench = Bench::new(place, &[(".gitignore", "out\n"), ("out/.env", "secret"), ("out/x", "")]);
        let hide = "rm out/.env; ";
        for script in
            ["mkdir out/.env", "mkdir -p out/.env/a/b; echo > out/.env/a/c; chmod 0 out/.env", "ln -s x out/.env"]
        {
            let Some((_, kept)) = bench.run(&format!("{hide}{script}"), &["out/.env"]) else { return };
            assert_eq!(
                (kept, bench.look("ls -A out; cat out/.env").as_str()),
                (Kept::Merged(Vec::new()), ".env\nx\nsecret")
            );
        }
    }
}

#[test]
fn holes_stay_holes_and_single_files_are_counted() {
    let bench = Bench::new(Some(MEMORY), &[(".gitignore", "out\nlone\n")]);
    let script = "mkdir out; for i in 1 2 3 4 5 6 7 8; do truncate -s 300G out/$i; done; printf x >> out/1; \
        dd if=/dev/zero of=lone bs=1M count=3 status=none; printf end >> out/2";
    let Some((_, kept)) = bench.run(script, &[]) else { return };
    assert_eq!(kept, Kept::Merged(Vec::new()));
    let record = Record::read(&bench.outputs.folder).unwrap();
    assert!((3 << 20..4 << 20).contains(&record.bytes) && record.entries == 10, "{record:?}");
    assert_eq!(
        bench.look("stat -c %s out/1 out/8; tail -c 4 out/2 | tr '\\0' 0; du -sm out | cut -f1"),
        format!("{}\n{}\n0end1\n", (300_u64 << 30) + 1, 300_u64 << 30)
    );
}

#[test]
fn single_files_that_are_too_large_for_a_copy_are_not_kept() {
    let bench = Bench::new(Some(MEMORY), &[(".gitignore", "lone\n")]);
    let Some((_, kept)) = bench.run("fallocate -l 1100M lone || exit 1; ls lone", &[]) else { return };
    let left = bench.look("ls");
    assert_eq!((kept, left.as_str()), (Kept::TooLarge, ""));
}

#[test]
fn nothing_is_merged_while_another_command_runs() {
    let bench = Bench::new(None, &[(".gitignore", "out\n")]);
    let other = bench.begin().unwrap();
    let Some((_, kept)) = bench.run("echo > out", &[]) else { return };
    assert_eq!(kept, Kept::Busy);
    drop(other);
    assert_eq!(bench.run("ls; echo > out", &[]).unwrap(), (String::new(), Kept::Merged(Vec::new())));
    assert_eq!(bench.look("ls"), "out\n");
}

#[test]
fn what_was_not_shown_to_a_command_is_not_merged_with_what_it_left() {
    let bench = Bench::new(None, &[(".gitignore", "out\n")]);
    let disk = Folder::open(&bench.root()).unwrap();
    let began = Moment::now().unwrap();
    let first = || bench.outputs.begin_first(&disk, &bench.root(), began).unwrap();
    assert_eq!(first().map(|lease| lease.began.stamp()), Some(began.stamp()));
    let Some(_) = bench.run("mkdir out; echo > out/x", &[]) else { return };
    assert!(first().is_none());
}

#[test]
fn an_unfinished_or_unreadable_layer_is_thrown_away() {
    for harm in [
        &(|path: &Path| fs::write(path.join(UNFINISHED), "").unwrap()) as &dyn Fn(&Path),
        &|path| fs::write(path.join("record.json"), "{}").unwrap(),
        &|path| fs::write(path.join("record.json"), "\0").unwrap(),
    ] {
        let bench = Bench::new(None, &[(".gitignore", "out\n")]);
        let Some(_) = bench.run("mkdir out; echo > out/x", &[]) else { return };
        assert_eq!(bench.look("ls out"), "x\n");
        harm(&bench.outputs.path);
        assert_eq!(bench.look("ls"), "");
        assert_eq!(bench.look("echo > out; ls"), "out\n");
        assert_eq!(bench.look("ls"), "out\n");
    }
}

/// Merges for ever, in a process that the test below ends.
#[test]
fn merges_until_it_is_killed() {
    let Ok(place) = std::env::var("TAGOUT_TEST_MERGES") else { return };
    let outputs = Outputs::open(&Path::new(&place).join("outputs")).unwrap();
    let root = Path::new(&place).join("work");
    let disk = Folder::open(&root).unwrap();
    for round in 0.. {
        let lease = outputs.begin(&disk, &root).unwrap().unwrap();
        let upper = tempfile::tempdir_in(&place).unwrap();
        for number in 0..30 {
            let folder = upper.path().join(format!("out/{number}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("generation"), format!("{round}")).unwrap();
        }
        let run = Harvest {
            written: &Folder::open(upper.path()).unwrap(),
            disk: &disk,
            outputs: &["out".into()],
            hidden: &BTreeSet::new(),
        };
        outputs.harvest(lease, &run).unwrap();
    }
}

#[test]
fn a_process_killed_while_it_merges_leaves_a_whole_layer_or_none() {
    let bench = Bench::new(None, &[(".gitignore", "out\n"), ("out/host", "")]);
    let place = bench.folder.path();
    for round in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::outputs::tests::merges_until_it_is_killed"])
            .env("TAGOUT_TEST_MERGES", place)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(15_000 + round * 700));
        child.kill().unwrap();
        child.wait().unwrap();
        let lease = bench.begin().unwrap();
        let out = lease.layer().join("out");
        let generations: Vec<String> =
            (0..30).filter_map(|number| fs::read_to_string(out.join(format!("{number}/generation"))).ok()).collect();
        assert!(generations.len() == 30 || generations.is_empty(), "{generations:?}");
        assert!(generations.windows(2).all(|pair| pair[0] == pair[1]), "{generations:?}");
    }
}

fn step() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec!["a", "b", "a/c", "a/c/d", "b/c", "b/e", "h", "h/i", "h/i/j", "h/k"]);
    (0..10, path.clone(), path, 0..9).prop_map(|(what, one, other, number)| match what {
        0 | 1 => format!("echo {number} > {one}"),
        2 => format!("mkdir -p {one}"),
        3 => format!("rm -rf {one}"),
        4 => format!("mv -T {one} {other}"),
        5 => format!("ln -sfn {other} {one}"),
        6 => format!("ln {one} {other}"),
        7 => format!("chmod 700 {one}"),
        8 => format!("touch -d @{}00000000 {one}", number + 1),
        _ => format!("rm -rf {one}; mkdir {one} && echo {number} > {one}/z"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_commands_do_the_next_one_finds_it(memory: bool, runs in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..5)) {
        let host = [(".gitignore", "out\n"), ("out/h/i/j", "host"), ("out/h/k", "host"), ("out/a/c", "host"), ("out/b", "host")];
        let bench = Bench::new(memory.then_some(MEMORY), &host);
        for steps in runs {
            let script = format!("mkdir -p out; cd out; ({}) 2>/dev/null; {SHOW}", steps.join("; "));
            let Some((left, kept)) = bench.run(&script, &[]) else { return Ok(()) };
            prop_assert_eq!(kept, Kept::Merged(Vec::new()));
            let found = bench.look(&format!("cd out 2>/dev/null && {{ {SHOW} }}"));
            prop_assert_eq!(found, left, "{:?}", steps);
        }
    }
}
