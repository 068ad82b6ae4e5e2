//! The own manifest: what the index holds, which table version that is, and which files must be there.
//!
//! `manifest` is a whole picture, replaced at once by renaming; `journal` has what was committed since, one
//! checksummed entry a commit, so that saving one file does not rewrite the picture of 20,000. An entry counts only
//! with all entries before it, and while the files it brought are whole; from the first other one on, nothing counts.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::files::{Mark, Missing, first_damaged, read_optional, sync_folder};
use crate::ports::{Failure, FailureKind, FileChunks, IndexRecord};
use crate::workspace::{ContentHash, RelativePath};

/// Name of the whole picture.
pub(super) const MANIFEST: &str = "manifest";
/// Name of what was committed since.
pub(super) const JOURNAL: &str = "journal";
/// Number of the table's and the manifest's form: an index of a lower number is built anew, one of a higher number is
/// another program's to write.
pub(super) const SCHEMA: u32 = 2;

const MAGIC: &[u8; 8] = b"tagoutix";
const HEAD: usize = MAGIC.len() + 4;
const SEAL: usize = 32;
/// No entry of a journal is longer, in bytes; a longer length is a broken one.
const LONGEST_ENTRY: usize = 1 << 30;

/// Which state of the table counts, and the files it is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// LanceDB's version of the table.
    pub(super) version: u64,
    /// Rows in it.
    pub(super) rows: u64,
    /// The files of the table.
    pub(super) files: BTreeMap<String, Mark>,
    /// Whether old files were being deleted: then marked files may be missing without harm.
    pub(super) pruning: bool,
}

/// A record as it is on disk: raw hashes instead of hexadecimal ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    size: u64,
    modified_ns: i64,
    changed_ns: i64,
    content: [u8; 32],
    chunks: Vec<[u8; 32]>,
}

impl From<&IndexRecord> for Record {
    fn from(record: &IndexRecord) -> Self {
        Self {
            size: record.size,
            modified_ns: record.modified_ns,
            changed_ns: record.changed_ns,
            content: *record.content.as_bytes(),
            chunks: record.chunks.iter().map(|hash| *hash.as_bytes()).collect(),
        }
    }
}

impl From<Record> for IndexRecord {
    fn from(record: Record) -> Self {
        Self {
            size: record.size,
            modified_ns: record.modified_ns,
            changed_ns: record.changed_ns,
            content: ContentHash::from_bytes(record.content),
            chunks: record.chunks.into_iter().map(ContentHash::from_bytes).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Picture {
    embedder: String,
    state: State,
    records: Vec<(String, Record)>,
}

/// One commit: what it put, what it removed, what the table is after it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) version: u64,
    pub(super) rows: u64,
    pub(super) files: BTreeMap<String, Mark>,
    pub(super) put: Vec<(String, Record)>,
    pub(super) removed: Vec<String>,
}

impl Entry {
    /// The entry for `files` put and `removed` forgotten; the state after it is filled in by the caller.
    pub(super) fn of(files: &[FileChunks], removed: &[RelativePath]) -> Self {
        let put = files.iter().map(|file| (file.path.as_str().to_owned(), Record::from(&file.record))).collect();
        Self { put, removed: removed.iter().map(|path| path.as_str().to_owned()).collect(), ..Self::default() }
    }
}

/// Why a manifest says nothing of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There is none.
    Missing,
    /// Not what was written.
    Damaged(String),
    /// Well, but of an older version or another embedder.
    Other(String),
    /// Well, but of a newer version, with the number of its form.
    Newer(u32),
}

/// What manifest and journal say together.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) state: State,
    pub(super) records: BTreeMap<RelativePath, IndexRecord>,
    /// What entries of the journal go on from.
    pub(super) seal: [u8; 32],
    /// Entries in the journal.
    pub(super) entries: u64,
    /// Bytes of the journal that count; what follows them is a broken end.
    pub(super) journal_length: u64,
    /// Whether something followed the entries that count.
    pub(super) broken_end: bool,
}

/// Reads manifest and journal in `folder`.
pub(super) fn read(folder: &Path, embedder: &str) -> Result<Result<Told, Unusable>, Failure> {
    let Some(bytes) = read_optional(&folder.join(MANIFEST))? else { return Ok(Err(Unusable::Missing)) };
    let mut told = match parse(&bytes, embedder) {
        Ok(told) => told,
        Err(unusable) => return Ok(Err(unusable)),
    };
    drop(bytes);
    let journal = read_optional(&folder.join(JOURNAL))?.unwrap_or_default();
    let is_whole = |entry: &Entry| matches!(first_damaged(folder, &entry.files, Missing::IsDamage), Ok(None));
    replay(&mut told, &journal, &is_whole);
    Ok(Ok(told))
}

