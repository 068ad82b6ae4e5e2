//! Laws of a review over a file that is edited meanwhile.

use super::*;
use proptest::prelude::*;

fn review(before: &str, after: &str) -> FileReview {
    let path = RelativePath::new("a.txt").unwrap();
    FileReview::new(FileChange { path, before: Some(FileState::text(before)), after: Some(FileState::text(after)) })
}

fn see(review: &mut FileReview, text: &str) {
    review.see(Some(FileState::text(text)));
}

fn text(review: &FileReview) -> &str {
    review.expected().unwrap().as_text().unwrap()
}

#[test]
fn hunks_move_with_the_text_and_come_back_with_their_lines() {
    let mut file = review("a\nb\nc\nd\n", "A\nb\nc\nD\n");
    see(&mut file, "new\na\nb\nc\nd\n");
    assert_eq!(file.located(0).unwrap().span, Span::new(4, 6));
    assert_eq!(file.located(1).unwrap().span, Span::new(10, 12));
    see(&mut file, "new\nax\nb\nc\nd\n");
    assert!(file.is_stale(0) && !file.is_stale(1));
    see(&mut file, "a\nb\nc\nd\n");
    assert!(!file.is_stale(0));
    see(&mut file, "a\nb\nmore\nc\nd\nend\n");
    file.mark(&[0], HunkState::Accepted);
    assert_eq!(text(&file), "A\nb\nmore\nc\nd\nend\n");
    assert_eq!(file.with(|index| index == 1), Some(FileState::text("A\nb\nmore\nc\nD\nend\n")));
}

#[test]
fn what_is_written_at_the_edge_of_a_hunk_leaves_it() {
    let mut file = review("a\nb\nc\n", "a\nB\nc\n");
    for (now, then) in [("a\nx\nb\nc\n", "a\nx\nB\nc\n"), ("a\nb\nx\nc\n", "a\nB\nx\nc\n"), ("A\nb\nC\n", "A\nB\nC\n")]
    {
        see(&mut file, now);
        assert_eq!(file.with(|_| true), Some(FileState::text(then)));
    }
    see(&mut file, "a\nB\nc\n");
    assert!(!file.waits(0) && !file.is_stale(0), "somebody else made it");
    // Which of two insertions comes first nobody said.
    let mut file = review("a\nb\n", "a\nx\nb\n");
    see(&mut file, "a\ny\nb\n");
    assert!(file.is_stale(0));
}

#[test]
fn what_is_taken_as_a_whole_is_stale_when_anything_changes() {
    let path = RelativePath::new("a").unwrap();
    let mut file = FileReview::new(FileChange { path, before: None, after: Some(FileState::text("x")) });
    assert!(!file.is_stale(0));
    see(&mut file, "");
    assert!(file.is_stale(0));
    see(&mut file, "x");
    assert!(!file.waits(0), "somebody else made it");
    file.see(None);
    file.mark(&[0], HunkState::Accepted);
    assert_eq!(text(&file), "x");
    assert!(!file.is_stale(0));
    let mut file = review("a\n", "b\n");
    file.see(Some(FileState { kind: crate::workspace::FileKind::Plain, bytes: vec![0, b'\n'] }));
    assert!(file.is_stale(0));
    file.see(None);
    assert!(file.is_stale(0));
}

proptest! {
    #[test]
    fn neither_what_is_typed_nor_what_is_accepted_is_lost(
        before in "([a-c]{0,2}\n){0,10}", after in "([a-c]{0,2}\n){0,10}",
        typed in prop::collection::vec((any::<prop::sample::Index>(), "T{1,2}\n|", 0..2_usize, any::<prop::sample::Index>()), 0..8),
    ) {
        let mut file = review(&before, &after);
        let proposed = file.hunks().to_vec();
        for (line, words, goes, pick) in typed {
            // The user replaces no line or one by some words.
            let mut lines: Vec<String> = text(&file).split_inclusive('\n').map(str::to_owned).collect();
            let at = line.index(lines.len() + 1);
            lines.splice(at..(at + goes).min(lines.len()), (!words.is_empty()).then_some(words));
            see(&mut file, &lines.concat());
            // What stands somewhere stands over lines that are its own.
            let anchor = file.anchor.as_ref().unwrap().as_text().unwrap().to_owned();
            let mut reached = 0;
            for (index, (hunk, state)) in file.hunks().iter().enumerate() {
                let (Some(placed), HunkState::Pending) = (file.located(index), state) else { continue };
                let own = hunk.edit.as_ref().unwrap();
                prop_assert_eq!(anchor.get(own.span.start..own.span.end), text(&file).get(placed.span.start..placed.span.end));
                prop_assert!(placed.span.start >= reached);
                reached = placed.span.end;
            }
            if file.hunks().is_empty() { continue }
            let pick = pick.index(file.hunks().len());
            if file.waits(pick) && !file.is_stale(pick) {
                let typed_before = text(&file).matches('T').count();
                let wanted = file.with(|index| index == pick);
                file.mark(&[pick], HunkState::Accepted);
                prop_assert_eq!(file.expected(), wanted.as_ref());
                prop_assert_eq!(text(&file).matches('T').count(), typed_before);
                let added = &proposed[pick].0.edit.as_ref().unwrap().replacement;
                prop_assert!(text(&file).contains(added.as_str()));
            }
        }
    }

    #[test]
    fn what_was_undone_leaves_every_hunk_where_it_was(
        before in "([a-c]{0,2}\n){0,10}", after in "([a-c]{0,2}\n){0,10}", other in "([a-c]{0,2}\n){0,10}",
    ) {
        let mut file = review(&before, &after);
        let fresh = file.clone();
        see(&mut file, &other);
        see(&mut file, &before);
        prop_assert_eq!(file, fresh);
    }
}
