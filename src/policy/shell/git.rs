//! `git`: which commands, with which options, only read.
//!
//! Only option names that are known in full are taken for harmless, and no word is ever skipped as the value of an
//! option before it, nor after `--`: what starts with a dash is always looked at.

use super::effects::effect;
use super::git_table::{COMMANDS, Command, NETWORK, Operands, WRITES};
use super::word::{Value, Word};
use super::{Effect, EffectKind};

/// Options before the command that change nothing about what it runs.
const BEFORE: &[&str] = &[
    "-P",
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    "--glob-pathspecs",
    "--noglob-pathspecs",
    "--icase-pathspecs",
    "--no-replace-objects",
    "--no-lazy-fetch",
    "--no-advice",
];

/// Options that print something about git itself and end.
const ABOUT: &[&str] = &["--version", "-v", "--html-path", "--man-path", "--info-path", "--exec-path", "--help", "-h"];

/// What a `git` command does besides reading and printing.
pub(super) fn effects(rest: &[Word]) -> Vec<Effect> {
    let mut words = rest;
    while let Some((word, after)) = words.split_first() {
        let text = word.text.as_str();
        if after.is_empty() && ABOUT.contains(&text) {
            return Vec::new();
        }
        if !text.starts_with('-') {
            break;
        }
        if !BEFORE.contains(&text) {
            return vec![effect(before_command(text), &format!("git {text}"))];
        }
        words = after;
    }
    match words.split_first() {
        Some((name, arguments)) if name.value == Value::Literal => of_command(&name.text, arguments),
        Some((name, _)) => vec![effect(EffectKind::Unknown, &name.text)],
        None => Vec::new(),
    }
}

/// What an option before the command does.
fn before_command(text: &str) -> EffectKind {
    let option = text.split_once('=').map_or(text, |(name, _)| name);
    match option {
        "-p" | "--paginate" | "-c" | "--config-env" | "--exec-path" => EffectKind::RunsProgram,
        "-C" | "--git-dir" | "--work-tree" | "--namespace" | "--bare" | "--attr-source" | "--super-prefix" => {
            EffectKind::ReadsConfiguration
        }
        _ => EffectKind::Unknown,
    }
}

fn of_command(name: &str, arguments: &[Word]) -> Vec<Effect> {
    let named = |names: &str| names.split_ascii_whitespace().any(|known| known == name);
    let mut readings = COMMANDS.iter().filter(|command| named(command.names)).peekable();
    if readings.peek().is_none() {
        let kind = if named(NETWORK) {
            EffectKind::Network
        } else if named(WRITES) {
            EffectKind::WritesFile
        } else {
            // An alias, or a program of that name.
            EffectKind::RunsProgram
        };
        return vec![effect(kind, &format!("git {name}"))];
    }
    let mut first = None;
    for command in readings {
        let found = as_command(command, name, arguments);
        if found.is_empty() {
            return found;
        }
        first.get_or_insert(found);
    }
    first.unwrap_or_default()
}

/// What `arguments` do when `command` reads them.
fn as_command(command: &Command, name: &str, arguments: &[Word]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut operands: Vec<&Word> = Vec::new();
    let mut unlocks = false;
    for word in arguments {
        let text = word.text.as_str();
        if word.value == Value::Open {
            effects.push(effect(EffectKind::Unknown, text));
        } else if !text.starts_with('-') || text == "-" {
            operands.push(word);
        } else if is_harmless(command, text) {
            unlocks |= unlocking(command, text);
        } else {
            effects.push(effect(risk_of(text), &format!("git {name} {text}")));
        }
    }
    let first_is = |names: &str| {
        operands.first().is_some_and(|word| {
            word.value == Value::Literal && names.split_ascii_whitespace().any(|known| known == word.text)
        })
    };
    let reads = match command.operands {
        Operands::Any => true,
        Operands::None => operands.is_empty(),
        Operands::After(_) => operands.is_empty() || unlocks,
        Operands::One => operands.len() == 1 && operands.iter().all(|word| word.value == Value::Literal),
        Operands::First(names) => first_is(names),
        Operands::NoneOrFirst(names) => operands.is_empty() || first_is(names),
    };
    if !reads {
        effects.push(effect(EffectKind::WritesFile, &format!("git {name}")));
    }
    effects
}

fn unlocking(command: &Command, text: &str) -> bool {
    let Operands::After(names) = command.operands else { return false };
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
    names.split_ascii_whitespace().any(|known| {
        known == name || known.strip_prefix('-').is_some_and(|letter| letter.len() == 1 && letters.contains(letter))
    })
}

fn is_harmless(command: &Command, text: &str) -> bool {
    if text.starts_with("--") {
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        let mut known = command.long.iter().flat_map(|long| long.split_ascii_whitespace());
        return known.any(|known| known == name || known == text);
    }
    let mut letters = text.chars().skip(1);
    while let Some(letter) = letters.next() {
        if command.valued.contains(letter) {
            return true;
        }
        if !command.short.contains(letter) {
            return false;
        }
        // `-n5`: the number belongs to the letter.
        if letter.is_ascii_digit() {
            return letters.all(|rest| rest.is_ascii_digit());
        }
    }
    true
}

fn risk_of(text: &str) -> EffectKind {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    match name {
        "--output" | "-o" => EffectKind::WritesFile,
        "--ext-diff" | "--textconv" | "--filters" | "--open-files-in-pager" | "--show-signature" => {
            EffectKind::RunsProgram
        }
        "--upload-pack" | "--exec" | "--receive-pack" => EffectKind::RunsProgram,
        _ if text.starts_with("-O") => EffectKind::RunsProgram,
        _ => EffectKind::Unknown,
    }
}
