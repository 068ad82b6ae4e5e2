//! What turns text into vectors: an embedder that is built in and needs nothing else.

mod builtin;

pub use builtin::BuiltinEmbedder;
