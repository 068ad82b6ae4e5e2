//! What a pack must be: within its budget, without anything twice, the same however it came to be, and never less for more.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{Detail, Intent, builtin, search};
use super::*;
use crate::syntax::chunk_text;
use crate::workspace::{ContentHash, RelativePath};

const RETRY: &str = "use std::time::Duration;\n\n/// How often a request is tried again.\npub struct Retry {\n    limit: u32,\n}\n\nimpl Retry {\n    /// Waits longer after each failed attempt.\n    pub fn wait_after(&self, attempt: u32) -> Duration {\n        backoff_delay(attempt.min(self.limit))\n    }\n\n    pub fn is_over(&self, attempt: u32) -> bool {\n        attempt >= self.limit\n    }\n}\n";
const DELAY: &str = "/// The delay before an attempt, doubled each time.\npub fn backoff_delay(attempt: u32) -> Duration {\n    let fence = \"```\";\n    Duration::from_millis(100 << attempt)\n}\n";
const CLIENT: &str =
    "pub fn send(request: Request) {\n    let retry = Retry::default();\n    sleep(retry.wait_after(1));\n}\n";
const PAGE: &str =
    "# Retries\n\nHow to wait after a failed attempt 😀:\n\n````rust\nretry.wait_after(1)\n````\n\n```\nplain\n```\n";
const FILES: [(&str, &str); 4] =
    [("src/retry.rs", RETRY), ("src/delay.rs", DELAY), ("src/client.rs", CLIENT), ("docs/retry.md", PAGE)];

fn put(catalogue: &mut Catalogue, path: &str, text: &str) {
    let path = RelativePath::new(path).unwrap();
    let embedding = builtin().unwrap().embedding;
    let chunks = chunk_text(&path, text, &|| false).chunks;
    let chunks: Vec<_> = chunks.into_iter().map(|chunk| (embedding.chunk_vector(&chunk, &path), chunk)).collect();
    let chunks: Vec<_> = chunks.into_iter().map(|(vector, chunk)| (chunk, vector)).collect();
    catalogue.put(&path, ContentHash::of(text.as_bytes()), &chunks);
}

fn catalogue(files: &[(&str, &str)]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    files.iter().for_each(|(path, text)| put(&mut catalogue, path, text));
    catalogue
}

fn packed_without(catalogue: &Catalogue, task: &str, budget: usize, discretion: Discretion<'_>) -> Pack {
    let (question, ranker) = (Question::parse(task), builtin().unwrap());
    let vector = ranker.embedding.question_vector(&question);
    let answers = |intent| {
        let wanted = super::super::Wanted { intent, limit: 100, detail: Detail::Scores };
        search(catalogue, ranker, &question, &vector, wanted)
    };
    let (files, behaviours) = (answers(Intent::File), answers(Intent::Behaviour));
    let wanted = Wanted { question: &question, files: &files, behaviours: &behaviours, budget };
    pack(catalogue, wanted, discretion)
}

fn packed(catalogue: &Catalogue, task: &str, budget: usize) -> Pack {
    packed_without(catalogue, task, budget, Discretion { find_secrets: &|_| Vec::new(), is_secret: &|_, _| false })
}

fn of<'a>(pack: &'a Pack, path: &str) -> Vec<&'a Item> {
    pack.items.iter().filter(|item| item.path == path).collect()
}

#[test]
fn what_the_task_names_comes_whole_and_first_with_what_is_near() {
    let pack = packed(&catalogue(&FILES), "double the wait in Retry::wait_after", 400);
    let first = pack.items.first().unwrap();
    assert_eq!((first.path.as_str(), first.level), ("src/retry.rs", Level::Whole));
    assert!(first.reason.contains("defines `wait_after`, named in the task"), "{pack:#?}");
    assert!(first.text.contains("backoff_delay(attempt.min(self.limit))"));
    assert!(!of(&pack, "src/delay.rs").is_empty(), "it is called by what is named: {}", pack.markdown);
    assert!(pack.markdown.starts_with("## `src/retry.rs`\n\n"), "{}", pack.markdown);
}

