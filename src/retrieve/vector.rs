//! Vectors: their length, how near two of them are, and the steps that they are kept in.

/// Length of every vector.
pub const DIMENSIONS: usize = 256;

/// Steps of a number of a vector of unit length: with 256 numbers few are over a quarter.
pub(super) const STEPS: f32 = 512.0;

/// A vector in the steps that it is kept in, one signed byte a number; of another length than [`DIMENSIONS`], all zeros.
#[must_use]
pub fn narrowed(vector: &[f32]) -> [i8; DIMENSIONS] {
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
#[must_use]
pub fn widened(vector: &[i8]) -> Vec<f32> {
    vector.iter().map(|step| f32::from(*step) / STEPS).collect()
}

/// Cosine of the angle between two vectors; 0 when one has no length, or they differ in dimensions.
#[must_use]
pub fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(left, left) * dot(right, right)).sqrt();
    let cosine = dot(left, right) / lengths;
    if left.len() == right.len() && cosine.is_finite() { cosine } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_never_not_a_number() {
        assert_eq!(cosine(&[], &[]), 0.0);
        assert_eq!(cosine(&[0.0], &[1.0]), 0.0);
        assert_eq!(cosine(&[1.0, 0.0], &[1.0]), 0.0);
        assert_eq!(cosine(&[f32::NAN], &[1.0]), 0.0);
    }

    #[test]
    fn what_is_kept_comes_back() {
        let steps: [i8; DIMENSIONS] = std::array::from_fn(|at| i8::try_from(at / 2).unwrap() - 64);
        assert_eq!(narrowed(&widened(&steps)), steps);
        let odd = [f32::NAN, f32::INFINITY, -9.0, 0.001_1].into_iter().chain(std::iter::repeat(0.0));
        let odd: Vec<f32> = odd.take(DIMENSIONS).collect();
        assert_eq!(narrowed(&odd)[..5], [0, 127, -127, 1, 0]);
        assert_eq!(narrowed(&[1.0]), [0; DIMENSIONS]);
    }
}
