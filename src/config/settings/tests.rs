//! Tests of how sources are laid over each other.

use super::resolve_accepted as resolve;
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn defaults() -> Settings {
    Settings::of_machine(24 << 30)
}

fn told(problems: &[ConfigProblem]) -> Vec<(ConfigSource, Option<usize>, &str)> {
    problems.iter().map(|problem| (problem.source, problem.line, problem.text.split(' ').next().unwrap())).collect()
}

#[test]
fn nothing_set_is_the_default_without_a_word() {
    assert_eq!(resolve(defaults(), None, None, None), (defaults(), vec![]));
    assert_eq!(resolve(defaults(), Some(""), Some("\n"), Some(&json!(null))), (defaults(), vec![]));
    assert_eq!(resolve(defaults(), None, None, Some(&json!({"tagout": {"run": {"timeout_seconds": null}}}))).1, vec![]);
}

#[test]
fn the_user_sets_and_the_others_narrow() {
    let user = "max_mode = \"workspace-write\"\n[run]\ntimeout_seconds = 3600\n[index]\nmax_file_bytes = 0x400000\n";
    let workspace = "max_mode = \"unrestricted\"\nindex.max_file_bytes = 1_000\n[run]\ntimeout_seconds = 4000\n";
    let editor = json!({"run": {"timeout_seconds": 60, "output_limit_bytes": 100_000_000}});
    let (settings, problems) = resolve(defaults(), Some(user), Some(workspace), Some(&editor));
    assert_eq!(settings.max_mode, Mode::WorkspaceWrite);
    assert_eq!(settings.index.max_file_bytes, 1000);
    assert_eq!(settings.run.timeout_seconds, 60);
    assert_eq!(settings.run.output_limit_bytes, defaults().run.output_limit_bytes);
    assert_eq!(
        told(&problems),
        [
            (ConfigSource::Workspace, Some(1), "max_mode"),
            (ConfigSource::Workspace, Some(4), "run.timeout_seconds"),
            (ConfigSource::Editor, None, "run.output_limit_bytes"),
        ]
    );
}

