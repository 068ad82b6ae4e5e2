//! What names the newest shared index of a workspace. Whoever may write to the place wrote it.

use serde::{Deserialize, Serialize};

use super::{LARGEST, LARGEST_NEWEST};
use crate::retrieve::Catalogue;
use crate::workspace::ContentHash;

/// The number of the form. A greater one says that this version cannot read it.
const FORM: u32 = 1;
/// How hard zstd tries: harder gains a hundredth.
const LEVEL: i32 = 3;
/// An index that is packed so many times smaller than it is was written to fill memory.
const MOST_PACKED: u64 = 16;
/// Characters of a stranger's name that are passed on.
const SHOWN: usize = 60;

/// The newest index of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    form: u32,
    /// Form of the index itself.
    catalogue: u32,
    /// What made the vectors.
    embedder: String,
    /// BLAKE3 of the packed index, in hexadecimal digits: the name of its object.
    segment: String,
    /// Bytes of it, packed.
    pub packed: u64,
    /// Bytes of it when it is unpacked.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// When whoever published it began to bring it up to date, in milliseconds since the Unix epoch.
    pub made_ms: i64,
}

/// The part of it that later versions have too.
#[derive(Deserialize)]
struct Form {
    form: u32,
}

/// Why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Written by a later version.
    #[error("it was published by a newer version of tagout: update tagout here")]
    Newer,
    /// Written by an earlier version.
    #[error("it was published by an older version of tagout: publish it anew with this one")]
    Older,
    /// Its vectors compare with those of another embedder only.
    #[error("it was made with the embedder {0:?}, and here it is another: publish it anew with this one")]
    Embedder(String),
    /// Too large for this version.
    #[error("it has {0} bytes, and at most {LARGEST} are read: share the index of a part of the workspace")]
    Large(u64),
    /// Not what any version writes.
    #[error("it is damaged: publish it anew")]
    Damaged,
}

impl Newest {
    /// Packs `index`, which has so many files and whose making began at `made_ms`; and what names it.
    ///
    /// # Errors
    /// When it is larger than any that is read, or there is no memory to pack it.
    pub fn pack(index: &[u8], embedder: &str, files: usize, made_ms: i64) -> Result<(Vec<u8>, Self), Unusable> {
        let bytes = index.len() as u64;
        let packed = zstd::bulk::compress(index, LEVEL).map_err(|_| Unusable::Large(bytes))?;
        let newest = Self {
            form: FORM,
            catalogue: Catalogue::FORM,
            embedder: embedder.to_owned(),
            segment: ContentHash::of(&packed).to_string(),
            packed: packed.len() as u64,
            bytes,
            files: files as u64,
            made_ms,
        };
        if bytes > LARGEST { Err(Unusable::Large(bytes)) } else { Ok((packed, newest)) }
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the index that it names cannot be used with `embedder`.
    pub fn read(bytes: &[u8], embedder: &str) -> Result<Self, Unusable> {
        if bytes.len() as u64 > LARGEST_NEWEST {
            return Err(Unusable::Damaged);
        }
        let Form { form } = serde_json::from_slice(bytes).map_err(|_| Unusable::Damaged)?;
        if form > FORM {
            return Err(Unusable::Newer);
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|_| Unusable::Damaged)?;
        if read.hash().is_none() {
            return Err(Unusable::Damaged);
        }
        match read.catalogue.cmp(&Catalogue::FORM) {
            std::cmp::Ordering::Greater => return Err(Unusable::Newer),
            std::cmp::Ordering::Less => return Err(Unusable::Older),
            std::cmp::Ordering::Equal => {}
        }
        if read.embedder != embedder {
            return Err(Unusable::Embedder(read.embedder.chars().take(SHOWN).collect()));
        }
        let most = read.packed.saturating_mul(MOST_PACKED).saturating_add(1 << 20);
        match read.bytes.max(read.packed) {
            large if large > LARGEST => Err(Unusable::Large(large)),
            // Vectors and texts that are packed already keep their size.
            _ if read.bytes > most => Err(Unusable::Damaged),
            _ => Ok(read),
        }
    }

    /// The bytes that it is kept as.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data, whose serialisation cannot fail.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The hash of the index; `None` where it is none in its one spelling.
    #[must_use]
    pub fn hash(&self) -> Option<ContentHash> {
        ContentHash::from_hex(&self.segment).filter(|hash| hash.to_string() == self.segment)
    }

    /// The name of the index's object.
    #[must_use]
    pub fn segment(&self) -> &str {
        &self.segment
    }

    /// The index, unpacked; `None` when `packed` is not the one that it names.
    #[must_use]
    pub fn unpack(&self, packed: &[u8]) -> Option<Vec<u8>> {
        if packed.len() as u64 != self.packed || self.hash() != Some(ContentHash::of(packed)) {
            return None;
        }
        let size = usize::try_from(self.bytes).ok()?;
        zstd::bulk::decompress(packed, size).ok().filter(|index| index.len() == size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let index: Vec<u8> = (0..2_000_u32).flat_map(|number| (number * number).to_le_bytes()).collect();
        let (packed, newest) = Newest::pack(&index, "e", 3, 7).unwrap();
        let bytes = newest.to_bytes();
        assert_eq!(Newest::read(&bytes, "e").as_ref(), Ok(&newest));
        assert_eq!(newest.unpack(&packed), Some(index));
        assert_eq!((newest.unpack(&packed[1..]), newest.unpack(b"")), (None, None));
        assert_eq!(Newest::read(&bytes, "other"), Err(Unusable::Embedder("e".to_owned())));
        let changed = |from: &str, to: &str| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            Newest::read(text.replacen(from, to, 1).as_bytes(), "e")
        };
        assert_eq!(changed("\"form\": 1", "\"form\": 2"), Err(Unusable::Newer));
        assert_eq!(changed("\"catalogue\": 1", "\"catalogue\": 9"), Err(Unusable::Newer));
        assert_eq!(changed("\"catalogue\": 1", "\"catalogue\": 0"), Err(Unusable::Older));
        assert_eq!(changed("\"bytes\": 8000", "\"bytes\": 99999999999"), Err(Unusable::Large(99_999_999_999)));
        assert_eq!(changed("\"bytes\": 8000", "\"bytes\": 999999999"), Err(Unusable::Damaged));
        assert_eq!(changed("\"bytes\": 8000", "\"bytes\": -7"), Err(Unusable::Damaged));
        assert_eq!(changed("\"bytes\": 8000", "\"bytes\": 7999").unwrap().unpack(&packed), None);
        assert_eq!(changed("\"bytes\": 8000", "\"bytes\": 8001").unwrap().unpack(&packed), None);
        // Said to be longer, so that it may be unpacked to more.
        assert_eq!(changed("\"packed\": ", "\"packed\": 9").unwrap().unpack(&packed), None);
        assert_eq!(changed(newest.segment(), "../current"), Err(Unusable::Damaged));
        assert_eq!(changed(newest.segment(), &newest.segment().to_uppercase()), Err(Unusable::Damaged));
        assert_eq!(Newest::read(b"{\"form\":2,\"other\":[]}", "e"), Err(Unusable::Newer));
        for wrong in [&b""[..], b"[]", b"{}", &bytes[..20], &vec![b' '; (16 << 10) + 1]] {
            assert_eq!(Newest::read(wrong, "e"), Err(Unusable::Damaged));
        }
    }
}
