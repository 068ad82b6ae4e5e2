//! The embedding endpoint that a user may name: what it adds, what it gets, and that search is what it is without one
//! whenever it is slow, wrong, gone or not allowed.

mod serving;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Manner};
use crate::place::{Place, accept, configure, notes, says, tagout};

const QUESTION: &str = "how are retries limited";
const KEY: &str = "sk-hunter2-9f8e7d6c5b4a";

/// A project in which what is meant shares few words with the question.
fn project() -> Place {
    let place = Place::new();
    for at in 0..8 {
        place.write(
            &format!("src/a{at}.rs"),
            format!("/// Handles retries.\nfn handle_{at}() {{\n    retries({at})\n}}\n"),
        );
    }
    place.write("src/slow.rs", "/// Slows down whoever tries again.\nfn slow_down() {\n    throttle(retries)\n}\n");
    place
}

fn settings(kind: &str, endpoint: &Endpoint) -> String {
    let path = if kind == "openai" { "/v1" } else { "" };
    format!(
        "[embedding]\nkind = \"{kind}\"\nurl = \"http://{}{path}\"\nmodel = \"m\"\nkey_variable = \"TAGOUT_TEST_KEY\"\n\
         query_milliseconds = 10000\n",
        endpoint.host()
    )
}

/// Names the endpoint, and puts it in force.
fn name(place: &Place, settings: &str) {
    configure(place, settings);
    accept(place);
}

