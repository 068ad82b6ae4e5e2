//! What a shared index has of the files here. It is a stranger's: a chunk is taken only where its text is in the file, and
//! some files are made here too before any is taken.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::index::Chunks;
use crate::retrieve::{Catalogue, narrowed, widened};
use crate::syntax::{Chunk, may_be_chunks_of};
use crate::workspace::{ContentHash, RelativePath};

/// Most that the squares of a vector's steps add up to: its length is 1, which is 512 steps, or a little more by rounding.
const LONGEST: i32 = 520 * 520;
/// How many times as long as a file all names and signatures in it may be: a name stands in each chunk that it is around.
const MOST_NAMES: usize = 8;
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
    /// it has none, or others than may be of this text, or `stop` says that looking takes too long.
    #[must_use]
    pub fn look(
        &self,
        path: &RelativePath,
        content: ContentHash,
        text: &str,
        stop: &dyn Fn() -> bool,
    ) -> Option<Chunks> {
        if !self.is_about(path, content) {
            return None;
        }
        let numbers = self.catalogue.chunks_of(path);
        if !self.is_bounded(path, &numbers, text) {
            return None;
        }
        let stored = self.catalogue.all_stored(numbers.iter().copied());
        let chunks: Vec<Chunk> = stored.into_iter().map(|(_, stored)| stored.chunk).collect();
        if chunks.is_empty() || chunks.len() != numbers.len() || !may_be_chunks_of(text, &chunks, stop) {
            return None;
        }
        let vectors: Option<Vec<Vec<f32>>> = numbers.iter().map(|number| self.vector(*number)).collect();
        Some(chunks.into_iter().zip(vectors?).collect())
    }

    /// Whether what is said of a file is no more than can be true of its text. A little of a stranger's can stand for
    /// very much: texts are packed, and a name is kept once for all chunks that have it.
    fn is_bounded(&self, path: &RelativePath, numbers: &[u32], text: &str) -> bool {
        let names = |number: &u32| {
            self.catalogue.known(*number).map_or(0, |known| {
                [known.symbol, known.parent, Some(known.signature)].into_iter().flatten().map(str::len).sum::<usize>()
            })
        };
        numbers.len() <= text.len()
            && self.catalogue.size_of_texts(path) <= text.len()
            && numbers.iter().map(names).fold(0, usize::saturating_add) <= text.len().saturating_mul(MOST_NAMES)
    }

    /// The vector of a chunk; `None` for one that is longer than any, which would come before all others.
    fn vector(&self, number: u32) -> Option<Vec<f32>> {
        let vector = self.catalogue.vector(number)?;
        let square = |step: &i8| i32::from(*step) * i32::from(*step);
        (vector.iter().map(square).sum::<i32>() <= LONGEST).then(|| widened(vector))
    }

    /// As [`Self::look`], and counts the file as taken.
    #[must_use]
    pub fn take(
        &self,
        path: &RelativePath,
        content: ContentHash,
        text: &str,
        stop: &dyn Fn() -> bool,
    ) -> Option<Chunks> {
        let chunks = self.look(path, content, text, stop)?;
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
    use crate::syntax::chunk_text;

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
        assert!(Given::agrees(&given.look(&path(), content, TEXT, &|| false).unwrap(), &made(&unit(0))));
        assert_eq!(given.taken(), 0);
        assert_eq!(given.take(&path(), content, TEXT, &|| false).unwrap().len(), made(&unit(0)).len());
        assert_eq!(given.taken(), 1);
        assert!(given.take(&path(), ContentHash::of(b"other"), TEXT, &|| false).is_none());
        // A text of another file, though its hash is said to be this one's.
        assert!(given.take(&path(), content, "fn add() {}\n", &|| false).is_none());
        assert_eq!(given.taken(), 1);
    }

    #[test]
    fn what_would_be_more_than_the_file_is_never_unpacked() {
        let bounded = |change: &dyn Fn(&mut Chunks)| {
            let mut chunks = made(&unit(0));
            change(&mut chunks);
            let given = given(&chunks);
            let is_bounded = given.is_bounded(&path(), &given.catalogue.chunks_of(&path()), TEXT);
            let content = ContentHash::of(TEXT.as_bytes());
            assert!(is_bounded || given.look(&path(), content, TEXT, &|| false).is_none());
            is_bounded
        };
        assert!(bounded(&|_| {}));
        assert!(!bounded(&|chunks| chunks[0].0.text.push_str(TEXT)), "its texts are longer than it");
        assert!(!bounded(&|chunks| chunks[0].0.parent = Some("a".repeat(MOST_NAMES * TEXT.len()))));
        assert!(!bounded(&|chunks| chunks[0].0.signature = "a".repeat(MOST_NAMES * TEXT.len() + 1)));
        let empty = |chunks: &mut Chunks| {
            chunks[0].0.text.clear();
            *chunks = vec![chunks[0].clone(); TEXT.len() + 1];
        };
        assert!(!bounded(&empty), "it has more chunks than bytes");
    }

    #[test]
    fn looking_ends_when_it_takes_too_long() {
        let content = ContentHash::of(TEXT.as_bytes());
        assert!(given(&made(&unit(0))).look(&path(), content, TEXT, &|| true).is_none());
    }

    #[test]
    fn what_was_made_otherwise_does_not_agree() {
        let content = ContentHash::of(TEXT.as_bytes());
        let other = given(&made(&unit(1))).look(&path(), content, TEXT, &|| false).unwrap();
        assert!(!Given::agrees(&other, &made(&unit(0))));
        let fewer: Chunks = made(&unit(0)).into_iter().take(1).collect();
        assert!(!Given::agrees(&fewer, &made(&unit(0))));
        assert!(given(&fewer).look(&path(), content, TEXT, &|| false).is_none(), "it hides a part of the file");
        assert!(
            given(&made(&[0.2; 256])).look(&path(), content, TEXT, &|| false).is_none(),
            "it would come before all others"
        );
        assert!(given(&Chunks::new()).look(&path(), content, TEXT, &|| false).is_none());
    }
}
