//! The files of a workspace, read and parsed as far as a question needs them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem;

use super::super::super::Workbench;
use super::super::fan_out::fan_out;
use super::super::patience::patience;
use super::where_named::{files_defining, files_with};
use super::{CodeItem, CodePlace, Spot, SymbolTask};
use crate::ports::{Cancel, Failure};
use crate::retrieve::{Family, Source};
use crate::syntax::{Defined, HEAD_BYTES, Language, Names, knows_names, looks_generated, names_of};
use crate::text::{Range, Snapshot, Span};
use crate::workspace::{RelativePath, Root};

/// Files that are parsed for one question.
const MOST_PARSED: usize = 4_000;

/// How long one question may take, in milliseconds; what is found by then is the answer.
const LONGEST_MS: i64 = 15_000;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file that was read and parsed.
pub(super) struct Parsed {
    pub(super) root: Root,
    pub(super) path: RelativePath,
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) names: Names,
    snapshot: Snapshot,
}

impl Parsed {
    /// The text as the pure rooms take it.
    pub(super) fn source(&self) -> Source<'_> {
        Source { path: &self.path, language: self.language, text: &self.text, names: &self.names }
    }

    /// The name at an occurrence, without what marks its kind.
    pub(super) fn name(&self, index: usize) -> &str {
        let span = self.names.occurrences.get(index).map_or(Span::new(0, 0), |occurrence| occurrence.span);
        self.text.get(span.start..span.end).unwrap_or_default().trim_start_matches([':', '@', '$'])
    }
}

/// Files by workspace and path; `None` for what is no text of a known language.
type Kept = BTreeMap<(Root, RelativePath), Option<Arc<Parsed>>>;

/// What one question reads.
pub(super) struct Library<'a> {
    workbench: &'a Workbench,
    task: &'a SymbolTask,
    cancel: &'a Cancel,
    kept: Mutex<Kept>,
    parsed: AtomicUsize,
    begun_ms: i64,
    cut: Mutex<Option<String>>,
}

impl<'a> Library<'a> {
    /// A library for `task` in which nothing is read yet.
    pub(super) fn new(workbench: &'a Workbench, task: &'a SymbolTask, cancel: &'a Cancel) -> Self {
        let (kept, parsed, cut) = (Mutex::default(), AtomicUsize::new(0), Mutex::default());
        Self { workbench, task, cancel, kept, parsed, begun_ms: workbench.clock.now_ms(), cut }
    }

