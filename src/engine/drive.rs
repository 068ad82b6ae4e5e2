//! The loop: events in, orders out, each order carried to a job or to the frontend.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::event::{Event, Outcome, Update};
use super::order::{JobId, Order, Task};
use super::recipes;
use super::sending::send_vectors;
use super::state::State;
use super::step::step;
use super::workbench::Workbench;
use crate::ports::{Cancel, Failure, FailureKind, Progress, WatchGuard};
use crate::workspace::Root;

/// How often time is told while something waits for it.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked whether another process wrote to the state folder.
const NEIGHBOURS: Duration = Duration::from_secs(1);
/// How long the end of the process waits for a write.
const LONGEST_WRITE: Duration = Duration::from_secs(30);
/// Records on the page that shows the ledger.
const LEDGER_PAGE: usize = 200;

/// Where orders for the frontend go.
pub type Outbox = Box<dyn FnMut(Order) + Send>;

/// A running session: hand it events; orders for the frontend come through the outbox it was started with.
#[derive(Clone)]
pub struct Engine {
    workbench: Arc<Workbench>,
    events: Sender<Event>,
    writing: Arc<Writing>,
    jobs: Jobs,
}

/// The jobs that run, and how to stop each.
type Jobs = Arc<Mutex<BTreeMap<JobId, Cancel>>>;

/// Counts the writes that were ordered and have not ended.
#[derive(Default)]
struct Writing {
    count: Mutex<usize>,
    ended: Condvar,
}

impl Writing {
    fn change(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.count.lock().unwrap_or_else(PoisonError::into_inner));
        self.ended.notify_all();
    }
}

