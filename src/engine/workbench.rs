//! The ports that recipes work with, bundled once by `assemble`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::index::Index;
use super::remote::Remote;
use crate::config::{Settings, SharedSettings};
use crate::policy::{Grant, Program};
use crate::ports::{
    BatchLog, Clock, Embedder, Evidence, Failure, Files, Grants, Ledger, Modes, Rotation, Runner, SharedPlaceOpen,
    Shelf, Store, TrustRecords,
};
use crate::workspace::{ContentHash, Root};

/// Opens a folder as a workspace root: absolute, links resolved.
pub type OpenRoot = Box<dyn Fn(&Path) -> Result<Root, Failure> + Send + Sync>;
/// Makes the store of a workspace; does nothing else yet.
pub type MakeStore = Box<dyn Fn(&Root) -> Box<dyn Store> + Send + Sync>;
/// Reads the files of settings and rules outside the workspace, as they are now.
pub type ReadSettings = Box<dyn Fn() -> SettingsFiles + Send + Sync>;

/// The texts of the files of settings and rules outside the workspace; `None` where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsFiles {
    /// The administrator's.
    pub machine: Option<String>,
    /// The user's.
    pub user: Option<String>,
    /// The rules that the user agreed to when asked.
    pub approved: Option<String>,
    /// The user's, as they were when their rules were accepted.
    pub accepted: Option<String>,
}

/// A file of rules that tagout writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulesFile {
    /// Rules that the user agreed to when asked.
    Approved,
    /// The user's own file as it was accepted.
    Accepted,
}

/// Reads a file that the user named.
pub type ReadText = Box<dyn Fn(&Path) -> Result<String, Failure> + Send + Sync>;
/// Writes a file of rules in place of what it held, by a grant for just that text.
pub type WriteRules = Box<dyn Fn(Grant, RulesFile, Option<&str>, &str) -> Result<(), Failure> + Send + Sync>;
/// Looks at the settings in a workspace.
pub type LookAtSettings = Box<dyn Fn(&Root) -> Result<Evidence, Failure> + Send + Sync>;
/// Finds programs for commands in a workspace.
pub type FindPrograms = Box<dyn Fn(&Root, &[String]) -> Vec<Program> + Send + Sync>;

/// Reads a file that the user named, of so many bytes at most.
pub type ReadBytes = Box<dyn Fn(&Path, u64) -> Result<Vec<u8>, Failure> + Send + Sync>;
/// Reads the user's own folder of recipes: each file with what it holds.
pub type ReadRecipes = Box<dyn Fn() -> Vec<(PathBuf, Result<Vec<u8>, Failure>)> + Send + Sync>;
/// Writes files (name, text) into a folder outside the workspace that the user named, and says where it is.
pub type WriteBeside = Box<dyn Fn(&Root, &Path, &[(&str, &str)]) -> Result<PathBuf, Failure> + Send + Sync>;
/// Opens what the batch of this name has left of itself.
pub type OpenBatch = Box<dyn Fn(&str) -> Result<BatchLog, Failure> + Send + Sync>;

/// Makes ready to use the place where an index is shared; nothing is read or sent yet.
pub type OpenShared = Box<dyn Fn(&SharedSettings) -> Result<SharedPlaceOpen, Failure> + Send + Sync>;
/// Finds the address that the repository of a workspace came from.
pub type FindRemote = Box<dyn Fn(&Root) -> Option<String> + Send + Sync>;

/// Writes a page for people (name, content) outside the workspace and says where.
pub type WritePage = Box<dyn Fn(&str, &str) -> Result<PathBuf, Failure> + Send + Sync>;

/// All ports, and the indexes that are open.
pub struct Workbench {
    /// Workspace files.
    pub files: Box<dyn Files>,
    /// Turns chunks into vectors.
    pub embedder: Box<dyn Embedder>,
    /// The endpoint that the user may have named.
    pub endpoint: Arc<Remote>,
    /// Runs commands.
    pub runner: Box<dyn Runner>,
    /// Records actions.
    pub ledger: Arc<dyn Ledger>,
    /// Keeps modes.
    pub modes: Arc<dyn Modes>,
    /// Keeps changesets.
    pub shelf: Arc<dyn Shelf>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Opens workspace folders.
    pub open_root: OpenRoot,
    /// Makes stores.
    pub make_store: MakeStore,
    /// Writes pages.
    pub write_page: WritePage,
    /// What holds where nothing is set.
    pub defaults: Settings,
    /// Keeps which workspaces are trusted.
    pub trust: Arc<dyn TrustRecords>,
    /// Keeps questions and approvals.
    pub grants: Arc<dyn Grants>,
    /// Moves old records out of the way.
    pub rotation: Arc<dyn Rotation>,
    /// Reads the files of settings and rules outside the workspace.
    pub settings_files: ReadSettings,
    /// Reads a file of rules or cases that the user named.
    pub read_text: ReadText,
    /// Writes the files of rules that are tagout's own.
    pub write_rules: WriteRules,
    /// Looks at the settings in a workspace that trust is bound to.
    pub evidence: LookAtSettings,
    /// Finds programs by the names that commands use.
    pub programs: FindPrograms,
    /// Reads a file that the user named.
    pub read_bytes: ReadBytes,
    /// Reads the user's recipes.
    pub user_recipes: ReadRecipes,
    /// Writes files for the user.
    pub write_beside: WriteBeside,
    /// Opens batches.
    pub open_batch: OpenBatch,
    /// Opens places where indexes are shared.
    pub open_shared: OpenShared,
    /// Finds where a repository came from.
    pub remote: FindRemote,
    /// The name of this process, as the record has it.
    pub session: String,
    /// Whether a process of such a name runs.
    pub is_live: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Counts what this process has named.
    pub counter: AtomicU64,
    /// The editor's settings, when it sent some.
    pub editor_settings: Mutex<Option<Value>>,
    /// Gives memory that was freed back to the system.
    pub give_back_memory: fn(),
    /// The indexes met so far.
    pub indexes: Mutex<BTreeMap<Root, Arc<Index>>>,
}

impl Workbench {
    /// The index of `root`.
    pub fn index(&self, root: &Root) -> Arc<Index> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Index::new((self.make_store)(root), self.embedder.name(), self.give_back_memory));
        Arc::clone(indexes.entry(root.clone()).or_insert_with(fresh))
    }

    /// The index of `root`, unless it is closed.
    pub fn open_index(&self, root: &Root) -> Option<Arc<Index>> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(root).map(Arc::clone)
    }

    /// Closes the index of `root` once its last job ends.
    pub fn forget(&self, root: &Root) {
        self.endpoint.forget(root);
        let index = self.indexes.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
        if let Some(index) = index {
            index.finish();
        }
    }

    /// Writes what waits to be written, for the end of the process.
    pub fn finish(&self) {
        self.endpoint.stop();
        self.open_indexes().iter().for_each(|index| index.finish());
    }

    /// What the indexes have to say since they were asked last.
    pub fn take_index_notices(&self) -> Vec<String> {
        self.open_indexes().iter().flat_map(|index| index.take_notices()).collect()
    }

    fn open_indexes(&self) -> Vec<Arc<Index>> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// A name of 32 hexadecimal digits that nothing else has.
    pub fn fresh_name(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let now = self.clock.now_ms().to_le_bytes();
        ContentHash::of_parts(&[self.session.as_bytes(), &count, &now]).short(32)
    }

    /// Takes over the editor's settings.
    pub fn configure(&self, settings: Value) {
        *self.editor_settings.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings);
    }
}
