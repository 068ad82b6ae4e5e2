//! Here-documents: noted where they are named, read after that line.

use super::DoubtKind;
use super::lexer::Lexer;
use super::word::{Word, Writing};

/// A here-document whose body has not been reached.
pub(super) struct Pending {
    delimiter: String,
    strips_tabs: bool,
    expands: bool,
}

impl Lexer {
    /// Notes a here-document whose body starts after this line; says which of the text's it is.
    pub(super) fn expect_document(&mut self, delimiter: &Word, operator: &str) -> usize {
        let expands = delimiter.writing == Writing::Plain;
        let pending = Pending { delimiter: delimiter.text.clone(), strips_tabs: operator == "<<-", expands };
        self.pending.push(pending);
        self.documents.len() + self.pending.len() - 1
    }

    pub(super) fn read_documents(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for document in pending {
            let start = self.at;
            let mut body = String::new();
            let ended = self.read_document(&document, &mut body);
            let end = self.at;
            self.documents.push(body);
            if !ended {
                self.doubt(DoubtKind::Unterminated, &format!("<<{}", document.delimiter));
            }
            self.look_into_document(&document, start, end);
        }
    }

    fn read_document(&mut self, document: &Pending, body: &mut String) -> bool {
        while self.at < self.signs.len() {
            let rest = self.signs.get(self.at..).unwrap_or_default();
            let length = rest.iter().position(|sign| *sign == '\n').unwrap_or(rest.len());
            let line = self.slice(self.at, self.at + length);
            self.at = (self.at + length + 1).min(self.signs.len());
            let line = if document.strips_tabs { line.trim_start_matches('\t') } else { &line };
            if line == document.delimiter {
                return true;
            }
            body.push_str(line);
            body.push('\n');
        }
        false
    }

    fn look_into_document(&mut self, document: &Pending, start: usize, end: usize) {
        let body = self.signs.get(start..end).unwrap_or_default();
        if !document.expands || !body.iter().any(|sign| matches!(sign, '$' | '`' | '\\')) {
            return;
        }
        let part: String = body.iter().take(60).collect();
        self.doubt(DoubtKind::HereDocument, &part);
        let after = self.at;
        self.at = start;
        while self.at < end {
            match (self.peek(0), self.peek(1)) {
                (Some('`'), _) | (Some('$'), Some('(' | '{' | '[')) => self.skip_expansion(),
                (Some('\\'), _) => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at = after;
    }

    pub(super) fn end_documents(&mut self) {
        for document in std::mem::take(&mut self.pending) {
            self.doubt(DoubtKind::Unterminated, &format!("<<{}", document.delimiter));
        }
    }
}
