//! Vectors of an endpoint that the user named, by what each chunk holds: a view beside the built-in one, for as many
//! chunks as it has been asked for.

use super::Catalogue;
use super::map::Map;

/// What tells a chunk's content from all others: the first half of its hash. Chunks of one content have one vector,
/// wherever they stand.
pub type ChunkKey = [u8; 16];

/// Most bytes of all vectors together.
const MOST_BYTES: usize = 256 << 20;
/// Most numbers of one vector.
const MOST_DIMENSIONS: usize = 8_192;
/// The steps of the greatest number of a vector.
const STEPS: f32 = 127.0;

/// A vector in as many steps as a signed byte has, the greatest of its numbers being the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrow(Vec<i8>);

impl Narrow {
    /// Narrows a vector; `None` for one without numbers, without length, or with a number that is none.
    #[must_use]
    pub fn new(vector: &[f32]) -> Option<Self> {
        let greatest = vector.iter().fold(0.0, |greatest: f32, value| greatest.max(value.abs()));
        let fits = (1..=MOST_DIMENSIONS).contains(&vector.len()) && vector.iter().all(|value| value.is_finite());
        // What is squared has to be a number as well.
        if !fits || !(1e-15..1e15).contains(&greatest) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "a number is no greater than the greatest")]
        let steps = vector.iter().map(|value| (value / greatest * STEPS).round() as i8);
        Some(Self(steps.collect()))
    }

    /// The steps as they are kept.
    #[must_use]
    pub fn steps(&self) -> &[i8] {
        &self.0
    }

    /// A vector from its steps; `None` where it has none, too many, or no length.
    #[must_use]
    pub fn from_steps(steps: Vec<i8>) -> Option<Self> {
        let fits = (1..=MOST_DIMENSIONS).contains(&steps.len()) && steps.iter().any(|step| *step != 0);
        fits.then_some(Self(steps))
    }
}

/// Vectors of one length.
#[derive(Debug)]
pub struct Vectors {
    /// Most bytes of all of them.
    room: usize,
    dimensions: usize,
    places: Map<ChunkKey, usize>,
    steps: Vec<i8>,
    /// One by the length of each.
    inverse: Vec<f32>,
}

/// Why a vector is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It has another length than those before.
    #[error("it has {0} numbers, and those before have {1}")]
    Dimensions(usize, usize),
    /// There is no room for more.
    #[error("there are as many as there may be")]
    Full,
}

impl Default for Vectors {
    fn default() -> Self {
        Self::within(MOST_BYTES)
    }
}

impl Vectors {
    /// None yet, and in the end no more than so many bytes.
    #[must_use]
    pub fn within(room: usize) -> Self {
        Self { room, dimensions: 0, places: Map::default(), steps: Vec::new(), inverse: Vec::new() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there is one for such a chunk.
    #[must_use]
    pub fn has(&self, key: &ChunkKey) -> bool {
        self.places.contains_key(key)
    }

    /// Whether there is no room for more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.steps.len() + self.dimensions > self.room
    }

    /// Takes the vector of a chunk, unless there is one.
    ///
    /// # Errors
    /// When it has another length than those before, or there is no room.
    pub fn put(&mut self, key: ChunkKey, vector: &Narrow) -> Result<(), NotTaken> {
        let steps = vector.steps();
        if self.is_empty() {
            self.dimensions = steps.len();
        }
        if steps.len() != self.dimensions {
            return Err(NotTaken::Dimensions(steps.len(), self.dimensions));
        }
        if self.is_full() {
            return Err(NotTaken::Full);
        }
        let place = self.inverse.len();
        if *self.places.entry(key).or_insert(place) == place {
            self.steps.extend(steps);
            self.inverse.push(inverse_length(steps));
        }
        Ok(())
    }

    /// Cosine of the vector of such a chunk and that of a question.
    #[must_use]
    pub fn cosine(&self, key: &ChunkKey, question: &Narrow) -> Option<f32> {
        let place = *self.places.get(key)?;
        let own = self.steps.get(place * self.dimensions..(place + 1) * self.dimensions)?;
        let question = question.steps();
        if question.len() != own.len() {
            return None;
        }
        let by = self.inverse.get(place)? * inverse_length(question);
        #[allow(clippy::cast_precision_loss, reason = "a part in 2^24 of a cosine is nothing")]
        let cosine = dot(own, question) as f32 * by;
        Some(cosine)
    }
}

fn dot(left: &[i8], right: &[i8]) -> i32 {
    // At most 8,192 products of at most 2^14.
    left.iter().zip(right).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a part in 2^24 of a length is nothing")]
fn inverse_length(steps: &[i8]) -> f32 {
    1.0 / (dot(steps, steps).max(1) as f32).sqrt()
}

/// What an endpoint knows that bears on one question.
#[derive(Debug, Clone, Copy)]
pub struct Near<'a> {
    /// The vector of the question.
    pub question: &'a Narrow,
    /// Those of chunks.
    pub vectors: &'a Vectors,
}

impl Near<'_> {
    /// Cosine of a chunk and the question; `None` where the chunk has no vector.
    pub(super) fn cosine(&self, catalogue: &Catalogue, chunk: u32) -> Option<f32> {
        self.vectors.cosine(&catalogue.key(chunk)?, self.question)
    }

