//! What goes out: work for a job, or something for a frontend to show or do.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::naming::Targets;
use super::recipes::{
    ApplyTask, Granted, Judgement, PackTask, RecordTask, RefactorTask, Report, RunTask, SearchTask, SymbolAnswer,
    SymbolTask, VerifyTask,
};
use crate::changes::{ChangesetId, Rejected};
use crate::policy::Mode;
use crate::ports::Failure;
use crate::syntax::Language;
use crate::text::Range;
use crate::workspace::{ContentHash, DocumentUri, DocumentVersion, RelativePath, Root};

/// Names a request of a frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Names an edit that the client was asked to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditId(pub u64);

/// A document as a frontend can name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Open in the editor, under this URI.
    Document(DocumentUri),
    /// Not open: a path.
    File(PathBuf),
}

/// Something to show at a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where.
    pub range: Range,
    /// What.
    pub message: String,
}

/// What an action is, for editors that group them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Settles something that waits: accept, reject, approve, deny.
    QuickFix,
    /// Proposes changes.
    Refactor,
    /// Anything about the workspace.
    Source,
}

/// Something that can be done: always a command, never an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionItem {
    /// What people read.
    pub title: String,
    /// Group.
    pub kind: ActionKind,
    /// Command id, one of [`super::COMMANDS`].
    pub command: &'static str,
    /// The command's one argument.
    pub argument: Value,
}

/// One place that answers a symbol question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Name, or what stands for it.
    pub name: String,
    /// Definition around it.
    pub container: Option<String>,
    /// What it is.
    pub kind: crate::syntax::ChunkKind,
    /// File.
    pub path: PathBuf,
    /// Lines, zero-based, the last one excluded.
    pub lines: std::ops::Range<u32>,
}

/// The answer to an [`super::Ask`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To `CodeActions`.
    Actions(Vec<ActionItem>),
    /// To `Hover`: Markdown.
    Hover(Option<String>),
    /// To `Symbols`.
    Symbols(Vec<Symbol>),
    /// To `Names`: the answer, and how to call the files in it.
    Names(SymbolAnswer, Targets),
    /// To `Command`.
    Value(Value),
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Goes to the log only.
    Log,
    /// For information.
    Info,
    /// Something waits for the user, which a client that shows the overview says itself.
    Question,
    /// Something is off.
    Warning,
    /// Something failed.
    Error,
}

/// A stage of a job's progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgressState {
    /// It begins, under this title.
    Begin(String),
    /// It goes on.
    Report {
        /// What it does.
        message: String,
        /// Percent done, when known.
        percent: Option<u32>,
    },
    /// It ended, with this last message.
    End(String),
}

/// Work for a job.
#[derive(Debug)]
pub enum Task {
    /// Open a workspace folder: its mode, settings, commands.
    Open(PathBuf),
    /// Bring the whole index of a workspace up to date and watch its files.
    Index(Root),
    /// Bring the index up to date for some paths; none: all.
    Refresh(Root, Vec<RelativePath>),
    /// Find chunks.
    Search(SearchTask),
    /// Put together what somebody needs to see to do a task.
    Pack(PackTask),
    /// Find where a name leads.
    Names(SymbolTask),
    /// Make what a recipe, or a step of one, does into a changeset.
    Refactor(RefactorTask),
    /// Run a command.
    Run(RunTask),
    /// Run the project's checks over changes.
    Check(VerifyTask),
    /// Write changes.
    Apply(ApplyTask),
    /// Record how an edit by the editor ended.
    Record(RecordTask),
    /// Record that the user denied an action.
    RecordDenial {
        /// Workspace.
        root: Root,
        /// The action.
        judgement: Judgement,
        /// Why, in the user's words; empty for none.
        reason: String,
    },
    /// Take an approval back.
    Revoke(Root, String),
    /// Look at how a workspace stands.
    Look(Root),
    /// Look at what files hold.
    See(Root, Vec<RelativePath>),
    /// Compare the shelf with the changesets that are known, and what is known to be rejected of them.
    Share(Root, Vec<(ChangesetId, Vec<Rejected>)>),
    /// Trust a workspace with the settings whose hash was shown.
    Trust(Root, ContentHash),
    /// Load what was applied last, or of the named changeset.
    LoadApplied(Root, Option<ChangesetId>),
    /// Take a proposal off the list of those that wait.
    Settle(Root, ChangesetId),
    /// Keep what was rejected of a proposal.
    Reject(Root, ChangesetId, Vec<Rejected>),
    /// Change the mode.
    SetMode(Root, Mode),
    /// Write a page that people can look at.
    Page {
        /// File name.
        name: String,
        /// Content.
        text: String,
    },
    /// Write the ledger's last records as a page.
    LedgerPage(Vec<Root>),
    /// Write what became of every changeset as a page.
    HistoryPage(Vec<Root>),
    /// Take over the editor's settings.
    Configure(Value),
    /// Note that nothing of what was applied of a proposal is left in the files.
    NoteUndone(Root, ChangesetId),
    /// Forget a closed workspace folder.
    Forget(Root),
}

/// Something to do.
#[derive(Debug)]
pub enum Order {
    /// Start a job.
    Start(JobId, Task),
    /// Stop a job.
    Stop(JobId),
    /// Answer a request.
    Answer(RequestId, Result<Answer, Failure>),
    /// Show these notices at a document in place of those before.
    Publish(Target, Vec<Notice>),
    /// Ask the client to make an edit.
    Edit {
        /// Names the edit.
        edit: EditId,
        /// Document.
        uri: DocumentUri,
        /// Version of the text that the ranges are over.
        version: DocumentVersion,
        /// Ranges and what replaces them, all over the same text.
        edits: Vec<(Range, String)>,
        /// Leave to do so.
        grant: Granted,
    },
    /// Open a file for the user to look at.
    Show(PathBuf),
    /// Say something.
    Tell(Level, String),
    /// Show how far a job is.
    Progress(JobId, ProgressState),
    /// Say that what `tagout.overview` answers may be another by now.
    OverviewChanged,
    /// Ask for a document of the server's to be read again, by its URI.
    Reread(String),
    /// Say for which languages questions about names are answered from now on.
    Offer(BTreeSet<Language>),
}

impl From<Report> for Answer {
    fn from(report: Report) -> Self {
        Self::Symbols(report.symbols())
    }
}
