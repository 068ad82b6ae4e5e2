//! The programs that commands on the host would start, and who could have put them there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::policy::{Program, ProgramOwner};
use crate::workspace::Root;

/// Looks for the programs that `names` name, as a shell in `root` would by the search path `path` (execvp(3)).
#[must_use]
pub fn programs(root: &Root, path: &str, names: &[String]) -> Vec<Program> {
    names.iter().map(|name| program(root, path, name)).collect()
}

fn program(root: &Root, path: &str, name: &str) -> Program {
    let found = if name.contains('/') {
        Some(root.as_path().join(name)).filter(|path| is_program(path))
    } else {
        // An empty part means the present folder, which is the workspace.
        path.split(':').map(|folder| root.as_path().join(folder).join(name)).find(|path| is_program(path))
    };
    let real = found.as_ref().and_then(|found| found.canonicalize().ok());
    // What a link leads to may be safe while the folder that holds the link is not.
    let owner = match (&found, &real) {
        (Some(found), Some(real)) => owner(root, found).max(owner(root, real)),
        (None, _) | (_, None) => Trusted::Nobody,
    };
    let owner = match owner {
        Trusted::System => ProgramOwner::System,
        Trusted::User => ProgramOwner::User,
        Trusted::Nobody => ProgramOwner::Others,
    };
    Program { name: name.to_owned(), path: real.map(|real| real.to_string_lossy().into_owned()), owner }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Who alone can change something, from most to least trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trusted {
    System,
    User,
    Nobody,
}

/// Who alone can change what is at `path`: itself, and every folder above it.
fn owner(root: &Root, path: &Path) -> Trusted {
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let (Some(parent), Some(name)) = (parent, path.file_name()) else { return Trusted::Nobody };
    let whole: PathBuf = parent.join(name);
    if whole.starts_with(root.as_path()) {
        return Trusted::Nobody;
    }
    whole.ancestors().map(owner_of_one).max().unwrap_or(Trusted::Nobody)
}

fn owner_of_one(path: &Path) -> Trusted {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Trusted::Nobody };
    // The permissions of a link are not looked at by anyone.
    let open = !metadata.is_symlink() && metadata.permissions().mode() & 0o002 != 0;
    match metadata.uid() {
        _ if open => Trusted::Nobody,
        0 => Trusted::System,
        uid if own_user() == Some(uid) => Trusted::User,
        _ => Trusted::Nobody,
    }
}

/// The user that this process is (proc_pid(5): the effective one, of a process that may be looked into).
fn own_user() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn programs_are_those_of_the_system_of_the_user_or_of_anybody() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs::create_dir_all(work.join("bin")).unwrap();
        let root = Root::new(work.canonicalize().unwrap()).unwrap();
        let script = |path: PathBuf| {
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        script(work.join("ls"));
        script(work.join("bin/own"));
        script(folder.path().join("lone"));
        let look = |path: &str, name: &str| program(&root, path, name);
        let system = look("/usr/bin:/bin", "ls");
        assert_eq!((system.owner, system.path.is_some()), (ProgramOwner::System, true));
        for (path, name) in [(":/usr/bin", "ls"), (".:/usr/bin", "ls"), ("/usr/bin", "./ls"), ("bin", "own")] {
            let found = look(path, name);
            assert_eq!(found.owner, ProgramOwner::Others, "{path} {name}");
            assert!(found.path.unwrap().starts_with(root.as_path().to_str().unwrap()), "{path} {name}");
        }
        // Everybody may write to the folder above it, which is the system's for temporary files.
        let lone = folder.path().join("lone").display().to_string();
        let above_is_open = fs::metadata("/tmp").is_ok_and(|tmp| tmp.permissions().mode() & 0o002 != 0);
        if above_is_open && folder.path().starts_with("/tmp") {
            assert_eq!(look("", &lone).owner, ProgramOwner::Others);
        }
        symlink("/usr/bin/env", work.join("link")).unwrap();
        assert_eq!(look("", "./link").owner, ProgramOwner::Others, "the link can be changed");
        let nowhere = look("/usr/bin", "no-such-program");
        assert_eq!((nowhere.owner, nowhere.path), (ProgramOwner::Others, None));
        assert_eq!(look("/usr/bin", "/etc/passwd").path, None, "no program");
    }
}
