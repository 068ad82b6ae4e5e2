//! An index that a team shares: published by one, opened by others without making it again; and whatever can be wrong
//! with a store, with what is in it, and with who writes to it.

mod anew;
mod faults;

use std::process::{Command, Output, Stdio};

use tagout::engine::shared::Newest;
use tagout::model::BuiltinEmbedder;
use tagout::ports::Embedder;
use tagout::retrieve::Catalogue;
use tagout::workspace::{ContentHash, RelativePath};

use crate::object_store::{Act, Asked, KEY, ObjectStore, REGION, SECRET};
use crate::place::{Place, accept, configure, notes, question};

/// Files of the workspace.
const FILES: usize = 40;
/// What the index is called: the folder of the workspace.
const NEWEST: &str = "indexes/work/current";

fn function(at: usize) -> String {
    format!("/// Rounds the number {at} to what fits.\nfn round_{at}(value: u32) -> u32 {{\n    value / {at}\n}}\n")
}

/// A workspace of its own with the same files as all others, whose user has set where the index is shared.
fn member(store: &ObjectStore) -> Place {
    with_settings(&settings(store))
}

/// As [`member`]; one who may publish.
fn publisher(store: &ObjectStore) -> Place {
    with_settings(&(settings(store) + &may_publish(&format!("127.0.0.1:{}", store.port))))
}

fn settings(store: &ObjectStore) -> String {
    format!(
        "[index]\nshared = \"s3://team/indexes\"\nshared_endpoint = \"{}\"\nshared_region = \"{REGION}\"\n",
        store.endpoint()
    )
}

fn may_publish(host: &str) -> String {
    format!("[[rule]]\nname = \"shares-the-index\"\ndecision = \"allow\"\naction = \"send\"\nhost = \"{host}\"\n")
}

fn with_settings(settings: &str) -> Place {
    let place = Place::new();
    for at in 1..=FILES {
        place.write(&format!("src/round_{at}.rs"), function(at));
    }
    if !settings.is_empty() {
        configure(&place, settings);
        accept(&place);
    }
    place
}

fn program(place: &Place) -> Command {
    let mut command = place.program();
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
    for name in ["AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        command.env_remove(name);
    }
    command
}

fn run(place: &Place, arguments: &[&str]) -> Output {
    program(place).args(arguments).output().expect("the program starts")
}

/// What was said, of a run that came to a good end: the answer and all beside it.
fn said(place: &Place, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", notes(&output));
    String::from_utf8_lossy(&output.stdout).into_owned() + &notes(&output)
}

fn search(place: &Place) -> String {
    let found =
        said(place, &["search", "--json", "rounds a number to what fits"]) + &said(place, &["search", "round_7"]);
    found.replace(&*place.work().to_string_lossy(), "")
}

