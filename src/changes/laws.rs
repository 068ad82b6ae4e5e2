//! The laws of the operations, over random files: text with every sort of line break, byte order marks, other
//! encodings, links, renames.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::text::line_hunks;
use crate::workspace::{FileKind, FileState, RelativePath};

type World = BTreeMap<RelativePath, FileState>;

const PATHS: &[&str] = &["a", "A", "d/b", "d/c", "new"];

/// Texts that are often alike, so that there are renames, conflicts and common lines.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => "[a-f]\n",
        1 => Just("x\r\n".to_owned()),
        1 => Just("\ry\n".to_owned()),
        1 => Just("é😀\n".to_owned()),
        1 => Just("\n".to_owned()),
    ];
    let mark = prop_oneof![6 => Just(""), 1 => Just("\u{feff}")];
    let last = prop_oneof![Just(""), Just("last"), Just("\r")];
    let text = (mark, prop::collection::vec(line, 0..9), last);
    prop_oneof![
        12 => text.prop_map(|(mark, lines, last)| (mark.to_owned() + &lines.concat() + last).into_bytes()),
        1 => Just(b"caf\xe9\nx\n".to_vec()),
        1 => Just(b"\xff\xfea\0\n\0".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ]
}

fn state() -> impl Strategy<Value = FileState> {
    let kind = prop_oneof![8 => Just(FileKind::Plain), 2 => Just(FileKind::Executable), 1 => Just(FileKind::Symlink)];
    (kind, bytes()).prop_map(|(kind, bytes)| FileState { kind, bytes })
}

fn world() -> impl Strategy<Value = World> {
    let path = prop::sample::select(PATHS).prop_map(|path| RelativePath::new(path).unwrap());
    prop::collection::btree_map(path, state(), 0..PATHS.len())
}

/// What someone makes of a world: some files as they were, some moved, some changed in a few lines, some anew.
fn step(from: World, to: World, choices: &[u8]) -> World {
    let mut result = to;
    for ((path, state), choice) in from.into_iter().zip(choices) {
        match choice % 6 {
            0 | 1 => drop(result.insert(path, state)),
            2 => drop(result.insert(RelativePath::new("moved").unwrap(), state)),
            3 | 4 => {
                let mut lines: Vec<&[u8]> = state.bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let at = usize::from(choice / 6) % (lines.len() + 1);
                let added = format!("added {choice}\n");
                lines.insert(at, added.as_bytes());
                result.insert(path, FileState { kind: state.kind, bytes: lines.concat() });
            }
            _ => {}
        }
    }
    result
}

fn next(from: World) -> impl Strategy<Value = (World, World)> {
    let choices = prop::collection::vec(any::<u8>(), PATHS.len() + 1);
    (world(), choices).prop_map(move |(to, choices)| (from.clone(), step(from.clone(), to, &choices)))
}

/// A world and what three steps make of it, one after the other.
fn steps() -> impl Strategy<Value = [World; 4]> {
    let two = (world().prop_flat_map(next)).prop_flat_map(|(one, two)| (Just(one), next(two)));
    let three = two.prop_flat_map(|(one, (two, three))| (Just((one, two)), next(three)));
    three.prop_map(|((one, two), (three, four))| [one, two, three, four])
}

/// A world and what two sides make of it.
fn sides() -> impl Strategy<Value = [World; 3]> {
    let one = world().prop_flat_map(next);
    one.prop_flat_map(|(base, ours)| (Just(ours), next(base))).prop_map(|(ours, (base, theirs))| [base, ours, theirs])
}

fn between(from: &World, to: &World) -> Changeset {
    let paths: std::collections::BTreeSet<&RelativePath> = from.keys().chain(to.keys()).collect();
    let change = |path: &RelativePath| FileChange {
        path: path.clone(),
        before: from.get(path).cloned(),
        after: to.get(path).cloned(),
    };
    Changeset::new(Origin::User, paths.into_iter().map(change).collect())
}

