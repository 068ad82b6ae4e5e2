//! Who the command is. A user stays who it is. For root that would be too much, whatever else is taken away: limits on
//! processes do not bind it, and files of root are its own. So root becomes another user, who is root to itself only,
//! and the workspace is shown with its owner changed likewise (an idmapped mount, mount_setattr(2)).

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::channel;
use super::init::{Failed, failed};
use super::sys::{self, Depth};

/// The user that a command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// The same inside and outside.
    Same {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
    /// Root inside, another user outside.
    Subordinate {
        /// User and group id outside: of nobody else.
        outside: u32,
        /// Folders of the host that are shown as the other user's where they are root's.
        shifted: Vec<PathBuf>,
        /// Folders of the host that are the other user's already, and that only root can reach.
        lent: Vec<PathBuf>,
    },
}

/// The name of the step, by which the server knows that root has to stay root here.
pub(super) const SHIFT: &str = "show folders of root as another user's";

/// Folders of the host that the helper has opened for the sandbox.
#[derive(Debug, Default)]
pub(super) struct Trees(Vec<(PathBuf, OwnedFd)>);

impl Trees {
    /// The tree at `path`, if it was lent; each can be mounted once.
    pub(super) fn take(&mut self, path: &Path) -> Option<OwnedFd> {
        let at = self.0.iter().position(|(own, _)| own == path)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// The helper's part: for the process `pid`, which has just been made, and waits at the other end of `socket`.
pub(super) fn lend(identity: &Identity, pid: i32, socket: BorrowedFd<'_>) -> Result<(), Failed> {
    let Identity::Subordinate { outside, shifted, lent: own } = identity else { return Ok(()) };
    let map = format!("0 {outside} 1");
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), &map).map_err(failed(SHIFT))?;
    }
    let namespace = fs::File::open(format!("/proc/{pid}/ns/user")).map_err(failed(SHIFT))?;
    let mut lent: Vec<(&Path, OwnedFd)> = Vec::new();
    for path in shifted {
        let tree = sys::open_tree(path, Depth::One).map_err(failed(SHIFT))?;
        sys::shift_owners(tree.as_fd(), namespace.as_fd()).map_err(failed(SHIFT))?;
        lent.push((path, tree));
    }
    for path in own {
        lent.push((path, sys::open_tree(path, Depth::One).map_err(failed(SHIFT))?));
    }
    let names: Vec<&Path> = lent.iter().map(|(path, _)| *path).collect();
    let trees: Vec<BorrowedFd<'_>> = lent.iter().map(|(_, tree)| tree.as_fd()).collect();
    channel::send(socket, &names, &trees).map_err(failed(SHIFT))
}

/// Process 1's part: becomes who it is to be.
pub(super) fn assume(identity: &Identity, socket: BorrowedFd<'_>) -> Result<Trees, Failed> {
    match identity {
        Identity::Same { uid, gid } => {
            let map = |name: &str, text: String| {
                fs::write(format!("/proc/self/{name}"), text).map_err(failed(format!("write {name}")))
            };
            map("setgroups", "deny".to_owned())?;
            map("uid_map", format!("{uid} {uid} 1"))?;
            map("gid_map", format!("{gid} {gid} 1"))?;
            Ok(Trees::default())
        }
        Identity::Subordinate { .. } => {
            let lent = channel::receive::<Vec<PathBuf>>(socket).map_err(failed(SHIFT))?;
            let gone = || failed(SHIFT)(io::Error::from(io::ErrorKind::BrokenPipe));
            let (names, trees) = lent.ok_or_else(gone)?;
            let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
            setgroups(&[]).map_err(failed(SHIFT))?;
            setresgid(group, group, group).map_err(failed(SHIFT))?;
            setresuid(user, user, user).map_err(failed(SHIFT))?;
            Ok(Trees(names.into_iter().zip(trees).collect()))
        }
    }
}
