//! Hashed features: words and character trigrams of a text, folded into a vector of fixed length.
//!
//! Feature hashing with a sign (Weinberger et al. 2009): each feature adds to one of 256 places, up or down by a bit
//! of its hash, so that collisions cancel on average.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Question;
use super::terms::each_term;
use crate::syntax::Chunk;

/// Length of every vector.
pub const DIMENSIONS: usize = 256;

const WORD: f32 = 1.0;
const TRIGRAM: f32 = 0.3;
/// Steps that a weight of 1 is counted in.
const FINENESS: f32 = 1_048_576.0;

/// Words that most code has, and that say little of what it is for.
const COMMON: &[&str] = &[
    "arg", "bool", "break", "cas", "class", "const", "data", "def", "default", "els", "end", "fals", "final", "fn",
    "func", "function", "impl", "import", "int", "let", "mut", "new", "nil", "non", "null", "pub", "public", "return",
    "self", "static", "str", "string", "struct", "this", "tru", "typ", "valu", "var", "void",
];

/// The vector of a chunk, of unit length; all zeros for a chunk without any term.
#[must_use]
pub fn chunk_features(chunk: &Chunk) -> Vec<f32> {
    let mut bag = Bag::default();
    bag.add(chunk.symbol.as_deref().unwrap_or_default(), 4.0);
    bag.add(chunk.parent.as_deref().unwrap_or_default(), 1.5);
    bag.add(&chunk.signature, 2.0);
    bag.add(&chunk.text, 1.0);
    bag.vector()
}

/// The vector of a question, of unit length; all zeros for a question without any term.
#[must_use]
pub fn question_features(question: &Question) -> Vec<f32> {
    let mut bag = Bag::default();
    bag.add(&question.text, 1.0);
    bag.vector()
}

/// Cosine of the angle between two vectors; 0 when one has no length, or they differ in dimensions.
#[must_use]
pub fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(left, left) * dot(right, right)).sqrt();
    let cosine = dot(left, right) / lengths;
    if left.len() == right.len() && cosine.is_finite() { cosine } else { 0.0 }
}

/// Weights of features by their hash.
#[derive(Default)]
struct Bag(HashMap<u64, f32, BuildHasherDefault<AsItIs>>);

/// Features are hashed already; hashing them again was most of the time.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(b'b', bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Bag {
    fn add(&mut self, text: &str, weight: f32) {
        each_term(text, &mut |term| {
            let weight = if COMMON.binary_search(&term).is_ok() { 0.2 * weight } else { weight };
            *self.0.entry(hash(b'w', term.as_bytes())).or_default() += WORD * weight;
            if !term.starts_with('=') {
                self.add_trigrams(term, TRIGRAM * weight);
            }
        });
    }

    fn add_trigrams(&mut self, term: &str, weight: f32) {
        let characters = || std::iter::once('^').chain(term.chars()).chain(std::iter::once('$'));
        let mut buffer = [0_u8; 12];
        for ((first, second), third) in characters().zip(characters().skip(1)).zip(characters().skip(2)) {
            let mut length = 0;
            for character in [first, second, third] {
                let Some(rest) = buffer.get_mut(length..length + character.len_utf8()) else { break };
                length += character.encode_utf8(rest).len();
            }
            *self.0.entry(hash(b't', buffer.get(..length).unwrap_or_default())).or_default() += weight;
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "weights are small and rounded on purpose"
    )]
    fn vector(self) -> Vec<f32> {
        // Whole numbers, so that the order of the sums does not matter and every run gives the same vector.
        let mut sums = [0_i64; DIMENSIONS];
        for (hash, weight) in self.0 {
            let place = usize::try_from(hash % DIMENSIONS as u64).unwrap_or_default();
            let amount = (weight.ln_1p() * FINENESS).round() as i64;
            if let Some(sum) = sums.get_mut(place) {
                *sum += if hash >> 63 == 0 { amount } else { -amount };
            }
        }
        let mut vector: Vec<f32> = sums.iter().map(|sum| *sum as f32 / FINENESS).collect();
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
        vector
    }
}

/// FNV-1a with a last mixing, so that low and high bits are both good; the same in every build and run.
fn hash(kind: u8, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let mut value = std::iter::once(&kind)
        .chain(bytes)
        .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ChunkKind;
    use crate::text::Span;

    fn chunk(symbol: &str, text: &str) -> Chunk {
        Chunk {
            span: Span::new(0, text.len()),
            lines: 0..1,
            symbol: Some(symbol.to_owned()),
            kind: ChunkKind::Function,
            parent: None,
            signature: String::new(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn vectors_have_one_length_and_unit_norm() {
        assert!(COMMON.is_sorted());
        let vector = chunk_features(&chunk("read_header", "fn read_header() {}"));
        assert_eq!(vector.len(), DIMENSIONS);
        assert!((vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(vector, chunk_features(&chunk("read_header", "fn read_header() {}")));
        assert!(chunk_features(&chunk("", "")).iter().all(|value| *value == 0.0));
    }

    #[test]
    fn a_question_is_nearer_to_what_it_names() {
        let question = question_features(&Question::parse("reading of http headers"));
        let near = chunk_features(&chunk("readHttpHeader", "function readHttpHeader(stream) { return parse(stream) }"));
        let far = chunk_features(&chunk("drawCircle", "function drawCircle(canvas) { canvas.arc(0, 0, 1) }"));
        assert!(cosine(&question, &near) > cosine(&question, &far) + 0.2);
    }

    #[test]
    fn a_cosine_is_never_not_a_number() {
        assert_eq!(cosine(&[], &[]), 0.0);
        assert_eq!(cosine(&[0.0], &[1.0]), 0.0);
        assert_eq!(cosine(&[1.0, 0.0], &[1.0]), 0.0);
        assert_eq!(cosine(&[f32::NAN], &[1.0]), 0.0);
    }
}