fn apply(world: &World, files: &[FileChange]) -> World {
    let mut world = world.clone();
    for change in files {
        assert_eq!(world.remove(&change.path), change.before, "{} is not what it was", change.path);
        world.extend(change.after.clone().map(|after| (change.path.clone(), after)));
    }
    world
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The lines, or whole contents that are no text, that `to` has and `from` has not at the same place or, for what was
/// renamed, at the old one.
fn added(from: &World, to: &World) -> Vec<Vec<u8>> {
    let changeset = between(from, to);
    let renamed: BTreeMap<&RelativePath, &RelativePath> = (changeset.renames().iter())
        .map(|rename| (&changeset.files[rename.to].path, &changeset.files[rename.from].path))
        .collect();
    let of = |(path, after): (&RelativePath, &FileState)| -> Vec<Vec<u8>> {
        let before = from.get(*renamed.get(path).unwrap_or(&path));
        match (before.and_then(FileState::as_text), after.as_text()) {
            _ if before.is_some_and(|before| before.bytes == after.bytes) => Vec::new(),
            (_, None) => vec![after.bytes.clone()],
            (None, Some(_)) => lines(&after.bytes),
            (Some(before), Some(text)) => {
                let all = lines(&after.bytes);
                line_hunks(before, text).iter().flat_map(|hunk| all[hunk.after.clone()].to_vec()).collect()
            }
        }
    };
    to.iter().flat_map(of).collect()
}

/// Every line and every whole content in `world` and in what was left out.
fn kept(world: &World, left: &[Obstructed]) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = world.values().map(|state| state.bytes.clone()).collect();
    for obstructed in left {
        match &obstructed.why {
            Obstacle::File { ours, theirs, .. } => {
                contents.extend([ours, theirs].into_iter().flatten().map(|state| state.bytes.clone()));
            }
            Obstacle::Lines(overlap) => {
                contents.extend([&overlap.ours, &overlap.theirs].map(|text| text.clone().into_bytes()));
            }
        }
    }
    let all_lines: Vec<Vec<u8>> = contents.iter().flat_map(|bytes| lines(bytes)).collect();
    contents.into_iter().chain(all_lines).collect()
}

/// A world as a failure shows it.
fn shown(world: &World) -> Vec<String> {
    world.iter().map(|(path, state)| format!("{path}: {:?} {}", state.kind, state.bytes.escape_ascii())).collect()
}

/// Hunks in an order that `order` decides.
fn shuffled(mut hunks: Vec<HunkId>, mut order: u64) -> Vec<HunkId> {
    let mut result = Vec::new();
    while !hunks.is_empty() {
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        result.push(hunks.swap_remove((order >> 33) as usize % hunks.len()));
    }
    result
}

