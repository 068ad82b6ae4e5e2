//! Trees walk as written, explain what they score, and are read as they were written or refused.

use proptest::prelude::*;

use super::*;

const fn leaf(value: f32) -> TreeNode {
    TreeNode::Leaf { value }
}

const fn split(feature: u16, threshold: f32, value: f32) -> TreeNode {
    TreeNode::Split { feature, threshold, value }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("feature {at}")).collect()
}

/// Two trees, of three leaves and of one.
fn small() -> Trees {
    let nodes = [split(0, 1.0, 0.5), leaf(-1.0), split(1, 2.0, 2.0), leaf(1.0), leaf(4.0), leaf(10.0)];
    Trees::new(names(2), nodes).unwrap()
}

/// What stands before `hashed`.
fn head(hashed: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_le_bytes(), ContentHash::of(hashed).as_bytes()].concat()
}

#[test]
fn a_row_walks_left_at_the_threshold_and_right_above() {
    let trees = small();
    assert_eq!(trees.len(), 2);
    for (row, score) in [([1.0, 9.0], 9.0), ([1.1, 2.0], 11.0), ([1.1, 2.1], 14.0)] {
        assert_eq!(trees.score(&row).to_bits(), f32::to_bits(score), "{row:?}");
    }
}

#[test]
fn what_is_no_number_goes_left_and_infinities_go_their_way() {
    let trees = small();
    let (none, most) = (f32::NAN, f32::INFINITY);
    for (row, score) in [
        (vec![none, 9.0], 9.0),
        (vec![], 9.0),
        (vec![-most], 9.0),
        (vec![most], 11.0),
        (vec![most, none], 11.0),
        (vec![most, most, 7.0], 14.0),
    ] {
        assert_eq!(trees.score(&row).to_bits(), f32::to_bits(score), "{row:?}");
    }
}

#[test]
fn each_feature_gets_the_change_of_what_is_expected() {
    let (trees, mut shares) = (small(), [100.0, 0.0]);
    trees.shares(&[1.1, 2.1], &mut shares);
    assert_eq!((trees.bias(), shares), (10.5, [101.5, 2.0]));
    trees.shares(&[1.1, 2.1], &mut []);
    assert_eq!(Trees::new(names(2), []).unwrap().bias().to_bits(), 0.0_f32.to_bits());
}

#[test]
fn what_is_no_tree_is_refused() {
    let refused = |nodes: &[TreeNode]| Trees::new(names(2), nodes.iter().copied()).is_none();
    assert!(refused(&[split(0, 1.0, 0.0), leaf(1.0)]), "a side is missing");
    assert!(refused(&[leaf(0.0), split(0, 1.0, 0.0)]), "both sides of the second are missing");
    assert!(refused(&[split(2, 1.0, 0.0), leaf(1.0), leaf(1.0)]), "no such feature");
    for bad in [f32::NAN, f32::INFINITY] {
        assert!(refused(&[split(0, bad, 0.0), leaf(1.0), leaf(1.0)]));
        assert!(refused(&[split(0, 1.0, bad), leaf(1.0), leaf(1.0)]));
        assert!(refused(&[leaf(bad)]));
    }
    assert!(refused(&[leaf(2e6)]), "its sums could overflow");
    assert!(Trees::new(vec!["a".to_owned(), "b".to_owned(), "a".to_owned()], []).is_none(), "which `a`?");
}

#[test]
fn a_tree_has_at_most_sixty_four_leaves_on_whatever_side() {
    for (left, right) in [(1, 63), (63, 1), (30, 34)] {
        // A row of 0.5 leaves the chain of splits at 0 by its end, which is right; one of -0.5 at once.
        let chain = |leaves: usize| std::iter::repeat_n([split(0, 0.0, 0.0), leaf(1.0)], leaves - 1).flatten();
        let tree = |right: usize| {
            let nodes = chain(left).chain([leaf(2.0)]).chain(chain(right)).chain([leaf(3.0)]);
            Trees::new(names(2), [split(1, 0.0, 0.0)].into_iter().chain(nodes))
        };
        let whole = tree(right).unwrap();
        for row in [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]] {
            let leaves = if row[1] > 0.0 { right } else { left };
            let expected = match (leaves, row[0] > 0.0, row[1] > 0.0) {
                (2.., false, _) => 1.0,
                (_, _, false) => 2.0,
                (_, _, true) => 3.0,
            };
            assert_eq!(whole.score(&row).to_bits(), f32::to_bits(expected), "{left} {right} {row:?}");
        }
        assert!(tree(right + 1).is_none());
    }
}

