//! The disk behind the [`Files`] port.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::apply::apply;
use super::beneath::{Beneath, Found, disk_failure, nanoseconds, parent_of, stat_in};
use super::durable::Durability;
use super::lock::Lock;
use super::recover::recover;
use super::{walk, watch};
use crate::changes::{ChangesetId, FileChange, Permissions};
use crate::policy::Grant;
use crate::ports::{Cancel, Failure, FailureKind, FileStat, Files, Receipt, Recovery, Walk, WatchGuard};
use crate::workspace::{FileState, RelativePath, Root};

/// The machine's disk.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    max_file_bytes: u64,
    journals: PathBuf,
    durability: Durability,
}

impl DiskFiles {
    /// Files larger than `max_file_bytes` are passed over by walks and not read. What is applied is journalled in the
    /// folder `journals`, which is made when it is needed and lies outside of every workspace.
    #[must_use]
    pub fn new(max_file_bytes: u64, journals: PathBuf) -> Self {
        Self { max_file_bytes, journals, durability: Durability::Durable }
    }

    /// The same, with changes that outlive a power failure or need not.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }
}

/// The root that `path` names: absolute, links resolved, a folder that can be listed.
///
/// # Errors
/// `NotFound` when there is no such folder, `InvalidInput` when it is something else, `Io` when it cannot be read.
pub fn open_root(path: &Path) -> Result<Root, Failure> {
    let shown = path.display();
    let resolved = std::fs::canonicalize(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let kind = if missing { FailureKind::NotFound } else { FailureKind::Io };
        Failure::new(kind, format!("the folder {shown} cannot be opened: {error}")).hint("name a folder that exists")
    })?;
    if !resolved.is_dir() {
        let what = format!("{shown} is not a folder");
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("name the folder that holds it"));
    }
    std::fs::read_dir(&resolved).map_err(|error| {
        Failure::io(format!("the folder {shown} cannot be listed"), &error).hint("check that you may read it")
    })?;
    if resolved.to_str().is_none() {
        // What editors, models and the record are told of it is text.
        let what = format!("the name of the folder {} is no UTF-8", resolved.display());
        return Err(Failure::new(FailureKind::InvalidInput, what)
            .hint("rename it, or open the folder below that holds the project"));
    }
    Root::new(resolved).map_err(|error| Failure::new(FailureKind::InvalidInput, error.to_string()))
}

impl Files for DiskFiles {
    fn walk(&self, root: &Root, cancel: &Cancel) -> Result<Walk, Failure> {
        walk::walk(root, self.max_file_bytes, cancel)
    }

    fn read(&self, root: &Root, path: &RelativePath) -> Result<Option<FileState>, Failure> {
        let found = Beneath::open(root)?.look(path, self.max_file_bytes);
        match found.map_err(|error| disk_failure(path, "read", error))? {
            Found::Nothing => Ok(None),
            Found::State(state) => Ok(Some(state)),
            Found::Large(size) => {
                let what = format!("{path} has {size} bytes, more than the limit of {}", self.max_file_bytes);
                Err(Failure::new(FailureKind::InvalidInput, what).hint("raise index.max_file_bytes to use it"))
            }
            Found::Other(what) => Err(Failure::new(FailureKind::InvalidInput, format!("{path} is {what}, not a file"))),
        }
    }

    fn stat(&self, root: &Root, paths: &[RelativePath]) -> Result<Vec<Option<FileStat>>, Failure> {
        let beneath = Beneath::open(root)?;
        // Paths mostly come sorted, so the folder of one is the folder of the next.
        let mut folder: Option<(Option<&str>, Result<OwnedFd, Errno>)> = None;
        let mut stats = Vec::with_capacity(paths.len());
        for path in paths {
            let parent = parent_of(path);
            if folder.as_ref().is_none_or(|(open, _)| *open != parent) {
                folder = Some((parent, beneath.parent(path)));
            }
            stats.push(match &folder {
                Some((_, Ok(open))) => stat_file(open, path),
                Some((_, Err(_))) | None => None,
            });
        }
        Ok(stats)
    }