#[test]
fn neighbours_come_as_signatures() {
    let body = "    first();\n    second();\n    third();\n".repeat(20);
    let helpers = format!("fn first_helper() {{\n{body}}}\n");
    let centre = "fn centre_of_it() {\n    first_helper();\n}\n".to_owned();
    let user = format!("fn some_user() {{\n{body}    centre_of_it();\n}}\n");
    let files = [("a.rs", helpers.as_str()), ("b.rs", centre.as_str()), ("c.rs", user.as_str())];
    let catalogue = catalogue(&files);
    // With more room there is more of them than a signature.
    let packs: Vec<Pack> = (60..200).map(|budget| packed(&catalogue, "change centre_of_it", budget)).collect();
    let check = |path: &str, text: &str, reason: &str| {
        let is_it =
            |item: &Item| (item.path.as_str(), item.text.as_str(), item.reason.as_str()) == (path, text, reason);
        let found = packs.iter().flat_map(|pack| &pack.items).find(|item| is_it(item));
        assert_eq!(found.map(|item| item.level), Some(Level::Signature), "{packs:#?}");
    };
    check("a.rs", "fn first_helper()", "called by what was chosen");
    check("c.rs", "fn some_user()", "uses what was chosen");
}

#[test]
fn all_of_a_file_is_one_text_as_it_stands() {
    let pack = packed(&catalogue(&FILES), "Retry wait_after is_over in retry.rs", 10_000);
    let retry = of(&pack, "src/retry.rs");
    assert_eq!(retry.len(), 1, "{retry:#?}");
    assert_eq!((retry[0].text.as_str(), retry[0].lines.clone()), (RETRY, 0..17));
}

#[test]
fn a_long_text_is_cut_to_its_most_telling_lines() {
    let body: String = (0..100).map(|at| format!("    let value_{at} = {at};\n")).collect();
    let long = format!("fn long_one() {{\n{body}    teapot_overflow();\n{body}}}\n");
    let catalogue = catalogue(&[("src/long.rs", &long)]);
    let pack = packed(&catalogue, "handle the teapot overflow", 300);
    let item = pack.items.first().unwrap();
    assert_eq!(item.level, Level::Part);
    assert!(item.text.contains("teapot_overflow") && item.lines.contains(&101), "{:?} {}", item.lines, item.text);
    assert!(pack.tokens > 200 && pack.tokens <= 300, "{}", pack.tokens);
    let lines: Vec<&str> = long.lines().collect();
    let (start, end) = (item.lines.start as usize, item.lines.end as usize);
    assert_eq!(item.text, lines[start..end].join("\n") + "\n");
}

#[test]
fn secrets_are_not_shown() {
    let key = "const KEY: &str = \"hunter2\"; // fetch_key\nfn fetch_key() -> &str { KEY }\n";
    let catalogue = catalogue(&[("src/key.rs", key), ("keys/all.rs", "fn all_keys() { fetch_key(\"abc\") }\n")]);
    let discretion = Discretion {
        find_secrets: &|text| text.match_indices("hunter2").map(|(at, found)| at..at + found.len()).collect(),
        is_secret: &|path, text| path.starts_with("keys/") && text.contains("abc"),
    };
    let pack = packed_without(&catalogue, "fetch_key KEY all_keys", 1_000, discretion);
    assert!(!pack.markdown.contains("hunter2") && pack.markdown.contains("«secret»"), "{}", pack.markdown);
    assert!(!pack.markdown.contains("all") && of(&pack, "keys/all.rs").is_empty(), "{}", pack.markdown);
}

#[test]
fn nothing_comes_of_nothing() {
    assert_eq!(packed(&Catalogue::default(), "anything", 1_000), Pack::default());
    assert_eq!(packed(&catalogue(&FILES), "Retry", 0), Pack::default());
}

