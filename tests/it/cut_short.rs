//! Changes to the disk that are cut short: ended with SIGKILL before each step, failed by the system at each call, and
//! on a disk that is full at each write. A step is a system call, seen and answered by ptrace(2), so that what runs is
//! the program as it is. Afterwards everything is old or everything is new, and what is said about it is true.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tagout::changes::{ChangesetId, FileChange, Permissions, content_hash};
use tagout::host::{DiskFiles, open_root};
use tagout::policy::{Action, Facts, Grant, Mode, Rules};
use tagout::ports::{Ending, Failure, Files, Outcome, Receipt, Recovery};
use tagout::workspace::{FileKind, FileState, RelativePath};

/// Set in the process that is to be disturbed: the folder it works in.
const VICTIM: &str = "TAGOUT_TEST_CHANGE_VICTIM";
/// Set in the process that fills a disk of its own: where to mount it.
const DISK: &str = "TAGOUT_TEST_CHANGE_DISK";

type Picture = BTreeMap<String, (u32, Vec<u8>)>;

fn state(kind: FileKind, text: &str) -> Option<FileState> {
    Some(FileState { kind, bytes: text.as_bytes().to_vec() })
}

/// Of every sort: edit, mode, link, kind, delete, create in a new folder, rename.
fn changes() -> Vec<FileChange> {
    use FileKind::{Executable, Plain, Symlink};
    let long = "a line that takes some room\n".repeat(700);
    [
        ("edit.txt", state(Plain, "old\r\n"), state(Plain, &long)),
        ("run.sh", state(Plain, "#!/bin/sh\n"), state(Executable, "#!/bin/sh\n")),
        ("link", state(Symlink, "edit.txt"), state(Symlink, "run.sh")),
        ("turned", state(Plain, "file"), state(Symlink, "link")),
        ("gone/deep/only.rs", state(Plain, "x"), None),
        ("from.rs", state(Plain, "moved"), None),
        ("to/here/from.rs", None, state(Plain, "moved")),
        ("new/run", None, state(Executable, "#!")),
        ("new/link", None, state(Symlink, "run")),
    ]
    .map(|(path, before, after)| FileChange { path: RelativePath::new(path).unwrap(), before, after })
    .into()
}

fn build(folder: &Path) {
    let work = folder.join("work");
    fs::create_dir_all(work.join("gone/deep")).unwrap();
    for change in changes() {
        let path = work.join(change.path.as_str());
        match change.before {
            Some(FileState { kind: FileKind::Symlink, bytes }) => {
                symlink(str::from_utf8(&bytes).unwrap(), path).unwrap()
            }
            Some(state) => fs::write(path, state.bytes).unwrap(),
            None => {}
        }
    }
    fs::write(work.join("bystander"), "kept").unwrap();
    fs::set_permissions(work.join("edit.txt"), fs::Permissions::from_mode(0o640)).unwrap();
}

/// Everything below a folder: names, kinds, modes, bytes.
fn picture(folder: &Path) -> Picture {
    let (mut picture, mut folders) = (Picture::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let bytes = if meta.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            picture.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), (meta.mode(), bytes));
        }
    }
    picture
}

fn files(folder: &Path) -> DiskFiles {
    DiskFiles::new(1 << 20, folder.join("state/journal"))
}

fn apply(folder: &Path) -> Result<Receipt, Failure> {
    prepared(folder)()
}

/// Applying, and nothing else.
fn prepared(folder: &Path) -> impl FnOnce() -> Result<Receipt, Failure> {
    let changes = changes();
    let paths = changes.iter().map(|change| change.path.clone()).collect();
    let action = Action::Apply { content: content_hash(&changes), paths };
    let grant = Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action, &Facts::user(), None).unwrap().0;
    let root = open_root(&folder.join("work")).unwrap();
    let files = files(folder);
    move || files.apply(grant, &root, &ChangesetId::from_text("change-1"), &changes, &Permissions::new())
}

/// In memory where there is such a place: what is tried does not depend on how long a disk takes.
fn place() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn recover(folder: &Path) -> Vec<Recovery> {
    files(folder).recover(&open_root(&folder.join("work")).unwrap()).unwrap()
}

