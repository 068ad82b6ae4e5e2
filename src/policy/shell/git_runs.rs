//! What git's own words name to be run: aliases and programs of `-c`, `rebase --exec`, `submodule foreach`, `bisect run`.
//!
//! This finds; whether it is harmless is told elsewhere (`git`). The sources are the manual pages of git 2.47.

use super::DoubtKind;
use super::families::undashed;
use super::git_table::is_command;
use super::parser::Dialect;
use super::word::{Value, Word};
use super::wrappers::{Inside, Keeps, Peeled};

/// Options before the command whose value is the next word.
const VALUED: [&str; 8] =
    ["-c", "-C", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix", "--attr-source"];

/// Last parts of settings that are shell text or a program.
const PROGRAM_KEYS: &str = "pager editor sshcommand external helper command cmd textconv clean smudge process driver \
    fsmonitor askpass program difffilter gitproxy alternaterefscommand uploadpack receivepack packobjectshook \
    defaultkeycommand cmdpath tocmd cccmd";

/// Options of commands whose value is shell text or a program, without their dashes.
const PROGRAM_OPTIONS: &str = "exec upload-pack receive-pack extcmd open-files-in-pager to-cmd cc-cmd header-cmd \
    sendmail-cmd setup env-filter tree-filter index-filter parent-filter msg-filter commit-filter tag-name-filter";

/// The same as letters, after the command that has them.
const PROGRAM_LETTERS: [(&str, char); 5] =
    [("rebase", 'x'), ("difftool", 'x'), ("grep", 'O'), ("clone", 'u'), ("ls-remote", 'u')];

/// What `head` with the words after it names to be run; `None` when that is nothing.
pub(super) fn peel(head: &str, rest: &[Word]) -> Option<Peeled> {
    let mut found = Found { peeled: Peeled::of_git(head), alias: None };
    let (name, arguments) = match undashed(head) {
        Some((_, command)) => (Some(command), rest),
        None => found.before(rest),
    };
    if let Some(name) = name {
        found.command(name, arguments);
    }
    let peeled = found.peeled;
    (!peeled.inside.is_empty() || !peeled.doubts.is_empty()).then_some(peeled)
}

struct Found<'words> {
    peeled: Peeled,
    /// The last alias that `-c` names, and what it is.
    alias: Option<(&'words str, &'words str)>,
}

impl<'words> Found<'words> {
    fn text(&mut self, text: &str) {
        let text = text.strip_prefix('!').unwrap_or(text).to_owned();
        self.peeled.inside.push(Inside::Text { text, dialect: Dialect::Posix });
    }

    /// Reads the options before the command; gives its name, where that is known, and its words.
    fn before(&mut self, rest: &'words [Word]) -> (Option<&'words str>, &'words [Word]) {
        let mut words = rest;
        while let Some((word, after)) = words.split_first() {
            let text = word.text.as_str();
            if !text.starts_with('-') {
                return (word.known(), after);
            }
            words = after;
            if VALUED.contains(&text) {
                let Some((value, after)) = words.split_first() else { break };
                self.setting(text, &value.text);
                words = after;
            } else if let Some((option, value)) = text.split_once('=') {
                self.setting(option, value);
            }
        }
        (None, &[])
    }

    /// `-c KEY=VALUE`; with `--config-env` the value is in a variable.
    fn setting(&mut self, option: &str, text: &'words str) {
        let Some((key, value)) = text.split_once('=') else { return };
        if option == "--config-env" && (is_alias(key).is_some() || names_program(key)) {
            self.peeled.doubt(DoubtKind::Alias, text);
        } else if option == "-c" || option == "--config" {
            match is_alias(key) {
                Some(name) => self.alias = Some((name, value)),
                None if names_program(key) => self.text(value),
                None => {}
            }
        }
    }

    fn command(&mut self, name: &'words str, arguments: &'words [Word]) {
        if let Some((alias, value)) = self.alias.take() {
            let own = if alias.eq_ignore_ascii_case(name) { arguments } else { &[] };
            self.aliased(value, own);
            if alias.eq_ignore_ascii_case(name) {
                return;
            }
        }
        if !is_command(name) {
            self.peeled.doubt(DoubtKind::Alias, &format!("git {name}"));
        }
        self.by_options(name, arguments);
        match name {
            "submodule" => self.after("foreach", arguments),
            "bisect" => self.after("run", arguments),
            "for-each-repo" => self.for_each_repository(arguments),
            "config" => self.set(arguments),
            _ => {}
        }
    }

