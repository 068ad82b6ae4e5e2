//! Changesets taken back and applied over files that others wrote to meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::place::{Place, configure, notes, says, tagout};
use crate::sandbox::bench;

const TEXT: &str = "fn a() {\n    one(1);\n\n\n    two(2);\n\n\n    three(3);\n}\n";

fn read(place: &Place, path: &str) -> String {
    fs::read_to_string(place.work().join(path)).unwrap()
}

/// Proposes a rewrite, and says its name.
fn rewrite(place: &Place, pattern: &str, to: &str) -> String {
    let proposed = tagout(place, &["rewrite", "--lang", "rust", "--pattern", pattern, "--to", to]);
    let notes = notes(&proposed);
    let (_, rest) = notes.split_once("changeset ").unwrap();
    rest.split(':').next().unwrap().to_owned()
}

fn place() -> Place {
    let place = Place::new();
    place.write("a.rs", TEXT);
    says(&place, &["mode", "workspace-write"]);
    place
}

#[test]
fn what_was_applied_is_taken_back_in_any_order_beside_what_was_written_since() {
    let place = place();
    let [one, two, three] = ["one", "two", "three"].map(|name| {
        let id = rewrite(&place, &format!("{name}($A)"), &format!("{name}{name}($A)"));
        says(&place, &["apply", &id]);
        place.write("a.rs", format!("// after {name}\n{}", read(&place, "a.rs")));
        id
    });
    let mine = "// after three\n// after two\n// after one\n";
    says(&place, &["undo", &two]);
    assert_eq!(read(&place, "a.rs"), format!("{mine}{}", TEXT.replace("one", "oneone").replace("three", "threethree")));
    says(&place, &["undo", &one]);
    says(&place, &["undo", &three]);
    assert_eq!(read(&place, "a.rs"), format!("{mine}{TEXT}"));
    assert_eq!(tagout(&place, &["undo"]).status.code(), Some(1), "there is nothing more");
}

