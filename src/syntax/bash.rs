//! The simple commands of shell text, as tree-sitter-bash reads them: the second opinion beside `policy`'s own parser.

use tree_sitter::Node;

use super::Language;
use super::parse::{NoTree, parse};

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Its name and arguments; `None` for a word that is not literal.
    Words(Vec<Option<String>>),
    /// A command whose words the grammar does not list: `[ … ]`, `declare`, `unset`.
    Other,
}

/// Why the text could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It was refused, or took too much work.
    #[error("the second parser gave up; split the command")]
    GaveUp,
    /// It has errors.
    #[error("the second parser found an error; write the command more plainly")]
    Errors,
}

/// Every simple command in `text`, in its order.
///
/// # Errors
/// When the text is too large or too odd for the parser, or not without errors to it.
pub fn commands(text: &str) -> Result<Vec<Command>, NotRead> {
    let tree = parse(Language::Bash, text, &|| false).map_err(|_: NoTree| NotRead::GaveUp)?;
    if tree.root_node().has_error() {
        return Err(NotRead::Errors);
    }
    Ok(collect(tree.root_node(), text))
}

/// Walks the tree without recursion.
fn collect(root: Node<'_>, text: &str) -> Vec<Command> {
    let mut found: Vec<(usize, Command)> = Vec::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        let command = match node.kind() {
            "command" => Some(Command::Words(words(node, text))),
            "test_command" | "declaration_command" | "unset_command" => Some(Command::Other),
            _ => None,
        };
        let is_command = command.is_some();
        found.extend(command.map(|command| (node.start_byte(), command)));
        if !is_command && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                found.sort_by_key(|(start, _)| *start);
                return found.into_iter().map(|(_, command)| command).collect();
            }
        }
    }
}

/// The words of a command, and those that the grammar gives to a redirection after it.
fn words(command: Node<'_>, text: &str) -> Vec<Option<String>> {
    let mut words: Vec<(usize, Option<String>)> = Vec::new();
    let mut cursor = command.walk();
    for child in command.children(&mut cursor) {
        match child.kind() {
            "variable_assignment" | "herestring_redirect" | "heredoc_redirect" => {}
            "file_redirect" => after_target(child, text, &mut words),
            "command_name" => words.push((child.start_byte(), child.child(0).and_then(|inner| literal(inner, text)))),
            _ => words.push((child.start_byte(), literal(child, text))),
        }
    }
    let parent = command.parent().filter(|parent| parent.kind() == "redirected_statement");
    if let Some(parent) = parent {
        let mut cursor = parent.walk();
        for child in parent.children(&mut cursor).filter(|child| child.kind() == "file_redirect") {
            after_target(child, text, &mut words);
        }
    }
    words.sort_by_key(|(start, _)| *start);
    words.into_iter().map(|(_, word)| word).collect()
}

/// The grammar takes every word after a redirection for a target of it; all but the first are arguments.
fn after_target(redirect: Node<'_>, text: &str, words: &mut Vec<(usize, Option<String>)>) {
    let mut cursor = redirect.walk();
    let targets: Vec<Node<'_>> = redirect.children_by_field_name("destination", &mut cursor).collect();
    words.extend(targets.into_iter().skip(1).map(|target| (target.start_byte(), literal(target, text))));
}

/// The text of a word without its quotes; `None` when it is not literal.
fn literal(node: Node<'_>, text: &str) -> Option<String> {
    let written = text.get(node.byte_range())?;
    match node.kind() {
        "word" | "number" | "extglob_pattern" => Some(without_escapes(written, |_| true)),
        "raw_string" => Some(written.strip_prefix('\'')?.strip_suffix('\'')?.to_owned()),
        "string" => {
            let mut cursor = node.walk();
            let plain = node.named_children(&mut cursor).all(|child| child.kind() == "string_content");
            let inner = written.strip_prefix('"')?.strip_suffix('"')?;
            plain.then(|| without_escapes(inner, |sign| "$`\"\\".contains(sign)))
        }
        "concatenation" => {
            let mut cursor = node.walk();
            let mut whole = String::new();
            let mut reached = node.start_byte();
            for child in node.children(&mut cursor) {
                // What the grammar leaves out between two parts is not known.
                if child.start_byte() != reached {
                    return None;
                }
                reached = child.end_byte();
                whole.push_str(&part(child, text)?);
            }
            (reached == node.end_byte()).then_some(whole)
        }
        _ => None,
    }
}

/// One part of a word: never again a concatenation, so this goes no deeper.
fn part(node: Node<'_>, text: &str) -> Option<String> {
    match node.kind() {
        "concatenation" => None,
        _ if !node.is_named() => text.get(node.byte_range()).map(str::to_owned),
        _ => literal(node, text),
    }
}

/// `written` with each backslash before a sign that `escapes` taken out.
fn without_escapes(written: &str, escapes: impl Fn(char) -> bool) -> String {
    let mut signs = written.chars().peekable();
    let mut result = String::with_capacity(written.len());
    while let Some(sign) = signs.next() {
        match signs.peek().copied() {
            Some(next) if sign == '\\' && escapes(next) => {
                result.push(next);
                signs.next();
            }
            _ => result.push(sign),
        }
    }
    result
}