    /// An alias is a command of git, or shell text after `!`; what follows its name follows it.
    fn aliased(&mut self, value: &str, arguments: &[Word]) {
        let plain = |word: &&Word| {
            word.value == Value::Literal
                && word.text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_./=:@,+".contains(sign))
        };
        let words: Vec<&str> =
            arguments.iter().map(|word| if plain(&word) { word.text.as_str() } else { "…" }).collect();
        let text = match value.strip_prefix('!') {
            Some(text) => format!("{text} {}", words.join(" ")),
            None => format!("git {value} {}", words.join(" ")),
        };
        self.text(text.trim_end());
    }

    fn by_options(&mut self, name: &str, arguments: &'words [Word]) {
        let letter = PROGRAM_LETTERS.iter().find(|(command, _)| *command == name).map(|(_, letter)| *letter);
        for (at, word) in arguments.iter().enumerate() {
            let text = word.text.as_str();
            let next = arguments.get(at + 1).map(|word| word.text.as_str());
            let value = if let Some(long) = text.strip_prefix("--") {
                let (option, attached) =
                    long.split_once('=').map_or((long, None), |(option, value)| (option, Some(value)));
                if name == "clone" && option == "config" {
                    self.setting("-c", attached.or(next).unwrap_or_default());
                }
                let named = |known: &str| known == option || (option.len() > 2 && known.starts_with(option));
                PROGRAM_OPTIONS.split_ascii_whitespace().any(named).then_some(attached.or(next)).flatten()
            } else if text.starts_with('-') {
                let attached = letter.and_then(|letter| text.split_once(letter)).map(|(_, value)| value);
                attached.and_then(|value| if value.is_empty() { next } else { Some(value) })
            } else {
                None
            };
            if name == "clone" && text == "-c" {
                self.setting("-c", next.unwrap_or_default());
            }
            if let Some(value) = value {
                self.text(value);
            }
        }
    }

    /// The words after `verb` and its options: one alone is shell text.
    fn after(&mut self, verb: &str, arguments: &[Word]) {
        let mut words = arguments.iter().skip_while(|word| word.text != verb).skip(1);
        let options = |word: &&Word| verb == "foreach" && word.text.starts_with('-');
        let words: Vec<Word> = words.by_ref().skip_while(options).cloned().collect();
        match words.as_slice() {
            [] => {}
            [only] if verb == "foreach" => self.text(&only.text),
            _ => self.peeled.inside.push(Inside::Words { assignments: Vec::new(), words }),
        }
    }

    fn for_each_repository(&mut self, arguments: &[Word]) {
        let words = arguments.iter().skip_while(|word| word.text.starts_with("--c") && word.text.contains('='));
        let words: Vec<Word> = std::iter::once(Word::literal("git")).chain(words.cloned()).collect();
        self.peeled.inside.push(Inside::Words { assignments: Vec::new(), words });
    }

    /// `git config KEY VALUE`: what it names is run by a later git.
    fn set(&mut self, arguments: &[Word]) {
        for (key, value) in arguments.iter().zip(arguments.iter().skip(1)) {
            if is_alias(&key.text).is_some() {
                self.aliased(&value.text, &[]);
            } else if names_program(&key.text) {
                self.text(&value.text);
            }
        }
    }
}

/// The name that a setting makes an alias.
fn is_alias(key: &str) -> Option<&str> {
    let (section, name) = key.split_once('.')?;
    section.eq_ignore_ascii_case("alias").then(|| name.strip_suffix(".command").unwrap_or(name))
}

/// Whether a setting is shell text or a program.
fn names_program(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let Some((section, rest)) = key.split_once('.') else { return false };
    let last = rest.rsplit('.').next().unwrap_or(rest);
    section == "pager" || PROGRAM_KEYS.split_ascii_whitespace().any(|known| known == last)
}

impl Peeled {
    fn of_git(head: &str) -> Self {
        Self { keeps: Keeps::ItselfForAll, effects: Vec::new(), ..Self::new(head) }
    }
}
