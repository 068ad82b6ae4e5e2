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

/// The changed runs of lines between `before` and `after`, in order (Myers' algorithm).
///
/// The search has a limit of work rather than of time, as git's has: for texts with little in common it settles for
/// more changed lines than are needed, on every machine for the same ones. A deadline would make the hunks of a
/// changeset, and with them what was approved, depend on how busy the machine is.
#[must_use]
pub fn line_hunks(before: &str, after: &str) -> Vec<LineHunk> {
    let mut hunks: Vec<LineHunk> = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &lines(before), &lines(after)) {
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

/// The unified diff of one file with three lines of context, empty when nothing differs.
/// `old_name` and `new_name` go into the head as they are.
#[must_use]
pub fn unified_diff(before: &str, after: &str, old_name: &str, new_name: &str) -> String {
    similar::TextDiff::configure()
        .newline_terminated(true)
        .diff_slices(&lines(before), &lines(after))
        .unified_diff()
        .context_radius(3)
        .header(old_name, new_name)
        .to_string()
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
    fn a_lone_carriage_return_ends_no_line_of_a_diff() {
        let diff = unified_diff("a\rb\n", "a\rc\n", "x", "x");
        assert!(diff.ends_with("@@ -1 +1 @@\n-a\rb\n+a\rc\n"), "{diff:?}");
    }

    #[test]
    fn a_missing_last_line_break_is_a_change() {
        assert_eq!(line_hunks("a\nb", "a\nb\n").len(), 1);
        assert!(unified_diff("a\nb", "a\nb\n", "x", "x").contains("No newline at end of file"));
    }
}
