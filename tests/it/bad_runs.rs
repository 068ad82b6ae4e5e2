//! Commands, workspaces and limits that nobody would wish for: each ends in an answer, and the next run works.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tagout::policy::{Mode, Place as Where};
use tagout::ports::{Exit, FailureKind, Limit, RunOutcome};

use crate::beneath::beneath;
use crate::client::Place;
use crate::sandbox::{Bench, bench};

const MODE: Mode = Mode::WorkspaceWrite;

fn paths(outcome: &RunOutcome) -> Vec<&str> {
    outcome.changes.iter().map(|change| change.path.as_str()).collect()
}

/// Fails unless an ordinary command works.
fn still_works(bench: &Bench) {
    bench.printed();
    let outcome = bench.run("echo works; echo x > made");
    assert_eq!((outcome.exit.clone(), paths(&outcome)), (Exit::Code(0), vec!["made"]), "{}", bench.printed());
    assert_eq!(bench.printed(), "works\n");
}

#[test]
fn what_cannot_be_executed_says_so() {
    let Some(bench) = bench(&[("plain", "x"), ("nowhere", "#!/no/such/interpreter\n"), ("folder/x", "")]) else {
        return;
    };
    fs::write(bench.work().join("binary"), b"\x7fELF\x02\x01\x01\0no program").unwrap();
    for name in ["nowhere", "binary"] {
        fs::set_permissions(bench.work().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for (program, codes) in [
        ("no-such-program", [127, 127]),
        ("./missing", [127, 127]),
        ("./plain", [126, 126]),
        ("./folder", [126, 126]),
        ("./nowhere", [126, 127]),
        ("./binary", [126, 127]),
        ("../../../../etc/hostname", [126, 127]),
        ("\u{1f600}\n\t", [127, 127]),
    ] {
        let exit = bench.run_argv(MODE, Where::Sandbox, &[program]).exit;
        assert!(codes.map(Exit::Code).contains(&exit), "{program:?}: {exit:?}");
        assert!(!bench.printed().is_empty(), "{program:?}");
    }
    for argv in [&[][..], &[""]] {
        let failure = bench.try_at(&bench.work(), MODE, argv).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput, "{argv:?}");
    }
    still_works(&bench);
}

#[test]
fn arguments_are_passed_on_whole_or_refused() {
    let Some(bench) = bench(&[]) else { return };
    let odd = ["", " ", "a\nb", "'\"\\$`", "\u{1f600}", "--", "-"];
    let mut argv = vec!["sh", "-c", "for one; do printf '<%s>' \"$one\"; done", "sh"];
    argv.extend(odd);
    bench.run_argv(MODE, Where::Sandbox, &argv);
    assert_eq!(bench.printed(), "<><\u{20}><a\nb><'\"\\$`><\u{1f600}><--><->");

    let many = vec!["0123456789"; 20_000];
    let mut argv = vec!["sh", "-c", "echo $#; for one; do :; done; echo $one", "sh"];
    argv.extend(&many);
    assert_eq!(bench.run_argv(MODE, Where::Sandbox, &argv).exit, Exit::Code(0));
    assert_eq!(bench.printed(), "20000\n0123456789\n");

    // The kernel takes no argument above 128 KiB (execve(2)), and no more than some megabytes together.
    let long = "x".repeat(200_000);
    let all = vec![long.as_str(); 100];
    for argv in [vec!["true", &long], [&["true"][..], &all].concat(), vec!["true", "a\0b"], vec!["tr\0ue"]] {
        match bench.try_at(&bench.work(), MODE, &argv) {
            Ok(outcome) => assert_eq!(outcome.exit, Exit::Code(126), "{}", argv.len()),
            Err(failure) => assert_eq!(failure.kind, FailureKind::InvalidInput, "{failure}"),
        }
    }
    still_works(&bench);
}

#[test]
fn a_run_whose_output_nobody_reads_is_cancelled_all_the_same() {
    if bench(&[]).is_none() {
        return;
    }
    let place = Place::new();
    assert!(tagout(&place, &place.work(), &["mode", "workspace-write"]).status.success());
    let mut program = place.program();
    // More than a pipe holds.
    let mark = format!("sleep {}", 1_000_000 + std::process::id());
    program.args(["run", "--", "sh", "-c", &format!("seq 200000; {mark}; true")]);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let sleeps = || beneath().iter().any(|process| process.line.trim_end() == mark);
    while !sleeps() {
        assert!(Instant::now() < deadline, "the command waits for its reader");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it waits for its reader, though it was cancelled");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program, at home at `place`, started in `folder`.
fn tagout(place: &Place, folder: &Path, arguments: &[&str]) -> Output {
    place.program().current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_working_folder_is_the_workspace_wherever_the_program_is_started() {
    let Some(_) = bench(&[]) else { return };
    let place = Place::new();
    let work = place.write("a", "1\n").parent().unwrap().canonicalize().unwrap();
    let link = work.with_file_name("link");
    symlink(&work, &link).unwrap();
    for (folder, root) in
        [(Path::new("/"), work.as_path()), (Path::new("/"), link.as_path()), (link.as_path(), Path::new("."))]
    {
        assert!(
            tagout(&place, folder, &["mode", "workspace-write", "--root", root.to_str().unwrap()]).status.success()
        );
        let output =
            tagout(&place, folder, &["run", "--root", root.to_str().unwrap(), "--", "sh", "-c", "pwd; echo 2 >> a"]);
        let notes = text(&output.stderr);
        assert_eq!(text(&output.stdout), format!("{}\n", work.display()), "{root:?} from {folder:?}: {notes}");
        assert!(notes.contains("changeset"), "{root:?} from {folder:?}: {notes}");
    }
    let gone = tagout(&place, Path::new("/"), &["run", "--root", "/no/such/folder", "--", "true"]);
    assert_ne!(gone.status.code(), Some(0));
    assert!(text(&gone.stderr).contains("/no/such/folder"), "{}", text(&gone.stderr));
    let file = work.join("a");
    assert_ne!(
        tagout(&place, Path::new("/"), &["run", "--root", file.to_str().unwrap(), "--", "true"]).status.code(),
        Some(0)
    );
    assert_eq!(fs::read(file).unwrap(), b"1\n");
}

#[test]
fn a_workspace_of_any_name_is_the_same_inside() {
    let Some(bench) = bench(&[]) else { return };
    let long: PathBuf = vec!["n".repeat(250); 14].iter().collect();
    let names = [
        "with space",
        "a:b::c",
        "a,b,,c",
        "back\\slash\\",
        "quo'te\"s",
        "new\nline",
        "\u{1f600} \u{e9}",
        "-r",
        "#x%s",
        "upper=x,lower",
    ];
    let folders = names.iter().map(PathBuf::from).chain([long]);
    for name in folders {
        let folder = bench.work().join(&name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a"), "1\n").unwrap();
        for turn in 0..2 {
            let outcome = bench.try_at(&folder, MODE, &["sh", "-c", "pwd; echo 2 >> a; mkdir n; echo 3 > n/f"]);
            let outcome = outcome.unwrap_or_else(|failure| panic!("{name:?}: {failure}"));
            let printed = bench.printed();
            assert_eq!(
                (outcome.exit.clone(), paths(&outcome)),
                (Exit::Code(0), vec!["a", "n/f"]),
                "{name:?} {turn}: {printed}"
            );
            assert_eq!(printed, format!("{}\n", folder.display()), "{turn}");
        }
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"1\n");
        assert!(!folder.join("n").exists());
    }
}

#[test]
fn a_name_that_is_no_text_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let Some(bench) = bench(&[]) else { return };
    let folder = bench.work().join(std::ffi::OsStr::from_bytes(b"not\xffutf8"));
    fs::create_dir(&folder).unwrap();
    match bench.try_at(&folder, MODE, &["sh", "-c", "echo 1 > a"]) {
        Ok(outcome) => assert_eq!(paths(&outcome), ["a"]),
        Err(failure) => assert_eq!(failure.kind, FailureKind::InvalidInput, "{failure}"),
    }
    still_works(&bench);
}

/// Runs a script on a mount of its own over `work`; `None`, with the reason printed, where none can be made.
fn mounted(place: &Place, mount: &str, command: &str) -> Option<Output> {
    let work = place.work();
    let outside = if nix::unistd::geteuid().is_root() { "--mount" } else { "--mount --map-root-user" };
    let run = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(outside.split(' ')).args(["sh", "-ec", script, "sh"]).arg(&work);
        unshare.arg(place.program().get_program()).arg(command);
        place.program().get_envs().for_each(|(name, value)| match value {
            Some(value) => drop(unshare.env(name, value)),
            None => drop(unshare.env_remove(name)),
        });
        unshare.output()
    };
    match run(mount) {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            println!("skipped: no mount of this kind here: {}", text(&output.stderr).trim());
            return None;
        }
        Err(error) => {
            println!("skipped: no unshare: {error}");
            return None;
        }
    }
    Some(
        run(&format!("{mount}\ncd \"$1\"; \"$2\" mode workspace-write >/dev/null; exec \"$2\" run -- sh -c \"$3\""))
            .unwrap(),
    )
}

#[test]
fn a_workspace_on_any_file_system_is_captured() {
    let Some(_) = bench(&[]) else { return };
    let tmpfs = "mount -t tmpfs none \"$1\"; echo 1 > \"$1/a\"";
    let layers = "mount -t tmpfs none \"$1\"; cd \"$1\"; mkdir low up work; echo 1 > low/a; echo 1 > up/b; \
                  mount -t overlay none -o lowerdir=low,upperdir=up,workdir=work \"$1\"; cd /";
    for (name, mount) in [
        ("tmpfs", tmpfs.to_owned()),
        ("overlay", layers.to_owned()),
        ("read-only tmpfs", format!("{tmpfs}; mount -o remount,ro \"$1\"")),
        ("read-only view", "echo 1 > \"$1/a\"; mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"".to_owned()),
    ] {
        let place = Place::new();
        let Some(output) = mounted(&place, &mount, "cat a; echo 2 >> a; mkdir n; echo 3 > n/f; cat a n/f") else {
            continue;
        };
        let notes = text(&output.stderr);
        assert_eq!(text(&output.stdout), "1\n1\n2\n3\n", "{name}: {notes}");
        assert!(notes.contains("changeset") && notes.contains("2 files"), "{name}: {notes}");
    }
}

#[test]
fn a_workspace_of_a_hundred_thousand_files() {
    let Some(bench) = bench(&[]) else { return };
    for number in 0..100 {
        let folder = bench.work().join(format!("d{number}"));
        fs::create_dir(&folder).unwrap();
        (0..1000).for_each(|file| drop(fs::File::create(folder.join(format!("f{file}"))).unwrap()));
    }
    let outcome = bench.run("find . -type f | wc -l; echo x > d7/f7; rm -r d8; echo y > d9/new");
    assert_eq!((outcome.exit.clone(), outcome.changes.len()), (Exit::Code(0), 1002), "{}", bench.printed());
    assert_eq!(bench.printed(), "100000\n");
}

#[test]
fn a_disk_that_fills_up_stays_in_the_sandbox_and_is_named() {
    let Some(mut bench) = bench(&[("a", "1\n")]) else { return };
    (bench.limits.disk_bytes, bench.limits.disk_files) = (8 << 20, 200);
    let full = |outcome: &RunOutcome, limit: Limit| {
        let ended = matches!(&outcome.exit, Exit::Limit(reached) if reached.limit == limit);
        ended || outcome.reached.iter().any(|reached| reached.limit == limit)
    };
    let outcome = bench.run("echo 2 >> a; head -c 64M /dev/zero > big; echo code $?; head -c 100000 /dev/zero > more");
    let printed = bench.printed();
    assert!(full(&outcome, Limit::Disk) && !printed.contains("code 0"), "{outcome:?} {printed}");
    let outcome = bench.run("n=0; while : > f$n; do n=$((n+1)); [ $n -lt 1000 ] || exit 0; done; exit 9");
    assert!(full(&outcome, Limit::Files) && outcome.changes.len() < 1000, "{:?} {:?}", outcome.exit, outcome.reached);
    assert_eq!(fs::read_dir(bench.work()).unwrap().count(), 1);
    still_works(&bench);
}

#[test]
fn a_workspace_that_goes_away_meanwhile_is_survived() {
    let Some(bench) = bench(&[("a", "1\n"), ("d/b", "2\n")]) else { return };
    let work = bench.work();
    std::thread::scope(|scope| {
        let run = scope
            .spawn(|| bench.try_at(&work, MODE, &["sh", "-c", "echo ready; sleep 0.5; echo x >> a; echo y > d/c; ls"]));
        while !bench.printed.lock().unwrap().contains("ready") && !run.is_finished() {
            std::thread::yield_now();
        }
        fs::remove_dir_all(&work).unwrap();
        // Whatever is made of it: no panic, and nothing is written to where it was.
        let _ = run.join().unwrap();
    });
    assert!(!work.exists());
    assert!(bench.try_at(&work, MODE, &["true"]).is_err());
    fs::create_dir(&work).unwrap();
    still_works(&bench);
}

#[test]
fn a_workspace_that_may_not_be_read_is_refused_or_read_by_root_alone() {
    let Some(bench) = bench(&[("a", "1\n")]) else { return };
    fs::set_permissions(bench.work(), fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = bench.try_at(&bench.work(), Mode::ReadOnly, &["ls"]);
    fs::set_permissions(bench.work(), fs::Permissions::from_mode(0o755)).unwrap();
    let (printed, is_root) = (bench.printed(), nix::unistd::geteuid().is_root());
    match outcome.map(|outcome| outcome.exit) {
        Ok(Exit::Code(0)) => assert_eq!((printed.as_str(), is_root), ("a\n", true)),
        Ok(_) | Err(_) => assert!(!printed.lines().any(|line| line == "a"), "{printed}"),
    }
    still_works(&bench);
}
