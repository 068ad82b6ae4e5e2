//! The settings, their limits, and how sources are laid over each other.

use std::collections::BTreeSet;
use std::fmt;

use super::accepted::hold_back;
use super::checks::{CheckSettings, lay_check};
use super::embedding::{EmbeddingSettings, MOST_MILLISECONDS, lay_embedding};
use super::history::{HistorySettings, lay_history};
use super::hosts::lay_hosts;
use super::modes::{lay_level, lay_mode};
use super::parse::{Item, Raw, Unreadable, from_json, from_toml};
use super::patterns::{lay_hidden, lay_shown};
use super::shared::{IndexSettings, SharedSettings, lay_shared};
use super::symbols::{SymbolSettings, lay_symbols};
use crate::policy::{HostRule, Mode, SandboxLevel};

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
    /// Patterns, as in `.gitignore`, of files that commands do not see, besides those known to be secrets.
    pub hidden: Vec<String>,
    /// Why it is not known what else the user hides; `None` when it is. Until it is, no command may look.
    pub hidden_unknown: Option<ConfigProblem>,
    /// Patterns of files that commands see although they look like secrets; these win.
    pub shown: Vec<String>,
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
    /// What is run over changesets.
    pub checks: CheckSettings,
    /// How much of the history stays; all of it, while it is not known how much should.
    pub history: HistorySettings,
    /// For which languages it is answered where names lead.
    pub symbols: SymbolSettings,
    /// The endpoint that turns code into vectors, where there is one.
    pub embedding: EmbeddingSettings,
}

/// Most bytes that any limit may be set to: what no machine has.
pub(super) const MOST_BYTES: u64 = 1 << 50;
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
            hidden: Vec::new(),
            hidden_unknown: None,
            shown: Vec::new(),
        };
        let index = IndexSettings { max_file_bytes: 1 << 20, shared: SharedSettings::default() };
        let checks = CheckSettings { timeout_seconds: 600, named: Vec::new() };
        let (history, symbols) = (HistorySettings::default(), SymbolSettings::default());
        let embedding = EmbeddingSettings::default();
        Self { max_mode: Mode::Unrestricted, index, run, checks, history, symbols, embedding }
    }
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigSource {
    /// `/etc/tagout/config.toml`, the administrator's.
    Machine,
    /// `config.toml` in the user's config folder.
    User,
    /// `approved.toml` in tagout's state folder: the rules that the user agreed to when asked.
    Approved,
    /// `.tagout.toml` at the root of the workspace.
    Workspace,
    /// The editor.
    Editor,
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Machine => "/etc/tagout/config.toml",
            Self::User => "config.toml",
            Self::Approved => "approved.toml",
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

/// What a source may do to a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Set it.
    Sets,
    /// Narrow it, where the text says who could do more.
    Narrows(&'static str),
}

/// The texts of all sources; `None` where there is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The administrator's file.
    pub machine: Option<&'a str>,
    /// The user's file.
    pub user: Option<&'a str>,
    /// The user's file as it was accepted: what the present one allows beyond it waits.
    pub accepted: Option<&'a str>,
    /// The workspace's file.
    pub workspace: Option<&'a str>,
    /// What the editor sent.
    pub editor: Option<&'a serde_json::Value>,
}

/// Lays the sources over `defaults`. The machine's file sets, and so does the user's where the machine's does not, as far
/// as it was accepted; what comes after narrows. Whatever has no meaning is passed over and reported.
#[must_use]
pub fn resolve(defaults: Settings, sources: &Sources<'_>) -> (Settings, Vec<ConfigProblem>) {
    let own =
        [(ConfigSource::Machine, sources.machine.map(from_toml)), (ConfigSource::User, sources.user.map(from_toml))];
    let others = [
        (ConfigSource::Workspace, sources.workspace.map(from_toml)),
        (ConfigSource::Editor, sources.editor.map(from_json)),
    ];
    let mut layers = Layers { settings: defaults.clone(), problems: Vec::new(), of_machine: Some(BTreeSet::new()) };
    layers.lay_all(own);
    if sources.user != sources.accepted {
        let accepted = Sources { machine: sources.machine, user: sources.accepted, ..Sources::default() };
        let accepted = resolve(defaults, &Sources { accepted: sources.accepted, ..accepted }).0;
        for held in hold_back(&mut layers.settings, &accepted) {
            let text = format!("{held} loosens, and holds once you accept it: `tagout policy review`");
            layers.report(ConfigSource::User, None, text);
        }
    }
    layers.lay_all(others);
    // Tables keep no order of their own.
    layers.problems.sort_by_key(|problem| (problem.source, problem.line));
    (layers.settings, layers.problems)
}

/// What the text of one source comes to.
type Parsed = Result<Vec<Item>, Unreadable>;

struct Layers {
    settings: Settings,
    problems: Vec<ConfigProblem>,
    /// The settings that the machine's file holds; `None` when it cannot be read, and may hold any.
    of_machine: Option<BTreeSet<String>>,
}

impl Layers {
    fn lay_all(&mut self, sources: [(ConfigSource, Option<Parsed>); 2]) {
        for (source, parsed) in sources {
            match parsed {
                None => {}
                Some(Ok(items)) => items.iter().for_each(|item| self.lay(source, item)),
                Some(Err(unreadable)) => self.lay_nothing(source, unreadable),
            }
        }
    }