/// How many chunks were embedded.
fn embedded(said: &str) -> usize {
    let (before, _) = said.split_once(" chunks embedded").unwrap_or_else(|| panic!("{said}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

fn path(text: &str) -> RelativePath {
    RelativePath::new(text).unwrap()
}

/// The one index in the store.
fn published(store: &ObjectStore) -> (String, Vec<u8>) {
    let mut segments = store.objects().into_iter().filter(|(key, _)| key.contains("/segments/"));
    let found = segments.next().expect("an index");
    assert!(segments.next().is_none());
    found
}

fn opened(segment: &[u8]) -> Catalogue {
    Catalogue::from_bytes(zstd::bulk::decompress(segment, 1 << 24).unwrap(), BuiltinEmbedder.name()).unwrap()
}

#[test]
fn a_member_opens_what_was_published_and_makes_nothing_again() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    let first = said(&publisher, &["index", "--publish"]);
    assert!(first.contains("s3://team/indexes/work: published: 40 files") && embedded(&first) >= FILES, "{first}");
    let (key, segment) = published(&store);
    assert_eq!(key, format!("indexes/work/segments/{}", ContentHash::of(&segment)));
    assert_eq!(opened(&segment).count_of_files(), FILES);
    let again = said(&publisher, &["index", "--publish"]);
    assert!(again.contains("there already: 40 files"), "{again}");
    // Another that publishes takes nothing over from it, and comes to the same.
    let second = said(&self::publisher(&store), &["index", "--publish"]);
    assert!(second.contains("there already: 40 files") && !second.contains("came from"), "{second}");
    store.take_asked();

    let member = member(&store);
    let taken = said(&member, &["index"]);
    assert!(taken.contains("40 of 40 files came from the shared index") && embedded(&taken) == 0, "{taken}");
    let asked = store.take_asked();
    assert_eq!(asked, [format!("GET /team/{NEWEST}"), format!("GET /team/{key}")], "it only reads");
    assert_eq!(search(&member), search(&publisher));
    // Nothing more is asked: it is up to date, and what is shared was taken.
    said(&member, &["index"]);
    member.write("src/round_1.rs", function(100));
    assert_eq!(embedded(&said(&member, &["index"])), 1);
    assert_eq!(store.take_asked(), [""; 0]);
    let log = said(&member, &["log"]) + &said(&publisher, &["log"]);
    let host = format!("127.0.0.1:{}", store.port);
    assert!(
        log.contains(&format!("reach {host}")) && log.contains(&format!("send code of 40 files to {host}")),
        "{log}"
    );
    assert!(!log.contains(SECRET));
}

#[test]
fn what_differs_is_made_here_and_what_was_read_is_not_read_again() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let member = member(&store);
    member.write("src/round_1.rs", function(77));
    member.write("src/new.rs", function(88));
    std::fs::remove_file(member.work().join("src/round_2.rs")).unwrap();
    let taken = said(&member, &["index"]);
    assert!(taken.contains("38 of 40 files came from the shared index"), "{taken}");
    assert!((2..=6).contains(&embedded(&taken)), "{taken}");
    let found = |name: &str| said(&member, &["search", "--for", "symbol", name]).contains(&format!("fn {name}("));
    assert!(found("round_77") && found("round_88") && found("round_3") && !found("round_2") && !found("round_1"));
    store.take_asked();
    // Many files change, as when a branch is switched; what is shared is the same.
    for at in 1..=FILES {
        member.write(&format!("src/round_{at}.rs"), function(at) + "// More.\n");
    }
    let later = said(&member, &["index"]);
    assert!(!later.contains("shared index"), "{later}");
    assert_eq!(store.take_asked(), [format!("GET /team/{NEWEST}")]);
}

#[test]
fn secrets_stay_here() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    publisher.write(".env", "PASSWORD=hunter3\n");
    publisher.write("deploy/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n");
    publisher.write("src/client.rs", format!("fn token() -> &'static str {{\n    \"{token}\"\n}}\n"));
    publisher.write("src/near.rs", "fn token() -> String {\n    read_from_the_keyring()\n}\n");
    let said = said(&publisher, &["index", "--publish"]);
    assert!(
        said.contains("2 secret") && said.contains("41 files") && said.contains("1 files are not shared"),
        "{said}"
    );
    let segment = published(&store).1;
    let catalogue = opened(&segment);
    let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    assert!(!holds(&zstd::bulk::decompress(&segment, 1 << 24).unwrap()));
    let texts = catalogue.files().flat_map(|(name, _)| catalogue.texts_of(&path(name)));
    assert!(texts.map(|(_, text)| text).all(|text| !text.is_empty() && !holds(text.as_bytes())), "nor packed in it");
    let names: Vec<&str> = catalogue.files().map(|(name, _)| name).collect();
    assert!(
        names.contains(&"src/near.rs")
            && !names.iter().any(|name| [".env", "deploy/id_rsa", "src/client.rs"].contains(name))
    );
    assert!(search(&publisher).contains("round_7"), "here it is all found still");
    assert!(self::said(&publisher, &["search", "token"]).contains("src/client.rs"));
}

