//! Typing and accepting over three files in random order, with an editor whose messages take their time: whatever comes
//! first, no byte is wrong.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one order among many")]

use std::collections::VecDeque;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::event::{Ask, Event, Outcome, TextChange};
use super::order::{EditId, JobId, Order, RequestId, Task};
use super::play::{ended, granted, opened, started};
use super::recipes::{Applied, Proposed, Purpose};
use super::state::State;
use super::step::step;
use crate::changes::{Changeset, FileChange, Origin};
use crate::text::{Edit, Encoding, Range, Snapshot, apply_edits};
use crate::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

const LINES: usize = 9;
const FILES: usize = 3;

/// How the lines of a file end.
fn end(file: usize) -> &'static str {
    if file == 1 { "\r\n" } else { "\n" }
}

/// A line that stands nowhere else.
fn old(file: usize, line: usize) -> String {
    format!("😀 {file}.{line}ä{}", end(file))
}

/// What the proposal makes of each third line: one, two, or none.
fn new(file: usize, line: usize) -> String {
    let changed = format!("NEW {file}.{line} 🎉{}", end(file));
    match line % 9 {
        1 => changed,
        4 => format!("{changed}{changed}"),
        7 => String::new(),
        _ => old(file, line),
    }
}

/// Line that hunk `hunk` of a file is about.
fn line_of(hunk: usize) -> usize {
    1 + 3 * hunk
}

/// An edit that the server asked for: of which document, over which version.
type Asked = (EditId, usize, DocumentVersion, Vec<(Range, String)>);

/// An editor with three documents, and messages that are under way.
struct Editor {
    texts: [(String, i32); FILES],
    to_server: VecDeque<Event>,
    from_server: VecDeque<Asked>,
    jobs: Vec<(JobId, Task)>,
    typed: usize,
    made: usize,
    /// Whether the server was not told yet what a document holds.
    untold: [bool; FILES],
    left_out: LeftOut,
}

/// What an editor says of an edit over an older text, which it does not make.
#[derive(Debug, Clone, Copy)]
enum LeftOut {
    /// That it refuses.
    Refused,
    /// That it made it (Neovim 0.11).
    ClaimedMade,
}

fn uri(file: usize) -> DocumentUri {
    DocumentUri(format!("file:///w/{file}.txt"))
}

