//! The words for what a command is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a command is, as far as its words tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Understood {
    /// Every simple command, in the order of the text; those inside substitutions come after the one around them.
    pub commands: Vec<SimpleCommand>,
    /// Commands seen in the words of those that start them in a way of their own: `docker run`, `npx`, `trap`, `git rebase
    /// --exec`, a here-document for a shell. A rule that stops a command stops it here too; who allows the program that
    /// starts it allows this with it.
    pub inside: Vec<SimpleCommand>,
    /// Why this may not be all, or not be so. With none, [`SimpleCommand::argv`] is exactly what would be executed.
    pub doubts: Vec<Doubt>,
}

/// Programs that change files or reach a host and run nothing for it that their words do not name; the sources are the
/// manual pages of GNU coreutils, procps and iputils.
const WRITERS: [&str; 22] = [
    "touch", "mkdir", "rmdir", "rm", "cp", "mv", "ln", "chmod", "chown", "truncate", "tee", "mktemp", "sync", "df",
    "ps", "kill", "ping", "free", "uptime", "id", "who", "sleep",
];

impl Understood {
    /// Every command, wherever it was seen.
    pub fn all(&self) -> impl Iterator<Item = &SimpleCommand> {
        self.commands.iter().chain(&self.inside)
    }

    /// Whether git is one of the commands.
    #[must_use]
    pub fn runs_git(&self) -> bool {
        self.all().any(SimpleCommand::is_git)
    }

    /// Whether every program is known to run nothing that its words do not show: no file of a folder, no configuration. The
    /// words may be in doubt, the programs not.
    #[must_use]
    pub fn runs_nothing_else(&self) -> bool {
        let shown = |command: &SimpleCommand| {
            // One that is named by its path may be another there.
            let Some(head) = command.argv.first().filter(|head| !head.contains('/')) else { return false };
            let known = command.knowledge == Knowledge::Table && !command.is_git();
            let known = known || WRITERS.contains(&head.as_str());
            let writes = |effect: &Effect| matches!(effect.kind, EffectKind::WritesFile | EffectKind::Network);
            known && command.effects.iter().all(writes)
        };
        let told = |doubt: &Doubt| {
            matches!(
                doubt.kind,
                DoubtKind::Parameter
                    | DoubtKind::Arithmetic
                    | DoubtKind::Brace
                    | DoubtKind::Tilde
                    | DoubtKind::AnsiQuote
                    | DoubtKind::LocaleQuote
                    | DoubtKind::Pattern
            )
        };
        !self.commands.is_empty() && self.all().all(shown) && self.doubts.iter().all(told)
    }

    /// Whether nothing is in doubt and no command has an effect that its head does not show. The heads themselves, and
    /// the wrappers, are for rules to allow.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.doubts.is_empty() && self.commands.iter().all(|command| command.effects.is_empty())
    }
}

/// One program or builtin, and what it would be given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimpleCommand {
    /// What would be executed: quotes removed, wrappers peeled. A pathname pattern stays as written. Empty for a command
    /// of assignments or redirections alone, and for a group's redirections.
    pub argv: Vec<String>,
    /// Indices in `argv` of words that are unquoted pathname patterns: each may become any number of words.
    pub patterns: Vec<usize>,
    /// What was peeled off, outermost first, as written: `env`, `timeout`, `xargs`, `find -exec`, `sh -c`.
    pub wrappers: Vec<String>,
    /// Variables set for it, those of `env` among them, outermost first.
    pub assignments: Vec<(String, String)>,
    /// Its redirections, those of its wrappers among them.
    pub redirections: Vec<Redirection>,
    /// What it does beyond what its head shows.
    pub effects: Vec<Effect>,
    /// Whether `effects` is more than a guess.
    pub knowledge: Knowledge,
}

/// How much is known of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Knowledge {
    /// Its options are in the table: without effects it only reads, and only prints.
    Table,
    /// It is not in the table: whoever allows the head vouches for all that it does.
    #[default]
    HeadOnly,
}

/// One redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// What it does.
    pub kind: RedirectionKind,
    /// The file, descriptor, here-document's delimiter or here-string, quotes removed.
    pub target: String,
}

/// What a redirection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectionKind {
    /// `<`
    Read,
    /// `>`
    Write,
    /// `>>`
    Append,
    /// `>|`
    Clobber,
    /// `<>`
    ReadWrite,
    /// `&>`, or `>&` with a file.
    WriteBoth,
    /// `&>>`
    AppendBoth,
    /// `<&` or `>&` with a descriptor or `-`.
    Duplicate,
    /// `<<`, `<<-`
    HereDocument,
    /// `<<<`
    HereString,
}

/// Something a command does that its head does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What.
    pub kind: EffectKind,
    /// For people: which of its words says so.
    pub text: String,
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.name(), self.text)
    }
}

