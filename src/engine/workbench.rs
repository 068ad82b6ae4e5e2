//! The ports that recipes work with, bundled once by `assemble`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use serde_json::Value;

use crate::config::{ConfigProblem, ConfigSource, LONGEST_FILE, Settings, Sources, resolve, rules};
use crate::policy::Rules;
use crate::ports::{Clock, Embedder, Failure, Files, Ledger, Modes, OpenIndex, Runner, Shelf, Store};
use crate::workspace::{RelativePath, Root};

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
}

/// Writes a page for people (name, content) outside the workspace and says where.
pub type WritePage = Box<dyn Fn(&str, &str) -> Result<PathBuf, Failure> + Send + Sync>;

/// All ports, and the indexes that are open.
pub struct Workbench {
    /// Workspace files.
    pub files: Box<dyn Files>,
    /// Turns chunks into vectors.
    pub embedder: Box<dyn Embedder>,
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
    /// Reads the files of settings and rules outside the workspace.
    pub settings_files: ReadSettings,
    /// The editor's settings, when it sent some.
    pub editor_settings: Mutex<Option<Value>>,
    /// The indexes met so far.
    pub indexes: Mutex<BTreeMap<Root, Arc<Index>>>,
}

/// The index of one workspace.
pub struct Index {
    /// Where chunks are kept.
    pub store: Box<dyn Store>,
    known: Mutex<Option<OpenIndex>>,
    /// Whether it was brought up to date once in this process.
    built: (Mutex<bool>, Condvar),
}

/// How long a question waits for the first run over a workspace: less than an editor waits for an answer.
const FIRST_RUN: Duration = Duration::from_secs(5);

/// What the store knows, locked for one job.
pub type Known<'a> = MutexGuard<'a, Option<OpenIndex>>;

impl Index {
    /// What the store knows, opened on first use. Held by one job at a time: two jobs never write at once.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn known(&self) -> Result<Known<'_>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Another process may have let go of it since.
        if known.as_ref().is_none_or(|open| open.read_only) {
            *known = None;
            *known = Some(self.store.open()?);
        }
        Ok(known)
    }

    /// Closes the store after a failure, so that the next job opens it anew and repairs what is damaged.
    pub fn close(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Says that the index was brought up to date, so that questions need not wait.
    pub fn mark_built(&self) {
        *self.built.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.built.1.notify_all();
    }

    /// Opens the store unless it is open. Waits a little for the first run over the workspace, not for later ones:
    /// a question asked right after the start should find something.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn ensure_open(&self) -> Result<(), Failure> {
        let built = self.built.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it came to an end or not, what is there by then answers.
        drop(self.built.1.wait_timeout_while(built, FIRST_RUN, |built| !*built));
        let is_open = match self.known.try_lock() {
            Ok(known) => known.is_some(),
            // A job that is at work has opened it.
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Poisoned(_)) => false,
        };
        if is_open { Ok(()) } else { self.known().map(|_| ()) }
    }
}

/// Name of the settings file at a workspace's root.
pub(super) const WORKSPACE_SETTINGS: &str = ".tagout.toml";

impl Workbench {
    /// The index of `root`.
    pub fn index(&self, root: &Root) -> Arc<Index> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let built = (Mutex::new(false), Condvar::new());
        let fresh = || Arc::new(Index { store: (self.make_store)(root), known: Mutex::new(None), built });
        Arc::clone(indexes.entry(root.clone()).or_insert_with(fresh))
    }

    /// Closes the index of `root` once its last job ends.
    pub fn forget(&self, root: &Root) {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
    }

    /// Takes over the editor's settings.
    pub fn configure(&self, settings: Value) {
        *self.editor_settings.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings);
    }

    /// The settings in force for `root`, read now, and what is wrong with them.
    pub fn settings(&self, root: &Root) -> (Settings, Vec<ConfigProblem>) {
        let Texts { files, workspace } = self.texts(root);
        let editor = self.editor_settings.lock().unwrap_or_else(PoisonError::into_inner);
        let (machine, user) = (files.machine.as_deref(), files.user.as_deref());
        let sources = Sources { machine, user, workspace: workspace.as_deref(), editor: editor.as_ref() };
        resolve(self.defaults.clone(), &sources)
    }

    /// The rules in force for `root`, read now, and what is wrong with them.
    pub fn rules(&self, root: &Root) -> (Rules, Vec<ConfigProblem>) {
        let Texts { files, workspace } = self.texts(root);
        let texts = [
            (ConfigSource::Machine, files.machine),
            (ConfigSource::User, files.user),
            (ConfigSource::Approved, files.approved),
            (ConfigSource::Workspace, workspace),
        ];
        let read = texts.into_iter().filter_map(|(source, text)| Some(rules(source, &text?)));
        let (rules, problems): (Vec<_>, Vec<_>) = read.unzip();
        (Rules::new(rules.concat()), problems.concat())
    }

    fn texts(&self, root: &Root) -> Texts {
        // What is there and cannot be read may narrow: it goes on as text without a meaning, so that resolving it says
        // so and the narrowest holds.
        let unreadable = || Some("unreadable settings".to_owned());
        let workspace = match RelativePath::new(WORKSPACE_SETTINGS).map(|path| self.files.read(root, &path)) {
            Ok(Ok(None)) => None,
            Ok(Ok(Some(state))) if state.bytes.len() <= LONGEST_FILE => {
                Some(String::from_utf8_lossy(&state.bytes).into_owned())
            }
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => unreadable(),
        };
        Texts { files: (self.settings_files)(), workspace }
    }
}

/// The texts of all files of settings and rules.
struct Texts {
    files: SettingsFiles,
    workspace: Option<String>,
}