#[test]
fn what_are_no_trees_of_this_form_is_named() {
    assert_eq!(Trees::from_bytes(&[]), Err(TreesError::NotTrees));
    assert_eq!(Trees::from_bytes(b"ELF and so on"), Err(TreesError::NotTrees));
    assert_eq!(Trees::from_bytes(&MAGIC), Err(TreesError::Damaged));
    let mut newer = small().to_bytes();
    newer[8] = 7;
    assert_eq!(Trees::from_bytes(&newer), Err(TreesError::OtherForm { version: 7 }));
}

#[test]
fn four_hundred_trees_of_sixteen_leaves_are_small() {
    let tree = std::iter::repeat_n([split(0, 1.0, 0.0), leaf(0.0)], 15).flatten().chain([leaf(0.0)]);
    let nodes: Vec<TreeNode> = std::iter::repeat_n(tree, 400).flatten().collect();
    let trees = Trees::new(names(60), nodes).unwrap();
    assert_eq!(trees.len(), 400);
    assert!(trees.to_bytes().len() < 100_000);
}

/// One tree in pre-order over three features.
fn tree() -> impl Strategy<Value = Vec<TreeNode>> {
    let value = -4.0_f32..4.0;
    value.clone().prop_map(|value| vec![leaf(value)]).prop_recursive(6, 40, 2, move |side| {
        (0_u16..3, -2.0_f32..2.0, value.clone(), side.clone(), side).prop_map(
            |(feature, threshold, value, left, right)| [vec![split(feature, threshold, value)], left, right].concat(),
        )
    })
}

/// The meaning of a tree, read off the list without any of what is tested: its value, and how long it is.
fn value(nodes: &[TreeNode], row: &[f32]) -> (f32, usize) {
    match nodes[0] {
        TreeNode::Leaf { value } => (value, 1),
        TreeNode::Split { feature, threshold, .. } => {
            let (left, left_length) = value(&nodes[1..], row);
            let (right, right_length) = value(&nodes[1 + left_length..], row);
            let chosen = if row[usize::from(feature)] > threshold { right } else { left };
            (chosen, 1 + left_length + right_length)
        }
    }
}

proptest! {
    #[test]
    fn scores_are_those_of_the_definition_and_shares_add_up(
        list in prop::collection::vec(tree(), 0..12),
        row in prop::collection::vec(-2.5_f32..2.5, 3),
    ) {
        let trees = Trees::new(names(3), list.concat()).unwrap();
        prop_assert_eq!(trees.len(), list.len());
        let score = trees.score(&row);
        prop_assert!((score - list.iter().map(|nodes| value(nodes, &row).0).sum::<f32>()).abs() < 1e-4);
        let mut shares = [0.0; 3];
        trees.shares(&row, &mut shares);
        prop_assert!((score - trees.bias() - shares.iter().sum::<f32>()).abs() < 1e-4);
        prop_assert_eq!(Trees::from_bytes(&trees.to_bytes()), Ok(trees));
    }

    #[test]
    fn changed_or_cut_trees_are_refused(at in 0_usize..3_000, bit in 0_u8..8, cut in any::<bool>()) {
        let mut bytes = small().to_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert!(Trees::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_what_was_read_walks(
        kinds in prop::collection::vec((0_u16..3, any::<u64>()), 0..60),
        bytes in prop::collection::vec(any::<u8>(), 0..20),
        row in prop::collection::vec(any::<f32>(), 0..4),
    ) {
        // Two features named "a" and "b", then what looks like nodes, then anything.
        let mut body = b"\x02\0\x01\0a\x01\0b".to_vec();
        for (kind, numbers) in kinds {
            let (tag, length) = if kind == 2 { (LEAF, 4) } else { (kind, 8) };
            body.extend(tag.to_le_bytes());
            body.extend(&(numbers & 0x3fff_ffff_3fff_ffff).to_le_bytes()[..length]);
        }
        for body in [[body.clone(), bytes.clone()].concat(), body, bytes] {
            if let Ok(trees) = Trees::from_bytes(&[head(&body), body].concat()) {
                prop_assert!(trees.score(&row).is_finite());
                trees.shares(&row, &mut [0.0; 2]);
            }
        }
    }
}
