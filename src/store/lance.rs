//! The index of one workspace in LanceDB, written by one process at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use lancedb::Table;

use super::files::{self, LOCK};
use super::load::{self, Loaded, Paths};
use super::manifest::{self, Entry, State, Unusable};
use super::rows::check_vectors;
use super::runtime::Lazy;
use super::table;
use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind, FileChunks, OpenIndex, Store};
use crate::retrieve::{Candidate, Candidates, StoreQuery, cosine};
use crate::workspace::{ContentHash, RelativePath};

/// [`compact`](Store::compact) does nothing before this many commits or rows since the last time.
const COMMITS_WORTH_MERGING: u64 = 32;
const ROWS_WORTH_INDEXING: u64 = 1_000;
/// Paths named in one deletion.
const DELETED_AT_ONCE: usize = 500;

/// LanceDB behind the [`Store`] port. No file is touched and no thread started before [`Store::open`].
#[derive(Debug)]
pub struct LanceStore {
    folder: PathBuf,
    embedder: String,
    runtime: Lazy,
    held: Mutex<Held>,
    /// The version that queries read; a table never changes under them.
    snapshot: RwLock<Option<Table>>,
}

#[derive(Debug, Default)]
enum Held {
    #[default]
    Closed,
    /// Another process writes.
    Reading,
    Writing(Box<Writer>),
}

#[derive(Debug)]
struct Writer {
    lock: FileLock,
    table: Table,
    state: State,
    seal: [u8; 32],
    entries: u64,
    journal_length: u64,
    known: Paths,
    unindexed: u64,
}

