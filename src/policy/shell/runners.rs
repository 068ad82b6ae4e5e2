//! Peels a program of which one command runs another: `docker exec BOX ls`, `npx -c 'ls'`.

use super::DoubtKind;
use super::options::{Order, Parsed, read};
use super::parser::Dialect;
use super::programs::program_name;
use super::runner_table::{Form, RUNNERS, Runner, Start, TMUX_HARMLESS};
use super::word::Word;
use super::wrappers::{Inside, Keeps, Peeled};

/// What `name`, written as `head`, runs; `None` when it is no such program, or runs nothing.
pub(super) fn peel(name: &str, head: &str, rest: &[Word]) -> Option<Peeled> {
    let mut peeled = Peeled { keeps: Keeps::ItselfForAll, effects: Vec::new(), ..Peeled::new(head) };
    if let Some((compose, after)) = as_compose(name, rest) {
        return peel(compose, head, after);
    }
    let known: Vec<&Runner> =
        RUNNERS.iter().filter(|runner| runner.names.split(' ').any(|known| known == name)).collect();
    let first = known.first()?;
    let parsed = read(&first.before, Order::First, rest);
    let after = parsed.operands.first().and_then(|at| rest.get(*at..)).unwrap_or_default();
    let fitting = known.iter().find_map(|runner| Some((*runner, after_command(runner, after)?)));
    let alone = known.iter().find(|runner| runner.commands.is_empty()).map(|runner| (*runner, rest));
    match fitting.or(alone) {
        Some((runner, words)) => {
            if !runner.commands.is_empty() {
                doubt_unknown(&mut peeled, &parsed);
            }
            start(runner, words, &mut peeled);
        }
        None if may_run(&known, &parsed, rest) => doubt_unknown(&mut peeled, &parsed),
        None => {}
    }
    of_itself(name, after, rest, &mut peeled);
    (!peeled.inside.is_empty() || !peeled.doubts.is_empty()).then_some(peeled)
}

/// `docker compose …` is `docker-compose …`, and `docker container …` is `docker …`.
fn as_compose<'words>(name: &str, rest: &'words [Word]) -> Option<(&'static str, &'words [Word])> {
    let (first, after) = rest.split_first()?;
    match (name, first.known()?) {
        ("docker" | "podman" | "nerdctl", "compose") | ("podman-compose", _) => Some(("docker-compose", after)),
        ("docker" | "podman" | "nerdctl", "container") => Some(("docker", after)),
        _ => None,
    }
}

/// The words after the command of its own that makes `runner` run something.
fn after_command<'words>(runner: &Runner, words: &'words [Word]) -> Option<&'words [Word]> {
    let begins = |command: &str| {
        let parts: Vec<&str> = command.split(' ').collect();
        let same = words.len() >= parts.len() && words.iter().zip(&parts).all(|(word, part)| word.text == *part);
        same.then(|| words.get(parts.len()..)).flatten()
    };
    runner.commands.split(',').filter(|command| !command.is_empty()).find_map(begins)
}

/// Whether one of the commands that run something stands among the words, after an option that is not known.
fn may_run(known: &[&Runner], parsed: &Parsed, rest: &[Word]) -> bool {
    let runs = |word: &Word| known.iter().any(|runner| runner.commands.split([',', ' ']).any(|one| one == word.text));
    !parsed.unknown.is_empty() && rest.iter().any(runs)
}

fn doubt_unknown(peeled: &mut Peeled, parsed: &Parsed) {
    for unknown in &parsed.unknown {
        let text = format!("{} {unknown}", peeled.name);
        peeled.doubt(DoubtKind::WrapperOption, &text);
    }
}

fn start(runner: &Runner, words: &[Word], peeled: &mut Peeled) {
    let parsed = read(&runner.spec, Order::First, words);
    texts(runner, words, peeled);
    let command: Vec<Word> = match runner.start {
        Start::Operand(own) => {
            doubt_unknown(peeled, &parsed);
            let entry = parsed.options.iter().rfind(|option| option.name == "--entrypoint");
            let entry = entry.and_then(|option| option.value.clone());
            let operands = parsed.operands.iter().skip(own).filter_map(|at| words.get(*at).cloned());
            entry.into_iter().chain(operands).collect()
        }
        Start::Dashes => words.iter().skip_while(|word| word.text != "--").skip(1).cloned().collect(),
        Start::Option(names) => {
            let begins = |word: &&Word| names.split(' ').any(|name| !name.is_empty() && name == word.text);
            words.iter().skip_while(|word| !begins(word)).skip(1).cloned().collect()
        }
    };
    add(runner.form, command, peeled);
}

/// The values of options that are shell text, wherever they stand.
fn texts(runner: &Runner, words: &[Word], peeled: &mut Peeled) {
    let names: Vec<&str> = runner.text.split_ascii_whitespace().collect();
    let own = words.iter().take_while(|word| word.text != "--");
    for (at, word) in own.enumerate() {
        let attached = names.iter().find_map(|name| word.text.strip_prefix(name)?.strip_prefix('='));
        let named = names.contains(&word.text.as_str());
        let next = words.get(at + 1).filter(|_| named).map(|next| next.text.as_str());
        if let Some(text) = attached.or(next) {
            peeled.inside.push(Inside::Text { text: text.to_owned(), dialect: Dialect::Posix });
        }
    }
}

fn add(form: Form, command: Vec<Word>, peeled: &mut Peeled) {
    let text = |word: &Word| Inside::Text { text: word.text.clone(), dialect: Dialect::Posix };
    match (form, command.as_slice()) {
        (_, []) => {}
        (Form::Texts, words) => peeled.inside.extend(words.iter().map(text)),
        (Form::TextOrWords, [only]) => peeled.inside.push(text(only)),
        (Form::TextOrWords | Form::Words, _) => {
            // Variables may stand before it, as with `env`.
            let words = command.into_iter().skip_while(|word| word.assignment().is_some()).collect();
            peeled.inside.push(Inside::Words { assignments: Vec::new(), words });
        }
    }
}

/// What only some of them do.
fn of_itself(name: &str, after: &[Word], rest: &[Word], peeled: &mut Peeled) {
    let first = after.first().map_or("", |word| word.text.as_str());
    let several = rest.iter().any(|word| word.text.ends_with(';'));
    let harmless = first.is_empty() || TMUX_HARMLESS.split_ascii_whitespace().any(|known| known == first);
    let doubtful = match name {
        "tmux" => {
            several
                || rest.iter().any(|word| word.text == "-c" && after.is_empty())
                || (peeled.inside.is_empty() && !harmless && !may_start_nothing(after))
        }
        // `-X` sends a command to a session: `stuff` types into it.
        "screen" => rest.iter().any(|word| word.text == "-X"),
        // `run` takes the environment's name before the command: `test:pytest`.
        "hatch" => after.get(1).is_some_and(|word| word.text.contains(':')),
        _ => false,
    };
    if doubtful {
        let text = format!("{} {first}", program_name(&peeled.name));
        peeled.doubt(DoubtKind::WrapperOption, &text);
    }
}

/// `tmux new -s NAME`: a session with the user's shell.
fn may_start_nothing(after: &[Word]) -> bool {
    let starts =
        RUNNERS.iter().filter(|runner| runner.names == "tmux").any(|runner| after_command(runner, after).is_some());
    starts && after.iter().skip(1).all(|word| word.value == super::word::Value::Literal)
}
