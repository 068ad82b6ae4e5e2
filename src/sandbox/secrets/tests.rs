//! The search, tried on folders on disk.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

const KEY: &str = "-----BEGIN PRIVATE KEY-----";

struct Bench {
    folder: TempDir,
    secrets: Secrets,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), secrets: Secrets::default() };
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn found(&self, hidden: &[&str], shown: &[&str]) -> Found {
        self.try_find(&[], hidden, shown).unwrap()
    }

    fn try_find(&self, open: &[OpenText], hidden: &[&str], shown: &[&str]) -> Result<Found, SecretsError> {
        let text = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        self.secrets.find(&self.root(), open, &Wishes { hidden: &text(hidden), shown: &text(shown) })
    }

    fn hidden(&self, hidden: &[&str], shown: &[&str]) -> String {
        let found = self.found(hidden, shown).hidden;
        found.iter().map(RelativePath::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn secrets_are_found_at_any_depth_and_what_only_looks_like_one_is_not() {
    let bench = Bench::new(&[
        (".env", ""),
        (".env.example", ""),
        ("a/b/c/id_ed25519", ""),
        ("a/ca.pem", "-----BEGIN CERTIFICATE-----"),
        ("a/tls.PEM", KEY),
        (".ssh/config", ""),
        ("deploy/.aws/x/y", ""),
        ("main.rs", KEY),
        (".git/id_rsa", ""),
    ]);
    assert_eq!(bench.hidden(&[], &[]), ".env .ssh/config a/b/c/id_ed25519 a/tls.PEM deploy/.aws/x/y");
}

#[test]
fn the_users_patterns_hide_more_and_show_what_is_hidden() {
    let bench = Bench::new(&[
        (".env", ""),
        ("tests/keys/a.key", KEY),
        ("tests/.env", ""),
        ("private/a/b", ""),
        ("private/open", ""),
    ]);
    assert_eq!(bench.hidden(&["private/"], &["/tests", "private/open"]), ".env private/a/b");
    assert_eq!(bench.hidden(&[], &[".ENV"]), "tests/keys/a.key");
    assert_eq!(bench.hidden(&["Private/**"], &["tests/keys/*"]), ".env private/a/b private/open tests/.env");
    assert!(bench.try_find(&[], &["a{b"], &[]).is_err());
}

#[test]
fn packages_and_outputs_are_passed_over_but_only_where_a_program_made_them() {
    let bench = Bench::new(&[
        ("node_modules/x/.env", ""),
        ("target/CACHEDIR.TAG", ""),
        ("target/debug/.env", ""),
        ("lib/.venv/pyvenv.cfg", ""),
        ("lib/.venv/certifi/key.pem", KEY),
        ("src/target/.env", ""),
    ]);
    let found = bench.found(&[], &[]);
    assert_eq!(found.hidden.iter().map(RelativePath::as_str).collect::<Vec<_>>(), ["src/target/.env"]);
    let mut outputs = found.outputs;
    outputs.sort();
    assert_eq!(outputs, ["lib/.venv", "node_modules", "target"].map(PathBuf::from));
    assert_eq!(bench.hidden(&["target/debug/.env"], &[]), "src/target/.env target/debug/.env");
}

#[test]
fn links_and_other_names_do_not_give_a_secret_away() {
    let bench = Bench::new(&[("vault/plain", "s"), ("x/id_rsa", "s"), ("free", "")]);
    symlink("vault/plain", bench.root().join(".env")).unwrap();
    symlink("/etc/hostname", bench.root().join(".netrc")).unwrap();
    symlink("x/id_rsa", bench.root().join("link")).unwrap();
    fs::hard_link(bench.root().join("x/id_rsa"), bench.root().join("vault/other")).unwrap();
    assert_eq!(bench.hidden(&[], &[]), ".env .netrc vault/other vault/plain x/id_rsa");
    assert_eq!(bench.found(&[], &[]).doubtful, []);
    let outside = tempfile::tempdir_in(bench.root().parent().unwrap()).unwrap();
    fs::hard_link(bench.root().join("x/id_rsa"), outside.path().join("other")).unwrap();
    bench.write("node_modules/keep", "");
    fs::hard_link(bench.root().join("x/id_rsa"), bench.root().join("node_modules/key")).unwrap();
    assert_eq!(bench.hidden(&[], &[]), ".env .netrc node_modules/key vault/other vault/plain x/id_rsa");
}

#[test]
fn a_second_search_sees_what_came_and_went_since_however_soon() {
    let bench = Bench::new(&[("a/b/x", "")]);
    let age = std::time::Duration::from_millis(30);
    for round in 0..30 {
        if round % 3 == 0 {
            // Old enough to be kept.
            std::thread::sleep(age);
        }
        assert_eq!(bench.hidden(&[], &[]), "");
        bench.write("a/b/.env", "");
        assert_eq!(bench.hidden(&[], &[]), "a/b/.env", "round {round}");
        fs::remove_file(bench.root().join("a/b/.env")).unwrap();
    }
    fs::create_dir(bench.root().join("c")).unwrap();
    bench.write("c/d/.env", "");
    assert_eq!(bench.hidden(&[], &[]), "c/d/.env");
    // A folder with old stamps of its own comes in the place of another.
    bench.write("e/.env", "");
    std::thread::sleep(age);
    assert_eq!(bench.hidden(&[], &[]), "c/d/.env e/.env");
    fs::rename(bench.root().join("c/d"), bench.root().join("e2")).unwrap();
    fs::rename(bench.root().join("e"), bench.root().join("c/d")).unwrap();
    assert_eq!(bench.hidden(&[], &[]), "c/d/.env e2/.env");
    // Content decides anew each time.
    bench.write("k.pem", "");
    std::thread::sleep(age);
    assert_eq!(bench.hidden(&[], &[]), "c/d/.env e2/.env");
    bench.write("k.pem", KEY);
    assert_eq!(bench.hidden(&[], &[]), "c/d/.env e2/.env k.pem");
}

#[test]
fn most_of_a_second_search_is_remembered() {
    let bench = Bench::new(&[("a/b/.env", ""), ("c/x", "")]);
    std::thread::sleep(std::time::Duration::from_millis(30));
    bench.hidden(&[], &[]);
    let kept = || bench.secrets.0.lock().unwrap().get(&bench.root()).map_or(0, Known::len);
    assert_eq!(kept(), 4);
    bench.write("c/y", "");
    assert_eq!((bench.hidden(&[], &[]).as_str(), kept()), ("a/b/.env", 3));
}

#[test]
fn a_telling_name_that_is_no_text_is_doubtful() {
    let bench = Bench::new(&[("a/x", "")]);
    for name in [b".env.\xff".as_slice(), b"\xff.pem", b"\xff.txt"] {
        fs::write(bench.root().join("a").join(OsStr::from_bytes(name)), KEY).unwrap();
    }
    let found = bench.found(&[], &[]);
    let mut told: Vec<&str> = found.doubtful.iter().map(|doubt| doubt.path.as_str()).collect();
    told.sort_unstable();
    assert_eq!((told, found.hidden.len()), (vec!["a/.env.\u{fffd}", "a/\u{fffd}.pem"], 0));
}

#[test]
fn what_is_closed_to_the_user_is_named() {
    let bench = Bench::new(&[("closed/.env", ""), ("open/.env", "")]);
    if nix::unistd::geteuid().is_root() {
        eprintln!("skipped: nothing is closed to root");
        return;
    }
    fs::set_permissions(bench.root().join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let found = bench.found(&[], &[]);
    fs::set_permissions(bench.root().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found.hidden.iter().map(RelativePath::as_str).collect::<Vec<_>>(), ["open/.env"]);
    assert_eq!(found.doubtful.len(), 1, "{:?}", found.doubtful);
}

#[test]
fn too_many_secrets_are_an_error() {
    let bench = Bench::new(&[]);
    for number in 0..=MOST_HIDDEN {
        fs::write(bench.root().join(format!("{number}.p12")), "").unwrap();
    }
    assert!(matches!(bench.try_find(&[], &[], &[]), Err(SecretsError::TooMany)));
    let none = Wishes { hidden: &[], shown: &[] };
    assert!(matches!(bench.secrets.find(Path::new("/nowhere"), &[], &none), Err(SecretsError::Unreadable(..))));
}

#[test]
fn an_open_document_with_a_telling_name_is_a_secret_before_it_is_saved() {
    let bench = Bench::new(&[]);
    let open =
        |path: &str, text: &str| OpenText { path: RelativePath::new(path).unwrap(), text: text.into(), saved: false };
    let documents = [open("x/.env", ""), open("a.pem", KEY), open("b.pem", ""), open("main.rs", KEY)];
    let found = bench.try_find(&documents, &[], &[]).unwrap();
    assert_eq!(found.hidden.iter().map(RelativePath::as_str).collect::<Vec<_>>(), ["a.pem", "x/.env"]);
}
