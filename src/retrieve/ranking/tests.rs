//! What people expect of an order, with the program's own tables.

use super::super::builtin;
use super::super::near::{Narrow, Vectors};
use super::*;
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::{ContentHash, RelativePath};

/// Path, parent, symbol, text.
type Written = (&'static str, &'static str, &'static str, &'static str);

fn catalogue(list: &[Written]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (at, (path, parent, symbol, text)) in list.iter().enumerate() {
        let chunk = Chunk {
            span: Span::new(0, text.len()),
            lines: 3..4,
            symbol: (!symbol.is_empty()).then(|| (*symbol).to_owned()),
            kind: if symbol.is_empty() { ChunkKind::Text } else { ChunkKind::Function },
            parent: (!parent.is_empty()).then(|| (*parent).to_owned()),
            signature: String::new(),
            text: (*text).to_owned(),
        };
        let path = RelativePath::new(*path).unwrap();
        let vector = builtin().unwrap().embedding.chunk_vector(&chunk, &path);
        catalogue.put(&path, ContentHash::of(&at.to_le_bytes()), &[(chunk, vector)]);
    }
    catalogue
}

fn answers(question: &str, catalogue: &Catalogue, detail: Detail) -> Vec<Answer> {
    let (question, ranker) = (Question::parse(question), builtin().unwrap());
    let vector = ranker.embedding.question_vector(&question);
    let wanted = Wanted { intent: Intent::of(&question), limit: 50, detail };
    search(catalogue, ranker, &question, &vector, wanted)
}

fn paths(question: &str, list: &[Written]) -> Vec<String> {
    let catalogue = catalogue(list);
    let found = answers(question, &catalogue, Detail::Scores);
    found.iter().filter_map(|answer| Some(catalogue.known(answer.chunk)?.path.to_owned())).collect()
}

#[test]
fn a_symbol_question_puts_whole_names_first() {
    let list = [
        ("a.rs", "", "parser_of_all", "parser parser parser"),
        ("b.rs", "", "", "Parser Parser Parser Parser"),
        ("c.rs", "", "parser", "nothing else"),
        ("d.rs", "", "Parser", "nothing else"),
        ("e.rs", "", "Par_ser", "nothing else"),
    ];
    assert_eq!(paths("Parser", &list), ["d.rs", "c.rs", "e.rs", "a.rs", "b.rs"]);
}

#[test]
fn a_name_that_nothing_has_is_found_where_it_stands() {
    let list = [
        ("numbers.txt", "", "", "numbered_98764 numbered_98766 numbered numbered 98765"),
        ("other.rs", "", "numbering", "fn numbering(numbers: &[u32]) {}"),
        ("held.txt", "", "", "something else, then numbered_98765 and more"),
    ];
    assert_eq!(paths("numbered_98765", &list).first().unwrap(), "held.txt");
}

#[test]
fn a_qualified_name_picks_the_right_parent_or_file() {
    let list = [
        ("a.rs", "Other", "join", "fn join()"),
        ("b.rs", "Root", "join", "fn join()"),
        ("root.py", "", "join", "def join()"),
        ("c.rs", "Root", "joined", "fn joined()"),
    ];
    assert_eq!(paths("Root::join", &list).first().unwrap(), "b.rs");
    assert_eq!(paths("Other.join", &list).first().unwrap(), "a.rs");
}

#[test]
fn tests_come_after_what_they_test_unless_asked_for() {
    let list =
        [("tests/header.rs", "", "reads_header", "read header"), ("src/header.rs", "", "reads_header", "read header")];
    for question in ["where is the header read", "reads_header", "Reads the header", "header reading"] {
        assert_eq!(paths(question, &list), ["src/header.rs", "tests/header.rs"], "{question}");
    }
}

#[test]
fn other_words_for_the_same_find_it() {
    let list = [
        ("a.rs", "", "remove_entry", "fn remove_entry(&mut self, key: u8) { self.map.remove(key) }"),
        ("b.rs", "", "draw_circle", "fn draw_circle(&mut self) { self.canvas.arc() }"),
        ("c.rs", "", "parse_header", "fn parse_header(bytes: &[u8]) -> Header { Header::read(bytes) }"),
    ];
    assert_eq!(paths("Deletes an item", &list).first().unwrap(), "a.rs");
}

#[test]
fn the_order_does_not_hang_on_the_order_of_writing() {
    let names: Vec<String> = (0..20).map(|at| format!("f{at:02}.rs")).collect();
    let names: Vec<&'static str> = names.into_iter().map(|name| -> &'static str { name.leak() }).collect();
    let mut list: Vec<Written> = names.iter().map(|name| (*name, "", "same", "same text")).collect();
    let first = paths("same text", &list);
    list.reverse();
    assert_eq!(paths("same text", &list), first);
    assert_eq!(first.len(), 20);
}

#[test]
fn a_file_intent_shows_each_file_before_any_again() {
    let question = Question::parse("how are retries counted");
    let ranker = builtin().unwrap();
    let mut catalogue = Catalogue::default();
    for path in ["a.rs", "b.rs", "c.rs"] {
        let path = RelativePath::new(path).unwrap();
        let text = "fn count_retries(retries: u32) {}\n\nfn retry(count: u32) { count_retries(count) }\n";
        let chunks = crate::syntax::chunk_text(&path, text, &|| false).chunks;
        let with = |chunk: Chunk| (ranker.embedding.chunk_vector(&chunk, &path), chunk);
        let chunks: Vec<_> = chunks.into_iter().map(with).map(|(vector, chunk)| (chunk, vector)).collect();
        assert_eq!(chunks.len(), 2);
        catalogue.put(&path, ContentHash::of(text.as_bytes()), &chunks);
    }
    let vector = ranker.embedding.question_vector(&question);
    let wanted = Wanted { intent: Intent::File, limit: 6, detail: Detail::Scores };
    let found = search(&catalogue, ranker, &question, &vector, wanted);
    let mut first: Vec<&str> = found.iter().take(3).map(|answer| catalogue.known(answer.chunk).unwrap().path).collect();
    first.sort_unstable();
    assert_eq!(first, ["a.rs", "b.rs", "c.rs"]);
    assert_eq!(found.len(), 6);
}

