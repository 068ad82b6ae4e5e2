//! Builtins and variables whose words are shell text that runs later: `trap`, `alias`, `GIT_EDITOR=…`.

use super::DoubtKind;
use super::parser::Dialect;
use super::word::{Word, is_name};
use super::wrappers::{Inside, Keeps, Peeled};

/// Variables whose value a program runs as shell text: git(1), bash(1), environ(7), man(1), sudo(8), less(1).
const TEXT_VARIABLES: &str = "EDITOR VISUAL PAGER BROWSER GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_SSH_COMMAND GIT_SSH \
    GIT_EXTERNAL_DIFF GIT_ASKPASS GIT_PROXY_COMMAND SSH_ASKPASS SUDO_ASKPASS SUDO_EDITOR MANPAGER PROMPT_COMMAND LESSOPEN \
    LESSCLOSE FCEDIT RSYNC_RSH CVS_RSH SVN_SSH";

/// The text that a variable makes run, when it does.
pub(super) fn of_variable(name: &str, value: &str) -> Option<Inside> {
    let runs = TEXT_VARIABLES.split_ascii_whitespace().any(|known| known == name);
    runs.then(|| Inside::Text { text: value.to_owned(), dialect: Dialect::Posix })
}

/// What the builtin `name` has run later; `None` when it is none of these, or has nothing run.
pub(super) fn peel(name: &str, head: &str, rest: &[Word]) -> Option<Peeled> {
    let mut peeled = Peeled { keeps: Keeps::ItselfForAll, ..Peeled::new(head) };
    match name {
        "trap" => peeled.inside.extend(trap(rest)),
        "alias" => alias(rest, &mut peeled),
        "hash" if rest.iter().any(|word| word.text.starts_with("-p")) => peeled.doubt(DoubtKind::Alias, head),
        "mapfile" | "readarray" => peeled.inside.extend(callback("-C", rest)),
        "complete" => peeled.inside.extend(callback("-C", rest)),
        "bind" => peeled.inside.extend(callback("-x", rest)),
        "export" | "declare" | "typeset" | "local" | "readonly" => {
            let set = rest.iter().filter_map(|word| word.text.split_once('='));
            peeled.inside.extend(set.filter_map(|(name, value)| of_variable(name, value)));
        }
        _ => return None,
    }
    (!peeled.inside.is_empty() || !peeled.doubts.is_empty()).then_some(peeled)
}

/// `trap TEXT SIGNAL…`; with one operand the signal is reset, and so it is with `-`.
fn trap(rest: &[Word]) -> Option<Inside> {
    let operands = rest.strip_prefix(&[Word::literal("--")]).unwrap_or(rest);
    let text =
        operands.first().filter(|word| operands.len() > 1 && !matches!(word.text.as_str(), "-" | "-l" | "-p"))?;
    Some(Inside::Text { text: text.text.clone(), dialect: Dialect::Bash })
}

/// `alias NAME=TEXT`: what the name will be followed by is not known, nor where it stands.
fn alias(rest: &[Word], peeled: &mut Peeled) {
    for (name, text) in rest.iter().filter_map(|word| word.text.split_once('=')) {
        peeled.doubt(DoubtKind::Alias, &format!("alias {name}"));
        peeled.inside.push(Inside::Text { text: text.to_owned(), dialect: Dialect::Bash });
    }
}

/// The value of `option`, attached or the next word; words of the shell's follow it.
fn callback(option: &str, rest: &[Word]) -> Option<Inside> {
    let at = rest.iter().position(|word| word.text.starts_with(option))?;
    let attached = rest.get(at)?.text.strip_prefix(option).unwrap_or_default();
    let text = if attached.is_empty() { rest.get(at + 1)?.text.as_str() } else { attached };
    // `bind -x '"KEY": TEXT'`.
    let text = text.split_once(": ").filter(|(key, _)| !is_name(key)).map_or(text, |(_, text)| text);
    Some(Inside::Text { text: format!("{text} …"), dialect: Dialect::Bash })
}
