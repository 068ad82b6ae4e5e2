//! What can be done at a place, answered from memory.

use serde_json::json;

use super::order::{ActionItem, ActionKind};
use super::recipes::{fits_session, smallest_rule};
use super::state::{OpenReview, Pending, State, Workspace};
use crate::changes::Selection;
use crate::policy::{Mode, Trust};
use crate::refactor::Paths;
use crate::syntax::Language;
use crate::text::{Position, Range, Span};
use crate::workspace::{DocumentUri, RelativePath};

/// A comment with this word proposes a rewrite: `tagout: rewrite PATTERN => REPLACEMENT`.
const DIRECTIVE: &str = "tagout: rewrite ";

fn item(title: impl Into<String>, kind: ActionKind, command: &'static str, argument: serde_json::Value) -> ActionItem {
    ActionItem { title: title.into(), kind, command, argument }
}

impl State {
    /// Every action at `range` of `uri`.
    pub(super) fn actions(&self, uri: &DocumentUri, range: Range) -> Vec<ActionItem> {
        let place = self.documents.get(uri).and_then(|document| self.locate(document.path.as_deref()?));
        let Some((workspace, path)) = place else { return Vec::new() };
        let mut actions = Vec::new();
        for pending in self.pending.values().filter(|pending| pending.root == workspace.root) {
            decision_actions(pending, &mut actions);
        }
        let mut reviews: Vec<&OpenReview> = self.reviews.iter().filter(|open| open.root == workspace.root).collect();
        // The proposal at hand comes first: with a hunk here, then with the file, then the rest.
        reviews.sort_by_key(|open| std::cmp::Reverse(self.nearness(open, &path, range)));
        for open in reviews {
            self.review_actions(open, &path, range, &mut actions);
        }
        actions.extend(self.directive(uri, workspace, &path, range));
        self.recipe_actions(uri, workspace, &path, &mut actions);
        for given in self.given.iter().filter(|given| given.root == workspace.root) {
            let argument = json!({ "root": given.root.as_path(), "grant": given.name });
            let title = format!("tagout: take back the approval: {}", given.what);
            actions.push(item(title, ActionKind::Source, "tagout.revoke", argument));
        }
        workspace_actions(workspace, &mut actions);
        if self.last_output.is_some() {
            let title = "tagout: show the output of the last command";
            actions.push(item(title, ActionKind::Source, "tagout.showOutput", json!({})));
        }
        actions
    }

    /// The proposed change at `position`, as a diff in Markdown.
    pub(super) fn hover(&self, uri: &DocumentUri, position: Position) -> Option<String> {
        let (workspace, path) = self.locate(self.documents.get(uri)?.path.as_deref()?)?;
        let text = &self.documents.get(uri)?.text;
        for open in self.reviews.iter().filter(|open| open.root == workspace.root) {
            if let Some((index, file)) = open.file(&path) {
                let hunks = self.pending_hunks(open, index, file).into_iter();
                let here = |range: &Range| range.start.line <= position.line && position.line <= range.end.line;
                for (_, range, edit) in hunks.filter(|(_, range, _)| here(range)) {
                    let Some(edit) = edit else { continue };
                    let prefixed =
                        |sign: &str, text: &str| text.lines().map(|line| format!("{sign}{line}\n")).collect::<String>();
                    let removed = prefixed("-", &text.slice(text.span(range, self.encoding)));
                    let added = prefixed("+", &edit.replacement);
                    let origin = open.review.changeset().origin.describe();
                    return Some(format!("tagout proposes ({origin}):\n```diff\n{removed}{added}```"));
                }
            }
        }
        None
    }

    /// How near a proposal is to a place: 2 for a hunk in the range, 1 for the same file.
    fn nearness(&self, open: &OpenReview, path: &RelativePath, range: Range) -> u8 {
        open.file(path).map_or(0, |(index, file)| {
            let hunks = self.pending_hunks(open, index, file);
            if hunks.iter().any(|(_, at, _)| meets(*at, range)) { 2 } else { 1 }
        })
    }

    fn review_actions(&self, open: &OpenReview, path: &RelativePath, range: Range, actions: &mut Vec<ActionItem>) {
        let changeset = open.review.changeset();
        let id = changeset.id.as_str();
        let mut push =
            |title: String, command, argument| actions.push(item(title, ActionKind::QuickFix, command, argument));
        if let Some((index, file)) = open.file(path) {
            for (hunk, at, _) in self.pending_hunks(open, index, file) {
                if meets(at, range) {
                    let argument = json!({ "changeset": id, "file": hunk.file, "hunk": hunk.hunk });
                    push("tagout: accept this hunk".to_owned(), "tagout.accept", argument.clone());
                    push("tagout: reject this hunk".to_owned(), "tagout.reject", argument);
                }
            }
            let pending = open.review.pending(Selection::File(index));
            if !pending.is_empty() {
                let argument = json!({ "changeset": id, "file": index });
                if !pending.iter().any(|id| open.review.is_stale(*id)) {
                    push("tagout: accept all hunks in this file".to_owned(), "tagout.accept", argument.clone());
                }
                push("tagout: reject all hunks in this file".to_owned(), "tagout.reject", argument);
            }
        }
        let count = open.review.count_pending();
        let what = changeset.origin.describe();
        let argument = json!({ "changeset": id });
        if !open.review.has_stale() {
            push(
                format!("tagout: accept the whole changeset ({count} hunks): {what}"),
                "tagout.accept",
                argument.clone(),
            );
        }
        push(format!("tagout: reject the whole changeset ({count} hunks): {what}"), "tagout.reject", argument.clone());
        push("tagout: run the checks over this changeset".to_owned(), "tagout.check", argument.clone());
        push(format!("tagout: show the diff of {what}"), "tagout.showDiff", argument);
    }