fn run(place: &Place, arguments: &[&str]) -> Output {
    let mut program = place.program();
    program.args(arguments).env("TAGOUT_TEST_KEY", KEY).env("TAGOUT_LOG", "trace");
    let output = program.output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", notes(&output));
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// What is found, each answer with its score.
fn search(place: &Place) -> String {
    text(&run(place, &["search", "--for", "behaviour", "--json", QUESTION]))
}

/// The place of the answer in a file.
fn place_of(found: &str, path: &str) -> usize {
    let found: Value = serde_json::from_str(found).expect("JSON");
    let answers = found.as_array().expect("a list");
    answers.iter().position(|answer| answer["path"] == path).unwrap_or(answers.len())
}

#[test]
fn an_endpoint_of_either_kind_shifts_the_order_and_is_sent_nothing_twice() {
    for (kind, path) in [("openai", "/v1/embeddings"), ("ollama", "/api/embed")] {
        let (place, endpoint) = (project(), Endpoint::start());
        let plain = search(&place);
        name(&place, &settings(kind, &endpoint));
        let said = text(&run(&place, &["index"]));
        assert!(said.contains(&format!("sent to the embedding endpoint at {}", endpoint.host())), "{said}");
        let sent = endpoint.texts();
        assert!(sent.len() >= 9 && sent.iter().any(|text| text.contains("throttle(retries)")), "{sent:?}");
        assert!(endpoint.paths().iter().all(|asked| asked == path), "{:?}", endpoint.paths());
        assert!(endpoint.keys().iter().all(|key| *key == format!("Bearer {KEY}")) && !endpoint.keys().is_empty());

        let found = search(&place);
        assert!(place_of(&found, "src/slow.rs") < place_of(&plain, "src/slow.rs"), "{plain} {found}");
        assert_eq!(endpoint.texts()[sent.len()..], [QUESTION]);
        let explained = text(&run(&place, &["search", "--for", "behaviour", "--explain", "--json", QUESTION]));
        assert!(explained.contains("\"name\":\"endpoint\""), "{explained}");

        // Another process, files under other names, and a file that comes back: nothing is new.
        let before = endpoint.texts().len();
        fs::rename(place.work().join("src/slow.rs"), place.work().join("slower.rs")).unwrap();
        let said = text(&run(&place, &["index"]));
        assert!(said.contains("0 chunks sent"), "{said}");
        place.write("src/new.rs", "fn entirely_new() {}\n".repeat(3));
        run(&place, &["index"]);
        let fresh = endpoint.texts().split_off(before);
        assert!(fresh.len() == 1 && fresh[0].contains("entirely_new"), "{fresh:?}");
        let log = says(&place, &["log"]);
        for sent in ["send what is asked to", "send code of 9 files to"] {
            assert!(log.contains(&format!("{sent} {}: allow by known-host", endpoint.host())), "{sent}: {log}");
        }
    }
}

#[test]
fn whatever_an_endpoint_answers_search_is_what_it_is_without_one() {
    let manners = [
        Manner::Uneven,
        Manner::Null,
        Manner::Nan,
        Manner::TooFew,
        Manner::Later,
        Manner::Refusal,
        Manner::Half,
        Manner::Garbage,
        Manner::Elsewhere,
    ];
    let (place, endpoint) = (project(), Endpoint::start());
    let plain = search(&place);
    name(&place, &settings("openai", &endpoint));
    for manner in manners {
        endpoint.behave(manner);
        let output = run(&place, &["index"]);
        assert!(
            notes(&output).contains("not all was sent to the embedding endpoint"),
            "{manner:?}: {}",
            notes(&output)
        );
        assert_eq!(search(&place), plain, "{manner:?}");
    }
    // It has all vectors now, and fails when it is asked.
    endpoint.behave(Manner::Well);
    run(&place, &["index"]);
    let better = search(&place);
    assert_ne!(better, plain);
    for manner in manners.into_iter().chain([Manner::Longer]).filter(|manner| *manner != Manner::Uneven) {
        endpoint.behave(manner);
        assert_eq!(search(&place), plain, "{manner:?}");
    }
    place.write("src/more.rs", "fn one_more() {}\n");
    endpoint.behave(Manner::Longer);
    let output = run(&place, &["index"]);
    assert!(notes(&output).contains("it has 4 numbers, and those before have 3"), "{}", notes(&output));
    assert!(notes(&output).contains(".vectors and start tagout again"), "{}", notes(&output));
    fs::remove_file(place.work().join("src/more.rs")).unwrap();
    endpoint.behave(Manner::Well);
    assert_eq!(search(&place), better);
}

#[test]
fn an_endpoint_that_is_silent_or_gone_costs_a_moment() {
    let (place, endpoint) = (project(), Endpoint::start());
    let plain = search(&place);
    let named = settings("ollama", &endpoint).replace("10000", "50");
    name(&place, &named);
    run(&place, &["index"]);
    endpoint.behave(Manner::Silence);
    assert_eq!(search(&place), plain);
    // Nobody is at this port any more, and its vectors are kept.
    endpoint.behave(Manner::Well);
    configure(&place, &settings("ollama", &endpoint));
    assert_ne!(search(&place), plain);
    endpoint.end();
    place.write("src/more.rs", "fn one_more() {}\n");
    let output = run(&place, &["index"]);
    assert!(notes(&output).contains("cannot be reached"), "{}", notes(&output));
    fs::remove_file(place.work().join("src/more.rs")).unwrap();
    assert_eq!(search(&place), plain);
}

#[test]
fn a_damaged_or_useless_cache_costs_only_what_is_asked_again() {
    let (place, endpoint) = (project(), Endpoint::start());
    let plain = search(&place);
    name(&place, &settings("openai", &endpoint));
    run(&place, &["index"]);
    let better = search(&place);
    let folder = place.home().join(".cache/tagout/vectors");
    let kept = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "vectors")).unwrap();
    let whole = fs::read(&kept).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for bytes in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new(), vec![7; 5000]] {
        fs::write(&kept, bytes).unwrap();
        run(&place, &["index"]);
        assert_eq!(search(&place), better);
    }
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "no folder").unwrap();
    let output = run(&place, &["index"]);
    assert!(notes(&output).contains("nothing was sent to the embedding endpoint"), "{}", notes(&output));
    assert_eq!(search(&place), plain);
}

#[test]
fn a_workspace_and_an_editor_turn_it_off_and_not_on() {
    let (place, endpoint) = (project(), Endpoint::start());
    place.write(".tagout.toml", settings("openai", &endpoint));
    place.trust();
    run(&place, &["index"]);
    search(&place);
    let mut client = place.start();
    let mut params = place.params();
    let url = format!("http://{}/v1", endpoint.host());
    params["initializationOptions"] = json!({"embedding": {"kind": "openai", "url": url, "model": "m"}});
    client.initialize(params);
    assert!(client.finds_symbol("slow_down"));
    drop(client);
    // Nor does the user's own file, before it is accepted.
    configure(&place, &settings("openai", &endpoint));
    let output = run(&place, &["index"]);
    assert!(notes(&output).contains("[embedding], which sends code to an endpoint, loosens"), "{}", notes(&output));
    assert_eq!(endpoint.texts(), [""; 0]);
    place.write(".tagout.toml", "[embedding]\nkind = \"off\"\n");
    place.trust();
    let plain = search(&place);
    accept(&place);
    run(&place, &["index"]);
    assert_eq!(search(&place), plain);
    assert_eq!(endpoint.texts(), [""; 0]);
}