#[test]
fn nobody_sends_code_anywhere_unasked() {
    let store = ObjectStore::start();
    let place = member(&store);
    let asked = run(&place, &["index", "--publish"]);
    let name = question(&asked);
    assert!(notes(&asked).contains("send code of 40 files to 127.0.0.1"), "{}", notes(&asked));
    assert!(store.objects().is_empty() && store.take_asked().iter().all(|asked| asked.starts_with("GET")));
    place.write("src/round_1.rs", function(55));
    let stale = run(&place, &["index", "--publish", "--approve", &name]);
    assert!(!stale.status.success() && store.objects().is_empty(), "it is for what was shown: {}", notes(&stale));
    let elsewhere = run(&place, &["index", "--publish=s3://team/other"]);
    let other = question(&elsewhere);
    let wrong = run(&place, &["index", "--publish", "--approve", &other]);
    assert!(!wrong.status.success() && store.objects().is_empty(), "{}", notes(&wrong));
    said(&place, &["index", "--publish=s3://team/other", "--approve", &other]);
    assert!(store.objects().contains_key("other/work/current"));
}

#[test]
fn no_workspace_says_where_an_index_is_shared() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    store.take_asked();
    let place = with_settings("");
    place.write(".tagout.toml", settings(&store));
    place.trust();
    let said = said(&place, &["index"]);
    assert!(said.contains("is for the user's config.toml alone") && !said.contains("came from"), "{said}");
    // Nor what the user wrote and did not accept.
    configure(&place, &settings(&store));
    std::fs::remove_dir_all(place.home().join(".cache")).unwrap();
    let said = self::said(&place, &["index"]);
    assert!(said.contains("loosens") && !said.contains("came from"), "{said}");
    assert_eq!(store.take_asked(), [""; 0]);
}

