//! Which written paths are outputs that nobody wants in a diff: those that the workspace's `.gitignore`
//! files name, as they are on disk, so that a command cannot hide what it writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The ignore rules of a workspace, each file read when it is first needed.
pub(super) struct Ignored {
    root: PathBuf,
    read: HashMap<PathBuf, Rc<Gitignore>>,
}

/// The rules that hold in one folder, the nearest first.
pub(super) struct Rules {
    root: PathBuf,
    files: Vec<Rc<Gitignore>>,
}

impl Ignored {
    /// The rules below `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), read: HashMap::new() }
    }

    /// Whether `path`, whose parents are not ignored, is.
    pub(super) fn is_ignored(&mut self, path: &Path, folder: bool) -> bool {
        self.rules(path.parent().unwrap_or(Path::new(""))).is_ignored(path, folder)
    }

    /// Whether `path`, of which is not known what it is, or a folder above it may be ignored.
    pub(super) fn is_within_ignored(&mut self, path: &Path) -> bool {
        let rules = self.rules(path.parent().unwrap_or(Path::new("")));
        rules.is_ignored_as_any(path)
            || path.ancestors().skip(1).any(|above| !above.as_os_str().is_empty() && self.is_ignored(above, true))
    }

    /// The rules in `folder`, a path below the root.
    pub(super) fn rules(&mut self, folder: &Path) -> Rules {
        let mut files = Vec::new();
        for at in folder.ancestors() {
            if let Some(known) = self.read.get(at) {
                files.push(Rc::clone(known));
                continue;
            }
            let read = Rc::new(read(&self.root, at));
            self.read.insert(at.to_path_buf(), Rc::clone(&read));
            files.push(read);
        }
        files.retain(|file| !file.is_empty());
        Rules { root: self.root.clone(), files }
    }
}

impl Rules {
    /// Whether an entry `path` of the folder, of which is not known what it is, may be ignored.
    pub(super) fn is_ignored_as_any(&self, path: &Path) -> bool {
        self.is_ignored(path, true) || self.is_ignored(path, false)
    }

    /// Whether `path`, an entry of the folder, whose parents are not ignored, is.
    pub(super) fn is_ignored(&self, path: &Path, folder: bool) -> bool {
        if self.files.is_empty() {
            return false;
        }
        let path = self.root.join(path);
        for rules in &self.files {
            match rules.matched(&path, folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

/// The rules of one folder. A file that is missing or wrong ignores nothing.
fn read(root: &Path, at: &Path) -> Gitignore {
    let folder = root.join(at);
    let mut builder = GitignoreBuilder::new(&folder);
    if at.as_os_str().is_empty() {
        drop(builder.add(folder.join(".git/info/exclude")));
    }
    let file = folder.join(".gitignore");
    if file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        drop(builder.add(file));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
