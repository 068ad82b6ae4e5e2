//! Vectors in signed bytes, and how near they are to each other.

use std::ops::Range;

use super::super::vector::{DIMENSIONS, STEPS};
pub(super) use super::super::vector::{narrowed, widened};

/// Numbers that are multiplied together: with so many at a time the compiler's code waits for memory alone, with all 256
/// it takes twice as long.
const AT_ONCE: usize = 32;

/// Where the vector of a chunk stands among all of them.
pub(super) fn range(chunk: u32) -> Option<Range<usize>> {
    let start = (chunk as usize).checked_mul(DIMENSIONS)?;
    Some(start..start.checked_add(DIMENSIONS)?)
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
        // Nothing can overflow; checks for it would keep the compiler from taking many at once.
        let add =
            |sum: i32, (a, b): (&i8, &i16)| sum.wrapping_add(i32::from(i16::from(*a)).wrapping_mul(i32::from(*b)));
        let stretches = own.iter().zip(wanted).map(|(own, wanted)| own.iter().zip(wanted).fold(0, add));
        stretches.fold(0, i32::wrapping_add)
    }
}

/// A product in steps as the cosine that it stands for.
#[allow(clippy::cast_precision_loss, reason = "a dot product of 256 bytes is below 2^23")]
pub(super) fn cosine(dot: i32) -> f32 {
    dot as f32 / (STEPS * STEPS)
}
