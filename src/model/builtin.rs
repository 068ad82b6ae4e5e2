//! The built-in embedder: hashed features, no model file, no network.

use crate::ports::{Embedder, Failure};
use crate::retrieve::{Question, chunk_features, question_features};
use crate::syntax::Chunk;

/// Embeds with [`chunk_features`]; never fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinEmbedder;

impl Embedder for BuiltinEmbedder {
    fn name(&self) -> &str {
        "tagout-hashed-256-v1"
    }

    fn embed(&self, chunks: &[&Chunk]) -> Result<Vec<Vec<f32>>, Failure> {
        Ok(chunks.iter().map(|chunk| chunk_features(chunk)).collect())
    }

    fn embed_query(&self, query: &str) -> Result<Vec<f32>, Failure> {
        Ok(question_features(&Question::parse(query)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieve::DIMENSIONS;

    #[test]
    fn its_vectors_carry_its_name_and_length() {
        let vector = BuiltinEmbedder.embed_query("where are edits applied").unwrap();
        assert_eq!(vector.len(), DIMENSIONS);
        assert!(BuiltinEmbedder.name().contains(&DIMENSIONS.to_string()));
        assert!(BuiltinEmbedder.embed(&[]).unwrap().is_empty());
    }
}
