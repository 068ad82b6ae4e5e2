//! Applying a proposal, whole or a share of it, and taking it back: each file once, whatever was cut short before.

use std::collections::BTreeSet;

use super::super::recipes::{
    Applied, ApplyTask, Consent, Executor, Judgement, Purpose, answer, applied_parts, apply as apply_changes,
    apply_action, consider, last_applied, not_applied, settle,
};
use super::events::{BatchEvent, Over};
use super::run::Run;
use crate::changes::{Changeset, FileChange, by_consent};
use crate::policy::Decision;
use crate::ports::{Failure, FailureKind};
use crate::workspace::{ContentHash, RelativePath};

/// How much of a proposal is applied.
pub(super) enum Extent {
    /// These files.
    Canary(Vec<FileChange>),
    /// What is left.
    All,
}

/// The files that a canary begins with: a share that depends on the proposal alone, at least one. Both ends of a
/// rename go together.
pub(super) fn canary(proposal: &Changeset, share: u8) -> Vec<FileChange> {
    let renames = proposal.renames();
    let mut groups: Vec<Vec<&FileChange>> = Vec::new();
    for (at, file) in proposal.files.iter().enumerate() {
        if renames.iter().any(|rename| rename.from == at) {
            continue;
        }
        let from = renames.iter().find(|rename| rename.to == at).and_then(|rename| proposal.files.get(rename.from));
        groups.push([file].into_iter().chain(from).collect());
    }
    let rank = |group: &Vec<&FileChange>| {
        let path = group.first().map_or("", |file| file.path.as_str());
        ContentHash::of_parts(&[proposal.id.as_str().as_bytes(), path.as_bytes()])
    };
    groups.sort_by_key(rank);
    let count = (groups.len() * usize::from(share)).div_ceil(100).max(1);
    groups.into_iter().take(count).flatten().cloned().collect()
}

/// Whether anything of a proposal is recorded as applied.
pub(super) fn is_begun(run: &Run<'_>, proposal: &Changeset) -> Result<bool, Failure> {
    Ok(!recorded(run, proposal)?.is_empty())
}

/// The paths of a proposal that are recorded as applied, and are as it makes them: what git or somebody else took back
/// since is to be applied again.
fn recorded(run: &Run<'_>, proposal: &Changeset) -> Result<BTreeSet<RelativePath>, Failure> {
    let (workbench, root) = (run.workbench, &run.task.root);
    let parts = applied_parts(workbench, root, &proposal.id)?.into_iter();
    let paths: BTreeSet<RelativePath> = parts.flat_map(|part| part.changeset.files).map(|file| file.path).collect();
    let mut recorded = BTreeSet::new();
    for file in proposal.files.iter().filter(|file| paths.contains(&file.path)) {
        if workbench.files.read(root, &file.path)? == file.after {
            recorded.insert(file.path.clone());
        }
    }
    Ok(recorded)
}

/// Applies what is not applied yet.
pub(super) fn apply(run: &Run<'_>, id: &str, proposal: &Changeset, extent: Extent) -> Result<(), Failure> {
    let over = match extent {
        Extent::Canary(_) => Over::Canary,
        Extent::All => Over::All,
    };
    let wanted = match extent {
        Extent::Canary(files) => files,
        Extent::All => proposal.files.clone(),
    };
    let count = wanted.len();
    let recorded = recorded(run, proposal)?;
    let (mut held, mut rest) = (Vec::new(), Vec::new());
    for file in wanted.into_iter().filter(|file| !recorded.contains(&file.path)) {
        // Written right before a kill: it is applied once more, which writes nothing, and then it is on record.
        let is_there = run.workbench.files.read(&run.task.root, &file.path)? == file.after;
        if is_there { held.push(file) } else { rest.push(file) }
    }
    let rest = Changeset::new(proposal.origin.clone(), rest);
    let left = not_applied(run.workbench, &run.task.root, &rest)?;
    let purpose = accepting(proposal);
    make(run, held, &purpose)?;
    make(run, left, &purpose)?;
    if over == Over::All {
        settle(run.workbench, &run.task.root, &proposal.id)?;
    }
    let changeset = proposal.id.to_string();
    (run.emit)(&BatchEvent::Applied { id: id.to_owned(), changeset, files: count, over });
    Ok(())
}

