//! Where a workspace's repository came from, as git's own settings in it say.

use std::path::{Path, PathBuf};

use super::recipes::read_bytes;
use crate::workspace::Root;

/// Most bytes of a file of git's that are read.
const MOST: u64 = 1 << 20;

/// The address of the remote `origin` of the repository at `root`; `None` where there is none. It may hold a password.
#[must_use]
pub fn remote_address(root: &Root) -> Option<String> {
    let settings = git_folder(root.as_path())?.join("config");
    origin(&text(&settings)?)
}

fn text(path: &Path) -> Option<String> {
    read_bytes(path, MOST).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Where the settings are: of a further work tree, where those of the first are.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let at = root.join(".git");
    if at.is_dir() {
        return Some(at);
    }
    let named = text(&at)?;
    let folder = root.join(named.strip_prefix("gitdir:")?.trim());
    let common = text(&folder.join("commondir"));
    Some(common.map_or_else(|| folder.clone(), |common| folder.join(common.trim())))
}

/// The first address of the remote `origin` (git-config(1), "Syntax").
fn origin(settings: &str) -> Option<String> {
    let mut inside = false;
    for line in settings.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let (name, of) = section.split_once('"').unwrap_or((section, ""));
            inside = name.trim().eq_ignore_ascii_case("remote") && of.starts_with("origin\"]");
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            return Some(value.trim().trim_matches('"').to_owned()).filter(|address| !address.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(at: &Path) -> Root {
        Root::new(at.canonicalize().unwrap()).unwrap()
    }

    #[test]
    fn the_origin_is_found_also_from_a_further_work_tree() {
        let folder = tempfile::tempdir().unwrap();
        let (main, tree) = (folder.path().join("main"), folder.path().join("tree"));
        std::fs::create_dir_all(main.join(".git/worktrees/tree")).unwrap();
        std::fs::create_dir(&tree).unwrap();
        assert_eq!((remote_address(&root(&main)), remote_address(&root(&tree))), (None, None));
        let settings = "[core]\n\tbare = false\n[remote \"fork\"]\n\turl = no\n[remote \"origin\"]\n\tfetch = +x\n\turl = git@h:a/b.git\n";
        std::fs::write(main.join(".git/config"), settings).unwrap();
        std::fs::write(main.join(".git/worktrees/tree/commondir"), "../..\n").unwrap();
        std::fs::write(tree.join(".git"), format!("gitdir: {}\n", main.join(".git/worktrees/tree").display())).unwrap();
        assert_eq!(remote_address(&root(&main)).as_deref(), Some("git@h:a/b.git"));
        assert_eq!(remote_address(&root(&tree)).as_deref(), Some("git@h:a/b.git"));
    }

    #[test]
    fn other_sections_and_nonsense_say_nothing() {
        for text in
            ["", "[remote \"origin\"]\n", "[remote \"origin\"]\nurl =\n", "[remote origin]\nurl = x\n", "url = x\n"]
        {
            assert_eq!(origin(text), None, "{text}");
        }
        assert_eq!(origin("[REMOTE \"origin\"]\n URL=\"x y\"\n").as_deref(), Some("x y"));
    }
}
