//! What can be typed to index, search and pack.

use std::path::PathBuf;

use clap::Args;

use super::arguments::WorkspaceArguments;
use crate::config::{SharedName, SharedPlace};
use crate::engine::recipes::PACK_BUDGET;

/// `tagout index`.
#[derive(Debug, Args)]
pub struct IndexArguments {
    /// Workspace folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Share the index afterwards, there or where the settings say: s3://bucket/prefix or file:///folder.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    pub publish: Option<Option<SharedPlace>>,
    /// Take what is true of these files from the index that is shared there, and not from where the settings say.
    #[arg(long, value_name = "URL")]
    pub shared: Option<SharedPlace>,
    /// What the workspace is called where its index is shared; what its repository is called when left out.
    #[arg(long, value_name = "NAME", value_parser = shared_name)]
    pub shared_name: Option<SharedName>,
    /// Yes to the question of this name, which was asked before.
    #[arg(long, value_name = "QUESTION", requires = "publish")]
    pub approve: Option<String>,
}

fn shared_name(text: &str) -> Result<SharedName, &'static str> {
    SharedName::new(text).ok_or("a name has letters, digits and . _ - between slashes")
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
    /// What the question is after; told by its words when left out.
    #[arg(long = "for", value_name = "WHAT")]
    pub intent: Option<SearchIntent>,
    /// Show what made each score.
    #[arg(long)]
    pub explain: bool,
    /// Print JSON, one array.
    #[arg(long)]
    pub json: bool,
}

/// What a question is after.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum SearchIntent {
    /// What has this name.
    Symbol,
    /// The definition that does what is described.
    Behaviour,
    /// The files that a task or a topic is about, each once first.
    File,
}

/// `tagout pack`.
#[derive(Debug, Args)]
pub struct PackArguments {
    /// What is to be done, in plain words and names: "retry when the server is busy", "fix Root::join in src/root.rs".
    #[arg(required = true)]
    pub task: Vec<String>,
    /// Most tokens, by an estimate that is meant to be high.
    #[arg(long, value_name = "TOKENS", default_value_t = PACK_BUDGET)]
    pub budget: usize,
    /// Print JSON, one object.
    #[arg(long)]
    pub json: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}