#[test]
fn two_that_publish_at_once_leave_one_whole_index() {
    let store = ObjectStore::start();
    let places: Vec<Place> = (0..3).map(|_| publisher(&store)).collect();
    for (at, place) in places.iter().enumerate() {
        place.write("src/own.rs", function(1000 + at));
        said(place, &["index"]);
    }
    for round in 0..3 {
        let running: Vec<_> = places
            .iter()
            .map(|place| {
                place.write("src/round_1.rs", function(2000 + round));
                let mut command = program(place);
                command.args(["index", "--publish"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let mut done = 0;
        for one in running {
            let output = one.wait_with_output().unwrap();
            done += usize::from(output.status.success());
            assert!(
                output.status.success() || notes(&output).contains("a newer index was published"),
                "{}",
                notes(&output)
            );
        }
        assert!(done > 0);
        let member = member(&store);
        member.write("src/round_1.rs", function(2000 + round));
        let taken = said(&member, &["index"]);
        assert!(taken.contains("40 of 40 files came from the shared index"), "round {round}: {taken}");
    }
}

#[test]
fn killed_while_it_publishes_it_leaves_what_was_there() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    said(&publisher, &["index", "--publish"]);
    for (round, part) in ["/segments/", "/current"].into_iter().enumerate() {
        publisher.write("src/round_1.rs", function(3000 + round));
        store.take_asked();
        let at = if round == 0 { |asked: &Asked| asked.is_segment() } else { |asked: &Asked| !asked.is_segment() };
        store.act(move |asked| (asked.method == "PUT" && at(asked)).then_some(Act::Hang));
        let mut victim = program(&publisher)
            .args(["index", "--publish"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        store.wait_for("PUT", part);
        victim.kill().unwrap();
        victim.wait().unwrap();
        store.act(|_| None);
        let taken = said(&member(&store), &["index"]);
        assert!(taken.contains("40 of 40 files came from the shared index"), "{taken}");
    }
    let after = said(&publisher, &["index", "--publish"]);
    assert!(after.contains("published: 40 files"), "{after}");
    let taken = said(&member(&store), &["index"]);
    assert!(taken.contains("39 of 40 files came from the shared index"), "{taken}");
}

#[test]
fn what_nobody_reads_any_more_is_deleted_and_nothing_else() {
    let store = ObjectStore::start();
    let old = |at: usize| format!("indexes/work/segments/{at:064x}");
    (0..9).for_each(|at| store.place(&old(at), vec![0]));
    let others = ["indexes/work/segments/readme", "indexes/other/segments/0", "indexes/work2/x", "unrelated"];
    others.iter().for_each(|key| store.place(key, vec![0]));
    let publisher = publisher(&store);
    said(&publisher, &["index", "--publish"]);
    let left = store.objects();
    assert!(others.iter().all(|key| left.contains_key(*key)), "{:?}", left.keys());
    assert_eq!((0..9).filter(|at| left.contains_key(&old(*at))).count(), 4);
    // Who may not list or delete publishes all the same.
    store.act(|asked| (asked.target.contains("list-type")).then_some(Act::Refuse(403, "AccessDenied")));
    publisher.write("src/more.rs", function(99));
    assert!(said(&publisher, &["index", "--publish"]).contains("published: 41 files"));
}

#[test]
fn an_older_index_never_takes_the_place_of_a_newer_one() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let newest = |made_ms: u128| {
        let made_ms = i64::try_from(made_ms).unwrap();
        Newest::pack(b"index", BuiltinEmbedder.name(), 1, made_ms).unwrap().1.to_bytes()
    };
    let later = newest(now + 5 * 60 * 1000);
    for (there, told) in [(later, "a newer index was published"), (b"{\"form\": 99}".to_vec(), "update tagout")] {
        store.place(NEWEST, there.clone());
        let output = run(&publisher, &["index", "--publish"]);
        assert!(!output.status.success() && notes(&output).contains(told), "{}", notes(&output));
        assert_eq!(store.objects()[NEWEST], there);
    }
    // A clock that is days ahead stops nobody, and neither does what nobody can read.
    for there in [newest(now + 9 * 24 * 60 * 60 * 1000), b"<html>".to_vec(), Vec::new()] {
        store.place(NEWEST, there);
        assert!(said(&publisher, &["index", "--publish"]).contains("published: 40 files"));
    }
}

#[test]
fn a_folder_is_shared_as_a_bucket_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = format!("file://{}", folder.path().join("indexes").display());
    let publisher = with_settings(&may_publish("localhost"));
    let first = said(&publisher, &["index", &format!("--publish={at}"), "--shared-name", "team/app"]);
    assert!(first.contains(&format!("{at}/team/app: published: 40 files")), "{first}");
    assert!(folder.path().join("indexes/team/app/current").is_file());
    let member = with_settings(&format!("[index]\nshared = \"{at}\"\n"));
    member.write(".tagout.toml", "[index]\nshared_name = \"team/app\"\n");
    member.trust();
    let taken = said(&member, &["index"]);
    assert!(taken.contains("40 of 41 files came from the shared index"), "{taken}");
    let other = said(&with_settings(&format!("[index]\nshared = \"{at}\"\n")), &["index"]);
    assert!(!other.contains("came from"), "it has another name: {other}");
}

#[test]
fn a_workspace_is_called_what_its_repository_is() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    publisher.write(".git/config", "[remote \"origin\"]\n\turl = https://me:hunter2@git.example/team/app.git\n");
    publisher.write(".git/HEAD", "ref: refs/heads/main\n");
    publisher.trust();
    let said = said(&publisher, &["index", "--publish"]);
    assert!(said.contains("s3://team/indexes/git.example/team/app: published") && !said.contains("hunter2"), "{said}");
    assert!(store.objects().contains_key("indexes/git.example/team/app/current"));
}

#[test]
fn an_editor_has_the_shared_index_without_waiting_for_it() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let place = member(&store);
    let mut command = program(&place);
    command.arg("lsp");
    let mut client = crate::client::Client::start(command);
    client.initialize(place.params());
    assert!(client.finds_symbol("round_7"));
    let told = client.wait_for(crate::client::PATIENCE, |client| {
        let text = |message: &serde_json::Value| message["params"]["message"].as_str().unwrap_or_default().to_owned();
        client.seen.iter().map(text).find(|text| text.contains("40 of 40 files came from the shared index"))
    });
    assert!(told.is_some(), "{:?}", client.seen);
    // A store that hangs keeps no answer waiting for it.
    store.act(|_| Some(Act::Hang));
    let place = member(&store);
    let mut command = program(&place);
    command.arg("lsp");
    let mut client = crate::client::Client::start(command);
    client.initialize(place.params());
    store.wait_for("GET", NEWEST);
    client.still_answers();
    assert!(client.finds_symbol("round_7"), "it is made here then");
}
