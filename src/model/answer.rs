//! What endpoints answer, checked: as many vectors as texts, in their order, of one length, and every number a number.

use serde::Deserialize;

use crate::config::EndpointKind;

/// `{"data": [{"index": 0, "embedding": [0.1, …]}, …]}`.
#[derive(Deserialize)]
struct OpenAi {
    data: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// `{"embeddings": [[0.1, …], …]}`.
#[derive(Deserialize)]
struct Ollama {
    embeddings: Vec<Vec<f32>>,
}

/// The vectors of `count` texts; the error says what is wrong, in no word of the answer's own.
pub(super) fn vectors(
    kind: EndpointKind,
    body: &[u8],
    count: usize,
    dimensions: Option<u16>,
) -> Result<Vec<Vec<f32>>, String> {
    let no_vectors = |_| "it answers with something else than vectors".to_owned();
    let vectors = match kind {
        EndpointKind::OpenAi => in_order(serde_json::from_slice::<OpenAi>(body).map_err(no_vectors)?.data)?,
        EndpointKind::Ollama => serde_json::from_slice::<Ollama>(body).map_err(no_vectors)?.embeddings,
    };
    if vectors.len() != count {
        return Err(format!("it answers with {} vectors for {count} texts", vectors.len()));
    }
    let length = dimensions.map_or_else(|| vectors.first().map_or(0, Vec::len), usize::from);
    for vector in &vectors {
        if vector.len() != length || length == 0 {
            return Err(format!("it answers with a vector of {} numbers instead of {length}", vector.len()));
        }
        if !vector.iter().all(|value| value.is_finite()) {
            return Err("it answers with a number that is none".to_owned());
        }
        if vector.iter().all(|value| *value == 0.0) {
            return Err("it answers with a vector of zeros".to_owned());
        }
    }
    Ok(vectors)
}

/// The vectors by their index, where they have one: each has to be there once.
fn in_order(mut data: Vec<Numbered>) -> Result<Vec<Vec<f32>>, String> {
    if data.iter().any(|one| one.index.is_some()) {
        data.sort_by_key(|one| one.index);
        if data.iter().enumerate().any(|(at, one)| one.index != Some(at)) {
            return Err("it answers with an index twice, or with none".to_owned());
        }
    }
    Ok(data.into_iter().map(|one| one.embedding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_ai(body: &str, count: usize) -> Result<Vec<Vec<f32>>, String> {
        vectors(EndpointKind::OpenAi, body.as_bytes(), count, None)
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let body =
            r#"{"object": "list", "data": [{"index": 1, "embedding": [2, 0.5]}, {"index": 0, "embedding": [1e0, 0]}]}"#;
        assert_eq!(open_ai(body, 2).unwrap(), [[1.0, 0.0], [2.0, 0.5]]);
        assert_eq!(open_ai(r#"{"data": [{"embedding": [2]}, {"embedding": [1]}]}"#, 2).unwrap(), [[2.0], [1.0]]);
        let body = br#"{"model": "m", "embeddings": [[1, 0], [0, -1]]}"#;
        assert_eq!(vectors(EndpointKind::Ollama, body, 2, Some(2)).unwrap(), [[1.0, 0.0], [0.0, -1.0]]);
        assert!(vectors(EndpointKind::Ollama, body, 2, Some(3)).unwrap_err().contains("2 numbers instead of 3"));
    }

    #[test]
    fn what_is_wrong_is_no_answer() {
        let one = |embedding: &str| format!(r#"{{"data": [{{"index": 0, "embedding": {embedding}}}]}}"#);
        for embedding in
            ["[NaN]", "[null]", "[1, null]", "null", "[\"1\"]", "\"AACAPw==\"", "[]", "[0, 0.0]", "[1e99]", "{}"]
        {
            assert!(open_ai(&one(embedding), 1).is_err(), "{embedding}");
        }
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "{\"data\": {}}",
            "{\"data\": []}",
            r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 2, "embedding": [1]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1]}, {"embedding": [1]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}"#,
            r#"{"data": [{"index": -1, "embedding": [1]}]}"#,
            r#"{"data": [{"index": 0, "embedding": [1]}]"#,
        ] {
            assert!(open_ai(body, 2).is_err(), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(open_ai(&one(&deep), 1).is_err());
        assert!(!open_ai("hunter2", 1).unwrap_err().contains("hunter2"));
    }
}
