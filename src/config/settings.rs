//! The settings, their limits, and how sources are laid over each other.

use std::fmt;

use super::hosts::lay_hosts;
use super::parse::{Item, Raw, Unreadable, from_json, from_toml};
use crate::policy::{HostRule, Mode, SandboxLevel};

/// What to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSettings {
    /// Larger files are passed over, in bytes.
    pub max_file_bytes: u64,
}

/// How commands run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSettings {
    /// Longest time a command may run, in seconds of wall-clock time.
    pub timeout_seconds: u64,
    /// Longest time all its processes together may keep processors busy, in seconds.
    pub cpu_seconds: u64,
    /// Most bytes of memory of all its processes together, and of what it writes where that is kept in memory.
    pub memory_bytes: u64,
    /// Most processes and threads at a time.
    pub processes: u64,
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most bytes it may write to the workspace.
    pub disk_bytes: u64,
    /// Most files, folders and links it may write to the workspace.
    pub disk_files: u64,
    /// Most bytes of a command's output that are passed on.
    pub output_limit_bytes: u64,
    /// The weakest level of the sandbox that a command may run at; the strongest one there is is always taken.
    pub sandbox: SandboxLevel,
    /// Hosts that a command which asks for them reaches without a question.
    pub allow_hosts: Vec<HostRule>,
    /// Hosts that may be at private addresses, at whichever port.
    pub private_hosts: Vec<HostRule>,
}

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The highest mode a workspace may be in; a mode above it counts as this one.
    pub max_mode: Mode,
    /// What to index.
    pub index: IndexSettings,
    /// How commands run.
    pub run: RunSettings,
}

/// Most bytes that any limit may be set to: what no machine has.
const MOST_BYTES: u64 = 1 << 50;
/// Least memory that a command may use when nothing else is set, in bytes.
const LEAST_MEMORY: u64 = 2 << 30;
/// Most memory that a command may use when nothing else is set, in bytes.
const MOST_MEMORY: u64 = 8 << 30;

impl Settings {
    /// What holds where nothing is set, on a machine with so many bytes of memory.
    #[must_use]
    pub fn of_machine(memory: u64) -> Self {
        let run = RunSettings {
            timeout_seconds: 600,
            cpu_seconds: 3_600,
            memory_bytes: (memory / 8).clamp(LEAST_MEMORY, MOST_MEMORY),
            processes: 1_024,
            file_bytes: 4 << 30,
            disk_bytes: 20 << 30,
            disk_files: 400_000,
            output_limit_bytes: 8 << 20,
            sandbox: SandboxLevel::Copy,
            allow_hosts: Vec::new(),
            private_hosts: Vec::new(),
        };
        Self { max_mode: Mode::Unrestricted, index: IndexSettings { max_file_bytes: 1 << 20 }, run }
    }
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigSource {
    /// `config.toml` in the user's config folder.
    User,
    /// `.tagout.toml` at the root of the workspace.
    Workspace,
    /// The editor.
    Editor,
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User => "config.toml",
            Self::Workspace => ".tagout.toml",
            Self::Editor => "editor settings",
        })
    }
}

/// A setting that was passed over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where it stands.
    pub source: ConfigSource,
    /// Line, from 1; `None` where there are no lines.
    pub line: Option<usize>,
    /// What is wrong and what holds instead.
    pub text: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.source, self.text),
            None => write!(formatter, "{}: {}", self.source, self.text),
        }
    }
}

/// Lays the sources over `defaults`. The user's file sets; then the workspace's file and the editor narrow.
/// Whatever has no meaning is passed over and reported.
#[must_use]
pub fn resolve(
    defaults: Settings,
    user: Option<&str>,
    workspace: Option<&str>,
    editor: Option<&serde_json::Value>,
) -> (Settings, Vec<ConfigProblem>) {
    let mut layers = Layers { settings: defaults, problems: Vec::new() };
    let sources = [
        (ConfigSource::User, user.map(from_toml)),
        (ConfigSource::Workspace, workspace.map(from_toml)),
        (ConfigSource::Editor, editor.map(from_json)),
    ];
    for (source, parsed) in sources {
        match parsed {
            None => {}
            Some(Ok(items)) => items.iter().for_each(|item| layers.lay(source, item)),
            Some(Err(Unreadable { line, text })) => {
                // It may have held a limit to the mode or the hosts, or a demand: in doubt the narrowest holds.
                layers.settings.max_mode = Mode::ReadOnly;
                layers.settings.run.sandbox = SandboxLevel::Full;
                layers.settings.run.allow_hosts.clear();
                layers.settings.run.private_hosts.clear();
                layers.report(
                    source,
                    line,
                    format!(
                        "{text}; all of it is ignored, and until then the mode is read-only, no host allowed, and \
                         the sandbox has to be full"
                    ),
                );
            }
        }
    }
    // Tables keep no order of their own.
    layers.problems.sort_by_key(|problem| (problem.source, problem.line));
    (layers.settings, layers.problems)
}

struct Layers {
    settings: Settings,
    problems: Vec<ConfigProblem>,
}

impl Layers {
    fn report(&mut self, source: ConfigSource, line: Option<usize>, text: String) {
        self.problems.push(ConfigProblem { source, line, text });
    }

