//! Three-way merge of texts by lines: what two sides changed in the same base, put together or told apart.
//!
//! Lines keep their line break and are compared byte for byte, so that CRLF, a byte order mark and a missing last
//! line break come out as one of the sides wrote them. Changes that touch each other are a conflict unless they
//! are the same: between two that are put together stands at least one line that neither side changed.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

use super::diff::{LineHunk, line_hunks};

/// Lines that both sides changed, each in its own way; zero-based, per text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// In the text that both sides began with.
    pub base: Range<usize>,
    /// In the first side.
    pub ours: Range<usize>,
    /// In the second side.
    pub theirs: Range<usize>,
}

/// What came of putting one side's changes over the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The other side, with everything of the first side that touches none of its changes.
    pub text: String,
    /// Where the sides disagree, in order: there the text is as the other side has it.
    pub conflicts: Vec<Conflict>,
}

/// The text with what `ours` and `theirs` changed in `base`. The order of the sides does not matter.
///
/// # Errors
/// With every place where the sides disagree, in order, at least one.
pub fn merge_texts(base: &str, ours: &str, theirs: &str) -> Result<String, Vec<Conflict>> {
    let Merged { text, conflicts } = merge_over(base, ours, theirs);
    if conflicts.is_empty() { Ok(text) } else { Err(conflicts) }
}

/// `theirs` with what `ours` changed in `base`, wherever the two do not disagree.
#[must_use]
pub fn merge_over(base: &str, ours: &str, theirs: &str) -> Merged {
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let (mut one, mut other) = (Side::new(base, ours), Side::new(base, theirs));
    let (mut text, mut conflicts, mut done) = (String::with_capacity(ours.len().max(theirs.len())), Vec::new(), 0);
    while let Some(region) = next_region(&mut one, &mut other) {
        text.extend(part(&lines, &(done..region.start)).iter().copied());
        let (ours, theirs) = (one.counterpart(&region), other.counterpart(&region));
        let (own, others) = (part(&one.lines, &ours), part(&other.lines, &theirs));
        let base = part(&lines, &region);
        if others == base {
            text.extend(own.iter().copied());
        } else {
            text.extend(others.iter().copied());
            if own != others && own != base {
                conflicts.push(Conflict { base: region.clone(), ours, theirs });
            }
        }
        done = region.end;
    }
    text.extend(part(&lines, &(done..lines.len())).iter().copied());
    Merged { text, conflicts }
}

/// One changed text, and how far its changes have been gone through.
struct Side<'a> {
    lines: Vec<&'a str>,
    hunks: Peekable<IntoIter<LineHunk>>,
    /// Lines of the base and of this side up to the end of the last region: from there on both go on alike.
    reached: (usize, usize),
    /// Lines of the base and of this side that the hunks of the region cover.
    covered: (usize, usize),
}

impl<'a> Side<'a> {
    fn new(base: &str, text: &'a str) -> Self {
        let hunks = line_hunks(base, text).into_iter().peekable();
        Self { lines: text.split_inclusive('\n').collect(), hunks, reached: (0, 0), covered: (0, 0) }
    }

    fn starts_at(&mut self) -> Option<usize> {
        self.hunks.peek().map(|hunk| hunk.before.start)
    }

    /// Takes the hunks that begin in `region` or right behind it; whether there were any.
    fn take_touching(&mut self, region: &mut Range<usize>) -> bool {
        let mut any = false;
        while let Some(hunk) = self.hunks.next_if(|hunk| hunk.before.start <= region.end) {
            region.end = region.end.max(hunk.before.end);
            self.covered.0 += hunk.before.len();
            self.covered.1 += hunk.after.len();
            any = true;
        }
        any
    }