#[test]
fn what_has_no_meaning_is_reported_with_its_line_and_the_rest_holds() {
    let text = "colour = 1\n[run]\ntimeout_seconds = \"long\"\noutput_limit_bytes = 5\n\n[index]\nmax_file_bytes = -1\ndeeper.still = 1\n[unheard.of]\nx = 1\n";
    let (settings, problems) = resolve(defaults(), Some(text), None, Some(&json!({"run": 3, "x": {"y": []}})));
    assert_eq!(settings.run.output_limit_bytes, 5);
    assert_eq!(settings.run.timeout_seconds, defaults().run.timeout_seconds);
    let lines: Vec<_> = told(&problems);
    assert_eq!(
        lines,
        [
            (ConfigSource::User, Some(1), "colour"),
            (ConfigSource::User, Some(3), "run.timeout_seconds"),
            (ConfigSource::User, Some(7), "index.max_file_bytes"),
            (ConfigSource::User, Some(8), "index.deeper"),
            (ConfigSource::User, Some(9), "unheard.of"),
            (ConfigSource::Editor, None, "run"),
            (ConfigSource::Editor, None, "x.y"),
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_is_ignored_as_a_whole_with_the_line() {
    let (settings, problems) = resolve(defaults(), None, Some("[run]\ntimeout_seconds = 5\n= 3\n"), Some(&json!([1])));
    let hidden_unknown = problems.last().cloned();
    let run = RunSettings { sandbox: SandboxLevel::Full, hidden_unknown, ..defaults().run };
    let mut embedding = defaults().embedding;
    embedding.switch_off();
    assert_eq!(settings, Settings { max_mode: Mode::ReadOnly, run, embedding, ..defaults() });
    assert_eq!(problems[0].line, Some(3));
    assert!(problems[0].to_string().starts_with(".tagout.toml:3: "), "{}", problems[0]);
    assert_eq!(problems[1].source, ConfigSource::Editor);
}

#[test]
fn only_the_user_lowers_the_level_demanded() {
    let text = |level: &str| format!("[run]\nsandbox = \"{level}\"\n");
    let least = |user: &str, workspace: &str| {
        let (settings, problems) = resolve(defaults(), Some(&text(user)), Some(&text(workspace)), None);
        (settings.run.sandbox, problems.len())
    };
    assert_eq!(least("copy", "bubblewrap"), (SandboxLevel::Bubblewrap, 0));
    assert_eq!(least("full", "copy"), (SandboxLevel::Full, 1));
    assert_eq!(least("copy", "none"), (SandboxLevel::Full, 1));
    assert_eq!(resolve(defaults(), Some("run.sandbox = 1"), None, None).0.run.sandbox, SandboxLevel::Full);
    assert_eq!(resolve(defaults(), None, Some("= 1"), None).0.run.sandbox, SandboxLevel::Full);
    assert_eq!(resolve(defaults(), None, None, None).0.run.sandbox, SandboxLevel::Copy);
}

#[test]
fn what_the_machine_sets_the_user_may_only_narrow() {
    let machine = "max_mode = \"workspace-write\"\n[run]\ntimeout_seconds = 100\nshown = [\"a\"]\nallow_hosts = [\"a.example\"]\n";
    let user = "max_mode = \"unrestricted\"\n[run]\ntimeout_seconds = 200\ncpu_seconds = 9999\nshown = [\"b\"]\n";
    let sources = Sources { machine: Some(machine), user: Some(user), ..Sources::default() };
    let (settings, problems) = super::resolve(defaults(), &sources);
    assert_eq!((settings.max_mode, settings.run.timeout_seconds), (Mode::WorkspaceWrite, 100));
    assert_eq!((settings.run.cpu_seconds, settings.run.shown), (9_999, vec!["a".to_owned()]));
    assert_eq!(problems.len(), 3);
    assert!(problems.iter().all(|problem| problem.source == ConfigSource::User), "{problems:?}");
    assert!(problems[0].text.ends_with("raise it in /etc/tagout/config.toml"), "{}", problems[0]);
    let broken = Sources { machine: Some("= 1"), user: Some(user), ..Sources::default() };
    let (settings, _) = super::resolve(defaults(), &broken);
    assert!(settings.run.hidden_unknown.is_some());
    assert_eq!(settings.max_mode, Mode::ReadOnly, "the user lifts nothing that the machine may have said");
}

#[test]
fn a_mode_in_doubt_is_the_narrowest() {
    for text in ["max_mode = \"all\"", "max_mode = 3"] {
        assert_eq!(resolve(defaults(), None, Some(text), None).0.max_mode, Mode::ReadOnly);
    }
}

#[test]
fn memory_is_an_eighth_of_the_machines_within_bounds() {
    let memory = |gibibytes: u64| Settings::of_machine(gibibytes << 30).run.memory_bytes >> 30;
    assert_eq!([0, 4, 16, 24, 32, 64, 1024].map(memory), [2, 2, 2, 3, 4, 8, 8]);
}

#[test]
fn each_limit_of_a_run_is_set_by_the_user_and_narrowed_by_the_workspace() {
    let names =
        ["timeout_seconds", "cpu_seconds", "memory_bytes", "processes", "file_bytes", "disk_bytes", "disk_files"];
    let names = names.iter().chain(&["output_limit_bytes"]);
    let text =
        |number: u64| names.clone().fold("[run]\n".to_owned(), |text, name| format!("{text}{name} = {number}\n"));
    let values = |run: &RunSettings| {
        let RunSettings { timeout_seconds, cpu_seconds, memory_bytes, processes, .. } = *run;
        let RunSettings { file_bytes, disk_bytes, disk_files, output_limit_bytes, .. } = *run;
        let first = [timeout_seconds, cpu_seconds, memory_bytes, processes];
        [first, [file_bytes, disk_bytes, disk_files, output_limit_bytes]].concat()
    };
    let (settings, problems) = resolve(defaults(), Some(&text(86_400)), None, None);
    assert_eq!((values(&settings.run), problems), (vec![86_400; 8], vec![]));
    let (settings, problems) = resolve(defaults(), Some(&text(70)), Some(&text(80)), None);
    assert_eq!((values(&settings.run), problems.len()), (vec![70; 8], 8));
    let (settings, problems) =
        resolve(defaults(), Some(&text(70)), Some(&text(0)), Some(&json!({"run": {"processes": 9}})));
    assert_eq!((settings.run.processes, settings.run.cpu_seconds, problems.len()), (9, 70, 8));
}

proptest! {
    #[test]
    fn no_workspace_file_widens_anything(text in "(max_mode = \"(read-only|workspace-write|unrestricted|x)\"\n)?\\[(run|index)\\]\n((timeout_seconds|memory_bytes|processes|output_limit_bytes|max_file_bytes) = -?[0-9]{1,12}\n){0,3}") {
        let (narrow, _) = resolve(defaults(), None, Some(&text), None);
        let wide = defaults();
        prop_assert!(narrow.max_mode <= wide.max_mode);
        prop_assert!(narrow.run.sandbox >= wide.run.sandbox);
        prop_assert!(narrow.index.max_file_bytes <= wide.index.max_file_bytes);
        prop_assert!(narrow.run.timeout_seconds <= wide.run.timeout_seconds);
        prop_assert!(narrow.run.memory_bytes <= wide.run.memory_bytes);
        prop_assert!(narrow.run.processes <= wide.run.processes);
        prop_assert!(narrow.run.output_limit_bytes <= wide.run.output_limit_bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = resolve(defaults(), Some(&text), Some(&text), None);
    }
}
