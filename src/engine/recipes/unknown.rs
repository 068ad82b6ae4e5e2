//! Effects whose end nobody recorded, since the process that had them ended first: looked into, never done again.

use std::collections::BTreeSet;

use super::super::Workbench;
use super::keep::shelve;
use crate::changes::{FileChange, content_hash};
use crate::policy::{Action, Place};
use crate::ports::{Entry, Failure, Phase, Shelved, ShelvedState, Which};
use crate::workspace::{ContentHash, RelativePath, Root};

/// Puts right what a crash cut short in `root`, looks into every effect whose outcome is unknown, and records what is
/// found. Returns it for people.
///
/// # Errors
/// When the record cannot be read or written.
pub fn resolve_unknown(workbench: &Workbench, root: &Root) -> Result<Vec<String>, Failure> {
    // Files that cannot be put right now stay as they are, and are told of again.
    let mut told: Vec<String> = match workbench.files.recover(root) {
        Ok(recovered) => recovered.iter().map(ToString::to_string).collect(),
        Err(failure) => vec![failure.to_string()],
    };
    for intent in workbench.ledger.open_intents(root, std::slice::from_ref(&workbench.session))? {
        if (workbench.is_live)(&intent.session) {
            continue;
        }
        let found = look(workbench, root, &intent.action)?;
        told.push(format!("record {}: {}: {found}", intent.number, intent.action.describe()));
        let resolved = Entry {
            number: 0,
            at_ms: workbench.clock.now_ms(),
            phase: Phase::Resolved,
            outcome: found,
            of: Some(intent.number),
            facts: None,
            session: workbench.session.clone(),
            ..intent
        };
        workbench.ledger.append(root, &resolved)?;
    }
    Ok(told)
}

/// What the world says of an effect that may have happened.
fn look(workbench: &Workbench, root: &Root, action: &Action) -> Result<String, Failure> {
    Ok(match action {
        Action::Run { place: Place::Sandbox, .. } => {
            "tagout ended before it did: if it had begun it ended too, and what it wrote was dropped".to_owned()
        }
        Action::Run { place: Place::Host, .. } => {
            "tagout ended before it did: if it had begun it may have gone on, look at what it does".to_owned()
        }
        Action::Apply { content, paths } => written(workbench, root, content, paths)?,
        Action::SetMode { to, .. } if workbench.modes.mode(root)? == *to => format!("the mode is {to}"),
        Action::SetMode { .. } => "the mode was not changed".to_owned(),
        Action::SetTrust { settings } => {
            let now = workbench.trust.trusted(root)?.map(|record| record.settings);
            if now == *settings { "it was done" } else { "it was not done" }.to_owned()
        }
        Action::SetRules { .. } => "look at the rules: `tagout policy check`".to_owned(),
        Action::Read { .. } | Action::Reach { .. } | Action::Send { .. } => "it may have been done".to_owned(),
    })
}

/// Whether the files are as they were to become, as far as the changesets that are kept tell.
fn written(
    workbench: &Workbench,
    root: &Root,
    content: &ContentHash,
    paths: &[RelativePath],
) -> Result<String, Failure> {
    let Some(Meant { shelved, changes, becomes }) = meant(workbench, root, content, paths)? else {
        return Ok(format!("what was to be written to {} files is not kept: look at them", paths.len()));
    };
    let (mut new, mut old, mut other) = (0_usize, 0_usize, 0_usize);
    for change in &changes {
        match workbench.files.read(root, &change.path) {
            Ok(now) if now == change.after => new += 1,
            Ok(now) if now == change.before => old += 1,
            // What cannot be read is neither what it was nor what it was to become.
            Ok(_) | Err(_) => other += 1,
        }
    }
    Ok(match (new, old, other) {
        (_, 0, 0) => {
            // It was to be shelved after it was written.
            if shelved.changeset.files.len() == changes.len() && shelved.state != becomes {
                let at_ms = workbench.clock.now_ms();
                shelve(workbench, root, &Shelved { state: becomes, at_ms, ..shelved })?;
            }
            "the files are written".to_owned()
        }
        (0, _, 0) => "nothing was written".to_owned(),
        (new, old, other) => {
            format!("{new} files are written, {old} are as before, {other} are neither: look at them")
        }
    })
}

/// Changes that may have been made.
struct Meant {
    /// The changeset that they are of.
    shelved: Shelved,
    changes: Vec<FileChange>,
    /// What it is once they are.
    becomes: ShelvedState,
}

/// The changes of this content: of a kept changeset, made or taken back.
fn meant(
    workbench: &Workbench,
    root: &Root,
    content: &ContentHash,
    paths: &[RelativePath],
) -> Result<Option<Meant>, Failure> {
    let paths: BTreeSet<&RelativePath> = paths.iter().collect();
    for listed in workbench.shelf.history(root, Which::default())?.listed {
        // What is damaged is not what was meant, or is not to be told.
        let Ok(shelved) = workbench.shelf.shelved(root, &listed.id) else { continue };
        let about = |change: &&FileChange| paths.contains(&change.path);
        let made: Vec<FileChange> = shelved.changeset.files.iter().filter(about).cloned().collect();
        let undone: Vec<FileChange> = made.iter().map(FileChange::inverted).collect();
        let both = [(made, ShelvedState::Applied), (undone, ShelvedState::Undone)];
        if let Some((changes, becomes)) = both.into_iter().find(|(changes, _)| content_hash(changes) == *content) {
            return Ok(Some(Meant { shelved, changes, becomes }));
        }
    }
    Ok(None)
}
