//! From an event to orders. No I/O, no clock, no thread: a session can be recorded and played again.

use super::event::{Ask, Event, Outcome, Update};
use super::notices::Touched;
use super::order::{Answer, JobId, Level, Order, ProgressState, RequestId, Task};
use super::overview::shows_in_overview;
use super::recipes::{Applied, Ended, Proposed, Ran, Report};
use super::state::{Job, Pending, PendingTask, Reply, State};
use crate::changes::summarise;
use crate::ports::{Failure, FailureKind, Progress, Refusal, RefusalKind};
use crate::workspace::{DocumentUri, RelativePath, Root};

/// Answers of a symbol question.
const SYMBOL_LIMIT: usize = 128;
/// Bytes of a command's output kept for the page that shows it.
const OUTPUT_KEPT: usize = 4 * 1024 * 1024;

/// What follows from `event`.
pub fn step(state: &mut State, event: Event) -> Vec<Order> {
    // Typing moves hunks, and time lets go of those at work, also where the notice stays the same.
    let moves = matches!(event, Event::Changed { .. } | Event::Tick) && !state.reviews.is_empty();
    let shows = moves || shows_in_overview(&event);
    let mut orders = follow(state, event);
    orders.extend(state.follow_others());
    orders.extend(state.take_turns());
    orders.extend(state.offer_names());
    orders.extend(state.publish());
    if shows || orders.iter().any(|order| matches!(order, Order::Publish(..))) {
        orders.push(Order::OverviewChanged);
        orders.extend(state.reread());
    }
    orders
}

/// What follows from `event`, without the notices that are others by then.
fn follow(state: &mut State, event: Event) -> Vec<Order> {
    match event {
        Event::Agreed { encoding } => {
            state.encoding = encoding;
            // Ranges count in it.
            state.touched = Touched::All;
            Vec::new()
        }
        Event::FoldersChanged { added, removed } => {
            let mut orders: Vec<Order> = removed.iter().flat_map(|folder| state.close_folder(folder)).collect();
            for folder in added {
                let job = state.begin(None, None);
                state.opening.insert(job, folder.clone());
                orders.push(Order::Start(job, Task::Open(folder)));
            }
            orders
        }
        Event::Configured(settings) => {
            let job = state.begin(None, None);
            vec![Order::Start(job, Task::Configure(settings))]
        }
        Event::Opened { uri, path, version, text } => {
            // It may have been another file.
            state.touch_document(&uri);
            let place = path.as_deref().and_then(|path| state.place_of(path));
            state.documents.open(uri.clone(), (path, place), version, &text);
            // What waits is shown in documents opened later too.
            state.touch_document(&uri);
            state.document_changed(&uri)
        }
        Event::Changed { uri, version, changes } => {
            let encoding = state.encoding;
            state.documents.change(&uri, version, &changes, encoding);
            state.document_changed(&uri)
        }
        Event::Saved { uri } => {
            state.documents.saved(&uri);
            state.refresh_document(&uri)
        }
        Event::Closed { uri } => {
            // Closed, it is what the disk holds.
            let place = state.place(&uri);
            state.touch_document(&uri);
            state.documents.close(&uri);
            place.map_or_else(Vec::new, |(root, path)| {
                // It may be open under another name too.
                state.see_open(&root, std::slice::from_ref(&path));
                state.refresh(&root, vec![path])
            })
        }
        Event::StateChanged => state.state_changed(),
        Event::Noticed(text) => vec![Order::Tell(Level::Warning, format!("tagout: {text}"))],
        Event::FilesChanged { root, paths } => state.refresh(&root, paths),
        Event::Touched { paths } => state.touched(&paths),
        Event::Asked { request, ask } => state.asked(request, ask),
        Event::Withdrawn { request } => state.withdrawn(request),
        Event::StopRequested { job } => vec![Order::Stop(job)],
        Event::EditAnswered { edit, applied, reason } => state.edit_answered(edit, applied, reason),
        Event::Tick => state.tick(),
        Event::Job { job, update } => state.job(job, update),
    }
}

impl State {
    /// Whether something waits for time to pass.
    pub(super) fn waits(&self) -> bool {
        !self.in_flight.is_empty()
    }