    /// It may have held a limit to the mode or the hosts, or a demand: in doubt the narrowest holds.
    fn lay_nothing(&mut self, source: ConfigSource, Unreadable { line, text }: Unreadable) {
        self.settings.max_mode = Mode::ReadOnly;
        self.settings.run.sandbox = SandboxLevel::Full;
        self.settings.run.allow_hosts.clear();
        self.settings.run.private_hosts.clear();
        self.settings.run.shown.clear();
        self.settings.index.shared.place = None;
        self.settings.embedding.switch_off();
        self.report(
            source,
            line,
            format!(
                "{text}; all of it is ignored, and until it can be read the mode is read-only, no host is allowed, and \
                 no command runs in the sandbox"
            ),
        );
        self.settings.run.hidden_unknown = self.problems.last().cloned();
        if matches!(source, ConfigSource::Machine | ConfigSource::User) {
            // What was removed is gone for good.
            self.settings.history = HistorySettings::EVERYTHING;
        }
        if source == ConfigSource::Machine {
            self.of_machine = None;
        }
    }

    fn report(&mut self, source: ConfigSource, line: Option<usize>, text: String) {
        self.problems.push(ConfigProblem { source, line, text });
    }

    /// What `source` may do to the setting `name`.
    fn standing(&mut self, source: ConfigSource, name: &str) -> Standing {
        match source {
            ConfigSource::Machine => {
                self.of_machine.as_mut().map(|names| names.insert(name.to_owned()));
                Standing::Sets
            }
            ConfigSource::User => match &self.of_machine {
                Some(names) if !names.contains(name) => Standing::Sets,
                Some(_) | None => Standing::Narrows("/etc/tagout/config.toml"),
            },
            ConfigSource::Approved | ConfigSource::Workspace | ConfigSource::Editor => {
                Standing::Narrows("the user's config.toml")
            }
        }
    }

    fn lay(&mut self, source: ConfigSource, item: &Item) {
        // Rules are read elsewhere.
        if item.name == "rule" {
            return;
        }
        let standing = self.standing(source, &item.name);
        let laid = match (item.name.as_str(), self.number(&item.name)) {
            ("history.keep_days" | "history.keep_bytes", _) => {
                lay_history(&mut self.settings.history, source, standing, item)
            }
            (name, _) if name.starts_with("index.shared") => {
                lay_shared(&mut self.settings.index.shared, source, standing, item)
            }
            ("symbols.answers" | "symbols.languages_with_server", _) => lay_symbols(&mut self.settings.symbols, item),
            (name, None) if name.starts_with("embedding.") => {
                lay_embedding(&mut self.settings.embedding, source, standing, item)
            }
            ("max_mode", _) => lay_mode(&mut self.settings.max_mode, standing, &item.value),
            ("run.sandbox", _) => lay_level(&mut self.settings.run.sandbox, standing, &item.value),
            ("run.allow_hosts", _) => lay_hosts(&mut self.settings.run.allow_hosts, standing, &item.value),
            ("run.private_hosts", _) => lay_hosts(&mut self.settings.run.private_hosts, standing, &item.value),
            ("run.hidden", _) => lay_hidden(&mut self.settings.run.hidden, standing, &item.value),
            ("run.shown", _) => lay_shown(&mut self.settings.run.shown, standing, &item.value),
            (_, Some((present, most))) => lay_number(present, most, standing, &item.value),
            (name, None) if let Some(name) = name.strip_prefix("checks.") => {
                lay_check(&mut self.settings.checks.named, source, item.line, name, &item.value)
            }
            (_, None) => Err("is no setting; it is ignored".to_owned()),
        };
        if let Err(why) = laid {
            self.report(source, item.line, format!("{} {why}", item.name));
            if item.name == "run.hidden" && !item.value.is_texts() {
                self.settings.run.hidden_unknown = self.problems.last().cloned();
            }
        }
    }
}

impl Layers {
    /// The setting of this name that is a number, and the most that it may be.
    fn number(&mut self, name: &str) -> Option<(&mut u64, u64)> {
        let Settings { index, run, checks, embedding, .. } = &mut self.settings;
        Some(match name {
            "index.max_file_bytes" => (&mut index.max_file_bytes, 1 << 30),
            "embedding.query_milliseconds" => (&mut embedding.query_milliseconds, MOST_MILLISECONDS),
            "run.timeout_seconds" => (&mut run.timeout_seconds, 86_400),
            "checks.timeout_seconds" => (&mut checks.timeout_seconds, 86_400),
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
pub(super) fn lay_number(present: &mut u64, most: u64, standing: Standing, value: &Raw) -> Result<(), String> {
    let number = match value {
        Raw::Integer(number) => u64::try_from(*number).ok().filter(|number| (1..=most).contains(number)),
        Raw::Text(_) | Raw::Texts(_) | Raw::Other(_) => None,
    };
    let Some(number) = number else {
        return Err(format!("is {}, not a whole number from 1 to {most}; it is ignored", value.describe()));
    };
    lay(present, number, standing)
}

pub(super) fn lay<T: Ord + Copy + fmt::Display>(present: &mut T, wanted: T, standing: Standing) -> Result<(), String> {
    match standing {
        Standing::Narrows(above) if wanted > *present => {
            return Err(format!("is {wanted}, but may only narrow: {present} holds; raise it in {above}"));
        }
        Standing::Sets | Standing::Narrows(_) => *present = wanted,
    }
    Ok(())
}

/// The settings by a user's file that was accepted as it is, and what narrows it.
#[cfg(test)]
pub(super) fn resolve_accepted(
    settings: Settings,
    user: Option<&str>,
    workspace: Option<&str>,
    editor: Option<&serde_json::Value>,
) -> (Settings, Vec<ConfigProblem>) {
    resolve(settings, &Sources { user, accepted: user, workspace, editor, ..Sources::default() })
}

#[cfg(test)]
mod tests;
