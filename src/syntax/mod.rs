//! What a text means: its language, its definitions as chunks, structural patterns over it.

mod chunk;

pub use chunk::{Chunk, ChunkKind};
