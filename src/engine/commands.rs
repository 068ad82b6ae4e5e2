//! The commands that a client can run: one static list, one JSON object as argument.

use std::path::Path;

use serde_json::{Value, json};

use super::argument::{Argument, wanted};
use super::order::{Answer, JobId, Level, Order, RequestId, Task};
use super::recipes::{ApplyTask, Consent, Keeping, PACK_BUDGET, PackTask, RefactorTask, RunTask, SearchTask, Term};
use super::recipes::{rule_name, session_grant};
use super::state::{Given, Pending, PendingTask, Reply, State};
use crate::changes::{ChangesetId, FileChange, render_changeset, unrejected};
use crate::policy::{Mode, Place, Role};
use crate::ports::{Failure, FailureKind};
use crate::refactor::Work;
use crate::workspace::Root;

/// Every command id, as the server announces it.
pub const COMMANDS: &[&str] = &[
    "tagout.search",
    "tagout.pack",
    "tagout.rewrite",
    "tagout.recipe",
    "tagout.run",
    "tagout.check",
    "tagout.accept",
    "tagout.reject",
    "tagout.showDiff",
    "tagout.showOutput",
    "tagout.setMode",
    "tagout.undo",
    "tagout.approve",
    "tagout.deny",
    "tagout.revoke",
    "tagout.trust",
    "tagout.cancel",
    "tagout.index",
    "tagout.log",
    "tagout.history",
    "tagout.overview",
    "tagout.diff",
];

/// Answers of a search when the client names no number.
const SEARCH_LIMIT: usize = 20;

impl State {
    /// Runs a command; the answer comes at once, or from the job that a search starts.
    pub(super) fn command(&mut self, request: RequestId, name: &str, arguments: Vec<Value>) -> Vec<Order> {
        let outcome = Argument::parse(arguments).and_then(|argument| self.dispatch(request, name, &argument));
        match outcome {
            Ok((None, orders)) => orders,
            Ok((Some(value), mut orders)) => {
                orders.push(Order::Answer(request, Ok(Answer::Value(value))));
                orders
            }
            Err(failure) => {
                vec![Order::Tell(Level::Warning, format!("tagout: {failure}")), Order::Answer(request, Err(failure))]
            }
        }
    }

    fn dispatch(
        &mut self,
        request: RequestId,
        name: &str,
        argument: &Argument,
    ) -> Result<(Option<Value>, Vec<Order>), Failure> {
        let done = |orders| Ok((Some(Value::Null), orders));
        let started = |(job, orders): (JobId, Vec<Order>)| Ok((Some(json!({ "job": job.0 })), orders));
        match name {
            "tagout.search" => {
                let query = wanted(argument.query.clone(), "query")?;
                let limit = argument.limit.unwrap_or(SEARCH_LIMIT);
                Ok((None, self.search(request, query, limit, Reply::Json)))
            }
            "tagout.pack" => self.pack(request, argument).map(|orders| (None, orders)),
            "tagout.rewrite" => started(self.rewrite(argument)?),
            "tagout.recipe" => started(self.recipe(argument)?),
            "tagout.run" => started(self.run(argument)?),
            "tagout.check" => started(self.check(self.root(argument), argument.changeset.as_deref())?),
            "tagout.accept" => {
                let (changeset, selection) = (argument.changeset()?, argument.selection());
                // What waits for its turn has no job yet.
                self.accept_in_turn(changeset, selection)?.map_or_else(|| done(Vec::new()), started)
            }
            "tagout.reject" => done(self.reject(&argument.changeset()?, argument.selection())?),
            "tagout.showDiff" => started(self.show_diff(&argument.changeset()?)?),
            "tagout.showOutput" => started(self.show_output()?),
            "tagout.setMode" => {
                let name = wanted(argument.mode.as_deref(), "mode")?;
                let mode: Mode =
                    name.parse().map_err(|error| Failure::new(FailureKind::InvalidInput, format!("{error}")))?;
                started(self.task(argument, |root| Task::SetMode(root, mode))?)
            }
            "tagout.undo" => {
                let wanted = argument.changeset.as_deref().map(ChangesetId::from_text);
                started(self.task(argument, |root| Task::LoadApplied(root, wanted))?)
            }
            "tagout.approve" => {
                started(self.approve(wanted(argument.decision.as_deref(), "decision")?, argument.term()?)?)
            }
            "tagout.deny" => {
                done(self.deny(wanted(argument.decision.as_deref(), "decision")?, argument.reason.as_deref())?)
            }
            "tagout.revoke" => {
                let name = wanted(argument.grant.clone(), "grant")?;
                started(self.task(argument, |root| Task::Revoke(root, name))?)
            }
            "tagout.trust" => {
                let shown = argument.settings()?;
                started(self.task(argument, |root| Task::Trust(root, shown))?)
            }
            "tagout.cancel" => done(vec![Order::Stop(JobId(wanted(argument.job, "job")?))]),
            "tagout.index" => {
                let root = self.root(argument)?;
                done(self.refresh(&root, Vec::new()))
            }
            "tagout.overview" => Ok((Some(self.overview()), Vec::new())),
            "tagout.diff" => Ok((Some(self.diff(&argument.changeset()?)?), Vec::new())),
            "tagout.log" => started(self.page(Task::LedgerPage)),
            "tagout.history" => started(self.page(Task::HistoryPage)),
            unknown => Err(Failure::new(FailureKind::NotFound, format!("there is no command {unknown}"))
                .hint(format!("use one of {}", COMMANDS.join(", ")))),
        }
    }

