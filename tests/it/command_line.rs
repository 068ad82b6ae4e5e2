//! The command line as people and scripts use it: the real program, in a folder and a home of its own.

use std::process::Output;

use serde_json::Value;

use crate::place::{Place, notes, question, says, tagout};

const TWO: &str =
    "fn first() -> u32 {\n    value().unwrap_or(0)\n}\n\nfn second() -> u32 {\n    other().unwrap_or(0)\n}\n";

fn read(place: &Place, path: &str) -> String {
    std::fs::read_to_string(place.work().join(path)).expect("a file")
}

fn found(place: &Place, query: &str) -> Vec<(String, String)> {
    let output = tagout(place, &["search", "--json", query]);
    let answers: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |answer: &Value, key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    answers.as_array().expect("an array").iter().map(|answer| (text(answer, "path"), text(answer, "symbol"))).collect()
}

fn changeset(output: &Output) -> String {
    let notes = notes(output);
    let (_, rest) = notes.split_once("changeset ").unwrap_or_else(|| panic!("no changeset in {notes}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn a_second_run_embeds_nothing_and_a_changed_file_only_its_changed_chunk() {
    let place = Place::new();
    place.write("src/lib.rs", TWO);
    assert!(says(&place, &["index"]).contains("1 files indexed; 1 read, 0 removed; 2 chunks embedded, 0 reused"));
    assert!(says(&place, &["index"]).contains("0 read, 0 removed; 0 chunks embedded, 0 reused"));
    place.write("src/lib.rs", TWO.replace("other()", "changed()"));
    assert!(says(&place, &["index"]).contains("1 read, 0 removed; 1 chunks embedded, 1 reused"));
}

#[test]
fn renamed_and_deleted_files_leave_nothing_behind() {
    let place = Place::new();
    place.write("old.rs", "fn wandering() {}\n");
    place.write("gone.rs", "fn vanishing() {}\n");
    assert!(found(&place, "wandering").contains(&("old.rs".into(), "wandering".into())));
    std::fs::rename(place.work().join("old.rs"), place.work().join("new.rs")).expect("a rename");
    std::fs::remove_file(place.work().join("gone.rs")).expect("a deletion");
    assert_eq!(found(&place, "wandering").first(), Some(&("new.rs".into(), "wandering".into())));
    assert!(found(&place, "vanishing").iter().all(|(path, _)| path == "new.rs"));
}

#[test]
fn what_is_not_indexed_is_counted_by_reason() {
    let place = Place::new();
    place.write(".gitignore", "secret/\n");
    place.write("secret/key.rs", "fn hidden_from_search() {}\n");
    place.write("picture.bin", b"\x00\x01\x02\x03");
    place.write("big.txt", "word ".repeat(400_000));
    place.write("a.rs", "fn seen() {}\n");
    let said = says(&place, &["index"]);
    assert!(said.contains("1 too large") && said.contains("1 binary or generated"), "{said}");
    assert!(found(&place, "hidden_from_search").iter().all(|(path, _)| !path.starts_with("secret")));
}

#[test]
fn a_question_in_plain_words_finds_code() {
    let place = Place::new();
    place.write(
        "src/retry.rs",
        "/// Waits longer after each failure.\nfn backoff_delay(attempt: u32) -> u64 {\n    1 << attempt\n}\n",
    );
    place.write("src/other.rs", "fn parse_header(line: &str) {}\nfn open_socket() {}\n");
    let answers = found(&place, "how long to wait after a failed attempt");
    assert_eq!(answers.first(), Some(&("src/retry.rs".into(), "backoff_delay".into())), "{answers:?}");
}

#[test]
fn a_damaged_index_is_told_and_built_again() {
    let place = Place::new();
    place.write("a.rs", "fn survivor() {}\n");
    says(&place, &["index"]);
    let cache = place.home().join(".cache/tagout/index");
    let mut folders = vec![cache];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { std::fs::write(path, b"damage").expect("a file") }
        }
    }
    let output = tagout(&place, &["index"]);
    assert!(output.status.success() && !notes(&output).is_empty(), "it says so: {}", notes(&output));
    assert!(found(&place, "survivor").contains(&("a.rs".into(), "survivor".into())));
}

