//! `find`: its expression, word by word, after find(1). Nothing in it may be abbreviated.

use super::effects::effect;
use super::word::{Value, Word};
use super::{Effect, EffectKind};

/// Tests, options and actions that only read and print, without a value.
const PLAIN: &str = "-a -and -o -or -not -daystart -depth -d -follow -mount -xdev -noleaf -warn -nowarn \
    -ignore_readdir_race -noignore_readdir_race -empty -executable -false -true -nogroup -nouser -readable -writable \
    -print -print0 -ls -prune -quit -help --help -version --version";

/// The same, with one value.
const VALUED: &str = "-amin -anewer -atime -cmin -cnewer -context -ctime -fstype -gid -group -ilname -iname -inum -ipath \
    -iregex -iwholename -links -lname -maxdepth -mindepth -mmin -mtime -name -newer -path -perm -printf -regex \
    -regextype -samefile -size -type -uid -used -user -wholename -xtype";

/// Actions that run what follows them, up to `;`, or `+` after `{}`.
const RUNS: &[&str] = &["-exec", "-execdir", "-ok", "-okdir"];

/// Actions that write to the file named next.
const WRITES: &[&str] = &["-fprint", "-fprint0", "-fls", "-fprintf"];

/// Whether `text` starts the expression, or is a part of it that is no value.
fn is_expression(text: &str) -> bool {
    text.starts_with('-') || matches!(text, "(" | ")" | "!" | ",")
}

/// The commands that `-exec` and its like run; `{}` in them is not known.
pub(super) fn commands(rest: &[Word]) -> Vec<Vec<Word>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        at += 1;
        if RUNS.contains(&word.text.as_str()) {
            let command = command_at(rest, at);
            at += command.len();
            found.push(command);
        }
    }
    found
}

/// The words from `at` to what ends a command there. A path that `{}` stands for begins as its starting point does, or
/// with `./`, and so is no option; in the midst of a word it is as unknown as any other part.
fn command_at(rest: &[Word], at: usize) -> Vec<Word> {
    let mut command = Vec::new();
    for word in rest.get(at..).unwrap_or_default() {
        let after_path = command.last().is_some_and(|last: &Word| last.text == "{}");
        if word.text == ";" || (word.text == "+" && after_path) {
            break;
        }
        let mut word = word.clone();
        if word.text == "{}" {
            word.value = Value::Pattern;
        } else if word.text.contains("{}") {
            word.value = Value::Open;
        }
        command.push(word);
    }
    command
}

/// What the expression does besides finding and printing.
pub(super) fn effects(rest: &[Word]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        at += 1;
        let text = word.text.as_str();
        if word.value == Value::Open {
            effects.push(effect(EffectKind::Unknown, text));
        } else if RUNS.contains(&text) {
            if text.ends_with("dir") {
                // What it runs there may read settings of that folder: a repository in the repository.
                effects.push(effect(EffectKind::ChangesFolder, text));
            }
            at += command_at(rest, at).len();
        } else if WRITES.contains(&text) || text == "-delete" {
            effects.push(effect(EffectKind::WritesFile, text));
        } else if is_valued(text) {
            // A pattern may become several words, and the second be anything.
            let risky = rest.get(at).filter(|value| value.value != Value::Literal);
            effects.extend(risky.map(|value| effect(EffectKind::Unknown, &value.text)));
            at += 1;
        } else if is_expression(text) && !is_plain(text) {
            effects.push(effect(EffectKind::Unknown, text));
        }
    }
    effects
}

fn is_valued(text: &str) -> bool {
    text == "-D" || VALUED.split_ascii_whitespace().any(|known| known == text) || is_newer(text)
}

/// `-newerXY`.
fn is_newer(text: &str) -> bool {
    let letters = text.strip_prefix("-newer").unwrap_or_default();
    letters.len() == 2 && letters.chars().all(|letter| "aBcmt".contains(letter))
}

fn is_plain(text: &str) -> bool {
    matches!(text, "(" | ")" | "!" | "," | "-H" | "-L" | "-P" | "-" | "-O0" | "-O1" | "-O2" | "-O3")
        || PLAIN.split_ascii_whitespace().any(|known| known == text)
}