    fn apply(
        &self,
        grant: Grant,
        root: &Root,
        id: &ChangesetId,
        changes: &[FileChange],
        permissions: &Permissions,
    ) -> Result<Receipt, Failure> {
        apply((&self.journals, self.durability), &grant, root, id, (changes, permissions))
    }

    fn recover(&self, root: &Root) -> Result<Vec<Recovery>, Failure> {
        // Without the folder nothing was ever applied.
        if !self.journals.exists() {
            return Ok(Vec::new());
        }
        let lock = Lock::take(&self.journals, root)?;
        recover(&self.journals, root, self.durability).inspect(|_| drop(lock))
    }

    fn watch(&self, root: &Root, changed: Box<dyn Fn(Vec<RelativePath>) + Send>) -> Result<WatchGuard, Failure> {
        watch::watch(root, changed)
    }
}

fn stat_file(folder: &OwnedFd, path: &RelativePath) -> Option<FileStat> {
    let stat = stat_in(folder, path.file_name()).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| FileStat {
        path: path.clone(),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::FileKind;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn reads_files_and_links_and_refuses_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let root = open_root(folder.path()).unwrap();
        let at = |name: &str| root.as_path().join(name);
        let read = |name: &str| DiskFiles::new(4, PathBuf::new()).read(&root, &RelativePath::new(name).unwrap());
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/file"), "1234").unwrap();
        fs::write(at("large"), "12345").unwrap();
        fs::write(at("run"), "x").unwrap();
        fs::set_permissions(at("run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        symlink("folder", at("linked")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

        let state = |kind, bytes: &[u8]| Ok(Some(FileState { kind, bytes: bytes.to_vec() }));
        assert_eq!(read("folder/file"), state(FileKind::Plain, b"1234"));
        assert_eq!(read("run"), state(FileKind::Executable, b"x"));
        assert_eq!(read("link"), state(FileKind::Symlink, b"/etc/passwd"));
        assert_eq!(read("nothing"), Ok(None));
        assert_eq!(read("nothing/below"), Ok(None));
        assert_eq!(read("run/below"), Ok(None));
        for name in ["large", "folder", "pipe", "socket", "linked/file"] {
            let failure = read(name).unwrap_err();
            assert!(failure.what.starts_with(name), "{failure}");
        }
    }

    #[test]
    fn stats_what_is_a_regular_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = open_root(folder.path()).unwrap();
        fs::create_dir(root.as_path().join("a")).unwrap();
        for name in ["a/1", "a/2", "b"] {
            fs::write(root.as_path().join(name), name).unwrap();
        }
        symlink("a", root.as_path().join("link")).unwrap();
        let files = DiskFiles::new(1, PathBuf::new());
        let paths =
            ["a/1", "a/2", "b", "a", "link", "link/1", "none", "none/1"].map(|path| RelativePath::new(path).unwrap());
        let stats = files.stat(&root, &paths).unwrap();
        let sizes: Vec<_> = stats.iter().map(|stat| stat.as_ref().map(|stat| stat.size)).collect();
        assert_eq!(sizes, [Some(3), Some(3), Some(1), None, None, None, None, None]);
        let walked = DiskFiles::new(100, PathBuf::new()).walk(&root, &Cancel::default()).unwrap();
        assert_eq!(stats.into_iter().flatten().collect::<Vec<_>>(), walked.files);
    }

    #[test]
    fn a_root_is_an_existing_folder_with_its_links_resolved() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        symlink("real", folder.path().join("link")).unwrap();
        assert!(open_root(&folder.path().join("link")).unwrap().as_path().ends_with("real"));
        assert_eq!(open_root(&folder.path().join("file")).unwrap_err().kind, FailureKind::InvalidInput);
        assert_eq!(open_root(&folder.path().join("none")).unwrap_err().kind, FailureKind::NotFound);
    }
}