    /// The chunks nearest to the question, at most `limit`.
    pub(super) fn nearest(&self, catalogue: &Catalogue, limit: usize) -> Vec<u32> {
        let cosine = |(chunk, key)| Some((chunk, self.vectors.cosine(&key, self.question)?));
        let mut near: Vec<(u32, f32)> = catalogue.keys().filter_map(cosine).collect();
        let order = |left: &(u32, f32), right: &(u32, f32)| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0));
        if limit < near.len() {
            near.select_nth_unstable_by(limit, order);
            near.truncate(limit);
        }
        near.sort_unstable_by(order);
        near.into_iter().map(|(chunk, _)| chunk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cosine;
    use super::*;

    #[test]
    fn a_cosine_is_about_what_it_was_before_it_was_narrowed() {
        let vector = |seed: usize| -> Vec<f32> {
            (0..384).map(|at| f32::from(u8::try_from((at * 31 + seed * 97) % 251).unwrap()) - 120.0).collect()
        };
        let mut vectors = Vectors::default();
        for seed in 0..20 {
            let key = [u8::try_from(seed).unwrap(); 16];
            vectors.put(key, &Narrow::new(&vector(seed)).unwrap()).unwrap();
            vectors.put(key, &Narrow::new(&vector(seed + 1)).unwrap()).unwrap();
        }
        assert_eq!(vectors.len(), 20);
        let question = vector(7).iter().zip(vector(3)).map(|(a, b)| a * 1e-9 + b * 4e-10).collect::<Vec<f32>>();
        let narrow = Narrow::new(&question).unwrap();
        for seed in 0..20 {
            let near = vectors.cosine(&[u8::try_from(seed).unwrap(); 16], &narrow).unwrap();
            assert!((near - cosine(&vector(seed), &question)).abs() < 0.01, "{seed}: {near}");
        }
        assert_eq!(vectors.cosine(&[99; 16], &narrow), None);
        assert_eq!(vectors.cosine(&[1; 16], &Narrow::new(&[1.0]).unwrap()), None);
    }

    #[test]
    fn what_is_no_vector_is_none() {
        for wrong in
            [vec![], vec![0.0; 4], vec![f32::NAN, 1.0], vec![f32::INFINITY], vec![1e30], vec![1e-30], vec![1.0; 9000]]
        {
            assert_eq!(Narrow::new(&wrong), None);
        }
        assert_eq!(Narrow::from_steps(vec![0; 3]), None);
        let mut vectors = Vectors::default();
        vectors.put([0; 16], &Narrow::new(&[1.0, 2.0]).unwrap()).unwrap();
        assert_eq!(vectors.put([1; 16], &Narrow::new(&[1.0]).unwrap()), Err(NotTaken::Dimensions(1, 2)));
        assert!(!vectors.is_full());
        let mut vectors = Vectors::within(5);
        let pair = Narrow::new(&[1.0, 2.0]).unwrap();
        assert_eq!([0, 1, 2].map(|key| vectors.put([key; 16], &pair)), [Ok(()), Ok(()), Err(NotTaken::Full)]);
        assert!(vectors.is_full() && vectors.len() == 2);
    }
}