#[test]
fn secrets_are_not_sent_and_the_key_is_nowhere() {
    let (place, endpoint) = (project(), Endpoint::start());
    let token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    place.write(".gitignore", "ignored.rs\n");
    place.write("ignored.rs", "fn not_in_the_index() {}\n");
    place.write("secrets.toml", "tea = \"and-cake\"\n");
    place.write("deploy/prod.env", "TEA=and-cake\n");
    place.write("private/plan.rs", "fn hidden_by_the_user() {}\n");
    place.write("src/token.rs", format!("fn harmless() {{ one() }}\n\nfn sign_in() {{\n    header(\"{token}\")\n}}\n"));
    // A line that is cut into pieces, a token where it is cut.
    let words = "tell the others of it ".repeat(400);
    let ((before, _), (after, _)) = (words.split_at(4080), words.split_at(5000));
    place.write("notes.txt", format!("{before} {token} {after} nothing of this is secret\n"));
    name(&place, &(settings("openai", &endpoint) + "[run]\nhidden = [\"private/\"]\n"));
    let mut said = vec![run(&place, &["index"]), run(&place, &["search", QUESTION])];
    endpoint.behave(Manner::Refusal);
    place.write("src/more.rs", "fn one_more() {}\nfn and_more() {}\n");
    said.push(run(&place, &["index"]));
    let texts = endpoint.texts().join("\n");
    assert!(texts.contains("fn harmless()") && texts.contains("throttle"), "{texts}");
    assert!(texts.contains("nothing of this is secret"), "{texts}");
    let (first, last) = token.split_at(12);
    for never in [first, last, "and-cake", "not_in_the_index", "hidden_by_the_user"] {
        assert!(!texts.contains(never), "{never} was sent");
    }
    for output in &said {
        assert!(!text(output).contains(KEY) && !notes(output).contains(KEY), "{}", notes(output));
    }
    assert_eq!(files_with(&place.home(), KEY.as_bytes()), [""; 0]);
}

/// The files below `folder` that hold `part`.
fn files_with(folder: &Path, part: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with(&path, part));
        } else if fs::read(&path).unwrap_or_default().windows(part.len()).any(|bytes| bytes == part) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_rule_keeps_files_or_everything_here() {
    let (place, endpoint) = (project(), Endpoint::start());
    let rule = |decision: &str, names: &str| {
        format!("[[rule]]\nname = \"keep\"\ndecision = \"{decision}\"\naction = \"send\"\n{names}")
    };
    name(&place, &(settings("openai", &endpoint) + &rule("deny", "path = \"src/slow.rs\"\n")));
    let output = run(&place, &["index"]);
    assert!(
        notes(&output).contains("1 file is not sent to the embedding endpoint: deny by keep"),
        "{}",
        notes(&output)
    );
    let sent = endpoint.texts();
    assert!(sent.len() >= 8 && !sent.iter().any(|text| text.contains("throttle")), "{sent:?}");
    configure(&place, &(settings("openai", &endpoint) + &rule("ask", "")));
    place.write("src/more.rs", "fn one_more() {}\n");
    let output = run(&place, &["index"]);
    assert!(notes(&output).contains("change the rule that asks before this"), "{}", notes(&output));
    assert!(says(&place, &["log"]).contains("not done: a rule asks before this"));
    let output = run(&place, &["search", QUESTION]);
    assert!(notes(&output).contains("searched without the embedding endpoint: ask by keep"), "{}", notes(&output));
    assert_eq!(endpoint.texts(), sent);
    assert!(!tagout(&place, &["grants"]).stdout.windows(5).any(|part| part == b"waits"), "no question waits");
}
