//! `sed`: its options, and its script command by command, after the manual of GNU sed. What is not read for sure is an
//! effect.

use super::effects::effect;
use super::options::{Order, Spec, read};
use super::word::{Value, Word};
use super::{Effect, EffectKind};

const SPEC: Spec = Spec {
    short: "ne:f:Ersi::l:uzb",
    long: "quiet silent expression= file= regexp-extended in-place=? line-length= null-data zero-terminated separate \
           unbuffered posix debug sandbox follow-symlinks binary help version",
};

/// What a `sed` command does besides printing.
pub(super) fn effects(rest: &[Word]) -> Vec<Effect> {
    let parsed = read(&SPEC, Order::Anywhere, rest);
    let mut effects: Vec<Effect> = parsed.unknown.iter().map(|unknown| effect(EffectKind::Unknown, unknown)).collect();
    let mut scripts = Vec::new();
    for option in &parsed.options {
        match option.name.as_str() {
            "-i" | "--in-place" => effects.push(effect(EffectKind::WritesFile, &option.name)),
            "-f" | "--file" => effects.push(effect(EffectKind::RunsProgram, &option.name)),
            "-e" | "--expression" => scripts.extend(option.value.as_ref().map(|word| word.text.clone())),
            _ => {}
        }
    }
    if scripts.is_empty() && !parsed.has(&["-f", "--file", "--help", "--version"]) {
        match parsed.operands.first().and_then(|at| rest.get(*at)) {
            Some(script) if script.value == Value::Literal => scripts.push(script.text.clone()),
            Some(script) => effects.push(effect(EffectKind::Unknown, &script.text)),
            None => {}
        }
    }
    effects.extend(of_script(&scripts.join("\n")));
    effects
}

/// The first effect of a script, or of what is no script.
fn of_script(script: &str) -> Option<Effect> {
    let mut reader = Reader { signs: script.chars().collect(), at: 0, depth: 0 };
    loop {
        match reader.command() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(kind) => return Some(effect(kind, script)),
        }
    }
}

struct Reader {
    signs: Vec<char>,
    at: usize,
    depth: usize,
}

type Step<T> = Result<T, EffectKind>;

const UNSURE: EffectKind = EffectKind::Unknown;

impl Reader {
    fn peek(&self) -> Option<char> {
        self.signs.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let sign = self.peek();
        self.at += 1;
        sign
    }

    fn skip(&mut self, fits: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
    }

    /// Reads one command; whether there was one.
    fn command(&mut self) -> Step<bool> {
        self.skip(|sign| sign == ';' || sign.is_ascii_whitespace());
        if self.peek().is_none() {
            return if self.depth == 0 { Ok(false) } else { Err(UNSURE) };
        }
        self.address()?;
        self.skip(|sign| sign == ' ' || sign == '\t');
        if self.peek() == Some(',') {
            self.at += 1;
            self.skip(|sign| sign == ' ' || sign == '\t');
            self.second_address()?;
        }
        self.skip(|sign| sign == ' ' || sign == '\t' || sign == '!');
        let name = self.take().ok_or(UNSURE)?;
        self.arguments(name)?;
        Ok(true)
    }