impl LanceStore {
    /// The index in `folder`, of vectors made by the embedder of that name.
    #[must_use]
    pub fn new(folder: PathBuf, embedder_name: &str) -> Self {
        let (held, snapshot) = (Mutex::default(), RwLock::default());
        Self { folder, embedder: embedder_name.to_owned(), runtime: Lazy::default(), held, snapshot }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock this store holds already, while its file is still the one in the folder.
    fn lock(&self, held: Held) -> Result<Option<FileLock>, Failure> {
        match held {
            Held::Writing(writer) if self.is_in_place(&writer.lock) => Ok(Some(writer.lock)),
            Held::Writing(_) | Held::Reading | Held::Closed => files::take_lock(&self.folder),
        }
    }

    /// Whether the lock held is still the one in the folder: the folder may have been deleted, and made again by others.
    fn is_in_place(&self, lock: &FileLock) -> bool {
        let place = |data: std::io::Result<std::fs::Metadata>| data.ok().map(|data| (data.dev(), data.ino()));
        let found = place(std::fs::metadata(self.folder.join(LOCK)));
        found.is_some() && found == place(lock.metadata())
    }

    fn load_or_create(&self) -> Result<(Loaded, Option<String>), Failure> {
        let unusable = match load::load(&self.folder, &self.embedder, &self.runtime)? {
            Ok(loaded) => {
                let undone = loaded.undone;
                let notice =
                    (undone > 0).then(|| "the last writes to the index were cut short and are made again".to_owned());
                return Ok((loaded, notice));
            }
            Err(unusable) => unusable,
        };
        if unusable != Unusable::Missing {
            files::set_aside(&self.folder)?;
        }
        let loaded = load::create(&self.folder, &self.embedder, &self.runtime)?;
        Ok((loaded, load::rebuilt(&unusable)))
    }

    fn open_reading(&self) -> Result<OpenIndex, Failure> {
        let files = manifest::read(&self.folder, &self.embedder)?.map(|told| told.records).unwrap_or_default();
        let notice = Some("another tagout process writes this index: it is open for reading only".to_owned());
        Ok(OpenIndex { files, notice, read_only: true })
    }

    fn take(
        &self,
        loaded: Loaded,
        lock: FileLock,
        held: &mut Held,
    ) -> Result<BTreeMap<RelativePath, crate::ports::IndexRecord>, Failure> {
        let Loaded { table, told, .. } = loaded;
        let mut known = Paths::default();
        told.records.keys().for_each(|path| known.add(path));
        self.show(&table)?;
        *held = Held::Writing(Box::new(Writer {
            lock,
            table,
            state: told.state,
            seal: told.seal,
            entries: told.entries,
            journal_length: told.journal_length,
            known,
            unindexed: 0,
        }));
        Ok(told.records)
    }

    /// Lets queries see the table as it is now.
    fn show(&self, table: &Table) -> Result<(), Failure> {
        let table = table.clone();
        let snapshot = self.runtime.run("reading the index", async move { table.checkout_current().await })?;
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        Ok(())
    }

    /// The table to query: the last state written here, or what another process wrote last.
    fn readable(&self) -> Result<Table, Failure> {
        let shown = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(table) = shown {
            return Ok(table);
        }
        if matches!(*self.held(), Held::Closed) {
            return Err(closed());
        }
        let folder = self.folder.clone();
        self.runtime.run("opening the index", async move { table::open(&folder).await })
    }

    /// Puts the state before a failed write back; when even that fails, the index is closed.
    fn undo(&self, held: &mut Held) {
        let Held::Writing(writer) = std::mem::take(held) else { return };
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = None;
        if let Ok(Ok(loaded)) = load::load(&self.folder, &self.embedder, &self.runtime) {
            // Left closed when this fails: the next open starts from the manifest again.
            let _ = self.take(loaded, writer.lock, held);
        }
    }

    fn write(&self, writer: &mut Writer, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure> {
        if !self.is_in_place(&writer.lock) {
            return Err(changed_meanwhile());
        }
        let mut entry = Entry::of(&files, removed);
        let paths: Vec<RelativePath> = files.iter().map(|file| file.path.clone()).collect();
        let gone: BTreeSet<&RelativePath> =
            removed.iter().chain(&paths).filter(|path| writer.known.has(path)).collect();
        let gone: Vec<String> = gone.into_iter().map(|path| path.as_str().to_owned()).collect();
        let added: u64 = files.iter().map(|file| file.chunks.len() as u64).sum();
        let (table, before, changes) = (writer.table.clone(), writer.state.rows, !gone.is_empty() || added > 0);
        let (version, rows, expected) = self.runtime.run("writing the index", async move {
            let mut expected = before + added;
            for some in gone.chunks(DELETED_AT_ONCE) {
                expected = expected.saturating_sub(table::delete(&table, some.to_vec()).await?);
            }
            if added > 0 {
                table::add(&table, files).await?;
            }
            let rows = table.count_rows(None).await? as u64;
            Ok::<_, lancedb::Error>((table.version().await?, rows, expected))
        })?;
        // A panic below LanceDB was seen to end a write early without any error.
        if rows != expected {
            return Err(Failure::new(
                FailureKind::Internal,
                format!("the index has {rows} rows instead of {expected}"),
            ));
        }
        if changes {
            entry.files = files::mark_new(&self.folder, &writer.state.files)?;
        }
        (entry.version, entry.rows) = (version, rows);
        writer.journal_length =
            manifest::append(&self.folder, &entry, &writer.seal, writer.entries, writer.journal_length)?;
        writer.entries += 1;
        writer.unindexed += added;
        (writer.state.version, writer.state.rows) = (version, rows);
        writer.state.files.append(&mut entry.files);
        paths.iter().for_each(|path| writer.known.add(path));
        self.show(&writer.table)
    }

    fn merge(&self, writer: &mut Writer) -> Result<(), Failure> {
        let records = match manifest::read(&self.folder, &self.embedder)? {
            Ok(told) => told.records,
            Err(_) => return Err(changed_meanwhile()),
        };
        let table = writer.table.clone();
        let version = self.runtime.run("merging the index", async move {
            table::merge(&table).await?;
            table.version().await
        })?;
        let new = files::mark_new(&self.folder, &writer.state.files)?;
        writer.state.files.extend(new);
        writer.state.version = version;
        writer.state.pruning = true;
        manifest::write(&self.folder, &self.embedder, &writer.state, &records)?;
        self.show(&writer.table)?;
        let table = writer.table.clone();
        self.runtime.run("pruning the index", async move { table::prune(&table).await })?;
        let left: BTreeSet<String> = files::lasting_files(&self.folder)?.into_iter().collect();
        writer.state.files.retain(|path, _| left.contains(path));
        writer.state.pruning = false;
        files::sync_table(&self.folder)?;
        writer.seal = manifest::write(&self.folder, &self.embedder, &writer.state, &records)?;
        (writer.entries, writer.journal_length, writer.unindexed) = (0, writer.seal.len() as u64, 0);
        Ok(())
    }

    /// Runs a query on the readable table; once more on a newer one when the first was merged away meanwhile. What
    /// cannot be read even then is built anew by the next open.
    fn query<T, W, F>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Fn(Table) -> F,
        F: Future<Output = lancedb::Result<T>> + Send + 'static,
    {
        let read = || self.runtime.run("reading the index", work(self.readable()?));
        read().or_else(|_| read()).inspect_err(|failure| {
            if failure.kind != FailureKind::Unavailable && matches!(*self.held(), Held::Writing(_)) {
                files::leave_suspicion(&self.folder, &failure.what);
            }
        })
    }
}

fn closed() -> Failure {
    Failure::new(FailureKind::Unavailable, "the index is not open").hint("open the workspace again")
}

fn changed_meanwhile() -> Failure {
    Failure::new(FailureKind::Io, "the index folder was changed by something else")
        .hint("open the workspace again to rebuild it")
}

impl Store for LanceStore {
    fn open(&self) -> Result<OpenIndex, Failure> {
        let mut held = self.held();
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = None;
        std::fs::create_dir_all(&self.folder).map_err(|error| Failure::io(self.folder.display(), &error))?;
        let Some(lock) = self.lock(std::mem::take(&mut held))? else {
            *held = Held::Reading;
            return self.open_reading();
        };
        let (loaded, notice) = self.load_or_create()?;
        let files = self.take(loaded, lock, &mut held)?;
        Ok(OpenIndex { files, notice, read_only: false })
    }

    fn vectors(&self, path: &RelativePath) -> Result<BTreeMap<ContentHash, Vec<f32>>, Failure> {
        self.query(|table| {
            let path = path.as_str().to_owned();
            async move { table::vectors(&table, path).await }
        })
    }

    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure> {
        check_vectors(&files)?;
        // Of two states of one path the later one counts: no chunk may be in the table twice.
        let files: BTreeMap<RelativePath, FileChunks> =
            files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let mut held = self.held();
        let written = match &mut *held {
            Held::Closed => return Err(closed()),
            Held::Reading => return Err(load::held_elsewhere()),
            Held::Writing(_) if files.is_empty() && removed.is_empty() => return Ok(()),
            Held::Writing(writer) => self.write(writer, files.into_values().collect(), removed),
        };
        written.inspect_err(|_| self.undo(&mut held))
    }

    fn candidates(&self, query: &StoreQuery) -> Result<Candidates, Failure> {
        let found = self.query(|table| {
            let query = query.clone();
            async move { table::search(&table, &query).await }
        })?;
        if found.damaged > 0 {
            files::leave_suspicion(&self.folder, &format!("{} rows did not match their checksums", found.damaged));
        }
        let candidate = |row: super::rows::Row| {
            let similarity = cosine(&query.vector, &row.vector);
            Candidate { stored: row.stored, similarity }
        };
        Ok(Candidates { found: found.rows.into_iter().map(candidate).collect(), total: found.total })
    }

    fn compact(&self) -> Result<(), Failure> {
        let mut held = self.held();
        let merged = match &mut *held {
            Held::Closed => return Err(closed()),
            Held::Reading => return Ok(()),
            Held::Writing(writer)
                if writer.entries < COMMITS_WORTH_MERGING && writer.unindexed < ROWS_WORTH_INDEXING =>
            {
                return Ok(());
            }
            Held::Writing(writer) => self.merge(writer),
        };
        merged.inspect_err(|_| self.undo(&mut held))
    }
}
