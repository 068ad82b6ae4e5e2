//! What comes in: from a frontend, or from a job that ended.

use std::path::PathBuf;

use serde_json::Value;

use super::naming::NameAsk;
use super::order::{EditId, JobId, RequestId};
use super::recipes::{
    Applied, IndexSummary, LastApplied, Opened, Packed, Proposed, Ran, Report, Shared, Stance, SymbolReport, Verified,
};
use crate::policy::Mode;
use crate::ports::{Failure, OutputStream, Progress};
use crate::text::{Encoding, Position, Range};
use crate::workspace::{DocumentUri, DocumentVersion, FileState, RelativePath, Root};

/// One change of a document's text, as an editor sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextChange {
    /// What is replaced; `None` for the whole text.
    pub range: Option<Range>,
    /// What takes its place.
    pub text: String,
}

/// A question that a frontend wants answered, by [`super::Order::Answer`].
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// What can be done at a range.
    CodeActions {
        /// Document.
        uri: DocumentUri,
        /// Selection or cursor.
        range: Range,
    },
    /// What there is to say at a position.
    Hover {
        /// Document.
        uri: DocumentUri,
        /// Where.
        position: Position,
    },
    /// Code that answers a question, over all workspaces.
    Symbols {
        /// Name or plain words.
        query: String,
    },
    /// Where names lead.
    Names {
        /// Document.
        uri: DocumentUri,
        /// Its path, when the URI names a file.
        path: Option<PathBuf>,
        /// What.
        ask: NameAsk,
    },
    /// What a document shows that is a side of a proposal, by its URI as [`super::COMMANDS`]' `tagout.overview` has it.
    Content {
        /// Document.
        uri: String,
    },
    /// Run one of [`super::COMMANDS`].
    Command {
        /// Command id.
        name: String,
        /// Its arguments, as the client sent them.
        arguments: Vec<Value>,
    },
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The client and the server agreed on how to count characters.
    Agreed {
        /// Encoding of all positions from now on.
        encoding: Encoding,
    },
    /// Workspace folders came or went.
    FoldersChanged {
        /// New folders, as the client names them.
        added: Vec<PathBuf>,
        /// Folders that are gone.
        removed: Vec<PathBuf>,
    },
    /// The editor's settings for tagout; they can only narrow, like a workspace's own file.
    Configured(Value),
    /// A document was opened.
    Opened {
        /// Its URI.
        uri: DocumentUri,
        /// Its path, when the URI names a file.
        path: Option<PathBuf>,
        /// Its version.
        version: DocumentVersion,
        /// Its text.
        text: String,
    },
    /// A document's text changed.
    Changed {
        /// Its URI.
        uri: DocumentUri,
        /// Version after the changes.
        version: DocumentVersion,
        /// Changes, each over the text that the one before left.
        changes: Vec<TextChange>,
    },
    /// A document was written to disk by the editor.
    Saved {
        /// Its URI.
        uri: DocumentUri,
    },
    /// A document was closed.
    Closed {
        /// Its URI.
        uri: DocumentUri,
    },
    /// Another process wrote to the state folder.
    StateChanged,
    /// Something happened beside all jobs that the user should know of.
    Noticed(String),
    /// The watcher saw files of a workspace change; none named: anything may have.
    FilesChanged {
        /// Workspace.
        root: Root,
        /// Paths.
        paths: Vec<RelativePath>,
    },
    /// The client says that files changed on disk.
    Touched {
        /// Absolute paths.
        paths: Vec<PathBuf>,
    },
    /// A frontend asks.
    Asked {
        /// Names the answer.
        request: RequestId,
        /// What.
        ask: Ask,
    },
    /// A frontend wants no answer any more.
    Withdrawn {
        /// The request.
        request: RequestId,
    },
    /// The user stopped a job from its progress.
    StopRequested {
        /// The job.
        job: JobId,
    },
    /// The client answered an edit, or never did (`applied` is then false).
    EditAnswered {
        /// The edit.
        edit: EditId,
        /// What the client claims.
        applied: bool,
        /// Its reason, when it gave one.
        reason: Option<String>,
    },
    /// Time passed; sent every second while something waits.
    Tick,
    /// A job has news.
    Job {
        /// The job.
        job: JobId,
        /// The news.
        update: Update,
    },
}

/// News of a job.
#[derive(Debug)]
pub enum Update {
    /// It is further.
    Progress(Progress),
    /// Its command printed something.
    Output(OutputStream, String),
    /// It ended.
    Ended(Box<Result<Outcome, Failure>>),
}

/// What came of a job.
#[derive(Debug)]
pub enum Outcome {
    /// A workspace is open.
    Opened(Opened),
    /// An index is fresh.
    Indexed(IndexSummary),
    /// Chunks that answer.
    Found(Report),
    /// What somebody needs to see to do a task.
    Packed(Packed),
    /// Where a name leads.
    Named(SymbolReport),
    /// A rewrite became a changeset, maybe an empty one.
    Proposed(Proposed),
    /// A command ran, or waits for an approval.
    Ran(Ran),
    /// Checks were run.
    Checked(Verified),
    /// Changes were written, handed to the editor, or wait for an approval.
    Applied(Applied),
    /// What was applied last.
    LastApplied(LastApplied),
    /// The mode of a workspace is set.
    ModeSet(Root, Mode),
    /// A record was written.
    Recorded,
    /// The editor's settings hold.
    Configured,
    /// The approval of this name holds no more.
    Revoked(String),
    /// A workspace is trusted, and stands so now.
    Trusted(Stance),
    /// How a workspace stands.
    Looked(Stance),
    /// What other processes did to what waits in a workspace.
    Shared(Root, Shared),
    /// What files hold.
    Seen(Root, Vec<(RelativePath, Option<FileState>)>),
    /// A page for people was written to this path.
    Written(PathBuf),
}
