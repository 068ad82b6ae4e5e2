//! Edits that the editor is asked to make: what it then holds counts, not what it says. What it left out, as its text was
//! another one by then, is asked for again over that text.

use super::order::{EditId, Level, Order, Task};
use super::recipes::{ApplyTask, Granted, Judgement, Purpose, RecordTask};
use super::seeing::held;
use super::state::{InFlight, State};
use crate::changes::{ChangesetId, FileChange, Hunk, HunkId, Selection, is_made};
use crate::text::Range;
use crate::workspace::{DocumentUri, DocumentVersion, FileState};

/// Seconds that an editor has to show the text it claims to have made.
const SHOWN_WITHIN: u32 = 5;
/// Seconds that it has once its text is newer than the one that the edit is over, where nothing came after its answer.
const LEFT_OUT_WITHIN: u32 = 2;
/// Seconds that an editor has to answer an edit at all.
const ANSWERED_WITHIN: u32 = 60;
/// How often an editor is asked again for what it left out before the user is told.
const ASKED_AGAIN: u32 = 3;
/// Of an edit that the editor claims to have made and does not show.
const NOT_SHOWN: Why<'_> =
    Why { what: "the editor did not show the change", next: ": look at the file, then accept it again" };

/// Why an edit came to nothing.
#[derive(Clone, Copy)]
struct Why<'a> {
    what: &'a str,
    /// What the user can do, when nobody asks the editor again.
    next: &'a str,
}

/// An edit as an editor can make it.
struct Prepared {
    document: DocumentUri,
    version: DocumentVersion,
    edits: Vec<(Range, String)>,
    after: FileState,
}

impl State {
    /// Hands an edit to the editor, over the exact text it was made from.
    pub(super) fn ask_editor(&mut self, task: ApplyTask, granted: Granted) -> Vec<Order> {
        let Granted { grant, judgement } = granted;
        let edit = EditId(self.fresh());
        let Some(Prepared { document, version, edits, after }) = self.prepare(&task) else {
            return self.overtaken(&task, judgement);
        };
        if edits.is_empty() {
            let why = "only the byte order mark would change, which editors keep to themselves: close the file first";
            return self.not_made(&task, judgement, why);
        }
        // A second edit would be over a text that the first is about to change.
        if self.in_flight.values().any(|edit| edit.document == document) {
            let why = "another change of this file is being made: accept this one when that is done";
            return self.not_made(&task, judgement, why);
        }
        let granted = Granted { grant, judgement: judgement.clone() };
        let uri = document.clone();
        let in_flight = InFlight { task, judgement, document, after, version, answered: false, waited: 0 };
        self.in_flight.insert(edit, in_flight);
        vec![Order::Edit { edit, uri, version, edits, grant: granted }]
    }

    /// `None` when the document holds something else than the change is over.
    fn prepare(&self, task: &ApplyTask) -> Option<Prepared> {
        let change = task.changes.first()?;
        let (uri, document) = self.open_at(&task.root, &change.path)?;
        let (before, after) = (change.before.as_ref()?, change.after.clone()?);
        if !document.holds(&before.bytes) {
            return None;
        }
        let current = document.text.to_string();
        let wanted = after.as_text()?;
        let wanted =
            if current.starts_with('\u{feff}') { wanted } else { wanted.strip_prefix('\u{feff}').unwrap_or(wanted) };
        let edits = Hunk::between(&current, wanted).into_iter().filter_map(|hunk| hunk.edit);
        let edits = edits.map(|edit| (document.text.range(edit.span, self.encoding), edit.replacement)).collect();
        Some(Prepared { document: uri.clone(), version: document.version, edits, after })
    }

    /// The text changed while the change was judged: nobody was asked yet.
    fn overtaken(&mut self, task: &ApplyTask, judgement: Judgement) -> Vec<Order> {
        let why = Why { what: "the text changed before the editor was asked", next: ": make the proposal again" };
        self.ask_again(task, judgement, why)
    }

