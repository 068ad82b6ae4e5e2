//! What a workspace's own settings say, as far as they run or steer something on their own: what trust is bound to.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::ports::{Evidence, Failure, FailureKind};
use crate::workspace::{ContentHash, Root};

/// Files at the root that tagout, git or an editor obeys.
const FILES: [&str; 29] = [
    ".tagout.toml",
    ".gitattributes",
    ".gitmodules",
    ".lfsconfig",
    ".dir-locals.el",
    ".exrc",
    ".vimrc",
    ".gvimrc",
    ".nvimrc",
    ".nvim.lua",
    ".vsconfig",
    ".envrc",
    ".mise.toml",
    "mise.toml",
    ".dir-locals-2.el",
    ".lvimrc",
    ".local.vimrc",
    ".lnvim.lua",
    ".projections.json",
    ".neoconf.json",
    ".mcp.json",
    ".cursorrules",
    "lefthook.yml",
    ".lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yaml",
    ".pre-commit-config.yaml",
    "CLAUDE.md",
    "AGENTS.md",
];
/// Folders at the root whose files an editor or git obeys, with those below them.
const FOLDERS: [&str; 19] = [
    // Recipes, which may run commands.
    ".tagout",
    ".vscode",
    ".zed",
    ".helix",
    ".nvim",
    ".vim",
    ".idea",
    ".vs",
    ".run",
    ".fleet",
    ".devcontainer",
    ".husky",
    ".githooks",
    ".git-hooks",
    ".claude",
    ".cursor",
    ".mise",
    ".direnv",
    ".lefthook",
];
/// What git obeys in its own folder.
const OF_GIT: [&str; 5] = ["config", "config.worktree", "info/attributes", "commondir", "gitdir"];
/// Ends of names at the root that an editor obeys.
const ENDS: [&str; 2] = [".code-workspace", ".sublime-project"];

/// Most bytes of one file.
const LARGEST: u64 = 1 << 20;
/// Most bytes of all of them.
const MOST_BYTES: u64 = 16 << 20;
/// Most files.
const MOST_FILES: usize = 2_000;
/// How deep folders are looked into.
const DEEPEST: usize = 4;

/// Looks at the settings in the workspace at `root`.
///
/// # Errors
/// When there are more or larger ones than settings are, or they cannot be read: then there is nothing to trust.
pub fn evidence(root: &Root) -> Result<Evidence, Failure> {
    let mut gathered = Gathered { root: root.as_path(), bytes: 0, files: BTreeMap::new() };
    gathered.all().map_err(|(path, error)| {
        let what = format!("the settings in the workspace cannot be looked at: {}: {error}", path.display());
        Failure::new(FailureKind::Unavailable, what).hint("the workspace counts as untrusted until they can")
    })?;
    Ok(Evidence { files: gathered.files.into_iter().collect() })
}

type Lost = (PathBuf, io::Error);

struct Gathered<'a> {
    root: &'a Path,
    bytes: u64,
    files: BTreeMap<String, ContentHash>,
}