    /// Starts a search; its outcome answers `request`.
    pub(super) fn search(&mut self, request: RequestId, query: String, limit: usize, reply: Reply) -> Vec<Order> {
        let roots = self.workspaces.iter().map(|workspace| workspace.root.clone()).collect();
        let texts = !matches!(reply, Reply::Symbols);
        let task = SearchTask { open: self.open_texts(), texts, ..SearchTask::new(roots, query, limit) };
        let job = self.begin(None, None);
        if let Some(running) = self.jobs.get_mut(&job) {
            running.request = Some((request, reply));
        }
        vec![Order::Start(job, Task::Search(task))]
    }

    /// Starts to put a pack together; its outcome answers `request`.
    fn pack(&mut self, request: RequestId, argument: &Argument) -> Result<Vec<Order>, Failure> {
        let text = wanted(argument.task.clone(), "task")?;
        let budget = argument.budget.unwrap_or(PACK_BUDGET);
        let task = PackTask { root: self.root(argument)?, open: self.open_texts(), task: text, budget };
        task.check()?;
        let job = self.begin(None, Some(&task.root));
        if let Some(running) = self.jobs.get_mut(&job) {
            running.request = Some((request, Reply::Json));
        }
        Ok(vec![Order::Start(job, Task::Pack(task))])
    }

    fn rewrite(&mut self, argument: &Argument) -> Result<(JobId, Vec<Order>), Failure> {
        let root = self.root(argument)?;
        let work = Work::Rewrite {
            pattern: wanted(argument.pattern.clone(), "pattern")?,
            replacement: wanted(argument.replacement.clone(), "replacement")?,
            language: wanted(argument.language.clone(), "language")?,
        };
        Ok(self.refactor(root, work, argument.paths.clone(), "tagout: rewrite".to_owned()))
    }

    fn recipe(&mut self, argument: &Argument) -> Result<(JobId, Vec<Order>), Failure> {
        let name = wanted(argument.recipe.clone(), "recipe")?;
        let title = format!("tagout: recipe {name}");
        let work = Work::Recipe { name, parameters: argument.parameters.clone() };
        Ok(self.refactor(self.root(argument)?, work, argument.paths.clone(), title))
    }

    fn refactor(&mut self, root: Root, work: Work, paths: Vec<String>, title: String) -> (JobId, Vec<Order>) {
        let task = RefactorTask {
            root: root.clone(),
            work,
            paths,
            open: self.open_texts(),
            approved: Vec::new(),
            threads: None,
            keeping: Keeping::Shelved,
            plan: None,
        };
        let job = self.begin(Some(title), Some(&root));
        (job, self.started(job, Task::Refactor(task)))
    }

    fn run(&mut self, argument: &Argument) -> Result<(JobId, Vec<Order>), Failure> {
        let place = match argument.place.as_deref() {
            None | Some("sandbox") => Place::Sandbox,
            Some("host") => Place::Host,
            Some(other) => {
                let what = format!("\"{other}\" is no place to run at");
                return Err(Failure::new(FailureKind::InvalidInput, what).hint("use sandbox or host"));
            }
        };
        let argv = wanted(argument.argv.clone(), "argv")?;
        let network = argument.network()?;
        let (root, open) = (self.root(argument)?, self.open_texts());
        let task =
            RunTask { root, argv, place, network, open, consent: Consent::None, role: Role::User, terminal: None };
        Ok(self.start_run(task))
    }

    fn start_run(&mut self, task: RunTask) -> (JobId, Vec<Order>) {
        let root = task.root.clone();
        let job = self.begin(Some(format!("tagout: run {}", task.argv.join(" "))), Some(&root));
        (job, self.started(job, Task::Run(task)))
    }

    fn show_output(&mut self) -> Result<(JobId, Vec<Order>), Failure> {
        let none = || Failure::new(FailureKind::NotFound, "no command has run yet").hint("run one with tagout.run");
        let page = Task::Page { name: "output.txt".to_owned(), text: self.last_output.clone().ok_or_else(none)? };
        let job = self.begin(None, None);
        Ok((job, vec![Order::Start(job, page)]))
    }

    fn show_diff(&mut self, id: &ChangesetId) -> Result<(JobId, Vec<Order>), Failure> {
        let open = self.review(id)?;
        let changeset = open.review.changeset();
        let page =
            Task::Page { name: format!("{}.diff", changeset.id), text: render_changeset(&unrejected(changeset)) };
        let job = self.begin(None, None);
        Ok((job, vec![Order::Start(job, page)]))
    }

