//! Trust and grants of the ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use super::MemoryLedger;
use super::grants::{SET_BACK_MS, expired, used_before};
use super::trust::granted_trust;
use crate::policy::Grant;
use crate::ports::{Failure, GrantKind, Grants, LiveGrant, TrustRecord, TrustRecords};
use crate::workspace::Root;

/// Trust and grants, and the highest time told.
#[derive(Default)]
pub(super) struct Approvals {
    trust: BTreeMap<PathBuf, TrustRecord>,
    grants: Vec<LiveGrant>,
    names: BTreeSet<String>,
    highest_ms: Option<i64>,
}

impl Approvals {
    fn advance(&mut self, now_ms: i64) -> i64 {
        let was_wrong = |seen: &i64| seen.saturating_sub(now_ms) > SET_BACK_MS;
        if self.highest_ms.as_ref().is_some_and(was_wrong) {
            self.grants.clear();
            self.highest_ms = None;
        }
        let highest = self.highest_ms.map_or(now_ms, |seen| seen.max(now_ms));
        self.highest_ms = Some(highest);
        self.grants.retain(|grant| !grant.is_expired(highest));
        highest
    }

    fn end(&mut self, ends: impl Fn(&LiveGrant) -> bool) -> bool {
        let before = self.grants.len();
        self.grants.retain(|grant| !ends(grant));
        self.grants.len() < before
    }
}

impl MemoryLedger {
    fn approvals(&self) -> MutexGuard<'_, Approvals> {
        self.approvals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrustRecords for MemoryLedger {
    fn trusted(&self, root: &Root) -> Result<Option<TrustRecord>, Failure> {
        Ok(self.approvals().trust.get(root.as_path()).copied())
    }

    fn roots(&self) -> Result<Vec<Root>, Failure> {
        Ok(self.approvals().trust.keys().filter_map(|path| Root::new(path).ok()).collect())
    }

    fn set_trust(&self, grant: Grant, root: &Root, at_ms: i64) -> Result<(), Failure> {
        let granted = granted_trust(&grant)?;
        let trust = &mut self.approvals().trust;
        match granted {
            Some(settings) => trust.insert(root.as_path().to_owned(), TrustRecord { settings, at_ms }),
            None => trust.remove(root.as_path()),
        };
        Ok(())
    }
}

impl Grants for MemoryLedger {
    fn live(&self, root: &Root, now_ms: i64) -> Result<Vec<LiveGrant>, Failure> {
        let mut approvals = self.approvals();
        approvals.advance(now_ms);
        Ok(approvals.grants.iter().filter(|grant| grant.root == *root).cloned().collect())
    }

    fn add(&self, grant: &LiveGrant) -> Result<(), Failure> {
        let mut approvals = self.approvals();
        let highest = approvals.advance(grant.made_ms);
        if grant.is_expired(highest) {
            return Err(expired(highest));
        }
        if !approvals.names.insert(grant.id.clone()) {
            return Err(used_before(&grant.id));
        }
        approvals.grants.push(grant.clone());
        Ok(())
    }

    fn use_once(&self, id: &str, now_ms: i64) -> Result<bool, Failure> {
        let mut approvals = self.approvals();
        approvals.advance(now_ms);
        Ok(approvals.end(|grant| grant.id == id && grant.kind == GrantKind::Once))
    }

    fn revoke(&self, id: &str) -> Result<bool, Failure> {
        Ok(self.approvals().end(|grant| grant.id == id))
    }
}
