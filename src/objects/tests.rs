//! What every place does, tried on a folder; how a bucket is addressed.

use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::ports::{Allowance, Before, Cancel, Got, Put};

const ALLOWED: Allowance = Allowance { bytes: 100, time: Duration::from_secs(5) };

fn folder() -> (tempfile::TempDir, SharedFolder) {
    let folder = tempfile::tempdir().unwrap();
    let shared = SharedFolder::new(folder.path().join("made/when needed"));
    (folder, shared)
}

#[test]
fn an_object_is_written_over_what_was_seen_and_over_nothing_else() {
    let (_folder, shared) = folder();
    let cancel = Cancel::default();
    let get = || shared.get("a/b", ALLOWED, &cancel).unwrap();
    let put = |text: &str, before: &Before| shared.put("a/b", text.as_bytes(), before, &cancel).unwrap();
    assert_eq!(get(), Got::Missing);
    assert_eq!(put("one", &Before::Nothing), Put::Done);
    assert_eq!(put("two", &Before::Nothing), Put::Overtaken);
    let Got::Found(bytes, first) = get() else { panic!("it is there") };
    assert_eq!(bytes, b"one");
    assert_eq!(put("two", &Before::Content(first.clone())), Put::Done);
    assert_eq!(put("three", &Before::Content(first)), Put::Overtaken);
    assert!(matches!(get(), Got::Found(bytes, _) if bytes == b"two"));
    let names: Vec<String> = shared.list("a", &cancel).unwrap().into_iter().map(|listed| listed.name).collect();
    assert_eq!(names, ["a/b"]);
    assert!(shared.get("a/b", Allowance { bytes: 2, ..ALLOWED }, &cancel).is_err());
    shared.delete("a/b", &cancel).unwrap();
    shared.delete("a/b", &cancel).unwrap();
    assert_eq!((get(), shared.list("none", &cancel).unwrap()), (Got::Missing, Vec::new()));
}

#[test]
fn of_many_that_write_over_the_same_one_does() {
    let (_folder, shared) = folder();
    let cancel = Cancel::default();
    let done = std::thread::scope(|scope| {
        let put = |text: String| shared.put("a", text.as_bytes(), &Before::Nothing, &cancel).unwrap();
        let all: Vec<_> = (0..8).map(|at| scope.spawn(move || put(at.to_string()))).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|put| *put == Put::Done).count()
    });
    assert_eq!(done, 1);
}

#[test]
fn what_is_no_file_is_not_opened() {
    let (folder, shared) = folder();
    let at = folder.path().join("made/when needed");
    std::fs::create_dir_all(&at).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at.join("link")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at.join("socket")).unwrap();
    for name in ["link", "socket", ""] {
        assert!(shared.get(name, ALLOWED, &Cancel::default()).is_err(), "{name}");
    }
}

#[test]
fn others_may_read_what_was_written_and_what_was_left_half_is_deleted() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, shared) = folder();
    let at = folder.path().join("made/when needed");
    let put = |name: &str| shared.put(name, b"x", &Before::Nothing, &Cancel::default()).unwrap();
    put("a/b");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    std::fs::write(at.join("plain"), "").unwrap();
    assert_eq!(mode(&at.join("a/b")), mode(&at.join("plain")), "as any file that this process makes");
    let part = |name: &str, age: u64| {
        let path = at.join("a").join(name);
        let file = std::fs::File::create(&path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
        path
    };
    let (old, young, other) = (part(".part-old", 2 * 60 * 60), part(".part-young", 60), part("old", 2 * 60 * 60));
    put("a/c");
    assert_eq!((old.exists(), young.exists(), other.exists()), (false, true, true));
}

#[test]
fn no_link_is_followed_and_nothing_is_waited_for() {
    let (folder, shared) = folder();
    let (at, elsewhere) = (folder.path().join("made/when needed"), folder.path().join("elsewhere"));
    let cancel = Cancel::default();
    for made in [&at, &elsewhere] {
        std::fs::create_dir_all(made).unwrap();
    }
    std::fs::write(elsewhere.join("b"), "x").unwrap();
    std::os::unix::fs::symlink(&elsewhere, at.join("a")).unwrap();
    assert!(shared.get("a/b", ALLOWED, &cancel).is_err() && shared.list("a", &cancel).is_err());
    assert!(shared.put("a/c", b"x", &Before::Nothing, &cancel).is_err() && shared.delete("a/b", &cancel).is_err());
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 1);
    let lock = at.join(".lock");
    for make in [
        |lock: &std::path::Path, _: &std::path::Path| mknodat(CWD, lock, FileType::Fifo, Mode::RWXU, 0).unwrap(),
        |lock: &std::path::Path, other: &std::path::Path| std::os::unix::fs::symlink(other.join("new"), lock).unwrap(),
    ] {
        let _ = std::fs::remove_file(&lock);
        make(&lock, &elsewhere);
        assert!(shared.put("d", b"x", &Before::Nothing, &cancel).is_err());
    }
    assert!(!elsewhere.join("new").exists());
}

fn host(place: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<String, String> {
    let settings = SharedSettings {
        place: Some(place.parse().unwrap()),
        endpoint: endpoint.map(str::to_owned),
        region: region.map(str::to_owned),
        name: None,
    };
    let opened = open_shared(&settings, Environment::default(), || 0);
    opened.map(|opened| opened.host).map_err(|failure| failure.to_string())
}

#[test]
fn a_bucket_is_addressed_as_its_store_wants_it() {
    assert_eq!(host("s3://team/a", None, Some("eu-central-1")).unwrap(), "team.s3.eu-central-1.amazonaws.com");
    assert_eq!(host("s3://te.am/a", None, None).unwrap(), "s3.us-east-1.amazonaws.com");
    assert_eq!(host("s3://team/a", Some("http://127.0.0.1:9000"), None).unwrap(), "127.0.0.1:9000");
    assert_eq!(host("s3://team/a", Some("https://10.0.0.1/store"), None).unwrap(), "10.0.0.1:443");
    assert_eq!(host("file:///mnt/x", None, None).unwrap(), "localhost");
    assert!(host("s3://team/a", Some("https://me:hunter2@x"), None).is_err_and(|error| !error.contains("hunter2")));
    assert!(host("s3://team/a", None, Some("x.evil/")).is_err());
}

#[test]
fn the_environment_says_keys_region_and_endpoint() {
    let set = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"];
    let read = Environment::of(|name| set.contains(&name).then(|| name.to_lowercase()));
    assert_eq!(read.keys, Some(("aws_access_key_id".to_owned(), "aws_secret_access_key".to_owned())));
    assert_eq!((read.token, read.region.as_deref()), (None, Some("aws_default_region")));
    assert_eq!(read.endpoint.as_deref(), Some("aws_endpoint_url"));
    assert_eq!(Environment::of(|name| (name == "AWS_ACCESS_KEY_ID").then(String::new)).keys, None);
}
