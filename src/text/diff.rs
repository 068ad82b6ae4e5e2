//! Line diffs: from two texts to hunks, and to the unified format that people and `patch` read.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// One run of changed lines; everything between two hunks is the same in both texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineHunk {
    /// Zero-based lines of the text before.
    pub before: Range<usize>,
    /// Zero-based lines of the text after.
    pub after: Range<usize>,
}

/// Splits into lines that keep their line break (`\n`; a lone `\r` stays inside its line).
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Most lines, of the shorter text and where the two begin to differ, among which changes are looked for.
const MOST_SEARCHED: usize = 200_000;

/// The changed runs of lines between `before` and `after`, in order (Myers' algorithm).
///
/// The search has a limit of work rather than of time, as git's has: for texts with little in common it settles for
/// more changed lines than are needed, and very long ones differ from their first to their last change, on every
/// machine alike. A deadline would make the hunks of a changeset, and with them what was approved, depend on how busy
/// the machine is.
#[must_use]
pub fn line_hunks(before: &str, after: &str) -> Vec<LineHunk> {
    let (old, new) = (lines(before), lines(after));
    let shorter = old.len().min(new.len());
    if shorter > MOST_SEARCHED {
        let alike = |(one, other): &(&&str, &&str)| one == other;
        let head = old.iter().zip(&new).take_while(alike).count();
        let tail = old.iter().rev().zip(new.iter().rev()).take(shorter - head).take_while(alike).count();
        if shorter - head - tail > MOST_SEARCHED {
            return vec![LineHunk { before: head..old.len() - tail, after: head..new.len() - tail }];
        }
    }
    let mut hunks: Vec<LineHunk> = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(operation, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (operation.old_range(), operation.new_range());
        match hunks.last_mut() {
            Some(last) if last.before.end == old.start && last.after.end == new.start => {
                last.before.end = old.end;
                last.after.end = new.end;
            }
            _ => hunks.push(LineHunk { before: old, after: new }),
        }
    }
    hunks
}

/// The unified diff of one file with three lines of context, empty when nothing differs (GNU diffutils, "Detailed
/// Description of Unified Format"). `old_name` and `new_name` go into the head as they are.
#[must_use]
pub fn unified_diff(before: &str, after: &str, old_name: &str, new_name: &str) -> String {
    let hunks = line_hunks(before, after);
    if hunks.is_empty() {
        return String::new();
    }
    let (old, new) = (lines(before), lines(after));
    let mut output = format!("--- {old_name}\n+++ {new_name}\n");
    // Hunks whose contexts touch are shown as one.
    for group in hunks.chunk_by(|one, next| next.before.start - one.before.end <= 2 * CONTEXT) {
        render_group(group, &old, &new, &mut output);
    }
    output
}

/// Lines of context that a diff shows on each side of a change.
const CONTEXT: usize = 3;

fn render_group(group: &[LineHunk], old: &[&str], new: &[&str], output: &mut String) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    // As many lines stand before the first change, and after the last one, in both texts.
    let lead = first.before.start.min(CONTEXT);
    let trail = (old.len() - last.before.end).min(CONTEXT);
    let (from, to) = (first.before.start - lead, last.before.end + trail);
    let (new_from, new_to) = (first.after.start - lead, last.after.end + trail);
    output.push_str(&format!("@@ -{} +{} @@\n", place(from..to), place(new_from..new_to)));
    let mut shown = from;
    for hunk in group {
        push_lines(' ', old, shown..hunk.before.start, output);
        push_lines('-', old, hunk.before.clone(), output);
        push_lines('+', new, hunk.after.clone(), output);
        shown = hunk.before.end;
    }
    push_lines(' ', old, shown..to, output);
}

/// First line, from one, and count; without lines, the line before.
fn place(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn push_lines(mark: char, lines: &[&str], range: Range<usize>, output: &mut String) {
    for line in lines.get(range).unwrap_or_default() {
        output.push(mark);
        output.push_str(line);
        // Nothing else ends a line here: after a lone `\r` too, a reader has to be told that the line goes on.
        if !line.ends_with('\n') {
            output.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_separate_runs() {
        let hunks = line_hunks("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n");
        assert_eq!(hunks, vec![LineHunk { before: 1..2, after: 1..2 }, LineHunk { before: 4..4, after: 4..5 },]);
    }

    #[test]
    fn very_long_texts_differ_from_the_first_change_to_the_last() {
        let text = |changed: &[usize]| -> String {
            let mark = |line| if changed.contains(&line) { "!" } else { "" };
            (0..MOST_SEARCHED + 10).map(|line| format!("{line}{}\n", mark(line))).collect()
        };
        let end = MOST_SEARCHED + 8;
        assert_eq!(line_hunks(&text(&[]), &text(&[1, end])), [LineHunk { before: 1..end + 1, after: 1..end + 1 }]);
        assert_eq!(line_hunks(&text(&[]), &text(&[1, 9])).len(), 2);
        assert_eq!(line_hunks(&text(&[]), &text(&[])), []);
    }

    #[test]
    fn a_lone_carriage_return_ends_no_line_of_a_diff() {
        let diff = unified_diff("a\rb\n", "a\rc\n", "x", "x");
        assert!(diff.ends_with("@@ -1 +1 @@\n-a\rb\n+a\rc\n"), "{diff:?}");
        let diff = unified_diff("a\r", "a\n", "x", "x");
        assert!(diff.ends_with("@@ -1 +1 @@\n-a\r\n\\ No newline at end of file\n+a\n"), "{diff:?}");
    }

    #[test]
    fn changes_that_stand_near_share_their_context() {
        let text = |changed: &[usize]| -> String {
            (1..=20).map(|line| format!("{line}{}\n", if changed.contains(&line) { "!" } else { "" })).collect()
        };
        let heads = |changed: &[usize]| -> Vec<String> {
            let diff = unified_diff(&text(&[]), &text(changed), "x", "x");
            diff.lines().filter(|line| line.starts_with("@@")).map(str::to_owned).collect()
        };
        assert_eq!(heads(&[]), [""; 0]);
        assert_eq!(heads(&[1, 8, 16]), ["@@ -1,11 +1,11 @@", "@@ -13,7 +13,7 @@"]);
        assert_eq!(heads(&[10, 20]), ["@@ -7,7 +7,7 @@", "@@ -17,4 +17,4 @@"]);
        assert_eq!(unified_diff("", "a\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(unified_diff("a\nb\n", "", "x", "y"), "--- x\n+++ y\n@@ -1,2 +0,0 @@\n-a\n-b\n");
    }

    #[test]
    fn a_missing_last_line_break_is_a_change() {
        assert_eq!(line_hunks("a\nb", "a\nb\n").len(), 1);
        assert!(unified_diff("a\nb", "a\nb\n", "x", "x").contains("No newline at end of file"));
    }
}
