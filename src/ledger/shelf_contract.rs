//! What every shelf does: one test for both.

use std::ops::ControlFlow;

use super::contract::{root, shelved};
use crate::changes::{Changeset, ChangesetId, CheckOutcome, Checked, FileChange, Origin, summarise};
use crate::ports::{Damaged, FailureKind, History, Listed, Retention, Shelf, Shelved, ShelvedState, Which};
use crate::workspace::{ContentHash, FileKind, FileState, RelativePath, Root};

pub(super) fn the_shelf_finds_by_the_beginning_of_a_name(shelf: &impl Shelf) {
    let root = root("one");
    let numbers = 0..40;
    for number in numbers.clone() {
        shelf.shelve(&root, &shelved(number, ShelvedState::Pending)).unwrap();
    }
    let one = shelved(7, ShelvedState::Pending);
    let find = |text: &str| shelf.shelved(&root, &ChangesetId::from_text(text));
    assert_eq!(find(one.changeset.id.as_str()).unwrap(), one);
    assert_eq!(find(one.changeset.id.as_str().get(..8).unwrap()).unwrap(), one);
    for none in ["", "nothing", "%"] {
        assert_eq!(find(none).unwrap_err().kind, FailureKind::NotFound);
    }
    // 40 names over 16 digits: some two of them begin alike.
    assert!(
        (0..16)
            .any(|digit| find(&format!("{digit:x}")).is_err_and(|failure| failure.kind == FailureKind::InvalidInput))
    );

    let applied = Shelved { state: ShelvedState::Applied, at_ms: 99, ..one.clone() };
    shelf.shelve(&root, &applied).unwrap();
    assert_eq!(find(one.changeset.id.as_str()).unwrap(), applied);
    shelf.amend(&root, &one.changeset.id, &mut |kept| Some(Shelved { at_ms: kept.at_ms + 1, ..kept })).unwrap();
    shelf.amend(&root, &one.changeset.id, &mut |_| None).unwrap();
    assert_eq!(find(one.changeset.id.as_str()).unwrap(), Shelved { at_ms: 100, ..applied });
    let begins = ChangesetId::from_text(one.changeset.id.as_str().get(..8).unwrap());
    let none = shelf.amend(&root, &begins, &mut Some).unwrap_err();
    assert_eq!(none.kind, FailureKind::NotFound, "what is changed is named whole");
    let of = |root: &Root, state| -> Vec<i64> {
        let history = shelf.history(root, Which { state: Some(state), proposal: None }).unwrap().whole().unwrap();
        history.iter().map(|kept| kept.at_ms).collect()
    };
    assert_eq!(of(&root, ShelvedState::Applied), [100]);
    assert_eq!(of(&root, ShelvedState::Pending), numbers.rev().filter(|number| *number != 7).collect::<Vec<_>>());
    assert!(of(&self::root("two"), ShelvedState::Pending).is_empty());
    let mut seen = Vec::new();
    let first_two = &mut |one: Result<Listed, Damaged>| {
        seen.push(one.unwrap().at_ms);
        if seen.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    shelf.list(&root, Which::default(), first_two).unwrap();
    assert_eq!(seen, [100, 39]);
}

/// A text that nothing packs, of this many bytes.
pub(super) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let block = |number: usize| *ContentHash::of_parts(&[&seed.to_le_bytes(), &number.to_le_bytes()]).as_bytes();
    (0..bytes.div_ceil(32)).flat_map(block).take(bytes).collect()
}

const DAY: i64 = 86_400_000;

/// A changeset of 10,000 bytes before, of the seed's, and 10,000 after, on this day.
fn large(name: &str, before: u64, after: u64, state: ShelvedState, day: i64) -> Shelved {
    let state_of = |seed| Some(FileState { kind: FileKind::Plain, bytes: noise(seed, 10_000) });
    let path = RelativePath::new(name).unwrap();
    let change = FileChange { path, before: state_of(before), after: state_of(after) };
    let changeset = Changeset::new(Origin::Command { argv: vec![name.into()] }, vec![change]);
    Shelved { proposal: changeset.id.clone(), changeset, state, at_ms: day * DAY }
}

