//! Peels one wrapper off a command.

use super::options::{Order, Parsed, read};
use super::parser::Dialect;
use super::programs::program_name;
use super::word::{Value, Word, is_name};
use super::wrapper_table::{Tail, WRAPPERS};
use super::{Doubt, DoubtKind, Effect, EffectKind};
use super::{families, find, git_runs, runners, shells, texts};

/// What a wrapper runs.
pub(super) enum Inside {
    /// Words, after variables set for them.
    Words { assignments: Vec<(String, String)>, words: Vec<Word> },
    /// Shell text.
    Text { text: String, dialect: Dialect },
}

/// One wrapper, peeled.
pub(super) struct Peeled {
    /// Its head as written.
    pub(super) name: String,
    /// What it runs.
    pub(super) inside: Vec<Inside>,
    /// What it does besides.
    pub(super) effects: Vec<Effect>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) keeps: Keeps,
}

/// What a wrapper is beside what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Nothing: it is peeled off.
    Nothing,
    /// A command in its own right: `find`.
    Itself,
    /// A command in its own right, which is allowed with all that it runs: `docker run`.
    ItselfForAll,
}

impl Peeled {
    pub(super) fn new(head: &str) -> Self {
        let mut effects = Vec::new();
        // A wrapper from elsewhere may be any program: that its name is `env` says nothing.
        if head.contains('/') && !SYSTEM.iter().any(|folder| is_in(head, folder)) {
            effects.push(Effect { kind: EffectKind::RunsProgram, text: head.to_owned() });
        }
        Self { name: head.to_owned(), inside: Vec::new(), effects, doubts: Vec::new(), keeps: Keeps::Nothing }
    }

    pub(super) fn effect(&mut self, kind: EffectKind, text: &str) {
        self.effects.push(Effect { kind, text: text.to_owned() });
    }

    pub(super) fn doubt(&mut self, kind: DoubtKind, text: &str) {
        self.doubts.push(Doubt::new(kind, text));
    }

    pub(super) fn words(mut self, words: Vec<Word>) -> Self {
        self.inside.push(Inside::Words { assignments: Vec::new(), words });
        self
    }

    pub(super) fn text(mut self, text: String, dialect: Dialect) -> Self {
        self.inside.push(Inside::Text { text, dialect });
        self
    }
}

/// Where the system's own programs are.
const SYSTEM: [&str; 5] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"];

fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| !name.contains('/'))
}

/// What is inside when the first word is a wrapper that runs something; `None` for any other command.
pub(super) fn peel(words: &[Word]) -> Option<Peeled> {
    let (head, rest) = words.split_first()?;
    let head = head.known()?;
    let name = program_name(head);
    if shells::SHELLS.contains(&name) {
        return shells::peel(head, name, rest);
    }
    match name {
        "find" => peel_find(head, rest),
        "busybox" | "toybox" | "coreutils" => peel_multicall(head, rest),
        "su" | "runuser" | "script" => shells::peel_with_text_option(head, rest),
        "command" if queries(rest) => None,
        "perf" => peel_table("perf", head, rest.get(1..)?),
        // The architecture, where it is named, stands before the options.
        "setarch" if rest.first().is_some_and(|word| !word.text.starts_with('-')) => {
            peel_table(name, head, rest.get(1..)?)
        }
        "capsh" => shells::peel_capsh(head, rest),
        "bwrap" => peel_bwrap(head, rest),
        "fish" | "csh" | "tcsh" | "nu" | "pwsh" | "expect" => shells::peel_other(head, rest),
        _ if families::is_git(head) => git_runs::peel(head, rest),
        _ => peel_table(name, head, rest)
            .or_else(|| texts::peel(name, head, rest))
            .or_else(|| runners::peel(name, head, rest)),
    }
}

/// `command -v`, `command -V`: says what would run, runs nothing.
fn queries(rest: &[Word]) -> bool {
    rest.first().and_then(Word::known).is_some_and(|option| matches!(option, "-v" | "-V"))
}