/// The tree before and after.
fn pictures() -> (Picture, Picture) {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    let old = picture(&folder.path().join("work"));
    assert_eq!(apply(folder.path()).unwrap().outcome, Outcome::Written);
    let new = picture(&folder.path().join("work"));
    assert_ne!(old, new);
    assert!(new.keys().all(|name| !name.contains(".tagout-") && !name.starts_with("gone")), "{:?}", new.keys());
    assert_eq!(apply(folder.path()).unwrap().outcome, Outcome::AlreadyApplied);
    (old, new)
}

/// Applies, once it is being watched. Does nothing in an ordinary run.
#[test]
fn a_changes_victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let folder = Path::new(&folder);
    let apply = prepared(folder);
    ptrace::traceme().unwrap();
    raise(Signal::SIGSTOP).unwrap();
    let result = apply();
    raise(Signal::SIGSTOP).unwrap();
    fs::write(folder.join("result"), result.map_or_else(|failure| failure.to_string(), |_| "written".into())).unwrap();
}

/// What happens to the call that is counted out.
#[derive(Clone, Copy)]
enum Fault {
    Kill,
    Fail(Errno),
}

/// Calls that change something on the disk, or bring it there.
const WRITING: [i64; 16] = [
    libc::SYS_write,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fsync,
    libc::SYS_syncfs,
    libc::SYS_rename,
    libc::SYS_renameat2,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_fchmod,
    libc::SYS_fchown,
    libc::SYS_fsetxattr,
];

/// Calls that look at it.
const READING: [i64; 8] = [
    libc::SYS_read,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    libc::SYS_flock,
    libc::SYS_fstatfs,
];

/// Applies in a process of its own, in which the call `number` of `calls` meets `fault`. Whether there were so many,
/// or `None` when nothing may be watched here.
fn disturbed(folder: &Path, calls: &[i64], number: usize, fault: Fault) -> Option<bool> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cut_short::a_changes_victim", "--nocapture", "--test-threads=1"]).env(VICTIM, folder);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    let wait = |whom| waitpid(whom, Some(flags)).unwrap();
    let first = wait(Pid::from_raw(-1));
    let WaitStatus::Stopped(thread, Signal::SIGSTOP) = first else {
        println!("skipped: no process may be watched here: {first:?}");
        drop(child.wait());
        return None;
    };
    ptrace::setoptions(thread, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
    let (mut count, mut entering, mut failing) = (0, true, None);
    loop {
        ptrace::syscall(thread, None).unwrap();
        let status = wait(thread);
        if matches!(status, WaitStatus::Stopped(_, Signal::SIGSTOP)) {
            break;
        }
        assert!(matches!(status, WaitStatus::PtraceSyscall(_)), "call {number}: {status:?}");
        let mut registers = ptrace::getregs(thread).unwrap();
        if let Some(errno) = failing.take() {
            registers.rax = (-i64::from(errno as i32)).cast_unsigned();
            ptrace::setregs(thread, registers).unwrap();
        } else if entering && calls.contains(&registers.orig_rax.cast_signed()) {
            count += 1;
            match fault {
                Fault::Kill if count == number => {
                    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
                    // A watched thread that has ended keeps its process until it is asked for.
                    while waitpid(thread, Some(flags))
                        .is_ok_and(|status| matches!(status, WaitStatus::PtraceSyscall(_)))
                    {}
                    child.wait().unwrap();
                    return Some(true);
                }
                Fault::Fail(errno) if count == number => {
                    // No call has this number, so that nothing is done.
                    registers.orig_rax = u64::MAX;
                    ptrace::setregs(thread, registers).unwrap();
                    failing = Some(errno);
                }
                Fault::Kill | Fault::Fail(_) => {}
            }
        }
        entering = !entering;
    }
    ptrace::detach(thread, None).unwrap();
    child.wait().unwrap();
    Some(count >= number)
}

