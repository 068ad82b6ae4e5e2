//! Building the file system that the command sees. Everything happens below a base in memory that holds the new
//! root, the captured writes, and the host's root until the new root is entered.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, chdir, pivot_root, unlinkat};

use super::identity::Trees;
use super::laying;
use super::mount_flags::{Depth, MountFlags};
use super::step::{Purpose, Quota, Share, Writes};
use super::sys;
use crate::workspace::{FileState, RelativePath};

/// The host's root, while the new one is built.
const HOST: &str = "/host";
const NEW: &str = "/new";
const WRITES: &str = "/writes";
const LOWER: &str = "/lower";
const LOST: &str = "/lost";
const KEPT: &str = "/kept";

fn below(base: &str, path: &Path) -> PathBuf {
    let plain = path.components().filter(|component| matches!(component, Component::Normal(_)));
    plain.fold(PathBuf::from(base), |joined, component| joined.join(component))
}

fn inside(path: &Path) -> PathBuf {
    below(NEW, path)
}

/// Leaves the host's mounts alone and begins a base in memory with an empty root in it.
pub(super) fn new_root(quota: Quota) -> io::Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    // Any folder that every machine has does: the mount is visible in this namespace only.
    memory(Path::new("/tmp"), quota, 0o755)?;
    chdir("/tmp")?;
    for folder in [HOST, NEW, WRITES, LOWER, LOST, KEPT] {
        fs::create_dir(below(".", Path::new(folder)))?;
    }
    pivot_root(".", "host")?;
    chdir("/")?;
    memory(Path::new(NEW), quota, 0o755)
}

fn memory(path: &Path, quota: Quota, mode: u32) -> io::Result<()> {
    let options = format!("size={},nr_inodes={},mode={mode:o}", quota.bytes, quota.inodes);
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options.as_str()))?)
}

/// Makes a folder and those above it.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(inside(path))
}

/// Makes a symbolic link.
pub(super) fn link(path: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, inside(path))
}

/// Mounts memory at `path`.
pub(super) fn memory_inside(path: &Path, quota: Quota, mode: u32) -> io::Result<()> {
    folder(path)?;
    memory(&inside(path), quota, mode)
}

/// A copy of the mount that shows `path` of the host.
fn tree(trees: &mut Trees, path: &Path, depth: Depth) -> io::Result<OwnedFd> {
    trees.take(path).map_or_else(|| sys::open_tree(&below(HOST, path), depth), Ok)
}

/// Shows what is at `source` of the host at `target`.
pub(super) fn bind(trees: &mut Trees, source: &Path, target: &Path, purpose: Purpose) -> io::Result<()> {
    let tree = tree(trees, source, Depth::All)?;
    if fs::File::from(tree.try_clone()?).metadata()?.is_dir() {
        folder(target)?;
    } else {
        folder(target.parent().unwrap_or(Path::new("/")))?;
        fs::OpenOptions::new().append(true).create(true).open(inside(target)).or_else(exists(target))?;
    }
    let flags = match purpose {
        Purpose::Read => MountFlags::SEALED,
        Purpose::Device => MountFlags::DEVICE,
    };
    sys::place(tree.as_fd(), &inside(target), flags)
}

fn cover(source: &Path, target: &Path) -> io::Result<()> {
    sys::place(sys::open_tree(source, Depth::All)?.as_fd(), target, MountFlags::SEALED)
}

/// A mount point that cannot be opened for writing may still be there to be mounted on.
fn exists(target: &Path) -> impl FnOnce(io::Error) -> io::Result<fs::File> {
    move |error| if inside(target).exists() { fs::File::open("/") } else { Err(error) }
}

/// Mounts pseudo-terminals that no other sandbox and not the host can reach.
pub(super) fn terminals(path: &Path) -> io::Result<()> {
    folder(path)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    Ok(mount(Some("devpts"), &inside(path), Some("devpts"), flags, Some("newinstance,ptmxmode=0666,mode=620"))?)
}

/// Mounts a view of the processes of this namespace.
pub(super) fn processes(path: &Path) -> io::Result<()> {
    folder(path)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), &inside(path), Some("proc"), flags, None::<&str>)?)
}

/// Leaves the command `most` of what the user has, which is counted for the user as a whole.
pub(super) fn share(share: Share, most: u64) -> io::Result<()> {
    let name = match share {
        Share::Watchers => "max_inotify_instances",
        Share::Watches => "max_inotify_watches",
        Share::UserNamespaces => "max_user_namespaces",
    };
    fs::write(inside(&Path::new("/proc/sys/user").join(name)), most.to_string())
}

/// Makes a part of a mount read-only by showing it over itself.
pub(super) fn protect(path: &Path) -> io::Result<()> {
    cover(&inside(path), &inside(path))
}

/// Shows an empty folder, or a device that cannot be opened, in the place of `path`.
pub(super) fn hide(path: &Path) -> io::Result<()> {
    let path = inside(path);
    if !fs::metadata(&path)?.is_dir() {
        return cover(&below(HOST, Path::new("/dev/null")), &path);
    }
    memory(&path, Quota { bytes: 4096, inodes: 2 }, 0o755)?;
    sys::seal(&path)
}

/// Makes a mount read-only.
pub(super) fn seal(path: &Path) -> io::Result<()> {
    sys::seal(&inside(path))
}

