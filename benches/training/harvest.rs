//! From packages to pairs: the first sentence of a definition's doc comment, and the definition without it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tagout::retrieve::StoredChunk;
use tagout::retrieve::embedding::term_hash;
use tagout::syntax::{Chunk, ChunkKind, chunk_text, looks_generated};
use tagout::workspace::RelativePath;

use super::doc;

/// Bytes of one file: more is data.
const LARGEST_FILE: u64 = 300_000;
/// Bytes of one package that are looked at, and pairs that are taken, so that none rules.
const MOST_BYTES: usize = 8_000_000;
const MOST_PAIRS: usize = 2_500;
/// Questions of one package that is kept apart.
pub(super) const MOST_QUESTIONS: usize = 150;

/// Folders whose files are copies or built from others.
const SKIPPED: &[&str] = &[
    "node_modules",
    "vendor",
    "_vendor",
    "third_party",
    "thirdparty",
    "dist",
    "build",
    "target",
    "__pycache__",
    "testdata",
    "fixtures",
    "locale",
    "locales",
    "cjs",
    "umd",
    "commonjs",
    "es5",
    "types",
    "docs",
    "doc",
    "contrib",
];
/// Folders that nobody asks for, but that stand beside what is asked for.
const BESIDE: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "testing",
    "spec",
    "specs",
    "benches",
    "benchmark",
    "benchmarks",
    "example",
    "examples",
    "e2e",
    "mocks",
    "demo",
];

/// What a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Its pairs train the table.
    Train,
    /// Kept apart: to choose by, and to train rankers on.
    Held,
}

/// A line of the list.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Its name, with `+` for `/`.
    pub(super) name: String,
    /// Where it lies.
    pub(super) folder: PathBuf,
    /// What it is for.
    pub(super) part: Part,
}

/// What one package gave.
pub(super) struct Harvest {
    /// The package.
    pub(super) package: Package,
    /// Its files, doc comments blanked; only where it is kept apart.
    pub(super) files: Vec<(RelativePath, String)>,
    /// Chunks: all of them where it is kept apart, else those of the pairs.
    pub(super) chunks: Vec<StoredChunk>,
    /// Questions, and the chunks that answer them.
    pub(super) pairs: Vec<(String, usize)>,
}

/// Reads the list: registry, name, version, licence, hash, and `held` for what is kept apart.
pub(super) fn packages(list: &Path, cache: &Path) -> Vec<Package> {
    let text = std::fs::read_to_string(list).expect("the list of packages can be read");
    let package = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words[1].replace('/', "+");
        let folder = cache.join("src").join(words[0]).join(&name);
        let part = if words.get(5) == Some(&"held") { Part::Held } else { Part::Train };
        Package { name, folder, part }
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(package).collect()
}

/// Harvests each package, on two threads; the result is in the order of `packages`.
pub(super) fn harvest(packages: &[Package]) -> Vec<Harvest> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(package) = packages.get(index) else { break };
                    let harvest = of_package(package);
                    found.lock().expect("no thread panics with it").insert(index, harvest);
                }
            });
        }
    });
    found.into_inner().expect("no thread panicked").into_values().collect()
}

fn of_package(package: &Package) -> Harvest {
    let mut harvest = Harvest { package: package.clone(), files: Vec::new(), chunks: Vec::new(), pairs: Vec::new() };
    let mut files = source_files(package);
    // A sample of a large package is one of all its folders.
    files.sort_by_key(|path| term_hash(path.as_str()));
    let mut bytes = 0;
    for path in files {
        let Ok(text) = std::fs::read_to_string(package.folder.join(path.as_str())) else { continue };
        let long = text.lines().take(500).any(|line| line.len() > 2_000);
        let shown = shown(&path);
        if bytes + text.len() > MOST_BYTES || long || looks_generated(&shown, &text) {
            continue;
        }
        bytes += text.len();
        of_file(&shown, &text, &mut harvest);
    }
    keep(&mut harvest);
    harvest
}

/// The path as a repository has it: Go's packages lie below the name of their repository.
fn shown(path: &RelativePath) -> RelativePath {
    let inner = path.as_str().strip_prefix("usr/share/gocode/src/").and_then(|rest| rest.splitn(4, '/').nth(3));
    inner.and_then(|inner| RelativePath::new(inner).ok()).unwrap_or_else(|| path.clone())
}

