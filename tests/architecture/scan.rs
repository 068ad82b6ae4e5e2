//! Reads Rust text just far enough for the architecture rules: comments and literals are blanked, the rest
//! becomes tokens with line numbers, and paths are spelled out, groups and all.

/// One word or sign of the source, comments and literals left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The word, `::`, or a single sign.
    pub(crate) text: String,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Whether it stands in code that only a test build compiles.
    pub(crate) in_test: bool,
    /// How many inline modules (`mod x { … }`) are open around it.
    pub(crate) inline_modules: usize,
}

impl Token {
    /// Whether it is a word rather than a sign.
    pub(crate) fn is_word(&self) -> bool {
        self.text.chars().next().is_some_and(is_word_start)
    }

    /// Whether a path may hold it.
    fn is_segment(&self) -> bool {
        self.is_word() && !KEYWORDS.contains(&self.text.as_str())
    }
}

/// What a whole file is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The program.
    Program,
    /// Its tests alone.
    Test,
}

/// A path as it would be written without groups, `use a::{b, c::d}` being two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The words between the `::`; a glob is `*`.
    pub(crate) segments: Vec<String>,
    /// Line of the last segment, from 1.
    pub(crate) line: usize,
    /// Whether it stands in code that only a test build compiles.
    pub(crate) in_test: bool,
    /// How many inline modules are open around it.
    pub(crate) inline_modules: usize,
    /// Whether `as` follows.
    pub(crate) renamed: bool,
}

/// Words that may stand before a path without being part of it.
const KEYWORDS: [&str; 16] = [
    "use", "as", "in", "return", "break", "match", "if", "while", "else", "let", "mut", "ref", "dyn", "impl", "move",
    "where",
];

fn is_word_start(sign: char) -> bool {
    sign == '_' || sign.is_alphabetic()
}

fn is_word_part(sign: char) -> bool {
    sign == '_' || sign.is_alphanumeric()
}

/// The source with comments and literals replaced by blanks; every line keeps its number.
pub(crate) fn blank(source: &str) -> String {
    let mut rest = source;
    let mut blanked = String::with_capacity(source.len());
    let mut after_word = false;
    while let Some(sign) = rest.chars().next() {
        let hidden = if after_word { 0 } else { prefixed_literal_length(rest) };
        let hidden = if hidden == 0 { hidden_length(rest) } else { hidden };
        let taken = if hidden == 0 { sign.len_utf8() } else { hidden };
        let (head, tail) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        match hidden {
            0 => blanked.push(sign),
            _ => blanked.extend(head.chars().map(|inner| if inner == '\n' { '\n' } else { ' ' })),
        }
        after_word = hidden == 0 && is_word_part(sign);
        rest = tail;
    }
    blanked
}

/// Bytes of the comment, string or character literal at the start of `rest`, 0 when none starts there.
fn hidden_length(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_length(rest)
    } else if rest.starts_with('"') {
        escaped_length(rest, '"')
    } else if rest.starts_with('\'') {
        character_length(rest)
    } else {
        0
    }
}