    /// What follows from a new text of `document` for the edits that the editor was asked to make there.
    pub(super) fn text_came(&mut self, document: &DocumentUri) -> Vec<Order> {
        let mut orders = self.confirm(document);
        // Texts come in the order in which they were made: what the first one after the answer does not have is not to
        // come any more.
        let left_out = |edit: &InFlight| edit.document == *document && edit.answered && self.is_newer(edit);
        let left_out: Vec<EditId> =
            self.in_flight.iter().filter(|(_, edit)| left_out(edit)).map(|(id, _)| *id).collect();
        orders.extend(left_out.into_iter().flat_map(|id| self.left_out(id, NOT_SHOWN)));
        orders
    }

    /// Settles the edits of `document` whose text is there now: what it holds counts, not what the client says.
    fn confirm(&mut self, document: &DocumentUri) -> Vec<Order> {
        let there = self.in_flight.iter().filter(|(_, edit)| edit.document == *document && self.is_there(edit));
        let there: Vec<EditId> = there.map(|(id, _)| *id).collect();
        let mut orders = Vec::new();
        for InFlight { task, judgement, .. } in
            there.iter().filter_map(|id| self.in_flight.remove(id)).collect::<Vec<_>>()
        {
            orders.extend(self.made(&task));
            orders.push(self.record(task, judgement, None));
        }
        orders
    }

    /// Whether the document holds what the edit was to make: once the editor says that it made it, maybe beside what the
    /// user typed at once.
    fn is_there(&self, edit: &InFlight) -> bool {
        let Some(open) = self.documents.get(&edit.document) else { return false };
        let beside = || {
            let change = edit.task.changes.first();
            let now = held(open, Some(&edit.after));
            change.zip(now).is_some_and(|(change, now)| is_made(change, now))
        };
        open.holds(&edit.after.bytes) || (edit.answered && beside())
    }

    /// Whether the text is newer than the one that the edit is over.
    fn is_newer(&self, edit: &InFlight) -> bool {
        self.documents.get(&edit.document).is_some_and(|open| open.version > edit.version)
    }

    /// What the client said of an edit.
    pub(super) fn edit_answered(&mut self, edit: EditId, applied: bool, reason: Option<String>) -> Vec<Order> {
        let Some(in_flight) = self.in_flight.get_mut(&edit) else { return Vec::new() };
        (in_flight.answered, in_flight.waited) = (true, 0);
        let document = in_flight.document.clone();
        if applied {
            return self.confirm(&document);
        }
        let why = reason.unwrap_or_else(|| "it gave no reason".to_owned());
        let why = format!("the editor did not make the change: {why}");
        if self.in_flight.get(&edit).is_some_and(|edit| self.is_newer(edit)) {
            return self.left_out(edit, Why { what: &why, next: "" });
        }
        self.give_up(edit, &why)
    }

    /// A second has passed: gives up on edits that the editor never showed.
    pub(super) fn tick(&mut self) -> Vec<Order> {
        self.in_flight.values_mut().for_each(|edit| edit.waited += 1);
        // Some editors say that they made an edit that they left out, as its text was an older one.
        let is_left_out = |edit: &InFlight| edit.answered && edit.waited >= LEFT_OUT_WITHIN && self.is_newer(edit);
        let left_out: Vec<EditId> =
            self.in_flight.iter().filter(|(_, edit)| is_left_out(edit)).map(|(id, _)| *id).collect();
        let mut orders: Vec<Order> = left_out.into_iter().flat_map(|id| self.left_out(id, NOT_SHOWN)).collect();
        let is_late = |edit: &InFlight| edit.waited >= if edit.answered { SHOWN_WITHIN } else { ANSWERED_WITHIN };
        let late: Vec<EditId> = self.in_flight.iter().filter(|(_, edit)| is_late(edit)).map(|(id, _)| *id).collect();
        let why = format!("{}{}", NOT_SHOWN.what, NOT_SHOWN.next);
        orders.extend(late.into_iter().flat_map(|id| self.give_up(id, &why)));
        orders
    }

