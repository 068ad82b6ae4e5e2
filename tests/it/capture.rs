//! What a command wrote, read back as changes: tried on the real kernel through the real binary.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use tagout::changes::{ChangeKind, FileChange};
use tagout::ports::{Exit, OpenText, RunOutcome};
use tagout::workspace::{FileKind, FileState, RelativePath};

use super::sandbox::bench;

fn told(outcome: &RunOutcome) -> Vec<String> {
    let one = |change: &FileChange| {
        let kind = match change.kind() {
            ChangeKind::Create => "create",
            ChangeKind::Delete => "delete",
            ChangeKind::Edit => "edit",
        };
        format!("{kind} {}", change.path)
    };
    outcome.changes.iter().map(one).collect()
}

fn after<'a>(outcome: &'a RunOutcome, path: &str) -> &'a FileState {
    let change = outcome.changes.iter().find(|change| change.path.as_str() == path).unwrap();
    change.after.as_ref().unwrap()
}

#[test]
fn writes_become_changes_and_the_workspace_is_untouched() {
    let Some(bench) = bench(&[("a", "1\n"), ("d/b", "2\n"), ("d/e/c", "3\n"), ("same", "s")]) else { return };
    let outcome = bench.run("echo x >> a; rm -r d; mkdir -p n/m; echo y > n/m/f; mv n o; printf s > same; touch a");
    assert_eq!(outcome.exit, Exit::Code(0), "{}", bench.printed());
    assert_eq!(told(&outcome), ["edit a", "delete d/b", "delete d/e/c", "create o/m/f"]);
    assert_eq!(after(&outcome, "a").bytes, b"1\nx\n");
    assert_eq!(outcome.refused, []);
    assert_eq!(fs::read(bench.work().join("a")).unwrap(), b"1\n");
    assert!(bench.work().join("d/e/c").exists() && !bench.work().join("o").exists());
}

#[test]
fn a_folder_made_anew_and_files_that_trade_places_with_folders() {
    let Some(bench) = bench(&[("d/old", "1"), ("d/kept", "2"), ("file", "3"), ("folder/x", "4")]) else { return };
    let script =
        "rm -r d; mkdir d; printf 2 > d/kept; rm file; mkdir file; echo in > file/in; rm -r folder; echo f > folder";
    let outcome = bench.run(script);
    let wanted = ["delete d/old", "delete file", "create file/in", "create folder", "delete folder/x"];
    assert_eq!(told(&outcome), wanted, "{}", bench.printed());
}

#[test]
fn execute_bits_links_and_hard_links() {
    let Some(bench) = bench(&[("tool", "#!/bin/sh\n"), ("d/x", "x")]) else { return };
    let outcome =
        bench.run("chmod +x tool; ln -s ../tool d/in; ln -s ../../outside d/out; ln -s /etc/passwd abs; ln d/x y");
    assert_eq!(told(&outcome), ["create d/in", "edit tool", "create y"], "{}", bench.printed());
    assert_eq!(after(&outcome, "tool").kind, FileKind::Executable);
    assert_eq!((after(&outcome, "d/in").kind, &*after(&outcome, "d/in").bytes), (FileKind::Symlink, &b"../tool"[..]));
    assert_eq!(after(&outcome, "y").bytes, b"x");
    let mut refused: Vec<&str> = outcome.refused.iter().map(|refusal| refusal.path.as_str()).collect();
    refused.sort_unstable();
    assert_eq!(refused, ["abs", "d/out"]);
}

#[test]
fn what_is_no_plain_file_is_named_and_left_out() {
    let Some(bench) = bench(&[("a", "1")]) else { return };
    let outcome = bench.run("mkfifo p; truncate -s 8T huge || truncate -s 65M huge; chmod u+s a; mkdir -p .git; echo x > .git/config; printf x > \"$(printf 'n\\377')\"");
    assert_eq!(told(&outcome), Vec::<String>::new());
    let mut refused = outcome.refused.clone();
    refused.sort();
    let names: Vec<&str> = refused.iter().map(|refusal| refusal.path.as_str()).collect();
    assert_eq!(names, [".git", "huge", "n\u{fffd}", "p"], "{refused:?} {}", bench.printed());
}

