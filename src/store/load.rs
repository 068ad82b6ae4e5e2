//! Opening: believe the manifest, check the files against it, put the table back to what it says.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use lancedb::Table;

use super::files::{self, Missing, TABLE_FOLDER};
use super::manifest::{self, State, Told, Unusable};
use super::runtime::Lazy;
use super::table;
use crate::ports::{Failure, FailureKind};
use crate::workspace::RelativePath;

/// An index that was found whole.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) table: Table,
    pub(super) told: Told,
    /// Commits that had been cut short, and are no more.
    pub(super) undone: usize,
}

/// Opens what is in `folder`, or says why it is of no use. The caller holds the writer's lock.
pub(super) fn load(folder: &Path, embedder: &str, runtime: &Lazy) -> Result<Result<Loaded, Unusable>, Failure> {
    if folder.join(files::SUSPECT).exists() {
        return Ok(Err(Unusable::Damaged("rows in it did not match their checksums".to_owned())));
    }
    let told = match manifest::read(folder, embedder)? {
        Ok(told) => told,
        Err(Unusable::Missing) if folder.join(TABLE_FOLDER).exists() => {
            return Ok(Err(Unusable::Damaged("its manifest is missing".to_owned())));
        }
        Err(unusable) => return Ok(Err(unusable)),
    };
    let missing = if told.state.pruning { Missing::IsFine } else { Missing::IsDamage };
    if let Some(what) = files::first_damaged(folder, &told.state.files, missing)? {
        return Ok(Err(Unusable::Damaged(what)));
    }
    if told.broken_end {
        manifest::cut_journal(folder, told.journal_length)?;
    }
    let undone = files::forget_unknown_commits(folder, &told.state.files)? + usize::from(told.broken_end);
    Ok(open_table(folder, &told.state, runtime).map(|table| Loaded { table, told, undone }))
}

fn open_table(folder: &Path, state: &State, runtime: &Lazy) -> Result<Table, Unusable> {
    let (at, wanted, deep) = (folder.to_owned(), (state.version, state.rows), state.pruning);
    let opened = runtime.run("opening the index", async move {
        let table = table::open(&at).await?;
        let version = table.version().await?;
        let rows = if deep {
            table::count_whole_rows(&table).await?.unwrap_or(u64::MAX)
        } else {
            table.count_rows(None).await? as u64
        };
        Ok::<_, lancedb::Error>((table, version, rows))
    });
    match opened {
        Ok((table, version, rows)) if (version, rows) == wanted => Ok(table),
        Ok((_, version, rows)) => Err(Unusable::Damaged(format!(
            "its table has version {version} and {rows} rows instead of version {} and {} rows",
            wanted.0, wanted.1
        ))),
        Err(failure) => Err(Unusable::Damaged(failure.what)),
    }
}

/// Begins an index in `folder`, which holds none.
pub(super) fn create(folder: &Path, embedder: &str, runtime: &Lazy) -> Result<Loaded, Failure> {
    let at = folder.to_owned();
    let (table, version) = runtime.run("creating the index", async move {
        let table = table::create(&at).await?;
        let version = table.version().await?;
        Ok::<_, lancedb::Error>((table, version))
    })?;
    files::sync_table(folder)?;
    let files = files::mark_new(folder, &std::collections::BTreeMap::new())?;
    let state = State { version, rows: 0, files, pruning: false };
    let seal = manifest::write(folder, embedder, &state, &std::collections::BTreeMap::new())?;
    let told = Told { state, seal, journal_length: seal.len() as u64, ..Told::default() };
    Ok(Loaded { table, told, undone: 0 })
}

/// A set of paths that takes little room; now and then it wrongly has one, which costs a deletion of nothing.
#[derive(Debug, Default)]
pub(super) struct Paths(HashSet<u64>);

impl Paths {
    pub(super) fn has(&self, path: &RelativePath) -> bool {
        self.0.contains(&Self::key(path))
    }

    pub(super) fn add(&mut self, path: &RelativePath) {
        self.0.insert(Self::key(path));
    }

    fn key(path: &RelativePath) -> u64 {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        hasher.finish()
    }
}

/// What to say of an index that is of no use, and begun anew.
pub(super) fn rebuilt(unusable: &Unusable) -> Option<String> {
    match unusable {
        Unusable::Missing | Unusable::Newer(_) => None,
        Unusable::Damaged(what) => Some(format!("the index was damaged ({what}): it is set aside and built anew")),
        Unusable::Other(what) => Some(format!("the index cannot be used ({what}): it is set aside and built anew")),
    }
}

/// The failure of an index that a newer version wrote: it is left as it is.
pub(super) fn newer(folder: &Path, form: u32) -> Failure {
    let what =
        format!("the index was written by a newer tagout (form {form}; this one reads form {})", manifest::SCHEMA);
    Failure::new(FailureKind::Unavailable, what)
        .hint(format!("update tagout, or delete {} and let it be built again", folder.display()))
}

/// The failure of writing while another process does.
pub(super) fn held_elsewhere() -> Failure {
    Failure::new(FailureKind::Unavailable, "another tagout process writes this index")
        .hint("close the other one and open the workspace again; searching works meanwhile")
}