fn parse(bytes: &[u8], embedder: &str) -> Result<Told, Unusable> {
    let damaged = |what: &str| Unusable::Damaged(format!("its manifest {what}"));
    let (content, seal) = bytes.split_last_chunk::<SEAL>().ok_or_else(|| damaged("is cut short"))?;
    if blake3::hash(content).as_bytes() != seal {
        return Err(damaged("does not match its checksum"));
    }
    let head = content.get(MAGIC.len()..HEAD).and_then(|number| number.try_into().ok()).map(u32::from_le_bytes);
    let (Some(schema), true) = (head, content.starts_with(MAGIC)) else { return Err(damaged("is of another kind")) };
    if schema > SCHEMA {
        return Err(Unusable::Newer(schema));
    }
    if schema < SCHEMA {
        return Err(Unusable::Other(format!("it has form {schema}, and this version reads form {SCHEMA}")));
    }
    let picture: Picture = postcard::from_bytes(content.get(HEAD..).unwrap_or_default())
        .map_err(|error| damaged(&format!("cannot be read ({error})")))?;
    if picture.embedder != embedder {
        return Err(Unusable::Other(format!("it was made with embedder {}, not {embedder}", picture.embedder)));
    }
    let mut records = BTreeMap::new();
    for (path, record) in picture.records {
        let path = RelativePath::new(path).map_err(|error| damaged(&error.to_string()))?;
        records.insert(path, record.into());
    }
    Ok(Told { state: picture.state, records, seal: *seal, ..Told::default() })
}

/// Applies the entries of `journal` that are whole. A journal of an older manifest counts for nothing: its entries are
/// in the manifest already.
fn replay(told: &mut Told, journal: &[u8], is_whole: &dyn Fn(&Entry) -> bool) {
    let Some(mut rest) = journal.strip_prefix(told.seal.as_slice()) else { return };
    told.journal_length = SEAL as u64;
    while let Some((entry, length)) = next_entry(rest, &told.seal, told.entries) {
        if !is_whole(&entry) || apply(told, entry).is_err() {
            break;
        }
        told.entries += 1;
        told.journal_length += length as u64;
        rest = rest.get(length..).unwrap_or_default();
    }
    told.broken_end = !rest.is_empty();
}

fn next_entry(bytes: &[u8], seal: &[u8; 32], number: u64) -> Option<(Entry, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= LONGEST_ENTRY)?;
    let (body, rest) = rest.split_at_checked(length)?;
    let sum = rest.first_chunk::<SEAL>()?;
    if entry_seal(body, seal, number) != *sum {
        return None;
    }
    Some((decode(body)?, 4 + length + SEAL))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

fn entry_seal(body: &[u8], seal: &[u8; 32], number: u64) -> [u8; 32] {
    *ContentHash::of_parts(&[seal, &number.to_le_bytes(), body]).as_bytes()
}

fn apply(told: &mut Told, entry: Entry) -> Result<(), Unusable> {
    let bad = |error: crate::workspace::PathError| Unusable::Damaged(error.to_string());
    let path = |path: String| RelativePath::new(path).map_err(bad);
    let put: Vec<_> = entry.put.into_iter().map(|(at, record)| Ok((path(at)?, record))).collect::<Result<_, _>>()?;
    let removed: Vec<_> = entry.removed.into_iter().map(path).collect::<Result<_, _>>()?;
    for path in &removed {
        told.records.remove(path);
    }
    told.records.extend(put.into_iter().map(|(path, record)| (path, record.into())));
    told.state.version = entry.version;
    told.state.rows = entry.rows;
    told.state.files.extend(entry.files);
    Ok(())
}

/// Writes the whole picture durably, begins a new journal, and returns what its entries go on from.
pub(super) fn write(
    folder: &Path,
    embedder: &str,
    state: &State,
    records: &BTreeMap<RelativePath, IndexRecord>,
) -> Result<[u8; 32], Failure> {
    let records = records.iter().map(|(path, record)| (path.as_str().to_owned(), Record::from(record))).collect();
    let picture = Picture { embedder: embedder.to_owned(), state: state.clone(), records };
    let mut bytes = Vec::from(MAGIC);
    bytes.extend(SCHEMA.to_le_bytes());
    let mut bytes = postcard::to_extend(&picture, bytes).map_err(|error| encoding(&error))?;
    let seal = *blake3::hash(&bytes).as_bytes();
    bytes.extend(seal);
    replace_file(folder, MANIFEST, &bytes)?;
    replace_file(folder, JOURNAL, &seal)?;
    Ok(seal)
}

