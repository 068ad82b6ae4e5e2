//! What can be typed to index, search and pack.

use std::path::PathBuf;

use clap::Args;

use super::arguments::WorkspaceArguments;
use crate::engine::recipes::PACK_BUDGET;

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