/// Asks what has to be asked before anything of a proposal is written.
///
/// # Errors
/// When an answer is missing: then nothing is written.
pub(super) fn ask_first(run: &Run<'_>, proposal: &Changeset) -> Result<(), Failure> {
    let (workbench, root) = (run.workbench, &run.task.root);
    let recorded = recorded(run, proposal)?;
    let left = proposal.files.iter().filter(|file| !recorded.contains(&file.path)).cloned().collect();
    let mut waiting = Vec::new();
    for changes in by_consent(left) {
        let (action, facts) = apply_action(&changes);
        let consent = answer(workbench, root, action.clone(), facts.clone(), &run.task.approved)?;
        let asks = consider(workbench, root, action, facts)?.verdict.decision == Decision::Ask;
        if consent != Consent::None || !asks {
            continue;
        }
        let purpose = accepting(proposal);
        let task = ApplyTask { root: root.clone(), by: Executor::Disk, changes, consent, purpose };
        if let Applied::Undecided(_, judgement) = apply_changes(workbench, task)? {
            waiting.push(judgement);
        }
    }
    if waiting.is_empty() { Ok(()) } else { Err(needs_approval(&waiting)) }
}

fn accepting(proposal: &Changeset) -> Purpose {
    Purpose::Accept {
        proposal: proposal.id.clone(),
        origin: proposal.origin.clone(),
        lineage: Box::new(proposal.lineage.clone()),
        hunks: Vec::new(),
    }
}

/// Takes back what is applied of a proposal.
pub(super) fn undo(run: &Run<'_>, id: &str, proposal: &Changeset) -> Result<(), Failure> {
    if is_begun(run, proposal)? {
        let applied = last_applied(run.workbench, &run.task.root, Some(&proposal.id))?;
        let changes = applied.changes()?;
        let files = changes.len();
        make(run, changes, &Purpose::Undo { proposal: proposal.id.clone() })?;
        let changeset = proposal.id.to_string();
        (run.emit)(&BatchEvent::Undone { id: id.to_owned(), changeset, files });
    }
    Ok(())
}

/// Makes changes: those that need a consent of their own first, so that nothing else is written while one is missing.
fn make(run: &Run<'_>, changes: Vec<FileChange>, purpose: &Purpose) -> Result<(), Failure> {
    let (workbench, root) = (run.workbench, &run.task.root);
    let (later, ordinary): (Vec<_>, Vec<_>) =
        by_consent(changes).into_iter().partition(|part| part.iter().any(|change| change.runs_later().is_some()));
    let mut waiting = Vec::new();
    for changes in later.into_iter().chain(ordinary) {
        let (action, facts) = apply_action(&changes);
        let is_later = changes.iter().any(|change| change.runs_later().is_some());
        if !is_later && !waiting.is_empty() {
            break;
        }
        let consent = answer(workbench, root, action, facts, &run.task.approved)?;
        let task = ApplyTask { root: root.clone(), by: Executor::Disk, changes, consent, purpose: purpose.clone() };
        match apply_changes(workbench, task)? {
            Applied::Undecided(_, judgement) => waiting.push(judgement),
            // The second is what only a server asks for.
            Applied::Done(..) | Applied::ForEditor(..) => {}
        }
    }
    if waiting.is_empty() { Ok(()) } else { Err(needs_approval(&waiting)) }
}

fn needs_approval(waiting: &[Judgement]) -> Failure {
    let told =
        waiting.iter().map(|judgement| format!("{}: {}", judgement.action.describe(), judgement.verdict.explain()));
    let failure = Failure::new(FailureKind::NeedsApproval, told.collect::<Vec<_>>().join("; "));
    let names = waiting.iter().filter_map(|judgement| judgement.question.as_deref());
    let words: Vec<String> = names.map(|name| format!("--approve {name}")).collect();
    failure.hint(format!("to approve exactly this: the same with {}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Origin;
    use crate::workspace::FileState;

    #[test]
    fn a_canary_is_the_same_share_each_time_and_takes_both_ends_of_a_rename() {
        let change = |path: String, before: Option<&str>, after: Option<&str>| FileChange {
            path: RelativePath::new(path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        };
        let edits = (0..100).map(|number| change(format!("{number}"), Some("a\n"), Some("b\n")));
        let text = "one\ntwo\nthree\nfour\n";
        let rename = [change("old".into(), Some(text), None), change("new".into(), None, Some(text))];
        let proposal = Changeset::new(Origin::User, edits.chain(rename).collect());
        let one = canary(&proposal, 10);
        assert_eq!(one, canary(&proposal, 10));
        for share in 1..=99 {
            let files = canary(&proposal, share);
            let has = |path: &str| files.iter().any(|file| file.path.as_str() == path);
            assert_eq!(has("old"), has("new"));
            let groups = files.len() - usize::from(has("old"));
            assert_eq!(groups, (101 * usize::from(share)).div_ceil(100));
        }
    }
}
