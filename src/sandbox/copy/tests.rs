//! The copy, and what it is reduced to.

use super::*;

const WIDE: Room = Room { bytes: 1 << 20, files: 1_000 };

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join("w").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    fn copy(&self, room: Room) -> Result<WorkspaceCopy, Failure> {
        let mut treat = |path: &Path, _: bool| match path.to_str().unwrap() {
            ".env" | "target/.env" => Treatment::Hidden,
            "target" => Treatment::Spare,
            _ => Treatment::Needed,
        };
        let (work, place) = (self.folder.path().join("w"), self.folder.path().join("cache"));
        WorkspaceCopy::make(&work, &place, room, &mut treat, &Cancel::default())
    }
}

/// Everything below a folder: `d` for folders, `x` for marks of deletion, the text of files.
fn shown(root: &Path) -> Vec<(String, String)> {
    use std::os::unix::fs::FileTypeExt;
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap().file_type();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let what = if kind.is_dir() {
                folders.push(path.clone());
                "d".to_owned()
            } else if kind.is_char_device() {
                "x".to_owned()
            } else if kind.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                fs::read_to_string(&path).unwrap()
            };
            found.push((name, what));
        }
    }
    found.sort();
    found
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn holds_what_the_workspace_holds_but_no_secret_and_no_socket() {
    let bench = Bench::new(&[("a", "1"), ("d/b", "2"), (".env", "s"), ("target/o", "3"), ("target/.env", "s")]);
    let _socket = std::os::unix::net::UnixListener::bind(bench.folder.path().join("w/s")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", bench.folder.path().join("w/l")).unwrap();
    fs::set_permissions(bench.folder.path().join("w/a"), fs::Permissions::from_mode(0o4755)).unwrap();
    let copy = bench.copy(WIDE).unwrap();
    let wanted = [("a", "1"), ("d", "d"), ("d/b", "2"), ("l", "-> ../elsewhere"), ("target", "d"), ("target/o", "3")];
    assert_eq!(shown(copy.tree()), pairs(&wanted));
    let stat = |path: PathBuf| path.metadata().unwrap();
    let (ours, theirs) = (stat(copy.tree().join("a")), stat(bench.folder.path().join("w/a")));
    assert_eq!(ours.modified().unwrap(), theirs.modified().unwrap());
    assert_eq!(ours.permissions().mode() & 0o7777, 0o755);
    assert_eq!(stat(copy.private.clone()).permissions().mode() & 0o777, 0o700);
    assert_eq!(copy.left_out, []);
}

#[test]
fn is_reduced_to_what_was_written() {
    let files =
        [("a", "1"), ("b", "2"), ("c", "3"), ("d/e", "4"), ("d/f/g", "5"), ("h/i", "6"), ("k", "7"), ("m/n", "8")];
    let bench = Bench::new(&files);
    let copy = bench.copy(WIDE).unwrap();
    let at = |path: &str| copy.tree().join(path);
    fs::write(at("a"), "x").unwrap();
    fs::remove_file(at("b")).unwrap();
    fs::remove_dir_all(at("d")).unwrap();
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/new"), "y").unwrap();
    fs::remove_dir_all(at("h")).unwrap();
    std::os::unix::fs::symlink("/etc", at("h")).unwrap();
    fs::remove_file(at("k")).unwrap();
    fs::create_dir(at("k")).unwrap();
    fs::set_permissions(at("m"), fs::Permissions::from_mode(0o000)).unwrap();
    copy.lay(Path::new("p/q"), &FileState::text("unsaved")).unwrap();
    drop(copy.reduce().unwrap());
    let left = [
        ("a", "x"),
        ("b", "x"),
        ("d", "d"),
        ("d/e", "x"),
        ("d/f", "x"),
        ("d/new", "y"),
        ("h", "-> /etc"),
        ("k", "d"),
        ("p", "d"),
        ("p/q", "unsaved"),
    ];
    assert_eq!(shown(copy.tree()), pairs(&left));
}

#[test]
fn a_write_that_leaves_size_and_time_alone_is_still_seen() {
    let bench = Bench::new(&[("a", "1")]);
    let copy = bench.copy(WIDE).unwrap();
    let path = copy.tree().join("a");
    let before = path.metadata().unwrap().modified().unwrap();
    fs::write(&path, "2").unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    drop(copy.reduce().unwrap());
    assert_eq!(shown(copy.tree()), pairs(&[("a", "2")]));
}

#[test]
fn what_does_not_fit_is_refused_or_left_out_and_nothing_stays_behind() {
    let bench = Bench::new(&[("a", "12345"), ("target/o", "12345678"), ("target/p/q", "1")]);
    let copy = bench.copy(Room { bytes: 8 << 10, files: 4 }).unwrap();
    assert_eq!(shown(copy.tree()), pairs(&[("a", "12345")]));
    assert_eq!(copy.left_out.iter().map(|(path, _)| path.as_path()).collect::<Vec<_>>(), [Path::new("target")]);
    let failure = bench.copy(Room { bytes: 4, files: 100 }).unwrap_err();
    assert!(failure.to_string().contains("too large to be copied"), "{failure}");
    let place = bench.folder.path().join("cache");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    drop(copy);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn copies_of_the_dead_are_swept_and_those_in_use_stay() {
    let bench = Bench::new(&[("a", "1")]);
    let place = bench.folder.path().join("cache");
    let dead = place.join("copy-dead");
    fs::create_dir_all(dead.join("work/closed")).unwrap();
    fs::write(dead.join(LOCK), "").unwrap();
    fs::set_permissions(dead.join("work/closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let alive = bench.copy(WIDE).unwrap();
    assert!(!dead.exists());
    let other = bench.copy(WIDE).unwrap();
    assert!(alive.tree().join("a").exists() && other.tree().join("a").exists());
}
