//! From a question to an order of chunks: terms, features, ranking, snippets. Pure.

mod builtin;
mod candidate;
mod catalogue;
pub mod embedding;
mod features;
mod lead;
mod question;
mod rank;
mod ranking;
mod reader;
mod snippet;
mod symbol_match;
mod terms;
pub mod trees;

#[cfg(test)]
mod quality;

pub use builtin::{BuiltinError, builtin};
pub use candidate::{Candidate, Candidates, StoreQuery, StoredChunk};
pub use catalogue::{Catalogue, CatalogueError, Field, Known, Lexical};
pub use embedding::{Embedding, EmbeddingError};
pub use features::{DIMENSIONS, chunk_features, cosine, question_features};
pub use lead::{Family, NameUse, Source, Target, lead, may_mean};
pub use question::{Name, Question, Shape};
pub use rank::{Hit, rank, rank_with};
pub use ranking::{Answer, Detail, Intent, Ranker, Share, Wanted, row_names, rows, search};
pub use snippet::{Snippet, snippet};
pub use symbol_match::{Fit, symbol_fit};
pub use terms::{index_terms, terms};
pub use trees::{TreeNode, Trees, TreesError};