    /// The lines of this side that stand where `region` stands in the base.
    fn counterpart(&mut self, region: &Range<usize>) -> Range<usize> {
        let start = self.reached.1 + (region.start - self.reached.0);
        // What no hunk covers is the same on both sides.
        let end = start + (region.len() - self.covered.0) + self.covered.1;
        self.reached = (region.end, end);
        self.covered = (0, 0);
        start..end
    }
}

/// The next lines of the base that a run of touching changes covers.
fn next_region(one: &mut Side<'_>, other: &mut Side<'_>) -> Option<Range<usize>> {
    let start = one.starts_at().into_iter().chain(other.starts_at()).min()?;
    let mut region = start..start;
    // Either may grow the region so that it touches the other's next change.
    while one.take_touching(&mut region) | other.take_touching(&mut region) {}
    Some(region)
}

fn part<'a, 'b>(lines: &'a [&'b str], range: &Range<usize>) -> &'a [&'b str] {
    lines.get(range.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn changes_apart_are_put_together() {
        for (base, ours, theirs, wanted) in [
            ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
            ("a\nb\nc\n", "b\nc\n", "a\nb\nc\nd\n", "b\nc\nd\n"),
            ("a\r\nb\r\nc", "A\r\nb\r\nc", "a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n"),
            ("\u{feff}a\nb\nc\n", "a\nb\nc\n", "\u{feff}a\nb\nC", "a\nb\nC"),
            ("", "", "x", "x"),
            ("a\nb\nc", "", "a\nb\nc", ""),
            ("a\nb\nc\nd\n", "X\nb\nc\nY\n", "X\nb\nc\nd\n", "X\nb\nc\nY\n"),
        ] {
            assert_eq!(merge_texts(base, ours, theirs).as_deref(), Ok(wanted), "{base:?} {ours:?} {theirs:?}");
        }
    }

    #[test]
    fn what_is_apart_is_put_over_the_other_side_though_the_rest_disagrees() {
        let merged = merge_over("a\nb\nc\nd\ne\n", "A\nb\nO\nd\n", "a\nb\nT\nd\ne\n");
        assert_eq!(merged.text, "A\nb\nT\nd\n");
        assert_eq!(merged.conflicts, [Conflict { base: 2..3, ours: 2..3, theirs: 2..3 }]);
    }

    #[test]
    fn changes_that_touch_are_told_apart_with_their_lines() {
        let conflicts = |base, ours, theirs| merge_texts(base, ours, theirs).unwrap_err();
        let at = |base, ours, theirs| Conflict { base, ours, theirs };
        assert_eq!(conflicts("a\nb\nc\n", "a\nX\nc\n", "a\nY\nZ\nc\n"), [at(1..2, 1..2, 1..3)]);
        assert_eq!(conflicts("a\nb\n", "A\nb\n", "a\nB\n"), [at(0..2, 0..2, 0..2)]);
        assert_eq!(conflicts("a\n", "a\nx\n", "a\ny\n"), [at(1..1, 1..2, 1..2)]);
        assert_eq!(
            conflicts("a\nb\nc\nd\n", "1\nb\nc\n2\n", "3\nb\nc\n4\n"),
            [at(0..1, 0..1, 0..1), at(3..4, 3..4, 3..4)]
        );
        // Deleted on one side, changed on the other.
        assert_eq!(conflicts("a\nb\n", "", "a\nB\n"), [at(0..2, 0..0, 0..2)]);
    }

    #[test]
    fn large_texts_with_nothing_in_common_end_soon() {
        let text = |mark: &str| (0..50_000).map(|line| format!("{mark}{line}\n")).collect::<String>();
        let (base, ours, theirs) = (text("b"), text("o"), text("t"));
        assert_eq!(merge_texts(&base, &ours, &theirs).unwrap_err().len(), 1);
        assert_eq!(merge_texts(&base, &ours, &base), Ok(ours));
    }

    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![Just("\n"), Just("a\n"), Just("b\r\n"), Just("c\n"), Just("\rd\n"), Just("\u{feff}e\n")];
        let last = prop_oneof![Just(""), Just("a"), Just("é"), Just("\r")];
        (prop::collection::vec(line, 0..12), last).prop_map(|(lines, last)| lines.concat() + last)
    }

    /// Whether the lines that `side` has in place of lines of `base` stand together in `merged`.
    fn keeps(base: &str, side: &str, merged: &str) -> bool {
        let lines: Vec<&str> = side.split_inclusive('\n').collect();
        let all: Vec<&str> = merged.split_inclusive('\n').collect();
        line_hunks(base, side).iter().all(|hunk| {
            let wanted = &lines[hunk.after.clone()];
            wanted.is_empty() || all.windows(wanted.len()).any(|there| there == wanted)
        })
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_gives_way(base in text(), side in text()) {
            prop_assert_eq!(merge_texts(&base, &base, &side), Ok(side.clone()));
            prop_assert_eq!(merge_texts(&base, &side, &base), Ok(side.clone()));
            prop_assert_eq!(merge_texts(&base, &side, &side), Ok(side.clone()));
        }

        #[test]
        fn nothing_of_either_side_is_lost_or_made_up(base in text(), ours in text(), theirs in text()) {
            match (merge_texts(&base, &ours, &theirs), merge_texts(&base, &theirs, &ours)) {
                (Ok(merged), Ok(mirrored)) => {
                    prop_assert_eq!(&merged, &mirrored);
                    prop_assert!(keeps(&base, &ours, &merged) && keeps(&base, &theirs, &merged), "{:?}", merged);
                    let sides: Vec<&str> = [&base, &ours, &theirs].iter().flat_map(|text| text.split_inclusive('\n')).collect();
                    prop_assert!(merged.split_inclusive('\n').all(|line| sides.contains(&line)), "{:?}", merged);
                }
                (Err(conflicts), Err(mirrored)) => {
                    let swapped = |conflict: Conflict| Conflict { ours: conflict.theirs, theirs: conflict.ours, ..conflict };
                    prop_assert_eq!(&conflicts, &mirrored.into_iter().map(swapped).collect::<Vec<_>>());
                    let count = |text: &str| text.split_inclusive('\n').count();
                    for at in &conflicts {
                        prop_assert!(at.base.end <= count(&base) && at.ours.end <= count(&ours) && at.theirs.end <= count(&theirs));
                        prop_assert!(part(&ours.split_inclusive('\n').collect::<Vec<_>>(), &at.ours) != part(&theirs.split_inclusive('\n').collect::<Vec<_>>(), &at.theirs));
                    }
                    prop_assert!(!conflicts.is_empty() && conflicts.windows(2).all(|pair| pair[0].base.end < pair[1].base.start));
                }
                (one, other) => prop_assert!(false, "{:?} {:?}", one, other),
            }
        }

        #[test]
        fn edits_of_lines_apart_are_both_there(count in 1usize..20, edits in prop::collection::vec((0usize..20, 0u8..3, any::<bool>()), 0..8)) {
            let apply = |which: Option<bool>| {
                let mut lines: Vec<String> = (0..count).map(|line| format!("line {line}\n")).collect();
                let mut last = None;
                let mut sorted = edits.clone();
                sorted.sort_by_key(|edit| edit.0);
                for (line, what, ours) in sorted.into_iter().filter(|edit| edit.0 < count) {
                    if last.is_some_and(|last| line < last + 2) {
                        continue;
                    }
                    last = Some(line);
                    if which.is_none_or(|which| which == ours) {
                        lines[line] = match what { 0 => String::new(), 1 => format!("edited {line}\n"), _ => format!("line {line}\nadded {line}\nmore\n") };
                    }
                }
                lines.concat()
            };
            let base: String = (0..count).map(|line| format!("line {line}\n")).collect();
            prop_assert_eq!(merge_texts(&base, &apply(Some(true)), &apply(Some(false))), Ok(apply(None)));
        }
    }
}
