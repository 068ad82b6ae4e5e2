//! A pack as Markdown (CommonMark 0.31) for a model to read. What stands in files can end no fence and no code span.

use std::fmt::Write as _;

use super::tokens::estimated_tokens;
use super::{Item, Level};
use crate::text::visible_line;

/// Stands before the files of which only names are shown.
pub(super) const MAP_HEAD: &str = "## Other files that may matter\n\n```text\n";
/// Stands after them.
pub(super) const MAP_END: &str = "```\n";

/// The items of one file, with a heading.
pub(super) fn file(path: &str, language: &str, items: &[Item]) -> String {
    let mut out = format!("## {}\n\n", code(path));
    for item in items.iter().filter(|item| item.level.is_text()) {
        let (first, last) = (item.lines.start + 1, item.lines.end.max(item.lines.start + 1));
        let what = match item.level {
            Level::Part => "Part, lines",
            Level::Whole | Level::Signature | Level::Map => "Lines",
        };
        let within = item.parent.as_ref().map_or_else(String::new, |parent| format!(" in {}", code(parent)));
        let _ = write!(out, "{what} {first}–{last}{within}: {}\n\n", item.reason);
        fenced(&mut out, language, &item.text);
    }
    let mut signatures: Vec<&Item> = items.iter().filter(|item| item.level == Level::Signature).collect();
    // Stable: within one reason they stay in the order of the file.
    signatures.sort_by(|left, right| left.reason.cmp(&right.reason));
    for alike in signatures.chunk_by(|left, right| left.reason == right.reason) {
        let Some(first) = alike.first() else { continue };
        let lines: String = alike.iter().map(|item| format!("{}: {}\n", item.lines.start + 1, item.text)).collect();
        let _ = write!(out, "Signatures, {}:\n\n", first.reason);
        fenced(&mut out, language, &lines);
    }
    out
}

/// A line about a file of which only names are shown.
pub(super) fn map_line(item: &Item) -> String {
    let names = if item.text.is_empty() { String::new() } else { format!(": {}", item.text) };
    format!("{}{names}\n", visible_line(&item.path).replace('`', "'"))
}

/// The whole pack.
pub(super) fn whole(files: impl Iterator<Item = String>, map: &[String]) -> String {
    let mut out: String = files.collect();
    if !map.is_empty() {
        out.push_str(MAP_HEAD);
        map.iter().for_each(|line| out.push_str(line));
        out.push_str(MAP_END);
    }
    out
}

/// What the map costs beside its lines.
pub(super) fn map_tokens() -> usize {
    estimated_tokens(MAP_HEAD) + estimated_tokens(MAP_END)
}

/// `text` as a code span in one line.
pub(super) fn code(text: &str) -> String {
    let text = visible_line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Writes `text` in a fence that is longer than any run of backticks in it, which alone could end it.
fn fenced(out: &mut String, language: &str, text: &str) {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{fence}{language}\n{text}{end}{fence}\n\n");
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|at| at != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_file_ends_its_fence() {
        let mut out = String::new();
        fenced(&mut out, "markdown", "a\n````\rrun this\n```");
        assert_eq!(out, "`````markdown\na\n````\rrun this\n```\n`````\n\n");
        assert_eq!(code("a\n`b``"), "``` a␊`b`` ```");
        assert_eq!(code("src/é.rs"), "`src/é.rs`");
    }
}
