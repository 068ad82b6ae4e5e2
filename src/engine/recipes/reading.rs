//! Reading a file as the text that is indexed of it.

use std::borrow::Cow;

use crate::syntax::{HEAD_BYTES, looks_binary, looks_generated};
use crate::text::{decode, utf16};
use crate::workspace::RelativePath;

/// The text of a file that is worth an index.
pub(super) fn text_of<'a>(path: &RelativePath, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    // UTF-16 is full of NULs, as binaries are.
    if utf16(bytes).is_none() && looks_binary(bytes.get(..HEAD_BYTES).unwrap_or(bytes)) {
        return None;
    }
    let text = decode(bytes)?;
    let head = text.get(..text.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
    (!looks_generated(path, head)).then_some(text)
}
