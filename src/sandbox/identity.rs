//! Who the command is. A user stays who it is. For root that would be too much, whatever else is taken away: limits on
//! processes do not bind it, and files of root are its own. So root becomes another user, who is root to itself only,
//! and the workspace is shown with its owner changed likewise (an idmapped mount, mount_setattr(2)).

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::init::{Failed, failed};
use super::mount_flags::Depth;
use super::sys;

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

/// The failure of what this machine may refuse for good, where `error` says so.
fn refused<E: Into<io::Error>>(error: E) -> Failed {
    let error = error.into();
    let lasting = [libc::EPERM, libc::EINVAL, libc::EOPNOTSUPP, libc::ENOSYS].map(Some);
    failed(if lasting.contains(&error.raw_os_error()) { SHIFT } else { "open the folders to be shown" })(error)
}

/// Folders of the host that the helper has opened for the sandbox.
#[derive(Debug, Default)]
pub(super) struct Trees(Vec<(PathBuf, OwnedFd)>);

impl Trees {
    /// Takes the open folders at `paths`.
    pub(super) fn add(&mut self, paths: Vec<PathBuf>, trees: impl Iterator<Item = OwnedFd>) {
        self.0.extend(paths.into_iter().zip(trees));
    }

    /// The tree at `path`, if it was lent; each can be mounted once.
    pub(super) fn take(&mut self, path: &Path) -> Option<OwnedFd> {
        let at = self.0.iter().position(|(own, _)| own == path)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// Whose a folder of the host is that the helper opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Root's, and to be shown as the other user's.
    Root,
    /// The other user's.
    Other,
}

impl Identity {
    /// The folders that the helper has to open.
    pub(super) fn folders(&self) -> impl Iterator<Item = (&Path, Owner)> {
        let (shifted, lent) = match self {
            Self::Same { .. } => (&[][..], &[][..]),
            Self::Subordinate { shifted, lent, .. } => (shifted.as_slice(), lent.as_slice()),
        };
        let shifted = shifted.iter().map(|path| (path.as_path(), Owner::Root));
        shifted.chain(lent.iter().map(|path| (path.as_path(), Owner::Other)))
    }

    /// Whether it is the same user, whatever folders it is shown.
    pub(super) fn is_same_user(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Same { .. }, Self::Same { .. }) => self == other,
            (Self::Subordinate { outside, .. }, Self::Subordinate { outside: its, .. }) => outside == its,
            (Self::Same { .. }, Self::Subordinate { .. }) | (Self::Subordinate { .. }, Self::Same { .. }) => false,
        }
    }
}

/// The helper's part in what a process becomes that it has made.
#[derive(Debug)]
pub(super) struct Lender(Option<fs::File>);

impl Lender {
    /// Makes the process `pid` be able to become who it is to be.
    pub(super) fn of(pid: i32, identity: &Identity) -> Result<Self, Failed> {
        let Identity::Subordinate { outside, .. } = identity else { return Ok(Self(None)) };
        let map = format!("0 {outside} 1");
        for name in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{pid}/{name}"), &map).map_err(refused)?;
        }
        Ok(Self(Some(fs::File::open(format!("/proc/{pid}/ns/user")).map_err(refused)?)))
    }

    /// Opens folders for the process.
    pub(super) fn open(&self, folders: &[(&Path, Owner)]) -> Result<Vec<OwnedFd>, Failed> {
        let open = |&(path, owner): &(&Path, Owner)| {
            let tree = sys::open_tree(path, Depth::One)?;
            if let (Some(namespace), Owner::Root) = (&self.0, owner) {
                sys::shift_owners(tree.as_fd(), namespace.as_fd())?;
            }
            Ok(tree)
        };
        folders.iter().map(open).collect::<io::Result<_>>().map_err(refused)
    }
}

/// Process 1's part: becomes who it is to be, once the helper has seen to that.
pub(super) fn assume(identity: &Identity) -> Result<(), Failed> {
    match identity {
        Identity::Same { uid, gid } => {
            let map = |name: &str, text: String| {
                fs::write(format!("/proc/self/{name}"), text).map_err(failed(format!("write {name}")))
            };
            map("setgroups", "deny".to_owned())?;
            map("uid_map", format!("{uid} {uid} 1"))?;
            map("gid_map", format!("{gid} {gid} 1"))
        }
        Identity::Subordinate { .. } => {
            let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
            setgroups(&[]).map_err(refused)?;
            setresgid(group, group, group).map_err(refused)?;
            setresuid(user, user, user).map_err(refused)
        }
    }
}