/// Bytes of the literal with a prefix (`r"…"`, `br#"…"#`, `b'…'`, `c"…"`) at the start of `rest`, else 0.
fn prefixed_literal_length(rest: &str) -> usize {
    let plain = ["b\"", "c\""].iter().any(|start| rest.starts_with(start));
    if plain {
        return 1 + escaped_length(rest.get(1..).unwrap_or(""), '"');
    }
    if rest.starts_with("b'") {
        return 1 + escaped_length(rest.get(1..).unwrap_or(""), '\'');
    }
    let Some(prefix) = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix)) else { return 0 };
    let after = rest.get(prefix.len()..).unwrap_or("");
    let hashes = after.chars().take_while(|sign| *sign == '#').count();
    let Some(body) = after.get(hashes..).and_then(|body| body.strip_prefix('"')) else { return 0 };
    let closing = format!("\"{}", "#".repeat(hashes));
    body.find(&closing).map_or(rest.len(), |end| prefix.len() + hashes + 1 + end + closing.len())
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(ahead) = rest.get(at..).filter(|ahead| !ahead.is_empty()) {
        if ahead.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if ahead.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += ahead.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Bytes up to and with the closing `quote`, a backslash hiding what follows it.
fn escaped_length(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if sign == quote => return at + sign.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of a character literal, 0 for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut signs = rest.chars().skip(1);
    match (signs.next(), signs.next()) {
        (Some('\\'), _) => escaped_length(rest, '\''),
        (Some(inner), Some('\'')) => inner.len_utf8() + 2,
        _ => 0,
    }
}

/// The tokens of `source`, all of them test code where the whole file is.
pub(crate) fn tokens(source: &str, part: Part) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in blank(source).lines().enumerate() {
        let mut rest = line;
        while let Some(sign) = rest.chars().next() {
            let length = token_length(rest, sign);
            let (text, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if !sign.is_whitespace() {
                let text = text.strip_prefix("r#").unwrap_or(text).to_owned();
                tokens.push(Token { text, line: index + 1, in_test: part == Part::Test, inline_modules: 0 });
            }
            rest = tail;
        }
    }
    mark_inline_modules(&mut tokens);
    mark_tests(&mut tokens);
    tokens
}

fn token_length(rest: &str, sign: char) -> usize {
    if rest.starts_with("::") {
        return 2;
    }
    let raw = if rest.starts_with("r#") { 2 } else { 0 };
    let word: usize =
        rest.get(raw..).unwrap_or("").chars().take_while(|part| is_word_part(*part)).map(char::len_utf8).sum();
    if word == 0 { sign.len_utf8() } else { raw + word }
}

/// Whether the tokens from `at` on read `wanted`.
pub(crate) fn reads(tokens: &[Token], at: usize, wanted: &[&str]) -> bool {
    let ahead = tokens.iter().skip(at).map(|token| token.text.as_str());
    ahead.take(wanted.len()).eq(wanted.iter().copied())
}

fn mark_inline_modules(tokens: &mut [Token]) {
    // One entry for each open brace: whether a module opened it.
    let mut open: Vec<bool> = Vec::new();
    let mut before = [String::new(), String::new()];
    for token in tokens {
        match token.text.as_str() {
            "{" => open.push(before.first().is_some_and(|word| word == "mod")),
            "}" => drop(open.pop()),
            _ => {}
        }
        token.inline_modules = open.iter().filter(|module| **module).count();
        before.rotate_left(1);
        before[1].clone_from(&token.text);
    }
}

fn mark_tests(tokens: &mut [Token]) {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < tokens.len() {
        if !reads(tokens, at, &ATTRIBUTE) {
            at += 1;
            continue;
        }
        let end = item_end(tokens, at + ATTRIBUTE.len());
        tokens.iter_mut().take(end).skip(at).for_each(|token| token.in_test = true);
        at = end;
    }
}

/// Where the item that starts at `start` ends: after its `;`, or after the brace that closes it.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "{" => braces += 1,
            "}" => braces = braces.saturating_sub(1),
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        let closed = braces == 0 && brackets == 0;
        // The braces of `use a::{b};` do not end it.
        let in_use = tokens.get(start).is_some_and(|first| first.text == "use");
        if closed && (token.text == ";" || (token.text == "}" && !in_use)) {
            return at + 1;
        }
    }
    tokens.len()
}

/// Every path in `tokens`, groups spelled out.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let continues = at >= 2
            && reads(tokens, at - 1, &["::"])
            && tokens.get(at - 2).is_some_and(|before| before.is_segment() || before.text == ">");
        at = if token.is_segment() && !continues { path_from(tokens, at, &mut found) } else { at + 1 };
    }
    found
}

/// Reads the path that starts at `start`, puts it into `found` and returns where it ends.
fn path_from(tokens: &[Token], start: usize, found: &mut Vec<Path>) -> usize {
    let mut prefixes: Vec<Vec<String>> = Vec::new();
    let mut segments: Vec<String> = Vec::new();
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        let next_joins = reads(tokens, at + 1, &["::"]);
        let renamed = reads(tokens, at + 1, &["as"]);
        let mut emit = |segments: &[String]| {
            let &Token { line, in_test, inline_modules, .. } = token;
            found.push(Path { segments: segments.to_vec(), line, in_test, inline_modules, renamed });
        };
        at += 1;
        match token.text.as_str() {
            "::" => {}
            "{" => prefixes.push(segments.clone()),
            "," => segments = prefixes.last().cloned().unwrap_or_default(),
            "}" => drop(prefixes.pop()),
            "as" => at += 1,
            word => {
                segments.push(word.to_owned());
                if !next_joins {
                    emit(&segments);
                }
            }
        }
        let joins = next_joins || (token.text == "::" && joins_on(tokens, at));
        if prefixes.is_empty() && !joins {
            return at;
        }
    }
    at
}

/// Whether what follows a `::` at `at` still belongs to the path: not the `<` of `Vec::<u8>`.
fn joins_on(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.is_word() || token.text == "{" || token.text == "*")
}