    /// The diff of a proposal for a frontend that shows it itself.
    fn diff(&self, id: &ChangesetId) -> Result<Value, Failure> {
        let changeset = self.review(id)?.review.changeset();
        let diff = render_changeset(&unrejected(changeset));
        Ok(json!({ "title": changeset.origin.describe(), "diff": diff }))
    }

    fn task(&mut self, argument: &Argument, task: impl FnOnce(Root) -> Task) -> Result<(JobId, Vec<Order>), Failure> {
        let root = self.root(argument)?;
        let job = self.begin(None, Some(&root));
        Ok((job, vec![Order::Start(job, task(root))]))
    }

    /// Starts to write a page about all workspaces.
    fn page(&mut self, page: impl FnOnce(Vec<Root>) -> Task) -> (JobId, Vec<Order>) {
        let roots = self.workspaces.iter().map(|workspace| workspace.root.clone()).collect();
        let job = self.begin(None, None);
        (job, vec![Order::Start(job, page(roots))])
    }

    /// Takes what waits for an answer to the question of this name. A number would be another's at the next start, and an
    /// editor may keep an answer for longer.
    fn take_pending(&mut self, question: &str) -> Result<Pending, Failure> {
        let asked = |pending: &Pending| pending.judgement.question.as_deref() == Some(question);
        let number = self.pending.iter().find(|(_, pending)| asked(pending)).map(|(number, _)| *number);
        let pending = number.and_then(|number| self.pending.remove(&number)).ok_or_else(no_such_decision)?;
        self.touch_documents(&pending.root);
        Ok(pending)
    }

    fn approve(&mut self, question: &str, term: Term) -> Result<(JobId, Vec<Order>), Failure> {
        let pending = self.take_pending(question)?;
        let given = given(&pending, question, term);
        let consent = Consent::To { question: question.to_owned(), term };
        let (job, orders) = match pending.task {
            PendingTask::Run(task) => self.start_run(RunTask { consent, ..task }),
            PendingTask::Apply(task) => {
                // The file may have been opened, closed or changed since it was asked about.
                let purpose = |changes: &[FileChange]| self.part_of(&task.purpose, changes);
                let tasks = match self.divide(&task.root, task.changes.clone(), purpose) {
                    Ok(tasks) => tasks,
                    Err(failure) => {
                        self.let_go(&task);
                        return Err(failure);
                    }
                };
                self.start_all(tasks.into_iter().map(|task| ApplyTask { consent: consent.clone(), ..task }).collect())
            }
        };
        if let Some(job) = self.jobs.get_mut(&job) {
            job.given = given;
        }
        Ok((job, orders))
    }

    fn deny(&mut self, question: &str, reason: Option<&str>) -> Result<Vec<Order>, Failure> {
        let pending = self.take_pending(question)?;
        let mut orders = match &pending.task {
            PendingTask::Run(_) => Vec::new(),
            PendingTask::Apply(task) => self.let_go(task),
        };
        let job = self.begin(None, Some(&pending.root));
        let reason = reason.unwrap_or_default().to_owned();
        orders.push(Order::Start(job, Task::RecordDenial { root: pending.root, judgement: pending.judgement, reason }));
        Ok(orders)
    }

    /// The workspace that the argument names, or the only one.
    fn root(&self, argument: &Argument) -> Result<Root, Failure> {
        let names = || {
            self.workspaces.iter().map(|workspace| workspace.given.display().to_string()).collect::<Vec<_>>().join(", ")
        };
        match (argument.root.as_deref(), self.workspaces.as_slice()) {
            (Some(wanted), _) => self.locate_root(Path::new(wanted)).ok_or_else(|| {
                Failure::new(FailureKind::NotFound, format!("no workspace folder is open at {wanted}"))
                    .hint(format!("open folders: {}", names()))
            }),
            (None, [only]) => Ok(only.root.clone()),
            (None, []) => Err(Failure::new(FailureKind::NotFound, "no workspace folder is open").hint("open a folder")),
            (None, _) => Err(Failure::new(FailureKind::InvalidInput, "several workspace folders are open")
                .hint(format!("name one as \"root\": {}", names()))),
        }
    }

    fn locate_root(&self, path: &Path) -> Option<Root> {
        let named = |workspace: &&super::state::Workspace| workspace.given == path || workspace.root.as_path() == path;
        self.workspaces.iter().find(named).map(|workspace| workspace.root.clone())
    }
}

/// What holds from here on, so that it can be taken back from where it was given.
fn given(pending: &Pending, question: &str, term: Term) -> Option<Given> {
    let name = match term {
        Term::Once => return None,
        Term::Session => session_grant(question),
        Term::Always => rule_name(question),
    };
    Some(Given { root: pending.root.clone(), name, what: pending.judgement.action.describe() })
}

fn no_such_decision() -> Failure {
    let what = "that decision does not wait here any more: it was approved or denied before";
    Failure::new(FailureKind::NotFound, what).hint("answer what is asked now")
}
