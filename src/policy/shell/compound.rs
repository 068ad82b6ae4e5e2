//! Reserved words. All but `{`, `}`, `!` and `time` make a doubt; what they hold is walked roughly, so that a rule that
//! denies a command finds it there.

use super::DoubtKind;
use super::lexer::Token;
use super::parser::{Dialect, Expect, Open, Parser};
use super::word::Word;

impl Parser {
    /// Whether `word`, where a command may start, was a reserved word, and was taken as such.
    pub(super) fn take_reserved(&mut self, word: &Word) -> bool {
        let Some(text) = word.plain_text() else { return false };
        let starts = self.expect != Expect::After;
        match text {
            "{" if starts => self.push_open(Open::Group),
            "}" => self.close_group(),
            "!" if starts => self.take_negation(),
            "time" if starts => self.take_time(),
            "if" | "while" | "until" | "then" | "do" | "else" | "elif" | "coproc" => self.walk_into(text),
            "fi" | "done" | "esac" => {
                self.walk_into(text);
                self.expect = Expect::After;
            }
            "for" | "select" => self.walk_loop(text),
            "case" => self.walk_case(text),
            "function" => self.walk_function(text),
            "[[" => self.walk_condition(text),
            _ => return false,
        }
        true
    }

    fn take_negation(&mut self) {
        if self.expect == Expect::Piped {
            self.syntax("!");
        }
        self.expect = Expect::Command;
    }

    fn take_time(&mut self) {
        // After `|` it may be the program of that name.
        if self.expect == Expect::Piped {
            self.lexer.doubt(DoubtKind::Syntax, "| time");
        }
        // To dash it is no reserved word, and what follows it no command of the shell's.
        if self.dialect == Dialect::Posix {
            self.lexer.doubt(DoubtKind::OtherShell, "time");
        }
        self.current.wrappers.push("time".to_owned());
        self.expect = Expect::Command;
    }

    fn walk_into(&mut self, text: &str) {
        self.lexer.doubt(DoubtKind::Compound, text);
        self.next_command(Expect::Start);
    }

    /// `for NAME in WORDS;`: what follows `do` is found as any other command.
    fn walk_loop(&mut self, text: &str) {
        self.walk_into(text);
        loop {
            match self.lexer.next() {
                Token::End | Token::Operator(";" | "\n") => return,
                Token::Operator("(") => self.lexer.skip_bracket(),
                Token::Word(word) if word.plain_text() == Some("do") => return,
                Token::Word(_) | Token::Operator(_) | Token::Redirect(_) => {}
            }
        }
    }

    fn walk_case(&mut self, text: &str) {
        self.walk_into(text);
        loop {
            match self.lexer.next() {
                Token::End => return,
                Token::Word(word) if word.plain_text() == Some("in") => return self.skip_case_pattern(),
                Token::Word(_) | Token::Operator(_) | Token::Redirect(_) => {}
            }
        }
    }

    /// `;;` and its like.
    pub(super) fn end_case_branch(&mut self, operator: &'static str) {
        self.lexer.doubt(DoubtKind::Compound, operator);
        self.next_command(Expect::Start);
        self.skip_case_pattern();
    }

    fn skip_case_pattern(&mut self) {
        loop {
            match self.lexer.next() {
                Token::End | Token::Operator(")") => return,
                Token::Word(word) if word.plain_text() == Some("esac") => {
                    self.expect = Expect::After;
                    return;
                }
                Token::Word(_) | Token::Operator(_) | Token::Redirect(_) => {}
            }
        }
    }

    fn walk_function(&mut self, text: &str) {
        self.walk_into(text);
        self.lexer.next();
    }

    fn walk_condition(&mut self, text: &str) {
        self.walk_into(text);
        loop {
            match self.lexer.next() {
                Token::End => return,
                Token::Word(word) if word.plain_text() == Some("]]") => {
                    self.expect = Expect::After;
                    return;
                }
                Token::Word(_) | Token::Operator(_) | Token::Redirect(_) => {}
            }
        }
    }
}
