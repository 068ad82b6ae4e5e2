//! A proposal as a patch that `git am` takes, with where it comes from in the trailers of its message.

use super::super::recipes::applied_parts;
use super::events::BatchEvent;
use super::run::{Prepared, Run};
use crate::changes::{Changeset, Checked, Origin, content_hash, render_changeset};
use crate::policy::Action;
use crate::ports::{Entry, Failure, FailureKind};
use crate::refactor::Commit;
use crate::text::visible_line;
use crate::workspace::ContentHash;

/// Records that are looked through for the one that a proposal was applied under.
const LOOKED_THROUGH: usize = 200;

/// Signs of a subject, beyond which git's own tools cut it.
const LONGEST_SUBJECT: usize = 120;

/// Writes the patch of an item where patches are asked for.
pub(super) fn write_patch(
    run: &Run<'_>,
    prepared: &Prepared,
    proposal: &Changeset,
    record: Option<u64>,
) -> Result<(), Failure> {
    let Some(folder) = &run.task.patches else { return Ok(()) };
    let diff = render_changeset(proposal);
    if let Some(line) = diff.lines().find(|line| line.starts_with("Binary files ")) {
        let what = format!("the patch would not hold the whole change: {line}");
        return Err(
            Failure::new(FailureKind::Unavailable, what).hint("leave --patches out, and commit what is applied")
        );
    }
    let text = patch(&message(prepared, proposal, record), &diff);
    let name = format!("{:04}-{}.patch", prepared.number, prepared.item.id);
    let folder = (run.workbench.write_beside)(&run.task.root, folder, &[(&name, &text)])?;
    let path = folder.join(name).to_string_lossy().into_owned();
    (run.emit)(&BatchEvent::Patch { id: prepared.item.id.clone(), path });
    Ok(())
}

/// A message: its subject, and the rest with the trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) body: String,
}

/// The message of the commit of an item that was applied under this record.
pub(super) fn message(prepared: &Prepared, proposal: &Changeset, record: Option<u64>) -> Message {
    let written = match &prepared.item.commit {
        Commit::Titled(text) => text.as_str(),
        Commit::None | Commit::Described => prepared.does.as_str(),
    };
    let (subject, rest) = written.trim().split_once('\n').unwrap_or((written.trim(), ""));
    let subject: String = visible_line(subject.trim()).chars().take(LONGEST_SUBJECT).collect();
    let rest = rest.trim_matches('\n').trim_end();
    let gap = if rest.is_empty() { "" } else { "\n\n" };
    let trailers = trailers(proposal, record);
    Message { subject, body: format!("{rest}{gap}{trailers}") }
}

/// The last record that something of a proposal was applied under, which was not long ago; else that of the command that
/// made it.
///
/// # Errors
/// When the shelf or the ledger cannot be read.
pub(super) fn record(run: &Run<'_>, proposal: &Changeset) -> Result<Option<u64>, Failure> {
    let parts = applied_parts(run.workbench, &run.task.root, &proposal.id)?;
    let contents: Vec<ContentHash> = parts.iter().map(|part| content_hash(&part.changeset.files)).collect();
    let recent = run.workbench.ledger.recent(&run.task.root, LOOKED_THROUGH)?;
    let is_ours = |entry: &&Entry| {
        entry.is_intent() && matches!(&entry.action, Action::Apply { content, .. } if contents.contains(content))
    };
    Ok(recent.iter().rev().find(is_ours).map(|entry| entry.number).or(proposal.lineage.record))
}

/// Where a proposal comes from, as trailers (git-interpret-trailers(1)), one a line.
fn trailers(proposal: &Changeset, record: Option<u64>) -> String {
    let (recipe, parameters) = match &proposal.origin {
        Origin::Recipe { name, parameters } if !parameters.is_empty() => {
            (name.clone(), serde_json::to_string(parameters).ok())
        }
        Origin::Recipe { name, .. } => (name.clone(), None),
        Origin::Rewrite { .. }
        | Origin::Command { .. }
        | Origin::Undo { .. }
        | Origin::Model { .. }
        | Origin::User
        | Origin::Composed { .. } => (proposal.origin.describe(), None),
    };
    let checks: Vec<String> = proposal.lineage.checks.iter().map(Checked::describe).collect();
    let all = [
        ("Tagout-Changeset", Some(proposal.id.to_string())),
        ("Tagout-Recipe", Some(recipe)),
        ("Tagout-Parameters", parameters),
        ("Tagout-Record", record.map(|record| record.to_string())),
        ("Tagout-Checks", Some(checks.join("; ")).filter(|checks| !checks.is_empty())),
    ];
    let lines = all.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}\n", visible_line(&value?))));
    lines.collect()
}

/// A message and a diff as a mail in git's format. It has no date, so that the same plan over the same files writes the
/// same bytes; whoever applies it is dated then.
fn patch(message: &Message, diff: &str) -> String {
    // A line that looks like the begin of the diff would end the message there, and one that looks like a head of the
    // mail would take the place of its own (git-am(1), "Discussion").
    const SIGNS: [&str; 8] = ["---", "diff -", "Index: ", "From ", "-- >8", "From:", "Subject:", "Date:"];
    let ends_message = |line: &str| {
        SIGNS.iter().any(|sign| line.get(..sign.len()).is_some_and(|start| start.eq_ignore_ascii_case(sign)))
    };
    let body: String = message
        .body
        .lines()
        .map(|line| if ends_message(line) { format!(" {line}\n") } else { format!("{line}\n") })
        .collect();
    format!(
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n\
         From: tagout <tagout@localhost>\n\
         Subject: [PATCH] {}\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=UTF-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n\
         {body}\
         ---\n\n\
         {diff}\
         -- \n\
         tagout\n\n",
        message.subject
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::{CheckOutcome, FileChange, Lineage};
    use std::collections::BTreeMap;

    #[test]
    fn trailers_are_one_line_each_whatever_is_in_them() {
        let parameters = BTreeMap::from([("to".to_owned(), "x\nSigned-off-by: me".to_owned())]);
        let check = Checked {
            name: "make\ntest".to_owned(),
            outcome: CheckOutcome::Passed { summary: String::new() },
            level: None,
        };
        let files: Vec<FileChange> = Vec::new();
        let changeset = Changeset::new(Origin::Recipe { name: "r".to_owned(), parameters }, files)
            .with_lineage(Lineage { checks: vec![check], ..Lineage::default() });
        let told = trailers(&changeset, Some(7));
        let wanted = format!(
            "Tagout-Changeset: {}\nTagout-Recipe: r\nTagout-Parameters: {{\"to\":\"x\\nSigned-off-by: me\"}}\n\
             Tagout-Record: 7\nTagout-Checks: make␊test: passed\n",
            changeset.id
        );
        assert_eq!(told, wanted);
    }

    #[test]
    fn no_line_of_a_message_ends_it() {
        let message = Message { subject: "s".to_owned(), body: "--- a\ndiff --git a b\n".to_owned() };
        let text = patch(&message, "diff --git a/x b/x\n");
        assert_eq!(text.lines().filter(|line| line.starts_with("diff --git")).count(), 1);
        assert_eq!(text.lines().filter(|line| line.starts_with("---")).count(), 1);
    }
}