#[test]
fn ignored_outputs_are_left_out_and_cannot_be_widened_by_the_command() {
    let Some(bench) = bench(&[(".gitignore", "target/\n*.o\n!keep.o\n"), ("d/.gitignore", "/local\n")]) else { return };
    let script = "mkdir target; echo 1 > target/x; echo 1 > a.o; echo 1 > keep.o; echo 1 > d/local; echo '*' > .gitignore; echo 1 > seen";
    let outcome = bench.run(script);
    assert_eq!(told(&outcome), ["edit .gitignore", "create keep.o", "create seen"], "{}", bench.printed());
}

#[test]
fn unsaved_texts_are_seen_and_are_no_change_of_the_command() {
    let Some(mut bench) = bench(&[("a", "disk\n"), ("b", "disk\n"), ("gone", "disk\n")]) else { return };
    let text = |path: &str| OpenText {
        path: RelativePath::new(path).unwrap(),
        text: format!("unsaved {path}\n"),
        saved: false,
    };
    bench.open = vec![text("a"), text("b"), text("gone"), text("new/file")];
    let outcome = bench.run("cat a b new/file; echo more >> b; rm gone");
    assert_eq!(bench.printed(), "unsaved a\nunsaved b\nunsaved new/file\n");
    assert_eq!(told(&outcome), ["edit b", "delete gone"]);
    assert_eq!(outcome.changes[0].before.as_ref().unwrap().bytes, b"unsaved b\n");
    assert_eq!(after(&outcome, "b").bytes, b"unsaved b\nmore\n");
}

#[test]
fn what_the_user_saved_meanwhile_is_not_undone() {
    let Some(bench) = bench(&[("a", "1\n"), ("b", "1\n")]) else { return };
    let (work, runs) = (bench.work(), AtomicBool::new(true));
    let outcome = std::thread::scope(|scope| {
        let saver = scope.spawn(|| {
            while !bench.printed.lock().unwrap().contains("ready") && runs.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            fs::write(work.join("a"), "saved\n").unwrap();
            fs::write(work.join("signal"), "").unwrap();
        });
        let outcome = bench.run("echo ready; for i in $(seq 200); do ls | grep -q signal && break; sleep 0.05; done; echo x >> a; echo x >> b");
        runs.store(false, Ordering::Relaxed);
        saver.join().unwrap();
        outcome
    });
    assert_eq!(told(&outcome), ["edit b"], "{}", bench.printed());
    assert_eq!(outcome.refused.len(), 1);
    assert!(outcome.refused[0].why.contains("changed on disk"), "{:?}", outcome.refused);
}

#[test]
fn ten_thousand_files_are_handed_on() {
    let Some(bench) = bench(&[]) else { return };
    let outcome = bench.run("mkdir many; i=0; while [ $i -lt 10000 ]; do : > many/$i; i=$((i+1)); done");
    assert_eq!((outcome.exit, outcome.changes.len(), outcome.refused.len()), (Exit::Code(0), 10_000, 0));
}

#[test]
fn folders_deeper_than_a_path_can_say_are_survived() {
    let Some(bench) = bench(&[]) else { return };
    let name = "n".repeat(200);
    let deep = vec![name.as_str(); 15].join("/");
    let outcome = bench
        .run(&format!("(mkdir -p {deep} && cd {deep} && mkdir -p {deep} && echo x > {deep}/bottom) && echo x > top"));
    assert_eq!((outcome.exit.clone(), told(&outcome)), (Exit::Code(0), vec!["create top".to_owned()]));
    assert_eq!(outcome.refused.len(), 1, "{:?}", outcome.refused);
}

#[test]
fn links_in_the_workspace_lead_nowhere() {
    let Some(bench) = bench(&[("a", "1")]) else { return };
    symlink(bench.folder.path().join("home/.ssh"), bench.work().join("ssh")).unwrap();
    let outcome = bench.run("cat ssh/id; echo x > ssh/id; rm ssh; mkdir ssh; echo mine > ssh/id");
    assert!(!bench.printed().contains("SECRET"));
    assert_eq!(told(&outcome), ["delete ssh", "create ssh/id"]);
    assert_eq!(fs::read(bench.folder.path().join("home/.ssh/id")).unwrap(), b"SECRET");
}