impl Editor {
    fn take(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                // How the workspace stands does not change here.
                Order::Start(_, Task::Look(_)) => {}
                Order::Start(job, task) => self.jobs.push((job, task)),
                Order::Edit { edit, uri: at, version, edits, .. } => {
                    let file = (0..FILES).find(|file| uri(*file) == at).unwrap();
                    self.from_server.push_back((edit, file, version, edits));
                }
                _ => {}
            }
        }
    }

    /// The user replaces `goes` lines from line `at` on by a new one, or by none.
    fn types(&mut self, file: usize, at: usize, goes: usize, comes: bool, tells: bool) {
        let (text, version) = &mut self.texts[file];
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let at = at % (lines.len() + 1);
        self.typed += 1;
        let line = comes.then(|| format!("typed {}{}", self.typed, end(file)));
        lines.splice(at..(at + goes).min(lines.len()), line);
        *text = lines.concat();
        *version += 1;
        self.untold[file] = !tells;
        if tells {
            self.tell(file);
        }
    }

    /// Some editors wait a little and tell of several changes at once.
    fn tell_late(&mut self, file: usize) {
        if self.untold[file] {
            self.tell(file);
        }
    }

    fn tell(&mut self, file: usize) {
        self.untold[file] = false;
        let (text, version) = &self.texts[file];
        let changes = vec![TextChange { range: None, text: text.clone() }];
        self.to_server.push_back(Event::Changed { uri: uri(file), version: DocumentVersion(*version), changes });
    }

    /// The server hears the next thing that it was told.
    fn hear(&mut self, state: &mut State) {
        if let Some(event) = self.to_server.pop_front() {
            let orders = step(state, event);
            self.take(orders);
        }
    }

    /// Makes the next edit that the server asked for, unless its text is another by now.
    fn make(&mut self, state: &State, answers_first: bool) {
        let Some((edit, file, version, edits)) = self.from_server.pop_front() else { return };
        let (text, now) = &mut self.texts[file];
        if version != DocumentVersion(*now) {
            let answer = match self.left_out {
                LeftOut::Refused => {
                    let reason = Some("the document changed".to_owned());
                    Event::EditAnswered { edit, applied: false, reason }
                }
                LeftOut::ClaimedMade => Event::EditAnswered { edit, applied: true, reason: None },
            };
            self.to_server.push_back(answer);
            return;
        }
        let snapshot = Snapshot::from(text.as_str());
        let edits: Vec<Edit> = edits
            .into_iter()
            .map(|(range, replacement)| Edit { span: snapshot.span(range, Encoding::Utf16), replacement })
            .collect();
        let made = apply_edits(text, &edits).unwrap();
        // Those lines are others now, and nothing else is.
        if let Some(in_flight) = state.in_flight.get(&edit) {
            let Purpose::Accept { hunks, .. } = &in_flight.task.purpose else { panic!("no undo was asked for") };
            let wanted = hunks.iter().fold(text.clone(), |text, id| {
                let line = line_of(id.hunk);
                assert_eq!(text.matches(&old(file, line)).count(), 1);
                text.replace(&old(file, line), &new(file, line))
            });
            assert_eq!(made, wanted);
        }
        *text = made;
        *now += 1;
        self.made += 1;
        let answer = Event::EditAnswered { edit, applied: true, reason: None };
        if answers_first {
            self.to_server.push_back(answer);
            self.tell(file);
        } else {
            self.tell(file);
            self.to_server.push_back(answer);
        }
    }

    /// Whether nothing is under way.
    fn is_idle(&self) -> bool {
        self.to_server.is_empty() && self.from_server.is_empty() && self.jobs.is_empty()
    }

    /// Ends a job.
    fn end(&mut self, state: &mut State, which: usize) {
        if self.jobs.is_empty() {
            return;
        }
        let (job, task) = self.jobs.swap_remove(which % self.jobs.len());
        let outcome = match task {
            Task::Apply(task) => {
                let granted = granted(&task);
                Outcome::Applied(Applied::ForEditor(task, granted))
            }
            Task::Look(root) => Outcome::Looked(opened(&root).stance),
            Task::See(root, _) => Outcome::Seen(root, Vec::new()),
            _ => Outcome::Recorded,
        };
        let orders = step(state, ended(job, outcome));
        self.take(orders);
    }
}

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    Type { file: usize, at: usize, goes: usize, comes: bool, tells: bool },
    TellLate { file: usize },
    Accept { file: usize, hunk: Option<usize> },
    Reject { file: usize, hunk: usize },
    Hear,
    Make { answers_first: bool },
    End { which: usize },
    Tick,
}

fn happening() -> impl Strategy<Value = Happening> {
    let file = 0..FILES;
    prop_oneof![
        3 => (file.clone(), 0..LINES, 0..2_usize, any::<bool>(), any::<bool>())
            .prop_map(|(file, at, goes, comes, tells)| Happening::Type { file, at, goes, comes, tells }),
        2 => file.clone().prop_map(|file| Happening::TellLate { file }),
        4 => (file.clone(), prop::option::weighted(0.8, 0..3_usize))
            .prop_map(|(file, hunk)| Happening::Accept { file, hunk }),
        1 => (file, 0..3_usize).prop_map(|(file, hunk)| Happening::Reject { file, hunk }),
        6 => Just(Happening::Hear),
        4 => any::<bool>().prop_map(|answers_first| Happening::Make { answers_first }),
        4 => (0..8_usize).prop_map(|which| Happening::End { which }),
        1 => Just(Happening::Tick),
    ]
}