#[test]
fn what_changed_since_is_not_taken_back_over() {
    let place = place();
    place.write("b.rs", "fn b() { one(2); }\n");
    let id = rewrite(&place, "one($A)", "uno($A)");
    says(&place, &["apply", &id]);
    let mine = read(&place, "a.rs").replace("uno(1)", "uno(7)");
    place.write("a.rs", &mine);
    let refused = tagout(&place, &["undo"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(notes(&refused).contains("changed since, so nothing is written: a.rs: line 2"), "{}", notes(&refused));
    assert_eq!((read(&place, "a.rs"), read(&place, "b.rs")), (mine, "fn b() { uno(2); }\n".to_owned()));
    place.write("a.rs", read(&place, "a.rs").replace("uno(7)", "uno(1)"));
    says(&place, &["undo"]);
    assert_eq!((read(&place, "a.rs"), read(&place, "b.rs")), (TEXT.to_owned(), "fn b() { one(2); }\n".to_owned()));
}

#[test]
fn a_proposal_is_applied_over_what_was_written_meanwhile_or_not_at_all() {
    let place = place();
    place.write("b.rs", "fn b() { one(2); }\n");
    let id = rewrite(&place, "one($A)", "uno($A)");
    place.write("a.rs", TEXT.replace("one(1)", "one(10)"));
    let refused = tagout(&place, &["apply", &id]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(notes(&refused).contains("nothing is written: a.rs: line 2 changed since"), "{}", notes(&refused));
    assert_eq!(read(&place, "b.rs"), "fn b() { one(2); }\n");
    place.write("a.rs", format!("{TEXT}// mine\n"));
    says(&place, &["apply", &id]);
    assert_eq!(read(&place, "a.rs"), format!("{}// mine\n", TEXT.replace("one", "uno")));
    let again = tagout(&place, &["apply", &id]);
    assert!(again.status.success() && notes(&again).contains("already applied"), "{}", notes(&again));
}

#[test]
fn the_history_tells_what_became_of_everything_latest_first() {
    let place = place();
    let [one, two, three] = ["one", "two", "three"].map(|name| rewrite(&place, &format!("{name}($A)"), "done($A)"));
    says(&place, &["apply", &one]);
    says(&place, &["apply", &two]);
    says(&place, &["undo", &one]);
    let listed = says(&place, &["changes", "--all"]);
    // What was applied at once is the proposal itself; over what another one left it is a part of its own.
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let states: Vec<&str> = words.iter().map(|words| words[1]).collect();
    assert_eq!(states, ["undone", "settled", "applied", "waits"], "{listed}");
    assert_eq!([words[0][0], words[1][0], words[3][0]], [&one, &two, &three], "{listed}");
    assert!(listed.lines().nth(2).unwrap().ends_with(&format!("(1 file, 1 hunk, +1 -1)  of {two}")), "{listed}");
    assert!(listed.lines().all(|line| line.contains("Z  rewrite rust: ")), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&says(&place, &["changes", "--all", "--json"])).unwrap();
    let told = |at: usize, name: &str| json[at][name].as_str().unwrap().to_owned();
    assert_eq!((told(0, "id"), told(0, "state"), told(2, "proposal")), (one.clone(), "undone".into(), two));
    assert_eq!((json.as_array().unwrap().len(), &json[3]["figures"]["added"]), (4, &1.into()));
    let present: serde_json::Value = serde_json::from_str(&says(&place, &["changes", "--json"])).unwrap();
    assert_eq!(present.as_array().unwrap().len(), 2, "what waits, and what can be undone");
    assert!(!says(&place, &["changes"]).contains(&one));
}

#[test]
fn what_is_not_kept_any_more_says_why_and_what_is_damaged_says_so() {
    let place = place();
    let one = rewrite(&place, "one($A)", "uno($A)");
    says(&place, &["apply", &one]);
    let database = rusqlite::Connection::open(place.home().join(".state/tagout/tagout.sqlite")).unwrap();
    database.execute_batch("UPDATE shelf SET at_ms = 0; UPDATE shelf_care SET pruned_ms = 0").unwrap();
    // A workspace has no say in it, and what the user's file means is not known.
    place.write(".tagout.toml", "[history]\nkeep_days = 1\n");
    place.trust();
    configure(&place, "[history]\nkeep_days = \"x\"\n");
    let two = rewrite(&place, "two($A)", "dos($A)");
    assert!(says(&place, &["changes"]).contains(&one), "nothing is removed in doubt");
    configure(&place, "[history]\nkeep_days = 7\n");
    database.execute_batch("UPDATE shelf_care SET pruned_ms = 0").unwrap();
    says(&place, &["apply", &two]);
    let refused = tagout(&place, &["undo", &one]);
    assert_eq!(refused.status.code(), Some(1));
    let why = format!("changeset {one} is not kept any more, and cannot be undone: nothing happened to it for 7 days");
    assert!(
        notes(&refused).contains(&why) && notes(&refused).contains("raise history.keep_days"),
        "{}",
        notes(&refused)
    );
    let before = read(&place, "a.rs");
    database.execute_batch("UPDATE blob SET content = CAST('other' AS BLOB), packed = 0").unwrap();
    let refused = tagout(&place, &["undo", &two]);
    assert!(!refused.status.success() && notes(&refused).contains("is damaged"), "{}", notes(&refused));
    assert_eq!(read(&place, "a.rs"), before);
}

#[test]
fn what_a_command_wrote_is_taken_back_too() {
    if bench(&[]).is_none() {
        return;
    }
    let place = place();
    let permit = |path: &str| fs::set_permissions(place.work().join(path), fs::Permissions::from_mode(0o600)).unwrap();
    let mode = |path: &str| fs::metadata(place.work().join(path)).unwrap().permissions().mode() & 0o777;
    place.write("b", [0, 1, 2]);
    place.write("c", "a line\n".repeat(50));
    permit("b");
    permit("c");
    let script = "echo new > n; rm b; mv c d; ln -s a.rs l; chmod +x a.rs; echo '// more' >> a.rs";
    let ran = tagout(&place, &["run", "--apply", "--", "sh", "-c", script]);
    assert!(ran.status.success(), "{}", notes(&ran));
    place.write("a.rs", format!("// mine\n{}", read(&place, "a.rs")));
    assert_eq!(mode("d"), 0o600, "what is renamed is no more open than it was");
    assert!(!place.work().join("b").exists() && place.work().join("l").is_symlink());
    says(&place, &["undo"]);
    assert_eq!(read(&place, "a.rs"), format!("// mine\n{TEXT}"));
    assert_eq!(fs::read(place.work().join("b")).unwrap(), [0, 1, 2]);
    assert_eq!((mode("b"), mode("c")), (0o600, 0o600));
    assert!(!place.work().join("l").is_symlink() && !place.work().join("n").exists());
}

/// Runs the program and ends it as soon as `a.rs` holds `text`; whether nobody had recorded its end by then.
fn cut_short(place: &Place, arguments: &[&str], text: &str) -> bool {
    let mut command = place.program();
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while read(place, "a.rs") != text {
        let ended = child.try_wait().unwrap().is_some();
        assert!(!ended || read(place, "a.rs") == text, "{arguments:?} wrote nothing");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let told = tagout(place, &["run", "--", "true"]);
    notes(&told).contains("the files are written")
}

#[test]
fn what_was_written_and_not_recorded_when_it_was_killed_can_be_undone_and_is_undone_once() {
    let place = place();
    let new = TEXT.replace("one", "uno");
    let (mut applying, mut undoing) = (0, 0);
    for round in 0..60 {
        let id = rewrite(&place, "one($A)", "uno($A)");
        applying += usize::from(cut_short(&place, &["apply", &id], &new));
        assert!(says(&place, &["changes"]).contains(&format!("{id}  applied")), "{round}");
        undoing += usize::from(cut_short(&place, &["undo", &id], TEXT));
        let again = tagout(&place, &["undo"]);
        assert_eq!(again.status.code(), Some(1), "{round}: nothing is left to take back: {}", notes(&again));
        if applying > 2 && undoing > 2 {
            return;
        }
    }
    panic!("never killed in time: {applying} times when it was applied, {undoing} times when it was undone");
}

#[test]
fn what_was_taken_back_by_hand_counts_as_undone() {
    let place = place();
    let id = rewrite(&place, "one($A)", "uno($A)");
    says(&place, &["apply", &id]);
    place.write("a.rs", format!("// mine\n{TEXT}"));
    let undone = tagout(&place, &["undo", &id]);
    assert!(undone.status.success() && notes(&undone).contains("it counts as undone"), "{}", notes(&undone));
    assert_eq!(read(&place, "a.rs"), format!("// mine\n{TEXT}"));
    assert_eq!(tagout(&place, &["undo", &id]).status.code(), Some(1));
}
