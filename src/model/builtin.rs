//! The built-in embedder: a trained table that is part of the program; no network.

use std::sync::LazyLock;

use crate::ports::{Embedder, Failure, FailureKind};
use crate::retrieve::{Embedding, EmbeddingError, Question};
use crate::syntax::Chunk;
use crate::workspace::RelativePath;

/// The table, read when it is first needed: that takes longer than answering an editor's first request.
static TABLE: LazyLock<Result<Embedding, EmbeddingError>> =
    LazyLock::new(|| Embedding::from_bytes(include_bytes!("embedding.bin")));

fn table() -> Result<&'static Embedding, Failure> {
    TABLE.as_ref().map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// Embeds with the trained table.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinEmbedder;

impl Embedder for BuiltinEmbedder {
    fn name(&self) -> &str {
        "tagout-static-256-v1"
    }

    fn embed(&self, chunks: &[(&RelativePath, &Chunk)]) -> Result<Vec<Vec<f32>>, Failure> {
        let table = table()?;
        Ok(chunks.iter().map(|(path, chunk)| table.chunk_vector(chunk, path)).collect())
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
