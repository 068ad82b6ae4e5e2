//! Bringing the index up to date: walk, compare, read, chunk, embed; then it is found, and written a little later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::super::shared::{Given, Note};
use super::super::{Index, Workbench};
use super::fan_out::fan_out;
use super::index_summary::IndexSummary;
use super::patience::patience;
use super::reading::text_of;
use super::secrets::{hidden_files, hidden_here, is_secret, is_secret_by_name, may_be_secret};
use super::shared_files::{Offered, SharedSummary, Wanted, shared_files};
use crate::config::SharedSettings;
use crate::policy::secret_files::Patterns;
use crate::ports::{
    Cancel, Failure, FailureKind, FileChunks, FileStat, IndexRecord, OpenIndex, Progress, Report, Skip,
};
use crate::syntax::{Chunk, chunk_text};
use crate::workspace::{ContentHash, FileKind, RelativePath, Root};

/// Chunks written in one go: large enough that a commit costs little beside them, small enough to bound memory.
const BATCH_CHUNKS: usize = 4096;

/// What became of one file.
enum Prepared {
    /// Its content is as the index has it; only its metadata moved.
    Same(RelativePath, IndexRecord),
    /// It has to be stored; so many of its chunks were embedded.
    Fresh(FileChunks, usize),
    /// It went away meanwhile.
    Gone,
    /// It cannot be read.
    Unreadable,
}

/// Brings the whole index of `root` up to date.
///
/// # Errors
/// When the workspace cannot be walked, or on cancellation; what was done stays. A store that cannot be written is told.
pub fn index(workbench: &Workbench, root: &Root, cancel: &Cancel, report: Report<'_>) -> Result<IndexSummary, Failure> {
    let shared = workbench.standing(root).settings.index.shared;
    index_beside(workbench, root, &shared, cancel, report)
}