    /// Why the answer is not whole.
    pub(super) fn cut(&self) -> Option<String> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why the answer is not whole; the first reason stays.
    pub(super) fn note_cut(&self, why: &str) {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| why.to_owned());
    }

    /// The workspaces, `first` before the others.
    pub(super) fn roots(&self, first: &Root) -> Vec<Root> {
        let others = self.task.roots.iter().filter(|root| *root != first).cloned();
        std::iter::once(first.clone()).chain(others).collect()
    }

    /// Says when the question was cancelled.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.cancel.check()
    }

    /// Whether there is neither time nor room for another file.
    fn is_spent(&self) -> bool {
        if self.workbench.clock.now_ms() - self.begun_ms > LONGEST_MS {
            self.note_cut("looking took longer than 15 seconds");
        } else if self.parsed.load(Ordering::Relaxed) >= MOST_PARSED {
            self.note_cut("more than 4,000 files have the name");
        } else {
            return false;
        }
        true
    }

    /// The file at `path`, parsed once for the whole question; `None` when it is no text of a known language.
    pub(super) fn open(&self, root: &Root, path: &RelativePath) -> Option<Arc<Parsed>> {
        let key = (root.clone(), path.clone());
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        kept.unwrap_or_else(|| {
            let parsed = self.text(root, path).and_then(|text| self.parse(root, path, text)).map(Arc::new);
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, parsed.clone());
            parsed
        })
    }

    /// The file of a spot, and the index of the name there.
    pub(super) fn at(&self, spot: &Spot) -> Option<(Arc<Parsed>, usize)> {
        let parsed = self.open(&spot.root, &spot.path)?;
        if !knows_names(parsed.language) {
            return None;
        }
        let at = parsed.snapshot.offset(spot.position, self.task.encoding);
        let index = parsed.names.at(at)?;
        Some((parsed, index))
    }

    /// The text in the editor, else on disk; a file that went meanwhile has none.
    fn text(&self, root: &Root, path: &RelativePath) -> Option<String> {
        let open = self.task.open.iter().find(|open| open.root == *root && open.path == *path);
        if let Some(open) = open {
            return Some(open.text.clone());
        }
        let disk = self.workbench.files.read(root, path).ok().flatten()?;
        let text = disk.as_text()?;
        Some(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).to_owned())
    }

    fn parse(&self, root: &Root, path: &RelativePath, text: String) -> Option<Parsed> {
        let language = Language::detect(path, &text)?;
        self.parsed.fetch_add(1, Ordering::Relaxed);
        let names = names_of(language, &text, &patience(self.workbench, self.cancel)).ok()?;
        let snapshot = Snapshot::from(text.as_str());
        Some(Parsed { root: root.clone(), path: path.clone(), language, text, names, snapshot })
    }

    /// What `look` sees in each file of `root` that has `name` as a whole word, in a language of `family`.
    pub(super) fn in_files_with<T: Send>(
        &self,
        root: &Root,
        family: Family,
        name: &str,
        look: impl Fn(Parsed) -> Vec<T> + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut paths = files_with(self.workbench, root, family, name, &self.task.open, self.cancel)?;
        let open = self.task.open.iter().filter(|open| open.root == *root).map(|open| open.path.clone());
        paths.extend(open);
        paths.sort();
        paths.dedup();
        let mut found: Vec<T> = Vec::new();
        let read = |path: &RelativePath| {
            let is_open = self.task.open.iter().any(|open| open.root == *root && open.path == *path);
            let text = self.text(root, path).filter(|text| has_word(text, name))?;
            let head = text.get(..text.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
            if !is_open && looks_generated(path, head) || self.is_spent() {
                return None;
            }
            self.parse(root, path, text).filter(|parsed| Family::of(parsed.language) == family).map(&look)
        };
        fan_out(&paths, self.cancel, read, |seen| {
            found.extend(seen.into_iter().flatten());
            Ok(())
        })?;
        Ok(found)
    }

    /// The files of `root` that the index knows to define `name`, in a language of `family`.
    pub(super) fn defining(&self, root: &Root, family: Family, name: &str) -> Result<Vec<Arc<Parsed>>, Failure> {
        let paths = files_defining(self.workbench, root, name, &self.task.open, self.cancel)?;
        let parsed = paths.iter().filter_map(|path| self.open(root, path));
        Ok(parsed.filter(|parsed| Family::of(parsed.language) == family).collect())
    }

    /// Where `span` of a file is.
    pub(super) fn place(&self, parsed: &Parsed, span: Span) -> CodePlace {
        CodePlace { root: parsed.root.clone(), path: parsed.path.clone(), range: self.range(parsed, span) }
    }

    /// The positions of `span`.
    pub(super) fn range(&self, parsed: &Parsed, span: Span) -> Range {
        parsed.snapshot.range(span, self.task.encoding)
    }

    /// A definition to show.
    pub(super) fn item(&self, parsed: &Parsed, defined: &Defined) -> CodeItem {
        CodeItem {
            name: defined.name.clone(),
            kind: defined.kind,
            container: defined.parent.clone(),
            detail: defined.signature.clone(),
            place: self.place(parsed, defined.span),
            name_range: self.range(parsed, defined.name_span),
            inner: Vec::new(),
        }
    }
}

/// Whether `name` stands in `text` with no letter, digit or underscore beside it.
fn has_word(text: &str, name: &str) -> bool {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    memmem::find_iter(text.as_bytes(), name).any(|at| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_alone() {
        assert!(has_word("a.join(b)", "join") && has_word("join", "join") && has_word("$x;", "x"));
        assert!(!has_word("rejoin joined join_all", "join") && !has_word("", "join"));
        assert!(has_word("joined 😀join😀", "join") && !has_word("éjoin", "join"));
    }
}
