//! The index through whatever may happen to it: ended with SIGKILL before a write, a rename, a link or an unlink; files
//! that a power cut left empty, halved, missing or as they were; flipped bits. While it is first written, brought up to
//! date, merged, and while the catalogue is kept. Afterwards it opens, what it says it has is what was written, and what
//! comes of it once it is up to date is what comes of an index made anew.
//!
//! `TAGOUT_TEST_TRIALS` says how many, `TAGOUT_TEST_SEED` which ones.

mod watched;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use tagout::engine::Index;
use tagout::ports::Store;
use tagout::store::LanceStore;

use self::watched::ended_at;
use crate::serving::{all, file, function, index, path, served};

/// Set in the process that is to be ended: the folder of its index, and which of [`WORKS`] it does.
const VICTIM: &str = "TAGOUT_TEST_TRIAL_VICTIM";
/// Trials of an ordinary run.
const TRIALS: u64 = 40;

/// What is at work on the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    FirstRun,
    Update,
    Merging,
    Catalogue,
}

const WORKS: [Work; 4] = [Work::FirstRun, Work::Update, Work::Merging, Work::Catalogue];

type Texts = BTreeMap<String, String>;

/// The text of a file in one of its states.
fn text(at: usize, state: usize) -> String {
    let names = (0..=at % 3).map(|number| function(&format!("of_{at}_{state}_{number}")));
    // Some chunks are the same in every state, and the same in several files.
    names.chain([function("alike")]).collect()
}

fn texts(state: usize, files: std::ops::Range<usize>) -> Texts {
    files.map(|at| (format!("d{}/f{at}.rs", at % 2), text(at, state))).collect()
}

impl Work {
    /// What is there before.
    fn before(self) -> Texts {
        match self {
            Self::FirstRun => Texts::new(),
            Self::Update | Self::Catalogue => texts(0, 0..9),
            Self::Merging => texts(35, 0..1).into_iter().chain(texts(0, 1..9)).collect(),
        }
    }

    /// What is there afterwards.
    fn after(self) -> Texts {
        match self {
            Self::FirstRun => texts(0, 0..9),
            Self::Update => texts(1, 0..4).into_iter().chain(texts(0, 4..7)).chain(texts(1, 9..11)).collect(),
            Self::Merging | Self::Catalogue => self.before(),
        }
    }

    /// Every state that a file ever had.
    fn ever(self) -> Vec<Texts> {
        (0..=35).map(|state| texts(state, 0..11)).collect()
    }

    /// An index as it is before.
    fn prepare(self, folder: &Path) {
        let index = opened(folder);
        match self {
            Self::FirstRun => {}
            Self::Update => {
                put_all(&index, &self.before());
                index.flush().unwrap();
                index.tidy();
            }
            Self::Merging => {
                put_all(&index, &texts(0, 0..9));
                for state in 1..=35 {
                    index.flush().unwrap();
                    put_all(&index, &texts(state, 0..1));
                }
                index.flush().unwrap();
            }
            Self::Catalogue => {
                put_all(&index, &self.before());
                index.flush().unwrap();
            }
        }
    }

    /// The work itself.
    fn perform(self, index: &Index) {
        let before = self.before();
        for (number, (name, text)) in self.after().iter().enumerate() {
            if before.get(name) != Some(text) {
                index.put(file(name, text));
            }
            if number % 3 == 2 {
                index.flush().unwrap();
            }
        }
        let after = self.after();
        index.remove(before.keys().filter(|name| !after.contains_key(*name)).map(|name| path(name)).collect());
        index.flush().unwrap();
        index.tidy();
    }
}

fn put_all(index: &Index, texts: &Texts) {
    for (name, text) in texts {
        index.put(file(name, text));
    }
}

fn opened(folder: &Path) -> Index {
    let index = index(folder);
    drop(index.known(&|_| {}));
    assert!(!index.is_apart(), "{:?}", index.take_notices());
    index
}

