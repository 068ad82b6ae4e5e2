//! From a question to places: the catalogue of each workspace answers, unsaved texts in place of the disk's.

use std::collections::BTreeMap;

use super::super::order::Symbol;
use super::super::{Chunks, Overlay, Workbench};
use super::patience::patience;
use super::unsaved::{Unsaved, unsaved};
use crate::ports::{Cancel, Failure};
use crate::retrieve::{self, Catalogue, Question, Snippet, StoredChunk, snippet};
use crate::syntax::{Chunk, chunk_text};
use crate::workspace::{RelativePath, Root};

/// A question.
#[derive(Debug, Clone)]
pub struct SearchTask {
    /// Where to look.
    pub roots: Vec<Root>,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
    /// The question.
    pub query: String,
    /// Most answers wanted.
    pub limit: usize,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Workspace.
    pub root: Root,
    /// Where, and what.
    pub stored: StoredChunk,
    /// How good, from 0; comparable within one report only.
    pub score: f32,
    /// The most telling line.
    pub snippet: String,
    /// Its zero-based line in the file.
    pub line: u32,
}

/// The answers, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Answers.
    pub found: Vec<Found>,
    /// Workspaces that could not be asked, and why.
    pub failed: Vec<String>,
}

impl Report {
    /// The answers as an editor's symbol list.
    #[must_use]
    pub fn symbols(&self) -> Vec<Symbol> {
        let symbol = |found: &Found| {
            let Chunk { symbol, parent, kind, lines, .. } = &found.stored.chunk;
            let path = &found.stored.path;
            Symbol {
                name: symbol.clone().unwrap_or_else(|| format!("{}:{}", path.file_name(), lines.start + 1)),
                container: parent.clone().or_else(|| Some(path.to_string())),
                kind: *kind,
                path: found.root.join(path),
                lines: lines.clone(),
            }
        };
        self.found.iter().map(symbol).collect()
    }

    /// The answers for machines: path, one-based line, symbol, kind, parent, signature, snippet, score.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let answer = |found: &Found| {
            let chunk = &found.stored.chunk;
            serde_json::json!({
                "root": found.root.as_path(), "path": found.stored.path, "line": found.line + 1,
                "startLine": chunk.lines.start + 1, "endLine": chunk.lines.end,
                "symbol": chunk.symbol, "kind": chunk.kind, "parent": chunk.parent,
                "signature": chunk.signature, "snippet": found.snippet, "score": found.score,
            })
        };
        self.found.iter().map(answer).collect()
    }
}

/// Answers `task`; a workspace that cannot be asked is told, not fatal.
///
/// # Errors
/// On cancellation, or when the question itself cannot be embedded.
pub fn search(workbench: &Workbench, task: &SearchTask, cancel: &Cancel) -> Result<Report, Failure> {
    let question = Question::parse(&task.query);
    let vector = workbench.embedder.embed_query(&task.query)?;
    let unsaved = unsaved(workbench, &task.open);
    let mut report = Report::default();
    for root in &task.roots {
        cancel.check()?;
        let look = |catalogue: &Catalogue| answers(root, catalogue, &question, &vector, task.limit);
        match in_root(workbench, root, &unsaved, cancel, look) {
            Ok(found) => report.found.extend(found),
            Err(failure) => report.failed.push(format!("{}: {failure}", root.name())),
        }
    }
    // Stable, so that of equals the first workspace comes first.
    report.found.sort_by(|left, right| right.score.total_cmp(&left.score));
    report.found.truncate(task.limit);
    Ok(report)
}

/// What the catalogue of one workspace answers, best first.
fn answers(root: &Root, catalogue: &Catalogue, question: &Question, vector: &[f32], limit: usize) -> Vec<Found> {
    let answers = retrieve::search(catalogue, question, vector, limit);
    let found = |answer: retrieve::Answer| {
        let stored = catalogue.stored(answer.chunk)?;
        let Snippet { text: snippet, line } = snippet(&stored.chunk, question);
        Some(Found { root: root.clone(), stored, score: answer.score, snippet, line })
    };
    answers.into_iter().filter_map(found).collect()
}

/// Looks into the catalogue of one workspace, with its unsaved texts.
fn in_root<T>(
    workbench: &Workbench,
    root: &Root,
    unsaved: &[Unsaved],
    cancel: &Cancel,
    look: impl FnOnce(&Catalogue) -> T,
) -> Result<T, Failure> {
    let index = workbench.index(root);
    index.ensure_open()?;
    // By path: an editor may have one file open under several names.
    let here = unsaved.iter().filter(|unsaved| unsaved.root == *root);
    let here: BTreeMap<&RelativePath, &str> = here.map(|unsaved| (&unsaved.path, unsaved.text.as_str())).collect();
    let overlays: Vec<Overlay<'_>> = here.into_iter().map(|(path, text)| Overlay::new(path, text)).collect();
    index.look(&overlays, |overlay| embedded(workbench, overlay, cancel), look)
}

/// The chunks of an unsaved text.
fn embedded(workbench: &Workbench, overlay: &Overlay<'_>, cancel: &Cancel) -> Result<Chunks, Failure> {
    let chunks = chunk_text(overlay.path, overlay.text, &patience(workbench, cancel)).chunks;
    let texts: Vec<(&RelativePath, &Chunk)> = chunks.iter().map(|chunk| (overlay.path, chunk)).collect();
    let vectors = workbench.embedder.embed(&texts)?;
    Ok(chunks.into_iter().zip(vectors).collect())
}
