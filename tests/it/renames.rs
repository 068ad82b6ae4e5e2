//! Renames of folders that were there before the command: they must end as on a plain file system.
#![allow(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::sandbox::{Bench, bench};

/// Each line of its output is one case: what was tried, how it ended, what is there afterwards.
const CASES: &str = r#"
import ctypes, errno, os, stat
libc = ctypes.CDLL(None, use_errno=True)
def tree():
    found = []
    for folder, folders, files in os.walk("."):
        folders.sort()
        found += [os.path.join(folder, name) for name in sorted(folders) + sorted(files)]
    return sorted(path for path in found if not path.endswith(".py"))
def told(path):
    info = os.lstat(path)
    content = os.readlink(path) if os.path.islink(path) else open(path).read() if os.path.isfile(path) else ""
    when = int(info.st_mtime) if info.st_mtime < 1e9 else "new"
    return f"{path}:{stat.filemode(info.st_mode)}:{when}:{content!r}"
def case(name, work):
    try:
        work(); end = "ok"
    except OSError as error:
        end = errno.errorcode[error.errno]
    print(name, end, *[told(path) for path in tree()])
def rename2(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")
def at(old_folder, old, new_folder, new):
    a, b = os.open(old_folder, os.O_RDONLY), os.open(new_folder, os.O_PATH)
    try:
        os.rename(old, new, src_dir_fd=a, dst_dir_fd=b)
    finally:
        os.close(a); os.close(b)
case("missing source", lambda: os.rename("none", "x"))
case("onto a file", lambda: os.rename("one", "file"))
case("a file onto it", lambda: os.rename("file", "one"))
case("onto a full folder", lambda: os.rename("one", "two"))
case("into itself", lambda: os.rename("one", "one/in/self"))
case("onto its parent", lambda: os.rename("one/in", "one"))
case("onto itself", lambda: os.rename("one", "one"))
case("into a missing folder", lambda: os.rename("one", "none/one"))
case("by a dot", lambda: os.rename("one/.", "x"))
case("by two dots", lambda: os.rename("one/in/..", "x"))
case("empty name", lambda: os.rename("", "x"))
case("too long", lambda: os.rename("one", "x" * 300))
case("not to replace", lambda: rename2("one", "empty", 1))
case("unknown flags", lambda: rename2("one", "x", 64))
case("a link to it", lambda: os.rename("link", "link2"))
case("a link with a slash", lambda: os.rename("link2/", "x"))
case("plain", lambda: os.rename("one", "1"))
case("back", lambda: os.rename("1", "one"))
case("onto an empty folder", lambda: os.rename("one", "empty"))
case("deeper, with slashes", lambda: os.rename("empty///", "two/./sub//moved/"))
case("up, by descriptors", lambda: at("two/sub", "moved", ".", "one"))
case("absolute", lambda: os.rename(os.getcwd() + "/one", os.getcwd() + "/two/abs"))
case("where nothing is", lambda: rename2("two/abs", "one", 1))
case("a file", lambda: os.rename("file", "file2"))
case("a folder within", lambda: os.rename("two/sub", "sub"))
case("all of it", lambda: (os.mkdir("new"), os.rename("two", "new/two"), os.rename("new", "newer")))
os.chdir("newer/two")
case("from below", lambda: os.rename("../../one", "../one"))
"#;

fn fill(root: &Path) {
    for folder in ["one/in/deep", "one/shut", "two/sub", "empty"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (file, text) in [("file", "f"), ("one/a", "a"), ("one/in/deep/b", "b"), ("two/c", "c"), ("one/shut/d", "d")] {
        fs::write(root.join(file), text).unwrap();
    }
    std::os::unix::fs::symlink("in/deep", root.join("one/link")).unwrap();
    std::os::unix::fs::symlink("one", root.join("link")).unwrap();
    fs::set_permissions(root.join("one/a"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("one/shut"), fs::Permissions::from_mode(0o555)).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    for path in ["one/in", "one/a"] {
        fs::File::open(root.join(path)).unwrap().set_modified(old).unwrap();
    }
}

fn prepared(script: &str) -> Option<Bench> {
    let bench = bench(&[("case.py", script)])?;
    if Command::new("/usr/bin/python3").arg("--version").output().is_err() {
        eprintln!("skipped: no /usr/bin/python3 to rename without a way round");
        return None;
    }
    Some(bench)
}

#[test]
fn every_case_ends_as_on_the_host() {
    let Some(bench) = prepared(CASES) else { return };
    fill(&bench.work());
    let twin = tempfile::TempDir::new().unwrap();
    fill(twin.path());
    let outside = Command::new("/usr/bin/python3").args(["-c", CASES]).current_dir(twin.path()).output().unwrap();
    let outside = String::from_utf8(outside.stdout).unwrap();
    bench.run("/usr/bin/python3 case.py 2>&1");
    let inside = bench.printed();
    for (outside, inside) in outside.lines().zip(inside.lines()) {
        assert_eq!(inside, outside);
    }
    assert_eq!((inside.lines().count(), outside.lines().count()), (27, 27), "{inside}");
    fs::set_permissions(bench.work().join("one/shut"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_was_moved_is_in_the_changes() {
    let Some(bench) = prepared("import os; os.rename('old', 'new')") else { return };
    fs::create_dir_all(bench.work().join("old/in")).unwrap();
    fs::write(bench.work().join("old/in/a"), "text\n").unwrap();
    let outcome = bench.run("/usr/bin/python3 case.py");
    let changes: Vec<String> =
        outcome.changes.iter().map(|change| format!("{:?} {}", change.kind(), change.path)).collect();
    assert_eq!(changes, ["Create new/in/a", "Delete old/in/a"], "{}", bench.printed());
    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
}

#[test]
fn a_move_that_fails_half_way_leaves_everything_as_it_was() {
    let script = "import os\ntry: os.rename('old', 'new')\nexcept OSError as error: print(error.strerror)";
    let Some(bench) = prepared(script) else { return };
    for number in 0..200 {
        fs::create_dir_all(bench.work().join(format!("old/{number}/in"))).unwrap();
        fs::write(bench.work().join(format!("old/{number}/a")), "text\n").unwrap();
    }
    let closed = bench.work().join("old/77/in");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    let outcome = bench.run("/usr/bin/python3 case.py; ls -A; ls old | wc -l; cat old/*/a | wc -l");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bench.printed(), "Invalid cross-device link\ncase.py\nold\n200\n200\n");
    // What is closed cannot be searched for secrets, which is said, unless root searches.
    let others = outcome.refused.iter().filter(|refusal| refusal.path != "old/77/in").count();
    assert_eq!((outcome.changes.len(), others), (0, 0), "{outcome:?}");
}

#[test]
fn garbage_and_dying_callers_do_not_stop_renames() {
    let script = r#"
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
for old, new in [(0, 0), (1, -1), (2**63, 5), (ctypes.addressof(ctypes.create_string_buffer(b"x" * 9000, 9000)), 8)]:
    libc.syscall(82, ctypes.c_ulong(old % 2**64), ctypes.c_ulong(new % 2**64))
    libc.syscall(264, ctypes.c_long(-5), ctypes.c_ulong(old % 2**64), ctypes.c_long(99), ctypes.c_ulong(new % 2**64))
for round in range(60):
    child = os.fork()
    if child == 0:
        while True:
            for names in (("old", "new"), ("new", "old")):
                try: os.rename(*names)
                except FileNotFoundError: pass
    os.sched_yield()
    if round % 3: import time; time.sleep(0.002)
    os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) not in (1, 2, os.getpid(), os.getppid()):
        try: os.kill(int(name), signal.SIGKILL)
        except PermissionError: pass
os.rename("whole", "part"); os.rename("part/a", "part/b"); print(*os.listdir("part"))
"#;
    let Some(bench) = prepared(script) else { return };
    for path in ["old", "whole"] {
        fs::create_dir(bench.work().join(path)).unwrap();
        fs::write(bench.work().join(path).join("a"), "text\n").unwrap();
    }
    let outcome = bench.run("/usr/bin/python3 case.py 2>&1");
    assert_eq!(bench.printed(), "b\n", "{:?}", outcome.exit);
}

/// The rules for paths must not come between folders of one file system, which a build takes for granted.
#[test]
fn files_are_renamed_and_linked_across_folders() {
    let script = "
import os
for place in ('.', '/tmp', '/dev/shm', os.environ['HOME']):
    os.makedirs(place + '/x/y')
    open(place + '/x/a', 'w').close()
    os.rename(place + '/x/a', place + '/x/y/b')
    os.link(place + '/x/y/b', place + '/c')
os.rename('there/a', 'x/y/a')
os.link('there/b', 'x/y/c')
print('all')
";
    let Some(bench) = prepared(script) else { return };
    fs::create_dir(bench.work().join("there")).unwrap();
    for name in ["a", "b"] {
        fs::write(bench.work().join("there").join(name), name).unwrap();
    }
    bench.run("/usr/bin/python3 case.py 2>&1");
    assert_eq!(bench.printed(), "all\n");
}