/// Works, once it is being watched. Does nothing in an ordinary run.
#[test]
fn a_trials_victim() {
    let Some(what) = std::env::var_os(VICTIM) else { return };
    let what = what.into_string().unwrap();
    let (folder, work) = what.rsplit_once('#').unwrap();
    let work = WORKS[work.parse::<usize>().unwrap()];
    ptrace::traceme().unwrap();
    raise(Signal::SIGSTOP).unwrap();
    work.perform(&opened(Path::new(folder)));
    raise(Signal::SIGSTOP).unwrap();
}

/// Numbers that look drawn by chance (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn all_files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                found.insert(entry.strip_prefix(folder).unwrap().to_owned(), fs::read(&entry).unwrap());
            }
        }
    }
    found
}

fn write_all(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (at, bytes) in files {
        fs::create_dir_all(folder.join(at).parent().unwrap()).unwrap();
        fs::write(folder.join(at), bytes).unwrap();
    }
}

/// What a power cut may leave of one file.
fn cut_power(folder: &Path, before: &BTreeMap<PathBuf, Vec<u8>>, chance: &mut Chance) -> String {
    let files = all_files(folder);
    let news: Vec<&PathBuf> = files.keys().filter(|at| before.get(*at) != files.get(*at)).collect();
    let mut told = String::new();
    for _ in 0..=chance.below(4) {
        let all: Vec<&PathBuf> = if news.is_empty() { files.keys().collect() } else { news.clone() };
        let at = all[chance.below(all.len())];
        let (place, bytes) = (folder.join(at), &files[at]);
        let what = match (chance.below(4), before.get(at)) {
            (0, _) => fs::write(&place, "").map(|()| "empty"),
            (1, _) => fs::write(&place, &bytes[..bytes.len() / 2]).map(|()| "half"),
            (2, Some(old)) => fs::write(&place, old).map(|()| "old"),
            (2 | 3, _) => fs::remove_file(&place).or_else(|_| fs::write(&place, "")).map(|()| "missing"),
            (other, _) => panic!("{other}"),
        };
        told += &format!(" {} {};", what.unwrap(), at.display());
    }
    told
}

/// A few bits that are others.
fn flip_bits(folder: &Path, chance: &mut Chance) -> String {
    let mut told = String::new();
    for _ in 0..=chance.below(3) {
        let mut files: Vec<(PathBuf, Vec<u8>)> =
            all_files(folder).into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
        let which = chance.below(files.len());
        let (at, bytes) = &mut files[which];
        let (byte, bit) = (chance.below(bytes.len()), chance.below(8));
        bytes[byte] ^= 1 << bit;
        fs::write(folder.join(&*at), bytes).unwrap();
        told += &format!(" bit {bit} of byte {byte} of {};", at.display());
    }
    told
}

/// Every row of the store, in one order.
pub(crate) fn rows(folder: &Path) -> Vec<String> {
    let store = LanceStore::new(folder.to_owned(), tagout::ports::Embedder::name(&tagout::model::BuiltinEmbedder));
    let open = store.open().unwrap();
    assert!(!open.read_only && open.unkept.is_none() && open.notice.is_none(), "{:?} {:?}", open.notice, open.unkept);
    let mut rows = Vec::new();
    store.read(None, &mut |stored, vector| rows.push(format!("{stored:?} {vector:?}"))).unwrap();
    rows.sort();
    rows
}

