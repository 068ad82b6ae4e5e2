//! From texts and argument vectors to simple commands: parses, peels, and keeps count of how much and how deep.

use super::parser::{Dialect, Parsed, parse};
use super::shells::{self, Wrapped};
use super::word::{Raw, Value, Word, Writing};
use super::wrappers::{Inside, Keeps, peel};
use super::{
    DEEPEST, Doubt, DoubtKind, Effect, LONGEST_TEXT, MOST_COMMANDS, Redirection, RedirectionKind, SimpleCommand,
    Understood, compare, effects, signs, texts,
};

/// Doubts beyond which no more are kept.
const MOST_DOUBTS: usize = 100;

/// What stands around a command.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    depth: usize,
    wrappers: Vec<String>,
    assignments: Vec<(String, String)>,
    redirections: Vec<Redirection>,
    effects: Vec<Effect>,
    /// Texts that it reads as input: here-documents and here-strings.
    input: Vec<String>,
    /// Whether it stands in a command that is allowed with all that it runs.
    within: Within,
}

/// Where a command is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Within {
    #[default]
    Text,
    Another,
}

/// Collects what is understood.
pub(super) struct Builder {
    understood: Understood,
    /// Bytes that may still be parsed, texts inside texts counted again.
    bytes_left: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { understood: Understood::default(), bytes_left: 4 * LONGEST_TEXT }
    }

    pub(super) fn finish(mut self) -> Understood {
        let doubts = &mut self.understood.doubts;
        let mut seen = std::collections::HashSet::new();
        doubts.retain(|doubt| seen.insert((doubt.kind, doubt.text.clone())));
        self.understood
    }

    pub(super) fn doubt(&mut self, kind: DoubtKind, part: &str) {
        self.keep([Doubt::new(kind, part)]);
    }

    fn keep(&mut self, doubts: impl IntoIterator<Item = Doubt>) {
        let room = MOST_DOUBTS.saturating_sub(self.understood.doubts.len());
        self.understood.doubts.extend(doubts.into_iter().take(room));
    }

    /// Words that no shell has read.
    pub(super) fn add_argv(&mut self, argv: &[String]) {
        let length: usize = argv.iter().map(String::len).sum();
        if length > 16 * LONGEST_TEXT {
            return self.doubt(DoubtKind::TooMuch, "more than 2 MiB of arguments");
        }
        for argument in argv {
            self.look_at_signs(argument);
        }
        let words = argv.iter().map(|argument| Word::literal(argument)).collect();
        let raw = Raw { words, ..Raw::default() };
        self.add_command(raw, Around::default());
        if argv.first().is_some_and(|head| !head.is_ascii() || head.is_empty()) {
            self.doubt(DoubtKind::HiddenHead, argv.first().map_or("", String::as_str));
        }
    }

    /// Text that bash reads.
    pub(super) fn add_text(&mut self, text: &str) {
        self.add_text_within(text, Dialect::Bash, Around::default());
    }

    fn look_at_signs(&mut self, text: &str) {
        let hidden: Vec<Doubt> = text
            .chars()
            .filter(|sign| !signs::is_visible(*sign))
            .take(5)
            .map(|sign| Doubt::new(DoubtKind::InvisibleSign, sign.encode_utf8(&mut [0; 4])))
            .collect();
        self.keep(hidden);
    }

    fn add_text_within(&mut self, text: &str, dialect: Dialect, around: Around) {
        if text.len() >= LONGEST_TEXT || text.len() > self.bytes_left {
            return self.doubt(DoubtKind::TooMuch, "128 KiB of text or more");
        }
        self.bytes_left -= text.len();
        self.look_at_signs(text);
        let Parsed { commands, doubts, inner, documents } = parse(text, dialect);
        // Where the first parser is in doubt already, the second has nothing to add.
        if doubts.is_empty() {
            self.keep(compare::difference(text, &commands));
        }
        self.keep(doubts);
        for command in commands {
            let mut around = around.clone();
            around.input.extend(command.documents.iter().filter_map(|at| documents.get(*at).cloned()));
            self.add_command(command, around);
        }
        for text in inner {
            self.go_deeper(around.clone(), |builder, deeper| builder.add_text_within(&text, dialect, deeper));
        }
    }

    /// Calls `add` one level deeper, unless that is too deep. The depth bounds the recursion.
    fn go_deeper(&mut self, around: Around, add: impl FnOnce(&mut Self, Around)) {
        if around.depth >= DEEPEST {
            return self.doubt(DoubtKind::TooMuch, "more than 24 commands in one another");
        }
        let deeper = Around { depth: around.depth + 1, ..around };
        add(self, deeper);
    }

    /// One command as it stands in a text or as words.
    fn add_command(&mut self, raw: Raw, mut around: Around) {
        around.wrappers.extend(raw.wrappers);
        self.add_variables(&raw.assignments, &around);
        around.assignments.extend(raw.assignments);
        let strings = raw.redirections.iter().filter(|one| one.kind == RedirectionKind::HereString);
        around.input.extend(strings.map(|one| one.target.clone()));
        around.redirections.extend(raw.redirections);
        self.add_words(&raw.words, around);
    }

    /// What variables make their readers run.
    fn add_variables(&mut self, assignments: &[(String, String)], around: &Around) {
        for (name, value) in assignments {
            let Some(inside) = texts::of_variable(name, value) else { continue };
            let within = Around {
                depth: around.depth,
                wrappers: vec![name.clone()],
                within: Within::Another,
                ..Around::default()
            };
            self.go_deeper(within, |builder, deeper| builder.add_inside(inside, deeper));
        }
    }

    /// What a shell reads as commands from its input.
    fn add_input(&mut self, words: &[Word], around: &Around) {
        let wrapped = if around.wrappers.is_empty() { Wrapped::Alone } else { Wrapped::InAnother };
        let Some(dialect) = shells::reads_input(words, wrapped) else { return };
        let name = words.first().map(|head| head.text.clone());
        if around.input.is_empty() {
            if let Some(name) = name {
                self.doubt(DoubtKind::Input, &name);
            }
            return;
        }
        for text in &around.input {
            let wrappers = around.wrappers.iter().cloned().chain(name.clone()).collect();
            let within = Around { depth: around.depth, wrappers, within: Within::Another, ..Around::default() };
            self.go_deeper(within, |builder, deeper| builder.add_text_within(text, dialect, deeper));
        }
    }

    fn add_words(&mut self, words: &[Word], around: Around) {
        if self.understood.all().count() >= MOST_COMMANDS {
            return self.doubt(DoubtKind::TooMuch, "more than 2,000 commands");
        }
        let Some(peeled) = peel(words) else {
            self.add_input(words, &around);
            return self.add_innermost(words, around);
        };
        self.keep(peeled.doubts);
        if peeled.keeps != Keeps::Nothing {
            self.add_innermost(words, around.clone());
        }
        for inside in peeled.inside {
            let mut within = around.clone();
            within.wrappers.push(peeled.name.clone());
            within.effects.extend(peeled.effects.iter().cloned());
            if peeled.keeps == Keeps::ItselfForAll {
                within.within = Within::Another;
            }
            self.go_deeper(within, |builder, deeper| builder.add_inside(inside, deeper));
        }
    }

    fn add_inside(&mut self, inside: Inside, mut around: Around) {
        match inside {
            Inside::Words { assignments, words } => {
                self.add_variables(&assignments, &around);
                around.assignments.extend(assignments);
                if let Some(head) = words.first() {
                    self.look_at_inner_head(head, &around);
                }
                self.add_words(&words, around);
            }
            Inside::Text { text, dialect } => {
                let before = self.understood.all().count();
                self.add_text_within(&text, dialect, around.clone());
                // A text without a command still shows its wrapper and what that does.
                if self.understood.all().count() == before {
                    self.add_input(&[], &around);
                    self.add_innermost(&[], around);
                }
            }
        }
    }

    fn look_at_inner_head(&mut self, head: &Word, around: &Around) {
        if head.value != Value::Literal {
            self.doubt(DoubtKind::Pattern, &head.text);
        }
        if head.writing == Writing::Quoted || !head.text.is_ascii() || head.text.is_empty() {
            self.doubt(DoubtKind::HiddenHead, &head.text);
        }
        // Some that run words give a single one to a shell.
        if head.text.contains([' ', '\t', '\n']) {
            self.doubt(DoubtKind::HiddenHead, &head.text);
            let text = head.text.clone();
            self.go_deeper(around.clone(), |builder, deeper| builder.add_text_within(&text, Dialect::Posix, deeper));
        }
    }

    fn add_innermost(&mut self, words: &[Word], around: Around) {
        if words.is_empty()
            && around.assignments.is_empty()
            && around.redirections.is_empty()
            && around.effects.is_empty()
        {
            if !around.wrappers.is_empty() {
                self.push(SimpleCommand { wrappers: around.wrappers, ..SimpleCommand::default() }, around.within);
            }
            return;
        }
        let judged = effects::judge(words);
        let mut all = around.effects;
        all.extend(effects::of_assignments(&around.assignments));
        all.extend(effects::of_redirections(&around.redirections));
        all.extend(judged.effects);
        let command = SimpleCommand {
            argv: words.iter().map(|word| word.text.clone()).collect(),
            patterns: (0..).zip(words).filter(|(_, word)| word.value == Value::Pattern).map(|(at, _)| at).collect(),
            wrappers: around.wrappers,
            assignments: around.assignments,
            redirections: around.redirections,
            effects: all,
            knowledge: judged.knowledge,
        };
        self.push(command, around.within);
    }

    fn push(&mut self, command: SimpleCommand, within: Within) {
        match within {
            Within::Text => self.understood.commands.push(command),
            Within::Another => self.understood.inside.push(command),
        }
    }
}
