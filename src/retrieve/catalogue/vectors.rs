//! Vectors in signed bytes, and how near they are to each other.

use std::ops::Range;

use super::super::DIMENSIONS;

/// Steps of a number of a vector of unit length: with 256 numbers few are over a quarter.
const STEPS: f32 = 512.0;

/// Numbers that are multiplied together: with so many at a time the compiler's code waits for memory alone, with all 256
/// it takes twice as long.
const AT_ONCE: usize = 32;

/// Where the vector of a chunk stands among all of them.
pub(super) fn range(chunk: u32) -> Option<Range<usize>> {
    let start = (chunk as usize).checked_mul(DIMENSIONS)?;
    Some(start..start.checked_add(DIMENSIONS)?)
}

/// A vector in signed bytes; of another length than [`DIMENSIONS`], all zeros.
pub(super) fn narrowed(vector: &[f32]) -> [i8; DIMENSIONS] {
    let mut narrow = [0; DIMENSIONS];
    if vector.len() == DIMENSIONS {
        for (byte, value) in narrow.iter_mut().zip(vector) {
            #[allow(clippy::cast_possible_truncation, reason = "it is clamped, and NaN becomes 0")]
            let step = (value * STEPS).round().clamp(-127.0, 127.0) as i8;
            *byte = step;
        }
    }
    narrow
}

/// The numbers that give the same bytes again.
pub(super) fn widened(vector: &[i8]) -> Vec<f32> {
    vector.iter().map(|step| f32::from(*step) / STEPS).collect()
}

/// A vector that many are compared with.
pub(super) struct Wanted([i16; DIMENSIONS]);

impl Wanted {
    pub(super) fn new(vector: &[f32]) -> Self {
        Self(narrowed(vector).map(i16::from))
    }

    /// Product of both, in steps; at most 256 * 127 * 127.
    pub(super) fn dot(&self, own: &[i8; DIMENSIONS]) -> i32 {
        let ((own, _), (wanted, _)) = (own.as_chunks::<AT_ONCE>(), self.0.as_chunks::<AT_ONCE>());
        let product = |(a, b): (&i8, &i16)| i32::from(i16::from(*a)) * i32::from(*b);
        own.iter().zip(wanted).map(|(own, wanted)| own.iter().zip(wanted).map(product).sum::<i32>()).sum()
    }
}

/// A product in steps as the cosine that it stands for.
#[allow(clippy::cast_precision_loss, reason = "a dot product of 256 bytes is below 2^23")]
pub(super) fn cosine(dot: i32) -> f32 {
    dot as f32 / (STEPS * STEPS)
}
