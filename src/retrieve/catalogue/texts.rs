//! The texts of a file's chunks, one after the other, packed by zstd (RFC 8878).

use std::ops::Range;

use zstd::bulk::{Compressor, decompress};

use super::segment::Base;

/// How hard zstd tries: packing is done at every save, and harder gains little.
const LEVEL: i32 = 1;
/// Bytes of texts that one file may have, as much as the largest file that a setting lets be read; chunks beyond are
/// left out.
pub(super) const MOST_TEXT: usize = 1 << 30;

/// Packed texts.
#[derive(Debug)]
pub(super) struct Block {
    /// Bytes when unpacked.
    pub(super) size: u32,
    pub(super) held: Held,
}

/// Where they are. As many bytes as when unpacked are the texts themselves.
#[derive(Debug)]
pub(super) enum Held {
    /// In the base.
    Base(Range<usize>),
    /// Here.
    Own(Box<[u8]>),
}

impl Default for Block {
    fn default() -> Self {
        Self { size: 0, held: Held::Own(Box::default()) }
    }
}

impl Block {
    pub(super) fn bytes<'a>(&'a self, base: &'a Base) -> Option<&'a [u8]> {
        match &self.held {
            Held::Base(range) => base.texts().get(range.clone()),
            Held::Own(bytes) => Some(bytes),
        }
    }

    /// The texts; `None` when they are damaged.
    pub(super) fn unpacked(&self, base: &Base) -> Option<Vec<u8>> {
        let (bytes, size) = (self.bytes(base)?, self.size as usize);
        if bytes.len() == size {
            return Some(bytes.to_vec());
        }
        decompress(bytes, size).ok().filter(|texts| texts.len() == size)
    }
}

/// Packs texts. Making what zstd needs for it takes longer than packing a short file.
#[derive(Default)]
pub(super) struct Packer(Option<Compressor<'static>>);

impl Packer {
    /// Packs `texts`, which are no longer than [`MOST_TEXT`].
    pub(super) fn pack(&mut self, texts: &str) -> Block {
        if self.0.is_none() {
            self.0 = Compressor::new(LEVEL).ok();
        }
        let packed = self.0.as_mut().and_then(|packer| packer.compress(texts.as_bytes()).ok());
        let packed = packed.filter(|packed| packed.len() < texts.len());
        let held = Held::Own(packed.unwrap_or_else(|| texts.as_bytes().to_vec()).into_boxed_slice());
        Block { size: u32::try_from(texts.len()).unwrap_or_default(), held }
    }
}
