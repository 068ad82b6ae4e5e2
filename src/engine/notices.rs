//! What is shown at a document: a notice for each hunk that waits, and for each action that waits.

use std::collections::BTreeMap;

use super::order::{Notice, Order, Target};
use super::state::{OpenReview, State};
use crate::changes::{ChangeKind, FileReview, HunkId, describe_checks};
use crate::text::{Edit, Position, Range, Snapshot, Span};

impl State {
    /// The notices of each document where they differ from those published last.
    pub(super) fn publish(&mut self) -> Vec<Order> {
        let mut notices: BTreeMap<Target, Vec<Notice>> = BTreeMap::new();
        for open in &self.reviews {
            for (index, file) in open.review.files().iter().enumerate() {
                let found = self.notices(open, index, file);
                if !found.is_empty() {
                    notices.entry(self.target(&open.root, file.path())).or_default().extend(found);
                }
            }
        }
        for (target, found) in self.workspaces.iter().filter_map(|workspace| self.setting_notices(workspace)) {
            notices.entry(target).or_default().extend(found);
        }
        for pending in self.pending.values() {
            let message = format!("tagout: waits for your decision: {}", pending.judgement.action.describe());
            for (uri, document) in self.documents.iter() {
                let place = document.path.as_deref().and_then(|path| self.locate(path));
                if place.is_some_and(|(workspace, _)| workspace.root == pending.root) {
                    let notice = Notice { range: Range::default(), message: message.clone() };
                    notices.entry(Target::Document(uri.clone())).or_default().push(notice);
                }
            }
        }
        let gone = self.published.keys().filter(|target| !notices.contains_key(target));
        let gone = gone.map(|target| (target.clone(), Vec::new()));
        let fresh = notices.iter().filter(|(target, notices)| self.published.get(target) != Some(notices));
        let fresh = fresh.map(|(target, notices)| (target.clone(), notices.clone()));
        // First: a file that was opened goes by the same URI as the document, whose notices would be taken away again.
        let orders = gone.chain(fresh).map(|(target, notices)| Order::Publish(target, notices)).collect();
        self.published = notices;
        orders
    }

    /// One notice for each pending hunk of a file.
    fn notices(&self, open: &OpenReview, index: usize, file: &FileReview) -> Vec<Notice> {
        let changeset = open.review.changeset();
        let checks =
            describe_checks(&changeset.lineage.checks).map_or_else(String::new, |checks| format!("; {checks}"));
        let origin = format!("{}{checks}", changeset.origin.describe());
        let pending = self.pending_hunks(open, index, file);
        let later = file.change().runs_later();
        let later = later.map_or_else(String::new, |who| format!("; runs later: {}", who.describe()));
        let message = |edit: &Option<Edit>| match edit {
            None => format!("tagout: proposed {} of this file ({origin}){later}", whole(file.change().kind())),
            Some(edit) => format!("tagout: proposed change: {} ({origin}){later}", first_line(&edit.replacement)),
        };
        let mut notices: Vec<Notice> =
            pending.into_iter().map(|(_, range, edit)| Notice { range, message: message(&edit) }).collect();
        let stale = (0..file.hunks().len()).filter(|hunk| file.is_stale(*hunk)).count();
        if stale > 0 {
            let hunks = if stale == 1 { "1 hunk is".to_owned() } else { format!("{stale} hunks are") };
            let message = format!(
                "tagout: stale: what {hunks} about changed since the proposal ({origin}): undo that, or make it again"
            );
            notices.push(Notice { range: Range::default(), message });
        }
        notices
    }

    /// The hunks of a file that could be accepted now, with the range each stands at.
    pub(super) fn pending_hunks(
        &self,
        open: &OpenReview,
        index: usize,
        file: &FileReview,
    ) -> Vec<(HunkId, Range, Option<Edit>)> {
        let expected = file.expected();
        let text = expected.and_then(|state| state.as_text()).unwrap_or_default();
        // An open document may lack the byte order mark that the disk has.
        let (shift, text) = match self.open_at(&open.root, file.path()) {
            Some((_, document))
                if !document.text.chunks().next().is_some_and(|chunk| chunk.starts_with('\u{feff}')) =>
            {
                text.strip_prefix('\u{feff}').map_or((0, text), |rest| ('\u{feff}'.len_utf8(), rest))
            }
            _ => (0, text),
        };
        let snapshot = Snapshot::from(text);
        let hunks = (0..file.hunks().len()).filter(|hunk| file.waits(*hunk) && !file.is_stale(*hunk));
        hunks
            .map(|hunk| {
                let edit = file.located(hunk).cloned();
                let moved = |span: Span| Span::new(span.start.saturating_sub(shift), span.end.saturating_sub(shift));
                let range =
                    edit.as_ref().map_or_else(Range::default, |edit| shown(&snapshot, moved(edit.span), self.encoding));
                (HunkId { file: index, hunk }, range, edit)
            })
            .collect()
    }
}

fn whole(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "creation",
        ChangeKind::Delete => "deletion",
        ChangeKind::Edit => "replacement",
    }
}

/// The range of a hunk so that it does not reach into the line after it.
fn shown(text: &Snapshot, span: Span, encoding: crate::text::Encoding) -> Range {
    let range = text.range(span, encoding);
    if range.end.character > 0 || range.end.line <= range.start.line {
        return range;
    }
    let line = range.end.line - 1;
    let end = text.position(text.offset(Position { line, character: u32::MAX }, encoding), encoding);
    Range { start: range.start, end }
}

/// The first line of a replacement, shortened, for a notice.
fn first_line(replacement: &str) -> String {
    const LONGEST: usize = 80;
    let line = replacement.lines().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "lines removed".to_owned(), |line| line.chars().take(LONGEST).collect())
}
