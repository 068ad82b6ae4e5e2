//! What the figures stand beside: a server that does nothing, a walk that parses and keeps nothing, a stat of every file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ignore::{WalkBuilder, WalkState};
use tagout::syntax::chunk_text;
use tagout::workspace::RelativePath;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{InitializeParams, InitializeResult};
use tower_lsp::{LanguageServer, LspService, Server};
use tree_sitter::{Language, Parser};

/// The argument that makes this program the server that does nothing.
pub(crate) const SERVER: &str = "bare-server";

struct Nothing;

impl LanguageServer for Nothing {
    async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// Serves until the streams close.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (service, socket) = LspService::new(|_| Nothing);
    runtime.block_on(Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service));
}

/// What a walk read.
pub(crate) struct Read {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

fn grammar(path: &Path) -> Option<Language> {
    Some(match path.extension()?.to_str()? {
        "rs" => tree_sitter_rust::LANGUAGE.into(),
        "py" => tree_sitter_python::LANGUAGE.into(),
        "ts" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "tsx" => tree_sitter_typescript::LANGUAGE_TSX.into(),
        "js" | "mjs" | "cjs" | "jsx" => tree_sitter_javascript::LANGUAGE.into(),
        "go" => tree_sitter_go::LANGUAGE.into(),
        "java" => tree_sitter_java::LANGUAGE.into(),
        "c" => tree_sitter_c::LANGUAGE.into(),
        "h" | "cc" | "cpp" | "hpp" => tree_sitter_cpp::LANGUAGE.into(),
        "rb" => tree_sitter_ruby::LANGUAGE.into(),
        "md" => tree_sitter_md::LANGUAGE.into(),
        "toml" => tree_sitter_toml_ng::LANGUAGE.into(),
        "json" => tree_sitter_json::LANGUAGE.into(),
        "yml" | "yaml" => tree_sitter_yaml::LANGUAGE.into(),
        _ => return None,
    })
}

/// Parses every file that has a grammar here, keeping nothing.
pub(crate) fn parse_all(root: &Path) -> Read {
    walk(root, || {
        let mut parser = Parser::new();
        move |path: &Path, text: &[u8]| {
            let Some(language) = grammar(path) else { return false };
            parser.set_language(&language).unwrap();
            parser.parse(text, None).is_some()
        }
    })
}

/// Cuts the same files into chunks, as an index run does before it embeds and stores them.
pub(crate) fn chunk_all(root: &Path) -> Read {
    let below = root.to_owned();
    walk(root, || {
        let root = below.clone();
        move |path: &Path, text: &[u8]| {
            let relative = path.strip_prefix(&root).ok().and_then(|path| RelativePath::from_path(path).ok());
            let Some(relative) = relative.filter(|_| grammar(path).is_some()) else { return false };
            !chunk_text(&relative, &String::from_utf8_lossy(text), &|| false).chunks.is_empty()
        }
    })
}

/// Walks `root` as tagout does, on all cores, and gives every file of at most 1 MiB to `work`, which says whether it counts.
fn walk<W: FnMut(&Path, &[u8]) -> bool + Send>(root: &Path, make: impl Fn() -> W) -> Read {
    let (files, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let walk = WalkBuilder::new(root).hidden(false).require_git(false).threads(threads).build_parallel();
    walk.run(|| {
        let mut work = make();
        let (files, bytes) = (&files, &bytes);
        Box::new(move |entry| {
            let Ok(entry) = entry else { return WalkState::Continue };
            if entry.file_name() == ".git" {
                return WalkState::Skip;
            }
            let Ok(text) = std::fs::read(entry.path()) else { return WalkState::Continue };
            if text.len() <= 1 << 20 && work(entry.path(), &text) {
                files.fetch_add(1, Ordering::Relaxed);
                bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
            }
            WalkState::Continue
        })
    });
    Read { files: files.into_inner(), bytes: bytes.into_inner() }
}

/// Asks for the metadata of every file below `root`, one after the other.
pub(crate) fn stat_all(root: &Path) -> Duration {
    let begun = Instant::now();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    begun.elapsed()
}
