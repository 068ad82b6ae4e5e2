//! From tokens to simple commands, after the grammar of bash(1).
//!
//! One loop and a stack of what is open, so that no nesting can exhaust the call stack. Pipelines, lists, groups and
//! subshells are read exactly; of every other compound command only the simple commands in it are found (see
//! `compound`), and it is always in doubt.

use super::lexer::{Lexer, Token};
use super::word::{Raw, Value, Word, Writing, redirection_kind};
use super::{Doubt, DoubtKind, MOST_COMMANDS, Redirection, RedirectionKind};

/// Which shell reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// bash.
    Bash,
    /// `sh`, `dash`: what bash adds means something else there.
    Posix,
}

/// What a text holds.
pub(super) struct Parsed {
    pub(super) commands: Vec<Raw>,
    pub(super) doubts: Vec<Doubt>,
    /// Texts of substitutions in it.
    pub(super) inner: Vec<String>,
    /// Bodies of here-documents in it, as [`Raw::documents`] counts them.
    pub(super) documents: Vec<String>,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A command, or the end.
    Start,
    /// A command: after `&&`, `||`, `!` and the start of a group.
    Command,
    /// A command: after `|`.
    Piped,
    /// More words, or what ends the command.
    Words,
    /// What follows a compound command: redirections, or what ends it.
    After,
}

/// What is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    Group,
    Subshell,
    /// Anything that is always in doubt.
    Other,
}

/// Open groups beyond which the rest is not read.
const DEEPEST_GROUPS: usize = 100;

pub(super) struct Parser {
    pub(super) lexer: Lexer,
    pub(super) dialect: Dialect,
    commands: Vec<Raw>,
    pub(super) current: Raw,
    pub(super) expect: Expect,
    pub(super) open: Vec<Open>,
    halted: bool,
}

/// Reads `text`.
pub(super) fn parse(text: &str, dialect: Dialect) -> Parsed {
    let lexer = Lexer::new(text);
    let (current, open) = (Raw::default(), Vec::new());
    let mut parser =
        Parser { lexer, dialect, commands: Vec::new(), current, expect: Expect::Start, open, halted: false };
    while !parser.halted {
        let token = parser.lexer.next();
        if token == Token::End {
            break;
        }
        parser.take(token);
    }
    parser.end()
}

impl Parser {
    fn take(&mut self, token: Token) {
        match token {
            Token::Word(word) => self.take_word(word),
            Token::Redirect(operator) => self.take_redirection(operator),
            Token::Operator("(") => self.take_opening(),
            Token::Operator(")") => self.take_closing(),
            Token::Operator(operator) => self.take_operator(operator),
            Token::End => {}
        }
    }

    pub(super) fn syntax(&mut self, part: &str) {
        self.lexer.doubt(DoubtKind::Syntax, part);
    }

    fn at_command(&self) -> bool {
        matches!(self.expect, Expect::Start | Expect::Command | Expect::Piped)
    }

    fn take_word(&mut self, word: Word) {
        if self.expect == Expect::After {
            if !self.take_reserved(&word) {
                self.syntax(&word.text);
                self.finish_command();
                self.expect = Expect::Start;
                self.take_head(word);
            }
            return;
        }
        if self.at_command() && self.take_reserved(&word) {
            return;
        }
        if self.current.words.is_empty() {
            self.take_head(word);
        } else {
            self.note_pattern(&word, &Word::literal(""));
            self.current.words.push(word);
        }
    }

    /// A word before or at the command's name.
    fn take_head(&mut self, word: Word) {
        self.expect = Expect::Words;
        if word.is_subscripted() {
            self.lexer.doubt(DoubtKind::Assignment, &word.text);
        }
        if let Some((name, value)) = word.assignment() {
            // What `+=` makes depends on what was; dash takes it for a command's name.
            if word.text.get(name.len()..).is_some_and(|rest| rest.starts_with('+')) {
                self.lexer.doubt(DoubtKind::Assignment, &word.text);
            }
            if self.lexer.is_next('(') {
                self.lexer.doubt(DoubtKind::Assignment, &word.text);
                self.lexer.at += 1;
                self.lexer.skip_bracket();
            }
            self.current.assignments.push((name.to_owned(), value.to_owned()));
            return;
        }
        let time_option = self.current.wrappers.last().is_some_and(|wrapper| wrapper == "time");
        if time_option && word.text.starts_with('-') {
            // Only `-p` belongs to the reserved word, and only as it stands there.
            if word.plain_text() != Some("-p") || self.current.assignments.len() + self.current.redirections.len() > 0 {
                self.lexer.doubt(DoubtKind::WrapperOption, &format!("time {}", word.text));
            }
            self.expect = Expect::Command;
            return;
        }
        self.note_pattern(&word, &word);
        self.current.words.push(word);
    }

    /// A pattern may match a file with any name that it fits: never an option, never the command's name.
    fn note_pattern(&mut self, word: &Word, head: &Word) {
        let risky = word.text.starts_with(['-', '*', '?', '[']) || word == head;
        if word.value == Value::Pattern && risky {
            self.lexer.doubt(DoubtKind::Pattern, &word.text);
        }
    }

