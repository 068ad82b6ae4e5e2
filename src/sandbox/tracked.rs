//! Which files git tracks, by its index (gitformat-index(5)): a file that somebody added to git although a rule ignores
//! it is no output. Only names are read, and only of the repository whose top folder the workspace is.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::disk::{Folder, Kind};

/// Largest index that is read.
const LARGEST: u64 = 64 << 20;
/// Most bytes of all names together, which an index can make many of out of few.
const MOST_NAMES: usize = 256 << 20;
/// Longest name, as the kernel has it.
const LONGEST_NAME: usize = 4_096;
/// Most bytes of a file that says where git's folder is.
const LONGEST_LINK: u64 = 8_192;

/// Bytes of an entry before the hash of its file.
const STAMPS: usize = 40;
/// Bytes of a hash: SHA-1, SHA-256.
const HASHES: [usize; 2] = [20, 32];
/// Set in the flags of an entry that has two more bytes of them.
const EXTENDED: u16 = 0x4000;

/// The names of the files that git tracks, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tracked(Vec<Vec<u8>>);

impl Tracked {
    /// Those of the workspace `disk` at `root`; none where it is no repository.
    ///
    /// # Errors
    /// When there is an index that cannot be read or understood.
    pub(super) fn read(disk: &Folder, root: &Path) -> io::Result<Self> {
        let Some(git) = git_folder(disk, root)? else { return Ok(Self::default()) };
        let bytes = match git.look("index".as_ref())? {
            None => return Ok(Self::default()),
            Some(seen) if seen.size > LARGEST => return Err(io::ErrorKind::FileTooLarge.into()),
            Some(_) => git.beginning(Path::new("index"), LARGEST).map_err(io::Error::other)?,
        };
        let names = HASHES.into_iter().find_map(|hash| names(&bytes, hash));
        let mut names = names.ok_or_else(|| io::Error::other("it is in a form that is not known"))?;
        names.sort_unstable();
        Ok(Self(names))
    }

    /// Whether `path` is one of the files.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_encoded_bytes();
        self.0.binary_search_by(|name| name.as_slice().cmp(path)).is_ok()
    }

    /// Whether one of the files is somewhere below `path`.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let folder = [path.as_os_str().as_encoded_bytes(), b"/"].concat();
        let first = self.0.partition_point(|name| *name < folder);
        self.0.get(first).is_some_and(|name| name.starts_with(&folder))
    }
}

/// Git's own folder: `.git`, or where a file of that name says that it is. No link in the workspace is followed.
fn git_folder(disk: &Folder, root: &Path) -> io::Result<Option<Folder>> {
    let own = Path::new(".git");
    match disk.look(own.as_os_str())?.map(|seen| seen.kind) {
        None => Ok(None),
        Some(Kind::Folder) => disk.below(own),
        Some(Kind::File) => {
            let text = disk.beginning(own, LONGEST_LINK).map_err(io::Error::other)?;
            let text = String::from_utf8(text).map_err(io::Error::other)?;
            let target = text.trim_end().strip_prefix("gitdir: ").ok_or(io::ErrorKind::InvalidData)?;
            let target = plain(&root.join(target));
            match target.strip_prefix(root) {
                Ok(inside) => disk.below(inside),
                // Made by git outside of what commands can write to: a work tree, or a submodule.
                Err(_) => Folder::open(&target).map(Some),
            }
        }
        Some(Kind::Link | Kind::Deletion | Kind::Special(_)) => {
            Err(io::Error::other(".git is neither folder nor file"))
        }
    }
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// The names in an index whose hashes have so many bytes; `None` when it is no such index, or a part of one.
fn names(bytes: &[u8], hash: usize) -> Option<Vec<Vec<u8>>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let version = number(4).filter(|version| bytes.starts_with(b"DIRC") && (2..=4).contains(version))?;
    let (mut names, mut total, mut at) = (Vec::<Vec<u8>>::new(), 0, 12);
    for _ in 0..number(8)? {
        let flags = at + STAMPS + hash;
        let extended = u16::from_be_bytes(bytes.get(flags..flags + 2)?.try_into().ok()?) & EXTENDED != 0;
        let mut start = flags + if extended { 4 } else { 2 };
        let mut name = Vec::new();
        if version == 4 {
            // As much of the name before as is left once so many bytes are taken from its end.
            let (cut, next) = cut(bytes, start)?;
            let last = names.last().map_or([].as_slice(), Vec::as_slice);
            name.extend_from_slice(last.get(..last.len().checked_sub(cut)?)?);
            start = next;
        }
        let rest = bytes.get(start..)?;
        let length = rest.iter().take(LONGEST_NAME).position(|byte| *byte == 0)?;
        name.extend_from_slice(rest.get(..length)?);
        total += name.len();
        if name.is_empty() || name.len() > LONGEST_NAME || total > MOST_NAMES {
            return None;
        }
        let end = start + length;
        // Entries of older versions are filled up with at least one zero.
        at = if version == 4 { end + 1 } else { at + ((end - at) / 8 + 1) * 8 };
        names.push(name);
    }
    // What follows are named parts and a hash. One part says that more names are in another file.
    while at.checked_add(hash)? < bytes.len() {
        if bytes.get(at..at + 4)? == b"link" {
            return None;
        }
        at = at.checked_add(8)?.checked_add(usize::try_from(number(at + 4)?).ok()?)?;
    }
    (at + hash == bytes.len()).then_some(names)
}

