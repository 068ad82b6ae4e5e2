//! Two editors, a batch and the command line at once over one workspace: each finds what the others saved, whichever of
//! them writes the index, and in the end it is the index that one of them alone would have made.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::batch::{batch, code, place, plan};
use crate::client::Client;
use crate::index_trials::rows;
use crate::place::{Place, notes, tagout};

const ROUNDS: usize = 4;

/// Saves a file, as the editor behind `client` would.
fn save(place: &Place, client: &mut Client, file: &str, name: &str) {
    let is_new = !place.work().join(file).exists();
    place.write(file, format!("/// Saved as {name}.\npub fn {name}() {{\n    old(1);\n}}\n"));
    let change = json!([{"uri": place.uri(file), "type": if is_new { 1 } else { 2 }}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": change}));
}

/// Whether no symbol has this name, now or after a while.
fn forgets_symbol(client: &mut Client, name: &str) -> bool {
    (0..100).any(|_| {
        let answer = client.call("workspace/symbol", json!({"query": name}));
        let symbols = answer["result"].as_array().cloned().unwrap_or_default();
        client.listen(Duration::from_millis(100));
        symbols.iter().all(|symbol| symbol["name"] != name)
    })
}

/// A batch that renames a function in each round, and looks at the index in between.
fn batches(place: &Place) {
    for round in 0..ROUNDS {
        let (find, replace) = (format!("batched_{round}\\b"), format!("batched_{}", round + 1));
        let item = json!({"id": replace, "regex": {"find": find, "replace": replace}, "apply": "all"});
        let output = batch(place, plan(&[item]), &[]);
        assert_eq!(code(&output), 0, "{}", notes(&output));
        let index = tagout(place, &["index"]);
        assert!(index.status.success(), "{}", notes(&index));
    }
}

fn leave(mut client: Client) {
    client.call("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert!(client.ends(Duration::from_secs(60)).is_some(), "it hangs at the end");
}

/// The one index in a cache folder.
fn index_in(cache: &Path) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(cache.join("index")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn two_editors_and_a_batch_at_once_find_what_the_others_saved() {
    let place = place(20);
    place.write("src/batched.rs", "pub fn batched_0() {}\n");
    let (mut one, mut two) = (place.open(), place.open());
    assert!(one.finds_symbol("f7") && two.finds_symbol("f7"));
    std::thread::scope(|scope| {
        scope.spawn(|| batches(&place));
        for round in 0..ROUNDS {
            save(&place, &mut one, &format!("src/one/s{round}.rs"), &format!("by_one_{round}"));
            save(&place, &mut two, &format!("src/two/s{round}.rs"), &format!("by_two_{round}"));
            // One file that both write, and the later one has.
            save(&place, &mut one, "src/both.rs", &format!("first_{round}"));
            save(&place, &mut two, "src/both.rs", &format!("second_{round}"));
            assert!(two.finds_symbol(&format!("by_one_{round}")) && one.finds_symbol(&format!("by_two_{round}")));
        }
    });
    let last = ROUNDS - 1;
    for client in [&mut one, &mut two] {
        for name in
            [format!("by_one_{last}"), format!("by_two_{last}"), format!("second_{last}"), format!("batched_{ROUNDS}")]
        {
            assert!(client.finds_symbol(&name), "{name}");
        }
        for name in [format!("first_{last}"), format!("batched_{last}"), "second_0".to_owned()] {
            assert!(forgets_symbol(client, &name), "{name}");
        }
    }
    // Whoever wrote goes, the other goes on.
    leave(one);
    save(&place, &mut two, "src/alone.rs", "left_alone");
    assert!(two.finds_symbol("left_alone"));
    leave(two);
    assert!(tagout(&place, &["index"]).status.success());
    let fresh = tempfile::tempdir().unwrap();
    let index = place.program().arg("index").env("TAGOUT_CACHE_DIR", fresh.path()).output().unwrap();
    assert!(index.status.success(), "{}", notes(&index));
    let shared = rows(&index_in(&place.home().join(".cache/tagout")));
    assert_eq!(shared, rows(&index_in(fresh.path())));
    assert!(shared.len() > 20 + 2 * ROUNDS, "{}", shared.len());
}
