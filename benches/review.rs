//! A changeset of 10,000 hunks from its making to the disk, and a key press while it waits:
//! `cargo run --example figures review [FOLDER]`. FOLDER is on the disk that is written to, `/var/tmp` without it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tagout::changes::{Changeset, FileChange, Origin, Permissions};
use tagout::engine::recipes::{Applied, ApplyTask, Offers, Opened, Proposed, Purpose, Stance, apply_action};
use tagout::engine::{Ask, Event, JobId, Order, Outcome, RequestId, State, Task, TextChange, Update, step};
use tagout::host::{DiskFiles, Durability, open_root};
use tagout::policy::{Grant, Mode, Rules, Trust};
use tagout::ports::{Files, Outcome as Written};
use tagout::text::{Position, Range};
use tagout::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

use crate::{median, milliseconds};

/// The argument that asks for these figures.
pub(crate) const SUBJECT: &str = "review";

const ROUNDS: usize = 5;
const FILES: usize = 1_000;
const HUNKS: usize = 10;
/// Lines of a file for each hunk in it.
const SPACING: usize = 20;
const KEYS: usize = 100;

/// Prints the figures for the disk that the folder named is on.
pub(crate) fn figures(arguments: &[String]) {
    let on = arguments.first().map_or("/var/tmp", String::as_str);
    let rounds: Vec<Round> = (0..ROUNDS).map(|_| whole_way(Path::new(on))).collect();
    let part = |of: Part| median(rounds.iter().map(of).collect());
    let (total, plain) = (part(Round::total), part(|round| round.plain));
    let bytes: usize = (0..FILES).map(|file| text(file, Side::After).len()).sum();
    println!("review, {FILES} files, {} hunks, {:.1} MB, median of {ROUNDS}", FILES * HUNKS, bytes as f64 / 1e6);
    let parts: [(&str, Part); 5] = [
        ("make the changeset", |round| round.made),
        ("show every hunk", |round| round.shown),
        ("accept all of it", |round| round.accepted),
        ("judge and write, durably", |round| round.written),
        ("settle the review", |round| round.settled),
    ];
    for (what, of) in parts {
        println!("  {what:<26} {:8.1} ms", milliseconds(part(of)));
    }
    println!(
        "  together                   {:8.1} ms   bare write of the same {:8.1} ms   ratio {:.1}",
        milliseconds(total),
        milliseconds(plain),
        total.as_secs_f64() / plain.as_secs_f64()
    );
    let mut waiting = Waiting::new(FILES);
    let mut alone = Waiting::new(1);
    // In turns, so that whatever else the machine does meets both alike.
    for _ in 0..KEYS {
        waiting.press();
        alone.press();
    }
    for (what, of) in [
        ("a key press in one of them", (|waiting: &Waiting| &waiting.keys) as fn(&Waiting) -> &Vec<Duration>),
        ("its code actions", |waiting| &waiting.actions),
    ] {
        let (many, one) = (median(of(&waiting).clone()), median(of(&alone).clone()));
        println!(
            "  {what:<26} {:8.3} ms   with one file under review {:7.3} ms   ratio {:.1}",
            milliseconds(many),
            milliseconds(one),
            many.as_secs_f64() / one.as_secs_f64()
        );
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// What a file holds: of every [`SPACING`] lines one is to change.
fn text(file: usize, side: Side) -> String {
    let line = |line: usize| match side {
        Side::After if line % SPACING == SPACING / 2 => format!("    let value = renamed({file}, {line}, \"ä\");\n"),
        Side::Before | Side::After => format!("    let value = compute({file}, {line});\n"),
    };
    (0..HUNKS * SPACING).map(line).collect()
}

fn path(file: usize) -> RelativePath {
    RelativePath::new(format!("{}/file-{file}.rs", file / 100)).unwrap()
}

fn changes(files: usize) -> Vec<FileChange> {
    let state = |file, side| Some(FileState::text(text(file, side)));
    let change =
        |file| FileChange { path: path(file), before: state(file, Side::Before), after: state(file, Side::After) };
    (0..files).map(change).collect()
}

fn made(changes: Vec<FileChange>) -> Changeset {
    Changeset::new(Origin::Command { argv: vec!["figures".to_owned()] }, changes)
}

/// One of the times of a round.
type Part = fn(&Round) -> Duration;

/// How long each part took.
struct Round {
    made: Duration,
    shown: Duration,
    accepted: Duration,
    written: Duration,
    settled: Duration,
    plain: Duration,
}

impl Round {
    fn total(&self) -> Duration {
        self.made + self.shown + self.accepted + self.written + self.settled
    }
}

/// From the texts to the disk, as a session goes there, and the same bytes written without any of it.
fn whole_way(on: &Path) -> Round {
    let folder = tempfile::tempdir_in(on).unwrap();
    let changes = changes(FILES);
    let [work, beside] = ["work", "beside"].map(|name| folder.path().join(name));
    let write = |work: &Path, side: fn(&FileChange) -> &Option<FileState>| {
        for change in &changes {
            let at = work.join(change.path.as_str());
            std::fs::write(at, &side(change).as_ref().unwrap().bytes).unwrap();
        }
    };
    for work in [&work, &beside] {
        (0..FILES.div_ceil(100)).for_each(|part| std::fs::create_dir_all(work.join(part.to_string())).unwrap());
        write(work, |change| &change.before);
    }
    settle(folder.path());
    let begun = Instant::now();
    write(&beside, |change| &change.after);
    let plain = begun.elapsed();
    settle(folder.path());

    let root = open_root(&work).unwrap();
    let disk = DiskFiles::new(1 << 20, folder.path().join("state/journal")).with_durability(Durability::Durable);
    let mut state = session(&root);
    let mut lap = Lap(Instant::now());
    let changeset = made(changes.clone());
    let (id, made) = (changeset.id.clone(), lap.time());
    let orders = propose(&mut state, &root, changeset);
    let shown = lap.time();
    assert_eq!(notices(&orders), FILES * HUNKS);
    let mut orders = ask(&mut state, "tagout.accept", &json!({ "changeset": id.as_str() }));
    let accepted = lap.time();
    let (job, task) = take_apply(&mut orders);
    let task = apply(&disk, task);
    let written = lap.time();
    ended(&mut state, job, Outcome::Applied(Applied::Done(task, Vec::new())));
    let settled = lap.time();
    assert_eq!(std::fs::read(work.join(path(0).as_str())).unwrap(), text(0, Side::After).into_bytes());
    Round { made, shown, accepted, written, settled, plain }
}

/// The time since it was asked for last.
struct Lap(Instant);

impl Lap {
    fn time(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

/// Neither run pays for what the other, or the preparation, left to be written.
fn settle(folder: &Path) {
    let folder = std::fs::File::open(folder).unwrap();
    nix::unistd::syncfs(&folder).unwrap();
}

fn apply(disk: &DiskFiles, task: ApplyTask) -> ApplyTask {
    let (action, facts) = apply_action(&task.changes);
    let (grant, _) = Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action, &facts, None).unwrap();
    let Purpose::Accept { proposal, .. } = &task.purpose else { panic!("it was accepted") };
    let receipt = disk.apply(grant, &task.root, proposal, &task.changes, &Permissions::new()).unwrap();
    assert_eq!(receipt.outcome, Written::Written);
    task
}

/// A session with this workspace open.
fn session(root: &Root) -> State {
    let mut state = State::default();
    let given = root.as_path().to_path_buf();
    let orders = step(&mut state, Event::FoldersChanged { added: vec![given.clone()], removed: vec![] });
    let job = orders.iter().find_map(|order| if let Order::Start(job, _) = order { Some(*job) } else { None });
    let stance = Stance {
        root: root.clone(),
        mode: Mode::WorkspaceWrite,
        trust: Trust::Trusted,
        settings: None,
        problems: vec![],
        applied: vec![],
        offers: Offers::default(),
        answers: std::collections::BTreeSet::new(),
    };
    let opened = Opened { given, stance, unknown: vec![], commands: vec![], notice: None, waiting: Default::default() };
    ended(&mut state, job.unwrap(), Outcome::Opened(opened));
    state
}

fn ended(state: &mut State, job: JobId, outcome: Outcome) -> Vec<Order> {
    step(state, Event::Job { job, update: Update::Ended(Box::new(Ok(outcome))) })
}

/// Shows a proposal, as one that a recipe has made.
fn propose(state: &mut State, root: &Root, changeset: Changeset) -> Vec<Order> {
    let argument = json!({ "pattern": "compute($$$A)", "replacement": "renamed($$$A)", "language": "rust" });
    let mut orders = ask(state, "tagout.rewrite", &argument);
    let job = orders.drain(..).find_map(|order| if let Order::Start(job, _) = order { Some(job) } else { None });
    let proposed = Proposed { root: root.clone(), changeset, files: FILES, problems: vec![] };
    ended(state, job.unwrap(), Outcome::Proposed(proposed))
}

fn ask(state: &mut State, name: &str, argument: &serde_json::Value) -> Vec<Order> {
    let ask = Ask::Command { name: name.to_owned(), arguments: vec![argument.clone()] };
    step(state, Event::Asked { request: RequestId(1), ask })
}

fn notices(orders: &[Order]) -> usize {
    orders.iter().map(|order| if let Order::Publish(_, notices) = order { notices.len() } else { 0 }).sum()
}

fn take_apply(orders: &mut Vec<Order>) -> (JobId, ApplyTask) {
    let apply = orders
        .drain(..)
        .find_map(|order| if let Order::Start(job, Task::Apply(task)) = order { Some((job, task)) } else { None });
    apply.expect("all of it is for the disk")
}

/// A session with a proposal for so many files waiting, and one of them open.
struct Waiting {
    state: State,
    uri: DocumentUri,
    version: i32,
    keys: Vec<Duration>,
    actions: Vec<Duration>,
}

impl Waiting {
    fn new(files: usize) -> Self {
        let root = Root::new("/w").unwrap();
        let mut state = session(&root);
        propose(&mut state, &root, made(changes(files)));
        let at = PathBuf::from("/w").join(path(0).as_str());
        let uri = DocumentUri(format!("file://{}", at.display()));
        let (version, text) = (DocumentVersion(1), text(0, Side::Before));
        step(&mut state, Event::Opened { uri: uri.clone(), path: Some(at), version, text });
        Self { state, uri, version: 1, keys: Vec::new(), actions: Vec::new() }
    }

    /// A key is pressed above every hunk, so that all of them move in their line or by one.
    fn press(&mut self) {
        self.version += 1;
        let at = Position { line: 0, character: 0 };
        let range = Range { start: at, end: at };
        let text = if self.version % 10 == 0 { "\n" } else { "x" };
        let changes = vec![TextChange { range: Some(range), text: text.to_owned() }];
        let (uri, version) = (self.uri.clone(), DocumentVersion(self.version));
        let begun = Instant::now();
        let orders = step(&mut self.state, Event::Changed { uri, version, changes });
        self.keys.push(begun.elapsed());
        assert!(notices(&orders) == if text == "\n" { HUNKS } else { 0 }, "{orders:?}");
        let ask = Ask::CodeActions { uri: self.uri.clone(), range };
        let begun = Instant::now();
        let orders = step(&mut self.state, Event::Asked { request: RequestId(1), ask });
        self.actions.push(begun.elapsed());
        assert!(!orders.is_empty());
    }
}