fn peel_table(name: &str, head: &str, rest: &[Word]) -> Option<Peeled> {
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.names.split(' ').any(|known| known == name))?;
    let parsed = read(&wrapper.spec, Order::First, rest);
    let mut peeled = Peeled::new(head);
    if let Some(kind) = wrapper.effect {
        peeled.effect(kind, head);
    }
    for unknown in &parsed.unknown {
        peeled.doubt(DoubtKind::WrapperOption, &format!("{head} {unknown}"));
    }
    for option in &parsed.options {
        if wrapper.risky.split_ascii_whitespace().any(|risky| risky == option.name) {
            peeled.effect(EffectKind::Unknown, &format!("{head} {}", option.name));
        }
    }
    let operands: Vec<Word> = parsed.operands.iter().filter_map(|at| rest.get(*at).cloned()).collect();
    let own = operands.iter().take(wrapper.operands);
    for pattern in own.filter(|word| word.value != Value::Literal) {
        peeled.doubt(DoubtKind::Pattern, &pattern.text);
    }
    let command: Vec<Word> = operands.into_iter().skip(wrapper.operands).collect();
    Some(match wrapper.tail {
        Tail::Words => end_words(name, peeled, command, &parsed)?,
        Tail::Assigned => assigned(peeled, command, &parsed)?,
        Tail::Fed if name == "parallel" => fed_by_words(peeled, &command),
        Tail::Fed => fed(peeled, command, &parsed),
        Tail::Text => joined(peeled, &command),
    })
}

/// The command's words; without any, the wrapper is a command of its own.
fn end_words(name: &str, mut peeled: Peeled, command: Vec<Word>, parsed: &Parsed) -> Option<Peeled> {
    if name == "flock"
        && let Some(word) = command.first().filter(|word| word.text == "-c" || word.text == "--command")
    {
        let text = command.get(1)?.text.clone();
        peeled.doubt(DoubtKind::WrapperOption, &word.text);
        return Some(peeled.text(text, Dialect::Posix));
    }
    let does_nothing = command.is_empty() && peeled.effects.is_empty() && parsed.unknown.is_empty();
    if does_nothing {
        return None;
    }
    Some(peeled.words(command))
}

/// `env` and `sudo`: variables, then the command. Their text option stands for more words.
fn assigned(mut peeled: Peeled, command: Vec<Word>, parsed: &Parsed) -> Option<Peeled> {
    let mut assignments = Vec::new();
    let split = parsed.options.iter().filter(|option| matches!(option.name.as_str(), "-S" | "--split-string"));
    let mut words = Vec::new();
    for text in split.filter_map(|option| option.value.as_ref()) {
        words.extend(split_string(&text.text, &mut peeled));
    }
    if parsed.has(&["-s", "-i", "--shell", "--login"]) && peeled.name.ends_with("sudo") {
        peeled.doubt(DoubtKind::WrapperOption, "a shell of its own");
    }
    words.extend(command);
    let mut rest = words.as_slice();
    // What `-S` gave may start with options of `env` again.
    if rest.first().is_some_and(|word| word.text.starts_with('-') && word.text.len() > 1) {
        peeled.doubt(DoubtKind::WrapperOption, rest.first().map_or("", |word| word.text.as_str()));
    }
    while let Some((word, after)) = rest.split_first() {
        let Some((name, value)) = word.text.split_once('=') else { break };
        if word.value != Value::Literal || !is_name(name) {
            peeled.doubt(DoubtKind::WrapperOption, &word.text);
        }
        assignments.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    let unset = |name: &str| matches!(name, "-u" | "--unset") && program_name(&peeled.name) == "env";
    for unset in parsed.options.iter().filter(|option| unset(&option.name)) {
        let name = unset.value.as_ref().map_or("", |word| word.text.as_str());
        assignments.push((name.to_owned(), String::new()));
    }
    if rest.is_empty() && assignments.is_empty() && peeled.effects.is_empty() && peeled.doubts.is_empty() {
        return None;
    }
    peeled.inside.push(Inside::Words { assignments, words: rest.to_vec() });
    Some(peeled)
}

/// `env -S`: words in a syntax of its own (env(1)), read only where it is plain.
fn split_string(text: &str, peeled: &mut Peeled) -> Vec<Word> {
    if text.contains(['\'', '"', '\\', '$', '#']) {
        peeled.doubt(DoubtKind::WrapperOption, &format!("-S {text}"));
    }
    text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).map(Word::literal).collect()
}

