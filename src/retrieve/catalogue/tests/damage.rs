//! Bytes that are not as they were written are refused; those that pass for it harm nothing.

use proptest::prelude::*;

use super::super::segment::HEAD;
use super::*;

#[test]
fn each_changed_byte_is_noticed() {
    let bytes = small().to_bytes("e");
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1 << (at % 8);
        assert!(Catalogue::from_bytes(other, "e").is_err(), "byte {at}");
    }
}

#[test]
fn each_missing_end_is_noticed() {
    let bytes = small().to_bytes("e");
    for length in 0..bytes.len() {
        assert!(Catalogue::from_bytes(bytes[..length].to_vec(), "e").is_err(), "{length} bytes");
    }
    assert!(Catalogue::from_bytes([bytes, vec![0]].concat(), "e").is_err());
}

#[test]
fn it_says_what_is_wrong() {
    let check = |bytes: &[u8], expected: CatalogueError| {
        assert_eq!(Catalogue::from_bytes(bytes.to_vec(), "e").unwrap_err(), expected);
    };
    let bytes = small().to_bytes("e");
    check(b"", CatalogueError::Foreign);
    check(b"another file altogether", CatalogueError::Foreign);
    check(&small().to_bytes("other"), CatalogueError::Embedder("other".to_owned()));
    check(&bytes[..HEAD], CatalogueError::Damaged);
    check(&[&bytes[..8], &[9, 0, 0, 0], &bytes[12..]].concat(), CatalogueError::Form(9));
}

#[test]
fn nothing_is_a_segment_too() {
    let none = reloaded(&Catalogue::default());
    assert!(none.is_empty() && none.lexical(&["x".to_owned()], 9).is_empty() && none.files().next().is_none());
}

/// Writes the right hash into a segment.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = ContentHash::of(&bytes[HEAD..]);
    bytes[HEAD - 32..HEAD].copy_from_slice(hash.as_bytes());
    bytes
}

/// Uses all that a catalogue offers.
fn use_all(mut catalogue: Catalogue) {
    let terms: Vec<String> = ["head", "pars", "=readhead", "日本"].map(str::to_owned).to_vec();
    let _ = (catalogue.lexical(&terms, 5), catalogue.similar(&vector(1), 5), catalogue.named("read", 5));
    for chunk in 0..5 {
        let _ = (catalogue.known(chunk), catalogue.stored(chunk), catalogue.similarities(&[chunk], &vector(1)));
        let _ = (catalogue.standing("head").count(), catalogue.counts(&[chunk], "head"));
    }
    catalogue.put(&path("new"), ContentHash::of(b"5"), &[(chunk("n", "header"), vector(5))]);
    catalogue.remove(&path("src/http.rs"));
    let _ = (catalogue.having("head"), catalogue.to_bytes("e"));
}

proptest! {
    #[test]
    fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Catalogue::from_bytes(bytes.clone(), "e").is_err());
        let whole = small().to_bytes("e");
        prop_assert!(Catalogue::from_bytes(signed([&whole[..HEAD], &bytes].concat()), "e").is_err());
    }

    #[test]
    fn signed_damage_is_safe(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = small().to_bytes("e");
        // Vectors are the larger part and any byte of them is one: less than half of the changes go there.
        let most = bytes.len() - HEAD - 2 * DIMENSIONS;
        for (at, byte) in changes {
            bytes[HEAD + at.index(most)] = byte;
        }
        if let Ok(catalogue) = Catalogue::from_bytes(signed(bytes), "e") {
            use_all(catalogue);
        }
    }

    #[test]
    fn signed_numbers_are_safe(at in any::<prop::sample::Index>(), number in prop_oneof![
        Just(u32::MAX), Just(u32::MAX - 1), Just(1 << 31), Just((1 << 30) + 1), Just(0), 1_u32..300,
    ]) {
        let mut bytes = small().to_bytes("e");
        let at = HEAD + at.index(bytes.len() - HEAD - 4);
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        if let Ok(catalogue) = Catalogue::from_bytes(signed(bytes), "e") {
            use_all(catalogue);
        }
    }
}
