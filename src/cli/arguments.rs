//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::policy::{HostRule, Mode};

/// Index, search, rewrite and run, with every write reviewed first.
#[derive(Debug, Parser)]
#[command(name = "tagout", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the index of a workspace up to date.
    Index(IndexArguments),
    /// Find code by name or by a question in plain words.
    Search(SearchArguments),
    /// Propose a structural rewrite as a diff.
    Rewrite(RewriteArguments),
    /// Run a command in the sandbox; what it writes comes back as a diff.
    Run(RunArguments),
    /// List the changesets that wait for a decision.
    Changes(WorkspaceArguments),
    /// Print a changeset as a diff.
    Show(ChangesetArguments),
    /// Write a waiting changeset to the workspace.
    Apply(ApplyArguments),
    /// Take an applied changeset back, the last one when none is named.
    Undo(UndoArguments),
    /// Show or set the permission mode of a workspace.
    Mode(ModeArguments),
    /// Show what was asked, judged and done.
    Log(LogArguments),
    /// Say what this machine lacks, and what adds it.
    Doctor(DoctorArguments),
    /// See the whole idea at work on a repository; nothing in it changes.
    Tour(TourArguments),
    /// Serve an editor over standard input and output.
    Lsp,
}

/// Which workspace.
#[derive(Debug, Args)]
pub struct WorkspaceArguments {
    /// Workspace folder.
    #[arg(long = "root", value_name = "FOLDER", default_value = ".")]
    pub root: PathBuf,
}

/// `tagout index`.
#[derive(Debug, Args)]
pub struct IndexArguments {
    /// Workspace folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
}

/// `tagout search`.
#[derive(Debug, Args)]
pub struct SearchArguments {
    /// A name, or a question in plain words.
    #[arg(required = true)]
    pub query: Vec<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
    /// Most answers.
    #[arg(short = 'n', long, default_value_t = 10)]
    pub limit: usize,
    /// Print JSON, one array.
    #[arg(long)]
    pub json: bool,
}

/// `tagout rewrite`.
#[derive(Debug, Args)]
pub struct RewriteArguments {
    /// What to find, in ast-grep's pattern syntax: `$A.unwrap()`.
    #[arg(long)]
    pub pattern: String,
    /// What each match becomes: `$A.expect("checked")`.
    #[arg(long = "to", allow_hyphen_values = true)]
    pub replacement: String,
    /// Language.
    #[arg(long = "lang")]
    pub language: String,
    /// Write the changes instead of only proposing them.
    #[arg(long)]
    pub apply: bool,
    /// Approve exactly what was shown under this hash; once for each file that runs later.
    #[arg(long, value_name = "HASH")]
    pub approve: Vec<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Command and arguments.
    #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
    pub argv: Vec<String>,
    /// Run on the host instead of in the sandbox; needs the mode unrestricted and an approval.
    #[arg(long)]
    pub host: bool,
    /// Hosts that the command may reach from the sandbox: crates.io, *.npmjs.org, host.example:8443.
    #[arg(long, value_name = "HOST", value_delimiter = ',', conflicts_with = "host")]
    pub network: Vec<HostRule>,
    /// Give the command a terminal of its own; what is typed at yours goes there line by line.
    #[arg(long, conflicts_with = "host")]
    pub terminal: bool,
    /// Write what the command wrote to the workspace when it succeeds.
    #[arg(long)]
    pub apply: bool,
    /// Approve exactly what was shown under this hash.
    #[arg(long, value_name = "HASH")]
    pub approve: Option<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// A changeset by its name.
#[derive(Debug, Args)]
pub struct ChangesetArguments {
    /// Name of the changeset, or the beginning of it.
    pub changeset: String,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout apply`.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// Which one.
    #[command(flatten)]
    pub changeset: ChangesetArguments,
    /// Approve exactly what was shown under this hash; once for each file that runs later.
    #[arg(long, value_name = "HASH")]
    pub approve: Vec<String>,
}

/// `tagout undo`.
#[derive(Debug, Args)]
pub struct UndoArguments {
    /// Name of the changeset, or the beginning of it.
    pub changeset: Option<String>,
    /// Approve exactly what was shown under this hash; once for each file that runs later.
    #[arg(long, value_name = "HASH")]
    pub approve: Vec<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout mode`.
#[derive(Debug, Args)]
pub struct ModeArguments {
    /// read-only, workspace-write or unrestricted; without it the present mode is shown.
    pub mode: Option<Mode>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout log`.
#[derive(Debug, Args)]
pub struct LogArguments {
    /// Check first that no record was changed since it was written.
    #[arg(long)]
    pub verify: bool,
    /// How many records.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub count: usize,
    /// Print JSON, one array.
    #[arg(long)]
    pub json: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print JSON, one object.
    #[arg(long)]
    pub json: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout tour`.
#[derive(Debug, Args)]
pub struct TourArguments {
    /// Repository to show it on.
    #[arg(default_value = ".")]
    pub path: PathBuf,
}
