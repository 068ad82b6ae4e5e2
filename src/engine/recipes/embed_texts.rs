//! What of a workspace may be sent to an endpoint: the texts of chunks that it has not seen, without secrets.

use std::path::Path;

use super::super::Index;
use super::super::remote::Held;
use crate::policy::secret_files::Patterns;
use crate::policy::secret_places;
use crate::retrieve::{ChunkKey, pack};
use crate::syntax::Chunk;
use crate::workspace::RelativePath;

/// Bytes of a chunk that are sent.
const LONGEST_TEXT: usize = 4096;

/// A text that may be sent.
#[derive(Debug)]
pub(super) struct Fresh {
    /// What its vector is kept under.
    pub(super) key: ChunkKey,
    /// It.
    pub(super) text: String,
    /// The file that it comes from.
    pub(super) path: RelativePath,
}

/// The texts of a file that `held` lacks the vectors of: none of a file that is a secret, and none in which something
/// looks like one.
pub(super) fn fresh_texts(index: &Index, held: &Held, hidden: &Patterns, path: &RelativePath) -> Vec<Fresh> {
    let keyed = |chunk: Chunk| Some((*chunk.hash().as_bytes().first_chunk()?, chunk));
    let chunks: Vec<(ChunkKey, Chunk)> = index.chunks_on_disk(path).into_iter().filter_map(keyed).collect();
    if !chunks.iter().any(|(key, _)| held.lacks(key)) {
        return Vec::new();
    }
    let (whole, starts) = pack::join(chunks.iter().map(|(_, chunk)| (chunk.span, chunk.text.as_str())));
    if hidden.mean(Path::new(path.as_str()), whole.as_bytes()) {
        return Vec::new();
    }
    // Looked for in all of the file: a key may be cut in two.
    let secrets = secret_places(&whole);
    let is_clean = |((_, chunk), start): &((ChunkKey, Chunk), usize)| {
        !secrets.iter().any(|secret| secret.start < start + chunk.text.len() && *start < secret.end)
    };
    let clean = chunks.into_iter().zip(starts).filter(is_clean).filter(|((key, _), _)| held.lacks(key));
    let fresh = clean.map(|((key, chunk), _)| Fresh { key, text: text_of(&chunk), path: path.clone() });
    // Names stand before a text that they do not stand before in the file.
    fresh.filter(|fresh| secret_places(&fresh.text).is_empty()).collect()
}

/// The text of a chunk as it is sent: its name, then what it holds, as far as most models read. Where it stands is no part
/// of it, so that what is moved or copied is not sent again.
fn text_of(chunk: &Chunk) -> String {
    let names = [chunk.parent.as_deref(), chunk.symbol.as_deref()];
    let mut text = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    text.push('\n');
    text.push_str(&chunk.text);
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}