#[test]
fn a_rewrite_is_a_diff_until_it_is_applied_and_can_be_undone() {
    let place = Place::new();
    place.write("src/lib.rs", TWO);
    let rewrite = ["rewrite", "--pattern", "$A.unwrap_or(0)", "--to", "$A.unwrap_or_default()", "--lang", "rust"];
    let output = tagout(&place, &rewrite);
    let diff = String::from_utf8(output.stdout.clone()).expect("text");
    assert!(diff.contains("-    value().unwrap_or(0)\n+    value().unwrap_or_default()\n"), "{diff}");
    assert_eq!(read(&place, "src/lib.rs"), TWO);
    let id = changeset(&output);
    let denied = tagout(&place, &["apply", &id]);
    assert_eq!(denied.status.code(), Some(3), "{}", notes(&denied));
    assert!(notes(&denied).contains("read-only-writes-nothing"), "{}", notes(&denied));
    says(&place, &["mode", "workspace-write"]);
    says(&place, &["apply", &id]);
    assert_eq!(read(&place, "src/lib.rs"), TWO.replace("unwrap_or(0)", "unwrap_or_default()"));
    says(&place, &["undo"]);
    assert_eq!(read(&place, "src/lib.rs"), TWO);
    assert_eq!(tagout(&place, &["undo"]).status.code(), Some(1), "there is nothing more to undo");
}

#[test]
fn a_changeset_over_changed_content_is_refused() {
    let place = Place::new();
    place.write("a.rs", "fn a() { x().unwrap_or(0); }\n");
    says(&place, &["mode", "workspace-write"]);
    let output = tagout(&place, &["rewrite", "--pattern", "$A.unwrap_or(0)", "--to", "$A.max(0)", "--lang", "rust"]);
    place.write("a.rs", "fn a() { x().unwrap_or(0); } // mine\n");
    let refused = tagout(&place, &["apply", &changeset(&output)]);
    assert_eq!(refused.status.code(), Some(1), "{}", notes(&refused));
    assert_eq!(read(&place, "a.rs"), "fn a() { x().unwrap_or(0); } // mine\n");
}

#[test]
fn line_ends_and_marks_stay_as_they_are() {
    let place = Place::new();
    place.write("a.py", "\u{feff}print(1)\r\nother()\r\nprint('😀')");
    says(&place, &["mode", "workspace-write"]);
    says(&place, &["rewrite", "--pattern", "print($A)", "--to", "log($A)", "--lang", "python", "--apply"]);
    assert_eq!(read(&place, "a.py"), "\u{feff}log(1)\r\nother()\r\nlog('😀')");
}