    fn take_redirection(&mut self, operator: &'static str) {
        if matches!(self.expect, Expect::Start | Expect::Command | Expect::Piped) {
            self.expect = Expect::Words;
        }
        if self.dialect == Dialect::Posix && matches!(operator, "&>" | "&>>" | "<<<") {
            self.lexer.doubt(DoubtKind::OtherShell, operator);
        }
        let target = match self.lexer.next() {
            Token::Word(word) => word,
            other @ (Token::Operator(_) | Token::Redirect(_) | Token::End) => {
                self.syntax(operator);
                return self.take(other);
            }
        };
        let kind = redirection_kind(operator, &target.text);
        let is_file = !matches!(kind, RedirectionKind::HereString | RedirectionKind::HereDocument);
        if kind == RedirectionKind::HereDocument {
            let number = self.lexer.expect_document(&target, operator);
            self.current.documents.push(number);
        } else if kind == RedirectionKind::Duplicate && !is_descriptor(&target) {
            self.syntax(&target.text);
        } else if is_file && target.value == Value::Pattern {
            self.lexer.doubt(DoubtKind::Pattern, &target.text);
        }
        self.current.redirections.push(Redirection { kind, target: target.text });
    }

    fn take_opening(&mut self) {
        if self.lexer.is_next('(') {
            self.lexer.doubt(DoubtKind::Compound, "((");
            self.lexer.skip_bracket();
            self.expect = Expect::After;
        } else if self.at_command() && self.current.is_empty() {
            self.push_open(Open::Subshell);
        } else {
            self.lexer.doubt(DoubtKind::Compound, "(");
            self.finish_command();
            self.push_open(Open::Other);
        }
    }

    pub(super) fn push_open(&mut self, open: Open) {
        self.open.push(open);
        self.expect = Expect::Command;
        if self.open.len() > DEEPEST_GROUPS {
            self.lexer.doubt(DoubtKind::TooMuch, "more than 100 groups in one another");
            self.halted = true;
        }
    }

    fn take_closing(&mut self) {
        let closes = self.open.pop();
        let complete = matches!(self.expect, Expect::Words | Expect::After | Expect::Start);
        match closes {
            Some(Open::Subshell) if complete => {}
            Some(Open::Other) => {}
            Some(Open::Subshell | Open::Group) | None => self.syntax(")"),
        }
        self.finish_command();
        self.expect = if closes == Some(Open::Other) { Expect::Start } else { Expect::After };
    }

    /// Ends the group that `}` closes.
    pub(super) fn close_group(&mut self) {
        if self.open.pop() != Some(Open::Group) || self.expect == Expect::Command || self.expect == Expect::Piped {
            self.syntax("}");
        }
        self.finish_command();
        self.expect = Expect::After;
    }

    fn take_operator(&mut self, operator: &'static str) {
        let has_command = matches!(self.expect, Expect::Words | Expect::After);
        match operator {
            "\n" if has_command => self.next_command(Expect::Start),
            "\n" => {}
            _ if operator.starts_with(";;") || operator == ";&" => self.end_case_branch(operator),
            _ if !has_command => self.syntax(operator),
            "&&" | "||" => self.next_command(Expect::Command),
            "|" | "|&" => {
                if operator == "|&" && self.dialect == Dialect::Posix {
                    self.lexer.doubt(DoubtKind::OtherShell, operator);
                }
                self.next_command(Expect::Piped);
            }
            _ => self.next_command(Expect::Start),
        }
    }

    pub(super) fn next_command(&mut self, expect: Expect) {
        self.finish_command();
        self.expect = expect;
    }

    pub(super) fn finish_command(&mut self) {
        let current = std::mem::take(&mut self.current);
        if current.is_empty() {
            return;
        }
        if let Some(head) = current.words.first() {
            note_head(&mut self.lexer, head);
        }
        self.commands.push(current);
        if self.commands.len() >= MOST_COMMANDS {
            self.lexer.doubt(DoubtKind::TooMuch, "more than 2,000 commands");
            self.halted = true;
        }
    }

    fn end(mut self) -> Parsed {
        let incomplete = matches!(self.expect, Expect::Command | Expect::Piped) || !self.open.is_empty();
        if incomplete && !self.halted {
            self.lexer.doubt(DoubtKind::Unterminated, "a command is missing at the end");
        }
        self.finish_command();
        let Lexer { doubts, inner, documents, .. } = self.lexer;
        Parsed { commands: self.commands, doubts, inner, documents }
    }
}

/// A command's name that was not written as it is.
fn note_head(lexer: &mut Lexer, head: &Word) {
    if head.writing == Writing::Quoted || !head.text.is_ascii() {
        lexer.doubt(DoubtKind::HiddenHead, &head.text);
    }
}

fn is_descriptor(word: &Word) -> bool {
    let number = word.text.strip_suffix('-').unwrap_or(&word.text);
    word.value == Value::Literal && !word.text.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