/// `xargs`: the words, and more that come from input; with a replacement text, those that hold it are not known.
fn fed(mut peeled: Peeled, command: Vec<Word>, parsed: &Parsed) -> Peeled {
    let replaces = parsed.options.iter().rfind(|option| matches!(option.name.as_str(), "-I" | "-i" | "--replace"));
    let mut words = if command.is_empty() { vec![Word::literal("echo")] } else { command };
    match replaces {
        Some(option) => {
            let mark = option.value.as_ref().map_or("{}", |word| word.text.as_str());
            for word in words.iter_mut().filter(|word| word.text.contains(mark)) {
                word.value = Value::Open;
            }
        }
        None => words.push(Word::open("…")),
    }
    if parsed.has(&["--process-slot-var"]) {
        peeled.effect(EffectKind::ChangesEnvironment, "--process-slot-var");
    }
    peeled.words(words)
}

/// `parallel`: the words before `:::` are shell text, into which each of those after it is put; without any, these are
/// commands.
fn fed_by_words(mut peeled: Peeled, command: &[Word]) -> Peeled {
    let at = command.iter().position(|word| word.text.starts_with(":::"));
    let (template, values) = command.split_at(at.unwrap_or(command.len()));
    let mut text = template.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        for value in values.iter().filter(|value| !value.text.starts_with(":::")) {
            peeled = peeled.text(value.text.clone(), Dialect::Posix);
        }
        if at.is_none() || values.iter().any(|value| value.text.starts_with("::::")) {
            peeled.doubt(DoubtKind::Input, "parallel");
        }
        return if peeled.inside.is_empty() { peeled.words(Vec::new()) } else { peeled };
    }
    if !text.contains('{') {
        text.push_str(" …");
    } else if !text.contains("{}") {
        peeled.doubt(DoubtKind::Parameter, &text);
    }
    peeled.text(text, Dialect::Posix)
}

fn joined(mut peeled: Peeled, command: &[Word]) -> Peeled {
    for word in command.iter().filter(|word| word.value != Value::Literal) {
        peeled.doubt(DoubtKind::Pattern, &word.text);
    }
    let text = command.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    // `eval` reads as the shell around it, the others as `sh -c`: what bash adds is no less in doubt there.
    let dialect = if peeled.name == "eval" { Dialect::Bash } else { Dialect::Posix };
    peeled.text(text, dialect)
}

fn peel_find(head: &str, rest: &[Word]) -> Option<Peeled> {
    let commands = find::commands(rest);
    if commands.is_empty() {
        return None;
    }
    let mut peeled = Peeled::new(head);
    peeled.name = format!("{head} -exec");
    peeled.keeps = Keeps::Itself;
    for words in commands {
        peeled = peeled.words(words);
    }
    Some(peeled)
}

/// An applet is another program than the one whose name it has, with other options.
fn peel_multicall(head: &str, rest: &[Word]) -> Option<Peeled> {
    let first = rest.first()?;
    let mut peeled = Peeled::new(head);
    peeled.effect(EffectKind::Unknown, head);
    if first.text.starts_with('-') {
        peeled.doubt(DoubtKind::WrapperOption, &first.text);
    }
    Some(peeled.words(rest.to_vec()))
}

/// Options of bwrap(1) and how many words follow each; every other one has one.
const BWRAP: [(&str, usize); 3] = [
    (
        "--help --version --unshare-all --share-net --unshare-user --unshare-user-try --unshare-ipc --unshare-pid --unshare-net \
         --unshare-uts --unshare-cgroup --unshare-cgroup-try --disable-userns --assert-userns-disabled --clearenv \
         --new-session --die-with-parent --as-pid-1",
        0,
    ),
    (
        "--bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --bind-fd --ro-bind-fd --setenv --symlink --file \
         --bind-data --ro-bind-data --chmod",
        2,
    ),
    ("--overlay", 3),
];

fn peel_bwrap(head: &str, rest: &[Word]) -> Option<Peeled> {
    let mut peeled = Peeled::new(head);
    peeled.effect(EffectKind::ChangesPowers, head);
    let mut words = rest;
    while let Some((word, after)) = words.split_first().filter(|(word, _)| word.text.starts_with('-')) {
        if word.text == "--" {
            words = after;
            break;
        }
        let listed = BWRAP.iter().find(|(names, _)| names.split_ascii_whitespace().any(|name| name == word.text));
        words = after.get(listed.map_or(1, |(_, count)| *count)..)?;
    }
    Some(peeled.words(words.to_vec()))
}
