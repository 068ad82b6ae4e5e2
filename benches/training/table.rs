//! The table as `tagout::retrieve::embedding` reads it: rows of signed bytes, each with a scale.

use tagout::retrieve::DIMENSIONS;
use tagout::retrieve::embedding::{MAGIC, VERSION};
use tagout::workspace::ContentHash;

use super::bags::Vocabulary;

/// Writes the table.
pub(super) fn bytes(vocabulary: &Vocabulary, rows: &[Vec<f32>; 2], unknown: f32) -> Vec<u8> {
    let number = |count: usize| u32::try_from(count).expect("a table is small").to_le_bytes();
    let text = vocabulary.terms.concat();
    let mut body = [number(vocabulary.terms.len()), number(text.len())].concat();
    body.extend([unknown, unknown].map(f32::to_le_bytes).concat());
    let mut end = 0;
    for term in &vocabulary.terms {
        end += term.len();
        body.extend(number(end));
    }
    for side in rows {
        body.extend(side.chunks(DIMENSIONS).flat_map(|row| scale(row).to_le_bytes()));
    }
    body.extend(text.bytes());
    for side in rows {
        for row in side.chunks(DIMENSIONS) {
            let scale = scale(row);
            body.extend(row.iter().map(|value| ((value / scale).round() as i8).cast_unsigned()));
        }
    }
    let form = [number(VERSION as usize), number(DIMENSIONS)].concat();
    [MAGIC.as_slice(), &form, ContentHash::of(&body).as_bytes(), &body].concat()
}

/// What one step of the bytes is worth: the largest number becomes 127.
fn scale(row: &[f32]) -> f32 {
    row.iter().fold(1e-9_f32, |most, value| most.max(value.abs())) / 127.0
}