impl Gathered<'_> {
    fn all(&mut self) -> Result<(), Lost> {
        FILES.iter().try_for_each(|name| self.file(&self.root.join(name)))?;
        FOLDERS.iter().try_for_each(|name| self.folder(&self.root.join(name), DEEPEST))?;
        for entry in self.names(self.root)? {
            if ENDS.iter().any(|end| entry.as_os_str().as_bytes().ends_with(end.as_bytes())) {
                self.file(&entry)?;
            }
        }
        self.git(&self.root.join(".git"))
    }

    /// The folder of git, or a file that names it elsewhere.
    fn git(&mut self, path: &Path) -> Result<(), Lost> {
        self.file(path)?;
        let elsewhere = read(path).ok().and_then(|text| named_folder(&text, self.root));
        let folder = elsewhere.unwrap_or_else(|| path.to_path_buf());
        self.git_folder(&folder)?;
        // A working tree of its own shares most with the folder that this names.
        match read(&folder.join("commondir")).ok().and_then(|text| named(&text)) {
            Some(common) => self.git_folder(&folder.join(common)),
            None => Ok(()),
        }
    }

    fn git_folder(&mut self, folder: &Path) -> Result<(), Lost> {
        OF_GIT.iter().try_for_each(|name| self.file(&folder.join(name)))?;
        self.folder(&folder.join("hooks"), 1)?;
        for name in ["config", "config.worktree"] {
            for named in named_by(&read(&folder.join(name)).unwrap_or_default()) {
                // Seen from where it is named, or from the root.
                self.anything(&folder.join(&named))?;
                self.anything(&self.root.join(&named))?;
            }
        }
        // Git enters submodules by itself.
        for module in self.names(&folder.join("modules"))? {
            if module.join("HEAD").exists() {
                self.git_folder(&module)?;
            }
        }
        Ok(())
    }

    fn anything(&mut self, path: &Path) -> Result<(), Lost> {
        if path.is_dir() { self.folder(path, DEEPEST) } else { self.file(path) }
    }

    fn names(&self, folder: &Path) -> Result<Vec<PathBuf>, Lost> {
        let lost = |error| (folder.to_path_buf(), error);
        match fs::read_dir(folder) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            Err(error) => Err(lost(error)),
            Ok(entries) => entries.map(|entry| Ok(entry.map_err(lost)?.path())).collect(),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Lost> {
        for path in self.names(folder)? {
            // What git comes with, and does not run.
            if path.extension().is_some_and(|end| end == "sample") {
                continue;
            }
            match (path.is_dir(), depth) {
                (false, _) => self.file(&path)?,
                (true, 0) => return Err((path, io::Error::other("it lies deeper than settings do"))),
                (true, _) => self.folder(&path, depth - 1)?,
            }
        }
        Ok(())
    }

    /// Notes what is at `path`, if anything is.
    fn file(&mut self, path: &Path) -> Result<(), Lost> {
        let lost = |error| (path.to_path_buf(), error);
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            metadata => metadata.map_err(lost)?,
        };
        if metadata.is_dir() {
            return Ok(());
        }
        let link = if metadata.is_symlink() { fs::read_link(path).map_err(lost)? } else { PathBuf::new() };
        let text = match read(path) {
            // A link to nothing, or a pipe: it is itself what there is.
            Err(error) if metadata.is_symlink() && error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(lost)?,
        };
        let text = if path.ends_with("config") { without_branches(&text) } else { text };
        let runs: &[u8] = if metadata.permissions().mode() & 0o111 == 0 { b"" } else { b"x" };
        self.bytes += text.len() as u64;
        if self.files.len() >= MOST_FILES || self.bytes > MOST_BYTES {
            return Err(lost(io::Error::other("there is more of them than settings are")));
        }
        let name = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned();
        self.files.insert(name, ContentHash::of_parts(&[link.as_os_str().as_bytes(), runs, &text]));
        Ok(())
    }
}

/// The files and folders that git's settings name and that it obeys: included settings, hooks, attributes. A path below
/// the user's home is the user's own.
fn named_by(text: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let values = text.split(['\n', ']']).filter_map(|line| line.split_once('='));
    let obeyed = |key: &str| ["path", "hookspath", "attributesfile"].contains(&key.trim().to_lowercase().as_str());
    let named = values.filter(|(key, _)| obeyed(key)).map(|(_, value)| value.trim().trim_matches('"'));
    named.filter(|value| !value.starts_with('~')).map(PathBuf::from).collect()
}

/// The text of a regular file, links followed.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let not_blocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(not_blocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST { Err(io::Error::other("it is larger than settings are")) } else { Ok(text) }
}

