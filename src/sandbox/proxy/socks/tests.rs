//! What a proxy makes of SOCKS messages, good and bad.

use super::*;
use proptest::prelude::*;

#[test]
fn a_greeting_tells_whether_a_password_can_be_shown() {
    assert_eq!(greeting(&[5, 2, 0, 2]).unwrap(), Some((true, 4)));
    assert_eq!(greeting(&[5, 1, 0]).unwrap(), Some((false, 3)));
    assert_eq!(greeting(&[5, 0, 9]).unwrap(), Some((false, 2)));
    assert_eq!(greeting(&[5, 2, 0]).unwrap(), None);
    assert_eq!(greeting(&[4, 1, 0]), Err(BadMessage::NotSocks));
}

#[test]
fn a_name_and_a_password_are_read_with_their_lengths() {
    let shown = (b"ab".to_vec(), b"c".to_vec());
    assert_eq!(credentials(b"\x01\x02ab\x01c\x05").unwrap(), Some((shown, 6)));
    assert_eq!(credentials(b"\x01\x00\x00").unwrap(), Some(((vec![], vec![]), 3)));
    assert_eq!(credentials(b"\x01\x02ab\x02c").unwrap(), None);
    assert_eq!(credentials(b"\x05\x02ab\x01c"), Err(BadMessage::NotSocks));
}

#[test]
fn a_target_is_a_name_or_an_address() {
    let read = |bytes: &[u8]| {
        request(bytes).map(|parsed| parsed.map(|((host, port), length)| (host.to_string(), port, length)))
    };
    let told = |host: &str, length| Ok(Some((host.to_owned(), 443, length)));
    assert_eq!(read(b"\x05\x01\x00\x01\x01\x02\x03\x04\x01\xbbrest"), told("1.2.3.4", 10));
    assert_eq!(read(b"\x05\x01\x00\x03\x09Crates.IO\x01\xbb"), told("crates.io", 16));
    assert_eq!(read(b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb"), told("[::1]", 22));
    // An address written as a name is the address, and is judged as one.
    assert_eq!(read(b"\x05\x01\x00\x03\x09127.0.0.1\x01\xbb"), told("127.0.0.1", 16));
    assert_eq!(read(b"\x05\x01\x00\x03\x09Crates"), Ok(None));
}

#[test]
fn what_is_no_target_is_answered_by_its_own_number() {
    let reply = |bytes: &[u8]| request(bytes).unwrap_err().reply();
    assert_eq!(reply(b"\x05\x02\x00\x01\x01\x02\x03\x04\x01\xbb"), Reply::NoSuchCommand);
    assert_eq!(reply(b"\x05\x03\x00\x01\x01\x02\x03\x04\x01\xbb"), Reply::NoSuchCommand);
    assert_eq!(reply(b"\x05\x01\x00\x02\x01"), Reply::NoSuchAddress);
    for bytes in [
        &b"\x05\x01\x01\x01\x01\x02\x03\x04\x01\xbb"[..],
        b"\x05\x01\x00\x01\x01\x02\x03\x04\x00\x00",
        b"\x05\x01\x00\x03\x00\x01\xbb",
        b"\x05\x01\x00\x03\x03a\0b\x01\xbb",
        b"\x05\x01\x00\x03\x03a b\x01\xbb",
        b"\x05\x01\x00\x03\x03\xff\xfe\xfd\x01\xbb",
        b"\x05\x01\x00\x03\x05127.1\x01\xbb",
    ] {
        assert_eq!(reply(bytes), Reply::Failed, "{bytes:?}");
    }
    assert_eq!(Reply::NotAllowed.bytes(), [5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_none_beyond_the_end_are_taken(first in 0_u8..7, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [vec![first], rest].concat();
        let lengths = [
            greeting(&bytes).ok().flatten().map(|(_, length)| length),
            credentials(&bytes).ok().flatten().map(|(_, length)| length),
            request(&bytes).ok().flatten().map(|(_, length)| length),
        ];
        prop_assert!(lengths.iter().flatten().all(|length| *length <= bytes.len()));
    }

    #[test]
    fn a_message_is_read_alike_however_it_arrives(name in "[a-z.]{1,20}", port: u16, cut in 0_usize..40) {
        let mut bytes = vec![5, 1, 0, 3, name.len() as u8];
        bytes.extend(name.bytes());
        bytes.extend(port.to_be_bytes());
        let whole = request(&bytes);
        match request(&bytes[..cut.min(bytes.len())]) {
            Ok(None) => {}
            early => prop_assert_eq!(early, whole),
        }
    }
}
