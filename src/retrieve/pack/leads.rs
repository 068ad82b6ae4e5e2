//! What a search found for a task, and what its words name, with how much each is worth.

use std::collections::BTreeMap;

use super::super::{Answer, Catalogue, Known, Name};
use super::Wanted;
use super::markdown::code;

/// Definitions of one name at most: of a name with more it is not known which is meant.
const MOST_TWINS: usize = 12;
/// Answers of each search whose text may be taken.
const TEXTS: usize = 60;
/// What is worth as much as a definition that the task names.
const NAMED: f32 = 1.5;
/// What the best answer of each search is worth: tasks are about files first.
const BEST_OF_FILES: f32 = 1.0;
const BEST_OF_BEHAVIOURS: f32 = 0.7;
/// Places in the order of answers after which worth is half of the best's.
const HALF: f32 = 5.0;

/// Something that may be taken, and why.
#[derive(Debug, Clone)]
pub(super) struct Lead<T> {
    pub(super) what: T,
    /// About 0 to 2.
    pub(super) worth: f32,
    pub(super) reason: String,
}

/// What there is to begin with.
#[derive(Debug, Default)]
pub(super) struct Leads<'a> {
    /// Chunks, by number.
    pub(super) chunks: BTreeMap<u32, Lead<u32>>,
    /// Files, by path; with the answers in each, best first.
    pub(super) files: BTreeMap<&'a str, Lead<Vec<u32>>>,
}

impl<'a> Leads<'a> {
    fn chunk(&mut self, chunk: u32, worth: f32, reason: String) {
        let lead = self.chunks.entry(chunk).or_insert(Lead { what: chunk, worth: -1.0, reason: String::new() });
        if worth > lead.worth {
            (lead.worth, lead.reason) = (worth, reason);
        }
    }

    fn file(&mut self, path: &'a str, worth: f32, reason: String) -> &mut Vec<u32> {
        let lead = self.files.entry(path).or_insert(Lead { what: Vec::new(), worth: -1.0, reason: String::new() });
        if worth > lead.worth {
            (lead.worth, lead.reason) = (worth, reason);
        }
        &mut lead.what
    }

    /// Takes in the answers of one search.
    fn answers(&mut self, catalogue: &'a Catalogue, answers: &[Answer], best: f32) {
        let mut place = 0.0_f32;
        for (at, answer) in answers.iter().enumerate() {
            let Some(known) = catalogue.known(answer.chunk) else { continue };
            let worth = best / (1.0 + place / HALF);
            let reason = |what| format!("{what} the task (score {:.2})", answer.score);
            let inside = self.file(known.path, worth, reason("may be about"));
            if !inside.contains(&answer.chunk) {
                inside.push(answer.chunk);
            }
            if at < TEXTS {
                self.chunk(answer.chunk, worth, reason("answers"));
            }
            place += 1.0;
        }
    }
}

/// Everything to begin with for a task.
pub(super) fn leads<'a>(catalogue: &'a Catalogue, wanted: &Wanted<'_>) -> Leads<'a> {
    let mut leads = Leads::default();
    leads.answers(catalogue, wanted.files, BEST_OF_FILES);
    leads.answers(catalogue, wanted.behaviours, BEST_OF_BEHAVIOURS);
    for name in &wanted.question.names {
        let twins = definitions(catalogue, name);
        // Of several it is not sure that each is meant.
        let worth = (1..twins.len()).fold(NAMED, |worth, _| worth * 0.9);
        for (chunk, known) in twins {
            let reason = format!("defines {}, named in the task", code(known.symbol.unwrap_or(&name.name)));
            leads.file(known.path, worth, reason.clone()).insert(0, chunk);
            leads.chunk(chunk, worth, reason);
        }
    }
    for path in named_files(catalogue, &wanted.question.text) {
        leads.file(path, NAMED, "named in the task".to_owned());
    }
    leads
}

/// What a name in the task means, in the order of paths: definitions within what was named before it, where there are
/// any; none where there are too many.
fn definitions<'a>(catalogue: &'a Catalogue, name: &Name) -> Vec<(u32, Known<'a>)> {
    let known = |chunk: u32| Some((chunk, catalogue.known(chunk)?));
    let found: Vec<(u32, Known<'_>)> = named_exactly(catalogue, &name.name).into_iter().filter_map(known).collect();
    let within: Vec<(u32, Known<'_>)> = match name.qualifier.as_deref() {
        Some(qualifier) => found.iter().filter(|(_, known)| is_within(known, qualifier)).cloned().collect(),
        None => Vec::new(),
    };
    let mut found = if within.is_empty() { found } else { within };
    found.sort_by(|(_, left), (_, right)| (left.path, left.span).cmp(&(right.path, right.span)));
    if found.len() > MOST_TWINS { Vec::new() } else { found }
}

/// Chunks whose symbol is `name`, but for case where none has it as it is written; none where there are very many.
pub(super) fn named_exactly(catalogue: &Catalogue, name: &str) -> Vec<u32> {
    let lower = name.to_lowercase();
    let mut found = catalogue.named(name, MOST_TWINS * 4);
    // Those with the very name come first: so many of them, and there may be more.
    let symbol = |chunk: &u32| catalogue.known(*chunk).and_then(|known| known.symbol);
    found.retain(|chunk| symbol(chunk).is_some_and(|symbol| symbol.to_lowercase() == lower));
    if found.len() >= MOST_TWINS * 4 {
        return Vec::new();
    }
    let exact: Vec<u32> = found.iter().copied().filter(|chunk| symbol(chunk) == Some(name)).collect();
    if exact.is_empty() { found } else { exact }
}

fn is_within(known: &Known<'_>, qualifier: &str) -> bool {
    let in_path = known.path.split('/').any(|part| part.split('.').next() == Some(qualifier));
    known.parent.is_some_and(|parent| {
        parent.split(|at: char| !(at.is_alphanumeric() || at == '_')).any(|part| part == qualifier)
    }) || in_path
}

/// The files whose paths, or ends of paths, stand in the task; a name that many files have means none of them.
fn named_files<'a>(catalogue: &'a Catalogue, text: &str) -> Vec<&'a str> {
    let words = text.split_whitespace().map(|word| word.trim_matches(|at: char| !at.is_alphanumeric() && at != '_'));
    let words: Vec<&str> = words.filter(|word| word.len() > 2 && word.contains(['.', '/'])).collect();
    let mut named = Vec::new();
    for word in words {
        let ends = |path: &&str| path.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        let found: Vec<&str> = catalogue.files().map(|(path, _)| path).filter(ends).take(MOST_TWINS + 1).collect();
        if found.len() <= MOST_TWINS {
            named.extend(found);
        }
    }
    named
}