proptest! {
    #[test]
    fn applied_and_inverted_it_never_was([from, to, ..] in steps()) {
        let changeset = between(&from, &to);
        prop_assert_eq!(apply(&from, &changeset.files), to.clone());
        prop_assert_eq!(apply(&to, &changeset.inverted().files), from);
        prop_assert_eq!(changeset.inverted().inverted().files, changeset.files.clone());
        prop_assert!(compose(&changeset, &changeset.inverted()).unwrap().is_empty());
    }

    #[test]
    fn any_subset_in_any_order_leads_to_the_same([from, to, ..] in steps(), which in any::<u64>(), orders in any::<[u64; 2]>()) {
        let whole = Review::new(between(&from, &to));
        let chosen: Vec<HunkId> = whole.pending(Selection::All).into_iter().enumerate()
            .filter(|(at, _)| which >> (at % 64) & 1 == 1).map(|(_, id)| id).collect();
        let [one, other] = orders.map(|order| {
            let (mut review, mut world) = (whole.clone(), from.clone());
            for id in shuffled(chosen.clone(), order) {
                let pending = review.pending(Selection::Hunk(id));
                // The other end of a rename may have brought it along.
                if !pending.is_empty() {
                    world = apply(&world, &review.acceptance(&pending).unwrap());
                    review.mark(&pending, HunkState::Accepted);
                }
            }
            world
        });
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one, apply(&from, &whole.acceptance(&chosen).unwrap_or_default()));
    }

    #[test]
    fn the_parts_are_the_whole([from, to, ..] in steps(), which in any::<u64>()) {
        let changeset = between(&from, &to);
        let all = Review::new(changeset.clone()).pending(Selection::All);
        let chosen: Vec<HunkId> =
            all.iter().enumerate().filter(|(at, _)| which >> (at % 64) & 1 == 1).map(|(_, id)| *id).collect();
        let (taken, rest) = split(&changeset, &chosen);
        prop_assert_eq!(apply(&apply(&from, &taken.files), &rest.files), to);
        prop_assert_eq!(compose(&taken, &rest).unwrap().files, changeset.files.clone());
        prop_assert_eq!(taken.is_empty(), chosen.is_empty());
        prop_assert_eq!(split(&changeset, &all).0.files, changeset.files.clone());
        prop_assert_eq!(taken.lineage.derived_from, [changeset.id]);
    }

    #[test]
    fn brackets_make_no_difference([one, two, three, four] in steps()) {
        let (a, b, c) = (between(&one, &two), between(&two, &three), between(&three, &four));
        let left = compose(&compose(&a, &b).unwrap(), &c);
        prop_assert_eq!(&left, &compose(&a, &compose(&b, &c).unwrap()));
        prop_assert_eq!(left.unwrap().files, between(&one, &four).files);
        let crooked = compose(&b, &between(&two, &three));
        prop_assert_eq!(crooked.is_ok(), b.is_empty(), "composed over itself: {:?}", b);
    }

    #[test]
    fn a_rebase_loses_nothing_and_makes_nothing_up([base, ours, theirs] in sides()) {
        let changeset = between(&base, &ours);
        let rebased = rebase(&changeset, |path| theirs.get(path).cloned());
        let result = apply(&theirs, &rebased.changeset.files);
        let kept = kept(&result, &rebased.left);
        for line in added(&base, &ours).into_iter().chain(added(&base, &theirs)) {
            prop_assert!(kept.contains(&line), "{:?} is lost: {:#?}", String::from_utf8_lossy(&line), [&base, &ours, &theirs, &result].map(shown));
        }
        let contents = [&base, &ours, &theirs].into_iter().flat_map(|world| world.values());
        let known: Vec<Vec<u8>> = contents.flat_map(|state| lines(&state.bytes)).collect();
        let made_up = result.values().flat_map(|state| lines(&state.bytes)).find(|line| !known.contains(line));
        prop_assert_eq!(made_up, None);
        let all = Review::new(changeset.clone()).pending(Selection::All);
        let left: Vec<HunkId> = rebased.left.iter().flat_map(|left| left.hunks.clone()).collect();
        prop_assert!(left.iter().all(|id| all.contains(id)) && rebased.left.iter().all(|left| !left.hunks.is_empty()));
        prop_assert_eq!(conflicts(&changeset, &between(&base, &theirs)), rebased.left);
    }

    #[test]
    fn over_what_it_was_made_from_it_is_itself([base, ours, _] in sides()) {
        let changeset = between(&base, &ours);
        let rebased = rebase(&changeset, |path| base.get(path).cloned());
        prop_assert_eq!(rebased, Rebased { changeset: changeset.clone(), left: vec![] });
        let again = rebase(&changeset, |path| ours.get(path).cloned());
        prop_assert!(again.changeset.is_empty() && again.left.is_empty());
        let undone = undo_over(&changeset, |path| ours.get(path).cloned());
        prop_assert_eq!(apply(&ours, &undone.changeset.files), base);
    }

    #[test]
    fn apart_they_are_taken_back_in_any_order(
        places in prop::collection::vec((0usize..40, 0u8..3, 0usize..4), 1..16), order in any::<u64>()
    ) {
        // Lines all differ and none stands beside another that is edited.
        let mut edits: BTreeMap<usize, (u8, usize)> = BTreeMap::new();
        for (line, what, whose) in places {
            edits.insert(line * 2, (what, whose));
        }
        let text = |upto: usize| -> String {
            let line = |at: usize| match edits.get(&at).filter(|(_, whose)| *whose < upto) {
                None => format!("line {at}\r\n"),
                Some((0, _)) => String::new(),
                Some((1, whose)) => format!("line {at} by {whose}\n"),
                Some((_, whose)) => format!("line {at}\r\nadded at {at} by {whose}\n"),
            };
            (0..81).map(line).collect()
        };
        let path = RelativePath::new("a").unwrap();
        let worlds: Vec<World> =
            (0..=4).map(|upto| World::from([(path.clone(), FileState::text(text(upto)))])).collect();
        let made: Vec<Changeset> = worlds.windows(2).map(|pair| between(&pair[0], &pair[1])).collect();
        let ids = shuffled((0..4).map(|file| HunkId { file, hunk: 0 }).collect(), order);
        let mut world = worlds[4].clone();
        for id in ids {
            let undone = undo_over(&made[id.file], |path| world.get(path).cloned());
            prop_assert_eq!(&undone.left, &[]);
            world = apply(&world, &undone.changeset.files);
        }
        prop_assert_eq!(&world, &worlds[0]);
    }
}
