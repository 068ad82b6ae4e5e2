//! Everything that is open at one moment, as one JSON value, for frontends that show it beside the text: the workspaces
//! and how they stand, what is proposed, what waits for an answer, what can be undone, what runs. It says nothing that
//! diagnostics and code actions do not say too; `docs/protocol.md` has its form.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::actions::terms;
use super::contents::{Side, content_uri};
use super::event::{Ask, Event, Outcome, Update};
use super::notices::first_line;
use super::order::Target;
use super::state::{OpenReview, Pending, State, Workspace};
use crate::changes::{ChangeKind, FileReview, HunkId, HunkState, describe_checks};
use crate::policy::Trust;
use crate::text::{Edit, Range};
use crate::workspace::{RunsLater, file_uri};

/// Whether what follows from `event` may show in the overview. What it makes to be published counts besides.
pub(super) fn shows_in_overview(event: &Event) -> bool {
    match event {
        Event::Asked { ask: Ask::Command { name, .. }, .. } => {
            !matches!(name.as_str(), "tagout.overview" | "tagout.diff" | "tagout.search" | "tagout.pack")
        }
        Event::Job { update: Update::Ended(outcome), .. } => {
            !matches!(**outcome, Ok(Outcome::Found(_) | Outcome::Packed(_) | Outcome::Named(_)))
        }
        // A document may be called otherwise than its file.
        Event::Opened { .. } | Event::Closed { .. } | Event::Saved { .. } | Event::Agreed { .. } => true,
        Event::StateChanged | Event::Touched { .. } => true,
        Event::FoldersChanged { .. } | Event::FilesChanged { .. } | Event::EditAnswered { .. } => true,
        Event::Job { .. }
        | Event::Asked { .. }
        | Event::Withdrawn { .. }
        | Event::Configured(_)
        | Event::Changed { .. }
        | Event::Noticed(_)
        | Event::StopRequested { .. }
        | Event::Tick => false,
    }
}

impl State {
    /// What is open now.
    pub(super) fn overview(&self) -> Value {
        let applied = self.workspaces.iter().flat_map(|workspace| {
            let root = workspace.root.as_path();
            let one = move |(id, title): &_| json!({ "changeset": id, "root": root, "title": title });
            workspace.stance.applied.iter().map(one)
        });
        let titled = |(id, title): (_, Option<&String>)| title.map(|title| json!({ "job": id, "title": title }));
        let jobs = self.jobs.iter().map(|(id, job)| (id.0, job.title.as_ref())).filter_map(titled);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "workspaces": self.workspaces.iter().map(workspace_view).collect::<Vec<_>>(),
            "changes": self.reviews.iter().map(|open| self.review_view(open)).collect::<Vec<_>>(),
            "questions": self.pending.values().map(question_view).collect::<Vec<_>>(),
            "applied": applied.collect::<Vec<_>>(),
            "jobs": jobs.collect::<Vec<_>>(),
        })
    }

    fn review_view(&self, open: &OpenReview) -> Value {
        let changeset = open.review.changeset();
        let files: Vec<Value> =
            open.review.files().iter().enumerate().map(|(index, file)| self.file_view(open, index, file)).collect();
        json!({
            "changeset": changeset.id.as_str(),
            "root": open.root.as_path(),
            "title": changeset.origin.describe(),
            "checks": describe_checks(&changeset.lineage.checks),
            "pending": open.review.count_pending(),
            "stale": files.iter().filter_map(|file| file["stale"].as_u64()).sum::<u64>(),
            "files": files,
        })
    }

    fn file_view(&self, open: &OpenReview, index: usize, file: &FileReview) -> Value {
        let id = &open.review.changeset().id;
        let uri = match self.target(&open.root, file.path()) {
            Target::Document(uri) => uri.0,
            Target::File(path) => file_uri::uri_of(&path),
        };
        let side = |side| content_uri(id, index, side, file.path());
        let kind = file.change().kind();
        let waiting = self.pending_hunks(open, index, file).into_iter();
        let waiting: BTreeMap<usize, (Range, Option<Edit>)> =
            waiting.map(|(id, range, edit)| (id.hunk, (range, edit))).collect();
        let hunk = |at: usize| hunk_view(open, HunkId { file: index, hunk: at }, file, &waiting);
        let count = |fits: &dyn Fn(usize) -> bool| (0..file.hunks().len()).filter(|hunk| fits(*hunk)).count();
        json!({
            "file": index,
            "path": file.path().as_str(),
            "kind": kind_name(kind),
            "pending": count(&|hunk| file.waits(hunk)),
            "stale": count(&|hunk| file.is_stale(hunk)),
            "runsLater": file.runs_later().map(RunsLater::describe),
            "left": if kind == ChangeKind::Create { side(Side::Before) } else { uri.clone() },
            "right": side(Side::After),
            "uri": uri,
            "hunks": (0..file.hunks().len()).map(hunk).collect::<Vec<_>>(),
        })
    }
}

fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Create => "create",
        ChangeKind::Delete => "delete",
        ChangeKind::Edit => "edit",
    }
}

fn hunk_view(
    open: &OpenReview,
    id: HunkId,
    file: &FileReview,
    waiting: &BTreeMap<usize, (Range, Option<Edit>)>,
) -> Value {
    let state = match file.hunks().get(id.hunk).map(|(_, state)| *state) {
        Some(HunkState::Accepted) => "accepted",
        Some(HunkState::Rejected) => "rejected",
        _ if open.in_flight.contains(&id) => "in-flight",
        _ if file.is_stale(id.hunk) => "stale",
        _ if file.waits(id.hunk) => "pending",
        // Somebody else made the very same change.
        _ => "made",
    };
    let here = waiting.get(&id.hunk);
    let edit = here.and_then(|(_, edit)| edit.as_ref());
    let removed = |edit: &Edit| {
        let text = file.expected().and_then(|state| state.as_text());
        text.and_then(|text| text.get(edit.span.start..edit.span.end)).map_or(0, |text| text.lines().count())
    };
    let title = edit.map_or_else(|| "the whole file".to_owned(), |edit| first_line(&edit.replacement));
    json!({
        "hunk": id.hunk,
        "state": state,
        "range": here.map(|(range, _)| range_view(*range)),
        "title": title,
        "removed": edit.map(removed),
        "added": edit.map(|edit| edit.replacement.lines().count()),
    })
}

/// As the protocol has ranges (LSP 3.17, "Range"), in the agreed encoding.
fn range_view(range: Range) -> Value {
    let position = |at: crate::text::Position| json!({ "line": at.line, "character": at.character });
    json!({ "start": position(range.start), "end": position(range.end) })
}

fn workspace_view(workspace: &Workspace) -> Value {
    let stance = &workspace.stance;
    let trust = match stance.trust {
        Trust::Trusted => "trusted",
        Trust::Changed => "changed",
        Trust::Untrusted => "untrusted",
    };
    let settings = stance.settings.as_ref().map(|settings| {
        let names: Vec<&str> = settings.files.iter().map(|(name, _)| name.as_str()).collect();
        json!({ "hash": settings.hash().to_string(), "files": names })
    });
    let (state, message) = match (&workspace.indexed, workspace.refreshing.job) {
        (None, _) => ("busy", String::new()),
        (Some(Ok(files)), None) => ("ready", format!("{files} files")),
        (Some(Ok(files)), Some(_)) => ("busy", format!("{files} files")),
        (Some(Err(why)), _) => ("failed", why.clone()),
    };
    json!({
        "root": workspace.root.as_path(),
        "folder": workspace.given,
        "name": workspace.root.name(),
        "mode": stance.mode,
        "trust": trust,
        "settings": settings,
        "index": { "state": state, "message": message },
    })
}

fn question_view(pending: &Pending) -> Value {
    let terms: Vec<Value> =
        terms(pending).into_iter().map(|(term, title)| json!({ "term": term, "title": title })).collect();
    json!({
        "decision": pending.judgement.question,
        "root": pending.root.as_path(),
        "what": pending.judgement.action.describe(),
        "reason": pending.reason(),
        "terms": terms,
    })
}
