//! From a question to places: the catalogue of each workspace answers, unsaved texts in place of the disk's.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::order::Symbol;
use super::super::remote::Asked;
use super::super::{Chunks, Overlay, Workbench};
use super::at_once::at_once;
use super::patience::patience;
use super::secrets::{hidden_here, is_secret, is_secret_by_name, shown};
use super::unsaved::{Unsaved, unsaved};
use crate::policy::secret_files::Patterns;
use crate::policy::secret_places;
use crate::ports::{Cancel, Failure, FailureKind};
use crate::retrieve::pack::{Discretion, Library};
use crate::retrieve::{
    self, Answer, Catalogue, Detail, Fit, Intent, Near, Question, Ranker, Share, Snippet, StoredChunk, Wanted, snippet,
    symbol_fit,
};
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
    /// What the question is after; `None` to tell by its words.
    pub intent: Option<Intent>,
    /// How much to say of each answer.
    pub detail: Detail,
    /// Whether texts and snippets are wanted, which takes longer than finding the answers when those are many.
    pub texts: bool,
}

impl SearchTask {
    /// Looks for `query` in `roots`, as the disk has them; what it is after is told by its words.
    #[must_use]
    pub fn new(roots: Vec<Root>, query: String, limit: usize) -> Self {
        Self { roots, open: Vec::new(), query, limit, intent: None, detail: Detail::Scores, texts: true }
    }
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
    /// The most telling line; empty where no texts are wanted, and so is the text of what is stored.
    pub snippet: String,
    /// Its zero-based line in the file, or the first line.
    pub line: u32,
    /// What made the score, the weightiest first; empty unless asked for.
    pub shares: Vec<Share>,
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
            let mut answer = serde_json::json!({
                "root": found.root.as_path(), "path": found.stored.path, "line": found.line + 1,
                "startLine": chunk.lines.start + 1, "endLine": chunk.lines.end,
                "symbol": chunk.symbol, "kind": chunk.kind, "parent": chunk.parent,
                "signature": chunk.signature, "snippet": found.snippet, "score": found.score,
            });
            if let (Some(answer), false) = (answer.as_object_mut(), found.shares.is_empty()) {
                let share =
                    |share: &Share| serde_json::json!({"name": share.name, "value": share.value, "added": share.added});
                answer.insert("shares".to_owned(), found.shares.iter().map(share).collect());
            }
            answer
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
    let intent = task.intent.unwrap_or_else(|| Intent::of(&question));
    // A name is found by its letters, as they are typed.
    let asked = if intent == Intent::Symbol { None } else { ask(workbench, task) };
    let vector = workbench.embedder.embed_query(&task.query)?;
    let unsaved = unsaved(workbench, &task.open);
    let ranker = ranker()?;
    let wanted = Wanted { intent, limit: task.limit, detail: task.detail };
    let near = asked.and_then(Asked::wait);
    let mut report = Report { query: task.query.clone(), ..Report::default() };
    for root in &task.roots {
        cancel.check()?;
        let near = near.as_ref().filter(|(_, held)| workbench.endpoint.may_use(root, held));
        let hidden = hidden_here(workbench, root, &workbench.index(root));
        let look = |catalogue: &Catalogue, hidden: &Patterns| {
            let vectors = near.map(|(_, held)| held.vectors());
            let near = near.zip(vectors.as_deref()).map(|((question, _), vectors)| Near { question, vectors });
            let answers = answers(catalogue, ranker, &question, &vector, near, wanted);
            let answers = answers.into_iter().filter(|answer| !is_hidden(catalogue, hidden, answer.chunk));
            match task.texts {
                true => with_texts(root, catalogue, &question, answers, hidden),
                false => answers.filter_map(|answer| named(root, catalogue, answer)).collect(),
            }
        };
        let found: Result<Vec<Found>, Failure> =
            hidden.and_then(|hidden| in_root(workbench, root, &unsaved, cancel, |catalogue| look(catalogue, &hidden)));
        match found {
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
fn answers(
    catalogue: &Catalogue,
    ranker: Ranker<'_>,
    question: &Question,
    vector: &[f32],
    near: Option<Near<'_>>,
    wanted: Wanted,
) -> Vec<Answer> {
    let answers = retrieve::search_near(catalogue, ranker, question, vector, near, wanted);
    if wanted.intent == Intent::Symbol { with_fitting(catalogue, question, answers, wanted.limit) } else { answers }
}

/// Asks the endpoint, where the settings still name the one that there is leave to ask.
fn ask(workbench: &Workbench, task: &SearchTask) -> Option<Asked> {
    for root in task.roots.iter().filter(|root| workbench.endpoint.permit_of(root).is_some()) {
        // Nothing else may have looked since somebody switched it off.
        let settings = workbench.standing(root).settings;
        workbench.endpoint.heed(root, settings.embedding.endpoint().as_ref());
    }
    workbench.endpoint.ask(&task.roots, &task.query)
}

/// Whether the file of a chunk is a secret by now; another process may have indexed it.
fn is_hidden(catalogue: &Catalogue, hidden: &Patterns, chunk: u32) -> bool {
    let path = catalogue.known(chunk).and_then(|known| RelativePath::new(known.path).ok());
    path.is_none_or(|path| is_secret_by_name(hidden, &path))
}

/// An answer without its text.
fn named(root: &Root, catalogue: &Catalogue, Answer { chunk, score, shares }: Answer) -> Option<Found> {
    let stored = shown(catalogue.stored_without_text(chunk)?);
    let line = stored.chunk.lines.start;
    Some(Found { root: root.clone(), stored, score, snippet: String::new(), line, shares })
}

/// Answers with their texts, and of each the most telling line.
fn with_texts(
    root: &Root,
    catalogue: &Catalogue,
    question: &Question,
    answers: impl Iterator<Item = Answer>,
    hidden: &Patterns,
) -> Vec<Found> {
    let is_secret = |path: &str, text: &str| hidden.mean(Path::new(path), text.as_bytes());
    let mut library = Library::new(catalogue, Discretion { find_secrets: &secret_places, is_secret: &is_secret });
    let found = |answer: Answer| {
        let chunk = answer.chunk;
        if library.is_secret(catalogue.known(chunk)?.path) {
            return None;
        }
        let mut found = named(root, catalogue, answer)?;
        found.stored.chunk.text = library.text(chunk).to_owned();
        let Snippet { text, line } = snippet(&found.stored.chunk, question);
        Some(Found { snippet: text, line, ..found })
    };
    answers.filter_map(found).collect()
}

/// Where a name is typed: first what has a name that fits, scattered letters too, then the others.
fn with_fitting(catalogue: &Catalogue, question: &Question, found: Vec<Answer>, limit: usize) -> Vec<Answer> {
    let typed = question.text.as_str();
    let fits = |answer: &Answer| {
        let symbol = catalogue.known(answer.chunk).and_then(|known| known.symbol);
        symbol.is_some_and(|symbol| symbol_fit(symbol, typed).is_some())
    };
    // Those that fit score above a half, the others below, and in between those that were not found otherwise.
    let (mut fitting, mut others): (Vec<Answer>, Vec<Answer>) = found.into_iter().partition(fits);
    fitting.iter_mut().for_each(|answer| answer.score = f32::midpoint(1.0, answer.score));
    others.iter_mut().for_each(|answer| answer.score /= 2.0);
    let lacking = limit.saturating_sub(fitting.len());
    if lacking > 0 {
        let known: BTreeSet<u32> = fitting.iter().map(|answer| answer.chunk).collect();
        let more = catalogue.symbols().filter(|(chunk, _)| !known.contains(chunk));
        let more = more.filter_map(|(chunk, symbol)| Some((Reverse(symbol_fit(symbol, typed)?), chunk)));
        let mut more: Vec<(Reverse<Fit>, u32)> = more.collect();
        more.sort_unstable();
        let answer = |(_, chunk)| Answer { chunk, score: 0.5, shares: Vec::new() };
        fitting.extend(more.into_iter().take(lacking).map(answer));
    }
    fitting.extend(others);
    fitting.truncate(limit);
    fitting
}

/// The tables that come with the program.
pub(super) fn ranker() -> Result<Ranker<'static>, Failure> {
    let ranker = retrieve::builtin().map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(Ranker { both: at_once, ..ranker })
}

/// Looks into the catalogue of one workspace, with its unsaved texts.
pub(super) fn in_root<T>(
    workbench: &Workbench,
    root: &Root,
    unsaved: &[Unsaved],
    cancel: &Cancel,
    look: impl FnOnce(&Catalogue) -> T,
) -> Result<T, Failure> {
    let index = workbench.index(root);
    index.ensure_open();
    // By path: an editor may have one file open under several names.
    let here = unsaved.iter().filter(|unsaved| unsaved.root == *root);
    let here: BTreeMap<&RelativePath, &str> = here.map(|unsaved| (&unsaved.path, unsaved.text.as_str())).collect();
    let mut overlays: Vec<Overlay<'_>> = here.into_iter().map(|(path, text)| Overlay::new(path, text)).collect();
    if !overlays.is_empty() {
        let hidden = hidden_here(workbench, root, &index)?;
        overlays.retain(|overlay| !is_secret(&hidden, overlay.path, overlay.text.as_bytes()));
    }
    index.look(&overlays, |overlay| embedded(workbench, overlay, cancel), look)
}

/// The chunks of an unsaved text.
fn embedded(workbench: &Workbench, overlay: &Overlay<'_>, cancel: &Cancel) -> Result<Chunks, Failure> {
    let chunks = chunk_text(overlay.path, overlay.text, &patience(workbench, cancel)).chunks;
    let texts: Vec<(&RelativePath, &Chunk)> = chunks.iter().map(|chunk| (overlay.path, chunk)).collect();
    let vectors = workbench.embedder.embed(&texts)?;
    Ok(chunks.into_iter().zip(vectors).collect())
}