#[test]
fn a_command_is_captured_and_its_exit_code_is_its_own() {
    let place = Place::new();
    place.write("notes.txt", "one\n");
    says(&place, &["mode", "workspace-write"]);
    let output = tagout(&place, &["run", "--", "sh", "-c", "echo two >> notes.txt; echo said; exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{}", notes(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "said\n");
    assert_eq!(read(&place, "notes.txt"), "one\n");
    says(&place, &["apply", &changeset(&output)]);
    assert_eq!(read(&place, "notes.txt"), "one\ntwo\n");
}

#[test]
fn a_host_command_needs_the_mode_and_an_approval_of_exactly_it() {
    let place = Place::new();
    let command = ["run", "--host", "--", "touch", "made"];
    assert_eq!(tagout(&place, &command).status.code(), Some(3), "read-only");
    says(&place, &["mode", "unrestricted"]);
    let asked = tagout(&place, &command);
    let hash = question(&asked);
    assert!(!place.work().join("made").exists());
    let other = ["run", "--host", "--approve", &hash, "--", "touch", "other"];
    assert_eq!(tagout(&place, &other).status.code(), Some(1), "approved was something else");
    assert!(!place.work().join("other").exists());
    says(&place, &["run", "--host", "--approve", &hash, "--", "touch", "made"]);
    assert!(place.work().join("made").exists());
}

#[test]
fn what_runs_later_is_asked_about_once_more() {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    let run = tagout(&place, &["run", "--", "sh", "-c", "echo 'all: ; evil' > Makefile"]);
    let id = changeset(&run);
    let asked = tagout(&place, &["apply", &id]);
    assert_eq!(asked.status.code(), Some(3), "{}", notes(&asked));
    assert!(notes(&asked).contains("runs-later-needs-consent") && !place.work().join("Makefile").exists());
    says(&place, &["apply", &id, "--approve", &question(&asked)]);
    assert!(place.work().join("Makefile").exists());
}

/// The commands that approve what waits, by the file that each is for.
fn approvals(output: &Output) -> Vec<(String, Vec<String>)> {
    let notes = notes(output);
    let lines: Vec<&str> = notes.lines().collect();
    let asked = lines.windows(2).filter_map(|pair| {
        let file = pair[0].strip_prefix("tagout: write ")?.split(':').next()?.to_owned();
        let command = pair[1].trim().strip_prefix("to approve exactly this: tagout ")?;
        Some((file, command.split(' ').map(str::to_owned).collect()))
    });
    asked.collect()
}

#[test]
fn each_file_that_runs_later_waits_for_a_consent_of_its_own() {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    let script = "echo a > plain; echo 'all: ; evil' > Makefile; echo 'export A=1' > .envrc";
    let run = tagout(&place, &["run", "--", "sh", "-c", script]);
    let id = changeset(&run);
    let exists = |path: &str| place.work().join(path).exists();
    let shown = says(&place, &["show", &id]);
    assert!(shown.contains("# b/.envrc runs later: a shell or tool loads it on entry\ndiff --git a/.envrc"), "{shown}");
    assert!(shown.contains("# b/Makefile runs later: a build or package tool runs it\n"), "{shown}");
    assert!(!shown.contains("# b/plain"), "{shown}");

    let asked = tagout(&place, &["apply", &id]);
    assert_eq!(asked.status.code(), Some(3), "{}", notes(&asked));
    assert_eq!((exists("plain"), exists("Makefile"), exists(".envrc")), (true, false, false));
    let waiting = approvals(&asked);
    assert_eq!(waiting.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>(), [".envrc", "Makefile"]);
    assert!(says(&place, &["changes"]).contains("(2 files"), "{}", says(&place, &["changes"]));

    let approve = |command: &[String]| {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        tagout(&place, &command)
    };
    let wrong = tagout(&place, &["apply", &id, "--approve", "000000000000"]);
    assert_eq!(wrong.status.code(), Some(1), "{}", notes(&wrong));
    let one = approve(&waiting[1].1);
    assert_eq!((one.status.code(), exists("Makefile"), exists(".envrc")), (Some(3), true, false), "{}", notes(&one));
    let other = approve(&waiting[0].1);
    assert_eq!((other.status.code(), exists(".envrc")), (Some(0), true), "{}", notes(&other));
    assert!(notes(&tagout(&place, &["apply", &id])).contains("already applied"));
    assert!(!says(&place, &["changes"]).contains("waits"));

    // What was taken in piece by piece goes as one, and asks again for what runs later.
    let undone = tagout(&place, &["undo"]);
    assert_eq!((undone.status.code(), exists("plain"), exists("Makefile")), (Some(3), false, true));
    for (_, command) in approvals(&undone) {
        approve(&command);
    }
    assert_eq!((exists("Makefile"), exists(".envrc")), (false, false));
}

#[test]
fn a_diff_with_flags_is_still_one_that_git_takes() {
    let place = Place::new();
    place.write("Makefile", "all:\n\ttrue\n");
    place.write("b", "1");
    says(&place, &["mode", "workspace-write"]);
    let run = tagout(&place, &["run", "--", "sh", "-c", "echo x > .envrc; echo 2 > b; echo all: > Makefile"]);
    let diff = says(&place, &["show", &changeset(&run)]);
    let file = place.work().parent().expect("a parent").join("change.diff");
    std::fs::write(&file, &diff).expect("a file");
    let git =
        std::process::Command::new("git").arg("apply").arg(&file).current_dir(place.work()).output().expect("git");
    assert!(git.status.success(), "{}\n{diff}", String::from_utf8_lossy(&git.stderr));
    assert_eq!(
        (read(&place, ".envrc"), read(&place, "b"), read(&place, "Makefile")),
        ("x\n".into(), "2\n".into(), "all:\n".into())
    );
}

#[test]
fn a_workspace_can_narrow_its_mode_and_never_raise_it() {
    let place = Place::new();
    place.write(".tagout.toml", "max_mode = \"read-only\"\n");
    place.trust();
    assert_eq!(tagout(&place, &["mode", "workspace-write"]).status.code(), Some(3));
    assert_eq!(says(&place, &["mode"]), "read-only\n");
    place.write(".tagout.toml", "max_mode = \"unrestricted\"\n");
    place.trust();
    assert_eq!(says(&place, &["mode"]), "read-only\n");
    place.write(".tagout.toml", "this is not toml");
    place.trust();
    assert_eq!(tagout(&place, &["mode", "workspace-write"]).status.code(), Some(3), "in doubt the narrowest");
}

#[test]
fn nothing_runs_while_it_is_not_known_what_is_hidden() {
    let place = Place::new();
    place.write("private", "SECRET\n");
    for wrong in ["run.hidden = \"private\"\n", "[run]\nhidden = [\"private\""] {
        place.write(".tagout.toml", wrong);
        place.trust();
        let output = tagout(&place, &["run", "--", "cat", "private"]);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), b"".as_slice()), "{}", notes(&output));
        assert!(notes(&output).contains("nothing was run: mend .tagout.toml"), "{}", notes(&output));
        let doctor = tagout(&place, &["doctor"]);
        let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(told.contains("\nsettings: .tagout.toml:") && doctor.status.code() == Some(1), "{told}");
    }
    place.write(".tagout.toml", "run.processes = \"few\"\n");
    place.trust();
    let output = tagout(&place, &["run", "--", "cat", "private"]);
    assert!(notes(&output).contains("tagout: .tagout.toml:1: run.processes is"), "{}", notes(&output));
}

