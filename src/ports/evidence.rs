//! What the settings in a workspace are at a moment.

use crate::workspace::ContentHash;

/// The settings in a workspace that run or steer something on their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Each with the hash of what it holds, by name.
    pub files: Vec<(String, ContentHash)>,
}

impl Evidence {
    /// What trust is bound to.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let parts: Vec<&[u8]> =
            self.files.iter().flat_map(|(name, hash)| [name.as_bytes(), hash.as_bytes().as_slice()]).collect();
        ContentHash::of_parts(&parts)
    }
}
