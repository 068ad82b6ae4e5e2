//! From shell text to tokens, after bash(1): quoting, words, operators, redirections, here-documents, comments.

use super::document::Pending;
use super::expansion::extent;
use super::word::{Value, Word, Writing};
use super::{Doubt, DoubtKind};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `;`, `&`, `|`, `(` and the like; a line's end is `"\n"`.
    Operator(&'static str),
    /// A redirection's operator; its target is the next word.
    Redirect(&'static str),
    /// The text's end.
    End,
}

/// Operators, the longest first.
const OPERATORS: [&str; 12] = [";;&", ";;", ";&", "&&", "||", "|&", "\n", ";", "&", "|", "(", ")"];

/// Redirections, the longest first.
const REDIRECTIONS: [&str; 12] = ["<<-", "<<<", "&>>", "<<", ">>", ">|", ">&", "<&", "<>", "&>", "<", ">"];

/// Doubts beyond which no more are listed: one is enough, and the first tell most.
pub(super) const MOST_DOUBTS: usize = 50;

/// Digits of a descriptor that every shell takes for one.
const LONGEST_DESCRIPTOR: usize = 1;

/// Reads one text.
pub(super) struct Lexer {
    pub(super) signs: Vec<char>,
    pub(super) at: usize,
    pub(super) pending: Vec<Pending>,
    /// Bodies of here-documents, in the order in which they were named.
    pub(super) documents: Vec<String>,
    /// What is in doubt.
    pub(super) doubts: Vec<Doubt>,
    /// Shell texts found inside words.
    pub(super) inner: Vec<String>,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Self {
        let (signs, pending, documents) = (text.chars().collect(), Vec::new(), Vec::new());
        Self { signs, at: 0, pending, documents, doubts: Vec::new(), inner: Vec::new() }
    }

    pub(super) fn doubt(&mut self, kind: DoubtKind, part: &str) {
        if self.doubts.len() < MOST_DOUBTS {
            self.doubts.push(Doubt::new(kind, part));
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.signs.get(self.at + ahead).copied()
    }

    fn starts_with(&self, wanted: &str) -> bool {
        wanted.chars().enumerate().all(|(ahead, sign)| self.peek(ahead) == Some(sign))
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> String {
        self.signs.get(from..to.min(self.signs.len())).unwrap_or_default().iter().collect()
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Token {
        self.skip_blanks();
        if self.peek(0) == Some('#') {
            while self.peek(0).is_some_and(|sign| sign != '\n') {
                self.at += 1;
            }
        }
        let Some(first) = self.peek(0) else {
            self.end_documents();
            return Token::End;
        };
        let is_process = matches!(first, '<' | '>') && self.peek(1) == Some('(');
        if !is_process && let Some(redirection) = REDIRECTIONS.into_iter().find(|sign| self.starts_with(sign)) {
            self.at += redirection.chars().count();
            return Token::Redirect(redirection);
        }
        if let Some(operator) = OPERATORS.into_iter().find(|sign| self.starts_with(sign)) {
            self.at += operator.chars().count();
            if operator == "\n" {
                self.read_documents();
            }
            return Token::Operator(operator);
        }
        let start = self.at;
        let word = self.word();
        if matches!(self.peek(0), Some('<' | '>')) && self.names_descriptor(&word, start) {
            return self.next();
        }
        Token::Word(word)
    }

    /// Whether `word`, directly before a redirection, is its descriptor and no word.
    fn names_descriptor(&mut self, word: &Word, start: usize) -> bool {
        let Some(text) = word.plain_text() else { return false };
        if text.starts_with('{') && text.ends_with('}') {
            self.doubt(DoubtKind::Parameter, &self.slice(start, self.at + 1));
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // With more digits it is a word: to dash from the second on, to bash when it is too large for a number.
        if is_number && text.len() > LONGEST_DESCRIPTOR {
            self.doubt(DoubtKind::Syntax, &self.slice(start, self.at + 1));
        }
        is_number
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(' ' | '\t'), _) => self.at += 1,
                (Some('\\'), Some('\n')) => {
                    self.doubt(DoubtKind::Continuation, "\\");
                    self.at += 2;
                }
                _ => return,
            }
        }
    }

    /// Leaves out signs up to the end of what opens here, keeping the commands in it.
    pub(super) fn skip_expansion(&mut self) {
        let found = extent(&self.signs, self.at);
        for (from, to) in found.commands {
            self.inner.push(self.slice(from, to));
        }
        if found.end.is_none() {
            self.doubt(DoubtKind::Unterminated, &self.slice(self.at, self.at + 20));
        }
        self.at = found.end.unwrap_or(self.signs.len());
    }

    /// For `((` and `a=(`: steps back onto the bracket just read and leaves out what it holds.
    pub(super) fn skip_bracket(&mut self) {
        self.at = self.at.saturating_sub(1);
        self.skip_expansion();
    }

    /// Whether the very next sign is `sign`.
    pub(super) fn is_next(&self, sign: char) -> bool {
        self.peek(0) == Some(sign)
    }

    fn word(&mut self) -> Word {
        let mut reader = WordReader::default();
        while let Some(sign) = self.peek(0) {
            let is_process = matches!(sign, '<' | '>') && self.peek(1) == Some('(');
            match sign {
                ' ' | '\t' | '\n' | '|' | '&' | ';' | '(' | ')' => break,
                '<' | '>' if !is_process => break,
                '\'' => self.single_quoted(&mut reader),
                '"' => self.double_quoted(&mut reader),
                '\\' => self.escaped(&mut reader),
                '$' | '`' | '<' | '>' => self.dollar(&mut reader, Place::Bare),
                _ => {
                    reader.bare(sign);
                    self.at += 1;
                }
            }
        }
        reader.finish(self)
    }

    fn single_quoted(&mut self, reader: &mut WordReader) {
        reader.quote();
        self.at += 1;
        loop {
            match self.peek(0) {
                Some('\'') => break,
                Some(sign) => reader.word.text.push(sign),
                None => return self.doubt(DoubtKind::Unterminated, "'"),
            }
            self.at += 1;
        }
        self.at += 1;
    }

    fn double_quoted(&mut self, reader: &mut WordReader) {
        reader.quote();
        self.at += 1;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('"'), _) => break,
                (Some('\\'), Some('\n')) => {
                    self.doubt(DoubtKind::Continuation, "\\");
                    self.at += 2;
                }
                (Some('\\'), Some(sign @ ('$' | '`' | '"' | '\\'))) => {
                    reader.word.text.push(sign);
                    self.at += 2;
                }
                (Some('$' | '`'), _) => self.dollar(reader, Place::Quoted),
                (Some(sign), _) => {
                    reader.word.text.push(sign);
                    self.at += 1;
                }
                (None, _) => return self.doubt(DoubtKind::Unterminated, "\""),
            }
        }
        self.at += 1;
    }

    fn escaped(&mut self, reader: &mut WordReader) {
        match self.peek(1) {
            Some('\n') => self.doubt(DoubtKind::Continuation, "\\"),
            Some(sign) => {
                reader.quote();
                reader.word.text.push(sign);
            }
            None => {
                reader.quote();
                self.doubt(DoubtKind::Unterminated, "\\");
            }
        }
        self.at += 2;
    }

    /// What starts with a dollar, a backquote or, outside quotes, `<(` and `>(`.
    fn dollar(&mut self, reader: &mut WordReader, place: Place) {
        let start = self.at;
        let bare = place == Place::Bare;
        let kind = match (self.peek(0), self.peek(1)) {
            (Some('$'), Some('(')) if self.peek(2) == Some('(') => DoubtKind::Arithmetic,
            (Some('$'), Some('[')) => DoubtKind::Arithmetic,
            (Some('$'), Some('(')) | (Some('`'), _) => DoubtKind::CommandSubstitution,
            (Some('<' | '>'), _) => DoubtKind::ProcessSubstitution,
            (Some('$'), Some('{')) => DoubtKind::Parameter,
            (Some('$'), Some('\'')) if bare => return self.ansi_quoted(reader),
            (Some('$'), Some('"')) if bare => {
                self.doubt(DoubtKind::LocaleQuote, "$\"");
                reader.word.value = Value::Open;
                self.at += 1;
                return;
            }
            (Some('$'), None | Some(' ' | '\t' | '\n')) => return self.lone_dollar(reader),
            (Some('$'), Some('|' | ')')) => return self.lone_dollar(reader),
            (Some('$'), Some('"' | '/')) if !bare => return self.lone_dollar(reader),
            _ => return self.parameter(reader),
        };
        self.skip_expansion();
        let part = self.slice(start, self.at);
        self.doubt(kind, &part);
        reader.open(&part);
    }

    fn lone_dollar(&mut self, reader: &mut WordReader) {
        reader.word.text.push('$');
        self.at += 1;
    }

    fn parameter(&mut self, reader: &mut WordReader) {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|sign| sign.is_ascii_alphabetic() || sign == '_') {
            while self.peek(0).is_some_and(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
                self.at += 1;
            }
        } else if self.peek(0).is_some_and(|sign| sign.is_ascii_digit() || "@*#?$!-".contains(sign)) {
            self.at += 1;
        }
        let part = self.slice(start, self.at);
        self.doubt(DoubtKind::Parameter, &part);
        reader.open(&part);
    }

    fn ansi_quoted(&mut self, reader: &mut WordReader) {
        let start = self.at;
        self.at += 2;
        while self.peek(0).is_some_and(|sign| sign != '\'') {
            self.at += if self.peek(0) == Some('\\') { 2 } else { 1 };
        }
        self.at += 1;
        let part = self.slice(start, self.at);
        let is_open = self.at > self.signs.len();
        self.doubt(if is_open { DoubtKind::Unterminated } else { DoubtKind::AnsiQuote }, &part);
        reader.open(&part);
    }
}

