//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::editor_arguments::SetupArguments;
use super::recipe_arguments::{BatchArguments, ProposalArguments, RecipeArguments};
use super::retrieve_arguments::{IndexArguments, PackArguments, SearchArguments};
use crate::policy::{HostRule, Mode, Role};

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
    /// Print what somebody needs to see to do a task, as Markdown for a model.
    Pack(PackArguments),
    /// Propose a structural rewrite as a diff.
    Rewrite(RewriteArguments),
    /// List recipes, and propose what one does as a diff.
    Recipe(RecipeArguments),
    /// Run the items of a plan, one after another, headless.
    Batch(BatchArguments),
    /// Run a command in the sandbox; what it writes comes back as a diff.
    Run(RunArguments),
    /// Run the project's checks in the sandbox, over a waiting changeset or the workspace as it is.
    Check(CheckArguments),
    /// List the changesets that wait for a decision, and those that can be undone.
    Changes(ChangesArguments),
    /// Print a changeset as a diff.
    Show(ChangesetArguments),
    /// Write a waiting changeset to the workspace.
    Apply(ApplyArguments),
    /// Reject a waiting changeset, or what waits of it in some files.
    Reject(RejectArguments),
    /// Take an applied changeset back, the last one when none is named.
    Undo(UndoArguments),
    /// Show or set the permission mode of a workspace.
    Mode(ModeArguments),
    /// List the settings: what each is for, who may set it, and what is wrong with those of a workspace.
    Settings(SettingsArguments),
    /// Have an editor start the server: write or print its configuration, and take it back.
    Setup(SetupArguments),
    /// Trust a workspace as its settings are now, so that commands run in it and its mode may be raised.
    Trust(TrustArguments),
    /// List what holds without being asked about, and take it back.
    Grants(GrantsArguments),
    /// Check, explain, test and replay the rules.
    Policy(PolicyArguments),
    /// Verify, export and rotate the record of what was done.
    Audit(AuditArguments),
    /// Show what was asked, judged and done.
    Log(LogArguments),
    /// Say what this machine lacks, and what adds it.
    Doctor(DoctorArguments),
    /// See the whole idea at work on a repository; nothing in it changes.
    Tour(TourArguments),
    /// Serve an editor over standard input and output.
    Lsp,
}

