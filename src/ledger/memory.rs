//! The ledger in memory: for tests, and for a session that must leave nothing behind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::chain::Key;
use super::clean;
use super::memory_approvals::Approvals;
use super::retention::{Gone, Kept, MOST_BYTES, is_due, no_longer_kept, to_remove};
use super::shelf::{not_one, size, too_large};
use super::sqlite::{check_present, granted_modes};
use crate::changes::{ChangesetId, summarise};
use crate::policy::{Grant, Mode};
use crate::ports::{
    Amend, Audit, Entry, Failure, Keep, Ledger, Listed, Modes, Phase, Reader, Retention, Rotated, Rotation, See, Shelf,
    Shelved, Since, Which,
};
use crate::workspace::{ContentHash, Root};

#[derive(Default)]
struct OneWorkspace {
    records: Vec<Entry>,
    /// How many of them, from the first, are rotated.
    rotated: usize,
    mode: Mode,
    /// Latest change of state last.
    shelf: Vec<Shelved>,
    /// What left it.
    gone: Vec<Gone>,
}

/// Record, modes, shelf, trust and grants, gone with the process.
#[derive(Default)]
pub struct MemoryLedger {
    workspaces: Mutex<BTreeMap<Root, OneWorkspace>>,
    /// When the shelves were looked over last, and bytes that were shelved since.
    care: Mutex<(Option<i64>, u64)>,
    pub(super) approvals: Mutex<Approvals>,
}

impl MemoryLedger {
    fn workspaces(&self) -> MutexGuard<'_, BTreeMap<Root, OneWorkspace>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn care(&self) -> MutexGuard<'_, (Option<i64>, u64)> {
        self.care.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on<T>(&self, root: &Root, work: impl FnOnce(&mut OneWorkspace) -> T) -> T {
        work(self.workspaces().entry(root.clone()).or_default())
    }
}

impl OneWorkspace {
    fn open_intents(&self) -> impl Iterator<Item = &Entry> {
        let answered = |number| {
            let ends = |entry: &&Entry| entry.phase != Phase::Judged && entry.of == Some(number);
            self.records.iter().any(|entry| ends(&entry))
        };
        self.records.iter().filter(move |entry| entry.is_intent() && !answered(entry.number))
    }
}

impl Ledger for MemoryLedger {
    fn append(&self, root: &Root, entry: &Entry) -> Result<u64, Failure> {
        // Nobody reads it from a disk, so that any key keeps what is taken out of it.
        let entry = clean::clean(entry, &Key::new([0; 32]))?;
        self.on(root, |workspace| {
            let number = workspace.records.len() as u64 + 1;
            workspace.records.push(Entry { number, ..entry });
            Ok(number)
        })
    }

    fn recent(&self, root: &Root, count: usize) -> Result<Vec<Entry>, Failure> {
        self.on(root, |workspace| {
            let start = workspace.records.len().saturating_sub(count).max(workspace.rotated);
            Ok(workspace.records.iter().skip(start).cloned().collect())
        })
    }

    fn each(&self, root: &Root, since: Since, reader: Reader<'_>) -> Result<(), Failure> {
        // A copy, so that the reader may append.
        let records = self.on(root, |workspace| workspace.records.clone());
        let mut wanted = records.iter().filter(|entry| since.includes(entry));
        let _ = wanted.try_for_each(reader);
        Ok(())
    }

    fn verify(&self, root: &Root) -> Result<Audit, Failure> {
        self.on(root, |workspace| Ok(Audit { records: workspace.records.len() as u64, ..Audit::default() }))
    }

    fn open_intents(&self, root: &Root, alive: &[String]) -> Result<Vec<Entry>, Failure> {
        let dead = |entry: &&Entry| !alive.contains(&entry.session);
        self.on(root, |workspace| Ok(workspace.open_intents().filter(dead).cloned().collect()))
    }
}

impl Rotation for MemoryLedger {
    fn rotate(&self, root: &Root, keep: Keep) -> Result<Option<Rotated>, Failure> {
        self.on(root, |workspace| {
            let (first, newest) = (workspace.rotated as u64 + 1, workspace.records.len() as u64);
            let most = workspace.open_intents().next().map_or(newest, |entry| entry.number).min(newest);
            let too_many = newest.saturating_sub(keep.records);
            let goes = |entry: &&Entry| entry.number <= too_many || entry.at_ms < keep.since_ms;
            let left = workspace.records.iter().skip(workspace.rotated);
            let moved = left.take_while(goes).map(|entry| entry.number).last();
            let last = moved.unwrap_or_default().min(most.saturating_sub(1));
            if last < first {
                return Ok(None);
            }
            workspace.rotated = usize::try_from(last).unwrap_or(usize::MAX);
            Ok(Some(Rotated { first, last, file: PathBuf::new() }))
        })
    }
}

impl Modes for MemoryLedger {
    fn take_notice(&self) -> Option<String> {
        None
    }

