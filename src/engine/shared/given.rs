//! What a shared index has of the files here. It is a stranger's: a chunk is taken only where its text is in the file, and
//! some files are made here too before any is taken.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::index::Chunks;
use crate::retrieve::{Catalogue, narrowed, widened};
use crate::syntax::may_be_chunks_of;
use crate::workspace::{ContentHash, RelativePath};

/// Most that the squares of a vector's steps add up to: its length is 1, which is 512 steps, or a little more by rounding.
const LONGEST: i32 = 520 * 520;
/// Steps by which the numbers of two vectors of one chunk may differ: machines round otherwise.
const ROUNDING: u8 = 1;

/// A shared index, and how much of it was taken.
#[derive(Debug)]
pub struct Given {
    catalogue: Catalogue,
    taken: AtomicUsize,
}

impl Given {
    /// What `catalogue` has.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        Self { catalogue, taken: AtomicUsize::new(0) }
    }

    /// Files that were taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether it has a file of this path.
    #[must_use]
    pub fn has(&self, path: &RelativePath) -> bool {
        self.catalogue.content(path).is_some()
    }

    /// Whether what it has of a file is about this content.
    #[must_use]
    pub fn is_about(&self, path: &RelativePath, content: ContentHash) -> bool {
        self.catalogue.content(path) == Some(content)
    }

    /// The chunks of the file `path`, whose content is `content` and which reads as `text`, with their vectors; `None` where
    /// it has none, or others than may be of this text.
    #[must_use]
    pub fn look(&self, path: &RelativePath, content: ContentHash, text: &str) -> Option<Chunks> {
        if !self.is_about(path, content) {
            return None;
        }
        let numbers = self.catalogue.chunks_of(path);
        let stored = self.catalogue.all_stored(numbers.iter().copied());
        if stored.is_empty() || stored.len() != numbers.len() {
            return None;
        }
        let (mut chunks, mut vectors) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
        for (number, stored) in stored {
            let vector = self.catalogue.vector(number)?;
            let square = |step: &i8| i32::from(*step) * i32::from(*step);
            if vector.iter().map(square).sum::<i32>() > LONGEST {
                return None;
            }
            chunks.push(stored.chunk);
            vectors.push(widened(vector));
        }
        may_be_chunks_of(text, &chunks).then(|| chunks.into_iter().zip(vectors).collect())
    }

    /// As [`Self::look`], and counts the file as taken.
    #[must_use]
    pub fn take(&self, path: &RelativePath, content: ContentHash, text: &str) -> Option<Chunks> {
        let chunks = self.look(path, content, text)?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(chunks)
    }

    /// Whether `given` is what was made here of the same file.
    #[must_use]
    pub fn agrees(given: &Chunks, made: &Chunks) -> bool {
        let near = |(given, made): (&i8, &i8)| given.abs_diff(*made) <= ROUNDING;
        let same = |(given, made): (&(_, Vec<f32>), &(_, Vec<f32>))| {
            given.0 == made.0 && narrowed(&given.1).iter().zip(&narrowed(&made.1)).all(near)
        };
        given.len() == made.len() && given.iter().zip(made).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Chunk, chunk_text};

    const TEXT: &str = "/// Adds.\nfn add() -> u8 {\n    1\n}\n\nfn other() {}\n";

    fn made(vector: &[f32]) -> Chunks {
        let chunks = chunk_text(&path(), TEXT, &|| false).chunks;
        chunks.into_iter().map(|chunk: Chunk| (chunk, vector.to_vec())).collect()
    }

    fn path() -> RelativePath {
        RelativePath::new("a.rs").unwrap()
    }

    fn given(chunks: &Chunks) -> Given {
        let mut catalogue = Catalogue::default();
        catalogue.put(&path(), ContentHash::of(TEXT.as_bytes()), chunks);
        Given::new(catalogue)
    }

    fn unit(at: usize) -> Vec<f32> {
        (0..256).map(|number| if number / 8 == at { 0.176_776_7 } else { 0.0 }).collect()
    }

    #[test]
    fn what_is_true_of_a_file_is_taken_and_counted() {
        let given = given(&made(&unit(0)));
        let content = ContentHash::of(TEXT.as_bytes());
        assert!(given.has(&path()));
        assert!(Given::agrees(&given.look(&path(), content, TEXT).unwrap(), &made(&unit(0))));
        assert_eq!(given.taken(), 0);
        assert_eq!(given.take(&path(), content, TEXT).unwrap().len(), made(&unit(0)).len());
        assert_eq!(given.taken(), 1);
        assert!(given.take(&path(), ContentHash::of(b"other"), TEXT).is_none());
        // A text of another file, though its hash is said to be this one's.
        assert!(given.take(&path(), content, "fn add() {}\n").is_none());
        assert_eq!(given.taken(), 1);
    }

    #[test]
    fn what_was_made_otherwise_does_not_agree() {
        let content = ContentHash::of(TEXT.as_bytes());
        let other = given(&made(&unit(1))).look(&path(), content, TEXT).unwrap();
        assert!(!Given::agrees(&other, &made(&unit(0))));
        let fewer: Chunks = made(&unit(0)).into_iter().take(1).collect();
        assert!(!Given::agrees(&fewer, &made(&unit(0))));
        assert!(given(&fewer).look(&path(), content, TEXT).is_none(), "it hides a part of the file");
        assert!(given(&made(&[0.2; 256])).look(&path(), content, TEXT).is_none(), "it would come before all others");
        assert!(given(&Chunks::new()).look(&path(), content, TEXT).is_none());
    }
}
