//! A list of postings holds what was written, and each of them is found alone.

use proptest::prelude::*;

use super::super::postings::{List, Posting, write};

fn postings() -> impl Strategy<Value = Vec<Posting>> {
    let gap = prop_oneof![8 => 1_u32..4, 2 => 1_u32..300, 1 => 1_u32..1_000_000];
    let count = prop_oneof![Just(0_u8), Just(1), any::<u8>()];
    let counts = prop_oneof![Just([0, 0, 0, 0, 1]), prop::array::uniform5(count)];
    prop::collection::vec((gap, counts), 0..700).prop_map(|all| {
        let mut chunk = 0;
        let mut posting = |(gap, counts)| {
            chunk += gap;
            Posting { chunk: chunk - 1, counts }
        };
        all.into_iter().map(&mut posting).collect()
    })
}

proptest! {
    #[test]
    fn a_list_comes_back(postings in postings()) {
        let mut bytes = Vec::new();
        write(&postings, &mut bytes);
        let list = List { having: postings.len() as u32, bytes: &bytes };
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), postings.clone());
        for posting in &postings {
            prop_assert_eq!(list.counts(posting.chunk), Some(posting.counts));
            let next = posting.chunk + 1;
            let there = postings.binary_search_by_key(&next, |posting| posting.chunk).is_ok();
            prop_assert_eq!(list.counts(next).is_some(), there);
        }
    }

    #[test]
    fn any_bytes_are_some_list(bytes in prop::collection::vec(any::<u8>(), 0..3_000), having in any::<u32>()) {
        for having in [having, having % 1_000] {
            let list = List { having, bytes: &bytes };
            prop_assert!(list.iter().count() <= bytes.len());
            let _ = list.counts(having / 2);
        }
    }
}

#[test]
fn the_last_chunk_numbers_fit() {
    let postings = [u32::MAX - 3, u32::MAX - 2].map(|chunk| Posting { chunk, counts: [255; 5] });
    let mut bytes = Vec::new();
    write(&postings, &mut bytes);
    assert_eq!(List { having: 2, bytes: &bytes }.iter().collect::<Vec<_>>(), postings);
}
