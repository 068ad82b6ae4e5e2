//! What a rebase says of each way in which a file can have changed meanwhile.

use super::*;
use crate::changes::{Origin, Review, Selection};

fn path(name: &str) -> RelativePath {
    RelativePath::new(name).unwrap()
}

fn state(kind: FileKind, text: &str) -> FileState {
    FileState { kind, ..FileState::text(text) }
}

fn changeset(files: &[(&str, Option<FileState>, Option<FileState>)]) -> Changeset {
    let change = |(name, before, after): &(&str, Option<FileState>, Option<FileState>)| FileChange {
        path: path(name),
        before: before.clone(),
        after: after.clone(),
    };
    Changeset::new(Origin::User, files.iter().map(change).collect())
}

fn edit(before: &str, after: &str) -> Changeset {
    changeset(&[("a", Some(FileState::text(before)), Some(FileState::text(after)))])
}

fn over(changeset: &Changeset, now: Option<FileState>) -> Rebased {
    rebase(changeset, |wanted| now.clone().filter(|_| *wanted == path("a")))
}

fn told(rebased: &Rebased) -> Vec<String> {
    rebased.left.iter().map(|left| left.why.describe()).collect()
}

#[test]
fn hunks_move_with_their_lines() {
    let rebased = over(&edit("a\nb\nc\nd\n", "a\nB\nc\nd\ne\n"), Some(FileState::text("0\n1\na\nb\nc\nd\n")));
    assert_eq!(rebased.left, []);
    let after = rebased.changeset.files[0].after.clone();
    assert_eq!(after, Some(FileState::text("0\n1\na\nB\nc\nd\ne\n")));
    assert_eq!(rebased.changeset.files[0].hunks().len(), 2);
}

#[test]
fn an_overlap_keeps_both_sides_and_lets_the_rest_through() {
    let changeset = edit("a\nb\nc\nd\ne\n", "A\nb\nO1\nO2\nd\nE\n");
    let rebased = over(&changeset, Some(FileState::text("new\nmore\na\nb\nT\nd\ne\n")));
    assert_eq!(rebased.changeset.files[0].after, Some(FileState::text("new\nmore\na\nb\nT\nd\nE\n")));
    let overlap = |base: &str, ours: &str, theirs: &str, lines| {
        let (base, ours, theirs) = (base.to_owned(), ours.to_owned(), theirs.to_owned());
        Obstacle::Lines(Overlap { base, ours, theirs, lines })
    };
    let left: Vec<_> = rebased.left.iter().map(|left| (left.hunks[0].hunk, left.why.clone())).collect();
    assert_eq!(
        left,
        // Lines before the first one stand beside it.
        [(0, overlap("a\n", "A\n", "new\nmore\na\n", 0..3)), (1, overlap("c\n", "O1\nO2\n", "T\n", 4..5))]
    );
    assert_eq!(told(&rebased), ["lines 1 to 3 changed since", "line 5 changed since"]);
    assert_eq!(rebased.changeset.lineage.derived_from, [changeset.id]);
}

#[test]
fn one_overlap_may_cover_several_hunks() {
    let rebased = over(&edit("a\nb\nc\nd\ne\n", "A\nb\nC\nd\nE\n"), Some(FileState::text("x\n")));
    assert_eq!(rebased.left.len(), 1);
    assert_eq!(rebased.left[0].hunks, [0, 1, 2].map(|hunk| HunkId { file: 0, hunk }));
    assert!(rebased.changeset.is_empty());
}

#[test]
fn what_does_not_fit_says_why() {
    use FileKind::{Executable, Plain, Symlink};
    let text = |text: &str| Some(FileState::text(text));
    let binary = Some(FileState { kind: Plain, bytes: b"a\0b".to_vec() });
    let link = Some(state(Symlink, "x"));
    let cases = [
        (text("a\n"), text("b\n"), None, Stale::Vanished),
        (text("a\n"), text("b\n"), binary.clone(), Stale::Binary),
        (text("a\n"), text("b\n"), link.clone(), Stale::OtherKind),
        (link.clone(), Some(state(Symlink, "y")), text("x"), Stale::OtherKind),
        (link.clone(), Some(state(Symlink, "y")), Some(state(Symlink, "z")), Stale::Changed),
        (text("a\n"), link, text("c\n"), Stale::Changed),
        (text("a\n"), binary.clone(), text("c\n"), Stale::Changed),
        (text("a\n"), None, text("c\n"), Stale::Changed),
        (text("a\n"), None, Some(state(Executable, "a\n")), Stale::Changed),
        (None, text("a\n"), text("c\n"), Stale::Exists),
    ];
    for (before, after, now, wanted) in cases {
        let rebased = over(&changeset(&[("a", before, after.clone())]), now.clone());
        assert!(rebased.changeset.is_empty());
        let why = Obstacle::File { why: wanted, ours: after, theirs: now };
        assert_eq!(rebased.left.into_iter().map(|left| left.why).collect::<Vec<_>>(), [why]);
    }
}