/// The index opens and has only what was written; brought up to date it is as one made anew, also once more.
fn judge(folder: &Path, work: Work, fresh: &(Vec<String>, Vec<String>), round: &str) -> usize {
    let index = index(folder);
    let known = index.known(&|_| {});
    let open = known.as_ref().unwrap().clone();
    drop(known);
    assert!(!index.is_apart() && !open.read_only, "{round}: {:?}", index.take_notices());
    for (at, record) in &open.files {
        let was = |texts: &Texts| {
            let written = texts.get(at.as_str()).map(|text| file(at.as_str(), text).record);
            written.is_some_and(|written| (written.content, &written.chunks) == (record.content, &record.chunks))
        };
        assert!(work.ever().iter().any(was), "{round}: {at} was never like this");
    }
    index
        .look(
            &[],
            |_| panic!("nothing is laid over"),
            |catalogue| {
                assert_eq!(catalogue.files().count(), open.files.len(), "{round}");
                for (at, record) in &open.files {
                    assert_eq!(catalogue.content(at), Some(record.content), "{round}: {at}");
                    let chunks =
                        catalogue.chunks_of(at).into_iter().map(|chunk| catalogue.stored(chunk).unwrap().chunk.hash());
                    assert_eq!(chunks.collect::<Vec<_>>(), record.chunks, "{round}: {at}");
                }
            },
        )
        .unwrap();
    let (after, mut made) = (work.after(), 0);
    for (name, text) in &after {
        let wanted = file(name, text);
        if open.files.get(&wanted.path).is_none_or(|record| record.content != wanted.record.content) {
            index.put(wanted);
            made += 1;
        }
    }
    index.remove(open.files.keys().filter(|at| !after.contains_key(at.as_str())).cloned().collect());
    index.flush().unwrap_or_else(|failure| panic!("{round}: {failure}"));
    index.tidy();
    let mut found = served(&index);
    found.sort();
    assert_eq!(found, fresh.0, "{round}: the catalogue");
    drop(index);
    assert_eq!(rows(folder), fresh.1, "{round}: the rows");
    let again = opened(folder);
    let mut found = served(&again);
    found.sort();
    assert_eq!(found, fresh.0, "{round}: once more");
    made
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

#[test]
fn whatever_happens_it_opens_and_is_right() {
    let (trials, seed) = (number("TAGOUT_TEST_TRIALS", TRIALS), number("TAGOUT_TEST_SEED", 1));
    println!("{trials} trials of seed {seed}");
    let mut bases = BTreeMap::new();
    for work in WORKS {
        let (base, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        work.prepare(base.path());
        let index = opened(made.path());
        put_all(&index, &work.after());
        index.flush().unwrap();
        let mut found = index.look(&[], |_| panic!("nothing is laid over"), all).unwrap();
        found.sort();
        drop(index);
        let fresh = (found, rows(made.path()));
        let counted = tempfile::tempdir().unwrap();
        write_all(counted.path(), &all_files(base.path()));
        let Some(steps) = ended_at(counted.path(), work, usize::MAX) else { return };
        assert!(steps > 3, "{work:?} has {steps} steps");
        bases.insert(work, (all_files(base.path()), fresh, steps));
    }
    let mut told: BTreeMap<(Work, &str), (usize, usize)> = BTreeMap::new();
    for trial in 0..trials {
        let mut chance = Chance((seed << 32) + trial + 0x9e37_79b9_7f4a_7c15);
        for _ in 0..20 {
            // Numbers that begin alike go on alike for a while.
            chance.below(1);
        }
        let work = WORKS[chance.below(4)];
        let (before, fresh, steps) = &bases[&work];
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path(), before);
        // Half of what happens besides happens after an end in the middle.
        let kind = ["ended", "power cut", "bits flipped"][chance.below(3)];
        let step = if kind == "ended" || chance.below(2) == 0 { 1 + chance.below(*steps) } else { usize::MAX };
        ended_at(folder.path(), work, step);
        let what = match kind {
            "power cut" => cut_power(folder.path(), before, &mut chance),
            "bits flipped" if !all_files(folder.path()).values().all(Vec::is_empty) => {
                flip_bits(folder.path(), &mut chance)
            }
            _ => String::new(),
        };
        let round = format!("trial {trial} of seed {seed}: {work:?}, {kind} at step {step} of {steps}:{what}");
        let made = judge(folder.path(), work, fresh, &round);
        let count = told.entry((work, kind)).or_default();
        *count = (count.0 + 1, count.1 + made);
    }
    for ((work, kind), (count, made)) in told {
        println!("{work:?}, {kind}: {count} trials, 0 failed, {made} files made again; {} steps", bases[&work].2);
    }
}
