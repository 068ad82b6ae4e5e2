//! The extent of an expansion, and the commands in it. No recursion: nesting is a stack of what closes it.

/// What is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paren,
    Brace,
    Bracket,
    DoubleQuote,
    Backquote,
}

/// Where an expansion ends, and the texts in it that are commands.
pub(super) struct Extent {
    /// Index after its last sign; `None` when it has no end.
    pub(super) end: Option<usize>,
    /// Ranges of signs that are shell text, those inside one another left out.
    pub(super) commands: Vec<(usize, usize)>,
}

/// Walks over the expansion that starts at `start` with `$(`, `${`, `$[`, `<(`, `>(`, `(` or a backquote.
pub(super) fn extent(signs: &[char], start: usize) -> Extent {
    let mut walk = Walk { signs, at: start, open: Vec::new(), command: None, commands: Vec::new() };
    walk.open_here();
    while !walk.open.is_empty() {
        let Some(sign) = signs.get(walk.at).copied() else {
            let commands = walk.all_commands();
            return Extent { end: None, commands };
        };
        walk.step(sign);
    }
    Extent { end: Some(walk.at), commands: walk.commands }
}

struct Walk<'signs> {
    signs: &'signs [char],
    at: usize,
    open: Vec<Open>,
    /// Where the outermost command starts, and how many are open around it.
    command: Option<(usize, usize)>,
    commands: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.signs.get(self.at + ahead).copied()
    }

    /// Opens what starts here, if anything does.
    fn open_here(&mut self) -> bool {
        let quoted = self.open.last() == Some(&Open::DoubleQuote);
        let (kind, width) = match (self.peek(0), self.peek(1)) {
            (Some('$'), Some('(')) => (Open::Paren, 2),
            (Some('<' | '>'), Some('(')) if !quoted => (Open::Paren, 2),
            (Some('('), _) if !quoted => (Open::Paren, 1),
            (Some('$'), Some('{')) => (Open::Brace, 2),
            (Some('$'), Some('[')) => (Open::Bracket, 2),
            (Some('`'), _) => (Open::Backquote, 1),
            _ => return false,
        };
        self.at += width;
        if matches!(kind, Open::Paren | Open::Backquote) && self.command.is_none() {
            self.command = Some((self.at, self.open.len()));
        }
        self.open.push(kind);
        true
    }

    fn step(&mut self, sign: char) {
        let top = self.open.last().copied();
        match (sign, top) {
            ('\\', _) => self.at += 2,
            ('\'', Some(kind)) if kind != Open::DoubleQuote => self.skip_quoted(),
            ('"', Some(Open::DoubleQuote)) | (')', Some(Open::Paren)) | ('}', Some(Open::Brace)) => self.close(),
            (']', Some(Open::Bracket)) => self.close(),
            ('`', _) if self.open.contains(&Open::Backquote) => {
                while self.open.last().is_some_and(|kind| *kind != Open::Backquote) {
                    self.open.pop();
                }
                self.close();
            }
            ('"', _) => {
                self.open.push(Open::DoubleQuote);
                self.at += 1;
            }
            _ => {
                if !self.open_here() {
                    self.at += 1;
                }
            }
        }
    }

    fn close(&mut self) {
        self.open.pop();
        if let Some((start, _)) = self.command.take_if(|(_, depth)| *depth >= self.open.len()) {
            self.commands.push((start, self.at));
        }
        self.at += 1;
    }

    fn skip_quoted(&mut self) {
        let rest = self.signs.get(self.at + 1..).unwrap_or_default();
        let length = rest.iter().position(|sign| *sign == '\'').unwrap_or(rest.len());
        self.at += length + 2;
    }

    /// What is open at the text's end counts to there.
    fn all_commands(&mut self) -> Vec<(usize, usize)> {
        if let Some((start, _)) = self.command.take() {
            self.commands.push((start, self.signs.len()));
        }
        std::mem::take(&mut self.commands)
    }
}