#[test]
fn odd_questions_and_an_empty_catalogue_are_answered() {
    let one = catalogue(&[("x.rs", "", "x", "")]);
    let long = "x ".repeat(60_000);
    for question in ["", "?", "the of", "x", "Root::", "日本語", "👩‍👩‍👧", &long] {
        assert!(answers(question, &Catalogue::default(), Detail::Scores).is_empty());
        for answer in answers(question, &one, Detail::Shares) {
            assert!((0.0..=1.0).contains(&answer.score), "{question:?}: {answer:?}");
        }
    }
}

#[test]
fn the_shares_add_up_to_the_score() {
    let list = [
        ("a.rs", "Root", "join", "fn join(path: &str) { self.parts.push(path) }"),
        ("tests/b.rs", "", "joins", "fn joins() { join() }"),
    ];
    let catalogue = catalogue(&list);
    for question in ["Root::join", "joins a path", "how are paths joined"] {
        let found = answers(question, &catalogue, Detail::Shares);
        assert!(!found.is_empty());
        for answer in found {
            let sum: f32 = answer.shares.iter().map(|share| share.added).sum();
            let score = 1.0 / (1.0 + (-STEEPNESS * sum).exp());
            assert!((score - answer.score).abs() < 0.01, "{question}: {score} {answer:?}");
        }
    }
}

/// Whether the function of this number has a vector.
type Has = fn(u8) -> bool;

/// `count` functions that a question finds alike, and the vectors of those whose number `has` names: the greater the
/// number, the nearer.
fn alike(count: u8, has: impl Fn(u8) -> bool) -> (Catalogue, Vectors) {
    let (mut all, mut vectors) = (Catalogue::default(), Vectors::default());
    for at in 0..count {
        let text = format!("fn limit_{at}() {{ retries_are_limited({at}) }}");
        let chunk = Chunk {
            span: Span::new(0, text.len()),
            lines: 0..1,
            symbol: Some(format!("limit_{at}")),
            kind: ChunkKind::Function,
            parent: None,
            signature: String::new(),
            text,
        };
        let path = RelativePath::new(format!("f{at}.rs")).unwrap();
        let vector = builtin().unwrap().embedding.chunk_vector(&chunk, &path);
        all.put(&path, ContentHash::of(&[at]), &[(chunk, vector)]);
        let own = all.chunks_of(&path)[0];
        if has(at) {
            let near = Narrow::new(&[f32::from(at), f32::from(count)]).unwrap();
            vectors.put(all.key(own).unwrap(), &near).unwrap();
        }
    }
    (all, vectors)
}

fn answers_near(catalogue: &Catalogue, vectors: &Vectors, question: &[f32], intent: Intent) -> Vec<Answer> {
    let (words, ranker) = (Question::parse("how are retries limited"), builtin().unwrap());
    let vector = ranker.embedding.question_vector(&words);
    let question = Narrow::new(question).unwrap();
    let near = Some(Near { question: &question, vectors });
    search_near(catalogue, ranker, &words, &vector, near, Wanted { intent, limit: 50, detail: Detail::Shares })
}

#[test]
fn what_is_nearer_by_the_endpoint_comes_earlier_and_its_share_is_told() {
    let (catalogue, vectors) = alike(9, |_| true);
    let place = |question: [f32; 2], at: u8| {
        let found = answers_near(&catalogue, &vectors, &question, Intent::Either);
        for answer in &found {
            let sum: f32 = answer.shares.iter().map(|share| share.added).sum();
            assert!((1.0 / (1.0 + (-STEEPNESS * sum).exp()) - answer.score).abs() < 0.01, "{answer:?}");
            assert!(answer.shares.iter().any(|share| share.name == "endpoint"), "{answer:?}");
        }
        let path = format!("f{at}.rs");
        found.iter().position(|answer| catalogue.known(answer.chunk).unwrap().path == path).unwrap()
    };
    let (up, across) = ([1.0, 1.0], [-1.0, 1.0]);
    assert!(place(up, 8) < place(across, 8));
    assert!(place(across, 0) < place(up, 0));
}

#[test]
fn an_endpoint_that_knows_too_little_changes_nothing() {
    let few: Has = |at| at < 4;
    let all: Has = |_| true;
    for (has, question, intent) in [
        (few, [1.0, 1.0].as_slice(), Intent::Either),
        (|_| false, &[1.0, 1.0], Intent::Either),
        (all, &[1.0, 1.0, 1.0], Intent::Either),
        (all, &[1.0, 1.0], Intent::Symbol),
    ] {
        let (catalogue, vectors) = alike(9, has);
        let (words, ranker) = (Question::parse("how are retries limited"), builtin().unwrap());
        let wanted = Wanted { intent, limit: 50, detail: Detail::Shares };
        let plain = search(&catalogue, ranker, &words, &ranker.embedding.question_vector(&words), wanted);
        assert!(!plain.is_empty());
        assert_eq!(answers_near(&catalogue, &vectors, question, intent), plain);
    }
}
