//! The hashes that bind records to one another: each is over what came before and needs the key.

use crate::workspace::ContentHash;

/// A hash in the chain.
pub(super) type Link = [u8; 32];

/// The key, and the name that tells it from others without telling it.
#[derive(Clone)]
pub(super) struct Key {
    bytes: [u8; 32],
    id: [u8; 8],
}

impl Key {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        let mut key = Self { bytes, id: [0; 8] };
        let name = key.hash("key", &[]);
        for (to, from) in key.id.iter_mut().zip(name) {
            *to = from;
        }
        key
    }

    /// The name that database and anchor know it by.
    pub(super) fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Hash over `parts`, each with its length; `purpose` keeps hashes for one use from standing in for another.
    pub(super) fn hash(&self, purpose: &str, parts: &[&[u8]]) -> Link {
        let mut hasher = blake3::Hasher::new_keyed(&self.bytes);
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// Link of a record to the one before.
    pub(super) fn link(&self, previous: &[u8], workspace: &str, number: u64, entry: &str) -> Link {
        self.hash("record", &[previous, workspace.as_bytes(), &number.to_le_bytes(), entry.as_bytes()])
    }
}

/// Link of a record of before there was a key.
pub(super) fn old_link(previous: &[u8], workspace: &str, number: u64, entry: &str) -> Link {
    *ContentHash::of_parts(&[previous, workspace.as_bytes(), &number.to_le_bytes(), entry.as_bytes()]).as_bytes()
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a part of the chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The workspace's first record.
    Begin,
    /// Records of before there was a key come first.
    Keyed,
    /// The key was lost or had been open to others.
    KeyChanged,
    /// The anchor was gone.
    AnchorGone,
    /// The anchor was not what was written.
    AnchorBroken,
    /// Records that the anchor knew were cut off.
    Cut,
    /// The database was an older copy of itself, or another stands where the anchor points.
    Replaced,
    /// The database was removed.
    Removed,
    /// The database was damaged and set aside.
    SetAside,
}

impl Reason {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Begin, "begin"),
        (Self::Keyed, "keyed"),
        (Self::KeyChanged, "key-changed"),
        (Self::AnchorGone, "anchor-gone"),
        (Self::AnchorBroken, "anchor-broken"),
        (Self::Cut, "cut"),
        (Self::Replaced, "replaced"),
        (Self::Removed, "removed"),
        (Self::SetAside, "set-aside"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("", |(_, name)| name)
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, own)| *own == name).map(|(reason, _)| *reason)
    }

    /// Whether what comes before is in the anchor rather than in the database.
    pub(super) fn jumps(self) -> bool {
        match self {
            Self::Cut | Self::Replaced | Self::Removed | Self::SetAside => true,
            Self::Begin | Self::Keyed | Self::KeyChanged | Self::AnchorGone | Self::AnchorBroken => false,
        }
    }
}

/// The beginning of a part of the chain: its own hash is what its first record follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Number of its first record.
    pub(super) first: u64,
    pub(super) reason: Reason,
    /// The record before: in the database, or as the anchor named it.
    pub(super) previous: u64,
    pub(super) previous_link: Vec<u8>,
    /// Name of the key that it is made with.
    pub(super) key: [u8; 8],
}

impl Section {
    /// The link that its first record follows.
    pub(super) fn link(&self, key: &Key, workspace: &str) -> Link {
        let numbers = [self.first.to_le_bytes(), self.previous.to_le_bytes()].concat();
        let parts: [&[u8]; 5] =
            [workspace.as_bytes(), &numbers, self.reason.name().as_bytes(), &self.previous_link, &self.key];
        key.hash("section", &parts)
    }
}

/// What stays in the database of records that were rotated away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stub {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Link of the last.
    pub(super) link: Vec<u8>,
    /// Name of the file, in the folder of rotated records.
    pub(super) file: String,
    pub(super) key: [u8; 8],
}

impl Stub {
    /// The signature over it.
    pub(super) fn signature(&self, key: &Key, workspace: &str) -> Link {
        let numbers = [self.first.to_le_bytes(), self.last.to_le_bytes()].concat();
        key.hash("stub", &[workspace.as_bytes(), &numbers, &self.link, self.file.as_bytes()])
    }
}
