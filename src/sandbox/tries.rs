//! Trying, one by one, what sandboxes are built from: in a process of its own, executed anew so that it has one
//! thread, and for each thing in a child of that, so that nothing tried lasts or hides what comes after it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, getegid, geteuid, pipe2};
use serde::{Deserialize, Serialize};

use super::mount_flags::Depth;
use super::plan::SUBORDINATE;
use super::sys::{self, Cloned};
use super::{confine, filter};

/// The first argument that makes the program try things, in the working folder where disks count.
pub(super) const PROBE_ARGUMENT: &str = "__sandbox-probe";

/// What can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Subject {
    UserNamespaces,
    UserMap,
    MountNamespace,
    ProcessNamespace,
    NetworkNamespace,
    MessageNamespace,
    NameNamespace,
    ControlGroupNamespace,
    Loopback,
    MemoryMount,
    MemoryOverlay,
    DiskOverlay,
    ProcessMount,
    TerminalMount,
    Landlock,
    CallFilter,
    CallListener,
    ProcessDescriptors,
    ControlGroups,
    OtherOwners,
}

impl Subject {
    /// Everything, in the order in which walls are built.
    pub(super) const ALL: [Self; 20] = [
        Self::UserNamespaces,
        Self::UserMap,
        Self::MountNamespace,
        Self::ProcessNamespace,
        Self::NetworkNamespace,
        Self::MessageNamespace,
        Self::NameNamespace,
        Self::ControlGroupNamespace,
        Self::Loopback,
        Self::MemoryMount,
        Self::MemoryOverlay,
        Self::DiskOverlay,
        Self::ProcessMount,
        Self::TerminalMount,
        Self::Landlock,
        Self::CallFilter,
        Self::CallListener,
        Self::ProcessDescriptors,
        Self::ControlGroups,
        Self::OtherOwners,
    ];
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tried {
    /// What was tried.
    pub(super) subject: Subject,
    /// What was found, or what the system said and its error number.
    pub(super) found: Result<String, (String, i32)>,
}

/// Tries everything and writes what came of it to standard output.
pub(super) fn run() -> io::Result<()> {
    // It is started in the folder whose disk counts.
    let folder = fs::canonicalize(".")?;
    let tried: Vec<Tried> = Subject::ALL
        .into_iter()
        .map(|subject| {
            let found = in_child(|| attempt(subject, &folder));
            let found = found.map_err(|error| (error.to_string(), error.raw_os_error().unwrap_or_default()));
            Tried { subject, found }
        })
        .collect();
    let bytes = postcard::to_stdvec(&tried).map_err(io::Error::other)?;
    io::stdout().write_all(&bytes)
}

/// Does `work` in a child that ends with it.
fn in_child(work: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
    match sys::fork()? {
        ForkResult::Child => {
            drop(ours);
            let said = work();
            let code = i32::from(said.is_err());
            let text = said.unwrap_or_else(|error| error.raw_os_error().map_or_else(|| error.to_string(), number));
            drop(File::from(theirs).write_all(text.as_bytes()));
            std::process::exit(code)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut text = String::new();
            File::from(ours).read_to_string(&mut text)?;
            let status = waitpid(child, None)?;
            let WaitStatus::Exited(_, code) = status else {
                return Err(io::Error::other(format!("the try was ended: {status:?}")));
            };
            if code == 0 {
                return Ok(text);
            }
            Err(text.parse().map_or_else(|_| io::Error::other(text), io::Error::from_raw_os_error))
        }
    }
}

fn number(number: i32) -> String {
    number.to_string()
}

fn attempt(subject: Subject, folder: &Path) -> io::Result<String> {
    use CloneFlags as Kind;
    let entered = |kinds: Kind| enter(kinds).map(|()| "can be entered".to_owned());
    match subject {
        Subject::UserNamespaces => {
            unshare(Kind::CLONE_NEWUSER)?;
            Ok("can be entered".to_owned())
        }
        Subject::UserMap => enter(Kind::empty()).map(|()| "the user is mapped to itself".to_owned()),
        Subject::MountNamespace => entered(Kind::CLONE_NEWNS),
        Subject::ProcessNamespace => entered(Kind::CLONE_NEWPID),
        Subject::NetworkNamespace => entered(Kind::CLONE_NEWNET),
        Subject::MessageNamespace => entered(Kind::CLONE_NEWIPC),
        Subject::NameNamespace => {
            enter(Kind::CLONE_NEWUTS)?;
            nix::unistd::sethostname("sandbox")?;
            Ok("can be entered, and the machine be named".to_owned())
        }
        Subject::ControlGroupNamespace => entered(Kind::CLONE_NEWCGROUP),
        Subject::Loopback => {
            enter(Kind::CLONE_NEWNET)?;
            sys::loopback_up().map(|()| "can be switched on".to_owned())
        }
        Subject::MemoryMount => {
            enter(Kind::CLONE_NEWNS)?;
            memory().map(|()| "can be mounted".to_owned())
        }
        Subject::MemoryOverlay => {
            enter(Kind::CLONE_NEWNS)?;
            memory()?;
            overlay(Path::new("/tmp"))
        }
        Subject::DiskOverlay => disk_overlay(folder),
        Subject::ProcessMount => {
            enter(Kind::CLONE_NEWNS | Kind::CLONE_NEWPID)?;
            // The new namespace begins with the next child.
            in_child(|| mounted("proc", "/proc", None))
        }
        Subject::TerminalMount => {
            enter(Kind::CLONE_NEWNS)?;
            memory()?;
            mounted("devpts", "/tmp", Some("newinstance,ptmxmode=0666"))
        }
        Subject::Landlock => confine::newest().map(|abi| format!("version {abi} of its interface")),
        Subject::CallFilter => {
            nix::sys::prctl::set_no_new_privs()?;
            sys::install_filter(filter::program()).map(|()| "can be installed".to_owned())
        }
        Subject::CallListener => {
            sys::call_filter_knows(libc::SECCOMP_RET_USER_NOTIF)?;
            Ok("is known".to_owned())
        }
        Subject::ProcessDescriptors => sys::process_descriptor(std::process::id()).map(|_| "can be opened".to_owned()),
        Subject::ControlGroups => control_groups(),
        Subject::OtherOwners if geteuid().is_root() => other_owners(folder),
        Subject::OtherOwners => Ok("not needed: the user is not root".to_owned()),
    }
}

fn disk_overlay(folder: &Path) -> io::Result<String> {
    let own = tempfile::Builder::new().prefix("probe-").tempdir_in(folder)?;
    let place = own.path().to_path_buf();
    in_child(move || {
        enter(CloneFlags::CLONE_NEWNS)?;
        overlay(&place)
    })
}

/// Enters a user namespace as the same user, and the others in it.
fn enter(kinds: CloneFlags) -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    unshare(kinds)?;
    if kinds.contains(CloneFlags::CLONE_NEWNS) {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    }
    Ok(())
}

