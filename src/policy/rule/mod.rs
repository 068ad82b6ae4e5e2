//! Rules that people write: what each names, what it says, and the examples that prove it.

mod pattern;

pub use pattern::{CommandPattern, PathPattern, PatternError, WordPattern};

use super::action::Kind;
use super::shell::{SimpleCommand, Understood, undashed};
use super::{Action, Decision, Facts, HostRule, Layer, Mode, Place, Power, Reason, Role};
use crate::workspace::RelativePath;

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub layer: Layer,
    /// The file it stands in.
    pub file: String,
    /// The line it begins at, from 1.
    pub line: u32,
    /// What it says.
    pub decision: Decision,
    /// What it names.
    pub names: Names,
    /// Why, for people.
    pub reason: String,
    /// Commands, paths or hosts with what the rule, alone, says to each: `None` when it says nothing.
    pub examples: Vec<Example>,
}

/// Something that a rule is tried on when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// A command, a path or a host, as the rule names one.
    pub text: String,
    /// What the rule has to say to it.
    pub wanted: Decision,
}

/// What in a change calls for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A path that something else runs later.
    RunsLater,
    /// Something that looks like a secret.
    Secret,
}

/// What a rule names: all parts of it together, where a part that is empty names everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// Kinds of actions.
    pub kinds: Vec<Kind>,
    /// Where a command runs.
    pub places: Vec<Place>,
    /// Who acts.
    pub roles: Vec<Role>,
    /// Modes of the workspace.
    pub modes: Vec<Mode>,
    /// Commands, by the words that they begin with.
    pub commands: Vec<CommandPattern>,
    /// The words of a command, all of them and none else: what a person agreed to for good.
    pub argv: Option<Vec<String>>,
    /// Workspaces, by their paths.
    pub workspaces: Vec<PathPattern>,
    /// Words of which a command has one.
    pub with: Vec<WordPattern>,
    /// Programs of commands on the host, by the paths that they resolve to.
    pub programs: Vec<PathPattern>,
    /// Paths.
    pub paths: Vec<PathPattern>,
    /// Hosts.
    pub hosts: Vec<HostRule>,
    /// Contents of changes.
    pub content: Vec<Content>,
    /// Changes of more files than this.
    pub files_over: Option<u64>,
    /// Changes or messages of more bytes than this.
    pub bytes_over: Option<u64>,
}

/// How far a rule fits an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Some of it: enough for a rule that asks or denies.
    Some,
    /// All of it: what a rule that allows needs.
    All,
}

fn fits<T>(wanted: Fit, all: &[T], one: impl Fn(&T) -> bool) -> bool {
    match wanted {
        Fit::Some => all.iter().any(one),
        Fit::All => !all.is_empty() && all.iter().all(one),
    }
}

impl Names {
    /// Whether it names nothing, and with that everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the action is of the kind, and its circumstances are those, that this names.
    fn circumstances(&self, mode: Mode, action: &Action, facts: &Facts) -> bool {
        let place = if let Action::Run { place, .. } = action { Some(place) } else { None };
        let files = paths_of(action).len() as u64;
        let named = |path: &String| self.workspaces.iter().any(|pattern| pattern.matches(path));
        (self.kinds.is_empty() || self.kinds.contains(&action.kind()))
            && (self.workspaces.is_empty() || facts.workspace.as_ref().is_some_and(named))
            && self.argv.as_ref().is_none_or(|own| matches!(action, Action::Run { argv, .. } if argv == own))
            && (self.places.is_empty() || place.is_none_or(|place| self.places.contains(place)))
            && (self.roles.is_empty() || self.roles.contains(&facts.role))
            && (self.modes.is_empty() || self.modes.contains(&mode))
            && self.files_over.is_none_or(|most| files > most)
            && self.bytes_over.is_none_or(|most| facts.bytes > most)
            && (self.content.is_empty() || self.content.iter().any(|content| content.is_in(facts)))
    }

    fn names_paths(&self, action: &Action, wanted: Fit) -> bool {
        self.paths.is_empty()
            || fits(wanted, &paths_of(action), |path| self.paths.iter().any(|pattern| pattern.matches(path)))
    }

    fn names_hosts(&self, action: &Action, wanted: Fit) -> bool {
        let named = |host: &HostRule| match wanted {
            Fit::All => host.is_covered_by(&self.hosts),
            Fit::Some => self.hosts.iter().any(|own| own.intersect(host).is_some()),
        };
        self.hosts.is_empty() || fits(wanted, action.hosts(), named)
    }

    fn names_programs(&self, facts: &Facts, wanted: Fit) -> bool {
        let named = |path: &str| self.programs.iter().any(|pattern| pattern.matches(path));
        self.programs.is_empty() || fits(wanted, &facts.programs, |program| program.path.as_deref().is_some_and(named))
    }

