//! The review of one file's change while the file goes on being edited: hunks that wait move with the text around them,
//! and one whose own lines changed is stale until they are back.

use super::{FileChange, Hunk, HunkState};
use crate::text::{Edit, Span, apply_edits};
use crate::workspace::{FileState, RelativePath, RunsLater};

/// The review of one file's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReview {
    change: FileChange,
    runs_later: Option<RunsLater>,
    /// The file before the change, with what was accepted of it: what the hunks that wait are over.
    anchor: Option<FileState>,
    /// The file as it is now.
    current: Option<FileState>,
    hunks: Vec<(Hunk, HunkState)>,
    /// For each hunk that waits where it stands in the file as it is now.
    places: Vec<Place>,
}

/// Where a hunk that waits stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In a text, so.
    At(Edit),
    /// The file as a whole is what it is over.
    Whole,
    /// Somebody else made the very same change.
    Made,
    /// What it would change is something else now.
    Gone,
}

impl FileReview {
    pub(super) fn new(change: FileChange) -> Self {
        let hunks: Vec<_> = change.hunks().into_iter().map(|hunk| (hunk, HunkState::Pending)).collect();
        let (anchor, current) = (change.before.clone(), change.before.clone());
        let runs_later = change.runs_later();
        let mut review = Self { change, runs_later, anchor, current, hunks, places: Vec::new() };
        review.place();
        review
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &RelativePath {
        &self.change.path
    }

    /// The change as it was proposed.
    #[must_use]
    pub fn change(&self) -> &FileChange {
        &self.change
    }

    /// Who runs the path's content later, if anyone.
    #[must_use]
    pub fn runs_later(&self) -> Option<RunsLater> {
        self.runs_later
    }

    /// Each hunk and its state.
    #[must_use]
    pub fn hunks(&self) -> &[(Hunk, HunkState)] {
        &self.hunks
    }

    /// What the file holds, as it was seen last.
    #[must_use]
    pub fn expected(&self) -> Option<&FileState> {
        self.current.as_ref()
    }

    /// Where hunk `index` stands in the file as it is now, and what would replace it; `None` for a whole-file hunk, and
    /// for one that stands nowhere.
    #[must_use]
    pub fn located(&self, index: usize) -> Option<&Edit> {
        if let Some(Place::At(edit)) = self.places.get(index) { Some(edit) } else { None }
    }

    /// Whether hunk `index` waits for a decision: one that somebody else made does not.
    #[must_use]
    pub fn waits(&self, index: usize) -> bool {
        self.is(index, |place| *place != Place::Made)
    }

    /// Whether hunk `index` waits and cannot be accepted as the file is now.
    #[must_use]
    pub fn is_stale(&self, index: usize) -> bool {
        self.is(index, |place| *place == Place::Gone)
    }

    fn is(&self, index: usize, fits: impl Fn(&Place) -> bool) -> bool {
        let pending = self.hunks.get(index).is_some_and(|(_, state)| *state == HunkState::Pending);
        pending && self.places.get(index).is_some_and(fits)
    }

    /// Takes note that the file is `now`: hunks move with the text, stale ones come back with theirs. Whether it was
    /// another one before.
    pub fn see(&mut self, now: Option<FileState>) -> bool {
        let differs = self.current != now;
        if differs {
            self.current = now;
            self.place();
        }
        differs
    }

    pub(super) fn reopen(&mut self, now: Option<FileState>) {
        let rejected = self.hunks.iter().map(|(_, state)| *state == HunkState::Rejected).collect::<Vec<_>>();
        *self = Self::new(self.change.clone());
        for ((_, state), rejected) in self.hunks.iter_mut().zip(rejected) {
            *state = if rejected { HunkState::Rejected } else { HunkState::Pending };
        }
        self.current = now;
        self.place();
    }

    fn place(&mut self) {
        if self.change.texts().is_none() {
            let place = match &self.current {
                now if *now == self.anchor => Place::Whole,
                now if *now == self.change.after => Place::Made,
                _ => Place::Gone,
            };
            self.places = vec![place; self.hunks.len()];
            return;
        }
        let (anchor, current) = (self.anchor.as_ref(), self.current.as_ref());
        let same_kind = anchor.map(|state| state.kind) == current.map(|state| state.kind);
        let texts = anchor.and_then(FileState::as_text).zip(current.and_then(FileState::as_text));
        let waiting = |(hunk, state): &(Hunk, HunkState)| hunk.edit.clone().filter(|_| *state == HunkState::Pending);
        let waiting = self.hunks.iter().map(waiting);
        self.places = match texts.filter(|_| same_kind) {
            Some((anchor, current)) if anchor == current => {
                waiting.map(|edit| edit.map_or(Place::Gone, Place::At)).collect()
            }
            Some((anchor, current)) => moved(waiting, anchor, current),
            None => vec![Place::Gone; self.hunks.len()],
        };
    }

    /// The file with every hunk made that waits and can be accepted as the file is now, `None` when there is then no file.
    #[must_use]
    pub fn proposed(&self) -> Option<FileState> {
        self.with(|hunk| self.waits(hunk) && !self.is_stale(hunk))
    }

    /// The file with the hunks `picked` made, `None` when there is then no file.
    pub(super) fn with(&self, picked: impl Fn(usize) -> bool) -> Option<FileState> {
        let picked = || (0..self.hunks.len()).filter(|index| picked(*index));
        if self.change.texts().is_none() {
            return if picked().next().is_none() { self.current.clone() } else { self.change.after.clone() };
        }
        let edits: Vec<Edit> = picked().filter_map(|index| self.located(index).cloned()).collect();
        edited(self.current.as_ref(), &edits)
    }

    /// Sets the hunks `marked`, ascending, to `state`; what is accepted is in the file.
    pub(super) fn mark(&mut self, marked: &[usize], state: HunkState) {
        if state == HunkState::Accepted {
            self.take(marked);
        }
        for index in marked {
            if let Some((_, old)) = self.hunks.get_mut(*index) {
                *old = state;
            }
        }
        self.place();
    }

    /// Makes the accepted hunks part of what the others are over.
    fn take(&mut self, accepted: &[usize]) {
        let is_accepted = |index: usize| accepted.binary_search(&index).is_ok();
        self.current = self.with(is_accepted);
        if self.change.texts().is_none() {
            self.anchor.clone_from(&self.current);
            return;
        }
        let (mut removed, mut added) = (0, 0);
        let mut edits = Vec::with_capacity(accepted.len());
        for (index, (hunk, state)) in self.hunks.iter_mut().enumerate() {
            let Some(edit) = &mut hunk.edit else { continue };
            if *state == HunkState::Pending && is_accepted(index) {
                edits.push(edit.clone());
                removed += edit.span.len();
                added += edit.replacement.len();
            } else {
                edit.span = shifted(edit.span, removed, added);
            }
        }
        self.anchor = edited(self.anchor.as_ref(), &edits);
    }
}

/// Whether all of `change` stands in a file that is `now`, maybe beside what others wrote.
#[must_use]
pub fn is_made(change: &FileChange, now: FileState) -> bool {
    let over = |change: FileChange| {
        let mut review = FileReview::new(change);
        review.see(Some(now.clone()));
        review
    };
    let made = over(change.clone());
    if (0..made.hunks.len()).all(|hunk| !made.waits(hunk)) {
        return true;
    }
    // What was written right beside a hunk is one with it, seen from before; where the hunk can be taken back it stands.
    let back = FileChange { path: change.path.clone(), before: change.after.clone(), after: change.before.clone() };
    let back = over(back);
    (0..back.hunks.len()).all(|hunk| back.located(hunk).is_some())
}

fn edited(state: Option<&FileState>, edits: &[Edit]) -> Option<FileState> {
    let state = state?;
    // They come from diffs of this very text, so they are sorted, disjoint and inside it.
    let text = apply_edits(state.as_text()?, edits).ok()?;
    Some(FileState { kind: state.kind, bytes: text.into_bytes() })
}

/// `span` behind edits that removed and added so many bytes.
fn shifted(span: Span, removed: usize, added: usize) -> Span {
    let start = span.start + added - removed;
    Span::new(start, start + span.len())
}

/// Where each of the edits of `anchor`, sorted and disjoint, stands in `current`. One whose own lines are others there
/// is gone, and so is an insertion where something else was inserted: which comes first is not for us to say.
fn moved(edits: impl Iterator<Item = Option<Edit>>, anchor: &str, current: &str) -> Vec<Place> {
    let made: Vec<Edit> = Hunk::between(anchor, current).into_iter().filter_map(|hunk| hunk.edit).collect();
    let mut made = made.iter().peekable();
    let (mut removed, mut added) = (0, 0);
    let mut joined_at = None;
    let mut place = |edit: Edit| {
        while let Some(before) = made.next_if(|one| is_before(one.span, edit.span)) {
            removed += before.span.len();
            added += before.replacement.len();
            joined_at = Some(before.span.end).filter(|_| joins(&before.replacement));
        }
        match made.peek() {
            Some(one) if **one == edit => Place::Made,
            _ if joined_at == Some(edit.span.start) => Place::Gone,
            Some(one) if one.span.start == edit.span.end && joins(&edit.replacement) => Place::Gone,
            Some(one) if !is_before(edit.span, one.span) => Place::Gone,
            Some(_) | None => Place::At(Edit { span: shifted(edit.span, removed, added), ..edit }),
        }
    };
    edits.map(|edit| edit.map_or(Place::Gone, &mut place)).collect()
}

/// Whether what follows `text` at once would be on its last line.
fn joins(text: &str) -> bool {
    !text.is_empty() && !text.ends_with('\n')
}

/// Whether `one` ends before `other` begins; two empty ones at one place do not.
fn is_before(one: Span, other: Span) -> bool {
    one.end <= other.start && one != other
}

#[cfg(test)]
mod tests;