pub(super) fn the_history_tells_everything_latest_first(shelf: &impl Shelf) {
    let root = root("history");
    assert_eq!(shelf.history(&root, Which::default()).unwrap(), History::default());
    let states = [ShelvedState::Settled, ShelvedState::Undone, ShelvedState::Applied, ShelvedState::Pending];
    let checked = Checked { name: "make".into(), outcome: CheckOutcome::NotRun { why: "no".into() }, level: None };
    let kept: Vec<Shelved> = states
        .into_iter()
        .zip(0..)
        .map(|(state, number)| {
            let mut one = shelved(number, state);
            one.changeset.lineage.checks.push(checked.clone());
            Shelved { proposal: ChangesetId::from_text("p"), ..one }
        })
        .collect();
    kept.iter().for_each(|kept| shelf.shelve(&root, kept).unwrap());
    let listed: Vec<Listed> = kept.iter().rev().map(|kept| Listed::of(kept, summarise(&kept.changeset))).collect();
    assert_eq!(shelf.history(&root, Which::default()).unwrap().whole().unwrap(), listed);
    let of = |proposal: &str, state| {
        let proposal = ChangesetId::from_text(proposal);
        shelf.history(&root, Which { state, proposal: Some(&proposal) }).unwrap().whole().unwrap()
    };
    assert_eq!(of("p", Some(ShelvedState::Applied)), [listed[1].clone()]);
    assert_eq!((of("p", None).len(), of("q", None)), (4, Vec::new()));
    assert_eq!(listed[0].figures.to_string(), "1 file, 1 hunk, +1 -0");
    let undone = Shelved { state: ShelvedState::Undone, at_ms: 9, ..kept[2].clone() };
    shelf.shelve(&root, &undone).unwrap();
    let first = shelf.history(&root, Which::default()).unwrap().listed.swap_remove(0);
    assert_eq!((first.id, first.state, first.at_ms), (undone.changeset.id, ShelvedState::Undone, 9));
}

pub(super) fn what_is_not_to_be_kept_leaves_and_says_why(shelf: &impl Shelf) {
    use ShelvedState::{Applied, Pending, Undone};
    let (root, other) = (root("pruned"), root("pruned, too"));
    let names = |root: &Root| -> Vec<String> {
        let name = |listed: Listed| listed.origin.describe().replace("command: ", "");
        shelf.history(root, Which::default()).unwrap().listed.into_iter().map(name).collect()
    };
    let all = [
        large("old", 1, 2, Applied, 1),
        large("one", 1, 2, Applied, 40),
        large("two", 1, 3, Undone, 41),
        large("waits", 4, 5, Pending, 42),
        large("three", 6, 7, Applied, 43),
        large("today", 8, 9, Applied, 60),
    ];
    all.iter().for_each(|one| shelf.shelve(&root, one).unwrap());
    shelf.shelve(&other, &large("old", 1, 2, Applied, 1)).unwrap();
    let now = 60 * DAY;
    let retention = |keep_days, keep_bytes| Retention { keep_days, keep_bytes };
    assert_eq!(shelf.prune(retention(90, 1 << 30), now).unwrap(), 0);
    assert_eq!(shelf.prune(retention(30, 1 << 30), now + 1000).unwrap(), 0, "not within an hour of the last time");
    assert_eq!(shelf.prune(retention(30, 1 << 30), now + 3_600_000).unwrap(), 2, "in each workspace");
    assert_eq!(
        (names(&root), names(&other)),
        (vec!["today".into(), "three".into(), "waits".into(), "two".into(), "one".into()], Vec::new())
    );
    // There are 90,000 bytes and a little; without `one`, whose 1 is two's too, 10,000 less.
    assert_eq!(shelf.prune(retention(30, 85_000), now + 2 * 3_600_000).unwrap(), 1);
    assert_eq!(names(&root), ["today", "three", "waits", "two"]);
    assert_eq!(shelf.shelved(&root, &all[2].changeset.id).unwrap(), all[2], "what it shared is still there");
    assert_eq!(shelf.prune(retention(30, 1), now + 3 * 3_600_000).unwrap(), 2);
    assert_eq!(names(&root), ["today", "waits"], "what was applied today and what waits stays");
    assert_eq!(shelf.shelved(&root, &all[3].changeset.id).unwrap(), all[3]);
    for (gone, why) in
        [(&all[0], "for 30 days"), (&all[1], "larger than 85000 bytes"), (&all[4], "larger than 1 bytes")]
    {
        let id = gone.changeset.id.as_str();
        let failure = shelf.shelved(&root, &ChangesetId::from_text(id.get(..6).unwrap())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.what.contains(id) && failure.what.contains(why), "{failure}");
    }
    // Shelved again, it is there.
    shelf.shelve(&root, &all[0]).unwrap();
    assert_eq!(shelf.shelved(&root, &all[0].changeset.id).unwrap(), all[0]);
    assert_eq!(shelf.prune(retention(30, 1000), now + 3 * 3_600_000 + 1).unwrap(), 1, "much came within the hour");
}