/// Adds `entry` to the journal at `length`, and returns the new length. Does not wait for the disk: a broken end is
/// stepped over.
pub(super) fn append(folder: &Path, entry: &Entry, seal: &[u8; 32], number: u64, length: u64) -> Result<u64, Failure> {
    let path = folder.join(JOURNAL);
    let failed = |error: &std::io::Error| Failure::io(path.display(), error);
    let body = postcard::to_stdvec(entry).map_err(|error| encoding(&error))?;
    let size = u32::try_from(body.len()).ok().filter(|_| body.len() <= LONGEST_ENTRY);
    let size = size.ok_or_else(|| Failure::new(FailureKind::InvalidInput, "too many files in one index commit"))?;
    let mut bytes = Vec::with_capacity(body.len() + 4 + 2 * SEAL);
    if length == 0 {
        bytes.extend(seal);
    }
    bytes.extend(size.to_le_bytes());
    bytes.extend(&body);
    bytes.extend(entry_seal(&body, seal, number));
    // A broken end is cut off first, or it would hide the new entry.
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(|e| failed(&e))?;
    file.set_len(length).map_err(|error| failed(&error))?;
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(|error| failed(&error))?;
    file.write_all(&bytes).map_err(|error| failed(&error))?;
    Ok(length + bytes.len() as u64)
}

/// Cuts off what follows the entries that count.
pub(super) fn cut_journal(folder: &Path, length: u64) -> Result<(), Failure> {
    let path = folder.join(JOURNAL);
    let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(length));
    cut.map_err(|error| Failure::io(path.display(), &error))
}

fn encoding(error: &postcard::Error) -> Failure {
    Failure::new(FailureKind::Internal, format!("the index manifest cannot be written: {error}"))
}

fn replace_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        sync_folder(folder)
    };
    write().map_err(|error| Failure::io(path.display(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> IndexRecord {
        let content = ContentHash::of(text.as_bytes());
        IndexRecord { size: 3, modified_ns: -4, changed_ns: 5, content, chunks: vec![content, content] }
    }

    fn filled(folder: &Path) -> (State, BTreeMap<RelativePath, IndexRecord>) {
        let state = State { version: 7, rows: 2, ..State::default() };
        let records = BTreeMap::from([(RelativePath::new("a/b.rs").unwrap(), record("one"))]);
        let seal = write(folder, "embedder", &state, &records).unwrap();
        let mut length = 32;
        for number in 0..3_u64 {
            let put = vec![(format!("c{number}.rs"), Record::from(&record("two")))];
            let entry = Entry { version: 8 + number, rows: 3 + number, put, ..Entry::default() };
            length = append(folder, &entry, &seal, number, length).unwrap();
        }
        (state, records)
    }

    #[test]
    fn reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let told = read(folder.path(), "embedder").unwrap().unwrap();
        assert_eq!((told.state.version, told.state.rows, told.entries, told.broken_end), (10, 5, 3, false));
        assert_eq!(told.records.len(), 4);
        assert_eq!(told.records[&RelativePath::new("c1.rs").unwrap()], record("two"));
        assert_eq!(
            read(folder.path(), "other").unwrap().unwrap_err(),
            Unusable::Other("it was made with embedder embedder, not other".into())
        );
        assert_eq!(read(&folder.path().join("none"), "embedder").unwrap().unwrap_err(), Unusable::Missing);
    }

    #[test]
    fn every_flipped_or_missing_byte_of_the_manifest_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let path = folder.path().join(MANIFEST);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(matches!(parse(&flipped, "embedder"), Err(Unusable::Damaged(_))), "byte {at}");
            assert!(matches!(parse(&whole[..at], "embedder"), Err(Unusable::Damaged(_))), "cut at {at}");
        }
    }

    #[test]
    fn a_broken_journal_counts_up_to_its_first_broken_entry() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let path = folder.path().join(JOURNAL);
        let whole = std::fs::read(&path).unwrap();
        let versions = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let told = read(folder.path(), "embedder").unwrap().unwrap();
            (told.state.version, told.records.len(), told.broken_end)
        };
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            let (version, records, _) = versions(&flipped);
            assert!(version < 10 && u64::try_from(records).unwrap() == version - 6, "byte {at}: {version}");
            let (version, records, _) = versions(&whole[..at]);
            assert!(version < 10 && u64::try_from(records).unwrap() == version - 6, "cut at {at}: {version}");
        }
        let third = whole.len() - (whole.len() - 32) / 3;
        assert_eq!(versions(&whole[..third]), (9, 3, false));
        let told = read(folder.path(), "embedder").unwrap().unwrap();
        std::fs::write(&path, &whole[..third + 5]).unwrap();
        append(
            folder.path(),
            &Entry { version: 42, ..Entry::default() },
            &told.seal,
            told.entries,
            told.journal_length,
        )
        .unwrap();
        assert_eq!(read(folder.path(), "embedder").unwrap().unwrap().state.version, 42);
    }
}