/// A folder that is shown with writes going elsewhere.
pub(super) struct Shown {
    /// The folder that receives the writes.
    pub(super) writes: OwnedFd,
    /// The folder as it is shown; what is written beneath it goes there, whatever is mounted over its path later.
    pub(super) workspace: OwnedFd,
}

/// Shows `shown` of the host, and `kept` over it, with writes going elsewhere.
pub(super) fn capture(trees: &mut Trees, shown: &Path, kept: Option<&Path>, writes: &Writes) -> io::Result<Shown> {
    let (upper, work) = (below(WRITES, Path::new("upper")), below(WRITES, Path::new("work")));
    match writes {
        Writes::Memory(quota) => {
            memory(Path::new(WRITES), *quota, 0o700)?;
            fs::create_dir(&upper)?;
            fs::create_dir(&work)?;
        }
        Writes::Disk(path) => {
            sys::place(tree(trees, path, Depth::One)?.as_fd(), Path::new(WRITES), MountFlags::OWN)?;
        }
    }
    let mut lower = LOWER.to_owned();
    if let Some(kept) = kept {
        sys::place(tree(trees, kept, Depth::One)?.as_fd(), Path::new(KEPT), MountFlags::SEALED)?;
        lower.insert_str(0, &format!("{KEPT}:"));
    }
    // The path of the workspace may hold what the options of a mount cannot.
    let tree = tree(trees, shown, Depth::One)?;
    sys::place(tree.as_fd(), Path::new(LOWER), MountFlags::SEALED)?;
    // What is captured is read beneath this folder, which therefore looks like the one it stands for.
    let mode = fs::metadata(LOWER)?.mode() & 0o777;
    fs::set_permissions(&upper, fs::Permissions::from_mode(mode | 0o700))?;
    folder(shown)?;
    let options = format!("lowerdir={lower},upperdir={WRITES}/upper,workdir={WRITES}/work,userxattr,volatile");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("overlay"), &inside(shown), Some("overlay"), flags, Some(options.as_str()))?;
    let open = |path| io::Result::Ok(OwnedFd::from(fs::File::open(path)?));
    Ok(Shown { writes: open(upper)?, workspace: open(inside(shown))? })
}

/// Shows what is at `source` of the host at `target`, with writes going to memory that nobody reads.
pub(super) fn lose(trees: &mut Trees, source: &Path, target: &Path, quota: Quota) -> io::Result<()> {
    let tree = tree(trees, source, Depth::One)?;
    // Each covers the one before it, which the overlay over that holds on to.
    memory(Path::new(LOST), quota, 0o700)?;
    for part in ["lower", "upper", "work"] {
        fs::create_dir(below(LOST, Path::new(part)))?;
    }
    sys::place(tree.as_fd(), &below(LOST, Path::new("lower")), MountFlags::SEALED)?;
    folder(target)?;
    let options = format!("lowerdir={LOST}/lower,upperdir={LOST}/upper,workdir={LOST}/work,userxattr,volatile");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("overlay"), &inside(target), Some("overlay"), flags, Some(options.as_str()))?)
}

fn how(flags: OFlag) -> OpenHow {
    let mode = if flags.contains(OFlag::O_CREAT) { Mode::from_bits_truncate(0o644) } else { Mode::empty() };
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(mode).resolve(resolve)
}

/// Makes `state` what the captured workspace has at `path`, nothing where it is `None`; the host keeps what it has.
pub(super) fn lay(workspace: &OwnedFd, path: &RelativePath, state: Option<&FileState>) -> io::Result<()> {
    let Some(state) = state else { return remove(workspace, path) };
    let (folder, name) = parent(workspace, path, Missing::Make)?;
    laying::put(&folder, name.as_ref(), state)
}

/// Removes the file at `path` from the captured workspace; the host keeps it. Afterwards the overlay shows no file of
/// that name: it is gone, or a folder stands there, or something that is no folder, and so holds nothing, stands where
/// a folder on the way to it was. The latter two are outputs kept from earlier commands, which cover the host's file.
pub(super) fn remove(workspace: &OwnedFd, path: &RelativePath) -> io::Result<()> {
    let removed = parent(workspace, path, Missing::Fail).and_then(|(folder, name)| {
        laying::unlocked(&folder, || Ok(unlinkat(folder.as_fd(), name, UnlinkatFlags::NoRemoveDir)?))
    });
    let number = removed.as_ref().err().and_then(io::Error::raw_os_error).map(Errno::from_raw);
    match number {
        // What has gone meanwhile is hidden well.
        Some(Errno::ENOENT | Errno::EISDIR | Errno::ENOTDIR | Errno::ELOOP) => Ok(()),
        _ => removed,
    }
}

/// What happens when a folder on the way is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Fail,
}

/// The folder that holds `path`, reached without following a link, and the name in it.
fn parent<'a>(workspace: &OwnedFd, path: &'a RelativePath, missing: Missing) -> io::Result<(OwnedFd, &'a str)> {
    let mut folder = workspace.try_clone()?;
    let mut parts: Vec<&str> = path.parts().collect();
    let name = parts.pop().unwrap_or_default();
    for part in parts {
        if missing == Missing::Make {
            match mkdirat(&folder, part, Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        folder = openat2(folder.as_fd(), part, how(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?;
    }
    Ok((folder, name))
}

/// Makes the new root the only one there is.
pub(super) fn enter_root() -> io::Result<()> {
    chdir(NEW)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    sys::seal(Path::new("/"))
}
