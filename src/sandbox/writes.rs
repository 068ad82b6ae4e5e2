//! Where a command's writes go: to memory, or to a folder on disk when they may be too large for that.
//!
//! Memory is faster to write to, to read and to throw away. A folder on disk has the room for builds that rewrite
//! large outputs, and when it lies on the file system of the kept outputs these are moved there instead of copied.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::descent::Descent;
use super::disk::{Folder, Kind};
use super::tree::Trash;

/// From how many bytes of outputs on a command writes to disk.
pub(super) const LARGE: u64 = 64 << 20;
/// Most entries that are looked at to find that out; so many are large whatever is in them.
const MOST_LOOKS: usize = 5_000;

const LOCK: &str = "lock";
/// The overlay's `upperdir` and `workdir`.
const UPPER: &str = "upper";
const WORK: &str = "work";

/// Where a command is to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// To memory.
    Memory,
    /// To disk.
    Disk,
}

impl Room {
    /// Chooses for a workspace `disk`, of which `outputs` are folders of outputs.
    pub(super) fn for_outputs(disk: &Folder, outputs: &[PathBuf]) -> Self {
        let (mut bytes, mut looks) = (0, 0);
        for path in outputs {
            let mut descent = Descent::new(PathBuf::new(), vec![(path.as_os_str().to_owned(), ())]);
            while let Some((path, ())) = descent.next() {
                let Ok(Some(folder)) = disk.below(&path) else { continue };
                let Ok(names) = folder.names() else { continue };
                looks += names.len();
                let mut folders = Vec::new();
                for name in names.into_iter().take(MOST_LOOKS) {
                    let Ok(Some(seen)) = folder.look(&name) else { continue };
                    bytes += seen.taken;
                    if seen.kind == Kind::Folder {
                        folders.push((name, ()));
                    }
                }
                if bytes > LARGE || looks > MOST_LOOKS {
                    return Self::Disk;
                }
                descent.enter(path, folders);
            }
        }
        Self::Memory
    }
}

/// A folder on disk for the writes of one command, removed with this value.
#[derive(Debug)]
pub(super) struct DiskWrites {
    path: PathBuf,
    /// Opened before any command can close it.
    written: Folder,
    /// Held as long as a process needs the folder.
    _lock: Flock<File>,
}

impl DiskWrites {
    /// A new folder in `parent`, a folder of the user's cache.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        // So that nobody sweeps the folder before it is locked.
        let _gate = lock(parent, FlockArg::LockShared)?;
        let path = tempfile::Builder::new().prefix("w").tempdir_in(parent)?.keep();
        let lock = lock(&path, FlockArg::LockExclusiveNonblock)?;
        fs::create_dir(path.join(UPPER))?;
        fs::create_dir(path.join(WORK))?;
        let written = Folder::open(&path.join(UPPER))?;
        Ok(Self { path, written, _lock: lock })
    }

    /// The folder that both are in.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets another user write to it.
    pub(super) fn give_to(&self, user: u32) -> io::Result<()> {
        let all = [self.path.clone(), self.path.join(UPPER), self.path.join(WORK)];
        all.iter().try_for_each(|path| chown(path, Some(user), Some(user)))
    }

    /// What was written: the overlay's `upperdir`. Reached from here, and not through the sandbox, its folders can be
    /// moved into the kept outputs.
    pub(super) fn written(&self) -> io::Result<Folder> {
        self.written.unlock_self()?;
        self.written
            .below(Path::new(""))
            .and_then(|folder| folder.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)))
    }
}

impl Drop for DiskWrites {
    fn drop(&mut self) {
        // What cannot be removed now is swept later.
        drop(remove(&self.path));
    }
}

/// Removes the folders in `parent` that servers left which have ended since.
pub(super) fn sweep(parent: &Path) -> io::Result<()> {
    let folder = match Folder::open(parent) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let _gate = lock(parent, FlockArg::LockExclusive)?;
    for entry in folder.entries()?.into_iter().filter(|entry| entry.folder) {
        let path = parent.join(entry.name);
        if let Ok(_own) = lock(&path, FlockArg::LockExclusiveNonblock) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn lock(folder: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    let file = fs::OpenOptions::new().create(true).append(true).open(folder.join(LOCK))?;
    Flock::lock(file, how).map_err(|(_, error)| error.into())
}

fn remove(path: &Path) -> io::Result<()> {
    Trash::new(Folder::open(path)?).empty()?;
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entries(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_removed_with_its_value_whatever_is_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let writes = DiskWrites::new(&parent.path().join("writes")).unwrap();
        let deep = writes.path().join(UPPER).join(vec!["n".repeat(200); 15].join("/"));
        fs::create_dir_all(&deep).unwrap();
        fs::rename(writes.path().join(UPPER).join("n".repeat(200)), deep.parent().unwrap().join("x")).unwrap_err();
        fs::create_dir_all(writes.path().join(WORK).join("work/closed/inner")).unwrap();
        fs::write(writes.path().join(WORK).join("work/closed/inner/1"), "").unwrap();
        std::os::unix::fs::symlink("/", writes.path().join(UPPER).join("link")).unwrap();
        fs::set_permissions(writes.path().join(WORK).join("work/closed"), fs::Permissions::from_mode(0o000)).unwrap();
        drop(writes);
        assert_eq!(entries(&parent.path().join("writes")), ["lock"]);
    }

    #[test]
    fn only_what_nobody_needs_any_more_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        sweep(&parent.path().join("nothing")).unwrap();
        let writes = DiskWrites::new(parent.path()).unwrap();
        fs::create_dir_all(parent.path().join("left/upper/a")).unwrap();
        sweep(parent.path()).unwrap();
        assert!(writes.path().join(UPPER).is_dir() && writes.path().join(WORK).is_dir());
        let own = writes.path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(entries(parent.path()), ["lock".to_owned(), own]);
    }

    #[test]
    fn large_outputs_go_to_disk() {
        let workspace = tempfile::tempdir().unwrap();
        let disk = Folder::open(workspace.path()).unwrap();
        let outputs = ["target".into(), "missing".into()];
        fs::create_dir_all(workspace.path().join("target/a/b")).unwrap();
        fs::write(workspace.path().join("target/a/b/c"), "x").unwrap();
        assert_eq!(Room::for_outputs(&disk, &outputs), Room::Memory);
        fs::write(workspace.path().join("target/a/b/large"), vec![1; 65 << 20]).unwrap();
        assert_eq!(Room::for_outputs(&disk, &outputs), Room::Disk);
        assert_eq!(Room::for_outputs(&disk, &[]), Room::Memory);
    }
}
