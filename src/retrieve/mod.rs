//! From a question to an order of chunks: terms, vectors, candidates, ranking, snippets. Pure.

mod both;
mod builtin;
mod candidate;
mod catalogue;
pub mod embedding;
mod lead;
mod map;
mod near;
pub mod pack;
mod question;
mod ranking;
mod reader;
mod snippet;
mod symbol_match;
mod terms;
pub mod trees;
mod vector;

#[cfg(test)]
mod quality;

pub use both::{Both, in_turn};
pub use builtin::{BuiltinError, builtin};
pub use candidate::StoredChunk;
pub use catalogue::{Catalogue, CatalogueError, Field, Known, Lexical};
pub use embedding::{Embedding, EmbeddingError};
pub use lead::{Family, NameUse, Source, Target, lead, may_mean};
pub use near::{ChunkKey, Narrow, Near, NotTaken, Vectors};
pub use question::{Name, Question, Shape};
pub use ranking::{Answer, Detail, Intent, Ranker, Share, Wanted, row_names, rows, search, search_near};
pub use snippet::{Snippet, snippet};
pub use symbol_match::{Fit, symbol_fit};
pub use terms::terms;
pub use trees::{TreeNode, Trees, TreesError};
pub use vector::{DIMENSIONS, cosine, narrowed, widened};
