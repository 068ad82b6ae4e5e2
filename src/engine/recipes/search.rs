//! From a question to places: candidates of every index, unsaved texts in place of the disk's, one ranking.

use std::cmp::Reverse;

use super::super::Workbench;
use super::super::order::Symbol;
use super::patience::patience;
use super::unsaved::{Unsaved, unsaved};
use crate::ports::{Cancel, Failure};
use crate::retrieve::{Candidate, Question, Snippet, StoreQuery, StoredChunk, cosine, rank, snippet, symbol_fit};
use crate::syntax::{Chunk, chunk_text};
use crate::workspace::Root;

/// Candidates taken from each way of looking.
const CANDIDATES: usize = 100;

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
    /// What was asked.
    pub query: String,
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
        fitting(&self.query, self.found.iter().map(symbol).collect())
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

/// Where a name is typed, the symbols that it fits, best first; where none does, or a question is asked, all of them.
fn fitting(query: &str, all: Vec<Symbol>) -> Vec<Symbol> {
    let typed = query.trim();
    if typed.is_empty() || typed.contains(char::is_whitespace) {
        return all;
    }
    // Of what fits equally well, what was found better stays before.
    let fit = |symbol: &Symbol| symbol_fit(&symbol.name, typed);
    let mut fitting: Vec<Symbol> = all.iter().filter(|symbol| fit(symbol).is_some()).cloned().collect();
    fitting.sort_by_key(|symbol| Reverse(fit(symbol)));
    if fitting.is_empty() { all } else { fitting }
}

/// Answers `task`; a workspace that cannot be asked is told, not fatal.
///
/// # Errors
/// On cancellation, or when the question itself cannot be embedded.
pub fn search(workbench: &Workbench, task: &SearchTask, cancel: &Cancel) -> Result<Report, Failure> {
    let question = Question::parse(&task.query);
    let vector = workbench.embedder.embed_query(&task.query)?;
    let query = question.store_query(vector, CANDIDATES.max(task.limit));
    let unsaved = unsaved(workbench, &task.open);
    let mut report = Report { query: task.query.clone(), ..Report::default() };
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut roots: Vec<&Root> = Vec::new();
    let mut total = 0;
    for root in &task.roots {
        cancel.check()?;
        match in_root(workbench, root, &unsaved, &query, cancel) {
            Ok((found, size)) => {
                total += size;
                roots.extend(found.iter().map(|_| root));
                candidates.extend(found);
            }
            Err(failure) => report.failed.push(format!("{}: {failure}", root.name())),
        }
    }
    for hit in rank(&question, &candidates, total).into_iter().take(task.limit) {
        let (Some(candidate), Some(root)) = (candidates.get(hit.index), roots.get(hit.index)) else { continue };
        let Snippet { text: snippet, line } = snippet(&candidate.stored.chunk, &question);
        let stored = candidate.stored.clone();
        report.found.push(Found { root: (*root).clone(), stored, score: hit.score, snippet, line });
    }
    Ok(report)
}

/// The candidates of one workspace, and how many chunks it has.
fn in_root(
    workbench: &Workbench,
    root: &Root,
    unsaved: &[Unsaved],
    query: &StoreQuery,
    cancel: &Cancel,
) -> Result<(Vec<Candidate>, usize), Failure> {
    let index = workbench.index(root);
    index.ensure_open()?;
    let candidates = index.store.candidates(query)?;
    let mut found = candidates.found;
    for unsaved in unsaved.iter().filter(|unsaved| unsaved.root == *root) {
        found.retain(|candidate| candidate.stored.path != unsaved.path);
        found.extend(overlay(workbench, unsaved, query, cancel)?);
    }
    Ok((found, candidates.total))
}

fn overlay(
    workbench: &Workbench,
    unsaved: &Unsaved,
    query: &StoreQuery,
    cancel: &Cancel,
) -> Result<Vec<Candidate>, Failure> {
    let chunks = chunk_text(&unsaved.path, &unsaved.text, &patience(workbench, cancel)).chunks;
    let vectors = workbench.embedder.embed(&chunks.iter().collect::<Vec<_>>())?;
    let candidate = |(chunk, vector): (Chunk, Vec<f32>)| Candidate {
        similarity: cosine(&vector, &query.vector),
        stored: StoredChunk { path: unsaved.path.clone(), chunk },
    };
    Ok(chunks.into_iter().zip(vectors).map(candidate).collect())
}
