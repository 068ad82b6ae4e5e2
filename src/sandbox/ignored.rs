//! Which written paths are outputs that nobody wants in a diff: those that the workspace's `.gitignore`
//! files name, as they are on disk, so that a command cannot hide what it writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The ignore rules of a workspace, each file read when it is first needed.
pub(super) struct Ignored {
    root: PathBuf,
    rules: BTreeMap<PathBuf, Gitignore>,
}

impl Ignored {
    /// The rules below `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), rules: BTreeMap::new() }
    }

    /// Whether `path`, whose parents are not ignored, is.
    pub(super) fn is_ignored(&mut self, path: &Path, folder: bool) -> bool {
        let above: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_path_buf).collect();
        for at in above {
            let rules = self.rules.entry(at).or_insert_with_key(|at| read(&self.root, at));
            match rules.matched(self.root.join(path), folder) {
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