    /// The editor left an edit out, as its text is newer: asks again.
    fn left_out(&mut self, edit: EditId, why: Why<'_>) -> Vec<Order> {
        let Some(InFlight { task, judgement, .. }) = self.in_flight.remove(&edit) else { return Vec::new() };
        self.ask_again(&task, judgement, why)
    }

    /// Lets the hunks of `task` be judged and made again, over the text that is there now, unless the user is to look at
    /// it first.
    fn ask_again(&mut self, task: &ApplyTask, judgement: Judgement, why: Why<'_>) -> Vec<Order> {
        let Why { what, next } = why;
        let Some((proposal, hunks)) = self.left_to_ask(task) else {
            return self.not_made(task, judgement, &format!("{what}{next}"));
        };
        let mut orders = vec![self.record(task.clone(), judgement, Some(format!("{what}; the editor is asked again")))];
        orders.extend(self.let_go(task));
        let hunks = self.still_waiting(&proposal, hunks);
        if hunks.is_empty() {
            // The user made the same change meanwhile.
            orders.extend(self.close_settled());
            return orders;
        }
        match self.accept_hunks(&proposal, hunks) {
            Ok((_, again)) => orders.extend(again),
            Err(failure) => orders.push(Order::Tell(Level::Warning, format!("tagout: {failure}"))),
        }
        orders
    }

    fn still_waiting(&mut self, proposal: &ChangesetId, mut hunks: Vec<HunkId>) -> Vec<HunkId> {
        let waiting = self.review_mut(proposal).map(|open| open.review.pending(Selection::All)).unwrap_or_default();
        hunks.retain(|hunk| waiting.binary_search(hunk).is_ok());
        hunks
    }

    /// The hunks that the editor may be asked for again, each counted.
    fn left_to_ask(&mut self, task: &ApplyTask) -> Option<(ChangesetId, Vec<HunkId>)> {
        let Purpose::Accept { proposal, hunks, .. } = &task.purpose else { return None };
        // The same text under a newer version: it may have been made and undone by the user, who knows better.
        if task.changes.first().is_none_or(|change| self.is_as_before(task, change)) {
            return None;
        }
        let left_out = &mut self.review_mut(proposal)?.left_out;
        let mut most = 0;
        for hunk in hunks {
            let times = left_out.entry(*hunk).or_default();
            *times += 1;
            most = most.max(*times);
        }
        (most <= ASKED_AGAIN).then(|| (proposal.clone(), hunks.clone()))
    }

    fn is_as_before(&self, task: &ApplyTask, change: &FileChange) -> bool {
        let before = change.before.as_ref();
        let open = self.open_at(&task.root, &change.path);
        open.is_none_or(|(_, open)| before.is_some_and(|before| open.holds(&before.bytes)))
    }

    fn give_up(&mut self, edit: EditId, why: &str) -> Vec<Order> {
        let Some(InFlight { task, judgement, .. }) = self.in_flight.remove(&edit) else { return Vec::new() };
        self.not_made(&task, judgement, why)
    }

    fn not_made(&mut self, task: &ApplyTask, judgement: Judgement, why: &str) -> Vec<Order> {
        let record = self.record(task.clone(), judgement, Some(why.to_owned()));
        let mut orders = vec![record, Order::Tell(Level::Warning, format!("tagout: {why}"))];
        orders.extend(self.let_go(task));
        orders
    }

    fn record(&mut self, task: ApplyTask, judgement: Judgement, failure: Option<String>) -> Order {
        let job = self.begin(None, Some(&task.root.clone()));
        Order::Start(job, Task::Record(RecordTask { task, judgement, failure }))
    }
}
