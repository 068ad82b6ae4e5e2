//! The built-in embedder: a trained table that is part of the program; no network.

use crate::ports::{Embedder, Failure, FailureKind};
use crate::retrieve::{Embedding, Question, builtin};
use crate::syntax::Chunk;
use crate::workspace::RelativePath;

fn table() -> Result<&'static Embedding, Failure> {
    let tables = builtin().map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(tables.embedding)
}

/// Embeds with the trained table.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinEmbedder;

impl Embedder for BuiltinEmbedder {
    fn name(&self) -> &str {
        "tagout-static-256-v1"
    }

    fn embed(&self, chunks: &[(&RelativePath, &Chunk)]) -> Result<Vec<Vec<f32>>, Failure> {
        Ok(table()?.chunk_vectors(chunks))
    }

    fn embed_query(&self, query: &str) -> Result<Vec<f32>, Failure> {
        Ok(table()?.question_vector(&Question::parse(query)))
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