/// `tagout settings`.
#[derive(Debug, Args)]
pub struct SettingsArguments {
    /// Print the JSON Schema that editors complete and check `.tagout.toml` and `config.toml` by.
    #[arg(long)]
    pub schema: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// Which workspace.
#[derive(Debug, Args)]
pub struct WorkspaceArguments {
    /// Workspace folder.
    #[arg(long = "root", value_name = "FOLDER", default_value = ".")]
    pub root: PathBuf,
}

/// `tagout rewrite`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["pattern", "rule", "regex"]))]
pub struct RewriteArguments {
    /// What to find, in ast-grep's pattern syntax: `$A.unwrap()`.
    #[arg(long, requires = "replacement", requires = "language")]
    pub pattern: Option<String>,
    /// A file of ast-grep rules, as it is.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["replacement", "language"])]
    pub rule: Option<PathBuf>,
    /// What to find, as a regular expression over files of any kind that are text.
    #[arg(long, value_name = "EXPRESSION", requires = "replacement", conflicts_with = "language")]
    pub regex: Option<String>,
    /// What each match becomes: `$A.expect("checked")`; `$1` in one of a regular expression.
    #[arg(long = "to", allow_hyphen_values = true)]
    pub replacement: Option<String>,
    /// Language.
    #[arg(long = "lang")]
    pub language: Option<String>,
    /// The proposal.
    #[command(flatten)]
    pub proposal: ProposalArguments,
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
    /// Answer the question of this name with yes.
    #[arg(long, value_name = "QUESTION")]
    pub approve: Option<String>,
    /// Answer it for good, by a rule for exactly this command; `tagout grants` takes it back.
    #[arg(long, requires = "approve")]
    pub always: bool,
    /// Run with no more powers than this role has.
    #[arg(long, default_value_t = Role::User)]
    pub role: Role,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Name of the changeset, or the beginning of it; without one the workspace is checked as it is.
    pub changeset: Option<String>,
    /// Answer the question of this name with yes; once for each check that asks.
    #[arg(long, value_name = "QUESTION")]
    pub approve: Vec<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout changes`.
#[derive(Debug, Args)]
pub struct ChangesArguments {
    /// List everything that is kept, the latest first, with what became of it.
    #[arg(long)]
    pub all: bool,
    /// Print JSON, one array, the latest first.
    #[arg(long)]
    pub json: bool,
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
    /// Answer the question of this name with yes; once for each file that runs later.
    #[arg(long, value_name = "QUESTION")]
    pub approve: Vec<String>,
}

/// `tagout reject`.
#[derive(Debug, Args)]
pub struct RejectArguments {
    /// Which one.
    #[command(flatten)]
    pub changeset: ChangesetArguments,
    /// Only what waits in this file, as `tagout show` names it; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub file: Vec<String>,
}

/// `tagout undo`.
#[derive(Debug, Args)]
pub struct UndoArguments {
    /// Name of the changeset, or the beginning of it.
    pub changeset: Option<String>,
    /// Answer the question of this name with yes; once for each file that runs later.
    #[arg(long, value_name = "QUESTION")]
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

/// `tagout trust`.
#[derive(Debug, Args)]
pub struct TrustArguments {
    /// Only show what trust would be bound to.
    #[arg(long, conflicts_with = "forget")]
    pub show: bool,
    /// Trust it no more.
    #[arg(long)]
    pub forget: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout grants`.
#[derive(Debug, Args)]
pub struct GrantsArguments {
    /// Take back what is listed under this name.
    #[arg(long, value_name = "NAME")]
    pub revoke: Option<String>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout policy`.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// What can be done with rules.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Load all rules, try their examples and say what is wrong.
    Check,
    /// Say what would become of a command, or what became of a record, with every rule that matched.
    Explain {
        /// Number of a record, as `tagout log` has it.
        #[arg(conflicts_with_all = ["argv", "host", "network"])]
        record: Option<u64>,
        /// Command and arguments.
        #[arg(last = true, required_unless_present = "record")]
        argv: Vec<String>,
        /// As if it were to run on the host.
        #[arg(long)]
        host: bool,
        /// Hosts that it would ask for.
        #[arg(long, value_name = "HOST", value_delimiter = ',', conflicts_with = "host")]
        network: Vec<HostRule>,
        /// As if this role asked.
        #[arg(long, default_value_t = Role::User)]
        role: Role,
    },
    /// Judge a table of cases and say which come out otherwise than wanted.
    Test {
        /// The table, in TOML: see the documentation.
        file: PathBuf,
    },
    /// Judge past actions again with another policy in the place of yours.
    Replay {
        /// The policy, in the form of config.toml.
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// Only actions of so many days.
        #[arg(long, value_name = "DAYS")]
        since_days: Option<u32>,
    },
    /// Show what the rules in config.toml that are not accepted yet would change.
    Review,
    /// Accept config.toml as it was reviewed.
    Accept {
        /// The hash that the review shows.
        hash: String,
    },
}

/// `tagout audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// What can be done with the record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that every record is as it was written, and none is missing.
    Verify,
    /// Print the records, one a line.
    Export {
        /// In which form.
        #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
        format: ExportFormat,
        /// Only those of so many days.
        #[arg(long, value_name = "DAYS")]
        since_days: Option<u32>,
    },
    /// Move old records to a file of their own, where they are still verified.
    Rotate {
        /// Most records that stay.
        #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
        keep_records: u64,
        /// Records of so many days stay.
        #[arg(long, value_name = "DAYS")]
        keep_days: Option<u32>,
    },
}

/// The form of exported records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// A JSON object a line.
    Json,
    /// OpenTelemetry's logs, in OTLP's JSON.
    Otlp,
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
