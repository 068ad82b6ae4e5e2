//! A cache folder that cannot be written: read-only, full, forbidden, not there. Questions are answered all the same, from
//! memory; that nothing is kept is said once, with the reason; and once there is room it is kept after all.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use nix::mount::{MsFlags, mount, umount};
use serde_json::{Value, json};

use crate::client::Client;
use crate::place::{Place, notes, tagout};

/// Set in the process that mounts disks of its own: which test it is.
const APART: &str = "TAGOUT_TEST_UNKEPT";
/// What is said where nothing is kept.
const UNKEPT: &str = "the index is not kept: questions are answered from memory";
const UNTIDY: &str = "the index is not tidied up";
const KEPT_AGAIN: &str = "the index is kept again";

/// Runs `body` where it may mount: as the root of a namespace, in a process of its own that runs this test again.
fn apart(test: &str, body: impl FnOnce()) {
    if std::env::var(APART).is_ok_and(|wanted| wanted == test) {
        body();
        println!("done: {test}");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("unkept::{test}"), "--nocapture", "--test-threads=1"]);
    let output = match command.env(APART, test).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: no unshare: {error}"),
    };
    let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if wrong.contains("unshare:") {
        return println!("skipped: no namespaces to mount in: {}", wrong.trim());
    }
    assert!(output.status.success(), "{told}\n{wrong}");
    let line = told.lines().find(|line| line.contains("skipped: ") || line.contains("done: "));
    println!("{}", line.expect("it was done, or could not be"));
}

/// A disk of its own for the cache of a place.
struct Disk(PathBuf);

impl Disk {
    fn new(place: &Place) -> Option<Self> {
        let at = place.home().join(".cache");
        fs::create_dir_all(&at).unwrap();
        match mount(Some("tmpfs"), &at, Some("tmpfs"), MsFlags::empty(), Some("size=24m")) {
            Ok(()) => Some(Self(at)),
            Err(error) => {
                println!("skipped: no disk to mount: {error}");
                None
            }
        }
    }

    fn make_read_only(&self) {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, &self.0, None::<&str>, flags, None::<&str>).unwrap();
    }

    /// Leaves not a byte.
    fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(self.0.join("ballast")).unwrap();
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount(&self.0);
    }
}

fn function(name: &str) -> String {
    format!("/// Does what {name} does.\npub fn {name}() {{\n    work();\n}}\n")
}