    fn close_folder(&mut self, folder: &std::path::Path) -> Vec<Order> {
        let Some(position) = self.workspaces.iter().position(|workspace| workspace.given == folder) else {
            let early = self.opening.iter().filter(|(_, opening)| *opening == folder);
            let orders = early.map(|(job, _)| Order::Stop(*job)).collect();
            self.opening.retain(|_, opening| opening != folder);
            return orders;
        };
        let root = self.workspaces.remove(position).root;
        self.reviews.retain(|open| open.root != root);
        self.pending.retain(|_, pending| pending.root != root);
        let jobs = self.jobs.iter().filter(|(_, job)| job.root.as_ref() == Some(&root));
        let mut orders: Vec<Order> = jobs.map(|(id, _)| Order::Stop(*id)).collect();
        self.relocate();
        orders.extend(self.forget(root));
        orders
    }

    /// Forgets a folder that is open no more.
    pub(super) fn forget(&mut self, root: Root) -> Vec<Order> {
        if self.workspace(&root).is_some() {
            return Vec::new();
        }
        let job = self.begin(None, None);
        vec![Order::Start(job, Task::Forget(root))]
    }

    fn document_changed(&mut self, uri: &DocumentUri) -> Vec<Order> {
        if !self.is_under_review(uri) {
            return Vec::new();
        }
        let mut orders = self.text_came(uri);
        if let Some((root, path)) = self.place(uri) {
            self.see_open(&root, &[path]);
        }
        // Whether there is a byte order mark moves the hunks behind it.
        self.touch_document(uri);
        orders.extend(self.close_settled());
        orders
    }

    fn refresh_document(&mut self, uri: &DocumentUri) -> Vec<Order> {
        self.place(uri).map_or_else(Vec::new, |(root, path)| self.refresh(&root, vec![path]))
    }

    /// Where an open document is.
    fn place(&self, uri: &DocumentUri) -> Option<(Root, RelativePath)> {
        self.documents.get(uri)?.place.clone()
    }

    fn touched(&mut self, paths: &[std::path::PathBuf]) -> Vec<Order> {
        let places =
            paths.iter().filter_map(|path| self.locate(path).map(|(workspace, path)| (workspace.root.clone(), path)));
        let mut by_root = std::collections::BTreeMap::<Root, Vec<RelativePath>>::new();
        for (root, path) in places {
            by_root.entry(root).or_default().push(path);
        }
        by_root.into_iter().flat_map(|(root, paths)| self.refresh(&root, paths)).collect()
    }

    fn asked(&mut self, request: RequestId, ask: Ask) -> Vec<Order> {
        let is_of_folders = matches!(ask, Ask::Symbols { .. } | Ask::Names { .. } | Ask::Command { .. });
        if is_of_folders && !self.opening.is_empty() {
            self.deferred.push((request, ask));
            return Vec::new();
        }
        match ask {
            Ask::CodeActions { uri, range } => {
                vec![Order::Answer(request, Ok(Answer::Actions(self.actions(&uri, range))))]
            }
            Ask::Hover { uri, position } => vec![Order::Answer(request, Ok(Answer::Hover(self.hover(&uri, position))))],
            Ask::Symbols { query } => self.search(request, query, SYMBOL_LIMIT, Reply::Symbols),
            Ask::Names { uri, path, ask } => self.ask_names(request, (&uri, path), ask),
            Ask::Content { uri } => vec![Order::Answer(request, self.content(&uri).map(Answer::Value))],
            Ask::Command { name, arguments } => self.command(request, &name, arguments),
        }
    }

    fn withdrawn(&mut self, request: RequestId) -> Vec<Order> {
        self.deferred.retain(|(waiting, _)| *waiting != request);
        let waits = |job: &Job| job.request.is_some_and(|(waiting, _)| waiting == request);
        self.jobs.iter().filter(|(_, job)| waits(job)).map(|(id, _)| Order::Stop(*id)).collect()
    }

    /// The start of a job that shows progress.
    pub(super) fn started(&self, job: JobId, task: Task) -> Vec<Order> {
        let title = self.jobs.get(&job).and_then(|job| job.title.clone());
        let progress = title.map(|title| Order::Progress(job, ProgressState::Begin(title)));
        progress.into_iter().chain([Order::Start(job, task)]).collect()
    }