fn named(text: &[u8]) -> Option<PathBuf> {
    let text = std::str::from_utf8(text).ok()?.trim_end_matches(['\n', '\r']);
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// The folder that a `.git` file names (gitrepository-layout(5)).
fn named_folder(text: &[u8], root: &Path) -> Option<PathBuf> {
    named(text.strip_prefix(b"gitdir: ")?).map(|folder| root.join(folder))
}

/// Git's settings without those of single branches, which change with every day's work and run nothing. A file that
/// continues lines stays as it is: what looks like the begin of a section may then be none.
fn without_branches(text: &[u8]) -> Vec<u8> {
    if text.contains(&b'\\') {
        return text.to_vec();
    }
    let mut kept = Vec::new();
    let mut branch = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let start = line.trim_ascii_start();
        if start.starts_with(b"[") {
            // Another section may follow on the same line.
            branch = is_branch(start.trim_ascii_end());
        }
        if !branch {
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// Whether a line of git's settings is the head of a branch's section and nothing else (git-config(1), "Syntax"): another
/// section or a comment may follow on the same line, so that any sign that could begin one makes it something else.
fn is_branch(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    let name = lower.strip_prefix(b"[branch \"").and_then(|rest| rest.strip_suffix(b"\"]"));
    name.is_some_and(|name| !name.iter().any(|byte| matches!(byte, b'"' | b'[' | b']' | b'#' | b';')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            place.write("src/main.rs", "fn main() {}");
            place.write(".git/config", "[core]\n\tbare = false\n");
            place.write(".git/hooks/pre-commit.sample", "echo");
            place
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
            fs::write(self.path(name), text).unwrap();
        }

        fn hash(&self) -> ContentHash {
            evidence(&Root::new(self.0.path().canonicalize().unwrap()).unwrap()).unwrap().hash()
        }
    }

    #[test]
    fn it_changes_with_what_runs_or_steers_and_with_nothing_else() {
        let place = Place::new();
        let mut seen = vec![place.hash()];
        for (name, text) in [("src/main.rs", "x"), (".git/HEAD", "x"), (".git/hooks/a.sample", "x"), ("README.md", "x")]
        {
            place.write(name, text);
            assert_eq!(place.hash(), seen[0], "{name}");
        }
        place.write(
            ".git/config",
            "[core]\n\tbare = false\n[branch \"x\"]\n\tremote = origin\n\tmerge = refs/heads/x\n",
        );
        assert_eq!(place.hash(), seen[0], "a branch");
        let others = [
            ".tagout.toml",
            ".tagout/recipes/a.yml",
            ".vscode/tasks.json",
            ".git/hooks/post-checkout",
            "x.code-workspace",
            ".nvim.lua",
        ];
        for name in others {
            place.write(name, "{}");
            let hash = place.hash();
            assert!(!seen.contains(&hash), "{name}");
            seen.push(hash);
        }
        for text in [
            "[branch \"x\"] [core] fsmonitor = x #\"]\n",
            "[branch \"y\"][include]path=../x.inc ;\"]\n",
            "[core]\n\tfsmonitor = x\n",
            "[branch \"x\"] [core]\n\tfsmonitor = x\n",
            "[branch \"x\"]\n\ta = \\\n[core]\n\tfsmonitor = y\n",
        ] {
            place.write(".git/config", text);
            let hash = place.hash();
            assert!(!seen.contains(&hash), "{text}");
            seen.push(hash);
        }
        fs::set_permissions(place.path(".git/hooks/post-checkout"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!seen.contains(&place.hash()), "it can be run now");
    }

    #[test]
    fn a_working_tree_elsewhere_and_links_are_followed() {
        let (main, tree) = (Place::new(), tempfile::tempdir().unwrap());
        main.write(".git/worktrees/t/commondir", "../..\n");
        let link = format!("gitdir: {}\n", main.path(".git/worktrees/t").display());
        fs::write(tree.path().join(".git"), link).unwrap();
        let root = Root::new(tree.path().canonicalize().unwrap()).unwrap();
        let before = evidence(&root).unwrap().hash();
        main.write(".git/config", "[include]\n\tpath = ../tools/git.inc\n");
        let included = evidence(&root).unwrap().hash();
        main.write("tools/git.inc", "[core]\n\tfsmonitor = x\n");
        assert_ne!(evidence(&root).unwrap().hash(), included);
        main.write(".git/config", "[core]\n\tfsmonitor = x\n");
        let after = evidence(&root).unwrap().hash();
        assert_ne!(before, after);
        symlink("/nowhere", tree.path().join(".envrc")).unwrap();
        assert_ne!(evidence(&root).unwrap().hash(), after);
    }

    #[test]
    fn what_is_no_settings_is_not_trusted() {
        let place = Place::new();
        let fails = || evidence(&Root::new(place.0.path().canonicalize().unwrap()).unwrap()).is_err();
        rustix::fs::mknodat(rustix::fs::CWD, place.path(".envrc"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert!(fails());
        fs::remove_file(place.path(".envrc")).unwrap();
        assert!(!fails());
        (0..=MOST_FILES).for_each(|number| place.write(&format!(".vscode/{number}"), ""));
        assert!(fails());
    }
}