/// What an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EffectKind {
    /// Writes, truncates, deletes or changes a file.
    WritesFile,
    /// Runs a program, or code that is not one of the words.
    RunsProgram,
    /// Reads configuration that may name programs to run.
    ReadsConfiguration,
    /// Reaches the network or another machine.
    Network,
    /// Sets the clock.
    SetsClock,
    /// Changes the shell that runs what follows.
    ChangesShell,
    /// Changes the folder that what follows runs in.
    ChangesFolder,
    /// Sets variables that programs heed.
    ChangesEnvironment,
    /// Runs with other powers than the asker's, or in another place.
    ChangesPowers,
    /// An option or operand that the table does not know.
    Unknown,
}

impl EffectKind {
    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WritesFile => "writes a file",
            Self::RunsProgram => "runs a program",
            Self::ReadsConfiguration => "reads configuration that may run programs",
            Self::Network => "reaches the network",
            Self::SetsClock => "sets the clock",
            Self::ChangesShell => "changes the shell",
            Self::ChangesFolder => "changes the folder",
            Self::ChangesEnvironment => "sets a variable that programs heed",
            Self::ChangesPowers => "changes the powers or the place it runs with",
            Self::Unknown => "is not known to be harmless",
        }
    }
}

/// Why a reading may be wrong or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What kind.
    pub kind: DoubtKind,
    /// For people: the part in question, with signs that cannot be seen escaped.
    pub text: String,
}

impl Doubt {
    /// A doubt about `part`, shortened and with signs that cannot be seen escaped.
    pub(super) fn new(kind: DoubtKind, part: &str) -> Self {
        const SHOWN: usize = 80;
        let mut text: String = part.chars().take(SHOWN).flat_map(super::signs::shown).collect();
        if part.chars().nth(SHOWN).is_some() {
            text.push('…');
        }
        Self { kind, text }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.name(), self.text)
    }
}

/// The kinds of doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DoubtKind {
    /// `$name`, `${…}`, `$1`.
    Parameter,
    /// `$(…)` or backquotes.
    CommandSubstitution,
    /// `<(…)`, `>(…)`.
    ProcessSubstitution,
    /// `$((…))`, `$[…]`, a subscript.
    Arithmetic,
    /// `{a,b}`, `{1..9}`.
    Brace,
    /// `~`.
    Tilde,
    /// `$'…'`.
    AnsiQuote,
    /// `$"…"`.
    LocaleQuote,
    /// A pathname pattern that may become an option, a command's name or a redirection's target.
    Pattern,
    /// Quotes or a backslash in a command's name, or signs of another script.
    HiddenHead,
    /// A sign that cannot be seen, that moves others, or that means nothing.
    InvisibleSign,
    /// A backslash before a line's end.
    Continuation,
    /// A here-document whose body expands.
    HereDocument,
    /// A loop, condition, function or other compound command.
    Compound,
    /// Text that is no shell grammar.
    Syntax,
    /// A quote, bracket or here-document without an end.
    Unterminated,
    /// Longer, deeper or more than what is read.
    TooMuch,
    /// An option of a wrapper that is not known, so that the command inside may be another.
    WrapperOption,
    /// The two parsers read different commands.
    ParsersDiffer,
    /// Text for a shell that reads it in another way.
    OtherShell,
    /// An assignment to a part of an array, or of an array.
    Assignment,
    /// A name that stands for a command: an alias of the shell's, or one that git may have.
    Alias,
    /// A shell reads its commands from input that is not among the words.
    Input,
}

impl DoubtKind {
    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parameter => "a parameter expands",
            Self::CommandSubstitution => "a command's output is put in",
            Self::ProcessSubstitution => "a process stands for a file",
            Self::Arithmetic => "an expression is computed",
            Self::Brace => "braces expand",
            Self::Tilde => "a tilde expands",
            Self::AnsiQuote => "escapes in $'' expand",
            Self::LocaleQuote => "text in $\"\" is translated",
            Self::Pattern => "a pattern may become something else",
            Self::HiddenHead => "the command's name is hidden",
            Self::InvisibleSign => "a sign cannot be seen",
            Self::Continuation => "a line goes on in the next",
            Self::HereDocument => "a here-document expands",
            Self::Compound => "a compound command",
            Self::Syntax => "not understood",
            Self::Unterminated => "not ended",
            Self::TooMuch => "too much to read",
            Self::WrapperOption => "a wrapper's option is not known",
            Self::ParsersDiffer => "two parsers read it differently",
            Self::OtherShell => "written for another shell",
            Self::Assignment => "an array is assigned",
            Self::Alias => "a name may stand for another command",
            Self::Input => "commands come from input",
        }
    }
}