/// A session with all three documents open and a proposal for each.
fn session(left_out: LeftOut) -> (State, Editor, String) {
    let mut state = State::default();
    let root = Root::new("/w").unwrap();
    let orders = step(&mut state, Event::FoldersChanged { added: vec![PathBuf::from("/w")], removed: vec![] });
    let job = started(&orders, |task| matches!(task, Task::Open(_)));
    step(&mut state, ended(job, Outcome::Opened(opened(&root))));
    let text = |of: fn(usize, usize) -> String, file| (0..LINES).map(|line| of(file, line)).collect::<String>();
    let change = |file: usize| FileChange {
        path: RelativePath::new(format!("{file}.txt")).unwrap(),
        before: Some(FileState::text(text(old, file))),
        after: Some(FileState::text(text(new, file))),
    };
    for file in 0..FILES {
        let path = Some(PathBuf::from(format!("/w/{file}.txt")));
        let opened = Event::Opened { uri: uri(file), path, version: DocumentVersion(1), text: text(old, file) };
        step(&mut state, opened);
    }
    let changeset = Changeset::new(Origin::User, (0..FILES).map(change).collect());
    let id = changeset.id.to_string();
    let job = state.begin(None, Some(&root));
    step(&mut state, ended(job, Outcome::Proposed(Proposed { root, changeset, files: FILES, problems: vec![] })));
    let editor = Editor {
        texts: [0, 1, 2].map(|file| (text(old, file), 1)),
        to_server: VecDeque::new(),
        from_server: VecDeque::new(),
        jobs: Vec::new(),
        typed: 0,
        made: 0,
        untold: [false; FILES],
        left_out,
    };
    (state, editor, id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_comes_first_no_byte_is_wrong(
        happenings in prop::collection::vec(happening(), 10..80),
        left_out in prop_oneof![Just(LeftOut::Refused), Just(LeftOut::ClaimedMade)],
    ) {
        let (mut state, mut editor, id) = session(left_out);
        let ask = |name: &str, argument| {
            let ask = Ask::Command { name: name.to_owned(), arguments: vec![argument] };
            Event::Asked { request: RequestId(1), ask }
        };
        for happening in happenings {
            match happening {
                Happening::Type { file, at, goes, comes, tells } => editor.types(file, at, goes, comes, tells),
                Happening::TellLate { file } => editor.tell_late(file),
                Happening::Accept { file, hunk } => {
                    let argument = json!({ "changeset": id, "file": file, "hunk": hunk });
                    editor.to_server.push_back(ask("tagout.accept", argument));
                }
                Happening::Reject { file, hunk } => {
                    let argument = json!({ "changeset": id, "file": file, "hunk": hunk });
                    editor.to_server.push_back(ask("tagout.reject", argument));
                }
                Happening::Hear => editor.hear(&mut state),
                Happening::Make { answers_first } => editor.make(&state, answers_first),
                Happening::End { which } => editor.end(&mut state, which),
                Happening::Tick => editor.take(step(&mut state, Event::Tick)),
            }
        }
        // Everything that is under way arrives, and what does not is given up.
        (0..FILES).for_each(|file| editor.tell_late(file));
        while !editor.is_idle() || state.waits() {
            if editor.is_idle() {
                editor.take(step(&mut state, Event::Tick));
            }
            editor.hear(&mut state);
            editor.make(&state, true);
            editor.end(&mut state, 0);
        }
        for (file, (text, _)) in editor.texts.iter().enumerate() {
            prop_assert_eq!(&state.documents.get(&uri(file)).unwrap().text.to_string(), text);
            // An accepted line is there once, and never beside the line it replaced.
            for line in (0..LINES).filter(|line| !new(file, *line).is_empty() && new(file, *line) != old(file, *line)) {
                prop_assert!(text.matches(&new(file, line)).count() + text.matches(&old(file, line)).count() <= 1);
            }
        }
        prop_assert!(state.in_flight.is_empty() && state.turns.is_empty(), "nothing is waited for any more");
        prop_assert!(state.reviews.iter().all(|open| open.in_flight.is_empty()), "no hunk is held back for good");
    }
}

#[test]
fn the_play_makes_edits_at_all() {
    let (mut state, mut editor, id) = session(LeftOut::Refused);
    let ask = Ask::Command { name: "tagout.accept".to_owned(), arguments: vec![json!({ "changeset": id })] };
    editor.to_server.push_back(Event::Asked { request: RequestId(1), ask });
    for _ in 0..20 {
        editor.hear(&mut state);
        editor.make(&state, false);
        editor.end(&mut state, 0);
    }
    assert_eq!(editor.made, FILES);
    assert!(state.reviews.is_empty(), "all of it is accepted");
}
