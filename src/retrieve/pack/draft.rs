//! What was taken so far: file by file, with the tokens that it takes as Markdown.

use std::collections::{BTreeMap, HashMap};

use super::markdown;
use super::tokens::estimated_tokens;
use super::{Item, Level, Pack};

/// Blank lines over which two texts that follow each other in a file become one.
const GAP: u32 = 2;
/// Fewer lines of a text say too little.
const FEWEST_LINES: usize = 3;

/// A text of a file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The chunk that it is, or is part of.
    pub(super) chunk: u32,
    pub(super) item: Item,
}

/// What was taken of one file; by where it starts in the file, in bytes.
#[derive(Debug, Clone, Default)]
struct FileDraft {
    language: &'static str,
    texts: BTreeMap<usize, Piece>,
    signatures: BTreeMap<usize, Item>,
    map: Option<Item>,
    tokens: usize,
}

/// Everything that was taken.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    files: HashMap<&'a str, FileDraft>,
    /// The files in the order in which they came.
    order: Vec<&'a str>,
    /// Tokens of all files, and how many of them are maps, which share a heading.
    tokens: usize,
    maps: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub(super) fn has_text(&self, path: &str, start: usize) -> bool {
        self.files.get(path).is_some_and(|file| file.texts.contains_key(&start))
    }

    pub(super) fn has_signature(&self, path: &str, start: usize) -> bool {
        self.files.get(path).is_some_and(|file| file.signatures.contains_key(&start))
    }

    /// Takes the names of a file of which nothing was taken; `false`, and nothing taken, where it does not fit.
    pub(super) fn map(&mut self, path: &'a str, item: Item, budget: usize) -> bool {
        self.changed((path, ""), budget, |file| file.map = Some(item))
    }

    /// Takes a signature, likewise.
    pub(super) fn signature(&mut self, file: (&'a str, &'static str), start: usize, item: Item, budget: usize) -> bool {
        self.changed(file, budget, |file| {
            file.signatures.insert(start, item);
        })
    }

    /// Takes a text, likewise; its signature is in it.
    pub(super) fn text(&mut self, file: (&'a str, &'static str), start: usize, piece: Piece, budget: usize) -> bool {
        self.changed(file, budget, |file| {
            file.signatures.remove(&start);
            file.texts.insert(start, piece);
        })
    }

    /// Takes as many lines of a text as fit, around the line `line` of it. More room always gives the same lines and more.
    pub(super) fn part(
        &mut self,
        file: (&'a str, &'static str),
        start: usize,
        piece: Piece,
        line: usize,
        budget: usize,
    ) -> bool {
        let lines: Vec<&str> = piece.item.text.split_inclusive('\n').collect();
        let part = |count: usize| part_of(&piece, &lines, line, count);
        let (mut fits, mut fits_not) = (FEWEST_LINES - 1, lines.len());
        // Lines cost something each, so what fits is found by halving.
        while fits_not.saturating_sub(fits) > 1 {
            let middle = usize::midpoint(fits, fits_not);
            let is_apart = self.is_apart(file.0, &part(middle));
            if is_apart && self.costs(file, |own| own.take_text(start, part(middle))) <= budget {
                fits = middle;
            } else {
                fits_not = middle;
            }
        }
        fits >= FEWEST_LINES && self.text(file, start, part(fits), budget)
    }

    /// Whether a text shares no line with any other of its file.
    fn is_apart(&self, path: &str, piece: &Piece) -> bool {
        let own = &piece.item.lines;
        let apart = |other: &Piece| other.item.lines.end <= own.start || own.end <= other.item.lines.start;
        self.files.get(path).is_none_or(|file| file.texts.values().all(apart))
    }

    /// What everything would cost after a change of one file.
    fn costs(&self, (path, language): (&'a str, &'static str), change: impl FnOnce(&mut FileDraft)) -> usize {
        let (_, tokens, _) = self.after(path, language, change);
        tokens
    }

    /// A file after a change, what everything then costs, and how many maps there are.
    fn after(
        &self,
        path: &'a str,
        language: &'static str,
        change: impl FnOnce(&mut FileDraft),
    ) -> (FileDraft, usize, usize) {
        let before = self.files.get(path);
        let mut file = before.cloned().unwrap_or_default();
        change(&mut file);
        if !(file.texts.is_empty() && file.signatures.is_empty()) {
            (file.map, file.language) = (None, language);
        }
        file.tokens = estimated_tokens(&file.markdown(path));
        let was_map = before.is_some_and(|before| before.map.is_some());
        let maps = self.maps + usize::from(file.map.is_some()) - usize::from(was_map);
        let tokens = self.tokens - before.map_or(0, |before| before.tokens) + file.tokens;
        let all = tokens + if maps > 0 { markdown::map_tokens() } else { 0 };
        (file, all, maps)
    }

    fn changed(
        &mut self,
        (path, language): (&'a str, &'static str),
        budget: usize,
        change: impl FnOnce(&mut FileDraft),
    ) -> bool {
        let (file, all, maps) = self.after(path, language, change);
        if all > budget {
            return false;
        }
        let now = file.tokens;
        let before = self.files.insert(path, file);
        if before.is_none() {
            self.order.push(path);
        }
        self.tokens = self.tokens - before.map_or(0, |before| before.tokens) + now;
        self.maps = maps;
        true
    }

    /// The pack.
    pub(super) fn finished(self) -> Pack {
        let files: Vec<(&str, &FileDraft)> =
            self.order.iter().filter_map(|path| Some((*path, self.files.get(path)?))).collect();
        let (maps, full): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, file)| file.map.is_some());
        let lines: Vec<String> = maps.iter().map(|(path, file)| file.markdown(path)).collect();
        let markdown = markdown::whole(full.iter().map(|(path, file)| file.markdown(path)), &lines);
        let items = full.iter().chain(&maps).flat_map(|(_, file)| file.items()).collect();
        Pack { items, tokens: estimated_tokens(&markdown), markdown }
    }
}

