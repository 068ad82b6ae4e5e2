//! Doc comments: where one stands in a definition's text, and the first sentence of it as a question.

use std::ops::Range;

use tagout::syntax::Language;

/// A doc comment in the text of one definition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doc {
    /// Its lines, counted from the first line of the text.
    pub(super) lines: Range<usize>,
    /// What it says, without its marks, line by line.
    pub(super) said: Vec<String>,
}

/// Finds the doc comment of a definition whose text, leading comments included, is `text`.
pub(super) fn find(language: Language, text: &str) -> Option<Doc> {
    let lines: Vec<&str> = text.lines().collect();
    let doc = match language {
        Language::Python => docstring(&lines)?,
        Language::Rust => above(&lines, &["///"], true),
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java | Language::Php => {
            above(&lines, &[], true)
        }
        Language::Go | Language::C | Language::Cpp | Language::CSharp => above(&lines, &["///", "//"], true),
        _ => return None,
    };
    (!doc.said.is_empty()).then_some(doc)
}

/// The comment at the top: lines after one of `marks`, or a block.
fn above(lines: &[&str], marks: &[&str], blocks: bool) -> Doc {
    let (mut said, mut first, mut end, mut in_block) = (Vec::new(), None, 0, false);
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        if in_block || (blocks && line.starts_with("/*")) {
            in_block = !line.ends_with("*/");
            let inner = line.trim_start_matches("/*").trim_end_matches('/').trim_matches(['*', '!']);
            said.push(inner.trim().to_owned());
        } else if let Some(inner) = marks.iter().find_map(|mark| line.strip_prefix(mark)) {
            said.push(inner.trim().to_owned());
        } else if line.starts_with("#[") && line.ends_with(']') {
            continue;
        } else {
            break;
        }
        first = first.or(Some(at));
        end = at + 1;
        if line.contains("*/") && !line.ends_with("*/") {
            // Code stands behind the comment on its line: taken away with it, it would be missed.
            return Doc { lines: 0..0, said: Vec::new() };
        }
    }
    Doc { lines: first.unwrap_or(0)..end, said }
}

/// The string that a definition's body begins with.
fn docstring(lines: &[&str]) -> Option<Doc> {
    let opens = |line: &str| {
        let bare = line.trim_start_matches(['r', 'R', 'u', 'U']);
        ["\"\"\"", "'''"].into_iter().find(|quote| bare.starts_with(quote)).map(|quote| (quote, bare.to_owned()))
    };
    let head = |line: &str| line.split(" #").next().unwrap_or(line).trim_end().ends_with(':');
    let first = (1..lines.len().min(80)).find(|at| head(lines[at - 1]) && opens(lines[*at].trim()).is_some())?;
    let (quote, opening) = opens(lines[first].trim())?;
    let mut said = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(first) {
        let inner = if at == first { opening.get(3..).unwrap_or_default() } else { line.trim() };
        match inner.find(quote) {
            Some(end) => {
                said.push(inner[..end].trim().to_owned());
                return Some(Doc { lines: first..at + 1, said });
            }
            None => said.push(inner.trim().to_owned()),
        }
    }
    None
}

/// The text without the lines of its doc comments, line numbers kept. `lines` are counted from the file's first line.
pub(super) fn blanked(text: &str, docs: &[Range<usize>], language: Language) -> String {
    let mut out: Vec<&str> = text.split('\n').collect();
    let mut firsts: Vec<(usize, String)> = Vec::new();
    for doc in docs {
        let first = out.get(doc.start).copied().unwrap_or_default();
        let indentation = &first[..first.len() - first.trim_start().len()];
        firsts.push((doc.start, format!("{indentation}...")));
        for line in out.iter_mut().take(doc.end).skip(doc.start) {
            *line = "";
        }
    }
    let mut out: Vec<String> = out.into_iter().map(str::to_owned).collect();
    if language == Language::Python {
        // A body needs a statement.
        firsts.into_iter().for_each(|(at, line)| out[at] = line);
    }
    out.join("\n")
}

/// The first sentence of a doc comment as a question, when it is one: English, 4 to 40 words, about the definition.
pub(super) fn sentence(said: &[String], symbol: &str) -> Option<String> {
    let ends = |line: &&String| {
        let stop =
            ["@", ":param", ":return", ":type", "\\param", "\\return", "```", "#", "---", "===", "- ", "* ", ">>>"];
        line.is_empty() || stop.iter().any(|mark| line.starts_with(mark)) && !starts_a_summary(line)
    };
    let paragraph: Vec<&str> = said
        .iter()
        .skip_while(|line| line.is_empty())
        .take_while(|line| !ends(line))
        .map(|line| summary(line))
        .collect();
    let text = plain(&paragraph.join(" "));
    let text = first_sentence(&text);
    let text = match text.split_once(' ') {
        Some((first, rest)) if first == symbol => rest,
        _ => text,
    };
    let text = text.trim().trim_end_matches(['.', ':', ',', ';']).trim();
    is_question(text).then(|| text.to_owned())
}