    fn mode(&self, root: &Root) -> Result<Mode, Failure> {
        self.on(root, |workspace| Ok(workspace.mode))
    }

    fn set_mode(&self, grant: Grant, root: &Root) -> Result<(), Failure> {
        let (from, to) = granted_modes(&grant)?;
        self.on(root, |workspace| {
            check_present(workspace.mode, from)?;
            workspace.mode = to;
            Ok(())
        })
    }
}

fn kept(shelved: &Shelved) -> Kept {
    let Shelved { changeset, proposal, state, at_ms } = shelved;
    let states = changeset.files.iter().flat_map(|change| [&change.before, &change.after]).flatten();
    let blobs = states.map(|state| (ContentHash::of(&state.bytes), state.bytes.len() as u64)).collect();
    let (id, proposal) = (changeset.id.clone(), proposal.clone());
    Kept { id, proposal, state: *state, at_ms: *at_ms, bytes: 0, blobs }
}

impl Shelf for MemoryLedger {
    fn shelve(&self, root: &Root, shelved: &Shelved) -> Result<(), Failure> {
        let size = size(&shelved.changeset);
        if size > MOST_BYTES {
            return Err(too_large(size));
        }
        self.on(root, |workspace| {
            workspace.shelf.retain(|kept| kept.changeset.id != shelved.changeset.id);
            workspace.shelf.push(shelved.clone());
        });
        self.care().1 += size as u64;
        Ok(())
    }

    fn amend(&self, root: &Root, id: &ChangesetId, change: Amend<'_>) -> Result<(), Failure> {
        self.on(root, |workspace| {
            let kept = workspace.shelf.iter().position(|kept| kept.changeset.id == *id);
            let (at, kept) =
                kept.and_then(|at| Some((at, workspace.shelf.get(at)?.clone()))).ok_or_else(|| not_one(id, 0))?;
            if let Some(changed) = change(kept) {
                workspace.shelf.remove(at);
                workspace.shelf.push(changed);
            }
            Ok(())
        })
    }

    fn shelved(&self, root: &Root, id: &ChangesetId) -> Result<Shelved, Failure> {
        self.on(root, |workspace| {
            let named =
                |kept: &&Shelved| !id.as_str().is_empty() && kept.changeset.id.as_str().starts_with(id.as_str());
            let mut found: Vec<&Shelved> = workspace.shelf.iter().filter(named).collect();
            let matches = found.len();
            let gone = workspace.gone.iter().rev().filter(|_| matches == 0 && !id.as_str().is_empty());
            let mut gone = gone
                .filter(|gone| [&gone.id, &gone.proposal].iter().any(|name| name.as_str().starts_with(id.as_str())));
            found
                .pop()
                .filter(|_| matches == 1)
                .cloned()
                .ok_or_else(|| gone.next().map_or_else(|| not_one(id, matches), no_longer_kept))
        })
    }

    fn list(&self, root: &Root, which: Which<'_>, see: See<'_>) -> Result<(), Failure> {
        self.on(root, |workspace| {
            let mut shelf: Vec<&Shelved> = workspace.shelf.iter().rev().collect();
            shelf.sort_by_key(|kept| std::cmp::Reverse(kept.at_ms));
            let state = |kept: &&Shelved| which.state.is_none_or(|state| kept.state == state);
            let proposal = |kept: &&Shelved| which.proposal.is_none_or(|proposal| kept.proposal == *proposal);
            for kept in shelf.into_iter().filter(state).filter(proposal) {
                if see(Ok(Listed::of(kept, summarise(&kept.changeset)))).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn version(&self) -> Result<i64, Failure> {
        // No other process has it.
        Ok(0)
    }

    fn prune(&self, retention: Retention, now_ms: i64) -> Result<usize, Failure> {
        let mut care = self.care();
        if !is_due(care.0, care.1, retention, now_ms) {
            return Ok(0);
        }
        *care = (Some(now_ms), 0);
        let mut removed = 0;
        for workspace in self.workspaces().values_mut() {
            let gone = to_remove(&workspace.shelf.iter().map(kept).collect::<Vec<_>>(), retention, now_ms);
            workspace.shelf.retain(|kept| !gone.iter().any(|gone| gone.id == kept.changeset.id));
            removed += gone.len();
            workspace.gone.extend(gone);
        }
        Ok(removed)
    }
}