/// The backticks that a fence or a code span may be closed by: every fence must be closed by its own end.
fn fences_hold(markdown: &str) -> bool {
    let mut open: Option<usize> = None;
    for line in markdown.split(['\n', '\r']) {
        let ticks = line.trim_start().bytes().take_while(|byte| *byte == b'`').count();
        match open {
            Some(length) if ticks >= length && line.trim().len() == ticks => open = None,
            Some(_) => {}
            None if ticks >= 3 => open = Some(ticks),
            None if line.starts_with("## ") || line.is_empty() || line.starts_with("Lines ") => {}
            None if line.starts_with("Part, lines ") || line.starts_with("Signatures, ") => {}
            None => return false,
        }
    }
    open.is_none()
}

fn lines_are_apart(pack: &Pack) -> bool {
    let mut by_path: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    for item in pack.items.iter().filter(|item| item.level.is_text()) {
        by_path.entry(&item.path).or_default().push((item.lines.start, item.lines.end));
    }
    let apart = |lines: &mut Vec<(u32, u32)>| {
        lines.sort_unstable();
        lines.windows(2).all(|pair| pair[0].1 <= pair[1].0)
    };
    by_path.values_mut().all(apart)
}

fn paths(pack: &Pack) -> BTreeSet<&str> {
    pack.items.iter().map(|item| item.path.as_str()).collect()
}

fn whole_texts(pack: &Pack) -> BTreeSet<(&str, u32)> {
    let texts = pack.items.iter().filter(|item| item.level.is_text());
    texts.flat_map(|item| item.lines.clone().map(|line| (item.path.as_str(), line))).collect()
}

/// Files of pieces that are code, prose and mischief.
fn written() -> impl Strategy<Value = Vec<(String, String)>> {
    let piece = prop_oneof![
        "[a-d]{1,2}".prop_map(|name| format!("fn {name}() {{\n    b();\n    retry();\n}}\n")),
        "[a-d]{1,2}".prop_map(|name| format!("struct {name} {{ a: u8 }} fn {name}_of() {{}}\n\n\n\n")),
        Just("```\n````````\n\r~~~\n## x\n".to_owned()),
        "[ -~é😀\r\n\t`]{0,40}",
        Just("fn long() {\n    retry(1);\n}\n".repeat(15)),
    ];
    let text = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    prop::collection::btree_map("[a-c`]/[a-f]\\.(rs|md|py|x)", text, 1..7).prop_map(|files| files.into_iter().collect())
}

const TASK: &str = "fix retry in aa and b of a/b.rs";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pack_keeps_to_its_budget_and_its_fences(files in written(), budget in 0_usize..1_500) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let pack = packed(&catalogue(&files), TASK, budget);
        prop_assert!(pack.tokens <= budget && pack.tokens == estimated_tokens(&pack.markdown));
        prop_assert!(pack.items.iter().map(|item| item.tokens).sum::<usize>() <= budget);
        prop_assert!(fences_hold(&pack.markdown), "{}", pack.markdown);
        prop_assert!(lines_are_apart(&pack), "{:#?}", pack.items);
    }

    #[test]
    fn more_room_never_loses_anything(files in written(), budget in 0_usize..800, more in 0_usize..400) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let catalogue = catalogue(&files);
        let (small, large) = (packed(&catalogue, TASK, budget), packed(&catalogue, TASK, budget + more));
        prop_assert!(paths(&small).is_subset(&paths(&large)), "{small:#?}\n{large:#?}");
        prop_assert!(whole_texts(&small).is_subset(&whole_texts(&large)), "{}\n{}", small.markdown, large.markdown);
    }

    #[test]
    fn history_does_not_matter(files in written(), budget in 0_usize..1_000) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let straight = catalogue(&files);
        let mut winding = Catalogue::default();
        files.iter().rev().for_each(|(path, _)| put(&mut winding, path, "fn other() {}\n"));
        put(&mut winding, "gone.rs", "fn gone() {}\n");
        let mut winding = Catalogue::from_bytes(winding.to_bytes("x"), "x").unwrap();
        winding.remove(&RelativePath::new("gone.rs").unwrap());
        files.iter().rev().for_each(|(path, text)| put(&mut winding, path, text));
        prop_assert_eq!(packed(&straight, TASK, budget), packed(&winding, TASK, budget));
    }
}