/// Whether nobody asks for what is in a file.
fn is_beside(path: &RelativePath) -> bool {
    let (folders, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    is_test(name) || folders.split('/').any(|folder| BESIDE.contains(&folder.to_lowercase().as_str()))
}

fn source_files(package: &Package) -> Vec<RelativePath> {
    let folder = &package.folder;
    let (mut found, mut waiting) = (Vec::new(), vec![folder.clone()]);
    while let Some(next) = waiting.pop() {
        let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() && !SKIPPED.contains(&name.to_lowercase().as_str()) {
                waiting.push(path);
            } else if about.is_file() && about.len() <= LARGEST_FILE && is_source(&name) {
                found.extend(path.strip_prefix(folder).ok().and_then(|path| RelativePath::from_path(path).ok()));
            }
        }
    }
    // A ranker has to learn that tests are rarely asked for; to the table they would only be more of the same.
    found.retain(|path| package.part == Part::Held || !is_beside(path));
    found
}

fn is_source(name: &str) -> bool {
    let made = [".d.ts", ".min.js", "_pb2.py", ".pb.go"];
    !made.iter().any(|end| name.ends_with(end)) && !name.starts_with("zz_generated")
}

fn is_test(name: &str) -> bool {
    let ends = ["_test.go", "_test.py", ".test.ts", ".spec.ts", ".test.js", "_test.cc"];
    let starts = ["test_", "conftest"];
    let java = ["Test.java", "Tests.java", "TestCase.java"];
    ends.iter().chain(&java).any(|end| name.ends_with(end)) || starts.iter().any(|start| name.starts_with(start))
}

fn of_file(path: &RelativePath, text: &str, harvest: &mut Harvest) {
    let chunked = chunk_text(path, text, &|| false);
    let Some(language) = chunked.language else { return };
    let mut docs: Vec<Range<usize>> = Vec::new();
    let mut asked: Vec<(String, usize, Chunk)> = Vec::new();
    for chunk in chunked.chunks {
        let Some(symbol) = chunk.symbol.clone().filter(|_| is_asked_for(chunk.kind)) else { continue };
        let Some(doc) = doc::find(language, &chunk.text) else { continue };
        let first = chunk.lines.start as usize;
        let lines = first + doc.lines.start..first + doc.lines.end;
        if let Some(question) = doc::sentence(&doc.said, &symbol).filter(|_| !is_beside(path)) {
            asked.push((question, lines.end, chunk));
        }
        docs.push(lines);
    }
    let text = doc::blanked(text, &docs, language);
    let chunks = chunk_text(path, &text, &|| false).chunks;
    let mut kept: HashMap<usize, usize> = HashMap::new();
    if harvest.package.part == Part::Held {
        for chunk in &chunks {
            kept.insert(kept.len(), harvest.chunks.len());
            harvest.chunks.push(StoredChunk { path: path.clone(), chunk: chunk.clone() });
        }
        harvest.files.push((path.clone(), text));
    }
    for (question, after, old) in asked {
        let Some(at) = same_definition(&chunks, &old, after) else { continue };
        let index = *kept.entry(at).or_insert_with(|| {
            harvest.chunks.push(StoredChunk { path: path.clone(), chunk: chunks[at].clone() });
            harvest.chunks.len() - 1
        });
        harvest.pairs.push((question, index));
    }
}

fn is_asked_for(kind: ChunkKind) -> bool {
    matches!(kind, ChunkKind::Function | ChunkKind::Method | ChunkKind::Type | ChunkKind::Interface)
}

/// The chunk that `old` became: of the same name, sharing the most lines with what followed its comment.
fn same_definition(chunks: &[Chunk], old: &Chunk, after: usize) -> Option<usize> {
    let from = if after >= old.lines.end as usize {
        old.lines.start
    } else {
        old.lines.start.max(u32::try_from(after).ok()?.saturating_sub(3))
    };
    let shared = |chunk: &Chunk| chunk.lines.end.min(old.lines.end).saturating_sub(chunk.lines.start.max(from));
    let same = |chunk: &Chunk| chunk.symbol == old.symbol && chunk.parent == old.parent && shared(chunk) > 0;
    (0..chunks.len()).filter(|at| same(&chunks[*at])).max_by_key(|at| (shared(&chunks[*at]), std::cmp::Reverse(*at)))
}

/// Drops questions that more than one definition answers, then all beyond what one package may give.
fn keep(harvest: &mut Harvest) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (question, _) in &harvest.pairs {
        *counts.entry(question.to_lowercase()).or_default() += 1;
    }
    harvest.pairs.retain(|(question, _)| counts[&question.to_lowercase()] == 1);
    let most = if harvest.package.part == Part::Held { MOST_QUESTIONS } else { MOST_PAIRS };
    harvest.pairs.sort_by_key(|(question, _)| term_hash(question));
    harvest.pairs.truncate(most);
}
