//! What a file holds, and the hash that stands for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// BLAKE3 hash of some content; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of several parts, each with its length, so that no two lists of parts look alike.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }

    /// The first `digits` hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self, digits: usize) -> String {
        self.to_string().chars().take(digits).collect()
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ContentHash({})", self.short(12))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a content hash is 64 hexadecimal digits"))
    }
}

/// What sort of directory entry a [`FileState`] is. Of the permissions only the owner's execute bit is part of what a
/// file is; whoever writes an edit keeps the other bits as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file without any execute bit.
    Plain,
    /// A regular file that its owner may execute.
    Executable,
    /// A symbolic link; the bytes are its target.
    Symlink,
}

/// One file as it is at one moment: its kind and its bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// Kind of entry.
    pub kind: FileKind,
    /// Content, or the target of a symbolic link.
    pub bytes: Vec<u8>,
}

impl FileState {
    /// A plain file holding `text`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { kind: FileKind::Plain, bytes: text.into().into_bytes() }
    }

    /// The hash of kind and bytes together.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let kind: &[u8] = match self.kind {
            FileKind::Plain => b"plain",
            FileKind::Executable => b"executable",
            FileKind::Symlink => b"symlink",
        };
        ContentHash::of_parts(&[kind, &self.bytes])
    }

    /// The content as text: UTF-8 without NUL bytes, in a regular file.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if self.kind == FileKind::Symlink || memchr::memchr(0, &self.bytes).is_some() {
            return None;
        }
        std::str::from_utf8(&self.bytes).ok()
    }
}

impl fmt::Debug for FileState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {} bytes", self.kind, self.bytes.len())
    }
}
