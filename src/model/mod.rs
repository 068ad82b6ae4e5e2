//! What turns text into vectors: an embedder that is built in and needs nothing else, and endpoints that the user names.

mod answer;
mod builtin;
mod endpoint;

pub use builtin::BuiltinEmbedder;
pub use endpoint::EndpointClient;
