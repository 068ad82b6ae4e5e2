//! The user's own folder of recipes, and files that the user names on the command line.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::ports::{Failure, FailureKind};
use crate::workspace::Root;

/// The folder below the config folder.
const FOLDER: &str = "recipes";
/// Most recipes in it.
const MOST: usize = 500;
/// Most bytes of one.
const LARGEST: u64 = 1 << 20;

/// The YAML files in the folder of recipes below `config`, by name; each with what it holds, or why it cannot be read.
#[must_use]
pub fn user_recipes(config: &Path) -> Vec<(PathBuf, Result<Vec<u8>, Failure>)> {
    let folder = config.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![(folder.clone(), Err(Failure::io(folder.display(), &error)))],
    };
    let is_yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_yaml).collect();
    paths.sort();
    if paths.len() > MOST {
        let what = format!("there are more than {MOST} recipes in {}", folder.display());
        return vec![(folder, Err(Failure::new(FailureKind::InvalidInput, what).hint("take some out")))];
    }
    paths.into_iter().map(|path| (path.clone(), read_bytes(&path, LARGEST))).collect()
}

/// What a file that the user named holds.
///
/// # Errors
/// When it is no file, has more than `most` bytes, or cannot be read.
pub fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let read = || {
        let not_blocking = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(not_blocking).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(io::Error::other("it is too large")) } else { Ok(bytes) }
    };
    read().map_err(|error| Failure::io(path.display(), &error))
}

/// Writes files (name, text) into `folder`, which the user named, in the place of what was there; says where it is.
///
/// # Errors
/// When the folder is in the workspace at `root`, to which nothing is written by this way, or it cannot be written.
pub fn write_beside(root: &Root, folder: &Path, files: &[(&str, &str)]) -> Result<PathBuf, Failure> {
    let failed = |error: &io::Error| Failure::io(folder.display(), error).hint("name a folder that you may write");
    let inside = |path: &Path| {
        let what = format!("{} is in the workspace, where only what is applied is written", path.display());
        Failure::new(FailureKind::InvalidInput, what).hint("name a folder outside the workspace")
    };
    // The part of it that is there says where it would be made.
    let near = std::path::absolute(folder).map_err(|error| failed(&error))?;
    let near = near.ancestors().find_map(|part| part.canonicalize().ok()).unwrap_or_default();
    if near.starts_with(root.as_path()) {
        return Err(inside(folder));
    }
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|error| failed(&error))?;
    let folder = folder.canonicalize().map_err(|error| failed(&error))?;
    if folder.starts_with(root.as_path()) {
        return Err(inside(&folder));
    }
    for (name, text) in files {
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(text.as_bytes())?;
            file.persist(folder.join(name))?;
            Ok(())
        };
        write().map_err(|error: io::Error| failed(&error))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_the_yaml_files_of_the_folder() {
        let config = tempfile::tempdir().unwrap();
        assert!(user_recipes(config.path()).is_empty());
        fs::create_dir(config.path().join(FOLDER)).unwrap();
        for name in ["b.yml", "a.yaml", "c.txt"] {
            fs::write(config.path().join(FOLDER).join(name), name).unwrap();
        }
        fs::write(config.path().join(FOLDER).join("d.yml"), vec![b' '; 2 << 20]).unwrap();
        let found = user_recipes(config.path());
        let names: Vec<_> = found.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.yaml", "b.yml", "d.yml"]);
        assert_eq!(found[0].1.as_deref(), Ok(&b"a.yaml"[..]));
        assert!(found[2].1.is_err());
    }

    #[test]
    fn nothing_is_written_into_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs::create_dir(&work).unwrap();
        std::os::unix::fs::symlink(&work, folder.path().join("link")).unwrap();
        let root = Root::new(work.canonicalize().unwrap()).unwrap();
        for inside in [work.clone(), work.join("x"), folder.path().join("link")] {
            assert!(write_beside(&root, &inside, &[("a", "x")]).is_err());
        }
        assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
        let written = write_beside(&root, &folder.path().join("out/deep"), &[("a", "x")]).unwrap();
        assert_eq!(fs::read_to_string(written.join("a")).unwrap(), "x");
    }
}
