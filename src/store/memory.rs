//! The index in memory: the same behaviour as the one on disk, for tests and for folders that cannot be written.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use super::rows::check_vectors;
use crate::ports::{Failure, FileChunks, OpenIndex, Store};
use crate::retrieve::{Candidate, Candidates, StoreQuery, StoredChunk, cosine, index_terms};
use crate::syntax::Chunk;
use crate::workspace::{ContentHash, RelativePath};

/// Keeps everything in memory, and looks at all of it for each query.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<BTreeMap<RelativePath, FileChunks>>);

impl MemoryStore {
    fn all<T>(&self, look: impl FnOnce(&BTreeMap<RelativePath, FileChunks>) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    fn open(&self) -> Result<OpenIndex, Failure> {
        let files = self.all(|files| files.iter().map(|(path, file)| (path.clone(), file.record.clone())).collect());
        Ok(OpenIndex { files, notice: None, read_only: false })
    }

    fn vectors(&self, path: &RelativePath) -> Result<BTreeMap<ContentHash, Vec<f32>>, Failure> {
        let of = |file: &FileChunks| file.chunks.iter().map(|(chunk, vector)| (chunk.hash(), vector.clone())).collect();
        Ok(self.all(|files| files.get(path).map(of).unwrap_or_default()))
    }

    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure> {
        check_vectors(&files)?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for path in removed {
            all.remove(path);
        }
        all.extend(files.into_iter().map(|file| (file.path.clone(), file)));
        Ok(())
    }

    fn candidates(&self, query: &StoreQuery) -> Result<Candidates, Failure> {
        Ok(self.all(|files| {
            let rows: Vec<(&RelativePath, &Chunk, f32)> = files
                .values()
                .flat_map(|file| file.chunks.iter().map(move |(chunk, vector)| (&file.path, chunk, vector)))
                .map(|(path, chunk, vector)| (path, chunk, cosine(&query.vector, vector)))
                .collect();
            let mut chosen = nearest(&rows, query);
            chosen.extend(with_terms(&rows, query));
            chosen.extend(with_names(&rows, query));
            chosen.sort_unstable();
            chosen.dedup();
            let candidate = |&(path, chunk, similarity): &(&RelativePath, &Chunk, f32)| Candidate {
                stored: StoredChunk { path: path.clone(), chunk: chunk.clone() },
                similarity,
            };
            let found = chosen.into_iter().filter_map(|at| rows.get(at)).map(candidate).collect();
            Candidates { found, total: rows.len() }
        }))
    }

    fn compact(&self) -> Result<(), Failure> {
        Ok(())
    }
}

type Rows<'a> = [(&'a RelativePath, &'a Chunk, f32)];

/// Places of the `limit` best by `score`, those without any left out.
fn best(limit: usize, scores: impl Iterator<Item = f32>) -> Vec<usize> {
    let mut scored: Vec<(usize, f32)> = scores.enumerate().filter(|(_, score)| *score > 0.0).collect();
    scored.sort_by(|left, right| right.1.total_cmp(&left.1));
    scored.into_iter().take(limit).map(|(at, _)| at).collect()
}

fn nearest(rows: &Rows<'_>, query: &StoreQuery) -> Vec<usize> {
    if query.vector.iter().all(|value| *value == 0.0) {
        return Vec::new();
    }
    // Shifted, so that the nearest of vectors that all point away count too.
    best(query.limit, rows.iter().map(|(_, _, similarity)| similarity + 2.0))
}

/// By the sum of the rarities of the terms met.
#[allow(clippy::cast_precision_loss, reason = "counts of chunks in memory are small")]
fn with_terms(rows: &Rows<'_>, query: &StoreQuery) -> Vec<usize> {
    let met = |(path, chunk, _): &(&RelativePath, &Chunk, f32)| -> Vec<usize> {
        let terms: std::collections::HashSet<String> = index_terms(path, chunk).into_iter().collect();
        query.terms.iter().enumerate().filter(|(_, term)| terms.contains(*term)).map(|(at, _)| at).collect()
    };
    let met: Vec<Vec<usize>> = rows.iter().map(met).collect();
    let mut having: HashMap<usize, f32> = HashMap::new();
    met.iter().flatten().for_each(|term| *having.entry(*term).or_default() += 1.0);
    let rarity = |term: &usize| (1.0 + rows.len() as f32 / having.get(term).copied().unwrap_or(1.0)).ln();
    best(query.limit, met.iter().map(|terms| terms.iter().map(rarity).sum()))
}

fn with_names(rows: &Rows<'_>, query: &StoreQuery) -> Vec<usize> {
    let lower: Vec<String> =
        rows.iter().map(|(_, chunk, _)| chunk.symbol.as_deref().unwrap_or_default().to_lowercase()).collect();
    let names = || query.names.iter().filter(|name| !name.is_empty());
    let whole = |symbol: &String| names().any(|name| name == symbol);
    let begun = |symbol: &String| names().any(|name| symbol != name && symbol.starts_with(name.as_str()));
    let places = |wanted: &dyn Fn(&String) -> bool| -> Vec<usize> {
        let found = lower.iter().enumerate().filter(|(_, symbol)| wanted(symbol));
        found.map(|(at, _)| at).take(query.limit).collect()
    };
    places(&whole).into_iter().chain(places(&begun)).collect()
}