    fn job(&mut self, id: JobId, update: Update) -> Vec<Order> {
        match update {
            Update::Progress(progress) => self.progress(id, &progress),
            Update::Output(_, text) => {
                if let Some(job) = self.jobs.get_mut(&id)
                    && job.output.len() + text.len() <= OUTPUT_KEPT
                {
                    job.output.push_str(&text);
                }
                vec![Order::Tell(Level::Log, text)]
            }
            Update::Ended(outcome) => {
                let Some(job) = self.jobs.remove(&id) else { return Vec::new() };
                self.given.extend(job.given.clone().filter(|_| outcome.is_ok()));
                if let Err(failure) = &*outcome {
                    self.note_index_failure(id, &job, failure);
                }
                let mut orders = self.ended(id, &job, *outcome);
                orders.extend(self.ask_deferred(id));
                orders.extend(self.next_of(id, job.root.as_ref()));
                orders
            }
        }
    }

    /// Takes up what was asked before the workspace was open.
    fn ask_deferred(&mut self, ended: JobId) -> Vec<Order> {
        self.opening.remove(&ended);
        if !self.opening.is_empty() {
            return Vec::new();
        }
        let deferred = std::mem::take(&mut self.deferred);
        deferred.into_iter().flat_map(|(request, ask)| self.asked(request, ask)).collect()
    }

    fn progress(&self, id: JobId, progress: &Progress) -> Vec<Order> {
        if self.jobs.get(&id).is_none_or(|job| job.title.is_none()) {
            return Vec::new();
        }
        let percent = progress.total.filter(|total| *total > 0).map(|total| progress.done * 100 / total);
        let percent = percent.and_then(|percent| u32::try_from(percent).ok());
        let counted = progress.total.map_or_else(String::new, |total| format!(" {}/{total}", progress.done));
        vec![Order::Progress(id, ProgressState::Report { message: format!("{}{counted}", progress.stage), percent })]
    }

    fn ended(&mut self, id: JobId, job: &Job, outcome: Result<Outcome, Failure>) -> Vec<Order> {
        let mut last_words = String::new();
        let mut orders = match outcome {
            Err(failure) => {
                last_words = failure.to_string();
                self.failed(job, failure)
            }
            Ok(Outcome::Opened(opened)) => self.opened(id, opened),
            Ok(Outcome::Indexed(summary)) => {
                last_words = summary.to_string();
                self.indexed(summary)
            }
            Ok(Outcome::Found(report)) => found(job, report),
            Ok(Outcome::Packed(packed)) => job.answered(packed.json()),
            Ok(Outcome::Named(report)) => self.named_places(job, report),
            Ok(Outcome::Proposed(proposed)) => {
                last_words = summarise(&proposed.changeset).to_string();
                self.proposed(proposed, &last_words)
            }
            Ok(Outcome::Ran(ran)) => {
                let (words, orders) = self.ran(job, ran);
                last_words = words;
                orders
            }
            Ok(Outcome::Checked(verified)) => {
                let (words, orders) = self.checked(verified);
                last_words = words;
                orders
            }
            Ok(Outcome::Applied(applied)) => {
                let done = matches!(applied, Applied::Done(..));
                let mut orders = self.applied(applied);
                // What can be undone is another by now.
                orders.extend(job.root.as_ref().filter(|_| done).map_or_else(Vec::new, |root| self.look(root)));
                orders
            }
            Ok(Outcome::LastApplied(applied)) => match self.undo(applied) {
                Ok(orders) => orders,
                Err(failure) => self.failed(job, failure),
            },
            Ok(Outcome::ModeSet(root, mode)) => {
                if let Some(workspace) = self.workspace_mut(&root) {
                    workspace.stance.mode = mode;
                }
                vec![Order::Tell(Level::Info, format!("tagout: {} is now {mode}", root.name()))]
            }
            Ok(Outcome::Trusted(stance)) => self.trusted(stance),
            Ok(Outcome::Looked(stance)) => self.looked(stance),
            Ok(Outcome::Shared(root, shared)) => self.shared(&root, shared),
            Ok(Outcome::Seen(root, files)) => self.seen(&root, &files),
            Ok(Outcome::Revoked(name)) => {
                self.given.retain(|given| given.name != name);
                vec![Order::Tell(Level::Info, "tagout: the approval was taken back".to_owned())]
            }
            Ok(Outcome::Recorded) => job.root.as_ref().map_or_else(Vec::new, |root| self.look(root)),
            Ok(Outcome::Configured) => self.look_at_all(),
            Ok(Outcome::Written(path)) => vec![Order::Show(path)],
        };
        if job.title.is_some() {
            orders.push(Order::Progress(id, ProgressState::End(last_words)));
        }
        orders
    }