    /// Whether it names anything by the words of commands.
    #[must_use]
    pub fn names_commands(&self) -> bool {
        !self.commands.is_empty() || !self.with.is_empty()
    }

    fn has_word(&self, command: &SimpleCommand) -> bool {
        self.with.is_empty()
            || command.argv.iter().skip(1).any(|word| self.with.iter().any(|pattern| pattern.matches(word)))
    }

    /// Whether it allows this one of several commands.
    fn covers(&self, command: &SimpleCommand) -> bool {
        let named = self.commands.is_empty() || self.commands.iter().any(|pattern| pattern.covers(command));
        named && self.has_word(command)
    }

    fn meets(&self, command: &SimpleCommand) -> bool {
        let named = self.commands.is_empty() || self.commands.iter().any(|pattern| pattern.meets(command));
        named && self.has_word(command)
    }
}

/// The paths that an action is about.
fn paths_of(action: &Action) -> Vec<&str> {
    if let Action::Read { paths } = action {
        return paths.iter().map(String::as_str).collect();
    }
    action.paths().iter().map(RelativePath::as_str).collect()
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RunsLater, Self::Secret];

    /// The name as rules write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunsLater => "runs-later",
            Self::Secret => "secret",
        }
    }

    fn is_in(self, facts: &Facts) -> bool {
        match self {
            Self::RunsLater => !facts.runs_later.is_empty(),
            Self::Secret => !facts.secrets.is_empty(),
        }
    }
}

/// The programs that a command line names, by every name that a rule could have for them.
#[derive(Debug)]
pub(super) struct Heads<'a>(Vec<&'a str>);

impl<'a> Heads<'a> {
    pub(super) fn of(commands: &'a Understood) -> Self {
        let words = commands.all().flat_map(|one| one.argv.first().into_iter().chain(&one.wrappers));
        let mut names: Vec<&str> = words
            .flat_map(|word| {
                let program = undashed(word).map(|(program, _)| program);
                [Some(word.as_str()), word.rsplit('/').next(), program]
            })
            .flatten()
            .collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }
}

impl Rule {
    /// Whether it can be about a command line with these programs: a quick look, so that most rules need no other.
    pub(super) fn may_be_about(&self, heads: &Heads<'_>) -> bool {
        let named = |pattern: &CommandPattern| pattern.program().is_none_or(|program| heads.0.contains(&program));
        self.names.commands.is_empty() || self.names.commands.iter().any(named)
    }

    /// Whether the rule asks about or denies the action. A workspace's rules are no word in what the user sets or takes
    /// back.
    pub(super) fn stops(&self, mode: Mode, action: &Action, facts: &Facts) -> bool {
        self.decision != Decision::Allow
            && !(self.layer == Layer::Workspace && action.powers().contains(&Power::Administer))
            && self.names.circumstances(mode, action, facts)
            && self.names.names_paths(action, Fit::Some)
            && self.names.names_hosts(action, Fit::Some)
            && self.names.names_programs(facts, Fit::Some)
            && (!self.names.names_commands() || self.meets_one(&facts.commands))
    }

    /// Whether the rule asks about or denies some commands of this kind, which is known by their words alone.
    pub(super) fn watches(&self, mode: Mode, action: &Action, facts: &Facts) -> bool {
        self.decision != Decision::Allow
            && self.names.names_commands()
            && self.names.circumstances(mode, action, facts)
            && self.names.names_hosts(action, Fit::Some)
    }

    fn meets_one(&self, commands: &Understood) -> bool {
        commands.all().any(|command| self.names.meets(command))
    }

    /// Whether the rule allows actions in these circumstances; of a command, whether some of it.
    pub(super) fn may_allow(&self, mode: Mode, action: &Action, facts: &Facts) -> bool {
        self.decision == Decision::Allow
            && self.layer != Layer::Workspace
            && self.names.circumstances(mode, action, facts)
            && self.names.names_paths(action, Fit::All)
            && self.names.names_hosts(action, Fit::All)
            && self.names.names_programs(facts, Fit::All)
            && (!self.names.names_commands()
                || facts.commands.commands.iter().any(|command| self.names.covers(command)))
    }

    /// Whether it says the same as `other` about the same, wherever they stand.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.decision, &self.names) == (other.decision, &other.names)
    }

    /// Whether the rule names this command word by word, so that whoever wrote it has seen all of it.
    pub(super) fn is_exact(&self) -> bool {
        self.names.argv.is_some()
    }

    /// Whether the rule allows this one of several commands.
    pub(super) fn covers(&self, command: &SimpleCommand) -> bool {
        self.names.covers(command)
    }

    /// The rule as a reason.
    pub(super) fn as_reason(&self) -> Reason {
        Reason {
            rule: self.name.clone(),
            layer: self.layer,
            file: self.file.clone(),
            line: self.line,
            decision: self.decision,
            text: self.reason.clone(),
        }
    }
}
