//! The tables that come with the program, trained by `benches/train.rs`.

use std::sync::LazyLock;

use super::{Embedding, EmbeddingError, Ranker, Trees, TreesError, in_turn, row_names};

static TABLES: LazyLock<Result<(Embedding, Trees), BuiltinError>> = LazyLock::new(|| {
    let embedding = Embedding::from_bytes(include_bytes!("embedding.bin"))?;
    let trees = Trees::from_bytes(include_bytes!("ranker.bin"))?;
    if trees.features() == row_names() { Ok((embedding, trees)) } else { Err(BuiltinError::OtherRows) }
});

/// Why the program's own tables are of no use: it was built from a tree whose parts do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// The embedding's.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The ranker's.
    #[error(transparent)]
    Trees(#[from] TreesError),
    /// The ranker was trained on rows of other numbers.
    #[error("the ranker was trained for another version; train it with `cargo run --example train ranker`")]
    OtherRows,
}

/// The embedding and the ranker that come with the program, read when first asked for.
///
/// # Errors
/// When the program was built from parts that do not belong together.
pub fn builtin() -> Result<Ranker<'static>, BuiltinError> {
    let (embedding, trees) = TABLES.as_ref().map_err(|error| *error)?;
    Ok(Ranker { embedding, trees, both: in_turn })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_own_tables_belong_together() {
        let ranker = builtin().unwrap();
        assert!(ranker.embedding.len() > 10_000 && ranker.trees.len() > 100);
    }
}