    fn failed(&mut self, job: &Job, failure: Failure) -> Vec<Order> {
        let mut orders = job.apply.as_ref().map_or_else(Vec::new, |task| self.let_go(task));
        if let (FailureKind::Denied | FailureKind::Stale, Some(root)) = (failure.kind, &job.root) {
            // It may be for a change that nobody has shown yet.
            orders.extend(self.look(root));
        }
        match job.request {
            Some((request, _)) => orders.push(Order::Answer(request, Err(failure))),
            None => {
                let level = match failure.kind {
                    FailureKind::Cancelled => Level::Info,
                    FailureKind::Internal | FailureKind::Io => Level::Error,
                    FailureKind::InvalidInput
                    | FailureKind::NotFound
                    | FailureKind::Denied
                    | FailureKind::NeedsApproval
                    | FailureKind::Stale
                    | FailureKind::Unavailable => Level::Warning,
                };
                orders.push(Order::Tell(level, format!("tagout: {failure}")));
            }
        }
        orders
    }

    fn proposed(&mut self, proposed: Proposed, summary: &str) -> Vec<Order> {
        let Proposed { root, changeset, files, problems } = proposed;
        let mut orders: Vec<Order> = problems
            .iter()
            .map(|problem| Order::Tell(Level::Log, format!("tagout: not searched: {problem}")))
            .collect();
        let text = if changeset.is_empty() {
            format!("tagout: nothing matches in {files} files")
        } else {
            format!("tagout: proposed {} ({summary}; {})", changeset.origin.describe(), changeset.id)
        };
        orders.push(Order::Tell(Level::Info, text));
        self.propose(root, changeset);
        orders
    }

    fn ran(&mut self, job: &Job, ran: Ran) -> (String, Vec<Order>) {
        let ended = match ran {
            Ran::Undecided(task, judgement) => {
                let root = task.root.clone();
                let pending = Pending { root, judgement, task: PendingTask::Run(task) };
                return ("waits for your decision".to_owned(), self.wait_for_user(pending));
            }
            Ran::Done(ended) => ended,
        };
        let words = words(&ended);
        let Ended { root, argv, changeset, dropped_output: dropped, warning, .. } = ended;
        let cut = if dropped > 0 { format!("[{dropped} bytes of output dropped]\n") } else { String::new() };
        self.last_output = Some(format!("$ {}\n{}\n{cut}[{words}]\n", argv.join(" "), job.output));
        let mut orders = vec![Order::Tell(Level::Info, format!("tagout: {}: {words}", argv.join(" ")))];
        orders.extend(
            warning.map(|warning| Order::Tell(Level::Warning, format!("tagout: {}: {warning}", argv.join(" ")))),
        );
        self.propose(root, changeset);
        (words, orders)
    }
}

/// How a command went, for people.
fn words(ended: &Ended) -> String {
    let mut words = super::recipes::describe_exit(&ended.exit);
    for limit in &ended.reached {
        words.push_str(&format!("; came to the {}", super::recipes::describe_limit(limit)));
    }
    if !ended.changeset.is_empty() {
        words.push_str(&format!("; it proposes {}", summarise(&ended.changeset)));
    }
    for (kind, said) in [(RefusalKind::Change, "not taken over: "), (RefusalKind::Note, "")] {
        let names = ended.refused.iter().filter(|refusal| refusal.kind == kind);
        let names: Vec<String> = names.map(|Refusal { path, why, .. }| format!("{path} ({why})")).collect();
        if !names.is_empty() {
            words.push_str(&format!("; {said}{}", names.join(", ")));
        }
    }
    if let Some(hosts) = super::recipes::describe_hosts(&ended.connections) {
        words.push_str(&format!("; it {hosts}"));
    }
    words
}

fn found(job: &Job, report: Report) -> Vec<Order> {
    let failed: Vec<Order> =
        report.failed.iter().map(|text| Order::Tell(Level::Warning, format!("tagout: not searched: {text}"))).collect();
    let answer = job.request.map(|(request, reply)| {
        let answer = match reply {
            Reply::Symbols | Reply::Names => Answer::Symbols(report.symbols()),
            Reply::Json => Answer::Value(report.json()),
        };
        Order::Answer(request, Ok(answer))
    });
    failed.into_iter().chain(answer).collect()
}