impl Engine {
    /// Starts the loop on a thread of its own; it lasts as long as the process.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(workbench: Arc<Workbench>, outbox: Outbox) -> Result<Self, Failure> {
        let (events, received) = channel();
        let (serial, queue) = channel();
        let (writing, jobs) = (Arc::<Writing>::default(), Jobs::default());
        let carrier = Carrier {
            workbench: Arc::clone(&workbench),
            events: events.clone(),
            serial,
            writing: Arc::clone(&writing),
            jobs: Arc::clone(&jobs),
            watches: Watches::default(),
        };
        let (worker, neighbours) = (carrier.worker(), carrier.worker());
        spawn("tagout-effects", move || worker.work(&queue))?;
        spawn("tagout-neighbours", move || neighbours.watch_state())?;
        let sending = Arc::clone(&workbench);
        spawn("tagout-vectors", move || send_vectors(&sending))?;
        spawn("tagout-engine", move || run(carrier, &received, outbox))?;
        Ok(Self { workbench, events, writing, jobs })
    }

    /// Stops every job and waits, within bounds, until no write is under way: for the end of the process, which must
    /// not cut a change in two.
    pub fn settle(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(Cancel::cancel);
        let count = self.writing.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Past the bound the process ends all the same: a disk that hangs must not keep it for ever.
        drop(self.writing.ended.wait_timeout_while(count, LONGEST_WRITE, |count| *count > 0));
        self.workbench.finish();
    }

    /// Hands in an event; never blocks.
    pub fn send(&self, event: Event) {
        if self.events.send(event).is_err() {
            tracing::error!("the engine has ended: an event is lost");
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map(|_| ()).map_err(|error| Failure::io("starting a thread", &error).hint("raise the limit on processes"))
}

fn run(mut carrier: Carrier, received: &Receiver<Event>, mut outbox: Outbox) {
    let mut state = State::default();
    let mut ticked = carrier.workbench.clock.now_ms();
    loop {
        let event = if state.waits() {
            received.recv_timeout(TICK)
        } else {
            received.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match event {
            Ok(event) => carry_out(&mut carrier, &mut state, event, &mut outbox),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // Time is told however busy the editor is: what waits for it must not wait for silence as well.
        let now = carrier.workbench.clock.now_ms();
        if !state.waits() {
            ticked = now;
        } else if Duration::from_millis(now.abs_diff(ticked)) >= TICK {
            ticked = now;
            carry_out(&mut carrier, &mut state, Event::Tick, &mut outbox);
        }
    }
}

/// Decides what follows from one event and carries it out.
fn carry_out(carrier: &mut Carrier, state: &mut State, event: Event, outbox: &mut Outbox) {
    let asked = if let Event::Asked { request, .. } = &event { Some(*request) } else { None };
    // A fault in one step must not end the session: the event is lost, whoever asked is told, the rest goes on.
    let orders = catch_unwind(AssertUnwindSafe(|| step(state, event))).unwrap_or_else(|_| {
        let fault = || Failure::new(FailureKind::Internal, "this failed inside: see the log, and report it");
        asked.map(|request| Order::Answer(request, Err(fault()))).into_iter().collect()
    });
    for order in orders {
        match order {
            Order::Start(job, task) => carrier.start(job, task),
            Order::Stop(job) => carrier.stop(job),
            order @ (Order::Answer(..)
            | Order::Publish(..)
            | Order::Edit { .. }
            | Order::Show(..)
            | Order::Tell(..)
            | Order::Progress(..)
            | Order::OverviewChanged
            | Order::Reread(_)
            | Order::Offer(_)) => outbox(order),
        }
    }
    carrier.jobs().retain(|job, _| state.jobs.contains_key(job));
}

/// Carries orders to jobs.
struct Carrier {
    workbench: Arc<Workbench>,
    events: Sender<Event>,
    /// Queue of the one thread that writes: two changes never race.
    serial: Sender<(JobId, Task, Cancel)>,
    writing: Arc<Writing>,
    jobs: Jobs,
    watches: Watches,
}

/// The watches that are kept alive.
type Watches = Arc<Mutex<BTreeMap<Root, WatchGuard>>>;

impl Carrier {
    fn worker(&self) -> Worker {
        Worker {
            workbench: Arc::clone(&self.workbench),
            events: self.events.clone(),
            writing: Arc::clone(&self.writing),
            watches: Arc::clone(&self.watches),
        }
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, Cancel>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self, job: JobId) {
        if let Some(cancel) = self.jobs().get(&job) {
            cancel.cancel();
        }
    }

    fn start(&mut self, job: JobId, task: Task) {
        let cancel = Cancel::default();
        self.jobs().insert(job, cancel.clone());
        let worker = self.worker();
        if is_serial(&task) {
            self.writing.change(|count| *count += 1);
            if self.serial.send((job, task, cancel)).is_err() {
                self.writing.change(|count| *count -= 1);
                worker.end(job, Err(Failure::new(FailureKind::Internal, "the writer has ended: restart tagout")));
            }
            return;
        }
        let spare = self.worker();
        if let Err(failure) = spawn("tagout-job", move || worker.job(job, task, &cancel)) {
            spare.end(job, Err(failure));
        }
    }
}

/// Whether a task writes what others of its kind write too.
fn is_serial(task: &Task) -> bool {
    match task {
        Task::Apply(_)
        | Task::Record(_)
        | Task::RecordDenial { .. }
        | Task::Revoke(..)
        | Task::Trust(..)
        | Task::LoadApplied(..)
        | Task::Settle(..)
        | Task::Reject(..)
        // After what this session rejects and settles, which is not to come back.
        | Task::Share(..)
        | Task::NoteUndone(..)
        | Task::SetMode(..)
        | Task::Configure(_)
        | Task::Open(_) => true,
        Task::Index(_)
        | Task::Refresh(..)
        | Task::Look(_)
        | Task::See(..)
        | Task::Search(_)
        | Task::Pack(_)
        | Task::Names(_)
        | Task::Refactor(_)
        | Task::Run(_)
        | Task::Check(_)
        | Task::Page { .. }
        | Task::LedgerPage(_)
        | Task::HistoryPage(_)
        | Task::Forget(_) => false,
    }
}

/// Does the work of jobs.
struct Worker {
    workbench: Arc<Workbench>,
    events: Sender<Event>,
    writing: Arc<Writing>,
    watches: Watches,
}

impl Worker {
    fn work(&self, queue: &Receiver<(JobId, Task, Cancel)>) {
        for (job, task, cancel) in queue {
            self.job(job, task, &cancel);
            self.writing.change(|count| *count -= 1);
        }
    }

    /// Watches the files of `root`, here and not in the loop: a large tree takes a while to walk.
    fn watch(&self, root: &Root, cancel: &Cancel) {
        let (events, watched) = (self.events.clone(), root.clone());
        let changed = move |paths| {
            // The engine ending is no reason to say anything.
            let _ = events.send(Event::FilesChanged { root: watched.clone(), paths });
        };
        match self.workbench.files.watch(root, Box::new(changed)) {
            Ok(guard) => {
                let mut watches = self.watches();
                // Who closes a folder stops its jobs first: one that comes too late leaves no watch behind.
                if !cancel.is_cancelled() {
                    drop(watches.insert(root.clone(), guard));
                }
            }
            Err(failure) => tracing::warn!("{} is not watched: {failure}", root.as_path().display()),
        }
    }

    /// Tells when another process writes to the state folder, and what an index says that is written beside all jobs. The
    /// file system may be one that tells nobody of changes; the number costs a hundredth of a millisecond.
    fn watch_state(&self) {
        let mut known = None;
        loop {
            thread::sleep(NEIGHBOURS);
            for notice in self.workbench.take_index_notices() {
                // The engine ending means that nobody wants to know.
                let _ = self.events.send(Event::Noticed(notice));
            }
            // Before a folder is open there is nothing to compare, and maybe no state folder.
            if self.watches().is_empty() {
                continue;
            }
            let Ok(version) = self.workbench.shelf.version() else { continue };
            // The first is news too: something may have been written since the folder was read.
            if known.replace(version) != Some(version) && self.events.send(Event::StateChanged).is_err() {
                return;
            }
        }
    }

    fn watches(&self) -> MutexGuard<'_, BTreeMap<Root, WatchGuard>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn job(&self, job: JobId, task: Task, cancel: &Cancel) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.perform(job, task, cancel)));
        let fault = |_| {
            Err(Failure::new(FailureKind::Internal, "a job failed by a fault of tagout's own")
                .hint("see the log and report it"))
        };
        self.end(job, outcome.unwrap_or_else(fault));
    }

    fn end(&self, job: JobId, outcome: Result<Outcome, Failure>) {
        self.tell(job, Update::Ended(Box::new(outcome)));
    }

    fn tell(&self, job: JobId, update: Update) {
        // The engine ending first means that nobody wants to know.
        let _ = self.events.send(Event::Job { job, update });
    }

    fn page(&self, name: &str, text: &str) -> Result<Outcome, Failure> {
        (self.workbench.write_page)(name, text).map(Outcome::Written)
    }

    fn perform(&self, job: JobId, task: Task, cancel: &Cancel) -> Result<Outcome, Failure> {
        let workbench = &*self.workbench;
        let report = |progress: Progress| self.tell(job, Update::Progress(progress));
        match task {
            Task::Open(folder) => recipes::open(workbench, &folder).map(Outcome::Opened),
            Task::Index(root) => {
                self.watch(&root, cancel);
                recipes::index(workbench, &root, cancel, &report).map(Outcome::Indexed)
            }
            Task::Refresh(root, paths) => {
                recipes::refresh(workbench, &root, &paths, cancel, &report).map(Outcome::Indexed)
            }
            Task::Search(task) => recipes::search(workbench, &task, cancel).map(Outcome::Found),
            Task::Pack(task) => recipes::pack(workbench, &task, cancel).map(Outcome::Packed),
            Task::Names(task) => recipes::symbols(workbench, &task, cancel).map(Outcome::Named),
            Task::Refactor(task) => recipes::refactor(workbench, &task, cancel, &report).map(Outcome::Proposed),
            Task::Run(task) => {
                let output = |stream, text: &str| self.tell(job, Update::Output(stream, text.to_owned()));
                recipes::run(workbench, task, &output, cancel).map(Outcome::Ran)
            }
            Task::Check(task) => recipes::verify(workbench, &task, cancel, &report).map(Outcome::Checked),
            Task::Apply(task) => recipes::apply(workbench, task).map(Outcome::Applied),
            Task::Record(task) => recipes::record(workbench, &task).map(|()| Outcome::Recorded),
            Task::RecordDenial { root, judgement, reason } => {
                recipes::deny(workbench, &root, &judgement, &reason).map(|()| Outcome::Recorded)
            }
            Task::Revoke(root, name) => recipes::revoke(workbench, &root, &name).map(|()| Outcome::Revoked(name)),
            Task::Look(root) => recipes::look(workbench, &root).map(Outcome::Looked),
            Task::Share(root, known) => {
                recipes::share(workbench, &root, &known).map(|shared| Outcome::Shared(root, shared))
            }
            Task::See(root, paths) => Ok(Outcome::Seen(root.clone(), recipes::read_files(workbench, &root, paths))),
            Task::Trust(root, shown) => {
                recipes::trust_as_shown(workbench, &root, shown)?;
                recipes::look(workbench, &root).map(Outcome::Trusted)
            }
            Task::LoadApplied(root, wanted) => {
                recipes::last_applied(workbench, &root, wanted.as_ref()).map(Outcome::LastApplied)
            }
            Task::NoteUndone(root, id) => recipes::note_undone(workbench, &root, &id).map(|()| Outcome::Recorded),
            Task::Settle(root, id) => recipes::settle(workbench, &root, &id).map(|()| Outcome::Recorded),
            Task::Reject(root, id, rejected) => {
                recipes::reject(workbench, &root, &id, rejected).map(|()| Outcome::Recorded)
            }
            Task::SetMode(root, mode) => {
                recipes::set_mode(workbench, &root, mode).map(|()| Outcome::ModeSet(root, mode))
            }
            Task::Page { name, text } => self.page(&name, &text),
            Task::LedgerPage(roots) => self.page("ledger.txt", &recipes::ledger_page(workbench, &roots, LEDGER_PAGE)?),
            Task::HistoryPage(roots) => self.page("history.txt", &recipes::history_page(workbench, &roots)?),
            Task::Configure(settings) => {
                workbench.configure(settings);
                Ok(Outcome::Configured)
            }
            Task::Forget(root) => {
                self.watches().remove(&root);
                workbench.forget(&root);
                Ok(Outcome::Recorded)
            }
        }
    }
}
