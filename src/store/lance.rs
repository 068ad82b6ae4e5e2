//! The index of one workspace in LanceDB, written by one process at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lancedb::Table;

use super::files::{self, CATALOGUE, NOTE, Stamp, stamp};
use super::load::{self, Loaded, Paths};
use super::manifest::{self, Entry, State, Unusable};
use super::rows::check_vectors;
use super::runtime::Lazy;
use super::table::{self, Reading};
use crate::locks::FileLock;
use crate::ports::{Failure, FailureKind, FileChunks, IndexRecord, KeepsCatalogue, OpenIndex, Store, TakeChunk};
use crate::workspace::RelativePath;

/// [`compact`](Store::compact) does nothing before this many commits or rows since the last time; it merges for commits,
/// or so many files more than the rows need, and for rows only makes them durable: reading has no use for fewer files.
const COMMITS_WORTH_MERGING: u64 = 32;
const FILES_WORTH_MERGING: u64 = 32;
const ROWS_WORTH_SYNCING: u64 = 1_000;
/// Paths named in one deletion or one look.
const NAMED_AT_ONCE: usize = 500;
/// More paths than this are found faster among all.
const MOST_NAMED: usize = 2_000;

/// LanceDB behind the [`Store`] port. No file is touched and no thread started before [`Store::open`].
#[derive(Debug)]
pub struct LanceStore {
    folder: PathBuf,
    embedder: String,
    runtime: Lazy,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
enum Held {
    #[default]
    Closed,
    /// Another process writes; what the manifest looked like when it was read.
    Reading(Stamp),
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
    unsynced: u64,
}

impl Writer {
    fn is_in_pieces(&self) -> bool {
        let files = self.state.files.keys().filter(|path| path.starts_with("data/")).count() as u64;
        self.entries >= COMMITS_WORTH_MERGING
            || files >= FILES_WORTH_MERGING + self.state.rows / table::MERGED_ROWS as u64
    }
}

impl LanceStore {
    /// The index in `folder`, of vectors made by the embedder of that name.
    #[must_use]
    pub fn new(folder: PathBuf, embedder_name: &str) -> Self {
        Self { folder, embedder: embedder_name.to_owned(), runtime: Lazy::default(), held: Mutex::default() }
    }

