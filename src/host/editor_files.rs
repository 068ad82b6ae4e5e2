//! The user's own files of editors' settings, on the disk.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::environment::variable;
use super::folders::user_folder;
use crate::ports::{EditorFiles, Failure, FailureKind, UserFolder};

/// No settings are longer, in bytes.
const LONGEST: u64 = 4 << 20;

/// Files below the folders that the environment names.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskEditorFiles;

impl EditorFiles for DiskEditorFiles {
    fn folder(&self, folder: UserFolder) -> Result<PathBuf, Failure> {
        user_folder(folder)
    }

    fn read(&self, path: &Path) -> Result<Option<String>, Failure> {
        read(path)
    }

    fn replace(&self, path: &Path, before: Option<&str>, after: Option<&str>) -> Result<(), Failure> {
        let path = target(path)?;
        let written = after.map(|after| stage(&path, after)).transpose()?;
        if read(&path)?.as_deref() != before {
            let what = format!("{} was changed meanwhile", path.display());
            return Err(Failure::new(FailureKind::Stale, what).hint("run this again"));
        }
        let failed = |error: &std::io::Error| Failure::io(path.display(), error);
        match written {
            Some(written) => written.persist(&path).map(drop).map_err(|error| failed(&error.error)),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&error)),
                Ok(()) | Err(_) => Ok(()),
            },
        }
    }

    fn is_plain(&self, folder: &Path) -> Result<bool, Failure> {
        is_plain(folder).map_err(|error| Failure::io(folder.display(), &error))
    }

    fn remove_empty(&self, folder: &Path) {
        remove_empty(folder);
    }

    fn variable(&self, name: &str) -> Option<String> {
        variable(name).and_then(|value| value.into_string().ok())
    }
}

/// The file that is meant: through a link the file itself is replaced, and the link stays.
fn target(path: &Path) -> Result<PathBuf, Failure> {
    let wrong = |what: &str, hint: &str| {
        Err(Failure::new(FailureKind::InvalidInput, format!("{} {what}", path.display())).hint(hint))
    };
    match fs::canonicalize(path) {
        Ok(path) if fs::metadata(&path).is_ok_and(|found| found.permissions().readonly()) => {
            wrong("is read-only", "make it writable, or use --print and change it by hand")
        }
        Ok(path) => Ok(path),
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            wrong("is a link that leads nowhere", "make the file that it leads to, or remove the link")
        }
        Err(_) => Ok(path.to_owned()),
    }
}

fn is_plain(folder: &Path) -> std::io::Result<bool> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => return Ok(found.is_file()),
        Ok(_) => {}
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == ".git" || !is_plain(&entry.path())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn remove_empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // One that holds something stays.
    let _ = fs::remove_dir(folder);
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |error: &std::io::Error| Failure::io(path.display(), error);
    let wrong = |what: &str| {
        let what = format!("{} {what}", path.display());
        Failure::new(FailureKind::InvalidInput, what).hint("look at it, or use --print and change it by hand")
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
        // A pipe would be waited for.
        Ok(found) if !found.is_file() => return Err(wrong("is no file")),
        Ok(found) if found.len() > LONGEST => return Err(wrong("is longer than settings are")),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map(Some).map_err(|_| wrong("is no text in UTF-8"))
}

/// The text in a new file beside `path`, on the disk, with the permissions of the one that it takes the place of.
fn stage(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, Failure> {
    let write = || {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        fs::create_dir_all(folder)?;
        let permissions = match fs::metadata(path) {
            Ok(present) => present.permissions(),
            Err(_) => fs::Permissions::from_mode(0o666),
        };
        let mut file =
            tempfile::Builder::new().prefix(".tagout-setup-").permissions(permissions.clone()).tempfile_in(folder)?;
        if path.exists() {
            // Those of a new file are less what the umask takes away.
            file.as_file().set_permissions(permissions)?;
        }
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error: std::io::Error| Failure::io(path.display(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_through_its_link_and_only_as_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfiles/a.toml"), folder.path().join("a.toml"));
        let files = DiskEditorFiles;
        files.replace(&real, None, Some("one")).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(files.replace(&link, Some("other"), Some("two")).unwrap_err().kind, FailureKind::Stale);
        files.replace(&link, Some("one"), Some("two")).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        let names: Vec<_> =
            fs::read_dir(real.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.toml"], "nothing is left beside it");
        files.replace(&real, Some("two"), None).unwrap();
        assert_eq!(files.read(&real).unwrap(), None);
    }

    #[test]
    fn what_would_be_lost_or_is_elsewhere_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let (at, files) = (|name: &str| folder.path().join(name), DiskEditorFiles);
        std::os::unix::fs::symlink(at("nowhere"), at("link")).unwrap();
        let told = files.replace(&at("link"), None, Some("x")).unwrap_err().to_string();
        assert!(told.contains("leads nowhere") && fs::symlink_metadata(at("link")).unwrap().is_symlink(), "{told}");
        fs::write(at("closed"), "x").unwrap();
        fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o444)).unwrap();
        assert!(files.replace(&at("closed"), Some("x"), None).unwrap_err().to_string().contains("read-only"));
        assert!(!files.is_plain(folder.path()).unwrap(), "there is a link");
        fs::create_dir_all(at("a/b/.git")).unwrap();
        assert!(!files.is_plain(&at("a")).unwrap() && files.is_plain(&at("none")).unwrap());
        fs::write(at("a/kept"), "").unwrap();
        files.remove_empty(&at("a"));
        assert!(at("a/kept").exists() && !at("a/b").exists());
    }

    #[test]
    fn what_is_no_file_of_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskEditorFiles;
        assert!(files.read(folder.path()).unwrap_err().to_string().contains("is no file"));
        fs::write(folder.path().join("a"), [0xff]).unwrap();
        assert!(files.read(&folder.path().join("a")).unwrap_err().to_string().contains("no text in UTF-8"));
    }
}
