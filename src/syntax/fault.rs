//! Where a text cannot be parsed.

use tree_sitter::Node;

use super::Language;
use super::parse::parse;

/// The zero-based line of the first place at which `text` is no `language`; `None` when all of it is.
///
/// # Errors
/// With the reason, when it cannot be told: the text is refused, takes too much work, or `stop` says so.
pub fn first_fault(language: Language, text: &str, stop: &dyn Fn() -> bool) -> Result<Option<usize>, String> {
    let tree = parse(language, text, stop).map_err(|error| error.to_string())?;
    let root = tree.root_node();
    Ok(root.has_error().then(|| descend(root).start_position().row))
}

/// The first part of `node` that is wrong itself.
fn descend(mut node: Node<'_>) -> Node<'_> {
    loop {
        if node.is_error() || node.is_missing() {
            return node;
        }
        let mut cursor = node.walk();
        let Some(next) = node.children(&mut cursor).find(Node::has_error) else { return node };
        node = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_is_found_by_its_line() {
        let line = |language, text: &str| first_fault(language, text, &|| false);
        assert_eq!(line(Language::Rust, "fn a() {}\n"), Ok(None));
        assert_eq!(line(Language::Rust, "fn a() {}\nfn (\n"), Ok(Some(1)));
        assert!(line(Language::Python, "a = 1\nif a:\n    b = (\n").is_ok_and(|line| line.is_some()));
        assert!(first_fault(Language::Rust, &"fn a() {}\n".repeat(10_000), &|| true).is_err());
    }
}
