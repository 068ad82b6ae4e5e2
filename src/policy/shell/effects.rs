//! What a command does beyond what its head shows.

use super::options::{Order, read};
use super::programs::{Options, Program, Special, find_program, program_name};
use super::word::{Value, Word};
use super::{Effect, EffectKind, Knowledge, Redirection, RedirectionKind, awk, find, git, sed, special, undashed};

/// What is known of one command.
pub(super) struct Judged {
    pub(super) effects: Vec<Effect>,
    pub(super) knowledge: Knowledge,
}

/// An effect that `text` shows.
pub(super) fn effect(kind: EffectKind, text: &str) -> Effect {
    Effect { kind, text: text.to_owned() }
}

/// Judges a command by its head and its other words.
pub(super) fn judge(words: &[Word]) -> Judged {
    let Some((head, rest)) = words.split_first() else {
        return Judged { effects: Vec::new(), knowledge: Knowledge::Table };
    };
    if is_loader(&head.text) {
        let effects = vec![effect(EffectKind::RunsProgram, &head.text)];
        return Judged { effects, knowledge: Knowledge::Table };
    }
    if let Some(("git", command)) = undashed(&head.text) {
        let words: Vec<Word> = std::iter::once(Word::literal(command)).chain(rest.iter().cloned()).collect();
        return Judged { effects: git::effects(&words), knowledge: Knowledge::Table };
    }
    let name = program_name(&head.text);
    if matches!(name, "make" | "gmake") {
        return Judged { effects: make(rest), knowledge: Knowledge::HeadOnly };
    }
    let Some(program) = find_program(name) else {
        return Judged { effects: Vec::new(), knowledge: Knowledge::HeadOnly };
    };
    let effects = match program {
        Program::Harmless => Vec::new(),
        Program::Options(options) => by_options(&options, rest),
        Program::Special(special) => by_itself(special, head, rest),
        Program::Always(kind) => vec![effect(kind, &head.text)],
        Program::Interpreter => interpreter(head, rest),
    };
    Judged { effects, knowledge: Knowledge::Table }
}

/// The dynamic loader and the ways round by `/proc`: programs that run what their operands, or links, name.
fn is_loader(head: &str) -> bool {
    let name = program_name(head);
    name.starts_with("ld-linux")
        || name.starts_with("ld-musl")
        || name.starts_with("ld.so")
        || name == "ld64.so"
        || head.starts_with("/proc/")
        || head.starts_with("/dev/")
        || head.contains("/../")
}

/// `make` runs what its file says, for which whoever allows it vouches; not for another shell, nor for text of one's own.
fn make(rest: &[Word]) -> Vec<Effect> {
    let other = ["SHELL", ".SHELLFLAGS", "MAKEFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "--eval", "--ev", "--eva"];
    let name = |word: &Word| word.text.split_once('=').map_or(word.text.clone(), |(name, _)| name.to_owned());
    let sets = |word: &&Word| other.contains(&name(word).trim_end_matches([':', '+', '?', '!']));
    let short = |word: &&Word| word.text.starts_with("-E");
    rest.iter()
        .filter(|word| sets(word) || short(word))
        .map(|word| effect(EffectKind::RunsProgram, &word.text))
        .collect()
}

fn by_options(options: &Options, rest: &[Word]) -> Vec<Effect> {
    let parsed = read(&options.spec, Order::Anywhere, rest);
    let mut effects = Vec::new();
    for option in &parsed.options {
        let risky = options.risky.iter().find(|(_, name)| *name == option.name);
        effects.extend(risky.map(|(kind, name)| effect(*kind, name)));
    }
    effects.extend(parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)));
    if options.operands < usize::MAX {
        let operands: Vec<&Word> = parsed.operands.iter().filter_map(|at| rest.get(*at)).collect();
        let open = operands.iter().filter(|word| word.value != Value::Literal);
        // One pattern may become two operands.
        effects.extend(open.map(|word| effect(options.beyond, &word.text)));
        effects.extend(operands.iter().skip(options.operands).map(|word| effect(options.beyond, &word.text)));
    }
    effects
}

fn by_itself(special: Special, head: &Word, rest: &[Word]) -> Vec<Effect> {
    match special {
        Special::Find => find::effects(rest),
        Special::Sed => sed::effects(rest),
        Special::Awk => awk::effects(rest),
        Special::Git => git::effects(rest),
        Special::Tar => special::tar(rest),
        Special::Date => special::date(rest),
        Special::Test => special::test(rest),
        Special::Printf => special::printf(rest),
        Special::Less => special::less(rest),
        Special::Man => special::man(rest),
        Special::Shell => interpreter(head, rest),
    }
}

/// Code from operands or from input is not among the words; asking for the version is.
fn interpreter(head: &Word, rest: &[Word]) -> Vec<Effect> {
    let asks = |word: &Word| matches!(word.known(), Some("--version" | "--help"));
    if let [only] = rest
        && asks(only)
    {
        return Vec::new();
    }
    vec![effect(EffectKind::RunsProgram, &head.text)]
}

/// Variables that change what is printed and nothing else.
const SAFE_VARIABLES: &[&str] = &[
    "LANG",
    "LANGUAGE",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "LS_COLORS",
    "TIME_STYLE",
    "BLOCK_SIZE",
    "QUOTING_STYLE",
    "RUST_BACKTRACE",
    "CI",
    "DEBIAN_FRONTEND",
];

/// Effects of variables: all that are not known to be harmless.
pub(super) fn of_assignments(assignments: &[(String, String)]) -> Vec<Effect> {
    let harmless = |name: &str, value: &str| {
        let is_path = value.contains(['/', '%', ':']);
        (SAFE_VARIABLES.contains(&name) || name.starts_with("LC_") || name == "TZ") && !is_path
    };
    let risky = assignments.iter().filter(|(name, value)| !harmless(name, value) && !is_zone(name, value));
    risky.map(|(name, _)| effect(EffectKind::ChangesEnvironment, name)).collect()
}

/// A time zone by its name in the database: not a path of its own.
fn is_zone(name: &str, value: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '/' | '_' | '-' | '+');
    name == "TZ" && !value.starts_with('/') && value.chars().all(plain)
}

/// Effects of redirections.
pub(super) fn of_redirections(redirections: &[Redirection]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for Redirection { kind, target } in redirections {
        let opens = match kind {
            RedirectionKind::Duplicate | RedirectionKind::HereDocument | RedirectionKind::HereString => continue,
            RedirectionKind::Read => None,
            RedirectionKind::Write
            | RedirectionKind::Append
            | RedirectionKind::Clobber
            | RedirectionKind::ReadWrite
            | RedirectionKind::WriteBoth
            | RedirectionKind::AppendBoth => Some(EffectKind::WritesFile),
        };
        if target.starts_with("/dev/tcp/") || target.starts_with("/dev/udp/") {
            effects.push(effect(EffectKind::Network, target));
        } else if let Some(kind) = opens.filter(|_| target != "/dev/null") {
            effects.push(effect(kind, target));
        }
    }
    effects
}
