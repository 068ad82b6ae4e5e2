//! Shells, and what starts them with a text: `bash -c`, `su -c`, and the input that a shell reads commands from.

use super::options::{Order, Spec, read};
use super::parser::Dialect;
use super::programs::program_name;
use super::word::{Value, Word};
use super::wrappers::{Keeps, Peeled};
use super::{DoubtKind, EffectKind};

/// Shells, with their options before `-c`.
pub(super) const SHELLS: [&str; 12] =
    ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "yash", "oksh", "loksh", "posh"];

/// `-c` is a flag to shells: the text is the first operand, wherever other flags stand (`bash -c -e TEXT`).
const SHELL: Spec = Spec {
    short: "abefhkmnptuvxBCEHPilrsDcO:o:",
    long: "norc noprofile posix restricted verbose login rcfile= init-file=",
};

/// `bash -c TEXT NAME ARGUMENTS`. Without `-c`, what it runs is not among the words: an effect, not a wrapper.
pub(super) fn peel(head: &str, name: &str, rest: &[Word]) -> Option<Peeled> {
    let parsed = read(&SHELL, Order::First, rest);
    let mut peeled = Peeled::new(head);
    if !parsed.has(&["-c"]) {
        return None;
    }
    for unknown in &parsed.unknown {
        peeled.doubt(DoubtKind::WrapperOption, &format!("{head} {unknown}"));
    }
    let reads_files = ["-i", "-l", "--login", "--rcfile", "--init-file", "-O", "-s", "-k"];
    if parsed.has(&reads_files) {
        peeled.effect(EffectKind::ReadsConfiguration, head);
    }
    let text = parsed.operands.first().and_then(|at| rest.get(*at))?;
    if text.value != Value::Literal {
        peeled.doubt(DoubtKind::WrapperOption, &text.text);
    }
    let other = !matches!(name, "sh" | "bash" | "dash" | "ash");
    let plain = |sign: char| sign.is_ascii_alphanumeric() || " _./:,-".contains(sign);
    if other && !text.text.chars().all(plain) {
        peeled.doubt(DoubtKind::OtherShell, head);
    }
    let dialect = if name == "bash" { Dialect::Bash } else { Dialect::Posix };
    Some(peeled.text(text.text.clone(), dialect))
}

/// Shells and languages with a grammar of their own, whose text is looked into as if it were a shell's, and never trusted.
pub(super) fn peel_other(head: &str, rest: &[Word]) -> Option<Peeled> {
    const TEXT: [&str; 6] = ["-c", "--command", "--commands", "-Command", "-C", "--init-command"];
    let at = rest.iter().position(|word| TEXT.iter().any(|option| word.text.starts_with(option)))?;
    let option = rest.get(at)?;
    let mut peeled = Peeled { keeps: Keeps::ItselfForAll, ..Peeled::new(head) };
    peeled.doubt(DoubtKind::OtherShell, head);
    let text = option.text.split_once('=').map(|(_, text)| text.to_owned());
    let text = text.or_else(|| rest.get(at + 1).map(|word| word.text.clone()))?;
    Some(peeled.text(text, Dialect::Posix))
}

/// `capsh OPTIONS -- ARGUMENTS`: bash with these arguments.
pub(super) fn peel_capsh(head: &str, rest: &[Word]) -> Option<Peeled> {
    let mut peeled = Peeled::new(head);
    peeled.effect(EffectKind::ChangesPowers, head);
    let begins = |word: &&Word| !matches!(word.text.as_str(), "--" | "==" | "-+" | "=+");
    let arguments = rest.iter().skip_while(begins).skip(1).cloned();
    Some(peeled.words(std::iter::once(Word::literal("bash")).chain(arguments).collect()))
}

/// How a command reads shell text from its input; `None` when it does not. `wrapped` when something starts it.
pub(super) fn reads_input(words: &[Word], wrapped: Wrapped) -> Option<Dialect> {
    let Some((head, rest)) = words.split_first() else {
        // `sudo -s`, `ssh HOST`: a shell that is not named.
        return (wrapped == Wrapped::InAnother).then_some(Dialect::Posix);
    };
    let is_input = |word: &Word| {
        let text = word.text.as_str();
        text == "-" || text == "/dev/stdin" || text.starts_with("/dev/fd/") || text.starts_with("/proc/self/fd/")
    };
    let name = program_name(head.known()?);
    if SHELLS.contains(&name) {
        let parsed = read(&SHELL, Order::First, rest);
        let script = parsed.operands.first().and_then(|at| rest.get(*at));
        let about = rest.iter().any(|word| matches!(word.text.as_str(), "--version" | "--help" | "-n"));
        let reads = !about && (parsed.has(&["-s"]) || script.is_none_or(is_input));
        let dialect = if name == "bash" { Dialect::Bash } else { Dialect::Posix };
        return (reads && !parsed.has(&["-c"])).then_some(dialect);
    }
    match name {
        "." | "source" => rest.first().filter(|word| is_input(word)).map(|_| Dialect::Bash),
        "at" | "batch" => {
            let asks = |word: &Word| matches!(word.text.as_str(), "-f" | "-l" | "-r" | "-d" | "-c" | "-V");
            (!rest.iter().any(asks)).then_some(Dialect::Posix)
        }
        "fish" | "csh" | "tcsh" => rest.is_empty().then_some(Dialect::Posix),
        _ => None,
    }
}

/// Whether something else starts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapped {
    Alone,
    InAnother,
}

const WITH_TEXT: Spec = Spec {
    short: "c:flmpPg:G:s:w:u:aeqtEI:O:B:T:",
    long: "command= session-command= fast login group= supp-group= shell= user= append quiet return flush",
};

/// `su -c TEXT`, `script -c TEXT`.
pub(super) fn peel_with_text_option(head: &str, rest: &[Word]) -> Option<Peeled> {
    let name = program_name(head);
    let mut peeled = Peeled::new(head);
    let kind = if name == "script" { EffectKind::WritesFile } else { EffectKind::ChangesPowers };
    peeled.effect(kind, head);
    let parsed = read(&WITH_TEXT, Order::Anywhere, rest);
    for unknown in &parsed.unknown {
        peeled.doubt(DoubtKind::WrapperOption, &format!("{head} {unknown}"));
    }
    let texts = ["-c", "--command", "--session-command"];
    for option in parsed.options.iter().filter(|option| texts.contains(&option.name.as_str())) {
        let text = option.value.as_ref().map_or("", |word| word.text.as_str());
        peeled = peeled.text(text.to_owned(), Dialect::Posix);
    }
    if parsed.has(&["-u", "--user"]) && !parsed.has(&texts) {
        let words = parsed.operands.iter().filter_map(|at| rest.get(*at).cloned()).collect();
        peeled = peeled.words(words);
    }
    let operands: Vec<Word> = parsed.operands.iter().filter_map(|at| rest.get(*at).cloned()).collect();
    // What follows the user's name, or the file's, goes to a shell, or is the command.
    let further = if name == "script" { operands.get(1..) } else { operands.get(usize::from(operands.len() > 1)..) };
    if let Some(further) = further.filter(|words| !words.is_empty() && operands.len() > 1) {
        let shell = if name == "script" { Vec::new() } else { vec![Word::literal("sh")] };
        peeled = peeled.words(shell.into_iter().chain(further.iter().cloned()).collect());
    }
    if peeled.inside.is_empty() {
        peeled = peeled.words(Vec::new());
    }
    Some(peeled)
}