impl FileDraft {
    fn take_text(&mut self, start: usize, piece: Piece) {
        self.signatures.remove(&start);
        self.texts.insert(start, piece);
    }

    /// What was taken: the texts, those that follow each other as one, then the signatures; or the map.
    fn items(&self) -> Vec<Item> {
        let mut merged: Vec<Piece> = Vec::new();
        for next in self.texts.values() {
            match merged.last_mut() {
                Some(last) if follows(last, next) => *last = joined(last, next),
                Some(_) | None => merged.push(next.clone()),
            }
        }
        let texts = merged.into_iter().map(|piece| piece.item);
        texts.chain(self.signatures.values().cloned()).chain(self.map.clone()).collect()
    }

    fn markdown(&self, path: &str) -> String {
        match &self.map {
            Some(map) => markdown::map_line(map),
            None => markdown::file(path, self.language, &self.items()),
        }
    }
}

/// Whether two texts are to be one: nothing but blanks is between them, or they share a line.
fn follows(last: &Piece, next: &Piece) -> bool {
    let whole = last.item.level == Level::Whole && next.item.level == Level::Whole;
    let near = next.chunk == last.chunk.saturating_add(1) && next.item.lines.start <= last.item.lines.end + GAP;
    (whole && near) || next.item.lines.start < last.item.lines.end
}

fn joined(last: &Piece, next: &Piece) -> Piece {
    let (first, second) = (&last.item, &next.item);
    let blank = match second.lines.start.checked_sub(first.lines.end) {
        Some(gap) => "\n".repeat(gap as usize + usize::from(!first.text.ends_with('\n'))),
        None if first.text.ends_with(char::is_whitespace) => String::new(),
        None => " ".to_owned(),
    };
    let text = format!("{}{blank}{}", first.text, second.text);
    let mut reason = first.reason.clone();
    if !reason.split("; ").any(|known| known == second.reason) {
        reason = format!("{reason}; {}", second.reason);
    }
    let item = Item {
        path: first.path.clone(),
        parent: first.parent.clone().filter(|parent| second.parent.as_ref() == Some(parent)),
        lines: first.lines.start..first.lines.end.max(second.lines.end),
        level: first.level.max(second.level),
        tokens: estimated_tokens(&text),
        text,
        reason,
        score: first.score.max(second.score),
    };
    Piece { chunk: next.chunk, item }
}

/// `count` lines of a text, taken in turn after and before the line `line`; where one end is reached, at the other.
fn part_of(piece: &Piece, lines: &[&str], line: usize, count: usize) -> Piece {
    let line = line.min(lines.len().saturating_sub(1));
    let after = lines.len() - line;
    // Of `count` lines the larger half is the line and what is after it.
    let below = count.div_ceil(2).min(after).max(count.saturating_sub(line));
    let from = line - (count.saturating_sub(below)).min(line);
    let text: String = lines.get(from..(from + count).min(lines.len())).unwrap_or_default().concat();
    let start = piece.item.lines.start.saturating_add(u32::try_from(from).unwrap_or(u32::MAX));
    let end = start.saturating_add(u32::try_from(text.lines().count()).unwrap_or(u32::MAX)).min(piece.item.lines.end);
    let tokens = estimated_tokens(&text);
    let item = Item { lines: start..end, level: Level::Part, text, tokens, ..piece.item.clone() };
    Piece { chunk: piece.chunk, item }
}
