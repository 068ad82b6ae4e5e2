//! What is shown at a document: a notice for each hunk that waits, and for each action that waits.

use std::collections::BTreeSet;

use super::documents::Document;
use super::order::{Notice, Order, Target};
use super::state::{OpenReview, State};
use crate::changes::{ChangeKind, FileReview, HunkId, describe_checks};
use crate::text::{Edit, Position, Range, Snapshot, Span};
use crate::workspace::{DocumentUri, RelativePath, Root};

/// The documents whose notices may be others than those published last.
#[derive(Debug)]
pub(super) enum Touched {
    /// These.
    These(BTreeSet<Target>),
    /// Any.
    All,
}

impl Default for Touched {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl State {
    /// The notices of each document that an event touched, where they differ from those published last. Those that are
    /// gone come first: a document that was just opened is the file that had them before.
    pub(super) fn publish(&mut self) -> Vec<Order> {
        let targets = match std::mem::take(&mut self.touched) {
            Touched::These(targets) => targets,
            Touched::All => self.targets(),
        };
        let (mut gone, mut fresh) = (Vec::new(), Vec::new());
        for target in targets {
            let notices = self.notices_at(&target);
            if notices.is_empty() {
                gone.extend(self.published.remove(&target).map(|_| Order::Publish(target, notices)));
            } else if self.published.get(&target) != Some(&notices) {
                self.published.insert(target.clone(), notices.clone());
                fresh.push(Order::Publish(target, notices));
            }
        }
        gone.extend(fresh);
        gone
    }

    /// Says that the notices at a file may be others by now.
    pub(super) fn touch(&mut self, root: &Root, path: &RelativePath) {
        let target = self.target(root, path);
        self.touch_target(target);
    }

    /// Says that the notices at these files of the proposal under review may be others by now.
    pub(super) fn touch_files(&mut self, root: &Root, paths: &[RelativePath]) {
        paths.iter().for_each(|path| self.touch(root, path));
    }

    /// Says that a document was opened or changed, or is about to be closed.
    pub(super) fn touch_document(&mut self, uri: &DocumentUri) {
        self.touch_target(Target::Document(uri.clone()));
        let Some((root, path)) = self.documents.get(uri).and_then(|document| document.place.clone()) else { return };
        // The notices are at the first document there, and without one at the file.
        let others: Vec<Target> =
            self.documents.at(&root, &path).map(|(uri, _)| Target::Document(uri.clone())).collect();
        let file = Target::File(self.named(&root).join(path.as_str()));
        others.into_iter().chain([file]).for_each(|target| self.touch_target(target));
    }

    /// Says that what waits in a workspace for a decision is something else by now, which all its documents show.
    pub(super) fn touch_documents(&mut self, root: &Root) {
        let inside = self.documents.iter().filter(|(_, document)| in_workspace(document, root));
        let targets: Vec<Target> = inside.map(|(uri, _)| Target::Document(uri.clone())).collect();
        targets.into_iter().for_each(|target| self.touch_target(target));
    }

    fn touch_target(&mut self, target: Target) {
        match &mut self.touched {
            Touched::These(targets) => _ = targets.insert(target),
            Touched::All => {}
        }
    }

    /// Everything that has notices or may have.
    fn targets(&self) -> BTreeSet<Target> {
        let paths = |open: &OpenReview| -> Vec<Target> {
            open.review.files().iter().map(|file| self.target(&open.root, file.path())).collect()
        };
        let settings = self.workspaces.iter().filter_map(|workspace| self.setting_notices(workspace));
        let documents = self.documents.iter().map(|(uri, _)| Target::Document(uri.clone()));
        let published = self.published.keys().cloned();
        let targets = self.reviews.iter().flat_map(paths).chain(settings.map(|(target, _)| target));
        targets.chain(documents).chain(published).collect()
    }

    /// What is to be shown at a document: hunks, what is wrong with settings, and what waits for a decision.
    fn notices_at(&self, target: &Target) -> Vec<Notice> {
        let mut notices = Vec::new();
        for open in &self.reviews {
            let path = self.path_of(target, &open.root);
            if let Some((index, file)) = path.as_ref().and_then(|path| open.file(path)) {
                notices.extend(self.notices(open, index, file));
            }
        }
        let settings = self.workspaces.iter().filter_map(|workspace| self.setting_notices(workspace));
        notices.extend(settings.filter(|(at, _)| at == target).flat_map(|(_, notices)| notices));
        let Target::Document(uri) = target else { return notices };
        let Some(document) = self.documents.get(uri) else { return notices };
        for pending in self.pending.values().filter(|pending| in_workspace(document, &pending.root)) {
            let message = format!("tagout: waits for your decision: {}", pending.judgement.action.describe());
            notices.push(Notice { range: Range::default(), message });
        }
        notices
    }

    /// The path in the workspace at `root` whose notices are shown at `target`.
    fn path_of(&self, target: &Target, root: &Root) -> Option<RelativePath> {
        let path = match target {
            Target::Document(uri) => {
                let (_, path) = self.documents.get(uri)?.place.clone().filter(|(workspace, _)| workspace == root)?;
                path
            }
            Target::File(path) => RelativePath::from_path(path.strip_prefix(self.named(root)).ok()?).ok()?,
        };
        (self.target(root, &path) == *target).then_some(path)
    }

    /// One notice for each pending hunk of a file.
    pub(super) fn notices(&self, open: &OpenReview, index: usize, file: &FileReview) -> Vec<Notice> {
        let changeset = open.review.changeset();
        let checks =
            describe_checks(&changeset.lineage.checks).map_or_else(String::new, |checks| format!("; {checks}"));
        let origin = format!("{}{checks}", changeset.origin.describe());
        let pending = self.pending_hunks(open, index, file);
        let later = file.runs_later().map_or_else(String::new, |who| format!("; runs later: {}", who.describe()));
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

fn in_workspace(document: &Document, root: &Root) -> bool {
    document.place.as_ref().is_some_and(|(workspace, _)| workspace == root)
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
pub(super) fn first_line(replacement: &str) -> String {
    const LONGEST: usize = 80;
    let line = replacement.lines().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "lines removed".to_owned(), |line| line.chars().take(LONGEST).collect())
}
