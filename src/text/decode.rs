//! The text in the bytes of a file, whatever wrote it.

use std::borrow::Cow;

/// A file of which more than this part of the bytes is no UTF-8 is no text.
const MOST_ODD: usize = 2;

/// The text of `bytes`: UTF-16 where a byte order mark says so, else UTF-8, in which each byte that does not belong is
/// the letter that Latin-1 has for it. `None` where too little of it is text for that to make sense.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(text) = utf16(bytes) {
        return Some(Cow::Owned(text));
    }
    if let Ok(text) = str::from_utf8(bytes) {
        return Some(Cow::Borrowed(text));
    }
    let odd: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    if odd > bytes.len() / MOST_ODD {
        return None;
    }
    let mut text = String::with_capacity(bytes.len() + odd);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    Some(Cow::Owned(text))
}

/// The text of `bytes` that begin with a byte order mark of UTF-16, without it; `None` where they do not, or where what
/// follows is something else.
#[must_use]
pub fn utf16(bytes: &[u8]) -> Option<String> {
    let (mark, rest) = bytes.split_first_chunk()?;
    let read: fn([u8; 2]) -> u16 = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    // A byte too many is of a character that was cut off.
    let (pairs, _) = rest.as_chunks::<2>();
    let (mut text, mut odd) = (String::with_capacity(rest.len()), 0);
    for unit in char::decode_utf16(pairs.iter().map(|pair| read(*pair))) {
        match unit {
            // Such as the second half of the mark of UTF-32.
            Ok('\0') => return None,
            Ok(letter) => text.push(letter),
            Err(_) => {
                odd += 1;
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    (odd <= pairs.len() / 100).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(write).collect()
    }

    #[test]
    fn what_a_mark_says_is_utf_16_is_read_as_such() {
        for text in ["fn größe() {}\r\n// 解析 🦀\n", "", "a"] {
            for write in [u16::to_le_bytes, u16::to_be_bytes] {
                let mut bytes = encoded(text, write);
                assert_eq!(decode(&bytes).as_deref(), Some(text));
                bytes.push(b'x');
                assert_eq!(decode(&bytes).as_deref(), Some(text), "one byte too many");
            }
        }
        let utf32: Vec<u8> = "\u{feff}abc".chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
        assert_eq!(utf16(&utf32), None);
        assert_eq!(utf16(&[0xff, 0xfe, 0x00, 0xd8, 0x00, 0xd8]), None, "surrogates without their halves");
        assert_eq!(utf16(b"plain"), None);
    }

    #[test]
    fn utf_8_is_borrowed_and_odd_bytes_are_letters_of_latin_1() {
        assert!(matches!(decode("grün".as_bytes()), Some(Cow::Borrowed("grün"))));
        assert_eq!(decode(b"// gr\xfc\xdfe\n").as_deref(), Some("// grüße\n"));
        let mixed = [b"a = \"".as_slice(), "schön".as_bytes(), b"\" # m\xf6glich"].concat();
        assert_eq!(decode(&mixed).as_deref(), Some("a = \"schön\" # möglich"));
        assert_eq!(decode(&[0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea]), None, "Shift JIS would be nonsense");
        assert_eq!(decode(b"").as_deref(), Some(""));
    }
}
