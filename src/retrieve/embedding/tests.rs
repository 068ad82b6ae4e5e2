//! A table is read as it was written, or refused; words of one meaning meet.

use proptest::prelude::*;

use super::*;
use crate::syntax::ChunkKind;
use crate::text::Span;

/// A table as the trainer writes it: terms in order, each with a row for questions and one for chunks.
fn table(rows: &[(&str, [i8; 2])]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut end = 0_u32;
    for (term, _) in rows {
        end += u32::try_from(term.len()).unwrap();
        body.extend(end.to_le_bytes());
    }
    for _ in 0..2 * rows.len() {
        body.extend(0.01_f32.to_le_bytes());
    }
    rows.iter().for_each(|(term, _)| body.extend(term.bytes()));
    for side in 0..2 {
        for (_, numbers) in rows {
            body.extend((0..DIMENSIONS).map(|at| if at < 2 { numbers[at].cast_unsigned() } else { side }));
        }
    }
    let mut hashed = [rows.len() as u32, end].map(u32::to_le_bytes).concat();
    hashed.extend([0.5_f32, 0.25].map(f32::to_le_bytes).concat());
    hashed.extend(body);
    [head(&hashed), hashed].concat()
}

/// What stands before `hashed`.
fn head(hashed: &[u8]) -> Vec<u8> {
    let form = [VERSION, DIMENSIONS as u32].map(u32::to_le_bytes).concat();
    [MAGIC.as_slice(), &form, ContentHash::of(hashed).as_bytes()].concat()
}

fn small() -> Vec<u8> {
    table(&[("delet", [100, 0]), ("pars", [0, 100]), ("remov", [90, 5])])
}

fn read(bytes: Vec<u8>) -> Result<Embedding, EmbeddingError> {
    Embedding::from_bytes(Box::leak(bytes.into_boxed_slice()))
}

fn chunk(symbol: &str) -> Chunk {
    Chunk {
        span: Span::new(0, symbol.len()),
        lines: 0..1,
        symbol: Some(symbol.to_owned()),
        kind: ChunkKind::Function,
        parent: None,
        signature: String::new(),
        text: symbol.to_owned(),
    }
}

fn cosine_of(embedding: &Embedding, question: &str, symbol: &str) -> f32 {
    let path = RelativePath::new("a").unwrap();
    let (left, right) =
        (embedding.question_vector(&Question::parse(question)), embedding.chunk_vector(&chunk(symbol), &path));
    assert_eq!((left.len(), right.len()), (DIMENSIONS, DIMENSIONS));
    crate::retrieve::cosine(&left, &right)
}

#[test]
fn words_of_one_meaning_meet() {
    let embedding = read(small()).unwrap();
    assert_eq!(embedding.len(), 3);
    assert!(cosine_of(&embedding, "delete it", "remove") > 0.9);
    assert!(cosine_of(&embedding, "delete it", "parse") < 0.5);
}

#[test]
fn an_unknown_term_meets_itself_and_no_other() {
    let embedding = read(small()).unwrap();
    assert!(cosine_of(&embedding, "zebra", "zebra") > 0.99);
    assert!(cosine_of(&embedding, "zebra", "giraffe").abs() < 0.3);
    let nothing = embedding.question_vector(&Question::parse("the of ?"));
    assert!(nothing.len() == DIMENSIONS && nothing.iter().all(|value| *value == 0.0));
}

#[test]
fn vectors_have_unit_length_and_are_the_same_each_time() {
    let embedding = read(small()).unwrap();
    let vector = embedding.question_vector(&Question::parse("parse and remove zebra stripes"));
    assert!((vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    assert_eq!(vector, embedding.question_vector(&Question::parse("parse and remove zebra stripes")));
}

#[test]
fn what_is_no_table_of_this_form_is_named() {
    assert_eq!(read(Vec::new()).unwrap_err(), EmbeddingError::NotATable);
    assert_eq!(read(b"ELF and so on".to_vec()).unwrap_err(), EmbeddingError::NotATable);
    let mut newer = small();
    newer[8] = 9;
    assert_eq!(read(newer).unwrap_err(), EmbeddingError::OtherForm { version: 9, dimensions: 256 });
    let unsorted = table(&[("b", [1, 1]), ("a", [1, 1])]);
    assert_eq!(read(unsorted).unwrap_err(), EmbeddingError::Damaged);
    let twice = table(&[("a", [1, 1]), ("a", [1, 1])]);
    assert_eq!(read(twice).unwrap_err(), EmbeddingError::Damaged);
    assert!(read(table(&[])).unwrap().is_empty());
}

proptest! {
    #[test]
    fn a_changed_or_cut_table_is_refused(at in 0_usize..3_000, bit in 0_u8..8, cut in any::<bool>()) {
        let mut bytes = small();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert!(read(bytes).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), good in any::<bool>()) {
        let before = if good { head(&bytes) } else { MAGIC.to_vec() };
        drop(read([before, bytes].concat()));
    }
}