fn starts_a_summary(line: &str) -> bool {
    ["@brief", "\\brief", "@description", "@summary", "@desc"].iter().any(|mark| line.starts_with(mark))
}

fn summary(line: &str) -> &str {
    if starts_a_summary(line) { line.split_once(' ').map_or("", |(_, rest)| rest) } else { line }
}

/// Without the marks of markup: `{@link X}`, `` `x` ``, `[x](y)`, `<b>x</b>`, `:class:`.
fn plain(text: &str) -> String {
    let (mut out, mut tag, mut target) = (String::new(), false, false);
    let text = text.replace("](", "]\u{1}(");
    let mut characters = text.chars().peekable();
    while let Some(sign) = characters.next() {
        match sign {
            '<' if characters.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == '/') => tag = true,
            '>' if tag => tag = false,
            '\u{1}' => target = true,
            ')' if target => target = false,
            '`' | '{' | '}' | '[' | ']' | '*' => {}
            _ if !tag && !target => out.push(sign),
            _ => {}
        }
    }
    let kept = |word: &&str| !matches!(*word, "@link" | "@linkcode" | "@code" | "@see" | "@literal" | "@linkplain");
    let words: Vec<&str> = out.split_whitespace().filter(kept).map(role).collect();
    words.join(" ")
}

/// What a role of reStructuredText is about: `:class:Session` is `Session`.
fn role(word: &str) -> &str {
    match word.strip_prefix(':').and_then(|rest| rest.split_once(':')) {
        Some((_, rest)) if !rest.is_empty() => rest.trim_start_matches('~'),
        _ => word,
    }
}

fn first_sentence(text: &str) -> &str {
    for (at, _) in text.match_indices(". ") {
        let before = &text[..at];
        let short = ["e.g", "i.e", "etc", "vs", "cf", "resp", "approx"].iter().any(|word| before.ends_with(word));
        if !short {
            return before;
        }
    }
    text
}

fn is_question(text: &str) -> bool {
    const NONE: &[&str] = &[
        "copyright",
        "license",
        "spdx",
        "todo",
        "fixme",
        "eslint",
        "http",
        "nolint",
        "deprecated",
        "inheritdoc",
        "generated",
        "see ",
        "@",
        "note:",
        "auto",
        "this file",
        "alias for",
        "constructor",
        "default constructor",
    ];
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    let lower = text.to_lowercase();
    let letters = text.chars().filter(|sign| sign.is_ascii_alphabetic() || *sign == ' ').count();
    (4..=40).contains(&words)
        && text.len() < 400
        && text.is_ascii()
        && letters * 100 >= text.len() * 80
        && !NONE.iter().any(|start| lower.starts_with(start))
        && !lower.contains("copyright")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, text: &str, symbol: &str, question: &str, lines: Range<usize>) {
        let doc = find(language, text).unwrap();
        assert_eq!(doc.lines, lines, "{text}");
        assert_eq!(sentence(&doc.said, symbol).unwrap_or_default(), question, "{text}");
    }

    #[test]
    fn doc_comments_of_each_style_are_questions() {
        let rust = "/// Reads [`Frame`]s until the end. More.\n#[must_use]\nfn read() {}";
        check(Language::Rust, rust, "read", "Reads Frames until the end", 0..1);
        let go = "// Walk visits each node of the tree.\nfunc Walk() {}";
        check(Language::Go, go, "Walk", "visits each node of the tree", 0..1);
        let java = "  /**\n   * Finds {@link User users} by <b>name</b>.\n   * @param name it\n   */\n  void find() {}";
        check(Language::Java, java, "find", "Finds User users by name", 0..4);
        let python = "@cached\ndef f(a,\n      b):  # why\n    r\"\"\"Split a :class:`Row` into its fields.\n\n    More.\n    \"\"\"\n    return 1";
        check(Language::Python, python, "f", "Split a Row into its fields", 3..7);
        assert_eq!(find(Language::Rust, "fn read() {} // no"), None);
        assert_eq!(find(Language::Python, "def f():\n    return '''a'''"), None);
    }

    #[test]
    fn what_asks_nothing_is_no_question() {
        for text in [
            "Copyright 2020 by the people of it",
            "Too short",
            "Это не на английском языке",
            "a := b + c * d / e % f ** g",
        ] {
            assert_eq!(sentence(&[text.to_owned()], ""), None, "{text}");
        }
    }

    #[test]
    fn blanking_keeps_the_lines_and_a_body() {
        let python = "def f():\n    '''Doc\n    more'''\n    return 1\n";
        assert_eq!(blanked(python, &vec![1..3; 1], Language::Python), "def f():\n    ...\n\n    return 1\n");
        assert_eq!(blanked("// a\nx\n", &vec![0..1; 1], Language::Go), "\nx\n");
    }
}
