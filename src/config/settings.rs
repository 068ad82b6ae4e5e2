//! The settings, their limits, and how sources are laid over each other.

use std::fmt;

use super::hosts::lay_hosts;
use super::parse::{Item, Raw, Unreadable, from_json, from_toml};
use crate::policy::{HostRule, Mode};

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
    /// Most bytes of a command's output that are passed on.
    pub output_limit_bytes: u64,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_mode: Mode::Unrestricted,
            index: IndexSettings { max_file_bytes: 1 << 20 },
            run: RunSettings {
                timeout_seconds: 600,
                output_limit_bytes: 8 << 20,
                allow_hosts: Vec::new(),
                private_hosts: Vec::new(),
            },
        }
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

/// Lays the sources over the defaults. The user's file sets; then the workspace's file and the editor narrow.
/// Whatever has no meaning is passed over and reported.
#[must_use]
pub fn resolve(
    user: Option<&str>,
    workspace: Option<&str>,
    editor: Option<&serde_json::Value>,
) -> (Settings, Vec<ConfigProblem>) {
    let mut layers = Layers { settings: Settings::default(), problems: Vec::new() };
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
                // It may have held a limit to the mode or the hosts: in doubt the narrowest holds.
                layers.settings.max_mode = Mode::ReadOnly;
                layers.settings.run.allow_hosts.clear();
                layers.settings.run.private_hosts.clear();
                layers.report(
                    source,
                    line,
                    format!("{text}; all of it is ignored, and the mode is read-only and no host allowed until then"),
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
        let laid = match item.name.as_str() {
            "max_mode" => lay_mode(&mut self.settings.max_mode, source, &item.value),
            "index.max_file_bytes" => lay_number(&mut self.settings.index.max_file_bytes, 1 << 30, source, &item.value),
            "run.timeout_seconds" => lay_number(&mut self.settings.run.timeout_seconds, 86_400, source, &item.value),
            "run.output_limit_bytes" => {
                lay_number(&mut self.settings.run.output_limit_bytes, 256 << 20, source, &item.value)
            }
            "run.allow_hosts" => lay_hosts(&mut self.settings.run.allow_hosts, source, &item.value),
            "run.private_hosts" => lay_hosts(&mut self.settings.run.private_hosts, source, &item.value),
            _ => Err("is no setting; it is ignored".to_owned()),
        };
        if let Err(why) = laid {
            self.report(source, item.line, format!("{} {why}", item.name));
        }
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

    fn told(problems: &[ConfigProblem]) -> Vec<(ConfigSource, Option<usize>, &str)> {
        problems.iter().map(|problem| (problem.source, problem.line, problem.text.split(' ').next().unwrap())).collect()
    }

    #[test]
    fn nothing_set_is_the_default_without_a_word() {
        assert_eq!(resolve(None, None, None), (Settings::default(), vec![]));
        assert_eq!(resolve(Some(""), Some("\n"), Some(&json!(null))), (Settings::default(), vec![]));
        assert_eq!(resolve(None, None, Some(&json!({"tagout": {"run": {"timeout_seconds": null}}}))).1, vec![]);
    }

    #[test]
    fn the_user_sets_and_the_others_narrow() {
        let user =
            "max_mode = \"workspace-write\"\n[run]\ntimeout_seconds = 3600\n[index]\nmax_file_bytes = 0x400000\n";
        let workspace = "max_mode = \"unrestricted\"\nindex.max_file_bytes = 1_000\n[run]\ntimeout_seconds = 4000\n";
        let editor = json!({"run": {"timeout_seconds": 60, "output_limit_bytes": 100_000_000}});
        let (settings, problems) = resolve(Some(user), Some(workspace), Some(&editor));
        assert_eq!(settings.max_mode, Mode::WorkspaceWrite);
        assert_eq!(settings.index.max_file_bytes, 1000);
        assert_eq!(settings.run.timeout_seconds, 60);
        assert_eq!(settings.run.output_limit_bytes, Settings::default().run.output_limit_bytes);
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
        let (settings, problems) = resolve(Some(text), None, Some(&json!({"run": 3, "x": {"y": []}})));
        assert_eq!(settings.run.output_limit_bytes, 5);
        assert_eq!(settings.run.timeout_seconds, Settings::default().run.timeout_seconds);
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
        let (settings, problems) = resolve(None, Some("[run]\ntimeout_seconds = 5\n= 3\n"), Some(&json!([1])));
        assert_eq!(settings, Settings { max_mode: Mode::ReadOnly, ..Settings::default() });
        assert_eq!(problems[0].line, Some(3));
        assert!(problems[0].to_string().starts_with(".tagout.toml:3: "), "{}", problems[0]);
        assert_eq!(problems[1].source, ConfigSource::Editor);
    }

    #[test]
    fn a_mode_in_doubt_is_the_narrowest() {
        for text in ["max_mode = \"all\"", "max_mode = 3"] {
            assert_eq!(resolve(None, Some(text), None).0.max_mode, Mode::ReadOnly);
        }
    }

    proptest! {
        #[test]
        fn no_workspace_file_widens_anything(text in "(max_mode = \"(read-only|workspace-write|unrestricted|x)\"\n)?\\[(run|index)\\]\n((timeout_seconds|output_limit_bytes|max_file_bytes) = -?[0-9]{1,12}\n){0,3}") {
            let (narrow, _) = resolve(None, Some(&text), None);
            let wide = Settings::default();
            prop_assert!(narrow.max_mode <= wide.max_mode);
            prop_assert!(narrow.index.max_file_bytes <= wide.index.max_file_bytes);
            prop_assert!(narrow.run.timeout_seconds <= wide.run.timeout_seconds);
            prop_assert!(narrow.run.output_limit_bytes <= wide.run.output_limit_bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = resolve(Some(&text), Some(&text), None);
        }
    }
}