/// As [`index`], with what is shared as `shared` says.
///
/// # Errors
/// As [`index`].
pub fn index_beside(
    workbench: &Workbench,
    root: &Root,
    shared: &SharedSettings,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<IndexSummary, Failure> {
    let index = workbench.index(root);
    let outcome = whole_run(workbench, root, &index, shared, cancel, report);
    index.mark_built();
    outcome.map(|summary| with_notices(workbench, root, &index, summary))
}

/// Has what is new sent to the endpoint, where there is one, and adds to the summary what there is to say besides.
fn with_notices(workbench: &Workbench, root: &Root, index: &Index, mut summary: IndexSummary) -> IndexSummary {
    workbench.endpoint.soon(root, 0);
    let others = index.take_notices().into_iter().chain(workbench.endpoint.take_notice());
    let notices: Vec<String> = summary.notice.take().into_iter().chain(others).collect();
    summary.notice = (!notices.is_empty()).then(|| notices.join("; "));
    summary
}

fn whole_run(
    workbench: &Workbench,
    root: &Root,
    index: &Arc<Index>,
    shared: &SharedSettings,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<IndexSummary, Failure> {
    let compared = compare_all(workbench, root, index, shared, cancel, report);
    if compared.is_ok() {
        index.mark_compared();
        index.mark_built();
    }
    // Also after a part of the work: what was done need not be done again. What cannot be written stays in memory; the
    // folder may have been damaged or deleted under the open store, which a fresh opening puts right.
    let is_kept = (index.flush().is_ok() && !index.is_apart()) || index.rejoin();
    if let (Ok(IndexSummary { shared: Some(shared), .. }), true) = (&compared, is_kept) {
        index.keep_note(&Note::default().seeing(&shared.segment).taking());
    }
    if compared.is_ok() {
        index.tidy();
    }
    index.keep_soon();
    compared
}

fn compare_all(
    workbench: &Workbench,
    root: &Root,
    index: &Index,
    shared: &SharedSettings,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<IndexSummary, Failure> {
    let mut known = index.known(report);
    let known = known.as_mut().ok_or_else(not_open)?;
    report(Progress { stage: "looking for changed files".to_owned(), done: 0, total: None });
    let walk = workbench.files.walk(root, cancel)?;
    let (notice, read_only) = (known.notice.take(), known.read_only);
    let mut summary = IndexSummary { notice, read_only, ..IndexSummary::default() };
    for (_, why) in &walk.skipped {
        *summary.passed_over.entry(describe(*why)).or_default() += 1;
    }
    let settings = workbench.standing(root).settings;
    let hidden = Arc::new(hidden_files(&settings.run)?);
    index.hide(Some(Arc::clone(&hidden)));
    let limit = settings.index.max_file_bytes;
    let (files, large): (Vec<FileStat>, Vec<FileStat>) = walk.files.into_iter().partition(|stat| stat.size <= limit);
    *summary.passed_over.entry(describe(Skip::Large)).or_default() += large.len();
    let (secret, files): (Vec<FileStat>, Vec<FileStat>) =
        files.into_iter().partition(|stat| is_secret_by_name(&hidden, &stat.path));
    *summary.passed_over.entry(SECRET).or_default() += secret.len();
    summary.passed_over.retain(|_, count| *count > 0);
    let changed: Vec<FileStat> = files.iter().filter(|stat| !is_current(known, stat)).cloned().collect();
    let there: BTreeSet<&RelativePath> = files.iter().map(|stat| &stat.path).collect();
    let removed: Vec<RelativePath> = known.files.keys().filter(|path| !there.contains(path)).cloned().collect();
    let task = Wanted { workbench, root, index, shared, changed: &changed, cancel, report };
    let (given, said) = if known.read_only { (None, None) } else { shared_files(&task, known.files.is_empty())? };
    summary.notice = [summary.notice, said].into_iter().flatten().reduce(|first, second| format!("{first}; {second}"));
    let mut run = Run { workbench, root, index, known, given, hidden, summary, cancel, report };
    run.bring_up_to_date(&changed, removed)?;
    Ok(run.finish())
}

/// Brings the index up to date for `paths`; for none, or for a path that is new, for all: whether a new
/// path is ignored shows only on a walk.
///
/// # Errors
/// As [`index`].
pub fn refresh(
    workbench: &Workbench,
    root: &Root,
    paths: &[RelativePath],
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<IndexSummary, Failure> {
    let index = workbench.index(root);
    match compare_some(workbench, root, &index, paths, cancel, report)? {
        Some(summary) => {
            index.keep_soon();
            Ok(with_notices(workbench, root, &index, summary))
        }
        None => self::index(workbench, root, cancel, report),
    }
}

/// `None` where all files have to be looked at.
fn compare_some(
    workbench: &Workbench,
    root: &Root,
    index: &Index,
    paths: &[RelativePath],
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Option<IndexSummary>, Failure> {
    let mut guard = index.known(report);
    let known = guard.as_mut().ok_or_else(not_open)?;
    let hidden = hidden_here(workbench, root, index)?;
    let seen = |(path, stat): (&RelativePath, Option<FileStat>)| stat.filter(|_| !is_secret_by_name(&hidden, path));
    let stats: Vec<Option<FileStat>> = paths.iter().zip(workbench.files.stat(root, paths)?).map(seen).collect();
    let pairs = || paths.iter().zip(&stats);
    let is_new = |(path, stat): (&RelativePath, &Option<FileStat>)| stat.is_some() && !known.files.contains_key(path);
    if paths.is_empty() || index.is_behind() || pairs().any(is_new) {
        return Ok(None);
    }
    let removed = pairs().filter(|(path, stat)| stat.is_none() && known.files.contains_key(path));
    let removed = removed.map(|(path, _)| path.clone()).collect();
    let changed: Vec<FileStat> = stats.iter().flatten().filter(|stat| !is_current(known, stat)).cloned().collect();
    let summary = IndexSummary::default();
    let mut run = Run { workbench, root, index, known, given: None, hidden, summary, cancel, report };
    run.bring_up_to_date(&changed, removed)?;
    Ok(Some(run.finish()))
}

fn not_open() -> Failure {
    Failure::new(FailureKind::Internal, "the index is not open: run the command again")
}

fn not_written() -> Failure {
    Failure::new(FailureKind::Internal, "the index is not written: see the log and report it")
}

fn is_current(known: &OpenIndex, stat: &FileStat) -> bool {
    // Whether it is a secret is found by reading it, and the settings may be others than when it was read last.
    known.files.get(&stat.path).is_some_and(|record| record.looks_like(stat)) && !may_be_secret(&stat.path)
}

fn describe(skip: Skip) -> &'static str {
    match skip {
        Skip::Name => "with a name that is not utf-8",
        Skip::Unreadable => "unreadable",
        Skip::Large => "too large",
        Skip::Binary | Skip::Generated => BINARY_OR_GENERATED,
        Skip::Special => "special (socket, pipe, device)",
    }
}

const BINARY_OR_GENERATED: &str = "binary or generated";
const SECRET: &str = "secret";

struct Run<'a> {
    workbench: &'a Workbench,
    root: &'a Root,
    index: &'a Index,
    known: &'a mut OpenIndex,
    /// What is taken from where the index is shared.
    given: Option<Offered>,
    hidden: Arc<Patterns>,
    summary: IndexSummary,
    cancel: &'a Cancel,
    report: Report<'a>,
}

impl Run<'_> {
    fn bring_up_to_date(&mut self, changed: &[FileStat], removed: Vec<RelativePath>) -> Result<(), Failure> {
        if self.known.read_only || (changed.is_empty() && removed.is_empty()) {
            return Ok(());
        }
        self.summary.removed = removed.len();
        self.known.files.retain(|path, _| !removed.contains(path));
        self.index.remove(removed);
        let known = std::mem::take(&mut self.known.files);
        let outcome = self.take_all(changed, &known);
        let taken = std::mem::replace(&mut self.known.files, known);
        self.known.files.extend(taken);
        outcome
    }

    /// Prepares what changed on all cores, while another thread writes what is ready.
    fn take_all(&mut self, changed: &[FileStat], known: &BTreeMap<RelativePath, IndexRecord>) -> Result<(), Failure> {
        let (workbench, root, index, cancel) = (self.workbench, self.root, self.index, self.cancel);
        let offered = self.given.take();
        let given = offered.as_ref().map(|offered| &offered.given);
        let hidden = Arc::clone(&self.hidden);
        // Nothing waits in it: who hands over waits until the last batch is written, and so bounds what is in memory.
        let (full, batches) = sync_channel::<()>(0);
        thread::scope(|scope| {
            // What cannot be written stays in memory.
            let writer = scope.spawn(move || batches.iter().for_each(|()| drop(index.flush())));
            let mut done = 0;
            let prepared = fan_out(
                changed,
                cancel,
                |stat| prepare(workbench, root, index, (known, given, &hidden), stat, cancel),
                |prepared| {
                    done += 1;
                    if done % 50 == 0 || done == changed.len() {
                        let stage = "indexing".to_owned();
                        (self.report)(Progress { stage, done, total: Some(changed.len()) });
                    }
                    if self.take(prepared?) < BATCH_CHUNKS { Ok(()) } else { full.send(()).map_err(|_| not_written()) }
                },
            );
            drop(full);
            writer.join().map_err(|_| not_written()).and(prepared)
        })?;
        self.summary.shared = offered.map(|Offered { given, segment }| SharedSummary { taken: given.taken(), segment });
        Ok(())
    }

    /// Takes over a file; how many chunks wait to be written.
    fn take(&mut self, prepared: Prepared) -> usize {
        match prepared {
            Prepared::Same(path, record) => drop(self.known.files.insert(path, record)),
            Prepared::Gone => {}
            Prepared::Unreadable => *self.summary.passed_over.entry(describe(Skip::Unreadable)).or_default() += 1,
            Prepared::Fresh(file, embedded) => {
                self.summary.read += 1;
                self.summary.embedded += embedded;
                self.summary.reused += file.chunks.len() - embedded;
                self.summary.bytes += file.record.size;
                self.known.files.insert(file.path.clone(), file.record.clone());
                return self.index.put(file);
            }
        }
        0
    }

    fn finish(mut self) -> IndexSummary {
        let bare = self.known.files.iter().filter(|(_, record)| record.chunks.is_empty() && record.size > 0);
        let mut count = 0;
        for (path, _) in bare {
            let why = if may_be_secret(path) { SECRET } else { BINARY_OR_GENERATED };
            *self.summary.passed_over.entry(why).or_default() += 1;
            count += 1;
        }
        self.summary.files = self.known.files.len() - count;
        self.summary.root = Some(self.root.clone());
        self.summary
    }
}

fn prepare(
    workbench: &Workbench,
    root: &Root,
    index: &Index,
    (known, given, hidden): (&BTreeMap<RelativePath, IndexRecord>, Option<&Given>, &Patterns),
    stat: &FileStat,
    cancel: &Cancel,
) -> Result<Prepared, Failure> {
    let state = match workbench.files.read(root, &stat.path) {
        Ok(Some(state)) if state.kind != FileKind::Symlink => state,
        Ok(_) => return Ok(Prepared::Gone),
        Err(_) => return Ok(Prepared::Unreadable),
    };
    let record = IndexRecord {
        size: stat.size,
        modified_ns: stat.modified_ns,
        changed_ns: stat.changed_ns,
        content: ContentHash::of(&state.bytes),
        chunks: Vec::new(),
    };
    let before = known.get(&stat.path);
    let same = before.filter(|before| before.content == record.content);
    if let Some(same) = same.filter(|_| !may_be_secret(&stat.path)) {
        return Ok(Prepared::Same(stat.path.clone(), IndexRecord { chunks: same.chunks.clone(), ..record }));
    }
    let text = text_of(&stat.path, &state.bytes).filter(|text| !is_secret(hidden, &stat.path, text.as_bytes()));
    let text = text.filter(|text| !text.trim().is_empty());
    // By other settings what is no secret now may have been one.
    if let Some(same) = same.filter(|same| same.chunks.is_empty() == text.is_none()) {
        return Ok(Prepared::Same(stat.path.clone(), IndexRecord { chunks: same.chunks.clone(), ..record }));
    }
    let Some(text) = text else {
        return Ok(Prepared::Fresh(FileChunks { path: stat.path.clone(), record, chunks: Vec::new() }, 0));
    };
    if let Some(chunks) =
        given.and_then(|given| given.take(&stat.path, record.content, &text, &patience(workbench, cancel)))
    {
        let record = IndexRecord { chunks: chunks.iter().map(|(chunk, _)| chunk.hash()).collect(), ..record };
        return Ok(Prepared::Fresh(FileChunks { path: stat.path.clone(), record, chunks }, 0));
    }
    let chunks = chunk_text(&stat.path, &text, &patience(workbench, cancel)).chunks;
    embed(workbench, index, &stat.path, before, record, chunks)
}

/// Embeds the chunks whose hashes the index does not have of this file.
fn embed(
    workbench: &Workbench,
    index: &Index,
    path: &RelativePath,
    before: Option<&IndexRecord>,
    mut record: IndexRecord,
    chunks: Vec<Chunk>,
) -> Result<Prepared, Failure> {
    record.chunks = chunks.iter().map(Chunk::hash).collect();
    let mut vectors: BTreeMap<ContentHash, Vec<f32>> = BTreeMap::new();
    if let Some(before) = before {
        let kept = record.chunks.iter().filter(|hash| before.chunks.contains(hash));
        vectors.extend(kept.filter_map(|hash| Some((*hash, index.vector_of(path, *hash)?))));
    }
    let fresh: Vec<(ContentHash, &Chunk)> =
        record.chunks.iter().copied().zip(&chunks).filter(|(hash, _)| !vectors.contains_key(hash)).collect();
    let texts: Vec<(&RelativePath, &Chunk)> = fresh.iter().map(|(_, chunk)| (path, *chunk)).collect();
    let embedded = workbench.embedder.embed(&texts)?;
    if embedded.len() != fresh.len() {
        let what = format!("the embedder gave {} vectors for {} chunks", embedded.len(), fresh.len());
        return Err(Failure::new(FailureKind::Unavailable, what));
    }
    let count = fresh.len();
    vectors.extend(fresh.into_iter().map(|(hash, _)| hash).zip(embedded));
    let with_vector = |(hash, chunk): (&ContentHash, Chunk)| vectors.get(hash).map(|vector| (chunk, vector.clone()));
    let chunks = record.chunks.iter().zip(chunks).filter_map(with_vector).collect();
    Ok(Prepared::Fresh(FileChunks { path: path.clone(), record, chunks }, count))
}