/// Where in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Bare,
    Quoted,
}

/// A word being read, and its unquoted signs that mean something.
#[derive(Default)]
struct WordReader {
    word: Word,
    /// Unquoted signs, every quoted stretch as one NUL: what braces, tildes and patterns are looked for in.
    bare: String,
}

impl WordReader {
    fn bare(&mut self, sign: char) {
        self.word.text.push(sign);
        self.bare.push(sign);
        if self.word.writing == Writing::Plain {
            self.word.plain = self.word.text.len();
        }
    }

    fn quote(&mut self) {
        self.word.writing = Writing::Quoted;
        self.bare.push('\0');
    }

    fn open(&mut self, part: &str) {
        self.quote();
        self.word.value = Value::Open;
        self.word.text.push_str(part);
    }

    fn finish(mut self, lexer: &mut Lexer) -> Word {
        let text = self.word.text.clone();
        if may_be_braces(&self.bare) {
            lexer.doubt(DoubtKind::Brace, &text);
            self.word.value = Value::Open;
        }
        if self.bare.starts_with('~') || self.bare.contains("=~") || self.bare.contains(":~") {
            lexer.doubt(DoubtKind::Tilde, &text);
            self.word.value = Value::Open;
        }
        if self.word.value == Value::Literal && is_pattern(&self.bare) {
            self.word.value = Value::Pattern;
        }
        self.word
    }
}

/// Whether braces may expand: an opening one, and after it a comma or two dots.
fn may_be_braces(bare: &str) -> bool {
    bare.split_once('{').is_some_and(|(_, after)| after.contains(',') || after.contains(".."))
}

/// Whether the unquoted signs make a pathname pattern.
fn is_pattern(bare: &str) -> bool {
    bare.contains(['*', '?'])
        || bare.split_once('[').is_some_and(|(_, after)| after.contains(']') || after.contains('\0'))
}