#[test]
fn an_output_that_is_not_kept_does_not_keep_changes_from_being_applied() {
    let place = Place::new();
    place.write(".gitignore", "out/\n");
    place.write("out/host", "");
    says(&place, &["mode", "workspace-write"]);
    let script = "echo x > out/y; echo 2 > b; sleep 2";
    let program = place.program().args(["run", "--apply", "--", "sh", "-c", script]).spawn();
    let mut program = program.expect("the program starts");
    // Whenever it begins, the host's outputs change after that.
    let ended = (0..300).find_map(|round| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        place.write("out/later", format!("{round}"));
        program.try_wait().expect("a child")
    });
    assert_eq!((ended.expect("an end").code(), read(&place, "b").as_str()), (Some(0), "2\n"));
    // A change that waits for a consent is said by the exit code.
    let output = tagout(&place, &["run", "--apply", "--", "sh", "-c", "echo 3 > b; echo all: > Makefile"]);
    assert_eq!((output.status.code(), read(&place, "b").as_str()), (Some(3), "3\n"), "{}", notes(&output));
    // One that is refused holds the others back.
    let output = tagout(&place, &["run", "--apply", "--", "sh", "-c", "echo 4 > b; mkfifo pipe"]);
    assert_eq!(read(&place, "b"), "3\n", "{}", notes(&output));
}

#[test]
fn every_action_is_in_the_log_with_its_rule() {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    tagout(&place, &["run", "--", "true"]);
    let log: Value = serde_json::from_str(&says(&place, &["log", "--json"])).expect("JSON");
    let entries = log.as_array().expect("an array");
    let rule = |entry: &Value| entry["verdict"]["because"][0]["rule"].as_str().unwrap_or_default().to_owned();
    let rules: Vec<String> = entries.iter().map(rule).collect();
    let (administered, ran) = (["user-administers"; 4], ["sandbox-contains-command"; 2]);
    assert_eq!(rules, [administered.as_slice(), &ran].concat());
    assert!(entries.iter().all(|entry| entry["verdict"]["because"][0]["file"] == "src/policy/builtin.rs"));
    assert!(entries.iter().filter(|entry| entry["phase"] == "Ended").all(|entry| entry["of"].is_u64()), "{entries:?}");
    assert!(says(&place, &["log"]).contains("exit code 0"));
}

#[test]
fn without_a_ledger_nothing_happens() {
    let place = Place::new();
    says(&place, &["mode", "workspace-write"]);
    let state = place.home().join(".state/tagout");
    std::fs::remove_dir_all(&state).expect("a deletion");
    std::fs::write(&state, "not a folder").expect("a file");
    let output = tagout(&place, &["run", "--", "touch", "made"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(!notes(&output).is_empty() && !place.work().join("made").exists());
}

#[test]
fn wrong_requests_say_what_to_do() {
    let place = Place::new();
    place.write("a.rs", "fn a() {}\n");
    let fails = |arguments: &[&str], code: i32, text: &str| {
        let output = tagout(&place, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", notes(&output));
        assert!(notes(&output).contains(text), "{arguments:?}: {}", notes(&output));
    };
    fails(&["index", "nowhere"], 1, "nowhere");
    fails(&["rewrite", "--pattern", "$A", "--to", "$B", "--lang", "klingon"], 2, "use one of rust");
    fails(&["rewrite", "--pattern", "fn (", "--to", "x", "--lang", "rust"], 2, "tagout: ");
    fails(&["apply", "0000000000"], 1, "no changeset");
    fails(&["mode", "root"], 2, "read-only");
    fails(&["search"], 2, "QUERY");
}