/// Lines that do not become few bytes however they are packed.
fn much_to_keep() -> String {
    (0..4_000_u64).map(|at| format!("// {:x}\n", at.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
}

fn filled() -> Place {
    let place = Place::new();
    place.write("src/early.rs", function("early_bird"));
    place.write("src/late.rs", function("late_riser"));
    place
}

/// What is said of a disk: at least one thing, each once, with the place and what to do. A full disk that has a little
/// room after clearing up may take the index and not the catalogue.
fn is_told(said: &str, about: &Path) -> bool {
    let counts = [UNKEPT, UNTIDY].map(|text| said.matches(text).count());
    counts != [0, 0]
        && counts.iter().all(|count| *count < 2)
        && said.contains(about.to_str().unwrap())
        && said.contains("TAGOUT_CACHE_DIR")
}

/// The standard output of a call that succeeds, and says once why nothing is kept and where.
fn answered(output: &Output, about: &Path) -> String {
    let notes = notes(output);
    assert!(output.status.success() && is_told(&notes, about), "{notes}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Every way of asking answers, with what `run` makes of the arguments.
fn everything_answers(place: &Place, about: &Path, run: &dyn Fn(&[&str]) -> Output) {
    place.write("src/new.rs", function("newly_hatched"));
    for name in ["early_bird", "newly_hatched"] {
        assert!(answered(&run(&["search", name]), about).contains(name));
    }
    assert!(answered(&run(&["index"]), about).contains("3 files indexed"));
    assert!(answered(&run(&["pack", "what the early_bird does"]), about).contains("pub fn early_bird"));
    fs::remove_file(place.work().join("src/new.rs")).unwrap();
}

/// The messages of the server that hold `text`.
fn told(client: &Client, text: &str) -> Vec<Value> {
    let shown = |message: &&Value| message["method"] == "window/showMessage" && message.to_string().contains(text);
    client.seen.iter().filter(shown).cloned().collect()
}

/// The server answers and says once why nothing is kept; `again` has the disk as it is to be once the index is open.
fn the_server_answers(place: &Place, mut client: Client, about: &Path, again: impl Fn()) {
    client.initialize(place.params());
    assert!(client.finds_symbol("early_bird"));
    again();
    // More than what failed attempts leave behind, and the next one clears away.
    place.write("src/late.rs", function("latest_riser") + &much_to_keep());
    let changed = json!([{"uri": place.uri("src/late.rs"), "type": 2}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changed}));
    assert!(client.finds_symbol("latest_riser"));
    let said = |client: &Client| [told(client, UNKEPT), told(client, UNTIDY)].concat();
    let waited = (0..100).any(|_| {
        client.listen(Duration::from_millis(200));
        !said(&client).is_empty()
    });
    let said: String = said(&client).iter().map(Value::to_string).collect();
    assert!(waited && is_told(&said, about), "{:?}", client.seen);
    place.write("src/late.rs", function("late_riser"));
}

#[test]
fn a_cache_folder_that_is_nowhere() {
    let place = filled();
    let file = place.home().join("file");
    fs::write(&file, "").unwrap();
    // Nobody, not even root, makes folders in there.
    for cache in [Path::new("/proc/none"), &file] {
        let program = || {
            let mut program = place.program();
            program.env("TAGOUT_CACHE_DIR", cache);
            program
        };
        everything_answers(&place, cache, &|arguments| program().args(arguments).output().unwrap());
        let mut server = program();
        server.arg("lsp");
        the_server_answers(&place, Client::start(server), cache, || {});
    }
}

/// All below `folder`, to be written or not.
fn set_writable(folder: &Path, mode: u32) {
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        let entries = fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path());
        for entry in entries {
            if entry.is_dir() {
                open.push(entry)
            } else {
                fs::set_permissions(&entry, fs::Permissions::from_mode(mode & !0o111)).unwrap()
            }
        }
    }
}

#[test]
fn a_cache_folder_of_somebody_else() {
    for is_indexed in [false, true] {
        let place = filled();
        let cache = place.home().join(".cache");
        fs::create_dir_all(&cache).unwrap();
        if is_indexed {
            assert!(tagout(&place, &["index"]).status.success());
        }
        set_writable(&cache, 0o555);
        // Root may write everywhere, unless it is root of nothing.
        let ordinary = |arguments: &[&str]| {
            if !nix::unistd::geteuid().is_root() {
                return tagout(&place, arguments);
            }
            let program = place.program();
            let mut command = Command::new("unshare");
            command.arg("--user").arg(program.get_program()).args(arguments).current_dir(place.work());
            command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap()
        };
        if notes(&ordinary(&["--version"])).contains("unshare:") {
            set_writable(&cache, 0o755);
            return println!("skipped: no way to be somebody else");
        }
        everything_answers(&place, &cache, &ordinary);
        set_writable(&cache, 0o755);
        let output = tagout(&place, &["search", "early_bird"]);
        assert!(output.status.success() && !notes(&output).contains(UNKEPT), "{}", notes(&output));
    }
}

#[test]
fn a_cache_folder_on_a_read_only_disk() {
    apart("a_cache_folder_on_a_read_only_disk", || {
        for is_indexed in [false, true] {
            let place = filled();
            let Some(disk) = Disk::new(&place) else { return };
            if is_indexed {
                assert!(tagout(&place, &["index"]).status.success());
            }
            disk.make_read_only();
            everything_answers(&place, &disk.0, &|arguments| tagout(&place, arguments));
            the_server_answers(&place, place.start(), &disk.0, || {});
        }
    });
}

#[test]
fn a_cache_folder_on_a_full_disk() {
    apart("a_cache_folder_on_a_full_disk", || {
        for is_indexed in [false, true] {
            let place = filled();
            let Some(disk) = Disk::new(&place) else { return };
            if is_indexed {
                assert!(tagout(&place, &["index"]).status.success());
            }
            disk.fill();
            everything_answers(&place, &disk.0, &|arguments| tagout(&place, arguments));
            // Opening clears away what failed, which leaves a little room.
            the_server_answers(&place, place.start(), &disk.0, || disk.fill());
            disk.make_room();
            let index = tagout(&place, &["index"]);
            assert!(index.status.success() && !notes(&index).contains(UNKEPT), "{}", notes(&index));
            let again = tagout(&place, &["index"]);
            assert!(String::from_utf8_lossy(&again.stdout).contains("2 files indexed; 0 read"), "{again:?}");
        }
    });
}

#[test]
fn a_disk_that_fills_while_the_editor_is_open_and_has_room_again() {
    apart("a_disk_that_fills_while_the_editor_is_open_and_has_room_again", || {
        let place = filled();
        let Some(disk) = Disk::new(&place) else { return };
        let mut client = place.open();
        assert!(client.finds_symbol("early_bird"));
        for round in 0..2 {
            disk.fill();
            for (at, file) in ["src/early.rs", "src/late.rs", "src/more.rs"].into_iter().enumerate() {
                let name = format!("written_{round}_{at}");
                place.write(file, function(&name) + &much_to_keep());
                let changed = json!([{"uri": place.uri(file), "type": 2}]);
                client.notify("workspace/didChangeWatchedFiles", json!({"changes": changed}));
                assert!(client.finds_symbol(&name), "it is found though it cannot be kept");
            }
            // Said once, however often it is tried and fails.
            let unkept = client
                .wait_for(Duration::from_secs(60), |client| Some(told(client, UNKEPT)).filter(|told| !told.is_empty()));
            let unkept = unkept.expect("a word that nothing is kept");
            assert!(unkept.len() == 1 && unkept[0].to_string().contains(disk.0.to_str().unwrap()), "{unkept:?}");
            client.listen(Duration::from_millis(1_500));
            disk.make_room();
            // Until then another process finds the old index, or none, and reads what it lacks.
            let reader = || {
                let output = tagout(&place, &["search", "--for", "symbol", &format!("written_{round}_2")]);
                String::from_utf8_lossy(&output.stdout).contains(&format!("written_{round}_2"))
            };
            let is_kept = (0..600).any(|_| {
                client.listen(Duration::from_millis(200));
                !told(&client, KEPT_AGAIN).is_empty() && reader()
            });
            assert!(is_kept, "{:?}", client.seen);
        }
        assert_eq!((told(&client, UNKEPT).len(), told(&client, KEPT_AGAIN).len()), (1, 1));
        client.call("shutdown", Value::Null);
        client.notify("exit", Value::Null);
        assert!(client.ends(Duration::from_secs(40)).is_some());
        let index = tagout(&place, &["index"]);
        let summary = String::from_utf8_lossy(&index.stdout);
        assert!(summary.contains("3 files indexed; 0 read, 0 removed"), "{summary} {}", notes(&index));
    });
}