    fn lay(&mut self, source: ConfigSource, item: &Item) {
        let laid = match (item.name.as_str(), self.number(&item.name)) {
            ("max_mode", _) => lay_mode(&mut self.settings.max_mode, source, &item.value),
            ("run.sandbox", _) => lay_level(&mut self.settings.run.sandbox, source, &item.value),
            ("run.allow_hosts", _) => lay_hosts(&mut self.settings.run.allow_hosts, source, &item.value),
            ("run.private_hosts", _) => lay_hosts(&mut self.settings.run.private_hosts, source, &item.value),
            (_, Some((present, most))) => lay_number(present, most, source, &item.value),
            (_, None) => Err("is no setting; it is ignored".to_owned()),
        };
        if let Err(why) = laid {
            self.report(source, item.line, format!("{} {why}", item.name));
        }
    }
}

impl Layers {
    /// The setting of this name that is a number, and the most that it may be.
    fn number(&mut self, name: &str) -> Option<(&mut u64, u64)> {
        let Settings { index, run, .. } = &mut self.settings;
        Some(match name {
            "index.max_file_bytes" => (&mut index.max_file_bytes, 1 << 30),
            "run.timeout_seconds" => (&mut run.timeout_seconds, 86_400),
            "run.cpu_seconds" => (&mut run.cpu_seconds, 86_400 << 10),
            "run.memory_bytes" => (&mut run.memory_bytes, MOST_BYTES),
            // As many as Linux has numbers for.
            "run.processes" => (&mut run.processes, 1 << 22),
            "run.file_bytes" => (&mut run.file_bytes, MOST_BYTES),
            "run.disk_bytes" => (&mut run.disk_bytes, MOST_BYTES),
            "run.disk_files" => (&mut run.disk_files, 1 << 32),
            "run.output_limit_bytes" => (&mut run.output_limit_bytes, 256 << 20),
            _ => return None,
        })
    }
}

/// Sets or narrows `present`; the error says what is wrong.
fn lay_number(present: &mut u64, most: u64, source: ConfigSource, value: &Raw) -> Result<(), String> {
    let number = match value {
        Raw::Integer(number) => u64::try_from(*number).ok().filter(|number| (1..=most).contains(number)),
        Raw::Text(_) | Raw::Texts(_) | Raw::Other(_) => None,
    };
    let Some(number) = number else {
        return Err(format!("is {}, not a whole number from 1 to {most}; it is ignored", value.describe()));
    };
    lay(present, number, source)
}

fn lay_mode(present: &mut Mode, source: ConfigSource, value: &Raw) -> Result<(), String> {
    match value {
        Raw::Text(name) => match name.parse() {
            Ok(mode) => lay(present, mode, source),
            // In doubt the narrowest holds.
            Err(error) => {
                *present = Mode::ReadOnly;
                Err(format!("is wrong: {error}; until then it counts as read-only"))
            }
        },
        Raw::Integer(_) | Raw::Texts(_) | Raw::Other(_) => {
            *present = Mode::ReadOnly;
            Err(format!("is {}, not the name of a mode; until it is one it counts as read-only", value.describe()))
        }
    }
}

fn lay_level(present: &mut SandboxLevel, source: ConfigSource, value: &Raw) -> Result<(), String> {
    let why = match value {
        Raw::Text(name) => match name.parse::<SandboxLevel>() {
            // Narrower is stronger here.
            Ok(level) if source == ConfigSource::User || level >= *present => {
                *present = level;
                return Ok(());
            }
            Ok(level) => {
                return Err(format!(
                    "is {level}, but may only demand more: {present} holds; lower it in the user's config.toml"
                ));
            }
            Err(error) => format!("is wrong: {error}"),
        },
        Raw::Integer(_) | Raw::Texts(_) | Raw::Other(_) => format!("is {}, not the name of a level", value.describe()),
    };
    // In doubt the strongest is demanded.
    *present = SandboxLevel::Full;
    Err(format!("{why}; until it is one, the sandbox has to be full"))
}

fn lay<T: Ord + Copy + fmt::Display>(present: &mut T, wanted: T, source: ConfigSource) -> Result<(), String> {
    match source {
        ConfigSource::User => *present = wanted,
        ConfigSource::Workspace | ConfigSource::Editor if wanted <= *present => *present = wanted,
        ConfigSource::Workspace | ConfigSource::Editor => {
            return Err(format!(
                "is {wanted}, but may only narrow: {present} holds; raise it in the user's config.toml"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            resolve(defaults(), None, None, Some(&json!({"tagout": {"run": {"timeout_seconds": null}}}))).1,
            vec![]
        );
    }

    #[test]
    fn the_user_sets_and_the_others_narrow() {
        let user =
            "max_mode = \"workspace-write\"\n[run]\ntimeout_seconds = 3600\n[index]\nmax_file_bytes = 0x400000\n";
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
        let (settings, problems) =
            resolve(defaults(), None, Some("[run]\ntimeout_seconds = 5\n= 3\n"), Some(&json!([1])));
        let run = RunSettings { sandbox: SandboxLevel::Full, ..defaults().run };
        assert_eq!(settings, Settings { max_mode: Mode::ReadOnly, run, ..defaults() });
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
}