/// A number of as many bytes as have their highest bit set, and one more; and where it ends.
fn cut(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for at in start..start + 4 {
        let byte = *bytes.get(at)?;
        value = (value << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
        value += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn git(folder: &Path, arguments: &str) -> bool {
        let own = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
        let mut git = Command::new("git");
        git.args(own).args(arguments.split(' ')).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE");
        git.output().is_ok_and(|output| output.status.success())
    }

    fn read(root: &Path) -> io::Result<Tracked> {
        Tracked::read(&Folder::open(root).unwrap(), root)
    }

    const FILES: [&str; 6] = [
        "a",
        "dist/app.js",
        "dist/deep/er/file with a long name, longer than most are.txt",
        "dist.x",
        "z/\u{e4}",
        "z/b",
    ];

    fn repository(arguments: &str) -> Option<(tempfile::TempDir, PathBuf)> {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap().join("main");
        for name in FILES {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::write(root.join(".gitignore"), "dist\n").unwrap();
        if !git(&root, &format!("init{arguments}")) {
            eprintln!("skipped: no git that can do{arguments}");
            return None;
        }
        assert!(git(&root, "add --force ."));
        Some((place, root))
    }

    fn check(root: &Path, case: &str) {
        let tracked = read(root).unwrap();
        assert_eq!(tracked.0.len(), FILES.len() + 1, "{case}: {tracked:?}");
        assert!(FILES.iter().all(|name| tracked.is_file(Path::new(name))), "{case}: {tracked:?}");
        assert!(["dist", "z", "dist/deep", "dist/deep/er"].iter().all(|name| tracked.holds(Path::new(name))), "{case}");
        assert!(!["a", "dis", "z/b", "y", "zz"].iter().any(|name| tracked.holds(Path::new(name))), "{case}");
        assert!(!["dist", "z/c", ""].iter().any(|name| tracked.is_file(Path::new(name))), "{case}");
    }

    #[test]
    fn every_version_of_gits_index_is_read() {
        for arguments in [" --quiet", " --object-format=sha256"] {
            let Some((_place, root)) = repository(arguments) else { continue };
            for version in ["2", "4", "3"] {
                assert!(git(&root, &format!("update-index --index-version {version}")));
                // Extended flags, which version 2 becomes version 3 for.
                if version == "3" {
                    assert!(
                        git(&root, "rm --quiet --cached dist.x") && git(&root, "add --intent-to-add --force dist.x")
                    );
                }
                check(&root, &format!("{arguments} {version}"));
            }
            assert!(git(&root, "add --force .") && git(&root, "commit --quiet -m x") && git(&root, "status"));
            check(&root, arguments);
            assert!(git(&root, "worktree add --quiet ../other"));
            check(&root.parent().unwrap().join("other"), "a work tree");
            assert!(git(&root, "update-index --split-index"));
            assert!(read(&root).is_err(), "a part of an index counts as one");
        }
    }

    #[test]
    fn what_is_no_repository_tracks_nothing_and_what_is_a_strange_one_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        assert_eq!(read(&root).unwrap(), Tracked::default());
        fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(read(&root).unwrap(), Tracked::default());
        fs::write(root.join(".git/index"), "DIRC").unwrap();
        assert!(read(&root).is_err());
        fs::rename(root.join(".git"), root.join("real")).unwrap();
        for target in ["gitdir: real", "gitdir: ./x/../real\n", "gitdir: ../../nowhere", "gitdir:", "\0"] {
            fs::write(root.join(".git"), target).unwrap();
            assert!(read(&root).is_err(), "{target}");
        }
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        fs::write(root.join(".git"), "gitdir: link").unwrap();
        assert_eq!(read(&root).unwrap(), Tracked::default(), "a link was followed");
        fs::remove_file(root.join(".git")).unwrap();
        std::os::unix::fs::symlink("real", root.join(".git")).unwrap();
        assert!(read(&root).is_err());
    }

    #[test]
    fn few_bytes_do_not_become_many_names() {
        // Each entry repeats all of the longest name.
        let mut bytes = [b"DIRC".as_slice(), &4_u32.to_be_bytes(), &200_000_u32.to_be_bytes()].concat();
        let entry = |name: &[u8]| [&[0; STAMPS + 20 + 3], name, b"\0"].concat();
        bytes.extend(entry(&[b'a'; LONGEST_NAME - 1]));
        (1..200_000).for_each(|_| bytes.extend(entry(b"")));
        bytes.extend([0; 20]);
        assert_eq!(names(&bytes, 20), None);
    }

    proptest! {
        #[test]
        fn no_index_makes_it_panic(version in 0_u32..6, count: u32, bytes in prop::collection::vec(0_u8..4, 0..400)) {
            let whole = [b"DIRC".as_slice(), &version.to_be_bytes(), &(count % 8).to_be_bytes(), &bytes].concat();
            for hash in HASHES {
                let _ = (names(&whole, hash), names(&bytes, hash));
            }
            let large = [b"DIRC".as_slice(), &version.to_be_bytes(), &count.to_be_bytes(), &bytes].concat();
            let _ = names(&large, 20);
        }
    }
}
