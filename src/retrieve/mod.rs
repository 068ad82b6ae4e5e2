//! From a question to an order of chunks: terms, vectors, ranking, snippets. Pure.

mod candidate;
mod catalogue;
pub mod embedding;
mod question;
mod rank;
mod search;
mod snippet;
mod terms;
mod vector;

#[cfg(test)]
mod quality;

pub use candidate::{Candidate, StoredChunk};
pub use catalogue::{Catalogue, CatalogueError, Field, Known, Lexical};
pub use embedding::{Embedding, EmbeddingError};
pub use question::{Name, Question, Shape};
pub use rank::{Hit, rank, rank_with};
pub use search::{Answer, search};
pub use snippet::{Snippet, snippet};
pub use terms::terms;
pub use vector::{DIMENSIONS, cosine, narrowed, widened};