/// What recovery said is true, and nothing is left over.
fn judge(folder: &Path, (old, new): &(Picture, Picture), round: &str) -> (Vec<Recovery>, bool) {
    let told = recover(folder);
    let now = picture(&folder.join("work"));
    assert!(now == *old || now == *new, "{round}: a mixture: {:?}, told {told:?}", now.keys());
    match told.as_slice() {
        [] => {}
        [one] => {
            assert_eq!(one.left, [], "{round}");
            assert_eq!(one.id.as_str(), "change-1");
            assert_eq!(one.ending, if now == *new { Ending::Finished } else { Ending::Undone }, "{round}");
        }
        more => panic!("{round}: {more:?}"),
    }
    let left: Vec<_> = fs::read_dir(folder.join("state/journal"))
        .map(|entries| entries.map(|entry| entry.unwrap().file_name()).filter(|name| name != "lock").collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{round}: {left:?}");
    assert_eq!(recover(folder), [], "{round}");
    (told, now == *new)
}

#[test]
fn ended_at_any_step_it_is_all_old_or_all_new() {
    let pictures = pictures();
    let (mut undone, mut finished) = (0, 0);
    for number in 1.. {
        let folder = place();
        build(folder.path());
        match disturbed(folder.path(), &WRITING, number, Fault::Kill) {
            None => return,
            Some(false) => break,
            Some(true) => {}
        }
        let round = format!("call {number}");
        let (told, is_new) = judge(folder.path(), &pictures, &round);
        undone += usize::from(!told.is_empty() && !is_new);
        finished += usize::from(!told.is_empty() && is_new);
        let again = apply(folder.path()).unwrap();
        assert_eq!(again.outcome == Outcome::AlreadyApplied, is_new, "{round}");
        assert_eq!(picture(&folder.path().join("work")), pictures.1, "{round}");
    }
    println!("cut short and put right: {undone} undone, {finished} finished");
    assert!(undone > 20 && finished > 20, "{undone} undone, {finished} finished");
}

fn failed_at_each_call(calls: &[i64], errno: Errno) {
    let pictures = pictures();
    let mut failures = 0;
    for number in 1.. {
        let folder = place();
        build(folder.path());
        match disturbed(folder.path(), calls, number, Fault::Fail(errno)) {
            None => return,
            Some(false) => break,
            Some(true) => {}
        }
        let result = fs::read_to_string(folder.path().join("result")).unwrap();
        let round = format!("{errno} at call {number}, {result}");
        let (_, is_new) = judge(folder.path(), &pictures, &round);
        assert_eq!(result == "written", is_new, "{round}");
        failures += usize::from(!is_new);
    }
    println!("{errno}: {failures} failures, all put back");
    assert!(failures > 20, "{failures}");
}

#[test]
fn a_full_disk_at_any_call_is_put_back() {
    failed_at_each_call(&WRITING, Errno::ENOSPC);
}

#[test]
fn a_spent_quota_at_any_call_is_put_back() {
    failed_at_each_call(&WRITING, Errno::EDQUOT);
}

#[test]
fn a_broken_disk_at_any_call_is_put_back() {
    failed_at_each_call(&[WRITING.as_slice(), READING.as_slice()].concat(), Errno::EIO);
}

/// Applies on a disk with ever more room, in namespaces of its own. Does nothing in an ordinary run.
#[test]
fn a_full_disks_victim() {
    let Some(disk) = std::env::var_os(DISK) else { return };
    let disk = Path::new(&disk);
    if let Err(error) = mount(Some("tmpfs"), disk, Some("tmpfs"), MsFlags::empty(), Some("size=512k")) {
        println!("skipped: no disk to fill: {error}");
        return;
    }
    build(disk);
    let (old, mut failures) = (picture(&disk.join("work")), 0);
    let ballast = disk.join("ballast");
    let page = vec![b'x'; 4096];
    let fill = || {
        use std::io::Write;
        let mut file = fs::File::options().create(true).append(true).open(&ballast).unwrap();
        while file.write_all(&page).is_ok() {}
    };
    for pages in 0.. {
        fill();
        let file = fs::File::options().write(true).open(&ballast).unwrap();
        file.set_len(file.metadata().unwrap().len().saturating_sub(pages * 4096)).unwrap();
        match apply(disk) {
            Ok(_) => break,
            Err(failure) => {
                assert!(failure.to_string().contains("room"), "{failure}");
                assert_eq!(picture(&disk.join("work")), old, "{pages} pages: {failure}");
                failures += 1;
            }
        }
    }
    assert!(failures >= 5, "{failures}");
    assert!(picture(&disk.join("work")).contains_key("new/run"));
    println!("filled: {failures} times");
}

#[test]
fn a_disk_that_is_really_full_is_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "cut_short::a_full_disks_victim", "--nocapture", "--test-threads=1"]);
    let output = match command.env(DISK, folder.path()).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: no unshare: {error}"),
    };
    let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if wrong.contains("unshare:") {
        return println!("skipped: no namespaces to mount in: {}", wrong.trim());
    }
    assert!(output.status.success(), "{told}\n{wrong}");
    let line = told.lines().find(|line| line.contains("skipped: ") || line.contains("filled: "));
    println!("{}", line.expect("the disk was filled, or could not be"));
}