#[test]
fn a_mode_and_a_text_are_merged_apart() {
    use FileKind::{Executable, Plain};
    let merged = |before, after, now| {
        let rebased = over(&changeset(&[("a", Some(before), Some(after))]), Some(now));
        (rebased.changeset.files.first().and_then(|file| file.after.clone()), rebased.left.len())
    };
    let (old, new) = (state(Plain, "a\n"), state(Plain, "b\n"));
    assert_eq!(merged(old.clone(), state(Executable, "a\n"), new.clone()), (Some(state(Executable, "b\n")), 0));
    assert_eq!(merged(old.clone(), new.clone(), state(Executable, "a\n")), (Some(state(Executable, "b\n")), 0));
    // One hunk: the mode does not come without the text.
    assert_eq!(merged(old, state(Executable, "b\n"), state(Plain, "c\n")), (None, 1));
    let bytes = |kind, byte: u8| FileState { kind, bytes: vec![0, byte] };
    assert_eq!(merged(bytes(Plain, 1), bytes(Executable, 1), bytes(Plain, 2)), (Some(bytes(Executable, 2)), 0));
}

#[test]
fn a_rename_goes_along_with_what_changed_or_not_at_all() {
    let text = |text: &str| Some(FileState::text(text));
    let renamed = changeset(&[("a", text("1\n2\n3\n4\n"), None), ("b", None, text("1\n2\n3\nIV\n"))]);
    assert_eq!(renamed.renames().len(), 1);
    let rebased = over(&renamed, text("I\n2\n3\n4\n"));
    assert_eq!(rebased.left, []);
    let now: Vec<_> = rebased.changeset.files.iter().map(|file| (file.before.clone(), file.after.clone())).collect();
    assert_eq!(now, [(text("I\n2\n3\n4\n"), None), (None, text("I\n2\n3\nIV\n"))]);

    let both = [0, 1].map(|file| HunkId { file, hunk: 0 });
    for (now, there, wanted) in [
        (text("1\n2\n3\nX\n"), None, "the file changed since, and this is about all of it"),
        (None, None, "the file is gone"),
        (text("1\n2\n3\n4\n"), text("taken\n"), "there is a file of that name already"),
    ] {
        let rebased = rebase(&renamed, |at| if *at == path("a") { now.clone() } else { there.clone() });
        assert!(rebased.changeset.is_empty());
        assert_eq!(told(&rebased), [wanted]);
        assert_eq!(rebased.left[0].hunks, both);
    }
    let edited = |at: &RelativePath| text("new\n1\n2\n3\nIV\n").filter(|_| *at == path("b"));
    let undone = undo_over(&renamed, edited);
    assert_eq!(undone.left, []);
    assert_eq!(undone.changeset.change(&path("a")).unwrap().after, text("new\n1\n2\n3\n4\n"));
    let done = rebase(&renamed, |at| text("1\n2\n3\nIV\n").filter(|_| *at == path("b")));
    assert!(done.changeset.is_empty() && done.left.is_empty());
}

#[test]
fn two_changesets_over_the_same_lines_conflict() {
    let base = "a\nb\nc\nd\n";
    let (one, same, apart, beside) = ("A\nb\nc\nd\n", "A\nb\nc\nD\n", "a\nb\nc\nD\n", "a\nB\nc\nd\n");
    let found = |one: &str, other: &str| conflicts(&edit(base, one), &edit(base, other)).len();
    assert_eq!((found(one, same), found(one, apart), found(one, beside), found(one, "x\n")), (0, 0, 1, 1));
    assert_eq!((found(same, one), found(apart, one), found(beside, one)), (0, 0, 1));
    let other = changeset(&[("b", None, Some(FileState::text("A\n")))]);
    assert_eq!(conflicts(&edit(base, one), &other), []);
}

#[test]
fn ten_thousand_hunks_are_reviewed_split_moved_and_taken_back() {
    let text = |mark: &str| -> String {
        let line = |at: usize| if at % 3 == 1 { format!("{mark} {at}\n") } else { format!("line {at}\n") };
        (0..30_000).map(line).collect()
    };
    let changeset = edit(&text("old"), &text("new"));
    let mut review = Review::new(changeset.clone());
    let all = review.pending(Selection::All);
    assert_eq!(all.len(), 10_000);
    let odd: Vec<HunkId> = all.iter().copied().filter(|id| id.hunk % 2 == 1).collect();
    review.mark(&odd, crate::changes::HunkState::Accepted);
    let waits = |id: &&HunkId| id.hunk.is_multiple_of(2);
    assert!(all.iter().filter(waits).all(|id| review.files()[0].located(id.hunk).is_some()));
    let (taken, rest) = crate::changes::split(&changeset, &odd);
    assert_eq!(crate::changes::compose(&taken, &rest).unwrap().files, changeset.files);
    let now = format!("first\n{}", text("new"));
    let undone = undo_over(&changeset, |_| Some(FileState::text(now.clone())));
    assert_eq!(undone.changeset.files[0].after, Some(FileState::text(format!("first\n{}", text("old")))));
    // Every one of them obstructed.
    assert_eq!(over(&changeset, Some(FileState::text(text("other")))).left.len(), 10_000);
}
