//! `awk`: its options, and its program word by word. Versions differ, and so whatever is not plainly harmless is an
//! effect: pipes, redirected output, `system`, `getline`, what is loaded, and a `/` that may be division or not.

use super::effects::effect;
use super::options::{Order, Spec, read};
use super::word::{Value, Word};
use super::{Effect, EffectKind};

const SPEC: Spec = Spec { short: "F:v:", long: "field-separator= assign= version" };

/// What an `awk` command does besides printing.
pub(super) fn effects(rest: &[Word]) -> Vec<Effect> {
    let parsed = read(&SPEC, Order::First, rest);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    match parsed.operands.first().and_then(|at| rest.get(*at)) {
        Some(program) if program.value == Value::Literal => {
            effects.extend(of_program(&program.text).map(|kind| effect(kind, &program.text)));
        }
        Some(program) => effects.push(effect(EffectKind::Unknown, &program.text)),
        None => {}
    }
    effects
}

/// What stands before a sign, as far as it says what a `/` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A name, a number, a closing bracket: `/` divides.
    Value,
    /// An operator, an opening bracket, a statement's start: `/` starts a regular expression.
    Operator,
    /// A `)`, a string, `++`, a function's bare name: versions and places differ.
    Either,
}

/// Words after which `/` starts a regular expression.
const KEYWORDS: &[&str] = &[
    "print", "printf", "return", "BEGIN", "END", "if", "else", "while", "for", "do", "in", "next", "exit", "delete",
    "case",
];

/// Words that do something: run, read commands' output, load.
const RISKY: &[&str] = &["system", "getline", "load", "include", "namespace", "close", "fflush", "inplace"];

struct Reader {
    signs: Vec<char>,
    at: usize,
    before: Before,
    /// Whether a `print` or `printf` stands earlier in this statement, after which `>` writes.
    prints: bool,
}

fn of_program(program: &str) -> Option<EffectKind> {
    let mut reader = Reader { signs: program.chars().collect(), at: 0, before: Before::Operator, prints: false };
    while let Some(sign) = reader.peek(0) {
        if let Err(kind) = reader.step(sign) {
            return Some(kind);
        }
    }
    None
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.signs.get(self.at + ahead).copied()
    }

    fn step(&mut self, sign: char) -> Result<(), EffectKind> {
        match sign {
            ' ' | '\t' => self.at += 1,
            '#' => {
                while self.peek(0).is_some_and(|sign| sign != '\n') {
                    self.at += 1;
                }
            }
            '"' => {
                self.at += 1;
                self.quoted('"')?;
                self.before = Before::Either;
            }
            '/' => self.slash()?,
            'a'..='z' | 'A'..='Z' | '_' => self.name()?,
            '0'..='9' | '.' => {
                self.at += 1;
                self.before = Before::Value;
            }
            _ => self.sign(sign)?,
        }
        Ok(())
    }

    /// Text up to `end`; an escape hides a sign, a line's end ends nothing well.
    fn quoted(&mut self, end: char) -> Result<(), EffectKind> {
        loop {
            match self.peek(0) {
                Some('\\') => self.at += 2,
                None | Some('\n') => return Err(EffectKind::Unknown),
                // Whether a slash in brackets ends the expression differs.
                Some('[') if end == '/' => self.brackets()?,
                Some(sign) => {
                    self.at += 1;
                    if sign == end {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn brackets(&mut self) -> Result<(), EffectKind> {
        self.at += 1;
        if self.peek(0) == Some('^') {
            self.at += 1;
        }
        let first = self.at;
        loop {
            match self.peek(0) {
                Some(']') if self.at > first => {
                    self.at += 1;
                    return Ok(());
                }
                None | Some('\n' | '/' | '\\') => return Err(EffectKind::Unknown),
                Some('[') if self.peek(1) == Some(':') => self.class(),
                Some(_) => self.at += 1,
            }
        }
    }

    /// `[:alpha:]`
    fn class(&mut self) {
        self.at += 2;
        while self.peek(0).is_some_and(|sign| sign.is_ascii_alphabetic()) {
            self.at += 1;
        }
        if self.peek(0) == Some(':') && self.peek(1) == Some(']') {
            self.at += 2;
        }
    }

    fn slash(&mut self) -> Result<(), EffectKind> {
        self.at += 1;
        match self.before {
            Before::Value => self.before = Before::Operator,
            Before::Operator => {
                self.quoted('/')?;
                self.before = Before::Either;
            }
            Before::Either => return Err(EffectKind::Unknown),
        }
        Ok(())
    }

    fn name(&mut self) -> Result<(), EffectKind> {
        let start = self.at;
        while self.peek(0).is_some_and(|sign| sign.is_ascii_alphanumeric() || sign == '_') {
            self.at += 1;
        }
        let name: String = self.signs.get(start..self.at).unwrap_or_default().iter().collect();
        if RISKY.contains(&name.as_str()) {
            return Err(EffectKind::RunsProgram);
        }
        self.prints |= name == "print" || name == "printf";
        self.before = match name.as_str() {
            // The only function that may stand without brackets.
            "length" => Before::Either,
            _ if KEYWORDS.contains(&name.as_str()) => Before::Operator,
            _ => Before::Value,
        };
        Ok(())
    }

    fn sign(&mut self, sign: char) -> Result<(), EffectKind> {
        let doubled = self.peek(1) == Some(sign);
        match sign {
            '|' if !doubled => return Err(EffectKind::RunsProgram),
            '>' if self.prints => return Err(EffectKind::WritesFile),
            // Indirect calls and directives, continued lines, and whatever has no meaning.
            '@' | '\\' | '`' | '\'' => return Err(EffectKind::Unknown),
            _ if !sign.is_ascii() => return Err(EffectKind::Unknown),
            '|' | '+' | '-' | '&' | '=' if doubled => {
                self.at += 1;
                self.before = if matches!(sign, '+' | '-') { Before::Either } else { Before::Operator };
            }
            ']' => self.before = Before::Value,
            ')' => self.before = Before::Either,
            '$' => self.before = Before::Operator,
            // Not a line's end: after a comma the statement goes on in the next line.
            ';' | '{' | '}' => {
                self.prints = false;
                self.before = Before::Operator;
            }
            _ => self.before = Before::Operator,
        }
        self.at += 1;
        Ok(())
    }
}