    fn address(&mut self) -> Step<()> {
        match self.peek() {
            Some('$') => self.at += 1,
            Some(sign) if sign.is_ascii_digit() => {
                self.number();
                if self.peek() == Some('~') {
                    self.at += 1;
                    self.number();
                }
            }
            Some('/') => self.pattern_address('/')?,
            Some('\\') => {
                self.at += 1;
                let delimiter = self.peek().filter(|sign| !sign.is_whitespace() && *sign != '\\').ok_or(UNSURE)?;
                self.pattern_address(delimiter)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn second_address(&mut self) -> Step<()> {
        if matches!(self.peek(), Some('+' | '~')) {
            self.at += 1;
            self.number();
            return Ok(());
        }
        let before = self.at;
        self.address()?;
        if self.at == before { Err(UNSURE) } else { Ok(()) }
    }

    fn number(&mut self) {
        self.skip(|sign| sign.is_ascii_digit());
    }

    fn pattern_address(&mut self, delimiter: char) -> Step<()> {
        self.at += 1;
        self.pattern(delimiter)?;
        self.skip(|sign| matches!(sign, 'I' | 'M'));
        Ok(())
    }

    fn arguments(&mut self, name: char) -> Step<()> {
        match name {
            '{' => {
                self.depth += 1;
                Ok(())
            }
            '}' => {
                self.depth = self.depth.checked_sub(1).ok_or(UNSURE)?;
                self.end_of_command()
            }
            '=' | 'd' | 'D' | 'F' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' => self.end_of_command(),
            'q' | 'Q' | 'l' | 'L' => {
                self.skip(|sign| sign == ' ' || sign.is_ascii_digit());
                self.end_of_command()
            }
            'a' | 'i' | 'c' => self.text(),
            'r' | 'R' | '#' => {
                self.skip(|sign| sign != '\n');
                Ok(())
            }
            'b' | 't' | 'T' | ':' => {
                self.skip(|sign| sign == ' ' || sign == '\t');
                self.skip(|sign| sign.is_ascii_alphanumeric() || sign == '_');
                self.end_of_label()
            }
            's' => self.substitution(),
            'y' => self.transliteration(),
            'e' => Err(EffectKind::RunsProgram),
            'w' | 'W' => Err(EffectKind::WritesFile),
            _ => Err(UNSURE),
        }
    }

    fn end_of_command(&mut self) -> Step<()> {
        self.skip(|sign| sign == ' ' || sign == '\t');
        match self.peek() {
            None | Some(';' | '\n' | '}' | '#') => Ok(()),
            Some(_) => Err(UNSURE),
        }
    }

    /// Old versions take a closing brace into a label, new ones do not.
    fn end_of_label(&mut self) -> Step<()> {
        match self.peek() {
            None | Some(';' | '\n' | ' ' | '\t') => self.end_of_command(),
            Some(_) => Err(UNSURE),
        }
    }

    /// Text up to a line's end that no backslash precedes.
    fn text(&mut self) -> Step<()> {
        loop {
            match self.take() {
                None | Some('\n') => return Ok(()),
                Some('\\') => self.at += 1,
                Some(_) => {}
            }
        }
    }

    /// A regular expression up to `delimiter`. Versions differ on whether it ends in brackets: there it is not sure.
    fn pattern(&mut self, delimiter: char) -> Step<()> {
        loop {
            match self.take() {
                Some(sign) if sign == delimiter => return Ok(()),
                Some('\\') if self.peek() == Some('\n') => return Err(UNSURE),
                Some('\\') => self.at += 1,
                Some('[') => self.brackets(delimiter)?,
                None | Some('\n') => return Err(UNSURE),
                Some(_) => {}
            }
        }
    }

    fn brackets(&mut self, delimiter: char) -> Step<()> {
        if self.peek() == Some('^') {
            self.at += 1;
        }
        let first = self.at;
        loop {
            match self.take() {
                Some(']') if self.at > first + 1 => return Ok(()),
                Some('\\') if self.peek().is_some_and(|sign| sign == ']' || sign == delimiter) => return Err(UNSURE),
                // `[[:alpha:]]`: a class has brackets of its own.
                Some('[') if matches!(self.peek(), Some(':' | '.' | '=')) => self.class(delimiter)?,
                Some(sign) if sign == delimiter => return Err(UNSURE),
                None | Some('\n') => return Err(UNSURE),
                Some(_) => {}
            }
        }
    }

    fn class(&mut self, delimiter: char) -> Step<()> {
        let kind = self.take().ok_or(UNSURE)?;
        if kind == delimiter {
            return Err(UNSURE);
        }
        self.skip(|sign| sign.is_ascii_alphanumeric());
        let ends = self.take() == Some(kind) && self.take() == Some(']');
        if ends { Ok(()) } else { Err(UNSURE) }
    }

    fn replacement(&mut self, delimiter: char) -> Step<()> {
        loop {
            match self.take() {
                Some(sign) if sign == delimiter => return Ok(()),
                Some('\\') => self.at += 1,
                None | Some('\n') => return Err(UNSURE),
                Some(_) => {}
            }
        }
    }

    fn delimiter(&mut self) -> Step<char> {
        let sign = self.take().ok_or(UNSURE)?;
        // A delimiter that means something in brackets, or to the shell's eye, is nobody's habit.
        if sign.is_ascii_alphanumeric() || matches!(sign, '\n' | '\\' | '[' | ']' | ' ' | ';' | '{' | '}') {
            return Err(UNSURE);
        }
        Ok(sign)
    }

    fn substitution(&mut self) -> Step<()> {
        let delimiter = self.delimiter()?;
        self.pattern(delimiter)?;
        self.replacement(delimiter)?;
        loop {
            match self.peek() {
                Some('e') => return Err(EffectKind::RunsProgram),
                Some('w') => return Err(EffectKind::WritesFile),
                Some(sign) if sign.is_ascii_digit() || "gpiImM".contains(sign) => self.at += 1,
                _ => return self.end_of_command(),
            }
        }
    }

    fn transliteration(&mut self) -> Step<()> {
        let delimiter = self.delimiter()?;
        self.replacement(delimiter)?;
        self.replacement(delimiter)?;
        self.end_of_command()
    }
}