    /// Writes a file beside the table; nothing where another process writes.
    fn keep_file(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        match &*self.held() {
            Held::Closed => Err(closed()),
            Held::Reading(_) => Ok(()),
            Held::Writing(writer) if self.is_in_place(&writer.lock) => {
                files::replace_unsynced(&self.folder, name, bytes)
                    .map_err(|failure| files::with_advice(&self.folder, failure))
            }
            Held::Writing(_) => Err(changed_meanwhile()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock this store holds already, while its file is still the one in the folder.
    fn lock(&self, held: Held) -> Result<Option<FileLock>, Failure> {
        match held {
            Held::Writing(writer) if self.is_in_place(&writer.lock) => Ok(Some(writer.lock)),
            Held::Writing(_) | Held::Reading(_) | Held::Closed => files::take_lock(&self.folder),
        }
    }

    /// Whether the lock held is still the one in the folder: the folder may have been deleted, and made again by others.
    fn is_in_place(&self, lock: &FileLock) -> bool {
        files::is_in_place(&self.folder, lock)
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
        match &unusable {
            Unusable::Missing => {}
            Unusable::Newer(form) => return Err(load::newer(&self.folder, *form)),
            Unusable::Damaged(_) | Unusable::Other(_) => files::set_aside(&self.folder)?,
        }
        let loaded = load::create(&self.folder, &self.embedder, &self.runtime)?;
        Ok((loaded, load::rebuilt(&unusable)))
    }

    fn open_reading(&self) -> Result<OpenIndex, Failure> {
        let files = self.readable()?;
        let notice = Some("another tagout process writes this index: it is open for reading only".to_owned());
        Ok(OpenIndex { files, notice, read_only: true, ..OpenIndex::default() })
    }

    /// What there is to read without the lock.
    fn readable(&self) -> Result<BTreeMap<RelativePath, IndexRecord>, Failure> {
        match manifest::read(&self.folder, &self.embedder)? {
            Ok(told) => Ok(told.records),
            Err(Unusable::Newer(form)) => Err(load::newer(&self.folder, form)),
            // The one that writes is about to build it anew.
            Err(Unusable::Missing | Unusable::Damaged(_) | Unusable::Other(_)) => Ok(BTreeMap::new()),
        }
    }

    /// The lock, in a folder that is there.
    fn lock_folder(&self, held: Held) -> Result<Option<FileLock>, Failure> {
        std::fs::create_dir_all(&self.folder).map_err(|error| Failure::io(self.folder.display(), &error))?;
        self.lock(held)
    }

    fn take(&self, loaded: Loaded, lock: FileLock, held: &mut Held) -> BTreeMap<RelativePath, IndexRecord> {
        let Loaded { table, told, .. } = loaded;
        let mut known = Paths::default();
        told.records.keys().for_each(|path| known.add(path));
        *held = Held::Writing(Box::new(Writer {
            lock,
            table,
            state: told.state,
            seal: told.seal,
            entries: told.entries,
            journal_length: told.journal_length,
            known,
            unsynced: 0,
        }));
        told.records
    }

    /// Puts the state before a failed write back; when even that fails, the index is closed.
    fn undo(&self, held: &mut Held) {
        let Held::Writing(writer) = std::mem::take(held) else { return };
        if let Ok(Ok(loaded)) = load::load(&self.folder, &self.embedder, &self.runtime) {
            // Left closed when this fails: the next open starts from the manifest again.
            self.take(loaded, writer.lock, held);
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
            for some in gone.chunks(NAMED_AT_ONCE) {
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
        writer.unsynced += added;
        (writer.state.version, writer.state.rows) = (version, rows);
        writer.state.files.append(&mut entry.files);
        paths.iter().for_each(|path| writer.known.add(path));
        Ok(())
    }

    /// What was written, as manifest and journal have it.
    fn records(&self) -> Result<BTreeMap<RelativePath, IndexRecord>, Failure> {
        let told = manifest::read(&self.folder, &self.embedder)?;
        told.map(|told| told.records).map_err(|_| changed_meanwhile())
    }

    /// Waits until everything is on the disk, and puts the journal into the manifest.
    fn make_durable(&self, writer: &mut Writer) -> Result<(), Failure> {
        let records = self.records()?;
        files::sync_table(&self.folder)?;
        writer.seal = manifest::write(&self.folder, &self.embedder, &writer.state, &records)?;
        (writer.entries, writer.journal_length, writer.unsynced) = (0, writer.seal.len() as u64, 0);
        Ok(())
    }

    fn merge(&self, writer: &mut Writer) -> Result<(), Failure> {
        let records = self.records()?;
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
        let table = writer.table.clone();
        self.runtime.run("pruning the index", async move { table::prune(&table).await })?;
        let left: BTreeSet<String> = files::lasting_files(&self.folder)?.into_iter().collect();
        writer.state.files.retain(|path, _| left.contains(path));
        writer.state.pruning = false;
        files::sync_table(&self.folder)?;
        writer.seal = manifest::write(&self.folder, &self.embedder, &writer.state, &records)?;
        (writer.entries, writer.journal_length, writer.unsynced) = (0, writer.seal.len() as u64, 0);
        Ok(())
    }

    /// Hands on the rows of `paths` in `table`, or all; how many were not as they were written.
    fn read_rows(&self, table: &Table, paths: Option<Vec<String>>, take: TakeChunk<'_>) -> Result<usize, Failure> {
        const DOING: &str = "reading the index";
        let table = table.clone();
        let mut reading = self.runtime.run(DOING, async move { Reading::begin(&table, paths).await })?;
        let mut damaged = 0;
        loop {
            let (next, rows) = self.runtime.run(DOING, reading.next())?;
            let Some(rows) = rows else { return Ok(damaged) };
            for row in rows {
                match row {
                    Some(row) => take(row.stored, row.vector),
                    None => damaged += 1,
                }
            }
            reading = next;
        }
    }

    /// As [`Self::read_rows`], however many paths there are.
    fn read_all(&self, table: &Table, paths: Option<&[RelativePath]>, take: TakeChunk<'_>) -> Result<usize, Failure> {
        let Some(paths) = paths else { return self.read_rows(table, None, take) };
        if paths.len() > MOST_NAMED {
            let wanted: BTreeSet<&RelativePath> = paths.iter().collect();
            return self.read_rows(table, None, &mut |stored, vector| {
                if wanted.contains(&stored.path) {
                    take(stored, vector);
                }
            });
        }
        let mut damaged = 0;
        for some in paths.chunks(NAMED_AT_ONCE) {
            let names = some.iter().map(|path| path.as_str().to_owned()).collect();
            damaged += self.read_rows(table, Some(names), take)?;
        }
        Ok(damaged)
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
        let lock = match self.lock_folder(std::mem::take(&mut held)) {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                // Before it is read, so that what is written meanwhile is news.
                *held = Held::Reading(stamp(&self.folder));
                return self.open_reading().inspect_err(|_| *held = Held::Closed);
            }
            Err(unkept) => {
                *held = Held::Reading(stamp(&self.folder));
                // What cannot be read either is made again in memory.
                let files = self.readable().unwrap_or_default();
                let unkept = Some(files::with_advice(&self.folder, unkept));
                return Ok(OpenIndex { files, unkept, ..OpenIndex::default() });
            }
        };
        let (loaded, notice) = self.load_or_create().map_err(|failure| files::with_advice(&self.folder, failure))?;
        let files = self.take(loaded, lock, &mut held);
        Ok(OpenIndex { files, notice, ..OpenIndex::default() })
    }

    fn read(&self, paths: Option<&[RelativePath]>, take: TakeChunk<'_>) -> Result<(), Failure> {
        // Held to the end: what is merged away meanwhile could not be read any more.
        let held = self.held();
        let table = match &*held {
            Held::Closed => return Err(closed()),
            Held::Writing(writer) => writer.table.clone(),
            Held::Reading(_) => {
                let folder = self.folder.clone();
                self.runtime.run("opening the index", async move { table::open(&folder).await })?
            }
        };
        let outcome = self.read_all(&table, paths, take);
        let suspicion = match &outcome {
            Ok(0) => return Ok(()),
            Ok(damaged) => format!("{damaged} rows did not match their checksums"),
            Err(failure) => failure.what.clone(),
        };
        // Who only reads may have been overtaken by the one that writes.
        if matches!(*held, Held::Writing(_)) {
            files::leave_suspicion(&self.folder, &suspicion);
        }
        outcome.map(|_| ())
    }

    fn replace(&self, files: Vec<FileChunks>, removed: &[RelativePath]) -> Result<(), Failure> {
        check_vectors(&files)?;
        // Of two states of one path the later one counts: no chunk may be in the table twice.
        let files: BTreeMap<RelativePath, FileChunks> =
            files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let mut held = self.held();
        let written = match &mut *held {
            Held::Closed => return Err(closed()),
            Held::Reading(_) => return Err(load::held_elsewhere()),
            Held::Writing(_) if files.is_empty() && removed.is_empty() => return Ok(()),
            Held::Writing(writer) => self.write(writer, files.into_values().collect(), removed),
        };
        written.inspect_err(|_| self.undo(&mut held)).map_err(|failure| files::with_advice(&self.folder, failure))
    }

    fn compact(&self) -> Result<(), Failure> {
        let mut held = self.held();
        let merged = match &mut *held {
            Held::Closed => return Err(closed()),
            Held::Reading(_) => return Ok(()),
            Held::Writing(writer) if writer.is_in_pieces() => self.merge(writer),
            Held::Writing(writer) if writer.unsynced >= ROWS_WORTH_SYNCING => self.make_durable(writer),
            Held::Writing(_) => return Ok(()),
        };
        merged.inspect_err(|_| self.undo(&mut held)).map_err(|failure| files::with_advice(&self.folder, failure))
    }
}

impl KeepsCatalogue for LanceStore {
    fn catalogue(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(CATALOGUE)).ok()
    }

    fn keep_catalogue(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.keep_file(CATALOGUE, bytes)
    }

    fn note(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join(NOTE)).ok()
    }

    fn keep_note(&self, note: &str) -> Result<(), Failure> {
        self.keep_file(NOTE, note.as_bytes())
    }

    fn has_news(&self) -> bool {
        match &*self.held() {
            Held::Reading(then) => stamp(&self.folder) != *then,
            Held::Closed | Held::Writing(_) => false,
        }
    }
}