fn memory() -> io::Result<()> {
    Ok(mount(Some("tmpfs"), "/tmp", Some("tmpfs"), MsFlags::MS_NOSUID, Some("size=1m,mode=700"))?)
}

fn mounted(what: &str, at: &str, options: Option<&str>) -> io::Result<String> {
    mount(Some(what), at, Some(what), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, options)?;
    Ok("can be mounted".to_owned())
}

/// Mounts an overlay of folders made at `place`, and writes through it what a capture rests on.
fn overlay(place: &Path) -> io::Result<String> {
    let at = |name: &str| place.join(name);
    for name in ["lower", "upper", "work", "seen"] {
        fs::create_dir(at(name))?;
    }
    fs::write(at("lower/kept"), "1")?;
    fs::write(at("lower/gone"), "1")?;
    let show = |name: &str| at(name).display().to_string();
    let options =
        format!("lowerdir={},upperdir={},workdir={},userxattr,volatile", show("lower"), show("upper"), show("work"));
    mount(Some("overlay"), &at("seen"), Some("overlay"), MsFlags::MS_NOSUID, Some(options.as_str()))?;
    fs::write(at("seen/kept"), "2")?;
    fs::remove_file(at("seen/gone"))?;
    if fs::read(at("lower/kept"))? != b"1" || fs::read(at("upper/kept"))? != b"2" || !at("lower/gone").exists() {
        return Err(io::Error::other("writes do not go where they should"));
    }
    Ok("can be mounted, and takes writes".to_owned())
}

/// Shows a folder of root's as another user's.
fn other_owners(folder: &Path) -> io::Result<String> {
    let (held, lasts) = pipe2(OFlag::O_CLOEXEC)?;
    let Cloned::Parent(pid, _process) = sys::clone_process(CloneFlags::CLONE_NEWUSER)? else {
        drop(lasts);
        // Its namespace is needed until the other end closes.
        drop(File::from(held).read_to_end(&mut Vec::new()));
        std::process::exit(0);
    };
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), format!("0 {SUBORDINATE} 1"))?;
    }
    let namespace = File::open(format!("/proc/{pid}/ns/user"))?;
    let tree = sys::open_tree(folder, Depth::One)?;
    sys::shift_owners(tree.as_fd(), namespace.as_fd())?;
    Ok("folders can be shown as another user's".to_owned())
}

/// Whether groups below our own may be made, with limits to memory and processes.
fn control_groups() -> io::Result<String> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or_else(|| io::Error::other("no cgroup v2"))?;
    let base = Path::new("/sys/fs/cgroup").join(own);
    let list = base.join("cgroup.controllers");
    let given = fs::read_to_string(&list).map_err(|error| io::Error::other(format!("{}: {error}", list.display())))?;
    if let Some(lacking) = ["memory", "pids"].iter().find(|wanted| !given.split_whitespace().any(|one| one == **wanted))
    {
        return Err(io::Error::other(format!("no {lacking} controller in {}", base.display())));
    }
    let trial = base.join(format!("tagout-probe-{}", std::process::id()));
    fs::create_dir(&trial)?;
    fs::remove_dir(&trial)?;
    Ok(format!("groups can be made in {}", base.display()))
}
