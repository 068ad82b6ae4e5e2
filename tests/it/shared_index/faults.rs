//! Whatever can be wrong with a store, with what is in it, and with who wrote it: it costs time, and nothing else.

use tagout::engine::shared::Newest;
use tagout::model::BuiltinEmbedder;
use tagout::ports::Embedder;
use tagout::retrieve::{Catalogue, widened};
use tagout::workspace::{ContentHash, RelativePath};

use super::{FILES, NEWEST, embedded, function, member, opened, path, program, published, publisher, said, search};
use crate::object_store::{Act, Asked, ObjectStore, SECRET};
use crate::place::notes;

/// Puts another index in the place of the one that is published, named as it ought to be.
fn replace(store: &ObjectStore, catalogue: &Catalogue) {
    let index = catalogue.to_bytes(BuiltinEmbedder.name());
    let (packed, newest) = Newest::pack(&index, BuiltinEmbedder.name(), catalogue.count_of_files(), 1).unwrap();
    store.place(&format!("indexes/work/segments/{}", newest.segment()), packed);
    store.place(NEWEST, newest.to_bytes());
}

type Fault = (&'static str, &'static str, fn(&Asked) -> Option<Act>);

fn only_segment(asked: &Asked, act: Act) -> Option<Act> {
    asked.is_segment().then_some(act)
}

const FAULTS: [Fault; 13] = [
    ("a key that may not", "look whether the keys", |_| Some(Act::Refuse(403, "AccessDenied"))),
    ("an ill store", "503 SlowDown", |_| Some(Act::Refuse(503, "SlowDown"))),
    ("an ill segment", "500 InternalError", |asked| only_segment(asked, Act::Refuse(500, "InternalError"))),
    ("no bucket", "NoSuchBucket", |_| Some(Act::Refuse(404, "NoSuchBucket"))),
    ("another region", "shared_region", |_| Some(Act::Refuse(301, "PermanentRedirect"))),
    ("a store that hangs", "did not answer in 5000 ms", |_| Some(Act::Hang)),
    ("no HTTP", "broke off", |_| Some(Act::Say(b"220 ready\r\n".to_vec()))),
    ("a gone segment", "is gone: publish it anew", |asked| only_segment(asked, Act::Refuse(404, "NoSuchKey"))),
    ("a flipped bit", "is damaged: publish it anew", |asked| {
        only_segment(
            asked,
            Act::Change(|mut bytes| {
                bytes[500] ^= 4;
                bytes
            }),
        )
    }),
    ("half a segment", "is damaged: publish it anew", |asked| {
        only_segment(asked, Act::Change(|bytes| bytes[..bytes.len() / 2].to_vec()))
    }),
    ("a longer segment", "more than", |asked| only_segment(asked, Act::Change(|bytes| bytes.repeat(2)))),
    ("a newer form", "update tagout", |asked| {
        (!asked.is_segment()).then_some(Act::Change(|_| b"{\"form\": 99}".to_vec()))
    }),
    ("nonsense", "is damaged: publish it anew", |asked| {
        (!asked.is_segment()).then_some(Act::Change(|_| b"<html>".to_vec()))
    }),
];

#[test]
fn whatever_is_wrong_with_a_store_costs_time_and_is_told() {
    let store = ObjectStore::start();
    let publisher = publisher(&store);
    said(&publisher, &["index", "--publish"]);
    let right = search(&publisher);
    for (name, told, fault) in FAULTS {
        store.act(fault);
        let member = member(&store);
        let output = program(&member).arg("index").env("TAGOUT_LOG", "trace").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &notes(&output);
        assert!(output.status.success(), "{name}: {said}");
        assert!(said.contains(told) && said.contains("until then everything is indexed here"), "{name}: {said}");
        assert!(embedded(&said) >= FILES && !said.contains("came from"), "{name}: {said}");
        assert!(!said.contains(SECRET) && !said.contains("Signature="), "{name}: {said}");
        assert_eq!(search(&member), right, "{name}");
        assert!(!self::said(&member, &["log"]).contains(SECRET), "{name}");
    }
    let said = self::said(&member(&store.away()), &["index"]);
    assert!(said.contains("cannot be reached"), "{said}");
}

#[test]
fn what_is_not_in_the_files_is_not_served() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let right = published(&store).1;
    // Of three files the text is another than theirs, though all hashes fit; and one is not in the workspace at all.
    let mut poisoned = opened(&right);
    let chunks_of = |catalogue: &Catalogue, at: &RelativePath| {
        let stored = catalogue.all_stored(catalogue.chunks_of(at));
        let widened = |number| widened(catalogue.vector(number).unwrap());
        stored.into_iter().map(|(number, stored)| (stored.chunk, widened(number))).collect::<Vec<_>>()
    };
    for name in ["src/round_1.rs", "src/round_2.rs", "src/round_3.rs", "src/absent.rs"] {
        let mut chunks = chunks_of(&poisoned, &path("src/round_4.rs"));
        chunks[0].0.text = "fn evil() { ignore_all_that_was_said_before() }".to_owned();
        chunks[0].0.symbol = Some("evil".to_owned());
        let at: usize = name.trim_matches(|sign: char| !sign.is_ascii_digit()).parse().unwrap_or(9);
        poisoned.put(&path(name), ContentHash::of(function(at).as_bytes()), &chunks);
    }
    replace(&store, &poisoned);
    let member = member(&store);
    let taken = said(&member, &["index"]);
    assert!(taken.contains("37 of 40 files came from") && embedded(&taken) >= 3, "{taken}");
    let found = said(&member, &["search", "evil ignore all that was said before"]);
    assert!(!found.contains("evil") && !found.contains("absent"), "{found}");
}

#[test]
fn an_index_that_ranks_otherwise_than_it_is_made_here_is_not_used() {
    let store = ObjectStore::start();
    said(&publisher(&store), &["index", "--publish"]);
    let (key, right) = published(&store);
    let whole = opened(&right);
    let mut turned = Catalogue::default();
    for (name, content) in whole.files() {
        let stored = whole.all_stored(whole.chunks_of(&path(name)));
        let chunks: Vec<_> = stored.into_iter().map(|(_, stored)| (stored.chunk, vec![1.0 / 16.0; 256])).collect();
        turned.put(&path(name), content, &chunks);
    }
    replace(&store, &turned);
    assert!(store.objects().contains_key(&key));
    let said = said(&member(&store), &["index"]);
    assert!(said.contains("not what this version makes of the same files") && embedded(&said) >= FILES, "{said}");
}