    /// The recipes that match in this file: for it alone, and for the workspace.
    fn recipe_actions(
        &self,
        uri: &DocumentUri,
        workspace: &Workspace,
        path: &RelativePath,
        actions: &mut Vec<ActionItem>,
    ) {
        let Some(document) = self.documents.get(uri) else { return };
        let root = workspace.root.as_path();
        for (name, title) in workspace.stance.offers.matching(path, &document.text.to_string()) {
            let here = json!({ "root": root, "recipe": name, "paths": [Paths::literal(path.as_str())] });
            let title_here = format!("tagout: propose in this file: {title}");
            actions.push(item(title_here, ActionKind::Refactor, "tagout.recipe", here));
            let title = format!("tagout: propose in the workspace: {title}");
            actions.push(item(title, ActionKind::Refactor, "tagout.recipe", json!({ "root": root, "recipe": name })));
        }
    }

    /// The rewrite that a comment on the first line of `range` asks for.
    fn directive(
        &self,
        uri: &DocumentUri,
        workspace: &Workspace,
        path: &RelativePath,
        range: Range,
    ) -> Option<ActionItem> {
        let text = &self.documents.get(uri)?.text;
        let at = |character| text.offset(Position { line: range.start.line, character }, self.encoding);
        let line = text.slice(Span::new(at(0), at(u32::MAX)));
        let (_, rest) = line.split_once(DIRECTIVE)?;
        let (pattern, replacement) = rest.split_once("=>")?;
        let replacement = replacement.trim().trim_end_matches("*/").trim_end_matches("-->").trim();
        let language = Language::detect(path, "")?;
        let argument = json!({
            "root": workspace.root.as_path(), "language": language.name(), "pattern": pattern.trim(), "replacement": replacement,
        });
        let title = format!("tagout: propose {} → {replacement} in the workspace", pattern.trim());
        Some(item(title, ActionKind::Refactor, "tagout.rewrite", argument))
    }
}

/// The answers to a question: once, for this session, for good, no.
fn decision_actions(pending: &Pending, actions: &mut Vec<ActionItem>) {
    let what = format!("{} ({})", pending.judgement.action.describe(), pending.reason());
    let mut push =
        |title: String, command, argument| actions.push(item(title, ActionKind::QuickFix, command, argument));
    let question = &pending.judgement.question;
    for (term, title) in terms(pending) {
        // The last one names its rule, which says more than the action.
        let about = if term == "always" { String::new() } else { format!(": {what}") };
        push(format!("tagout: {title}{about}"), "tagout.approve", json!({ "decision": question, "term": term }));
    }
    push(format!("tagout: deny: {what}"), "tagout.deny", json!({ "decision": question }));
}

/// For how long a yes to a question may hold, by the name of the term, and what people read of it.
pub(super) fn terms(pending: &Pending) -> Vec<(&'static str, String)> {
    let mut terms = vec![("once", "approve once".to_owned())];
    if fits_session(&pending.judgement) {
        terms.push(("session", "approve for this session".to_owned()));
    }
    // What would be written is shown before it is.
    if let Some(rule) = smallest_rule(&pending.judgement, "approved") {
        let rule: Vec<&str> = rule.lines().filter(|line| line.contains(" = ") && !line.starts_with("name")).collect();
        terms.push(("always", format!("approve for good, by the rule: {}", rule.join(", "))));
    }
    terms
}

/// Whether the two share a line.
fn meets(one: Range, other: Range) -> bool {
    one.start.line <= other.end.line && other.start.line <= one.end.line
}

fn workspace_actions(workspace: &Workspace, actions: &mut Vec<ActionItem>) {
    let root = workspace.root.as_path();
    let mut push = |title: String, command, argument| actions.push(item(title, ActionKind::Source, command, argument));
    for argv in &workspace.commands {
        let title = format!("tagout: run `{}` in the sandbox", argv.join(" "));
        push(title, "tagout.run", json!({ "root": root, "argv": argv }));
    }
    let mode_now = workspace.stance.mode;
    if let (Trust::Changed | Trust::Untrusted, Some(settings)) = (workspace.stance.trust, &workspace.stance.settings) {
        let names: Vec<&str> = settings.files.iter().map(|(name, _)| name.as_str()).collect();
        let named = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        push(
            format!("tagout: trust this workspace, as its settings are now{named}"),
            "tagout.trust",
            json!({ "root": root, "settings": settings.hash().to_string() }),
        );
    }
    for mode in Mode::ALL.into_iter().filter(|mode| *mode != mode_now) {
        let title = format!("tagout: switch mode from {mode_now} to {mode}");
        push(title, "tagout.setMode", json!({ "root": root, "mode": mode }));
    }
    if mode_now != Mode::ReadOnly {
        push("tagout: undo the last applied changeset".to_owned(), "tagout.undo", json!({ "root": root }));
        for (id, what) in &workspace.stance.applied {
            let argument = json!({ "root": root, "changeset": id });
            push(format!("tagout: undo {what} ({id})"), "tagout.undo", argument);
        }
    }
    push("tagout: show the history".to_owned(), "tagout.history", json!({}));
    push("tagout: show the log".to_owned(), "tagout.log", json!({}));
}
